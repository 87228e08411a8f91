//! What happens, as it happens: for people who watch.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sluice_core::document::service::Build;
use sluice_core::{Name, ServiceKey, Timestamp, VersionName};
use utoipa::ToSchema;

use crate::Resource;
use crate::port::store::EventRecord;

/// Something that watchers are told. Cheap to clone.
#[derive(Clone, Debug)]
pub enum Live {
    /// Something was added to the log.
    Log(Arc<EventRecord>),
    /// A release changed visibly, counters included.
    Release(Arc<Resource>),
    /// A service changed visibly: its versions, their readiness, what is live.
    Service(Arc<Resource>),
    /// What was counted in the last second, for services with traffic.
    Traffic(Arc<TrafficNow>),
}

/// What was counted for one service in one second.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TrafficNow {
    /// The service.
    pub service: Name,
    /// Its environment.
    pub environment: Name,
    /// The end of the second.
    pub at: Timestamp,
    /// By version.
    pub versions: BTreeMap<VersionName, VersionNow>,
}

/// What was counted for one version in one second.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct VersionNow {
    /// What the version is for visitors now.
    pub role: Role,
    /// What was counted.
    #[serde(flatten)]
    pub point: Point,
}

/// What was counted for one version in one second, and its latency.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Point {
    /// The end of the second.
    pub at: Timestamp,
    /// Requests that ended.
    pub requests: u32,
    /// How many of them failed (5xx or broken off).
    pub failed: u32,
    /// Median latency in milliseconds; none without requests.
    pub p50: Option<f32>,
    /// 95th percentile, milliseconds.
    pub p95: Option<f32>,
    /// 99th percentile, milliseconds.
    pub p99: Option<f32>,
}

/// What a version is for visitors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Most people have it.
    Stable,
    /// It is being released.
    Candidate,
    /// The previous version, kept for a quick return.
    Kept,
    /// Nobody meets it but by preview.
    Dark,
}

/// What was counted for one service, second by second.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TrafficHistory {
    /// The service.
    pub service: Name,
    /// Its environment.
    pub environment: Name,
    /// The first second asked for.
    pub from: Timestamp,
    /// The last.
    pub to: Timestamp,
    /// By version; seconds without requests are left out.
    pub versions: BTreeMap<VersionName, VersionHistory>,
}

/// What was counted for one version, second by second.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct VersionHistory {
    /// What the version is for visitors now.
    pub role: Role,
    /// Oldest first.
    pub points: Vec<Point>,
}

/// What a Service document's status says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ServiceStatus {
    /// The version that people have; none before the first.
    pub live: Option<VersionName>,
    /// The release that is under way, or whose previous version is kept.
    pub release: Option<Name>,
    /// Every version.
    pub versions: Vec<VersionStatus>,
}

/// What a Service document's status says of one version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct VersionStatus {
    /// Its name.
    pub name: VersionName,
    /// What it is for visitors.
    pub role: Role,
    /// Where it comes from.
    #[serde(default, skip_serializing_if = "Build::is_unknown")]
    pub build: Build,
    /// When it was announced, and by whom; none for what the document itself names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub announced: Option<AnnouncedBy>,
    /// How many of its endpoints are ready.
    pub endpoints: EndpointStatus,
    /// Its share of everyone, parts per 100 000, segments not counted.
    pub share: sluice_core::Weight,
}

/// When a version was announced, and by whom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AnnouncedBy {
    /// Who.
    pub actor: String,
    /// When.
    pub at: Timestamp,
}

/// How many endpoints are ready.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EndpointStatus {
    /// How many can take requests.
    pub ready: u32,
    /// How many there are.
    pub total: u32,
}

impl TrafficNow {
    /// The service that this is about.
    pub fn key(&self) -> ServiceKey {
        ServiceKey { environment: self.environment.clone(), name: self.service.clone() }
    }
}
