//! `Service`: what users reach.

/// A type that is written as text: what `FromStr` takes and `Display` gives.
macro_rules! through_text {
    ($($type:ty),*) => {$(
        impl TryFrom<String> for $type {
            type Error = InvalidText;
            fn try_from(text: String) -> Result<Self, InvalidText> {
                text.parse()
            }
        }
        impl From<$type> for String {
            fn from(value: $type) -> String {
                value.to_string()
            }
        }
    )*};
}

mod endpoint;
mod handling;
mod order;
mod route;
mod tls;
mod upstream;
mod version;
mod visitor;
mod wanted;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Span;
pub use endpoint::{Endpoint, Place, Speaks};
pub(in crate::document) use handling::ATTEMPTS_MAX;
pub use handling::{
    ChangedField, HeaderChanges, HeaderText, PlainHost, Redirect, RedirectStatus, RetryOn, RetrySpec,
    Rewrite, RouteTimeouts,
};
pub use order::{Circle, order};
pub use route::{HostPattern, PathPrefix, RouteSpec};
pub use tls::{ClientCertificate, EndpointTls, FilePath, TlsName};
pub use upstream::{Balance, LimitSpec, OutlierSpec};
pub use version::{Build, VersionSpec};
pub use visitor::{AttributeSource, UnitSource};
pub use wanted::{HeaderField, MethodName, Scheme, Wanted};

/// What users reach: its routes, its versions, and how visitors are told apart.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServiceSpec {
    /// The requests that belong to this service. The longest matching path wins. None for what takes no requests, as
    /// a worker or a batch job.
    pub routes: Vec<RouteSpec>,
    /// Where the unit is found, that is, what is hashed so that a visitor keeps a version. The first one present
    /// wins; when none is, the gateway sets the last cookie named here. Default: the header `x-user-id`, then the
    /// cookie `sluice_unit`.
    #[schema(min_items = 1)]
    pub unit: Vec<UnitSource>,
    /// What `visitor.NAME` means in a segment's rule.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub visitor: BTreeMap<String, AttributeSource>,
    /// How the gateway asks endpoints whether they are ready.
    pub health: HealthSpec,
    /// Paths whose requests are counted on their own too, so that checks may watch them (`path`): the longest that a
    /// request's path begins with takes it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub count: Vec<PathPrefix>,
    /// How long the gateway waits for endpoints.
    pub timeouts: TimeoutSpec,
    /// How endpoints share requests. Default `leastRequests`.
    pub balance: Balance,
    /// What one endpoint may be given at a time. No bound when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limits: Option<LimitSpec>,
    /// When an endpoint that fails is left out for a while. Never when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outliers: Option<OutlierSpec>,
    /// How endpoints that are written `https://` are trusted. Default: by the authorities that the gateway's machine trusts,
    /// for the endpoint's host.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint_tls: Option<EndpointTls>,
    /// Who sees the response header `x-sluice-version`. Default `preview`.
    pub reveal: Reveal,
    /// The deployed builds. When the service is new, the first one is live and all others are dark. Versions that were
    /// announced are there besides; without any, the service waits for its first announcement.
    pub versions: Vec<VersionSpec>,
}

impl ServiceSpec {
    /// A service with these routes, all else by default, and no versions yet.
    pub fn at(routes: Vec<RouteSpec>) -> ServiceSpec {
        ServiceSpec {
            routes,
            unit: UnitSource::default_order(),
            visitor: BTreeMap::new(),
            health: HealthSpec::default(),
            count: Vec::new(),
            timeouts: TimeoutSpec::default(),
            balance: Balance::default(),
            limits: None,
            outliers: None,
            endpoint_tls: None,
            reveal: Reveal::default(),
            versions: Vec::new(),
        }
    }
}

/// Why text is no host pattern, path prefix, endpoint, file or header name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is not {what}: {why}")]
pub struct InvalidText {
    /// The text that was given.
    pub given: String,
    /// What it should have been.
    pub what: &'static str,
    /// The rule that it breaks.
    pub why: &'static str,
}

fn invalid(given: &str, what: &'static str, why: &'static str) -> InvalidText {
    InvalidText { given: given.to_owned(), what, why }
}

/// Active health checks: a GET that an endpoint answers with 200–399 in time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HealthSpec {
    /// The path that is asked for. Default `/healthz`. With `path: ""` nothing is asked: an endpoint is ready when
    /// it takes a connection.
    pub path: String,
    /// Time between two checks of one endpoint. Default 2s.
    pub every: Span,
    /// How long an answer may take. Default 1s.
    pub timeout: Span,
    /// How many checks must fail in a row before an endpoint gets no more requests. Default 3.
    pub unhealthy_after: u32,
    /// How many must succeed in a row before it gets requests again. Default 1.
    pub healthy_after: u32,
}

impl Default for HealthSpec {
    fn default() -> Self {
        HealthSpec {
            path: "/healthz".to_owned(),
            every: Span::from_secs(2),
            timeout: Span::from_secs(1),
            unhealthy_after: 3,
            healthy_after: 1,
        }
    }
}

/// How long the gateway waits for an endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TimeoutSpec {
    /// For a connection. Default 1s.
    pub connect: Span,
    /// From the end of the request to the head of the response. Default 30s.
    pub response: Span,
    /// Between two pieces of a body, either way. Default 60s.
    pub idle: Span,
}

impl Default for TimeoutSpec {
    fn default() -> Self {
        TimeoutSpec { connect: Span::from_secs(1), response: Span::from_secs(30), idle: Span::from_secs(60) }
    }
}

/// Who sees the response header `x-sluice-version`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Reveal {
    /// Every visitor.
    Always,
    /// Only who came with a preview header.
    #[default]
    Preview,
    /// Nobody.
    Never,
}
