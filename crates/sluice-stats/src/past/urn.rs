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
    /// By how much scores may have grown from block to block before the step, at most; at least 0.
    growth: f64,
    /// For each bet, the sum of what it would gain by each place, before that is made 1 on average.
    sums: [f64; POWERS.len()],
    evidence: Evidence,
}

impl Urn {
    /// With the scores of blocks before the step, in the order of time.
    pub(super) fn new(scores: impl Iterator<Item = f64>) -> Urn {
        let mut before: Vec<f64> = scores.filter(|score| score.is_finite()).collect();
        before.drain(..before.len().saturating_sub(BLOCKS_MAX));
        let resemblance = resemblance(&before);
        let growth = growth(&before, resemblance);
        before.sort_by(f64::total_cmp);
        let sums = POWERS.map(|power| (1..=before.len()).map(|place| gain(power, place)).sum());
        Urn { before, since: Vec::new(), resemblance, growth, sums, evidence: Evidence::new(POWERS.len()) }
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
        if self.since.len() < BLOCKS_MAX {
            self.sums.iter_mut().zip(POWERS).for_each(|(sum, power)| *sum += gain(power, all));
        }
        let gains: [f64; POWERS.len()] = std::array::from_fn(|bet| {
            let gained = gain(POWERS[bet], higher + 1) / self.sums[bet] * all as f64;
            gained.ln() / self.resemblance
        });
        self.evidence.multiply(gains.into_iter());
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

    /// By how much scores may have grown from block to block before the step, at most; at least 0.
    pub(super) fn growth(&self) -> f64 {
        self.growth
    }

    /// How many blocks before the step the middle of all that are known is.
    pub(super) fn middle(&self) -> f64 {
        self.before.len() as f64 / 2.0
    }

    pub(super) fn median(&self) -> Option<f64> {
        self.before.get(self.before.len().checked_sub(1)? / 2).copied()
    }
}

/// What a bet gains by the `place`-th highest, up to a factor.
fn gain(power: f64, place: usize) -> f64 {
    (place as f64).powf(power - 1.0)
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

/// By how much scores may have grown from block to block, at most: from the median of the first third to that of the
/// last, and one standard error more. At least 0.
fn growth(scores: &[f64], resemblance: f64) -> f64 {
    let third = scores.len() / 3;
    if third == 0 {
        return 0.0;
    }
    let (first, last) = (median(&scores[..third]), median(&scores[scores.len() - third..]));
    let spread = |scores: &[f64], middle: f64| {
        median(&scores.iter().map(|score| (score - middle).abs()).collect::<Vec<_>>())
    };
    // 1.48 times that median is the standard deviation of normal scores; medians are 1.25 times as uncertain as means.
    let deviation = 1.48 * spread(&scores[..third], first).max(spread(&scores[scores.len() - third..], last));
    let error = 1.25 * deviation * (2.0 * resemblance / third as f64).sqrt();
    ((last - first + error) / (scores.len() - third) as f64).max(0.0)
}

fn median(scores: &[f64]) -> f64 {
    let mut sorted = scores.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(0.0)
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
        for blocks in [20, 21, 400, 1_500] {
            let mut urn =
                Urn::new((0..blocks.min(BLOCKS_MAX)).map(|i| f64::from((i * 7_919 % 1_009) as u32)));
            for _ in BLOCKS_MAX..blocks {
                urn.draw(-1.0);
            }
            urn.resemblance = 1.0;
            let (held, all) = (urn.before.len() + urn.since.len(), urn.before.len() + urn.since.len() + 1);
            let mut scores: Vec<f64> = urn.before.iter().chain(&urn.since).copied().collect();
            scores.sort_by(f64::total_cmp);
            // Above the i highest, in turn.
            let places = (0..=held).map(|i| if i == held { -2.0 } else { scores[held - 1 - i] + 0.5 });
            let gains = places.map(|score| {
                let mut next = urn.clone();
                next.draw(score);
                (next.log_e() - urn.log_e()).exp()
            });
            let mean = gains.sum::<f64>() / all as f64;
            assert!(mean <= 1.0 + 1e-9, "{mean} with {blocks}");
            assert!(blocks > BLOCKS_MAX || mean > 0.99, "{mean} with {blocks}");
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
