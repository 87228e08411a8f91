//! Whether the candidate fails at another rate than stable, in either direction.

use serde::{Deserialize, Serialize};

use super::{Margin, RatioTest};
use crate::trials::{Arms, Trials};

/// A sequential test of whether one version's rate of failure is beyond the margin around the other's: two tests, one
/// for each direction, each with half of alpha.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TwoSided {
    more: RatioTest,
    fewer: RatioTest,
}

impl TwoSided {
    /// A test without data; the margin is read as [`RatioTest::new`] reads it.
    pub fn new(margin: Margin) -> TwoSided {
        TwoSided { more: RatioTest::new(margin), fewer: RatioTest::new(margin) }
    }

    /// See [`RatioTest::update`].
    pub fn update(&mut self, stable: Trials, candidate: Trials) {
        self.more.update(stable, candidate);
        self.fewer.update(candidate, stable);
    }

    /// See [`RatioTest::flush`].
    pub fn flush(&mut self) {
        self.more.flush();
        self.fewer.flush();
    }

    /// See [`RatioTest::restart`].
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

    /// Whether the candidate fails more often; with [`TwoSided::is_better`] at a level of `alpha` together.
    pub fn is_worse(&self, alpha: f64) -> bool {
        self.more.is_worse(alpha / 2.0)
    }

    /// Whether the candidate fails less often.
    pub fn is_better(&self, alpha: f64) -> bool {
        self.fewer.is_worse(alpha / 2.0)
    }

    /// The smallest alpha at which [`TwoSided::is_different`] has been true at any moment; 1 at first. Never grows.
    pub fn p_value(&self) -> f64 {
        (2.0 * self.more.p_value().min(self.fewer.p_value())).min(1.0)
    }

    /// All that was taken in.
    pub fn totals(&self) -> Arms<Trials> {
        self.more.totals()
    }
}
