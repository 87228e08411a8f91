//! Applying and deleting documents: all of them or none.

mod consequence;
mod faults;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;
use sluice_core::document::{Document, DocumentKey, Problems, ServiceSpec, Spec, check};
use sluice_core::release::Release;
use sluice_core::{Name, Timestamp};

use crate::engine::Engine;
use crate::error::Error;
use crate::inner::{Inner, document_json, release_resource, to_json};
use crate::live::Live;
use crate::port::store::{Change, Commit, Committed, Expect, NewEvent, Write};
use crate::prospect::{Prepared, Prospect, prepare};
use crate::resource::{Applied, ApplyAction, ApplyMode, Caller};
use crate::state::{ServiceState, States};
use crate::world::{Stored, World, service_key};

/// How often an apply is worked out anew when a release changed a service's row meanwhile.
const RETRIES_MAX: u32 = 5;

impl Engine {
    /// Applies documents: all of them or, when anything is wrong with any, none.
    ///
    /// # Errors
    /// [`Error::Invalid`] with everything that is wrong; [`Error::Conflict`] when the document is not as
    /// [`ApplyMode`] asks.
    pub async fn apply(
        &self,
        documents: Vec<Document>,
        mode: ApplyMode,
        caller: &Caller,
    ) -> Result<Vec<Applied>, Error> {
        let inner = &self.inner;
        let _guard = inner.configuring.lock().await;
        let ended = self.ended_releases(&documents).await?;
        let mut attempt = 0;
        loop {
            attempt += 1;
            let now = inner.now();
            let work = {
                let world = inner.world();
                Work::new(&world, &documents, &ended, mode, caller, now)?
            };
            if mode == ApplyMode::DryRun || work.is_nothing() {
                let world = inner.world();
                return Ok(work.outcome(inner, &world, None, now));
            }
            match inner.commit(work.commit(caller, now)).await {
                Ok(committed) => return Ok(work.finish(inner, &committed, now).await),
                // A release that has just made another version live has changed the service's row.
                Err(crate::port::store::Error::Conflict { .. })
                    if mode == ApplyMode::Commit && attempt < RETRIES_MAX => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// The applied releases that exist and are over, in whichever environment: their names are unique everywhere.
    async fn ended_releases(&self, documents: &[Document]) -> Result<Ended, Error> {
        let mut ended = Ended::new();
        for document in documents.iter().filter(|document| matches!(document.spec, Spec::Release(_))) {
            let name = &document.metadata.name;
            if self.inner.world().release(name).is_some() {
                continue;
            }
            match self.finished(name).await {
                Ok((stored, release)) => {
                    ended.insert(name.clone(), (stored, Arc::new(release)));
                }
                Err(Error::NotFound { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(ended)
    }

    /// Deletes a document, when nothing needs it.
    ///
    /// # Errors
    /// [`Error::InUse`] with everything that needs it, [`Error::NotFound`], [`Error::Conflict`] when it is not at
    /// the resource version that was given.
    pub async fn delete(
        &self,
        key: &DocumentKey,
        version: Option<u64>,
        caller: &Caller,
    ) -> Result<(), Error> {
        let inner = &self.inner;
        let _guard = inner.configuring.lock().await;
        let stored = self.stored(key).await?;
        if let Spec::Release(_) = &stored.document.spec {
            return self.delete_release(key, version.unwrap_or(stored.version), caller).await;
        }
        let users = {
            let world = inner.world();
            let mut users = check::users_of(key, &world.documents());
            users.extend(releases_that_need(&world, key));
            users
        };
        if !users.is_empty() {
            return Err(Error::InUse { key: key.clone(), users });
        }
        if version.is_some_and(|wanted| wanted != stored.version) {
            return Err(Error::Conflict { key: key.clone(), found: Some(stored.version) });
        }
        inner.commit(deletion(key, stored.version, caller, inner.now())).await?;
        {
            let mut world = inner.world();
            world.remove_document(key);
            world.reroute_all();
        }
        inner.publisher.put_in_force(&inner.world).await;
        Ok(())
    }

    async fn delete_release(&self, key: &DocumentKey, version: u64, caller: &Caller) -> Result<(), Error> {
        let inner = &self.inner;
        if inner.world().release(&key.name).is_some() {
            return Err(Error::ReleaseRefused {
                why: format!("{} is not over, so it cannot be deleted", key.name),
                hint: Some(format!("end it first: sluice release abort {}", key.name)),
            });
        }
        inner.commit(deletion(key, version, caller, inner.now())).await?;
        Ok(())
    }
}

fn deletion(key: &DocumentKey, version: u64, caller: &Caller, now: Timestamp) -> Commit {
    Commit {
        now,
        writes: vec![Write { key: key.clone(), expect: Expect::Version(version), change: Change::Delete }],
        events: vec![event(key, "deleted", "Deleted", caller)],
        ..Commit::default()
    }
}

/// Live releases whose plan or people depend on a document.
fn releases_that_need(world: &World, key: &DocumentKey) -> Vec<DocumentKey> {
    let needs = |live: &&crate::world::LiveRelease| {
        let release = &live.release;
        match key.kind {
            sluice_core::document::Kind::Service => service_key(key).is_some_and(|key| release.touches(&key)),
            sluice_core::document::Kind::Policy => release.plan.policy == key.name,
            sluice_core::document::Kind::Segment => release.plan.segments().any(|name| *name == key.name),
            sluice_core::document::Kind::Metric => {
                release.plan.checks.iter().any(|check| check.metric == key.name)
            }
            sluice_core::document::Kind::Environment => release.service.environment == key.name,
            sluice_core::document::Kind::Release => false,
        }
    };
    world.releases().filter(needs).map(|live| live.stored.document.key()).collect()
}

fn event(key: &DocumentKey, what: &str, text: &str, caller: &Caller) -> NewEvent {
    let why = caller.reason.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
    NewEvent {
        kind: format!("{}.{what}", key.kind.as_str().to_ascii_lowercase()),
        subject: key.clone(),
        actor: caller.actor.clone(),
        text: format!("{text}{why}"),
        data: json!({}),
    }
}

/// What is kept beside a service once its document says this: what was kept before, but for announcements that the
/// document now makes itself. The first version of all is live.
fn state_with(before: Option<&ServiceState>, spec: &ServiceSpec) -> ServiceState {
    let mut state = before.cloned().unwrap_or_default();
    state.announced.retain(|known| !spec.versions.iter().any(|named| named.name == known.spec.name));
    if let (None, Some(first)) = (&state.live, spec.versions.first()) {
        state.succeeded(&first.name);
    }
    state
}

/// Releases that exist and are over, by name.
type Ended = BTreeMap<Name, (Stored, Arc<Release>)>;

/// What an apply comes to, worked out before anything is changed.
struct Work {
    items: Vec<Item>,
    /// What is kept beside each applied service.
    states: States,
}

struct Item {
    document: Document,
    before: Option<Stored>,
    action: ApplyAction,
    text: String,
    /// The release that exists.
    existing: Option<Arc<Release>>,
    /// The release that is to be created.
    release: Option<Prepared>,
}

impl Work {
    fn new(
        world: &World,
        documents: &[Document],
        ended: &Ended,
        mode: ApplyMode,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<Work, Error> {
        let mut prospect = Prospect::of(world);
        let mut problems = faults::duplicates(documents);
        let mut states = States::new();
        for document in documents {
            let mut document = document.clone();
            problems.extend(faults::lost_versions(world, &document));
            if let (Spec::Service(spec), Some(service)) = (&document.spec, service_key(&document.key())) {
                let state = state_with(world.state(&service), spec);
                document.spec = Spec::Service(state.effective(spec));
                states.insert(service, state);
            }
            if !matches!(document.spec, Spec::Release(_)) {
                prospect.applied.insert(document.key(), document);
            }
        }
        problems.extend(check::references(&prospect.documents()).into_iter().map(|broken| broken.problem));
        if let Some(problems) = Problems::new(problems) {
            return Err(Error::Invalid(problems));
        }
        prospect.states.clone_from(&states);
        let items: Result<Vec<Item>, Error> =
            documents.iter().map(|document| item(&prospect, document, ended, mode, caller, now)).collect();
        Ok(Work { items: items?, states })
    }

    fn is_nothing(&self) -> bool {
        self.items.iter().all(|item| item.action == ApplyAction::Unchanged)
    }

    fn changes(&self) -> impl Iterator<Item = &Item> {
        self.items.iter().filter(|item| item.action != ApplyAction::Unchanged)
    }

    fn commit(&self, caller: &Caller, now: Timestamp) -> Commit {
        let mut commit = Commit { now, ..Commit::default() };
        for item in self.changes() {
            match &item.release {
                Some(release) => {
                    commit.writes.push(release.write());
                    commit.events.extend(release.events());
                }
                None => {
                    commit.writes.push(item.write(&self.states));
                    let (what, done) = match item.before {
                        Some(_) => ("changed", "Changed"),
                        None => ("created", "Created"),
                    };
                    let text = match item.text.as_str() {
                        "" => done.to_owned(),
                        more => format!("{done}: {more}"),
                    };
                    commit.events.push(event(&item.document.key(), what, &text, caller));
                }
            }
        }
        commit
    }

    /// Takes what was committed into the world and puts it in force.
    async fn finish(mut self, inner: &Arc<Inner>, committed: &Committed, now: Timestamp) -> Vec<Applied> {
        let mut versions = BTreeMap::new();
        for (index, item) in self.changes().enumerate() {
            versions
                .insert(item.document.key(), (index, committed.versions.get(index).copied().unwrap_or(0)));
        }
        {
            let mut world = inner.world();
            for item in self.changes().filter(|item| item.release.is_none()) {
                let key = item.document.key();
                let version = versions.get(&key).map_or(0, |(_, version)| *version);
                world.put_document(key, item.stored(version, now));
            }
            for (service, state) in &self.states {
                world.set_state(service, state.clone());
            }
            world.reroute_all();
        }
        inner.publisher.put_in_force(&inner.world).await;
        let mut applied = {
            let world = inner.world();
            self.outcome(inner, &world, Some(&versions), now)
        };
        for (item, applied) in self.items.iter_mut().zip(&mut applied) {
            if let Some(release) = item.release.take() {
                let index = versions.get(&item.document.key()).map_or(0, |(index, _)| *index);
                applied.resource = release.begin(inner, committed, index, now).await;
            } else if item.action != ApplyAction::Unchanged
                && let Some(service) = service_key(&item.document.key())
            {
                inner.tell(Live::Service(Arc::new(applied.resource.clone())));
                tracing::info!(%service, "A service was applied");
            }
        }
        applied
    }

    fn outcome(
        &self,
        inner: &Inner,
        world: &World,
        versions: Option<&BTreeMap<DocumentKey, (usize, u64)>>,
        now: Timestamp,
    ) -> Vec<Applied> {
        let applied = |item: &Item| {
            let key = item.document.key();
            let version = versions.and_then(|versions| versions.get(&key)).map(|(_, version)| *version);
            let stored = item.stored(version.or(item.before.as_ref().map(|b| b.version)).unwrap_or(0), now);
            let resource = match (&item.release, &item.existing) {
                (Some(release), _) => release_resource(&stored, &release.transition.next),
                (None, Some(existing)) => release_resource(&stored, existing),
                (None, None) => inner.resource_of(world, &stored),
            };
            Applied { action: item.action, text: item.text.clone(), resource }
        };
        self.items.iter().map(applied).collect()
    }
}

impl Item {
    fn write(&self, states: &States) -> Write {
        let key = self.document.key();
        let state = service_key(&key).and_then(|service| states.get(&service));
        let expect = self.before.as_ref().map_or(Expect::Absent, |before| Expect::Version(before.version));
        let document = document_json(&self.document);
        let state = state.map_or_else(|| json!({}), to_json);
        Write { key, expect, change: Change::Put { document, state, is_finished: false } }
    }

    fn stored(&self, version: u64, now: Timestamp) -> Stored {
        let is_unchanged = self.action == ApplyAction::Unchanged;
        Stored {
            document: self.document.clone(),
            version,
            created_at: self.before.as_ref().map_or(now, |before| before.created_at),
            updated_at: self.before.as_ref().filter(|_| is_unchanged).map_or(now, |before| before.updated_at),
        }
    }
}

fn item(
    prospect: &Prospect<'_>,
    document: &Document,
    ended: &Ended,
    mode: ApplyMode,
    caller: &Caller,
    now: Timestamp,
) -> Result<Item, Error> {
    let key = document.key();
    let world = prospect.world;
    let existing = match &document.spec {
        Spec::Release(_) => {
            let live = world.release(&key.name).map(|live| (live.stored.clone(), Arc::clone(&live.release)));
            live.or_else(|| ended.get(&key.name).cloned())
        }
        _ => None,
    };
    let before = match (&document.spec, &existing) {
        (Spec::Release(_), existing) => existing.as_ref().map(|(stored, _)| stored.clone()),
        _ => world.document(&key).cloned(),
    };
    let found = before.as_ref().map(|before| before.version);
    let is_as_expected = match mode {
        ApplyMode::Commit | ApplyMode::DryRun => true,
        ApplyMode::IfVersion(wanted) => found == Some(wanted),
        ApplyMode::IfAbsent => found.is_none(),
    };
    if !is_as_expected {
        return Err(Error::Conflict { key, found });
    }
    let is_same = before.as_ref().is_some_and(|before| is_same(&before.document, document));
    let release = match (&document.spec, &before) {
        (Spec::Release(_), None) => Some(prepare(prospect, document, caller, now)?),
        (Spec::Release(_), Some(_)) if !is_same => {
            return Err(Error::ReleaseRefused {
                why: format!(
                    "{key} exists and says something else; a release does not change once it is created"
                ),
                hint: Some("give the new one another name".to_owned()),
            });
        }
        _ => None,
    };
    let action = match (&before, is_same) {
        (None, _) => ApplyAction::Created,
        (Some(_), true) => ApplyAction::Unchanged,
        (Some(_), false) => ApplyAction::Changed,
    };
    let text = consequence::consequence(&key, document, before.as_ref(), prospect);
    let existing = existing.map(|(_, release)| release);
    Ok(Item { document: document.clone(), before, action, text, existing, release })
}

/// Whether two documents say the same, read-only fields aside.
fn is_same(a: &Document, b: &Document) -> bool {
    a.spec == b.spec
        && a.metadata.environment == b.metadata.environment
        && a.metadata.labels == b.metadata.labels
        && a.metadata.annotations == b.metadata.annotations
}
