//! Sending a request to an endpoint, and once more where that is safe.
//!
//! A request is sent again in three cases only:
//! - the endpoint took no connection: another ready one is tried, once;
//! - the connection turned out closed before anything was written: a new one is opened;
//! - a *reused* connection died before a byte of the response came, and repeating the request does no harm (RFC 9110
//!   section 9.2.2), and all that was sent of its body is still there: it is sent once more on a new connection.
//!   Every restart of an endpoint closes its idle connections, so without this each rollout would fail requests.

use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Instant;

use http::header::{CONTENT_LENGTH, HeaderMap, TRANSFER_ENCODING};
use http::{Request, Response, StatusCode, Version as HttpVersion};
use http_body::Body;
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use hyper::upgrade::OnUpgrade;
use sluice_core::document::service::TimeoutSpec;

use super::download::{Download, ResponseBody};
use super::exchange::Exchange;
use super::headers;
use super::outgoing::Outgoing;
use super::shadow::RequestCopy;
use super::tunnel;
use super::upload::{Progress, RequestBody, Upload};
use crate::answer::Trouble;
use crate::pool::{Connection, Seat};
use crate::table::Version;
use crate::worker::Worker;

/// What forwarding needs to know besides the request.
pub(super) struct Forward<'a> {
    pub(super) worker: &'a Rc<Worker>,
    pub(super) version: &'a Version,
    pub(super) timeouts: &'a TimeoutSpec,
}

/// An endpoint's response with what it came on.
pub(super) type Answered = (Response<Incoming>, Connection, Seat);

/// Why an attempt gave no response.
pub(super) enum Failure {
    /// Nothing was written; the connection was closed before.
    NotSent,
    /// The connection died, and nothing had come back.
    Silent,
    /// For good.
    Final(Trouble),
    /// The visitor broke their request off.
    Visitor(Trouble),
}

impl Forward<'_> {
    /// Gives the endpoint's response, or why there is none. `copy` is started as soon as the request is.
    ///
    /// # Cancel safety
    ///
    /// Dropped, the connection to the endpoint is closed and the request is counted as cancelled.
    pub(super) async fn run(
        &self,
        mut outgoing: Outgoing,
        mut copy: Option<Box<RequestCopy>>,
        exchange: Exchange,
    ) -> Result<Response<ResponseBody>, (Trouble, Exchange)> {
        let answered = {
            let mut attempts = pin!(self.attempts(&outgoing));
            poll_fn(|cx| {
                let answered = attempts.as_mut().poll(cx);
                if let Some(copy) = copy.take() {
                    copy.start();
                }
                answered
            })
            .await
        };
        let visitor = outgoing.upgrade.as_mut().and_then(|(_, visitor)| visitor.take());
        self.conclude(&outgoing, visitor, answered, exchange)
    }

    /// Makes what came of the attempts an answer, or the reason why there is none. `visitor` is the visitor's end of a
    /// switched protocol.
    #[expect(clippy::result_large_err, reason = "a box would cost an allocation for each request that fails")]
    pub(super) fn conclude(
        &self,
        outgoing: &Outgoing,
        visitor: Option<OnUpgrade>,
        answered: Result<Answered, Failure>,
        mut exchange: Exchange,
    ) -> Result<Response<ResponseBody>, (Trouble, Exchange)> {
        let (response, connection, seat) = match answered {
            Ok(answered) => answered,
            Err(Failure::Visitor(trouble)) => {
                exchange.cancel();
                return Err((trouble, exchange));
            }
            Err(Failure::Final(trouble)) => return Err((trouble, exchange)),
            Err(Failure::NotSent | Failure::Silent) => return Err((Trouble::EndpointReset, exchange)),
        };
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            return match visitor {
                Some(visitor) => Ok(tunnel::open(self.worker, visitor, response, seat, exchange)),
                None => Err((Trouble::BadResponse, exchange)),
            };
        }
        self.accept(outgoing, response, (connection, seat), exchange)
    }

    /// Sends the request, and once more where that is safe.
    ///
    /// # Cancel safety
    ///
    /// Dropped, the connection to the endpoint is closed.
    pub(super) async fn attempts(&self, outgoing: &Outgoing) -> Result<Answered, Failure> {
        let mut seat = self.seat(None)?;
        outgoing.goes_to(&seat);
        let reusable = seat.take_idle(!outgoing.is_idempotent(), Instant::now());
        let mut connection = match reusable {
            Some(connection) => connection,
            None => self.connect(&mut seat).await?,
        };
        loop {
            let was_reused = connection.is_reused;
            match self.send(outgoing, &mut connection, &seat).await {
                Ok(response) => return Ok((response, connection, seat)),
                Err(Failure::NotSent) if was_reused => {}
                Err(Failure::Silent) if was_reused && outgoing.is_repeatable() => {}
                Err(failure) => return Err(failure),
            }
            // On a new connection: another reused one may be as dead. It is not reused, so this happens once.
            connection = self.connect(&mut seat).await?;
        }
    }

    fn seat(&self, except: Option<u64>) -> Result<Seat, Failure> {
        let seat = self.worker.pools.pick(self.version, except, Instant::now());
        seat.ok_or(Failure::Final(Trouble::NoReadyEndpoint))
    }

    /// Opens a connection; when the endpoint takes none, to another ready one.
    async fn connect(&self, seat: &mut Seat) -> Result<Connection, Failure> {
        let timeout = self.timeouts.connect.as_duration();
        let trouble = match seat.connect(timeout).await {
            Ok(connection) => return Ok(connection),
            Err(trouble) => trouble,
        };
        *seat = self.seat(Some(seat.endpoint().id)).map_err(|_| Failure::Final(trouble))?;
        if let Some(connection) = seat.take_idle(true, Instant::now()) {
            return Ok(connection);
        }
        seat.connect(timeout).await.map_err(Failure::Final)
    }

    async fn send(
        &self,
        outgoing: &Outgoing,
        connection: &mut Connection,
        seat: &Seat,
    ) -> Result<Response<Incoming>, Failure> {
        let request = outgoing.request(seat);
        connection.begin();
        let mut sending = pin!(connection.sender.try_send_request(request));
        let limit = self.timeouts.response.as_duration();
        let mut timer = pin!(tokio::time::sleep(limit));
        let result = poll_fn(|cx| {
            if let Poll::Ready(result) = sending.as_mut().poll(cx) {
                return Poll::Ready(Some(result));
            }
            while timer.as_mut().poll(cx).is_ready() {
                // The time for the response runs from the request's end; that of the upload is watched by itself.
                let ended = match outgoing.upload.as_deref().map(Upload::progress) {
                    None => return Poll::Ready(None),
                    Some(Progress::Ended(at)) => at,
                    Some(_) => Instant::now(),
                };
                let deadline = ended + limit;
                if Instant::now() >= deadline {
                    return Poll::Ready(None);
                }
                timer.as_mut().reset(deadline.into());
            }
            Poll::Pending
        })
        .await;
        let Some(result) = result else { return Err(Failure::Final(Trouble::ResponseTimeout)) };
        result.map_err(|error| judge(error, outgoing, connection))
    }

    /// Makes an endpoint's response one of the gateway's.
    #[expect(clippy::result_large_err, reason = "a box would cost an allocation for each request that fails")]
    fn accept(
        &self,
        outgoing: &Outgoing,
        response: Response<Incoming>,
        borrowed: (Connection, Seat),
        mut exchange: Exchange,
    ) -> Result<Response<ResponseBody>, (Trouble, Exchange)> {
        let (mut parts, body) = response.into_parts();
        if is_ambiguous(&mut parts.headers) {
            return Err((Trouble::BadResponse, exchange));
        }
        exchange.head_came();
        headers::strip(&mut parts.headers);
        // The visitor's connection speaks its own version.
        parts.version = HttpVersion::HTTP_11;
        parts.extensions.clear();
        let ends_by_close = outgoing.is_http_10() && !parts.headers.contains_key(CONTENT_LENGTH);
        let idle = self.timeouts.idle.as_duration();
        let status = parts.status.as_u16();
        let is_empty = body.is_end_stream();
        let mut download = Download::new(body, status, idle, ends_by_close, borrowed, exchange);
        if is_empty {
            download.finish();
            return Ok(Response::from_parts(parts, ResponseBody::Own(None)));
        }
        Ok(Response::from_parts(parts, ResponseBody::Endpoint(Box::new(download))))
    }
}

fn judge(error: TrySendError<Request<RequestBody>>, outgoing: &Outgoing, connection: &Connection) -> Failure {
    if error.message().is_some() {
        return Failure::NotSent;
    }
    match outgoing.upload.as_deref().map(Upload::progress) {
        Some(Progress::Broken) => {
            return Failure::Visitor(Trouble::BadRequest("The request's body broke off or is malformed."));
        }
        Some(Progress::Stalled) => return Failure::Visitor(Trouble::RequestTimeout),
        _ => {}
    }
    if !connection.has_heard() {
        return Failure::Silent;
    }
    let error = error.error();
    tracing::debug!(%error, "An endpoint gave no response");
    Failure::Final(if error.is_parse() { Trouble::BadResponse } else { Trouble::EndpointReset })
}

/// Whether a response says in two ways how long it is. With a transfer coding, the length is taken off as RFC 9112
/// section 6.3 wants.
fn is_ambiguous(headers: &mut HeaderMap) -> bool {
    if headers.contains_key(TRANSFER_ENCODING) {
        headers.remove(CONTENT_LENGTH);
    }
    headers.get_all(CONTENT_LENGTH).iter().count() > 1
}
