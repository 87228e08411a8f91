//! Lives of an engine: each in a runtime of its own, on one store and one city that outlive it.
//!
//! A life ends by dropping its runtime, which stops every task wherever it happens to wait: the way a killed process
//! ends, between any two lines that wait for something.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use sluice_core::document::service::Build;
use sluice_core::document::{self, DocumentKey, Kind};
use sluice_core::release::status::{PhaseName, ReleaseStatus, Verb};
use sluice_core::{Name, ServiceKey, Span, Timestamp};
use sluice_engine::port::history::NoHistory;
use sluice_engine::port::source::NoSources;
use sluice_engine::port::{Clock, History, Store};
use sluice_engine::resource::{Announced, Announcement, Applied, ApplyMode, ReleaseRequest};
use sluice_engine::{Caller, Engine, Error, Parts, Resource, Settings};

use crate::city::{City, VISIT_EVERY};
use crate::clock::{EPOCH, VirtualClock};
use crate::hooks::Mailroom;
use crate::memory::MemoryStore;

/// What outlives an engine: its store, the world, and the time.
#[derive(Clone)]
pub struct Home {
    /// Where everything is kept.
    pub store: Arc<MemoryStore>,
    /// Visitors, services, endpoints.
    pub city: City,
    /// Webhooks.
    pub mailroom: Mailroom,
    /// Where what was measured is kept; nowhere, unless a test puts something here.
    pub history: Arc<dyn History>,
    time: Arc<Mutex<Timestamp>>,
}

/// One life of an engine.
pub struct Life {
    /// The engine.
    pub engine: Engine,
    /// The world it lives in.
    pub home: Home,
    clock: Arc<VirtualClock>,
}

impl Home {
    /// A new world with so many visitors.
    pub fn new(seed: u64, visitors: u64) -> Home {
        Home {
            store: Arc::new(MemoryStore::new()),
            city: City::new(seed, visitors),
            mailroom: Mailroom::default(),
            history: Arc::new(NoHistory),
            time: Arc::new(Mutex::new(EPOCH)),
        }
    }

    /// Runs a life to its end. Whatever still runs when `story` returns is dropped where it waits.
    ///
    /// # Panics
    /// When the engine does not start, or `story` panics.
    pub fn live<T>(&self, story: impl AsyncFnOnce(&Life) -> T) -> T {
        self.live_with(sluice_core::release::step, story)
    }

    /// As [`Home::live`], with another decision function.
    ///
    /// # Panics
    /// As [`Home::live`].
    pub fn live_with<T>(
        &self,
        decide: sluice_engine::engine::Decide,
        story: impl AsyncFnOnce(&Life) -> T,
    ) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .expect("a runtime without IO can always be built");
        runtime.block_on(async {
            let began_at = *self.time.lock().expect("no test panics while it tells the time");
            let clock = Arc::new(VirtualClock::starting_at(began_at));
            let parts = Parts {
                store: Arc::clone(&self.store) as Arc<dyn Store>,
                traffic: Arc::new(self.city.clone()),
                metrics: Arc::new(self.city.clone()),
                sources: Arc::new(NoSources),
                history: Arc::clone(&self.history),
                hooks: Arc::new(self.mailroom.clone()),
                clock: Arc::clone(&clock) as Arc<dyn Clock>,
                decide,
            };
            let engine = Engine::start(parts, Settings::default()).await.expect("the engine starts");
            let city = self.city.clone();
            tokio::spawn(async move {
                loop {
                    city.visit();
                    tokio::time::sleep(VISIT_EVERY.as_duration()).await;
                }
            });
            let life = Life { engine, home: self.clone(), clock };
            let told = story(&life).await;
            *self.time.lock().expect("no test panics while it tells the time") = life.clock.now();
            told
        })
    }
}

/// Somebody who acts in tests.
pub fn ada() -> Caller {
    Caller { actor: "ada".to_owned(), reason: None, idempotency_key: None }
}

impl Life {
    /// Lets time pass.
    pub async fn pass(&self, span: Span) {
        self.clock.sleep_until(self.clock.now().after(span)).await;
    }

    /// Applies documents.
    ///
    /// # Panics
    /// When they are not well-formed.
    ///
    /// # Errors
    /// As [`Engine::apply`].
    pub async fn apply(&self, yaml: &str) -> Result<Vec<Applied>, Error> {
        let documents = document::parse_yaml(yaml).unwrap_or_else(|problems| panic!("{problems}"));
        self.engine.apply(documents, ApplyMode::Commit, &ada()).await
    }

    /// Starts a release.
    ///
    /// # Errors
    /// As [`Engine::start_release`].
    pub async fn release(&self, service: &ServiceKey, version: &str, policy: &str) -> Result<Name, Error> {
        let request = ReleaseRequest {
            service: service.name.clone(),
            version: version.parse().expect("tests name versions well"),
            environment: Some(service.environment.clone()),
            policy: Some(policy.parse().expect("tests name policies well")),
            with: Vec::new(),
            reshuffle: false,
            override_reason: None,
        };
        Ok(self.engine.start_release(request, &ada()).await?.metadata.name)
    }

    /// Announces a version with one endpoint.
    ///
    /// # Errors
    /// As [`Engine::announce`].
    pub async fn announce(&self, service: &ServiceKey, version: &str) -> Result<Announced, Error> {
        let announcement = Announcement {
            version: version.parse().expect("tests name versions well"),
            endpoints: vec!["http://127.0.0.1:9009".parse().expect("it is an endpoint")],
            needs: BTreeMap::new(),
            build: Build::default(),
            create: None,
            start: None,
            policy: None,
        };
        self.engine.announce(service, announcement, &ada()).await
    }

    /// Asks something of a release as somebody, with a reason.
    ///
    /// # Errors
    /// As [`Engine::act`].
    pub async fn act_as(&self, release: &Name, verb: Verb, actor: &str) -> Result<Resource, Error> {
        let caller =
            Caller { actor: actor.to_owned(), reason: Some("it is time".to_owned()), idempotency_key: None };
        self.engine.act(release, verb, None, &caller).await
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Asks something of a release.
    ///
    /// # Errors
    /// As [`Engine::act`].
    pub async fn act(&self, release: &Name, verb: Verb) -> Result<Resource, Error> {
        self.engine.act(release, verb, None, &ada()).await
    }

    /// Where a release stands.
    ///
    /// # Panics
    /// When there is no such release.
    pub async fn status(&self, release: &Name) -> ReleaseStatus {
        let environment = document::DEFAULT_ENVIRONMENT.parse().ok();
        let key = DocumentKey { kind: Kind::Release, environment, name: release.clone() };
        let resource = self.engine.get(&key).await.expect("the release exists");
        serde_json::from_value(resource.status.expect("releases have a status")).expect("a status reads back")
    }

    /// Waits until a release is in a phase, for at most a virtual day.
    ///
    /// # Panics
    /// When it ends in another phase, or the day is over.
    pub async fn until(&self, release: &Name, phase: PhaseName) -> ReleaseStatus {
        let deadline = self.clock.now().after(Span::from_secs(86_400));
        loop {
            let status = self.status(release).await;
            if status.phase == phase {
                return status;
            }
            let story: Vec<String> =
                status.timeline.iter().map(|entry| format!("{} {}", entry.at, entry.text)).collect();
            let is_over = status.phase.is_final() && status.kept_until.is_none();
            assert!(
                !is_over && self.clock.now() < deadline,
                "{release} is {:?}, not {phase:?}:\n{}",
                status.phase,
                story.join("\n")
            );
            self.pass(Span::from_millis(100)).await;
        }
    }
}
