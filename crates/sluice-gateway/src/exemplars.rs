//! Requests that stand for others of about the same latency, so that somebody who sees a slow bar can look at one.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use sluice_core::Timestamp;

/// The latencies that one stands for: below 256 µs, then by doublings to 16.8 s, then all above.
const CLASSES: usize = 18;
/// The bits of the shortest class.
const SHORTEST_BITS: u32 = 8;

/// A request that can be looked up by its trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exemplar {
    /// The trace that it is part of.
    pub trace: u128,
    /// The time from its head to the response's, in microseconds.
    pub micros: u64,
    /// When the response's head came.
    pub at: Timestamp,
}

/// The latest of each class, seen by one worker.
#[derive(Debug, Default)]
pub(crate) struct Exemplars {
    slots: [Slot; CLASSES],
}

#[derive(Debug, Default)]
struct Slot {
    /// The sweep at which it was written.
    tick: AtomicU64,
    latest: Mutex<Option<Exemplar>>,
}

impl Exemplars {
    /// Keeps a request, unless one of its class was kept since the last sweep; `tick` is the number of sweeps. Never waits:
    /// while somebody reads, nothing is kept.
    pub(crate) fn offer(&self, trace: u128, micros: u64, tick: u64, now: impl FnOnce() -> Timestamp) {
        let slot = &self.slots[class_of(micros)];
        if slot.tick.load(Relaxed) == tick {
            return;
        }
        if let Ok(mut latest) = slot.latest.try_lock() {
            slot.tick.store(tick, Relaxed);
            *latest = Some(Exemplar { trace, micros, at: now() });
        }
    }

    /// All that are kept.
    pub(crate) fn read(&self) -> impl Iterator<Item = Exemplar> + '_ {
        // What is behind the lock is whole at every step.
        let lock = |slot: &Slot| *slot.latest.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        self.slots.iter().filter_map(lock)
    }
}

fn class_of(micros: u64) -> usize {
    let doublings = u64::BITS - (micros >> SHORTEST_BITS).leading_zeros();
    usize::try_from(doublings).map_or(CLASSES - 1, |class| class.min(CLASSES - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_of_each_class_is_kept_once_a_sweep() {
        let exemplars = Exemplars::default();
        let at = Timestamp::from_millis;
        for (trace, micros, tick) in
            [(1, 0, 1), (2, 255, 1), (3, 256, 1), (4, 100, 2), (5, u64::MAX, 2), (6, 1 << 24, 2)]
        {
            exemplars.offer(trace, micros, tick, || at(i64::try_from(trace).unwrap()));
        }
        let kept: Vec<_> = exemplars.read().map(|kept| (kept.trace, kept.micros, kept.at)).collect();
        assert_eq!(kept, [(4, 100, at(4)), (3, 256, at(3)), (5, u64::MAX, at(5))]);
    }
}
