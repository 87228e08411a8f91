//! Connections to endpoints. Every worker has its own pools, one to an endpoint, so that none is ever locked.
//!
//! The connection that was used last is used first: a few stay warm and the others grow old enough to be closed.

mod lines;
mod raw;

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use sluice_core::document::service::{Balance, Speaks};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::answer::Trouble;
use crate::dial::{DialError, Dialled, Stream, dial};
use crate::proxy::RequestBody;
use crate::table::places::{self, Line};
use crate::table::{Endpoint, Version};
use lines::Lines;
pub(crate) use lines::{Lost, Ride};
pub(crate) use raw::Raw;

/// Idle connections that one worker keeps to one endpoint: as many as HAProxy does by default for a whole server
/// of a few threads. More are closed when their request is over.
const IDLE_MAX: usize = 256;
/// How long an idle connection is kept. Below the 60 s after which many load balancers between the two forget it.
const IDLE_TIME_MAX: Duration = Duration::from_secs(45);
/// A request that must not be sent twice takes only connections that were used this recently: servers commonly close
/// idle ones after 5 s (Node.js, Apache), and a request that meets the closing cannot be saved.
const FRESH_TIME_MAX: Duration = Duration::from_secs(3);
/// How long an endpoint that took no connection is tried last.
const AVOID_TIME: Duration = Duration::from_secs(1);

/// All pools of one worker.
#[derive(Default)]
pub(crate) struct Pools {
    by_endpoint: RefCell<HashMap<u64, Rc<Pool>>>,
    /// Where the next search among equals begins, so that they take turns.
    turn: Cell<usize>,
}

/// What one worker knows of one endpoint.
pub(crate) struct Pool {
    endpoint: Arc<Endpoint>,
    /// Those of HTTP/1.1, on which one request is at a time.
    idle: RefCell<Vec<Idle>>,
    /// Those of the short way.
    raw: RefCell<Vec<raw::Idle>>,
    /// Those of HTTP/2.
    lines: Lines,
    /// Whether the endpoint, which has the choice, chose HTTP/1.1.
    chose_http1: Cell<bool>,
    in_flight: Cell<usize>,
    avoid_until: Cell<Option<Instant>>,
    /// The endpoint is in no snapshot any more: connections are closed when their request is over.
    is_retired: Cell<bool>,
}

struct Idle {
    sender: SendRequest<RequestBody>,
    heard: Arc<Heard>,
    since: Instant,
}

/// A connection to an endpoint, or a place on one.
pub(crate) struct Connection {
    pub(crate) sender: Sender,
    /// Whether it carried a request before.
    pub(crate) is_reused: bool,
}

/// How a connection is asked.
pub(crate) enum Sender {
    Http1(SendRequest<RequestBody>, Arc<Heard>),
    Http2(Ride),
}

/// Whether anything came from the endpoint since it was last asked.
#[derive(Debug, Default)]
pub(crate) struct Heard(AtomicBool);

/// A place among the requests in flight to an endpoint; given back when dropped.
pub(crate) struct Seat {
    pool: Rc<Pool>,
    /// Who waits for it, where places are limited.
    line: Option<Arc<Line>>,
}

/// How an endpoint is chosen.
pub(crate) struct Ask {
    /// Not this one, unless there is no other.
    pub(crate) except: Option<u64>,
    pub(crate) balance: Balance,
    /// How many requests one endpoint may have at a time.
    pub(crate) limit: Option<u32>,
    /// Milliseconds since the gateway started.
    pub(crate) now_ms: u64,
}

/// Why no endpoint can be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unseated {
    /// None is ready.
    NoneReady,
    /// Those that are ready have all the requests that they may have.
    AllFull,
}

impl Pools {
    /// A ready endpoint, chosen as `ask` says. Endpoints that took no connection a moment ago come last, and those that
    /// are left out for their failures are taken only when there is no other.
    ///
    /// # Errors
    ///
    /// When none is ready, or each has all that it may have.
    pub(crate) fn pick(&self, version: &Arc<Version>, ask: &Ask) -> Result<Seat, Unseated> {
        let (now, endpoints) = (Instant::now(), &version.endpoints);
        let turn = match ask.balance {
            Balance::LeastRequests => self.turn.replace(self.turn.get().wrapping_add(1)),
            Balance::RoundRobin => version.turn.fetch_add(1, Relaxed),
        };
        let in_turn = (0..endpoints.len()).map(|step| &endpoints[turn.wrapping_add(step) % endpoints.len()]);
        let ready =
            || in_turn.clone().filter(|endpoint| endpoint.is_ready() && Some(endpoint.id) != ask.except);
        let best = |has_room: &dyn Fn(&Endpoint) -> bool| {
            let usable = ready().filter(|endpoint| has_room(endpoint)).map(|endpoint| self.pool(endpoint));
            usable.min_by_key(|pool| {
                let load = if ask.balance == Balance::LeastRequests { pool.in_flight.get() } else { 0 };
                (pool.endpoint.conduct.is_out(ask.now_ms), pool.is_avoided(now), load)
            })
        };
        let Some(limit) = ask.limit else {
            return best(&|_| true).map(|pool| Seat::take(pool, None)).ok_or(Unseated::NoneReady);
        };
        // Another worker may take the last place between the choice and the taking; then the next best is asked.
        while let Some(pool) = best(&|endpoint| endpoint.taken.load(Relaxed) < limit) {
            if places::take(&pool.endpoint.taken, limit) {
                return Ok(Seat::take(pool, Some(Arc::clone(&version.line))));
            }
        }
        Err(if ready().next().is_some() { Unseated::AllFull } else { Unseated::NoneReady })
    }

    fn pool(&self, endpoint: &Arc<Endpoint>) -> Rc<Pool> {
        let mut pools = self.by_endpoint.borrow_mut();
        let pool = pools.entry(endpoint.id).or_insert_with(|| {
            Rc::new(Pool {
                endpoint: Arc::clone(endpoint),
                idle: RefCell::default(),
                raw: RefCell::default(),
                lines: Lines::default(),
                chose_http1: Cell::new(false),
                in_flight: Cell::new(0),
                avoid_until: Cell::new(None),
                is_retired: Cell::new(false),
            })
        });
        Rc::clone(pool)
    }

    /// Closes connections that are old, or that the endpoint closed.
    pub(crate) fn sweep(&self, now: Instant) {
        for pool in self.by_endpoint.borrow().values() {
            pool.idle
                .borrow_mut()
                .retain(|idle| !idle.sender.is_closed() && now.duration_since(idle.since) < IDLE_TIME_MAX);
            pool.raw.borrow_mut().retain(|idle| idle.is_worth_keeping(now));
            pool.lines.sweep(now);
        }
    }

    /// Lets go of endpoints that are not in `kept`; requests that are there end in peace.
    pub(crate) fn retire(&self, kept: &HashSet<u64>) {
        self.by_endpoint.borrow_mut().retain(|id, pool| {
            let is_kept = kept.contains(id);
            if !is_kept {
                pool.is_retired.set(true);
                pool.idle.borrow_mut().clear();
                pool.raw.borrow_mut().clear();
                pool.lines.clear();
            }
            is_kept
        });
    }
}

impl Pool {
    fn is_avoided(&self, now: Instant) -> bool {
        self.avoid_until.get().is_some_and(|until| now < until)
    }

    /// Opens a connection, or gives a place on the one that somebody else opened meanwhile.
    async fn open(&self, only_http1: bool) -> Result<Connection, DialError> {
        let speaks = self.endpoint.spec.speaks();
        let may_share = speaks == Speaks::Http2 || (speaks == Speaks::Tls && !only_http1);
        if !may_share || self.chose_http1.get() {
            // It may choose otherwise when it is another that listens there.
            let dialled = dial(&self.endpoint, true).await.inspect_err(|_| self.chose_http1.set(false));
            let Dialled { stream, .. } = dialled?;
            return speak_http1(stream).await;
        }
        let _alone = self.lines.opening.lock().await;
        if let Some(ride) = self.lines.ride() {
            return Ok(Connection { sender: Sender::Http2(ride), is_reused: true });
        }
        let Dialled { stream, is_http2 } = dial(&self.endpoint, false).await?;
        if !is_http2 {
            self.chose_http1.set(true);
            return speak_http1(stream).await;
        }
        let ride = self.lines.open(stream).await.map_err(io::Error::other)?;
        Ok(Connection { sender: Sender::Http2(ride), is_reused: false })
    }
}

impl Seat {
    fn take(pool: Rc<Pool>, line: Option<Arc<Line>>) -> Seat {
        pool.in_flight.set(pool.in_flight.get() + 1);
        Seat { pool, line }
    }

    pub(crate) fn endpoint(&self) -> &Arc<Endpoint> {
        &self.pool.endpoint
    }

    /// A connection that is there. With `only_fresh`, one that was used a moment ago, or whose endpoint says what it did not
    /// look at; with `only_http1`, one that can switch to another protocol.
    pub(crate) fn take_idle(&self, only_fresh: bool, only_http1: bool, now: Instant) -> Option<Connection> {
        if self.pool.endpoint.spec.speaks() != Speaks::Http1
            && !only_http1
            && let Some(ride) = self.pool.lines.ride()
        {
            return Some(Connection { sender: Sender::Http2(ride), is_reused: true });
        }
        let mut idle = self.pool.idle.borrow_mut();
        idle.retain(|idle| !idle.sender.is_closed());
        let is_usable = |idle: &Idle| {
            let is_fresh = !only_fresh || now.duration_since(idle.since) <= FRESH_TIME_MAX;
            // One that is still writing the end of an upload is not ready yet.
            is_fresh && idle.sender.is_ready()
        };
        let place = idle.iter().rposition(is_usable)?;
        let Idle { sender, heard, .. } = idle.remove(place);
        Some(Connection { sender: Sender::Http1(sender, heard), is_reused: true })
    }

    /// Opens a connection, or shares the one that somebody else just opened. When that fails, the endpoint is checked at once
    /// and tried last for a while.
    ///
    /// # Errors
    ///
    /// When the endpoint takes none, or not in time.
    pub(crate) async fn connect(&self, timeout: Duration, only_http1: bool) -> Result<Connection, Trouble> {
        self.opened(timeout, self.pool.open(only_http1)).await
    }

    async fn opened<T>(
        &self,
        timeout: Duration,
        opening: impl Future<Output = Result<T, DialError>>,
    ) -> Result<T, Trouble> {
        let trouble = match tokio::time::timeout(timeout, opening).await {
            Ok(Ok(opened)) => {
                self.pool.avoid_until.set(None);
                return Ok(opened);
            }
            Ok(Err(error)) => {
                tracing::debug!(endpoint = %self.pool.endpoint.spec, %error, "An endpoint takes no connection");
                Trouble::ConnectFailed
            }
            Err(_) => Trouble::ConnectTimeout,
        };
        self.pool.avoid_until.set(Some(Instant::now() + AVOID_TIME));
        self.pool.endpoint.suspected.notify_one();
        Err(trouble)
    }

    /// Keeps a connection whose request is over for the next.
    pub(crate) fn put_back(&self, connection: Connection) {
        let Sender::Http1(sender, heard) = connection.sender else { return };
        let mut idle = self.pool.idle.borrow_mut();
        let is_welcome = !self.pool.is_retired.get() && idle.len() < IDLE_MAX;
        if is_welcome && !sender.is_closed() {
            idle.push(Idle { sender, heard, since: Instant::now() });
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.pool.in_flight.set(self.pool.in_flight.get() - 1);
        if let Some(line) = &self.line {
            places::give_back(&self.pool.endpoint.taken, line);
        }
    }
}

impl Connection {
    pub(crate) fn is_http2(&self) -> bool {
        matches!(self.sender, Sender::Http2(_))
    }
}

impl Heard {
    /// Forgets what was heard, before the endpoint is asked.
    pub(crate) fn forget(&self) {
        self.0.store(false, Relaxed);
    }

    /// Whether anything came since. When nothing did, the endpoint may never have seen the request.
    pub(crate) fn is_any(&self) -> bool {
        self.0.load(Relaxed)
    }
}

async fn speak_http1(stream: Stream) -> Result<Connection, DialError> {
    let heard = Arc::new(Heard::default());
    let socket = EndpointSocket { stream, heard: Arc::clone(&heard) };
    let handshake = http1::handshake(TokioIo::new(socket)).await;
    let (sender, connection) = handshake.map_err(io::Error::other)?;
    tokio::task::spawn_local(async move {
        if let Err(error) = connection.with_upgrades().await {
            tracing::trace!(%error, "A connection to an endpoint broke");
        }
    });
    Ok(Connection { sender: Sender::Http1(sender, heard), is_reused: false })
}

/// A socket that remembers whether anything was read.
struct EndpointSocket {
    stream: Stream,
    heard: Arc<Heard>,
}

impl AsyncRead for EndpointSocket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let result = Pin::new(&mut self.stream).poll_read(cx, buf);
        if buf.filled().len() > before {
            self.heard.0.store(true, Relaxed);
        }
        result
    }
}

impl AsyncWrite for EndpointSocket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
