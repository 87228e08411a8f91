//! Numbers of things that happen by chance, drawn without looking at each of them.

use crate::random::Random;

/// Draws are made in pieces whose expectation is at most this: beyond, the smallest probability would underflow.
const PIECE: f64 = 50.0;

/// How many of `n` things happen, each with probability `p`. By inversion of the distribution (Kachitvichyanukul &
/// Schmeiser, CACM 31, 1988, algorithm BINV), so that it takes as many steps as things happen.
pub(super) fn binomial(random: &mut Random, n: u64, p: f64) -> u64 {
    if n == 0 || p.is_nan() || p <= 0.0 {
        return 0;
    }
    if p >= 1.0 {
        return n;
    }
    if p > 0.5 {
        return n - binomial(random, n, 1.0 - p);
    }
    let piece = (PIECE / p).floor().max(1.0) as u64;
    let (mut left, mut sum) = (n, 0);
    while left > 0 {
        let now = left.min(piece);
        sum += inverted(random, now, p);
        left -= now;
    }
    sum
}

fn inverted(random: &mut Random, n: u64, p: f64) -> u64 {
    let odds = p / (1.0 - p);
    let mut probability = (1.0 - p).powf(n as f64);
    let mut left = random.unit();
    for k in 0..n {
        if left < probability {
            return k;
        }
        left -= probability;
        probability *= odds * (n - k) as f64 / (k + 1) as f64;
    }
    n
}

/// How many things happen that come independently of each other, `mean` on average.
pub(super) fn poisson(random: &mut Random, mean: f64) -> u64 {
    if mean.is_nan() || mean <= 0.0 {
        return 0;
    }
    let pieces = (mean / PIECE).ceil().max(1.0) as u64;
    let of_each = mean / pieces as f64;
    let draw = |random: &mut Random| {
        let mut probability = (-of_each).exp();
        let mut left = random.unit();
        let mut k = 0_u64;
        // Far beyond any mean of a piece there is nothing left but rounding.
        while left >= probability && k < 1000 {
            left -= probability;
            k += 1;
            probability *= of_each / k as f64;
        }
        k
    };
    (0..pieces).map(|_| draw(random)).sum()
}

/// A number from the normal distribution (Box & Muller 1958).
pub(super) fn normal(random: &mut Random) -> f64 {
    let radius = (-2.0 * (1.0 - random.unit()).ln()).sqrt();
    radius * (std::f64::consts::TAU * random.unit()).cos()
}

/// Below which number a normal variable is with probability `p`: Acklam's rational approximation (2003), which is off
/// by at most 1.15e-9 of its value.
pub(super) fn normal_quantile(p: f64) -> f64 {
    const A: [f64; 6] = [
        -3.969683028665376e1,
        2.209460984245205e2,
        -2.759285104469687e2,
        1.38357751867269e2,
        -3.066479806614716e1,
        2.506628277459239,
    ];
    const B: [f64; 6] = [
        -5.447609879822406e1,
        1.615858368580409e2,
        -1.556989798598866e2,
        6.680131188771972e1,
        -1.328068155288572e1,
        1.0,
    ];
    const C: [f64; 6] = [
        -7.784894002430293e-3,
        -3.223964580411365e-1,
        -2.400758277161838,
        -2.549732539343734,
        4.374664141464968,
        2.938163982698783,
    ];
    const D: [f64; 5] =
        [7.784695709041462e-3, 3.224671290700398e-1, 2.445134137142996, 3.754408661907416, 1.0];
    let polynomial = |of: &[f64], x: f64| of.iter().fold(0.0, |sum, coefficient| sum * x + coefficient);
    let p = p.clamp(1e-12, 1.0 - 1e-12);
    let tail = |p: f64| {
        let q = (-2.0 * p.ln()).sqrt();
        polynomial(&C, q) / polynomial(&D, q)
    };
    if p < 0.02425 {
        tail(p)
    } else if p > 1.0 - 0.02425 {
        -tail(1.0 - p)
    } else {
        let q = p - 0.5;
        q * polynomial(&A, q * q) / polynomial(&B, q * q)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Means and variances, within five standard errors of the mean.
    #[test]
    fn draws_have_the_mean_and_variance_of_their_distributions() {
        let mut random = Random::from_seed(7);
        let runs = 20_000;
        let mut check = |what: &str, mean: f64, variance: f64, draw: &mut dyn FnMut(&mut Random) -> f64| {
            let draws: Vec<f64> = (0..runs).map(|_| draw(&mut random)).collect();
            let found = draws.iter().sum::<f64>() / f64::from(runs);
            let spread = draws.iter().map(|x| (x - found).powi(2)).sum::<f64>() / f64::from(runs);
            let error = (variance / f64::from(runs)).sqrt();
            assert!((found - mean).abs() < 5.0 * error, "{what}: mean {found}, not {mean}");
            assert!((spread / variance - 1.0).abs() < 0.06, "{what}: variance {spread}, not {variance}");
        };
        for (n, p) in [(20, 0.01), (200, 0.3), (5_000, 0.5), (5_000, 0.97), (1, 0.5)] {
            let (mean, variance) = (n as f64 * p, n as f64 * p * (1.0 - p));
            check("binomial", mean, variance, &mut |random| binomial(random, n, p) as f64);
        }
        for mean in [0.02, 3.0, 700.0] {
            check("poisson", mean, mean, &mut |random| poisson(random, mean) as f64);
        }
    }

    #[test]
    fn what_cannot_or_must_happen_is_not_left_to_chance() {
        let mut random = Random::from_seed(1);
        assert_eq!(binomial(&mut random, 100, 0.0), 0);
        assert_eq!(binomial(&mut random, 100, 1.0), 100);
        assert_eq!(binomial(&mut random, 100, f64::NAN), 0);
        assert_eq!(poisson(&mut random, 0.0), 0);
    }

    #[test]
    fn quantiles_of_the_normal_distribution_are_the_known_ones() {
        for (p, z) in [(0.5, 0.0), (0.95, 1.644_854), (0.99, 2.326_348), (0.001, -3.090_232)] {
            assert!((normal_quantile(p) - z).abs() < 1e-5, "{p}: {}", normal_quantile(p));
        }
    }
}
