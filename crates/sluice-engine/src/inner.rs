//! What all parts of the engine share.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use sluice_core::document::service::PathPrefix;
use sluice_core::document::{API_VERSION, Document, Kind, Spec};
use sluice_core::release::Release;
use sluice_core::{Counts, ServiceKey, Timestamp, VersionName, Weight};
use tokio::sync::{broadcast, watch};

use crate::engine::{Parts, Settings};
use crate::live::{AnnouncedBy, EndpointStatus, Live, Role, ServiceStatus, VersionStatus};
use crate::port::history::Note;
use crate::port::store::{Commit, Committed, Error};
use crate::publisher::Publisher;
use crate::recorder::Recorder;
use crate::resource::Resource;
use crate::sampler::History;
use crate::world::{Stored, World};

/// How many messages a watcher may lag behind before it misses some.
const WATCHERS_LAG_MAX: usize = 4096;

/// What all parts of the engine share.
pub(crate) struct Inner {
    pub(crate) parts: Parts,
    pub(crate) settings: Settings,
    pub(crate) world: Mutex<World>,
    pub(crate) publisher: Publisher,
    /// Held while documents are applied or a release is created, so that each sees what the other did.
    pub(crate) configuring: tokio::sync::Mutex<()>,
    pub(crate) live: broadcast::Sender<Live>,
    pub(crate) history: Mutex<BTreeMap<ServiceKey, History>>,
    pub(crate) recorder: Recorder,
    /// How releases stood, on the way to the history.
    pub(crate) notes: Mutex<VecDeque<Note>>,
    /// Effects that were carried out and are still to be marked as done.
    pub(crate) done: Mutex<Vec<u64>>,
    pub(crate) stopping: watch::Sender<bool>,
    /// Changes whenever what waits to start by itself should be tried.
    pub(crate) starter: watch::Sender<u64>,
    pub(crate) is_store_well: AtomicBool,
    pub(crate) numbers: Numbers,
}

/// What is counted of the engine itself.
#[derive(Default)]
pub(crate) struct Numbers {
    pub(crate) decisions: AtomicU64,
    pub(crate) commits: AtomicU64,
    pub(crate) commit_failures: AtomicU64,
    pub(crate) history_failures: AtomicU64,
    pub(crate) panics: AtomicU64,
    /// The longest delay of an evaluation in this minute, and in the one before.
    pub(crate) lag_ms_max: AtomicU64,
    pub(crate) lag_ms_max_before: AtomicU64,
}

impl Numbers {
    /// Begins another minute of delays.
    pub(crate) fn turn_minute(&self) {
        self.lag_ms_max_before.store(self.lag_ms_max.swap(0, Ordering::Relaxed), Ordering::Relaxed);
    }

    pub(crate) fn add(number: &AtomicU64) {
        number.fetch_add(1, Ordering::Relaxed);
    }
}

impl Inner {
    pub(crate) fn new(parts: Parts, settings: Settings) -> Inner {
        Inner {
            parts,
            settings,
            world: Mutex::new(World::default()),
            publisher: Publisher::new(),
            configuring: tokio::sync::Mutex::new(()),
            live: broadcast::Sender::new(WATCHERS_LAG_MAX),
            history: Mutex::new(BTreeMap::new()),
            recorder: Recorder::default(),
            notes: Mutex::default(),
            done: Mutex::new(Vec::new()),
            stopping: watch::Sender::new(false),
            starter: watch::Sender::new(0),
            is_store_well: AtomicBool::new(true),
            numbers: Numbers::default(),
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.parts.clock.now()
    }

    pub(crate) fn world(&self) -> std::sync::MutexGuard<'_, World> {
        crate::lock(&self.world)
    }

    /// What the data plane has counted of a service, by version.
    pub(crate) fn counts(&self, service: &ServiceKey) -> BTreeMap<VersionName, Counts> {
        with_visitors(self.parts.metrics.counts(service))
    }

    /// What the data plane has counted of one path of a service, by version.
    pub(crate) fn path_counts(
        &self,
        service: &ServiceKey,
        path: &PathPrefix,
    ) -> BTreeMap<VersionName, Counts> {
        with_visitors(self.parts.metrics.path_counts(service, path))
    }

    /// Commits, and tells watchers what was added to the log.
    pub(crate) async fn commit(&self, commit: Commit) -> Result<Committed, Error> {
        Numbers::add(&self.numbers.commits);
        let committed = self.parts.store.commit(commit).await;
        match &committed {
            Ok(committed) => {
                self.is_store_well.store(true, Ordering::Relaxed);
                for event in &committed.events {
                    self.tell(Live::Log(Arc::new(event.clone())));
                }
            }
            Err(Error::Conflict { .. }) => {}
            Err(_) => {
                Numbers::add(&self.numbers.commit_failures);
                self.is_store_well.store(false, Ordering::Relaxed);
            }
        }
        committed
    }

    pub(crate) fn tell(&self, live: Live) {
        // Nobody watching is no failure.
        self.live.send(live).ok();
    }

    pub(crate) fn is_watched(&self) -> bool {
        self.live.receiver_count() > 0
    }

    /// Resolves once the engine is to stop.
    pub(crate) async fn stopped(&self) {
        // The sender lives in `self`, so waiting cannot fail.
        self.stopping.subscribe().wait_for(|stop| *stop).await.ok();
    }

    /// Tells watchers of a service, when there are any.
    pub(crate) fn tell_service(&self, service: &ServiceKey) {
        if !self.is_watched() {
            return;
        }
        let key = crate::world::document_key(service);
        let world = self.world();
        let resource = world.document(&key).map(|stored| self.resource_of(&world, stored));
        drop(world);
        if let Some(resource) = resource {
            self.tell(Live::Service(Arc::new(resource)));
        }
    }

    /// Tells watchers of every service of a release, when there are any.
    pub(crate) fn tell_services(&self, release: &Release) {
        release.members().for_each(|member| self.tell_service(member.service));
    }

    /// A document with its status.
    pub(crate) fn resource_of(&self, world: &World, stored: &Stored) -> Resource {
        let status = match &stored.document.spec {
            Spec::Service(_) => crate::world::service_key(&stored.document.key())
                .and_then(|service| self.service_status(world, &service))
                .map(|status| to_json(&status)),
            _ => None,
        };
        resource(stored, status)
    }

    fn service_status(&self, world: &World, service: &ServiceKey) -> Option<ServiceStatus> {
        let spec = world.service(service)?;
        let state = world.state(service)?;
        let live = state.live.as_ref();
        let steering = world.steering(service).map(|live| &live.release);
        let readiness = self.parts.traffic.readiness();
        let readiness = readiness.borrow();
        let versions = spec.versions.iter().map(|version| {
            let endpoints = readiness.get(service).and_then(|known| known.get(&version.name));
            VersionStatus {
                name: version.name.clone(),
                role: role(service, &version.name, live, steering.map(AsRef::as_ref)),
                build: version.build.clone(),
                announced: state
                    .announced(&version.name)
                    .map(|known| AnnouncedBy { actor: known.by.clone(), at: known.at }),
                endpoints: EndpointStatus {
                    ready: endpoints.map_or(0, |known| known.ready),
                    total: u32::try_from(version.endpoints.len()).unwrap_or(u32::MAX),
                },
                share: share(service, &version.name, live, steering.map(AsRef::as_ref)),
            }
        });
        Some(ServiceStatus {
            live: live.cloned(),
            release: steering.map(|release| release.name.clone()),
            versions: versions.collect(),
        })
    }
}

/// What a version of a service is for visitors.
pub(crate) fn role(
    service: &ServiceKey,
    version: &VersionName,
    live: Option<&VersionName>,
    steering: Option<&Release>,
) -> Role {
    let member =
        steering.and_then(|release| Some((release, release.members().find(|m| m.service == service)?)));
    match member {
        // Succeeded, with the previous version kept.
        Some((release, member)) if release.phase.finished_at().is_some() => match version {
            version if version == member.to => Role::Stable,
            version if version == member.from => Role::Kept,
            _ => Role::Dark,
        },
        Some((_, member)) if version == member.to => Role::Candidate,
        Some((_, member)) if version == member.from => Role::Stable,
        None if Some(version) == live => Role::Stable,
        _ => Role::Dark,
    }
}

fn share(
    service: &ServiceKey,
    version: &VersionName,
    live: Option<&VersionName>,
    steering: Option<&Release>,
) -> Weight {
    let member =
        steering.and_then(|release| Some((release, release.members().find(|m| m.service == service)?)));
    match member {
        Some((release, member)) if version == member.to => release.traffic.observed.share(),
        Some((release, member)) if version == member.from => release.traffic.observed.share().rest(),
        None if Some(version) == live => Weight::FULL,
        _ => Weight::ZERO,
    }
}

/// A stored document as it is shown.
pub(crate) fn resource(stored: &Stored, status: Option<Value>) -> Resource {
    let mut metadata = stored.document.metadata.clone();
    metadata.resource_version = Some(stored.version);
    metadata.created_at = Some(stored.created_at);
    metadata.updated_at = Some(stored.updated_at);
    let kind = stored.document.spec.kind();
    Resource {
        api_version: API_VERSION.to_owned(),
        kind,
        metadata,
        spec: spec_json(&stored.document),
        status,
    }
}

/// A release as it is shown.
pub(crate) fn release_resource(stored: &Stored, release: &Release) -> Resource {
    resource(stored, Some(to_json(&release.status())))
}

/// A document as it is stored.
pub(crate) fn document_json(document: &Document) -> Value {
    let mut json = to_json(document);
    json["apiVersion"] = json!(API_VERSION);
    json
}

fn spec_json(document: &Document) -> Value {
    to_json(document).get_mut("spec").map(Value::take).unwrap_or_default()
}

/// A value of ours as JSON. Our types have text keys and no failing parts, so this cannot fail; were it ever to, the
/// result is null and the round-trip tests say so.
pub(crate) fn to_json<T: serde::Serialize>(value: &T) -> Value {
    serde_json::to_value(value).unwrap_or_default()
}

fn with_visitors(mut counted: BTreeMap<VersionName, Counts>) -> BTreeMap<VersionName, Counts> {
    counted.values_mut().for_each(Counts::make_up_visitors);
    counted
}

/// The kinds that a store holds as plain documents.
pub(crate) const DOCUMENT_KINDS: [Kind; 5] =
    [Kind::Segment, Kind::Metric, Kind::Policy, Kind::Environment, Kind::Service];
