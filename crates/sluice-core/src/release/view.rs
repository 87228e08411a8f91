//! What people and programs are shown of a release, made from its state.

use crate::Span;
use crate::document::policy::Approval;
use crate::release::check::CheckRun;
use crate::release::phase::{GateStand, Phase, Stand};
use crate::release::plan::{Check, Gate, Work};
use crate::release::status::{
    GateStatus, MemberStatus, PhaseName, ReasonStatus, ReleaseStatus, Share, SplitStatus, StepKind,
    StepState, StepStatus, VerdictStatus,
};
use crate::release::{Exposure, Member, Release, verb};

impl Release {
    /// Its status, as it is shown.
    pub fn status(&self) -> ReleaseStatus {
        let phase = self.phase.name();
        let step = match self.phase {
            // Past the last step, that is the one it ended in.
            Phase::Promoting { .. } | Phase::Succeeded { .. } => self.plan.steps.len().checked_sub(1),
            // The step that waits for the calendar has not begun.
            _ => self.phase.step(),
        };
        ReleaseStatus {
            phase,
            step: step.and_then(|index| self.plan.steps.get(index)).map(|step| step.name.clone()),
            steps: (0..self.plan.steps.len()).map(|index| self.step_status(index)).collect(),
            from: self.from.clone(),
            to: self.to.clone(),
            policy: self.plan.policy.clone(),
            attempt: self.attempt,
            split: SplitStatus {
                desired: share(&self.traffic.desired),
                observed: share(&self.traffic.observed),
            },
            reason: ReasonStatus {
                code: self.reason.code().to_owned(),
                text: self.reason.to_string(),
                at: self.reason_at,
            },
            verdicts: self.verdicts(),
            gate: self.gate_status(),
            services: self.services(),
            no_return: self.no_return.clone(),
            started_by: self.started_by.clone(),
            exposed: self.exposed,
            timeline: self.timeline.to_vec(),
            verbs: verb::possible(self),
            started_at: self.started_at,
            finished_at: self.phase.finished_at(),
            kept_until: match self.phase {
                Phase::Succeeded { kept_until, .. } => kept_until,
                _ => None,
            },
        }
    }

    fn step_status(&self, index: usize) -> StepStatus {
        let step = &self.plan.steps[index];
        let stand = self.stand().filter(|stand| stand.step == index);
        // A ramp has come as far as it has.
        let exposure = match stand {
            Some(_) if step.gate().is_none() => &self.traffic.desired,
            _ => &step.exposure,
        };
        let audience = match &step.work {
            Work::Ramp { .. } if stand.is_some() => exposure.words(),
            _ => step.words(),
        };
        let hold = step.hold();
        StepStatus {
            name: step.name.clone(),
            audience,
            candidate: exposure.share(),
            kind: step.work.kind(),
            ramp_to: match &step.work {
                Work::Ramp { ramp, .. } => Some(ramp.last().0),
                Work::Hold(_) | Work::Gate(_) => None,
            },
            state: self.step_state(index),
            since: stand.and_then(|stand| stand.since),
            hold_time: hold.time,
            held_time: stand.map_or(Span::ZERO, |stand| stand.held),
            hold_requests: hold.requests,
            held_requests: stand.map_or(0, |stand| stand.requests),
            until_promoted: hold.until_promoted,
        }
    }

    fn stand(&self) -> Option<&Stand> {
        match &self.phase {
            Phase::Progressing(stand)
            | Phase::AtGate { stand, .. }
            | Phase::Closed { stand: Some(stand), .. }
            | Phase::Paused { stand, .. } => Some(stand),
            _ => None,
        }
    }

    fn step_state(&self, index: usize) -> StepState {
        let is_ended = self.phase.is_over() || matches!(self.phase, Phase::RollingBack { .. });
        match (self.phase.name(), self.phase.step()) {
            (PhaseName::Promoting | PhaseName::Succeeded, _) => StepState::Done,
            // It ended after its last step.
            (_, None) if is_ended && self.started_at.is_some() => StepState::Done,
            (_, Some(current)) if index < current => StepState::Done,
            (_, Some(current)) if index == current => StepState::Current,
            _ if is_ended => StepState::Skipped,
            _ => StepState::Ahead,
        }
    }

    fn gate_status(&self) -> Option<GateStatus> {
        let Phase::AtGate { gate: stand, .. } = &self.phase else { return None };
        let (_, gate) = self.gate()?;
        let kind = gate.kind();
        let (given, said, expires_at) = match stand {
            GateStand::Approval { given, expires_at } => (given.clone(), None, *expires_at),
            GateStand::Webhook { said, expires_at } => (Vec::new(), said.clone(), *expires_at),
            GateStand::Version { found, expires_at } => {
                (Vec::new(), found.as_ref().map(ToString::to_string), *expires_at)
            }
        };
        let (roles, count, four_eyes) = match gate {
            Gate::Approval(Approval { roles, count, four_eyes, .. }) => (roles.clone(), *count, *four_eyes),
            Gate::Webhook(_) | Gate::Version(_) | Gate::PointOfNoReturn(_) => (Vec::new(), 0, false),
        };
        Some(GateStatus { kind, roles, count, four_eyes, given, said, expires_at })
    }

    fn services(&self) -> Vec<MemberStatus> {
        if self.companions.is_empty() {
            return Vec::new();
        }
        let service = |member: Member<'_>| MemberStatus {
            service: member.service.name.clone(),
            from: member.from.clone(),
            to: member.to.clone(),
            share: share(member.given),
        };
        self.members().map(service).collect()
    }

    fn verdicts(&self) -> Vec<VerdictStatus> {
        let verdict = |member: &Member<'_>, run: &CheckRun, check: &Check| VerdictStatus {
            check: check.words(),
            metric: check.metric.clone(),
            service: member.service.name.clone(),
            verdict: run.finding.verdict(),
            text: run.finding.text(check),
            stable: run.finding.stable,
            candidate: run.finding.candidate,
            stable_samples: run.finding.stable_samples,
            candidate_samples: run.finding.candidate_samples,
        };
        let of_member = |(member, runs): (Member<'_>, &[CheckRun])| -> Vec<VerdictStatus> {
            runs.iter().zip(&self.plan.checks).map(|(run, check)| verdict(&member, run, check)).collect()
        };
        self.members().zip(self.all_runs()).flat_map(of_member).collect()
    }
}

impl Work {
    fn kind(&self) -> StepKind {
        match self {
            Work::Hold(_) => StepKind::Expose,
            Work::Ramp { .. } => StepKind::Ramp,
            Work::Gate(gate) => gate.kind(),
        }
    }
}

impl Gate {
    fn kind(&self) -> StepKind {
        match self {
            Gate::Approval(_) => StepKind::Approval,
            Gate::Webhook(_) => StepKind::Webhook,
            Gate::Version(_) => StepKind::WaitFor,
            Gate::PointOfNoReturn(_) => StepKind::PointOfNoReturn,
        }
    }
}

fn share(exposure: &Exposure) -> Share {
    Share { candidate: exposure.share(), audience: exposure.words() }
}
