//! Tests of one question in the directions that are asked for.
//!
//! Every test looks for a candidate with more than stable. One with less is found by the same test when the versions
//! have changed places.

use sluice_stats::{
    Arms, Histogram, Margin, QuantileTest, RateTest, RatioTest, Sequential, TwoSided, quantile, rate, ratio,
};

use super::line::Direction;
use super::question::Question;

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

impl Sequential for TimesTest {
    type Arm = Histogram;

    fn update(&mut self, stable: &Histogram, candidate: &Histogram) {
        self.each(|test| test.update(stable, candidate));
    }

    fn flush(&mut self) {
        self.each(QuantileTest::flush);
    }

    fn restart(&mut self) {
        self.each(QuantileTest::restart);
    }

    fn log_e(&self) -> f64 {
        let [a, b] = self.tests.each_ref().map(QuantileTest::log_e);
        a.max(b) + (-(a - b).abs()).exp().ln_1p() - 2_f64.ln()
    }

    fn p_value(&self) -> f64 {
        (-self.peak).exp().min(1.0)
    }
}

/// A test that can be made for a margin.
pub(super) trait ForMargin: Sequential + Sized {
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
pub(super) enum Sides<T> {
    /// Of whether the candidate has more.
    More(T),
    /// Of whether it has less: sees stable as the candidate.
    Less(T),
    Both(TwoSided<T>),
}

impl<T: ForMargin> Sides<T> {
    pub(super) fn new(question: &Question) -> Sides<T> {
        let more = || T::for_margin(question.margin);
        let less = || T::for_margin(question.margin_swapped());
        match question.direction {
            Direction::Increase => Sides::More(more()),
            Direction::Decrease => Sides::Less(less()),
            Direction::Both => Sides::Both(TwoSided::new(more(), less())),
        }
    }

    pub(super) fn update(&mut self, batch: &Arms<T::Arm>) {
        let Arms { stable, candidate } = batch;
        match self {
            Sides::More(test) => test.update(stable, candidate),
            Sides::Less(test) => test.update(candidate, stable),
            Sides::Both(tests) => tests.update(stable, candidate),
        }
    }

    pub(super) fn settle(&mut self) {
        match self {
            Sides::More(test) | Sides::Less(test) => test.flush(),
            Sides::Both(tests) => tests.flush(),
        }
    }

    pub(super) fn restart(&mut self) {
        match self {
            Sides::More(test) | Sides::Less(test) => test.restart(),
            Sides::Both(tests) => tests.restart(),
        }
    }

    /// The evidence that a claim is wrong.
    pub(super) fn log_e(&self) -> f64 {
        match self {
            Sides::More(test) | Sides::Less(test) => test.log_e(),
            Sides::Both(tests) => tests.log_e(),
        }
    }

    /// The smallest p so far, of either claim.
    pub(super) fn p(&self) -> f64 {
        match self {
            Sides::More(test) | Sides::Less(test) => test.p_value(),
            Sides::Both(tests) => tests.p_value(),
        }
    }

    /// The greatest p, which is small only when all claims are wrong.
    pub(super) fn p_of_all(&self) -> f64 {
        match self {
            Sides::More(test) | Sides::Less(test) => test.p_value(),
            Sides::Both(tests) => tests.p_of_both(),
        }
    }
}
