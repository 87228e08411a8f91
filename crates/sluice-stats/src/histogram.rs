//! A histogram of durations on a log scale: buckets about 3 % wide, merged by adding.
//!
//! Bucket numbers are computed from the bits of the value, without logarithms, so that the data plane can count into
//! a plain array; only buckets that hold something are kept here.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Bits of the value that are kept below the leading one: 32 buckets to each doubling, each at most 1/32 wide.
const PRECISION_BITS: u32 = 5;
const PER_DOUBLING: u64 = 1 << PRECISION_BITS;
/// The longest duration that has a bucket of its own: 2^30 microseconds, about 18 minutes. Longer ones fall into
/// the last bucket.
const LARGEST_BITS: u32 = 30;

/// How many durations of about the same length there were. Durations are in microseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Histogram {
    counts: BTreeMap<u16, u64>,
}

impl Histogram {
    /// How many buckets there are: [`Histogram::bucket_of`] is always below this.
    pub const BUCKETS: usize = ((LARGEST_BITS - PRECISION_BITS + 1) as u64 * PER_DOUBLING) as usize;

    /// The bucket of a duration.
    pub fn bucket_of(micros: u64) -> u16 {
        let micros = micros.min((1 << LARGEST_BITS) - 1);
        if micros < PER_DOUBLING {
            return micros as u16;
        }
        let doubling = 63 - micros.leading_zeros() - PRECISION_BITS;
        let within = micros >> doubling;
        // doubling <= 24 and within < 64, so this stays below BUCKETS.
        (u64::from(doubling) * PER_DOUBLING + within) as u16
    }

    /// The shortest duration that falls into a bucket.
    pub fn lower_bound(bucket: u16) -> u64 {
        let bucket = u64::from(bucket);
        if bucket < PER_DOUBLING {
            return bucket;
        }
        let doubling = bucket / PER_DOUBLING - 1;
        (bucket % PER_DOUBLING + PER_DOUBLING) << doubling
    }

    /// Counts one duration.
    pub fn record(&mut self, micros: u64) {
        self.add(Self::bucket_of(micros), 1);
    }

    /// Counts `count` durations of one bucket; buckets beyond the last are taken as the last.
    pub fn add(&mut self, bucket: u16, count: u64) {
        if count > 0 {
            let bucket = bucket.min(Self::BUCKETS as u16 - 1);
            let held = self.counts.entry(bucket).or_default();
            *held = held.saturating_add(count);
        }
    }

    /// Adds all that another histogram holds.
    pub fn merge(&mut self, other: &Histogram) {
        for (bucket, count) in &other.counts {
            self.add(*bucket, *count);
        }
    }

    /// What this holds and `earlier` did not, for counts that only grow. A bucket that shrank, as after a restart of
    /// whoever counted, counts from zero.
    pub fn since(&self, earlier: &Histogram) -> Histogram {
        let grown = |(bucket, count): (&u16, &u64)| {
            let before = earlier.counts.get(bucket).copied().unwrap_or(0);
            let more = count.checked_sub(before).unwrap_or(*count);
            (more > 0).then_some((*bucket, more))
        };
        Histogram { counts: self.counts.iter().filter_map(grown).collect() }
    }

    /// How many durations it holds.
    pub fn count(&self) -> u64 {
        self.counts.values().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// Whether it holds nothing.
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// The buckets that hold something, shortest first, with how much.
    pub fn iter(&self) -> impl Iterator<Item = (u16, u64)> + '_ {
        self.counts.iter().map(|(bucket, count)| (*bucket, *count))
    }

    /// The duration in microseconds that a share `q` (0 to 1) of all durations does not exceed: the middle of its
    /// bucket. `None` when empty.
    pub fn quantile(&self, q: f64) -> Option<u64> {
        let rank = (q.clamp(0.0, 1.0) * self.count() as f64).ceil().max(1.0) as u64;
        let mut below = 0_u64;
        for (bucket, count) in self.iter() {
            below = below.saturating_add(count);
            if below >= rank {
                return Some((Self::lower_bound(bucket) + Self::lower_bound(bucket + 1)) / 2);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_duration_is_within_its_bucket_and_buckets_are_narrow() {
        let mut micros = 1_u64;
        while micros < 1 << LARGEST_BITS {
            let bucket = Histogram::bucket_of(micros);
            let (low, high) = (Histogram::lower_bound(bucket), Histogram::lower_bound(bucket + 1));
            assert!((low..high).contains(&micros), "{micros} is not in {low}..{high}");
            assert!(high - low <= (low / 32).max(1), "bucket of {micros} is {low}..{high}");
            micros += 1 + micros / 97;
        }
        assert!(usize::from(Histogram::bucket_of(u64::MAX)) < Histogram::BUCKETS);
    }

    #[test]
    fn quantiles_are_within_a_bucket_of_the_truth() {
        let mut histogram = Histogram::default();
        (1..=10_000).for_each(|micros| histogram.record(micros));
        for q in [0.01, 0.5, 0.95, 0.999] {
            let truth = q * 10_000.0;
            let found = histogram.quantile(q).unwrap() as f64;
            assert!((found - truth).abs() <= truth / 30.0, "p{q}: {found}");
        }
        assert_eq!(Histogram::default().quantile(0.5), None);
    }

    #[test]
    fn a_restarted_counter_counts_from_zero() {
        let (mut before, mut after) = (Histogram::default(), Histogram::default());
        before.add(7, 100);
        before.add(9, 4);
        after.add(7, 3);
        after.add(9, 6);
        assert_eq!(after.since(&before).iter().collect::<Vec<_>>(), [(7, 3), (9, 2)]);
    }
}
