//! [`step()`]: what follows from an event. Pure and total; every phase answers every event.

mod back;
mod calendar;
mod gate;
mod hook;
mod members;
mod mitigation;
mod queue;
mod ramp;
mod start;
mod walk;
mod watch;

use std::sync::Arc;

pub(super) use members::Look;
pub use start::{CompanionSpec, Creation, create};

use crate::Timestamp;
use crate::release::effect::{Answer, Effect, Transition};
use crate::release::event::Event;
use crate::release::phase::{GateStand, Phase, Return, Trouble};
use crate::release::reason::Reason;
use crate::release::status::{TimelineEntry, TimelineKind};
use crate::release::{Purpose, Release, TIMELINE_MAX, verb};

/// What follows from an event.
pub fn step(release: &Release, event: &Event, now: Timestamp) -> Transition {
    let mut draft = Draft::of(release, now);
    match event {
        Event::Observed(seen) => draft.observed(seen),
        Event::Command(command) => verb::answer(&mut draft, command),
        Event::TrafficInForce { change } => draft.in_force(*change),
        Event::Newer { by } => draft.newer(by),
        Event::Turn { live, companions } => draft.turn(live, companions),
        Event::HookAnswered { number, answer } => draft.hook_answered(*number, answer),
    }
    draft.finish()
}

/// What follows when deciding about a release panicked: everyone goes back to the version that they had, or, past a
/// point of no return, stays where they are until somebody decides. Looks at as little of the release as it can.
pub fn crashed(release: &Release, message: &str, now: Timestamp) -> Transition {
    let mut draft = Draft::of(release, now);
    let trouble = Trouble::Crashed { message: message.to_owned() };
    match &release.phase {
        phase if phase.is_over() => {}
        Phase::Waiting { .. } | Phase::Pending { .. } | Phase::Closed { stand: None, .. } => {
            draft.end(Phase::Failed { step: None, at: now }, Reason::Trouble(trouble));
        }
        // Everyone is on the way already; whoever looks every second may fail every second.
        Phase::RollingBack { .. } => draft.hurry(),
        _ if release.no_return.is_some() => draft.pause_after_crash(Reason::Trouble(trouble)),
        _ => draft.go_back(Return::Trouble(trouble)),
    }
    draft.finish()
}

/// A transition in the making.
pub(super) struct Draft {
    pub(super) next: Release,
    pub(super) now: Timestamp,
    pub(super) answer: Answer,
    effects: Vec<Effect>,
    entries: Vec<TimelineEntry>,
}

impl Draft {
    fn of(release: &Release, now: Timestamp) -> Draft {
        Draft { next: release.clone(), now, answer: Answer::None, effects: Vec::new(), entries: Vec::new() }
    }

    fn finish(mut self) -> Transition {
        self.hang_up();
        if !self.entries.is_empty() {
            let timeline = Arc::make_mut(&mut self.next.timeline);
            timeline.extend(self.entries.iter().cloned());
            let excess = timeline.len().saturating_sub(TIMELINE_MAX);
            timeline.drain(..excess);
        }
        Transition { next: self.next, effects: self.effects, entries: self.entries, answer: self.answer }
    }

    /// Forgets a call of which the answer is of no use any more.
    fn hang_up(&mut self) {
        let Some(calling) = &self.next.calling else { return };
        let is_wanted = match (calling.purpose, &self.next.phase) {
            (Purpose::Gate, Phase::AtGate { gate: GateStand::Webhook { .. }, .. }) => true,
            (Purpose::Redeploy, Phase::RollingBack { .. }) => true,
            (Purpose::Gate | Purpose::Redeploy, _) => false,
        };
        if !is_wanted {
            let number = calling.number;
            self.next.calling = None;
            self.effects.retain(|effect| *effect != Effect::CallHook { number });
        }
    }

    fn note(&mut self, kind: TimelineKind, text: String) {
        self.note_by(kind, text, None);
    }

    pub(super) fn note_by(&mut self, kind: TimelineKind, text: String, actor: Option<String>) {
        self.entries.push(TimelineEntry { at: self.now, kind, text, actor });
    }

    /// Says why the release is where it is. Since when it is so only changes with what is said, not with its numbers.
    pub(super) fn because(&mut self, reason: Reason) {
        if !reason.is_like(&self.next.reason) {
            self.next.reason_at = self.now;
        }
        self.next.reason = reason;
    }

    /// Notes that something is waited for, and what, unless that was the last thing said.
    fn wait_because(&mut self, reason: Reason) {
        if !reason.is_like(&self.next.reason) {
            self.note(TimelineKind::Waiting, reason.to_string());
        }
        self.because(reason);
    }

    /// Ends without traffic having to move.
    fn end(&mut self, phase: Phase, reason: Reason) {
        self.note(TimelineKind::Ended, reason.to_string());
        self.end_quietly(phase, reason);
    }

    /// Ends; the caller notes it.
    pub(super) fn end_quietly(&mut self, phase: Phase, reason: Reason) {
        self.next.phase = phase;
        self.because(reason);
        self.effects.push(Effect::StartNext);
    }
}
