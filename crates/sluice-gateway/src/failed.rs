//! Whose requests failed.
//!
//! One visitor whose requests fail tries again, and again: counted by request, the failures of one look like those of
//! many. So each visitor is counted once in a minute. All workers share what is known of a version, because a
//! browser's connections end on several of them; it is touched only when a request fails.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

/// How long a visitor who was counted is not counted again, at most.
const MINUTE_MS: u64 = 60_000;
/// Visitors who are known in one minute. With more than that, each failure counts. Takes about 1 MB at most.
const KNOWN_MAX: usize = 65_536;

/// Visitors whose requests to one version failed.
#[derive(Debug, Default)]
pub(crate) struct FailedVisitors {
    count: AtomicU64,
    known: Mutex<Known>,
}

/// The visitors of one minute, by the hash of their unit. The hash has a key of its own in every process, so nobody can
/// choose units that fall together.
#[derive(Debug, Default)]
struct Known {
    minute: u64,
    visitors: HashSet<u64>,
    hash: RandomState,
}

impl FailedVisitors {
    /// Counts the visitor, unless they were counted in this minute. One without a unit is nobody who is known.
    pub(crate) fn fail(&self, unit: Option<&str>, now_ms: u64) {
        let is_new = unit.is_none_or(|unit| {
            // What is behind the lock is whole at every step.
            self.known.lock().unwrap_or_else(PoisonError::into_inner).is_new(unit, now_ms / MINUTE_MS)
        });
        if is_new {
            self.count.fetch_add(1, Relaxed);
        }
    }

    /// Visitors so far, each counted once in a minute.
    pub(crate) fn count(&self) -> u64 {
        self.count.load(Relaxed)
    }
}

impl Known {
    fn is_new(&mut self, unit: &str, minute: u64) -> bool {
        if self.minute != minute {
            self.minute = minute;
            // A minute with many failures is rare, so its memory is given back.
            self.visitors = HashSet::new();
        }
        let visitor = self.hash.hash_one(unit);
        if self.visitors.len() >= KNOWN_MAX {
            return !self.visitors.contains(&visitor);
        }
        self.visitors.insert(visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_visitor_counts_once_in_a_minute_and_one_without_a_unit_each_time() {
        let failed = FailedVisitors::default();
        for now_ms in [0, 1, 59_999] {
            failed.fail(Some("mia"), now_ms);
        }
        assert_eq!(failed.count(), 1);
        failed.fail(Some("tom"), 59_999);
        failed.fail(Some("mia"), 60_000);
        assert_eq!(failed.count(), 3);
        failed.fail(None, 60_000);
        failed.fail(None, 60_000);
        assert_eq!(failed.count(), 5);
    }

    #[test]
    fn beyond_the_bound_each_failure_of_somebody_unknown_counts() {
        let failed = FailedVisitors::default();
        for visitor in 0..KNOWN_MAX + 10 {
            failed.fail(Some(&visitor.to_string()), 0);
        }
        let before = failed.count();
        assert_eq!(before, KNOWN_MAX as u64 + 10);
        failed.fail(Some("0"), 1);
        assert_eq!(failed.count(), before, "somebody known is still known");
        failed.fail(Some(&KNOWN_MAX.to_string()), 1);
        assert_eq!(failed.count(), before + 1);
        assert!(failed.known.lock().unwrap().visitors.len() <= KNOWN_MAX);
    }
}
