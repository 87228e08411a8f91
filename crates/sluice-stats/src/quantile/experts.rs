//! Bets on which version a request belongs to, given how long it took.
//!
//! If both versions take equally long, the time says nothing about the version. Each expert assumes how many times
//! likelier the candidate is at each time (`ratio`, which never falls as times grow) and bets accordingly.

use std::collections::BTreeMap;

use crate::block::{Comparable, Requests};
use crate::histogram::Histogram;
use crate::trials::Arms;

/// Threshold experts: tails around the one asked for, as odds relative to its odds, and how many times as many of the
/// candidate's requests are assumed to be in it.
const TAILS: [f64; 3] = [0.3, 1.0, 2.5];
const TAIL_RATIOS: [f64; 4] = [1.25, 1.8, 3.0, 8.0];
/// No expert assumes that more of the candidate's requests than this are in the tail.
const TAIL_MAX: f64 = 0.97;
/// Shift experts: everything is slower by so many standard deviations of log time, were times log-normal.
const SHIFTS: [f64; 3] = [0.07, 0.14, 0.3];
/// Lehmann experts: the tail's probabilities are raised to the power 1/x.
const LEHMANN: [f64; 2] = [1.15, 1.4];
/// No expert assumes that one version is likelier by more than e^3 at any time.
const LN_RATIO_MAX: f64 = 3.0;

/// How many experts there are.
pub(super) const EXPERTS: usize = TAILS.len() * TAIL_RATIOS.len() + SHIFTS.len() + LEHMANN.len();

/// The experts' prior weights, which add up to 1: 0.6 for thresholds, 0.25 for shifts, 0.15 for Lehmann, equal within.
pub(super) fn priors() -> impl Iterator<Item = f64> + Clone {
    let equal = |share: f64, count: usize| std::iter::repeat_n(share / count as f64, count);
    equal(0.6, TAILS.len() * TAIL_RATIOS.len())
        .chain(equal(0.25, SHIFTS.len()))
        .chain(equal(0.15, LEHMANN.len()))
}

/// What each expert gains by a block, as logarithms, given the times of both versions in the past together.
///
/// With `w` the candidate's share of the block, an expert gains `g_candidate = R / (w R + 1 - w)` by a request of the
/// candidate and `g_stable = 1 / (w R + 1 - w)` by one of stable, `R` being its ratio at that time. As
/// `w g_candidate + (1 - w) g_stable = 1` everywhere, and `g_candidate` never falls as times grow, a candidate that
/// is at every time at least as likely as stable to be done gains at most 1 in expectation: with fixed counts by the
/// inequality of the means. `R` comes from the past alone.
pub(super) fn gains(past: &Histogram, quantile: f64, block: &Arms<Histogram>) -> [f64; EXPERTS] {
    gains_at(&Ranks::new(past), block.share(), quantile, block)
}

fn gains_at(ranks: &Ranks, w: f64, quantile: f64, block: &Arms<Histogram>) -> [f64; EXPERTS] {
    let thresholds = TAILS.iter().flat_map(|tail| {
        let odds = tail * (1.0 - quantile) / quantile;
        let tail = ranks.tail(odds / (1.0 + odds), block);
        TAIL_RATIOS.iter().map(move |ratio| tail.gain(w, *ratio))
    });
    let scores = ranks.scores(block);
    let shifts = SHIFTS
        .iter()
        .map(|shift| gain_by_score(w, &scores, |score| shift * score.normal - shift * shift / 2.0));
    let lehmann = LEHMANN.iter().map(|power| {
        let ln_power = power.ln();
        gain_by_score(w, &scores, move |score| (1.0 / power - 1.0) * score.ln_longer - ln_power)
    });
    let mut gains = [0.0; EXPERTS];
    gains.iter_mut().zip(thresholds.chain(shifts).chain(lehmann)).for_each(|(held, gain)| *held = gain);
    gains
}

/// The buckets of the past with how many requests were in shorter ones.
struct Ranks {
    buckets: Vec<(u16, u64, u64)>,
    total: u64,
}

/// A bucket of the block: where it stands in the past, and the requests of each version in it.
struct Score {
    /// The normal score of its rank.
    normal: f64,
    /// The logarithm of the share of the past that took longer.
    ln_longer: f64,
    counts: Arms<u64>,
}

impl Ranks {
    fn new(past: &Histogram) -> Ranks {
        let mut total = 0_u64;
        let buckets = past.iter().map(|(bucket, count)| {
            let shorter = total;
            total = total.saturating_add(count);
            (bucket, shorter, count)
        });
        Ranks { buckets: buckets.collect(), total }
    }

    /// Requests of the past below the bucket and in it.
    fn at(&self, bucket: u16) -> (u64, u64) {
        let next = self.buckets.partition_point(|(held, _, _)| *held < bucket);
        match self.buckets.get(next) {
            Some((held, shorter, count)) if *held == bucket => (*shorter, *count),
            Some((_, shorter, _)) => (*shorter, 0),
            None => (self.total, 0),
        }
    }

    /// The share of the past that took less than a time in the bucket, counting half of the bucket itself; within
    /// (0, 1).
    fn rank(&self, bucket: u16) -> f64 {
        let (shorter, count) = self.at(bucket);
        (shorter as f64 + 0.5 * count as f64 + 0.5) / (self.total as f64 + 1.0)
    }

    fn scores(&self, block: &Arms<Histogram>) -> Vec<Score> {
        let mut counts = BTreeMap::<u16, Arms<u64>>::new();
        block.stable.iter().for_each(|(bucket, count)| counts.entry(bucket).or_default().stable = count);
        block
            .candidate
            .iter()
            .for_each(|(bucket, count)| counts.entry(bucket).or_default().candidate = count);
        let score = |(bucket, counts)| {
            let rank = self.rank(bucket);
            Score { normal: normal_score(rank), ln_longer: (-rank).ln_1p(), counts }
        };
        counts.into_iter().map(score).collect()
    }

    /// The tail that holds about `share` of the past, at most when it can, and what of the block is in it.
    fn tail(&self, share: f64, block: &Arms<Histogram>) -> Tail {
        let body = (1.0 - share) * self.total as f64;
        let last = self.buckets.iter().find(|(_, shorter, count)| (shorter + count) as f64 >= body);
        let (last, within) =
            last.map_or((u16::MAX, self.total), |(bucket, below, count)| (*bucket, below + count));
        let longer = |held: &Histogram| {
            let above = held.iter().filter(|(bucket, _)| *bucket > last);
            above.fold(0_u64, |sum, (_, count)| sum.saturating_add(count))
        };
        Tail {
            share: (self.total.saturating_sub(within) as f64 + 0.5) / (self.total as f64 + 1.0),
            above: Arms { stable: longer(&block.stable), candidate: longer(&block.candidate) },
            requests: Arms { stable: block.stable.requests(), candidate: block.candidate.requests() },
        }
    }
}

/// Times beyond a threshold.
#[derive(Clone, Copy)]
struct Tail {
    share: f64,
    above: Arms<u64>,
    requests: Arms<u64>,
}

impl Tail {
    /// The gain of the expert for whom `ratio` times as many of the candidate's requests are in the tail as of
    /// stable's, both together being the tail of the past.
    fn gain(&self, w: f64, ratio: f64) -> f64 {
        let s = self.share;
        let candidate = (ratio * s / (1.0 - w + w * ratio)).min(TAIL_MAX);
        let stable = (s - w * candidate) / (1.0 - w);
        // A tail that holds nearly everything leaves no room to bet that the candidate has more in it.
        if candidate <= s || stable <= 0.0 {
            return 0.0;
        }
        let gain = |above: u64, requests: u64, share: f64| {
            let below = requests.saturating_sub(above) as f64;
            above as f64 * (share / s).ln() + below * ((-share).ln_1p() - (-s).ln_1p())
        };
        gain(self.above.candidate, self.requests.candidate, candidate)
            + gain(self.above.stable, self.requests.stable, stable)
    }
}

fn gain_by_score(w: f64, scores: &[Score], ln_ratio: impl Fn(&Score) -> f64) -> f64 {
    let gain = |score: &Score| {
        let ln_ratio = ln_ratio(score).clamp(-LN_RATIO_MAX, LN_RATIO_MAX);
        let Arms { stable, candidate } = score.counts;
        let norm = (w * ln_ratio.exp_m1()).ln_1p();
        candidate as f64 * (ln_ratio - norm) - stable as f64 * norm
    };
    scores.iter().map(gain).sum()
}

/// The standard normal quantile of a rank within (0, 1), to 5e-4 (Abramowitz and Stegun 26.2.23). It must never fall
/// as the rank grows, hence the floor where the two halves meet.
fn normal_score(rank: f64) -> f64 {
    let tail = rank.min(1.0 - rank).max(1e-300);
    let t = (-2.0 * tail.ln()).sqrt();
    let above = 2.515517 + t * (0.802853 + t * 0.010328);
    let below = 1.0 + t * (1.432788 + t * (0.189269 + t * 0.001308));
    (t - above / below).max(0.0).copysign(rank - 0.5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normal_scores_are_right_and_never_fall() {
        for (rank, score) in [(0.5, 0.0), (0.975, 1.959_964), (0.001, -3.090_232), (0.84134, 0.999_98)] {
            assert!((normal_score(rank) - score).abs() < 1e-3, "{rank}");
        }
        let scores: Vec<f64> = (1..100_000).map(|rank| normal_score(f64::from(rank) / 100_000.0)).collect();
        assert!(scores.is_sorted());
    }

    #[test]
    fn priors_add_up_to_one() {
        assert_eq!(priors().count(), EXPERTS);
        assert!((priors().sum::<f64>() - 1.0).abs() < 1e-12);
    }

    #[test]
    fn a_request_of_unknown_version_is_expected_to_gain_nothing_and_a_slow_one_speaks_for_the_candidate() {
        let mut past = Histogram::default();
        (1..2_000).for_each(|micros| past.record(micros * 37));
        for (stable, candidate) in [(1, 1), (19, 1), (1, 9)] {
            let w = candidate as f64 / (stable + candidate) as f64;
            let mut last = [f64::NEG_INFINITY; EXPERTS];
            for bucket in 0..Histogram::BUCKETS as u16 {
                let shares = Arms { stable, candidate };
                let [by_stable, by_candidate] = one_request_each(&past, bucket, shares);
                for expert in 0..EXPERTS {
                    let sum = w * by_candidate[expert].exp() + (1.0 - w) * by_stable[expert].exp();
                    assert!((sum - 1.0).abs() < 1e-9, "expert {expert} at {bucket}: {sum}");
                    assert!(by_candidate[expert] >= last[expert] - 1e-12, "expert {expert} at {bucket}");
                }
                last = by_candidate;
            }
        }
    }

    /// The gains by one more request in the bucket, by version, at the given shares.
    fn one_request_each(past: &Histogram, bucket: u16, shares: Arms<u64>) -> [[f64; EXPERTS]; 2] {
        let w = shares.candidate as f64 / (shares.stable + shares.candidate) as f64;
        let ranks = Ranks::new(past);
        let at = |counts: Arms<u64>| {
            let mut block = Arms::<Histogram>::default();
            block.stable.add(bucket, counts.stable);
            block.candidate.add(bucket, counts.candidate);
            gains_at(&ranks, w, 0.95, &block)
        };
        [at(Arms { stable: 1, candidate: 0 }), at(Arms { stable: 0, candidate: 1 })]
    }
}
