//! What people may ask of a release, phase by phase.
//!
//! Every verb has an answer in every phase: done, already so, or refused with what would fit instead.

use crate::release::check::CheckRun;
use crate::release::effect::Answer;
use crate::release::event::Command;
use crate::release::phase::{Pause, Phase, Return};
use crate::release::reason::Reason;
use crate::release::status::{TimelineKind, Verb};
use crate::release::step::Draft;
use crate::release::{Release, Surroundings};

/// What a verb would do in a phase.
enum Fit {
    Do,
    Already,
    Refuse(String),
}

pub(super) fn answer(draft: &mut Draft, command: &Command) {
    draft.answer = match fit(&draft.next, command.verb, Some(&command.surroundings)) {
        Fit::Already => Answer::Already,
        Fit::Refuse(why) => Answer::Refused { why },
        Fit::Do => {
            carry_out(draft, command);
            Answer::Done
        }
    };
}

/// The verbs that would be taken now. Whether a retry finds its surroundings fit is only known when it comes.
pub(super) fn possible(release: &Release) -> Vec<Verb> {
    Verb::ALL.into_iter().filter(|verb| matches!(fit(release, *verb, None), Fit::Do)).collect()
}

fn refuse(why: impl Into<String>) -> Fit {
    Fit::Refuse(why.into())
}

fn fit(release: &Release, verb: Verb, surroundings: Option<&Surroundings>) -> Fit {
    match verb {
        Verb::Promote => fit_promote(release),
        Verb::Pause => match &release.phase {
            Phase::Progressing(_) => Fit::Do,
            Phase::Paused { .. } => Fit::Already,
            Phase::Waiting { .. } | Phase::Pending { .. } => refuse(format!(
                "{} has not started, so there is nothing to pause; abort it instead",
                release.name
            )),
            _ => refuse(over(release, "pause")),
        },
        Verb::Resume => match &release.phase {
            Phase::Paused { .. } => Fit::Do,
            Phase::Progressing(_) => Fit::Already,
            _ => refuse(format!("{} is not paused", release.name)),
        },
        Verb::Abort => match &release.phase {
            Phase::Succeeded { kept_until: Some(_), .. } => refuse(format!(
                "{} has succeeded; roll it back instead, which is instant while {} is kept",
                release.name, release.from
            )),
            Phase::Aborted { .. } => Fit::Already,
            Phase::RollingBack { why: Return::Aborted(_), .. } => Fit::Already,
            Phase::RollingBack { .. } => refuse(over(release, "abort")),
            phase if phase.is_over() => refuse(over(release, "abort")),
            _ => Fit::Do,
        },
        Verb::Rollback => fit_rollback(release),
        Verb::Retry => fit_retry(release, surroundings),
    }
}

fn fit_promote(release: &Release) -> Fit {
    match &release.phase {
        Phase::Progressing(_) | Phase::Paused { .. } if release.endpoints.candidate.any_ready() => Fit::Do,
        Phase::Progressing(_) | Phase::Paused { .. } => {
            refuse(format!("{} has no ready endpoint now, so nobody else can be sent to it", release.to))
        }
        Phase::Promoting { .. } | Phase::Succeeded { .. } => Fit::Already,
        Phase::Waiting { behind } => refuse(format!("{} waits for {behind} to end", release.name)),
        Phase::Pending { .. } => refuse(format!("{} has no ready endpoint yet", release.to)),
        _ => refuse(over(release, "promote")),
    }
}

fn fit_rollback(release: &Release) -> Fit {
    match &release.phase {
        Phase::Progressing(_)
        | Phase::Paused { .. }
        | Phase::Promoting { .. }
        | Phase::Succeeded { kept_until: Some(_), .. } => Fit::Do,
        Phase::RollingBack { .. } | Phase::RolledBack { .. } => Fit::Already,
        Phase::Succeeded { kept_until: None, .. } => refuse(format!(
            "{} is no longer kept; release it again with: sluice release start {} {}",
            release.from, release.service.name, release.from
        )),
        Phase::Waiting { .. } | Phase::Pending { .. } => {
            refuse(format!("nobody has met {} yet; abort {} instead", release.to, release.name))
        }
        _ => refuse(over(release, "roll back")),
    }
}

fn fit_retry(release: &Release, surroundings: Option<&Surroundings>) -> Fit {
    match &release.phase {
        Phase::RolledBack { .. } | Phase::Aborted { .. } | Phase::Failed { .. } => {}
        Phase::Superseded { by, .. } => {
            return refuse(format!("{by} took its place; start a new release instead"));
        }
        Phase::Succeeded { .. } => return refuse(format!("{} has succeeded", release.name)),
        _ => return refuse(format!("{} is still under way", release.name)),
    }
    let Some(surroundings) = surroundings else { return Fit::Do };
    if let Some(other) = &surroundings.other {
        refuse(format!("{other} is under way; retry when it has ended"))
    } else if surroundings.live == release.to {
        refuse(format!("{} is live already", release.to))
    } else if !surroundings.version_exists {
        refuse(format!("{} no longer has version {}; apply it again first", release.service.name, release.to))
    } else {
        Fit::Do
    }
}

fn over(release: &Release, verb: &str) -> String {
    let state = match release.phase {
        Phase::RollingBack { .. } => "is being taken back",
        Phase::RolledBack { .. } => "was rolled back",
        Phase::Aborted { .. } => "was aborted",
        Phase::Superseded { .. } => "was superseded",
        Phase::Failed { .. } => "has failed",
        Phase::Promoting { .. } => "is becoming the stable version",
        _ => "has succeeded",
    };
    format!("{} {state}, so there is nothing to {verb}", release.name)
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
        Verb::Abort => match draft.next.phase {
            Phase::Waiting { .. } | Phase::Pending { .. } => {
                note(draft, command, TimelineKind::Ended, "Aborted");
                let at = draft.now;
                draft.end_quietly(Phase::Aborted { step: None, at }, person("aborted it"));
            }
            _ => draft.go_back(Return::Aborted(person("aborted it"))),
        },
        Verb::Rollback => draft.go_back(Return::RolledBack(person("rolled it back"))),
        Verb::Retry => {
            draft.next.attempt += 1;
            draft.next.from = command.surroundings.live.clone();
            draft.next.started_at = None;
            draft.next.newer = None;
            draft.next.endpoints.unready_for = None;
            draft.next.checks = draft.next.plan.checks.iter().map(CheckRun::new).collect();
            note(draft, command, TimelineKind::Resumed, "Started again");
            draft.begin();
        }
    }
}

/// Notes what a person did, with their words: `Paused: lunch`. Who it was stands beside it.
fn note(draft: &mut Draft, command: &Command, kind: TimelineKind, done: &str) {
    let why = command.reason.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
    draft.note_by(kind, format!("{done}{why}"), Some(command.actor.clone()));
}
