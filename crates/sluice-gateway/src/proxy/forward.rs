//! Sending a request to an endpoint, and once more where that is safe.
//!
//! A request is sent again in four cases only:
//! - the endpoint took no connection: another ready one is tried, once;
//! - the connection turned out closed before anything was written: a new one is opened;
//! - a *reused* connection died before a byte of the response came, and repeating the request does no harm (RFC 9110
//!   section 9.2.2), and all that was sent of its body is still there: it is sent once more on a new connection.
//!   Every restart of an endpoint closes its idle connections, so without this each rollout would fail requests.
//! - the endpoint, which speaks HTTP/2, says that it did nothing with the request (RFC 9113 section 8.7), and all that was
//!   sent of its body is still there.

use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::Instant;

use http::header::{CONTENT_LENGTH, HeaderMap, TRANSFER_ENCODING};
use http::{Request, Response, StatusCode, Version as HttpVersion};
use http_body::Body;
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use hyper::upgrade::OnUpgrade;
use sluice_core::document::service::{LimitSpec, RetrySpec, TimeoutSpec};
use sluice_core::routing::ServiceRouting;

use super::download::{Download, ResponseBody};
use super::exchange::Exchange;
use super::headers;
use super::outgoing::Outgoing;
use super::shadow::RequestCopy;
use super::tunnel;
use super::upload::{Progress, RequestBody, Upload};
use crate::answer::Trouble;
use crate::grpc::Outcome;
use crate::pool::{Ask, Connection, Heard, Lost, Ride, Seat, Sender, Unseated};
use crate::table::{Handling, RetryBudget, Version};
use crate::worker::Worker;

/// How often a request that an endpoint did nothing with is sent again.
const REFUSALS_MAX: usize = 2;

/// What forwarding needs to know besides the request.
pub(super) struct Forward<'a> {
    pub(super) worker: &'a Rc<Worker>,
    pub(super) version: &'a Arc<Version>,
    pub(super) routing: &'a ServiceRouting,
    pub(super) timeouts: TimeoutSpec,
    /// What the request's route does with it.
    pub(super) handling: Option<&'a Handling>,
    /// When it is sent again, and how many of the service's may be.
    pub(super) retries: Option<(&'a RetrySpec, &'a RetryBudget)>,
}

/// An endpoint's response with what it came on.
pub(super) type Answered = (Response<Incoming>, Connection, Seat);

/// Why an attempt gave no response.
pub(super) enum Failure {
    /// Nothing was written; the connection was closed before.
    NotSent,
    /// The connection died, and nothing had come back.
    Silent,
    /// The endpoint did nothing with it, and says so.
    Refused,
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
            Err(Failure::NotSent | Failure::Silent | Failure::Refused) => {
                return Err((Trouble::EndpointReset, exchange));
            }
        };
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            return match visitor {
                Some(visitor) => Ok(tunnel::open(self.worker, visitor, response, seat, exchange)),
                None => Err((Trouble::BadResponse, exchange)),
            };
        }
        self.accept(outgoing, response, (connection, seat), exchange)
    }

    /// Sends the request to one endpoint, and once more where that is safe. `tried` is the endpoint that it is not sent to
    /// if there is another, and then the one that it was sent to.
    ///
    /// # Cancel safety
    ///
    /// Dropped, the connection to the endpoint is closed.
    pub(super) async fn attempt(
        &self,
        outgoing: &Outgoing,
        tried: &mut Option<u64>,
    ) -> Result<Answered, Failure> {
        let mut seat = self.seat(*tried).await?;
        let answered = self.attempt_at(outgoing, &mut seat).await;
        *tried = Some(seat.endpoint().id);
        if let Some(outliers) = &self.routing.outliers {
            let is_good = match &answered {
                Ok((response, _)) => Some(!response.status().is_server_error()),
                // Nobody knows how the endpoint would have done.
                Err(Failure::Visitor(_)) => None,
                Err(_) => Some(false),
            };
            if let Some(is_good) = is_good {
                self.version.note_conduct(seat.endpoint(), is_good, outliers, self.worker.now_ms());
            }
        }
        answered.map(|(response, connection)| (response, connection, seat))
    }

    async fn attempt_at(
        &self,
        outgoing: &Outgoing,
        seat: &mut Seat,
    ) -> Result<(Response<Incoming>, Connection), Failure> {
        outgoing.goes_to(seat);
        let switches = outgoing.upgrade.is_some();
        let reusable = seat.take_idle(!outgoing.is_idempotent(), switches, Instant::now());
        let mut connection = match reusable {
            Some(connection) => connection,
            None => self.connect(seat, switches).await?,
        };
        let mut refusals = 0;
        loop {
            let was_reused = connection.is_reused;
            match self.send(outgoing, &mut connection, seat).await {
                Ok(response) => return Ok((response, connection)),
                Err(Failure::NotSent | Failure::Refused)
                    if connection.is_http2() && refusals < REFUSALS_MAX && outgoing.is_whole() =>
                {
                    refusals += 1;
                }
                Err(Failure::NotSent) if was_reused && !connection.is_http2() => {}
                Err(Failure::Silent) if was_reused && outgoing.is_repeatable() => {}
                Err(failure) => return Err(failure),
            }
            // On a new connection: another reused one may be as dead. It is not reused, so this happens once.
            connection = self.connect(seat, switches).await?;
        }
    }

    /// A place at an endpoint other than `except`, or at that one when there is no other. Where places are limited and
    /// all are taken, waits for one.
    async fn seat(&self, except: Option<u64>) -> Result<Seat, Failure> {
        let pick = |except| {
            let limit = self.routing.limits.as_ref().map(|limits| limits.in_flight);
            let (balance, now_ms) = (self.routing.balance, self.worker.now_ms());
            self.worker.pools.pick(self.version, &Ask { except, balance, limit, now_ms })
        };
        let picked = match (pick(except), except) {
            (Err(_), Some(_)) => pick(None),
            (picked, _) => picked,
        };
        match (picked, &self.routing.limits) {
            (Ok(seat), _) => Ok(seat),
            (Err(Unseated::AllFull), Some(limits)) => self.wait_for_seat(limits, || pick(None)).await,
            (Err(_), _) => Err(Failure::Final(Trouble::NoReadyEndpoint)),
        }
    }

    async fn wait_for_seat(
        &self,
        limits: &LimitSpec,
        pick: impl Fn() -> Result<Seat, Unseated>,
    ) -> Result<Seat, Failure> {
        let waiting = self.version.line.join(limits.queue).ok_or(Failure::Final(Trouble::Overloaded))?;
        let deadline = tokio::time::Instant::now() + limits.wait.as_duration();
        loop {
            let mut freed = pin!(waiting.freed());
            freed.as_mut().enable();
            // Again, because one may have been freed before there was a line.
            match pick() {
                Ok(seat) => return Ok(seat),
                Err(Unseated::NoneReady) => return Err(Failure::Final(Trouble::NoReadyEndpoint)),
                Err(Unseated::AllFull) => {}
            }
            let in_time = tokio::time::timeout_at(deadline, freed).await;
            in_time.map_err(|_| Failure::Final(Trouble::Overloaded))?;
        }
    }

    /// Opens a connection; when the endpoint takes none, to another ready one.
    async fn connect(&self, seat: &mut Seat, switches: bool) -> Result<Connection, Failure> {
        let timeout = self.timeouts.connect.as_duration();
        let trouble = match seat.connect(timeout, switches).await {
            Ok(connection) => return Ok(connection),
            Err(trouble) => trouble,
        };
        // A failed connection is a failure of that endpoint, whatever becomes of the request.
        let failed = Arc::clone(seat.endpoint());
        *seat = self.other_seat(failed.id).ok_or(Failure::Final(trouble))?;
        if let Some(outliers) = &self.routing.outliers {
            self.version.note_conduct(&failed, false, outliers, self.worker.now_ms());
        }
        if let Some(connection) = seat.take_idle(true, switches, Instant::now()) {
            return Ok(connection);
        }
        seat.connect(timeout, switches).await.map_err(Failure::Final)
    }

    fn other_seat(&self, than: u64) -> Option<Seat> {
        let limit = self.routing.limits.as_ref().map(|limits| limits.in_flight);
        let (balance, now_ms) = (self.routing.balance, self.worker.now_ms());
        self.worker.pools.pick(self.version, &Ask { except: Some(than), balance, limit, now_ms }).ok()
    }

    async fn send(
        &self,
        outgoing: &Outgoing,
        connection: &mut Connection,
        seat: &Seat,
    ) -> Result<Response<Incoming>, Failure> {
        let request = outgoing.request(seat, connection.is_http2());
        match &mut connection.sender {
            Sender::Http1(sender, heard) => {
                heard.forget();
                let result = self.in_time(outgoing, sender.try_send_request(request)).await?;
                result.map_err(|error| judge(error, outgoing, heard))
            }
            Sender::Http2(ride) => {
                let result = self.in_time(outgoing, ride.sender().try_send_request(request)).await?;
                result.map_err(|error| judge_http2(error, outgoing, ride))
            }
        }
    }

    /// Waits for the head of a response for as long as the endpoint may take.
    async fn in_time<T>(&self, outgoing: &Outgoing, sending: impl Future<Output = T>) -> Result<T, Failure> {
        let mut sending = pin!(sending);
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
        result.ok_or(Failure::Final(Trouble::ResponseTimeout))
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
        if let Some(handling) = self.handling {
            handling.response.make(&mut parts.headers);
        }
        // The visitor's connection speaks its own version.
        parts.version = HttpVersion::HTTP_11;
        parts.extensions.clear();
        let ends_by_close = outgoing.is_http_10() && !parts.headers.contains_key(CONTENT_LENGTH);
        let idle = self.timeouts.idle.as_duration();
        let outcome = Outcome::of(outgoing.is_grpc, parts.status, &parts.headers);
        let is_empty = body.is_end_stream();
        let mut download = Download::new(body, outcome, idle, ends_by_close, borrowed, exchange);
        if is_empty {
            download.finish();
            return Ok(Response::from_parts(parts, ResponseBody::Own(None)));
        }
        Ok(Response::from_parts(parts, ResponseBody::Endpoint(Box::new(download))))
    }
}

fn judge(error: TrySendError<Request<RequestBody>>, outgoing: &Outgoing, heard: &Heard) -> Failure {
    if error.message().is_some() {
        return Failure::NotSent;
    }
    if let Some(failure) = fault_of_visitor(outgoing) {
        return failure;
    }
    if !heard.is_any() {
        return Failure::Silent;
    }
    let error = error.error();
    tracing::debug!(%error, "An endpoint gave no response");
    Failure::Final(if error.is_parse() { Trouble::BadResponse } else { Trouble::EndpointReset })
}

fn judge_http2(error: TrySendError<Request<RequestBody>>, outgoing: &Outgoing, ride: &Ride) -> Failure {
    if error.message().is_some() {
        return Failure::NotSent;
    }
    if let Some(failure) = fault_of_visitor(outgoing) {
        return failure;
    }
    let error = error.error();
    tracing::debug!(%error, "An endpoint gave no response");
    match ride.lost(error) {
        Lost::Refused => Failure::Refused,
        Lost::Reset => Failure::Final(Trouble::EndpointReset),
        Lost::Broken => Failure::Silent,
    }
}

/// Whether it was the visitor's body that broke the request off.
fn fault_of_visitor(outgoing: &Outgoing) -> Option<Failure> {
    match outgoing.upload.as_deref().map(Upload::progress) {
        Some(Progress::Broken) => {
            Some(Failure::Visitor(Trouble::BadRequest("The request's body broke off or is malformed.")))
        }
        Some(Progress::Stalled) => Some(Failure::Visitor(Trouble::RequestTimeout)),
        _ => None,
    }
}

/// Whether a response says in two ways how long it is. With a transfer coding, the length is taken off as RFC 9112
/// section 6.3 wants.
fn is_ambiguous(headers: &mut HeaderMap) -> bool {
    if headers.contains_key(TRANSFER_ENCODING) {
        headers.remove(CONTENT_LENGTH);
    }
    headers.get_all(CONTENT_LENGTH).iter().count() > 1
}
