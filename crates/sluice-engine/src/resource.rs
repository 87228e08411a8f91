//! What is asked of the engine and what it answers; documents are shown with their status.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sluice_core::document::release::ServiceVersion;
use sluice_core::document::service::{Build, Endpoint, RouteSpec};
use sluice_core::document::{DocumentKey, Kind, Metadata};
use sluice_core::lint::Finding;
use sluice_core::name::VersionNeed;
use sluice_core::release::status::PhaseName;
use sluice_core::{Name, Timestamp, VersionName, Weight};
use utoipa::ToSchema;

/// Who asks, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Who: until sign-in exists, the name that the client gives, `local` when it gives none.
    pub actor: String,
    /// Why, in their words.
    pub reason: Option<String>,
    /// Under which key the answer is remembered, so that the same request does nothing when it comes again.
    pub idempotency_key: Option<String>,
}

/// A document with its status.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Resource {
    /// `sluice.dev/v1alpha1`.
    pub api_version: String,
    /// Its kind.
    pub kind: Kind,
    /// What it is called.
    pub metadata: Metadata,
    /// What it says.
    pub spec: Value,
    /// Where it stands; only for kinds that do something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<Value>,
}

impl Resource {
    /// What tells this document from all others.
    pub fn key(&self) -> DocumentKey {
        DocumentKey {
            kind: self.kind,
            environment: self.metadata.environment.clone(),
            name: self.metadata.name.clone(),
        }
    }
}

/// Some documents, and where to go on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ResourcePage {
    /// The documents.
    pub items: Vec<Resource>,
    /// Hand this back as `cursor` to get the next ones; none when these were the last.
    pub next: Option<String>,
}

/// How documents are applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApplyMode {
    /// For good.
    Commit,
    /// Only to see what would happen.
    DryRun,
    /// One document, which must be at this resource version.
    IfVersion(u64),
    /// One document, which must not exist.
    IfAbsent,
}

/// What applying a document did, or would do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Applied {
    /// What was done.
    pub action: ApplyAction,
    /// What follows from it, in one plain sentence; empty when nothing does.
    pub text: String,
    /// The document as it is now.
    pub resource: Resource,
}

/// What applying a document did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ApplyAction {
    /// It is new.
    Created,
    /// It was there and said something else.
    Changed,
    /// It was there and said the same.
    Unchanged,
}

/// What is to be released.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReleaseRequest {
    /// The service.
    pub service: Name,
    /// The version.
    pub version: VersionName,
    /// The environment; `production` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<Name>,
    /// The policy; the environment chooses one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<Name>,
    /// Other services that are released together with it, each with its version.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub with: Vec<ServiceVersion>,
    /// With `true`, other people meet the candidate first than in earlier releases of the same version.
    #[serde(default)]
    pub reshuffle: bool,
    /// Why the release goes ahead although the order of environments, a window or a freeze speaks against it. Who may
    /// say so is for the environment to tell; it is logged.
    #[serde(default, skip_serializing_if = "Option::is_none", rename = "override")]
    pub override_reason: Option<String>,
}

/// A build that was deployed, as its pipeline says. Nobody meets it until it is released.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Announcement {
    /// The version, as the build names it.
    pub version: VersionName,
    /// Where it listens.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub endpoints: Vec<Endpoint>,
    /// What it needs other services to have in the same environment.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub needs: BTreeMap<Name, VersionNeed>,
    /// Where it comes from.
    #[serde(default)]
    pub build: Build,
    /// Creates the service, when there is none of that name, with these routes; then the version is live at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub create: Option<CreateService>,
    /// Whether its release starts by itself; as the environment says when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<bool>,
    /// The policy of that release; the environment chooses one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<Name>,
}

/// A service that is created by its first announcement.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateService {
    /// The requests that belong to it; none for a worker or a batch job.
    #[serde(default)]
    pub routes: Vec<RouteSpec>,
    /// Short facts about the service.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}

/// What an announcement did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Announced {
    /// `created` for a new version, `changed` when what is known of its build changed, `unchanged` otherwise.
    pub action: ApplyAction,
    /// What follows from it, in one plain sentence.
    pub text: String,
    /// The service as it is now.
    pub service: Resource,
    /// The release that has started by itself, now or when the version was announced before.
    pub release: Option<Resource>,
}

/// What is to be handed on from one environment to the next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HandOn {
    /// The version; the one that is live in the environment before when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<VersionName>,
    /// The environment that it is handed on to.
    pub to: Name,
    /// Where it listens there, when it was not announced there before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub endpoints: Vec<Endpoint>,
    /// The policy of its release; the environment chooses one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<Name>,
    /// Why it goes ahead although the order of environments, a window or a freeze speaks against it.
    #[serde(default, skip_serializing_if = "Option::is_none", rename = "override")]
    pub override_reason: Option<String>,
}

/// What looks wrong with a policy before it runs.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Linted {
    /// The policy.
    pub policy: Name,
    /// What looks wrong; empty when nothing does.
    pub findings: Vec<Finding>,
}

/// Which version of which service is live where.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Standing {
    /// The environments, each after those that it comes after.
    pub environments: Vec<EnvironmentStanding>,
    /// The services by name, each with what it has in every environment where it exists.
    pub services: Vec<ServiceStanding>,
}

/// An environment, as far as releases are concerned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EnvironmentStanding {
    /// Its name.
    pub name: Name,
    /// The environment in which a version must have been released first.
    pub after: Option<Name>,
    /// What keeps more people from meeting a candidate now; none while nothing does.
    pub closed_by: Option<ClosedBy>,
    /// Why a freeze was called.
    pub reason: Option<String>,
    /// When it opens, or closes next; none when it does not within 400 days.
    pub changes_at: Option<Timestamp>,
    /// Why it is closed and until when, in one plain sentence; empty while it is open.
    pub text: String,
}

/// What keeps more people from meeting a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum ClosedBy {
    /// No window is open.
    Window,
    /// A freeze lasts.
    Freeze,
}

/// A service with what it has in every environment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ServiceStanding {
    /// Its name.
    pub name: Name,
    /// By environment.
    pub environments: BTreeMap<Name, ServiceThere>,
}

/// What a service has in one environment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ServiceThere {
    /// The version that people have; none before the first.
    pub live: Option<VersionName>,
    /// The release that is under way, or whose previous version is kept.
    pub release: Option<ReleaseThere>,
    /// Versions that were announced and never released there, oldest first.
    pub waiting: Vec<VersionName>,
}

/// A release that is under way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ReleaseThere {
    /// Its name.
    pub name: Name,
    /// The version that is released.
    pub version: VersionName,
    /// Where it is in its life.
    pub phase: PhaseName,
    /// Who meets the version, as confirmed.
    pub share: Weight,
}
