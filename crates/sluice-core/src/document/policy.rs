//! `Policy`: steps, checks, and what to do on trouble.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Name, Span, Weight};

/// How releases go: written once, by somebody who knows, for every team that ships.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PolicySpec {
    /// What the policy is for, in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Who meets the candidate, in order. No step may show it to fewer people than the one before.
    #[schema(min_items = 1)]
    pub steps: Vec<StepSpec>,
    /// What is watched, in every step. Default: nothing, so that only time and people decide.
    pub checks: Vec<CheckSpec>,
    /// What happens when a check fails. Default `rollback`.
    pub on_fail: OnFail,
    /// What happens when a check cannot tell. Default: wait 1h, then pause.
    pub on_inconclusive: OnInconclusive,
    /// What happens when a newer version is released while this one is under way. Default `supersede`.
    pub on_newer: OnNewer,
    /// How long the previous version is kept, so that return is instant, after everyone has the new one; checks go
    /// on meanwhile. Default 1h.
    pub keep_previous: Span,
    /// How long the candidate may take to have a ready endpoint, before the release starts. Default 10m.
    pub ready_within: Span,
}

/// One step: who meets the candidate, and for how long before the next.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StepSpec {
    /// A short name: `staff`, `small`, `all`.
    pub name: Name,
    /// Who meets the candidate. A visitor meets it when any line takes them in.
    pub audience: Vec<AudienceRule>,
    /// Segments that do not meet it, whatever the audience says.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclude: Vec<Name>,
    /// What must have been before the next step.
    #[serde(default)]
    pub hold: Hold,
}

/// A share of a segment, or of everyone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AudienceRule {
    /// The segment; everyone when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segment: Option<Name>,
    /// How much of it. All of it when absent.
    #[serde(default)]
    pub percent: Percent,
}

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

/// What must have been before a release goes on; all of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Hold {
    /// Time in this step, not counting pauses.
    #[serde(default)]
    pub time: Span,
    /// Requests that the candidate answered in this step.
    #[serde(default)]
    pub requests: u64,
    /// With `true`, the step ends only when somebody promotes.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub until_promoted: bool,
}

/// Something that is watched.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CheckSpec {
    /// The metric: a built-in one (`http.errors`) or a Metric document.
    pub metric: Name,
    /// For a distribution: which quantile, above 0 and below 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantile: Option<Quantile>,
    /// How the metric is judged.
    #[serde(flatten)]
    pub judge: Judge,
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

/// How a metric is judged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum Judge {
    /// Against the people on stable, now: `compare: stable, tolerate: 0.5pp, confidence: 99%`.
    Compare(Comparison),
    /// Against fixed bounds, over the last minute: `max: 5%`.
    Threshold(Threshold),
}

/// Against the people on stable, now, by a test that stays valid however often it is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Comparison {
    /// What it is compared with.
    pub compare: CompareWith,
    /// How much worse is still fine. Default: nothing.
    #[serde(default)]
    pub tolerate: Tolerance,
    /// How sure one must be to call it worse. Default 99%.
    #[serde(default)]
    pub confidence: Confidence,
}

/// What a candidate is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum CompareWith {
    /// The people on stable, at the same time.
    Stable,
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

/// Fixed bounds. At least one of `max` and `min` is given.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Threshold {
    /// More than this fails: `5%` for a ratio, `800ms` for latency, a plain number per second for a rate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<Bound>,
    /// Less than this fails.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<Bound>,
    /// Over how much of the past. Default 1m.
    #[serde(default = "default_window")]
    pub window: Span,
    /// How many requests it takes in that time to judge at all. Default 50.
    #[serde(default = "default_sample")]
    pub sample: u64,
}

/// One minute: long enough to hold a few dozen requests of a small service, short enough to act on.
pub const DEFAULT_WINDOW: Span = Span::from_secs(60);
/// Fifty requests: one chance failure among them is 2 %, below the thresholds that people write.
pub const DEFAULT_SAMPLE: u64 = 50;

/// One hour: longer than it takes most people to notice and say that something is off.
pub const DEFAULT_KEEP_PREVIOUS: Span = Span::from_secs(3600);
/// Ten minutes: time enough for machines to come up, short enough that a broken build is noticed the same day.
pub const DEFAULT_READY_WITHIN: Span = Span::from_secs(600);

fn default_window() -> Span {
    DEFAULT_WINDOW
}

fn default_sample() -> u64 {
    DEFAULT_SAMPLE
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
text_schema!(Bound, r"^\d+(\.\d+)?(%|ms|s)?$", "800ms");

/// A fraction as a percentage with at most nine decimals, so that `0.07 * 100` reads `7`.
fn percent_digits(fraction: f64) -> f64 {
    (fraction * 100.0 * 1e9).round() / 1e9
}

/// What happens when a check fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum OnFail {
    /// Everyone goes back to stable at once.
    #[default]
    Rollback,
    /// The release stays where it is until somebody decides.
    Pause,
}

/// What happens when a check cannot tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OnInconclusive {
    /// How long to wait for more data, once the step's hold is over.
    pub wait: Span,
    /// What to do when that did not help.
    pub then: OnFail,
}

impl Default for OnInconclusive {
    fn default() -> Self {
        OnInconclusive { wait: Span::from_secs(3600), then: OnFail::Pause }
    }
}

/// What happens when a newer version is released while one is under way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum OnNewer {
    /// The running release ends, its people go back to stable, and the newer one starts.
    #[default]
    Supersede,
    /// The newer one waits for its turn.
    Queue,
}
