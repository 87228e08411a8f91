//! How many endpoints of each version can take requests.

use std::collections::BTreeMap;

use sluice_core::{ServiceKey, VersionName};

/// What the gateway knows of every version that it serves, by service.
pub type Readiness = BTreeMap<ServiceKey, BTreeMap<VersionName, Ready>>;

/// How many endpoints of a version can take requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ready {
    /// Endpoints whose health checks succeed.
    pub ready: u32,
    /// All endpoints.
    pub total: u32,
}
