//! Everything that can move a release.

use serde::{Deserialize, Serialize};

use crate::release::status::Verb;
use std::collections::BTreeMap;

use crate::calendar::Openness;
use crate::release::reading::Reading;
use crate::{Counts, Name, VersionName};

/// Everything that can move a release.
#[expect(
    clippy::large_enum_variant,
    reason = "an event is made, looked at once and dropped; most of them are the large one"
)]
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// Time has passed, and this was seen meanwhile.
    Observed(Observation),
    /// Somebody wants something.
    Command(Command),
    /// The data plane decides by this change of traffic, and by all before it.
    TrafficInForce {
        /// [`TrafficState::desired_change`](super::TrafficState) as it was when the change was sent.
        change: u64,
    },
    /// Another release of the same service was created.
    Newer {
        /// That release.
        by: Name,
    },
    /// No other release of the service is left before this one.
    Turn {
        /// The version that people have.
        live: VersionName,
        /// The versions that people have of the services that are released with it, in their order.
        companions: Vec<VersionName>,
    },
    /// A webhook was called.
    HookAnswered {
        /// The [number](super::Calling::number) of the call.
        number: u64,
        /// What came of it.
        answer: HookAnswer,
    },
}

/// What came of calling a webhook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum HookAnswer {
    /// It says that all is well, and why.
    Pass(Option<String>),
    /// It says that something is wrong, and what.
    Fail(Option<String>),
    /// It cannot say yet, and why.
    Wait(Option<String>),
    /// It took the message and said nothing that is understood: its status was 2xx. Enough for whoever is only told.
    Taken {
        /// What it answered instead of a verdict, in words.
        instead: String,
    },
    /// It could not be reached, answered another status, or not in time.
    Broken {
        /// What went wrong, in words.
        why: String,
    },
}

/// What was seen since the last observation.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Observation {
    /// What stable answered.
    pub stable: Counts,
    /// What the candidate answered.
    pub candidate: Counts,
    /// Which of stable's endpoints are ready now.
    pub stable_endpoints: Endpoints,
    /// Which of the candidate's endpoints are ready now.
    pub candidate_endpoints: Endpoints,
    /// What others measured, by the place of the check in the plan.
    pub readings: BTreeMap<usize, Reading>,
    /// The same of the services that are released with it, in their order.
    pub companions: Vec<Seen>,
    /// Whether the environment's calendar allows more people to meet the candidate.
    pub calendar: Openness,
    /// The versions that are live of the services that the plan's gates name, in the release's environment.
    pub live: BTreeMap<Name, VersionName>,
}

/// What was seen of one service since the last observation.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Seen {
    /// What stable answered.
    pub stable: Counts,
    /// What the candidate answered.
    pub candidate: Counts,
    /// Which of stable's endpoints are ready now.
    pub stable_endpoints: Endpoints,
    /// Which of the candidate's endpoints are ready now.
    pub candidate_endpoints: Endpoints,
    /// What others measured, by the place of the check in the plan.
    pub readings: BTreeMap<usize, Reading>,
}

/// The endpoints of one version.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoints {
    /// How many can take requests.
    pub ready: u32,
    /// How many there are.
    pub total: u32,
}

impl Endpoints {
    /// Whether any can take requests.
    pub fn any_ready(self) -> bool {
        self.ready > 0
    }
}

/// What somebody wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// What.
    pub verb: Verb,
    /// Who.
    pub actor: String,
    /// Why, in their words.
    pub reason: Option<String>,
    /// What stands beside the release, for a retry.
    pub surroundings: Surroundings,
}

/// What stands beside a release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Surroundings {
    /// The version that people have.
    pub live: VersionName,
    /// Another release of the service that is not over.
    pub other: Option<Name>,
    /// Whether the version that is released still exists; of several services, all of them.
    pub version_exists: bool,
    /// The versions that people have of the services that are released with it, in their order.
    pub companions: Vec<VersionName>,
    /// The roles of the environment that whoever asks has.
    pub roles: Vec<Name>,
    /// Whether whoever asks may override gates.
    pub may_override: bool,
}
