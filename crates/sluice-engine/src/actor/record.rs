//! Writing down what was decided, and only then making it so.

use std::sync::Arc;

use serde_json::{Value, json};
use sluice_core::document::DocumentKey;
use sluice_core::release::{self, Effect, Release, Transition};
use sluice_core::{ServiceKey, Timestamp};

use super::{Actor, OURSELVES, Unrecorded};
use crate::inner::{release_resource, to_json};
use crate::live::Live;
use crate::port::store::{self, Change, Commit, Expect, NewEffect, NewEvent, Remembered, Write};
use crate::state::ServiceState;
use crate::world::Stored;

/// How often a commit is made anew when what is kept beside a service has changed meanwhile.
const SERVICE_RETRIES_MAX: u32 = 20;

impl Actor {
    /// Writes a transition, makes it the release's state and tells everybody. Gives the effects to carry out.
    pub(super) async fn record(
        &mut self,
        transition: Transition,
        remember: Option<(String, String)>,
    ) -> Result<Vec<(u64, Effect)>, Unrecorded> {
        let Transition { next, effects, entries, answer } = transition;
        let now = self.inner.now();
        if effects.is_empty() && entries.is_empty() && remember.is_none() {
            self.adopt(Arc::new(next), self.stored.version, None);
            return Ok(Vec::new());
        }
        let next = Arc::new(next);
        let mut attempt = 0;
        loop {
            attempt += 1;
            let states = self.states_after(&next, &effects);
            let commit = self.commit_of(&next, &effects, &entries, &states, remember.clone(), now);
            let done = commit.done.clone();
            let error = match self.inner.commit(commit).await {
                Ok(committed) => {
                    let version = committed.versions.first().copied().unwrap_or(self.stored.version);
                    self.note_states(states, &committed.versions, now);
                    self.adopt(next, version, Some(now));
                    let outward =
                        effects.into_iter().filter(|effect| !matches!(effect, Effect::MakeLive { .. }));
                    return Ok(committed.effects.into_iter().zip(outward).collect());
                }
                Err(error) => error,
            };
            crate::lock(&self.inner.done).extend(done);
            // What is kept beside a service has changed meanwhile, as by an announcement: it is read again.
            let is_of_service = matches!(&error, store::Error::Conflict { key, .. } if *key != self.key);
            if !is_of_service || attempt >= SERVICE_RETRIES_MAX {
                let next = Arc::unwrap_or_clone(next);
                return Err((Transition { next, effects, entries, answer }, error));
            }
        }
    }

    /// What is to be kept beside services, by the row's resource version that it was made from.
    fn states_after(&self, next: &Release, effects: &[Effect]) -> Vec<(ServiceKey, u64, ServiceState)> {
        let world = self.inner.world();
        let state_after = |effect: &Effect| {
            let Effect::MakeLive { service, version } = effect else { return None };
            let mut state = world.state(service)?.clone();
            let row = world.document(&crate::world::document_key(service))?.version;
            let to = next.members().find(|member| member.service == service).map(|member| member.to);
            match to {
                Some(to) if to != version => state.returned(version, to),
                _ => state.succeeded(version),
            }
            Some((service.clone(), row, state))
        };
        effects.iter().filter_map(state_after).collect()
    }

    fn commit_of(
        &self,
        next: &Release,
        effects: &[Effect],
        entries: &[release::status::TimelineEntry],
        states: &[(ServiceKey, u64, ServiceState)],
        remember: Option<(String, String)>,
        now: Timestamp,
    ) -> Commit {
        let mut writes = vec![Write {
            key: self.key.clone(),
            expect: Expect::Version(self.stored.version),
            change: Change::State { state: to_json(next), is_finished: !next.is_active() },
        }];
        for (service, row, state) in states {
            writes.push(Write {
                key: crate::world::document_key(service),
                expect: Expect::Version(*row),
                change: Change::State { state: to_json(state), is_finished: false },
            });
        }
        let outward = effects.iter().filter(|effect| !matches!(effect, Effect::MakeLive { .. }));
        let stored = Stored { version: self.stored.version, updated_at: now, ..self.stored.clone() };
        Commit {
            now,
            writes,
            events: log_entries(&self.key, next, entries),
            effects: outward
                .map(|effect| NewEffect { release: next.name.clone(), body: to_json(effect) })
                .collect(),
            done: std::mem::take(&mut *crate::lock(&self.inner.done)),
            remember: remember.map(|(key, request)| Remembered {
                key,
                request,
                answer: to_json(&release_resource(&stored, next)),
            }),
        }
    }

    fn note_states(&self, states: Vec<(ServiceKey, u64, ServiceState)>, versions: &[u64], now: Timestamp) {
        if states.is_empty() {
            return;
        }
        let mut world = self.inner.world();
        for ((service, row, state), version) in states.into_iter().zip(versions.iter().skip(1)) {
            world.touch(&crate::world::document_key(&service), (*version).max(row), now);
            world.set_state(&service, state);
        }
        // What has succeeded here may be released in the next environment.
        crate::starter::wake(&self.inner);
    }

    /// Makes a state the release's state, for everybody who looks.
    fn adopt(&mut self, next: Arc<Release>, version: u64, recorded_at: Option<Timestamp>) {
        self.is_dirty = recorded_at.is_none() && (self.is_dirty || *next != *self.release);
        self.stored.version = version;
        self.stored.updated_at = recorded_at.unwrap_or(self.stored.updated_at);
        self.release = Arc::clone(&next);
        {
            let mut world = self.inner.world();
            world.update_release(&next, version, self.stored.updated_at);
            if recorded_at.is_some() {
                world.reroute_release(&next);
            }
        }
        if recorded_at.is_some() {
            self.note();
            self.checkpointed_at = self.inner.now();
            self.inner.tell_services(&self.release);
            if !next.is_active() {
                // Nobody changes versions by that, but a version that is no longer kept must not be fallen back on.
                self.inner.publisher.send();
            }
        }
        if self.inner.is_watched() {
            self.inner.tell(Live::Release(Arc::new(release_resource(&self.stored, &next))));
        }
    }
}

/// Entries of a timeline, for the log.
pub(crate) fn log_entries(
    key: &DocumentKey,
    next: &Release,
    entries: &[release::status::TimelineEntry],
) -> Vec<NewEvent> {
    let event = |entry: &release::status::TimelineEntry| NewEvent {
        kind: format!("release.{}", to_json(&entry.kind).as_str().unwrap_or_default()),
        subject: key.clone(),
        actor: entry.actor.clone().unwrap_or_else(|| OURSELVES.to_owned()),
        text: entry.text.clone(),
        data: log_data(next),
    };
    entries.iter().map(event).collect()
}

/// The numbers behind an entry of the log.
fn log_data(release: &Release) -> Value {
    let status = release.status();
    json!({
        "service": release.service.name,
        "version": release.to,
        "phase": status.phase,
        "step": status.step,
        "desired": status.split.desired.candidate,
        "observed": status.split.observed.candidate,
        "exposed": status.exposed,
        "reason": status.reason.code,
    })
}
