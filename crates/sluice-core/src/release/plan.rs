//! A policy as one release follows it: resolved once, when the release is created, and never changed afterwards.

pub mod check;
mod words;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use self::check::{BadResponses, Bounds, Check, Compared, Measure, Question, Watched};
use crate::document::metric::MetricSpec;
use crate::document::policy::{
    Approval, Hold, Mitigation, OnInconclusive, OnNewer, PolicySpec, Ramp, StepSpec, StepWork, VersionGate,
    WebhookGate,
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
            match check::resolve(policy, check, metrics) {
                Ok(check) => checks.push(check),
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

    /// How likely a false alarm of each check may be, so that over the whole release, with all its checks of so many
    /// services and however often they are looked at, it is no likelier than the least sure of them asks for. A check
    /// gets a part of that by how sure it has to be (Bonferroni's inequality over tests that are each valid at all
    /// times by Ville's). 0 for checks that no test decides.
    pub fn alphas(&self, services: usize) -> Vec<f64> {
        let asked =
            || self.checks.iter().map(|check| check.question.confidence().map_or(0.0, |sure| sure.alpha()));
        let sum: f64 = asked().sum();
        let most = asked().fold(0.0, f64::max);
        let part = if sum > 0.0 { most / sum / services.max(1) as f64 } else { 0.0 };
        asked().map(|alpha| alpha * part).collect()
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
