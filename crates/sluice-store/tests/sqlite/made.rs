//! What the tests commit.

use serde_json::json;
use sluice_core::document::{DocumentKey, Kind};
use sluice_engine::port::Store;
use sluice_engine::port::store::{Change, Commit, Expect, JsonText, NewEvent, Write};

pub(crate) fn key(name: &str) -> DocumentKey {
    DocumentKey {
        kind: Kind::Service,
        environment: Some("production".parse().unwrap()),
        name: name.parse().unwrap(),
    }
}

pub(crate) fn put(name: &str, expect: Expect, state: i64) -> Commit {
    let change = Change::Put { document: json!({ "spec": {} }), state: json!(state), is_finished: false };
    Commit { writes: vec![Write { key: key(name), expect, change }], ..Commit::default() }
}

pub(crate) fn checkpoint(name: &str, of_version: u64, state: i64) -> Commit {
    let change = Change::Checkpoint { state: JsonText::of(&state), of_version };
    Commit { writes: vec![Write { key: key(name), expect: Expect::Any, change }], ..Commit::default() }
}

pub(crate) fn event(n: u64) -> NewEvent {
    NewEvent {
        kind: "service.applied".to_owned(),
        subject: key("a"),
        actor: "mia".to_owned(),
        text: "Mia applied it.".to_owned(),
        data: json!({ "n": n }),
    }
}

/// The number that is a document's state.
pub(crate) async fn number(store: &impl Store, name: &str) -> Option<i64> {
    store.get(&key(name)).await.unwrap().map(|row| row.state.as_i64().unwrap())
}
