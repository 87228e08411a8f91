//! How long the endpoint may be quiet.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep};

use crate::worker::{Link, Worker};

/// Measures how long nothing came. A timer is armed only for waits that outlast a sweep of the worker, which most never
/// do, and for limits that are shorter than that.
pub(super) struct Patience {
    since: Instant,
    has_asked: bool,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Patience {
    pub(super) fn new(now: Instant) -> Patience {
        Patience { since: now, has_asked: false, timer: None }
    }

    /// Something came.
    pub(super) fn restart(&mut self) {
        self.since = Instant::now();
    }

    /// Ready when nothing came for `limit`.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        worker: &Worker,
        link: &Link,
        limit: Duration,
    ) -> Poll<()> {
        let deadline = self.since + limit;
        if self.timer.is_none() {
            let is_long = limit > worker.sweep_time * 2;
            if is_long && (!self.has_asked || link.is_awaiting_sweep()) {
                link.await_sweep();
                self.has_asked = true;
                return Poll::Pending;
            }
        }
        let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
        loop {
            ready!(timer.as_mut().poll(cx));
            if Instant::now() >= deadline {
                return Poll::Ready(());
            }
            timer.as_mut().reset(deadline);
        }
    }
}
