//! One step of a policy.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    Approval, AudienceRule, Hold, Percent, PointOfNoReturn, Ramp, RiskBudget, VersionGate, WebhookGate,
};
use crate::{Name, Span};

/// One step: who meets the candidate, or what must be said or be so before the next.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "StepFields", into = "StepFields")]
pub struct StepSpec {
    /// A short name: `staff`, `small`, `all`.
    pub name: Name,
    /// What it does.
    pub work: StepWork,
}

/// What a step does. A gate and a shadow leave visitors as they were in the step before.
#[derive(Clone, Debug, PartialEq)]
pub enum StepWork {
    /// These people meet the candidate.
    Expose {
        /// Who. A visitor meets it when any line takes them in.
        audience: Vec<AudienceRule>,
        /// Segments that do not meet it, whatever the audience says.
        exclude: Vec<Name>,
        /// What must have been before the next step.
        hold: Hold,
    },
    /// More and more of everyone meet the candidate, besides the segments of the step before.
    Ramp {
        /// How fast.
        ramp: Ramp,
        /// Segments that do not meet it.
        exclude: Vec<Name>,
        /// What must have been, once the last share is reached, before the next step.
        hold: Hold,
    },
    /// Requests to stable are copied to the candidate, whose answers are counted and thrown away.
    Shadow {
        /// Which requests.
        shadow: ShadowSpec,
        /// What must have been before the next step; requests are copies.
        hold: Hold,
    },
    /// Nobody steers: somebody else moves people, as a rolling update does, or there are none, as with a worker.
    Watch {
        /// What must have been before the next step.
        hold: Hold,
    },
    /// People have to approve.
    Approval(Approval),
    /// Another program has to say that all is well.
    Webhook(WebhookGate),
    /// Another service has to have a version.
    WaitFor(VersionGate),
    /// From here on nobody can be taken back.
    PointOfNoReturn(PointOfNoReturn),
}

/// Which requests are copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ShadowSpec {
    /// The share of requests.
    pub percent: Percent,
    /// With `true`, requests that may change something (`POST`, `PUT`, `DELETE` …) are copied too. Default `false`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unsafe_methods: bool,
}

/// A step as it is written: one flat object with one of `audience`, `ramp`, `shadow`, `watch`, `approval`,
/// `webhook`, `waitFor` and `pointOfNoReturn`.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct StepFields {
    /// A short name: `staff`, `small`, `all`.
    name: Name,
    /// These people meet the candidate. A visitor meets it when any line takes them in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    audience: Option<Vec<AudienceRule>>,
    /// More and more of everyone meet the candidate, besides the segments of the step before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ramp: Option<RampFields>,
    /// With `audience` or `ramp`: segments that do not meet it, whatever the audience says.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    exclude: Vec<Name>,
    /// Requests to stable are copied to the candidate, whose answers are counted and thrown away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    shadow: Option<ShadowSpec>,
    /// With `audience`, `ramp` or `shadow`: what must have been before the next step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hold: Option<Hold>,
    /// Nobody steers; what must have been before the next step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    watch: Option<Hold>,
    /// People have to approve.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    approval: Option<Approval>,
    /// Another program has to say that all is well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    webhook: Option<WebhookGate>,
    /// Another service has to have a version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    wait_for: Option<VersionGate>,
    /// From here on nobody can be taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    point_of_no_return: Option<PointOfNoReturn>,
}

/// A ramp as it is written: `{ from, to, over }`, `{ through, every, requests }` or `{ to, riskBudget }`.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RampFields {
    /// Evenly: the share at the beginning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from: Option<Percent>,
    /// Evenly or by risk: the share at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    to: Option<Percent>,
    /// Evenly: how long it takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    over: Option<Span>,
    /// By given shares: these, growing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    through: Option<Vec<Percent>>,
    /// By given shares: how long each is held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    every: Option<Span>,
    /// By given shares: how many requests the candidate must answer at each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    requests: Option<u64>,
    /// By risk: what may be lost on the way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    risk_budget: Option<RiskBudget>,
}

/// A step that does nothing, or several things at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a step has one of `audience`, `ramp`, `shadow`, `watch`, `approval`, `webhook`, `waitFor`, `pointOfNoReturn`; \
     a ramp is {{ from, to, over }}, {{ through, every }} or {{ to, riskBudget }}"
)]
pub struct InvalidStep;

impl From<StepSpec> for StepFields {
    fn from(step: StepSpec) -> StepFields {
        let mut fields = StepFields {
            name: step.name,
            audience: None,
            ramp: None,
            exclude: Vec::new(),
            shadow: None,
            hold: None,
            watch: None,
            approval: None,
            webhook: None,
            wait_for: None,
            point_of_no_return: None,
        };
        match step.work {
            StepWork::Expose { audience, exclude, hold } => {
                (fields.audience, fields.exclude, fields.hold) = (Some(audience), exclude, Some(hold));
            }
            StepWork::Ramp { ramp, exclude, hold } => {
                (fields.ramp, fields.exclude, fields.hold) = (Some(ramp.into()), exclude, Some(hold));
            }
            StepWork::Shadow { shadow, hold } => (fields.shadow, fields.hold) = (Some(shadow), Some(hold)),
            StepWork::Watch { hold } => fields.watch = Some(hold),
            StepWork::Approval(approval) => fields.approval = Some(approval),
            StepWork::Webhook(webhook) => fields.webhook = Some(webhook),
            StepWork::WaitFor(gate) => fields.wait_for = Some(gate),
            StepWork::PointOfNoReturn(point) => fields.point_of_no_return = Some(point),
        }
        fields
    }
}

impl TryFrom<StepFields> for StepSpec {
    type Error = InvalidStep;

    fn try_from(fields: StepFields) -> Result<StepSpec, InvalidStep> {
        let hold = fields.hold.unwrap_or_default();
        let exclude = fields.exclude;
        let mut works: Vec<StepWork> = Vec::new();
        works.extend(fields.audience.map(|audience| StepWork::Expose {
            audience,
            exclude: exclude.clone(),
            hold,
        }));
        if let Some(ramp) = fields.ramp {
            works.push(StepWork::Ramp { ramp: ramp.try_into()?, exclude, hold });
        }
        works.extend(fields.shadow.map(|shadow| StepWork::Shadow { shadow, hold }));
        works.extend(fields.watch.map(|hold| StepWork::Watch { hold }));
        works.extend(fields.approval.map(StepWork::Approval));
        works.extend(fields.webhook.map(StepWork::Webhook));
        works.extend(fields.wait_for.map(StepWork::WaitFor));
        works.extend(fields.point_of_no_return.map(StepWork::PointOfNoReturn));
        match (works.pop(), works.pop()) {
            (Some(work), None) => Ok(StepSpec { name: fields.name, work }),
            _ => Err(InvalidStep),
        }
    }
}

impl From<Ramp> for RampFields {
    fn from(ramp: Ramp) -> RampFields {
        let none = RampFields {
            from: None,
            to: None,
            over: None,
            through: None,
            every: None,
            requests: None,
            risk_budget: None,
        };
        match ramp {
            Ramp::Linear { from, to, over } => {
                RampFields { from: Some(from), to: Some(to), over: Some(over), ..none }
            }
            Ramp::Through { percents, every, requests } => RampFields {
                through: Some(percents),
                every: Some(every),
                requests: (requests > 0).then_some(requests),
                ..none
            },
            Ramp::Budget { to, budget } => RampFields { to: Some(to), risk_budget: Some(budget), ..none },
        }
    }
}

impl TryFrom<RampFields> for Ramp {
    type Error = InvalidStep;

    fn try_from(fields: RampFields) -> Result<Ramp, InvalidStep> {
        match fields {
            RampFields {
                from: Some(from),
                to: Some(to),
                over: Some(over),
                through: None,
                every: None,
                requests: None,
                risk_budget: None,
            } => Ok(Ramp::Linear { from, to, over }),
            RampFields {
                from: None,
                to: None,
                over: None,
                through: Some(percents),
                every: Some(every),
                requests,
                risk_budget: None,
            } if !percents.is_empty() => {
                Ok(Ramp::Through { percents, every, requests: requests.unwrap_or(0) })
            }
            RampFields {
                from: None,
                to: Some(to),
                over: None,
                through: None,
                every: None,
                requests: None,
                risk_budget: Some(budget),
            } => Ok(Ramp::Budget { to, budget }),
            _ => Err(InvalidStep),
        }
    }
}

/// The fields of a step are flat: a schema that puts the ways of working beside each other would refuse all.
impl utoipa::PartialSchema for StepSpec {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        StepFields::schema()
    }
}

impl ToSchema for StepSpec {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("StepSpec")
    }

    fn schemas(schemas: &mut Vec<(String, utoipa::openapi::RefOr<utoipa::openapi::Schema>)>) {
        StepFields::schemas(schemas);
    }
}
