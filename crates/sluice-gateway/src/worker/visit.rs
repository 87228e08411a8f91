//! One visitor's connection.

use std::cell::Cell;
use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use http::{HeaderValue, Request, Response, StatusCode, Version, header};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::entry::{Entered, Speaks, enter};
use super::http2::{self, Rewound};
use super::{Link, Socket, Stage, Wire, Worker};
use crate::answer::Trouble;
use crate::listen::Door;
use crate::options::Limits;
use crate::proxy::{self, Left, Origin, ResponseBody};

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
    link: Arc<Link>,
    address: IpAddr,
    /// What the connection's task should do next.
    order: Cell<Order>,
    /// Whether the short way should end when the request in flight is answered.
    must_finish: Cell<bool>,
}

/// Who asks, as the handling of a request sees them.
pub(crate) struct Caller {
    pub(crate) link: Arc<Link>,
    pub(crate) origin: Rc<Origin>,
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
        let address = socket.peer_addr()?.ip();
        Ok(Visit {
            link: Arc::new(Link::new(Arc::clone(ticks))),
            address,
            order: Cell::new(Order::Serve),
            must_finish: Cell::new(false),
        })
    }

    /// Serves requests until the connection ends.
    pub(super) async fn serve(self: &Rc<Self>, worker: &Rc<Worker>, socket: TcpStream, door: &Door) {
        let entered = tokio::select! {
            entered = enter(socket, door) => entered,
            () = self.is_sent_away() => return,
        };
        match entered {
            Ok(entered) => {
                let address = entered.visitor.unwrap_or(self.address);
                let trusted = &worker.shared.attributes.trusted_proxies;
                let origin = Rc::new(Origin::of(address, door.tls.is_some(), trusted));
                match entered.speaks {
                    Speaks::Http1 => self.serve_http1(worker, entered, origin).await,
                    Speaks::Http2 => self.serve_http2(worker, entered, origin).await,
                }
            }
            Err(error) => tracing::debug!(%error, address = %self.address, "A visitor was not let in"),
        }
    }

    /// Waits until the connection, on which nothing was asked yet, must end. One that only should end is served once, as
    /// it may have asked already.
    async fn is_sent_away(&self) {
        while self.order.get() != Order::Cut && self.link.refusal().is_none() {
            self.link.changed.notified().await;
        }
    }

    /// Plain requests go the short way, and from the first that is not, all go the long one.
    async fn serve_http1(self: &Rc<Self>, worker: &Rc<Worker>, entered: Entered, origin: Rc<Origin>) {
        let caller = Caller { link: Arc::clone(&self.link), origin };
        let (mut socket, mut first) = (entered.socket, entered.first);
        // What the access log tells is known on the long way only.
        if worker.shared.has_fast_path && worker.pen.is_none() {
            let left = self.serve_fast(proxy::serve_fast(worker, &caller, socket, first, &self.must_finish));
            let Some(Left::Handed(handed, held)) = left.await else { return };
            (socket, first) = (handed, held);
        }
        // Boxed: it is large, and most connections never need it.
        Box::pin(self.serve_hyper(worker, caller, socket, first)).await;
    }

    /// Runs the short way to its end; `None` when it was cut.
    async fn serve_fast(&self, serving: impl Future<Output = Left>) -> Option<Left> {
        let mut serving = pin!(serving);
        loop {
            match self.order.get() {
                Order::Cut => return None,
                Order::Finish => self.must_finish.set(true),
                Order::Serve => {}
            }
            tokio::select! {
                biased;
                left = &mut serving => return Some(left),
                () = self.link.changed.notified() => {}
            }
        }
    }

    async fn serve_hyper(
        self: &Rc<Self>,
        worker: &Rc<Worker>,
        caller: Caller,
        socket: Socket,
        first: Vec<u8>,
    ) {
        let limits = &worker.shared.limits;
        let wire = Wire::new(socket, first, Arc::clone(&self.link), limits);
        let origin = Rc::clone(&caller.origin);
        let service = service_fn(|request| answer(worker, &caller, request));
        let mut builder = http1::Builder::new();
        // Slow heads are the sweep's business: a timer to each request costs more than all of them.
        builder.header_read_timeout(None).max_buf_size(limits.head_bytes_max.max(PARSER_BYTES_MIN));
        if limits.headers_max > PARSER_HEADERS {
            builder.max_headers(limits.headers_max);
        }
        let connection = builder.serve_connection(TokioIo::new(wire), service).with_upgrades();
        self.drive(pin!(connection), |connection| connection.graceful_shutdown()).await;
        if let (Some(pen), Some(trouble)) = (&worker.pen, self.link.refusal()) {
            pen.refuse_bytes(&origin, trouble, || worker.shadows.draw());
        }
    }

    async fn serve_http2(self: &Rc<Self>, worker: &Rc<Worker>, entered: Entered, origin: Rc<Origin>) {
        self.link.enter(Stage::Idle);
        let limits = &worker.shared.limits;
        let link = Arc::clone(&self.link);
        let socket = Rewound { socket: entered.socket, first: entered.first, link: Arc::clone(&link) };
        let headers_max = limits.headers_max;
        let serving = Rc::clone(worker);
        let service = service_fn(move |mut request| {
            let caller = Caller { link: Arc::new(Link::of_stream(&link)), origin: Rc::clone(&origin) };
            let worker = Rc::clone(&serving);
            async move {
                match http2::normalise(&mut request, headers_max) {
                    Ok(()) => answer(&worker, &caller, request).await,
                    Err(trouble) => {
                        let parts = request.into_parts().0;
                        let record = worker.pen.as_ref().map(|pen| {
                            let trusted = &worker.shared.attributes.trusted_proxies;
                            let from = caller.origin.forwarded(&parts.headers, trusted);
                            let draw = || worker.shadows.draw();
                            pen.begin(&parts, from, None, Instant::now(), draw)
                        });
                        Ok(proxy::refuse(&worker, trouble, &parts, record))
                    }
                }
            }
        });
        let connection = http2::builder(limits).serve_connection(TokioIo::new(socket), service);
        self.drive(pin!(connection), |connection| connection.graceful_shutdown()).await;
    }

    /// Runs a connection to its end, or to the one that is ordered.
    async fn drive<C, E>(&self, mut connection: Pin<&mut C>, finish: impl Fn(Pin<&mut C>))
    where
        C: Future<Output = Result<(), E>>,
        E: std::fmt::Display,
    {
        loop {
            // Looked at first: it may have been ordered before there was a connection to tell.
            if self.order.get() == Order::Cut {
                return;
            }
            if self.order.get() == Order::Finish || self.link.refusal().is_some() {
                finish(connection.as_mut());
            }
            tokio::select! {
                ended = &mut connection => {
                    if let Err(error) = ended {
                        tracing::trace!(%error, "A visitor's connection broke");
                    }
                    return;
                }
                () = self.link.changed.notified() => {}
            }
        }
    }

    /// Ends the connection when it is too slow.
    pub(super) fn enforce(&self, limits: &Limits, sweep_time: Duration) {
        self.link.note_sweep();
        let elapsed = |ticks: u64| sweep_time.saturating_mul(u32::try_from(ticks).unwrap_or(u32::MAX));
        let in_stage = elapsed(self.link.ticks_in_stage());
        match self.link.stage() {
            Stage::Head if in_stage >= limits.head_time_max => self.link.refuse(Trouble::RequestTimeout),
            // What is written already and not taken keeps a connection of HTTP/2 from ending in order.
            Stage::Idle if in_stage >= limits.idle_time_max.saturating_add(limits.stall_time_max) => {
                self.order(Order::Cut);
            }
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

async fn answer(
    worker: &Rc<Worker>,
    caller: &Caller,
    request: Request<Incoming>,
) -> Result<Response<ResponseBody>, Infallible> {
    let is_http1 = request.version() <= Version::HTTP_11;
    let mut response = Contained(Box::pin(proxy::answer(worker, caller, request))).await;
    caller.link.settle_upgrade(response.status() == StatusCode::SWITCHING_PROTOCOLS);
    if is_http1 && worker.is_draining() && response.status() != StatusCode::SWITCHING_PROTOCOLS {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(response)
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
