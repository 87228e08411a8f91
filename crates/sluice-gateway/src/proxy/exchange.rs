//! The account of one request, or of its copy: it is counted once, whatever becomes of it.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use crate::access::{End, Record};
use crate::answer::Trouble;
use crate::counters::Counters;
use crate::trace::Trace;
use crate::worker::{Link, Worker};

/// Whose request it is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Who {
    /// The visitor's unit.
    pub(crate) unit: Option<String>,
    /// Whether the unit was given to them now, and the lot over everyone alone decided which version they meet.
    pub(crate) is_drawn: bool,
}

/// What is told of a request beside the counts.
#[derive(Debug, Default)]
pub(crate) struct Account {
    pub(crate) who: Who,
    /// The trace that it is part of.
    pub(crate) trace: Option<Trace>,
    /// What the access log will say of it.
    pub(crate) record: Option<Box<Record>>,
}

/// A request in flight to a version. Dropped without an outcome, the visitor went away.
pub(crate) struct Exchange {
    counters: Arc<Counters>,
    /// Those of the path, where it is counted on its own.
    path: Option<Arc<Counters>>,
    account: Account,
    worker: Rc<Worker>,
    /// The visitor's connection; a copy has none.
    link: Option<Arc<Link>>,
    started: Instant,
    is_counted: bool,
}

impl Exchange {
    pub(crate) fn begin(
        worker: &Rc<Worker>,
        link: Option<&Arc<Link>>,
        counters: (&Arc<Counters>, Option<&Arc<Counters>>),
        account: Account,
        started: Instant,
    ) -> Exchange {
        let (counters, path) = counters;
        counters.start();
        Exchange {
            counters: Arc::clone(counters),
            path: path.map(Arc::clone),
            account,
            worker: Rc::clone(worker),
            link: link.map(Arc::clone),
            started,
            is_counted: false,
        }
    }

    /// A response's head is there.
    pub(crate) fn head_came(&mut self) {
        let after = self.started.elapsed();
        let micros = u64::try_from(after.as_micros()).unwrap_or(u64::MAX);
        self.each(|counters| counters.record_latency(micros));
        if let Some(trace) = self.account.trace.filter(|trace| trace.is_sampled) {
            self.counters.offer_exemplar(trace.id, micros, self.worker.ticks());
        }
        self.tell(|record| record.head_came(after));
    }

    fn tell(&mut self, of: impl FnOnce(&mut Record)) {
        if let Some(record) = &mut self.account.record {
            of(record);
        }
    }

    /// The endpoint's answer is on its way to the visitor.
    pub(crate) fn answered(&mut self, status: u16) {
        self.tell(|record| record.answer(status));
    }

    /// This much of the answer's body was handed over.
    pub(crate) fn gave(&mut self, bytes: usize) {
        self.tell(|record| record.gave(bytes as u64));
    }

    /// This much passed through a tunnel.
    pub(crate) fn carried(&mut self, from_visitor: u64, to_visitor: u64) {
        self.tell(|record| record.carried(from_visitor, to_visitor));
    }

    /// The response is over, or was the gateway's own.
    pub(crate) fn respond(&mut self, status: u16) {
        if self.settle() {
            self.each(|counters| counters.respond(status));
            if status >= 500 {
                self.note_failure();
            }
        }
    }

    /// There is no response but the gateway's own.
    pub(crate) fn fail(mut self, trouble: Trouble) {
        self.tell(|record| record.refuse(trouble));
        self.head_came();
        self.respond(trouble.status().as_u16());
    }

    /// The endpoint broke the response off.
    pub(crate) fn reset(&mut self) {
        if self.settle() {
            self.each(Counters::reset);
            self.tell(|record| record.end(End::Reset));
            self.note_failure();
        }
    }

    /// The visitor broke the request off.
    pub(crate) fn cancel(&mut self) {
        if self.settle() {
            self.each(Counters::cancel);
            self.tell(|record| record.end(End::Cancelled));
        }
    }

    /// Gives whether nothing was counted before.
    fn settle(&mut self) -> bool {
        let is_first = !std::mem::replace(&mut self.is_counted, true);
        if is_first && self.account.who.is_drawn {
            self.each(Counters::new_visitor);
        }
        is_first
    }

    fn each(&self, count: impl Fn(&Counters)) {
        count(&self.counters);
        if let Some(path) = &self.path {
            count(path);
        }
    }

    fn note_failure(&self) {
        let now_ms = self.worker.now_ms();
        self.each(|counters| counters.fail_visitor(self.account.who.unit.as_deref(), now_ms));
        self.worker.note_failure(&self.counters, now_ms);
    }

    /// A piece of the response was handed over, or the next is asked for.
    pub(crate) fn note_piece(&self, is_handed_over: bool) {
        if let Some(link) = &self.link {
            link.note_piece(is_handed_over);
        }
    }

    /// Ends the visitor's connection with a reset: its end must not be taken for the response's.
    pub(crate) fn reset_visitor(&self) {
        if let Some(link) = &self.link {
            link.must_reset.store(true, std::sync::atomic::Ordering::Relaxed);
        }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // The visitor is told 500; it is the gateway's fault, and nobody went away.
            self.respond(500);
        }
        self.cancel();
        if let (Some(record), Some(pen)) = (self.account.record.take(), &self.worker.pen) {
            pen.finish(&record, self.account.who.unit.as_deref());
        }
        self.counters.leave();
        if let Some(link) = &self.link {
            link.request_over();
        }
    }
}
