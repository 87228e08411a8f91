//! Checkpoints that wait in memory.

use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags};
use sluice_engine::port::Store;
use sluice_engine::port::store::Expect;
use sluice_store::{Options, SqliteStore};

use crate::made::{checkpoint, number, put};

#[tokio::test]
async fn a_checkpoint_is_written_by_itself_when_nothing_else_comes() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path(), Options::default()).unwrap();
    let version = store.commit(put("a", Expect::Absent, 1)).await.unwrap().versions[0];
    store.commit(checkpoint("a", version, 2)).await.unwrap();
    assert_eq!(number(&store, "a").await, Some(2), "it is seen before it is written");

    // As another process sees it.
    let outside =
        Connection::open_with_flags(folder.path().join("sluice.db"), OpenFlags::SQLITE_OPEN_READ_ONLY)
            .unwrap();
    let written = || -> String {
        outside.query_row("SELECT state FROM documents WHERE name = 'a'", [], |row| row.get(0)).unwrap()
    };
    let deadline = Instant::now() + Duration::from_secs(60);
    while written() != "2" {
        assert!(Instant::now() < deadline, "it was never written");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(number(&store, "a").await, Some(2));

    // Later ones start afresh.
    store.commit(checkpoint("a", version, 3)).await.unwrap();
    drop(store);
    assert_eq!(written(), "3");
}

#[tokio::test]
async fn readers_never_see_a_checkpoint_go_back() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path(), Options::default()).unwrap();
    let version = store.commit(put("a", Expect::Absent, 0)).await.unwrap().versions[0];
    // Every other commit is synced, so that checkpoints are written and noted in turns.
    for state in 1..300 {
        let mut commit = checkpoint("a", version, state);
        if state % 7 == 0 {
            commit.events.push(crate::made::event(1));
        }
        let (written, seen) = tokio::join!(store.commit(commit), number(&store, "a"));
        written.unwrap();
        assert!(seen == Some(state) || seen == Some(state - 1), "{seen:?} while {state} was committed");
        assert_eq!(number(&store, "a").await, Some(state));
    }
}
