//! What the data say of how many times stable's rate the candidate's is: the likelihood of every ratio.
//!
//! Given that something failed, or an event happened, the ratio and the exposures say with which odds it was the
//! candidate's; nothing else need be known, and what both versions meet alike cancels out. A ratio is held possible
//! while its likelihood is not less than alpha times that of a bettor who knew the past only (the method of mixtures:
//! Robbins, 1970; Howard, Ramdas, McAuliffe, Sekhon, Annals of Statistics 49, 2021).

use serde::{Deserialize, Serialize};

use super::Interval;

/// The likelihood is known at so many logarithms of ratios, evenly from -5 to 5, and between them to the fourth order.
const POINTS: usize = 57;
const LN_MAX: f64 = 5.0;
const STEP: f64 = 2.0 * LN_MAX / (POINTS - 1) as f64;
/// How far the cubic between two points may be from the truth, for one event: the fourth derivative of ln(1 + e^x) is
/// at most 1/8, times step^4 / 384.
const CUBIC_ERROR: f64 = STEP * STEP * STEP * STEP / 384.0 / 8.0;
/// The bettor mixes the points until there is so much information, and then bets on the estimate from the past, since
/// the points are then too far apart.
const MIXES_UNTIL: f64 = 100.0;

/// Likelihoods, as logarithms, and their slopes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Curve {
    values: Vec<f64>,
    slopes: Vec<f64>,
    /// What the bettor gained since it has not mixed any more, and what its mixture had gained until then.
    bettor: f64,
    mixed: Option<f64>,
    events: f64,
    /// Mantel and Haenszel's sums for the candidate and stable: their ratio is the estimate.
    sums: (f64, f64),
}

impl Curve {
    pub(crate) fn new() -> Curve {
        Curve {
            values: vec![0.0; POINTS],
            slopes: vec![0.0; POINTS],
            bettor: 0.0,
            mixed: None,
            events: 0.0,
            sums: (0.0, 0.0),
        }
    }

    /// Adds `all` events of which `candidate` were the candidate's, with the candidate's exposure so many times
    /// stable's. Each counts as `worth` independent ones.
    pub(crate) fn add(&mut self, odds: f64, all: f64, candidate: f64, worth: f64) {
        if all <= 0.0 {
            return;
        }
        let (estimate, share) = (self.estimate(), odds / (1.0 + odds));
        if self.mixed.is_some() {
            self.bettor += worth * (candidate * estimate.ln() - all * (estimate * odds).ln_1p());
        }
        for (j, (value, slope)) in self.values.iter_mut().zip(&mut self.slopes).enumerate() {
            let at = odds * ratio(j);
            *value += worth * (candidate * ln_ratio(j) - all * at.ln_1p());
            *slope += worth * (candidate - all * at / (1.0 + at));
        }
        self.events += worth * all;
        self.sums.0 += candidate * (1.0 - share);
        self.sums.1 += (all - candidate) * share;
        let (up, down) = self.sums;
        if self.mixed.is_none() && up.min(down) * worth > MIXES_UNTIL / 4.0 {
            self.mixed = Some(self.mixture());
        }
    }

    /// How many independent events were added.
    pub(crate) fn events(&self) -> f64 {
        self.events
    }

    /// The estimate; half an event of either version is added, so that it is a number from the beginning.
    fn estimate(&self) -> f64 {
        let (candidate, stable) = self.sums;
        ((candidate + 0.25) / (stable + 0.25)).clamp((-LN_MAX).exp(), LN_MAX.exp())
    }

    /// The mean likelihood of all points: of those near the middle a little more than of the others.
    fn mixture(&self) -> f64 {
        let weight = |j: usize| 1.0 / (1.0 + ln_ratio(j) * ln_ratio(j));
        let highest = self.values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let (mut sum, mut weights) = (0.0, 0.0);
        for (j, value) in self.values.iter().enumerate() {
            weights += weight(j);
            sum += weight(j) * (value - highest).exp();
        }
        highest + (sum / weights).ln()
    }

    /// Between which bounds the ratio is, at every moment with a probability of at least 1 - alpha.
    pub(crate) fn interval(&self, alpha: f64) -> Interval {
        let bettor = self.mixed.map_or_else(|| self.mixture(), |mixed| mixed + self.bettor);
        let least = bettor + alpha.ln() - CUBIC_ERROR * self.events;
        // The piece that holds the peak; the slopes fall from point to point.
        let peak = self.slopes.partition_point(|slope| *slope > 0.0);
        let low = if peak == 0 { f64::NEG_INFINITY } else { self.crossing(peak - 1, least, true) };
        let high = if peak == POINTS { f64::INFINITY } else { self.crossing(peak, least, false) };
        // Where no ratio is possible any more, both bounds are the likeliest one, apart from rounding.
        let (low, high) = (low.min(high).exp(), low.max(high).exp());
        Interval { low, estimate: self.estimate().clamp(low, high), high }
    }

    /// Where the curve falls below `least`, looking from the point `from` next to the peak away from it. Infinite where
    /// it does not.
    fn crossing(&self, from: usize, least: f64, downwards: bool) -> f64 {
        let next = |j: usize| if downwards { j.checked_sub(1) } else { Some(j + 1).filter(|j| *j < POINTS) };
        let mut j = from;
        if self.values[j] < least {
            // The curve crosses in the peak's own piece, between its peak and this point.
            let other = if downwards { Some(j + 1).filter(|j| *j < POINTS) } else { j.checked_sub(1) };
            let Some(other) = other else { return ln_ratio(j) };
            let piece = self.piece(j.min(other));
            let top = piece.peak();
            return ln_ratio(j.min(other))
                + STEP * piece.crossing(top, if downwards { 0.0 } else { 1.0 }, least);
        }
        while let Some(further) = next(j) {
            if self.values[further] < least {
                let piece = self.piece(j.min(further));
                let (inside, outside) = if downwards { (1.0, 0.0) } else { (0.0, 1.0) };
                return ln_ratio(j.min(further)) + STEP * piece.crossing(inside, outside, least);
            }
            j = further;
        }
        if downwards { f64::NEG_INFINITY } else { f64::INFINITY }
    }

    fn piece(&self, j: usize) -> Piece {
        let (a, b) = (self.values[j], self.values[j + 1]);
        let (s, t) = (self.slopes[j] * STEP, self.slopes[j + 1] * STEP);
        Piece { value: a, slope: s, square: 3.0 * (b - a) - 2.0 * s - t, cube: 2.0 * (a - b) + s + t }
    }
}

fn ln_ratio(j: usize) -> f64 {
    -LN_MAX + STEP * j as f64
}

fn ratio(j: usize) -> f64 {
    static RATIOS: std::sync::LazyLock<[f64; POINTS]> =
        std::sync::LazyLock::new(|| std::array::from_fn(|j| ln_ratio(j).exp()));
    RATIOS[j]
}

/// A cubic over [0, 1].
#[derive(Clone, Copy, Debug)]
struct Piece {
    value: f64,
    slope: f64,
    square: f64,
    cube: f64,
}

impl Piece {
    fn at(&self, x: f64) -> f64 {
        self.value + x * (self.slope + x * (self.square + x * self.cube))
    }

    /// Where the slope turns from rising to falling, which it does within the piece.
    fn peak(&self) -> f64 {
        let slope = |x: f64| self.slope + x * (2.0 * self.square + 3.0 * x * self.cube);
        halve(0.0, 1.0, |x| slope(x) > 0.0)
    }

    /// Where it falls below `least` between a place where it is not and one where it is.
    fn crossing(&self, inside: f64, outside: f64, least: f64) -> f64 {
        if self.at(inside) < least { inside } else { halve(inside, outside, |x| self.at(x) >= least) }
    }
}

/// The place between `inside` and `outside` where `holds` ceases to.
pub(super) fn halve(mut inside: f64, mut outside: f64, holds: impl Fn(f64) -> bool) -> f64 {
    for _ in 0..40 {
        let middle = 0.5 * (inside + outside);
        if holds(middle) {
            inside = middle;
        } else {
            outside = middle;
        }
    }
    // The bound is on the outer side.
    outside
}
