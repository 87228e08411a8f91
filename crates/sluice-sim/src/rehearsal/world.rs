//! What the engine reaches through its ports while a release is rehearsed.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use sluice_core::bucket::Bucket;
use sluice_core::document::service::PathPrefix;
use sluice_core::release::{Amount, Taken};
use sluice_core::routing::{Request, ServiceRouting, Snapshot, Why, decide};
use sluice_core::stats::Trials;
use sluice_core::{Counts, Name, ServiceKey, Timestamp, VersionName, Weight};
use sluice_engine::port::source::{Ask, Source, Sources, Trouble, Versions};
use sluice_engine::port::traffic::{Endpoints, Error, Readiness};
use sluice_engine::port::{Metrics, Traffic};
use tokio::sync::{broadcast, watch};

use super::crowd::{CANDIDATE, Crowd, Outcome, Placed, STABLE};

/// The data plane of a rehearsal. Cheap to clone; clones share everything.
#[derive(Clone)]
pub(super) struct World {
    inner: Arc<Mutex<Inner>>,
    readiness: watch::Sender<Arc<Readiness>>,
    activity: broadcast::Sender<ServiceKey>,
    service: ServiceKey,
    /// The version that people had, and the one that is released.
    versions: [VersionName; 2],
    segments: Arc<BTreeMap<Name, f64>>,
}

struct Inner {
    crowd: Crowd,
    counted: Outcome,
    routing: Option<Arc<ServiceRouting>>,
}

/// The header by which a rehearsed visitor says whether they are in a segment.
pub(super) fn header_of(segment: &Name) -> String {
    format!("x-segment-{segment}")
}

impl World {
    pub(super) fn new(
        crowd: Crowd,
        service: ServiceKey,
        versions: [VersionName; 2],
        segments: BTreeMap<Name, f64>,
    ) -> World {
        let ready = Endpoints { ready: 1, total: 1 };
        let known = versions.iter().map(|version| (version.clone(), ready)).collect();
        let readiness: Readiness = [(service.clone(), known)].into_iter().collect();
        World {
            inner: Arc::new(Mutex::new(Inner { crowd, counted: Outcome::default(), routing: None })),
            readiness: watch::Sender::new(Arc::new(readiness)),
            activity: broadcast::Sender::new(1),
            service,
            versions,
            segments: Arc::new(segments),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets a second pass.
    pub(super) fn play(&self) {
        let mut inner = self.lock();
        let outcome = inner.crowd.play();
        inner.counted.merge(&outcome);
    }

    /// Looks at the crowd, or tells it something.
    pub(super) fn crowd<T>(&self, look: impl FnOnce(&mut Crowd) -> T) -> T {
        look(&mut self.lock().crowd)
    }

    fn by_version(&self, counts: &[Counts; 2]) -> BTreeMap<VersionName, Counts> {
        self.versions.iter().cloned().zip(counts.iter().cloned()).collect()
    }

    /// Which version a visitor meets, as the gateway decides.
    fn placing(&self, routing: Arc<ServiceRouting>) -> Box<dyn Fn(&str) -> Placed + Send> {
        let segments = Arc::clone(&self.segments);
        let candidate = self.versions[CANDIDATE].clone();
        Box::new(move |unit| {
            let visit = Visit { unit, segments: &segments };
            let choice = decide(&routing, &visit, Some(unit), None, None, |_| true);
            Placed {
                is_candidate: *choice.version == candidate,
                by_lot: matches!(choice.why, Why::Share | Why::NotChosen),
            }
        })
    }
}

#[async_trait]
impl Traffic for World {
    async fn apply(&self, snapshot: Arc<Snapshot>) -> Result<(), Error> {
        let mut inner = self.lock();
        let routing = snapshot.services.get(&self.service).cloned();
        if routing != inner.routing {
            if let Some(routing) = &routing {
                inner.crowd.place(self.placing(Arc::clone(routing)));
                let shadow = routing.split.as_ref().and_then(|split| split.shadow);
                inner.crowd.shadow = shadow.map_or(0.0, |shadow| shadow.weight.fraction());
            }
            inner.routing = routing;
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

impl Metrics for World {
    fn counts(&self, service: &ServiceKey) -> BTreeMap<VersionName, Counts> {
        if *service == self.service { self.by_version(&self.lock().counted.of) } else { BTreeMap::new() }
    }

    fn path_counts(&self, service: &ServiceKey, path: &PathPrefix) -> BTreeMap<VersionName, Counts> {
        let inner = self.lock();
        let counts = inner.counted.paths.get(path).filter(|_| *service == self.service);
        counts.map(|counts| self.by_version(counts)).unwrap_or_default()
    }
}

impl Sources for World {
    fn open(&self, ask: Ask) -> Result<Box<dyn Source>, Trouble> {
        if ask.service != self.service || self.lock().crowd.has_no(&ask.metric) {
            let (metric, service) = (&ask.metric, &ask.service.name);
            let why = format!("the recording holds nothing of {metric} for {service}");
            return Err(Trouble { why, retry_after: None });
        }
        let before = [Amount::Nothing, Amount::Nothing];
        Ok(Box::new(Recorded { world: self.clone(), metric: ask.metric, versions: ask.versions, before }))
    }
}

/// A metric that others measure, as far as the recording goes.
struct Recorded {
    world: World,
    metric: Name,
    versions: Versions,
    before: [Amount; 2],
}

#[async_trait]
impl Source for Recorded {
    async fn read(&mut self, _: Timestamp, until: Timestamp) -> Result<Taken, Trouble> {
        let counted = self.world.lock().counted.metrics.get(&self.metric).cloned().unwrap_or_default();
        let [stable, candidate] = [STABLE, CANDIDATE].map(|arm| since(&counted[arm], &self.before[arm]));
        self.before = counted;
        Ok(match self.versions {
            Versions::Two { .. } => Taken { until, stable, candidate },
            Versions::All => {
                let mut all = stable;
                all.merge(&candidate);
                Taken { until, stable: Amount::Nothing, candidate: all }
            }
        })
    }
}

fn since(now: &Amount, before: &Amount) -> Amount {
    match (now, before) {
        (Amount::Trials(now), Amount::Trials(before)) => {
            Amount::Trials(Trials::new(now.n.saturating_sub(before.n), now.k.saturating_sub(before.k)))
        }
        (Amount::Events { events, seconds }, Amount::Events { events: before, seconds: then }) => {
            Amount::Events { events: events.saturating_sub(*before), seconds: seconds - then }
        }
        (Amount::Values(now), Amount::Values(before)) => Amount::Values(now.since(before)),
        (now, _) => now.clone(),
    }
}

/// A visit of somebody who says in headers who they are and to which segments they belong.
struct Visit<'a> {
    unit: &'a str,
    segments: &'a BTreeMap<Name, f64>,
}

impl Request for Visit<'_> {
    fn method(&self) -> &str {
        "GET"
    }
    fn host(&self) -> &str {
        "rehearsal.example.com"
    }
    fn path(&self) -> &str {
        "/"
    }
    fn header(&self, name: &str) -> Option<&str> {
        if name == "x-user-id" {
            return Some(self.unit);
        }
        let segment = name.strip_prefix("x-segment-")?;
        let (name, share) = self.segments.iter().find(|(known, _)| known.as_str() == segment)?;
        let is_in = Weight::from_percent((share * 100_000.0).round() / 1000.0)
            .is_some_and(|weight| Bucket::of(name.as_str(), self.unit).is_within(weight));
        Some(if is_in { "yes" } else { "no" })
    }
    fn cookie(&self, _name: &str) -> Option<&str> {
        None
    }
    fn query(&self, _name: &str) -> Option<Cow<'_, str>> {
        None
    }
}
