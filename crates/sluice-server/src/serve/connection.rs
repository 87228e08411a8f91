//! One connection: HTTP/1.1 with bounds on heads and on the patience with slow clients.

use std::future::Future;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpStream;
use tokio::sync::watch;

use super::patience::Patient;

/// How long the head of a request may take, and how long a connection may lie idle between requests.
const HEAD_TIME_MAX: Duration = Duration::from_secs(30);

/// The largest head. A browser sends one or two kilobytes; hyper takes no less than eight.
const HEAD_BYTES_MAX: usize = 32 * 1024;

/// How many headers a request may have.
const HEADERS_MAX: usize = 64;

/// How long a client may leave a response unread.
const WRITE_TIME_MAX: Duration = Duration::from_secs(30);

/// Answers the requests of one connection until it closes or the server stops; a request that is under way then is
/// still answered.
pub(super) fn serve(
    stream: TcpStream,
    app: Router,
    mut stopping: watch::Receiver<bool>,
) -> impl Future<Output = ()> + Send {
    // Answers are small and written whole: waiting for more to send would only delay them.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY could not be set");
    }
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME_MAX)
        .max_buf_size(HEAD_BYTES_MAX)
        .max_headers(HEADERS_MAX)
        .serve_connection(TokioIo::new(Patient::new(stream, WRITE_TIME_MAX)), TowerToHyperService::new(app));
    async move {
        let mut connection = std::pin::pin!(connection);
        // A sender that is gone has stopped too.
        let stop = async move { drop(stopping.wait_for(|stopping| *stopping).await) };
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = stop => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        // A client that goes away or talks nonsense is its own affair.
        if let Err(error) = ended {
            tracing::debug!(%error, "a connection ended early");
        }
    }
}
