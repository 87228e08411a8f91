//! One request, from its head to the head of its response.
//!
//! Every way out of here is an answer to the visitor, and every answer that a version was chosen for is counted
//! against that version.

mod download;
mod exchange;
mod forward;
mod headers;
mod quiet;
mod tunnel;
mod upload;
mod visitor;

use std::rc::Rc;
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::header::{HeaderValue, SET_COOKIE};
use http::request::Parts;
use http::{HeaderName, Request, Response};
use hyper::body::Incoming;
use sluice_core::document::service::Reveal;
use sluice_core::routing::{Request as _, decide};
use sluice_core::{Timestamp, VersionName};

use crate::answer::Trouble;
use crate::preview::{PREVIEW_HEADER, PreviewError};
use crate::table::{Service, Table, Version};
use crate::worker::{Visit, Worker};
use exchange::Exchange;
use visitor::Visitor;

pub(crate) use download::ResponseBody;
pub(crate) use headers::Origin;
pub(crate) use upload::RequestBody;

/// The response header that says which version answered.
const VERSION_HEADER: HeaderName = HeaderName::from_static("x-sluice-version");

/// How long a browser keeps the unit that was minted for it: a year, so that a visitor who comes back during a long
/// release meets the same version. Browsers cut it to 400 days.
const UNIT_AGE_SECS: u64 = 365 * 24 * 60 * 60;

/// What was decided about a request.
struct Decision<'a> {
    service: &'a Arc<Service>,
    version: Option<&'a Arc<Version>>,
    /// Whether a verified preview header chose the version.
    is_preview: bool,
    /// The unit that was minted for the visitor, as the cookie to set.
    cookie: Option<HeaderValue>,
}

/// Answers a request.
pub(crate) async fn answer(
    worker: &Rc<Worker>,
    visit: &Rc<Visit>,
    request: Request<Incoming>,
) -> Response<ResponseBody> {
    let started = Instant::now();
    let table = worker.table();
    let (parts, body) = request.into_parts();
    let decision = match decide_for(worker, &table, &parts) {
        Ok(decision) => decision,
        Err(trouble) => {
            visit.link.request_over();
            return own(trouble, &parts);
        }
    };
    let routing = Arc::clone(&decision.service.routing);
    let shown = is_shown(routing.reveal, decision.is_preview);
    let Some(version) = decision.version else {
        // A snapshot whose stable version has no endpoints at all: nothing to count it against.
        visit.link.request_over();
        return own(Trouble::NoReadyEndpoint, &parts);
    };
    let (version, cookie) = (Arc::clone(version), decision.cookie);
    drop(table);

    let exchange = Exchange::begin(worker, &visit.link, version.counters.of_worker(worker.index), started);
    let accept = parts.headers.get(http::header::ACCEPT).cloned();
    let request = forward::Forward { worker, visit, version: &version, timeouts: &routing.timeouts };
    let mut response = request.run(parts, body, exchange).await.unwrap_or_else(|(trouble, mut exchange)| {
        exchange.head_came();
        exchange.respond(trouble.status().as_u16());
        own_for(trouble, accept)
    });
    if shown {
        response.headers_mut().insert(VERSION_HEADER, version.header.clone());
    }
    if let Some(cookie) = cookie {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    response
}

fn is_shown(reveal: Reveal, is_preview: bool) -> bool {
    match reveal {
        Reveal::Always => true,
        Reveal::Preview => is_preview,
        Reveal::Never => false,
    }
}

/// An answer of the gateway itself.
pub(crate) fn own(trouble: Trouble, parts: &Parts) -> Response<ResponseBody> {
    trouble.answer(&parts.headers).map(own_body)
}

fn own_for(trouble: Trouble, accept: Option<HeaderValue>) -> Response<ResponseBody> {
    let headers = accept.map(|accept| (http::header::ACCEPT, accept)).into_iter().collect();
    trouble.answer(&headers).map(own_body)
}

/// An answer for a request whose handling panicked.
pub(crate) fn own_fault() -> Response<ResponseBody> {
    own_for(Trouble::Internal, None)
}

fn own_body(bytes: Bytes) -> ResponseBody {
    ResponseBody::Own(Some(bytes))
}

/// Finds the service, verifies the preview, finds or mints the unit, and asks the core.
fn decide_for<'a>(worker: &Worker, table: &'a Table, parts: &Parts) -> Result<Decision<'a>, Trouble> {
    let visitor = Visitor::of(parts)?;
    let service = table.route(visitor.host(), visitor.path()).ok_or(Trouble::NoRoute)?;
    let preview = preview_of(worker, service, &visitor)?;
    let routing = &*service.routing;
    let mut cookie = None;
    let unit = match (routing.unit_of(&visitor), routing.unit_cookie()) {
        (Some(unit), _) => Some(unit.to_owned()),
        (None, Some(name)) => {
            let unit = mint_unit();
            cookie = cookie_of(name, &unit);
            Some(unit)
        }
        (None, None) => None,
    };
    let is_ready = |name: &VersionName| service.version(name).is_some_and(|version| version.is_ready());
    let choice = decide(routing, &visitor, unit.as_deref(), preview.as_ref(), None, is_ready);
    let version = service.version(choice.version);
    Ok(Decision { service, version, is_preview: preview.is_some(), cookie })
}

/// The version that a verified preview header asks for. A header that shows nothing is an error: whoever looks at a
/// dark version must not be shown stable in silence.
fn preview_of(
    worker: &Worker,
    service: &Service,
    visitor: &Visitor<'_>,
) -> Result<Option<VersionName>, Trouble> {
    let Some(header) = visitor.header(PREVIEW_HEADER) else { return Ok(None) };
    let verified = worker.shared.preview_key.verify(header, &service.routing.key, now());
    let version = verified.map_err(|error| match error {
        PreviewError::Malformed | PreviewError::Forged => Trouble::PreviewForged,
        PreviewError::Expired { .. } => Trouble::PreviewExpired,
    })?;
    match service.version(&version) {
        Some(_) => Ok(Some(version)),
        None => Err(Trouble::PreviewUnknownVersion),
    }
}

fn now() -> Timestamp {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
}

/// 128 random bits: no two visitors ever share a bucket by having the same unit.
fn mint_unit() -> String {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).expect("the system has randomness once it has started");
    format!("{:032x}", u128::from_ne_bytes(bytes))
}

/// `None` when the cookie's name, which documents check, cannot be in a header.
fn cookie_of(name: &str, unit: &str) -> Option<HeaderValue> {
    let cookie = format!("{name}={unit}; Path=/; Max-Age={UNIT_AGE_SECS}; HttpOnly; SameSite=Lax");
    HeaderValue::try_from(cookie).ok()
}
