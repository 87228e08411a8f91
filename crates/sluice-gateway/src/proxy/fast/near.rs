//! The visitor's side.

use std::cell::Cell;
use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http::HeaderMap;
use http::header::ACCEPT;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

use super::reading::{Ask, Reading, read};
use super::{Left, SCRATCH, response};
use crate::answer::Trouble;
use crate::worker::{Caller, Socket, Stage, Worker};

/// A buffer above this is given back when it is empty.
const KEPT_BYTES_MAX: usize = 4 * 1024;
/// Of requests that come before they are due, so many bytes are read.
const EARLY_BYTES_MAX: usize = 64 * 1024;
/// How long the rest of a body is waited for, before the long way sends on what is there. Bodies that came in pieces a
/// moment apart are whole by then, and nobody notices the wait of one that comes slowly.
const BODY_TIME_MAX: Duration = Duration::from_millis(20);

/// A visitor's socket with what was read and is not asked yet, and what is answered and not written yet.
pub(super) struct Near<'a> {
    socket: Socket,
    pub(super) caller: &'a Caller,
    held: Vec<u8>,
    /// How many bytes of `held` were searched for the end of a head.
    searched: usize,
    /// How long `held` must be to hold the request that it begins with.
    needed: usize,
    body_time: Option<Pin<Box<Sleep>>>,
    pending: Vec<u8>,
    written: usize,
    must_flush: bool,
    /// Whether any of the answer was written.
    pub(super) has_begun: bool,
}

/// What comes next on a connection.
pub(super) enum Next {
    Ask(Box<Ask>),
    /// Something for the long way.
    Hand,
    Over,
}

impl<'a> Near<'a> {
    pub(super) fn new(socket: Socket, first: Vec<u8>, caller: &'a Caller) -> Near<'a> {
        Near {
            socket,
            caller,
            held: first,
            searched: 0,
            needed: 0,
            body_time: None,
            pending: Vec::new(),
            written: 0,
            must_flush: false,
            has_begun: false,
        }
    }

    pub(super) fn hand_over(self) -> Left {
        Left::Handed(self.socket, self.held)
    }

    /// Reads until there is a request.
    pub(super) fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
        worker: &Rc<Worker>,
        must_finish: &Cell<bool>,
    ) -> Poll<Next> {
        self.has_begun = false;
        loop {
            if must_finish.get() || self.caller.link.refusal().is_some() {
                return Poll::Ready(Next::Hand);
            }
            if self.held.len() > self.searched.max(self.needed.saturating_sub(1))
                && let Some(next) = self.judge(worker)
            {
                return Poll::Ready(next);
            }
            if let Some(body_time) = &mut self.body_time
                && body_time.as_mut().poll(cx).is_ready()
            {
                return Poll::Ready(Next::Hand);
            }
            match ready!(self.poll_read(cx)) {
                Ok(0) if self.held.is_empty() => return Poll::Ready(Next::Over),
                Ok(0) => return Poll::Ready(Next::Hand),
                Ok(_) => {}
                Err(_) => return Poll::Ready(Next::Over),
            }
        }
    }

    /// Looks at what is held; `None` when more is needed.
    fn judge(&mut self, worker: &Rc<Worker>) -> Option<Next> {
        let link = &self.caller.link;
        if link.stage() == Stage::Idle {
            link.enter(Stage::Head);
        }
        match read(worker, self.caller, &self.held, self.searched) {
            Reading::Plain(ask, taken) => {
                (self.searched, self.needed, self.body_time) = (0, 0, None);
                self.held.drain(..taken);
                if self.held.is_empty() && self.held.capacity() > KEPT_BYTES_MAX {
                    self.held = Vec::new();
                }
                Some(Next::Ask(ask))
            }
            Reading::Other => Some(Next::Hand),
            Reading::Unfinished(whole) => {
                match whole {
                    None => self.searched = self.held.len(),
                    Some(whole) => {
                        // The head is looked at once more when the body is there.
                        self.needed = whole;
                        let timer = || Box::pin(tokio::time::sleep(BODY_TIME_MAX));
                        self.body_time.get_or_insert_with(timer);
                    }
                }
                None
            }
        }
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        SCRATCH.with_borrow_mut(|scratch| {
            let mut scratch = ReadBuf::new(scratch);
            ready!(Pin::new(&mut self.socket).poll_read(cx, &mut scratch))?;
            self.held.extend_from_slice(scratch.filled());
            Poll::Ready(Ok(scratch.filled().len()))
        })
    }

    /// Whether the visitor went away while they wait. What they ask meanwhile is kept for later.
    pub(super) fn is_gone(&mut self, cx: &mut Context<'_>) -> bool {
        while self.held.len() < EARLY_BYTES_MAX {
            match self.poll_read(cx) {
                Poll::Pending => return false,
                Poll::Ready(Ok(1..)) => {}
                Poll::Ready(_) => return true,
            }
        }
        false
    }

    /// `None` when the visitor went away first.
    pub(super) async fn unless_gone<T>(&mut self, future: impl Future<Output = T>) -> Option<T> {
        let mut future = pin!(future);
        poll_fn(|cx| match future.as_mut().poll(cx) {
            Poll::Ready(value) => Poll::Ready(Some(value)),
            Poll::Pending if self.is_gone(cx) => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        })
        .await
    }

    /// Writes as much as the visitor takes; the rest is kept for [`Near::poll_flush`].
    pub(super) fn write(&mut self, cx: &mut Context<'_>, mut bytes: &[u8]) -> io::Result<()> {
        self.has_begun = true;
        while self.pending.is_empty() && !bytes.is_empty() {
            let polled = Pin::new(&mut self.socket).poll_write(cx, bytes);
            self.caller.link.note_write(polled.is_pending());
            match polled? {
                Poll::Ready(0) => return Err(io::ErrorKind::WriteZero.into()),
                Poll::Ready(count) => bytes = &bytes[count..],
                Poll::Pending => break,
            }
        }
        self.pending.extend_from_slice(bytes);
        self.must_flush |= matches!(self.socket, Socket::Tls(_));
        Ok(())
    }

    /// Keeps more for [`Near::poll_flush`].
    pub(super) fn queue(&mut self) -> &mut Vec<u8> {
        self.has_begun = true;
        self.must_flush |= matches!(self.socket, Socket::Tls(_));
        &mut self.pending
    }

    /// Ready when all that was answered is written.
    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.written < self.pending.len() {
            let polled = Pin::new(&mut self.socket).poll_write(cx, &self.pending[self.written..]);
            self.caller.link.note_write(polled.is_pending());
            match ready!(polled)? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                count => self.written += count,
            }
        }
        if self.written > 0 {
            self.pending.clear();
            self.written = 0;
            if self.pending.capacity() > KEPT_BYTES_MAX {
                self.pending = Vec::new();
            }
        }
        if self.must_flush {
            let polled = Pin::new(&mut self.socket).poll_flush(cx);
            self.caller.link.note_write(polled.is_pending());
            ready!(polled)?;
            self.must_flush = false;
        }
        Poll::Ready(Ok(()))
    }

    /// Answers in the gateway's own words; gives whether they were written.
    pub(super) async fn answer_own(&mut self, trouble: Trouble, ask: Ask, is_last: bool) -> bool {
        let Ask { accept, signs, is_head, exchange, .. } = ask;
        if let Some(exchange) = exchange {
            exchange.fail(trouble);
        }
        let accept: HeaderMap = accept.map(|accept| (ACCEPT, accept)).into_iter().collect();
        let mut answer = trouble.answer(&accept);
        if let Some(signs) = signs {
            signs.put_on(answer.headers_mut());
        }
        let is_last = is_last || answer.headers().contains_key(http::header::CONNECTION);
        response::write_own(self.queue(), &answer, is_head, is_last);
        poll_fn(|cx| self.poll_flush(cx)).await.is_ok() && !is_last
    }

    /// After a panic: an answer, if none has begun.
    pub(super) async fn excuse(&mut self) {
        if !self.has_begun {
            self.queue().extend_from_slice(&Trouble::Internal.farewell());
            if poll_fn(|cx| self.poll_flush(cx)).await.is_ok() {
                self.close().await;
            }
        }
    }

    /// Ends the connection in order, if all of the last answer was written.
    pub(super) async fn close(&mut self) {
        if self.pending.is_empty() {
            let closed = poll_fn(|cx| Pin::new(&mut self.socket).poll_shutdown(cx)).await;
            tracing::trace!(is_in_order = closed.is_ok(), "A visitor's connection ended");
        }
    }
}
