//! What people may ask of a release, phase by phase.
//!
//! Every verb has an answer in every phase: done, already so, or refused with what would fit instead.

mod fit;

use crate::release::Release;
use crate::release::effect::Answer;
use crate::release::event::Command;
use crate::release::phase::{Approved, Pause, Phase, Return, Stand};
use crate::release::reason::Reason;
use crate::release::status::{TimelineKind, Verb};
use crate::release::step::Draft;
use fit::{Fit, fit};

pub(super) fn answer(draft: &mut Draft, command: &Command) {
    draft.answer = match fit(&draft.next, command.verb, Some(command)) {
        Fit::Already => Answer::Already,
        Fit::Refuse(why) => Answer::Refused { why },
        Fit::Do => {
            carry_out(draft, command);
            Answer::Done
        }
    };
}

/// The verbs that would be taken now. Whether a retry finds its surroundings fit, and who may approve or override, is
/// only known when it comes.
pub(super) fn possible(release: &Release) -> Vec<Verb> {
    Verb::ALL.into_iter().filter(|verb| matches!(fit(release, *verb, None), Fit::Do)).collect()
}

fn carry_out(draft: &mut Draft, command: &Command) {
    let person = |done: &str| Reason::Person {
        done: done.to_owned(),
        actor: command.actor.clone(),
        why: command.reason.clone(),
    };
    match command.verb {
        Verb::Promote => {
            if let Some(step) = draft.next.phase.step() {
                note(draft, command, TimelineKind::Resumed, "Promoted");
                draft.judge_anew_after_failure();
                draft.enter(step + 1);
            }
        }
        Verb::Pause => {
            note(draft, command, TimelineKind::Paused, "Paused");
            draft.pause(Pause::Person, person("paused it"));
        }
        Verb::Resume => {
            note(draft, command, TimelineKind::Resumed, "Resumed");
            draft.resume();
        }
        Verb::Abort => abort(draft, command, person("aborted it")),
        Verb::Rollback => match draft.next.phase {
            Phase::RollingBack { .. } => {
                note(draft, command, TimelineKind::RollingBack, "Rolled back at once");
                draft.hurry();
            }
            _ => draft.go_back(Return::RolledBack(person("rolled it back"))),
        },
        Verb::Retry => retry(draft, command),
        Verb::Approve => {
            note(draft, command, TimelineKind::Resumed, "Approved");
            draft.approve(command);
        }
        Verb::Reject => {
            note(draft, command, TimelineKind::Verdict, "Rejected");
            draft.go_back(Return::RolledBack(person("rejected it")));
        }
        Verb::Override => override_what_holds_up(draft, command),
    }
}

fn abort(draft: &mut Draft, command: &Command, reason: Reason) {
    match &mut draft.next.phase {
        Phase::Waiting { .. } | Phase::Pending { .. } | Phase::Closed { stand: None, .. } => {
            note(draft, command, TimelineKind::Ended, "Aborted");
            let at = draft.now;
            draft.end_quietly(Phase::Aborted { step: None, at }, reason);
        }
        Phase::RollingBack { why, .. } => {
            *why = Return::Aborted(reason);
            note(draft, command, TimelineKind::RollingBack, "Aborted");
            draft.hurry();
        }
        _ => draft.go_back(Return::Aborted(reason)),
    }
}

/// Starts over. Whoever does so has started this attempt: approvals by others are asked for again.
fn retry(draft: &mut Draft, command: &Command) {
    let next = &mut draft.next;
    next.attempt += 1;
    next.started_at = None;
    next.started_by = command.actor.clone();
    next.newer = None;
    next.no_return = None;
    next.override_by = None;
    next.rebalanced = 0;
    next.calling = None;
    draft.set_out_from(&command.surroundings.live, &command.surroundings.companions);
    draft.judge_anew();
    note(draft, command, TimelineKind::Resumed, "Started again");
    draft.begin();
}

/// Goes on in spite of a gate, or of the calendar.
fn override_what_holds_up(draft: &mut Draft, command: &Command) {
    note(draft, command, TimelineKind::Resumed, "Overridden");
    if let Phase::AtGate { stand, .. } = draft.next.phase {
        return draft.advance(stand);
    }
    draft.next.override_by =
        Some(Approved { actor: command.actor.clone(), at: draft.now, reason: command.reason.clone() });
    if let Phase::Closed { stand, .. } = draft.next.phase {
        match (stand, draft.next.unready().is_some()) {
            (Some(Stand { step, .. }), _) => draft.enter(step + 1),
            (None, false) => draft.start(),
            (None, true) => draft.begin(),
        }
    }
}

/// Notes what a person did, with their words: `Paused: lunch`. Who it was stands beside it.
fn note(draft: &mut Draft, command: &Command, kind: TimelineKind, done: &str) {
    let why = command.reason.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
    draft.note_by(kind, format!("{done}{why}"), Some(command.actor.clone()));
}
