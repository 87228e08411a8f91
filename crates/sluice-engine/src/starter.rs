//! Starts the releases that start by themselves: of versions that were announced where the environment says so, as
//! soon as the environment before has released them.

use std::collections::BTreeMap;
use std::sync::Arc;

use sluice_core::document::{ReleaseSpec, Spec};
use sluice_core::{ServiceKey, Timestamp, VersionName};

use crate::actor::OURSELVES;
use crate::error::Error;
use crate::inner::{Inner, to_json};
use crate::port::store::{Change, Commit, Expect, Write};
use crate::prospect::{Prepared, Prospect, prepare};
use crate::releases::{document, free_name};
use crate::resource::Caller;
use crate::state::{ServiceState, StartByItself};
use crate::world::document_key;

/// Runs until the engine stops: tries whenever a release has ended.
pub(crate) async fn run(inner: &Arc<Inner>) {
    let mut woken = inner.starter.subscribe();
    loop {
        woken.borrow_and_update();
        let waiting: Vec<ServiceKey> = {
            let world = inner.world();
            let waits = |service: &&ServiceKey| {
                let state = world.state(service);
                state.is_some_and(|state| state.announced.iter().any(|known| known.start.is_some()))
            };
            world.services().filter(waits).cloned().collect()
        };
        for service in waiting {
            start_what_may(inner, &service).await;
        }
        if woken.changed().await.is_err() {
            return;
        }
    }
}

/// Has everything tried that waits to start by itself.
pub(crate) fn wake(inner: &Inner) {
    inner.starter.send_modify(|turn| *turn = turn.wrapping_add(1));
}

/// Starts what may start of a service. Gives why the others may not.
pub(crate) async fn start_what_may(inner: &Arc<Inner>, service: &ServiceKey) -> BTreeMap<VersionName, Error> {
    let waiting: Vec<(VersionName, String, StartByItself)> = {
        let world = inner.world();
        let announced = world.state(service).map_or(&[][..], |state| &state.announced);
        let waits = announced
            .iter()
            .filter_map(|known| Some((known.spec.name.clone(), known.by.clone(), known.start.clone()?)));
        waits.collect()
    };
    let mut refused = BTreeMap::new();
    for (version, by, start) in waiting {
        if let Err(error) = start_one(inner, service, &version, by, start).await {
            tracing::debug!(%service, %version, %error, "A release cannot start by itself yet");
            refused.insert(version, error);
        }
    }
    refused
}

/// The release and the note that it needs no other start are committed together, so that it starts once, whenever a
/// crash comes.
async fn start_one(
    inner: &Arc<Inner>,
    service: &ServiceKey,
    version: &VersionName,
    by: String,
    start: StartByItself,
) -> Result<(), Error> {
    let _guard = inner.configuring.lock().await;
    let name = free_name(inner, service, version).await?;
    let now = inner.now();
    let spec = ReleaseSpec {
        service: service.name.clone(),
        version: version.clone(),
        with: Vec::new(),
        policy: start.policy,
        reshuffle: false,
        override_reason: None,
    };
    let caller = Caller {
        actor: if by.is_empty() { OURSELVES.to_owned() } else { by },
        reason: Some("started by itself".to_owned()),
        idempotency_key: None,
    };
    let document = document(name, service.environment.clone(), spec);
    debug_assert!(matches!(document.spec, Spec::Release(_)));
    let (prepared, row, state) = {
        let world = inner.world();
        let state = world.state(service).cloned().unwrap_or_default();
        if state.announced(version).is_none_or(|known| known.start.is_none()) {
            return Ok(());
        }
        let row = world.document(&document_key(service)).map_or(0, |stored| stored.version);
        let prepared = prepare(&Prospect::of(&world), &document, &caller, now)?;
        (prepared, row, started(state, version))
    };
    commit(inner, service, prepared, row, state, now).await
}

fn started(mut state: ServiceState, version: &VersionName) -> ServiceState {
    if let Some(known) = state.announced_mut(version) {
        known.start = None;
    }
    state
}

async fn commit(
    inner: &Arc<Inner>,
    service: &ServiceKey,
    prepared: Prepared,
    row: u64,
    state: ServiceState,
    now: Timestamp,
) -> Result<(), Error> {
    let key = document_key(service);
    let change = Change::State { state: to_json(&state), is_finished: false };
    let writes = vec![prepared.write(), Write { key: key.clone(), expect: Expect::Version(row), change }];
    let commit = Commit { now, writes, events: prepared.events(), ..Commit::default() };
    let committed = inner.commit(commit).await?;
    {
        let mut world = inner.world();
        world.touch(&key, committed.versions.get(1).copied().unwrap_or(row), now);
        world.set_state(service, state);
    }
    prepared.begin(inner, &committed, 0, now).await;
    Ok(())
}
