//! People and pipelines who ask for things, at the wrong moment too, and who at the end do what is asked of them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use sluice_core::document;
use sluice_core::document::release::ServiceVersion;
use sluice_core::document::service::Build;
use sluice_core::release::status::{ReleaseStatus, Verb};
use sluice_core::release::{Phase, Release};
use sluice_core::{Name, ServiceKey, VersionName};
use sluice_engine::port::store::EventRecord;
use sluice_engine::resource::{Announcement, ApplyMode, HandOn, ReleaseRequest};
use sluice_engine::{Caller, Engine, Error};

use super::audit::Audit;
use super::drawn::{self, POLICIES, one};
use super::plane::Plane;
use crate::random::Random;

/// Who acts.
const PEOPLE: [&str; 4] = ["ada", "anna", "ben", "carla"];

/// People who ask for things.
pub(super) struct People {
    random: Random,
    pub(super) audit: Audit,
    pub(super) plane: Plane,
    asked: u64,
    announced: u64,
    pub(super) environments: Vec<Name>,
    answers: Arc<Mutex<BTreeMap<String, Heard>>>,
    tended: BTreeMap<Name, u64>,
}

/// What somebody heard who asked for something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Heard {
    Refused,
    /// It is not known what came of it.
    Unclear,
    Done(Verb),
}

pub(super) fn name(text: &str) -> Name {
    text.parse().expect("names are drawn well")
}

impl People {
    pub(super) fn new(seed: u64, audit: Audit, plane: Plane, environments: Vec<Name>) -> People {
        People {
            random: Random::from_seed(seed),
            audit,
            plane,
            asked: 0,
            announced: 0,
            environments,
            answers: Arc::default(),
            tended: BTreeMap::new(),
        }
    }

    fn caller(&mut self, actor: &str) -> (Caller, String) {
        self.asked += 1;
        let words = format!("wish {}", self.asked);
        let idempotency_key = self.random.chance(0.3).then(|| format!("key {}", self.asked));
        (Caller { actor: actor.to_owned(), reason: Some(words.clone()), idempotency_key }, words)
    }

    /// Somebody asks for something. Nobody waits for the answer.
    pub(super) fn act(&mut self, engine: &Engine) {
        match self.random.below(20) {
            0..=3 => self.start(engine),
            4 => self.announce(engine),
            5 => self.hand_on(engine),
            6 => self.change_policy(engine),
            _ => self.verb(engine),
        }
    }

    /// Somebody starts a release of something.
    pub(super) fn start(&mut self, engine: &Engine) {
        let versions = self.plane.versions();
        let (service, version) = self.pick(&versions);
        let mut with = Vec::new();
        for (other, version) in &versions {
            if other.environment == service.environment
                && other.name != service.name
                && self.random.chance(0.25)
            {
                let is_new = with.iter().all(|known: &ServiceVersion| known.service != other.name);
                if is_new && version.as_str() != "1.0.0" {
                    with.push(ServiceVersion { service: other.name.clone(), version: version.clone() });
                }
            }
        }
        let policy = self.random.chance(0.8).then(|| name(one(&mut self.random, &POLICIES)));
        let override_reason = self.random.chance(0.25).then(|| "it is urgent".to_owned());
        let actor = if override_reason.is_some() { "carla" } else { one(&mut self.random, &PEOPLE) };
        let (caller, _) = self.caller(actor);
        let request = ReleaseRequest {
            service: service.name,
            version,
            environment: Some(service.environment),
            policy,
            with,
            reshuffle: self.random.chance(0.1),
            override_reason,
        };
        let (engine, audit) = (engine.clone(), self.audit.clone());
        tokio::spawn(async move {
            let with: Vec<String> =
                request.with.iter().map(|with| format!("{} {}", with.service, with.version)).collect();
            let what =
                format!("{} starts {} {} with {with:?}", caller.actor, request.service, request.version);
            audit.tell(&what);
            match engine.start_release(request, &caller).await {
                Ok(release) => audit.tell(format!("{what}: {}", release.metadata.name)),
                Err(error) => audit.tell(format!("{what}: {error}")),
            }
        });
    }

    fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        let index = usize::try_from(self.random.below(of.len() as u64)).unwrap_or(0);
        of[index].clone()
    }

    fn announce(&mut self, engine: &Engine) {
        let versions = self.plane.versions();
        let (service, _) = self.pick(&versions);
        self.announced += 1;
        let major = 1 + self.random.below(2);
        let version: VersionName = format!("{major}.3.{}", self.announced).parse().expect("it is a version");
        let is_late = self.random.chance(0.3);
        self.plane.behave(&service, &version, |behaviour| {
            behaviour.endpoints.ready = u32::from(!is_late);
            behaviour.failing = if self.random.chance(0.2) { 0.3 } else { 0.001 };
        });
        let announcement = Announcement {
            version,
            endpoints: vec!["http://127.0.0.1:9009".parse().expect("it is an endpoint")],
            needs: BTreeMap::new(),
            build: Build::default(),
            create: None,
            start: self.random.chance(0.4).then_some(true),
            policy: None,
        };
        let (caller, _) = self.caller("pipeline");
        let (engine, audit, plane) = (engine.clone(), self.audit.clone(), self.plane.clone());
        tokio::spawn(async move {
            plane.report();
            let what = format!("the pipeline announces {service} {}", announcement.version);
            match engine.announce(&service, announcement, &caller).await {
                Ok(announced) => audit.tell(format!("{what}: {}", announced.text)),
                Err(error) => audit.tell(format!("{what}: {error}")),
            }
        });
    }

    fn hand_on(&mut self, engine: &Engine) {
        let versions = self.plane.versions();
        let (service, _) = self.pick(&versions);
        let (caller, _) = self.caller("carla");
        let request = HandOn {
            version: None,
            to: name("production"),
            endpoints: Vec::new(),
            policy: None,
            override_reason: None,
        };
        let (engine, audit) = (engine.clone(), self.audit.clone());
        tokio::spawn(async move {
            let what = format!("carla hands {} on", service.name);
            match engine.hand_on(&service.name, request, &caller).await {
                Ok(release) => audit.tell(format!("{what}: {}", release.metadata.name)),
                Err(error) => audit.tell(format!("{what}: {error}")),
            }
        });
    }

    fn change_policy(&mut self, engine: &Engine) {
        let policy = one(&mut self.random, &POLICIES);
        let yaml = drawn::policy(&mut self.random, policy);
        self.apply(engine, yaml);
    }

    /// Somebody applies documents.
    pub(super) fn apply(&mut self, engine: &Engine, yaml: String) {
        let (caller, _) = self.caller("ada");
        let (engine, audit) = (engine.clone(), self.audit.clone());
        tokio::spawn(async move {
            let what = yaml.lines().nth(2).unwrap_or_default().to_owned();
            match apply(&engine, &yaml, &caller).await {
                Ok(()) => audit.tell(format!("applied {what}")),
                Err(error) => audit.tell(format!("applied {what}: {error}")),
            }
        });
    }

    fn verb(&mut self, engine: &Engine) {
        let releases = self.audit.releases();
        let live: Vec<&Release> = releases.iter().filter(|release| release.is_active()).collect();
        let release = match (live.as_slice(), releases.as_slice()) {
            ([], []) => return,
            ([], all) => self.pick(all),
            (live, _) if self.random.chance(0.85) => self.pick(live).clone(),
            (_, all) => self.pick(all),
        };
        // Mostly something that fits: what does not is refused.
        let fitting = release.status().verbs;
        let verb = match fitting.as_slice() {
            [_, ..] if self.random.chance(0.7) => self.pick(&fitting),
            _ => self.pick(&Verb::ALL),
        };
        let is_end = matches!(verb, Verb::Abort | Verb::Rollback | Verb::Reject);
        let verb = if is_end && self.random.chance(0.6) { Verb::Promote } else { verb };
        let actor = match verb {
            Verb::Approve | Verb::Reject => one(&mut self.random, &["anna", "ben"]),
            Verb::Override => "carla",
            _ => one(&mut self.random, &PEOPLE),
        };
        self.ask(engine, release.name, verb, actor);
    }

    /// Somebody asks something of a release, sometimes twice.
    fn ask(&mut self, engine: &Engine, release: Name, verb: Verb, actor: &str) {
        let (caller, words) = self.caller(actor);
        let repeats = 1 + usize::from(caller.idempotency_key.is_some() && self.random.chance(0.5));
        let (engine, audit, answers) = (engine.clone(), self.audit.clone(), Arc::clone(&self.answers));
        tokio::spawn(async move {
            let note = |heard: Heard| {
                let mut answers = answers.lock().unwrap_or_else(PoisonError::into_inner);
                answers.insert(words.clone(), heard);
            };
            let mut all = Heard::Refused;
            for _ in 0..repeats {
                // Whoever is killed meanwhile hears nothing.
                note(all.max(Heard::Unclear));
                audit.tell(format!("{} asks {release} to {} ({words})", caller.actor, verb.as_str()));
                let answer = engine.act(&release, verb, None, &caller).await;
                let heard = match &answer {
                    Ok(_) => Heard::Done(verb),
                    Err(Error::NotRecorded { .. }) => Heard::Unclear,
                    Err(_) => Heard::Refused,
                };
                match &answer {
                    Ok(_) => audit.tell(format!("{words}: done")),
                    Err(error) => audit.tell(format!("{words}: {error}")),
                }
                if let (Ok(resource), Verb::Abort) = (&answer, verb)
                    && let Some(status) = resource.status.clone()
                {
                    let status: ReleaseStatus = serde_json::from_value(status).expect("a status reads back");
                    audit.acknowledged_abort(&release, &status);
                }
                // Asked twice, it may be refused once.
                all = all.max(heard);
                note(all);
            }
        });
    }

    /// At the end people do what is asked of them: whatever waits for somebody is let go on, or ended.
    pub(super) async fn tend(&mut self, engine: &Engine) {
        for release in self.audit.releases() {
            if !release.is_active() {
                continue;
            }
            let turns = self.tended.entry(release.name.clone()).or_insert(0);
            *turns += 1;
            let turns = *turns;
            let wishes: &[(Verb, &str)] = match &release.phase {
                Phase::AtGate { .. } if turns > 20 => &[(Verb::Override, "carla")],
                Phase::AtGate { .. } => &[(Verb::Approve, "anna"), (Verb::Approve, "ben")],
                Phase::Paused { .. } if turns > 60 => &[(Verb::Abort, "ada"), (Verb::Promote, "ada")],
                Phase::Paused { .. } if turns > 30 => &[(Verb::Promote, "ada")],
                Phase::Paused { .. } => &[(Verb::Resume, "ada")],
                Phase::Progressing(_) if turns > 30 => &[(Verb::Promote, "ada")],
                _ => &[],
            };
            for (verb, actor) in wishes {
                self.ask(engine, release.name.clone(), *verb, actor);
            }
        }
    }

    /// Compares what people heard with what the log says of it.
    pub(super) fn judge_answers(&self, events: &[EventRecord]) {
        let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for (words, heard) in answers {
            let times = Audit::times_noted(events, &words);
            let is_right = match heard {
                Heard::Done(Verb::Override | Verb::Retry | Verb::Reject) => times == 1,
                Heard::Done(_) | Heard::Unclear => times <= 1,
                Heard::Refused => times == 0,
            };
            if !is_right {
                self.audit.breach(format!("{words} was heard as {heard:?}, and is in the log {times} times"));
            }
        }
    }
}

/// Applies documents.
pub(super) async fn apply(engine: &Engine, yaml: &str, caller: &Caller) -> Result<(), Error> {
    let documents = document::parse_yaml(yaml).unwrap_or_else(|problems| panic!("{problems}\n{yaml}"));
    engine.apply(documents, ApplyMode::Commit, caller).await.map(drop)
}

/// A service by name.
pub(super) fn key(service: &str, environment: &Name) -> ServiceKey {
    ServiceKey { environment: environment.clone(), name: name(service) }
}
