//! Exponential histograms, kept as they come.
//!
//! Of scale *s*, bucket *i* holds what is above `2^(i·2^-s)` and at most `2^((i+1)·2^-s)`. Two neighbours together are
//! one bucket of the next lower scale, so that histograms of different scales are added without any loss but that of
//! the lower scale itself (OpenTelemetry, metrics data model, "ExponentialHistogram").

use std::collections::BTreeMap;

use super::refused::Refused;
use crate::otlp::message::{Buckets, ExponentialPoint};

/// Scales that the protocol's mapping functions are defined for.
const SCALES: std::ops::RangeInclusive<i32> = -10..=20;
/// Indexes beyond these are of no number that 64 bits can hold at the finest scale.
const INDEX_MAX: i64 = 1 << 31;
/// More than any sender makes: the most that SDKs are set to is 320.
pub(crate) const BUCKETS_MAX: usize = 4096;

/// An exponential histogram.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Exponential {
    /// How fine the buckets are; `None` while nothing was ever added.
    scale: Option<i32>,
    /// What is this near to zero counts as zero.
    zero_threshold: f64,
    zeros: u64,
    positive: BTreeMap<i64, u64>,
    negative: BTreeMap<i64, u64>,
}

impl Exponential {
    /// # Errors
    /// When the counts do not fit each other, or the scale is one that nothing is defined for.
    pub(crate) fn of(point: &ExponentialPoint) -> Result<Exponential, Refused> {
        if !SCALES.contains(&point.scale) {
            return Err(Refused::Scale(point.scale));
        }
        if !point.zero_threshold.is_finite() || point.zero_threshold < 0.0 {
            return Err(Refused::NotFinite);
        }
        let positive = buckets(point.positive.as_ref())?;
        let negative = buckets(point.negative.as_ref())?;
        let counted = positive
            .values()
            .chain(negative.values())
            .try_fold(point.zero_count, |sum, count| sum.checked_add(*count));
        if counted != Some(point.count) {
            return Err(Refused::CountMismatch { count: point.count, counted });
        }
        Ok(Exponential {
            scale: Some(point.scale),
            zero_threshold: point.zero_threshold,
            zeros: point.zero_count,
            positive,
            negative,
        })
    }

    pub(crate) fn scale(&self) -> Option<i32> {
        self.scale
    }

    /// How many values it holds.
    pub(crate) fn count(&self) -> u64 {
        let buckets = self.positive.values().chain(self.negative.values());
        buckets.fold(self.zeros, |sum, count| sum.saturating_add(*count))
    }

    /// How many of its values are below zero.
    pub(crate) fn below_zero(&self) -> u64 {
        self.negative.values().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// How many buckets it keeps.
    pub(crate) fn len(&self) -> usize {
        self.positive.len() + self.negative.len()
    }

    /// Merges neighbours until the scale is at most this one.
    pub(crate) fn lower_to(&mut self, scale: i32) {
        if let Some(mine) = self.scale
            && mine > scale
        {
            let shift = u32::try_from(mine - scale).unwrap_or(63).min(63);
            for side in [&mut self.positive, &mut self.negative] {
                let mut coarse = BTreeMap::new();
                for (index, count) in &*side {
                    let held: &mut u64 = coarse.entry(index >> shift).or_default();
                    *held = held.saturating_add(*count);
                }
                *side = coarse;
            }
            self.scale = Some(scale);
        }
    }

    /// Takes everything as zero that is in buckets which begin below the threshold.
    fn raise_zero_to(&mut self, threshold: f64) {
        if threshold <= self.zero_threshold {
            return;
        }
        self.zero_threshold = threshold;
        let Some(scale) = self.scale else { return };
        for side in [&mut self.positive, &mut self.negative] {
            while let Some(first) = side.first_entry() {
                if bound(scale, *first.key()) >= threshold {
                    break;
                }
                self.zeros = self.zeros.saturating_add(first.remove());
            }
        }
    }

    /// Gives both the lower of their scales and the higher of their thresholds.
    fn align(&mut self, other: &mut Exponential) {
        if let (Some(mine), Some(theirs)) = (self.scale, other.scale) {
            self.lower_to(mine.min(theirs));
            other.lower_to(mine.min(theirs));
        }
        let threshold = self.zero_threshold.max(other.zero_threshold);
        self.raise_zero_to(threshold);
        other.raise_zero_to(threshold);
    }

    /// Adds all that another one holds.
    pub(crate) fn merge(&mut self, other: &Exponential) {
        let mut other = other.clone();
        self.align(&mut other);
        self.scale = self.scale.or(other.scale);
        self.zeros = self.zeros.saturating_add(other.zeros);
        for (mine, theirs) in [(&mut self.positive, other.positive), (&mut self.negative, other.negative)] {
            for (index, count) in theirs {
                let held = mine.entry(index).or_default();
                *held = held.saturating_add(count);
            }
        }
    }

    /// What this holds and `earlier` did not. `None` where something became less, as after a restart.
    pub(crate) fn since(&self, earlier: &Exponential) -> Option<Exponential> {
        let (mut now, mut before) = (self.clone(), earlier.clone());
        now.align(&mut before);
        now.zeros = now.zeros.checked_sub(before.zeros)?;
        for (mine, theirs) in [(&mut now.positive, before.positive), (&mut now.negative, before.negative)] {
            for (index, count) in theirs.into_iter().filter(|(_, count)| *count > 0) {
                let held = mine.get_mut(&index)?;
                *held = held.checked_sub(count)?;
            }
            mine.retain(|_, count| *count > 0);
        }
        Some(now)
    }

    /// The buckets that are not below zero: from, to, how many. What counts as zero comes as from 0 to 0.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (f64, f64, u64)> + '_ {
        let scale = self.scale.unwrap_or_default();
        let zeros = (self.zeros > 0).then_some((0.0, 0.0, self.zeros));
        let buckets =
            self.positive.iter().map(move |(i, count)| (bound(scale, *i), bound(scale, *i + 1), *count));
        zeros.into_iter().chain(buckets)
    }
}

/// The lower bound of a bucket.
fn bound(scale: i32, index: i64) -> f64 {
    (index as f64 * f64::from(-scale).exp2()).exp2()
}

fn buckets(given: Option<&Buckets>) -> Result<BTreeMap<i64, u64>, Refused> {
    let Some(given) = given else { return Ok(BTreeMap::new()) };
    if given.bucket_counts.len() > BUCKETS_MAX {
        return Err(Refused::TooManyBuckets(given.bucket_counts.len()));
    }
    let numbered = (i64::from(given.offset)..).zip(&given.bucket_counts);
    let held: BTreeMap<i64, u64> =
        numbered.filter(|(_, count)| **count > 0).map(|(index, count)| (index, *count)).collect();
    if held.keys().any(|index| index.abs() > INDEX_MAX) {
        return Err(Refused::Scale(given.offset));
    }
    Ok(held)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn histogram(scale: i32, offset: i32, counts: &[u64]) -> Exponential {
        let positive = Buckets { offset, bucket_counts: counts.to_vec() };
        let count = counts.iter().sum();
        Exponential::of(&ExponentialPoint { scale, count, positive: Some(positive), ..Default::default() })
            .unwrap()
    }

    #[test]
    fn histograms_of_different_scales_are_added_at_the_lower_one_without_losing_a_count() {
        // At scale 1, buckets 2 and 3 are (2, 2.83] and (2.83, 4]: together bucket 1 of scale 0.
        let mut fine = histogram(1, 2, &[5, 7, 1]);
        fine.merge(&histogram(0, 1, &[100]));
        let found: Vec<_> = fine.iter().collect();
        assert_eq!(found, [(2.0, 4.0, 112), (4.0, 8.0, 1)]);
        assert_eq!(fine.scale(), Some(0));
    }

    #[test]
    fn buckets_below_one_keep_their_place_when_the_scale_falls() {
        let mut below = histogram(1, -3, &[1, 2, 4]);
        below.lower_to(0);
        // Indexes -3, -2 and -1 become -2, -1 and -1.
        assert_eq!(below.iter().collect::<Vec<_>>(), [(0.25, 0.5, 1), (0.5, 1.0, 6)]);
    }

    #[test]
    fn a_growing_histogram_gives_what_is_new_though_its_scale_fell_meanwhile() {
        let now = histogram(0, 1, &[20, 3]);
        let new = now.since(&histogram(1, 2, &[5, 7])).unwrap();
        assert_eq!(new.iter().collect::<Vec<_>>(), [(2.0, 4.0, 8), (4.0, 8.0, 3)]);
        assert_eq!(histogram(0, 1, &[1]).since(&now), None, "a restart was taken for growth");
    }

    #[test]
    fn a_higher_zero_threshold_takes_buckets_into_zero() {
        let mut fine = histogram(0, -3, &[1, 2, 4, 8]);
        let wide = ExponentialPoint { zero_count: 16, count: 16, zero_threshold: 0.5, ..Default::default() };
        fine.merge(&Exponential::of(&wide).unwrap());
        assert_eq!(fine.iter().collect::<Vec<_>>(), [(0.0, 0.0, 19), (0.5, 1.0, 4), (1.0, 2.0, 8)]);
    }

    #[test]
    fn counts_that_do_not_fit_are_refused() {
        let positive = Some(Buckets { offset: 0, bucket_counts: vec![1, 2] });
        let point = ExponentialPoint { count: 4, positive, ..Default::default() };
        assert!(matches!(
            Exponential::of(&point),
            Err(Refused::CountMismatch { count: 4, counted: Some(3) })
        ));
        let scale = ExponentialPoint { scale: 21, ..Default::default() };
        assert!(matches!(Exponential::of(&scale), Err(Refused::Scale(21))));
    }
}
