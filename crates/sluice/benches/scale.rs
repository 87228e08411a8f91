//! Measures ten thousand live releases in one process on one core, and prints the figures.
//!
//! ```sh
//! cargo bench --package sluice --bench scale                    # both, ten thousand releases
//! cargo bench --package sluice --bench scale -- now             # two minutes of real time, on SQLite
//! cargo bench --package sluice --bench scale -- hour            # one hour of virtual time, in memory
//! cargo bench --package sluice --bench scale -- now 1000        # with another number of releases
//! ```
//!
//! The engine, the core and the statistics are the real ones, and so is the store in `now`. The world around them is
//! not: every service has a request every second and every endpoint is ready, so what is measured is the control plane
//! alone. The process is bound to one core before it starts.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark prints, and stops at whatever is odd"
)]

#[path = "scale/process.rs"]
mod process;
#[path = "scale/quiet.rs"]
mod quiet;

use std::sync::Arc;
use std::time::{Duration, Instant};

use sluice_core::document::parse_yaml;
use sluice_core::release::status::{PhaseName, ReleaseStatus};
use sluice_core::{Span, Timestamp};
use sluice_engine::port::{Clock, Store};
use sluice_engine::resource::{ApplyMode, ReleaseRequest};
use sluice_engine::{Caller, Engine, Parts, Settings};
use sluice_sim::clock::EPOCH;
use sluice_sim::{MemoryStore, VirtualClock};
use sluice_store::SqliteStore;

use process::{cpu_time, resident_bytes, run_on_one_core};
use quiet::QuietWorld;

/// As in the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const RELEASES: usize = 10_000;
/// How many services one text takes, which may have a megabyte.
const TEXT_SERVICES: usize = 1000;
/// How long real time is watched.
const NOW: Duration = Duration::from_secs(120);
/// How long virtual time is watched.
const HOUR: Span = Span::from_secs(3600);

/// The checks of the built-in canary and one more; the step outlasts the measurement.
const POLICY: &str = "
apiVersion: sluice.dev/v1alpha1
kind: Policy
metadata: { name: long }
spec:
  steps: [ { name: few, audience: [ { percent: 20 } ], hold: { time: 24h } } ]
  checks:
    - { metric: http.errors, unit: user, compare: stable, tolerate: 0.5pp, confidence: 99% }
    - { metric: http.errors, max: 20%, sample: 100 }
    - { metric: http.latency, quantile: 0.95, compare: stable, tolerate: 20%, confidence: 99% }
    - { metric: http.latency, quantile: 0.5, compare: stable, tolerate: 20%, confidence: 99% }
    - { metric: http.latency, quantile: 0.99, max: 10s }
";

fn main() {
    let mut wanted: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with("--")).collect();
    let releases = wanted.iter().find_map(|arg| arg.parse().ok()).unwrap_or(RELEASES);
    wanted.retain(|arg| arg.parse::<usize>().is_err());
    run_on_one_core();
    if wanted.is_empty() || wanted.iter().any(|arg| arg == "now") {
        now(releases);
    }
    if wanted.is_empty() || wanted.iter().any(|arg| arg == "hour") {
        hour(releases);
    }
}

/// Real time, real disk.
fn now(releases: usize) {
    println!("\n## now: {releases} live releases on one core, SQLite, real time");
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path(), sluice_store::Options::default()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let engine = begin(releases, Arc::new(store), Arc::new(RealClock)).await;
        println!("{:>8}  {:>9}  {:>9}  {:>12}", "second", "core", "RSS MB", "latest ms");
        let began = Instant::now();
        let decided_before = engine.telemetry().decisions;
        let (mut cpu_before, mut turn) = (cpu_time(), Instant::now());
        let cpu_began = cpu_before;
        while began.elapsed() < NOW {
            tokio::time::sleep(Duration::from_secs(10)).await;
            let (cpu, wall) = (cpu_time() - cpu_before, turn.elapsed());
            (cpu_before, turn) = (cpu_time(), Instant::now());
            println!(
                "{:>8.0}  {:>9.2}  {:>9.0}  {:>12}",
                began.elapsed().as_secs_f64(),
                cpu.as_secs_f64() / wall.as_secs_f64(),
                resident_bytes() as f64 / 1e6,
                engine.telemetry().lag_ms_max
            );
        }
        let looks = (engine.telemetry().decisions - decided_before) as f64;
        let seconds = began.elapsed().as_secs_f64();
        println!(
            "{:.0} evaluations per second for {releases} releases; {:.2} of the core; {:.1} µs per evaluation",
            looks / seconds,
            (cpu_time() - cpu_began).as_secs_f64() / seconds,
            (cpu_time() - cpu_began).as_secs_f64() * 1e6 / looks
        );
        all_go_on(&engine, releases).await;
        engine.stop().await;
    });
}

/// Virtual time: an hour as fast as the core can.
fn hour(releases: usize) {
    println!("\n## hour: {releases} live releases, an hour of virtual time");
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let clock = Arc::new(VirtualClock::starting_at(EPOCH));
        let engine =
            begin(releases, Arc::new(MemoryStore::new()), Arc::clone(&clock) as Arc<dyn Clock>).await;
        println!("{:>8}  {:>9}  {:>14}  {:>14}", "minute", "RSS MB", "evaluations", "real seconds");
        let (began, real) = (clock.now(), Instant::now());
        let mut next = began;
        while clock.now().since(began) < HOUR {
            next = next.after(Span::from_secs(300));
            clock.sleep_until(next).await;
            println!(
                "{:>8}  {:>9.0}  {:>14}  {:>14.0}",
                clock.now().since(began).as_millis() / 60_000,
                resident_bytes() as f64 / 1e6,
                engine.telemetry().decisions,
                real.elapsed().as_secs_f64()
            );
        }
        all_go_on(&engine, releases).await;
        engine.stop().await;
    });
}

/// Applies so many services and starts a release of each.
async fn begin(releases: usize, store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Engine {
    let world = Arc::new(QuietWorld::new(releases));
    let parts = Parts {
        store,
        traffic: Arc::clone(&world) as Arc<_>,
        metrics: Arc::clone(&world) as Arc<_>,
        sources: Arc::new(sluice_engine::port::source::NoSources),
        history: Arc::new(sluice_engine::port::history::NoHistory),
        hooks: Arc::clone(&world) as Arc<_>,
        clock,
        decide: sluice_core::release::step,
    };
    let engine = Engine::start(parts, Settings::default()).await.unwrap();
    let caller = Caller { actor: "bench".to_owned(), reason: None, idempotency_key: None };
    let mut documents = parse_yaml(POLICY).unwrap();
    for first in (0..releases).step_by(TEXT_SERVICES) {
        let numbers = first..releases.min(first + TEXT_SERVICES);
        documents.extend(parse_yaml(&quiet::services(numbers)).unwrap());
    }
    let began = Instant::now();
    engine.apply(documents, ApplyMode::Commit, &caller).await.unwrap();
    println!("{releases} services were applied at once in {:.1} s", began.elapsed().as_secs_f64());
    let began = Instant::now();
    for service in world.names() {
        let request = ReleaseRequest {
            service,
            version: "2".parse().unwrap(),
            environment: None,
            policy: Some("long".parse().unwrap()),
            with: Vec::new(),
            reshuffle: false,
            override_reason: None,
        };
        engine.start_release(request, &caller).await.unwrap();
    }
    println!("{releases} releases were started one by one in {:.1} s", began.elapsed().as_secs_f64());
    engine
}

/// Every release is where it should be: in its step, and judged.
async fn all_go_on(engine: &Engine, releases: usize) {
    let mut query = sluice_engine::port::store::ListQuery {
        kind: sluice_core::document::Kind::Release,
        environment: None,
        service: None,
        is_finished: Some(false),
        newest_first: false,
        cursor: None,
        limit: 1000,
    };
    let (mut progressing, mut judged) = (0, 0);
    loop {
        let page = engine.list(query.clone()).await.unwrap();
        for release in page.items {
            let status: ReleaseStatus = serde_json::from_value(release.status.unwrap()).unwrap();
            progressing += usize::from(status.phase == PhaseName::Progressing);
            judged += usize::from(status.verdicts.iter().all(|verdict| verdict.candidate_samples > 0));
        }
        query.cursor = page.next;
        if query.cursor.is_none() {
            break;
        }
    }
    println!("{progressing} of {releases} are in their step, {judged} with something seen by every check");
    assert_eq!(progressing, releases);
}

/// The machine's clock.
struct RealClock;

#[async_trait::async_trait]
impl Clock for RealClock {
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap();
        Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap())
    }

    async fn sleep_until(&self, at: Timestamp) {
        tokio::time::sleep(at.since(self.now()).as_duration()).await;
    }
}
