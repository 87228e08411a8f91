//! How many requests of a service may be sent again.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// A bucket of parts of retries, in hundred-thousandths. Each request puts in its share; each retry takes a whole one
/// out. A service that is down is then asked little more than it would be without retries.
#[derive(Debug)]
pub(crate) struct RetryBudget {
    parts: AtomicU32,
}

const WHOLE: u32 = 100_000;
/// Retries that are allowed at any rate: a service with few requests would otherwise never get one.
const FEW: u32 = 10;
/// What can be saved up: retries for the failures of one moment, not for those of a whole quiet day.
const MOST: u32 = 100;

impl Default for RetryBudget {
    fn default() -> Self {
        RetryBudget { parts: AtomicU32::new(FEW * WHOLE) }
    }
}

impl RetryBudget {
    /// A request came; `share` is how much of a retry that allows, in hundred-thousandths.
    pub(crate) fn earn(&self, share: u32) {
        let earned = |parts: u32| Some(parts.saturating_add(share).min(MOST * WHOLE));
        self.parts.fetch_update(Relaxed, Relaxed, earned).unwrap_or_default();
    }

    /// Whether one more may be sent.
    pub(crate) fn spend(&self) -> bool {
        self.parts.fetch_update(Relaxed, Relaxed, |parts| parts.checked_sub(WHOLE)).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_that_is_down_is_asked_a_share_more() {
        let budget = RetryBudget::default();
        let retries = (0..10_000).filter(|_| {
            budget.earn(20_000);
            budget.spend()
        });
        // A fifth of them, and the few.
        assert_eq!(retries.count(), 2_000 + 10);
    }

    #[test]
    fn quiet_times_save_up_little() {
        let budget = RetryBudget::default();
        (0..1_000_000).for_each(|_| budget.earn(100_000));
        assert_eq!((0..1_000).filter(|_| budget.spend()).count(), 100);
    }
}
