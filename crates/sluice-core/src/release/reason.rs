//! Why a release is where it is: with the numbers, and as one plain sentence.

mod words;

use serde::{Deserialize, Serialize};

use crate::calendar::Closed;
use crate::name::VersionNeed;
use crate::release::phase::Trouble;
use crate::{Name, Span, Timestamp, VersionName, Weight};
pub(crate) use words::missing_requests;
pub(super) use words::{capitalized, or, who_meet};

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
        /// The service, when several are released together.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        service: Option<Name>,
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
    /// The calendar does not allow that more people meet the candidate.
    Closed {
        /// The candidate.
        version: VersionName,
        /// The step that cannot begin yet, or cannot go on; none for the end, when everyone would have it for good.
        step: Option<Name>,
        /// Why not.
        why: Closed,
        /// When it can; none when that is not known.
        opens_at: Option<Timestamp>,
    },
    /// People have to approve.
    Approval {
        /// The step.
        step: Name,
        /// Who may, by role.
        roles: Vec<Name>,
        /// How many have to.
        count: u32,
        /// How many have.
        given: u32,
        /// How much longer this is waited for.
        left: Span,
    },
    /// Another program has to say that all is well.
    Webhook {
        /// The step.
        step: Name,
        /// Its address.
        url: String,
        /// What it said last, in words.
        said: Option<String>,
        /// How much longer this is waited for.
        left: Span,
    },
    /// Another service has to have a version.
    OtherService {
        /// The step.
        step: Name,
        /// The other service.
        service: Name,
        /// The version that it has to have.
        need: VersionNeed,
        /// The version that it has; none when that is not known.
        found: Option<VersionName>,
        /// How much longer this is waited for.
        left: Span,
    },
    /// A gate was not opened in time.
    Expired {
        /// What was waited for in vain, in words.
        missing: String,
    },
    /// Another program says that something is wrong.
    WebhookFailed {
        /// Its address.
        url: String,
        /// What it said.
        said: Option<String>,
    },
    /// More and more people meet the candidate.
    Ramping {
        /// The step.
        step: Name,
        /// Who meets the candidate now.
        audience: String,
        /// The share of everyone at the end.
        to: Weight,
        /// How much time is left until more do, or until all do; none where what is seen decides.
        time_left: Option<Span>,
    },
    /// More requests failed in a ramp than may.
    RiskSpent {
        /// The step.
        step: Name,
        /// How many more requests failed than would have on stable.
        excess: u64,
        /// How many may.
        budget: u64,
        /// Requests that the candidate answered in the ramp.
        requests: u64,
        /// How many of them failed.
        failed: u64,
    },
    /// No endpoint of stable is ready, while the candidate has some.
    StableBroken {
        /// The version that people had.
        stable: VersionName,
        /// The candidate.
        version: VersionName,
    },
    /// Everyone would be taken back, but for a point of no return.
    NoReturn {
        /// Why they would be taken back.
        because: Box<Reason>,
        /// Why they cannot be.
        why: String,
    },
    /// People are taken back little by little.
    GoingBackGradually {
        /// The version to go back to.
        version: VersionName,
        /// How much time is left.
        time_left: Span,
        /// Why.
        because: Box<Reason>,
    },
    /// Everyone is back, and another program is told to deploy that version again.
    Redeploying {
        /// The version that people have again.
        version: VersionName,
        /// The address of the other program.
        url: String,
        /// Why they are back.
        because: Box<Reason>,
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
            | Reason::GoingBackGradually { because, .. }
            | Reason::NoReturn { because, .. }
            | Reason::Redeploying { because, .. }
            | Reason::Back { because, .. } => because.code(),
            Reason::Closed { .. } => "closed",
            Reason::Approval { .. } => "approval",
            Reason::Webhook { .. } => "webhook",
            Reason::OtherService { .. } => "other-service",
            Reason::Expired { .. } => "expired",
            Reason::WebhookFailed { .. } => "webhook-failed",
            Reason::Ramping { .. } => "ramping",
            Reason::RiskSpent { .. } => "risk-spent",
            Reason::StableBroken { .. } => "stable-broken",
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
            | Reason::TooLittle { step, .. }
            | Reason::Approval { step, .. }
            | Reason::Webhook { step, .. }
            | Reason::OtherService { step, .. }
            | Reason::Ramping { step, .. } => Some(step),
            Reason::Closed { step, .. } => step.as_ref(),
            _ => None,
        }
    }
}
