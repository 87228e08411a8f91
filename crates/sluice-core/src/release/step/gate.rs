//! Gates: what somebody has to say, or what has to be so elsewhere, before a release goes on. The same people meet the
//! candidate meanwhile, and checks go on.

use std::sync::Arc;

use crate::document::policy::{Approval, Hook, VersionGate, WebhookGate};
use crate::release::event::{Command, Observation};
use crate::release::phase::{Approved, GateStand, Pause, Phase, Stand};
use crate::release::plan::Gate;
use crate::release::reason::{Reason, or};
use crate::release::status::TimelineKind;
use crate::release::step::Draft;
use crate::release::step::mitigation::Found;
use crate::release::{Purpose, Release};
use crate::{Name, Span, Timestamp};

impl Release {
    /// The gate that it waits at, with the name of the step.
    pub(in crate::release) fn gate(&self) -> Option<(&Name, &Gate)> {
        let Phase::AtGate { stand, .. } = &self.phase else { return None };
        let step = self.plan.steps.get(stand.step)?;
        Some((&step.name, step.gate()?))
    }
}

impl Draft {
    /// Begins to wait at a gate, afresh. Who meets the candidate stays as it is.
    pub(super) fn enter_gate(&mut self, index: usize, gate: &Gate) {
        let until = |span| self.now.after(span);
        let gate_stand = match gate {
            Gate::Approval(Approval { expires, .. }) => {
                GateStand::Approval { given: Vec::new(), expires_at: until(*expires) }
            }
            Gate::Webhook(WebhookGate { expires, .. }) => {
                GateStand::Webhook { said: None, expires_at: until(*expires) }
            }
            Gate::Version(VersionGate { expires, .. }) => {
                GateStand::Version { found: None, expires_at: until(*expires) }
            }
            // Passed where it is entered.
            Gate::PointOfNoReturn(_) => return self.advance(Stand::at(index)),
        };
        let stand = Stand { since: Some(self.now), watched_at: Some(self.now), ..Stand::at(index) };
        self.next.phase = Phase::AtGate { stand, gate: gate_stand, since: self.now };
        if let Gate::Webhook(gate) = gate {
            self.call(gate.hook.clone(), Purpose::Gate);
        }
        self.because_of_gate();
    }

    /// Looks at the gate, since time has passed or the world has changed.
    pub(super) fn look_at_gate(&mut self, seen: &Observation) {
        let plan = Arc::clone(&self.next.plan);
        let Phase::AtGate { stand, gate, .. } = &mut self.next.phase else { return };
        if self.next.traffic.agrees() {
            stand.requests = stand.requests.saturating_add(seen.candidate.judged());
        }
        stand.watch(self.now);
        let asked = plan.steps.get(stand.step).and_then(|step| step.gate());
        if let (Some(Gate::Version(asked)), GateStand::Version { found, .. }) = (asked, gate) {
            *found = seen.live.get(&asked.service).cloned();
        }
        self.call_again_if_due();
        self.pass_or_wait();
    }

    /// Goes on if the gate is open, gives up if that took too long, and says what is waited for otherwise. Nobody else
    /// is sent to a candidate that is not ready, so an open gate waits for that too.
    pub(super) fn pass_or_wait(&mut self) {
        let Phase::AtGate { stand, gate, .. } = &self.next.phase else { return };
        let (stand, expires_at) = (*stand, expires_at(gate));
        if self.is_open() {
            return match self.not_ready() {
                Some(not_ready) => self.because(not_ready),
                None => self.advance(stand),
            };
        }
        if self.now >= expires_at {
            return self.expire();
        }
        self.because_of_gate();
    }

    /// Whether everything has been said or is so. A webhook that is not called any more has said so.
    fn is_open(&self) -> bool {
        let Phase::AtGate { gate, .. } = &self.next.phase else { return false };
        match (self.next.gate(), gate) {
            (Some((_, Gate::Approval(asked))), GateStand::Approval { given, .. }) => {
                given.len() >= asked.count as usize
            }
            (Some((_, Gate::Webhook(_))), GateStand::Webhook { .. }) => self.next.calling.is_none(),
            (Some((_, Gate::Version(asked))), GateStand::Version { found, .. }) => {
                found.as_ref().is_some_and(|found| asked.version.is_met_by(found))
            }
            // The gate of a plan never changes; should it not fit, as after a damaged file, it is waited at.
            _ => false,
        }
    }

    fn expire(&mut self) {
        let then = self.next.plan.on_inconclusive.then.clone();
        let Some(missing) = self.missing_at_gate() else { return };
        self.on_trouble(Found { reason: Reason::Expired { missing }, then, why: Pause::Inconclusive });
    }

    /// What has not come in time, in words.
    fn missing_at_gate(&self) -> Option<String> {
        let Phase::AtGate { gate, .. } = &self.next.phase else { return None };
        let (step, asked) = self.next.gate()?;
        Some(match (asked, gate) {
            (Gate::Approval(asked), GateStand::Approval { given, .. }) => {
                let who = match given.len() {
                    0 => "nobody".to_owned(),
                    given => format!("only {given} of {} people", asked.count),
                };
                format!(
                    "{who} with the role {} approved step {step} within {}",
                    or(&asked.roles),
                    asked.expires
                )
            }
            (Gate::Webhook(asked), GateStand::Webhook { said, .. }) => {
                let said = said.as_ref().map(|said| format!("; it said last: {said}")).unwrap_or_default();
                format!("{} did not say within {} that all is well{said}", asked.hook.url, asked.expires)
            }
            (Gate::Version(asked), GateStand::Version { found, .. }) => {
                let found = match found {
                    Some(found) => format!("it has {found}"),
                    None => "it has no version".to_owned(),
                };
                format!(
                    "step {step} waited {} in vain for {} to have {}; {found}",
                    asked.expires, asked.service, asked.version
                )
            }
            _ => return None,
        })
    }

    fn because_of_gate(&mut self) {
        let Phase::AtGate { gate, .. } = &self.next.phase else { return };
        let Some((step, asked)) = self.next.gate() else { return };
        let left = expires_at(gate).since(self.now);
        let step = step.clone();
        let reason = match (asked, gate) {
            (Gate::Approval(asked), GateStand::Approval { given, .. }) => Reason::Approval {
                step,
                roles: asked.roles.clone(),
                count: asked.count,
                given: u32::try_from(given.len()).unwrap_or(u32::MAX),
                left,
            },
            (Gate::Webhook(asked), GateStand::Webhook { said, .. }) => {
                Reason::Webhook { step, url: asked.hook.url.to_string(), said: said.clone(), left }
            }
            (Gate::Version(asked), GateStand::Version { found, .. }) => Reason::OtherService {
                step,
                service: asked.service.clone(),
                need: asked.version.clone(),
                found: found.clone(),
                left,
            },
            _ => return,
        };
        self.because(reason);
    }

    /// Takes an approval that fits.
    pub(in crate::release) fn approve(&mut self, command: &Command) {
        let Phase::AtGate { gate: GateStand::Approval { given, .. }, .. } = &mut self.next.phase else {
            return;
        };
        let Command { actor, reason, .. } = command;
        given.push(Approved { actor: actor.clone(), at: self.now, reason: reason.clone() });
        self.pass_or_wait();
    }

    /// Notes what a webhook said.
    pub(super) fn heard(&mut self, what: String) {
        if let Phase::AtGate { gate: GateStand::Webhook { said, .. }, .. } = &mut self.next.phase {
            *said = Some(what);
        }
    }

    /// A webhook says that something is wrong.
    pub(super) fn fail_at_gate(&mut self, hook: &Hook, said: Option<String>) {
        let then = self.next.plan.on_fail.clone();
        let reason = Reason::WebhookFailed { url: hook.url.to_string(), said };
        self.on_trouble(Found { reason, then, why: Pause::CheckFailed });
    }

    /// How long until a webhook is asked again.
    pub(super) fn every(&self) -> Option<Span> {
        match self.next.gate()? {
            (_, Gate::Webhook(asked)) => Some(asked.every),
            _ => None,
        }
    }

    /// Notes that a webhook lets the release go on.
    pub(super) fn note_pass(&mut self, hook: &Hook, said: Option<String>) {
        let said = said.map(|said| format!(": {said}")).unwrap_or_default();
        self.note(TimelineKind::Verdict, format!("{} says that all is well{said}", hook.url));
    }
}

fn expires_at(gate: &GateStand) -> Timestamp {
    match gate {
        GateStand::Approval { expires_at, .. }
        | GateStand::Webhook { expires_at, .. }
        | GateStand::Version { expires_at, .. } => *expires_at,
    }
}
