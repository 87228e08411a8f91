//! Is a service worse now than it used to be? Valid however often one looks.
//!
//! For a service that is not being released itself and so has no second version to be compared with: its dependency is,
//! and may hurt it. Time is cut into blocks of equal length, say ten seconds; each has a score, such as its rate of
//! failure. The claim that is tested is "the scores since the step, reduced by what is tolerated, are exchangeable with
//! those before it": as if drawn from one urn. Whatever makes blocks differ from one another by nature is in the urn, and
//! no model of it is needed. Evidence against the claim is what bets on high ranks have gained, each block being ranked
//! among all before it.
//!
//! Scores of neighbouring blocks that resemble each other are not drawn from an urn. How much they do is measured on the
//! blocks before the step, and gains are raised to a power below 1 accordingly. Waves of the day are accounted for by a
//! second set of earlier blocks, from the same time of earlier days: where there is one, the service must be worse than
//! both. Where there is none, scores that were growing before the step may go
//! on to grow as fast.
//!
//! Sources: Vovk, Gammerman, Shafer, "Algorithmic Learning in a Random World", 2nd ed. 2022, part III: conformal test
//! martingales, their power bets and mixtures; ties and the power below 1 are treated with caution here.

mod urn;

use serde::{Deserialize, Serialize};

use self::urn::Urn;
use crate::evidence::{Peak, suffices};
use crate::histogram::Histogram;
use crate::mean::Worse;
use crate::ratio::Margin;
use crate::trials::Trials;

pub use self::urn::BLOCKS_MIN;

/// Scores further from 0 than this are taken for this, so that their differences and ratios are numbers, too.
const SCORE_MAX: f64 = 1e100;

/// A sequential test of whether scores have become worse than those of earlier blocks.
///
/// Feed it the score of each block since the step, in order. Constant in size: what it was made with, the scores of at
/// most 1 000 blocks since, and two numbers for each of six bets; twice that with two sets of earlier blocks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PastTest {
    tolerance: Margin,
    worse: Worse,
    recent: Urn,
    same_time: Urn,
    blocks: u64,
    peak: Peak,
}

impl PastTest {
    /// A test against the blocks just before the step (`recent`, the last 30 to 60 minutes) and those of the same time
    /// of earlier days (`same_time`, which may be empty), each in the order of time. Scores that are no finite numbers
    /// are left out; of more than 1 000 in a set the last are used.
    ///
    /// A score that is worse by up to `tolerance` is fine: by a share of itself, or by a difference. A tolerance is at
    /// least 0 and, if relative and where lower is worse, below 1; one that is no number is 0.
    pub fn new(tolerance: Margin, worse: Worse, recent: &[f64], same_time: &[f64]) -> PastTest {
        let tolerance = match tolerance {
            Margin::Relative(margin) => {
                let most = if worse == Worse::Lower { 0.999 } else { 1e6 };
                Margin::Relative(if margin.is_nan() { 0.0 } else { margin.clamp(0.0, most) })
            }
            Margin::Absolute(margin) => {
                Margin::Absolute(if margin.is_finite() { margin.clamp(0.0, SCORE_MAX) } else { 0.0 })
            }
        };
        let upward = |scores: &[f64]| {
            let upward = |score: &f64| if worse == Worse::Lower { -score } else { *score };
            Urn::new(scores.iter().map(|score| upward(score).clamp(-SCORE_MAX, SCORE_MAX)))
        };
        PastTest {
            tolerance,
            worse,
            recent: upward(recent),
            same_time: upward(same_time),
            blocks: 0,
            peak: Peak::default(),
        }
    }

    /// Takes in the score of the next block. One that is no finite number, as of a block without requests, is left out.
    pub fn update(&mut self, score: f64) {
        if !score.is_finite() {
            return;
        }
        let score = score.clamp(-SCORE_MAX, SCORE_MAX);
        let score = match (self.tolerance, self.worse) {
            (Margin::Relative(margin), Worse::Higher) => score / if score > 0.0 { 1.0 + margin } else { 1.0 },
            (Margin::Relative(margin), Worse::Lower) => -score / if score > 0.0 { 1.0 - margin } else { 1.0 },
            (Margin::Absolute(margin), Worse::Higher) => score - margin,
            (Margin::Absolute(margin), Worse::Lower) => -score - margin,
        };
        self.blocks = self.blocks.saturating_add(1);
        // From the middle of the blocks before the step to this one.
        let apart = self.blocks as f64 + self.recent.middle();
        self.recent.draw(score - self.recent.growth() * apart);
        self.same_time.draw(score);
        self.peak.reach(self.log_e());
    }

    /// To be called when the weight of the release changes: a part of the evidence counts from here on.
    pub fn restart(&mut self) {
        self.recent.restart();
        self.same_time.restart();
    }

    /// The natural logarithm of the evidence: ln(1/alpha) is ever reached with probability alpha at most while nothing has
    /// become worse. The smaller of the two, where there are blocks of the same time of day; 0 as long as there is too
    /// little to compare with.
    pub fn log_e(&self) -> f64 {
        match (self.recent.missing(), self.same_time.missing()) {
            (0, 0) => self.recent.log_e().min(self.same_time.log_e()),
            (0, _) => self.recent.log_e(),
            _ => 0.0,
        }
    }

    /// Whether scores are worse than tolerated, as things stand, with a probability of being wrong of at most `alpha`
    /// over the whole life of the test.
    pub fn is_worse(&self, alpha: f64) -> bool {
        suffices(self.log_e(), alpha)
    }

    /// The smallest alpha at which [`PastTest::is_worse`] has been true at any moment; 1 at first. Never grows.
    pub fn p_value(&self) -> f64 {
        self.peak.p_value()
    }

    /// How many more blocks before the step it would take to compare with: 20 are needed, and more find a fault sooner.
    /// As long as this is not 0, the test says nothing.
    pub fn missing(&self) -> usize {
        self.recent.missing()
    }

    /// Whether the time of day is accounted for: there are 20 blocks of the same time of earlier days, too.
    pub fn knows_time_of_day(&self) -> bool {
        self.same_time.missing() == 0
    }

    /// How many blocks since the step were taken in.
    pub fn blocks(&self) -> u64 {
        self.blocks
    }

    /// The score that half of the recent blocks before the step did not exceed. `None` without any.
    pub fn usual(&self) -> Option<f64> {
        let median = self.recent.median()?;
        Some(if self.worse == Worse::Lower { -median } else { median })
    }
}

/// The score of a block by its failures: the share that failed. `None` without requests.
pub fn score_of_trials(trials: Trials) -> Option<f64> {
    trials.rate()
}

/// The score of a block by events: how many for each unit of exposure. `None` without exposure.
pub fn score_of_events(events: u64, exposure: f64) -> Option<f64> {
    (exposure > 0.0 && exposure.is_finite()).then(|| events as f64 / exposure)
}

/// The score of a block by its times: a quantile in microseconds. `None` without requests.
pub fn score_of_times(times: &Histogram, quantile: f64) -> Option<f64> {
    times.quantile(quantile).map(|micros| micros as f64)
}
