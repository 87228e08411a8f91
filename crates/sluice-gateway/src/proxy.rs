//! One request, from its head to the head of its response.
//!
//! Every way out of here is an answer to the visitor, and every answer that a version was chosen for is counted
//! against that version.

mod decision;
mod download;
mod exchange;
mod fast;
mod forward;
mod headers;
mod outgoing;
mod quiet;
mod retry;
mod shadow;
mod tunnel;
mod upload;
mod visitor;

use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, HeaderValue, LOCATION, SET_COOKIE};
use http::request::Parts;
use http::{HeaderMap, HeaderName, Request, Response, StatusCode};
use hyper::body::Incoming;
use sluice_core::document::service::{RedirectStatus, Reveal};
use sluice_core::routing::ServiceRouting;

use crate::access::{Placed, Record, Trail};
use crate::answer::Trouble;
use crate::grpc::{self, is_grpc};
use crate::table::{Handling, RetryBudget, Version};
use crate::trace::{self, Trace};
use crate::worker::{Caller, Link, Worker};
use decision::{Aside, Decision};
use exchange::{Account, Exchange};
use forward::Forward;
use outgoing::{Hop, Outgoing};
use shadow::CopyTo;

pub(crate) use decision::{now, preview_of, sent_to};
pub(crate) use download::ResponseBody;
pub(crate) use fast::{Left, serve as serve_fast};
pub(crate) use headers::Origin;
pub use shadow::SHADOW_HEADER;
pub(crate) use shadow::Shadows;
pub(crate) use upload::RequestBody;
pub(crate) use visitor::Visitor;

/// The response header that says which version answered.
const VERSION_HEADER: HeaderName = HeaderName::from_static("x-sluice-version");

/// Answers a request.
pub(crate) async fn answer(
    worker: &Rc<Worker>,
    caller: &Caller,
    request: Request<Incoming>,
) -> Response<ResponseBody> {
    let started = Instant::now();
    let table = worker.table();
    let (mut parts, body) = request.into_parts();
    let trace = trace::settle(&mut parts.headers, worker.shared.trace, || worker.shadows.random());
    let record = worker.pen.as_ref().map(|pen| {
        let draw = || worker.shadows.draw();
        let from = caller.origin.forwarded(&parts.headers, &worker.shared.attributes.trusted_proxies);
        pen.begin(&parts, from, trace, started, draw)
    });
    let decision = match Decision::of(worker, &table, &caller.origin, &parts) {
        Ok(decision) => decision,
        Err(aside) => {
            caller.link.request_over();
            return match aside {
                Aside::Trouble(trouble) => refuse(worker, trouble, &parts, record),
                Aside::Redirect(status, location) => {
                    if let (Some(pen), Some(record)) = (&worker.pen, record) {
                        pen.answer(record, status.code());
                    }
                    redirect(status, location)
                }
                Aside::Ready(is_ready) => ready(is_ready),
            };
        }
    };
    let told = Told { trace, record };
    let begun = match begin(worker, &caller.link, decision, told, started) {
        Ok(begun) => begun,
        Err(record) => {
            caller.link.request_over();
            return refuse(worker, Trouble::NoReadyEndpoint, &parts, record);
        }
    };
    let Begun { version, routing, exchange, signs, release, copy_to, handling, retries, trail } = begun;
    drop(table);

    let manner = Manner::of(&parts);
    let replay_bytes_max = worker.shared.limits.replay_bytes_max;
    let handling = handling.as_deref();
    let timeouts = match handling {
        Some(handling) => handling.timeouts.over(&routing.timeouts),
        None => routing.timeouts.clone(),
    };
    let idle = timeouts.idle.as_duration();
    let may_be_refused = version.may_refuse();
    let origin = &caller.origin;
    let hop = Hop { origin, release, handling, idle, replay_bytes_max, trail, may_be_refused };
    let outgoing = Outgoing::of(parts, body, hop);
    let copy = copy_to.and_then(|to| shadow::prepare(worker, to, &routing, &outgoing, started));
    let retries = handling.and_then(|handling| Some((handling.retries.as_ref()?, &*retries)));
    let forward = Forward { worker, version: &version, routing: &routing, timeouts, handling, retries };
    let answered = forward.run(outgoing, copy, exchange).await;
    let mut response = answered.unwrap_or_else(|(trouble, mut exchange)| {
        let response = own_for(trouble, manner);
        exchange.gave(own_bytes(&response));
        exchange.fail(trouble);
        response
    });
    signs.put_on(response.headers_mut());
    response
}

/// A request that a version was chosen for.
struct Begun {
    version: Arc<Version>,
    routing: Arc<ServiceRouting>,
    exchange: Exchange,
    signs: Signs,
    /// What the request carries to the hops behind.
    release: Option<HeaderValue>,
    copy_to: Option<CopyTo>,
    /// What its route does with it.
    handling: Option<Arc<Handling>>,
    retries: Arc<RetryBudget>,
    /// Where the access log learns what becomes of it.
    trail: Option<Rc<Trail>>,
}

/// What is told of a request beside the counts.
struct Told {
    trace: Option<Trace>,
    record: Option<Box<Record>>,
}

/// What the visitor is told besides the answer.
struct Signs {
    /// Which version answered.
    version: Option<HeaderValue>,
    /// The unit that was minted for them.
    cookie: Option<HeaderValue>,
}

impl Signs {
    fn put_on(self, headers: &mut HeaderMap) {
        if let Some(version) = self.version {
            headers.insert(VERSION_HEADER, version);
        }
        if let Some(cookie) = self.cookie {
            headers.append(SET_COOKIE, cookie);
        }
    }
}

/// Begins the account of a request.
///
/// # Errors
///
/// What was to be told, when there is nothing to count the request against: a snapshot whose stable version has no
/// endpoints at all.
fn begin(
    worker: &Rc<Worker>,
    link: &Arc<Link>,
    decision: Decision<'_>,
    told: Told,
    started: Instant,
) -> Result<Begun, Option<Box<Record>>> {
    let Told { trace, record } = told;
    let Some(version) = decision.version else { return Err(record) };
    let routing = Arc::clone(&decision.service.routing);
    let record = record.map(|record| {
        let (routing, version) = (Arc::clone(&routing), Arc::clone(version));
        let (why, segment) = (decision.why.code(), decision.why.segment().cloned());
        record.place(Placed { routing, version, why, segment })
    });
    let trail = record.as_ref().map(|record| record.trail());
    let version = Arc::clone(version);
    let shown = is_shown(routing.reveal, decision.is_preview).then(|| version.header.clone());
    let path = version.path_counters(decision.path, worker.index);
    let counters = (version.counters.of_worker(worker.index), path);
    let account = Account { who: decision.who, trace, record };
    let exchange = Exchange::begin(worker, Some(link), counters, account, started);
    Ok(Begun {
        exchange,
        signs: Signs { version: shown, cookie: decision.cookie },
        release: decision.release,
        copy_to: decision.copy_to,
        handling: decision.handling,
        retries: Arc::clone(&decision.service.retries),
        trail,
        routing,
        version,
    })
}

fn is_shown(reveal: Reveal, is_preview: bool) -> bool {
    match reveal {
        Reveal::Always => true,
        Reveal::Preview => is_preview,
        Reveal::Never => false,
    }
}

/// Answers by itself a request that no version is counted for, and tells the access log.
pub(crate) fn refuse(
    worker: &Worker,
    trouble: Trouble,
    parts: &Parts,
    record: Option<Box<Record>>,
) -> Response<ResponseBody> {
    let response = own(trouble, parts);
    if let (Some(pen), Some(record)) = (&worker.pen, record) {
        pen.refuse(record, trouble, own_bytes(&response) as u64);
    }
    response
}

fn own_bytes(response: &Response<ResponseBody>) -> usize {
    match response.body() {
        ResponseBody::Own(Some(bytes)) => bytes.len(),
        ResponseBody::Own(None) | ResponseBody::Endpoint(_) => 0,
    }
}

/// An answer of the gateway itself.
fn own(trouble: Trouble, parts: &Parts) -> Response<ResponseBody> {
    own_for(trouble, Manner::of(parts))
}

fn redirect(status: RedirectStatus, location: HeaderValue) -> Response<ResponseBody> {
    let mut response = Response::new(own_body(Bytes::new()));
    *response.status_mut() = StatusCode::from_u16(status.code()).expect("a redirect's status is one of HTTP");
    response.headers_mut().insert(LOCATION, location);
    response
}

/// What load balancers are told. Not in the access log: they ask every few seconds.
fn ready(is_ready: bool) -> Response<ResponseBody> {
    let (status, text) =
        if is_ready { (StatusCode::OK, "ready\n") } else { (StatusCode::SERVICE_UNAVAILABLE, "leaving\n") };
    let mut response = Response::new(own_body(Bytes::from_static(text.as_bytes())));
    *response.status_mut() = status;
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// How the gateway's own answers are put.
enum Manner {
    Grpc,
    /// With what the visitor accepts.
    Http(Option<HeaderValue>),
}

impl Manner {
    fn of(parts: &Parts) -> Manner {
        if is_grpc(&parts.headers, parts.version) {
            return Manner::Grpc;
        }
        Manner::Http(parts.headers.get(http::header::ACCEPT).cloned())
    }
}

fn own_for(trouble: Trouble, manner: Manner) -> Response<ResponseBody> {
    match manner {
        Manner::Grpc => grpc::answer(trouble).map(|_| ResponseBody::Own(None)),
        Manner::Http(accept) => {
            let headers = accept.map(|accept| (http::header::ACCEPT, accept)).into_iter().collect();
            trouble.answer(&headers).map(own_body)
        }
    }
}

/// An answer for a request whose handling panicked.
pub(crate) fn own_fault() -> Response<ResponseBody> {
    own_for(Trouble::Internal, Manner::Http(None))
}

fn own_body(bytes: Bytes) -> ResponseBody {
    ResponseBody::Own(Some(bytes))
}
