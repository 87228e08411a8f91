//! What happens on trouble.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Hook;
use crate::{Name, Span};

/// How often a release may be taken down to a lower step when a policy does not say.
pub const DEFAULT_REBALANCES: u32 = 1;

/// What happens on trouble. Written as a word, `rollback` or `pause`, or as an object with one field:
/// `{ rollbackGradually: { over: 5m } }`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Mitigation {
    /// Everyone goes back to stable at once.
    #[default]
    Rollback,
    /// People go back to stable little by little, as long as stable has ready endpoints.
    RollbackGradually(Gradually),
    /// The release stays where it is until somebody decides.
    Pause,
    /// The release goes back to an earlier step and tries again from there.
    Rebalance(Rebalance),
    /// Everyone goes back to stable at once, and a pipeline is told to deploy again.
    Redeploy(Hook),
}

/// How long going back takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Gradually {
    /// From the first to the last visitor.
    pub over: Span,
}

/// Back to an earlier step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rebalance {
    /// The step to go back to; when the release is in it or before it, everyone goes back to stable.
    pub step: Name,
    /// How often; after that, everyone goes back to stable. Default 1.
    #[serde(default = "default_rebalances")]
    pub times: u32,
}

fn default_rebalances() -> u32 {
    DEFAULT_REBALANCES
}

/// What happens when a check cannot tell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OnInconclusive {
    /// How long to wait for more data, once the step's hold is over.
    pub wait: Span,
    /// What to do when that did not help.
    pub then: Mitigation,
}

impl Default for OnInconclusive {
    fn default() -> Self {
        OnInconclusive { wait: Span::from_secs(3600), then: Mitigation::Pause }
    }
}

/// What happens when a newer version is released while one is under way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum OnNewer {
    /// The running release ends, its people go back to stable, and the newer one starts.
    #[default]
    Supersede,
    /// The newer one waits for its turn.
    Queue,
    /// The newer one is not taken until this one has ended.
    Refuse,
}
