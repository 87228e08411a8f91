//! Everything that can move a release.

use serde::{Deserialize, Serialize};

use crate::release::status::Verb;
use crate::{Counts, Name, VersionName};

/// Everything that can move a release.
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
    },
}

/// What was seen since the last observation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observation {
    /// What stable answered.
    pub stable: Counts,
    /// What the candidate answered.
    pub candidate: Counts,
    /// Which of stable's endpoints are ready now.
    pub stable_endpoints: Endpoints,
    /// Which of the candidate's endpoints are ready now.
    pub candidate_endpoints: Endpoints,
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
    /// Whether the version that is released still has endpoints.
    pub version_exists: bool,
}
