//! A count for each bucket, in a map.

use std::collections::BTreeMap;

use sluice_stats::Merge;

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Histogram {
    counts: BTreeMap<u16, u64>,
}

impl Histogram {
    pub(crate) fn add(&mut self, bucket: u16, count: u64) {
        if count > 0 {
            let bucket = bucket.min(sluice_stats::Histogram::BUCKETS as u16 - 1);
            let held = self.counts.entry(bucket).or_default();
            *held = held.saturating_add(count);
        }
    }

    pub(crate) fn merge(&mut self, other: &Histogram) {
        other.iter().for_each(|(bucket, count)| self.add(bucket, count));
    }

    pub(crate) fn since(&self, earlier: &Histogram) -> Histogram {
        let grown = |(bucket, count): (&u16, &u64)| {
            let before = earlier.counts.get(bucket).copied().unwrap_or(0);
            let more = count.checked_sub(before).unwrap_or(*count);
            (more > 0).then_some((*bucket, more))
        };
        Histogram { counts: self.counts.iter().filter_map(grown).collect() }
    }

    pub(crate) fn count(&self) -> u64 {
        self.counts.values().fold(0, |sum, count| sum.saturating_add(*count))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (u16, u64)> + '_ {
        self.counts.iter().map(|(bucket, count)| (*bucket, *count))
    }

    pub(crate) fn quantile(&self, q: f64) -> Option<u64> {
        let count = self.count();
        let rank = ((q.clamp(0.0, 1.0) * count as f64).ceil().max(1.0) as u64).min(count);
        let mut below = 0_u64;
        for (bucket, count) in self.iter() {
            below = below.saturating_add(count);
            if below >= rank {
                let bound = sluice_stats::Histogram::lower_bound;
                return Some((bound(bucket) + bound(bucket + 1)) / 2);
            }
        }
        None
    }
}

impl Merge for Histogram {
    fn merge(&mut self, other: &Histogram) {
        Histogram::merge(self, other);
    }
}
