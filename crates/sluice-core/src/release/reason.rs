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
            Reason::GoingBack { because, .. } | Reason::Back { because, .. } => because.code(),
            Reason::Superseded { .. } => "superseded",
            Reason::NeverReady { .. } => "never-ready",
            Reason::AlreadyLive { .. } => "already-live",
            Reason::Trouble(_) => "trouble",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::Queued { behind } => write!(f, "Waits for {behind} to end"),
            Reason::WaitingForReady { version, endpoints: 0, left } => {
                write!(f, "Waits for {version} to have an endpoint, for another {left}")
            }
            Reason::WaitingForReady { version, endpoints, left } => write!(
                f,
                "Waits for {version} to be ready: none of {endpoints} endpoints is; for another {left}"
            ),
            Reason::Moving { audience, version } => {
                write!(f, "Traffic is being set: {audience} will meet {version}")
            }
            Reason::Holding { step, audience, time_left, requests_left } => {
                write!(f, "Step {step}: {audience}; ")?;
                match (*time_left > Span::ZERO, *requests_left) {
                    (true, 0) => write!(f, "{} to go", time_left.rounded()),
                    (true, count) => write!(f, "{} and {} to go", time_left.rounded(), requests(count)),
                    (false, 0) => write!(f, "the hold is over"),
                    (false, count) => write!(f, "{} to go", requests(count)),
                }
            }
            Reason::UntilPromoted { step, audience } => {
                write!(f, "Step {step}: {audience}; waits for somebody to promote it")
            }
            Reason::TooLittle { step, missing, left } => {
                write!(
                    f,
                    "Step {step} cannot be judged yet: {missing}; waits another {} at most",
                    left.rounded()
                )
            }
            Reason::CheckFailed { finding } => write!(f, "A check failed: {finding}"),
            Reason::NotReady { version, unready_for } => {
                write!(f, "{version} has had no ready endpoint for {}", unready_for.rounded())
            }
            Reason::Inconclusive { missing, waited } => {
                write!(f, "It could not be judged within {}: {missing}", waited.rounded())
            }
            Reason::Person { done, actor, why: Some(why) } => write!(f, "{actor} {done}: {why}"),
            Reason::Person { done, actor, why: None } => write!(f, "{actor} {done}"),
            Reason::Promoting { version } => {
                write!(f, "The last step is over: {version} becomes the stable version")
            }
            Reason::Kept { version, previous, until } => {
                write!(f, "Everyone has {version}; {previous} is kept until {until} for a quick return")
            }
            Reason::Released { version } => write!(f, "Everyone has {version}"),
            Reason::StableNotReady { version, because } => {
                write!(f, "Nobody can be taken back yet, because {version} has no ready endpoint. {because}")
            }
            Reason::GoingBack { version, because } => {
                write!(f, "Everyone is being taken back to {version}. {because}")
            }
            Reason::Back { version, because } => write!(f, "Everyone is back on {version}. {because}"),
            Reason::Superseded { by } => write!(f, "A newer release took its place: {by}"),
            Reason::NeverReady { version, waited } => {
                write!(f, "{version} had no ready endpoint within {}; nobody met it", waited.rounded())
            }
            Reason::AlreadyLive { version } => write!(f, "When its turn came, {version} was live already"),
            Reason::Trouble(Trouble::Crashed { message }) => write!(
                f,
                "Sluice failed while it decided about this release, and took everyone back to be safe: {message}"
            ),
        }
    }
}

/// What a step still asks for before data can be called enough: `37 of 200 requests`.
pub(crate) fn missing_requests(have: u64, asked: u64) -> String {
    match have {
        0 => format!("no request has reached the candidate in this step, {} are asked for", grouped(asked)),
        _ => format!("{} of {} have reached the candidate in this step", grouped(have), requests(asked)),
    }
}
