//! What is watched, resolved: what is measured, of whom, and how it is judged.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::PlanError;
use crate::document::metric::{GatewayMetric, MetricKind, MetricSource, MetricSpec, ResponseClass, Worse};
use crate::document::policy::{
    Bound, CheckSpec, CheckUnit, CompareWith, Comparison, Confidence, Judge, Mitigation, OnInconclusive,
    Quantile, Threshold, Tolerance,
};
use crate::document::service::PathPrefix;
use crate::{Name, Span};

/// One check: what is measured, of whom, and how it is judged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    /// The metric's name, for people.
    pub metric: Name,
    /// What is measured.
    pub measure: Measure,
    /// Of whom.
    #[serde(default)]
    pub watched: Watched,
    /// How it is judged.
    pub question: Question,
    /// What happens when it fails, if not what the plan says.
    pub on_fail: Option<Mitigation>,
    /// What happens when it cannot tell, if not what the plan says.
    pub on_inconclusive: Option<OnInconclusive>,
}

/// What is measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Measure {
    /// Responses that the gateway counted.
    Responses(BadResponses),
    /// Times that the gateway took.
    Latency,
    /// Requests that the gateway counted.
    Requests,
    /// Endpoints that the gateway finds ready.
    Ready,
    /// What others measure: the metric as it was when the release was created.
    Outside(Box<MetricSpec>),
}

/// Of whom something is measured.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Watched {
    /// Of the versions that are released.
    #[default]
    Released,
    /// Of those, but only of requests to a path that is counted on its own.
    Path(PathPrefix),
    /// Of another service, all its versions together.
    Other {
        /// The service, in the same environment.
        service: Name,
        /// Only of requests to a path that it counts on its own.
        path: Option<PathPrefix>,
    },
}

/// How something is judged: only what makes sense of a measure can be written down.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Question {
    /// Is the share of what is bad higher than stable's?
    ShareAgainstStable {
        /// How much worse is still fine.
        tolerate: Tolerance,
        /// How sure one must be.
        confidence: Confidence,
    },
    /// Is the candidate slower than stable, around this quantile?
    LatencyAgainstStable {
        /// The quantile.
        quantile: Quantile,
        /// How much slower is still fine, as a fraction of stable's latency.
        tolerate: f64,
        /// How sure one must be.
        confidence: Confidence,
    },
    /// Do events come more often (or, where less is worse, more rarely) per request than with stable?
    RateAgainstStable {
        /// Which direction is worse.
        worse: Worse,
        /// How much worse is still fine, as a fraction of stable's rate.
        tolerate: f64,
        /// How sure one must be.
        confidence: Confidence,
    },
    /// Is the mean higher (or, where less is worse, lower) than stable's?
    MeanAgainstStable {
        /// Which direction is worse.
        worse: Worse,
        /// How much worse is still fine, as a fraction of stable's mean.
        tolerate: f64,
        /// How sure one must be.
        confidence: Confidence,
    },
    /// Is it worse than before anybody met the candidate?
    AgainstBefore {
        /// What is compared.
        what: Compared,
        /// How much worse is still fine.
        tolerate: Tolerance,
        /// How sure one must be.
        confidence: Confidence,
    },
    /// Is the share within bounds?
    Share {
        /// The bounds, as fractions.
        bounds: Bounds,
    },
    /// Is this quantile within bounds?
    Latency {
        /// The quantile.
        quantile: Quantile,
        /// The bounds, in the metric's unit.
        bounds: Bounds,
    },
    /// Are events per second within bounds?
    Rate {
        /// The bounds, per second.
        bounds: Bounds,
    },
    /// Is the mean within bounds?
    Mean {
        /// The bounds, in the metric's unit.
        bounds: Bounds,
    },
    /// Is the latest value within bounds?
    Gauge {
        /// The bounds, in the metric's unit.
        bounds: Bounds,
    },
    /// Is the share of ready endpoints within bounds?
    Ready {
        /// The bounds, as fractions.
        bounds: Bounds,
    },
}

/// What is compared with the past.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Compared {
    /// The share of what is bad.
    Share,
    /// How often events come.
    Rate(Worse),
    /// Values around a quantile.
    Quantile(Quantile),
    /// The mean.
    Mean(Worse),
}

/// Which responses are bad.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BadResponses {
    /// These classes …
    pub classes: Vec<ResponseClass>,
    /// … or, with `true`, all others: for a metric of which less is worse.
    pub is_inverted: bool,
    /// What is counted once.
    #[serde(default)]
    pub unit: CheckUnit,
}

/// Fixed bounds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bounds {
    /// Less than this fails.
    pub min: Option<f64>,
    /// More than this fails.
    pub max: Option<f64>,
    /// Over how much of the past.
    pub window: Span,
    /// How many requests it takes to judge.
    pub sample: u64,
}

/// A check of a policy, resolved against the metrics that exist.
pub(super) fn resolve(
    policy: &Name,
    check: &CheckSpec,
    metrics: &BTreeMap<Name, MetricSpec>,
) -> Result<Check, PlanError> {
    let metric = check.metric.clone();
    let Some(spec) = metrics.get(&metric) else {
        return Err(PlanError::NoMetric { policy: policy.clone(), metric });
    };
    let resolved = measured(check, spec).and_then(|measure| Ok((measure, judged(check, spec)?)));
    match resolved {
        Ok((measure, question)) => Ok(Check {
            metric,
            measure,
            watched: watched(check),
            question,
            on_fail: check.on_fail.clone(),
            on_inconclusive: check.on_inconclusive.clone(),
        }),
        Err(why) => Err(PlanError::NoAnswer { policy: policy.clone(), metric, why }),
    }
}

fn watched(check: &CheckSpec) -> Watched {
    match (&check.service, &check.path) {
        (Some(service), path) => Watched::Other { service: service.clone(), path: path.clone() },
        (None, Some(path)) => Watched::Path(path.clone()),
        (None, None) => Watched::Released,
    }
}

fn measured(check: &CheckSpec, spec: &MetricSpec) -> Result<Measure, &'static str> {
    let MetricSource::Gateway(source) = &spec.source else {
        if check.path.is_some() {
            return Err("only the gateway counts by path; ask the source for it instead of `path`");
        }
        if check.unit.is_some() {
            return Err("`unit` is for what the gateway counts; the source decides what it counts");
        }
        return Ok(Measure::Outside(Box::new(spec.clone())));
    };
    if matches!(source, GatewayMetric::Ready) && (check.service.is_some() || check.path.is_some()) {
        return Err("whether endpoints are ready is watched of the released versions only");
    }
    if check.unit.is_some() && !matches!(source, GatewayMetric::Responses(_)) {
        return Err("`unit` is for responses; leave it out");
    }
    Ok(match source {
        GatewayMetric::Responses(classes) => {
            let unit = check.unit.unwrap_or_default();
            if unit == CheckUnit::User && !counts_failures(classes) {
                return Err("visitors are counted by their failed requests only: 5xx and reset");
            }
            if unit == CheckUnit::User && matches!(check.judge, Judge::Threshold(_)) {
                return Err("bounds are for shares of requests; `unit: user` goes with `compare`");
            }
            let is_inverted = spec.worse == Worse::Lower && matches!(check.judge, Judge::Compare(_));
            Measure::Responses(BadResponses { classes: classes.clone(), is_inverted, unit })
        }
        GatewayMetric::Latency => Measure::Latency,
        GatewayMetric::Requests => Measure::Requests,
        GatewayMetric::Ready => Measure::Ready,
    })
}

fn counts_failures(classes: &[ResponseClass]) -> bool {
    let is_failure =
        |class: &ResponseClass| matches!(class, ResponseClass::ServerError | ResponseClass::Reset);
    classes.len() == 2 && classes.iter().all(is_failure)
}

fn judged(check: &CheckSpec, spec: &MetricSpec) -> Result<Question, &'static str> {
    if check.quantile.is_some() && spec.kind != MetricKind::Distribution {
        return Err("it has no quantiles; leave `quantile` out");
    }
    match &check.judge {
        Judge::Threshold(threshold) => bounded(check, spec, threshold),
        Judge::Compare(comparison) => match comparison.compare {
            CompareWith::Stable if check.service.is_some() => {
                Err("another service has no stable of this release; write `compare: before`")
            }
            CompareWith::Stable => against_stable(check, spec, comparison),
            CompareWith::Before => against_before(check, spec, comparison),
        },
    }
}

fn quantile_of(check: &CheckSpec) -> Result<Quantile, &'static str> {
    check.quantile.ok_or("say which quantile, as `quantile: 0.95`")
}

/// A tolerance that is a part of stable's value; it must leave something, where less is worse.
fn relative(comparison: &Comparison, worse: Worse) -> Result<f64, &'static str> {
    match comparison.tolerate {
        Tolerance::Points(_) => Err("percentage points are for ratios; write `tolerate: 10%`"),
        Tolerance::Relative(part) if worse == Worse::Lower && part >= 1.0 => {
            Err("100 % less would be nothing at all, so that it could never fail; tolerate less")
        }
        Tolerance::Relative(part) => Ok(part),
    }
}

fn against_stable(
    check: &CheckSpec,
    spec: &MetricSpec,
    comparison: &Comparison,
) -> Result<Question, &'static str> {
    let Comparison { tolerate, confidence, .. } = *comparison;
    let is_gateway = matches!(spec.source, MetricSource::Gateway(_));
    match (spec.kind, &spec.source) {
        (_, MetricSource::Gateway(GatewayMetric::Ready | GatewayMetric::Requests)) => {
            Err("it cannot be compared with stable; give it `max` or `min`")
        }
        (MetricKind::Ratio, _) => Ok(Question::ShareAgainstStable { tolerate, confidence }),
        (MetricKind::Distribution, _) if !is_gateway && spec.worse == Worse::Lower => {
            Err("only values of which more is worse can be compared by a quantile")
        }
        (MetricKind::Distribution, _) => Ok(Question::LatencyAgainstStable {
            quantile: quantile_of(check)?,
            tolerate: relative(comparison, Worse::Higher)?,
            confidence,
        }),
        (MetricKind::Rate, _) => Ok(Question::RateAgainstStable {
            worse: spec.worse,
            tolerate: relative(comparison, spec.worse)?,
            confidence,
        }),
        (MetricKind::Mean, _) => Ok(Question::MeanAgainstStable {
            worse: spec.worse,
            tolerate: relative(comparison, spec.worse)?,
            confidence,
        }),
        (MetricKind::Gauge, _) => {
            Err("a gauge has one value at a time, which no test can compare; give it `max` or `min`")
        }
    }
}

fn against_before(
    check: &CheckSpec,
    spec: &MetricSpec,
    comparison: &Comparison,
) -> Result<Question, &'static str> {
    let Comparison { tolerate, confidence, .. } = *comparison;
    let what = match spec.kind {
        MetricKind::Ratio if matches!(spec.source, MetricSource::Gateway(GatewayMetric::Ready)) => {
            return Err("it cannot be compared with its past; give it `max` or `min`");
        }
        MetricKind::Ratio => Compared::Share,
        MetricKind::Distribution => Compared::Quantile(quantile_of(check)?),
        MetricKind::Rate => Compared::Rate(spec.worse),
        MetricKind::Mean => Compared::Mean(spec.worse),
        MetricKind::Gauge => {
            return Err("a gauge has one value at a time, which no test can compare; give it `max` or `min`");
        }
    };
    if what != Compared::Share {
        relative(comparison, spec.worse)?;
    }
    Ok(Question::AgainstBefore { what, tolerate, confidence })
}

fn bounded(check: &CheckSpec, spec: &MetricSpec, threshold: &Threshold) -> Result<Question, &'static str> {
    let ratio = |bound| match bound {
        Bound::Ratio(fraction) => Ok(fraction),
        _ => Err("bounds of a ratio are percentages, as `5%`"),
    };
    let plain = |bound, wrong| match bound {
        Bound::Plain(number) => Ok(number),
        _ => Err(wrong),
    };
    let value = |bound| match bound {
        Bound::Millis(millis) if spec.is_time() => Ok(millis),
        Bound::Plain(number) if !spec.is_time() => Ok(number),
        _ if spec.is_time() => Err("bounds of a time are times, as `800ms`"),
        _ => Err("bounds are plain numbers, in the metric's unit"),
    };
    Ok(match (spec.kind, &spec.source) {
        (_, MetricSource::Gateway(GatewayMetric::Ready)) => {
            Question::Ready { bounds: bounds(threshold, ratio)? }
        }
        (MetricKind::Ratio, _) => Question::Share { bounds: bounds(threshold, ratio)? },
        (MetricKind::Distribution, _) => {
            Question::Latency { quantile: quantile_of(check)?, bounds: bounds(threshold, value)? }
        }
        (MetricKind::Rate, _) => {
            let wrong = "bounds of a rate are plain numbers per second, as `2.5`";
            Question::Rate { bounds: bounds(threshold, |bound| plain(bound, wrong))? }
        }
        (MetricKind::Mean, _) => Question::Mean { bounds: bounds(threshold, value)? },
        (MetricKind::Gauge, _) => Question::Gauge { bounds: bounds(threshold, value)? },
    })
}

fn bounds(
    threshold: &Threshold,
    number: impl Fn(Bound) -> Result<f64, &'static str>,
) -> Result<Bounds, &'static str> {
    Ok(Bounds {
        min: threshold.min.map(&number).transpose()?,
        max: threshold.max.map(&number).transpose()?,
        window: threshold.window,
        sample: threshold.sample,
    })
}
