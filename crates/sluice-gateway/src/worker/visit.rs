//! One visitor's connection.

use std::cell::Cell;
use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::task::{Context, Poll};
use std::time::Duration;

use http::{HeaderValue, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::{Link, Stage, Wire, Worker};
use crate::answer::Trouble;
use crate::options::Limits;
use crate::proxy::{self, Origin, ResponseBody};

/// How long a refused visitor may go on sending before the connection is cut. Long enough for the refusal to arrive
/// over a bad line.
const LINGER_TIME: Duration = Duration::from_secs(2);
/// The parser's buffer for one head; see [`Limits::head_bytes_max`], which is enforced before the parser.
const PARSER_BYTES_MIN: usize = 8 * 1024;
/// After which the system asks a quiet visitor whether they are still there.
const KEEPALIVE_TIME: Duration = Duration::from_secs(60);
/// What the parser keeps on its stack; see [`Limits::headers_max`].
const PARSER_HEADERS: usize = 100;

/// A visitor's connection, as its requests and its worker see it.
pub(crate) struct Visit {
    pub(crate) link: Arc<Link>,
    pub(crate) origin: Origin,
    /// What the connection's task should do next.
    order: Cell<Order>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Serve,
    /// End when the request in flight is answered, or now.
    Finish,
    /// End now.
    Cut,
}

impl Visit {
    pub(super) fn new(socket: &TcpStream, ticks: &Arc<AtomicU64>) -> io::Result<Visit> {
        socket.set_nodelay(true)?;
        let keepalive = socket2::TcpKeepalive::new().with_time(KEEPALIVE_TIME);
        socket2::SockRef::from(socket).set_tcp_keepalive(&keepalive)?;
        let origin = Origin::of(socket.peer_addr()?.ip());
        Ok(Visit { link: Arc::new(Link::new(Arc::clone(ticks))), origin, order: Cell::new(Order::Serve) })
    }

    /// Serves requests until the connection ends.
    pub(super) async fn serve(self: &Rc<Self>, worker: &Rc<Worker>, socket: TcpStream) {
        let limits = &worker.shared.limits;
        let wire = Wire::new(socket, Arc::clone(&self.link), limits);
        let service = service_fn(|request| self.answer(worker, request));
        let mut builder = http1::Builder::new();
        // Slow heads are the sweep's business: a timer to each request costs more than all of them.
        builder.header_read_timeout(None).max_buf_size(limits.head_bytes_max.max(PARSER_BYTES_MIN));
        if limits.headers_max > PARSER_HEADERS {
            builder.max_headers(limits.headers_max);
        }
        let connection = builder.serve_connection(TokioIo::new(wire), service).with_upgrades();
        let mut connection = pin!(connection);
        loop {
            tokio::select! {
                ended = &mut connection => {
                    if let Err(error) = ended {
                        tracing::trace!(%error, "A visitor's connection broke");
                    }
                    return;
                }
                () = self.link.changed.notified() => {
                    if self.order.get() == Order::Cut {
                        return;
                    }
                    if self.order.get() == Order::Finish || self.link.refusal().is_some() {
                        connection.as_mut().graceful_shutdown();
                    }
                }
            }
        }
    }

    async fn answer(
        self: &Rc<Self>,
        worker: &Rc<Worker>,
        request: Request<Incoming>,
    ) -> Result<Response<ResponseBody>, Infallible> {
        let mut response = Contained(Box::pin(proxy::answer(worker, self, request))).await;
        self.link.settle_upgrade(response.status() == StatusCode::SWITCHING_PROTOCOLS);
        if worker.is_draining() && response.status() != StatusCode::SWITCHING_PROTOCOLS {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        Ok(response)
    }

    /// Ends the connection when it is too slow.
    pub(super) fn enforce(&self, limits: &Limits, sweep_time: Duration) {
        let elapsed = |ticks: u64| sweep_time.saturating_mul(u32::try_from(ticks).unwrap_or(u32::MAX));
        let in_stage = elapsed(self.link.ticks_in_stage());
        match self.link.stage() {
            Stage::Head if in_stage >= limits.head_time_max => self.link.refuse(Trouble::RequestTimeout),
            Stage::Idle if in_stage >= limits.idle_time_max => self.order(Order::Finish),
            Stage::Closing if in_stage >= LINGER_TIME => self.order(Order::Cut),
            _ => {}
        }
        if elapsed(self.link.ticks_stalled()) >= limits.stall_time_max {
            self.order(Order::Cut);
        }
    }

    /// Ends the connection when the request in flight is answered, or now.
    pub(super) fn drain(&self) {
        self.order(Order::Finish);
    }

    fn order(&self, order: Order) {
        if self.order.replace(order) != order {
            self.link.changed.notify_one();
        }
    }
}

/// A request's handling, whose panic is an answer: it must not take the connection, or the worker, with it.
struct Contained<F>(Pin<Box<F>>);

impl<F: Future<Output = Response<ResponseBody>>> Future for Contained<F> {
    type Output = Response<ResponseBody>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // What a panic leaves half done is the request's own: it is dropped with the future.
        catch_unwind(AssertUnwindSafe(|| self.0.as_mut().poll(cx))).unwrap_or_else(|_| {
            tracing::error!("A request's handling panicked; the visitor got an error");
            Poll::Ready(proxy::own_fault())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_an_answer() {
        let response = Contained(Box::pin(async { panic!("a fault of the gateway") })).await;
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(response.headers()["x-sluice-error"], "internal");
    }
}
