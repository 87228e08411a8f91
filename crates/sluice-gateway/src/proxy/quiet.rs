//! How long nothing has come.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep};

/// Measures how long nothing came. Arms a timer only when something is waited for, and moves it only when it rings,
/// so that a body that flows costs no timers.
#[derive(Default)]
pub(crate) struct Quiet {
    since: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Quiet {
    /// Something came.
    pub(crate) fn end(&mut self) {
        self.since = None;
    }

    /// Nothing came; ready when that has been so for `limit`.
    pub(crate) fn poll_too_long(&mut self, cx: &mut Context<'_>, limit: Duration) -> Poll<()> {
        let now = Instant::now();
        let deadline = *self.since.get_or_insert(now) + limit;
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
