//! `Policy`: steps, checks, and what to do on trouble.

mod check;
mod gate;
mod hook;
mod mitigation;
mod quantity;
mod ramp;
mod step;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Name, Span};
pub use check::{
    CheckSpec, CheckUnit, CompareWith, Comparison, DEFAULT_SAMPLE, DEFAULT_WINDOW, InvalidCheck, Judge,
    Threshold,
};
pub use gate::{
    Approval, DEFAULT_APPROVAL_EXPIRES, DEFAULT_VERSION_EXPIRES, DEFAULT_WEBHOOK_EVERY,
    DEFAULT_WEBHOOK_EXPIRES, PointOfNoReturn, VersionGate, WebhookGate,
};
pub use hook::{DEFAULT_HOOK_TIMEOUT, Hook, HookUrl, InvalidHookUrl, SecretSource};
pub use mitigation::{DEFAULT_REBALANCES, Gradually, Mitigation, OnInconclusive, OnNewer, Rebalance};
pub use quantity::{
    Bound, Confidence, InvalidPercent, InvalidQuantile, InvalidQuantity, Percent, Quantile, Tolerance,
};
pub use ramp::{Ramp, RiskBudget};
pub use step::{InvalidStep, ShadowSpec, StepSpec, StepWork};

/// One hour: longer than it takes most people to notice and say that something is off.
pub const DEFAULT_KEEP_PREVIOUS: Span = Span::from_secs(3600);
/// Ten minutes: time enough for machines to come up, short enough that a broken build is noticed the same day.
pub const DEFAULT_READY_WITHIN: Span = Span::from_secs(600);

/// How releases go: written once, by somebody who knows, for every team that ships.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PolicySpec {
    /// What the policy is for, in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Who meets the candidate, and what must be said or be so, in order. No step may show it to fewer people than the
    /// one before.
    #[schema(min_items = 1)]
    pub steps: Vec<StepSpec>,
    /// Segments that do not meet the candidate in any step: they get the new version when it becomes the stable one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclude_until_end: Vec<Name>,
    /// What is watched, in every step. Default: nothing, so that only time and people decide.
    pub checks: Vec<CheckSpec>,
    /// What happens when a check fails. Default `rollback`.
    pub on_fail: Mitigation,
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
