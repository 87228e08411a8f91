//! Visitors, services and endpoints: the world behind the Traffic and Metrics ports.
//!
//! Visitors are decided about by the real [`decide`](sluice_core::routing::decide) over the snapshot in force, so a
//! wrong snapshot meets them as it would meet people. Everything that must never happen is noted as a [`Breach`].

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use sluice_core::document::metric::ResponseClass;
use sluice_core::document::service::PathPrefix;
use sluice_core::routing::{Request, Snapshot, decide};
use sluice_core::{Counts, ServiceKey, Span, VersionName, Weight};
use sluice_engine::port::traffic::{Endpoints, Error, Readiness};
use sluice_engine::port::{Metrics, Traffic};
use tokio::sync::{broadcast, watch};

use crate::random::Random;

/// Visitors come this often.
pub const VISIT_EVERY: Span = Span::from_millis(500);
/// In so many visits, a minute of them, a failing visitor is counted once.
const VISITS_OF_A_FAILURE: u64 = 120;

/// How a version behaves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Behaviour {
    /// The share of requests that fail.
    pub failing: f64,
    /// The typical latency.
    pub latency: Span,
    /// Its endpoints.
    pub endpoints: Endpoints,
}

impl Behaviour {
    /// Ready, one request in a thousand fails, 50 ms.
    pub fn good() -> Behaviour {
        Behaviour {
            failing: 0.001,
            latency: Span::from_millis(50),
            endpoints: Endpoints { ready: 1, total: 1 },
        }
    }

    /// As good, but this share of requests fails.
    pub fn failing(share: f64) -> Behaviour {
        Behaviour { failing: share, ..Behaviour::good() }
    }

    /// As good, but not ready.
    pub fn unready() -> Behaviour {
        Behaviour { endpoints: Endpoints { ready: 0, total: 1 }, ..Behaviour::good() }
    }
}

/// Something that must never happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Breach {
    /// A visitor was sent to a version without a ready endpoint while the other had one.
    SentToUnready {
        /// The version.
        version: VersionName,
    },
    /// A visitor was taken off a candidate while nothing was being taken back.
    Flipped {
        /// The visitor.
        unit: String,
    },
}

/// The world behind the ports. Cheap to clone; survives the engine.
#[derive(Clone)]
pub struct City {
    inner: Arc<Mutex<Inner>>,
    readiness: watch::Sender<Arc<Readiness>>,
    activity: broadcast::Sender<ServiceKey>,
}

struct Inner {
    random: Random,
    visitors: u64,
    behaviours: BTreeMap<ServiceKey, BTreeMap<VersionName, Behaviour>>,
    counts: BTreeMap<ServiceKey, BTreeMap<VersionName, Counts>>,
    snapshot: Arc<Snapshot>,
    applied: u64,
    fail_applies: u64,
    apply_takes: Span,
    has_hidden_counts: bool,
    met: BTreeMap<(ServiceKey, String), VersionName>,
    /// How often everybody has come.
    visits: u64,
    /// At which visit a visitor of a version was last counted as one who met a failure.
    failed: BTreeMap<(ServiceKey, VersionName, u64), u64>,
    breaches: Vec<Breach>,
}

impl City {
    /// A world with so many visitors.
    pub fn new(seed: u64, visitors: u64) -> City {
        City {
            inner: Arc::new(Mutex::new(Inner {
                random: Random::from_seed(seed),
                visitors,
                behaviours: BTreeMap::new(),
                counts: BTreeMap::new(),
                snapshot: Arc::default(),
                applied: 0,
                fail_applies: 0,
                apply_takes: Span::ZERO,
                has_hidden_counts: false,
                met: BTreeMap::new(),
                visits: 0,
                failed: BTreeMap::new(),
                breaches: Vec::new(),
            })),
            readiness: watch::Sender::new(Arc::default()),
            activity: broadcast::Sender::new(64),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Lets a version behave in some way from now on.
    pub fn behave(&self, service: &ServiceKey, version: &str, behaviour: Behaviour) {
        let version: VersionName = version.parse().expect("tests name versions well");
        self.lock().behaviours.entry(service.clone()).or_default().insert(version.clone(), behaviour);
        self.readiness.send_modify(|readiness| {
            let known = Arc::make_mut(readiness).entry(service.clone()).or_default();
            known.insert(version, behaviour.endpoints);
        });
    }

    /// Lets the next calls to set traffic fail.
    pub fn fail_applies(&self, count: u64) {
        self.lock().fail_applies = count;
    }

    /// Lets every call to set traffic take so long.
    pub fn apply_takes(&self, span: Span) {
        self.lock().apply_takes = span;
    }

    /// Lets counts be read, or not: visitors come and are counted all the same.
    pub fn hide_counts(&self, is_hidden: bool) {
        self.lock().has_hidden_counts = is_hidden;
    }

    /// Requests that were counted of a version.
    pub fn counted(&self, service: &ServiceKey, version: &str) -> u64 {
        let inner = self.lock();
        let of = |counts: &BTreeMap<VersionName, Counts>| {
            counts.iter().find(|(name, _)| name.as_str() == version).map(|(_, counts)| counts.requests)
        };
        inner.counts.get(service).and_then(of).unwrap_or(0)
    }

    /// A data plane that has lost what it counted and whom it serves, as after a restart of the machine.
    pub fn restart_data_plane(&self) {
        let mut inner = self.lock();
        inner.counts.clear();
        inner.failed.clear();
        inner.snapshot = Arc::default();
    }

    /// Every visitor of every service comes once. Without a snapshot nobody is served.
    pub fn visit(&self) {
        let failing = self.lock().visit();
        for service in failing {
            // Nobody may be listening.
            self.activity.send(service).ok();
        }
    }

    /// Which version each visitor of a service met last.
    pub fn met(&self, service: &ServiceKey) -> BTreeMap<VersionName, u64> {
        let mut met = BTreeMap::new();
        for ((of, _), version) in &self.lock().met {
            if of == service {
                *met.entry(version.clone()).or_insert(0) += 1;
            }
        }
        met
    }

    /// What must never happen and did.
    pub fn breaches(&self) -> Vec<Breach> {
        self.lock().breaches.clone()
    }

    /// How often traffic was set.
    pub fn applied(&self) -> u64 {
        self.lock().applied
    }

    /// What is in force.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.lock().snapshot)
    }
}

impl Inner {
    /// Gives the services in which a request failed.
    fn visit(&mut self) -> Vec<ServiceKey> {
        let snapshot = Arc::clone(&self.snapshot);
        let mut failing = Vec::new();
        self.visits += 1;
        for (key, service) in &snapshot.services {
            let behaviours = self.behaviours.get(key).cloned().unwrap_or_default();
            let is_ready =
                |version: &VersionName| behaviours.get(version).is_some_and(|b| b.endpoints.any_ready());
            let failed_before = failing.len();
            for visitor in 0..self.visitors {
                let unit = format!("visitor-{visitor}");
                let visit = Visit { unit: &unit };
                let version = decide(service, &visit, Some(&unit), None, None, is_ready).version.clone();
                let is_candidate = service.split.as_ref().is_some_and(|split| split.candidate == version);
                if is_candidate && !is_ready(&version) {
                    self.breaches.push(Breach::SentToUnready { version: version.clone() });
                }
                if let Some(split) = &service.split
                    && split.include.iter().any(|share| share.weight > Weight::ZERO)
                    && self.met.get(&(key.clone(), unit.clone())) == Some(&split.candidate)
                    && !is_candidate
                    && is_ready(&split.candidate)
                {
                    self.breaches.push(Breach::Flipped { unit: unit.clone() });
                }
                let behaviour = behaviours.get(&version).copied().unwrap_or_else(Behaviour::unready);
                let has_failed = !behaviour.endpoints.any_ready() || self.random.chance(behaviour.failing);
                let counts = self.counts.entry(key.clone()).or_default().entry(version.clone()).or_default();
                counts.requests += 1;
                counts.responses[class(has_failed)] += 1;
                if has_failed {
                    let last = self.failed.entry((key.clone(), version.clone(), visitor)).or_default();
                    if *last == 0 || self.visits - *last >= VISITS_OF_A_FAILURE {
                        *last = self.visits;
                        counts.failed_visitors += 1;
                    }
                }
                let spread = 0.5 + self.random.unit();
                counts.latency.record((behaviour.latency.as_millis() as f64 * 1000.0 * spread) as u64);
                self.met.insert((key.clone(), unit), version);
                if has_failed && failing.len() == failed_before {
                    failing.push(key.clone());
                }
            }
        }
        failing
    }
}

fn class(has_failed: bool) -> usize {
    let class = if has_failed { ResponseClass::ServerError } else { ResponseClass::Success };
    class as usize
}

#[async_trait]
impl Traffic for City {
    async fn apply(&self, snapshot: Arc<Snapshot>) -> Result<(), Error> {
        let takes = self.lock().apply_takes;
        if takes > Span::ZERO {
            tokio::time::sleep(takes.as_duration()).await;
        }
        let mut inner = self.lock();
        if inner.fail_applies > 0 {
            inner.fail_applies -= 1;
            return Err(Error { why: "the data plane is away".to_owned(), source: None });
        }
        inner.applied += 1;
        inner.snapshot = snapshot;
        Ok(())
    }

    fn readiness(&self) -> watch::Receiver<Arc<Readiness>> {
        self.readiness.subscribe()
    }

    fn activity(&self) -> broadcast::Receiver<ServiceKey> {
        self.activity.subscribe()
    }
}

impl Metrics for City {
    fn counts(&self, service: &ServiceKey) -> BTreeMap<VersionName, Counts> {
        let inner = self.lock();
        let counts = inner.counts.get(service).filter(|_| !inner.has_hidden_counts);
        counts.cloned().unwrap_or_default()
    }

    /// No path is counted on its own here.
    fn path_counts(&self, _: &ServiceKey, _: &PathPrefix) -> BTreeMap<VersionName, Counts> {
        BTreeMap::new()
    }
}

/// A visit of somebody who is known by a header.
struct Visit<'a> {
    unit: &'a str,
}

impl Request for Visit<'_> {
    fn method(&self) -> &str {
        "GET"
    }
    fn host(&self) -> &str {
        "shop.example.com"
    }
    fn path(&self) -> &str {
        "/"
    }
    fn header(&self, name: &str) -> Option<&str> {
        (name == "x-user-id").then_some(self.unit)
    }
    fn cookie(&self, _name: &str) -> Option<&str> {
        None
    }
    fn query(&self, _name: &str) -> Option<Cow<'_, str>> {
        None
    }
}
