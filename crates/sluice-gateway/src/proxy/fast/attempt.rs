//! One attempt to have a request answered: on one connection, from the first byte that is sent to the last that comes.

use std::cell::{Cell, RefCell};
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use http::{HeaderMap, StatusCode};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use super::SCRATCH;
use super::chunks::{Malformed, write_chunk};
use super::near::Near;
use super::patience::Patience;
use super::reading::Ask;
use super::response::{self, Framing, Reading};
use crate::answer::Trouble;
use crate::pool::{Raw, Seat};
use crate::worker::Worker;

/// Left free before what an endpoint sends: the new head is put right before the body that came with the old one, and
/// both are written at once.
const ROOM: usize = 8 * 1024;
/// The longest head of a response; as long as the long way reads.
const HEAD_BYTES_MAX: usize = 400 * 1024;

thread_local! {
    /// Used by one response after the other.
    static HEADERS: RefCell<HeaderMap> = RefCell::default();
    /// A head that is being written.
    static HEAD: RefCell<Vec<u8>> = RefCell::default();
}

/// How an attempt ended.
pub(super) enum Ended {
    /// Answered. Nothing may follow on the visitor's connection when that was said.
    Whole { is_last: bool },
    /// Nothing was written: the connection was closed before.
    NotSent,
    /// The connection died, and nothing had come back.
    Silent,
    /// There is no answer, for good.
    Trouble(Trouble),
    /// The endpoint broke off within the answer.
    Broken,
    /// The visitor went away.
    Gone,
}

pub(super) struct Attempt<'a, 'b> {
    worker: &'a Rc<Worker>,
    near: &'a mut Near<'b>,
    ask: &'a mut Ask,
    seat: &'a Seat,
    /// Taken when it is given back.
    raw: Option<Raw>,
    sent: usize,
    /// Nothing more can be sent, and an answer may be there all the same.
    is_deaf: bool,
    has_heard: bool,
    /// The beginning of a head that came in pieces.
    head: Vec<u8>,
    body: Option<Body>,
    patience: Patience,
    must_finish: &'a Cell<bool>,
    is_last: bool,
    ended: Option<Ended>,
}

/// A body under way.
struct Body {
    framing: Framing,
    status: StatusCode,
    is_reusable: bool,
}

impl<'a, 'b> Attempt<'a, 'b> {
    pub(super) fn new(
        worker: &'a Rc<Worker>,
        near: &'a mut Near<'b>,
        ask: &'a mut Ask,
        seat: &'a Seat,
        raw: Raw,
        must_finish: &'a Cell<bool>,
    ) -> Attempt<'a, 'b> {
        Attempt {
            worker,
            near,
            ask,
            seat,
            raw: Some(raw),
            sent: 0,
            is_deaf: false,
            has_heard: false,
            head: Vec::new(),
            body: None,
            patience: Patience::new(Instant::now()),
            must_finish,
            is_last: false,
            ended: None,
        }
    }

    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Ended> {
        loop {
            // What the visitor has not taken yet comes first, so that no more is kept than one piece.
            match self.near.poll_flush(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Err(_)) => return Poll::Ready(self.ended.take().unwrap_or(Ended::Gone)),
                Poll::Ready(Ok(())) => {}
            }
            if let Some(ended) = self.ended.take() {
                return Poll::Ready(ended);
            }
            if let Some(ended) = self.send(cx) {
                return Poll::Ready(ended);
            }
            if self.near.is_gone(cx) {
                return Poll::Ready(Ended::Gone);
            }
            if self.receive(cx).is_pending() {
                let timeouts = &self.ask.routing.timeouts;
                let limit = if self.body.is_some() { timeouts.idle } else { timeouts.response };
                let link = &self.near.caller.link;
                if self.patience.poll(cx, self.worker, link, limit.as_duration()).is_pending() {
                    return Poll::Pending;
                }
                return Poll::Ready(match self.body {
                    Some(_) => Ended::Broken,
                    None => Ended::Trouble(Trouble::ResponseTimeout),
                });
            }
        }
    }

    fn send(&mut self, cx: &mut Context<'_>) -> Option<Ended> {
        let raw = self.raw.as_mut()?;
        while self.sent < self.ask.bytes.len() && !self.is_deaf {
            match Pin::new(&mut raw.stream).poll_write(cx, &self.ask.bytes[self.sent..]) {
                Poll::Ready(Ok(count)) if count > 0 => self.sent += count,
                Poll::Ready(_) if self.sent == 0 => return Some(Ended::NotSent),
                Poll::Ready(_) => self.is_deaf = true,
                Poll::Pending => break,
            }
        }
        None
    }

    /// Reads a piece and passes it on. Ready when something came, or the attempt ended.
    fn receive(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        SCRATCH.with_borrow_mut(|scratch| {
            let Some(raw) = self.raw.as_mut() else { return Poll::Ready(()) };
            let mut room = ReadBuf::new(&mut scratch[ROOM..]);
            let count = match Pin::new(&mut raw.stream).poll_read(cx, &mut room) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(())) => room.filled().len(),
                Poll::Ready(Err(_)) => {
                    self.ended = Some(self.cut());
                    return Poll::Ready(());
                }
            };
            self.ended = if count == 0 { Some(self.end_of_stream()) } else { self.take(cx, scratch, count) };
            Poll::Ready(())
        })
    }

    /// The connection broke.
    fn cut(&self) -> Ended {
        match self.body {
            Some(_) => Ended::Broken,
            None if self.has_heard => Ended::Trouble(Trouble::EndpointReset),
            None => Ended::Silent,
        }
    }

    fn end_of_stream(&mut self) -> Ended {
        match &self.body {
            Some(Body { framing: Framing::UntilClose, status, .. }) => {
                if let Some(mut exchange) = self.ask.exchange.take() {
                    exchange.respond(status.as_u16());
                }
                self.near.queue().extend_from_slice(b"0\r\n\r\n");
                Ended::Whole { is_last: self.is_last }
            }
            _ => self.cut(),
        }
    }

    /// Takes what came, which is in `scratch` behind its room.
    fn take(&mut self, cx: &mut Context<'_>, scratch: &mut [u8], count: usize) -> Option<Ended> {
        self.has_heard = true;
        if self.body.is_some() {
            self.patience.restart();
            return self.pass(cx, &scratch[ROOM..ROOM + count]).err();
        }
        if !self.head.is_empty() {
            // Rare, so what it costs does not matter.
            self.head.extend_from_slice(&scratch[ROOM..ROOM + count]);
            let mut whole = vec![0; ROOM];
            whole.append(&mut self.head);
            let count = whole.len() - ROOM;
            return self.take_head(cx, &mut whole, count);
        }
        self.take_head(cx, scratch, count)
    }

    fn take_head(&mut self, cx: &mut Context<'_>, bytes: &mut [u8], count: usize) -> Option<Ended> {
        let (mut start, end) = (ROOM, ROOM + count);
        let head = HEADERS.with_borrow_mut(|headers| {
            loop {
                match response::read(&bytes[start..end], self.ask.is_head, headers) {
                    Ok(Reading::Interim(length)) => start += length,
                    Ok(Reading::Unfinished) if end - start > HEAD_BYTES_MAX => return Err(Malformed),
                    Ok(Reading::Unfinished) => return Ok(None),
                    Ok(Reading::Final(head)) => {
                        self.begin_answer(&head, headers);
                        return Ok(Some(head));
                    }
                    Err(Malformed) => return Err(Malformed),
                }
            }
        });
        let head = match head {
            Ok(Some(head)) => head,
            Ok(None) => {
                self.head = bytes[start..end].to_vec();
                return None;
            }
            Err(Malformed) => return Some(Ended::Trouble(Trouble::BadResponse)),
        };
        if let Some(exchange) = &mut self.ask.exchange {
            exchange.head_came();
        }
        let body_at = start + head.length;
        self.body = Some(Body { framing: head.framing, status: head.status, is_reusable: head.is_reusable });
        let written = HEAD.with_borrow(|head| self.write_with_head(cx, head, bytes, body_at..end));
        match written {
            Err(_) => Some(Ended::Gone),
            Ok(passed) => passed.err(),
        }
    }

    /// Writes the visitor's head.
    fn begin_answer(&mut self, head: &response::Head, headers: &mut HeaderMap) {
        self.is_last = self.worker.is_draining() || self.must_finish.get();
        if let Some(signs) = self.ask.signs.take() {
            signs.put_on(headers);
        }
        HEAD.with_borrow_mut(|out| {
            out.clear();
            response::write(out, head.status, headers, &head.framing, self.ask.is_head, self.is_last);
        });
        headers.clear();
    }

    /// Writes the head, and what of the body came with it; at once, where the body passes as it is.
    fn write_with_head(
        &mut self,
        cx: &mut Context<'_>,
        head: &[u8],
        bytes: &mut [u8],
        body: std::ops::Range<usize>,
    ) -> io::Result<Result<(), Ended>> {
        let as_it_is = match &self.body {
            Some(Body { framing: Framing::Length { left }, .. }) => {
                usize::try_from(*left).map_or(body.len(), |left| left.min(body.len()))
            }
            _ => 0,
        };
        let start = body.start.checked_sub(head.len()).filter(|_| as_it_is > 0);
        let Some(start) = start else {
            self.near.queue().extend_from_slice(head);
            return Ok(self.pass(cx, &bytes[body]));
        };
        bytes[start..body.start].copy_from_slice(head);
        let counted = self.count_off(as_it_is, body.len());
        self.near.write(cx, &bytes[start..body.start + as_it_is])?;
        Ok(counted)
    }

    /// Passes a piece of the body on.
    fn pass(&mut self, cx: &mut Context<'_>, piece: &[u8]) -> Result<(), Ended> {
        let Some(body) = &mut self.body else { return Ok(()) };
        match &mut body.framing {
            Framing::Nothing => self.count_off(0, piece.len()),
            Framing::Length { left } => {
                let count = usize::try_from(*left).map_or(piece.len(), |left| left.min(piece.len()));
                let counted = self.count_off(count, piece.len());
                self.near.write(cx, &piece[..count]).map_err(|_| Ended::Gone)?;
                counted
            }
            Framing::Chunked(chunks) => {
                let taken = chunks.pass(piece, self.near.queue()).map_err(|Malformed| Ended::Broken)?;
                if chunks.is_over() {
                    return self.finish(taken < piece.len());
                }
                Ok(())
            }
            Framing::UntilClose => {
                write_chunk(piece, self.near.queue());
                Ok(())
            }
        }
    }

    /// So much of a body whose length is known was passed on, of so much that came.
    fn count_off(&mut self, passed: usize, came: usize) -> Result<(), Ended> {
        let Some(body) = &mut self.body else { return Ok(()) };
        let is_over = match &mut body.framing {
            Framing::Length { left } => {
                *left -= passed as u64;
                *left == 0
            }
            _ => true,
        };
        if is_over { self.finish(came > passed) } else { Ok(()) }
    }

    /// The answer is whole: it is counted, and its connection may carry the next request.
    fn finish(&mut self, has_more: bool) -> Result<(), Ended> {
        let Some(body) = &self.body else { return Ok(()) };
        if let Some(mut exchange) = self.ask.exchange.take() {
            exchange.respond(body.status.as_u16());
        }
        let is_kept = body.is_reusable && !has_more && self.sent == self.ask.bytes.len();
        if let Some(raw) = self.raw.take().filter(|_| is_kept) {
            self.seat.put_back_raw(raw);
        }
        Err(Ended::Whole { is_last: self.is_last })
    }
}
