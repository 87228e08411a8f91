//! Numbers with their units: percentages, quantiles, tolerances, confidences, bounds.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Weight;

/// A weight as people write it: a percentage, in steps of 0.001.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "f64", into = "f64")]
#[schema(value_type = f64, minimum = 0, maximum = 100, example = 5)]
pub struct Percent(pub Weight);

impl Default for Percent {
    fn default() -> Self {
        Percent(Weight::FULL)
    }
}

/// A number that is no percentage from 0 to 100 in steps of 0.001.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("{given} is not a percentage; write a number from 0 to 100, in steps of 0.001")]
pub struct InvalidPercent {
    /// The number that was given.
    pub given: f64,
}

impl TryFrom<f64> for Percent {
    type Error = InvalidPercent;

    fn try_from(given: f64) -> Result<Self, InvalidPercent> {
        Weight::from_percent(given).map(Percent).ok_or(InvalidPercent { given })
    }
}

impl From<Percent> for f64 {
    fn from(percent: Percent) -> f64 {
        percent.0.percent()
    }
}

/// A quantile: above 0 and below 1. Kept in parts per 100 000 so that it compares exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "f64", into = "f64")]
#[schema(value_type = f64, exclusive_minimum = 0, exclusive_maximum = 1, example = 0.95)]
pub struct Quantile(u32);

impl Quantile {
    /// As a fraction of one.
    pub fn fraction(self) -> f64 {
        f64::from(self.0) / 100_000.0
    }
}

/// A number that is no quantile.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("{given} is not a quantile; write a number above 0 and below 1, as 0.95")]
pub struct InvalidQuantile {
    /// The number that was given.
    pub given: f64,
}

impl TryFrom<f64> for Quantile {
    type Error = InvalidQuantile;

    fn try_from(given: f64) -> Result<Self, InvalidQuantile> {
        let parts = (given * 100_000.0).round();
        if (1.0..=99_999.0).contains(&parts) {
            Ok(Quantile(parts as u32))
        } else {
            Err(InvalidQuantile { given })
        }
    }
}

impl From<Quantile> for f64 {
    fn from(quantile: Quantile) -> f64 {
        quantile.fraction()
    }
}

/// How much worse is still fine: `0.5pp` (percentage points, for ratios) or `10%` (of stable's own value).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Tolerance {
    /// Added to stable's ratio, as a fraction: `0.5pp` is 0.005.
    Points(f64),
    /// Times stable's value, as a fraction: `10%` is 0.10.
    Relative(f64),
}

impl Default for Tolerance {
    fn default() -> Self {
        Tolerance::Relative(0.0)
    }
}

/// How sure one must be: written `99%`, above 50 % and below 100 %.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, pattern = r"^\d+(\.\d+)?%$", example = "99%")]
pub struct Confidence(f64);

impl Confidence {
    /// The probability of a false alarm that is accepted, over the whole release: 0.01 for `99%`.
    pub fn alpha(self) -> f64 {
        1.0 - self.0
    }
}

impl Default for Confidence {
    fn default() -> Self {
        Confidence(0.99)
    }
}

/// A bound with its unit: `5%`, `800ms`, `2.5`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Bound {
    /// A share, as a fraction: `5%` is 0.05.
    Ratio(f64),
    /// Milliseconds.
    Millis(f64),
    /// A plain number: per second, for rates.
    Plain(f64),
}

/// Text that is no tolerance, confidence or bound.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is not {what}; write it as {form}")]
pub struct InvalidQuantity {
    /// The text that was given.
    pub given: String,
    /// What it should have been.
    pub what: &'static str,
    /// How that is written.
    pub form: &'static str,
}

/// A number of at least zero, written plainly (`0.5`, not `5e-1`), with what follows it.
fn number_and_unit(text: &str) -> Option<(f64, &str)> {
    let text = text.trim();
    let end = text.bytes().take_while(|b| b.is_ascii_digit() || *b == b'.').count();
    let number: f64 = text[..end].parse().ok()?;
    number.is_finite().then(|| (number, text[end..].trim_start()))
}

impl TryFrom<String> for Tolerance {
    type Error = InvalidQuantity;

    fn try_from(given: String) -> Result<Self, InvalidQuantity> {
        match number_and_unit(&given) {
            Some((points, "pp")) if points < 100.0 => Ok(Tolerance::Points(points / 100.0)),
            Some((percent, "%")) if percent <= 1000.0 => Ok(Tolerance::Relative(percent / 100.0)),
            _ => Err(InvalidQuantity {
                given,
                what: "a tolerance",
                form: "`0.5pp` (percentage points) or `10%` (of stable's own value)",
            }),
        }
    }
}

impl From<Tolerance> for String {
    fn from(tolerance: Tolerance) -> String {
        match tolerance {
            Tolerance::Points(fraction) => format!("{}pp", percent_digits(fraction)),
            Tolerance::Relative(fraction) => format!("{}%", percent_digits(fraction)),
        }
    }
}

impl TryFrom<String> for Confidence {
    type Error = InvalidQuantity;

    fn try_from(given: String) -> Result<Self, InvalidQuantity> {
        match number_and_unit(&given) {
            Some((percent, "%")) if percent > 50.0 && percent < 100.0 => Ok(Confidence(percent / 100.0)),
            _ => {
                Err(InvalidQuantity { given, what: "a confidence", form: "`99%`, above 50% and below 100%" })
            }
        }
    }
}

impl From<Confidence> for String {
    fn from(confidence: Confidence) -> String {
        format!("{}%", percent_digits(confidence.0))
    }
}

impl TryFrom<String> for Bound {
    type Error = InvalidQuantity;

    fn try_from(given: String) -> Result<Self, InvalidQuantity> {
        match number_and_unit(&given) {
            Some((percent, "%")) if percent <= 100.0 => Ok(Bound::Ratio(percent / 100.0)),
            Some((millis, "ms")) => Ok(Bound::Millis(millis)),
            Some((secs, "s")) => Ok(Bound::Millis(secs * 1000.0)),
            Some((number, "")) => Ok(Bound::Plain(number)),
            _ => Err(InvalidQuantity {
                given,
                what: "a bound",
                form: "`5%` for a ratio, `800ms` for latency, or a plain number for a rate",
            }),
        }
    }
}

impl From<Bound> for String {
    fn from(bound: Bound) -> String {
        match bound {
            Bound::Ratio(fraction) => format!("{}%", percent_digits(fraction)),
            Bound::Millis(millis) => format!("{millis}ms"),
            Bound::Plain(number) => number.to_string(),
        }
    }
}

text_schema!(Tolerance, r"^\d+(\.\d+)?(pp|%)$", "0.5pp");

/// A bound without a unit may be written as a number.
impl utoipa::PartialSchema for Bound {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, Type};
        let text = ObjectBuilder::new()
            .schema_type(Type::String)
            .pattern(Some(r"^\d+(\.\d+)?(%|ms|s)?$"))
            .examples(["800ms"]);
        let number = ObjectBuilder::new().schema_type(Type::Number).minimum(Some(0.0));
        OneOfBuilder::new().item(text).item(number).into()
    }
}
impl utoipa::ToSchema for Bound {}

/// A fraction as a percentage with at most nine decimals, so that `0.07 * 100` reads `7`.
fn percent_digits(fraction: f64) -> f64 {
    (fraction * 100.0 * 1e9).round() / 1e9
}
