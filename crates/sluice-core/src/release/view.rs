//! What people and programs are shown of a release, made from its state.

use crate::Span;
use crate::release::phase::Phase;
use crate::release::status::{
    PhaseName, ReasonStatus, ReleaseStatus, Share, SplitStatus, StepState, StepStatus, VerdictStatus,
};
use crate::release::{Exposure, Release, verb};

impl Release {
    /// Its status, as it is shown.
    pub fn status(&self) -> ReleaseStatus {
        let phase = self.phase.name();
        let step = match self.phase {
            // Past the last step, that is the one it ended in.
            Phase::Promoting { .. } | Phase::Succeeded { .. } => self.plan.steps.len().checked_sub(1),
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
            exposed: self.exposed,
            timeline: self.timeline.clone(),
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
        let stand = match &self.phase {
            Phase::Progressing(stand) | Phase::Paused { stand, .. } if stand.step == index => Some(stand),
            _ => None,
        };
        StepStatus {
            name: step.name.clone(),
            audience: step.exposure.words(),
            candidate: step.exposure.share(),
            state: self.step_state(index),
            since: stand.and_then(|stand| stand.since),
            hold_time: step.hold.time,
            held_time: stand.map_or(Span::ZERO, |stand| stand.held),
            hold_requests: step.hold.requests,
            held_requests: stand.map_or(0, |stand| stand.requests),
            until_promoted: step.hold.until_promoted,
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

    fn verdicts(&self) -> Vec<VerdictStatus> {
        let verdict =
            |(run, check): (&crate::release::CheckRun, &crate::release::plan::Check)| VerdictStatus {
                check: check.words(),
                metric: check.metric.clone(),
                verdict: run.finding.verdict(),
                text: run.finding.text(check),
                stable: run.finding.stable,
                candidate: run.finding.candidate,
                stable_samples: run.finding.stable_samples,
                candidate_samples: run.finding.candidate_samples,
            };
        self.checks.iter().zip(&self.plan.checks).map(verdict).collect()
    }
}

fn share(exposure: &Exposure) -> Share {
    Share { candidate: exposure.share(), audience: exposure.words() }
}
