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
    /// The policy; the environment chooses one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<Name>,
    /// With `true`, other people meet the candidate first than in earlier releases of the same version.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reshuffle: bool,
}
