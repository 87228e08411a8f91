//! What people and programs are shown of a release: its `status`. Read only, made from the release's state.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::release::phase::Approved;
use crate::{Name, Span, Timestamp, VersionName, Weight};

/// Where a release stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReleaseStatus {
    /// Where it is in its life.
    pub phase: PhaseName,
    /// The name of the step that it is in, was paused in, or ended in.
    pub step: Option<Name>,
    /// Every step, with what it asks and how far it is.
    pub steps: Vec<StepStatus>,
    /// The version that people had when the release started.
    pub from: VersionName,
    /// The version that is released.
    pub to: VersionName,
    /// The policy that it follows.
    pub policy: Name,
    /// Counts up with every retry, from 1.
    pub attempt: u32,
    /// Who should meet the candidate, and who does.
    pub split: SplitStatus,
    /// Why it is where it is.
    pub reason: ReasonStatus,
    /// What each check says.
    pub verdicts: Vec<VerdictStatus>,
    /// The gate that it waits at.
    pub gate: Option<GateStatus>,
    /// The services that are released together, in the order in which they go up; only when there are several.
    pub services: Vec<MemberStatus>,
    /// Why nobody can be taken back any more.
    pub no_return: Option<String>,
    /// Who started it.
    pub started_by: String,
    /// What the candidate answered, in all.
    pub exposed: Exposed,
    /// What happened, oldest first; at most the last 200 entries.
    pub timeline: Vec<TimelineEntry>,
    /// The verbs that would be accepted now.
    pub verbs: Vec<Verb>,
    /// When it left Pending.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// Until when the previous version is kept, after success.
    pub kept_until: Option<Timestamp>,
}

/// The phases of a release, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
pub enum PhaseName {
    /// Waits for the candidate to be ready.
    Pending,
    /// Waits for another release of the service, a window, the end of a freeze, a webhook or another service.
    Waiting,
    /// Waits for people to approve.
    AwaitingApproval,
    /// People meet the candidate, step by step.
    Progressing,
    /// Stays where it is until somebody decides.
    Paused,
    /// The candidate becomes the stable version.
    Promoting,
    /// Everyone has the new version.
    Succeeded,
    /// Everyone is being taken back to stable.
    RollingBack,
    /// Everyone is back on stable, because of a check or a person.
    RolledBack,
    /// Everyone is back on stable, because somebody aborted.
    Aborted,
    /// A newer version took its place.
    Superseded,
    /// It could not start or go on.
    Failed,
}

impl PhaseName {
    /// Whether nothing more will happen by itself. A release that succeeded may still be rolled back while the
    /// previous version is kept.
    pub const fn is_final(self) -> bool {
        use PhaseName::{Aborted, Failed, RolledBack, Succeeded, Superseded};
        matches!(self, Succeeded | RolledBack | Aborted | Superseded | Failed)
    }
}

/// The verbs: the same in the command line, the API and the dashboard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Verb {
    /// Go on to the next step now; from the last step, to everyone for good.
    Promote,
    /// Stay where it is.
    Pause,
    /// Go on from a pause.
    Resume,
    /// Take everyone back and end.
    Abort,
    /// Take everyone back to the previous version; also after success, while it is kept.
    Rollback,
    /// Start over after it was taken back.
    Retry,
    /// Say yes at an approval.
    Approve,
    /// Say no at an approval: everyone is taken back.
    Reject,
    /// Go on in spite of a gate, a window or a freeze; takes a reason.
    Override,
}

impl Verb {
    /// Every verb.
    pub const ALL: [Verb; 9] = [
        Verb::Promote,
        Verb::Pause,
        Verb::Resume,
        Verb::Abort,
        Verb::Rollback,
        Verb::Retry,
        Verb::Approve,
        Verb::Reject,
        Verb::Override,
    ];

    /// As written in commands and addresses.
    pub const fn as_str(self) -> &'static str {
        match self {
            Verb::Promote => "promote",
            Verb::Pause => "pause",
            Verb::Resume => "resume",
            Verb::Abort => "abort",
            Verb::Rollback => "rollback",
            Verb::Retry => "retry",
            Verb::Approve => "approve",
            Verb::Reject => "reject",
            Verb::Override => "override",
        }
    }
}

/// One step, with what it asks and how far it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StepStatus {
    /// Its name.
    pub name: Name,
    /// What it does.
    pub kind: StepKind,
    /// What it does in words: who meets the candidate (`5 % of everyone`, `all of employees and 5 % of low-risk`), or
    /// what a gate asks for (`approval by product`).
    pub audience: String,
    /// For a ramp: the share of everyone at its end.
    pub ramp_to: Option<Weight>,
    /// The share of everyone, parts per 100 000, segments not counted.
    pub candidate: Weight,
    /// How far it is.
    pub state: StepState,
    /// When its traffic was in place.
    pub since: Option<Timestamp>,
    /// The time that it asks for.
    pub hold_time: Span,
    /// The time that has passed, pauses not counted.
    pub held_time: Span,
    /// The requests to the candidate that it asks for.
    pub hold_requests: u64,
    /// The requests that the candidate has answered in this step.
    pub held_requests: u64,
    /// Whether only a person can end it.
    pub until_promoted: bool,
}

/// What a step does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum StepKind {
    /// People meet the candidate.
    Expose,
    /// More and more people do.
    Ramp,
    /// People have to approve.
    Approval,
    /// Another program has to say that all is well.
    Webhook,
    /// Another service has to have a version.
    WaitFor,
    /// From here on nobody can be taken back.
    PointOfNoReturn,
}

/// A gate that a release waits at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct GateStatus {
    /// What kind of gate.
    pub kind: StepKind,
    /// For an approval: who may approve, by role.
    pub roles: Vec<Name>,
    /// For an approval: how many people have to; 0 for others.
    pub count: u32,
    /// For an approval: whether whoever started the release cannot approve it.
    pub four_eyes: bool,
    /// For an approval: who has.
    pub given: Vec<Approved>,
    /// For a webhook: what it said last, in words. For another service: the version that it has.
    pub said: Option<String>,
    /// Until when it is waited for.
    pub expires_at: Timestamp,
}

/// One of the services that are released together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MemberStatus {
    /// The service.
    pub service: Name,
    /// The version that people had.
    pub from: VersionName,
    /// The version that is released.
    pub to: VersionName,
    /// Who meets it, as the service has been given so far.
    pub share: Share,
}

/// How far a step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum StepState {
    /// Over.
    Done,
    /// This is where the release stands.
    Current,
    /// Still to come.
    Ahead,
    /// Never reached, and never will be in this attempt.
    Skipped,
}

/// Who should meet the candidate, and who does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SplitStatus {
    /// As decided.
    pub desired: Share,
    /// As the data plane has confirmed.
    pub observed: Share,
}

/// A share of everyone, and the whole audience in words.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Share {
    /// The candidate's share of everyone, parts per 100 000, segments not counted.
    pub candidate: Weight,
    /// Who that is, in words.
    pub audience: String,
}

/// Why a release is where it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ReasonStatus {
    /// A stable code: `check-failed`, `hold`, `no-traffic`.
    pub code: String,
    /// One plain sentence, with the numbers in it.
    pub text: String,
    /// Since when.
    pub at: Timestamp,
}

/// What a check says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Nothing speaks against going on.
    Pass,
    /// The candidate is worse than tolerated.
    Fail,
    /// It cannot be told: not enough data, no traffic.
    Inconclusive,
}

/// One check, and what it says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VerdictStatus {
    /// The check in words: `http.errors against stable, at most 0.5 points worse`.
    pub check: String,
    /// The metric.
    pub metric: Name,
    /// The service that it is asked of.
    pub service: Name,
    /// What it says.
    pub verdict: Verdict,
    /// Why, in one plain sentence with the numbers in it.
    pub text: String,
    /// Stable's value: a fraction, milliseconds, or per second.
    pub stable: Option<f64>,
    /// The candidate's value.
    pub candidate: Option<f64>,
    /// Requests that stand behind stable's value.
    pub stable_samples: u64,
    /// Requests that stand behind the candidate's value.
    pub candidate_samples: u64,
}

/// What the candidate answered, in all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Exposed {
    /// Requests.
    pub requests: u64,
    /// How many of them failed (5xx or broken off).
    pub failed: u64,
}

/// Something that happened to a release.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TimelineEntry {
    /// When.
    pub at: Timestamp,
    /// What kind of thing.
    pub kind: TimelineKind,
    /// What, in one plain sentence.
    pub text: String,
    /// Who did it, when a person or program did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
}

/// What kind of thing happened to a release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TimelineKind {
    /// It was created.
    Created,
    /// It waits for something.
    Waiting,
    /// It left Pending.
    Started,
    /// It entered a step.
    Step,
    /// The data plane confirmed a change of traffic.
    Traffic,
    /// A check changed its verdict.
    Verdict,
    /// It was paused.
    Paused,
    /// It went on.
    Resumed,
    /// Everyone is being taken back.
    RollingBack,
    /// It ended.
    Ended,
    /// The previous version is no longer kept.
    Released,
    /// A verb was refused.
    Refused,
}
