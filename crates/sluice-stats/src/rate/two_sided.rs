//! Whether events come at another rate with the candidate, in either direction.

use serde::{Deserialize, Serialize};

use super::{Events, RateTest};
use crate::trials::Arms;

/// A sequential test of whether one version's events per exposure are more than (1 + m) times the other's: two tests,
/// one for each direction, each with half of alpha.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TwoSided {
    more: RateTest,
    fewer: RateTest,
}

impl TwoSided {
    /// A test without data; the margin is read as [`RateTest::new`] reads it.
    pub fn new(relative_margin: f64) -> TwoSided {
        TwoSided { more: RateTest::new(relative_margin), fewer: RateTest::new(relative_margin) }
    }

    /// See [`RateTest::update`].
    pub fn update(&mut self, stable: Events, candidate: Events) {
        self.more.update(stable, candidate);
        self.fewer.update(candidate, stable);
    }

    /// See [`RateTest::restart`].
    pub fn restart(&mut self) {
        self.more.restart();
        self.fewer.restart();
    }

    /// The natural logarithm of the evidence that the rates differ: half of the greater evidence of the two.
    pub fn log_e(&self) -> f64 {
        self.more.log_e().max(self.fewer.log_e()) - 2_f64.ln()
    }

    /// Whether the rates differ by more than the margin, with a probability of being wrong of at most `alpha`.
    pub fn is_different(&self, alpha: f64) -> bool {
        self.is_worse(alpha) || self.is_better(alpha)
    }

    /// Whether events come more often with the candidate; with [`TwoSided::is_better`] at a level of `alpha` together.
    pub fn is_worse(&self, alpha: f64) -> bool {
        self.more.is_worse(alpha / 2.0)
    }

    /// Whether events come less often with the candidate.
    pub fn is_better(&self, alpha: f64) -> bool {
        self.fewer.is_worse(alpha / 2.0)
    }

    /// The smallest alpha at which [`TwoSided::is_different`] has been true at any moment; 1 at first. Never grows.
    pub fn p_value(&self) -> f64 {
        (2.0 * self.more.p_value().min(self.fewer.p_value())).min(1.0)
    }

    /// All that was taken in.
    pub fn totals(&self) -> Arms<Events> {
        self.more.totals()
    }
}
