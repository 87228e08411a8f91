//! Documents as they are shown: with their status.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sluice_core::document::{DocumentKey, Kind, Metadata};
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
