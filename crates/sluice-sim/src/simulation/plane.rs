//! The data plane: who meets which version, what is counted of it, and which endpoints are ready.
//!
//! Visitors are decided about by the real [`decide`] over the snapshot in force.

mod visitor;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use sluice_core::document::metric::ResponseClass;
use sluice_core::document::service::PathPrefix;
use sluice_core::routing::{ServiceRouting, Snapshot, decide};
use sluice_core::{Counts, ServiceKey, VersionName};
use sluice_engine::port::traffic::{Endpoints, Error, Readiness};
use sluice_engine::port::{Metrics, Traffic};
use tokio::sync::{broadcast, watch};

use super::audit::Audit;
use super::faults::{Faults, Port};
use crate::city::Behaviour;
use crate::random::Random;
pub(super) use visitor::Visitor;

/// How many people visit each service.
const VISITORS: u64 = 40;

/// In so many seconds a failing visitor is counted once.
const SECONDS_OF_A_FAILURE: u64 = 60;

/// What reading the counts gives.
#[derive(Clone, Debug, Default)]
pub(super) enum Meter {
    /// What was counted.
    #[default]
    Fresh,
    /// What had been counted when it stuck.
    Stuck(BTreeMap<ServiceKey, BTreeMap<VersionName, Counts>>),
    /// Nothing.
    Away,
}

/// The data plane. Cheap to clone; clones share everything.
#[derive(Clone)]
pub(super) struct Plane {
    inner: Arc<Mutex<Inner>>,
    readiness: watch::Sender<Arc<Readiness>>,
    activity: broadcast::Sender<ServiceKey>,
    faults: Faults,
    audit: Audit,
}

struct Inner {
    random: Random,
    visitors: Vec<Visitor>,
    behaviours: BTreeMap<ServiceKey, BTreeMap<VersionName, Behaviour>>,
    counted: BTreeMap<ServiceKey, BTreeMap<VersionName, Counts>>,
    meter: Meter,
    /// Requests that each visitor makes in a second.
    rate: u64,
    snapshot: Arc<Snapshot>,
    /// Who meets what, as long as nothing changes.
    met: BTreeMap<ServiceKey, Vec<VersionName>>,
    /// For how many seconds people have come.
    seconds: u64,
    /// In which second a visitor of a version was last counted as one who met a failure.
    failed: BTreeMap<(ServiceKey, VersionName, usize), u64>,
}

impl Plane {
    pub(super) fn new(seed: u64, faults: Faults, audit: Audit) -> Plane {
        let inner = Inner {
            random: Random::from_seed(seed),
            visitors: (0..VISITORS).map(Visitor::new).collect(),
            behaviours: BTreeMap::new(),
            counted: BTreeMap::new(),
            meter: Meter::Fresh,
            rate: 2,
            snapshot: Arc::default(),
            met: BTreeMap::new(),
            seconds: 0,
            failed: BTreeMap::new(),
        };
        Plane {
            inner: Arc::new(Mutex::new(inner)),
            readiness: watch::Sender::new(Arc::default()),
            activity: broadcast::Sender::new(64),
            faults,
            audit,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets a version behave in some way from now on. That its endpoints have come or gone is not told yet.
    pub(super) fn behave(
        &self,
        service: &ServiceKey,
        version: &VersionName,
        change: impl FnOnce(&mut Behaviour),
    ) {
        let mut inner = self.lock();
        let known = inner.behaviours.entry(service.clone()).or_default();
        change(known.entry(version.clone()).or_insert_with(Behaviour::good));
        inner.met.clear();
    }

    /// Every service and version that there is.
    pub(super) fn versions(&self) -> Vec<(ServiceKey, VersionName)> {
        let inner = self.lock();
        let of = |(service, versions): (&ServiceKey, &BTreeMap<VersionName, Behaviour>)| {
            versions.keys().map(|version| (service.clone(), version.clone())).collect::<Vec<_>>()
        };
        inner.behaviours.iter().flat_map(of).collect()
    }

    /// Tells which endpoints are ready now.
    pub(super) fn report(&self) {
        let inner = self.lock();
        let endpoints = |versions: &BTreeMap<VersionName, Behaviour>| -> BTreeMap<VersionName, Endpoints> {
            versions.iter().map(|(version, behaviour)| (version.clone(), behaviour.endpoints)).collect()
        };
        let now: Readiness = inner
            .behaviours
            .iter()
            .map(|(service, versions)| (service.clone(), endpoints(versions)))
            .collect();
        drop(inner);
        self.audit.reported(&now);
        self.readiness.send_if_modified(|known| {
            let is_new = **known != now;
            *known = Arc::new(now);
            is_new
        });
    }

    /// Lets visitors make so many requests a second each.
    pub(super) fn rate(&self, rate: u64) {
        self.lock().rate = rate;
    }

    /// Lets counts be read, or stick where they are, or be away.
    pub(super) fn meter(&self, meter: fn(&BTreeMap<ServiceKey, BTreeMap<VersionName, Counts>>) -> Meter) {
        let mut inner = self.lock();
        inner.meter = meter(&inner.counted);
    }

    /// Forgets what was counted.
    pub(super) fn forget_counts(&self) {
        let mut inner = self.lock();
        inner.counted.clear();
        inner.failed.clear();
    }

    /// Forgets what was counted and whom it serves.
    pub(super) fn restart(&self) {
        let mut inner = self.lock();
        inner.counted.clear();
        inner.failed.clear();
        inner.met.clear();
        inner.snapshot = Arc::default();
        drop(inner);
        self.audit.restarted_plane();
    }

    /// What is in force.
    pub(super) fn in_force(&self) -> Arc<Snapshot> {
        Arc::clone(&self.lock().snapshot)
    }

    /// A second of visits.
    pub(super) fn visit(&self) {
        let failing = self.lock().visit(&self.audit);
        for service in failing {
            // Nobody may be listening.
            self.activity.send(service).ok();
        }
    }

    fn put_in_force(&self, snapshot: Arc<Snapshot>) {
        let mut inner = self.lock();
        self.audit.put_in_force(&inner.snapshot, &snapshot, &inner.visitors);
        inner.snapshot = snapshot;
        inner.met.clear();
    }
}

impl Inner {
    fn visit(&mut self, audit: &Audit) -> Vec<ServiceKey> {
        let snapshot = Arc::clone(&self.snapshot);
        let mut failing = Vec::new();
        self.seconds += 1;
        for (key, service) in &snapshot.services {
            if !self.met.contains_key(key) {
                let met = self.decide(key, service, audit);
                self.met.insert(key.clone(), met);
            }
            let met = self.met.get(key).cloned().unwrap_or_default();
            let mut has_failed = false;
            for (visitor, version) in met.iter().enumerate() {
                has_failed |= self.request(key, version, visitor, audit);
                self.copy(key, service, version, visitor, audit);
            }
            if has_failed {
                failing.push(key.clone());
            }
        }
        failing
    }

    /// Which version each visitor meets.
    fn decide(&self, key: &ServiceKey, service: &ServiceRouting, audit: &Audit) -> Vec<VersionName> {
        let none = BTreeMap::new();
        let behaviours = self.behaviours.get(key).unwrap_or(&none);
        let is_ready =
            |version: &VersionName| behaviours.get(version).is_some_and(|b| b.endpoints.any_ready());
        let meets = |visitor: &Visitor| {
            let unit = service.unit_of(visitor);
            let version = decide(service, visitor, unit.as_deref(), None, None, is_ready).version.clone();
            let is_candidate = service.split.as_ref().is_some_and(|split| split.candidate == version);
            if is_candidate && !is_ready(&version) {
                audit.breach(format!("{} is sent to {key} {version}, which is not ready", visitor.unit));
            }
            version
        };
        self.visitors.iter().map(meets).collect()
    }

    /// One visitor's requests of a second. Gives whether one of them failed.
    fn request(&mut self, key: &ServiceKey, version: &VersionName, visitor: usize, audit: &Audit) -> bool {
        let rate = self.rate;
        let behaviour = self.behaviours.get(key).and_then(|known| known.get(version)).copied();
        let behaviour = behaviour.unwrap_or_else(Behaviour::unready);
        let mut failed = 0;
        for _ in 0..rate {
            let fails = !behaviour.endpoints.any_ready() || self.random.chance(behaviour.failing);
            failed += u64::from(fails);
        }
        let spread = 0.5 + self.random.unit();
        let micros = (behaviour.latency.as_millis() as f64 * 1000.0 * spread) as u64;
        let counts = self.counted.entry(key.clone()).or_default().entry(version.clone()).or_default();
        counts.requests += rate;
        counts.responses[ResponseClass::Success as usize] += rate - failed;
        counts.responses[ResponseClass::ServerError as usize] += failed;
        if failed > 0 {
            let last = self.failed.entry((key.clone(), version.clone(), visitor)).or_default();
            if *last == 0 || self.seconds - *last >= SECONDS_OF_A_FAILURE {
                *last = self.seconds;
                counts.failed_visitors += 1;
            }
        }
        if rate > 0 {
            counts.latency.record(micros);
            audit.requested(key, version, rate);
        }
        failed > 0
    }

    /// Copies a share of a visitor's requests to a candidate that is in the shadow.
    fn copy(
        &mut self,
        key: &ServiceKey,
        service: &ServiceRouting,
        met: &VersionName,
        visitor: usize,
        audit: &Audit,
    ) {
        let Some(split) = &service.split else { return };
        let Some(shadow) = split.shadow.filter(|_| *met == service.stable) else { return };
        let draw = u32::try_from(self.random.below(100_000)).unwrap_or(0);
        if shadow.takes("GET", draw) {
            self.request(key, &split.candidate, visitor, audit);
        }
    }
}

#[async_trait]
impl Traffic for Plane {
    async fn apply(&self, snapshot: Arc<Snapshot>) -> Result<(), Error> {
        self.audit.called(&snapshot);
        self.faults.moment().await;
        self.faults.dawdle(Port::Traffic).await;
        let odds = self.faults.odds();
        let away = || Error { why: "the data plane is away".to_owned(), source: None };
        if self.faults.happens(odds.apply_lost) {
            return Err(away());
        }
        self.put_in_force(snapshot);
        self.faults.moment().await;
        if self.faults.happens(odds.apply_unheard) {
            return Err(away());
        }
        Ok(())
    }

    fn readiness(&self) -> watch::Receiver<Arc<Readiness>> {
        self.readiness.subscribe()
    }

    fn activity(&self) -> broadcast::Receiver<ServiceKey> {
        self.activity.subscribe()
    }
}

impl Metrics for Plane {
    fn counts(&self, service: &ServiceKey) -> BTreeMap<VersionName, Counts> {
        let inner = self.lock();
        let counted = match &inner.meter {
            Meter::Fresh => inner.counted.get(service),
            Meter::Stuck(counted) => counted.get(service),
            Meter::Away => None,
        };
        counted.cloned().unwrap_or_default()
    }

    /// No path is counted on its own here.
    fn path_counts(&self, _: &ServiceKey, _: &PathPrefix) -> BTreeMap<VersionName, Counts> {
        BTreeMap::new()
    }
}
