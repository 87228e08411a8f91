//! `kill -9` at random moments of releases: does everything that was acknowledged survive, and does the release go on?

use std::time::Duration;

use sluice_engine::port::Store;
use sluice_engine::port::store::Chain;
use sluice_store::SqliteStore;
use tokio::runtime::Runtime;

use crate::server::{Server, shop};

const KILLS: usize = 100;

const POLICY: &str = "kind: Policy
metadata: { name: quick }
spec:
  keepPrevious: 0s
  steps:
    - { name: s1, audience: [ { percent: 1 } ], hold: { time: 200ms } }
    - { name: s2, audience: [ { percent: 25 } ], hold: { time: 200ms } }
    - { name: s3, audience: [ { percent: 50 } ], hold: { time: 200ms } }
    - { name: s4, audience: [ { percent: 100 } ], hold: { time: 200ms } }
";

pub(crate) fn run(runtime: &Runtime) {
    let folder = tempfile::tempdir().unwrap();
    let (mut server, _) = Server::start(folder.path());
    server.apply(&shop(runtime, POLICY));
    let (mut kills, mut releases, mut version) = (0, 0, "1.1.0");
    let mut seed = 0x5eed_u64;
    while kills < KILLS {
        let release = server.release("shop", version, "quick");
        releases += 1;
        let mut step = 0;
        loop {
            // A multiplicative generator (Lehmer, as in MINSTD) is chance enough for moments.
            seed = seed * 48_271 % 0x7fff_ffff;
            std::thread::sleep(Duration::from_millis(seed % 1_500));
            let before = server.status(&release);
            server.kill();
            kills += 1;
            check_store(runtime, folder.path());
            server = Server::start(folder.path()).0;
            let after = server.status(&release);
            let entries = |status: &serde_json::Value| status["timeline"].as_array().map_or(0, Vec::len);
            assert!(
                entries(&after) >= entries(&before),
                "acknowledged entries are missing: {before} {after}"
            );
            let reached = done_steps(&after);
            assert!(reached >= step, "it went back from step {step} to {reached}");
            step = reached;
            if after["phase"] == "Succeeded" || kills >= KILLS {
                break;
            }
        }
        server.until(&release, |status| status["phase"] == "Succeeded");
        version = if version == "1.1.0" { "1.0.0" } else { "1.1.0" };
    }
    println!("{kills} kills at random moments of {releases} releases: every release went on and succeeded,");
    println!("no acknowledged entry was missing, and the chain of hashes held each time");
}

fn done_steps(status: &serde_json::Value) -> usize {
    let steps = status["steps"].as_array().map(Vec::as_slice).unwrap_or_default();
    steps.iter().filter(|step| step["state"] == "done").count()
}

fn check_store(runtime: &Runtime, folder: &std::path::Path) {
    runtime.block_on(async {
        let store = SqliteStore::open(folder, sluice_store::Options::default()).unwrap();
        let chain = store.verify().await.unwrap();
        assert!(matches!(chain, Chain::Holds { .. }), "{chain:?}");
    });
}
