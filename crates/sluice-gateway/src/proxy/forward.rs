//! Sending a request to an endpoint, and once more where that is safe.
//!
//! A request is sent again in three cases only:
//! - the endpoint took no connection: another ready one is tried, once;
//! - the connection turned out closed before anything was written: a new one is opened;
//! - a *reused* connection died before a byte of the response came, and repeating the request does no harm (RFC 9110
//!   section 9.2.2), and all that was sent of its body is still there: it is sent once more on a new connection.
//!   Every restart of an endpoint closes its idle connections, so without this each rollout would fail requests.

use std::pin::pin;
use std::rc::Rc;
use std::sync::Mutex;
use std::task::Poll;
use std::time::Instant;

use http::header::{CONTENT_LENGTH, EXPECT, HOST, HeaderMap, HeaderValue, TRANSFER_ENCODING};
use http::request::Parts;
use http::uri::{PathAndQuery, Uri};
use http::{Method, Request, Response, StatusCode, Version as HttpVersion};
use http_body::Body;
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use sluice_core::document::service::TimeoutSpec;

use super::download::{Download, ResponseBody};
use super::exchange::Exchange;
use super::headers;
use super::tunnel;
use super::upload::{Progress, RequestBody, Upload};
use crate::answer::Trouble;
use crate::pool::{Connection, Seat};
use crate::table::Version;
use crate::worker::{Visit, Worker};

/// What forwarding needs to know besides the request.
pub(super) struct Forward<'a> {
    pub(super) worker: &'a Rc<Worker>,
    pub(super) visit: &'a Rc<Visit>,
    pub(super) version: &'a Version,
    pub(super) timeouts: &'a TimeoutSpec,
}

/// What is kept of a request while it is sent, perhaps twice.
struct Outgoing {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    upload: Option<Rc<Upload>>,
    /// The protocol that the visitor asks to switch to.
    protocol: Option<HeaderValue>,
    http_version: HttpVersion,
    expects_continue: bool,
}

/// Why an attempt gave no response.
enum Failure {
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
    /// Gives the endpoint's response, or why there is none.
    ///
    /// # Cancel safety
    ///
    /// Dropped, the connection to the endpoint is closed and the request is counted as cancelled.
    pub(super) async fn run(
        &self,
        mut parts: Parts,
        body: Incoming,
        mut exchange: Exchange,
    ) -> Result<Response<ResponseBody>, (Trouble, Exchange)> {
        let protocol = headers::upgrade_to(&parts.headers).filter(|_| body.is_end_stream());
        let on_upgrade = protocol.is_some().then(|| parts.extensions.remove::<hyper::upgrade::OnUpgrade>());
        let outgoing = self.prepare(parts, body, protocol);
        let (response, connection, seat) = match self.attempts(&outgoing).await {
            Ok(answered) => answered,
            Err(Failure::Visitor(trouble)) => {
                exchange.cancel();
                return Err((trouble, exchange));
            }
            Err(Failure::Final(trouble)) => return Err((trouble, exchange)),
            Err(Failure::NotSent | Failure::Silent) => return Err((Trouble::EndpointReset, exchange)),
        };
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            return match (on_upgrade.flatten(), outgoing.protocol) {
                (Some(visitor), Some(_)) => Ok(tunnel::open(self.worker, visitor, response, seat, exchange)),
                _ => Err((Trouble::BadResponse, exchange)),
            };
        }
        self.accept(&outgoing, response, (connection, seat), exchange)
    }

    fn prepare(&self, parts: Parts, body: Incoming, protocol: Option<HeaderValue>) -> Outgoing {
        let Parts { method, uri, mut headers, version: http_version, .. } = parts;
        let takes_trailers = headers::takes_trailers(&headers);
        let expects_continue =
            headers.get(EXPECT).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"));
        headers::strip(&mut headers);
        headers::add_origin(&mut headers, &self.visit.origin, http_version);
        if let Some(protocol) = &protocol {
            headers::switch(&mut headers, protocol.clone());
        } else if takes_trailers {
            headers::welcome_trailers(&mut headers);
        }
        let keep_max = if is_idempotent(&method) { self.worker.shared.limits.replay_bytes_max } else { 0 };
        let upload = Upload::of(body, keep_max, self.timeouts.idle.as_duration());
        let expects_continue = expects_continue && upload.is_some() && http_version == HttpVersion::HTTP_11;
        if !expects_continue {
            headers.remove(EXPECT);
        }
        let uri = origin_form(uri);
        Outgoing { method, uri, headers, upload, protocol, http_version, expects_continue }
    }

    async fn attempts(&self, outgoing: &Outgoing) -> Result<(Response<Incoming>, Connection, Seat), Failure> {
        let mut seat = self.seat(None)?;
        let reusable = seat.take_idle(!is_idempotent(&outgoing.method), Instant::now());
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
        let result = std::future::poll_fn(|cx| {
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
    fn accept(
        &self,
        outgoing: &Outgoing,
        response: Response<Incoming>,
        borrowed: (Connection, Seat),
        exchange: Exchange,
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
        let ends_by_close =
            outgoing.http_version == HttpVersion::HTTP_10 && !parts.headers.contains_key(CONTENT_LENGTH);
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

impl Outgoing {
    /// For one attempt.
    fn request(&self, seat: &Seat) -> Request<RequestBody> {
        let mut request = Request::new(RequestBody::of(self.upload.as_ref()));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = self.headers.clone();
        if !self.headers.contains_key(HOST) {
            // HTTP/1.0 may leave it out; HTTP/1.1, which endpoints are spoken to, may not.
            let host = HeaderValue::try_from(seat.endpoint().spec.authority());
            request.headers_mut().extend(host.ok().map(|host| (HOST, host)));
        }
        if let Some(upload) = self.upload.as_ref().filter(|_| self.expects_continue) {
            let release = Mutex::new(Some(upload.hold_back()));
            hyper::ext::on_informational(&mut request, move |response| {
                if response.status() == StatusCode::CONTINUE {
                    // Dropping it releases the body.
                    drop(release.lock().map(|mut release| release.take()));
                }
            });
        }
        request
    }

    fn is_repeatable(&self) -> bool {
        is_idempotent(&self.method) && self.upload.as_ref().is_none_or(|upload| upload.is_repeatable())
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

/// Whether a request may be sent twice (RFC 9110 section 9.2.2).
fn is_idempotent(method: &Method) -> bool {
    matches!(
        *method,
        Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE | Method::PUT | Method::DELETE
    )
}

/// The target as servers take it: path and query.
fn origin_form(uri: Uri) -> Uri {
    if uri.authority().is_none() {
        return uri;
    }
    let target = uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
    Uri::from(target)
}

/// Whether a response says in two ways how long it is. With a transfer coding, the length is taken off as RFC 9112
/// section 6.3 wants.
fn is_ambiguous(headers: &mut HeaderMap) -> bool {
    if headers.contains_key(TRANSFER_ENCODING) {
        headers.remove(CONTENT_LENGTH);
    }
    headers.get_all(CONTENT_LENGTH).iter().count() > 1
}
