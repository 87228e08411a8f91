//! Histograms with explicit bounds, and how buckets of others become those of Sluice.

use std::sync::Arc;

use sluice_core::stats::Histogram;

use super::refused::Refused;
use crate::otlp::message::ExplicitPoint;

/// Sixty times what SDKs use by default.
pub(crate) const BOUNDS_MAX: usize = 1024;
/// The largest value that has a bucket of its own in a [`Histogram`].
const VALUE_MAX: f64 = (1_u64 << 30) as f64;

/// How many values there were up to each bound, and above the last.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Explicit {
    pub(crate) bounds: Arc<[f64]>,
    pub(crate) counts: Vec<u64>,
}

impl Explicit {
    /// # Errors
    /// When counts and bounds do not fit each other.
    pub(crate) fn of(point: &ExplicitPoint) -> Result<Explicit, Refused> {
        let bounds = &point.explicit_bounds;
        let mut counts = point.bucket_counts.clone();
        if bounds.len() > BOUNDS_MAX {
            return Err(Refused::TooManyBuckets(bounds.len()));
        }
        if bounds.iter().any(|bound| !bound.is_finite()) {
            return Err(Refused::NotFinite);
        }
        if !bounds.is_sorted_by(|a, b| a < b) {
            return Err(Refused::BoundsDoNotRise);
        }
        if counts.is_empty() && bounds.is_empty() {
            // The protocol lets the one bucket be left out that holds everything.
            counts.push(point.count);
        }
        if counts.len() != bounds.len() + 1 {
            return Err(Refused::BucketMismatch { bounds: bounds.len(), counts: counts.len() });
        }
        let counted = counts.iter().try_fold(0_u64, |sum, count| sum.checked_add(*count));
        if counted != Some(point.count) {
            return Err(Refused::CountMismatch { count: point.count, counted });
        }
        Ok(Explicit { bounds: bounds.as_slice().into(), counts })
    }

    pub(crate) fn count(&self) -> u64 {
        self.counts.iter().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// Adds what another one with the same bounds holds.
    pub(crate) fn merge(&mut self, other: &Explicit) {
        for (mine, theirs) in self.counts.iter_mut().zip(&other.counts) {
            *mine = mine.saturating_add(*theirs);
        }
    }

    /// What this holds and `earlier` did not. `None` where something became less or the bounds are others.
    pub(crate) fn since(&self, earlier: &Explicit) -> Option<Explicit> {
        if self.bounds != earlier.bounds {
            return None;
        }
        let pairs = self.counts.iter().zip(&earlier.counts);
        let counts = pairs.map(|(now, before)| now.checked_sub(*before)).collect::<Option<_>>()?;
        Some(Explicit { bounds: Arc::clone(&self.bounds), counts })
    }

    /// How many of its values are in buckets that end below zero.
    pub(crate) fn below_zero(&self) -> u64 {
        let pairs = self.bounds.iter().zip(&self.counts);
        pairs.filter(|(bound, _)| **bound < 0.0).fold(0, |sum, (_, count)| sum.saturating_add(*count))
    }

    /// The buckets: from, to, how many. The last one ends at its beginning, as nothing is known of it but that.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (f64, f64, u64)> + '_ {
        let lowest = self.bounds.first().map_or(0.0, |first| first.min(0.0));
        let from = std::iter::once(lowest).chain(self.bounds.iter().copied());
        let to = self.bounds.iter().copied().chain(self.bounds.last().copied());
        from.zip(to).zip(&self.counts).map(|((from, to), count)| (from, to, *count))
    }
}

/// Counts `count` values that are somewhere above `from` and at most `to`, as if they were spread evenly there. A bucket
/// without an end, of which `to` is not above `from`, is taken as just above where it begins.
pub(crate) fn spread(into: &mut Histogram, from: f64, to: f64, count: u64) {
    let (from, to) = (from.clamp(0.0, VALUE_MAX), to.clamp(0.0, VALUE_MAX));
    if to <= from {
        into.add(Histogram::bucket_of(from as u64), count);
        return;
    }
    let (first, last) = (Histogram::bucket_of(from as u64), Histogram::bucket_of(to as u64));
    let mut placed = 0_u64;
    for bucket in first..=last {
        let end = Histogram::lower_bound(bucket + 1) as f64;
        let share = ((end - from) / (to - from)).clamp(0.0, 1.0);
        let through = if bucket == last { count } else { ((share * count as f64).round() as u64).min(count) };
        into.add(bucket, through.saturating_sub(placed));
        placed = through.max(placed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_spread_evenly_over_the_bucket_that_they_came_in() {
        let mut histogram = Histogram::default();
        spread(&mut histogram, 10_000.0, 20_000.0, 1000);
        assert_eq!(histogram.count(), 1000);
        for (q, truth) in [(0.1, 11_000.0), (0.5, 15_000.0), (0.9, 19_000.0)] {
            let found = histogram.quantile(q).unwrap() as f64;
            assert!((found - truth).abs() < truth / 30.0, "p{q} is {found}");
        }
    }

    #[test]
    fn no_value_is_lost_or_made_however_odd_the_bucket_is() {
        for (from, to) in [(0.0, 0.0), (-5.0, 3.0), (7.0, 7.5), (0.0, 1e300), (1e12, 1e13), (3.0, 2.0)] {
            for count in [1, 2, 17, 1_000_003] {
                let mut histogram = Histogram::default();
                spread(&mut histogram, from, to, count);
                assert_eq!(histogram.count(), count, "{from}..{to}");
            }
        }
    }

    #[test]
    fn buckets_and_bounds_that_do_not_fit_are_refused() {
        let point = |count, bounds: &[f64], counts: &[u64]| ExplicitPoint {
            count,
            explicit_bounds: bounds.to_vec(),
            bucket_counts: counts.to_vec(),
            ..Default::default()
        };
        assert_eq!(
            Explicit::of(&point(3, &[1.0], &[1, 1])),
            Err(Refused::CountMismatch { count: 3, counted: Some(2) })
        );
        assert_eq!(
            Explicit::of(&point(2, &[1.0], &[2])),
            Err(Refused::BucketMismatch { bounds: 1, counts: 1 })
        );
        assert_eq!(Explicit::of(&point(2, &[2.0, 1.0], &[2, 0, 0])), Err(Refused::BoundsDoNotRise));
        assert_eq!(Explicit::of(&point(2, &[f64::NAN], &[2, 0])), Err(Refused::NotFinite));
        let all = Explicit::of(&point(u64::MAX, &[1.0], &[u64::MAX, 1]));
        assert_eq!(all, Err(Refused::CountMismatch { count: u64::MAX, counted: None }));
    }
}
