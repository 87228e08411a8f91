//! What is watched, and how it is judged.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Bound, Confidence, Mitigation, OnInconclusive, Quantile, Tolerance};
use crate::document::service::PathPrefix;
use crate::{Name, Span};

/// Something that is watched.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", try_from = "CheckFields")]
pub struct CheckSpec {
    /// The metric: a built-in one (`http.errors`) or a Metric document.
    pub metric: Name,
    /// Another service that is watched, which is not released: the one that the released one might hurt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<Name>,
    /// Only requests to paths that begin with this one, of those that the Service counts on their own (`count`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<PathPrefix>,
    /// What is counted once: each request, or each visitor who had a bad one. For the gateway's responses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<CheckUnit>,
    /// For a distribution: which quantile, above 0 and below 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quantile: Option<Quantile>,
    /// How the metric is judged.
    #[serde(flatten)]
    pub judge: Judge,
    /// What happens when this check fails; as the policy says when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_fail: Option<Mitigation>,
    /// What happens when this check cannot tell; as the policy says when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_inconclusive: Option<OnInconclusive>,
}

/// A check as it is written: one flat object, whichever way the metric is judged.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct CheckFields {
    /// The metric: a built-in one (`http.errors`) or a Metric document.
    metric: Name,
    /// Another service that is watched, which is not released: the one that the released one might hurt.
    service: Option<Name>,
    /// Only requests to paths that begin with this one, of those that the Service counts on their own (`count`).
    path: Option<PathPrefix>,
    /// What is counted once: each request, or each visitor who had a bad one. Default `request`.
    unit: Option<CheckUnit>,
    /// For a distribution: which quantile, above 0 and below 1.
    quantile: Option<Quantile>,
    /// What it is compared with: the people on stable, at the same time, or (`before`) its own past. Either this or
    /// bounds.
    compare: Option<CompareWith>,
    /// With `compare`: how much worse is still fine. Default: nothing.
    tolerate: Option<Tolerance>,
    /// With `compare`: how sure one must be to call it worse. Default 99%.
    confidence: Option<Confidence>,
    /// More than this fails: `5%` for a ratio, `800ms` for latency, a plain number per second for a rate.
    max: Option<Bound>,
    /// Less than this fails.
    min: Option<Bound>,
    /// With bounds: over how much of the past. Default 1m.
    window: Option<Span>,
    /// With bounds: how many requests it takes in that time to judge at all. Default 50.
    sample: Option<u64>,
    /// What happens when this check fails. Default: what the policy says.
    on_fail: Option<Mitigation>,
    /// What happens when this check cannot tell. Default: what the policy says.
    on_inconclusive: Option<OnInconclusive>,
}

/// A check that neither compares nor has bounds, or does both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a check has either `compare`, or `max` or `min`")]
pub struct InvalidCheck;

impl TryFrom<CheckFields> for CheckSpec {
    type Error = InvalidCheck;

    fn try_from(fields: CheckFields) -> Result<Self, InvalidCheck> {
        let has_bounds = fields.max.is_some() || fields.min.is_some();
        let judge = match fields.compare {
            Some(compare) if !has_bounds => Judge::Compare(Comparison {
                compare,
                tolerate: fields.tolerate.unwrap_or_default(),
                confidence: fields.confidence.unwrap_or_default(),
            }),
            None if has_bounds => Judge::Threshold(Threshold {
                max: fields.max,
                min: fields.min,
                window: fields.window.unwrap_or(DEFAULT_WINDOW),
                sample: fields.sample.unwrap_or(DEFAULT_SAMPLE),
            }),
            _ => return Err(InvalidCheck),
        };
        Ok(CheckSpec {
            metric: fields.metric,
            service: fields.service,
            path: fields.path,
            unit: fields.unit,
            quantile: fields.quantile,
            judge,
            on_fail: fields.on_fail,
            on_inconclusive: fields.on_inconclusive,
        })
    }
}

/// The fields of a check are flat: a schema that puts the two ways to judge beside each other would refuse both.
impl utoipa::PartialSchema for CheckSpec {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        CheckFields::schema()
    }
}

impl ToSchema for CheckSpec {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("CheckSpec")
    }

    fn schemas(schemas: &mut Vec<(String, utoipa::openapi::RefOr<utoipa::openapi::Schema>)>) {
        CheckFields::schemas(schemas);
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
    /// What was measured before anybody met the candidate, also at the same time of earlier days.
    Before,
}

/// What a check counts once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum CheckUnit {
    /// Each request.
    #[default]
    Request,
    /// Each visitor who had a bad request, once a minute: failures of one visitor come in bunches.
    User,
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

fn default_window() -> Span {
    DEFAULT_WINDOW
}

fn default_sample() -> u64 {
    DEFAULT_SAMPLE
}
