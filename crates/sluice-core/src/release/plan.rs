//! A policy as one release follows it: resolved once, when the release is created, and never changed afterwards.

mod words;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::document::metric::{GatewayMetric, MetricKind, MetricSource, MetricSpec, ResponseClass, Worse};
use crate::document::policy::{
    Approval, Bound, CheckSpec, Confidence, Hold, Judge, Mitigation, OnInconclusive, OnNewer, PolicySpec,
    Quantile, Ramp, StepSpec, StepWork, Threshold, Tolerance, VersionGate, WebhookGate,
};
use crate::release::Exposure;
use crate::{Name, Span};

/// A policy as one release follows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// The policy's name.
    pub policy: Name,
    /// Who meets the candidate, in order. Never empty.
    pub steps: Vec<Step>,
    /// What is watched.
    pub checks: Vec<Check>,
    /// What happens when a check fails.
    pub on_fail: Mitigation,
    /// What happens when a check cannot tell.
    pub on_inconclusive: OnInconclusive,
    /// What happens when a newer version is released meanwhile.
    pub on_newer: OnNewer,
    /// How long the previous version is kept after success.
    pub keep_previous: Span,
    /// How long the candidate may take to be ready.
    pub ready_within: Span,
    /// Whether nobody is ever steered: every step but the gates only watches.
    #[serde(default)]
    pub watch_only: bool,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Its name.
    pub name: Name,
    /// Who meets the candidate when the step begins.
    pub exposure: Exposure,
    /// What must have been before the next.
    pub work: Work,
}

/// What a step waits for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Work {
    /// Time and requests, while the same people meet the candidate.
    Hold(Hold),
    /// More and more people to meet the candidate, and then time and requests.
    Ramp {
        /// How fast.
        ramp: Ramp,
        /// What must have been once the last share is reached.
        hold: Hold,
    },
    /// What somebody says, or what is so elsewhere.
    Gate(Gate),
}

/// What must be said or be so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Gate {
    /// People have to approve.
    Approval(Approval),
    /// Another program has to say that all is well.
    Webhook(WebhookGate),
    /// Another service has to have a version.
    Version(VersionGate),
    /// Nothing; but from here on nobody can be taken back, and why.
    PointOfNoReturn(String),
}

impl Step {
    /// Its gate, if it is one.
    pub fn gate(&self) -> Option<&Gate> {
        match &self.work {
            Work::Gate(gate) => Some(gate),
            Work::Hold(_) | Work::Ramp { .. } => None,
        }
    }

    /// What must have been in this step, time and requests; of a ramp, at its last share; nothing at a gate.
    pub fn hold(&self) -> Hold {
        match &self.work {
            Work::Ramp { ramp: Ramp::Through { every, requests, .. }, hold } => Hold {
                time: hold.time.max(*every),
                requests: hold.requests.max(*requests),
                until_promoted: hold.until_promoted,
            },
            Work::Hold(hold) | Work::Ramp { hold, .. } => *hold,
            Work::Gate(_) => Hold::default(),
        }
    }
}

/// One check: what is measured, and how it is judged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// The metric's name, for people.
    pub metric: Name,
    /// What is measured and judged.
    pub question: Question,
    /// What happens when it fails, if not what the plan says.
    pub on_fail: Option<Mitigation>,
    /// What happens when it cannot tell, if not what the plan says.
    pub on_inconclusive: Option<OnInconclusive>,
}

/// What is measured and judged: only pairs that make sense can be written down.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Question {
    /// Is the share of bad responses higher than stable's?
    ShareAgainstStable {
        /// Which responses are bad.
        bad: BadResponses,
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
    /// Is the share of these responses within bounds?
    Share {
        /// Which responses are counted.
        counted: Vec<ResponseClass>,
        /// The bounds, as fractions.
        bounds: Bounds,
    },
    /// Is this quantile of the latency within bounds?
    Latency {
        /// The quantile.
        quantile: Quantile,
        /// The bounds, in milliseconds.
        bounds: Bounds,
    },
    /// Are requests per second within bounds?
    Rate {
        /// The bounds, per second.
        bounds: Bounds,
    },
    /// Is the share of ready endpoints within bounds?
    Ready {
        /// The bounds, as fractions.
        bounds: Bounds,
    },
}

/// Which responses are bad.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BadResponses {
    /// These classes …
    pub classes: Vec<ResponseClass>,
    /// … or, with `true`, all others: for a metric of which less is worse.
    pub is_inverted: bool,
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

/// Why a policy cannot be followed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// A check names a metric that does not exist.
    #[error(
        "policy {policy}: there is no metric `{metric}`; apply a Metric of that name or use one that exists"
    )]
    NoMetric {
        /// The policy.
        policy: Name,
        /// The metric.
        metric: Name,
    },
    /// A check asks something of a metric that it cannot answer.
    #[error("policy {policy}: the check of `{metric}` cannot be judged: {why}")]
    NoAnswer {
        /// The policy.
        policy: Name,
        /// The metric.
        metric: Name,
        /// Why, and what would do.
        why: &'static str,
    },
    /// The policy has no steps.
    #[error("policy {policy} has no steps")]
    NoSteps {
        /// The policy.
        policy: Name,
    },
}

impl Plan {
    /// Resolves a policy against the metrics that exist, built-in ones included.
    ///
    /// # Errors
    /// Every reason why it cannot be followed; never an empty list.
    pub fn new(
        policy: &Name,
        spec: &PolicySpec,
        metrics: &BTreeMap<Name, MetricSpec>,
    ) -> Result<Plan, Vec<PlanError>> {
        let mut errors = Vec::new();
        if spec.steps.is_empty() {
            errors.push(PlanError::NoSteps { policy: policy.clone() });
        }
        let mut checks = Vec::new();
        for check in &spec.checks {
            match question(policy, check, metrics) {
                Ok(question) => checks.push(Check {
                    metric: check.metric.clone(),
                    question,
                    on_fail: check.on_fail.clone(),
                    on_inconclusive: check.on_inconclusive.clone(),
                }),
                Err(error) => errors.push(error),
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        Ok(Plan {
            policy: policy.clone(),
            steps: steps(spec),
            checks,
            on_fail: spec.on_fail.clone(),
            on_inconclusive: spec.on_inconclusive.clone(),
            on_newer: spec.on_newer,
            keep_previous: spec.keep_previous,
            ready_within: spec.ready_within,
            watch_only: watches_only(spec),
        })
    }

    /// Every segment that a step names.
    pub fn segments(&self) -> impl Iterator<Item = &Name> {
        self.steps.iter().flat_map(|step| step.exposure.segments())
    }
}

/// The steps with whom each shows the candidate to: gates leave that as it was, and ramps and shadows add to it.
fn steps(spec: &PolicySpec) -> Vec<Step> {
    let mut exposure = Exposure::nobody();
    let mut resolved = Vec::new();
    for StepSpec { name, work } in &spec.steps {
        let work = match work.clone() {
            StepWork::Expose { audience, exclude, hold } => {
                exposure = Exposure { include: audience, exclude: exclude.clone(), shadow: None };
                Work::Hold(hold)
            }
            StepWork::Ramp { ramp, exclude, hold } => {
                // A ramp begins no lower than what was there before.
                let first = ramp.first().0.max(exposure.share());
                exposure = Exposure { exclude, shadow: None, ..exposure.with_share(first) };
                Work::Ramp { ramp, hold }
            }
            StepWork::Shadow { shadow, hold } => {
                exposure = Exposure { shadow: Some(shadow), ..exposure };
                Work::Hold(hold)
            }
            StepWork::Watch { hold } => {
                exposure = Exposure::everyone();
                Work::Hold(hold)
            }
            StepWork::Approval(approval) => Work::Gate(Gate::Approval(approval)),
            StepWork::Webhook(gate) => Work::Gate(Gate::Webhook(gate)),
            StepWork::WaitFor(gate) => Work::Gate(Gate::Version(gate)),
            StepWork::PointOfNoReturn(point) => Work::Gate(Gate::PointOfNoReturn(point.reason)),
        };
        let mut at_first = exposure.clone();
        for segment in &spec.exclude_until_end {
            if !at_first.exclude.contains(segment) {
                at_first.exclude.push(segment.clone());
            }
        }
        resolved.push(Step { name: name.clone(), exposure: at_first, work: work.clone() });
        if let Work::Ramp { ramp, .. } = &work {
            exposure = exposure.with_share(ramp.last().0.max(exposure.share()));
        }
    }
    resolved
}

fn watches_only(spec: &PolicySpec) -> bool {
    let steers = |step: &StepSpec| {
        matches!(step.work, StepWork::Expose { .. } | StepWork::Ramp { .. } | StepWork::Shadow { .. })
    };
    let watches = |step: &StepSpec| matches!(step.work, StepWork::Watch { .. });
    spec.steps.iter().any(watches) && !spec.steps.iter().any(steers)
}

fn question(
    policy: &Name,
    check: &CheckSpec,
    metrics: &BTreeMap<Name, MetricSpec>,
) -> Result<Question, PlanError> {
    let metric = check.metric.clone();
    let Some(spec) = metrics.get(&metric) else {
        return Err(PlanError::NoMetric { policy: policy.clone(), metric });
    };
    let no_answer = |why| PlanError::NoAnswer { policy: policy.clone(), metric: metric.clone(), why };
    let MetricSource::Gateway(source) = &spec.source;
    let quantile = || check.quantile.ok_or_else(|| no_answer("say which quantile, as `quantile: 0.95`"));
    if check.quantile.is_some() && spec.kind != MetricKind::Distribution {
        return Err(no_answer("it has no quantiles; leave `quantile` out"));
    }
    match (source, &check.judge) {
        (GatewayMetric::Responses(classes), Judge::Compare(comparison)) => Ok(Question::ShareAgainstStable {
            bad: BadResponses { classes: classes.clone(), is_inverted: spec.worse == Worse::Lower },
            tolerate: comparison.tolerate,
            confidence: comparison.confidence,
        }),
        (GatewayMetric::Latency, Judge::Compare(comparison)) => match comparison.tolerate {
            Tolerance::Relative(tolerate) => Ok(Question::LatencyAgainstStable {
                quantile: quantile()?,
                tolerate,
                confidence: comparison.confidence,
            }),
            Tolerance::Points(_) => Err(no_answer("percentage points are for ratios; write `tolerate: 10%`")),
        },
        (GatewayMetric::Requests | GatewayMetric::Ready, Judge::Compare(_)) => {
            Err(no_answer("it cannot be compared with stable; give it `max` or `min`"))
        }
        (GatewayMetric::Responses(classes), Judge::Threshold(threshold)) => Ok(Question::Share {
            counted: classes.clone(),
            bounds: bounds(threshold, |bound| match bound {
                Bound::Ratio(fraction) => Ok(fraction),
                _ => Err(no_answer("bounds of a ratio are percentages, as `5%`")),
            })?,
        }),
        (GatewayMetric::Ready, Judge::Threshold(threshold)) => Ok(Question::Ready {
            bounds: bounds(threshold, |bound| match bound {
                Bound::Ratio(fraction) => Ok(fraction),
                _ => Err(no_answer("bounds of a ratio are percentages, as `50%`")),
            })?,
        }),
        (GatewayMetric::Latency, Judge::Threshold(threshold)) => Ok(Question::Latency {
            quantile: quantile()?,
            bounds: bounds(threshold, |bound| match bound {
                Bound::Millis(millis) => Ok(millis),
                _ => Err(no_answer("bounds of a latency are times, as `800ms`")),
            })?,
        }),
        (GatewayMetric::Requests, Judge::Threshold(threshold)) => Ok(Question::Rate {
            bounds: bounds(threshold, |bound| match bound {
                Bound::Plain(per_second) => Ok(per_second),
                _ => Err(no_answer("bounds of a rate are plain numbers per second, as `2.5`")),
            })?,
        }),
    }
}

fn bounds(
    threshold: &Threshold,
    number: impl Fn(Bound) -> Result<f64, PlanError>,
) -> Result<Bounds, PlanError> {
    Ok(Bounds {
        min: threshold.min.map(&number).transpose()?,
        max: threshold.max.map(&number).transpose()?,
        window: threshold.window,
        sample: threshold.sample,
    })
}
