//! A request as it is sent to an endpoint, perhaps twice.

use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{
    CONNECTION, CONTENT_LENGTH, EXPECT, HOST, HeaderMap, HeaderName, HeaderValue, TRANSFER_ENCODING, UPGRADE,
};
use http::request::Parts;
use http::uri::{Authority, PathAndQuery, Scheme, Uri};
use http::{Method, Request, StatusCode, Version as HttpVersion};
use http_body::Body;
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;

use super::headers::{self, Origin};
use super::upload::{RequestBody, Upload};
use crate::access::Trail;
use crate::carried::RELEASE;
use crate::grpc::is_grpc;
use crate::pool::Seat;
use crate::table::Handling;

const SHADOW: HeaderName = HeaderName::from_static(super::SHADOW_HEADER);

/// For ever, and yet a time that can be added to the present.
const GRPC_IDLE_TIME_MAX: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// What is kept of a request while it is sent, perhaps twice.
pub(super) struct Outgoing {
    pub(super) method: Method,
    uri: Uri,
    headers: HeaderMap,
    pub(super) upload: Option<Rc<Upload>>,
    /// The protocol that the visitor asks to switch to, and where the switch is handed over.
    pub(super) upgrade: Option<(HeaderValue, Option<OnUpgrade>)>,
    http_version: HttpVersion,
    /// Whether the outcome is the status of gRPC.
    pub(super) is_grpc: bool,
    expects_continue: bool,
    trail: Option<Rc<Trail>>,
}

/// What this hop makes of a request.
pub(super) struct Hop<'a> {
    pub(super) origin: &'a Origin,
    /// What the request carries to the hops behind.
    pub(super) release: Option<HeaderValue>,
    /// What its route does with it.
    pub(super) handling: Option<&'a Handling>,
    /// How long the visitor may be quiet within the body.
    pub(super) idle: Duration,
    /// How much of the body is kept for sending it again.
    pub(super) replay_bytes_max: usize,
    /// Where the access log learns what becomes of the request.
    pub(super) trail: Option<Rc<Trail>>,
    /// Whether the endpoints may say that they did nothing with it: then any request may have to be sent again.
    pub(super) may_be_refused: bool,
}

impl Outgoing {
    pub(super) fn of(parts: Parts, body: Incoming, hop: Hop<'_>) -> Outgoing {
        let Parts { method, uri, mut headers, version: http_version, mut extensions, .. } = parts;
        let protocol = headers::upgrade_to(&headers).filter(|_| body.is_end_stream());
        let upgrade = protocol.map(|protocol| (protocol, extensions.remove::<OnUpgrade>()));
        let takes_trailers = headers::takes_trailers(&headers);
        let expects_continue =
            headers.get(EXPECT).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"));
        headers::strip(&mut headers);
        headers::add_origin(&mut headers, hop.origin, http_version);
        if let Some((protocol, _)) = &upgrade {
            headers::switch(&mut headers, protocol.clone());
        } else if takes_trailers {
            headers::welcome_trailers(&mut headers);
        }
        if let Some(release) = hop.release {
            headers.insert(RELEASE, release);
        }
        let may_repeat = is_idempotent(&method) || hop.may_be_refused;
        let keep_max = if may_repeat { hop.replay_bytes_max } else { 0 };
        let is_grpc = is_grpc(&headers, http_version);
        // A call may stay open with nothing to say; whether its visitor is still there is asked of the connection.
        let idle = if is_grpc { GRPC_IDLE_TIME_MAX } else { hop.idle };
        let upload = Upload::of(body, keep_max, idle, hop.trail.clone());
        let expects_continue = expects_continue && upload.is_some() && http_version == HttpVersion::HTTP_11;
        if !expects_continue {
            headers.remove(EXPECT);
        }
        if upload.is_some() && !headers.contains_key(CONTENT_LENGTH) {
            // Said, because with some methods a body is otherwise taken for absent.
            headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
        }
        let mut uri = origin_form(uri);
        if let Some(handling) = hop.handling {
            uri = handling.rewrite(uri);
            if let Some(host) = &handling.host {
                headers.insert(HOST, host.clone());
            }
            handling.request.make(&mut headers);
        }
        let trail = hop.trail;
        Outgoing { method, uri, headers, upload, upgrade, http_version, is_grpc, expects_continue, trail }
    }

    /// The same request for the candidate, yet without a body.
    pub(super) fn copy(&self, release: Option<HeaderValue>) -> Outgoing {
        let mut headers = self.headers.clone();
        headers.insert(SHADOW, HeaderValue::from_static("1"));
        match release {
            Some(release) => headers.insert(RELEASE, release),
            None => headers.remove(RELEASE),
        };
        Outgoing {
            method: self.method.clone(),
            uri: self.uri.clone(),
            headers,
            upload: None,
            upgrade: None,
            http_version: self.http_version,
            is_grpc: self.is_grpc,
            expects_continue: false,
            trail: None,
        }
    }

    /// Gives a copy the body that was read for it.
    pub(super) fn fill(&mut self, body: Bytes) {
        // Said in the head or in pieces: the copy says it as the visitor did.
        let is_length_known = self.headers.contains_key(CONTENT_LENGTH);
        self.upload = Some(Upload::whole(body, is_length_known));
    }

    /// It is given to an endpoint, which may not take it.
    pub(super) fn goes_to(&self, seat: &Seat) {
        if let Some(trail) = &self.trail {
            trail.goes_to(seat.endpoint());
        }
    }

    /// For one attempt.
    pub(super) fn request(&self, seat: &Seat, is_http2: bool) -> Request<RequestBody> {
        if let Some(trail) = &self.trail {
            trail.sent_to(seat.endpoint());
        }
        if is_http2 { self.request_http2(seat) } else { self.request_http1(seat) }
    }

    fn request_http1(&self, seat: &Seat) -> Request<RequestBody> {
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
            let key = upload.hold_back();
            hyper::ext::on_informational(&mut request, move |response| {
                if response.status() == StatusCode::CONTINUE {
                    key.notify_one();
                }
            });
        }
        request
    }

    /// As HTTP/2 wants it (RFC 9113 section 8.3.1): host and scheme are told with the target, and nothing is said about the
    /// connection. Without a wait for the body to be asked for: nothing of HTTP/2 is held up by one that is not wanted.
    fn request_http2(&self, seat: &Seat) -> Request<RequestBody> {
        let mut request = Request::new(RequestBody::of(self.upload.as_ref()));
        *request.method_mut() = self.method.clone();
        *request.version_mut() = HttpVersion::HTTP_2;
        *request.headers_mut() = self.headers.clone();
        let headers = request.headers_mut();
        for name in [CONNECTION, TRANSFER_ENCODING, UPGRADE, EXPECT] {
            headers.remove(name);
        }
        let endpoint = seat.endpoint();
        let host = headers.remove(HOST);
        let authority = host.and_then(|host| Authority::try_from(host.as_bytes()).ok());
        let authority = authority.or_else(|| Authority::try_from(endpoint.spec.authority()).ok());
        let mut parts = self.uri.clone().into_parts();
        parts.scheme = Some(if endpoint.trust.is_some() { Scheme::HTTPS } else { Scheme::HTTP });
        parts.authority = authority;
        if let Ok(uri) = Uri::from_parts(parts) {
            *request.uri_mut() = uri;
        }
        request
    }

    /// Whether all that was sent of the body is still there.
    pub(super) fn is_whole(&self) -> bool {
        self.upload.as_ref().is_none_or(|upload| upload.is_repeatable())
    }

    pub(super) fn is_idempotent(&self) -> bool {
        is_idempotent(&self.method)
    }

    pub(super) fn is_repeatable(&self) -> bool {
        self.is_idempotent() && self.is_whole()
    }

    /// Whether the visitor learns of the end of a response without a length by the end of the connection.
    pub(super) fn is_http_10(&self) -> bool {
        self.http_version == HttpVersion::HTTP_10
    }
}

/// A body that the endpoint never asked for is let go when the visitor's answer is there, and not before: reading it
/// earlier would ask the visitor for what was just refused.
impl Drop for Outgoing {
    fn drop(&mut self) {
        if let Some(upload) = &self.upload {
            upload.let_go();
        }
    }
}

/// Whether a request may be sent twice (RFC 9110 section 9.2.2).
pub(super) fn is_idempotent(method: &Method) -> bool {
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
