//! Proof that a margin is kept, both directions at once, and intervals, on simulated releases.

use sluice_stats::interval::{Interval, RateInterval, RatioInterval};
use sluice_stats::ratio::KeptTest;
use sluice_stats::{Arms, Margin, Merge, RatioTest, Sequential, Trials, TwoSided};

use crate::draws::Draws;
use crate::streams::{ALPHAS, Now, Stops, note, ten_requests};
use crate::ticks::Ticks;

/// A candidate and a margin that it keeps or just does not.
#[derive(Clone, Copy)]
pub(crate) struct Keeps {
    pub(crate) name: &'static str,
    pub(crate) margin: Margin,
    pub(crate) now: Now,
    /// The least mean number of requests that any test needs to prove it, at the first level, in all.
    pub(crate) least: f64,
}

const fn keeps(name: &'static str, margin: Margin, w: f64, stable: f64, candidate: f64, least: f64) -> Keeps {
    Keeps { name, margin, now: Now { step: 0, w, stable, candidate }, least }
}

const HALF_MORE: Margin = Margin::Relative(0.5);
const TWICE: Margin = Margin::Relative(1.0);

/// Candidates that are as good as stable.
pub(crate) const KEPT: [Keeps; 8] = [
    keeps("w 5 %, 1 % fail, margin 50 %", HALF_MORE, 0.05, 0.01, 0.01, 66_919.0),
    keeps("w 5 %, 1 % fail, margin 100 %", TWICE, 0.05, 0.01, 0.01, 20_873.0),
    keeps("w 5 %, 0.1 % fail, margin 100 %", TWICE, 0.05, 0.001, 0.001, 211_647.0),
    keeps("w 5 %, 5 % fail, margin 50 %", HALF_MORE, 0.05, 0.05, 0.05, 12_690.0),
    keeps("w 50 %, 1 % fail, margin 50 %", HALF_MORE, 0.5, 0.01, 0.01, 14_533.0),
    keeps("w 50 %, 1 % fail, margin 100 %", TWICE, 0.5, 0.01, 0.01, 5_038.0),
    keeps("w 50 %, 0.1 % fail, margin 100 %", TWICE, 0.5, 0.001, 0.001, 50_820.0),
    keeps("w 50 %, 5 % fail, margin 50 %", HALF_MORE, 0.5, 0.05, 0.05, 2_791.0),
];

/// Candidates at the edge of the margin, which must not pass.
pub(crate) const EDGE: [Keeps; 5] = [
    keeps("w 5 %, edge of 50 %, 1 % fail", HALF_MORE, 0.05, 0.01, 0.015, 0.0),
    keeps("w 50 %, edge of 50 %, 1 % fail", HALF_MORE, 0.5, 0.01, 0.015, 0.0),
    keeps("w 50 %, edge of 100 %, 0.1 % fail", TWICE, 0.5, 0.001, 0.002, 0.0),
    keeps("w 5 %, edge of 0.5 pp, 1 % fail", Margin::Absolute(0.005), 0.05, 0.01, 0.015, 0.0),
    keeps("w 50 %, edge of 0.5 pp, 5 % fail", Margin::Absolute(0.005), 0.5, 0.05, 0.055, 0.0),
];

impl Keeps {
    /// When the margin was proved to be kept.
    pub(crate) fn stops(&self, requests: u64, seed: u64) -> Stops {
        let (mut draws, mut test, mut stops) =
            (Draws::new(seed), KeptTest::new(self.margin), Stops::default());
        let mut seen = 0;
        while seen < requests && stops.contains(&None) {
            let batch = ten_requests(&mut draws, self.now);
            test.update(batch.stable, batch.candidate);
            seen += 10;
            note(&mut stops, test.p_value(), seen);
        }
        stops
    }

    /// The least at each level.
    pub(crate) fn leasts(&self) -> [f64; 2] {
        ALPHAS.map(|alpha| self.least * alpha.ln() / ALPHAS[0].ln())
    }
}

/// A test of both directions for shares of failures.
pub(crate) fn two_sided(margin: Margin) -> TwoSided<RatioTest> {
    TwoSided::new(RatioTest::new(margin), RatioTest::new(margin))
}

/// When a test of both directions was stopped.
pub(crate) fn two_sided_stops(now: Now, requests: u64, seed: u64) -> Stops {
    let (mut draws, mut test) = (Draws::new(seed), two_sided(Margin::Relative(0.0)));
    let (mut stops, mut seen) = (Stops::default(), 0);
    while seen < requests && stops.contains(&None) {
        let batch = ten_requests(&mut draws, now);
        test.update(&batch.stable, &batch.candidate);
        seen += 10;
        note(&mut stops, test.p_value(), seen);
    }
    stops
}

/// The releases for which it is counted how often intervals are ever wrong: steps of the weight, and rates that move.
pub(crate) const COVERED: [(&str, f64, f64, f64, bool); 7] = [
    ("w 5 %, 0.1 % fail", 0.05, 0.001, 1.0, false),
    ("w 5 %, 1 and 2 % fail", 0.05, 0.01, 2.0, false),
    ("w 5 %, 5 % fail", 0.05, 0.05, 1.0, false),
    ("w 50 %, 1 % fail", 0.5, 0.01, 1.0, false),
    ("w 50 %, 1 and 10 % fail", 0.5, 0.01, 10.0, false),
    ("w 50 %, 30 and 15 % fail", 0.5, 0.3, 0.5, false),
    ("w 5→50 %, 0.5 → 2 % and half more", 0.05, 0.005, 1.5, true),
];

fn is_outside(interval: Option<Interval>, truth: f64) -> bool {
    interval.is_some_and(|Interval { low, high, .. }| truth < low || truth > high)
}

/// When the interval of the ratio was wrong first, and that of the difference of the mean rates in this step, for each
/// of [`ALPHAS`].
pub(crate) fn wrong(
    (_, w, rate, ratio, moves): (&str, f64, f64, f64, bool),
    requests: u64,
    seed: u64,
) -> [Stops; 2] {
    let mut draws = Draws::new(seed);
    let mut intervals = ALPHAS.map(RatioInterval::new);
    let (mut of_ratio, mut of_difference) = (Stops::default(), Stops::default());
    let (mut step, mut means, mut batches) = (0, 0.0, 0.0);
    for batch in 0..requests / 10 {
        let part = batch as f64 / (requests / 10) as f64;
        let now_step = if moves { ((part * 4.0) as usize).min(3) } else { 0 };
        if now_step != step {
            intervals.iter_mut().for_each(RatioInterval::restart);
            (step, means, batches) = (now_step, 0.0, 0.0);
        }
        let w = if moves { [0.05, 0.10, 0.25, 0.50][step] } else { w };
        let rate = if moves { rate * 4_f64.powf(part) } else { rate };
        let now = Now { step, w, stable: rate, candidate: rate * ratio };
        let data = ten_requests(&mut draws, now);
        means += rate * (ratio - 1.0);
        batches += 1.0;
        for (level, interval) in intervals.iter_mut().enumerate() {
            interval.update(data.stable, data.candidate);
            let seen = Some(batch);
            if is_outside(interval.ratio(), ratio) && of_ratio[level].is_none() {
                of_ratio[level] = seen;
            }
            // While rates move, a bound that was computed a moment ago is of the mean until then.
            let moved = if moves { 0.02 * rate } else { 0.0 };
            let near = interval.difference().map(|Interval { low, estimate, high }| Interval {
                low: low - moved,
                estimate,
                high: high + moved,
            });
            if is_outside(near, means / batches) && of_difference[level].is_none() {
                of_difference[level] = seen;
            }
        }
    }
    [of_ratio, of_difference]
}

/// When the interval for the ratio of counts was wrong first.
pub(crate) fn wrong_of_counts(ticks: &Ticks, seed: u64) -> Stops {
    let (mut intervals, mut stops) = (ALPHAS.map(RateInterval::new), Stops::default());
    ticks.feed(seed, |tick, _, stable, candidate| {
        for (level, interval) in intervals.iter_mut().enumerate() {
            interval.update(stable, candidate);
            if stops[level].is_none() && is_outside(interval.ratio(), ticks.ratio) {
                stops[level] = Some(tick);
            }
        }
        stops.contains(&None)
    });
    stops
}

/// A release whose visitors make several requests each, one after the other, and differ in how often these fail.
#[derive(Clone, Copy)]
pub(crate) struct Bunches {
    pub(crate) name: &'static str,
    pub(crate) w: f64,
    /// Requests of each visitor, and how alike they end, as a correlation.
    pub(crate) size: u64,
    pub(crate) alike: f64,
}

const fn bunches(name: &'static str, w: f64, size: u64, alike: f64) -> Bunches {
    Bunches { name, w, size, alike }
}

/// Visitors of both versions fail alike, at 1 % of their requests.
pub(crate) const BUNCHES: [Bunches; 8] = [
    bunches("w 5 %, bunches of 5, correlation 0.1", 0.05, 5, 0.1),
    bunches("w 5 %, bunches of 5, correlation 0.3", 0.05, 5, 0.3),
    bunches("w 5 %, bunches of 20, correlation 0.1", 0.05, 20, 0.1),
    bunches("w 5 %, bunches of 20, correlation 0.3", 0.05, 20, 0.3),
    bunches("w 50 %, bunches of 5, correlation 0.1", 0.5, 5, 0.1),
    bunches("w 50 %, bunches of 5, correlation 0.3", 0.5, 5, 0.3),
    bunches("w 50 %, bunches of 20, correlation 0.1", 0.5, 20, 0.1),
    bunches("w 50 %, bunches of 20, correlation 0.3", 0.5, 20, 0.3),
];

impl Bunches {
    /// When the test was stopped, if ever in so many requests: one that counts requests, or one that counts visitors
    /// and those of them with a failure.
    pub(crate) fn stops(&self, counts_visitors: bool, requests: u64, seed: u64) -> Stops {
        let (mut draws, mut stops, mut seen) = (Draws::new(seed), Stops::default(), 0);
        let (mut test, mut batch) = (RatioTest::new(Margin::Relative(0.0)), Arms::<Trials>::default());
        let spread = (1.0 - self.alike) / self.alike;
        // A gamma distribution of a shape below 1 (Stuart 1962).
        let gamma =
            |draws: &mut Draws, shape: f64| draws.gamma(shape + 1.0) * draws.uniform().powf(1.0 / shape);
        while seen < requests && stops.contains(&None) {
            let is_candidate = draws.happens(self.w);
            let (failing, fine) = (gamma(&mut draws, 0.01 * spread), gamma(&mut draws, 0.99 * spread));
            let mut has_failed = false;
            for _ in 0..self.size {
                let is_failed = draws.happens(failing / (failing + fine));
                has_failed |= is_failed;
                seen += 1;
                let is_last = seen % self.size == 0;
                let arm = if is_candidate { &mut batch.candidate } else { &mut batch.stable };
                if counts_visitors && is_last {
                    arm.merge(&Trials::new(1, u64::from(has_failed)));
                } else if !counts_visitors {
                    arm.merge(&Trials::new(1, u64::from(is_failed)));
                }
                // Of visitors, whole ones.
                if seen % 10 == 0 && (is_last || !counts_visitors) {
                    test.update(batch.stable, batch.candidate);
                    batch = Arms::default();
                    note(&mut stops, test.p_value(), seen);
                }
            }
        }
        stops
    }
}
