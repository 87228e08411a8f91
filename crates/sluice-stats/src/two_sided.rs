//! Whether the candidate differs from stable, in either direction.

use serde::{Deserialize, Serialize};

use crate::histogram::Histogram;
use crate::quantile::{self, QuantileTest};
use crate::rate::{self, Events, RateTest};
use crate::ratio::{self, RatioTest};
use crate::trials::Trials;

/// What the tests that compare two versions have in common. All look for a candidate that differs from stable in one
/// direction; the other direction is found by the same test when the versions have changed places.
pub trait Sequential {
    /// What a batch tells of one version.
    type Arm;

    /// Takes in what was counted of both versions over the same stretch of time.
    fn update(&mut self, stable: &Self::Arm, candidate: &Self::Arm);
    /// Settles what waits for more. When to call this must not depend on outcomes.
    fn flush(&mut self);
    /// Settles, and lets a part of the evidence count from here on where the test does so.
    fn restart(&mut self);
    /// The natural logarithm of the evidence.
    fn log_e(&self) -> f64;
    /// The smallest alpha at which the evidence has sufficed at any moment; 1 at first. Never grows.
    fn p_value(&self) -> f64;
}

macro_rules! sequential {
    ($($test:ty, $arm:ty, [$($copied:tt)?], $flush:expr);* $(;)?) => {$(
        impl Sequential for $test {
            type Arm = $arm;

            fn update(&mut self, stable: &$arm, candidate: &$arm) {
                self.update($($copied)? stable, $($copied)? candidate);
            }

            fn flush(&mut self) {
                let flush: fn(&mut $test) = $flush;
                flush(self);
            }

            fn restart(&mut self) {
                self.restart();
            }

            fn log_e(&self) -> f64 {
                self.log_e()
            }

            fn p_value(&self) -> f64 {
                self.p_value()
            }
        }
    )*};
}

sequential! {
    RatioTest, Trials, [*], RatioTest::flush;
    ratio::KeptTest, Trials, [*], ratio::KeptTest::flush;
    // Each batch of events is settled by itself.
    RateTest, Events, [*], |_| ();
    rate::KeptTest, Events, [*], |_| ();
    QuantileTest, Histogram, [], QuantileTest::flush;
    quantile::KeptTest, Histogram, [], quantile::KeptTest::flush;
}

/// A sequential test of both directions: two tests, one for each, each with half of alpha.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TwoSided<T> {
    more: T,
    fewer: T,
}

impl<T: Sequential> TwoSided<T> {
    /// Makes one test of two without data. `fewer` sees stable as the candidate, so its margin is what stable may have
    /// beside the candidate.
    pub const fn new(more: T, fewer: T) -> TwoSided<T> {
        TwoSided { more, fewer }
    }

    /// The greatest p-value of the two, which is small only when both claims are wrong. It needs no correction: at
    /// least one of them is true whenever not both are wrong.
    pub fn p_of_both(&self) -> f64 {
        self.more.p_value().max(self.fewer.p_value())
    }
}

impl<T: Sequential> Sequential for TwoSided<T> {
    type Arm = T::Arm;

    fn update(&mut self, stable: &T::Arm, candidate: &T::Arm) {
        self.more.update(stable, candidate);
        self.fewer.update(candidate, stable);
    }

    fn flush(&mut self) {
        self.more.flush();
        self.fewer.flush();
    }

    fn restart(&mut self) {
        self.more.restart();
        self.fewer.restart();
    }

    /// Half of the greater evidence of the two. Their mean would be hardly more, and since their blocks may close at
    /// different moments, this is what keeps the promise.
    fn log_e(&self) -> f64 {
        self.more.log_e().max(self.fewer.log_e()) - 2_f64.ln()
    }

    fn p_value(&self) -> f64 {
        (2.0 * self.more.p_value().min(self.fewer.p_value())).min(1.0)
    }
}
