//! Ramps: one step in which more and more of everyone meet the candidate.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Percent;
use crate::Span;

/// How the candidate's share of everyone grows within one step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Ramp {
    /// Evenly over time. Written `{ from: 5, to: 50, over: 1h }`.
    Linear {
        /// The share at the beginning.
        from: Percent,
        /// The share at the end.
        to: Percent,
        /// How long that takes. Time in which a check cannot tell does not count.
        over: Span,
    },
    /// Through given shares. Written `{ through: [1, 5, 25, 50], every: 10m, requests: 500 }`.
    Through {
        /// The shares, growing; never empty.
        percents: Vec<Percent>,
        /// How long each is held.
        every: Span,
        /// How many requests the candidate must answer at each.
        requests: u64,
    },
    /// As fast as what was seen allows. Written `{ to: 50, riskBudget: { failedRequests: 100 } }`.
    Budget {
        /// The share at the end.
        to: Percent,
        /// What may be lost on the way.
        budget: RiskBudget,
    },
}

/// How many requests may be expected to fail because of the candidate, more than on stable, until the end of a ramp.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RiskBudget {
    /// At least 1.
    pub failed_requests: u64,
}

impl Ramp {
    /// The share at the beginning.
    pub fn first(&self) -> Percent {
        match self {
            Ramp::Linear { from, .. } => *from,
            Ramp::Through { percents, .. } => percents.first().copied().unwrap_or_default(),
            Ramp::Budget { .. } => Percent(crate::Weight::ZERO),
        }
    }

    /// The share at the end.
    pub fn last(&self) -> Percent {
        match self {
            Ramp::Linear { to, .. } | Ramp::Budget { to, .. } => *to,
            Ramp::Through { percents, .. } => percents.last().copied().unwrap_or_default(),
        }
    }
}
