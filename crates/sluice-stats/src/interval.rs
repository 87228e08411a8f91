//! Intervals that hold the truth at every moment with the probability asked for.

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
