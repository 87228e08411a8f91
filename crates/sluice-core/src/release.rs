//! How a release lives: one enum of phases, and one pure and total function, [`step()`], that moves it.
//!
//! ```text
//! Waiting ──▶ Pending ──▶ Progressing{step} ⇄ Paused ──▶ Promoting ──▶ Succeeded (kept) ──▶ Succeeded
//!                 │              │                │            │             │
//!                 ▼              └────────────────┴────────────┴─────────────┴──▶ RollingBack
//!               Failed                                                    ──▶ RolledBack | Aborted | Superseded | Failed
//! ```
//!
//! Nothing here asks for the time, waits, fails or draws lots: the same release, event and time give the same
//! transition. What should happen outside is listed as [`Effect`]s; the engine commits them together with the next
//! state and carries them out afterwards.

pub mod audience;
pub mod check;
pub mod effect;
pub mod event;
mod finding;
pub mod phase;
pub mod plan;
pub mod reason;
pub mod status;
mod step;
mod verb;
mod view;

use serde::{Deserialize, Serialize};

pub use audience::Exposure;
pub use check::CheckRun;
pub use effect::{Answer, Effect, Transition};
pub use event::{Command, Endpoints, Event, Observation, Surroundings};
pub use phase::{Pause, Phase, Return, Stand, Trouble};
pub use plan::Plan;
pub use reason::Reason;
pub use step::{Creation, crashed, create, step};

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
    pub plan: Plan,
    /// Counts up with every retry, from 1.
    pub attempt: u32,
    /// Where it is in its life.
    pub phase: Phase,
    /// Who should meet the candidate, and who does.
    pub traffic: TrafficState,
    /// What each check of the plan has seen, in the plan's order.
    pub checks: Vec<CheckRun>,
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
    pub timeline: Vec<TimelineEntry>,
    /// When it left Pending.
    pub started_at: Option<Timestamp>,
    /// When it was created.
    pub created_at: Timestamp,
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
        self.desired_change == self.observed_change
    }
}

impl Release {
    /// Whether the release still steers or guards its service: no other release may start there.
    pub fn is_active(&self) -> bool {
        !self.phase.is_over()
    }

    /// Whether it decides who gets what right now. A release that waits for its turn does not.
    pub fn steers(&self) -> bool {
        self.is_active() && !matches!(self.phase, Phase::Waiting { .. })
    }
}
