//! From one step to the next, and to the end.

use std::sync::Arc;

use crate::release::check::CheckRun;
use crate::release::effect::Effect;
use crate::release::phase::{Phase, Stand};
use crate::release::plan::{Gate, Step, Work};
use crate::release::reason::Reason;
use crate::release::status::TimelineKind;
use crate::release::step::Draft;
use crate::release::{Exposure, Risk, SplitWatch};
use crate::{Span, Timestamp};

impl Draft {
    /// Waits for the candidate to be ready.
    pub(in crate::release) fn begin(&mut self) {
        self.next.phase = Phase::Pending { since: self.now, waited: Span::ZERO };
        self.next.looked_at = None;
        let (version, left) = (self.next.to.clone(), self.next.plan.ready_within);
        let endpoints = self.next.endpoints.candidate.total;
        self.because(Reason::WaitingForReady { version, endpoints, left });
    }

    /// Goes on to what comes after a step that is over, unless the calendar does not allow it.
    pub(in crate::release) fn advance(&mut self, stand: Stand) {
        match self.held_up(stand.step + 1) {
            Some(reason) => self.close(Some(stand), reason),
            None => self.enter(stand.step + 1),
        }
    }

    /// Enters a step; past the last one, the candidate is promoted.
    pub(in crate::release) fn enter(&mut self, index: usize) {
        let plan = Arc::clone(&self.next.plan);
        let Some(step) = plan.steps.get(index) else { return self.promote() };
        let count = plan.steps.len();
        self.note(
            TimelineKind::Step,
            format!("Step {} ({} of {count}): {}", step.name, index + 1, step.words()),
        );
        match &step.work {
            Work::Gate(Gate::PointOfNoReturn(why)) => {
                self.next.no_return = Some(why.clone());
                return self.advance(Stand::at(index));
            }
            Work::Gate(gate) => return self.enter_gate(index, gate),
            Work::Ramp { .. } => self.next.risk = Risk::default(),
            Work::Hold(_) => {}
        }
        if step.exposure != self.next.traffic.desired {
            self.restart_checks();
        }
        self.next.phase = Phase::Progressing(Stand::at(index));
        self.expose(step.exposure.clone());
        self.begin_hold_if_in_force();
    }

    /// To be called when other people begin to meet the candidate.
    pub(super) fn restart_checks(&mut self) {
        self.all_checks().for_each(CheckRun::restart);
    }

    /// Forgets what every check has seen, and what was lost in a ramp.
    pub(in crate::release) fn judge_anew(&mut self) {
        self.next.risk = Risk::default();
        self.next.split = SplitWatch::default();
        let plan = Arc::clone(&self.next.plan);
        let fresh = || plan.checks.iter().map(CheckRun::new).collect();
        self.next.checks = fresh();
        self.next.endpoints.unready_for = None;
        for companion in &mut self.next.companions {
            companion.checks = fresh();
            companion.endpoints.unready_for = None;
        }
    }

    fn all_checks(&mut self) -> impl Iterator<Item = &mut CheckRun> {
        let companions = self.next.companions.iter_mut().flat_map(|companion| &mut companion.checks);
        companions.chain(&mut self.next.checks)
    }

    pub(super) fn begin_hold_if_in_force(&mut self) {
        let Phase::Progressing(mut stand) = self.next.phase else { return };
        let plan = Arc::clone(&self.next.plan);
        let Some(step) = plan.steps.get(stand.step) else { return };
        if self.next.traffic.agrees() {
            stand.since.get_or_insert(self.now);
            stand.watched_at = Some(self.now);
            self.next.phase = Phase::Progressing(stand);
            self.because(self.under_way(step, &stand));
        } else {
            self.because(self.moving(step));
        }
    }

    pub(super) fn moving(&self, step: &Step) -> Reason {
        Reason::Moving {
            step: step.name.clone(),
            audience: self.next.traffic.desired.words(),
            version: self.next.to.clone(),
        }
    }

    /// What a step still waits for, while nothing is amiss.
    fn under_way(&self, step: &Step, stand: &Stand) -> Reason {
        match &step.work {
            Work::Ramp { ramp, .. } if self.next.traffic.desired.share() < ramp.last().0 => {
                self.ramping(step, ramp, stand)
            }
            _ => self.holding(step, stand),
        }
    }

    /// What a hold still waits for.
    pub(super) fn holding(&self, step: &Step, stand: &Stand) -> Reason {
        let audience = self.next.traffic.desired.words();
        let hold = step.hold();
        if hold.until_promoted {
            return Reason::UntilPromoted { step: step.name.clone(), audience };
        }
        Reason::Holding {
            step: step.name.clone(),
            audience,
            time_left: hold.time.left_after(stand.held),
            requests_left: hold.requests.saturating_sub(stand.requests),
        }
    }

    fn promote(&mut self) {
        self.next.phase = Phase::Promoting { since: self.now };
        self.expose(Exposure::everyone());
        if self.next.traffic.agrees() {
            return self.succeed();
        }
        let version = self.next.to.clone();
        self.note(TimelineKind::Step, format!("The last step is over: everyone gets {version}"));
        self.because(Reason::Promoting { version });
    }

    /// Past a point of no return nothing is kept, since nobody could go back to it.
    pub(super) fn succeed(&mut self) {
        let is_kept = self.next.newer.is_none() && self.next.no_return.is_none();
        let keep = if is_kept { self.next.plan.keep_previous } else { Span::ZERO };
        let kept_until = (keep > Span::ZERO).then(|| self.now.after(keep));
        self.next.phase = Phase::Succeeded { at: self.now, kept_until };
        let (version, previous) = (self.next.to.clone(), self.next.from.clone());
        let live = self
            .next
            .members()
            .map(|member| Effect::MakeLive { service: member.service.clone(), version: member.to.clone() });
        self.effects.extend(live);
        let reason = match kept_until {
            Some(until) => Reason::Kept { version, previous, until },
            None => Reason::Released { version },
        };
        self.note(TimelineKind::Ended, reason.to_string());
        self.because(reason);
        if kept_until.is_none() {
            self.effects.push(Effect::StartNext);
        }
    }

    /// The previous version is no longer kept.
    pub(super) fn let_go(&mut self, at: Timestamp) {
        self.next.phase = Phase::Succeeded { at, kept_until: None };
        self.note(TimelineKind::Released, format!("{} is no longer kept", self.next.from));
        let version = self.next.to.clone();
        self.because(Reason::Released { version });
        self.effects.push(Effect::StartNext);
    }
}
