//! A plain request, read from bytes and made what the endpoint is sent.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http::header::{
    ACCEPT, CONNECTION, EXPECT, HeaderName, HeaderValue, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
};
use http::request::Parts;
use http::uri::Uri;
use http::{Method, Request, Version as HttpVersion};
use sluice_core::routing::ServiceRouting;

use super::super::decision::Decision;
use super::super::exchange::Exchange;
use super::super::outgoing::is_idempotent;
use super::super::{Signs, Told, begin, headers};
use crate::carried::RELEASE;
use crate::framing::{Length, end_of_head, read_head};
use crate::table::Version;
use crate::trace;
use crate::worker::{Caller, Stage, Worker};

/// The longest body that goes the short way. All of it is kept until the answer comes, as the long way keeps the
/// beginning of each.
const BODY_BYTES_MAX: u64 = 64 * 1024;

/// A request on its way to an endpoint.
pub(super) struct Ask {
    /// As the endpoint is sent it, head and body.
    pub(super) bytes: Vec<u8>,
    pub(super) is_idempotent: bool,
    /// Whether it may be sent once more.
    pub(super) is_repeatable: bool,
    pub(super) is_head: bool,
    /// What the visitor accepts, for an answer of the gateway's own.
    pub(super) accept: Option<HeaderValue>,
    pub(super) version: Arc<Version>,
    pub(super) routing: Arc<ServiceRouting>,
    /// Taken when the answer begins.
    pub(super) signs: Option<Signs>,
    pub(super) started: Instant,
    /// Taken when the answer is whole: whoever has it must find the request counted.
    pub(super) exchange: Option<Exchange>,
}

/// What bytes are the beginning of.
pub(super) enum Reading {
    /// A plain request, which takes so many of them.
    Plain(Box<Ask>, usize),
    /// Something for the long way.
    Other,
    /// What cannot be told yet. All of a head whose request is so many bytes long, or less than a head.
    Unfinished(Option<usize>),
}

thread_local! {
    /// Used by one request after the other, so that its tables are not made anew.
    static PARTS: RefCell<Parts> = RefCell::new(Request::new(()).into_parts().0);
}

/// Reads the first request. `searched` bytes were looked at before and hold no end of a head.
pub(super) fn read(worker: &Rc<Worker>, caller: &Caller, bytes: &[u8], searched: usize) -> Reading {
    let limits = &worker.shared.limits;
    // Empty lines may come before a request.
    if bytes.starts_with(b"\r") {
        return Reading::Other;
    }
    let Some(end) = end_of_head(bytes, searched) else {
        return if bytes.len() >= limits.head_bytes_max { Reading::Other } else { Reading::Unfinished(None) };
    };
    if end > limits.head_bytes_max {
        return Reading::Other;
    }
    let Ok(head) = read_head(&bytes[..end], limits.headers_max) else { return Reading::Other };
    let length = match head.length {
        Length::Bytes(length) if length <= BODY_BYTES_MAX && !head.wants_upgrade => length,
        _ => return Reading::Other,
    };
    let whole = end + usize::try_from(length).unwrap_or(usize::MAX);
    if bytes.len() < whole {
        return Reading::Unfinished(Some(whole));
    }
    let ask = PARTS.with_borrow_mut(|parts| {
        let ask = fill(parts, &bytes[..end]).and_then(|()| ask(worker, caller, parts, &bytes[end..whole]));
        parts.headers.clear();
        ask
    });
    ask.map_or(Reading::Other, |ask| Reading::Plain(Box::new(ask), whole))
}

/// Takes a head apart that has passed the strict look. `None` when it is not plain.
fn fill(parts: &mut Parts, head: &[u8]) -> Option<()> {
    let head = Bytes::copy_from_slice(head);
    let mut at = line_end(&head, 0)?;
    let line = &head[..at];
    let target = line.iter().position(|byte| *byte == b' ')? + 1;
    let version = line.iter().rposition(|byte| *byte == b' ')? + 1;
    if &line[version..] != b"HTTP/1.1" || line.get(target) != Some(&b'/') {
        return None;
    }
    parts.method = Method::from_bytes(&line[..target - 1]).ok()?;
    parts.uri = Uri::from_maybe_shared(head.slice(target..version - 1)).ok()?;
    parts.version = HttpVersion::HTTP_11;
    loop {
        let start = at + 2;
        at = line_end(&head, start)?;
        let line = &head[start..at];
        if line.is_empty() {
            return Some(());
        }
        let colon = line.iter().position(|byte| *byte == b':')?;
        let name = HeaderName::from_bytes(&line[..colon]).ok()?;
        let value = line[colon + 1..].trim_ascii();
        match name {
            EXPECT | TE | TRAILER | TRANSFER_ENCODING | UPGRADE => return None,
            CONNECTION if !value.eq_ignore_ascii_case(b"keep-alive") => return None,
            _ => {}
        }
        let value = HeaderValue::from_maybe_shared(head.slice_ref(value)).ok()?;
        parts.headers.try_append(name, value).ok()?;
    }
}

/// Where the line that begins at `start` ends.
fn line_end(head: &[u8], start: usize) -> Option<usize> {
    Some(start + head.get(start..)?.iter().position(|byte| *byte == b'\r')?)
}

/// Decides about a request and begins its account. `None` when that is for the long way: it has no service or no
/// version, or is to be copied.
fn ask(worker: &Rc<Worker>, caller: &Caller, parts: &mut Parts, body: &[u8]) -> Option<Ask> {
    let started = Instant::now();
    let table = worker.table();
    // Made anew on the long way, should it go there.
    let trace = trace::settle(&mut parts.headers, worker.shared.trace, || worker.shadows.random());
    let decision = Decision::of(worker, &table, &caller.origin, parts).ok()?;
    if !is_plain(&decision) {
        return None;
    }
    let begun = begin(worker, &caller.link, decision, Told { trace, record: None }, started).ok()?;
    drop(table);
    caller.link.enter(Stage::Busy);
    let accept = parts.headers.get(ACCEPT).cloned();
    headers::strip(&mut parts.headers);
    headers::add_origin(&mut parts.headers, &caller.origin, parts.version);
    if let Some(release) = begun.release {
        parts.headers.insert(RELEASE, release);
    }
    let is_idempotent = is_idempotent(&parts.method);
    Some(Ask {
        bytes: write(parts, body),
        is_idempotent,
        is_repeatable: is_idempotent && body.len() <= worker.shared.limits.replay_bytes_max,
        is_head: parts.method == Method::HEAD,
        accept,
        version: begun.version,
        routing: begun.routing,
        signs: Some(begun.signs),
        started,
        exchange: Some(begun.exchange),
    })
}

/// Whether nothing is asked for on its way that only the long way does.
fn is_plain(decision: &Decision<'_>) -> bool {
    let routing = &decision.service.routing;
    let is_copied = routing.split.as_ref().is_some_and(|split| split.shadow.is_some());
    let is_handled = decision.handling.is_some() || routing.limits.is_some() || routing.outliers.is_some();
    !is_copied && !is_handled && decision.version.is_some_and(|version| version.is_plain())
}

fn write(parts: &Parts, body: &[u8]) -> Vec<u8> {
    let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
    let lines = parts.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4);
    let mut bytes = Vec::with_capacity(
        parts.method.as_str().len() + target.len() + 14 + lines.sum::<usize>() + body.len(),
    );
    for piece in [parts.method.as_str(), " ", target, " HTTP/1.1\r\n"] {
        bytes.extend_from_slice(piece.as_bytes());
    }
    for (name, value) in &parts.headers {
        for piece in [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
            bytes.extend_from_slice(piece);
        }
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(body);
    bytes
}
