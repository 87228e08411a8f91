//! How a release lives: one enum of phases, and one pure and total function, [`step()`], that moves it.
//!
//! ```text
//! Waiting ──▶ Pending ──▶ Closed ──▶ Progressing{step} ⇄ AtGate ──▶ Promoting ──▶ Succeeded (kept) ──▶ Succeeded
//!                 │          │           ⇅         ⇅        │           │             │
//!                 │          │         Closed    Paused     │           │             │
//!                 ▼          ▼           │         │        │           │             │
//!               Failed, Aborted          └─────────┴────────┴───────────┴─────────────┴──▶ RollingBack
//!                                                      ──▶ RolledBack | Aborted | Superseded | Failed
//! ```
//!
//! Past a point of no return nothing leads to RollingBack any more: what would, pauses.
//!
//! Nothing here asks for the time, waits, fails or draws lots: the same release, event and time give the same
//! transition. What should happen outside is listed as [`Effect`]s; the engine commits them together with the next
//! state and carries them out afterwards.

pub mod account;
pub mod audience;
pub mod check;
pub mod effect;
pub mod event;
mod finding;
pub mod phase;
pub mod plan;
pub mod ramp;
pub mod reading;
pub mod reason;
pub mod split;
pub mod status;
mod step;
mod verb;
mod view;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use account::Account;
pub use audience::Exposure;
pub use check::CheckRun;
pub use effect::{Answer, Effect, Transition};
pub use event::{Command, Endpoints, Event, HookAnswer, Observation, Seen, Surroundings};
pub use phase::{Approved, GateStand, Pace, Pause, Phase, Return, Stand, Trouble};
pub use plan::Plan;
pub use ramp::Risk;
pub use reading::{Amount, PAST_BLOCK, Past, Reading, Taken};
pub use reason::Reason;
pub use split::SplitWatch;
use step::Look;
pub use step::{CompanionSpec, Creation, crashed, create, step};

use crate::calendar::Openness;
use crate::document::policy::Hook;
use crate::release::status::{Exposed, TimelineEntry};
use crate::{Name, ServiceKey, Span, Timestamp, VersionName};

/// How many entries of the timeline a release carries; the event log has all of them.
pub const TIMELINE_MAX: usize = 200;

/// One run: a service, from one version to another, under a policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Release {
    /// Its name, unique everywhere.
    pub name: Name,
    /// The service that is released.
    pub service: ServiceKey,
    /// The version that people had when it started.
    pub from: VersionName,
    /// The version that is released.
    pub to: VersionName,
    /// Hashed with a visitor's unit. The same for every release of the same version, so that a retry meets the same
    /// people, unless a reshuffle was asked for.
    pub salt: String,
    /// The policy as it was when the release was created. Later changes of the policy do not reach it.
    pub plan: Arc<Plan>,
    /// Counts up with every retry, from 1.
    pub attempt: u32,
    /// Where it is in its life.
    pub phase: Phase,
    /// Who should meet the candidate, and who does.
    pub traffic: TrafficState,
    /// What each check of the plan has seen, in the plan's order.
    pub checks: Vec<CheckRun>,
    /// The services that are released with it, each after those that it needs. What needs them comes later; the
    /// release's own service is the last of all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub companions: Vec<Companion>,
    /// Who started it.
    #[serde(default)]
    pub started_by: String,
    /// Whether the environment's calendar allows more people to meet the candidate, when that was last seen.
    #[serde(default)]
    pub calendar: Openness,
    /// Who said that it goes ahead whatever the calendar says, and why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub override_by: Option<Approved>,
    /// Why nobody can be taken back any more, once the release has passed a point of no return.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_return: Option<String>,
    /// How often it was taken down to a lower step.
    #[serde(default)]
    pub rebalanced: u32,
    /// A webhook that is being called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calling: Option<Calling>,
    /// How many calls of webhooks it has begun: the number of the last one.
    #[serde(default)]
    pub calls: u64,
    /// What was seen in the ramp that it is in, or was in last.
    #[serde(default)]
    pub risk: Risk,
    /// Whether visitors are split as was asked for.
    #[serde(default)]
    pub split: SplitWatch,
    /// What the candidate answered, in all.
    pub exposed: Exposed,
    /// Which endpoints were ready when that was last seen.
    pub endpoints: LastEndpoints,
    /// When that was.
    pub looked_at: Option<Timestamp>,
    /// A newer release of the service that waits for this one to end: then the previous version is not kept.
    pub newer: Option<Name>,
    /// Why it is where it is.
    pub reason: Reason,
    /// Since when.
    pub reason_at: Timestamp,
    /// What happened, oldest first.
    pub timeline: Arc<Vec<TimelineEntry>>,
    /// When it left Pending.
    pub started_at: Option<Timestamp>,
    /// When it was created.
    pub created_at: Timestamp,
}

/// A service that is released together with another one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Companion {
    /// The service.
    pub service: ServiceKey,
    /// The version that people had when the release started.
    pub from: VersionName,
    /// The version that is released.
    pub to: VersionName,
    /// What each check of the plan has seen of it, in the plan's order.
    pub checks: Vec<CheckRun>,
    /// Which of its endpoints were ready when that was last seen.
    pub endpoints: LastEndpoints,
}

/// A webhook that is being called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Calling {
    /// Counts the calls of this release; the same call has the same number, however often it is made.
    pub number: u64,
    /// Who is called.
    pub hook: Hook,
    /// What for.
    pub purpose: Purpose,
    /// How often it was called in vain.
    pub tries: u32,
    /// Whether it is being called, or rests.
    pub state: CallState,
    /// Since when: a call of which nothing is heard for long is made again.
    #[serde(default)]
    pub since: Timestamp,
}

/// What a webhook is called for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Purpose {
    /// To ask whether the release may go on.
    Gate,
    /// To tell that the version that people had should be deployed again.
    Redeploy,
}

/// Whether a webhook is being called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CallState {
    /// It is.
    Out,
    /// It will be called again then.
    Rests {
        /// When.
        until: Timestamp,
    },
}

/// Who should meet the candidate, and who does. Changes are numbered; the release moves on only when the last one is
/// in force.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TrafficState {
    /// As decided.
    pub desired: Exposure,
    /// The number of that decision.
    pub desired_change: u64,
    /// As the data plane has confirmed.
    pub observed: Exposure,
    /// The number of what it confirmed.
    pub observed_change: u64,
    /// What each service has been given so far, companions first in their order and the release's own service last:
    /// more people are let in from the first to the last, and fewer from the last to the first. With one service this
    /// is always what is desired.
    #[serde(default)]
    pub given: Vec<Exposure>,
}

/// Which endpoints were ready when that was last seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LastEndpoints {
    /// Stable's.
    pub stable: Endpoints,
    /// The candidate's.
    pub candidate: Endpoints,
    /// For how long the candidate was seen without one that is ready, if it has none.
    pub unready_for: Option<Span>,
}

impl TrafficState {
    /// Whether what was decided is in force.
    pub fn agrees(&self) -> bool {
        self.desired_change == self.observed_change && self.given.iter().all(|given| *given == self.desired)
    }
}

impl Release {
    /// Whether the release still steers or guards its service: no other release may start there.
    pub fn is_active(&self) -> bool {
        !self.phase.is_over()
    }

    /// Every service that it releases with the exposure that each has been given, companions first.
    pub fn members(&self) -> impl Iterator<Item = Member<'_>> {
        let own = Member {
            service: &self.service,
            from: &self.from,
            to: &self.to,
            given: self.traffic.given.last().unwrap_or(&self.traffic.desired),
        };
        let companions = self.companions.iter().enumerate().map(|(index, companion)| Member {
            service: &companion.service,
            from: &companion.from,
            to: &companion.to,
            given: self.traffic.given.get(index).unwrap_or(&self.traffic.desired),
        });
        companions.chain(std::iter::once(own))
    }

    /// Whether it releases a service, alone or with others.
    pub fn touches(&self, service: &ServiceKey) -> bool {
        self.service == *service || self.companions.iter().any(|companion| companion.service == *service)
    }

    /// Whether it decides who gets what right now. A release that waits for its turn does not.
    pub fn steers(&self) -> bool {
        self.is_active() && !matches!(self.phase, Phase::Waiting { .. })
    }
}

/// One of the services of a release.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Member<'a> {
    /// The service.
    pub service: &'a ServiceKey,
    /// The version that people had.
    pub from: &'a VersionName,
    /// The version that is released.
    pub to: &'a VersionName,
    /// Who meets it, as the service has been given so far.
    pub given: &'a Exposure,
}
