//! Why a release is where it is: with the numbers, and as one plain sentence.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::release::finding::{grouped, requests};
use crate::release::phase::Trouble;
use crate::{Name, Span, Timestamp, VersionName};

/// Why a release is where it is. Its `Display` is one plain sentence, without a full stop.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Reason {
    /// Another release of the service is not over.
    Queued {
        /// That release.
        behind: Name,
    },
    /// No endpoint of the candidate is ready yet.
    WaitingForReady {
        /// The candidate.
        version: VersionName,
        /// How many endpoints it has.
        endpoints: u32,
        /// How much longer this is waited for.
        left: Span,
    },
    /// A change of traffic is on its way to the data plane.
    Moving {
        /// The step that this is for.
        step: Name,
        /// Who will meet the candidate.
        audience: String,
        /// The candidate.
        version: VersionName,
    },
    /// A step's hold is running.
    Holding {
        /// The step.
        step: Name,
        /// Who meets the candidate.
        audience: String,
        /// How much time is left.
        time_left: Span,
        /// How many requests are still to come.
        requests_left: u64,
    },
    /// A step waits for a person.
    UntilPromoted {
        /// The step.
        step: Name,
        /// Who meets the candidate.
        audience: String,
    },
    /// The hold's time is over, but too little was seen.
    TooLittle {
        /// The step.
        step: Name,
        /// What is missing, in words.
        missing: String,
        /// How much longer this is waited for.
        left: Span,
    },
    /// A check failed.
    CheckFailed {
        /// What it found, in words.
        finding: String,
    },
    /// The candidate lost its last ready endpoint.
    NotReady {
        /// The candidate.
        version: VersionName,
        /// For how long it has had none.
        unready_for: Span,
    },
    /// Too little was seen for too long.
    Inconclusive {
        /// What is missing, in words.
        missing: String,
        /// For how long that was waited for.
        waited: Span,
    },
    /// A person did it.
    Person {
        /// What, in the past tense: `paused`.
        done: String,
        /// Who.
        actor: String,
        /// Why, in their words.
        why: Option<String>,
    },
    /// The last step is over.
    Promoting {
        /// The candidate.
        version: VersionName,
    },
    /// Everyone has the new version, and the one before is kept.
    Kept {
        /// The new version.
        version: VersionName,
        /// The one before.
        previous: VersionName,
        /// Until when.
        until: Timestamp,
    },
    /// Everyone has the new version, but it is in trouble, under a policy that leaves it to a person what follows.
    KeptInTrouble {
        /// The new version.
        version: VersionName,
        /// The one before.
        previous: VersionName,
        /// Until when it is kept.
        until: Timestamp,
        /// What is wrong.
        trouble: Box<Reason>,
    },
    /// Everyone has the new version.
    Released {
        /// The new version.
        version: VersionName,
    },
    /// Everyone would be taken back, but no endpoint of stable is ready to take them.
    StableNotReady {
        /// The version to go back to.
        version: VersionName,
        /// Why they are taken back.
        because: Box<Reason>,
    },
    /// Everyone is on their way back.
    GoingBack {
        /// The version to go back to.
        version: VersionName,
        /// Why.
        because: Box<Reason>,
    },
    /// Everyone is back.
    Back {
        /// The version that people have again.
        version: VersionName,
        /// Why.
        because: Box<Reason>,
    },
    /// A newer version took its place.
    Superseded {
        /// The release of that version.
        by: Name,
    },
    /// The candidate was not ready in time.
    NeverReady {
        /// The candidate.
        version: VersionName,
        /// For how long it was waited for.
        waited: Span,
    },
    /// When its turn came, the version was live already.
    AlreadyLive {
        /// The version.
        version: VersionName,
    },
    /// Something that must not happen did.
    Trouble(Trouble),
}

impl Reason {
    /// A stable word for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Reason::Queued { .. } => "queued",
            Reason::WaitingForReady { .. } => "waiting-for-ready",
            Reason::Moving { .. } => "moving-traffic",
            Reason::Holding { .. } => "holding",
            Reason::UntilPromoted { .. } => "until-promoted",
            Reason::TooLittle { .. } => "too-little-data",
            Reason::CheckFailed { .. } => "check-failed",
            Reason::NotReady { .. } => "candidate-not-ready",
            Reason::Inconclusive { .. } => "inconclusive",
            Reason::Person { .. } => "person",
            Reason::Promoting { .. } => "promoting",
            Reason::Kept { .. } => "kept",
            Reason::Released { .. } => "released",
            Reason::StableNotReady { .. } => "stable-not-ready",
            Reason::KeptInTrouble { trouble: because, .. }
            | Reason::GoingBack { because, .. }
            | Reason::Back { because, .. } => because.code(),
            Reason::Superseded { .. } => "superseded",
            Reason::NeverReady { .. } => "never-ready",
            Reason::AlreadyLive { .. } => "already-live",
            Reason::Trouble(_) => "trouble",
        }
    }

    /// Whether both say the same but for their numbers.
    pub(super) fn is_like(&self, other: &Reason) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other) && self.step() == other.step()
    }

    fn step(&self) -> Option<&Name> {
        match self {
            Reason::Moving { step, .. }
            | Reason::Holding { step, .. }
            | Reason::UntilPromoted { step, .. }
            | Reason::TooLittle { step, .. } => Some(step),
            _ => None,
        }
    }

    /// As what follows "because".
    pub(super) fn clause(&self) -> String {
        match self {
            Reason::CheckFailed { finding } => format!("a check failed: {finding}"),
            Reason::Inconclusive { missing, waited } => {
                format!("too little was seen for {}: {missing}", waited.rounded())
            }
            Reason::Superseded { by } => format!("the newer release {by} took its place"),
            // These begin with a name or a version.
            _ => self.to_string(),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::Queued { behind } => write!(f, "Waits for {behind} to end"),
            Reason::WaitingForReady { version, endpoints: 0, left } => {
                write!(f, "Waits for {version} to have an endpoint, for another {}", left.rounded())
            }
            Reason::WaitingForReady { version, endpoints: 1, left } => {
                write!(f, "Waits for the endpoint of {version} to be ready, for another {}", left.rounded())
            }
            Reason::WaitingForReady { version, endpoints, left } => write!(
                f,
                "Waits for one of the {endpoints} endpoints of {version} to be ready, for another {}",
                left.rounded()
            ),
            Reason::Moving { step, audience, version } => {
                write!(f, "Step {step}: traffic is being set so that {} {version}", who_meet(audience))
            }
            Reason::Holding { step, audience, time_left, requests_left } => {
                write!(f, "Step {step}: {audience}, {}", to_go(*time_left, *requests_left))
            }
            Reason::UntilPromoted { step, audience } => {
                write!(f, "Step {step}: {audience}, until somebody promotes it")
            }
            Reason::TooLittle { step, missing, left } => {
                write!(f, "Step {step} waits for data, for another {} at most: {missing}", left.rounded())
            }
            Reason::CheckFailed { .. } | Reason::Inconclusive { .. } | Reason::Superseded { .. } => {
                f.write_str(&capitalized(&self.clause()))
            }
            Reason::NotReady { version, unready_for: Span::ZERO } => {
                write!(f, "{version} has no ready endpoint")
            }
            Reason::NotReady { version, unready_for } => {
                write!(f, "{version} has had no ready endpoint for {}", unready_for.rounded())
            }
            Reason::Person { done, actor, why: Some(why) } => write!(f, "{actor} {done}: {why}"),
            Reason::Person { done, actor, why: None } => write!(f, "{actor} {done}"),
            Reason::Promoting { version } => {
                write!(f, "The last step is over: traffic is being set so that everyone meets {version}")
            }
            Reason::Kept { version, previous, until } => {
                write!(
                    f,
                    "Everyone has {version}; {previous} is kept for a quick return until {}",
                    minute(*until)
                )
            }
            Reason::KeptInTrouble { version, previous, until, trouble } => write!(
                f,
                "Everyone has {version}, but it can be rolled back to {previous} until {}: {}",
                minute(*until),
                trouble.clause()
            ),
            Reason::Released { version } => write!(f, "Everyone has {version}"),
            Reason::StableNotReady { version, because } => write!(
                f,
                "Nobody can go back to {version} yet, which has no ready endpoint; they should, because {}",
                because.clause()
            ),
            Reason::GoingBack { version, because } => {
                write!(f, "Everyone is being taken back to {version}, because {}", because.clause())
            }
            Reason::Back { version, because } => {
                write!(f, "Everyone is back on {version}, because {}", because.clause())
            }
            Reason::NeverReady { version, waited } => {
                write!(f, "{version} had no ready endpoint within {}, so nobody met it", waited.rounded())
            }
            Reason::AlreadyLive { version } => write!(f, "{version} was live already when its turn came"),
            Reason::Trouble(Trouble::Crashed { message }) => {
                write!(f, "Sluice itself failed while it decided about this release: {message}")
            }
        }
    }
}

/// An audience with its verb: `everyone meets`, `5 % of everyone meet`.
pub(super) fn who_meet(audience: &str) -> String {
    let verb = if matches!(audience, "everyone" | "nobody") { "meets" } else { "meet" };
    format!("{audience} {verb}")
}

/// With a capital at its beginning.
pub(super) fn capitalized(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

fn to_go(time: Span, count: u64) -> String {
    match (time > Span::ZERO, count) {
        (true, 0) => format!("{} to go", time.rounded()),
        (true, count) => format!("{} and {} to go", time.rounded(), requests(count)),
        (false, 0) => "nothing more to wait for".to_owned(),
        (false, count) => format!("{} to go", requests(count)),
    }
}

/// A time to the minute, as `2026-11-23 09:30 UTC`.
fn minute(at: Timestamp) -> String {
    let text = at.to_string();
    match (text.get(..10), text.get(11..16)) {
        (Some(day), Some(time)) => format!("{day} {time} UTC"),
        _ => text,
    }
}

/// What a step still asks for before data can be called enough.
pub(crate) fn missing_requests(have: u64, asked: u64) -> String {
    match have {
        0 => format!("no request has reached the candidate in this step, and it takes {}", grouped(asked)),
        _ => format!("{} of {} have reached the candidate in this step", grouped(have), requests(asked)),
    }
}
