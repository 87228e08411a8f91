//! Time that goes on across the lives of an engine, and may be set forward and back under it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use sluice_core::{Span, Timestamp};
use sluice_engine::port::Clock;
use tokio::time::Instant;

use crate::clock::EPOCH;

/// The longest sleep before the clock is looked at again, as with the system's clock: it may have been set meanwhile.
const SLEEP_MAX: Span = Span::from_secs(30);

/// What the clock on the wall shows, and how much time has really passed.
#[derive(Clone)]
pub(super) struct Time(Arc<Mutex<State>>);

struct State {
    /// How much time had really passed when this life began, in milliseconds.
    passed: i64,
    /// When this life began, in its runtime's time; none between two lives.
    began: Option<Instant>,
    /// By how much the clock on the wall is ahead of what has really passed, in milliseconds.
    ahead: i64,
}

impl Time {
    pub(super) fn new() -> Time {
        Time(Arc::new(Mutex::new(State { passed: 0, began: None, ahead: 0 })))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// To be called in the runtime of a new life.
    pub(super) fn begin(&self) {
        self.lock().began = Some(Instant::now());
    }

    /// To be called in the runtime of a life that ends, `down` before the next one begins.
    pub(super) fn end(&self, down: Span) {
        let mut state = self.lock();
        state.passed = state.passed() + i64::try_from(down.as_millis()).unwrap_or(0);
        state.began = None;
    }

    /// Milliseconds that have really passed since the simulation began.
    pub(super) fn passed(&self) -> i64 {
        self.lock().passed()
    }

    /// Sets the clock on the wall, by so many milliseconds forward or back.
    pub(super) fn set_by(&self, millis: i64) {
        self.lock().ahead += millis;
    }
}

impl State {
    fn passed(&self) -> i64 {
        let in_life = self.began.map_or(0, |began| began.elapsed().as_millis());
        self.passed + i64::try_from(in_life).unwrap_or(0)
    }
}

#[async_trait]
impl Clock for Time {
    fn now(&self) -> Timestamp {
        let state = self.lock();
        Timestamp::from_millis(EPOCH.as_millis() + state.passed() + state.ahead)
    }

    async fn sleep_until(&self, at: Timestamp) {
        loop {
            let left = at.since(self.now()).min(SLEEP_MAX);
            if left == Span::ZERO {
                return;
            }
            tokio::time::sleep(left.as_duration()).await;
        }
    }
}
