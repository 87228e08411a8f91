//! Do visitors reach the candidate in the proportion that was asked for? Valid however often one looks.
//!
//! The claim that is tested is "each visitor was given to the candidate with the probability that was asked for at the
//! time". Evidence against it is what a set of bets has gained, each on another factor by which the odds of meeting
//! the candidate are wrong, upwards or downwards. The share may change from batch to batch: a bet is on the odds, and
//! every batch is weighed by its own share. When the claim is found to be broken, the assignment is broken, and what
//! other tests say of the two versions is not to be believed.
//!
//! Assumed: visitors are given to versions independently of each other. Count visitors, not their requests: requests
//! of one visitor go to one version together.
//!
//! Sources: Lindon and Malek, "Anytime-valid inference for multinomial count data", NeurIPS 2022, with a grid of odds
//! instead of a Dirichlet prior, so that shares may change; Ville's inequality for the stopping.

mod odds;

use serde::{Deserialize, Serialize};

use self::odds::{Curve, EXPERTS, PRIORS, ln_gain, shifts};
use crate::evidence::{Evidence, Peak, suffices};
use crate::interval::Interval;
use crate::trials::Arms;
use crate::window::Merge;

/// A sequential test of whether visitors reach the candidate in the proportion that was asked for.
///
/// Constant in size: five numbers for each of 64 bets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AllocationTest {
    totals: Arms<u64>,
    /// How many of the visitors the candidate should have.
    expected: f64,
    curve: Curve,
    evidence: Evidence,
    peak: Peak,
}

impl Default for AllocationTest {
    fn default() -> AllocationTest {
        AllocationTest::new()
    }
}

impl AllocationTest {
    /// A test without data.
    pub fn new() -> AllocationTest {
        AllocationTest {
            totals: Arms::default(),
            expected: 0.0,
            curve: Curve::new(),
            evidence: Evidence::new(EXPERTS),
            peak: Peak::default(),
        }
    }

    /// Takes in how many visitors each version had while the candidate's share was to be `weight`. Batches must be
    /// final and in order; what came in while the share changed belongs to no batch.
    ///
    /// A weight of 0 or 1, one beyond, or one that is no number leaves nothing to chance and tells nothing of it, so
    /// such a batch changes nothing; nor does one without visitors.
    pub fn update(&mut self, weight: f64, visitors: Arms<u64>) {
        let has_visitors = visitors.stable > 0 || visitors.candidate > 0;
        if !(weight > 0.0 && weight < 1.0 && has_visitors) {
            return;
        }
        self.totals.merge(&visitors);
        self.expected += weight * (visitors.stable as f64 + visitors.candidate as f64);
        self.curve.add(weight, visitors);
        self.evidence.multiply(shifts().map(|shift| ln_gain(shift, weight, visitors)));
        self.peak.reach(self.log_e());
    }

    /// To be called when the weight changes: lets a part of the evidence count from here on, so that an assignment
    /// that breaks at a later step is found as soon as one that was never right.
    pub fn restart(&mut self) {
        self.evidence.restart();
    }

    /// The natural logarithm of the evidence: ln(1/alpha) is ever reached while visitors are assigned as asked for
    /// with probability alpha at most, for every alpha at once.
    pub fn log_e(&self) -> f64 {
        self.evidence.ln(PRIORS.iter().copied())
    }

    /// Whether the assignment is broken, as things stand, with a probability of being wrong of at most `alpha` over
    /// the whole life of the test. May become false again when more data speak against it.
    pub fn is_broken(&self, alpha: f64) -> bool {
        suffices(self.log_e(), alpha)
    }

    /// The smallest alpha at which [`AllocationTest::is_broken`] has been true at any moment; 1 at first. Never grows.
    pub fn p_value(&self) -> f64 {
        self.peak.p_value()
    }

    /// How many visitors were taken in.
    pub fn totals(&self) -> Arms<u64> {
        self.totals
    }

    /// How many of the visitors the candidate should have had.
    pub fn expected(&self) -> f64 {
        self.expected
    }

    /// By which factor the odds of meeting the candidate differ from what was asked for, 1 being right, with an
    /// interval that holds the truth at every moment of the test with probability `1 - alpha` at least, if the factor
    /// is always the same. `None` without visitors or when `alpha` is not within (0, 1).
    pub fn odds(&self, alpha: f64) -> Option<Interval> {
        if self.totals == Arms::default() || !(alpha > 0.0 && alpha < 1.0) {
            return None;
        }
        let [low, estimate, high] = self.curve.interval(alpha).map(f64::exp);
        Some(Interval { low, estimate, high })
    }

    /// The share of visitors that the candidate gets when `weight` is asked for: [`AllocationTest::odds`] as a share.
    pub fn share(&self, alpha: f64, weight: f64) -> Option<Interval> {
        let odds = self.odds(alpha).filter(|_| weight > 0.0 && weight < 1.0)?;
        // In a form that is right for a factor without bound, too.
        let share = |factor: f64| weight / (weight + (1.0 - weight) / factor);
        Some(Interval { low: share(odds.low), estimate: share(odds.estimate), high: share(odds.high) })
    }
}
