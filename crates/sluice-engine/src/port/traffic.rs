//! Steering: who gets what, and who is ready.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
pub use sluice_core::release::Endpoints;
use sluice_core::routing::Snapshot;
use sluice_core::{ServiceKey, VersionName};
use tokio::sync::{broadcast, watch};

/// Steers traffic by snapshots and reports which endpoints are ready.
#[async_trait]
pub trait Traffic: Send + Sync + 'static {
    /// Puts a snapshot in force and returns when every data plane decides by it. Applying the same or an older
    /// generation again changes nothing.
    ///
    /// # Errors
    /// When not every data plane took it; some may have. The engine tries again.
    ///
    /// # Cancel safety
    /// When dropped, the snapshot may or may not be in force.
    async fn apply(&self, snapshot: Arc<Snapshot>) -> Result<(), Error>;

    /// Which endpoints are ready, pushed on every change.
    fn readiness(&self) -> watch::Receiver<Arc<Readiness>>;

    /// Tells of services where something happened that is worth judging before the next second, as a first failure.
    /// What is missed, as by a reader that lags, is judged at the next second.
    fn activity(&self) -> broadcast::Receiver<ServiceKey>;
}

/// Which endpoints are ready. A version that is missing is not known to have any.
pub type Readiness = BTreeMap<ServiceKey, BTreeMap<VersionName, Endpoints>>;

/// Not every data plane took the snapshot.
#[derive(Debug, thiserror::Error)]
#[error("traffic could not be set: {why}")]
pub struct Error {
    /// What went wrong, in words.
    pub why: String,
    /// What caused it.
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}
