//! Scores that were drawn before, and bets on how the next one ranks among them.

use serde::{Deserialize, Serialize};

use crate::evidence::Evidence;

/// How many blocks before the step are needed.
pub const BLOCKS_MIN: usize = 20;
/// How many blocks before the step are kept, and how many since.
const BLOCKS_MAX: usize = 1_000;
/// Bets on high ranks: with `p` the share of blocks that scored at least as high, a bet gains in proportion to
/// `p^(power - 1)`.
const POWERS: [f64; 6] = [0.05, 0.1, 0.2, 0.35, 0.5, 0.75];
/// Up to how many blocks apart scores may resemble each other, at most a quarter of what there is.
const LAGS_MAX: usize = 30;

/// Scores of blocks, of which higher ones are worse.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Urn {
    /// Of the blocks before the step, sorted.
    before: Vec<f64>,
    /// Of the blocks since, in the order of time.
    since: Vec<f64>,
    /// How many times as much sums of scores vary as if blocks were independent.
    resemblance: f64,
    evidence: Evidence,
}

impl Urn {
    /// With the scores of blocks before the step, in the order of time.
    pub(super) fn new(scores: impl Iterator<Item = f64>) -> Urn {
        let mut before: Vec<f64> = scores.filter(|score| score.is_finite()).collect();
        before.drain(..before.len().saturating_sub(BLOCKS_MAX));
        let resemblance = resemblance(&before);
        before.sort_by(f64::total_cmp);
        Urn { before, since: Vec::new(), resemblance, evidence: Evidence::new(POWERS.len()) }
    }

    /// How many more blocks before the step are needed.
    pub(super) fn missing(&self) -> usize {
        BLOCKS_MIN.saturating_sub(self.before.len())
    }

    /// Settles the bets on the next block and puts it to the others. If all blocks are exchangeable, its rank is any with
    /// the same probability, whatever the ranks before it were, so that all gains are expected to be 1 at most.
    pub(super) fn draw(&mut self, score: f64) {
        if self.missing() > 0 {
            return;
        }
        // Ties count as higher: no luck is needed, and the rank is never better than it should be.
        let higher = self.before.len() - self.before.partition_point(|held| *held < score)
            + self.since.iter().filter(|held| **held >= score).count();
        let all = self.before.len() + self.since.len() + 1;
        let gains = POWERS.map(|power| ln_gain(power, higher + 1, all) / self.resemblance);
        self.evidence.since_start(gains.into_iter());
        if self.evidence.was_restarted() {
            self.evidence.since_restart(gains.into_iter());
        }
        if self.since.len() == BLOCKS_MAX {
            self.since.remove(0);
        }
        self.since.push(score);
    }

    pub(super) fn restart(&mut self) {
        self.evidence.restart();
    }

    pub(super) fn log_e(&self) -> f64 {
        self.evidence.ln(POWERS.iter().map(|_| 1.0 / POWERS.len() as f64))
    }

    pub(super) fn median(&self) -> Option<f64> {
        self.before.get(self.before.len().checked_sub(1)? / 2).copied()
    }
}

/// The logarithm of what a bet gains by the `place`-th highest of `all`, such that the mean over all places is 1.
fn ln_gain(power: f64, place: usize, all: usize) -> f64 {
    let mean = (1..=all).map(|place| (place as f64).powf(power - 1.0)).sum::<f64>() / all as f64;
    (power - 1.0) * (place as f64).ln() - mean.ln()
}

/// How many times as much sums of neighbouring scores vary as if blocks were independent: 1 plus twice the correlations
/// of ranks at growing distances, until they are lost in chance. Ranks, so that one outlier does not hide the rest.
fn resemblance(scores: &[f64]) -> f64 {
    let ranks = ranks(scores);
    let count = ranks.len() as f64;
    let mean = (count - 1.0) / 2.0;
    let variance: f64 = ranks.iter().map(|rank| (rank - mean).powi(2)).sum();
    if variance <= 0.0 {
        return 1.0;
    }
    let mut sum = 0.0;
    for lag in 1..=(ranks.len() / 4).min(LAGS_MAX) {
        let together: f64 = ranks.iter().zip(&ranks[lag..]).map(|(a, b)| (a - mean) * (b - mean)).sum();
        let correlation = together / variance;
        // Less than what independent blocks show two times in a hundred.
        if correlation < 2.0 / count.sqrt() {
            break;
        }
        sum += correlation;
    }
    1.0 + 2.0 * sum
}

/// The rank of each score, equal ones having the mean of their ranks.
fn ranks(scores: &[f64]) -> Vec<f64> {
    let mut sorted = scores.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = |score: &f64| {
        let below = sorted.partition_point(|held| held < score);
        let through = sorted.partition_point(|held| held <= score);
        (below + through).saturating_sub(1) as f64 / 2.0
    };
    scores.iter().map(rank).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gains_of_all_places_have_a_mean_of_one() {
        for all in [1, 2, 21, 400] {
            for power in POWERS {
                let mean = (1..=all).map(|place| ln_gain(power, place, all).exp()).sum::<f64>() / all as f64;
                assert!((mean - 1.0).abs() < 1e-9, "{power} {all}");
            }
        }
    }

    #[test]
    fn neighbours_that_are_alike_resemble_each_other_and_random_ones_do_not() {
        let mut state = 1_u64;
        let mut random = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as f64
        };
        let alone: Vec<f64> = (0..300).map(|_| random()).collect();
        let alike: Vec<f64> = alone.iter().flat_map(|score| [*score; 5]).collect();
        assert!(resemblance(&alone) < 1.5, "{}", resemblance(&alone));
        assert!(resemblance(&alike) > 4.0, "{}", resemblance(&alike));
        assert_eq!(resemblance(&[1.0; 50]), 1.0);
    }
}
