//! Opening, closing and opening again.

use rusqlite::Connection;
use serde_json::json;
use sluice_engine::port::Store;
use sluice_engine::port::store::{Chain, Commit, Error, EventQuery, Expect, NewEffect, Remembered};
use sluice_store::{OpenError, Options, SqliteStore};

use crate::made::{self, checkpoint, key, number, put};

#[tokio::test]
async fn a_store_that_is_opened_again_knows_everything() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path(), Options::default()).unwrap();
    let commit = Commit {
        events: vec![made::event(1), made::event(2)],
        effects: vec![NewEffect { release: "r".parse().unwrap(), body: json!({ "n": 1 }) }],
        remember: Some(Remembered { key: "k".to_owned(), request: "hash".to_owned(), answer: json!("done") }),
        ..put("a", Expect::Absent, 1)
    };
    let committed = store.commit(commit).await.unwrap();
    let before = (
        store.get(&key("a")).await.unwrap(),
        store.events(EventQuery { limit: 10, ..EventQuery::default() }).await.unwrap(),
        store.pending().await.unwrap(),
        store.remembered("k").await.unwrap(),
        store.verify().await.unwrap(),
    );
    assert_eq!(before.1, committed.events);
    drop(store);

    let store = SqliteStore::open(folder.path(), Options::default()).unwrap();
    let after = (
        store.get(&key("a")).await.unwrap(),
        store.events(EventQuery { limit: 10, ..EventQuery::default() }).await.unwrap(),
        store.pending().await.unwrap(),
        store.remembered("k").await.unwrap(),
        store.verify().await.unwrap(),
    );
    assert_eq!(after, before);
    let next = store.commit(put("b", Expect::Absent, 1)).await.unwrap();
    assert!(next.versions[0] > committed.versions[0]);
}

#[tokio::test]
async fn closing_writes_the_last_checkpoint_of_each_document() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path(), Options::default()).unwrap();
    let a = store.commit(put("a", Expect::Absent, 1)).await.unwrap().versions[0];
    let b = store.commit(put("b", Expect::Absent, 1)).await.unwrap().versions[0];
    for state in 2..5 {
        store.commit(checkpoint("a", a, state)).await.unwrap();
        store.commit(checkpoint("b", b, state)).await.unwrap();
    }
    // Written with other changes, at once, in the middle of those that are only noted.
    let mut mixed = checkpoint("b", b, 10);
    mixed.events.push(made::event(1));
    store.commit(mixed).await.unwrap();
    // Left behind by a write.
    let c = store.commit(put("c", Expect::Absent, 1)).await.unwrap().versions[0];
    store.commit(checkpoint("c", c, 2)).await.unwrap();
    store.commit(put("c", Expect::Version(c), 3)).await.unwrap();
    drop(store);

    let store = SqliteStore::open(folder.path(), Options::default()).unwrap();
    assert_eq!(number(&store, "a").await, Some(4));
    assert_eq!(number(&store, "b").await, Some(10), "an older one was written over a newer one");
    assert_eq!(number(&store, "c").await, Some(3));
}

#[tokio::test]
async fn a_folder_that_is_in_use_is_refused_until_it_is_free() {
    let folder = tempfile::tempdir().unwrap();
    let first = SqliteStore::open(folder.path(), Options::default()).unwrap();
    let refused = SqliteStore::open(folder.path(), Options::default()).unwrap_err();
    assert_eq!(
        refused.to_string(),
        format!(
            "the data folder {} is in use by another sluice (process {}): stop that one, or give another folder \
             with --data",
            folder.path().display(),
            std::process::id()
        )
    );
    first.commit(put("a", Expect::Absent, 1)).await.unwrap();
    drop(first);
    let second = SqliteStore::open(folder.path(), Options::default()).unwrap();
    assert_eq!(number(&second, "a").await, Some(1));
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let temp = tempfile::tempdir().unwrap();
    let file = temp.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = SqliteStore::open(&file.join("data"), Options::default()).unwrap_err();
    assert!(matches!(error, OpenError::Folder { .. }), "{error:?}");
    assert!(error.to_string().contains("file/data"), "{error}");
}

/// Changes the database as somebody with write access to the file could.
fn tamper(folder: &std::path::Path, sql: &str) {
    let connection = Connection::open(folder.join("sluice.db")).unwrap();
    connection.execute_batch(sql).unwrap();
}

#[tokio::test]
async fn a_changed_event_is_found_and_named() {
    for (sql, seq) in [
        ("DROP TRIGGER events_never_change; UPDATE events SET text = 'no' WHERE seq = 1500", 1500),
        ("DROP TRIGGER events_never_change; UPDATE events SET data = 'no JSON' WHERE seq = 7", 7),
        ("DROP TRIGGER events_never_change; UPDATE events SET at = at + 1 WHERE seq = 1", 1),
        ("DROP TRIGGER events_go_only_from_the_start; DELETE FROM events WHERE seq = 1000", 1000),
        ("DROP TRIGGER events_go_only_from_the_start; DELETE FROM events WHERE seq = 1600", 1600),
        ("DROP TRIGGER events_go_only_from_the_start; DELETE FROM events WHERE seq <= 5", 1),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(folder.path(), Options::default()).unwrap();
        let events = (1..=1600).map(made::event).collect();
        store.commit(Commit { events, ..Commit::default() }).await.unwrap();
        assert!(matches!(store.verify().await, Ok(Chain::Holds { events: 1600, .. })));
        drop(store);

        tamper(folder.path(), sql);
        let store = SqliteStore::open(folder.path(), Options::default()).unwrap();
        let chain = store.verify().await.unwrap();
        assert!(matches!(chain, Chain::Broken { seq: found, .. } if found == seq), "{sql}: {chain:?}");
    }
}

#[tokio::test]
async fn a_document_that_does_not_read_is_named_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path(), Options::default()).unwrap();
    store.commit(put("a", Expect::Absent, 1)).await.unwrap();
    store.commit(put("b", Expect::Absent, 2)).await.unwrap();
    drop(store);
    tamper(folder.path(), "UPDATE documents SET state = '{' WHERE name = 'a'");

    let store = SqliteStore::open(folder.path(), Options::default()).unwrap();
    let error = store.get(&key("a")).await.unwrap_err();
    assert!(matches!(error, Error::Corrupt { .. }), "{error:?}");
    let text = error.to_string();
    for part in ["the state of Service a in production", "sluice.db", "put back a backup"] {
        assert!(text.contains(part), "`{part}` is missing in: {text}");
    }
    assert_eq!(number(&store, "b").await, Some(2), "what is whole is still read");
}

#[tokio::test]
async fn pages_that_were_overwritten_are_called_damage() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path(), Options::default()).unwrap();
    for n in 0..200 {
        store.commit(put(&format!("s-{n}"), Expect::Absent, n)).await.unwrap();
    }
    drop(store);
    let file = folder.path().join("sluice.db");
    let mut bytes = std::fs::read(&file).unwrap();
    // All but the first page, which says where everything is.
    bytes[4096..].fill(0xA5);
    std::fs::write(&file, bytes).unwrap();

    let store = match SqliteStore::open(folder.path(), Options::default()) {
        Err(error) => return assert!(matches!(error, OpenError::Damaged { .. }), "{error:?}"),
        Ok(store) => store,
    };
    let error = store.get(&key("s-1")).await.unwrap_err();
    assert!(matches!(error, Error::Corrupt { .. }), "{error:?}");
    let error = store.commit(put("s-1", Expect::Any, 1)).await.unwrap_err();
    assert!(matches!(error, Error::Corrupt { .. }), "{error:?}");
}
