//! A health check over HTTP/2, and by gRPC's own protocol for it.

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Version};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::TokioIo;

use super::probe::{GRPC_HEALTH_PATH, Sick};
use crate::dial::Stream;
use crate::table::Endpoint;
use crate::worker::OnThisThread;

/// A health check answers with a word, not with a page.
const ANSWER_BYTES_MAX: usize = 16 * 1024;
/// A message without content: about the server as a whole.
const GRPC_REQUEST: &[u8] = &[0, 0, 0, 0, 0];
/// A message that says `status: SERVING`.
const GRPC_SERVING: &[u8] = &[0, 0, 0, 0, 2, 8, 1];

/// A connection of HTTP/2 that is only asked for health.
pub(super) struct Http2Probe {
    sender: SendRequest<Full<Bytes>>,
}

impl Http2Probe {
    /// # Errors
    /// When the connection breaks.
    pub(super) async fn open(stream: Stream) -> Result<Http2Probe, Sick> {
        let (sender, connection) = http2::handshake(OnThisThread, TokioIo::new(stream)).await?;
        tokio::task::spawn_local(async move {
            if let Err(error) = connection.await {
                tracing::trace!(%error, "A connection for health checks broke");
            }
        });
        Ok(Http2Probe { sender })
    }

    /// # Errors
    /// When the endpoint does not answer that it is well.
    pub(super) async fn ask(&mut self, endpoint: &Endpoint, path: &str) -> Result<(), Sick> {
        let is_grpc = path == GRPC_HEALTH_PATH;
        let response = self.sender.send_request(request(endpoint, path, is_grpc)?).await?;
        let status = response.status().as_u16();
        if !(200..400).contains(&status) {
            return Err(Sick::Status(status));
        }
        let (head, body) = response.into_parts();
        let collected = Limited::new(body, ANSWER_BYTES_MAX).collect().await;
        let collected = match collected {
            Ok(collected) => collected,
            Err(error) => match error.downcast::<hyper::Error>() {
                Ok(error) => return Err(Sick::BrokenHttp2(*error)),
                // Longer than a word, and so not gRPC's; the head has said that all is well.
                Err(_) if !is_grpc => return Ok(()),
                Err(_) => return Err(Sick::NotServing),
            },
        };
        let told = grpc_status(&head.headers).or_else(|| collected.trailers().and_then(grpc_status));
        match told {
            Some(status) if status != "0" => Err(Sick::Grpc(status)),
            None if is_grpc => Err(Sick::NotServing),
            _ if is_grpc && collected.to_bytes() != GRPC_SERVING => Err(Sick::NotServing),
            _ => Ok(()),
        }
    }
}

fn grpc_status(headers: &HeaderMap) -> Option<String> {
    Some(String::from_utf8_lossy(headers.get("grpc-status")?.as_bytes()).into_owned())
}

fn request(endpoint: &Endpoint, path: &str, is_grpc: bool) -> Result<Request<Full<Bytes>>, Sick> {
    let scheme = if endpoint.trust.is_some() { "https" } else { "http" };
    let request = Request::builder()
        .version(Version::HTTP_2)
        .uri(format!("{scheme}://{}{path}", endpoint.spec.authority()))
        .header("user-agent", "sluice-health");
    let request = if is_grpc {
        let request = request.method(Method::POST).header("content-type", "application/grpc");
        request.header("te", "trailers").body(Full::from(GRPC_REQUEST))
    } else {
        request.header("accept", "*/*").body(Full::default())
    };
    // Documents check the path.
    request.map_err(|_| Sick::NotHttp)
}
