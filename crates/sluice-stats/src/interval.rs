//! Intervals that hold the truth at every moment with the probability asked for.

mod curve;
mod rate;
mod ratio;
mod share;

pub use self::rate::RateInterval;
pub use self::ratio::RatioInterval;

use serde::{Deserialize, Serialize};

/// What something probably is, and between which bounds it is with the confidence asked for. A bound that the data do
/// not set is infinite or the end of what is possible.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The lower bound.
    pub low: f64,
    /// The most likely value.
    pub estimate: f64,
    /// The upper bound.
    pub high: f64,
}

/// Alpha within a millionth and a half; 0.05 if it is no number.
fn held_alpha(alpha: f64) -> f64 {
    if alpha.is_nan() { 0.05 } else { alpha.clamp(1e-6, 0.5) }
}
