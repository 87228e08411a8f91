//! One bet on how often requests fail: what it gains by each outcome.

use serde::{Deserialize, Serialize};

use crate::trials::{Arms, Trials};

/// How much more often than stable the candidate may fail and still be fine.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Margin {
    /// A share of stable's own rate: 0.1 allows 1.1 times stable's rate.
    Relative(f64),
    /// A difference of rates: 0.005 allows half a percentage point above stable's rate.
    Absolute(f64),
}

impl Margin {
    /// The margin within its bounds: at least 0, a relative one at most a million, an absolute one at most 1. What is
    /// no number is read as 0, the strictest.
    pub(crate) fn held_within_bounds(self) -> Margin {
        let hold = |margin: f64, most: f64| if margin.is_nan() { 0.0 } else { margin.clamp(0.0, most) };
        match self {
            Margin::Relative(margin) => Margin::Relative(hold(margin, 1e6)),
            Margin::Absolute(margin) => Margin::Absolute(hold(margin, 1.0)),
        }
    }

    /// The highest rate of a candidate that is fine beside this rate of stable. May be above 1.
    pub(crate) fn limit(self, stable: f64) -> f64 {
        match self {
            Margin::Relative(margin) => (1.0 + margin) * stable,
            Margin::Absolute(margin) => stable + margin,
        }
    }
}

/// Enough to halve an interval down to neighbouring numbers.
const STEPS_MAX: u32 = 64;

/// A bet on one pair of rates against another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Bet {
    on: Arms<f64>,
    /// `None` when there is nothing to bet against.
    against: Option<Arms<f64>>,
}

impl Bet {
    /// The bet that the candidate fails at the rate `rates.candidate` and stable at `rates.stable`, both within
    /// (0, 1), against the pair of rates within the margin that is hardest to tell from that, for a block of which a
    /// share `w` is the candidate's. A pair that is itself within the margin gains nothing and loses nothing.
    ///
    /// This is a ratio of likelihoods with the reverse information projection below it (Turner, Ly, Grünwald 2024).
    /// With `f` its expected value for one request of a version, linear in the version's true rate,
    /// `w ln f_candidate + (1 - w) ln f_stable` is concave and has its maximum over all rates within the margin at the
    /// projection, where it is 0. So a block's gain is expected to be at most 1 for any rates within the margin; and
    /// by the inequality of the means the rates may even differ from one request to the next, as long as within the
    /// block their averages are within the margin.
    pub(crate) fn new(margin: Margin, w: f64, rates: Arms<f64>) -> Bet {
        Bet { on: rates, against: project(margin, w, rates) }
    }

    /// The same from the other side: the bet that the candidate keeps the margin, against the nearest pair of rates at
    /// which it does not. Those are convex too, so the same argument holds.
    pub(crate) fn on_kept(margin: Margin, w: f64, rates: Arms<f64>) -> Bet {
        Bet { on: rates, against: project_from_within(margin, w, rates) }
    }

    /// The logarithm of what the bet gains by a block.
    pub(crate) fn gain(&self, block: &Arms<Trials>) -> f64 {
        let Bet { on, against: Some(against) } = self else { return 0.0 };
        let gain = |trials: Trials, on: f64, against: f64| {
            let Trials { n, k } = Trials::new(trials.n, trials.k);
            // Most blocks have no failure of the candidate's, and no logarithm is needed for none.
            let failed = if k > 0 { k as f64 * ln_failed(on, against) } else { 0.0 };
            failed + (n - k) as f64 * ln_fine(on, against)
        };
        gain(block.stable, on.stable, against.stable) + gain(block.candidate, on.candidate, against.candidate)
    }

    /// The gain that is expected of one request if the bet's own rates are the truth: the information in a request.
    pub(crate) fn information(&self, w: f64) -> f64 {
        let Bet { on, against: Some(against) } = self else { return 0.0 };
        let expected =
            |on: f64, against: f64| on * ln_failed(on, against) + (1.0 - on) * ln_fine(on, against);
        w * expected(on.candidate, against.candidate) + (1.0 - w) * expected(on.stable, against.stable)
    }
}

/// The logarithm of what is gained by a request that failed.
fn ln_failed(on: f64, against: f64) -> f64 {
    (on / against).ln()
}

/// The logarithm of what is gained by a request that did not fail: of (1 - on) / (1 - against), exact for low rates.
fn ln_fine(on: f64, against: f64) -> f64 {
    ((against - on) / (1.0 - against)).ln_1p()
}

/// The pair of rates within the margin that is nearest to `rates` by `w KL(candidate) + (1 - w) KL(stable)`. It lies
/// on the margin's edge. `None` when `rates` are within the margin themselves.
fn project(margin: Margin, w: f64, rates: Arms<f64>) -> Option<Arms<f64>> {
    let Arms { stable: b, candidate: c } = rates;
    // Rates that exceed the margin by less than rounding would be bet on with noise.
    if c <= margin.limit(b) * (1.0 + 1e-9) {
        return None;
    }
    let stable = match margin {
        Margin::Relative(margin) => nearest_relative(margin, w, rates).clamp(b, c / (1.0 + margin)),
        Margin::Absolute(margin) => project_absolute(margin, w, rates, (b, c - margin)),
    };
    Some(Arms { stable, candidate: margin.limit(stable) })
}

/// The pair of rates on the margin's edge that is nearest to `rates` within it. `None` when `rates` are not within, or
/// when no candidate can fail so often that it would not be.
fn project_from_within(margin: Margin, w: f64, rates: Arms<f64>) -> Option<Arms<f64>> {
    let Arms { stable: b, candidate: c } = rates;
    if c >= margin.limit(b) * (1.0 - 1e-9) {
        return None;
    }
    let stable = match margin {
        Margin::Relative(margin) => {
            let rho = 1.0 + margin;
            nearest_relative(margin, w, rates).clamp(c / rho, b.min((1.0 - RATE_ROOM) / rho))
        }
        Margin::Absolute(margin) => {
            let (low, high) = ((c - margin).max(RATE_ROOM), b.min(1.0 - margin - RATE_ROOM));
            (low <= high).then(|| project_absolute(margin, w, rates, (low, high)))?
        }
    };
    Some(Arms { stable, candidate: margin.limit(stable) })
}

/// How near to 0 and 1 rates are looked for.
const RATE_ROOM: f64 = 1e-12;

/// Stable's rate on the edge of a relative margin where the divergence is least.
fn nearest_relative(margin: f64, w: f64, Arms { stable: b, candidate: c }: Arms<f64>) -> f64 {
    let rho = 1.0 + margin;
    let failures = w * c + (1.0 - w) * b;
    let sum = failures * (1.0 + rho) + w * (1.0 - c) * rho + (1.0 - w) * (1.0 - b);
    // The smaller root of rho x² - sum x + failures, in the form that loses no digits.
    let root = (sum * sum - 4.0 * rho * failures).max(0.0).sqrt();
    2.0 * failures / (sum + root)
}

/// Newton's method on the slope of the divergence along the edge, which grows and is zero between the bounds, which are
/// b and c - margin in their order. A
/// step that would leave what is left of that interval is replaced by halving it, so it always ends. Begins at the
/// solution for rates so low that failures are Poisson, from where about three steps are enough.
fn project_absolute(
    margin: f64,
    w: f64,
    Arms { stable: b, candidate: c }: Arms<f64>,
    (mut low, mut high): (f64, f64),
) -> f64 {
    // The positive root of x² - p x - q.
    let (p, q) = (w * c + (1.0 - w) * b - margin, (1.0 - w) * b * margin);
    let mut x = 0.5 * (p + (p * p + 4.0 * q).sqrt());
    // For rates so high that they are not, the bounds may be where the slope has no bound: Newton's steps from there only
    // double the way each time.
    if !(low < x && x < high) {
        x = 0.5 * (low + high);
    }
    for _ in 0..STEPS_MAX {
        let y = x + margin;
        // The inverse variances of one request.
        let (of_x, of_y) = (1.0 / (x * (1.0 - x)), 1.0 / (y * (1.0 - y)));
        let slope = w * (y - c) * of_y + (1.0 - w) * (x - b) * of_x;
        let steepness =
            w * (y * y - 2.0 * c * y + c) * of_y * of_y + (1.0 - w) * (x * x - 2.0 * b * x + b) * of_x * of_x;
        if slope < 0.0 {
            low = x
        } else {
            high = x
        }
        let next = x - slope / steepness;
        if next < low || next > high {
            x = 0.5 * (low + high);
            continue;
        }
        // Digits double with each step, so after one that changes so little, all are right.
        if (next - x).abs() <= 1e-10 * x {
            return next;
        }
        x = next;
    }
    x
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn expected_gain(bet: &Bet, w: f64, truth: Arms<f64>) -> f64 {
        let Some(against) = bet.against else { return 0.0 };
        let mean = |rate: f64, on: f64, against: f64| {
            (rate * ln_failed(on, against).exp() + (1.0 - rate) * ln_fine(on, against).exp()).ln()
        };
        w * mean(truth.candidate, bet.on.candidate, against.candidate)
            + (1.0 - w) * mean(truth.stable, bet.on.stable, against.stable)
    }

    fn margins() -> impl Strategy<Value = Margin> {
        prop_oneof![
            Just(Margin::Relative(0.0)),
            (0.0..3.0).prop_map(Margin::Relative),
            (0.0..0.5).prop_map(Margin::Absolute),
        ]
    }

    #[test]
    fn rates_near_one_are_bet_on_against_rates_that_can_be() {
        let (margin, w) = (Margin::Absolute(0.412_405_159_706_499_55), 0.855_553_145_625_396_9);
        let bet = Bet::on_kept(margin, w, Arms { stable: 0.868_809_651_403_557_4, candidate: 0.95 });
        let gain = expected_gain(&bet, w, Arms { stable: 0.0, candidate: 0.412_405_159_706_499_55 });
        assert!(gain <= 1e-9, "{bet:?} gains {gain}");
    }

    proptest! {
        #[test]
        fn no_rates_within_the_margin_are_expected_to_gain(
            margin in margins(), w in 0.001..0.999, b in 1e-6..0.9_f64, excess in 1.01..30.0_f64,
            true_b in 0.0..1.0, part in 0.0..1.0_f64,
        ) {
            let candidate = (margin.limit(b) * excess).min(0.95);
            let bet = Bet::new(margin, w, Arms { stable: b, candidate });
            let truth = Arms { stable: true_b, candidate: (margin.limit(true_b) * part).min(1.0) };
            let gain = expected_gain(&bet, w, truth);
            prop_assert!(gain <= 1e-9, "{bet:?} gains {gain} at {truth:?}");
        }

        #[test]
        fn the_nearest_rates_under_an_absolute_margin_are_right_to_the_last_digits(
            margin in prop_oneof![Just(0.0), Just(0.005), 0.0..0.9], w in prop_oneof![1e-15..1.0 - 1e-15, 1e-15..0.1_f64],
            ln_b in -16.0..-0.1_f64, excess in 1.000_001..30.0_f64,
        ) {
            let b = ln_b.exp();
            let c = (Margin::Absolute(margin).limit(b) * excess).min(0.95);
            prop_assume!(c > Margin::Absolute(margin).limit(b) * (1.0 + 1e-9));
            let slope = |x: f64| {
                let y = x + margin;
                w * (y - c) / (y * (1.0 - y)) + (1.0 - w) * (x - b) / (x * (1.0 - x))
            };
            let (mut low, mut high) = (b, c - margin);
            for _ in 0..200 {
                let middle = 0.5 * (low + high);
                if slope(middle) < 0.0 { low = middle } else { high = middle }
            }
            let found = project_absolute(margin, w, Arms { stable: b, candidate: c }, (b, c - margin));
            prop_assert!((found / low - 1.0).abs() < 1e-12, "{found} instead of {low}");
        }

        #[test]
        fn no_rates_beyond_the_margin_are_expected_to_gain_by_a_bet_that_it_is_kept(
            margin in margins(), w in 0.001..0.999, b in 1e-6..0.9_f64, part in 0.001..0.99_f64,
            true_b in 0.0..1.0, excess in 1.0..30.0_f64,
        ) {
            let candidate = (margin.limit(b) * part).min(0.95);
            let bet = Bet::on_kept(margin, w, Arms { stable: b, candidate });
            prop_assume!(margin.limit(true_b) <= 1.0);
            let truth = Arms { stable: true_b, candidate: (margin.limit(true_b) * excess).min(1.0) };
            let gain = expected_gain(&bet, w, truth);
            prop_assert!(gain <= 1e-9, "{bet:?} gains {gain} at {truth:?}");
        }

        #[test]
        fn a_true_bet_is_expected_to_gain(
            margin in margins(), w in 0.01..0.99, b in 1e-4..0.3_f64, excess in 1.1..10.0_f64,
        ) {
            let rates = Arms { stable: b, candidate: (margin.limit(b) * excess).min(0.95) };
            prop_assume!(rates.candidate > margin.limit(b) * 1.05);
            prop_assert!(Bet::new(margin, w, rates).information(w) > 0.0);
        }
    }
}
