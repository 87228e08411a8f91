//! Virtual time: tokio's paused clock, which jumps ahead whenever nothing is left to do.
//!
//! Hours pass in milliseconds, and always in the same way. Only works on a runtime built with `start_paused`.

use async_trait::async_trait;
use sluice_core::{Span, Timestamp};
use sluice_engine::port::Clock;
use tokio::time::Instant;

/// When the first life of every test begins.
pub const EPOCH: Timestamp = Timestamp::from_millis(1_767_225_600_000);

/// Virtual time. A world that is restarted goes on from where the time stood.
#[derive(Clone, Copy, Debug)]
pub struct VirtualClock {
    began_at: Timestamp,
    began: Instant,
}

impl VirtualClock {
    /// A clock that shows `began_at` now.
    pub fn starting_at(began_at: Timestamp) -> VirtualClock {
        VirtualClock { began_at, began: Instant::now() }
    }
}

#[async_trait]
impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        let passed = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.began_at.after(Span::from_millis(passed))
    }

    async fn sleep_until(&self, at: Timestamp) {
        tokio::time::sleep_until(self.began + at.since(self.began_at).as_duration()).await;
    }
}
