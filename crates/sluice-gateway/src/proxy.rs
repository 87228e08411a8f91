//! One request, from its head to the head of its response.
//!
//! Every way out of here is an answer to the visitor, and every answer that a version was chosen for is counted
//! against that version.

mod decision;
mod download;
mod exchange;
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
use http::{HeaderName, Request, Response};
use hyper::body::Incoming;
use sluice_core::document::service::Reveal;

use crate::answer::Trouble;
use crate::grpc::{self, is_grpc};
use crate::worker::{Caller, Worker};
use decision::Decision;
use exchange::Exchange;
use forward::Forward;
use outgoing::{Hop, Outgoing};

pub(crate) use download::ResponseBody;
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
    let decision = match Decision::of(worker, &table, &parts) {
        Ok(decision) => decision,
        Err(trouble) => {
            caller.link.request_over();
            return own(trouble, &parts);
        }
    };
    let routing = Arc::clone(&decision.service.routing);
    let shown = is_shown(routing.reveal, decision.is_preview);
    let Some(version) = decision.version else {
        // A snapshot whose stable version has no endpoints at all: nothing to count it against.
        caller.link.request_over();
        return own(Trouble::NoReadyEndpoint, &parts);
    };
    let (version, cookie) = (Arc::clone(version), decision.cookie);
    let (release, copy_to, path, who) = (decision.release, decision.copy_to, decision.path, decision.who);
    drop(table);

    let link = Some(&caller.link);
    let counters = (version.counters.of_worker(worker.index), version.path_counters(path, worker.index));
    let exchange = Exchange::begin(worker, link, counters, who, started);
    let manner = Manner::of(&parts);
    let replay_bytes_max = worker.shared.limits.replay_bytes_max;
    let idle = routing.timeouts.idle.as_duration();
    let may_be_refused = version.may_refuse();
    let outgoing = Outgoing::of(
        parts,
        body,
        Hop { origin: &caller.origin, release, idle, replay_bytes_max, may_be_refused },
    );
    let copy = copy_to.and_then(|to| shadow::prepare(worker, to, &routing, &outgoing, started));
    let forward = Forward { worker, version: &version, timeouts: &routing.timeouts };
    let answered = forward.run(outgoing, copy, exchange).await;
    let mut response = answered.unwrap_or_else(|(trouble, exchange)| {
        exchange.fail(trouble);
        own_for(trouble, manner)
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
    own_for(trouble, Manner::of(parts))
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
