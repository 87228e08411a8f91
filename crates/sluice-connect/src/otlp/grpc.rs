//! `opentelemetry.proto.collector.metrics.v1.MetricsService` over gRPC.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::net::TcpListener;
use tonic::body::Body;
use tonic::codec::CompressionEncoding;
use tonic::server::{Grpc, NamedService, UnaryService};
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};
use tonic_prost::ProstCodec;

use super::http::{BODY_BYTES_MAX, response_to};
use super::message::{ExportRequest, ExportResponse};
use crate::inbox::Inbox;

/// Where `Export` is.
const EXPORT: &str = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export";
/// How long one export may take.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// Senders wait for one export before they begin the next.
const STREAMS_MAX: u32 = 16;
/// Connections that are still open so long after the server was told to stop are cut.
const STOP_WITHIN: Duration = Duration::from_secs(5);

/// Takes metrics over gRPC until `stop` is ready; exports that have begun are answered, for up to five seconds.
///
/// # Errors
/// When the listener breaks.
pub async fn serve_otlp_grpc(
    listener: TcpListener,
    inbox: Arc<Inbox>,
    stop: impl Future<Output = ()> + Send,
) -> Result<(), tonic::transport::Error> {
    let (stopped, mut is_stopped) = tokio::sync::watch::channel(false);
    let serving = tonic::transport::Server::builder()
        .timeout(REQUEST_TIMEOUT)
        .max_concurrent_streams(STREAMS_MAX)
        .add_service(MetricsService { inbox })
        .serve_with_incoming_shutdown(TcpIncoming::from(listener), async move {
            // It fails when the sender is dropped, which is a reason to stop, too.
            drop(is_stopped.wait_for(|stopped| *stopped).await);
        });
    let mut serving = std::pin::pin!(serving);
    tokio::select! {
        served = &mut serving => return served,
        () = stop => {}
    }
    stopped.send_replace(true);
    tokio::time::timeout(STOP_WITHIN, serving).await.unwrap_or(Ok(()))
}

#[derive(Clone)]
struct MetricsService {
    inbox: Arc<Inbox>,
}

impl NamedService for MetricsService {
    const NAME: &'static str = "opentelemetry.proto.collector.metrics.v1.MetricsService";
}

type Answering<T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send>>;

impl tower::Service<http::Request<Body>> for MetricsService {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Answering<http::Response<Body>, Infallible>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let service = self.clone();
        Box::pin(async move {
            if request.uri().path() != EXPORT {
                return Ok(Status::unimplemented("the only method here is `Export`").into_http());
            }
            let mut grpc = Grpc::new(ProstCodec::default())
                .accept_compressed(CompressionEncoding::Gzip)
                .max_decoding_message_size(BODY_BYTES_MAX);
            Ok(grpc.unary(service, request).await)
        })
    }
}

impl UnaryService<ExportRequest> for MetricsService {
    type Response = ExportResponse;
    type Future = Answering<Response<ExportResponse>, Status>;

    fn call(&mut self, request: Request<ExportRequest>) -> Self::Future {
        let receipt = self.inbox.take(request.get_ref());
        Box::pin(async move { Ok(Response::new(response_to(receipt))) })
    }
}
