//! Starting releases, and asking something of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use sluice_core::calendar::Calendar;
use sluice_core::document::{DEFAULT_ENVIRONMENT, Document, DocumentKey, Kind, Metadata, ReleaseSpec, Spec};
use sluice_core::name::NAME_BYTES_MAX;
use sluice_core::release::status::Verb;
use sluice_core::release::{Answer, Command, Event, Member, Release, Surroundings, Transition};
use sluice_core::schedule::{self, Schedule};
use sluice_core::{Name, ServiceKey, Timestamp, VersionName};
use tokio::sync::oneshot;

use crate::actor::{Asked, Message};
use crate::engine::Engine;
use crate::error::Error;
use crate::inner::{Inner, release_resource, to_json};
use crate::load;
use crate::port::store::{Change, Commit, Expect, Remembered, Write};
use crate::prospect::{Prospect, prepare};
use crate::resource::{Caller, ReleaseRequest, Resource};
use crate::world::Stored;

/// How many releases of one version of one service may carry a number of their own.
const SAME_VERSION_MAX: u32 = 100_000;

impl Engine {
    /// Starts a release. It returns as soon as that is recorded; the release may first wait for its turn.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a service or policy that does not exist, [`Error::ReleaseRefused`] when there is
    /// nothing to release.
    pub async fn start_release(&self, request: ReleaseRequest, caller: &Caller) -> Result<Resource, Error> {
        let inner = &self.inner;
        let _guard = inner.configuring.lock().await;
        let remember = remember(caller, &to_json(&request));
        if let Some((key, hash)) = &remember
            && let Some(given) = given_before(inner, key, hash).await?
        {
            return Ok(given);
        }
        let environment = environment_or_default(request.environment.clone());
        let service = ServiceKey { environment, name: request.service.clone() };
        let name = free_name(inner, &service, &request.version).await?;
        let now = inner.now();
        let document = document(name, service.environment.clone(), spec_of(request, &service));
        let prepared = {
            let world = inner.world();
            prepare(&Prospect::of(&world), &document, caller, now)?
        };
        let mut commit = Commit { now, ..Commit::default() };
        commit.writes.push(prepared.write());
        commit.events.extend(prepared.events());
        commit.remember = remember.map(|(key, request)| Remembered {
            key,
            request,
            answer: to_json(&release_resource(&prepared.stored(0, now), &prepared.transition.next)),
        });
        let committed = inner.commit(commit).await?;
        Ok(prepared.begin(inner, &committed, 0, now).await)
    }

    /// Asks something of a release, and returns once it is recorded.
    ///
    /// # Errors
    /// [`Error::VerbRefused`] when it does not fit where the release is, [`Error::Conflict`] when the release is not
    /// at the resource version that was given.
    pub async fn act(
        &self,
        release: &Name,
        verb: Verb,
        version: Option<u64>,
        caller: &Caller,
    ) -> Result<Resource, Error> {
        let inner = &self.inner;
        let asked = serde_json::json!({ "release": release, "verb": verb, "reason": caller.reason });
        let remember = remember(caller, &asked);
        loop {
            let live = inner.world().release(release).cloned();
            if let Some(live) = live {
                let surroundings = self.surroundings(&live.release, caller);
                let (reply, answer) = oneshot::channel();
                let asked = Asked {
                    command: command(verb, caller, surroundings),
                    version,
                    remember: remember.clone(),
                    reply,
                };
                if live.mailbox.send(Message::Command(Box::new(asked))).await.is_ok()
                    && let Ok(answer) = answer.await
                {
                    return answer;
                }
                // It ended while the message was on its way: asked again of what it is now.
            }
            if let Some(answer) = self.act_on_finished(release, verb, version, &remember, caller).await? {
                return Ok(answer);
            }
        }
    }

    /// None when the release goes on again: somebody else has started it anew meanwhile.
    async fn act_on_finished(
        &self,
        name: &Name,
        verb: Verb,
        version: Option<u64>,
        remember: &Option<(String, String)>,
        caller: &Caller,
    ) -> Result<Option<Resource>, Error> {
        let inner = &self.inner;
        let _guard = inner.configuring.lock().await;
        if *inner.stopping.borrow() {
            return Err(Error::Stopping);
        }
        if inner.world().release(name).is_some() {
            return Ok(None);
        }
        if let Some((key, hash)) = remember
            && let Some(given) = given_before(inner, key, hash).await?
        {
            return Ok(Some(given));
        }
        let (stored, release) = self.finished(name).await?;
        if version.is_some_and(|wanted| wanted != stored.version) {
            return Err(Error::Conflict { key: stored.document.key(), found: Some(stored.version) });
        }
        let surroundings = self.surroundings(&release, caller);
        let now = inner.now();
        let event = Event::Command(command(verb, caller, surroundings));
        let transition = (inner.parts.decide)(&release, &event, now);
        match &transition.answer {
            Answer::Refused { why } => Err(Error::VerbRefused { release: name.clone(), why: why.clone() }),
            Answer::Already | Answer::None => Ok(Some(release_resource(&stored, &release))),
            Answer::Done => self.revive(stored, transition, remember.clone(), now).await.map(Some),
        }
    }

    /// Lets a release that was over go on.
    async fn revive(
        &self,
        stored: Stored,
        transition: Transition,
        remember: Option<(String, String)>,
        now: Timestamp,
    ) -> Result<Resource, Error> {
        let inner = &self.inner;
        let key = stored.document.key();
        let next = Arc::new(transition.next);
        let answer = to_json(&release_resource(&stored, &next));
        let committed = inner
            .commit(Commit {
                now,
                writes: vec![Write {
                    key: key.clone(),
                    expect: Expect::Version(stored.version),
                    change: Change::State { state: to_json(&*next), is_finished: false },
                }],
                events: crate::actor::log_entries(&key, &next, &transition.entries),
                remember: remember.map(|(key, request)| Remembered { key, request, answer }),
                ..Commit::default()
            })
            .await?;
        let version = committed.versions.first().copied().unwrap_or(stored.version);
        let stored = Stored { version, updated_at: now, ..stored };
        load::start(inner, Arc::clone(&next), stored.clone());
        Ok(release_resource(&stored, &next))
    }

    /// What stands beside a release, and what whoever asks may do there.
    fn surroundings(&self, release: &Release, caller: &Caller) -> Surroundings {
        let world = self.inner.world();
        let exists = |member: Member<'_>| {
            let spec = world.service(member.service);
            spec.is_some_and(|spec| spec.versions.iter().any(|version| version.name == *member.to))
        };
        let other = release
            .members()
            .flat_map(|member| world.releases_of(member.service))
            .find(|live| live.release.name != release.name);
        let live = |member: Member<'_>| world.live(member.service).unwrap_or(member.from).clone();
        let mut members: Vec<VersionName> = release.members().map(live).collect();
        let environment = world.environment(&release.service.environment);
        let roles = environment.into_iter().flat_map(|spec| {
            let roles = spec.roles.keys();
            roles.filter(|role| spec.has_role(&caller.actor, role)).cloned()
        });
        Surroundings {
            live: members.pop().unwrap_or_else(|| release.from.clone()),
            companions: members,
            other: other.map(|live| live.release.name.clone()),
            version_exists: release.members().all(exists),
            roles: roles.collect(),
            may_override: environment.is_none_or(|spec| spec.may_override(&caller.actor)),
        }
    }

    /// How a release would go, step by step; nothing is changed.
    ///
    /// # Errors
    /// As [`Engine::start_release`].
    pub async fn schedule(&self, request: ReleaseRequest, caller: &Caller) -> Result<Schedule, Error> {
        let inner = &self.inner;
        let environment = environment_or_default(request.environment.clone());
        let service = ServiceKey { environment: environment.clone(), name: request.service.clone() };
        let name = free_name(inner, &service, &request.version).await?;
        let is_overridden = request.override_reason.is_some();
        let document = document(name, environment.clone(), spec_of(request, &service));
        let now = inner.now();
        let rate = crate::sampler::rate(inner, &service, now);
        let world = inner.world();
        let prospect = Prospect::of(&world);
        let prepared = prepare(&prospect, &document, caller, now)?;
        let calendar = match prospect.environment(&environment) {
            Some(spec) if !is_overridden => spec.calendar(),
            _ => Calendar::default(),
        };
        Ok(schedule::schedule(&prepared.transition.next.plan, &calendar, rate, now))
    }
}

fn spec_of(request: ReleaseRequest, service: &ServiceKey) -> ReleaseSpec {
    ReleaseSpec {
        service: service.name.clone(),
        version: request.version,
        with: request.with,
        policy: request.policy,
        reshuffle: request.reshuffle,
        override_reason: request.override_reason,
    }
}

fn command(verb: Verb, caller: &Caller, surroundings: Surroundings) -> Command {
    Command { verb, actor: caller.actor.clone(), reason: caller.reason.clone(), surroundings }
}

pub(crate) fn environment_or_default(environment: Option<Name>) -> Name {
    environment
        .unwrap_or_else(|| DEFAULT_ENVIRONMENT.parse().expect("the default environment's name is a name"))
}

pub(crate) fn document(name: Name, environment: Name, spec: ReleaseSpec) -> Document {
    let metadata = Metadata {
        name,
        environment: Some(environment),
        labels: BTreeMap::new(),
        annotations: BTreeMap::new(),
        resource_version: None,
        created_at: None,
        updated_at: None,
    };
    Document { metadata, spec: Spec::Release(spec) }
}

/// `checkout-2.1.0-1`, or the next number that is free; with the environment's name when that is not the default.
pub(crate) async fn free_name(
    inner: &Inner,
    service: &ServiceKey,
    version: &VersionName,
) -> Result<Name, Error> {
    let environment = match service.environment.as_str() {
        DEFAULT_ENVIRONMENT => String::new(),
        other => format!("-{other}"),
    };
    let base = format!("{}{environment}-{version}", service.name).to_ascii_lowercase();
    let base: String = base.chars().map(|c| if "+_".contains(c) { '-' } else { c }).collect();
    for number in 1..SAME_VERSION_MAX {
        let number = number.to_string();
        let room = NAME_BYTES_MAX - number.len() - 1;
        let base = base.get(..room).unwrap_or(&base).trim_end_matches(['-', '.']);
        let Ok(name) = format!("{base}-{number}").parse::<Name>() else { break };
        let key = release_key(&service.environment, &name);
        let is_live = inner.world().release(&name).is_some();
        if !is_live && inner.parts.store.get(&key).await?.is_none() {
            return Ok(name);
        }
    }
    Err(Error::ReleaseRefused {
        why: format!("no name is left for another release of {version}"),
        hint: Some("give the build a version of its own".to_owned()),
    })
}

pub(crate) fn release_key(environment: &Name, name: &Name) -> DocumentKey {
    DocumentKey { kind: Kind::Release, environment: Some(environment.clone()), name: name.clone() }
}

/// The idempotency key and a hash of the request, when the caller gave a key.
pub(crate) fn remember(caller: &Caller, request: &serde_json::Value) -> Option<(String, String)> {
    let key = caller.idempotency_key.clone()?;
    let digest = Sha256::digest(request.to_string().as_bytes());
    Some((key, digest.iter().map(|byte| format!("{byte:02x}")).collect()))
}

/// The answer that was given under a key, if any.
pub(crate) async fn given_before<T: DeserializeOwned>(
    inner: &Inner,
    key: &str,
    request: &str,
) -> Result<Option<T>, Error> {
    match inner.parts.store.remembered(key).await? {
        None => Ok(None),
        Some(given) if given.request != request => Err(Error::IdempotencyMismatch { key: key.to_owned() }),
        Some(given) => Ok(serde_json::from_value(given.answer).ok()),
    }
}
