//! Totals over the most recent stretch of time, in constant memory.

use std::collections::BTreeMap;
use std::num::{NonZeroU32, NonZeroU64};

use serde::{Deserialize, Serialize};

use crate::histogram::Histogram;

/// Something that adds up, in any order: counts, histograms.
pub trait Merge {
    /// Adds all that `other` holds.
    fn merge(&mut self, other: &Self);

    /// Takes away all that `other` holds, which was merged before, so that what is left is exactly what it would be if
    /// it never had been. `false`, and nothing is changed, where that cannot be done; then the rest is to be added up
    /// anew.
    fn take_away(&mut self, other: &Self) -> bool {
        let _ = other;
        false
    }
}

impl Merge for Histogram {
    fn merge(&mut self, other: &Histogram) {
        Histogram::merge(self, other);
    }

    fn take_away(&mut self, other: &Histogram) -> bool {
        Histogram::take_away(self, other)
    }
}

impl Merge for u64 {
    fn merge(&mut self, other: &u64) {
        *self = self.saturating_add(*other);
    }

    fn take_away(&mut self, other: &u64) -> bool {
        // A sum that is held at the greatest number does not tell what it would have been.
        let left = self.checked_sub(*other).filter(|_| *self < u64::MAX);
        left.inspect(|left| *self = *left).is_some()
    }
}

/// Totals over the last `span` milliseconds, kept in at most `slots` slots of equal length.
///
/// A slot is kept or dropped as a whole, so a total never holds anything older than the span, and may lack up to one
/// slot's length at its old end: of 60 s in 12 slots, between 55 and 60 s. Times are milliseconds since any fixed
/// moment.
///
/// Late data go to the slot of their own time as long as that is within the span. A time more than a whole span before
/// the newest one can only come from a clock that was set back; then the window is emptied and begins again, and
/// [`Window::covered`] says how little it holds.
///
/// Adding costs what merging twice does, however many slots there are, and so does a total at the newest time. The sum
/// of all slots is kept beside them, not stored, and added up again when the window is read back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Stored<T>", bound(deserialize = "T: Deserialize<'de> + Merge + Default"))]
pub struct Window<T> {
    slot_ms: NonZeroU64,
    slots: NonZeroU32,
    held: BTreeMap<i64, T>,
    /// Of all slots that are held.
    #[serde(skip_serializing)]
    sum: T,
}

/// A window as it is stored.
#[derive(Deserialize)]
struct Stored<T> {
    slot_ms: NonZeroU64,
    slots: NonZeroU32,
    held: BTreeMap<i64, T>,
}

impl<T: Merge + Default> From<Stored<T>> for Window<T> {
    fn from(Stored { slot_ms, slots, held }: Stored<T>) -> Window<T> {
        let sum = added_up(held.values());
        Window { slot_ms, slots, held, sum }
    }
}

impl<T: Merge + Default> Window<T> {
    /// An empty window over `span_ms`, in `slots` slots. Zero is read as one; a span that does not divide is rounded
    /// up to whole milliseconds in each slot.
    pub fn new(span_ms: u64, slots: u32) -> Window<T> {
        let slots = NonZeroU32::new(slots).unwrap_or(NonZeroU32::MIN);
        let slot_ms = NonZeroU64::new(span_ms.div_ceil(u64::from(slots.get()))).unwrap_or(NonZeroU64::MIN);
        Window { slot_ms, slots, held: BTreeMap::new(), sum: T::default() }
    }

    /// Adds what was counted at `at_ms`. Adding nothing (a default value) still says that one has looked.
    pub fn add(&mut self, at_ms: i64, counted: &T) {
        let slot = self.slot_of(at_ms);
        if self.held.last_key_value().is_some_and(|(newest, _)| slot <= self.before(*newest)) {
            self.held.clear();
            self.sum = T::default();
        }
        self.held.entry(slot).or_default().merge(counted);
        self.sum.merge(counted);
        let expired = self.held.last_key_value().map_or(slot, |(newest, _)| self.before(*newest));
        while self.held.first_key_value().is_some_and(|(oldest, _)| *oldest <= expired) {
            let gone = self.held.pop_first();
            if !gone.is_some_and(|(_, gone)| self.sum.take_away(&gone)) {
                self.sum = added_up(self.held.values());
            }
        }
    }

    /// All that was added over the span that ends at `now_ms`. A `now_ms` before the newest data is read as the time
    /// of the newest data.
    pub fn total(&self, now_ms: i64) -> T {
        let expired = self.expired(now_ms);
        if self.held.first_key_value().is_none_or(|(oldest, _)| *oldest > expired) {
            return added_up([&self.sum]);
        }
        added_up(self.within(now_ms))
    }

    /// For how many milliseconds of the span that ends at `now_ms` anything was added, in whole slots; equal to
    /// [`Window::span_ms`] when there is no gap.
    pub fn covered(&self, now_ms: i64) -> u64 {
        (self.within(now_ms).count() as u64).saturating_mul(self.slot_ms.get())
    }

    /// The length of the window in milliseconds.
    pub fn span_ms(&self) -> u64 {
        self.slot_ms.get().saturating_mul(u64::from(self.slots.get()))
    }

    fn within(&self, now_ms: i64) -> impl Iterator<Item = &T> {
        let expired = self.expired(now_ms);
        self.held.iter().filter(move |(slot, _)| **slot > expired).map(|(_, counted)| counted)
    }

    /// The last slot that is out of the span that ends at `now_ms` or, if later, at the newest data.
    fn expired(&self, now_ms: i64) -> i64 {
        let now = self.slot_of(now_ms);
        self.before(self.held.last_key_value().map_or(now, |(newest, _)| now.max(*newest)))
    }

    fn slot_of(&self, at_ms: i64) -> i64 {
        // Far enough from the least number that a span before it is still one.
        at_ms.max(i64::MIN / 2).div_euclid(i64::try_from(self.slot_ms.get()).unwrap_or(i64::MAX))
    }

    /// The last slot that is out of the span when `newest` is its last.
    fn before(&self, newest: i64) -> i64 {
        newest.saturating_sub(i64::from(self.slots.get()))
    }
}

fn added_up<'a, T: Merge + Default + 'a>(parts: impl IntoIterator<Item = &'a T>) -> T {
    let mut total = T::default();
    parts.into_iter().for_each(|part| total.merge(part));
    total
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_total_never_holds_what_is_older_than_the_span_and_lacks_at_most_a_slot() {
        let mut window = Window::<u64>::new(60_000, 12);
        for ms in (0..600_000).step_by(250) {
            window.add(ms, &1);
            let total = window.total(ms);
            assert!(total <= 240, "{total} at {ms}");
            assert!(ms < 60_000 || total > 220, "{total} at {ms}");
        }
        assert_eq!(window.total(600_000 + 59_999), 0);
    }

    #[test]
    fn a_gap_shows_in_what_is_covered() {
        let mut window = Window::<u64>::new(10_000, 10);
        (0..10).for_each(|second| window.add(second * 1_000, &0));
        assert_eq!(window.covered(9_999), window.span_ms());
        assert_eq!(window.covered(14_000), 5_000);
        assert_eq!(window.covered(60_000), 0);
    }

    #[test]
    fn late_data_count_at_their_own_time() {
        let mut window = Window::<u64>::new(10_000, 10);
        window.add(20_000, &1);
        window.add(12_000, &5);
        assert_eq!(window.total(20_000), 6);
        assert_eq!(window.total(22_000), 1);
    }

    #[test]
    fn a_clock_set_back_begins_a_new_window() {
        let mut window = Window::<u64>::new(10_000, 10);
        window.add(1_000_000, &7);
        assert_eq!(window.total(5_000), 7, "a look alone changes nothing");
        window.add(5_000, &2);
        assert_eq!(window.total(5_000), 2);
        assert_eq!(window.covered(5_000), 1_000);
    }

    #[test]
    fn extreme_times_and_sizes_are_harmless() {
        for (span, slots) in [(0, 0), (u64::MAX, 1), (u64::MAX, u32::MAX), (1, u32::MAX)] {
            let mut window = Window::<u64>::new(span, slots);
            for at in [i64::MIN, -1, 0, 1, i64::MAX, i64::MIN] {
                window.add(at, &u64::MAX);
                assert_eq!(window.total(at), u64::MAX);
            }
        }
    }
}
