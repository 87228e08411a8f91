//! What the engine knows without asking the store: documents, live releases, and the routing that follows from them.
//!
//! Held behind one lock for short, synchronous stretches. What is in here is committed, with one exception that is
//! marked as such: see [`World::steer_unrecorded`].

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use sluice_core::calendar::{Calendar, Openness};
use sluice_core::document::service::PathPrefix;
use sluice_core::document::{Document, DocumentKey, EnvironmentSpec, Kind, ServiceSpec, Spec};
use sluice_core::release::{Exposure, Release};
use sluice_core::routing::{SegmentRule, ServiceRouting, Shadow, ShareRule, Snapshot, Split};
use sluice_core::{Name, ServiceKey, Span, Timestamp, VersionName, builtin};
use tokio::sync::mpsc;

use crate::actor::Message;
use crate::state::ServiceState;

/// How long an answer of a calendar is good for.
const CALENDAR_FRESH: Span = Span::from_secs(3600);

/// What the engine knows.
#[derive(Default)]
pub(crate) struct World {
    documents: BTreeMap<DocumentKey, Stored>,
    services: BTreeMap<ServiceKey, HeldService>,
    releases: BTreeMap<Name, LiveRelease>,
    /// The releases that touch a service.
    touching: BTreeMap<ServiceKey, BTreeSet<Name>>,
    calendars: BTreeMap<Name, HeldCalendar>,
    snapshot: Snapshot,
}

/// A service as it is with everything that was announced.
struct HeldService {
    state: ServiceState,
    effective: ServiceSpec,
}

/// A calendar with what it last answered, which holds for a while.
struct HeldCalendar {
    calendar: Calendar,
    answered: Option<(Timestamp, Openness)>,
}

/// A document and what the store notes on it.
#[derive(Clone)]
pub(crate) struct Stored {
    pub(crate) document: Document,
    pub(crate) version: u64,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

/// A release that is not over.
#[derive(Clone)]
pub(crate) struct LiveRelease {
    pub(crate) release: Arc<Release>,
    pub(crate) stored: Stored,
    pub(crate) mailbox: mpsc::Sender<Message>,
}

/// The key of a service's document.
pub(crate) fn document_key(service: &ServiceKey) -> DocumentKey {
    DocumentKey {
        kind: Kind::Service,
        environment: Some(service.environment.clone()),
        name: service.name.clone(),
    }
}

/// The service that a Service document describes.
pub(crate) fn service_key(key: &DocumentKey) -> Option<ServiceKey> {
    match (key.kind, &key.environment) {
        (Kind::Service, Some(environment)) => {
            Some(ServiceKey { environment: environment.clone(), name: key.name.clone() })
        }
        _ => None,
    }
}

impl World {
    pub(crate) fn document(&self, key: &DocumentKey) -> Option<&Stored> {
        self.documents.get(key)
    }

    /// Every document but releases, as they are kept.
    pub(crate) fn stored(&self) -> impl Iterator<Item = &Stored> {
        self.documents.values()
    }

    /// Every document but releases, as they are; services with what was announced.
    pub(crate) fn documents(&self) -> BTreeMap<DocumentKey, Document> {
        let document = |(key, stored): (&DocumentKey, &Stored)| {
            let mut document = stored.document.clone();
            if let Some(held) = service_key(key).and_then(|service| self.services.get(&service)) {
                document.spec = Spec::Service(held.effective.clone());
            }
            (key.clone(), document)
        };
        self.documents.iter().map(document).collect()
    }

    pub(crate) fn names(&self, kind: Kind) -> impl Iterator<Item = &Name> {
        let documents = self.documents.keys().filter(move |key| key.kind == kind).map(|key| &key.name);
        let releases = self.releases.keys().filter(move |_| kind == Kind::Release);
        documents.chain(releases)
    }

    /// A service with everything that was announced.
    pub(crate) fn service(&self, service: &ServiceKey) -> Option<&ServiceSpec> {
        self.services.get(service).map(|held| &held.effective)
    }

    pub(crate) fn services(&self) -> impl Iterator<Item = &ServiceKey> {
        self.services.keys()
    }

    /// What is kept beside a service's document.
    pub(crate) fn state(&self, service: &ServiceKey) -> Option<&ServiceState> {
        self.services.get(service).map(|held| &held.state)
    }

    pub(crate) fn live(&self, service: &ServiceKey) -> Option<&VersionName> {
        self.state(service)?.live.as_ref()
    }

    pub(crate) fn environment(&self, name: &Name) -> Option<&EnvironmentSpec> {
        let key = DocumentKey { kind: Kind::Environment, environment: None, name: name.clone() };
        match &self.documents.get(&key)?.document.spec {
            Spec::Environment(spec) => Some(spec),
            _ => None,
        }
    }

    /// Whether an environment's calendar allows more people to meet a candidate.
    pub(crate) fn openness(&mut self, environment: &Name, now: Timestamp) -> Openness {
        let Some(held) = self.calendars.get_mut(environment) else { return Openness::default() };
        if let Some((since, answered)) = &held.answered {
            let until = match answered {
                Openness::Open { until } => *until,
                Openness::Closed { opens_at, .. } => *opens_at,
            };
            // A clock that was set back asks anew, and so does every hour, however far away the next change is.
            let is_fresh = *since <= now && now.since(*since) < CALENDAR_FRESH;
            if is_fresh && until.is_none_or(|until| now < until) {
                return answered.clone();
            }
        }
        let answered = held.calendar.at(now);
        held.answered = Some((now, answered.clone()));
        answered
    }

    pub(crate) fn release(&self, name: &Name) -> Option<&LiveRelease> {
        self.releases.get(name)
    }

    pub(crate) fn releases(&self) -> impl Iterator<Item = &LiveRelease> {
        self.releases.values()
    }

    /// The releases of a service that are not over, oldest first.
    pub(crate) fn releases_of(&self, service: &ServiceKey) -> Vec<&LiveRelease> {
        let mut found: Vec<&LiveRelease> = self.touching(service).collect();
        found.sort_by_key(|live| (live.release.created_at, live.stored.version));
        found
    }

    /// The release that decides who gets what of a service.
    pub(crate) fn steering(&self, service: &ServiceKey) -> Option<&LiveRelease> {
        self.touching(service).find(|live| live.release.steers())
    }

    fn touching(&self, service: &ServiceKey) -> impl Iterator<Item = &LiveRelease> {
        let names = self.touching.get(service).into_iter().flatten();
        names.filter_map(|name| self.releases.get(name))
    }

    pub(crate) fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// Puts a document in its place. A service keeps what is kept beside it.
    pub(crate) fn put_document(&mut self, key: DocumentKey, stored: Stored) {
        match &stored.document.spec {
            Spec::Service(spec) => {
                if let Some(service) = service_key(&key) {
                    let state = self.services.remove(&service).map(|held| held.state).unwrap_or_default();
                    let effective = state.effective(spec);
                    self.services.insert(service, HeldService { state, effective });
                }
            }
            Spec::Environment(spec) => {
                let held = HeldCalendar { calendar: spec.calendar(), answered: None };
                self.calendars.insert(key.name.clone(), held);
            }
            _ => {}
        }
        self.documents.insert(key, stored);
    }

    pub(crate) fn remove_document(&mut self, key: &DocumentKey) {
        self.documents.remove(key);
        if let Some(service) = service_key(key) {
            self.services.remove(&service);
        }
        if key.kind == Kind::Environment {
            self.calendars.remove(&key.name);
        }
    }

    /// Replaces what is kept beside a service's document, which must have been put before.
    pub(crate) fn set_state(&mut self, service: &ServiceKey, state: ServiceState) {
        let Some(stored) = self.documents.get(&document_key(service)) else { return };
        let Spec::Service(spec) = &stored.document.spec else { return };
        let effective = state.effective(spec);
        self.services.insert(service.clone(), HeldService { state, effective });
    }

    /// Notes that a service's row has a newer resource version.
    pub(crate) fn touch(&mut self, key: &DocumentKey, version: u64, now: Timestamp) {
        if let Some(stored) = self.documents.get_mut(key) {
            stored.version = version;
            stored.updated_at = now;
        }
    }

    pub(crate) fn put_release(&mut self, live: LiveRelease) {
        for member in live.release.members() {
            self.touching.entry(member.service.clone()).or_default().insert(live.release.name.clone());
        }
        self.releases.insert(live.release.name.clone(), live);
    }

    fn forget_release(&mut self, release: &Release) {
        self.releases.remove(&release.name);
        for member in release.members() {
            if let Some(names) = self.touching.get_mut(member.service) {
                names.remove(&release.name);
                if names.is_empty() {
                    self.touching.remove(member.service);
                }
            }
        }
    }

    /// Replaces a release's state; forgets it when it is over.
    pub(crate) fn update_release(&mut self, release: &Arc<Release>, version: u64, updated_at: Timestamp) {
        if !release.is_active() {
            self.forget_release(release);
        } else if let Some(live) = self.releases.get_mut(&release.name) {
            live.release = Arc::clone(release);
            live.stored.version = version;
            live.stored.updated_at = updated_at;
        }
    }

    /// Steers by a state that could not be recorded yet. Only for taking people back: that must not wait for a disk.
    pub(crate) fn steer_unrecorded(&mut self, release: &Release) {
        if let Some(live) = self.releases.get_mut(&release.name) {
            live.release = Arc::new(release.clone());
        }
        self.reroute_release(release);
    }

    /// Works out anew who gets what of every service that a release touches.
    pub(crate) fn reroute_release(&mut self, release: &Release) {
        release.members().for_each(|member| self.reroute(member.service));
    }

    /// Works out anew who gets what of a service.
    pub(crate) fn reroute(&mut self, service: &ServiceKey) {
        let routing = self.routing(service).map(Arc::new);
        let held = self.snapshot.services.get(service);
        if held == routing.as_ref() {
            return;
        }
        self.snapshot.generation += 1;
        match routing {
            Some(routing) => self.snapshot.services.insert(service.clone(), routing),
            None => self.snapshot.services.remove(service),
        };
    }

    /// Works out anew who gets what of every service.
    pub(crate) fn reroute_all(&mut self) {
        let known: BTreeSet<ServiceKey> =
            self.services().chain(self.snapshot.services.keys()).cloned().collect();
        known.iter().for_each(|service| self.reroute(service));
    }

    fn routing(&self, service: &ServiceKey) -> Option<ServiceRouting> {
        let spec = self.service(service)?;
        let steering = self.steering(service).map(|live| &live.release);
        let member = steering.and_then(|release| release.members().find(|member| member.service == service));
        let stable = match member {
            Some(member) => member.from.clone(),
            None => self.live(service)?.clone(),
        };
        Some(ServiceRouting {
            key: service.clone(),
            routes: spec.routes.clone(),
            unit: spec.unit.clone(),
            visitor: spec.visitor.clone(),
            health: spec.health.clone(),
            timeouts: spec.timeouts.clone(),
            balance: spec.balance,
            limits: spec.limits.clone(),
            outliers: spec.outliers.clone(),
            endpoint_tls: spec.endpoint_tls.clone(),
            count: longest_first(&spec.count),
            reveal: spec.reveal,
            versions: spec.versions.iter().map(|v| (v.name.clone(), v.endpoints.clone())).collect(),
            stable,
            split: steering.zip(member).map(|(release, member)| Split {
                release: release.name.clone(),
                is_shared: !release.companions.is_empty(),
                candidate: member.to.clone(),
                salt: release.salt.clone(),
                exclude: member.given.exclude.iter().filter_map(|name| self.segment(name)).collect(),
                include: self.shares(member.given),
                shadow: member
                    .given
                    .shadow
                    .map(|shadow| Shadow { weight: shadow.percent.0, copies_unsafe: shadow.unsafe_methods }),
            }),
        })
    }

    /// A line whose segment does not exist takes nobody in. It cannot be deleted while a release names it.
    fn shares(&self, exposure: &Exposure) -> Vec<ShareRule> {
        let share = |rule: &sluice_core::document::policy::AudienceRule| {
            let segment = match &rule.segment {
                None => None,
                Some(name) => Some(self.segment(name)?),
            };
            Some(ShareRule { segment, weight: rule.percent.0 })
        };
        exposure.include.iter().filter_map(share).collect()
    }

    fn segment(&self, name: &Name) -> Option<SegmentRule> {
        let key = DocumentKey { kind: Kind::Segment, environment: None, name: name.clone() };
        let spec = match self.documents.get(&key).map(|stored| &stored.document.spec) {
            Some(Spec::Segment(spec)) => spec,
            _ => builtin::segments().get(name)?,
        };
        Some(SegmentRule { segment: name.clone(), condition: spec.r#match.clone() })
    }
}

/// So that the first that takes a request is the one that it belongs to.
fn longest_first(paths: &[PathPrefix]) -> Vec<PathPrefix> {
    let mut paths = paths.to_vec();
    paths.sort_by_key(|path| std::cmp::Reverse(path.as_str().len()));
    paths
}
