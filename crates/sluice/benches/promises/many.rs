//! A thousand live releases in one process: how much of a core, how much memory?

use std::fmt::Write;
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;

use crate::server::{Server, endpoint};

const RELEASES: usize = 1_000;
const WATCHED: Duration = Duration::from_secs(60);

pub(crate) fn run(runtime: &Runtime) {
    let folder = tempfile::tempdir().unwrap();
    let (server, _) = Server::start(folder.path());
    let (stable, candidate) = (endpoint(runtime), endpoint(runtime));
    let mut yaml = String::new();
    for number in 0..RELEASES {
        write!(
            yaml,
            "---\nkind: Service\nmetadata: {{ name: s{number} }}\nspec:\n  routes: [ {{ host: s{number}.example.com }} ]\n  \
             versions:\n    - {{ name: 1.0.0, endpoints: [ '{stable}' ] }}\n    - {{ name: 1.1.0, endpoints: [ '{candidate}' ] }}\n"
        )
        .unwrap();
    }
    server.apply(&yaml);
    let began = Instant::now();
    let releases: Vec<String> =
        (0..RELEASES).map(|number| server.release(&format!("s{number}"), "1.1.0", "canary")).collect();
    println!("{RELEASES} releases started in {:.1} s", began.elapsed().as_secs_f64());
    for release in &releases {
        server.until(release, |status| status["phase"] == "Progressing");
    }
    let (cpu, began) = (cpu_secs(server.pid()), Instant::now());
    std::thread::sleep(WATCHED);
    let share = (cpu_secs(server.pid()) - cpu) / began.elapsed().as_secs_f64();
    println!(
        "{RELEASES} live releases, watched for {} s: {share:.2} of a core (promised: 0.5), {:.0} MB resident (promised: 200)",
        WATCHED.as_secs(),
        resident_mb(server.pid())
    );
    let metrics = ureq::get(server.url("/metrics")).call().unwrap().body_mut().read_to_string().unwrap();
    for line in metrics.lines().filter(|line| line.contains("lag") && !line.starts_with('#')) {
        println!("{line}");
    }
}

/// CPU seconds that a process has used, user and system.
fn cpu_secs(pid: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    // Fields after the name, which is in brackets and may hold anything: the 12th and 13th are ticks of 10 ms.
    let after = stat.rsplit_once(") ").unwrap().1;
    let ticks = |index: usize| after.split(' ').nth(index).unwrap().parse::<f64>().unwrap();
    (ticks(11) + ticks(12)) / 100.0
}

fn resident_mb(pid: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1000.0
}
