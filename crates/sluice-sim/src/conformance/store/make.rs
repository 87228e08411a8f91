//! What the cases are made of.

use std::sync::Arc;

use serde_json::{Value, json};
use sluice_core::document::{DocumentKey, Kind};
use sluice_core::{Name, Timestamp};
use sluice_engine::port::Store;
use sluice_engine::port::store::{
    Change, Commit, Committed, EventQuery, EventRecord, Expect, JsonText, ListQuery, NewEffect, NewEvent,
    Row, Write,
};

pub(super) type AnyStore = Arc<dyn Store>;

pub(super) fn name(text: &str) -> Name {
    text.parse().expect("tests use proper names")
}

pub(super) fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

pub(super) fn service(name_: &str) -> DocumentKey {
    DocumentKey { kind: Kind::Service, environment: Some(name("production")), name: name(name_) }
}

pub(super) fn release(name_: &str) -> DocumentKey {
    DocumentKey { kind: Kind::Release, ..service(name_) }
}

pub(super) fn policy(name_: &str) -> DocumentKey {
    DocumentKey { kind: Kind::Policy, environment: None, name: name(name_) }
}

/// Creates a document whose state is a number.
pub(super) fn create(key: &DocumentKey, state: i64) -> Write {
    put(key, Expect::Absent, state, false)
}

pub(super) fn put(key: &DocumentKey, expect: Expect, state: i64, is_finished: bool) -> Write {
    let document = json!({ "metadata": { "name": key.name }, "spec": { "service": "checkout" } });
    Write { key: key.clone(), expect, change: Change::Put { document, state: json!(state), is_finished } }
}

/// Creates a release of a service.
pub(super) fn create_release(key: &DocumentKey, service: &str, is_finished: bool) -> Write {
    let document = json!({ "metadata": { "name": key.name }, "spec": { "service": service } });
    let change = Change::Put { document, state: Value::Null, is_finished };
    Write { key: key.clone(), expect: Expect::Absent, change }
}

pub(super) fn state(key: &DocumentKey, expect: Expect, state: i64) -> Write {
    Write { key: key.clone(), expect, change: Change::State { state: json!(state), is_finished: false } }
}

pub(super) fn checkpoint(key: &DocumentKey, of_version: u64, state: i64) -> Write {
    let change = Change::Checkpoint { state: JsonText::of(&state), of_version };
    Write { key: key.clone(), expect: Expect::Any, change }
}

pub(super) fn delete(key: &DocumentKey, expect: Expect) -> Write {
    Write { key: key.clone(), expect, change: Change::Delete }
}

pub(super) fn event(subject: &DocumentKey, n: u64) -> NewEvent {
    NewEvent {
        kind: "service.applied".to_owned(),
        subject: subject.clone(),
        actor: "mia".to_owned(),
        text: format!("It happened for the {n}th time."),
        data: json!({ "n": n, "rate": 0.1 + 0.2 }),
    }
}

pub(super) fn effect(release: &str, n: u64) -> NewEffect {
    NewEffect { release: name(release), body: json!({ "n": n }) }
}

pub(super) fn writes(writes: impl IntoIterator<Item = Write>) -> Commit {
    Commit { now: at(1_000), writes: writes.into_iter().collect(), ..Commit::default() }
}

pub(super) fn events(subject: &DocumentKey, numbers: impl IntoIterator<Item = u64>) -> Commit {
    let events = numbers.into_iter().map(|n| event(subject, n)).collect();
    Commit { now: at(1_000), events, ..Commit::default() }
}

pub(super) async fn done(store: &AnyStore, commit: Commit) -> Committed {
    store.commit(commit).await.expect("the commit is done")
}

pub(super) async fn get(store: &AnyStore, key: &DocumentKey) -> Option<Row> {
    store.get(key).await.expect("the store reads")
}

/// The number that is a document's state.
pub(super) async fn state_of(store: &AnyStore, key: &DocumentKey) -> Option<i64> {
    Some(get(store, key).await?.state.as_i64().expect("the state is a number"))
}

/// The first thousand events.
pub(super) async fn log(store: &AnyStore) -> Vec<EventRecord> {
    let query = EventQuery { limit: 1000, ..EventQuery::default() };
    store.events(query).await.expect("the store reads")
}

pub(super) fn all_of(kind: Kind) -> ListQuery {
    ListQuery {
        kind,
        environment: None,
        service: None,
        is_finished: None,
        newest_first: false,
        cursor: None,
        limit: 1000,
    }
}
