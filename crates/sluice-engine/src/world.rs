//! What the engine knows without asking the store: documents, live releases, and the routing that follows from them.
//!
//! Held behind one lock for short, synchronous stretches. What is in here is committed, with one exception that is
//! marked as such: see [`World::steer_unrecorded`].

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use sluice_core::document::{Document, DocumentKey, Kind, ServiceSpec, Spec};
use sluice_core::release::{Exposure, Release};
use sluice_core::routing::{SegmentRule, ServiceRouting, ShareRule, Snapshot, Split};
use sluice_core::{Name, ServiceKey, Timestamp, VersionName};
use tokio::sync::mpsc;

use crate::actor::Message;

/// What the engine knows.
#[derive(Default)]
pub(crate) struct World {
    documents: BTreeMap<DocumentKey, Stored>,
    live: BTreeMap<ServiceKey, VersionName>,
    releases: BTreeMap<Name, LiveRelease>,
    snapshot: Snapshot,
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

    /// Every document but releases, as they are.
    pub(crate) fn documents(&self) -> BTreeMap<DocumentKey, Document> {
        self.documents.iter().map(|(key, stored)| (key.clone(), stored.document.clone())).collect()
    }

    pub(crate) fn names(&self, kind: Kind) -> impl Iterator<Item = &Name> {
        let documents = self.documents.keys().filter(move |key| key.kind == kind).map(|key| &key.name);
        let releases = self.releases.keys().filter(move |_| kind == Kind::Release);
        documents.chain(releases)
    }

    pub(crate) fn service(&self, service: &ServiceKey) -> Option<&ServiceSpec> {
        match &self.documents.get(&document_key(service))?.document.spec {
            Spec::Service(spec) => Some(spec),
            _ => None,
        }
    }

    pub(crate) fn services(&self) -> impl Iterator<Item = ServiceKey> {
        self.documents.keys().filter_map(service_key)
    }

    pub(crate) fn live(&self, service: &ServiceKey) -> Option<&VersionName> {
        self.live.get(service)
    }

    pub(crate) fn release(&self, name: &Name) -> Option<&LiveRelease> {
        self.releases.get(name)
    }

    pub(crate) fn releases(&self) -> impl Iterator<Item = &LiveRelease> {
        self.releases.values()
    }

    /// The releases of a service that are not over, oldest first.
    pub(crate) fn releases_of(&self, service: &ServiceKey) -> Vec<&LiveRelease> {
        let mut found: Vec<&LiveRelease> =
            self.releases.values().filter(|live| live.release.service == *service).collect();
        found.sort_by_key(|live| (live.release.created_at, live.stored.version));
        found
    }

    /// The release that decides who gets what of a service.
    pub(crate) fn steering(&self, service: &ServiceKey) -> Option<&LiveRelease> {
        self.releases.values().find(|live| live.release.service == *service && live.release.steers())
    }

    pub(crate) fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    pub(crate) fn put_document(&mut self, key: DocumentKey, stored: Stored) {
        self.documents.insert(key, stored);
    }

    pub(crate) fn remove_document(&mut self, key: &DocumentKey) {
        self.documents.remove(key);
        if let Some(service) = service_key(key) {
            self.live.remove(&service);
        }
    }

    pub(crate) fn set_live(&mut self, service: &ServiceKey, version: VersionName) {
        self.live.insert(service.clone(), version);
    }

    /// Notes that a service's row has a newer resource version.
    pub(crate) fn touch(&mut self, key: &DocumentKey, version: u64, now: Timestamp) {
        if let Some(stored) = self.documents.get_mut(key) {
            stored.version = version;
            stored.updated_at = now;
        }
    }

    pub(crate) fn put_release(&mut self, live: LiveRelease) {
        self.releases.insert(live.release.name.clone(), live);
    }

    /// Replaces a release's state; forgets it when it is over.
    pub(crate) fn update_release(&mut self, release: &Arc<Release>, version: u64, updated_at: Timestamp) {
        if !release.is_active() {
            self.releases.remove(&release.name);
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
        self.reroute(&release.service);
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
            self.services().chain(self.snapshot.services.keys().cloned()).collect();
        known.iter().for_each(|service| self.reroute(service));
    }

    fn routing(&self, service: &ServiceKey) -> Option<ServiceRouting> {
        let spec = self.service(service)?;
        let steering = self.steering(service).map(|live| &live.release);
        let stable = match steering {
            Some(release) => release.from.clone(),
            None => self.live.get(service)?.clone(),
        };
        Some(ServiceRouting {
            key: service.clone(),
            routes: spec.routes.clone(),
            unit: spec.unit.clone(),
            visitor: spec.visitor.clone(),
            health: spec.health.clone(),
            timeouts: spec.timeouts.clone(),
            reveal: spec.reveal,
            versions: spec.versions.iter().map(|v| (v.name.clone(), v.endpoints.clone())).collect(),
            stable,
            split: steering.map(|release| Split {
                release: release.name.clone(),
                is_shared: false,
                shadow: None,
                candidate: release.to.clone(),
                salt: release.salt.clone(),
                exclude: release
                    .traffic
                    .desired
                    .exclude
                    .iter()
                    .filter_map(|name| self.segment(name))
                    .collect(),
                include: self.shares(&release.traffic.desired),
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
        match &self.documents.get(&key)?.document.spec {
            Spec::Segment(spec) => {
                Some(SegmentRule { segment: name.clone(), condition: spec.r#match.clone() })
            }
            _ => None,
        }
    }
}
