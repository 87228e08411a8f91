//! Documents as they are shown: with their status.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sluice_core::document::{DocumentKey, Kind, Metadata};
use sluice_core::{Name, VersionName};
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
    /// With `true`, other people meet the candidate first than in earlier releases of the same version.
    #[serde(default)]
    pub reshuffle: bool,
}
