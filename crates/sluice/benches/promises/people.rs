//! Ten thousand visitors through a whole release: who flips, and is each share what its weight says?

use tokio::runtime::Runtime;

use crate::server::{Server, shop};
use crate::visitors::Connection;

const VISITORS: u64 = 10_000;
const CONNECTIONS: u64 = 32;
const SHARES: [f64; 5] = [0.01, 0.05, 0.25, 0.5, 1.0];

const POLICY: &str = "kind: Policy
metadata: { name: steps }
spec:
  steps:
    - { name: s1, audience: [ { percent: 1 } ], hold: { untilPromoted: true } }
    - { name: s2, audience: [ { percent: 5 } ], hold: { untilPromoted: true } }
    - { name: s3, audience: [ { percent: 25 } ], hold: { untilPromoted: true } }
    - { name: s4, audience: [ { percent: 50 } ], hold: { untilPromoted: true } }
    - { name: s5, audience: [ { percent: 100 } ], hold: { untilPromoted: true } }
";

pub(crate) fn run(runtime: &Runtime) {
    let folder = tempfile::tempdir().unwrap();
    let (server, _) = Server::start(folder.path());
    server.apply(&shop(runtime, POLICY));
    let release = server.release("shop", "1.1.0", "steps");
    let mut on_candidate = vec![false; VISITORS as usize];
    let (mut flips, mut failed) = (0, 0);
    for share in SHARES {
        let parts = (share * 100_000.0) as u64;
        server.until(&release, |status| status["split"]["observed"]["candidate"] == parts);
        let (now, failed_now) = runtime.block_on(all_visit(&server.gateway));
        failed += failed_now;
        flips += on_candidate.iter().zip(&now).filter(|(before, now)| **before && !**now).count();
        let met = now.iter().filter(|met| **met).count() as f64 / VISITORS as f64;
        let standard_error = (share * (1.0 - share) / VISITORS as f64).sqrt();
        let errors = if standard_error > 0.0 { (met - share).abs() / standard_error } else { 0.0 };
        println!(
            "weight {:>5.1} %: met by {:>6.2} % of {VISITORS}, {errors:.2} standard errors off (promised: 3)",
            share * 100.0,
            met * 100.0
        );
        on_candidate = now;
        server.act(&release, "promote");
    }
    server.until(&release, |status| status["phase"] == "Succeeded");
    println!("visitors who flipped: {flips} (promised: 0); failed requests: {failed} (promised: 0)");
    assert_eq!((flips, failed), (0, 0));
}

/// Every visitor comes once; gives who met the candidate, and how many requests failed.
async fn all_visit(gateway: &str) -> (Vec<bool>, usize) {
    let tasks = (0..CONNECTIONS).map(|first| {
        let gateway = gateway.to_owned();
        tokio::spawn(async move {
            let mut connection = Connection::open(&gateway).await;
            let mut seen = Vec::new();
            for unit in (first..VISITORS).step_by(CONNECTIONS as usize) {
                seen.push((unit, connection.visit(unit).await));
            }
            seen
        })
    });
    let mut met = vec![false; VISITORS as usize];
    let mut failed = 0;
    for task in tasks.collect::<Vec<_>>() {
        for (unit, visit) in task.await.unwrap() {
            met[unit as usize] = visit.is_candidate;
            failed += usize::from(!visit.is_well);
        }
    }
    (met, failed)
}
