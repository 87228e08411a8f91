//! A world in which nothing goes wrong: every endpoint is ready, traffic is set at once, and every service has a
//! request every second.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use serde_json::Value;
use sluice_core::document::policy::Hook;
use sluice_core::document::service::PathPrefix;
use sluice_core::release::HookAnswer;
use sluice_core::routing::Snapshot;
use sluice_core::{Counts, Name, ServiceKey, VersionName};
use sluice_engine::port::traffic::{Endpoints, Error, Readiness};
use sluice_engine::port::{Hooks, Metrics, Traffic};
use tokio::sync::{broadcast, watch};

/// A world in which nothing goes wrong.
pub(crate) struct QuietWorld {
    readiness: watch::Sender<Arc<Readiness>>,
    activity: broadcast::Sender<ServiceKey>,
    counts: Mutex<BTreeMap<ServiceKey, Counted>>,
    versions: [VersionName; 2],
}

/// What was counted of both versions, and how often that was asked.
#[derive(Default)]
struct Counted {
    asked: u64,
    counts: [Counts; 2],
}

fn key(number: usize) -> ServiceKey {
    ServiceKey {
        environment: "production".parse().unwrap(),
        name: format!("service-{number}").parse().unwrap(),
    }
}

/// Services with these numbers, each with two versions.
pub(crate) fn services(numbers: std::ops::Range<usize>) -> String {
    let mut yaml = String::new();
    for number in numbers {
        writeln!(
            yaml,
            "---\napiVersion: sluice.dev/v1alpha1\nkind: Service\nmetadata: {{ name: service-{number} }}\nspec:\n  \
             routes: [ {{ host: s{number}.example.com }} ]\n  versions:\n    \
             - {{ name: '1', endpoints: [ 'http://127.0.0.1:9001' ] }}\n    \
             - {{ name: '2', endpoints: [ 'http://127.0.0.1:9002' ] }}"
        )
        .unwrap();
    }
    yaml
}

impl QuietWorld {
    pub(crate) fn new(services: usize) -> QuietWorld {
        let versions: [VersionName; 2] = ["1", "2"].map(|version| version.parse().unwrap());
        let ready = Endpoints { ready: 1, total: 1 };
        let both = || versions.iter().map(|version| (version.clone(), ready)).collect();
        let readiness: Readiness = (0..services).map(|number| (key(number), both())).collect();
        let counts = (0..services).map(|number| (key(number), Counted::default())).collect();
        QuietWorld {
            readiness: watch::Sender::new(Arc::new(readiness)),
            activity: broadcast::Sender::new(1),
            counts: Mutex::new(counts),
            versions,
        }
    }

    pub(crate) fn names(&self) -> Vec<Name> {
        self.counts.lock().unwrap().keys().map(|service| service.name.clone()).collect()
    }
}

impl Counted {
    /// One request since it was last asked: every fifth to the candidate, one in a thousand fails, 20 to 84 ms.
    fn go_on(&mut self) {
        self.asked += 1;
        let counts = &mut self.counts[usize::from(self.asked.is_multiple_of(5))];
        counts.requests += 1;
        counts.responses[if self.asked.is_multiple_of(1009) { 4 } else { 1 }] += 1;
        counts.latency.record(20_000 + self.asked.wrapping_mul(7919) % 64_000);
    }
}

impl Metrics for QuietWorld {
    fn counts(&self, service: &ServiceKey) -> BTreeMap<VersionName, Counts> {
        let mut all = self.counts.lock().unwrap();
        let Some(counted) = all.get_mut(service) else { return BTreeMap::new() };
        counted.go_on();
        self.versions.iter().cloned().zip(counted.counts.iter().cloned()).collect()
    }

    fn path_counts(&self, _: &ServiceKey, _: &PathPrefix) -> BTreeMap<VersionName, Counts> {
        BTreeMap::new()
    }
}

#[async_trait]
impl Traffic for QuietWorld {
    async fn apply(&self, _snapshot: Arc<Snapshot>) -> Result<(), Error> {
        Ok(())
    }

    fn readiness(&self) -> watch::Receiver<Arc<Readiness>> {
        self.readiness.subscribe()
    }

    fn activity(&self) -> broadcast::Receiver<ServiceKey> {
        self.activity.subscribe()
    }
}

#[async_trait]
impl Hooks for QuietWorld {
    async fn call(&self, _hook: &Hook, _delivery: &str, _body: &Value) -> HookAnswer {
        HookAnswer::Pass(None)
    }
}
