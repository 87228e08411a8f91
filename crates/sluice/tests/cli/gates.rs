//! Releases that wait for people.

use crate::errors::check;
use crate::world::{Build, Server, Visitors, documents, until};

const GATED: &str = "kind: Environment
metadata: { name: production }
spec: { roles: { product: [ ben, ada ], support: [ eve ] }, override: [ support ] }
---
kind: Policy
metadata: { name: gated }
spec:
  steps:
    - { name: half, audience: [ { percent: 50 } ], hold: { requests: 10 } }
    - { name: ask, approval: { roles: [ product, support ] } }
    - { name: all, audience: [ { percent: 100 } ], hold: { requests: 10 } }
  checks: []
";

struct Gated {
    server: Server,
    _visitors: Visitors,
    _data: tempfile::TempDir,
    _builds: [Build; 2],
}

/// A release that waits for an approval, started by ada.
fn waiting() -> (Gated, String) {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(&data);
    let builds = [Build::start("2.0.3", "0"), Build::start("2.1.0", "0")];
    let applied = server.apply(&format!("{}---\n{GATED}", documents(&builds[0], &builds[1])));
    assert_eq!(applied.code, 0, "{}", applied.shown());
    let visitors = Visitors::start(&server.gateway);
    let started = server.run(&["release", "start", "checkout", "2.1.0", "--policy", "gated", "-o", "json"]);
    assert_eq!(started.code, 0, "{}", started.shown());
    let name = started.json()["metadata"]["name"].as_str().unwrap().to_owned();
    until("it asks", || (server.status(&name)["phase"] == "AwaitingApproval").then_some(()));
    (Gated { server, _visitors: visitors, _data: data, _builds: builds }, name)
}

#[test]
fn who_started_a_release_cannot_approve_it_and_somebody_else_can() {
    let (gated, name) = waiting();
    let run = |arguments: &[&str]| gated.server.run(arguments);
    let status = run(&["release", "status", &name]);
    assert_eq!(status.code, 0, "{}", status.shown());
    for told in [
        "AwaitingApproval",
        "started by ada",
        "product or support",
        "ada started it and cannot approve it",
        "until 20",
        &format!("sluice release approve {name}"),
        &format!("sluice release override {name} --reason"),
    ] {
        assert!(status.stdout.contains(told), "{told:?} is not told: {}", status.stdout);
    }
    check("approve_own", &run(&["release", "approve", &name]), &[]);
    check("approve_stranger", &run(&["release", "approve", &name, "--as", "mallory"]), &[]);
    check("override_without_reason", &run(&["release", "override", &name, "--as", "eve"]), &[]);
    let empty = run(&["release", "override", &name, "--as", "eve", "--reason", " "]);
    check("override_with_empty_reason", &empty, &[]);
    let stranger = run(&["release", "override", &name, "--as", "ben", "--reason", "I am in a hurry"]);
    check("override_stranger", &stranger, &[]);
    assert_eq!(gated.server.status(&name)["phase"], "AwaitingApproval", "nothing of this let it go on");

    let approved = run(&["release", "approve", &name, "--as", "ben", "--reason", "looks fine", "--wait"]);
    assert_eq!(approved.code, 0, "{}", approved.shown());
    assert_eq!(gated.server.status(&name)["phase"], "Succeeded");
    let events = run(&["events"]).stdout;
    assert!(events.contains("ben") && events.contains("looks fine"), "{events}");
    check("approve_after_the_end", &run(&["release", "approve", &name, "--as", "ben"]), &[]);
}

#[test]
fn a_no_takes_everyone_back() {
    let (gated, name) = waiting();
    let reject = ["release", "reject", &name, "--reason", "the texts are wrong", "--wait"];
    let mut command = gated.server.sluice(&reject);
    let rejected = crate::world::run(command.env("SLUICE_ACTOR", "ben"));
    assert_eq!(rejected.code, 0, "{}", rejected.shown());
    let status = gated.server.status(&name);
    assert_eq!(status["phase"], "RolledBack");
    let text = status["timeline"].to_string();
    assert!(text.contains("the texts are wrong") && text.contains("ben"), "{text}");
}

#[test]
fn who_waits_in_a_script_is_told_what_the_release_waits_for() {
    let (gated, name) = waiting();
    let ended = gated.server.run(&["release", "status", &name, "--wait", "--timeout", "1ms"]);
    assert_eq!(ended.code, 1, "{}", ended.shown());
    assert!(ended.stderr.contains(&format!("sluice release approve {name}")), "{}", ended.stderr);
    let ended =
        gated.server.run(&["release", "override", &name, "--as", "eve", "--reason", "an outage", "--wait"]);
    assert_eq!(ended.code, 0, "{}", ended.shown());
}
