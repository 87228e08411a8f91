//! A total that is added up anew at every look.

use std::collections::BTreeMap;

use sluice_stats::Merge;

#[derive(Clone, Debug)]
pub(crate) struct Window<T> {
    slot_ms: u64,
    slots: u32,
    held: BTreeMap<i64, T>,
}

impl<T: Merge + Default> Window<T> {
    pub(crate) fn new(span_ms: u64, slots: u32) -> Window<T> {
        let slots = slots.max(1);
        Window { slot_ms: span_ms.div_ceil(u64::from(slots)).max(1), slots, held: BTreeMap::new() }
    }

    pub(crate) fn add(&mut self, at_ms: i64, counted: &T) {
        let slot = self.slot_of(at_ms);
        if self.held.last_key_value().is_some_and(|(newest, _)| slot <= self.before(*newest)) {
            self.held.clear();
        }
        self.held.entry(slot).or_default().merge(counted);
        let expired = self.held.last_key_value().map_or(slot, |(newest, _)| self.before(*newest));
        self.held.retain(|slot, _| *slot > expired);
    }

    pub(crate) fn total(&self, now_ms: i64) -> T {
        let now = self.slot_of(now_ms);
        let newest = self.held.last_key_value().map_or(now, |(newest, _)| *newest);
        let expired = self.before(now.max(newest));
        let mut total = T::default();
        self.held.iter().filter(|(slot, _)| **slot > expired).for_each(|(_, counted)| total.merge(counted));
        total
    }

    fn slot_of(&self, at_ms: i64) -> i64 {
        at_ms.max(i64::MIN / 2).div_euclid(i64::try_from(self.slot_ms).unwrap_or(i64::MAX))
    }

    fn before(&self, newest: i64) -> i64 {
        newest.saturating_sub(i64::from(self.slots))
    }
}
