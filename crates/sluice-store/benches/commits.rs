//! How many commits per second the store keeps: one caller, who waits for each sync, against many, who share them.
//!
//! `cargo bench -p sluice-store --bench commits`. The folder is made where temporary files go; set `TMPDIR` to measure
//! another disk.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a program that prints figures")]

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sluice_core::document::{DocumentKey, Kind};
use sluice_engine::port::Store;
use sluice_engine::port::store::{Change, Commit, EventQuery, Expect, JsonText, NewEffect, NewEvent, Write};
use sluice_store::{Options, SqliteStore};

const LASTS: Duration = Duration::from_secs(3);

fn main() {
    // `cargo test --benches` runs it too, to see that it works.
    let lasts = if std::env::args().any(|arg| arg == "--bench") { LASTS } else { Duration::from_millis(50) };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    println!("folder: {}", folder.path().display());
    println!("plain sync of a file: {:.0}/s", syncs(folder.path(), lasts));
    runtime.block_on(measure(folder.path(), lasts));
}

/// What the disk can do at all: append a page, sync, and again.
fn syncs(folder: &Path, lasts: Duration) -> f64 {
    let mut file = File::create(folder.join("plain")).unwrap();
    per_second(lasts, || {
        file.write_all(&[0; 4096]).unwrap();
        file.sync_data().unwrap();
    })
}

fn per_second(lasts: Duration, mut run: impl FnMut()) -> f64 {
    let start = Instant::now();
    let mut count = 0_u32;
    while start.elapsed() < lasts {
        run();
        count += 1;
    }
    f64::from(count) / start.elapsed().as_secs_f64()
}

/// By all threads, callers included, to a hundredth of a second.
fn cpu_spent() -> Duration {
    let text = fs::read_to_string("/proc/self/stat").unwrap();
    let (_, fields) = text.rsplit_once(')').unwrap();
    let ticks = |field: usize| -> u64 { fields.split_whitespace().nth(field).unwrap().parse().unwrap() };
    Duration::from_millis((ticks(11) + ticks(12)) * 10)
}

async fn measure(folder: &Path, lasts: Duration) {
    let folder = folder.join("data");
    let store = Arc::new(SqliteStore::open(&folder, Options::default()).unwrap());
    for callers in [1, 8, 64, 256] {
        let (start, cpu) = (Instant::now(), cpu_spent());
        let mut tasks = tokio::task::JoinSet::new();
        for caller in 0..callers {
            tasks.spawn(commit_for(Arc::clone(&store), format!("r-{callers}-{caller}"), lasts));
        }
        let mut waits: Vec<Duration> = tasks.join_all().await.into_iter().flatten().collect();
        let rate = waits.len() as f64 / start.elapsed().as_secs_f64();
        waits.sort_unstable();
        let at = |quantile: usize| waits[(waits.len() * quantile / 100).min(waits.len() - 1)];
        println!(
            "{callers:>3} callers: {rate:>7.0} commits/s, each waits {:.1?} (p50), {:.1?} (p99), takes {:.0?} of CPU",
            at(50),
            at(99),
            (cpu_spent() - cpu) / u32::try_from(waits.len()).unwrap()
        );
    }

    let cpu = cpu_spent();
    let (count, took) = checkpoints(&store, lasts).await;
    let rate = f64::from(count) / took.as_secs_f64();
    println!(
        "checkpoints of 1000 documents: {rate:.0}/s, each takes {:.0?} of CPU",
        (cpu_spent() - cpu) / count
    );
    let start = Instant::now();
    let chain = store.verify().await.unwrap();
    println!("checking the log took {:.1?}: {chain:?}", start.elapsed());
    let start = Instant::now();
    let query = EventQuery { newest: true, limit: 100, ..EventQuery::default() };
    assert_eq!(store.events(query).await.unwrap().len(), 100);
    println!("reading the last 100 events took {:.1?}", start.elapsed());
    for file in fs::read_dir(&folder).unwrap() {
        let file = file.unwrap();
        println!("{}: {} KiB", file.file_name().display(), file.metadata().unwrap().len() / 1024);
    }
}

fn key(name: &str) -> DocumentKey {
    DocumentKey {
        kind: Kind::Release,
        environment: Some("production".parse().unwrap()),
        name: name.parse().unwrap(),
    }
}

/// About as large as that of a release.
fn state(n: u64) -> Value {
    json!({ "n": n, "text": "a sentence that says why, with its numbers ".repeat(40) })
}

/// What a release commits at a step: its state, an event and an effect.
async fn commit_for(store: Arc<SqliteStore>, name: String, lasts: Duration) -> Vec<Duration> {
    let key = key(&name);
    let mut expect = Expect::Absent;
    let mut done = Vec::new();
    let mut waits = Vec::new();
    let start = Instant::now();
    while start.elapsed() < lasts {
        let n = waits.len() as u64;
        let change = match expect {
            Expect::Absent => Change::Put {
                document: json!({ "spec": { "service": "checkout" } }),
                state: state(n),
                is_finished: false,
            },
            _ => Change::State { state: state(n), is_finished: false },
        };
        let commit = Commit {
            writes: vec![Write { key: key.clone(), expect, change }],
            events: vec![NewEvent {
                kind: "release.step".to_owned(),
                subject: key.clone(),
                actor: "sluice".to_owned(),
                text: "The release went on to the next step.".to_owned(),
                data: json!({ "n": n, "share": 0.05 }),
            }],
            effects: vec![NewEffect { release: key.name.clone(), body: json!({ "weight": 5000 }) }],
            done,
            ..Commit::default()
        };
        let asked = Instant::now();
        let committed = store.commit(commit).await.unwrap();
        waits.push(asked.elapsed());
        expect = Expect::Version(committed.versions[0]);
        done = committed.effects;
    }
    waits
}

async fn checkpoints(store: &SqliteStore, lasts: Duration) -> (u32, Duration) {
    let keys: Vec<DocumentKey> = (0..1000).map(|n| key(&format!("c-{n}"))).collect();
    let writes = keys.iter().map(|key| Write {
        key: key.clone(),
        expect: Expect::Absent,
        change: Change::Put { document: Value::Null, state: state(0), is_finished: false },
    });
    let committed = store.commit(Commit { writes: writes.collect(), ..Commit::default() }).await.unwrap();
    let start = Instant::now();
    let mut count = 0_u32;
    while start.elapsed() < lasts {
        for (key, version) in keys.iter().zip(&committed.versions) {
            let change =
                Change::Checkpoint { state: JsonText::of(&state(u64::from(count))), of_version: *version };
            let write = Write { key: key.clone(), expect: Expect::Any, change };
            store.commit(Commit { writes: vec![write], ..Commit::default() }).await.unwrap();
            count += 1;
        }
    }
    (count, start.elapsed())
}
