//! What was counted, per version.

use std::collections::BTreeMap;

use sluice_core::document::service::PathPrefix;
use sluice_core::{Counts, ServiceKey, VersionName};

/// Reads what data planes have counted. Counts only grow while a data plane lives and begin at zero when it
/// restarts; whoever reads takes differences.
pub trait Metrics: Send + Sync + 'static {
    /// What was counted for each version of a service since the data plane began to count. A version that is missing
    /// was never counted.
    fn counts(&self, service: &ServiceKey) -> BTreeMap<VersionName, Counts>;

    /// The same of requests to one of the paths that the service counts on their own. Empty where it is not counted.
    fn path_counts(&self, service: &ServiceKey, path: &PathPrefix) -> BTreeMap<VersionName, Counts>;
}
