//! A request's body on its way to an endpoint: streamed, and its beginning kept so that it can be sent again.

use std::cell::{Cell, RefCell};
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::sync::Notify;
use tokio::sync::futures::OwnedNotified;
use tokio::time::Timeout;

use super::quiet::Quiet;
use super::shadow::BodyCopy;
use crate::access::Trail;

/// How long a body waits to be asked for. Many servers never ask (RFC 9110 section 10.1.1 has them served after a
/// while); curl waits as long.
const HOLD_TIME_MAX: Duration = Duration::from_secs(1);

/// A body as it is given to a connection.
pub(crate) struct RequestBody {
    upload: Option<Rc<Upload>>,
    /// How many of the kept pieces were given.
    given: usize,
    sent: u64,
    quiet: Quiet,
}

/// How an upload goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    Flowing,
    /// All of it was given to the connection.
    Ended(Instant),
    /// The visitor broke off, or sent what is no body.
    Broken,
    /// The visitor sent nothing for too long.
    Stalled,
}

/// What a body waits behind.
struct Gate {
    key: Arc<Notify>,
    opening: Pin<Box<Timeout<OwnedNotified>>>,
}

/// A body as it comes from the visitor. Outlives the attempts to send it.
pub(crate) struct Upload {
    /// Absent when all of it is kept.
    incoming: RefCell<Option<Incoming>>,
    length: Option<u64>,
    kept: RefCell<Vec<Bytes>>,
    kept_bytes: Cell<usize>,
    keep_bytes_max: Cell<usize>,
    progress: Cell<Progress>,
    idle: Duration,
    /// Holds the body back until the endpoint asks for it.
    gate: RefCell<Option<Gate>>,
    /// Takes in what passes, for a copy of the request.
    copy: RefCell<Option<BodyCopy>>,
    /// Where the access log learns how long it is.
    trail: Option<Rc<Trail>>,
}

impl Upload {
    /// The body of a request, if it has one. Of it, `keep_bytes_max` are kept.
    pub(crate) fn of(
        incoming: Incoming,
        keep_bytes_max: usize,
        idle: Duration,
        trail: Option<Rc<Trail>>,
    ) -> Option<Rc<Upload>> {
        if incoming.is_end_stream() {
            return None;
        }
        Some(Rc::new(Upload {
            length: incoming.size_hint().exact(),
            incoming: RefCell::new(Some(incoming)),
            kept: RefCell::default(),
            kept_bytes: Cell::new(0),
            keep_bytes_max: Cell::new(keep_bytes_max),
            progress: Cell::new(Progress::Flowing),
            idle,
            gate: RefCell::default(),
            copy: RefCell::default(),
            trail,
        }))
    }

    /// A body that is there already. With `is_length_known`, its length is said before it.
    pub(crate) fn whole(body: Bytes, is_length_known: bool) -> Rc<Upload> {
        Rc::new(Upload {
            length: is_length_known.then_some(body.len() as u64),
            incoming: RefCell::default(),
            kept_bytes: Cell::new(body.len()),
            keep_bytes_max: Cell::new(usize::MAX),
            kept: RefCell::new(vec![body]),
            progress: Cell::new(Progress::Ended(Instant::now())),
            idle: Duration::MAX,
            gate: RefCell::default(),
            copy: RefCell::default(),
            trail: None,
        })
    }

    /// Whether the body is said to be longer than this.
    pub(super) fn is_longer_than(&self, bytes: usize) -> bool {
        self.length.is_some_and(|length| length > bytes as u64)
    }

    /// Keeps what passes for a copy, which starts when all has passed.
    pub(super) fn copy_to(&self, copy: BodyCopy) {
        *self.copy.borrow_mut() = Some(copy);
    }

    pub(crate) fn progress(&self) -> Progress {
        self.progress.get()
    }

    /// Whether all that was sent so far can be sent again.
    pub(crate) fn is_repeatable(&self) -> bool {
        self.kept_bytes.get() <= self.keep_bytes_max.get()
    }

    /// Holds the body back until the returned key is turned or the body is let go, and not for ever.
    pub(crate) fn hold_back(&self) -> Arc<Notify> {
        let key = Arc::new(Notify::new());
        let opening = Box::pin(tokio::time::timeout(HOLD_TIME_MAX, Arc::clone(&key).notified_owned()));
        *self.gate.borrow_mut() = Some(Gate { key: Arc::clone(&key), opening });
        key
    }

    /// Holds the body back no longer: the visitor's answer is there.
    pub(super) fn let_go(&self) {
        if let Some(gate) = &*self.gate.borrow() {
            gate.key.notify_one();
        }
    }

    fn poll_gate(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut gate = self.gate.borrow_mut();
        if let Some(closed) = gate.as_mut() {
            // Asked for or waited for long enough: either opens it.
            let _is_asked_for = ready!(closed.opening.as_mut().poll(cx)).is_ok();
            *gate = None;
        }
        Poll::Ready(())
    }

    fn keep(&self, piece: &Bytes) {
        self.kept_bytes.set(self.kept_bytes.get().saturating_add(piece.len()));
        if self.is_repeatable() {
            self.kept.borrow_mut().push(piece.clone());
        } else {
            *self.kept.borrow_mut() = Vec::new();
        }
    }

    fn poll_incoming(&self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let mut incoming = self.incoming.borrow_mut();
        let Some(incoming) = incoming.as_mut() else { return Poll::Ready(None) };
        let frame = ready!(Pin::new(&mut *incoming).poll_frame(cx));
        Poll::Ready(match frame {
            Some(Ok(frame)) => {
                match frame.data_ref() {
                    Some(piece) => self.take_in(piece),
                    None => {
                        // Trailers cannot be given twice.
                        self.keep_bytes_max.set(0);
                        *self.copy.borrow_mut() = None;
                    }
                }
                if incoming.is_end_stream() {
                    self.end();
                }
                Some(Ok(frame))
            }
            Some(Err(error)) => {
                self.progress.set(Progress::Broken);
                Some(Err(io::Error::other(error)))
            }
            None => {
                if self.progress.get() == Progress::Flowing {
                    self.end();
                }
                None
            }
        })
    }

    fn take_in(&self, piece: &Bytes) {
        self.keep(piece);
        if let Some(trail) = &self.trail {
            trail.took_in(piece.len());
        }
        let copy = self.copy.take();
        if copy.is_some() {
            *self.copy.borrow_mut() = copy.and_then(|copy| copy.take_in(piece));
        }
    }

    fn end(&self) {
        self.progress.set(Progress::Ended(Instant::now()));
        if let Some(copy) = self.copy.take() {
            copy.finish();
        }
    }
}

impl RequestBody {
    /// The body for one attempt: from its beginning.
    pub(crate) fn of(upload: Option<&Rc<Upload>>) -> RequestBody {
        RequestBody { upload: upload.map(Rc::clone), given: 0, sent: 0, quiet: Quiet::default() }
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let body = self.get_mut();
        let Some(upload) = &body.upload else { return Poll::Ready(None) };
        ready!(upload.poll_gate(cx));
        let kept = upload.kept.borrow().get(body.given).cloned();
        if let Some(piece) = kept {
            body.given += 1;
            body.sent += piece.len() as u64;
            return Poll::Ready(Some(Ok(Frame::data(piece))));
        }
        match upload.poll_incoming(cx) {
            Poll::Ready(frame) => {
                body.quiet.end();
                if let Some(Ok(frame)) = &frame {
                    body.given += 1;
                    body.sent += frame.data_ref().map_or(0, Bytes::len) as u64;
                }
                Poll::Ready(frame)
            }
            Poll::Pending => {
                ready!(body.quiet.poll_too_long(cx, upload.idle));
                upload.progress.set(Progress::Stalled);
                Poll::Ready(Some(Err(io::ErrorKind::TimedOut.into())))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        let Some(upload) = &self.upload else { return true };
        let has_kept = self.given < upload.kept.borrow().len();
        !has_kept && matches!(upload.progress.get(), Progress::Ended(_))
    }

    fn size_hint(&self) -> SizeHint {
        match &self.upload {
            None => SizeHint::with_exact(0),
            Some(upload) => match upload.length {
                Some(length) => SizeHint::with_exact(length.saturating_sub(self.sent)),
                None => SizeHint::default(),
            },
        }
    }
}
