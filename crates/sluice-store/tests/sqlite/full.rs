//! A disk that is full, and has room again.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use serde_json::json;
use sluice_engine::port::Store;
use sluice_engine::port::store::{Chain, Change, Commit, Error, Expect, NewEffect, Write};
use sluice_store::{OpenError, Options, SqliteStore};
use tokio::task::JoinSet;

use crate::made::{checkpoint, event, key, number, put};

/// A commit that has something of everything, and `size` bytes of it.
fn large(name: &str, size: usize) -> Commit {
    let mut commit = put(name, Expect::Absent, 1);
    let document = json!({ "filler": "x".repeat(size) });
    commit.writes[0].change = Change::Put { document, state: json!(1), is_finished: false };
    commit.events.push(event(1));
    commit.effects.push(NewEffect { release: "r".parse().unwrap(), body: json!("do it") });
    commit
}

/// Fills the store until it is full and says how many commits were done.
async fn fill(store: &SqliteStore, folder: &Path) -> u64 {
    for n in 0.. {
        match store.commit(large(&format!("filler-{n}"), 20_000)).await {
            Ok(_) => {}
            Err(error) => {
                assert_eq!(error, Error::Full { folder: folder.display().to_string() });
                return n;
            }
        }
        assert!(n < 10_000, "it is never full");
    }
    unreachable!("the loop has no end")
}

/// Whether exactly the commits that were done are there, with all their parts.
async fn assert_whole(store: &SqliteStore, done: u64) {
    assert!(number(store, &format!("filler-{}", done - 1)).await.is_some());
    assert_eq!(number(store, &format!("filler-{done}")).await, None);
    assert_eq!(store.pending().await.unwrap().len() as u64, done);
    let chain = store.verify().await.unwrap();
    assert!(matches!(chain, Chain::Holds { events, .. } if events == done), "{chain:?}");
}

fn delete(name: &str) -> Write {
    Write { key: key(name), expect: Expect::Any, change: Change::Delete }
}

#[tokio::test]
async fn a_store_at_its_bound_refuses_whole_commits_and_goes_on_when_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path(), Options { size_max: Some(1 << 20) }).unwrap();
    let done = fill(&store, folder.path()).await;
    assert!(done > 10);
    assert_whole(&store, done).await;

    store.commit(Commit { writes: vec![delete("filler-0")], ..Commit::default() }).await.unwrap();
    store.commit(large(&format!("filler-{done}"), 10_000)).await.unwrap();
    assert_eq!(store.pending().await.unwrap().len() as u64, done + 1);
    drop(store);

    let store = SqliteStore::open(folder.path(), Options::default()).unwrap();
    assert!(matches!(store.verify().await, Ok(Chain::Holds { events, .. }) if events == done + 1));
    store.commit(large("more", 1 << 20)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_commit_that_is_too_big_fails_alone_among_those_that_share_its_sync() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(SqliteStore::open(folder.path(), Options { size_max: Some(1 << 20) }).unwrap());
    let mut tasks = JoinSet::new();
    for n in 0..64 {
        let store = Arc::clone(&store);
        tasks.spawn(async move {
            let is_too_big = n % 8 == 0;
            let size = if is_too_big { 4 << 20 } else { 100 };
            let done = store.commit(large(&format!("s-{n}"), size)).await;
            match done {
                Ok(_) => assert!(!is_too_big),
                Err(Error::Full { .. }) => assert!(is_too_big, "s-{n} would have fitted"),
                Err(other) => panic!("{other}"),
            }
        });
    }
    tasks.join_all().await;
    for n in 0..64 {
        let expected = if n % 8 == 0 { None } else { Some(1) };
        assert_eq!(number(&*store, &format!("s-{n}")).await, expected);
    }
    assert!(matches!(store.verify().await, Ok(Chain::Holds { events: 56, .. })));
    assert_eq!(store.pending().await.unwrap().len(), 56);
}

/// Tells the process that runs in a file system of its own what to fill.
const FOLDER: &str = "SLUICE_TEST_SMALL_DISK";

#[tokio::test]
async fn a_full_disk_loses_nothing_and_the_store_goes_on_when_there_is_room() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        return on_a_small_disk(Path::new(&folder)).await;
    }
    let temp = tempfile::tempdir().unwrap();
    // The mount goes with the process that sees it.
    let inside = |command: &str| {
        let mut unshare = Command::new("unshare");
        unshare.args(["--user", "--map-root-user", "--mount", "sh", "-euc"]);
        unshare.arg(format!("mount -t tmpfs -o size=2m sluice \"$0\"; {command}"));
        unshare.arg(temp.path());
        unshare
    };
    if !inside("exit 0").output().is_ok_and(|output| output.status.success()) {
        eprintln!("This system lets nobody mount a small disk; the bound on the size is tested instead.");
        return;
    }
    let output = inside("exec \"$@\"")
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture"])
        .arg("full::a_full_disk_loses_nothing_and_the_store_goes_on_when_there_is_room")
        .env(FOLDER, temp.path())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("1 passed"), "{text}");
}

/// Leaves no room on the disk; removing the file gives it back.
fn take_all_room(path: &Path) {
    let mut file = File::create(path).unwrap();
    for size in [4096, 1] {
        while file.write_all(&vec![0; size]).is_ok() {}
    }
}

async fn on_a_small_disk(disk: &Path) {
    let folder = disk.join("data");
    let filler = disk.join("filler");
    let store = SqliteStore::open(&folder, Options::default()).unwrap();
    let version = store.commit(put("kept", Expect::Absent, 1)).await.unwrap().versions[0];

    std::fs::write(&filler, vec![0; 512 << 10]).unwrap();
    let done = fill(&store, &folder).await;
    assert!(done > 3);
    take_all_room(&disk.join("rest"));
    let full = Err(Error::Full { folder: folder.display().to_string() });
    for _ in 0..3 {
        assert_eq!(store.commit(large(&format!("filler-{done}"), 20_000)).await, full);
        store.commit(checkpoint("kept", version, 3)).await.unwrap();
    }
    assert_eq!(number(&store, "kept").await, Some(3), "a checkpoint is noted in memory");
    assert_whole(&store, done).await;

    std::fs::remove_file(&filler).unwrap();
    let deleted = (0..done).map(|n| delete(&format!("filler-{n}"))).collect();
    let commit = Commit { writes: deleted, events: vec![event(1)], ..Commit::default() };
    store.commit(commit).await.unwrap();
    store.commit(large("again", 20_000)).await.unwrap();
    drop(store);

    let store = SqliteStore::open(&folder, Options::default()).unwrap();
    assert_eq!(number(&store, "kept").await, Some(3));
    assert_eq!(number(&store, "again").await, Some(1));
    assert!(matches!(store.verify().await, Ok(Chain::Holds { events, .. }) if events == done + 2));
    drop(store);

    std::fs::remove_dir_all(&folder).unwrap();
    take_all_room(&filler);
    let new = disk.join("new");
    let error = SqliteStore::open(&new, Options::default()).unwrap_err();
    assert!(matches!(&error, OpenError::Full { folder } if *folder == new), "{error:?}");
    std::fs::remove_file(&filler).unwrap();
    let store = SqliteStore::open(&new, Options::default()).unwrap();
    store.commit(put("a", Expect::Absent, 1)).await.unwrap();
}
