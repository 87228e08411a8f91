//! Tests of one question in the directions that are asked for.
//!
//! Every test looks for a candidate with more than stable. One with less is found by the same test when the versions
//! have changed places.

use sluice_stats::{
    Arms, Events, Histogram, Margin, QuantileTest, RateTest, RatioTest, Trials, quantile, rate, ratio,
};

use super::line::Direction;
use super::question::Question;

/// A sequential test, as this command needs it.
pub(super) trait Test {
    /// What a batch tells of one version.
    type Arm;

    /// Takes in a batch.
    fn update(&mut self, stable: &Self::Arm, candidate: &Self::Arm);
    /// Settles what waits for more.
    fn settle(&mut self);
    /// Settles, and lets a part of the evidence count from here on.
    fn restart(&mut self);
    /// The natural logarithm of the evidence.
    fn log_e(&self) -> f64;
    /// The smallest p so far.
    fn p(&self) -> f64;
}

macro_rules! counting_test {
    ($($test:ty, $arm:ty, $settle:expr);* $(;)?) => {$(
        impl Test for $test {
            type Arm = $arm;

            fn update(&mut self, stable: &$arm, candidate: &$arm) {
                self.update(*stable, *candidate);
            }

            fn settle(&mut self) {
                let settle: fn(&mut $test) = $settle;
                settle(self);
            }

            fn restart(&mut self) {
                self.restart();
            }

            fn log_e(&self) -> f64 {
                self.log_e()
            }

            fn p(&self) -> f64 {
                self.p_value()
            }
        }
    )*};
}

counting_test! {
    RatioTest, Trials, RatioTest::flush;
    ratio::KeptTest, Trials, ratio::KeptTest::flush;
    // Each batch of events is settled by itself.
    RateTest, Events, |_| ();
    rate::KeptTest, Events, |_| ();
}

impl Test for quantile::KeptTest {
    type Arm = Histogram;

    fn update(&mut self, stable: &Histogram, candidate: &Histogram) {
        self.update(stable, candidate);
    }

    fn settle(&mut self) {
        self.flush();
    }

    fn restart(&mut self) {
        self.restart();
    }

    fn log_e(&self) -> f64 {
        self.log_e()
    }

    fn p(&self) -> f64 {
        self.p_value()
    }
}

/// Where the tests of times look hardest. Between them they see a shift of everything and a rare slow tail.
const QUANTILES: [f64; 2] = [0.95, 0.99];

/// A test of times that looks at the body and at the tail: the mean of the evidence of two tests. Their blocks are the
/// same, so the mean is evidence too. Through the process this finds a shift of everything sooner than
/// [`QuantileTest::anywhere`], and the tail about as soon.
pub(super) struct TimesTest {
    tests: [QuantileTest; 2],
    peak: f64,
}

impl TimesTest {
    fn new(relative_margin: f64) -> TimesTest {
        TimesTest { tests: QUANTILES.map(|quantile| QuantileTest::new(quantile, relative_margin)), peak: 0.0 }
    }

    fn each(&mut self, change: impl Fn(&mut QuantileTest)) {
        self.tests.iter_mut().for_each(change);
        self.peak = self.peak.max(self.log_e());
    }
}

impl Test for TimesTest {
    type Arm = Histogram;

    fn update(&mut self, stable: &Histogram, candidate: &Histogram) {
        self.each(|test| test.update(stable, candidate));
    }

    fn settle(&mut self) {
        self.each(QuantileTest::flush);
    }

    fn restart(&mut self) {
        self.each(QuantileTest::restart);
    }

    fn log_e(&self) -> f64 {
        let [a, b] = self.tests.each_ref().map(QuantileTest::log_e);
        a.max(b) + (-(a - b).abs()).exp().ln_1p() - 2_f64.ln()
    }

    fn p(&self) -> f64 {
        (-self.peak).exp().min(1.0)
    }
}

/// A test that can be made for a margin.
pub(super) trait ForMargin: Test + Sized {
    /// A test without data.
    fn for_margin(margin: Margin) -> Self;
}

impl ForMargin for RatioTest {
    fn for_margin(margin: Margin) -> RatioTest {
        RatioTest::new(margin)
    }
}

impl ForMargin for ratio::KeptTest {
    fn for_margin(margin: Margin) -> ratio::KeptTest {
        ratio::KeptTest::new(margin)
    }
}

/// The relative margin; questions about events and times have no other.
fn relative(margin: Margin) -> f64 {
    match margin {
        Margin::Relative(margin) => margin,
        Margin::Absolute(_) => 0.0,
    }
}

impl ForMargin for RateTest {
    fn for_margin(margin: Margin) -> RateTest {
        RateTest::new(relative(margin))
    }
}

impl ForMargin for rate::KeptTest {
    fn for_margin(margin: Margin) -> rate::KeptTest {
        rate::KeptTest::new(relative(margin))
    }
}

impl ForMargin for TimesTest {
    fn for_margin(margin: Margin) -> TimesTest {
        TimesTest::new(relative(margin))
    }
}

impl ForMargin for quantile::KeptTest {
    fn for_margin(margin: Margin) -> quantile::KeptTest {
        quantile::KeptTest::new(super::compare::SHOWN_QUANTILE, relative(margin))
    }
}

/// The tests of one question: of one side or of both.
pub(super) struct Sides<T> {
    /// Of whether the candidate has more.
    more: Option<T>,
    /// Of whether it has less: sees stable as the candidate.
    less: Option<T>,
}

impl<T: ForMargin> Sides<T> {
    pub(super) fn new(question: &Question) -> Sides<T> {
        let more = (question.direction != Direction::Decrease).then(|| T::for_margin(question.margin));
        let less =
            (question.direction != Direction::Increase).then(|| T::for_margin(question.margin_swapped()));
        Sides { more, less }
    }

    pub(super) fn update(&mut self, batch: &Arms<T::Arm>) {
        if let Some(test) = &mut self.more {
            test.update(&batch.stable, &batch.candidate);
        }
        if let Some(test) = &mut self.less {
            test.update(&batch.candidate, &batch.stable);
        }
    }

    pub(super) fn settle(&mut self) {
        self.each().for_each(T::settle);
    }

    pub(super) fn restart(&mut self) {
        self.each().for_each(T::restart);
    }

    /// The evidence that either claim is wrong: with two tests, half of the greater. Their mean would be hardly more,
    /// and since their blocks may close at different moments, this is what keeps the promise.
    pub(super) fn log_e(&self) -> f64 {
        match (&self.more, &self.less) {
            (Some(more), Some(less)) => more.log_e().max(less.log_e()) - 2_f64.ln(),
            (Some(one), None) | (None, Some(one)) => one.log_e(),
            (None, None) => 0.0,
        }
    }

    /// The smallest p so far, of either claim.
    pub(super) fn p(&self) -> f64 {
        match (&self.more, &self.less) {
            (Some(more), Some(less)) => (2.0 * more.p().min(less.p())).min(1.0),
            (Some(one), None) | (None, Some(one)) => one.p(),
            (None, None) => 1.0,
        }
    }

    /// The greatest p, which is small only when all claims are wrong. Needs no correction: at least one of the claims
    /// is true whenever not all of them are wrong.
    pub(super) fn p_of_all(&self) -> f64 {
        self.more.iter().chain(&self.less).map(T::p).fold(0.0, f64::max)
    }

    fn each(&mut self) -> impl Iterator<Item = &mut T> {
        self.more.iter_mut().chain(&mut self.less)
    }
}
