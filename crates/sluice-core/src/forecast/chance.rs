//! Probabilities: of the normal distribution, of counts, and of when evidence that grows with noise reaches a level.

use std::f64::consts::{PI, SQRT_2};

/// Beyond so many standard deviations, the normal distribution is worked out by a continued fraction.
const FAR: f64 = 2.5;

/// The probability that a normal variable is above `z`, right to at least nine digits of itself.
pub(super) fn normal_above(z: f64) -> f64 {
    let x = z / SQRT_2;
    match x {
        x if x < -FAR => 1.0 - 0.5 * erfc_far(-x),
        x if x > FAR => 0.5 * erfc_far(x),
        x => 0.5 - 0.5 * erf_near(x),
    }
}

/// The probability that a normal variable is below `z`.
pub(super) fn normal_below(z: f64) -> f64 {
    normal_above(-z)
}

/// Below which a normal variable is with probability `share`, by halving.
pub(super) fn normal_quantile(share: f64) -> f64 {
    let (mut low, mut high) = (-9.0, 9.0);
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if normal_below(middle) < share { low = middle } else { high = middle }
    }
    0.5 * (low + high)
}

/// The error function by its series, for arguments near 0.
fn erf_near(x: f64) -> f64 {
    let (mut term, mut sum) = (x, x);
    for n in 1..80 {
        term *= -x * x / f64::from(n);
        sum += term / f64::from(2 * n + 1);
    }
    2.0 / PI.sqrt() * sum
}

/// What is left of the error function by its continued fraction, for arguments far above 0.
fn erfc_far(x: f64) -> f64 {
    let fraction = (1..60).rev().fold(x, |below, n| x + 0.5 * f64::from(n) / below);
    (-x * x).exp() / (PI.sqrt() * fraction)
}

/// The probability that evidence has not reached `level` yet, when it has grown by `mean` in expectation with a
/// `variance`: of Brownian motion with a drift (the inverse Gaussian distribution).
pub(super) fn not_reached(level: f64, mean: f64, variance: f64) -> f64 {
    /// Beyond this the second part is less than rounding.
    const EXPONENT_MAX: f64 = 50.0;
    if variance <= 0.0 {
        return if mean >= level { 0.0 } else { 1.0 };
    }
    let spread = variance.sqrt();
    let exponent = 2.0 * level * mean / variance;
    let came_back = match exponent < EXPONENT_MAX {
        true => exponent.exp() * normal_above((level + mean) / spread),
        false => 0.0,
    };
    (normal_above((mean - level) / spread) - came_back).clamp(0.0, 1.0)
}

/// The probability that of `n` requests, of which each is bad with probability `p`, more than `k` are.
pub(super) fn more_than(k: f64, n: f64, p: f64) -> f64 {
    /// Up to so many the sum is taken, beyond the normal distribution with a correction for whole numbers is close.
    const SUMMED_MAX: f64 = 400.0;
    let (k, n) = (k.floor(), n.round());
    if p <= 0.0 || k >= n {
        return 0.0;
    }
    if p >= 1.0 || k < 0.0 {
        return 1.0;
    }
    if n > SUMMED_MAX {
        return normal_above((k + 0.5 - n * p) / (n * p * (1.0 - p)).sqrt());
    }
    let odds = (p / (1.0 - p)).ln();
    let mut ln_term = n * (-p).ln_1p();
    let mut at_most = 0.0;
    let mut i = 0.0;
    while i <= k {
        at_most += ln_term.exp();
        ln_term += ((n - i) / (i + 1.0)).ln() + odds;
        i += 1.0;
    }
    (1.0 - at_most).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_normal_distribution_has_its_known_values() {
        for (z, above) in [
            (0.0, 0.5),
            (1.0, 0.158_655_253_931_457),
            (1.644_853_626_951_47, 0.05),
            (-2.0, 0.977_249_868_051_821),
            (4.0, 3.167_124_183_312e-5),
            (6.0, 9.865_876_450_377e-10),
        ] {
            assert!((normal_above(z) / above - 1.0).abs() < 1e-8, "{z}: {}", normal_above(z));
        }
        assert!((normal_quantile(0.975) - 1.959_963_985).abs() < 1e-8);
    }

    #[test]
    fn evidence_reaches_its_level_on_average_when_its_drift_says() {
        // The mean of the time is level / drift, whatever the variance.
        let (level, drift, variance) = (7.0, 0.02, 0.05);
        let step = 0.5;
        let mean: f64 = (0..20_000)
            .map(|i| {
                let t = (f64::from(i) + 0.5) * step;
                not_reached(level, drift * t, variance * t) * step
            })
            .sum();
        assert!((mean / (level / drift) - 1.0).abs() < 0.01, "{mean}");
        assert_eq!(not_reached(1.0, 2.0, 0.0), 0.0);
        assert_eq!(not_reached(1.0, 0.5, 0.0), 1.0);
    }

    #[test]
    fn many_bad_requests_are_as_likely_as_the_binomial_distribution_says() {
        // 1 - 0.95^50 - 50 * 0.05 * 0.95^49
        assert!((more_than(1.0, 50.0, 0.05) - 0.720_567_6).abs() < 1e-6);
        assert_eq!(more_than(50.0, 50.0, 0.9), 0.0);
        assert_eq!(more_than(2.0, 50.0, 1.0), 1.0);
        assert_eq!(more_than(2.0, 50.0, 0.0), 0.0);
        let (exact, near) = (more_than(20.0, 400.0, 0.05), more_than(20.0, 401.0, 0.05));
        assert!((exact - near).abs() < 0.02, "{exact} and {near}");
    }
}
