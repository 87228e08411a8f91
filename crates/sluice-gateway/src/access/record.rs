//! What is kept of a request until its line is written: handles on what is there anyway, so that it costs no copies.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::header::HOST;
use http::request::Parts;
use http::{HeaderValue, Method, Uri, Version as HttpVersion};
use sluice_core::Name;
use sluice_core::routing::ServiceRouting;

use super::Pen;
use super::line::Line;
use crate::answer::Trouble;
use crate::attributes::Forwarded;
use crate::proxy::Origin;
use crate::table::{Endpoint, Version};
use crate::trace::Trace;

/// A request that is under way, as its line will tell of it.
#[derive(Debug)]
pub(crate) struct Record {
    pub(super) method: Method,
    pub(super) uri: Uri,
    pub(super) host: Option<HeaderValue>,
    pub(super) http_version: HttpVersion,
    /// Where it comes from, as far as trusted proxies tell.
    pub(super) from: Forwarded,
    /// In the order of the settings' names.
    pub(super) headers: Vec<Option<HeaderValue>>,
    pub(super) trace: Option<Trace>,
    /// One of 0 to 99 999.
    pub(super) lot: u32,
    pub(super) started: Instant,
    pub(super) placed: Option<Placed>,
    pub(super) trail: Rc<Trail>,
    pub(super) head_after: Option<Duration>,
    pub(super) status: Option<u16>,
    pub(super) trouble: Option<Trouble>,
    pub(super) end: End,
    pub(super) bytes_out: u64,
}

/// Where a request was given to.
#[derive(Debug)]
pub(crate) struct Placed {
    pub(crate) routing: Arc<ServiceRouting>,
    pub(crate) version: Arc<Version>,
    /// A stable word; see [`Why::code`](sluice_core::routing::Why::code).
    pub(crate) why: &'static str,
    pub(crate) segment: Option<Name>,
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// All of the answer was handed over.
    Answered,
    /// The endpoint broke off.
    Reset,
    /// The visitor went away.
    Cancelled,
}

/// What is learnt of a request on its way, by parts that do not know each other.
#[derive(Debug, Default)]
pub(crate) struct Trail {
    /// How often it was sent.
    pub(crate) sends: Cell<u32>,
    /// Where to, the last time.
    pub(crate) endpoint: RefCell<Option<Arc<Endpoint>>>,
    /// Of its body.
    pub(crate) bytes_in: Cell<u64>,
}

impl Trail {
    pub(crate) fn goes_to(&self, endpoint: &Arc<Endpoint>) {
        *self.endpoint.borrow_mut() = Some(Arc::clone(endpoint));
    }

    pub(crate) fn sent_to(&self, endpoint: &Arc<Endpoint>) {
        self.sends.set(self.sends.get() + 1);
        self.goes_to(endpoint);
    }

    pub(crate) fn took_in(&self, bytes: usize) {
        self.bytes_in.set(self.bytes_in.get() + bytes as u64);
    }
}

impl Pen {
    /// Begins to tell of a request. `draw` gives one of 0 to 99 999.
    pub(crate) fn begin(
        &self,
        parts: &Parts,
        from: Forwarded,
        trace: Option<Trace>,
        started: Instant,
        draw: impl FnOnce() -> u32,
    ) -> Box<Record> {
        let names = self.log.headers.iter();
        Box::new(Record {
            method: parts.method.clone(),
            uri: parts.uri.clone(),
            host: parts.headers.get(HOST).cloned(),
            http_version: parts.version,
            from,
            headers: names.map(|name| parts.headers.get(name).cloned()).collect(),
            trace,
            lot: trace.map_or_else(draw, Trace::lot),
            started,
            placed: None,
            trail: Rc::default(),
            head_after: None,
            status: None,
            trouble: None,
            end: End::Answered,
            bytes_out: 0,
        })
    }

    /// Tells of a request that is over. `unit` is the visitor's.
    pub(crate) fn finish(&self, record: &Record, unit: Option<&str>) {
        let is_failure = record.status.is_some_and(|status| status >= 500) || record.end == End::Reset;
        let is_slow = record.head_after.is_some_and(|after| after >= self.log.slow);
        if let Some(kept) = self.log.kept(record.lot, is_failure, is_slow) {
            self.write(|bytes| Line::new(&self.log, bytes).request(record, unit, kept));
        }
    }

    /// Tells of a request that the gateway answers by itself, at once.
    pub(crate) fn refuse(&self, mut record: Box<Record>, trouble: Trouble, bytes_out: u64) {
        record.refuse(trouble);
        record.gave(bytes_out);
        record.head_after = Some(record.started.elapsed());
        self.finish(&record, None);
    }

    /// Tells of a request that the gateway answers by itself without a fault, at once.
    pub(crate) fn answer(&self, mut record: Box<Record>, status: u16) {
        record.answer(status);
        record.head_after = Some(record.started.elapsed());
        self.finish(&record, None);
    }

    /// Tells of bytes that never became a request.
    pub(crate) fn refuse_bytes(&self, origin: &Origin, trouble: Trouble, draw: impl FnOnce() -> u32) {
        if let Some(kept) = self.log.kept(draw(), trouble.status().is_server_error(), false) {
            self.write(|bytes| Line::new(&self.log, bytes).refusal(origin, trouble, kept));
        }
    }
}

impl Record {
    pub(crate) fn place(mut self: Box<Self>, placed: Placed) -> Box<Record> {
        self.placed = Some(placed);
        self
    }

    pub(crate) fn trail(&self) -> Rc<Trail> {
        Rc::clone(&self.trail)
    }

    /// The answer is the gateway's own.
    pub(crate) fn refuse(&mut self, trouble: Trouble) {
        self.trouble = Some(trouble);
        self.status = Some(trouble.status().as_u16());
    }

    /// The head of the answer is there.
    pub(crate) fn head_came(&mut self, after: Duration) {
        self.head_after = Some(after);
    }

    pub(crate) fn answer(&mut self, status: u16) {
        self.status = Some(status);
    }

    pub(crate) fn end(&mut self, end: End) {
        self.end = end;
    }

    pub(crate) fn carried(&mut self, from_visitor: u64, to_visitor: u64) {
        self.trail.bytes_in.set(from_visitor);
        self.bytes_out = to_visitor;
    }

    pub(crate) fn gave(&mut self, bytes: u64) {
        self.bytes_out += bytes;
    }
}
