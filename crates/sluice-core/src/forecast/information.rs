//! How much a request tells about a version, on average, and how much that varies.
//!
//! By Wald's identity a test that stops at a level of evidence takes, on average, at least the level over what each
//! request tells: the divergence of the truth from the nearest pair of rates that would be fine. The tests of
//! `sluice-stats` take about 1.3 times as many.

use super::chance::{normal_below, normal_quantile};
use crate::stats::Margin;

/// What one request tells, as a logarithm: on average, and its variance.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Information {
    pub(super) mean: f64,
    pub(super) variance: f64,
}

/// How near to 0 and 1 rates may be.
const ROOM: f64 = 1e-9;

/// Of each version's share of failures.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Rates {
    pub(super) stable: f64,
    pub(super) candidate: f64,
}

/// The highest rate of a candidate that is fine.
pub(super) fn limit(margin: Margin, stable: f64) -> f64 {
    match margin {
        Margin::Relative(margin) => (1.0 + margin) * stable,
        Margin::Absolute(margin) => stable + margin,
    }
}

/// What a request tells against the claim that the candidate keeps the margin, when a share `w` of requests is the
/// candidate's. Nothing when it does keep it.
pub(super) fn of_worse(margin: Margin, w: f64, rates: Rates) -> Information {
    let rates = held(rates);
    if rates.candidate <= limit(margin, rates.stable) || limit(margin, rates.stable) >= 1.0 {
        return Information::default();
    }
    nearest_on_edge(margin, w, rates)
}

/// What a request tells against the claim that the candidate does not keep the margin. Nothing when it does not, or
/// when no candidate could be so bad.
pub(super) fn of_kept(margin: Margin, w: f64, rates: Rates) -> Information {
    let rates = held(rates);
    if rates.candidate >= limit(margin, rates.stable) || limit(margin, ROOM) >= 1.0 {
        return Information::default();
    }
    nearest_on_edge(margin, w, rates)
}

fn held(rates: Rates) -> Rates {
    let hold = |rate: f64| rate.clamp(ROOM, 1.0 - ROOM);
    Rates { stable: hold(rates.stable), candidate: hold(rates.candidate) }
}

/// The divergence from the nearest pair of rates on the margin's edge, found by ternary search: it is convex there.
fn nearest_on_edge(margin: Margin, w: f64, rates: Rates) -> Information {
    let highest = match margin {
        Margin::Relative(margin) => (1.0 - ROOM) / (1.0 + margin),
        Margin::Absolute(margin) => 1.0 - ROOM - margin,
    };
    let at = |ln_stable: f64| divergence(w, rates, edge(margin, ln_stable.exp()));
    let (mut low, mut high) = (ROOM.ln(), highest.max(ROOM).ln());
    for _ in 0..80 {
        let third = (high - low) / 3.0;
        let (one, other) = (low + third, high - third);
        if at(one).mean < at(other).mean { high = other } else { low = one }
    }
    at(0.5 * (low + high))
}

fn edge(margin: Margin, stable: f64) -> Rates {
    held(Rates { stable, candidate: limit(margin, stable) })
}

fn divergence(w: f64, truth: Rates, other: Rates) -> Information {
    let of = |share: f64, truth: f64, other: f64| {
        let (failed, fine) = ((truth / other).ln(), ((1.0 - truth) / (1.0 - other)).ln());
        let mean = truth * failed + (1.0 - truth) * fine;
        let square = truth * failed * failed + (1.0 - truth) * fine * fine;
        (share * mean, share * square)
    };
    let (candidate, candidate_square) = of(w, truth.candidate, other.candidate);
    let (stable, stable_square) = of(1.0 - w, truth.stable, other.stable);
    let mean = candidate + stable;
    Information { mean, variance: (candidate_square + stable_square - mean * mean).max(0.0) }
}

/// What the test of times bets on: tails, by their odds beside those of the quantile asked for, of which the candidate
/// has so many times as many requests, and shifts of normal scores.
const TAILS: [f64; 3] = [0.3, 1.0, 2.5];
const TAIL_RATIOS: [f64; 4] = [1.25, 1.8, 3.0, 8.0];
const TAIL_MAX: f64 = 0.97;
const SHIFTS: [f64; 3] = [0.07, 0.14, 0.3];
/// No bet takes a time to be likelier for one version than this, as a logarithm.
const BET_MAX: f64 = 3.0;

/// What a request tells by a bet on a tail, of which `truth` is what each version has in it.
fn of_tail(w: f64, ratio: f64, truth: Rates) -> Information {
    let all = w * truth.candidate + (1.0 - w) * truth.stable;
    let candidate = (ratio * all / (1.0 - w + w * ratio)).min(TAIL_MAX);
    let stable = (all - w * candidate) / (1.0 - w);
    if candidate <= all || stable <= 0.0 {
        return Information::default();
    }
    let gain = |share: f64| ((share / all).ln(), ((1.0 - share) / (1.0 - all)).ln());
    let (mut mean, mut square) = (0.0, 0.0);
    for (part, truth, on) in [(w, truth.candidate, candidate), (1.0 - w, truth.stable, stable)] {
        let (above, below) = gain(on);
        mean += part * (truth * above + (1.0 - truth) * below);
        square += part * (truth * above * above + (1.0 - truth) * below * below);
    }
    Information { mean, variance: (square - mean * mean).max(0.0) }
}

/// How long stable's requests take, as three quantiles in milliseconds. Between and beyond them, logarithms of times
/// grow evenly with normal scores: as they do for times that are log-normal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Times {
    knots: [(f64, f64); 3],
}

impl Times {
    pub(super) fn new(p50: f64, p95: f64, p99: f64) -> Times {
        /// Times never grow less than this with the score, so that each has one score.
        const GROWTH_MIN: f64 = 0.02;
        let mut last = p50.max(1e-3).ln();
        let mut knots = [(0.0, last); 3];
        for (index, (share, millis)) in [(0.95, p95), (0.99, p99)].into_iter().enumerate() {
            let z = normal_quantile(share);
            let least = last + GROWTH_MIN * (z - knots[index].0);
            last = millis.max(1e-3).ln().max(least);
            knots[index + 1] = (z, last);
        }
        Times { knots }
    }

    /// The normal score of a time, given by its logarithm.
    fn score(&self, ln_time: f64) -> f64 {
        let [(z0, t0), (z1, t1), (z2, t2)] = self.knots;
        match ln_time < t1 {
            true => z0 + (ln_time - t0) * (z1 - z0) / (t1 - t0),
            false => z1 + (ln_time - t1) * (z2 - z1) / (t2 - t1),
        }
    }

    /// The logarithm of the time with this normal score.
    fn ln_time(&self, score: f64) -> f64 {
        let [(z0, t0), (z1, t1), (z2, t2)] = self.knots;
        match score < z1 {
            true => t0 + (score - z0) * (t1 - t0) / (z1 - z0),
            false => t1 + (score - z1) * (t2 - t1) / (z2 - z1),
        }
    }

    /// The time in milliseconds that a share of requests does not exceed.
    pub(super) fn quantile(&self, share: f64) -> f64 {
        self.ln_time(normal_quantile(share)).exp()
    }

    /// The share of requests that take longer than stable's quantile, when times are `factor` times stable's.
    fn beyond(&self, quantile: f64, factor: f64) -> f64 {
        let ln_time = self.ln_time(normal_quantile(quantile));
        1.0 - normal_below(self.score(ln_time - factor.ln()))
    }

    /// What a request tells when the candidate's times are `factor` times stable's: of all bets that the test makes,
    /// by the one that gains the most.
    pub(super) fn of_slower(&self, w: f64, quantile: f64, factor: f64) -> Information {
        if factor <= 1.0 {
            return Information::default();
        }
        let odds = (1.0 - quantile) / quantile;
        let by_tail = TAILS.iter().flat_map(|tail| {
            let odds = tail * odds;
            let stable = odds / (1.0 + odds);
            let candidate = self.beyond(1.0 - stable, factor);
            TAIL_RATIOS.iter().map(move |ratio| of_tail(w, *ratio, Rates { stable, candidate }))
        });
        let by_shift = SHIFTS.iter().map(|shift| self.of_shift(w, *shift, factor));
        by_tail.chain(by_shift).fold(Information::default(), |best, one| match one.mean > best.mean {
            true => one,
            false => best,
        })
    }

    /// By a bet that all scores are shifted, with times sorted into bins.
    fn of_shift(&self, w: f64, shift: f64, factor: f64) -> Information {
        const BIN: f64 = 0.25;
        let (mut mean, mut square) = (0.0, 0.0);
        let mut before = (0.0, 0.0);
        for bin in 0..=24 {
            let bound = -3.0 + BIN * f64::from(bin);
            let through = match bin {
                24 => (1.0, 1.0),
                _ => (normal_below(bound), normal_below(self.score(self.ln_time(bound) - factor.ln()))),
            };
            let own = (through.0 - before.0, through.1 - before.1);
            before = through;
            let score = bound - 0.5 * BIN;
            let ratio = (shift * score - 0.5 * shift * shift).clamp(-BET_MAX, BET_MAX).exp();
            let both = w * ratio + 1.0 - w;
            for (part, gain) in [(w * own.1, (ratio / both).ln()), ((1.0 - w) * own.0, -both.ln())] {
                mean += part * gain;
                square += part * gain * gain;
            }
        }
        Information { mean, variance: (square - mean * mean).max(0.0) }
    }

    /// What a request tells against the claim that the candidate's quantile is beyond the margin, when it is as fast
    /// as stable.
    pub(super) fn of_kept(&self, w: f64, quantile: f64, margin: f64) -> Information {
        let rates = Rates { stable: 1.0 - quantile, candidate: self.beyond(quantile, 1.0 / (1.0 + margin)) };
        of_kept(Margin::Relative(0.0), w, rates)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Wald's bound at 5 %, as published with the methods.
    #[test]
    fn requests_tell_as_much_as_walds_bound_has_it() {
        for (w, stable, candidate, needed) in [
            (0.05, 0.001, 0.01, 4_875.0),
            (0.05, 0.01, 0.02, 16_347.0),
            (0.1, 0.01, 0.02, 8_748.0),
            (0.5, 0.05, 0.07, 3_364.0),
        ] {
            let information = of_worse(Margin::Relative(0.0), w, Rates { stable, candidate });
            let requests = 20.0_f64.ln() / information.mean;
            assert!((requests / needed - 1.0).abs() < 0.01, "{w} {stable} {candidate}: {requests}");
        }
        for (w, rate, margin, needed) in [(0.05, 0.01, 0.5, 66_919.0), (0.5, 0.05, 0.5, 2_791.0)] {
            let rates = Rates { stable: rate, candidate: rate };
            let requests = 20.0_f64.ln() / of_kept(Margin::Relative(margin), w, rates).mean;
            assert!((requests / needed - 1.0).abs() < 0.01, "{w} {rate} {margin}: {requests}");
        }
    }

    #[test]
    fn a_candidate_within_the_margin_tells_nothing_against_it() {
        let rates = Rates { stable: 0.01, candidate: 0.014 };
        assert_eq!(of_worse(Margin::Absolute(0.005), 0.1, rates).mean, 0.0);
        assert_eq!(of_worse(Margin::Absolute(0.995), 0.1, Rates { candidate: 1.0, ..rates }).mean, 0.0);
        assert!(of_kept(Margin::Absolute(0.005), 0.1, rates).mean > 0.0);
        assert_eq!(of_kept(Margin::Absolute(0.004), 0.1, rates).mean, 0.0);
    }

    #[test]
    fn times_go_through_their_quantiles_and_slower_ones_tell_more() {
        let times = Times::new(100.0, 268.0, 404.0);
        for (share, millis) in [(0.5, 100.0), (0.95, 268.0), (0.99, 404.0)] {
            assert!((times.quantile(share) / millis - 1.0).abs() < 1e-6, "{share}");
        }
        let of_slower = |factor| times.of_slower(0.05, 0.95, factor).mean;
        // Published with the methods: all 10 % slower, log-normal with sigma 0.6, at 5 %: 5 002 requests at the least.
        let requests = 20.0_f64.ln() / of_slower(1.1);
        assert!(requests > 4_900.0 && requests < 6_000.0, "{requests}");
        assert!(of_slower(3.0) > of_slower(1.5) && of_slower(1.5) > of_slower(1.1));
        assert_eq!(of_slower(1.0), 0.0);
        // Equal quantiles are no division by nothing.
        assert!(Times::new(5.0, 5.0, 5.0).of_slower(0.05, 0.95, 1.5).mean > 0.0);
    }
}
