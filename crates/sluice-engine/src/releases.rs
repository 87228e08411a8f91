//! Starting releases, and asking something of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use sluice_core::condition::Change as ChangeFacts;
use sluice_core::document::{
    DEFAULT_ENVIRONMENT, Document, DocumentKey, Kind, Metadata, MetricSpec, PolicySpec, ReleaseSpec, Spec,
};
use sluice_core::name::NAME_BYTES_MAX;
use sluice_core::release::status::Verb;
use sluice_core::release::{self, Answer, Command, Creation, Event, Plan, Surroundings, Transition};
use sluice_core::{Name, ServiceKey, Timestamp, VersionName, builtin};
use tokio::sync::oneshot;

use crate::actor::{Asked, Message};
use crate::engine::Engine;
use crate::error::Error;
use crate::inner::{Inner, document_json, release_resource, to_json};
use crate::load;
use crate::port::store::{Change, Commit, Committed, Expect, NewEvent, Remembered, Write};
use crate::resource::{Caller, ReleaseRequest, Resource};
use crate::world::{Stored, World};

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
        let environment = environment_or_default(request.environment);
        let service = ServiceKey { environment, name: request.service };
        let name = free_name(inner, &service, &request.version).await?;
        let spec = ReleaseSpec {
            service: service.name.clone(),
            version: request.version,
            policy: request.policy,
            reshuffle: request.reshuffle,
        };
        let now = inner.now();
        let document = document(name, service.environment.clone(), spec);
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
        let live = inner.world().release(release).cloned();
        if let Some(live) = live {
            let surroundings = Surroundings {
                live: inner.world().live(&live.release.service).unwrap_or(&live.release.from).clone(),
                other: None,
                version_exists: true,
            };
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
        self.act_on_finished(release, verb, version, remember, caller).await
    }

    async fn act_on_finished(
        &self,
        name: &Name,
        verb: Verb,
        version: Option<u64>,
        remember: Option<(String, String)>,
        caller: &Caller,
    ) -> Result<Resource, Error> {
        let inner = &self.inner;
        let _guard = inner.configuring.lock().await;
        if *inner.stopping.borrow() {
            return Err(Error::Stopping);
        }
        if let Some((key, hash)) = &remember
            && let Some(given) = given_before(inner, key, hash).await?
        {
            return Ok(given);
        }
        let (stored, release) = self.finished(name).await?;
        if version.is_some_and(|wanted| wanted != stored.version) {
            return Err(Error::Conflict { key: stored.document.key(), found: Some(stored.version) });
        }
        let surroundings = self.surroundings(&release.service, &release.to, &release.from);
        let now = inner.now();
        let event = Event::Command(command(verb, caller, surroundings));
        let transition = (inner.parts.decide)(&release, &event, now);
        match &transition.answer {
            Answer::Refused { why } => Err(Error::VerbRefused { release: name.clone(), why: why.clone() }),
            Answer::Already | Answer::None => Ok(release_resource(&stored, &release)),
            Answer::Done => self.revive(stored, transition, remember, now).await,
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

    fn surroundings(&self, service: &ServiceKey, to: &VersionName, from: &VersionName) -> Surroundings {
        let world = self.inner.world();
        let spec = world.service(service);
        Surroundings {
            live: world.live(service).unwrap_or(from).clone(),
            other: world.releases_of(service).first().map(|live| live.release.name.clone()),
            version_exists: spec.is_some_and(|spec| spec.versions.iter().any(|v| v.name == *to)),
        }
    }
}

fn command(verb: Verb, caller: &Caller, surroundings: Surroundings) -> Command {
    Command { verb, actor: caller.actor.clone(), reason: caller.reason.clone(), surroundings }
}

pub(crate) fn environment_or_default(environment: Option<Name>) -> Name {
    environment
        .unwrap_or_else(|| DEFAULT_ENVIRONMENT.parse().expect("the default environment's name is a name"))
}

fn document(name: Name, environment: Name, spec: ReleaseSpec) -> Document {
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
async fn free_name(inner: &Inner, service: &ServiceKey, version: &VersionName) -> Result<Name, Error> {
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
fn remember(caller: &Caller, request: &serde_json::Value) -> Option<(String, String)> {
    let key = caller.idempotency_key.clone()?;
    let digest = Sha256::digest(request.to_string().as_bytes());
    Some((key, digest.iter().map(|byte| format!("{byte:02x}")).collect()))
}

/// The answer that was given under a key, if any.
pub(crate) async fn given_before(inner: &Inner, key: &str, request: &str) -> Result<Option<Resource>, Error> {
    match inner.parts.store.remembered(key).await? {
        None => Ok(None),
        Some(given) if given.request != request => Err(Error::IdempotencyMismatch { key: key.to_owned() }),
        Some(given) => Ok(serde_json::from_value(given.answer).ok()),
    }
}

/// What would exist when a release is created: what exists, and what is applied together with it.
pub(crate) struct Prospect<'w> {
    pub(crate) world: &'w World,
    pub(crate) documents: BTreeMap<DocumentKey, Document>,
    pub(crate) live: BTreeMap<ServiceKey, VersionName>,
}

impl<'w> Prospect<'w> {
    pub(crate) fn of(world: &'w World) -> Prospect<'w> {
        Prospect { world, documents: world.documents(), live: BTreeMap::new() }
    }

    fn document(&self, kind: Kind, environment: Option<&Name>, name: &Name) -> Option<&Document> {
        self.documents.get(&DocumentKey { kind, environment: environment.cloned(), name: name.clone() })
    }

    fn live(&self, service: &ServiceKey) -> Option<&VersionName> {
        self.live.get(service).or_else(|| self.world.live(service))
    }

    fn policy(&self, name: &Name) -> Option<&PolicySpec> {
        match self.document(Kind::Policy, None, name).map(|document| &document.spec) {
            Some(Spec::Policy(policy)) => Some(policy),
            _ => builtin::policies().get(name),
        }
    }

    fn metrics(&self) -> BTreeMap<Name, MetricSpec> {
        let mut metrics = builtin::metrics().clone();
        metrics.extend(self.documents.values().filter_map(|document| match &document.spec {
            Spec::Metric(metric) => Some((document.metadata.name.clone(), metric.clone())),
            _ => None,
        }));
        metrics
    }

    fn names(&self, kind: Kind) -> impl Iterator<Item = &Name> {
        self.documents.keys().filter(move |key| key.kind == kind).map(|key| &key.name)
    }

    /// The policy that an environment binds to a change.
    fn bound_policy(&self, service: &ServiceKey, from: &VersionName, to: &VersionName) -> Name {
        let no_labels = BTreeMap::new();
        let document = self.document(Kind::Service, Some(&service.environment), &service.name);
        let change = ChangeFacts {
            level: from.level_of(to),
            from: from.as_str(),
            to: to.as_str(),
            service: service.name.as_str(),
            labels: document.map_or(&no_labels, |document| &document.metadata.labels),
        };
        let bindings = match self.document(Kind::Environment, None, &service.environment).map(|d| &d.spec) {
            Some(Spec::Environment(spec)) => spec.policies.as_slice(),
            _ => &[],
        };
        let bound =
            bindings.iter().find(|line| line.when.as_ref().is_none_or(|rule| rule.holds_for_change(&change)));
        bound.map_or_else(
            || builtin::DEFAULT_POLICY.parse().expect("the default policy's name is a name"),
            |line| line.r#use.clone(),
        )
    }
}

/// A release that can be created.
pub(crate) struct Prepared {
    pub(crate) document: Document,
    pub(crate) transition: Transition,
}

/// Checks that a release can be created, and makes it. Nothing is changed yet.
pub(crate) fn prepare(
    prospect: &Prospect<'_>,
    document: &Document,
    caller: &Caller,
    now: Timestamp,
) -> Result<Prepared, Error> {
    let Spec::Release(spec) = &document.spec else {
        return Err(refused(format!("{} is no release", document.key()), None));
    };
    let environment = environment_or_default(document.metadata.environment.clone());
    let service = ServiceKey { environment, name: spec.service.clone() };
    let (from, behind) = surroundings(prospect, &service, spec)?;
    let policy = match &spec.policy {
        Some(policy) => policy.clone(),
        None => prospect.bound_policy(&service, &from, &spec.version),
    };
    let Some(policy_spec) = prospect.policy(&policy) else {
        let key = DocumentKey { kind: Kind::Policy, environment: None, name: policy.clone() };
        let names = prospect.names(Kind::Policy).chain(builtin::policies().keys());
        return Err(Error::NotFound { key, did_you_mean: crate::query::similar(policy.as_str(), names) });
    };
    let plan = Plan::new(&policy, policy_spec, &prospect.metrics()).map_err(|errors| {
        let all: Vec<String> = errors.iter().map(ToString::to_string).collect();
        refused(all.join("; "), None)
    })?;
    let creation = Creation {
        name: document.metadata.name.clone(),
        service,
        from,
        to: spec.version.clone(),
        plan,
        reshuffle: spec.reshuffle,
        behind,
        actor: caller.actor.clone(),
        reason: caller.reason.clone(),
    };
    Ok(Prepared { document: document.clone(), transition: release::create(creation, now) })
}

/// The version that people have, and the release to wait for.
fn surroundings(
    prospect: &Prospect<'_>,
    service: &ServiceKey,
    spec: &ReleaseSpec,
) -> Result<(VersionName, Option<Name>), Error> {
    let document = prospect.document(Kind::Service, Some(&service.environment), &service.name);
    let (Some(Spec::Service(found)), Some(live)) = (document.map(|d| &d.spec), prospect.live(service)) else {
        let key = crate::world::document_key(service);
        let did_you_mean = crate::query::similar(service.name.as_str(), prospect.names(Kind::Service));
        return Err(Error::NotFound { key, did_you_mean });
    };
    let wanted = &spec.version;
    if !found.versions.iter().any(|version| version.name == *wanted) {
        let known: Vec<&str> = found.versions.iter().map(|version| version.name.as_str()).collect();
        return Err(refused(
            format!("{} has no version {wanted}; it has {}", service.name, known.join(", ")),
            Some(format!("add {wanted} with its endpoints to the Service and apply it")),
        ));
    }
    let others = prospect.world.releases_of(service);
    if wanted == live {
        let under_way = others.iter().find(|other| other.release.to != *live);
        return Err(refused(
            format!("{wanted} is live already in {}, so there is nothing to release", service.environment),
            under_way.map(|other| format!("to end {}: sluice release abort {0}", other.release.name)),
        ));
    }
    if let Some(same) = others.iter().find(|other| other.release.to == *wanted) {
        return Err(refused(
            format!("{} is releasing {wanted} already", same.release.name),
            Some(format!("watch it with: sluice release status {} --watch", same.release.name)),
        ));
    }
    Ok((live.clone(), others.last().map(|other| other.release.name.clone())))
}

fn refused(why: String, hint: Option<String>) -> Error {
    Error::ReleaseRefused { why, hint }
}

impl Prepared {
    pub(crate) fn write(&self) -> Write {
        Write {
            key: self.document.key(),
            expect: Expect::Absent,
            change: Change::Put {
                document: document_json(&self.document),
                state: to_json(&self.transition.next),
                is_finished: false,
            },
        }
    }

    pub(crate) fn events(&self) -> Vec<NewEvent> {
        crate::actor::log_entries(&self.document.key(), &self.transition.next, &self.transition.entries)
    }

    pub(crate) fn stored(&self, version: u64, now: Timestamp) -> Stored {
        Stored { document: self.document.clone(), version, created_at: now, updated_at: now }
    }

    /// Lets it live, once its write, the `index`-th of a commit, is committed.
    pub(crate) async fn begin(
        self,
        inner: &Arc<Inner>,
        committed: &Committed,
        index: usize,
        now: Timestamp,
    ) -> Resource {
        let version = committed.versions.get(index).copied().unwrap_or_default();
        let stored = self.stored(version, now);
        let release = Arc::new(self.transition.next);
        let resource = release_resource(&stored, &release);
        load::start(inner, Arc::clone(&release), stored);
        load::tell_of_newer(inner, &release).await;
        resource
    }
}
