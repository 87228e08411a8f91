//! A visitor's socket with the strict look of [`framing`](crate::framing) in between.
//!
//! The HTTP parser reads through [`Wire`]. Heads are held back until they are whole and have passed; bodies pass
//! through, followed closely enough to know where the next head begins. What does not pass is never shown to the
//! parser: the connection is told to end ([`Link::refusal`]), what was asked before is answered, and the refusal is
//! the last thing that is written.

use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::link::{Link, Stage, Upgrade};
use super::socket::Socket;
use crate::answer::Trouble;
use crate::framing::{Chunked, Flaw, Length, end_of_head, read_head};
use crate::options::Limits;

/// Read at once from a socket. Most heads are far shorter; longer ones take more than one read.
const SCRATCH_BYTES: usize = 16 * 1024;
/// A buffer above this is given back when it is empty: ten thousand idle visitors should not hold one each.
const KEPT_BYTES_MAX: usize = 4 * 1024;
/// Bytes that may come in after a request to switch protocols, before its answer.
const EARLY_BYTES_MAX: usize = 16 * 1024;
/// Bytes that are read and thrown away after a refusal, so that the visitor's system does not discard the refusal
/// when it finds the rest of its request unread.
const LINGER_BYTES_MAX: u64 = 1024 * 1024;

thread_local! {
    static SCRATCH: RefCell<Box<[u8]>> = RefCell::new(vec![0; SCRATCH_BYTES].into_boxed_slice());
}

/// Where in the stream of bytes the next one belongs.
#[derive(Clone, Copy, Debug)]
enum Place {
    Head,
    Body {
        left: u64,
    },
    Chunked(Chunked),
    /// Behind a request to switch protocols that is not decided yet.
    Upgrading,
    /// Behind a switch: not HTTP.
    Opaque,
    /// Behind a body that is none. Where the next request begins cannot be known.
    Lost,
}

/// A visitor's socket.
pub(crate) struct Wire {
    socket: Socket,
    link: Arc<Link>,
    place: Place,
    /// Read from the socket and not yet given to the parser.
    held: Vec<u8>,
    /// How many bytes of `held` have been given to the parser.
    given: usize,
    /// Up to where the rest of `held` may be given.
    cleared: usize,
    /// How far `held` was searched for the end of a head.
    searched: usize,
    head_bytes_max: usize,
    headers_max: usize,
    farewell: Farewell,
}

/// The last thing that is written.
enum Farewell {
    NotYet,
    Writing { bytes: Vec<u8>, written: usize, must_linger: bool },
    Lingering { left: u64 },
    Over,
}

impl Wire {
    /// `first` was read of the socket before.
    pub(crate) fn new(socket: Socket, first: Vec<u8>, link: Arc<Link>, limits: &Limits) -> Wire {
        Wire {
            socket,
            link,
            place: Place::Head,
            held: first,
            given: 0,
            cleared: 0,
            searched: 0,
            head_bytes_max: limits.head_bytes_max,
            headers_max: limits.headers_max,
            farewell: Farewell::NotYet,
        }
    }

    /// Gives what is cleared.
    fn give(&mut self, buf: &mut ReadBuf<'_>) {
        let count = (self.cleared - self.given).min(buf.remaining());
        buf.put_slice(&self.held[self.given..self.given + count]);
        self.given += count;
        if self.given == self.held.len() {
            self.held.clear();
            if self.held.capacity() > KEPT_BYTES_MAX {
                self.held = Vec::new();
            }
            (self.given, self.cleared, self.searched) = (0, 0, 0);
        }
    }

    /// Clears more of what is held, as far as it can be judged. Gives whether anything was cleared.
    fn judge(&mut self) -> Result<bool, Flaw> {
        let waiting = &self.held[self.cleared..];
        if waiting.is_empty() {
            return Ok(false);
        }
        let count = match &mut self.place {
            Place::Head => return self.judge_head(),
            Place::Body { left } => {
                let count = usize::try_from(*left).map_or(waiting.len(), |left| left.min(waiting.len()));
                *left -= count as u64;
                count
            }
            Place::Chunked(chunked) => chunked.read(waiting)?,
            Place::Upgrading | Place::Lost => 0,
            Place::Opaque => waiting.len(),
        };
        self.cleared += count;
        self.leave_body();
        Ok(count > 0)
    }

    fn judge_head(&mut self) -> Result<bool, Flaw> {
        // RFC 9112 section 2.2: empty lines before a request are skipped.
        while self.held[self.cleared..].starts_with(b"\r\n") {
            self.held.drain(self.cleared..self.cleared + 2);
            self.searched = 0;
        }
        let waiting = &self.held[self.cleared..];
        if waiting.is_empty() {
            return Ok(false);
        }
        if self.link.stage() == Stage::Idle {
            self.link.enter(Stage::Head);
        }
        let too_large = Flaw(Trouble::HeadTooLarge("The request's head is too long."));
        let Some(end) = end_of_head(waiting, self.searched) else {
            self.searched = waiting.len();
            return if waiting.len() >= self.head_bytes_max { Err(too_large) } else { Ok(false) };
        };
        if end > self.head_bytes_max {
            return Err(too_large);
        }
        let head = read_head(&waiting[..end], self.headers_max)?;
        self.cleared += end;
        self.searched = 0;
        self.link.enter(Stage::Busy);
        self.place = match head.length {
            _ if head.wants_upgrade => {
                self.link.ask_upgrade();
                Place::Upgrading
            }
            Length::Bytes(0) => Place::Head,
            Length::Bytes(left) => Place::Body { left },
            Length::Chunked => Place::Chunked(Chunked::new()),
        };
        Ok(true)
    }

    fn leave_body(&mut self) {
        let is_over = match self.place {
            Place::Body { left } => left == 0,
            Place::Chunked(chunked) => chunked.is_over(),
            Place::Head | Place::Upgrading | Place::Opaque | Place::Lost => false,
        };
        if is_over {
            self.place = Place::Head;
        }
    }

    /// A body turned out to be none. Its request was sent on, so who handles it answers; the parser, told of the
    /// error, closes the connection after that.
    fn lose(&mut self) -> io::Error {
        self.place = Place::Lost;
        io::ErrorKind::InvalidData.into()
    }

    fn settle_upgrade(&mut self) {
        if matches!(self.place, Place::Upgrading) {
            self.place = match self.link.upgrade() {
                Upgrade::Undecided => Place::Upgrading,
                Upgrade::Refused => Place::Head,
                Upgrade::Switched => Place::Opaque,
            };
        }
    }

    /// Reads into the parser's buffer, and takes back what is not part of the body.
    fn read_body(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.socket).poll_read(cx, buf))?;
        let fresh = &buf.filled()[before..];
        let count = match &mut self.place {
            Place::Body { left } => {
                let count = usize::try_from(*left).map_or(fresh.len(), |left| left.min(fresh.len()));
                *left -= count as u64;
                count
            }
            Place::Chunked(chunked) => match chunked.read(fresh) {
                Ok(count) => count,
                Err(_) => {
                    buf.set_filled(before);
                    return Poll::Ready(Err(self.lose()));
                }
            },
            Place::Head | Place::Upgrading | Place::Opaque | Place::Lost => fresh.len(),
        };
        if count < fresh.len() {
            self.held.extend_from_slice(&fresh[count..]);
            buf.set_filled(before + count);
        }
        self.leave_body();
        Poll::Ready(Ok(()))
    }

    /// Reads more to judge; gives false at the end of the stream.
    fn read_to_judge(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<bool>> {
        SCRATCH.with_borrow_mut(|scratch| {
            let mut scratch = ReadBuf::new(scratch);
            ready!(Pin::new(&mut self.socket).poll_read(cx, &mut scratch))?;
            self.held.extend_from_slice(scratch.filled());
            Poll::Ready(Ok(!scratch.filled().is_empty()))
        })
    }

    fn poll_farewell(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            match &mut self.farewell {
                Farewell::NotYet => {
                    // Who never asked for anything is not told that they were slow: browsers connect ahead of need.
                    let is_silent = |trouble| trouble == Trouble::RequestTimeout && self.held.is_empty();
                    let refusal = self.link.refusal().filter(|trouble| !is_silent(*trouble));
                    let bytes = refusal.map(Trouble::farewell).unwrap_or_default();
                    let must_linger = !bytes.is_empty() || matches!(self.place, Place::Lost);
                    if must_linger {
                        self.link.enter(Stage::Closing);
                    }
                    self.farewell = Farewell::Writing { bytes, written: 0, must_linger };
                }
                Farewell::Writing { bytes, written, .. } if *written < bytes.len() => {
                    let count = ready!(Pin::new(&mut self.socket).poll_write(cx, &bytes[*written..]))?;
                    *written += count;
                }
                Farewell::Writing { must_linger, .. } => {
                    ready!(Pin::new(&mut self.socket).poll_shutdown(cx))?;
                    let left = if *must_linger { LINGER_BYTES_MAX } else { 0 };
                    self.farewell = Farewell::Lingering { left };
                }
                Farewell::Lingering { left: 0 } => self.farewell = Farewell::Over,
                Farewell::Lingering { left } => {
                    let left_before = *left;
                    self.held.clear();
                    let is_more = ready!(self.read_to_judge(cx))?;
                    let count = self.held.len() as u64;
                    let left = if is_more { left_before.saturating_sub(count) } else { 0 };
                    self.farewell = Farewell::Lingering { left };
                }
                Farewell::Over => return Poll::Ready(Ok(())),
            }
        }
    }

    fn note_write<T>(&self, result: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        self.link.note_write(result.is_pending());
        result
    }
}

impl AsyncRead for Wire {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let wire = self.get_mut();
        loop {
            if wire.given < wire.cleared {
                wire.give(buf);
                return Poll::Ready(Ok(()));
            }
            if wire.link.refusal().is_some() {
                // The connection's task was told, and ends what there is to end.
                return Poll::Pending;
            }
            wire.settle_upgrade();
            match wire.judge() {
                Ok(true) => continue,
                Ok(false) => {}
                Err(_) if matches!(wire.place, Place::Chunked(_)) => return Poll::Ready(Err(wire.lose())),
                Err(Flaw(trouble)) => {
                    wire.link.refuse(trouble);
                    continue;
                }
            }
            match wire.place {
                Place::Body { .. } | Place::Chunked(_) | Place::Opaque => return wire.read_body(cx, buf),
                Place::Lost => return Poll::Ready(Err(wire.lose())),
                Place::Upgrading if wire.held.len() >= EARLY_BYTES_MAX => return Poll::Pending,
                Place::Head | Place::Upgrading => {
                    if !ready!(wire.read_to_judge(cx))? {
                        return Poll::Ready(Ok(()));
                    }
                }
            }
        }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.socket).poll_write(cx, bytes);
        self.note_write(result)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.socket).poll_write_vectored(cx, slices);
        self.note_write(result)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_farewell(cx)
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        if self.link.must_reset.load(Relaxed) {
            let reset = socket2::SockRef::from(self.socket.tcp()).set_linger(Some(Duration::ZERO));
            if let Err(error) = reset {
                tracing::debug!(%error, "A broken response could not be ended with a reset");
            }
        }
    }
}
