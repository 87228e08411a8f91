//! What the share is of which some were counted.

use super::Interval;
use super::curve::halve;
use crate::trials::Trials;

/// Between which bounds the share is, at every moment with a probability of at least 1 - alpha: all rates of which the
/// likelihood is not less than alpha times that of a mixture over all rates (Jeffreys' prior). If the rate changes,
/// it is the mean rate so far that is between them.
pub(super) fn interval(trials: Trials, alpha: f64) -> Interval {
    let Trials { n, k } = trials;
    let (n, k) = (n as f64, k as f64);
    let mixture = ln_gamma(k + 0.5) + ln_gamma(n - k + 0.5) - ln_gamma(n + 1.0) - std::f64::consts::PI.ln();
    let least = mixture + alpha.ln();
    let times_ln = |count: f64, ln: f64| if count > 0.0 { count * ln } else { 0.0 };
    let ln_likelihood = |rate: f64| times_ln(k, rate.ln()) + times_ln(n - k, (-rate).ln_1p());
    let estimate = if n > 0.0 { k / n } else { 0.5 };
    let holds = |rate: f64| ln_likelihood(rate) >= least;
    // By logarithms, so that low rates are found as exactly as others.
    let low = if k > 0.0 { halve(estimate.ln(), -100.0, |ln| holds(ln.exp())).exp() } else { 0.0 };
    let high = if k < n {
        let odds = |ln: f64| 1.0 / (1.0 + (-ln).exp());
        let from = (estimate.max(1e-18) / (1.0 - estimate)).ln();
        odds(halve(from, 100.0, |ln| holds(odds(ln))))
    } else {
        1.0
    };
    Interval { low: low.min(estimate), estimate, high: high.max(estimate) }
}

/// The logarithm of the gamma function of a positive number, by Stirling's series above 12.
fn ln_gamma(x: f64) -> f64 {
    let (mut x, mut product) = (x, 1.0);
    while x < 12.0 {
        product *= x;
        x += 1.0;
    }
    let inverse = 1.0 / x;
    let square = inverse * inverse;
    let series = inverse * (1.0 / 12.0 - square * (1.0 / 360.0 - square * (1.0 / 1260.0 - square / 1680.0)));
    (x - 0.5) * x.ln() - x + 0.5 * std::f64::consts::TAU.ln() + series - f64::ln(product)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gamma_function_of_whole_numbers_is_a_factorial() {
        let mut ln_factorial = 0.0_f64;
        for n in 1..200_u32 {
            assert!((ln_gamma(f64::from(n)) - ln_factorial).abs() < 1e-9 * (1.0 + ln_factorial), "of {n}");
            ln_factorial += f64::from(n).ln();
        }
        assert!((ln_gamma(0.5) - 0.5 * std::f64::consts::PI.ln()).abs() < 1e-10);
    }

    #[test]
    fn nothing_seen_leaves_everything_possible() {
        assert_eq!(interval(Trials::default(), 0.05), Interval { low: 0.0, estimate: 0.5, high: 1.0 });
        let none = interval(Trials::new(1_000, 0), 0.05);
        assert!(none.low == 0.0 && (0.003..0.01).contains(&none.high), "{none:?}");
        let all = interval(Trials::new(1_000, 1_000), 0.05);
        assert!(all.high == 1.0 && (0.99..0.997).contains(&all.low), "{all:?}");
    }
}
