//! The account of one request, or of its copy: it is counted once, whatever becomes of it.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use crate::answer::Trouble;
use crate::counters::Counters;
use crate::worker::{Link, Worker};

/// A request in flight to a version. Dropped without an outcome, the visitor went away.
pub(crate) struct Exchange {
    counters: Arc<Counters>,
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
        counters: &Arc<Counters>,
        started: Instant,
    ) -> Exchange {
        counters.start();
        Exchange {
            counters: Arc::clone(counters),
            worker: Rc::clone(worker),
            link: link.map(Arc::clone),
            started,
            is_counted: false,
        }
    }

    /// A response's head is there.
    pub(crate) fn head_came(&self) {
        let micros = u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.counters.record_latency(micros);
    }

    /// The response is over, or was the gateway's own.
    pub(crate) fn respond(&mut self, status: u16) {
        if self.settle() {
            self.counters.respond(status);
            if status >= 500 {
                self.worker.note_failure(&self.counters);
            }
        }
    }

    /// There is no response but the gateway's own.
    pub(crate) fn fail(mut self, trouble: Trouble) {
        self.head_came();
        self.respond(trouble.status().as_u16());
    }

    /// The endpoint broke the response off.
    pub(crate) fn reset(&mut self) {
        if self.settle() {
            self.counters.reset();
            self.worker.note_failure(&self.counters);
        }
    }

    /// The visitor broke the request off.
    pub(crate) fn cancel(&mut self) {
        if self.settle() {
            self.counters.cancel();
        }
    }

    /// Gives whether nothing was counted before.
    fn settle(&mut self) -> bool {
        !std::mem::replace(&mut self.is_counted, true)
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
        self.counters.leave();
        if let Some(link) = &self.link {
            link.request_over();
        }
    }
}
