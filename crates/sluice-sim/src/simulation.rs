//! A simulation: the real engine and core in a world of chance, where everything that can go wrong does, under the
//! eyes of auditors. Then the troubles end, and so must every release.
//!
//! The seed determines all of it, down to the last byte of the event log.

mod audit;
mod callee;
mod drawn;
mod faults;
mod people;
mod plane;
mod store;
mod time;
mod weather;

use std::sync::Arc;

use sluice_core::document::Kind;
use sluice_core::release::Release;
use sluice_core::{Name, Span};
use sluice_engine::engine::Decide;
use sluice_engine::port::history::NoHistory;
use sluice_engine::port::source::NoSources;
use sluice_engine::port::store::{Chain, EventQuery, EventRecord, ListQuery, Row, Store};
use sluice_engine::port::{Clock, Hooks, Traffic};
use sluice_engine::{Caller, Engine, Parts, Settings};

use crate::memory::MemoryStore;
use crate::random::Random;
use audit::Audit;
use callee::Callee;
use faults::Faults;
use people::{People, name};
use plane::Plane;
use store::WatchedStore;
use time::Time;

/// Once nothing goes wrong any more, every release ends within this.
const ENDS_WITHIN: Span = Span::from_secs(3_600);
/// How often people look after releases then.
const TENDED_EVERY: Span = Span::from_secs(3);

/// What a simulation came to.
#[derive(Clone, Debug)]
pub struct Told {
    /// The whole event log, as text.
    pub log: String,
    /// Every release, with the phase that it ended in.
    pub ends: Vec<(Name, sluice_core::release::status::PhaseName)>,
    /// How often the engine was killed.
    pub kills: u64,
}

/// Something that must never happen, and did.
#[derive(Clone, Debug)]
pub struct Failed {
    /// The seed that shows it again.
    pub seed: u64,
    /// What.
    pub what: String,
    /// What led there, line by line: seconds since the beginning, and what happened.
    pub story: Vec<String>,
}

/// Simulates what a seed determines. `decide` is [`sluice_core::release::step`], but for tests of the auditors.
///
/// # Errors
/// The first thing that must never happen, and did.
pub fn run(seed: u64, decide: Decide) -> Result<Told, Box<Failed>> {
    let stage = Stage::new(seed);
    let outcome = Play::new(seed, &stage, decide).run();
    outcome.map_err(|what| Box::new(Failed { seed, what, story: stage.audit.story() }))
}

/// Everything that outlives an engine.
struct Stage {
    time: Time,
    faults: Faults,
    audit: Audit,
    store: Arc<WatchedStore>,
    plane: Plane,
    has_staging: bool,
    starts_itself: bool,
    services: Vec<String>,
    policies: String,
}

impl Stage {
    fn new(seed: u64) -> Stage {
        let mut random = Random::from_seed(seed);
        let time = Time::new();
        let audit = Audit::new(time.clone());
        let faults = Faults::new(random.bits());
        let kept = MemoryStore::new();
        let store = Arc::new(WatchedStore { kept, faults: faults.clone(), audit: audit.clone() });
        let plane = Plane::new(random.bits(), faults.clone(), audit.clone());
        let has_staging = random.chance(0.4);
        let count = 1 + usize::try_from(random.below(3)).unwrap_or(0);
        let policies: Vec<String> =
            drawn::POLICIES.iter().map(|name| drawn::policy(&mut random, name)).collect();
        let mut stage = Stage {
            time,
            faults,
            audit,
            store,
            plane,
            has_staging,
            starts_itself: random.chance(0.5),
            services: Vec::new(),
            policies: policies.join("---"),
        };
        for environment in stage.environments() {
            for (index, service) in drawn::SERVICES.iter().take(count).enumerate() {
                let needs =
                    index.checked_sub(1).filter(|_| random.chance(0.6)).map(|one| drawn::SERVICES[one]);
                stage.services.push(drawn::service(service, environment.as_str(), needs));
                for version in ["1.0.0", "1.1.0", "1.2.0"] {
                    let version = version.parse().expect("it is a version");
                    stage.plane.behave(&people::key(service, &environment), &version, |_| {});
                }
            }
        }
        stage.plane.report();
        stage
    }

    fn environments(&self) -> Vec<Name> {
        let all = if self.has_staging { &["production", "staging"][..] } else { &["production"] };
        all.iter().map(|environment| name(environment)).collect()
    }

    /// An environment's document.
    fn environment(&self, environment: &Name, calendar: &str) -> String {
        let after = (self.has_staging && environment.as_str() == "production").then_some("staging");
        drawn::environment(environment.as_str(), after, self.starts_itself, calendar)
    }

    fn documents(&self) -> String {
        let environments = self.environments().into_iter().map(|name| self.environment(&name, ""));
        let mut all = vec![drawn::SEGMENTS.to_owned(), self.policies.clone()];
        all.extend(environments.chain(self.services.iter().cloned()));
        all.join("---")
    }

    async fn rows(&self) -> Vec<Row> {
        let query = ListQuery {
            kind: Kind::Release,
            environment: None,
            service: None,
            is_finished: None,
            newest_first: false,
            cursor: None,
            limit: 1000,
        };
        self.store.kept.list(query).await.expect("it does not fail").rows
    }

    async fn events(&self) -> Vec<EventRecord> {
        let mut all: Vec<EventRecord> = Vec::new();
        loop {
            let after = all.last().map_or(0, |event| event.seq);
            let query = EventQuery { after, subject: None, newest: false, limit: 1000 };
            let more = self.store.kept.events(query).await.expect("it does not fail");
            if more.is_empty() {
                return all;
            }
            all.extend(more);
        }
    }
}

/// What a life of the engine ended with.
enum Ended {
    /// It was killed.
    Killed,
    /// The simulation is over.
    Over,
}

/// A simulation under way.
struct Play<'a> {
    stage: &'a Stage,
    decide: Decide,
    random: Random,
    people: People,
    /// When the troubles end, in milliseconds since the beginning.
    troubles_until: i64,
    is_set_up: bool,
    is_clear: bool,
    kills: u64,
}

impl<'a> Play<'a> {
    fn new(seed: u64, stage: &'a Stage, decide: Decide) -> Play<'a> {
        let mut random = Random::from_seed(!seed);
        let people =
            People::new(random.bits(), stage.audit.clone(), stage.plane.clone(), stage.environments());
        let troubles_until = 40_000 + i64::try_from(random.below(120_000)).unwrap_or(0);
        Play { stage, decide, random, people, troubles_until, is_set_up: false, is_clear: false, kills: 0 }
    }

    fn run(&mut self) -> Result<Told, String> {
        loop {
            // Two engines never run at once: the one before is dropped with its runtime, wherever it waits.
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_time()
                .start_paused(true)
                .build()
                .expect("a runtime without IO can always be built");
            let ended = runtime.block_on(self.live());
            drop(runtime);
            match ended? {
                Ended::Killed => {
                    self.kills += 1;
                    self.stage.store.crash();
                }
                Ended::Over => break,
            }
        }
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        runtime.expect("a runtime without IO can always be built").block_on(self.conclude())
    }

    async fn live(&mut self) -> Result<Ended, String> {
        let stage = self.stage;
        stage.time.begin();
        stage.audit.tell("a life begins");
        stage.audit.new_life(&stage.rows().await);
        stage.plane.report();
        let ended = tokio::select! {
            biased;
            () = stage.faults.killed() => Ok(Ended::Killed),
            ended = self.story() => ended,
        };
        if let Some(breach) = stage.audit.first_breach() {
            return Err(breach);
        }
        if matches!(ended, Ok(Ended::Killed)) {
            stage.audit.tell("the engine is killed");
            if self.random.chance(0.6) {
                stage.plane.restart();
            }
        }
        stage.time.end(Span::from_millis(self.random.below(15_000)));
        ended
    }

    async fn story(&mut self) -> Result<Ended, String> {
        let engine = match self.start().await {
            Some(engine) => engine,
            None => return Ok(Ended::Killed),
        };
        let plane = self.stage.plane.clone();
        tokio::spawn(async move {
            loop {
                plane.visit();
                tokio::time::sleep(Span::from_secs(1).as_duration()).await;
            }
        });
        if !self.is_set_up {
            self.set_up(&engine).await;
        }
        while self.stage.time.passed() < self.troubles_until {
            self.check(&engine)?;
            let pause = Span::from_millis(100 + self.random.below(5_000));
            tokio::time::sleep(pause.as_duration()).await;
            match self.random.chance(0.5) {
                true => self.people.act(&engine),
                false => weather::change(&mut self.random, self.stage, &mut self.people, &engine),
            }
        }
        if !self.is_clear {
            self.is_clear = true;
            weather::clear(self.stage);
            if self.random.chance(0.5) {
                return Ok(Ended::Killed);
            }
        }
        self.end(&engine).await?;
        Ok(Ended::Over)
    }

    /// None when the store is away.
    async fn start(&self) -> Option<Engine> {
        let stage = self.stage;
        let parts = Parts {
            store: Arc::clone(&stage.store) as Arc<dyn Store>,
            traffic: Arc::new(stage.plane.clone()) as Arc<dyn Traffic>,
            metrics: Arc::new(stage.plane.clone()),
            sources: Arc::new(NoSources),
            history: Arc::new(NoHistory),
            hooks: Arc::new(Callee { faults: stage.faults.clone(), audit: stage.audit.clone() })
                as Arc<dyn Hooks>,
            clock: Arc::new(stage.time.clone()) as Arc<dyn Clock>,
            decide: self.decide,
        };
        match Engine::start(parts, Settings::default()).await {
            Ok(engine) => Some(engine),
            Err(error) => {
                stage.audit.tell(format!("the engine does not start: {error}"));
                // Somebody sees to the store.
                stage.faults.change(|odds| odds.store_is_away = false);
                None
            }
        }
    }

    async fn set_up(&mut self, engine: &Engine) {
        let caller = Caller { actor: "ada".to_owned(), reason: None, idempotency_key: None };
        people::apply(engine, &self.stage.documents(), &caller)
            .await
            .unwrap_or_else(|error| panic!("{error}\n{}", self.stage.documents()));
        self.is_set_up = true;
        weather::begin(&mut self.random, self.stage);
        for _ in 0..3 {
            self.people.start(engine);
        }
    }

    fn check(&self, engine: &Engine) -> Result<(), String> {
        let panics = engine.telemetry().panics;
        if panics > 0 {
            return Err(format!("{panics} panics"));
        }
        self.stage.audit.first_breach().map_or(Ok(()), Err)
    }

    /// Nothing goes wrong any more, and people do what is asked of them, until every release has ended.
    async fn end(&mut self, engine: &Engine) -> Result<(), String> {
        let caller = Caller { actor: "ada".to_owned(), reason: None, idempotency_key: None };
        for environment in self.stage.environments() {
            let yaml = self.stage.environment(&environment, "");
            people::apply(engine, &yaml, &caller).await.map_err(|error| error.to_string())?;
        }
        let deadline = self.stage.time.passed() + i64::try_from(ENDS_WITHIN.as_millis()).unwrap_or(0);
        let mut quiet = 0;
        while quiet < 3 {
            self.check(engine)?;
            weather::mend_versions(self.stage);
            tokio::time::sleep(TENDED_EVERY.as_duration()).await;
            let releases = self.stage.audit.releases();
            let under_way: Vec<&Release> = releases.iter().filter(|release| release.is_active()).collect();
            quiet = if under_way.is_empty() { quiet + 1 } else { 0 };
            if let Some(release) = under_way.first().filter(|_| self.stage.time.passed() > deadline) {
                return Err(format!(
                    "{} has not ended: {:?}, {}",
                    release.name, release.phase, release.reason
                ));
            }
            self.people.tend(engine).await;
        }
        self.check(engine)
    }

    /// What must hold once everything is over.
    async fn conclude(&self) -> Result<Told, String> {
        let stage = self.stage;
        let events = stage.events().await;
        stage.audit.judge_whole_log(&events);
        self.people.judge_answers(&events);
        let store = &stage.store.kept;
        let chain = store.verify().await.expect("it does not fail");
        if !matches!(chain, Chain::Holds { .. }) {
            stage.audit.breach(format!("the log does not hold: {chain:?}"));
        }
        let pending = store.pending().await.expect("it does not fail");
        if !pending.is_empty() {
            stage.audit.breach(format!("these were never carried out: {pending:?}"));
        }
        let snapshot = stage.plane.in_force();
        for routing in snapshot.services.values().filter(|routing| routing.split.is_some()) {
            stage.audit.breach(format!("{} is still steered", routing.key));
        }
        stage.audit.first_breach().map_or(Ok(()), Err)?;
        let log: Vec<String> = events.iter().map(|event| format!("{event:?}")).collect();
        let releases = stage.audit.releases();
        let ends = releases.iter().map(|release| (release.name.clone(), release.phase.name())).collect();
        Ok(Told { log: log.join("\n"), ends, kills: self.kills })
    }
}
