//! How a version's endpoints share its requests, and what one of them may be given.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Span;

/// Which of a version's ready endpoints takes a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Balance {
    /// The one with the fewest requests in flight; among equals they take turns.
    #[default]
    LeastRequests,
    /// They take turns.
    RoundRobin,
}

/// What one endpoint may be given at a time, over all workers of a gateway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LimitSpec {
    /// Requests in flight to one endpoint. With HTTP/1.1 that is its busy connections.
    #[schema(minimum = 1)]
    pub in_flight: u32,
    /// How many requests of one version may wait for a place. More are answered 503. Default 0: none waits.
    pub queue: u32,
    /// How long a request may wait. Then it is answered 503. Default 1s.
    pub wait: Span,
}

impl LimitSpec {
    /// How long a request waits for a place when the document does not say.
    pub const WAIT: Span = Span::from_secs(1);
}

/// When an endpoint that fails is left out for a while, though its health checks succeed (outlier ejection).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OutlierSpec {
    /// After this many failures in a row: a status of 500 or more, a connection not taken, a broken or late response.
    /// Default 5.
    #[schema(minimum = 1)]
    pub failures: u32,
    /// For how long the first time; twice, three times … as long when it fails again at once. Default 30s, and at most
    /// ten times as long.
    pub eject: Span,
    /// How many of a version's endpoints may be left out at a time, in percent. The last one never is. Default 50.
    #[schema(minimum = 1, maximum = 100)]
    pub most_percent: u32,
}

impl Default for OutlierSpec {
    fn default() -> Self {
        OutlierSpec { failures: 5, eject: Span::from_secs(30), most_percent: 50 }
    }
}
