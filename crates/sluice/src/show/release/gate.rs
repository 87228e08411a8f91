//! The gate that a release waits at: who may open it, who has, until when, and what to type.

use sluice_core::Timestamp;
use sluice_core::release::status::{GateStatus, PhaseName, ReleaseStatus, StepKind, Verb};

/// What there is to know about a gate, as lines.
pub(super) fn lines(gate: &GateStatus, status: &ReleaseStatus, release: &str) -> Vec<String> {
    let mut lines = match gate.kind {
        StepKind::Approval => approval(gate, status),
        _ => said(gate, status),
    };
    lines.push(format!("until {}", moment(gate.expires_at)));
    lines.extend(commands(status, release).map(|command| format!("type: {command}")));
    lines
}

/// The command that a release waits for somebody to type; none when it goes on by itself.
pub(super) fn next_command(status: &ReleaseStatus, release: &str) -> Option<String> {
    let is_asked = matches!(status.phase, PhaseName::AwaitingApproval);
    commands(status, release).next().filter(|_| is_asked)
}

fn approval(gate: &GateStatus, status: &ReleaseStatus) -> Vec<String> {
    let roles: Vec<&str> = gate.roles.iter().map(|role| role.as_str()).collect();
    let people = if gate.count == 1 { "person" } else { "people" };
    let mut lines = vec![format!(
        "{} {people} with the role {} must approve, {} so far",
        gate.count,
        roles.join(" or "),
        gate.given.len()
    )];
    if gate.four_eyes && !status.started_by.is_empty() {
        lines.push(format!("{} started it and cannot approve it", status.started_by));
    }
    for given in &gate.given {
        let reason = given.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
        lines.push(format!("{} approved at {}{reason}", given.actor, moment(given.at)));
    }
    lines
}

/// What a webhook said last, or what another service has.
fn said(gate: &GateStatus, status: &ReleaseStatus) -> Vec<String> {
    let current = status.steps.iter().find(|step| Some(&step.name) == status.step.as_ref());
    let asked = current.map(|step| step.audience.clone()).filter(|text| !text.is_empty());
    let said = gate.said.as_ref().map(|said| format!("it said last: {said}"));
    asked.into_iter().chain(said).collect()
}

/// What can be typed now to open the gate, or to close it for good.
fn commands(status: &ReleaseStatus, release: &str) -> impl Iterator<Item = String> {
    let possible = [(Verb::Approve, ""), (Verb::Reject, ""), (Verb::Override, " --reason TEXT")];
    let possible = possible.into_iter().filter(|(verb, _)| status.verbs.contains(verb));
    possible.map(move |(verb, option)| format!("sluice release {} {release}{option}", verb.as_str()))
}

/// A point in time as people read it, in UTC: `2026-11-24 09:30 UTC`.
pub(crate) fn moment(at: Timestamp) -> String {
    let text = at.to_string();
    format!("{} {} UTC", text.get(..10).unwrap_or_default(), text.get(11..16).unwrap_or_default())
}
