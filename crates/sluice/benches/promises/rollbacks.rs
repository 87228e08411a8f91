//! From the decision to all traffic back on stable, under load.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

use crate::quantile;
use crate::server::{Server, shop};
use crate::visitors::{Connection, Visit};

const ROLLBACKS: usize = 50;
const CONNECTIONS: u64 = 32;
const VISITORS: u64 = 2_000;

const POLICY: &str = "kind: Policy
metadata: { name: half }
spec: { steps: [ { name: half, audience: [ { percent: 50 } ], hold: { untilPromoted: true } } ] }
";

pub(crate) fn run(runtime: &Runtime) {
    let folder = tempfile::tempdir().unwrap();
    let (server, _) = Server::start(folder.path());
    server.apply(&shop(runtime, POLICY));
    let (is_over, visits, visitors) = visit_all_the_time(runtime, &server.gateway);
    let mut millis = Vec::new();
    let (mut requests, mut failed) = (0, 0);
    for _ in 0..ROLLBACKS {
        let release = server.release("shop", "1.1.0", "half");
        server.until(&release, |status| status["split"]["observed"]["candidate"] == 50_000);
        let met = |visits: &[Visit]| visits.iter().any(|visit| visit.is_candidate);
        while !met(&visits.lock().unwrap()) {
            std::thread::yield_now();
        }
        let decided = Instant::now();
        server.act(&release, "rollback");
        server.until(&release, |status| status["phase"] == "RolledBack");
        let seen = std::mem::take(&mut *visits.lock().unwrap());
        requests += seen.len();
        failed += seen.iter().filter(|visit| !visit.is_well).count();
        let last = seen.iter().filter(|visit| visit.is_candidate).map(|visit| visit.sent).max();
        let took = last.map_or(0.0, |last| last.saturating_duration_since(decided).as_secs_f64());
        millis.push(took * 1000.0);
    }
    is_over.store(true, Ordering::Relaxed);
    for visitor in visitors {
        runtime.block_on(visitor).unwrap();
    }
    let (median, p99) = (quantile(&mut millis, 0.5), quantile(&mut millis, 0.99));
    println!(
        "decision to the last request sent to the candidate, {ROLLBACKS} rollbacks under load: median {median:.1} ms, \
         p99 {p99:.1} ms (promised: 1000 ms)"
    );
    println!("requests: {requests}, of which failed: {failed} (promised: 0)");
    assert_eq!(failed, 0, "a switch dropped requests");
}

type Visits = Arc<Mutex<Vec<Visit>>>;

fn visit_all_the_time(runtime: &Runtime, gateway: &str) -> (Arc<AtomicBool>, Visits, Vec<JoinHandle<()>>) {
    let (is_over, visits) = (Arc::new(AtomicBool::new(false)), Visits::default());
    let visitors = (0..CONNECTIONS).map(|connection| {
        let (gateway, is_over, visits) = (gateway.to_owned(), Arc::clone(&is_over), Arc::clone(&visits));
        runtime.spawn(async move {
            let mut open = Connection::open(&gateway).await;
            let mut unit = connection;
            while !is_over.load(Ordering::Relaxed) {
                let visit = open.visit(unit % VISITORS).await;
                if !visit.is_well {
                    open = Connection::open(&gateway).await;
                }
                visits.lock().unwrap().push(visit);
                unit += CONNECTIONS;
            }
        })
    });
    let visitors = visitors.collect();
    (is_over, visits, visitors)
}
