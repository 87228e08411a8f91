//! Bets on which version a request belongs to, given how long it took.
//!
//! If both versions take equally long, the time says nothing about the version. Each expert assumes how many times
//! likelier the candidate is at each time (`ratio`, which never falls as times grow) and bets accordingly.

mod scores;

use self::scores::{LEHMANN, SCORED, SHIFTS, gains_by_score, spreads_by_score};
use super::caution::Spread;
use crate::block::Comparable;
use crate::histogram::Histogram;
use crate::trials::Arms;

/// Threshold experts: tails around the one asked for, as odds relative to its odds, and how many times as many of the
/// candidate's requests are assumed to be in it.
const TAILS: [f64; 3] = [0.3, 1.0, 2.5];
const TAIL_RATIOS: [f64; 4] = [1.25, 1.8, 3.0, 8.0];
/// No expert assumes that more of the candidate's requests than this are in the tail.
const TAIL_MAX: f64 = 0.97;

/// How many experts there are.
pub(super) const EXPERTS: usize = TAILS.len() * TAIL_RATIOS.len() + SCORED;

/// How many ways there are to look at times: all bets on one threshold look at the same, every other at its own.
pub(super) const LOOKS: usize = TAILS.len() + SCORED;

/// Which of these an expert takes.
pub(super) fn look_of(expert: usize) -> usize {
    let thresholds = TAILS.len() * TAIL_RATIOS.len();
    if expert < thresholds { expert / TAIL_RATIOS.len() } else { TAILS.len() + expert - thresholds }
}

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
pub(super) fn gains(past: &Histogram, tails: &Tails, block: &Arms<Histogram>) -> [f64; EXPERTS] {
    gains_at(past, block.share(), tails, block)
}

fn gains_at(past: &Histogram, w: f64, tails: &Tails, block: &Arms<Histogram>) -> [f64; EXPERTS] {
    let thresholds = tails.iter().flat_map(|share| {
        let tail = Tail::new(past, *share, block);
        TAIL_RATIOS.iter().map(move |ratio| tail.gain(w, *ratio))
    });
    let by_score = gains_by_score(past, w, block);
    let mut gains = [0.0; EXPERTS];
    gains.iter_mut().zip(thresholds.chain(by_score)).for_each(|(held, gain)| *held = gain);
    gains
}

/// How the versions differ in a batch of both, for each way to look at times. Scales differ; they cancel.
pub(super) fn spreads(past: &Histogram, tails: &Tails, batch: &Arms<Histogram>) -> [Spread; LOOKS] {
    let mut looks = [Spread::default(); LOOKS];
    for (look, tail) in looks.iter_mut().zip(tails) {
        *look = Tail::new(past, *tail, batch).spread(batch.share());
    }
    looks[TAILS.len()..].copy_from_slice(&spreads_by_score(past, batch.share(), batch));
    looks
}

/// The shares of all requests beyond the thresholds.
pub(super) type Tails = [f64; TAILS.len()];

/// The tails around that beyond a quantile.
pub(super) fn tails_around(quantile: f64) -> Tails {
    TAILS.map(|tail| {
        let odds = tail * (1.0 - quantile) / quantile;
        odds / (1.0 + odds)
    })
}

/// Times beyond a threshold.
#[derive(Clone, Copy)]
pub(super) struct Tail {
    share: f64,
    above: Arms<u64>,
    requests: Arms<u64>,
}

impl Tail {
    /// The tail that holds about `share` of the past, at most when it can, and what of the block is in it.
    fn new(past: &Histogram, share: f64, block: &Arms<Histogram>) -> Tail {
        let total = past.count();
        let body = (1.0 - share) * total as f64;
        let (last, within) = past.first_where(|through| through as f64 >= body).unwrap_or((u16::MAX, total));
        let block = Arms { stable: &block.stable, candidate: &block.candidate };
        Tail::of_counts(total.saturating_sub(within), total, last, block)
    }

    /// The tail beyond a bucket, of which the past holds `beyond` of `past`, and what of the block is in it.
    pub(super) fn of_counts(beyond: u64, past: u64, bucket: u16, block: Arms<&Histogram>) -> Tail {
        Tail {
            share: (beyond as f64 + 0.5) / (past as f64 + 1.0),
            above: Arms { stable: block.stable.beyond(bucket), candidate: block.candidate.beyond(bucket) },
            requests: Arms { stable: block.stable.count(), candidate: block.candidate.count() },
        }
    }

    /// How the versions differ, given the candidate's share `w` of the batch.
    fn spread(&self, w: f64) -> Spread {
        let tail = self.above.stable as f64 + self.above.candidate as f64;
        let all = self.requests.stable as f64 + self.requests.candidate as f64;
        let v = w * (1.0 - w) * tail * (all - tail) / (all - 1.0).max(1.0);
        Spread {
            x: self.above.candidate as f64 - w * tail,
            v,
            size: 1.0,
            tail,
            due: w * tail,
            ..Spread::default()
        }
    }

    /// The gain of the expert for whom `ratio` times as many of the candidate's requests are in the tail as of
    /// stable's, both together being the tail of the past.
    pub(super) fn gain(&self, w: f64, ratio: f64) -> f64 {
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

#[cfg(test)]
mod tests {
    use super::*;

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
        let at = |counts: Arms<u64>| {
            let mut block = Arms::<Histogram>::default();
            block.stable.add(bucket, counts.stable);
            block.candidate.add(bucket, counts.candidate);
            gains_at(past, w, &tails_around(0.95), &block)
        };
        [at(Arms { stable: 1, candidate: 0 }), at(Arms { stable: 0, candidate: 1 })]
    }
}
