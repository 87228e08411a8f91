//! The engine's ports over the gateway and the system's clock.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use sluice_core::document::service::PathPrefix;
use sluice_core::routing::Snapshot;
use sluice_core::{Counts, ServiceKey, Span, Timestamp, VersionName};
use sluice_engine::port::traffic::{self, Endpoints, Readiness};
use sluice_engine::port::{Clock, Metrics, Traffic};
use sluice_gateway::{Gateway, PREVIEW_HEADER, PreviewKey};
use sluice_server::PreviewSigner;
use tokio::sync::{broadcast, watch};

/// How many services may be told of before a reader who does not keep up misses some; they are judged a second later.
const ACTIVITY_KEPT: usize = 1024;
/// How long to wait before looking again which services fail: a failure is judged within a tenth of a second, and a
/// service that fails all the time does not keep a processor busy.
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(50);

/// The embedded gateway as the data plane.
pub(crate) struct GatewayTraffic {
    gateway: Gateway,
    readiness: watch::Receiver<Arc<Readiness>>,
    activity: broadcast::Sender<ServiceKey>,
    /// Services that are being released, as the last snapshot has them.
    released: watch::Sender<BTreeSet<ServiceKey>>,
}

impl GatewayTraffic {
    /// Steers this gateway. Must be called within a tokio runtime: tasks hand on what it says until it stops.
    pub(crate) fn new(gateway: Gateway) -> GatewayTraffic {
        let mut theirs = gateway.readiness();
        let (ours, readiness) = watch::channel(Arc::new(translated(&theirs.borrow_and_update())));
        tokio::spawn(async move {
            while theirs.changed().await.is_ok() {
                let now = Arc::new(translated(&theirs.borrow_and_update()));
                ours.send_replace(now);
            }
        });
        let activity = broadcast::Sender::new(ACTIVITY_KEPT);
        let released = watch::Sender::new(BTreeSet::new());
        tokio::spawn(tell_of_failures(gateway.clone(), released.subscribe(), activity.clone()));
        GatewayTraffic { gateway, readiness, activity, released }
    }
}

/// The gateway says that something failed, and not where: this looks which of the services that are being released it
/// was.
async fn tell_of_failures(
    gateway: Gateway,
    released: watch::Receiver<BTreeSet<ServiceKey>>,
    tell: broadcast::Sender<ServiceKey>,
) {
    let mut happened = gateway.activity();
    let mut known: BTreeMap<ServiceKey, u64> = BTreeMap::new();
    while happened.changed().await.is_ok() {
        let services = released.borrow().clone();
        known.retain(|service, _| services.contains(service));
        for service in services {
            let failed = gateway.counts(&service).values().map(Counts::failed).sum();
            if known.insert(service.clone(), failed).is_none_or(|before| before != failed) {
                // Without a reader there is nobody to tell.
                drop(tell.send(service));
            }
        }
        tokio::time::sleep(LOOK_AGAIN_AFTER).await;
    }
}

fn translated(theirs: &sluice_gateway::Readiness) -> Readiness {
    let endpoints = |ready: &sluice_gateway::Ready| Endpoints { ready: ready.ready, total: ready.total };
    let versions = |versions: &BTreeMap<VersionName, sluice_gateway::Ready>| {
        versions.iter().map(|(name, ready)| (name.clone(), endpoints(ready))).collect()
    };
    theirs.iter().map(|(service, of_service)| (service.clone(), versions(of_service))).collect()
}

#[async_trait]
impl Traffic for GatewayTraffic {
    async fn apply(&self, snapshot: Arc<Snapshot>) -> Result<(), traffic::Error> {
        let released = snapshot.services.values().filter(|service| service.split.is_some());
        let released: BTreeSet<ServiceKey> = released.map(|service| service.key.clone()).collect();
        // When it serves a newer generation already, there is nothing left to do.
        if self.gateway.publish(snapshot) {
            self.released.send_replace(released);
        }
        Ok(())
    }

    fn readiness(&self) -> watch::Receiver<Arc<Readiness>> {
        self.readiness.clone()
    }

    fn activity(&self) -> broadcast::Receiver<ServiceKey> {
        self.activity.subscribe()
    }
}

/// What the embedded gateway counts.
pub(crate) struct GatewayMetrics {
    gateway: Gateway,
}

impl GatewayMetrics {
    /// Reads the counts of this gateway.
    pub(crate) fn new(gateway: Gateway) -> GatewayMetrics {
        GatewayMetrics { gateway }
    }
}

impl Metrics for GatewayMetrics {
    fn counts(&self, service: &ServiceKey) -> BTreeMap<VersionName, Counts> {
        self.gateway.counts(service)
    }

    fn path_counts(&self, service: &ServiceKey, path: &PathPrefix) -> BTreeMap<VersionName, Counts> {
        self.gateway.path_counts(service, path)
    }
}

/// The system's clock.
pub(crate) struct SystemClock;

/// How long to sleep before looking at the clock again: it may be set, or the machine may have slept.
const SLEEP_MAX: Span = Span::from_secs(30);

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    async fn sleep_until(&self, at: Timestamp) {
        loop {
            let left = at.since(self.now()).min(SLEEP_MAX);
            if left == Span::ZERO {
                return;
            }
            // A timer may fire within the millisecond before; one more and `at` has come.
            tokio::time::sleep(left.as_duration() + Duration::from_millis(1)).await;
        }
    }
}

/// Signs previews for the gateway with its own key.
pub(crate) struct Signer {
    key: PreviewKey,
}

impl Signer {
    /// Signs with this key.
    pub(crate) fn new(key: PreviewKey) -> Signer {
        Signer { key }
    }
}

impl PreviewSigner for Signer {
    fn header(&self) -> &'static str {
        PREVIEW_HEADER
    }

    fn sign(&self, service: &ServiceKey, version: &VersionName, expires: Timestamp) -> String {
        self.key.sign(service, version, expires)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_sleep_is_over_once_its_time_has_come_and_not_before() {
        let clock = SystemClock;
        let at = clock.now().after(Span::from_millis(30));
        clock.sleep_until(at).await;
        assert!(clock.now() >= at);
        clock.sleep_until(Timestamp::from_millis(0)).await;
    }
}
