//! A response's body on its way to the visitor.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use super::exchange::Exchange;
use super::quiet::Quiet;
use crate::grpc::Outcome;
use crate::pool::{Connection, Seat};

/// What the visitor is given.
pub(crate) enum ResponseBody {
    /// The gateway's own words, or none.
    Own(Option<Bytes>),
    /// An endpoint's, piece by piece.
    Endpoint(Box<Download>),
}

/// A response that streams from an endpoint.
pub(crate) struct Download {
    incoming: Incoming,
    outcome: Outcome,
    idle: Duration,
    quiet: Quiet,
    /// Whether the end of the connection is all that tells the visitor that the response is whole.
    ends_by_close: bool,
    /// Kept last: dropping them counts the request.
    borrowed: Option<(Connection, Seat)>,
    exchange: Exchange,
}

impl Download {
    pub(crate) fn new(
        incoming: Incoming,
        outcome: Outcome,
        idle: Duration,
        ends_by_close: bool,
        borrowed: (Connection, Seat),
        mut exchange: Exchange,
    ) -> Download {
        let quiet = Quiet::default();
        exchange.answered(outcome.status());
        Download { incoming, outcome, idle, quiet, ends_by_close, borrowed: Some(borrowed), exchange }
    }

    /// The response is whole: it is counted, and its connection may carry the next request.
    pub(crate) fn finish(&mut self) {
        self.exchange.respond(self.outcome.status());
        if let Some((connection, seat)) = self.borrowed.take() {
            seat.put_back(connection);
        }
    }

    /// The endpoint broke off. The visitor's connection must not end as if the response were whole.
    fn break_off(&mut self) {
        self.exchange.reset();
        self.borrowed = None;
        if self.ends_by_close {
            self.exchange.reset_visitor();
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        self.exchange.note_piece(false);
        match Pin::new(&mut self.incoming).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                self.exchange.note_piece(true);
                self.quiet.end();
                self.exchange.gave(frame.data_ref().map_or(0, Bytes::len));
                if let Some(trailers) = frame.trailers_ref() {
                    self.outcome.take_in(trailers);
                }
                // The last piece may be asked for by nobody after it.
                if frame.is_trailers() || self.incoming.is_end_stream() {
                    self.finish();
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => {
                self.break_off();
                Poll::Ready(Some(Err(io::Error::other(error))))
            }
            Poll::Ready(None) => {
                self.finish();
                Poll::Ready(None)
            }
            Poll::Pending => {
                ready!(self.quiet.poll_too_long(cx, self.idle));
                self.break_off();
                Poll::Ready(Some(Err(io::ErrorKind::TimedOut.into())))
            }
        }
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        match self.get_mut() {
            ResponseBody::Own(body) => Poll::Ready(body.take().map(|bytes| Ok(Frame::data(bytes)))),
            ResponseBody::Endpoint(download) => download.poll(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            ResponseBody::Own(body) => body.is_none(),
            ResponseBody::Endpoint(download) => download.incoming.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            ResponseBody::Own(body) => SizeHint::with_exact(body.as_ref().map_or(0, Bytes::len) as u64),
            ResponseBody::Endpoint(download) => download.incoming.size_hint(),
        }
    }
}
