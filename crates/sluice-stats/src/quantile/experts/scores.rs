//! Bets that look at how a request ranks among those of the past: that everything is slower, or the tail heavier.
//!
//! With `n` requests of both versions in a bucket, `c` of them the candidate's, an expert whose ratio there is `R`
//! gains `R^c / (1 + w (R - 1))^n`. The denominators of all buckets are multiplied before their logarithm is taken,
//! which saves a logarithm for each bucket and expert; with a block of a thousand requests spread widely, that is most
//! of the work there is.

use crate::histogram::{Histogram, WIDTH, side_by_side};
use crate::trials::Arms;

/// Shift experts: everything is slower by so many standard deviations of log time, were times log-normal.
pub(super) const SHIFTS: [f64; 3] = [0.07, 0.14, 0.3];
/// Lehmann experts: the tail's probabilities are raised to the power 1/x.
pub(super) const LEHMANN: [f64; 2] = [1.15, 1.4];
/// No expert assumes that one version is likelier by more than e^3 at any time.
const LN_RATIO_MAX: f64 = 3.0;

/// How many of these experts there are.
pub(super) const SCORED: usize = SHIFTS.len() + LEHMANN.len();

/// A number for each of these experts.
type Each = [f64; SCORED];

/// What each expert gains by a block, as logarithms: shifts first.
pub(super) fn gains_by_score(past: &Histogram, w: f64, block: &Arms<Histogram>) -> Each {
    let (mut gains, mut norms, mut shorter) = ([0.0; SCORED], LnProduct::new(), 0_u64);
    for (_, [held, stable, candidate]) in side_by_side([past, &block.stable, &block.candidate]) {
        for i in 0..WIDTH {
            let requests = Arms { stable: stable[i], candidate: candidate[i] };
            if requests != Arms::default() {
                // The share of the past that took less, counting half of the bucket itself; within (0, 1).
                let rank = (shorter as f64 + 0.5 * held[i] as f64 + 0.5) / (past.count() as f64 + 1.0);
                let ln_ratios = ln_ratios(rank);
                each(|expert| gains[expert] += requests.candidate as f64 * ln_ratios[expert]);
                norms.multiply(w, &ln_ratios, requests);
            }
            shorter = shorter.saturating_add(held[i]);
        }
    }
    let norms = norms.ln();
    each(|expert| gains[expert] -= norms[expert]);
    gains
}

/// The logarithms of the experts' ratios at a rank.
fn ln_ratios(rank: f64) -> Each {
    let normal = normal_score(rank);
    let ln_longer = (-rank).ln_1p();
    let [a, b, c] = SHIFTS.map(|shift| shift * normal - shift * shift / 2.0);
    let [d, e] = LEHMANN.map(|power| (1.0 / power - 1.0) * ln_longer - power.ln());
    [a, b, c, d, e].map(|ln_ratio| ln_ratio.clamp(-LN_RATIO_MAX, LN_RATIO_MAX))
}

fn each(what: impl FnMut(usize)) {
    (0..SCORED).for_each(what);
}

/// A product of powers of which only the logarithm is wanted.
struct LnProduct {
    /// For each binary digit of the powers, the product of the factors whose power has it.
    by_digit: [Each; DIGITS],
    /// How many factors are in these products, at most.
    factors: u32,
    /// What was taken out of them.
    ln: Each,
}

/// Powers up to 2 to this are taken by their digits.
const DIGITS: usize = 16;
/// How many factors, each within e^-3 and e^3, can be multiplied without leaving the range of numbers, e^-708 to e^709.
const FACTORS_MAX: u32 = 200;

impl LnProduct {
    fn new() -> LnProduct {
        LnProduct { by_digit: [[1.0; SCORED]; DIGITS], factors: 0, ln: [0.0; SCORED] }
    }

    /// Multiplies by 1 + w (ratio - 1), as often as there are requests.
    fn multiply(&mut self, w: f64, ln_ratios: &Each, requests: Arms<u64>) {
        let mut power = requests.stable.saturating_add(requests.candidate);
        if power >> DIGITS > 0 {
            let power = requests.stable as f64 + requests.candidate as f64;
            return each(|expert| self.ln[expert] += power * (w * ln_ratios[expert].exp_m1()).ln_1p());
        }
        if self.factors == FACTORS_MAX {
            self.take_out();
        }
        self.factors += 1;
        let factors = ln_ratios.map(|ln_ratio| 1.0 + w * (ln_ratio.exp() - 1.0));
        while power > 0 {
            let product = &mut self.by_digit[power.trailing_zeros() as usize];
            each(|expert| product[expert] *= factors[expert]);
            power &= power - 1;
        }
    }

    fn take_out(&mut self) {
        for (digit, product) in self.by_digit.iter_mut().enumerate() {
            if *product != [1.0; SCORED] {
                let power = (1_u64 << digit) as f64;
                each(|expert| self.ln[expert] += power * product[expert].ln());
                *product = [1.0; SCORED];
            }
        }
        self.factors = 0;
    }

    fn ln(mut self) -> Each {
        self.take_out();
        self.ln
    }
}

/// The standard normal quantile of a rank within (0, 1), to 5e-4 (Abramowitz and Stegun 26.2.23). It must never fall
/// as the rank grows, hence the floor where the two halves meet.
fn normal_score(rank: f64) -> f64 {
    let tail = rank.min(1.0 - rank).max(1e-300);
    let t = (-2.0 * tail.ln()).sqrt();
    let above = 2.515517 + t * (0.802853 + t * 0.010328);
    let below = 1.0 + t * (1.432788 + t * (0.189269 + t * 0.001308));
    (t - above / below).max(0.0).copysign(rank - 0.5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normal_scores_are_right_and_never_fall() {
        for (rank, score) in [(0.5, 0.0), (0.975, 1.959_964), (0.001, -3.090_232), (0.84134, 0.999_98)] {
            assert!((normal_score(rank) - score).abs() < 1e-3, "{rank}");
        }
        let scores: Vec<f64> = (1..100_000).map(|rank| normal_score(f64::from(rank) / 100_000.0)).collect();
        assert!(scores.is_sorted());
    }
}
