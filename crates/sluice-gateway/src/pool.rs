//! Connections to endpoints. Every worker has its own pools, one to an endpoint, so that none is ever locked.
//!
//! The connection that was used last is used first: a few stay warm and the others grow old enough to be closed.

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
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::answer::Trouble;
use crate::proxy::RequestBody;
use crate::table::{Endpoint, Version};
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
    idle: RefCell<Vec<Idle>>,
    /// Those of the short way.
    raw: RefCell<Vec<raw::Idle>>,
    in_flight: Cell<usize>,
    avoid_until: Cell<Option<Instant>>,
    /// The endpoint is in no snapshot any more: connections are closed when their request is over.
    is_retired: Cell<bool>,
}

struct Idle {
    connection: Connection,
    since: Instant,
}

/// A connection to an endpoint.
pub(crate) struct Connection {
    pub(crate) sender: SendRequest<RequestBody>,
    /// Whether it carried a request before.
    pub(crate) is_reused: bool,
    heard: Arc<Heard>,
}

/// Whether anything came from the endpoint since it was last asked.
#[derive(Debug, Default)]
struct Heard(AtomicBool);

/// A place among the requests in flight to an endpoint; given back when dropped.
pub(crate) struct Seat {
    pool: Rc<Pool>,
}

impl Pools {
    /// The ready endpoint with the fewest requests in flight from this worker, other than `except`. Endpoints that
    /// took no connection a moment ago come last.
    pub(crate) fn pick(&self, version: &Version, except: Option<u64>, now: Instant) -> Option<Seat> {
        let endpoints = &version.endpoints;
        let turn = self.turn.get();
        self.turn.set(turn.wrapping_add(1));
        let in_turn = (0..endpoints.len()).map(|step| &endpoints[turn.wrapping_add(step) % endpoints.len()]);
        let usable = in_turn.filter(|endpoint| endpoint.is_ready() && Some(endpoint.id) != except);
        let pool = usable.map(|endpoint| self.pool(endpoint)).min_by_key(|pool| pool.burden(now))?;
        pool.in_flight.set(pool.in_flight.get() + 1);
        Some(Seat { pool })
    }

    fn pool(&self, endpoint: &Arc<Endpoint>) -> Rc<Pool> {
        let mut pools = self.by_endpoint.borrow_mut();
        let pool = pools.entry(endpoint.id).or_insert_with(|| {
            Rc::new(Pool {
                endpoint: Arc::clone(endpoint),
                idle: RefCell::default(),
                raw: RefCell::default(),
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
            pool.idle.borrow_mut().retain(|idle| {
                !idle.connection.sender.is_closed() && now.duration_since(idle.since) < IDLE_TIME_MAX
            });
            pool.raw.borrow_mut().retain(|idle| idle.is_worth_keeping(now));
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
            }
            is_kept
        });
    }
}

impl Pool {
    /// What an endpoint is chosen by; the least is taken.
    fn burden(&self, now: Instant) -> (bool, usize) {
        let is_avoided = self.avoid_until.get().is_some_and(|until| now < until);
        (is_avoided, self.in_flight.get())
    }
}

impl Seat {
    pub(crate) fn endpoint(&self) -> &Arc<Endpoint> {
        &self.pool.endpoint
    }

    /// An idle connection. With `only_fresh`, one that was used a moment ago.
    pub(crate) fn take_idle(&self, only_fresh: bool, now: Instant) -> Option<Connection> {
        let mut idle = self.pool.idle.borrow_mut();
        idle.retain(|idle| !idle.connection.sender.is_closed());
        let is_usable = |idle: &Idle| {
            let is_fresh = !only_fresh || now.duration_since(idle.since) <= FRESH_TIME_MAX;
            // One that is still writing the end of an upload is not ready yet.
            is_fresh && idle.connection.sender.is_ready()
        };
        let place = idle.iter().rposition(is_usable)?;
        Some(idle.remove(place).connection)
    }

    /// Opens a connection. When that fails, the endpoint is checked at once and tried last for a while.
    ///
    /// # Errors
    ///
    /// When the endpoint takes none, or not in time.
    pub(crate) async fn connect(&self, timeout: Duration) -> Result<Connection, Trouble> {
        self.opened(timeout, open(&self.pool.endpoint)).await
    }

    async fn opened<T>(
        &self,
        timeout: Duration,
        opening: impl Future<Output = io::Result<T>>,
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
    pub(crate) fn put_back(&self, mut connection: Connection) {
        let mut idle = self.pool.idle.borrow_mut();
        let is_welcome = !self.pool.is_retired.get() && idle.len() < IDLE_MAX;
        if is_welcome && !connection.sender.is_closed() {
            connection.is_reused = true;
            idle.push(Idle { connection, since: Instant::now() });
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.pool.in_flight.set(self.pool.in_flight.get() - 1);
    }
}

impl Connection {
    /// Forgets what was heard, before the endpoint is asked.
    pub(crate) fn begin(&self) {
        self.heard.0.store(false, Relaxed);
    }

    /// Whether anything came since. When nothing did, the endpoint may never have seen the request.
    pub(crate) fn has_heard(&self) -> bool {
        self.heard.0.load(Relaxed)
    }
}

async fn dial(endpoint: &Endpoint) -> io::Result<TcpStream> {
    let stream = match endpoint.address {
        Some(address) => TcpStream::connect(address).await?,
        None => TcpStream::connect((endpoint.spec.host(), endpoint.spec.port())).await?,
    };
    stream.set_nodelay(true)?;
    // Notices an endpoint that vanished under a tunnel, which may be quiet for as long as it likes.
    let alive = socket2::TcpKeepalive::new().with_time(Duration::from_secs(60));
    socket2::SockRef::from(&stream).set_tcp_keepalive(&alive)?;
    Ok(stream)
}

async fn open(endpoint: &Endpoint) -> io::Result<Connection> {
    let stream = dial(endpoint).await?;
    let heard = Arc::new(Heard::default());
    let socket = EndpointSocket { stream, heard: Arc::clone(&heard) };
    let handshake = http1::handshake(TokioIo::new(socket)).await;
    let (sender, connection) = handshake.map_err(io::Error::other)?;
    tokio::task::spawn_local(async move {
        if let Err(error) = connection.with_upgrades().await {
            tracing::trace!(%error, "A connection to an endpoint broke");
        }
    });
    Ok(Connection { sender, is_reused: false, heard })
}

/// A socket that remembers whether anything was read.
struct EndpointSocket {
    stream: TcpStream,
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
