//! `kill -9` in the middle of a release: the next server goes on where it stood.

use crate::world::{Build, Running, Server, Visitors, documents, until};

#[test]
fn a_killed_server_forgets_nothing_and_its_release_goes_on() {
    let data = tempfile::tempdir().unwrap();
    let (stable, candidate) = (Build::start("2.0.3", "0"), Build::start("2.1.0", "0"));
    // An address of its own, which no other test can take between the two servers.
    let first = Server::start_at(&data, "127.0.0.77:0", "127.0.0.77:0");
    let policy = "---
kind: Policy
metadata: { name: by-hand }
spec:
  steps:
    - { name: half, audience: [ { percent: 50 } ], hold: { untilPromoted: true } }
    - { name: all, audience: [ { percent: 100 } ], hold: { requests: 20 } }
  checks: []
";
    let applied = first.apply(&format!("{}{policy}", documents(&stable, &candidate)));
    assert_eq!(applied.code, 0, "{}", applied.shown());
    let visitors = Visitors::start(&first.gateway);
    let started = first.run(&["release", "start", "checkout", "2.1.0", "--policy", "by-hand", "-o", "json"]);
    assert_eq!(started.code, 0, "{}", started.shown());
    let name = started.json()["metadata"]["name"].as_str().unwrap().to_owned();
    until("half of the people have it", || {
        (first.status(&name)["split"]["observed"]["candidate"] == 50_000).then_some(())
    });
    let seen_before: Vec<_> = (0..20).map(|n| visitors.version_of(&format!("visitor-{n}"))).collect();
    let mut waiting = first.sluice(&["release", "status", &name, "--watch"]);
    let mut waiting = Running::start(&mut waiting);
    waiting.line("");
    first.running.signal(rustix::process::Signal::KILL);
    let place = |url: &str| url.trim_start_matches("http://").to_owned();
    let (listen, gateway) = (place(&first.address), place(&first.gateway));
    drop(first);

    let second = Server::start_at(&data, &listen, &gateway);
    let status = until("the new server has taken over", || {
        let status = second.status(&name);
        (status["split"]["observed"]["candidate"] == 50_000).then_some(status)
    });
    assert_eq!((&status["phase"], &status["step"]), (&"Progressing".into(), &"half".into()));
    let seen_after: Vec<_> = until("both builds are ready", || {
        let seen: Vec<_> = (0..20).map(|n| visitors.version_of(&format!("visitor-{n}"))).collect();
        (seen == seen_before).then_some(seen)
    });
    assert!(seen_after.contains(&Some("2.1.0".to_owned())), "{seen_after:?}");
    let ended = second.run(&["release", "promote", &name, "--wait", "-o", "json"]);
    assert_eq!(ended.code, 0, "{}", ended.shown());
    assert_eq!(ended.json()["status"]["phase"], "Succeeded");
    assert_eq!(waiting.code(), 0, "whoever watched saw it through: {}", waiting.rest());
}
