//! The store in memory does what every store does, and fails as it is told.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::sync::Arc;

use serde_json::{Value, json};
use sluice_core::document::{DocumentKey, Kind};
use sluice_engine::port::Store;
use sluice_engine::port::store::{Chain, Change, Commit, Error, Expect, JsonText, NewEvent, Write};
use sluice_sim::{MemoryStore, store_conformance};

store_conformance!(|| (Arc::new(MemoryStore::new()) as Arc<dyn Store>, ()));

fn key() -> DocumentKey {
    DocumentKey { kind: Kind::Policy, environment: None, name: "careful".parse().unwrap() }
}

fn write(change: Change) -> Commit {
    let writes = vec![Write { key: key(), expect: Expect::Any, change }];
    Commit { writes, ..Commit::default() }
}

fn put(state: i64) -> Commit {
    write(Change::Put { document: Value::Null, state: json!(state), is_finished: false })
}

fn checkpoint(of_version: u64, state: i64) -> Commit {
    write(Change::Checkpoint { state: JsonText::of(&state), of_version })
}

async fn state(store: &MemoryStore) -> Option<Value> {
    store.get(&key()).await.unwrap().map(|row| row.state)
}

#[tokio::test]
async fn a_failure_that_was_asked_for_comes_as_often_as_asked_and_does_nothing() {
    let store = MemoryStore::new();
    let full = Error::Full { folder: "data".to_owned() };
    store.fail_next(2, &full);
    assert_eq!(store.commit(put(1)).await, Err(full.clone()));
    assert_eq!(store.commit(put(1)).await, Err(full));
    assert_eq!(state(&store).await, None);
    store.commit(put(2)).await.unwrap();
    assert_eq!(state(&store).await, Some(json!(2)));
}

#[tokio::test]
async fn a_crash_after_a_commit_keeps_it_and_loses_its_answer() {
    let store = MemoryStore::new();
    store.crash_after(2);
    store.commit(put(1)).await.unwrap();
    assert!(matches!(store.commit(put(2)).await, Err(Error::Unavailable { .. })));
    assert!(store.is_down());
    assert!(matches!(store.get(&key()).await, Err(Error::Unavailable { .. })));
    assert!(matches!(store.commit(put(3)).await, Err(Error::Unavailable { .. })));

    store.restart();
    assert_eq!(state(&store).await, Some(json!(2)));
    store.commit(put(4)).await.unwrap();
}

#[tokio::test]
async fn a_crash_before_a_commit_keeps_the_ones_before_it() {
    let store = MemoryStore::new();
    store.crash_before(1);
    store.commit(put(1)).await.unwrap();
    assert!(matches!(store.commit(put(2)).await, Err(Error::Unavailable { .. })));
    store.restart();
    assert_eq!(state(&store).await, Some(json!(1)));
}

#[tokio::test]
async fn a_crash_loses_the_checkpoints_since_the_last_other_commit() {
    let store = MemoryStore::new();
    let version = store.commit(put(1)).await.unwrap().versions[0];
    store.commit(checkpoint(version, 2)).await.unwrap();
    let event = NewEvent {
        kind: "policy.applied".to_owned(),
        subject: key(),
        actor: "mia".to_owned(),
        text: "Mia applied it.".to_owned(),
        data: Value::Null,
    };
    store.commit(Commit { events: vec![event], ..Commit::default() }).await.unwrap();
    store.commit(checkpoint(version, 3)).await.unwrap();
    store.commit(checkpoint(version, 4)).await.unwrap();
    assert_eq!(state(&store).await, Some(json!(4)));

    store.crash_after(0);
    store.restart();
    assert_eq!(state(&store).await, Some(json!(2)), "the event took along what came before it");
    assert!(matches!(store.verify().await, Ok(Chain::Holds { events: 1, .. })));

    store.damage_event(1, "Somebody else applied it.");
    assert!(matches!(store.verify().await, Ok(Chain::Broken { seq: 1, .. })));
}
