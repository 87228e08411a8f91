//! What happens on trouble: by the policy, and by the check that found it.

use std::sync::Arc;

use crate::document::policy::{Mitigation, Rebalance};
use crate::release::Purpose;
use crate::release::phase::{Pause, Phase, Return, Stand};
use crate::release::reason::Reason;
use crate::release::status::TimelineKind;
use crate::release::step::Draft;

/// Trouble, and what is to be done about it.
pub(super) struct Found {
    /// What is wrong.
    pub(super) reason: Reason,
    /// What is to be done.
    pub(super) then: Mitigation,
    /// What has paused the release, if that is to be done.
    pub(super) why: Pause,
}

impl Draft {
    /// Notes what is wrong, and does what is to be done about it.
    pub(super) fn on_trouble(&mut self, found: Found) {
        let Found { reason, then, why } = found;
        self.note(TimelineKind::Verdict, reason.to_string());
        match (then, self.next.no_return.clone()) {
            (Mitigation::Pause, _) => {
                self.note(TimelineKind::Paused, "Paused until somebody decides".to_owned());
                self.pause(why, reason);
            }
            (_, Some(no_return)) => {
                let text = "Paused until somebody decides, since nobody can be taken back any more";
                self.note(TimelineKind::Paused, format!("{text}: {no_return}"));
                self.pause(why, Reason::NoReturn { because: Box::new(reason), why: no_return });
            }
            (then, None) => self.take_back(then, reason),
        }
    }

    /// Takes people back, as far and as fast as is asked.
    fn take_back(&mut self, then: Mitigation, reason: Reason) {
        match then {
            Mitigation::Rebalance(rebalance) => match self.lower_step(&rebalance) {
                Some(index) => self.go_down_to(index, &rebalance, &reason),
                None => self.go_back(Return::RolledBack(reason)),
            },
            Mitigation::RollbackGradually(gradually) => {
                self.go_back_over(Return::RolledBack(reason), gradually.over);
            }
            Mitigation::Redeploy(hook) => {
                self.call(hook, Purpose::Redeploy);
                self.go_back(Return::RolledBack(reason));
            }
            Mitigation::Rollback | Mitigation::Pause => self.go_back(Return::RolledBack(reason)),
        }
    }

    /// The same once everyone has the new version and the one before is kept: then there is no lower step, and people
    /// go back at once.
    pub(super) fn take_back_from_success(&mut self, found: Found) {
        let then = match found.then {
            Mitigation::Rebalance(_) | Mitigation::RollbackGradually(_) => Mitigation::Rollback,
            then => then,
        };
        self.on_trouble(Found { then, ..found });
    }

    /// Where a rebalance leads; none when it is not below, or was done too often.
    fn lower_step(&self, rebalance: &Rebalance) -> Option<usize> {
        let steps = &self.next.plan.steps;
        let index = steps.iter().position(|step| step.name == rebalance.step)?;
        let current = self.next.phase.step().unwrap_or(steps.len());
        (index < current && self.next.rebalanced < rebalance.times).then_some(index)
    }

    /// Goes down to a lower step: everything is judged anew there, and its hold begins afresh. Whatever was paused
    /// stays so.
    fn go_down_to(&mut self, index: usize, rebalance: &Rebalance, reason: &Reason) {
        self.next.rebalanced += 1;
        let text = format!(
            "Goes down to step {}, for the {} time of {} at most, because {}",
            rebalance.step,
            ordinal(self.next.rebalanced),
            rebalance.times,
            reason.clause()
        );
        self.note(TimelineKind::RollingBack, text);
        self.judge_anew();
        let plan = Arc::clone(&self.next.plan);
        let lower = plan.steps.get(index).map(|step| step.exposure.clone()).unwrap_or_default();
        if self.next.traffic.desired.covers_people(&lower) {
            self.expose(lower);
        }
        match &mut self.next.phase {
            Phase::Paused { stand, .. } => *stand = Stand::at(index),
            _ => self.enter(index),
        }
    }

    /// Stays where it is until somebody decides; the caller notes it. Given its reason.
    pub(in crate::release) fn pause(&mut self, why: Pause, reason: Reason) {
        let mut stand = match self.next.phase {
            Phase::Progressing(stand)
            | Phase::AtGate { stand, .. }
            | Phase::Closed { stand: Some(stand), .. }
            | Phase::Paused { stand, .. } => stand,
            // Its last step is held once more when it is resumed.
            Phase::Promoting { .. } => Stand::at(self.next.plan.steps.len().saturating_sub(1)),
            _ => return,
        };
        stand.watched_at = None;
        stand.waited = None;
        self.next.phase = Phase::Paused { stand, why, since: self.now };
        self.because(reason);
    }

    /// Stays where it is after a bug, past a point of no return. Whoever looks every second may fail every second, and
    /// that is said once.
    pub(super) fn pause_after_crash(&mut self, trouble: Reason) {
        if let Phase::Paused { why: Pause::CheckFailed, .. } = self.next.phase {
            return;
        }
        let Some(why) = self.next.no_return.clone() else { return };
        let reason = Reason::NoReturn { because: Box::new(trouble), why };
        self.note(TimelineKind::Paused, format!("Paused until somebody decides: {reason}"));
        self.pause(Pause::CheckFailed, reason);
        // One that succeeded is left as it is.
    }

    /// Goes on where a pause began; a gate begins afresh.
    pub(in crate::release) fn resume(&mut self) {
        self.judge_anew_after_failure();
        let Phase::Paused { mut stand, .. } = self.next.phase else { return };
        if self.next.plan.steps.get(stand.step).is_some_and(|step| step.gate().is_some()) {
            return self.enter(stand.step);
        }
        stand.watched_at = None;
        self.next.phase = Phase::Progressing(stand);
        self.begin_hold_if_in_force();
    }

    /// After a failed check everything is judged anew: whoever lets the release go on has decided that what was found
    /// is bearable.
    pub(in crate::release) fn judge_anew_after_failure(&mut self) {
        if let Phase::Paused { why: Pause::CheckFailed, .. } = self.next.phase {
            self.judge_anew();
        }
    }
}

/// `first`, `second`, `3rd`.
fn ordinal(number: u32) -> String {
    match number {
        1 => "first".to_owned(),
        2 => "second".to_owned(),
        3 => "third".to_owned(),
        _ => format!("{number}th"),
    }
}
