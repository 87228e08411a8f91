//! Ramps: more and more people meet the candidate within one step.

use crate::document::policy::{Hold, Ramp, RiskBudget};
use crate::release::event::Observation;
use crate::release::phase::{Pause, Phase, Stand, longer};
use crate::release::plan::Step;
use crate::release::ramp::{EVIDENCE_MIN, HORIZON, RATE_SPAN, even, next_of};
use crate::release::reason::Reason;
use crate::release::status::TimelineKind;
use crate::release::step::Draft;
use crate::release::step::mitigation::Found;
use crate::{Span, Weight};

impl Draft {
    /// Looks at a ramp of which the traffic is in force and the candidate ready; `gained` is the time since the last
    /// look that counts for it.
    pub(super) fn climb(
        &mut self,
        mut stand: Stand,
        step: &Step,
        ramp: &Ramp,
        seen: &Observation,
        gained: Span,
        elapsed: Span,
    ) {
        self.next.risk.add(&seen.stable, &seen.candidate, gained);
        self.next.phase = Phase::Progressing(stand);
        if let Ramp::Budget { budget, .. } = ramp
            && let Some(found) = self.spent(step, *budget)
        {
            return self.on_trouble(found);
        }
        let share = self.next.traffic.desired.share();
        if share >= ramp.last().0 {
            return self.hold_or_advance(stand, step, elapsed);
        }
        let asked = asked_before_growing(ramp, share);
        if stand.held >= asked.time
            && let Some(lack) = self.missing(&asked, &stand)
        {
            return self.wait_for_data(stand, step.name.clone(), lack, elapsed);
        }
        stand.waited = None;
        self.next.phase = Phase::Progressing(stand);
        if let Some(closed) = self.next.closed(Some(&step.name)) {
            return self.wait_because(closed);
        }
        if let Ramp::Linear { .. } = ramp {
            stand.ramped = longer(stand.ramped, gained);
            self.next.phase = Phase::Progressing(stand);
        }
        let next = if stand.held >= asked.time { self.next_share(ramp, &stand, share, step) } else { share };
        if next > share {
            return self.grow(stand, step, next);
        }
        self.because(self.ramping(step, ramp, &stand));
    }

    fn next_share(&self, ramp: &Ramp, stand: &Stand, share: Weight, step: &Step) -> Weight {
        match ramp {
            Ramp::Linear { to, over, .. } => {
                even(step.exposure.share(), to.0, *over, stand.ramped).max(share)
            }
            Ramp::Through { percents, .. } => next_of(percents, share).unwrap_or(share),
            Ramp::Budget { to, budget } => self.next.risk.share(*budget, share, to.0),
        }
    }

    /// More people meet the candidate: what is to be seen among them begins afresh.
    fn grow(&mut self, mut stand: Stand, step: &Step, share: Weight) {
        // Whoever the step keeps out is kept out from the first share on, also where it began with nobody.
        let exposure = step.exposure.with_share(share);
        self.note(TimelineKind::Step, format!("Step {} grows: {}", step.name, exposure.words()));
        self.restart_checks();
        stand.held = Span::ZERO;
        stand.requests = 0;
        stand.waited = None;
        stand.watched_at = None;
        self.next.phase = Phase::Progressing(stand);
        self.expose(exposure);
        self.begin_hold_if_in_force();
    }

    /// That more requests have failed than may, if they have.
    fn spent(&self, step: &Step, budget: RiskBudget) -> Option<Found> {
        let risk = &self.next.risk;
        let excess = risk.excess();
        let excess = (excess > budget.failed_requests as f64).then(|| excess.ceil() as u64)?;
        Some(Found {
            reason: Reason::RiskSpent {
                step: step.name.clone(),
                excess,
                budget: budget.failed_requests,
                requests: risk.candidate.n,
                failed: risk.candidate.k,
            },
            then: self.next.plan.on_fail.clone(),
            why: Pause::CheckFailed,
        })
    }

    /// How a ramp is getting on.
    pub(super) fn ramping(&self, step: &Step, ramp: &Ramp, stand: &Stand) -> Reason {
        let time_left = match ramp {
            Ramp::Linear { over, .. } => Some(over.left_after(stand.ramped)),
            Ramp::Through { every, .. } => Some(every.left_after(stand.held)),
            Ramp::Budget { .. } => None,
        };
        Reason::Ramping {
            step: step.name.clone(),
            audience: self.next.traffic.desired.words(),
            to: ramp.last().0,
            time_left,
        }
    }
}

/// What must have been at a share before the next one is thought of.
fn asked_before_growing(ramp: &Ramp, share: Weight) -> Hold {
    let (time, requests) = match ramp {
        Ramp::Linear { .. } => (Span::ZERO, 0),
        Ramp::Through { every, requests, .. } => (*every, *requests),
        Ramp::Budget { .. } if share == Weight::ZERO => (RATE_SPAN, 0),
        Ramp::Budget { .. } => (HORIZON, EVIDENCE_MIN),
    };
    Hold { time, requests, until_promoted: false }
}
