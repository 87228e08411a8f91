//! The phases of a release: one enum, each with what it needs to know and nothing else.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::release::Exposure;
use crate::release::reason::Reason;
use crate::release::status::PhaseName;
use crate::{Name, Span, Timestamp, VersionName};

/// Where a release is in its life.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Phase {
    /// Another release of the service is not over.
    Waiting {
        /// That release.
        behind: Name,
    },
    /// Its turn, but the candidate has no ready endpoint yet.
    Pending {
        /// Since when.
        since: Timestamp,
        /// For how long it was watched since.
        waited: Span,
    },
    /// The calendar does not allow what comes next: a window is closed, or a freeze lasts.
    Closed {
        /// The step that is over; none when nobody has met the candidate yet.
        stand: Option<Stand>,
        /// Since when.
        since: Timestamp,
    },
    /// People meet the candidate.
    Progressing(Stand),
    /// As many people meet the candidate as in the step before, until something is said or so.
    AtGate {
        /// Where it is: at a step that is a gate.
        stand: Stand,
        /// How far the gate is.
        gate: GateStand,
        /// Since when.
        since: Timestamp,
    },
    /// It stays where it is until somebody decides.
    Paused {
        /// Where it is.
        stand: Stand,
        /// What paused it.
        why: Pause,
        /// Since when.
        since: Timestamp,
    },
    /// The last step is over: the candidate becomes the stable version.
    Promoting {
        /// Since when.
        since: Timestamp,
    },
    /// Everyone has the new version.
    Succeeded {
        /// Since when.
        at: Timestamp,
        /// Until when the previous version is kept and the new one watched; none once that is over.
        kept_until: Option<Timestamp>,
    },
    /// Everyone is being taken back to the version that they had.
    RollingBack {
        /// Why.
        why: Return,
        /// The step that the release was in; none when all were done.
        step: Option<usize>,
        /// How fast.
        pace: Pace,
        /// Since when.
        since: Timestamp,
    },
    /// Everyone is back, because of a check or a person.
    RolledBack {
        /// The step that it ended in.
        step: Option<usize>,
        /// When.
        at: Timestamp,
    },
    /// Somebody ended it.
    Aborted {
        /// The step that it ended in.
        step: Option<usize>,
        /// When.
        at: Timestamp,
    },
    /// A newer version took its place.
    Superseded {
        /// The release of that version.
        by: Name,
        /// The step that it ended in.
        step: Option<usize>,
        /// When.
        at: Timestamp,
    },
    /// It could not start or go on.
    Failed {
        /// The step that it ended in.
        step: Option<usize>,
        /// When.
        at: Timestamp,
    },
}

/// Where a release stands while people meet the candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Stand {
    /// The step: an index into the plan's steps.
    pub step: usize,
    /// When the step's traffic was in force; none before.
    pub since: Option<Timestamp>,
    /// For how long the step has been watched since, pauses not counted.
    pub held: Span,
    /// When it was last watched; none before the first time and after a pause.
    pub watched_at: Option<Timestamp>,
    /// Requests that the candidate answered in this step; in a ramp, since its share last grew.
    pub requests: u64,
    /// For how long a ramp has grown, time in which a check could not tell not counted.
    pub ramped: Span,
    /// For how long nothing but data has been missing, as far as that was watched; none while the hold runs.
    pub waited: Option<Span>,
}

/// How far a gate is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum GateStand {
    /// People have to approve.
    Approval {
        /// Who has.
        given: Vec<Approved>,
        /// Until when it takes the others.
        expires_at: Timestamp,
    },
    /// Another program has to say that all is well. How far asking it is, is in [`Release::calling`](super::Release).
    Webhook {
        /// What it said last, in words.
        said: Option<String>,
        /// Until when it is asked.
        expires_at: Timestamp,
    },
    /// Another service has to have a version.
    Version {
        /// The version that it has; none when it is not known there.
        found: Option<VersionName>,
        /// Until when this is waited for.
        expires_at: Timestamp,
    },
}

/// An approval that was given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Approved {
    /// By whom.
    pub actor: String,
    /// When.
    pub at: Timestamp,
    /// What they said.
    pub reason: Option<String>,
}

/// How fast people are taken back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Pace {
    /// All at once.
    AtOnce,
    /// Little by little.
    Gradually {
        /// Who met the candidate when it began.
        from: Exposure,
        /// How long it takes in all.
        over: Span,
        /// For how long it has gone on; time in which stable could take nobody does not count.
        gone: Span,
    },
}

/// The longest time between two looks that counts as watched. Looks are a second apart; a longer gap means that nobody
/// looked, as while the control plane was down, and time in which nobody looked is neither a hold nor a wait.
pub const WATCH_GAP_MAX: Span = Span::from_secs(10);
/// What a longer gap counts for: one look. Then even a control plane that is always late gets on, if slowly.
const ONE_LOOK: Span = Span::from_secs(1);

/// The time from one look to the next, as far as it counts as watched.
pub(super) fn watched(before: Option<Timestamp>, now: Timestamp) -> Span {
    match before.map(|before| now.since(before)) {
        None => Span::ZERO,
        Some(gap) if gap > WATCH_GAP_MAX => ONE_LOOK,
        Some(gap) => gap,
    }
}

/// Two lengths of time, one after the other.
pub(super) fn longer(span: Span, by: Span) -> Span {
    Span::from_millis(span.as_millis().saturating_add(by.as_millis()))
}

impl Stand {
    /// At the beginning of a step.
    pub fn at(step: usize) -> Stand {
        Stand {
            step,
            since: None,
            held: Span::ZERO,
            watched_at: None,
            requests: 0,
            ramped: Span::ZERO,
            waited: None,
        }
    }

    /// Counts the time since the last look.
    pub fn watch(&mut self, now: Timestamp) {
        self.held = longer(self.held, watched(self.watched_at, now));
        self.watched_at = Some(now);
    }
}

/// What paused a release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Pause {
    /// A person.
    Person,
    /// A check that failed, under a policy that pauses then.
    CheckFailed,
    /// Too little data for too long, or a gate that nobody opened in time.
    Inconclusive,
}

/// Why everyone is taken back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Return {
    /// A check or a person: it ends as rolled back.
    RolledBack(Reason),
    /// Somebody aborted it.
    Aborted(Reason),
    /// A newer version takes its place.
    Superseded {
        /// The release of that version.
        by: Name,
    },
    /// Something that must not happen did.
    Trouble(Trouble),
}

/// Why a release failed without a check or a person saying so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Trouble {
    /// A bug in Sluice while it decided about this release.
    Crashed {
        /// What the panic said.
        message: String,
    },
}

impl Phase {
    /// The phase's name.
    pub fn name(&self) -> PhaseName {
        match self {
            Phase::Waiting { .. } => PhaseName::Waiting,
            Phase::Pending { .. } => PhaseName::Pending,
            Phase::Closed { .. } => PhaseName::Waiting,
            Phase::Progressing(_) => PhaseName::Progressing,
            Phase::AtGate { gate: GateStand::Approval { .. }, .. } => PhaseName::AwaitingApproval,
            Phase::AtGate { .. } => PhaseName::Waiting,
            Phase::Paused { .. } => PhaseName::Paused,
            Phase::Promoting { .. } => PhaseName::Promoting,
            Phase::Succeeded { .. } => PhaseName::Succeeded,
            Phase::RollingBack { .. } => PhaseName::RollingBack,
            Phase::RolledBack { .. } => PhaseName::RolledBack,
            Phase::Aborted { .. } => PhaseName::Aborted,
            Phase::Superseded { .. } => PhaseName::Superseded,
            Phase::Failed { .. } => PhaseName::Failed,
        }
    }

    /// Whether nothing will ever happen to it any more, but for a retry.
    pub fn is_over(&self) -> bool {
        match self {
            Phase::RolledBack { .. }
            | Phase::Aborted { .. }
            | Phase::Superseded { .. }
            | Phase::Failed { .. }
            | Phase::Succeeded { kept_until: None, .. } => true,
            Phase::Waiting { .. }
            | Phase::Pending { .. }
            | Phase::Closed { .. }
            | Phase::Progressing(_)
            | Phase::AtGate { .. }
            | Phase::Paused { .. }
            | Phase::Promoting { .. }
            | Phase::Succeeded { kept_until: Some(_), .. }
            | Phase::RollingBack { .. } => false,
        }
    }

    /// The step that the release is in, was paused in, or ended in.
    pub fn step(&self) -> Option<usize> {
        match self {
            Phase::Progressing(stand) | Phase::AtGate { stand, .. } | Phase::Paused { stand, .. } => {
                Some(stand.step)
            }
            Phase::Closed { stand, .. } => stand.map(|stand| stand.step),
            Phase::RollingBack { step, .. }
            | Phase::RolledBack { step, .. }
            | Phase::Aborted { step, .. }
            | Phase::Superseded { step, .. }
            | Phase::Failed { step, .. } => *step,
            Phase::Waiting { .. }
            | Phase::Pending { .. }
            | Phase::Promoting { .. }
            | Phase::Succeeded { .. } => None,
        }
    }

    /// When it ended, if it has.
    pub fn finished_at(&self) -> Option<Timestamp> {
        match self {
            Phase::Succeeded { at, .. }
            | Phase::RolledBack { at, .. }
            | Phase::Aborted { at, .. }
            | Phase::Superseded { at, .. }
            | Phase::Failed { at, .. } => Some(*at),
            Phase::Waiting { .. }
            | Phase::Pending { .. }
            | Phase::Closed { .. }
            | Phase::Progressing(_)
            | Phase::AtGate { .. }
            | Phase::Paused { .. }
            | Phase::Promoting { .. }
            | Phase::RollingBack { .. } => None,
        }
    }
}
