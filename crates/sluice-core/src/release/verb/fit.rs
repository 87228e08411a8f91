//! Whether a verb fits where a release is, and what would fit instead.

use crate::release::Release;
use crate::release::event::Command;
use crate::release::phase::{GateStand, Pace, Phase, Return};
use crate::release::plan::Gate;
use crate::release::reason::or;
use crate::release::status::Verb;

/// What a verb would do in a phase.
pub(super) enum Fit {
    Do,
    Already,
    Refuse(String),
}

fn refuse(why: impl Into<String>) -> Fit {
    Fit::Refuse(why.into())
}

/// Without a command, who asks and what they find is left open.
pub(super) fn fit(release: &Release, verb: Verb, command: Option<&Command>) -> Fit {
    match verb {
        Verb::Promote => fit_promote(release),
        Verb::Pause => fit_pause(release),
        Verb::Resume => match &release.phase {
            Phase::Paused { .. } => Fit::Do,
            Phase::Progressing(_) => Fit::Already,
            _ => refuse(format!("{} is not paused", release.name)),
        },
        Verb::Abort => fit_abort(release),
        Verb::Rollback => fit_rollback(release),
        Verb::Retry => fit_retry(release, command),
        Verb::Approve => fit_approve(release, command),
        Verb::Reject => fit_reject(release, command),
        Verb::Override => fit_override(release, command),
    }
}

fn fit_promote(release: &Release) -> Fit {
    match &release.phase {
        Phase::Progressing(stand) => fit_promote_from(release, stand.step),
        Phase::Paused { stand, .. } if is_gate(release, stand.step) => {
            refuse(format!("{} is paused at a gate; resume it, so that the gate can be opened", release.name))
        }
        Phase::Paused { stand, .. } => fit_promote_from(release, stand.step),
        Phase::AtGate { .. } => refuse(format!("{}{}", release.reason, gets_on(release))),
        Phase::Closed { .. } => {
            refuse(format!("{}; override it with a reason if it must be", release.reason))
        }
        Phase::Promoting { .. } | Phase::Succeeded { .. } => Fit::Already,
        Phase::Waiting { behind } => refuse(format!("{} waits for {behind} to end", release.name)),
        Phase::Pending { .. } => refuse(format!("{} has no ready endpoint yet", release.to)),
        _ => refuse(over(release, "promote")),
    }
}

/// What gets on at a gate.
fn gets_on(release: &Release) -> &'static str {
    match release.gate() {
        Some((_, Gate::Approval(_))) => "; approve it, or override it with a reason",
        _ => "; override it with a reason if it must be",
    }
}

fn is_gate(release: &Release, step: usize) -> bool {
    release.plan.steps.get(step).is_some_and(|step| step.gate().is_some())
}

fn fit_promote_from(release: &Release, step: usize) -> Fit {
    if let Some(unready) = unready(release) {
        return unready;
    }
    match release.held_up(step + 1) {
        Some(closed) => refuse(format!("{closed}; override it with a reason if it must be")),
        None => Fit::Do,
    }
}

fn unready(release: &Release) -> Option<Fit> {
    let (member, _) = release.unready()?;
    Some(refuse(format!("{} has no ready endpoint now, so nobody else can be sent to it", member.to)))
}

fn fit_pause(release: &Release) -> Fit {
    match &release.phase {
        Phase::Progressing(_) | Phase::AtGate { .. } | Phase::Closed { stand: Some(_), .. } => Fit::Do,
        Phase::Paused { .. } => Fit::Already,
        Phase::Waiting { .. } | Phase::Pending { .. } | Phase::Closed { stand: None, .. } => refuse(format!(
            "{} has not started, so there is nothing to pause; abort it instead",
            release.name
        )),
        _ => refuse(over(release, "pause")),
    }
}

fn fit_abort(release: &Release) -> Fit {
    match &release.phase {
        Phase::Succeeded { kept_until: Some(_), .. } => refuse(format!(
            "{} has succeeded; roll it back instead, which is instant while {} is kept",
            release.name, release.from
        )),
        Phase::Aborted { .. } => Fit::Already,
        Phase::RollingBack { why: Return::Aborted(_), .. } => Fit::Already,
        Phase::RollingBack { pace: Pace::Gradually { .. }, .. } => Fit::Do,
        Phase::RollingBack { .. } => refuse(over(release, "abort")),
        phase if phase.is_over() => refuse(over(release, "abort")),
        _ => no_return(release).unwrap_or(Fit::Do),
    }
}

/// That nobody can be taken back any more, if that is so.
fn no_return(release: &Release) -> Option<Fit> {
    let why = release.no_return.as_ref()?;
    Some(refuse(format!("nobody can be taken back to {} any more: {why}", release.from)))
}

fn fit_rollback(release: &Release) -> Fit {
    match &release.phase {
        Phase::Progressing(_)
        | Phase::AtGate { .. }
        | Phase::Closed { stand: Some(_), .. }
        | Phase::Paused { .. }
        | Phase::Promoting { .. } => no_return(release).unwrap_or(Fit::Do),
        Phase::Succeeded { kept_until: Some(_), .. }
        | Phase::RollingBack { pace: Pace::Gradually { .. }, .. } => Fit::Do,
        Phase::RollingBack { .. } | Phase::RolledBack { .. } => Fit::Already,
        Phase::Succeeded { kept_until: None, .. } => no_return(release).unwrap_or_else(|| {
            refuse(format!(
                "{} is no longer kept; release it again with: sluice release start {} {}",
                release.from, release.service.name, release.from
            ))
        }),
        Phase::Waiting { .. } | Phase::Pending { .. } | Phase::Closed { stand: None, .. } => {
            refuse(format!("nobody has met {} yet; abort {} instead", release.to, release.name))
        }
        _ => refuse(over(release, "roll back")),
    }
}

fn fit_retry(release: &Release, command: Option<&Command>) -> Fit {
    match &release.phase {
        Phase::RolledBack { .. } | Phase::Aborted { .. } | Phase::Failed { .. } => {}
        Phase::Superseded { by, .. } => {
            return refuse(format!("{by} took its place; start a new release instead"));
        }
        Phase::Succeeded { .. } => return refuse(format!("{} has succeeded", release.name)),
        _ => return refuse(format!("{} is still under way", release.name)),
    }
    let Some(Command { surroundings, .. }) = command else { return Fit::Do };
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

/// The approval that the release waits for, or why there is none to give.
fn approval(release: &Release, verb: &str) -> Result<(), Fit> {
    match &release.phase {
        Phase::AtGate { gate: GateStand::Approval { .. }, .. } => Ok(()),
        Phase::AtGate { .. } => Err(refuse(format!("{}, and not for an approval", release.reason))),
        Phase::Paused { stand, .. } if is_gate(release, stand.step) => {
            Err(refuse(format!("{} is paused; resume it first", release.name)))
        }
        phase if phase.is_over() || matches!(phase, Phase::RollingBack { .. } | Phase::Promoting { .. }) => {
            Err(refuse(over(release, verb)))
        }
        _ => Err(refuse(format!("{} does not wait for an approval", release.name))),
    }
}

/// Why somebody has no say at the approval that the release waits for, if they have none.
fn no_say(release: &Release, command: &Command) -> Option<Fit> {
    let (step, Gate::Approval(asked)) = release.gate()? else { return None };
    let has_role = asked.roles.iter().any(|role| command.surroundings.roles.contains(role));
    (!has_role).then(|| {
        let (actor, roles) = (&command.actor, or(&asked.roles));
        refuse(format!("step {step} takes somebody with the role {roles}, which {actor} does not have"))
    })
}

fn fit_approve(release: &Release, command: Option<&Command>) -> Fit {
    if let Err(none) = approval(release, "approve") {
        return none;
    }
    let Some(command) = command else { return Fit::Do };
    if let Some(none) = no_say(release, command) {
        return none;
    }
    let (Phase::AtGate { gate: GateStand::Approval { given, .. }, .. }, Some((step, Gate::Approval(asked)))) =
        (&release.phase, release.gate())
    else {
        return refuse(over(release, "approve"));
    };
    if asked.four_eyes && command.actor == release.started_by {
        let (actor, name) = (&command.actor, &release.name);
        return refuse(format!(
            "{actor} started {name}, and step {step} takes the approval of somebody else"
        ));
    }
    match given.iter().any(|approved| approved.actor == command.actor) {
        true => Fit::Already,
        false => Fit::Do,
    }
}

fn fit_reject(release: &Release, command: Option<&Command>) -> Fit {
    match approval(release, "reject") {
        Err(none) => none,
        Ok(()) => command
            .and_then(|command| no_say(release, command))
            .or_else(|| no_return(release))
            .unwrap_or(Fit::Do),
    }
}

fn fit_override(release: &Release, command: Option<&Command>) -> Fit {
    let is_closed = release.closed(None).is_some();
    match &release.phase {
        Phase::AtGate { .. } | Phase::Closed { stand: Some(_), .. } => {
            if let Some(unready) = unready(release) {
                return unready;
            }
        }
        Phase::Closed { stand: None, .. } => {}
        Phase::Progressing(_) | Phase::Pending { .. } if is_closed => {}
        Phase::Progressing(_) => {
            return refuse(format!(
                "no gate, window or freeze holds {} up; promote it to end its step now",
                release.name
            ));
        }
        Phase::Paused { .. } => return refuse(format!("{} is paused; resume it first", release.name)),
        Phase::Pending { .. } => return refuse(format!("{} has no ready endpoint yet", release.to)),
        Phase::Waiting { behind } => return refuse(format!("{} waits for {behind} to end", release.name)),
        _ => return refuse(over(release, "override")),
    }
    let Some(command) = command else { return Fit::Do };
    if command.reason.as_ref().is_none_or(|reason| reason.trim().is_empty()) {
        refuse("an override takes a reason, which everybody can read afterwards")
    } else if !command.surroundings.may_override {
        refuse(format!(
            "{} may not override in {}; its environment says who may",
            command.actor, release.service.environment
        ))
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
