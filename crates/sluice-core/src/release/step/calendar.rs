//! Windows and freezes: nobody else meets the candidate while the environment's calendar is closed. Taking people back
//! is never held up.

use crate::Name;
use crate::calendar::Openness;
use crate::release::Release;
use crate::release::phase::{Phase, Stand};
use crate::release::reason::Reason;
use crate::release::status::TimelineKind;
use crate::release::step::Draft;

impl Release {
    /// Why entering a step has to wait, if it shows the candidate to more people, or to everyone for good.
    pub(in crate::release) fn held_up(&self, index: usize) -> Option<Reason> {
        match self.plan.steps.get(index) {
            None => self.closed(None),
            Some(step) if step.gate().is_some() => None,
            Some(step) if self.traffic.desired.covers(&step.exposure) => None,
            Some(step) => self.closed(Some(&step.name)),
        }
    }

    /// Why more people cannot meet the candidate now, if the calendar does not allow it and nobody said otherwise.
    pub(in crate::release) fn closed(&self, step: Option<&Name>) -> Option<Reason> {
        match &self.calendar {
            Openness::Closed { why, opens_at } if self.override_by.is_none() => Some(Reason::Closed {
                version: self.to.clone(),
                step: step.cloned(),
                why: why.clone(),
                opens_at: *opens_at,
            }),
            Openness::Closed { .. } | Openness::Open { .. } => None,
        }
    }

    /// The step that a closed calendar keeps from beginning.
    fn waits_for(&self) -> usize {
        self.phase.step().map_or(0, |step| step + 1)
    }
}

impl Draft {
    pub(super) fn held_up(&self, index: usize) -> Option<Reason> {
        self.next.held_up(index)
    }

    /// Waits for the calendar to open.
    pub(super) fn close(&mut self, stand: Option<Stand>, reason: Reason) {
        let stand = stand.map(|stand| Stand { watched_at: None, waited: None, ..stand });
        self.next.phase = Phase::Closed { stand, since: self.now };
        self.wait_because(reason);
    }

    /// Goes on when the calendar is open, and says what is waited for otherwise. Nobody else is sent to a candidate
    /// that is not ready.
    pub(super) fn open_or_wait(&mut self) {
        let Phase::Closed { stand, .. } = self.next.phase else { return };
        let next = self.next.waits_for();
        let is_first = stand.is_none();
        let reason = match next {
            // Before the first step nobody meets it at all.
            0 => self.next.closed(self.next.plan.steps.first().map(|step| &step.name)),
            _ => self.next.held_up(next),
        };
        match (reason, self.next.unready().is_some()) {
            (Some(reason), _) => self.because(reason),
            (None, true) if is_first => {
                let text =
                    format!("Nothing holds {} up any more, but it has no ready endpoint", self.next.to);
                self.note(TimelineKind::Waiting, text);
                self.begin();
            }
            (None, true) => {
                if let Some(not_ready) = self.not_ready() {
                    self.because(not_ready);
                }
            }
            (None, false) if is_first => self.start(),
            (None, false) => self.enter(next),
        }
    }
}
