//! Shares of traffic, in whole parts per 100 000.
//!
//! Integers, so that shares add up exactly, compare exactly and can be identity; fine enough for a step of
//! 0.001 %.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A share of traffic: `0..=100_000` parts per 100 000.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(try_from = "u32", into = "u32")]
#[schema(value_type = u32, minimum = 0, maximum = 100_000, example = 5_000)]
pub struct Weight(u32);

/// A number of parts above [`Weight::FULL`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a weight is at most 100000 parts, not {given}")]
pub struct TooHeavy {
    /// The number of parts that was given.
    pub given: u32,
}

impl Weight {
    /// How many parts make the whole.
    pub const PARTS: u32 = 100_000;
    /// Nobody.
    pub const ZERO: Weight = Weight(0);
    /// Everybody.
    pub const FULL: Weight = Weight(Self::PARTS);

    /// Parts per 100 000.
    pub const fn parts(self) -> u32 {
        self.0
    }

    /// The nearest weight to a percentage; `None` unless `0 <= percent <= 100` and a multiple of 0.001.
    pub fn from_percent(percent: f64) -> Option<Weight> {
        let parts = percent * f64::from(Self::PARTS) / 100.0;
        let whole = parts.round();
        let in_range = (0.0..=f64::from(Self::PARTS)).contains(&whole);
        // Whole and in range, so the conversion is exact.
        (in_range && (parts - whole).abs() < 1e-6).then_some(Weight(whole as u32))
    }

    /// What is left of the whole.
    pub const fn rest(self) -> Weight {
        Weight(Self::PARTS - self.0)
    }

    /// As a percentage.
    pub fn percent(self) -> f64 {
        f64::from(self.0) * 100.0 / f64::from(Self::PARTS)
    }

    /// As a fraction of one.
    pub fn fraction(self) -> f64 {
        f64::from(self.0) / f64::from(Self::PARTS)
    }
}

impl TryFrom<u32> for Weight {
    type Error = TooHeavy;

    fn try_from(parts: u32) -> Result<Self, TooHeavy> {
        if parts <= Self::PARTS { Ok(Weight(parts)) } else { Err(TooHeavy { given: parts }) }
    }
}

impl From<Weight> for u32 {
    fn from(weight: Weight) -> u32 {
        weight.0
    }
}

/// `5 %`, `0.125 %`.
impl fmt::Display for Weight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} %", self.percent())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentage_that_is_not_whole_parts_is_no_weight() {
        assert_eq!(Weight::from_percent(0.001).map(Weight::parts), Some(1));
        assert_eq!(Weight::from_percent(33.333).map(Weight::parts), Some(33_333));
        assert_eq!(Weight::from_percent(0.0005), None);
        assert_eq!(Weight::from_percent(100.001), None);
        assert_eq!(Weight::from_percent(-1.0), None);
        assert_eq!(Weight::from_percent(f64::NAN), None);
    }

    #[test]
    fn prints_as_people_write_it() {
        assert_eq!(Weight::from_percent(12.5).unwrap().to_string(), "12.5 %");
        assert_eq!(Weight::FULL.to_string(), "100 %");
    }
}
