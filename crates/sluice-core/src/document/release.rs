//! `Release`: one run of one service, from one version to another. Its status is in [`crate::release::status`].

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Name, VersionName};

/// What is to be released, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReleaseSpec {
    /// The service.
    pub service: Name,
    /// The version that is released.
    pub version: VersionName,
    /// Other services that are released together with it, each with its version. They go up in the order in which
    /// their versions need each other and come down in the reverse one, and are judged together.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub with: Vec<ServiceVersion>,
    /// The policy; the environment chooses one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<Name>,
    /// With `true`, other people meet the candidate first than in earlier releases of the same version.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reshuffle: bool,
    /// Why the release goes ahead although the order of environments, a window or a freeze speaks against it. Who may
    /// say so is for the environment to tell; it is logged.
    #[serde(default, skip_serializing_if = "Option::is_none", rename = "override")]
    pub override_reason: Option<String>,
}

/// A service and one of its versions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServiceVersion {
    /// The service.
    pub service: Name,
    /// The version.
    pub version: VersionName,
}
