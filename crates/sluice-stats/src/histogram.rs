//! A histogram of durations on a log scale: buckets about 3 % wide, merged by adding.
//!
//! Bucket numbers are computed from the bits of the value, without logarithms, so that the data plane can count into
//! a plain array; only stretches of buckets that hold something are kept here.

mod rows;
mod stored;

use std::sync::Arc;

use self::rows::{ROWS, Row, Rows, numbers, place, sum};
pub(crate) use self::rows::{WIDTH, bucket_at, side_by_side};

/// Bits of the value that are kept below the leading one: 32 buckets to each doubling, each at most 1/32 wide.
const PRECISION_BITS: u32 = 5;
const PER_DOUBLING: u64 = 1 << PRECISION_BITS;
/// The longest duration that has a bucket of its own: 2^30 microseconds, about 18 minutes. Longer ones fall into
/// the last bucket.
const LARGEST_BITS: u32 = 30;

/// How many durations of about the same length there were. Durations are in microseconds.
///
/// A copy shares what it was copied from until either is changed. Takes 64 bytes for each row of eight buckets that
/// holds anything: usually 1 to 3 KB, and at most 6 656 bytes whatever is counted. Stored as a map from buckets to
/// counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Histogram {
    /// The rows that are held, a bit for each. Between calls, no row is held that counts nothing.
    held: u128,
    rows: Arc<[Row]>,
    /// The sum of all counts. A bucket is never above it, so while it is below the greatest number, all are exact.
    count: u64,
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
            let (number, place) = place(bucket.min(Self::BUCKETS as u16 - 1));
            self.make_room(1 << number);
            let at = self.held_before(number);
            let held = &mut Arc::make_mut(&mut self.rows)[at][place];
            *held = held.saturating_add(count);
            self.count = self.count.saturating_add(count);
        }
    }

    /// Adds all that another histogram holds.
    pub fn merge(&mut self, other: &Histogram) {
        if other.is_empty() {
            return;
        }
        if self.is_empty() {
            self.clone_from(other);
            return;
        }
        self.make_room(other.held);
        if let Some(count) = self.count.checked_add(other.count) {
            self.count = count;
            // No bucket can be above the count, so none overflows.
            self.change_by(other, |mine, theirs| (0..WIDTH).for_each(|i| mine[i] += theirs[i]));
        } else {
            self.count = u64::MAX;
            self.change_by(other, |mine, theirs| {
                (0..WIDTH).for_each(|i| mine[i] = mine[i].saturating_add(theirs[i]));
            });
        }
    }

    /// Takes away all that another histogram holds, which must have been merged into this one. `false`, and nothing is
    /// changed, where it was not or counts have become so large that what would be left is not known.
    pub fn take_away(&mut self, other: &Histogram) -> bool {
        if self.count == u64::MAX || other.held & !self.held != 0 {
            return false;
        }
        let is_within = |mine: &Row, theirs: &Row| (0..WIDTH).all(|i| theirs[i] <= mine[i]);
        if !side_by_side([self, other]).all(|(_, [mine, theirs])| is_within(mine, theirs)) {
            return false;
        }
        if !other.is_empty() {
            self.count -= other.count;
            self.change_by(other, |mine, theirs| (0..WIDTH).for_each(|i| mine[i] -= theirs[i]));
            self.drop_empty_rows();
        }
        true
    }

    /// What this holds and `earlier` did not, for counts that only grow. A bucket that shrank, as after a restart of
    /// whoever counted, counts from zero.
    pub fn since(&self, earlier: &Histogram) -> Histogram {
        let mut grown = Rows::default();
        for (number, [now, before]) in side_by_side([self, earlier]) {
            let more = |i: usize| now[i].checked_sub(before[i]).unwrap_or(now[i]);
            grown.push(number, std::array::from_fn(more));
        }
        grown.into_histogram()
    }

    /// How many durations it holds.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Whether it holds nothing.
    pub fn is_empty(&self) -> bool {
        self.held == 0
    }

    /// The buckets that hold something, shortest first, with how much.
    pub fn iter(&self) -> impl Iterator<Item = (u16, u64)> + '_ {
        let rows = numbers(self.held).zip(self.rows.iter());
        let buckets = rows.flat_map(|(number, row)| (0..WIDTH).map(move |i| (bucket_at(number, i), row[i])));
        buckets.filter(|(_, count)| *count > 0)
    }

    /// The duration in microseconds that a share `q` (0 to 1) of all durations does not exceed: the middle of its
    /// bucket. `None` when empty.
    pub fn quantile(&self, q: f64) -> Option<u64> {
        let rank = (q.clamp(0.0, 1.0) * self.count as f64).ceil().max(1.0) as u64;
        let rank = rank.min(self.count);
        let (bucket, _) = self.first_where(|through| through >= rank)?;
        Some((Self::lower_bound(bucket) + Self::lower_bound(bucket + 1)) / 2)
    }

    /// The first bucket that holds something for which the number of durations up to its end `is_reached`, and that
    /// number. What holds for a number must hold for every larger one.
    pub(crate) fn first_where(&self, is_reached: impl Fn(u64) -> bool) -> Option<(u16, u64)> {
        let mut through = 0_u64;
        for (number, row) in numbers(self.held).zip(self.rows.iter()) {
            let through_row = through.saturating_add(sum(row));
            if is_reached(through_row) {
                let mut buckets = row.iter().enumerate().filter(|(_, count)| **count > 0);
                return buckets.find_map(|(i, count)| {
                    through = through.saturating_add(*count);
                    is_reached(through).then(|| (bucket_at(number, i), through))
                });
            }
            through = through_row;
        }
        None
    }

    /// How many durations are in buckets beyond this one.
    pub(crate) fn beyond(&self, bucket: u16) -> u64 {
        let (number, place) = place(bucket);
        if number >= ROWS {
            return 0;
        }
        let rest = &self.rows[self.held_before(number)..];
        let (own, rest) = rest.split_at(usize::from(self.holds(number)));
        sum(own.iter().flat_map(|row| &row[place + 1..])).saturating_add(sum(rest.iter().flatten()))
    }

    /// The same counts, each in the bucket that `moved` gives for its own. Buckets must keep their order, and those
    /// beyond the last are taken as the last.
    pub(crate) fn moved(&self, moved: impl Fn(u16) -> u16) -> Histogram {
        let mut rows = Rows::default();
        for (bucket, count) in self.iter() {
            rows.add(moved(bucket).min(Self::BUCKETS as u16 - 1), count);
        }
        rows.into_histogram()
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
    fn a_million_spread_durations_take_at_most_a_count_for_each_bucket() {
        let mut histogram = Histogram::default();
        let mut micros = 1_u64;
        for _ in 0..1_000_000 {
            micros = micros.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            histogram.record((micros >> 32) >> (micros % 32));
        }
        assert!(histogram.iter().count() > 800);
        assert!(size_of_val(&*histogram.rows) <= 6_656, "{}", size_of_val(&*histogram.rows));
        assert!(size_of::<Histogram>() <= 48);
    }

    #[test]
    fn the_times_of_one_service_take_a_kilobyte_or_two() {
        let mut histogram = Histogram::default();
        // A millisecond to a second, and one that took a minute.
        (1_000..1_000_000).step_by(7).for_each(|micros| histogram.record(micros));
        histogram.record(60_000_000);
        assert!(size_of_val(&*histogram.rows) <= 42 * 64, "{}", size_of_val(&*histogram.rows));
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
