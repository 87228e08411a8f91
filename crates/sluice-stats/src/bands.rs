//! Between which bounds the times of a version lie, at every moment at once: for people to see, not to decide by.
//!
//! All is computed from one histogram when it is asked for, so nothing is kept and nothing is paid while counting. The
//! bounds hold for requests that are independent and whose times have one and the same distribution; where that drifts
//! they are about the mixture, and where it drifts while weights change, two versions should be compared by the
//! histograms of one step.
//!
//! Source: Howard and Ramdas, "Sequential estimation of quantiles with applications to A/B testing and best-arm
//! identification", Bernoulli 28(3), 2022: bounds of one quantile by counting what lies below it, here with a mixture
//! over a grid; bounds of all quantiles by their law of the iterated logarithm.

use std::sync::LazyLock;

use crate::histogram::Histogram;
use crate::interval::Interval;
use crate::trials::Arms;

/// By how much the odds of lying below the quantile are supposed to be wrong, as logarithms, evenly on a log scale.
const TILTS: usize = 24;
const TILT_MIN: f64 = 0.003;
const TILT_MAX: f64 = 4.0;
/// From how many requests on bounds of the whole curve are meant to be close.
const CURVE_FROM: f64 = 32.0;

static TILTS_OF_ODDS: LazyLock<[f64; TILTS]> = LazyLock::new(|| {
    let ratio = (TILT_MAX / TILT_MIN).powf(1.0 / (TILTS - 1) as f64);
    std::array::from_fn(|i| TILT_MIN * ratio.powi(i as i32))
});

/// The time in microseconds that a share `q` of requests does not exceed, with bounds that hold at every moment with a
/// probability of `1 - alpha`. The upper bound is infinite while there are too few requests beyond. `None` without
/// requests or when `q` or `alpha` is not within (0, 1).
pub fn quantile(times: &Histogram, q: f64, alpha: f64) -> Option<Interval> {
    let is_known = !times.is_empty() && is_share(q) && is_share(alpha);
    is_known.then(|| {
        let (least, most) = ranks(times.count(), q, alpha);
        between(times, q, least, most)
    })
}

/// How many times as long the candidate's quantile is as stable's, with bounds that hold at every moment with a
/// probability of `1 - alpha`: half of it for each version. `None` as for [`quantile`], of either version.
pub fn quantile_ratio(times: &Arms<Histogram>, q: f64, alpha: f64) -> Option<Interval> {
    let of = |times| quantile(times, q, alpha / 2.0);
    let (stable, candidate) = (of(&times.stable)?, of(&times.candidate)?);
    Some(ratio(candidate, stable))
}

/// The same as [`quantile`], with bounds that hold at every moment for every `q` at once: a band around the whole
/// curve. Far wider than those of one quantile that was chosen before looking.
pub fn curve(times: &Histogram, q: f64, alpha: f64) -> Option<Interval> {
    let is_known = !times.is_empty() && is_share(q) && is_share(alpha);
    is_known.then(|| {
        let count = times.count() as f64;
        let margin = curve_margin(times.count(), alpha);
        let least = ((q - margin).max(0.0) * count).ceil() as u64;
        let most = ((q + margin) * count).floor() as u64;
        between(times, q, least, most)
    })
}

/// How far the true share of requests up to any time may be from the share that was seen, for all times and moments at
/// once with a probability of `1 - alpha`. Above 1 while there are fewer than 32 requests.
pub fn curve_margin(count: u64, alpha: f64) -> f64 {
    let count = count as f64;
    if count < CURVE_FROM || !is_share(alpha) {
        return f64::INFINITY;
    }
    // Howard and Ramdas 2022, the corollary to their theorem 2.
    0.85 * (((count / CURVE_FROM).ln().ln_1p() + 0.8 * (1612.0 / alpha).ln()) / count).sqrt()
}

fn is_share(share: f64) -> bool {
    share > 0.0 && share < 1.0
}

fn ratio(candidate: Interval, stable: Interval) -> Interval {
    Interval {
        low: candidate.low / stable.high,
        estimate: candidate.estimate / stable.estimate,
        high: if stable.low > 0.0 { candidate.high / stable.low } else { f64::INFINITY },
    }
}

/// The quantile, and the bounds of the times with the given ranks, the shortest having rank 1: of the bucket of rank
/// `least` from below, and of the bucket of the first rank above `most` from above.
fn between(times: &Histogram, q: f64, least: u64, most: u64) -> Interval {
    let bucket = |rank: u64| times.first_where(|through| through >= rank).map(|(bucket, _)| bucket);
    let low = if least == 0 { 0.0 } else { bucket(least).map_or(0.0, start) };
    let above = most.saturating_add(1);
    let high = if above > times.count() { None } else { bucket(above) };
    // The last bucket holds all that is longer.
    let high = high.filter(|bucket| usize::from(*bucket) + 1 < Histogram::BUCKETS);
    let estimate = estimate(times, q);
    Interval {
        low: low.min(estimate),
        estimate,
        high: high.map_or(f64::INFINITY, |bucket| start(bucket + 1)),
    }
}

fn start(bucket: u16) -> f64 {
    Histogram::lower_bound(bucket) as f64
}

/// The quantile, as if times were spread evenly within each bucket.
fn estimate(times: &Histogram, q: f64) -> f64 {
    let rank = q * times.count() as f64;
    let (mut before, mut last) = (0.0, 0.0);
    for (bucket, held) in times.iter() {
        let held = held as f64;
        last = start(bucket + 1);
        if before + held >= rank {
            return start(bucket) + (last - start(bucket)) * (rank - before) / held;
        }
        before += held;
    }
    last
}

/// The least and the most requests up to the true quantile, of so many in all, that are to be expected at any moment.
/// Each of the two is wrong at any moment with a probability of `alpha / 2` at most.
///
/// At least a share `q` is no longer than the quantile, and at most a share `q` is shorter; a mixture of likelihood
/// ratios of lower shares, or of higher ones, against `q` is expected to be at most 1 by that.
fn ranks(count: u64, q: f64, alpha: f64) -> (u64, u64) {
    let bar = (2.0 / alpha).ln();
    let is_few = |below: u64| ln_mixture(below, count, q, -1.0) >= bar;
    let is_many = |below: u64| ln_mixture(below, count, q, 1.0) >= bar;
    // Few is true up to somewhere, many from somewhere on.
    let least = if is_few(0) { first(0, count, |below| !is_few(below)) } else { 0 };
    let most = if is_many(count) { first(0, count, is_many).saturating_sub(1) } else { count };
    (least, most)
}

/// The first number within `low` and `high` for which something holds that holds for `high`, and for every number above
/// one for which it holds.
fn first(mut low: u64, mut high: u64, holds: impl Fn(u64) -> bool) -> u64 {
    while low < high {
        let middle = low + (high - low) / 2;
        if holds(middle) { high = middle } else { low = middle + 1 }
    }
    high
}

/// The logarithm of the mean over all tilts of how much likelier `below` of `count` are if the odds of lying below are
/// tilted, upwards or downwards by `sign`, than at a share `q`.
fn ln_mixture(below: u64, count: u64, q: f64, sign: f64) -> f64 {
    let (below, above) = (below as f64, count.saturating_sub(below) as f64);
    let gains = TILTS_OF_ODDS.map(|tilt| {
        let norm = (q * (sign * tilt).exp_m1()).ln_1p();
        below * (sign * tilt - norm) - above * norm
    });
    let highest = gains.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = gains.iter().map(|gain| (gain - highest).exp()).sum();
    highest + (sum / TILTS as f64).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn even(count: u64) -> Histogram {
        let mut times = Histogram::default();
        (0..count).for_each(|i| times.record(1_000 + i * 1_000_000 / count));
        times
    }

    #[test]
    fn bounds_close_in_as_requests_come_in_and_those_of_the_curve_are_wider() {
        let mut last = f64::INFINITY;
        for count in [10, 100, 1_000, 10_000, 100_000] {
            let times = even(count);
            let (one, all) = (quantile(&times, 0.5, 0.05).unwrap(), curve(&times, 0.5, 0.05).unwrap());
            assert!(one.low <= one.estimate && one.estimate <= one.high, "{one:?}");
            assert!(all.low <= one.low && one.high <= all.high, "{one:?} within {all:?}");
            assert!(one.high - one.low <= last);
            last = one.high - one.low;
        }
        assert!(last < 60_000.0, "{last}");
    }

    #[test]
    fn a_high_quantile_of_few_requests_has_no_upper_bound() {
        let few = quantile(&even(100), 0.99, 0.05).unwrap();
        assert_eq!(few.high, f64::INFINITY);
        assert!(quantile(&even(5_000), 0.99, 0.05).unwrap().high.is_finite());
    }

    #[test]
    fn without_requests_or_sense_there_are_no_bounds() {
        let (none, some) = (Histogram::default(), even(10));
        assert_eq!(quantile(&none, 0.5, 0.05), None);
        for (q, alpha) in
            [(0.0, 0.05), (1.0, 0.05), (f64::NAN, 0.05), (0.5, 0.0), (0.5, f64::NAN), (0.5, 1.0)]
        {
            assert_eq!((quantile(&some, q, alpha), curve(&some, q, alpha)), (None, None), "{q} {alpha}");
        }
        assert_eq!(quantile_ratio(&Arms { stable: some, candidate: none }, 0.5, 0.05), None);
    }

    #[test]
    fn huge_counts_are_bounded_closely() {
        let mut times = Histogram::default();
        (1..800).for_each(|bucket| times.add(bucket, 1 << 50));
        let found = quantile(&times, 0.9, 0.01).unwrap();
        assert!(
            found.low <= found.estimate && found.estimate <= found.high && found.high / found.low < 1.1,
            "{found:?}"
        );
    }
}
