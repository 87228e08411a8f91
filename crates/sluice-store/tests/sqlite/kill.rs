//! `kill -9` at any moment.
//!
//! A child process, which is this test binary again, commits as fast as it can and says what was acknowledged. The
//! parent kills it, opens the folder, and compares. The folder stays for the next round, so that recovery is done on
//! what recovery has left.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use sluice_engine::port::Store;
use sluice_engine::port::store::{
    Chain, Change, Commit, EventQuery, Expect, JsonText, NewEffect, NewEvent, Write,
};
use sluice_store::{Options, SqliteStore};

use crate::made::{checkpoint, key};

/// Tells the child where to commit.
const FOLDER: &str = "SLUICE_TEST_KILL_FOLDER";

/// How often to kill; 20 when not set.
const ROUNDS: &str = "SLUICE_TEST_KILL_ROUNDS";

/// How many documents the child changes at once.
const DOCUMENTS: u64 = 8;

#[test]
fn what_was_acknowledged_outlives_kill_9() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        commit_until_killed(Path::new(&folder));
    }
    let rounds = std::env::var(ROUNDS).map_or(20, |text| text.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let mut random = Random(0x5EED);
    let mut total = 0;
    for round in 0..rounds {
        let acknowledged = run_and_kill(folder.path(), &mut random);
        total += acknowledged.values().map(|said| said.count).sum::<u64>();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(check(folder.path(), &acknowledged, round));
    }
    println!("{total} acknowledged commits outlived {rounds} kills");
}

/// A commit of the child changes one document: its number grows by one, and there is one event and one effect for each
/// number; the effect before is done.
fn commit_until_killed(folder: &Path) -> ! {
    let store = Arc::new(SqliteStore::open(folder, Options::default()).unwrap());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    runtime.block_on(async {
        let mut tasks = tokio::task::JoinSet::new();
        for document in 0..DOCUMENTS {
            tasks.spawn(count_up(Arc::clone(&store), document));
        }
        tasks.join_next().await
    });
    unreachable!("counting has no end")
}

async fn count_up(store: Arc<SqliteStore>, document: u64) {
    let key = key(&format!("s-{document}"));
    let row = store.get(&key).await.unwrap();
    let mut n = row.as_ref().map_or(0, |row| row.state["n"].as_u64().unwrap());
    let mut expect = row.map_or(Expect::Absent, |row| Expect::Version(row.resource_version));
    let is_own = |body: &Value| body["document"] == document;
    let mut done: Vec<u64> = store
        .pending()
        .await
        .unwrap()
        .into_iter()
        .filter(|effect| is_own(&effect.body))
        .map(|effect| effect.id)
        .collect();
    loop {
        n += 1;
        let change = Change::Put { document: json!({}), state: json!({ "n": n }), is_finished: false };
        let committed = store
            .commit(Commit {
                writes: vec![Write { key: key.clone(), expect, change }],
                events: vec![NewEvent {
                    kind: "service.applied".to_owned(),
                    subject: key.clone(),
                    actor: "child".to_owned(),
                    text: "It counted.".to_owned(),
                    data: json!({ "n": n }),
                }],
                effects: vec![NewEffect {
                    release: "r".parse().unwrap(),
                    body: json!({ "document": document, "n": n }),
                }],
                done,
                ..Commit::default()
            })
            .await
            .unwrap();
        let (version, seq) = (committed.versions[0], committed.events[0].seq);
        // One line is one write, so that lines of tasks do not mix.
        let line = format!("acknowledged {document} {n} {version} {seq}\n");
        std::io::stdout().lock().write_all(line.as_bytes()).unwrap();
        expect = Expect::Version(version);
        done = committed.effects;
        if n.is_multiple_of(5) {
            let mut noted = checkpoint(key.name.as_str(), version, 0);
            noted.writes[0].change = Change::Checkpoint {
                state: JsonText::of(&json!({ "n": n, "checkpoint": true })),
                of_version: version,
            };
            store.commit(noted).await.unwrap();
        }
    }
}

/// What the child said last about a document.
#[derive(Clone, Copy, Debug, Default)]
struct Said {
    n: u64,
    version: u64,
    seq: u64,
    /// How often it said something.
    count: u64,
}

/// A process that does not outlive the test, also when that fails.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        // It may be gone already.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn run_and_kill(folder: &Path, random: &mut Random) -> BTreeMap<u64, Said> {
    let mut child = Killed(
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "kill::what_was_acknowledged_outlives_kill_9", "--nocapture"])
            .env(FOLDER, folder)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap(),
    );
    let lines = BufReader::new(child.0.stdout.take().unwrap()).lines();
    let mut acknowledged: BTreeMap<u64, Said> = BTreeMap::new();
    let (mut heard, hear_until) = (0, 1 + random.below(200));
    for line in lines {
        let Some((document, mut said)) = parse(&line.unwrap()) else { continue };
        let before = acknowledged.get(&document).copied().unwrap_or_default();
        assert!(said.n > before.n && said.version > before.version && said.seq > before.seq, "{said:?}");
        said.count = before.count + 1;
        acknowledged.insert(document, said);
        heard += 1;
        if heard == hear_until {
            // Not to wait for anything: the moment is to be any.
            thread::sleep(Duration::from_micros(random.below(20_000)));
            child.0.kill().unwrap();
            // What it said before it was killed is still in the pipe, and counts.
        }
    }
    let status = child.0.wait().unwrap();
    assert_eq!(status.signal(), Some(9), "the child ended by itself: {status}");
    acknowledged
}

fn parse(line: &str) -> Option<(u64, Said)> {
    // The test runner may have begun the line.
    let (_, numbers) = line.split_once("acknowledged ")?;
    let numbers: Vec<u64> = numbers.split(' ').map(|number| number.parse().unwrap()).collect();
    let [document, n, version, seq] = numbers[..] else { panic!("half a line: {line}") };
    Some((document, Said { n, version, seq, count: 0 }))
}

async fn check(folder: &Path, acknowledged: &BTreeMap<u64, Said>, round: u64) {
    let store = SqliteStore::open(folder, Options::default()).unwrap();
    let chain = store.verify().await.unwrap();
    assert!(matches!(chain, Chain::Holds { .. }), "round {round}: {chain:?}");
    let pending = store.pending().await.unwrap();
    let mut sum = 0;
    for document in 0..DOCUMENTS {
        let said = acknowledged.get(&document).copied().unwrap_or_default();
        let key = key(&format!("s-{document}"));
        let Some(row) = store.get(&key).await.unwrap() else {
            assert_eq!(said.n, 0, "round {round}: {key} is gone");
            continue;
        };
        let n = row.state["n"].as_u64().unwrap();
        sum += n;
        let text = format!("round {round}: {key} is at {row:?}, and {said:?} was acknowledged");
        assert!(n >= said.n && row.resource_version >= said.version, "{text}");
        // At most one commit was on its way when the child was killed.
        assert!(said.n == 0 || n <= said.n + 1, "{text}");

        let query = EventQuery { subject: Some(key), newest: true, limit: 2, after: 0 };
        let last = store.events(query).await.unwrap().pop().unwrap();
        assert_eq!(last.data["n"], n, "the event is of the same commit; {text}");
        assert!(last.seq >= said.seq, "{text}");
        let effects: Vec<u64> = pending
            .iter()
            .filter(|effect| effect.body["document"] == document)
            .map(|effect| effect.body["n"].as_u64().unwrap())
            .collect();
        assert_eq!(effects, [n], "the effect is of the same commit, those before are done; {text}");
    }
    assert!(matches!(chain, Chain::Holds { events, .. } if events == sum), "{chain:?}, {sum} commits");
}

/// SplitMix64: the same moments in every run, as far as the machine lets them be.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % bound
    }
}
