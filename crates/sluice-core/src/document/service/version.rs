//! One deployed build.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Endpoint;
use crate::name::VersionNeed;
use crate::{Name, VersionName};

/// One deployed build.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VersionSpec {
    /// Its name, as the build names it.
    pub name: VersionName,
    /// Where it listens. None for what takes no requests, as a worker or a batch job.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub endpoints: Vec<Endpoint>,
    /// What it needs other services to have in the same environment: `payments: ">=1.4.0"`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub needs: BTreeMap<Name, VersionNeed>,
    /// Where it comes from.
    #[serde(default, skip_serializing_if = "Build::is_unknown")]
    pub build: Build,
}

/// Where a version comes from, as its pipeline says. Rules that choose a policy may look at it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Build {
    /// The commit that it was built from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// The image that it runs from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// Where its build can be looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// A digest of its configuration. Another one with the same commit and image is a change of configuration only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_digest: Option<String>,
    /// Short facts about the change: `risk: low`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}

impl Build {
    /// Whether nothing is known.
    pub fn is_unknown(&self) -> bool {
        *self == Build::default()
    }

    /// Whether a version of this build differs from one of another in its configuration only: commit or image are
    /// known and the same, and the digests of the configurations are known and differ.
    pub fn differs_in_config_only(&self, other: &Build) -> bool {
        let is_known = self.commit.is_some() || self.image.is_some();
        let is_same = self.commit == other.commit && self.image == other.image;
        let is_other_config = match (&self.config_digest, &other.config_digest) {
            (Some(mine), Some(theirs)) => mine != theirs,
            _ => false,
        };
        is_known && is_same && is_other_config
    }
}
