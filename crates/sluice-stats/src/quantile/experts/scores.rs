//! Bets that look at how a request ranks among those of the past: that everything is slower, or the tail heavier.
//!
//! With `n` requests of both versions in a bucket, `c` of them the candidate's, an expert whose ratio there is `R`
//! gains `R^c / (1 + w (R - 1))^n`. The denominators of all buckets are multiplied before their logarithm is taken,
//! which saves a logarithm for each bucket and expert; with a block of a thousand requests spread widely, that is most
//! of the work there is.

use crate::histogram::{Histogram, WIDTH, side_by_side};
use crate::quantile::caution::Spread;
use crate::trials::Arms;

/// Shift experts: everything is slower by so many standard deviations of log time, were times log-normal.
pub(super) const SHIFTS: [f64; 3] = [0.07, 0.14, 0.3];
/// Lehmann experts: the tail's probabilities are raised to the power 1/x.
pub(super) const LEHMANN: [f64; 2] = [1.15, 1.4];
/// No expert assumes that one version is likelier by more than e^3 at any time.
const LN_RATIO_MAX: f64 = 3.0;
/// e^3 and e^-3.
const RATIO_MAX: f64 = 20.085_536_923_187_668;
const RATIO_MIN: f64 = 0.049_787_068_367_863_944;
/// What the powers are multiplied by: e^(-x²/2) for shifts, 1/x for Lehmann.
const SCALES: Each =
    [0.997_552_998_800_479_7, 0.990_247_863_518_234_7, 0.955_997_481_833_1, 1.0 / 1.15, 1.0 / 1.4];

/// How many of these experts there are.
pub(super) const SCORED: usize = SHIFTS.len() + LEHMANN.len();

/// A number for each of these experts.
type Each = [f64; SCORED];

/// What each expert gains by a block, as logarithms: shifts first.
pub(super) fn gains_by_score(past: &Histogram, w: f64, block: &Arms<Histogram>) -> Each {
    let ranked = ranked(past, block);
    // In turns, since what is needed for one bucket does not depend on another and is computed at the same time.
    let scores: Vec<Score> = ranked.iter().map(|(rank, _)| Score::new(*rank)).collect();
    let ratios: Vec<Each> = scores.iter().map(Score::ratios).collect();
    let (mut gains, mut norms) = ([0.0; SCORED], LnProduct::new());
    for (((_, requests), score), ratios) in ranked.iter().zip(&scores).zip(&ratios) {
        if requests.candidate > 0 {
            let ln_ratios = score.ln_ratios();
            each(|expert| gains[expert] += requests.candidate as f64 * ln_ratios[expert]);
        }
        norms.multiply(w, score, ratios, *requests);
    }
    let norms = norms.ln();
    each(|expert| gains[expert] -= norms[expert]);
    gains
}

/// How the scores of the versions differ, given the candidate's share `w` of the batch.
pub(super) fn spreads_by_score(past: &Histogram, w: f64, batch: &Arms<Histogram>) -> [Spread; SCORED] {
    let (mut excess, mut sum, mut squares, mut all) = ([0.0; SCORED], [0.0; SCORED], [0.0; SCORED], 0.0);
    for (rank, requests) in ranked(past, batch) {
        let scores = Score::new(rank).ln_ratios();
        let (candidate, both) =
            (requests.candidate as f64, requests.stable as f64 + requests.candidate as f64);
        all += both;
        each(|expert| {
            excess[expert] += scores[expert] * (candidate - w * both);
            sum[expert] += scores[expert] * both;
            squares[expert] += scores[expert] * scores[expert] * both;
        });
    }
    std::array::from_fn(|expert| {
        let spread = (squares[expert] - sum[expert] * sum[expert] / all.max(1.0)).max(0.0);
        let (size, v) = (spread / all.max(1.0), w * (1.0 - w) * spread * all / (all - 1.0).max(1.0));
        Spread { x: excess[expert], v, size, ..Spread::default() }
    })
}

/// Each bucket of the block that holds something: its rank, the share of the past that took less, counting half of the
/// bucket itself, within (0, 1); and how many requests it holds.
fn ranked(past: &Histogram, block: &Arms<Histogram>) -> Vec<(f64, Arms<u64>)> {
    let (mut ranked, mut shorter) = (Vec::with_capacity(Histogram::BUCKETS), 0_u64);
    for (_, [held, stable, candidate]) in side_by_side([past, &block.stable, &block.candidate]) {
        for i in 0..WIDTH {
            if stable[i] > 0 || candidate[i] > 0 {
                let rank = (shorter as f64 + 0.5 * held[i] as f64 + 0.5) / (past.count() as f64 + 1.0);
                // Above 1 only where a sum of counts was held at the greatest number.
                ranked.push((rank.min(1.0), Arms { stable: stable[i], candidate: candidate[i] }));
            }
            shorter = shorter.saturating_add(held[i]);
        }
    }
    ranked
}

/// What the experts think of a bucket: how many times likelier the candidate is there.
struct Score {
    /// The normal score of the bucket's rank.
    normal: f64,
    /// The logarithm of the share of the past that took longer.
    ln_longer: f64,
}

impl Score {
    /// Of a rank within (0, 1).
    fn new(rank: f64) -> Score {
        let (tail, is_upper) = if rank > 0.5 { (1.0 - rank, true) } else { (rank, false) };
        let ln_tail = tail.max(1e-300).ln();
        let ln_longer = if is_upper { ln_tail } else { (1.0 - rank).ln() };
        let normal = normal_score(ln_tail);
        Score { normal: if is_upper { normal } else { -normal }, ln_longer }
    }

    fn ln_ratios(&self) -> Each {
        let [a, b, c] = SHIFTS.map(|shift| shift * self.normal - shift * shift / 2.0);
        let [d, e] = LEHMANN.map(|power| (1.0 / power - 1.0) * self.ln_longer - power.ln());
        [a, b, c, d, e].map(|ln_ratio| ln_ratio.clamp(-LN_RATIO_MAX, LN_RATIO_MAX))
    }

    /// The same without the logarithm. Two exponentials are enough: shifts are multiples of 0.01, and 1 - 1/1.15 and
    /// 1 - 1/1.4 are 21 and 46 parts in 161.
    fn ratios(&self) -> Each {
        let shift = (0.01 * self.normal).exp();
        let shift_2 = shift * shift;
        let shift_7 = shift_2 * shift_2 * shift_2 * shift;
        let shift_14 = shift_7 * shift_7;
        let part = (self.ln_longer / -161.0).exp();
        let part_2 = part * part;
        let part_5 = part_2 * part_2 * part;
        let part_20 = part_5 * part_5 * (part_5 * part_5);
        let part_21 = part_20 * part;
        let part_23 = part_21 * part_2;
        let powers = [shift_7, shift_14, shift_14 * shift_14 * shift_2, part_21, part_23 * part_23];
        std::array::from_fn(|i| (powers[i] * SCALES[i]).clamp(RATIO_MIN, RATIO_MAX))
    }
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
    fn multiply(&mut self, w: f64, score: &Score, ratios: &Each, requests: Arms<u64>) {
        let mut power = requests.stable.saturating_add(requests.candidate);
        if power >> DIGITS > 0 {
            let power = requests.stable as f64 + requests.candidate as f64;
            let ln_ratios = score.ln_ratios();
            return each(|expert| self.ln[expert] += power * (w * ln_ratios[expert].exp_m1()).ln_1p());
        }
        if self.factors == FACTORS_MAX {
            self.take_out();
        }
        self.factors += 1;
        let factors = ratios.map(|ratio| 1.0 + w * (ratio - 1.0));
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

/// How far from the middle a normal distribution leaves such a tail beyond, given its logarithm, to 5e-4 (Abramowitz
/// and Stegun 26.2.23). It must never fall as the tail gets smaller, hence the floor where the two halves meet.
fn normal_score(ln_tail: f64) -> f64 {
    let t = (-2.0 * ln_tail).sqrt();
    let above = 2.515517 + t * (0.802853 + t * 0.010328);
    let below = 1.0 + t * (1.432788 + t * (0.189269 + t * 0.001308));
    (t - above / below).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normal_scores_are_right_and_never_fall() {
        for (rank, score) in [(0.5, 0.0), (0.975, 1.959_964), (0.001, -3.090_232), (0.84134, 0.999_98)] {
            assert!((Score::new(rank).normal - score).abs() < 1e-3, "{rank}");
        }
        let score = |rank| Score::new(f64::from(rank) / 100_000.0).normal;
        assert!((1..100_000).map(score).is_sorted());
    }

    #[test]
    fn ratios_and_their_logarithms_agree_at_every_rank() {
        let extremes = [1e-300, 1e-19, 1e-12, 1e-6, 1.0 - 1e-6, 1.0 - 1e-12, 1.0 - f64::EPSILON / 2.0, 1.0];
        for rank in (1..100_000).map(|rank| f64::from(rank) / 100_000.0).chain(extremes) {
            let score = Score::new(rank);
            for (ratio, ln_ratio) in score.ratios().into_iter().zip(score.ln_ratios()) {
                assert!((ratio / ln_ratio.exp() - 1.0).abs() < 1e-13, "{ratio} and {ln_ratio} at {rank}");
            }
        }
    }

    #[test]
    fn a_product_of_powers_has_the_logarithm_of_its_factors() {
        let mut product = LnProduct::new();
        let mut expected = [0.0; SCORED];
        for i in 1..2_000_u64 {
            let score = Score::new(i as f64 / 2_000.0);
            let requests = Arms { stable: i * i * i % 100_003, candidate: i % 7 };
            product.multiply(0.3, &score, &score.ratios(), requests);
            let power = (requests.stable + requests.candidate) as f64;
            let ln = score.ln_ratios().map(|ln_ratio| power * (0.3 * ln_ratio.exp_m1()).ln_1p());
            each(|expert| expected[expert] += ln[expert]);
        }
        let ln = product.ln();
        each(|expert| assert!((ln[expert] / expected[expert] - 1.0).abs() < 1e-12, "{ln:?} {expected:?}"));
    }
}
