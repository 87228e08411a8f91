//! Bets on the odds of meeting the candidate, and the likelihood of all odds.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::trials::Arms;

/// How many sizes are bet on in each direction, as logarithms of the factor by which odds are wrong, evenly on a log
/// scale: from half a percent to fifty-fold.
const SIZES: usize = 32;
const SIZE_MIN: f64 = 0.005;
const SIZE_MAX: f64 = 4.0;
/// Between which sizes all are bet on alike, and how quickly bets fall beyond, on the log scale of sizes: odds that are
/// wrong by 7 % up to those that are twice what they should be.
const USUAL_MIN: f64 = 0.07;
const USUAL_MAX: f64 = 0.7;
const FALL: f64 = 0.5;

/// How many bets there are.
pub(super) const EXPERTS: usize = 2 * SIZES;

/// The bets, as logarithms of the factor: a positive and the same negative size in turn.
static SHIFTS: LazyLock<[f64; EXPERTS]> = LazyLock::new(|| {
    let ratio = (SIZE_MAX / SIZE_MIN).powf(1.0 / (SIZES - 1) as f64);
    std::array::from_fn(|i| {
        let size = SIZE_MIN * ratio.powi((i / 2) as i32);
        if i % 2 == 0 { size } else { -size }
    })
});

/// Their prior weights, which add up to 1.
pub(super) static PRIORS: LazyLock<[f64; EXPERTS]> = LazyLock::new(|| {
    let weights = SHIFTS.map(|shift| {
        let beyond = (USUAL_MIN / shift.abs()).max(shift.abs() / USUAL_MAX).max(1.0).ln();
        1.0 / (1.0 + (beyond / FALL).powi(2))
    });
    let sum: f64 = weights.iter().sum();
    weights.map(|weight| weight / sum)
});

/// The bets, as logarithms of the factor.
pub(super) fn shifts() -> impl Iterator<Item = f64> + Clone {
    SHIFTS.iter().copied()
}

/// The logarithm of what the bet gains by a batch: how many times likelier the batch is if the odds are `e^shift` times
/// those of the weight. It is expected to be 1 exactly if the weight is right.
pub(super) fn ln_gain(shift: f64, weight: f64, visitors: Arms<u64>) -> f64 {
    let (stable, candidate) = (visitors.stable as f64, visitors.candidate as f64);
    // Both terms by themselves, since they nearly cancel for large counts.
    let norm = (weight * shift.exp_m1()).ln_1p();
    candidate * (shift - norm) - stable * norm
}

/// The logarithm of the likelihood of each shift, and its slope, relative to no shift.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Curve {
    /// In the order of shifts, from the lowest, with none in the middle.
    points: Vec<Point>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Point {
    ln: f64,
    slope: f64,
}

/// The places of a curve's points, from the lowest.
static PLACES: LazyLock<[f64; EXPERTS + 1]> = LazyLock::new(|| {
    let mut places = [0.0; EXPERTS + 1];
    places[1..].copy_from_slice(&*SHIFTS);
    places.sort_by(f64::total_cmp);
    places
});

/// Enough to halve the whole range down to a millionth of the smallest size.
const HALVINGS: u32 = 40;

impl Curve {
    pub(super) fn new() -> Curve {
        Curve { points: vec![Point::default(); EXPERTS + 1] }
    }

    pub(super) fn add(&mut self, weight: f64, visitors: Arms<u64>) {
        let all = visitors.stable as f64 + visitors.candidate as f64;
        for (point, shift) in self.points.iter_mut().zip(*PLACES) {
            let odds = weight * shift.exp();
            point.ln += ln_gain(shift, weight, visitors);
            point.slope += visitors.candidate as f64 - all * odds / (1.0 - weight + odds);
        }
    }

    /// The lowest, the likeliest and the highest shift, such that the true one is within at all times with a
    /// probability of `1 - alpha`: all shifts of which the likelihood is above `alpha` times the mean over the bets,
    /// which for the true shift it always is with that probability. Open where there is no such end.
    pub(super) fn interval(&self, alpha: f64) -> [f64; 3] {
        let estimate = self.likeliest();
        let least = alpha.ln() + self.ln_mean();
        let is_within = |shift: f64| self.at_most(shift) > least;
        let end = |beyond: f64| {
            if is_within(beyond) {
                return beyond * f64::INFINITY;
            }
            let (mut inside, mut outside) = (estimate, beyond);
            for _ in 0..HALVINGS {
                let middle = 0.5 * (inside + outside);
                if is_within(middle) { inside = middle } else { outside = middle }
            }
            outside
        };
        [end(-SIZE_MAX), estimate, end(SIZE_MAX)]
    }

    fn ln_mean(&self) -> f64 {
        let prior = |place: f64| match place {
            0.0 => 0.0,
            _ => SHIFTS.iter().position(|shift| *shift == place).map_or(0.0, |i| PRIORS[i]),
        };
        let highest = self.points.iter().map(|point| point.ln).fold(f64::NEG_INFINITY, f64::max);
        let parts =
            self.points.iter().zip(*PLACES).map(|(point, place)| prior(place) * (point.ln - highest).exp());
        highest + parts.sum::<f64>().max(f64::MIN_POSITIVE).ln()
    }

    fn likeliest(&self) -> f64 {
        let last = self.points.len() - 1;
        if self.points[0].slope <= 0.0 {
            return PLACES[0];
        }
        let Some(end) = self.points.iter().position(|point| point.slope <= 0.0) else { return PLACES[last] };
        // Slopes fall from point to point; between two, nearly along a line.
        let (low, high) = (self.points[end - 1].slope, self.points[end].slope);
        PLACES[end - 1] + (PLACES[end] - PLACES[end - 1]) * low / (low - high)
    }

    /// No less than the logarithm of the likelihood of a shift: the cubic through the points around it and its largest
    /// error, but no more than their tangents, below which the logarithm is since it is concave.
    ///
    /// The fourth derivative is at most the variance of a visitor's version, summed over visitors, which changes by at
    /// most a factor of e over a distance of 1 and is, on average between two points, how far the slope falls.
    fn at_most(&self, shift: f64) -> f64 {
        let end = PLACES.iter().position(|place| *place >= shift).unwrap_or(EXPERTS).max(1);
        let (from, to) = (self.points[end - 1], self.points[end]);
        let (width, part) = (PLACES[end] - PLACES[end - 1], shift - PLACES[end - 1]);
        let tangents = (from.ln + from.slope * part).min(to.ln + to.slope * (part - width));
        let t = part / width;
        let cubic = from.ln * (1.0 + 2.0 * t) * (1.0 - t).powi(2)
            + to.ln * t * t * (3.0 - 2.0 * t)
            + width * t * (1.0 - t) * (from.slope * (1.0 - t) - to.slope * t);
        let error = width.powi(3) / 384.0 * (from.slope - to.slope) * width.exp();
        tangents.min(cubic + error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_curve_is_never_below_the_likelihood_and_close_to_it() {
        let batches = [(0.05, 3, 1), (0.05, 2_000, 130), (0.3, 700, 310), (0.5, 10_000, 9_000)];
        let mut curve = Curve::new();
        for (weight, stable, candidate) in batches {
            curve.add(weight, Arms { stable, candidate });
        }
        for i in -1_000..1_000 {
            let shift = f64::from(i) / 1_000.0;
            let exact: f64 = batches
                .iter()
                .map(|(w, stable, candidate)| {
                    ln_gain(shift, *w, Arms { stable: *stable, candidate: *candidate })
                })
                .sum();
            let found = curve.at_most(shift);
            assert!(
                (exact - 1e-7..exact + 0.1 + 0.01 * exact.abs()).contains(&found),
                "{found} for {exact} at {shift}"
            );
        }
    }

    #[test]
    fn priors_add_up_to_one_and_are_the_same_in_both_directions() {
        assert!((PRIORS.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        for (shifts, priors) in SHIFTS.chunks(2).zip(PRIORS.chunks(2)) {
            assert_eq!((shifts[0], priors[0]), (-shifts[1], priors[1]));
        }
    }
}
