//! How many requests one endpoint may have at a time, and those that wait for a place.
//!
//! Who gives a place back looks whether anybody waits, and who begins to wait looks whether a place is free. One of the
//! two must see the other, so all of it is in one order.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

use tokio::sync::Notify;
use tokio::sync::futures::Notified;

/// The line of requests that wait for a place at any endpoint of a version, over all workers.
#[derive(Debug, Default)]
pub(crate) struct Line {
    waiting: AtomicU32,
    freed: Notify,
}

/// A place in the line; given back when dropped.
pub(crate) struct Waiting {
    line: Arc<Line>,
}

impl Line {
    /// Joins the line, unless it is as long as it may be.
    pub(crate) fn join(self: &Arc<Self>, longest: u32) -> Option<Waiting> {
        let joined =
            self.waiting.fetch_update(SeqCst, SeqCst, |waiting| (waiting < longest).then(|| waiting + 1));
        joined.ok().map(|_| Waiting { line: Arc::clone(self) })
    }
}

impl Waiting {
    /// Ready when a place was given back; another may have taken it by then. Dropped, the news goes to the next in line.
    pub(crate) fn freed(&self) -> Notified<'_> {
        self.line.freed.notified()
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.line.waiting.fetch_sub(1, SeqCst);
    }
}

/// Takes one of at most `limit` places.
pub(crate) fn take(taken: &AtomicU32, limit: u32) -> bool {
    taken.fetch_update(SeqCst, SeqCst, |taken| (taken < limit).then(|| taken + 1)).is_ok()
}

/// Gives a place back, and tells the first in line.
pub(crate) fn give_back(taken: &AtomicU32, line: &Line) {
    taken.fetch_sub(1, SeqCst);
    if line.waiting.load(SeqCst) > 0 {
        line.freed.notify_one();
    }
}
