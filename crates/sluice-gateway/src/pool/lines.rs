//! Connections of HTTP/2 to one endpoint, each shared by many requests.

use std::cell::{Cell, RefCell};
use std::error::Error;
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::time::{Duration, Instant};

use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioIo, TokioTimer};

use super::IDLE_TIME_MAX;
use crate::dial::Stream;
use crate::proxy::RequestBody;
use crate::worker::OnThisThread;

/// Connections of HTTP/2 that one worker has to one endpoint. With the 100 requests that most servers take on each, more
/// than a core can keep busy; what goes beyond waits within them.
const LINES_MAX: usize = 8;
/// What an endpoint may send ahead of what is read, for one response and for the connection.
const WINDOW: u32 = 64 * 1024;
const CONNECTION_WINDOW: u32 = 1024 * 1024;
/// What waits to be written for one request.
const SEND_BYTES_MAX: usize = 16 * 1024;
/// A response's head, as long as a request's may be.
const HEAD_BYTES_MAX: u32 = 32 * 1024;
/// How often an endpoint that is quiet while it answers is asked whether it is still there, and how long it may take.
const PING_TIME: Duration = Duration::from_secs(30);
const PONG_TIME_MAX: Duration = Duration::from_secs(20);

/// All that one worker has to one endpoint.
#[derive(Default)]
pub(super) struct Lines {
    lines: RefCell<Vec<Rc<Line>>>,
    /// Held while one is opened, so that those who come together wait for it and share it.
    pub(super) opening: tokio::sync::Mutex<()>,
}

/// A connection that many requests share.
struct Line {
    sender: SendRequest<RequestBody>,
    riding: Cell<usize>,
    /// How many requests the endpoint takes on it at a time.
    riding_max: Rc<Cell<usize>>,
    last_ride: Cell<Instant>,
    /// The endpoint takes no new requests on it.
    is_spent: Cell<bool>,
}

/// A request's place on a connection; given back when dropped.
pub(crate) struct Ride {
    line: Rc<Line>,
}

/// What became of a request that got no response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lost {
    /// The endpoint said that it did nothing with it (RFC 9113 sections 6.8 and 8.7).
    Refused,
    /// The endpoint took the request and broke it off.
    Reset,
    /// The connection ended under it.
    Broken,
}

impl Lines {
    /// A place on the connection with the fewest requests; none when another should be opened.
    pub(super) fn ride(&self) -> Option<Ride> {
        let mut lines = self.lines.borrow_mut();
        lines.retain(|line| line.is_open());
        let line = lines.iter().min_by_key(|line| line.riding.get())?;
        let is_full = line.riding.get() >= line.riding_max.get();
        (!is_full || lines.len() >= LINES_MAX).then(|| Ride::on(line))
    }

    /// Speaks HTTP/2 on a new connection, which later requests share.
    ///
    /// # Errors
    /// When the connection breaks.
    pub(super) async fn open(&self, stream: Stream) -> hyper::Result<Ride> {
        let mut builder = http2::Builder::new(OnThisThread);
        builder
            .timer(TokioTimer::new())
            .initial_stream_window_size(WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_send_buf_size(SEND_BYTES_MAX)
            .max_header_list_size(HEAD_BYTES_MAX)
            .keep_alive_interval(PING_TIME)
            .keep_alive_timeout(PONG_TIME_MAX);
        let (sender, connection) = builder.handshake(TokioIo::new(stream)).await?;
        let riding_max = Rc::new(Cell::new(connection.current_max_send_streams()));
        let told = Rc::clone(&riding_max);
        tokio::task::spawn_local(async move {
            let mut connection = pin!(connection);
            let ended = poll_fn(|cx| {
                let ended = connection.as_mut().poll(cx);
                if ended.is_pending() {
                    told.set(connection.current_max_send_streams());
                }
                ended
            });
            if let Err(error) = ended.await {
                tracing::trace!(%error, "A connection to an endpoint broke");
            }
        });
        let line = Rc::new(Line {
            sender,
            riding: Cell::new(0),
            riding_max,
            last_ride: Cell::new(Instant::now()),
            is_spent: Cell::new(false),
        });
        self.lines.borrow_mut().push(Rc::clone(&line));
        Ok(Ride::on(&line))
    }

    /// Lets go of connections that nobody uses any more.
    pub(super) fn sweep(&self, now: Instant) {
        self.lines.borrow_mut().retain(|line| {
            let is_idle = line.riding.get() == 0 && now.duration_since(line.last_ride.get()) >= IDLE_TIME_MAX;
            line.is_open() && !is_idle
        });
    }

    /// Takes no more requests; those that are there end in peace.
    pub(super) fn clear(&self) {
        self.lines.borrow_mut().clear();
    }
}

impl Line {
    fn is_open(&self) -> bool {
        !self.is_spent.get() && !self.sender.is_closed()
    }
}

impl Ride {
    fn on(line: &Rc<Line>) -> Ride {
        line.riding.set(line.riding.get() + 1);
        Ride { line: Rc::clone(line) }
    }

    /// A way to ask on the connection.
    pub(crate) fn sender(&self) -> SendRequest<RequestBody> {
        self.line.sender.clone()
    }

    /// Finds out what became of a request.
    pub(crate) fn lost(&self, error: &hyper::Error) -> Lost {
        let mut source = Some(error as &dyn Error);
        while let Some(error) = source {
            if let Some(error) = error.downcast_ref::<h2::Error>() {
                // Sent only for requests that come after the last that the endpoint looks at.
                let is_sent_away = error.is_go_away() && error.is_remote();
                if is_sent_away {
                    self.line.is_spent.set(true);
                }
                return match error.reason() {
                    _ if is_sent_away => Lost::Refused,
                    Some(h2::Reason::REFUSED_STREAM) => Lost::Refused,
                    _ if error.is_reset() => Lost::Reset,
                    _ => Lost::Broken,
                };
            }
            source = error.source();
        }
        Lost::Broken
    }
}

impl Drop for Ride {
    fn drop(&mut self) {
        self.line.riding.set(self.line.riding.get() - 1);
        self.line.last_ride.set(Instant::now());
    }
}
