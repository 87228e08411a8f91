//! A request as it is sent to an endpoint, perhaps twice.

use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, EXPECT, HOST, HeaderMap, HeaderName, HeaderValue, TRANSFER_ENCODING};
use http::request::Parts;
use http::uri::{PathAndQuery, Uri};
use http::{Method, Request, StatusCode, Version as HttpVersion};
use http_body::Body;
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;

use super::headers::{self, Origin};
use super::upload::{RequestBody, Upload};
use crate::carried::RELEASE;
use crate::pool::Seat;

const SHADOW: HeaderName = HeaderName::from_static(super::SHADOW_HEADER);

/// What is kept of a request while it is sent, perhaps twice.
pub(super) struct Outgoing {
    pub(super) method: Method,
    uri: Uri,
    headers: HeaderMap,
    pub(super) upload: Option<Rc<Upload>>,
    /// The protocol that the visitor asks to switch to, and where the switch is handed over.
    pub(super) upgrade: Option<(HeaderValue, Option<OnUpgrade>)>,
    http_version: HttpVersion,
    expects_continue: bool,
}

/// What this hop makes of a request.
pub(super) struct Hop<'a> {
    pub(super) origin: &'a Origin,
    /// What the request carries to the hops behind.
    pub(super) release: Option<HeaderValue>,
    /// How long the visitor may be quiet within the body.
    pub(super) idle: Duration,
    /// How much of the body is kept for sending it again.
    pub(super) replay_bytes_max: usize,
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
        let keep_max = if is_idempotent(&method) { hop.replay_bytes_max } else { 0 };
        let upload = Upload::of(body, keep_max, hop.idle);
        let expects_continue = expects_continue && upload.is_some() && http_version == HttpVersion::HTTP_11;
        if !expects_continue {
            headers.remove(EXPECT);
        }
        if upload.is_some() && !headers.contains_key(CONTENT_LENGTH) {
            // Said, because with some methods a body is otherwise taken for absent.
            headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
        }
        let uri = origin_form(uri);
        Outgoing { method, uri, headers, upload, upgrade, http_version, expects_continue }
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
            expects_continue: false,
        }
    }

    /// Gives a copy the body that was read for it.
    pub(super) fn fill(&mut self, body: Bytes) {
        // Said in the head or in pieces: the copy says it as the visitor did.
        let is_length_known = self.headers.contains_key(CONTENT_LENGTH);
        self.upload = Some(Upload::whole(body, is_length_known));
    }

    /// For one attempt.
    pub(super) fn request(&self, seat: &Seat) -> Request<RequestBody> {
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

    pub(super) fn is_idempotent(&self) -> bool {
        is_idempotent(&self.method)
    }

    pub(super) fn is_repeatable(&self) -> bool {
        self.is_idempotent() && self.upload.as_ref().is_none_or(|upload| upload.is_repeatable())
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
