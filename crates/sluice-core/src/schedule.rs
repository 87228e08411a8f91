//! How a release would go if nothing got in its way: when each step begins and ends at the earliest, and what it waits
//! for.
//!
//! Pure, from a plan, a calendar and how many requests come. Where a person, a program or another service decides, no
//! time is told for what comes after, only how long it takes.

pub(crate) mod evidence;
mod walk;
mod words;

use serde::Serialize;
use utoipa::ToSchema;

use crate::calendar::{Calendar, Zone};
use crate::release::Plan;
use crate::release::plan::Work;
use crate::release::status::StepKind;
use crate::{Name, Span, Timestamp, Weight};
use walk::Walk;

/// How a release would go.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Schedule {
    /// The policy.
    pub policy: Name,
    /// Since when it is reckoned.
    pub from: Timestamp,
    /// How many requests per second it was worked out for, if that is known.
    pub rate: Option<f64>,
    /// What must be before the first step, in one plain sentence.
    pub start: String,
    /// The steps, in order.
    pub steps: Vec<ScheduledStep>,
    /// When everyone has the new version at the earliest; none when that cannot be told.
    pub ends_at: Option<Timestamp>,
    /// How long all that can be told takes together, from the first step to the last.
    pub takes: Span,
    /// When everyone has it, in one plain sentence.
    pub end: String,
    /// What is watched in every step, in words.
    pub checks: Vec<String>,
    /// What happens when a check fails, in one plain sentence.
    pub on_fail: String,
    /// What happens when a check cannot tell, in one plain sentence.
    pub on_inconclusive: String,
    /// What happens when a newer version is released meanwhile, in one plain sentence.
    pub on_newer: String,
    /// How long the previous version is kept.
    pub keep_previous: Span,
    /// What is kept afterwards, in one plain sentence.
    pub afterwards: String,
}

/// How a step would go.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScheduledStep {
    /// Its name.
    pub name: Name,
    /// What it does.
    pub kind: StepKind,
    /// Who meets the candidate, or what a gate asks for, in words.
    pub audience: String,
    /// When it begins at the earliest; none when something before it ends nobody knows when.
    pub begins_at: Option<Timestamp>,
    /// Why it begins later than the step before it ends.
    pub held_up: Option<String>,
    /// When it ends at the earliest; none when that cannot be told.
    pub ends_at: Option<Timestamp>,
    /// How long it takes at least; none when a person, a program or another service decides, or when so much data
    /// never comes.
    pub takes: Option<Span>,
    /// What it waits for, in words: `10m and 500 requests (3m20s at 50 per second), and every check`.
    pub waits_for: String,
    /// Who or what decides when it ends, in words, where time and requests do not.
    pub undecided: Option<String>,
    /// How many requests the candidate must answer.
    pub requests: u64,
    /// How long those take to come; none when how many come is not known.
    pub requests_take: Option<Span>,
    /// Some of the shares that a ramp goes through.
    pub stages: Vec<Stage>,
}

/// A share that a ramp goes through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Stage {
    /// The share of everyone.
    pub share: Weight,
    /// When it is reached at the earliest.
    pub at: Option<Timestamp>,
}

/// How a release would go from now on, by this calendar, when so many requests come each second.
pub fn schedule(plan: &Plan, calendar: &Calendar, rate: Option<f64>, now: Timestamp) -> Schedule {
    let mut walk = Walk::new(plan, calendar, rate, now);
    let steps: Vec<ScheduledStep> = plan.steps.iter().map(|step| walk.step(step)).collect();
    let takes = total(steps.iter().filter_map(|step| step.takes));
    let open = steps.iter().find(|step| step.undecided.is_some());
    let (ends_at, held_up) = walk.end();
    let end = match (ends_at, open) {
        (Some(at), _) => {
            let why = held_up.map(|why| format!(", since {why}")).unwrap_or_default();
            format!("Everyone has it {} at the earliest{why}", Zone::default().written(at))
        }
        (None, Some(step)) => {
            let what = step.undecided.as_deref().unwrap_or_default();
            format!("When everyone has it cannot be told: in step {} {what}", step.name)
        }
        (None, None) => "Everyone has it when the calendar opens, and nobody knows when that is".to_owned(),
    };
    Schedule {
        policy: plan.policy.clone(),
        from: now,
        rate,
        start: format!("The new version must have a ready endpoint within {}", plan.ready_within),
        steps,
        ends_at,
        takes,
        end,
        checks: plan.checks.iter().map(words::check).collect(),
        on_fail: words::on_fail(plan),
        on_inconclusive: words::on_inconclusive(plan),
        on_newer: words::on_newer(plan).to_owned(),
        keep_previous: plan.keep_previous,
        afterwards: words::afterwards(plan),
    }
}

fn total(spans: impl Iterator<Item = Span>) -> Span {
    Span::from_millis(spans.fold(0, |sum: u64, span| sum.saturating_add(span.as_millis())))
}

fn kind(work: &Work) -> StepKind {
    use crate::release::plan::Gate;
    match work {
        Work::Hold(_) => StepKind::Expose,
        Work::Ramp { .. } => StepKind::Ramp,
        Work::Gate(Gate::Approval(_)) => StepKind::Approval,
        Work::Gate(Gate::Webhook(_)) => StepKind::Webhook,
        Work::Gate(Gate::Version(_)) => StepKind::WaitFor,
        Work::Gate(Gate::PointOfNoReturn(_)) => StepKind::PointOfNoReturn,
    }
}
