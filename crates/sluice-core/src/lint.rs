//! Mistakes in policies that can be seen before they run.
//!
//! What can be read is well-formed; what is looked for here is what would not do what its author meant: a check that
//! never fails, a hold that no traffic can fill, a segment that nobody is in, an approval that nobody can give.

mod checks;
mod gates;
mod segments;
mod steps;
mod traffic;
mod whole;

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;
use utoipa::ToSchema;

use crate::document::{EnvironmentSpec, MetricSpec, PolicySpec, SegmentSpec, ServiceSpec};
use crate::release::plan::{Plan, Step};
use crate::{Name, Timestamp};

/// What a policy is looked at among.
pub struct Surroundings<'a> {
    /// The segments that exist, built-in ones included.
    pub segments: &'a BTreeMap<Name, SegmentSpec>,
    /// The metrics that exist, built-in ones included.
    pub metrics: &'a BTreeMap<Name, MetricSpec>,
    /// The services.
    pub services: Vec<(&'a Name, &'a ServiceSpec)>,
    /// The environments.
    pub environments: &'a BTreeMap<Name, EnvironmentSpec>,
    /// Requests per second of a service, where that is known. What hangs on it is passed over where it is not.
    pub rate: Option<f64>,
    /// The time now.
    pub now: Timestamp,
}

/// Something that looks wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// A stable word for programs: `check-never-fails`, `hold-unfilled`.
    #[schema(value_type = String, example = "check-never-fails")]
    pub code: &'static str,
    /// Where in the policy: `spec.steps[2].hold.requests`. Empty for the policy as a whole.
    pub path: String,
    /// What, in one plain sentence without a full stop.
    pub text: String,
    /// How to mend it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// It cannot work as written.
    Error,
    /// It is hardly meant so.
    Warning,
    /// It could be better.
    Hint,
}

/// `warning: spec.steps[0].hold.requests: step `staff` waits for 200 requests …`.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Hint => "hint",
        };
        write!(f, "{severity}: ")?;
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.text)?;
        self.hint.as_ref().map_or(Ok(()), |hint| write!(f, "\n  {hint}"))
    }
}

/// Everything that looks wrong with a policy, the worst first.
pub fn lint(name: &Name, policy: &PolicySpec, around: &Surroundings<'_>) -> Vec<Finding> {
    let mut look = Look { name, policy, around, steps: steps_of(name, policy), findings: Vec::new() };
    look.checks();
    look.steps();
    look.traffic();
    look.segments();
    look.gates();
    look.whole();
    let mut findings = look.findings;
    findings.sort_by_key(|finding| finding.severity);
    findings
}

/// The steps with whom each shows the candidate to. Checks do not matter for that, and may name what does not exist.
fn steps_of(name: &Name, policy: &PolicySpec) -> Vec<Step> {
    let unwatched = PolicySpec { checks: Vec::new(), ..policy.clone() };
    Plan::new(name, &unwatched, &BTreeMap::new()).map(|plan| plan.steps).unwrap_or_default()
}

/// A policy while it is looked at.
struct Look<'a> {
    name: &'a Name,
    policy: &'a PolicySpec,
    around: &'a Surroundings<'a>,
    steps: Vec<Step>,
    findings: Vec<Finding>,
}

impl<'a> Look<'a> {
    fn find(&mut self, severity: Severity, code: &'static str, path: impl Into<String>, text: String) {
        self.findings.push(Finding { severity, code, path: path.into(), text, hint: None });
    }

    /// As `find`, with a way to mend it.
    fn find_and(
        &mut self,
        severity: Severity,
        code: &'static str,
        path: impl Into<String>,
        text: String,
        hint: impl Into<String>,
    ) {
        let hint = Some(hint.into());
        self.findings.push(Finding { severity, code, path: path.into(), text, hint });
    }

    /// The environments whose releases follow the policy when a line says so.
    fn environments(&self) -> Vec<(&'a Name, &'a EnvironmentSpec)> {
        let uses = |spec: &EnvironmentSpec| spec.policies.iter().any(|line| line.r#use == *self.name);
        self.around.environments.iter().filter(|(_, spec)| uses(spec)).collect()
    }
}
