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
mod shadow;
mod tunnel;
mod upload;
mod visitor;

use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http::header::{HeaderValue, SET_COOKIE};
use http::request::Parts;
use http::{HeaderMap, HeaderName, Request, Response};
use hyper::body::Incoming;
use sluice_core::document::service::Reveal;
use sluice_core::routing::ServiceRouting;

use crate::answer::Trouble;
use crate::table::Version;
use crate::worker::{Caller, Link, Worker};
use decision::Decision;
use exchange::Exchange;
use forward::Forward;
use outgoing::{Hop, Outgoing};
use shadow::CopyTo;

pub(crate) use download::ResponseBody;
pub(crate) use fast::{Left, serve as serve_fast};
pub(crate) use headers::Origin;
pub use shadow::SHADOW_HEADER;
pub(crate) use shadow::Shadows;
pub(crate) use upload::RequestBody;

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
    let (parts, body) = request.into_parts();
    let decision = Decision::of(worker, &table, &parts);
    let begun = match decision.and_then(|decision| begin(worker, &caller.link, decision, started)) {
        Ok(begun) => begun,
        Err(trouble) => {
            caller.link.request_over();
            return own(trouble, &parts);
        }
    };
    let Begun { version, routing, exchange, signs, release, copy_to } = begun;
    drop(table);

    let accept = parts.headers.get(http::header::ACCEPT).cloned();
    let replay_bytes_max = worker.shared.limits.replay_bytes_max;
    let idle = routing.timeouts.idle.as_duration();
    let outgoing = Outgoing::of(parts, body, Hop { origin: &caller.origin, release, idle, replay_bytes_max });
    let copy = copy_to.and_then(|to| shadow::prepare(worker, to, &routing, &outgoing, started));
    let forward = Forward { worker, version: &version, timeouts: &routing.timeouts };
    let answered = forward.run(outgoing, copy, exchange).await;
    let mut response = answered.unwrap_or_else(|(trouble, exchange)| {
        exchange.fail(trouble);
        own_for(trouble, accept)
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
/// When there is nothing to count it against: a snapshot whose stable version has no endpoints at all.
fn begin(
    worker: &Rc<Worker>,
    link: &Arc<Link>,
    decision: Decision<'_>,
    started: Instant,
) -> Result<Begun, Trouble> {
    let version = Arc::clone(decision.version.ok_or(Trouble::NoReadyEndpoint)?);
    let routing = Arc::clone(&decision.service.routing);
    let shown = is_shown(routing.reveal, decision.is_preview).then(|| version.header.clone());
    let path = version.path_counters(decision.path, worker.index);
    let counters = (version.counters.of_worker(worker.index), path);
    let exchange = Exchange::begin(worker, Some(link), counters, decision.who, started);
    let signs = Signs { version: shown, cookie: decision.cookie };
    Ok(Begun { exchange, routing, signs, release: decision.release, copy_to: decision.copy_to, version })
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
