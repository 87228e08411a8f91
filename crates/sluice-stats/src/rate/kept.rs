//! Evidence that events do not come more often with the candidate than tolerated.

use serde::{Deserialize, Serialize};

use super::{Events, RateTest};
use crate::trials::Arms;

/// A sequential test of whether the margin is kept: the claim that is tested is "the candidate's events per exposure
/// are at least (1 + m) times stable's", and evidence against it is proof of a candidate that is good enough.
///
/// Used like [`RateTest`], which it is with the roles of the versions exchanged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeptTest {
    test: RateTest,
}

impl KeptTest {
    /// A test without data; the margin is read as [`RateTest::new`] reads it. Without a margin, only a candidate that
    /// is better than stable can be proved good enough.
    pub fn new(relative_margin: f64) -> KeptTest {
        KeptTest { test: RateTest::of_limit(1.0 / (1.0 + RateTest::new(relative_margin).margin())) }
    }

    /// See [`RateTest::update`].
    pub fn update(&mut self, stable: Events, candidate: Events) {
        self.test.update(candidate, stable);
    }

    /// See [`RateTest::restart`].
    pub fn restart(&mut self) {
        self.test.restart();
    }

    /// The natural logarithm of the evidence that the margin is kept.
    pub fn log_e(&self) -> f64 {
        self.test.log_e()
    }

    /// Whether the margin is kept, as things stand, with a probability of being wrong of at most `alpha` over the
    /// whole life of the test.
    pub fn is_kept(&self, alpha: f64) -> bool {
        self.test.is_worse(alpha)
    }

    /// The smallest alpha at which [`KeptTest::is_kept`] has been true at any moment; 1 at first. Never grows.
    pub fn p_value(&self) -> f64 {
        self.test.p_value()
    }

    /// All that was taken in.
    pub fn totals(&self) -> Arms<Events> {
        let Arms { stable, candidate } = self.test.totals();
        Arms { stable: candidate, candidate: stable }
    }

    /// The margin that the test was made with.
    pub fn margin(&self) -> f64 {
        1.0 / (1.0 + self.test.margin()) - 1.0
    }
}
