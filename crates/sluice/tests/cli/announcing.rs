//! Versions: announced by a pipeline, withdrawn, and handed on from one environment to the next.

use crate::errors::check;
use crate::world::{Build, Server, Visitors, until};

/// Two environments, one after the other, and a policy that goes as fast as people are there.
const ENVIRONMENTS: &str = "kind: Environment
metadata: { name: staging }
spec: { start: automatic, policies: [ { use: at-once } ] }
---
kind: Environment
metadata: { name: production }
spec:
  after: staging
  policies: [ { use: at-once } ]
  freezes: [ { from: 2020-01-01, to: 2099-12-31, reason: the shop moves house } ]
---
kind: Policy
metadata: { name: at-once }
spec:
  steps: [ { name: all, audience: [ { percent: 100 } ] } ]
  checks: []
";

#[test]
fn a_new_service_is_created_by_its_first_announcement_when_that_is_asked_for() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(&data);
    let first = Build::start("2.0.3", "0");
    let announce = |version: &str, options: &[&str]| {
        server.run(&[&["version", "announce", "checkout", version], options].concat())
    };
    let endpoint = ["--endpoint", first.address.as_str()];
    check("announce_unknown_service", &announce("2.0.3", &endpoint), &[]);
    let created = announce("2.0.3", &[&endpoint[..], &["--create", "--host", "*"]].concat());
    check("announce_created", &created, &[]);
    until("the first version serves", || ureq::get(&server.gateway).call().ok());

    let next = Build::start("2.1.0", "0");
    let endpoint = ["--endpoint", next.address.as_str()];
    let build =
        ["--commit", "4f1c2a9b77e0d3c5", "--label", "risk=low", "--image", "example.com/checkout:2.1.0"];
    check("announce_dark", &announce("2.1.0", &[&endpoint[..], &build].concat()), &[]);
    check("announce_again", &announce("2.1.0", &[&endpoint[..], &build, &["--wait"]].concat()), &[]);
    let elsewhere = announce("2.1.0", &["--endpoint", "http://127.0.0.1:9"]);
    check("announce_elsewhere", &elsewhere, &[(&next.address, "[ENDPOINT]")]);
    let listed = server.run(&["version", "list", "checkout", "-o", "json"]).json();
    let dark = &listed["items"][1];
    assert_eq!((&dark["name"], &dark["role"]), (&"2.1.0".into(), &"dark".into()), "{listed}");
    assert_eq!(dark["announced"]["actor"], "ada");
    assert_eq!(dark["build"]["labels"]["risk"], "low");
    let table = server.run(&["version", "list", "checkout"]).stdout;
    assert!(table.contains("4f1c2a9b77e0") && table.contains("dark"), "{table}");

    check("withdraw_live", &server.run(&["version", "withdraw", "checkout", "2.0.3"]), &[]);
    check("withdraw", &server.run(&["version", "withdraw", "checkout", "2.1.0"]), &[]);
    check("withdraw_again", &server.run(&["version", "withdraw", "checkout", "2.1.0"]), &[]);
}

#[test]
fn an_announcement_that_makes_no_sense_goes_nowhere() {
    let announce = |options: &[&str]| {
        let server = ["--server", "http://127.0.0.1:1"];
        let command = [&["version", "announce", "checkout", "2.1.0"], options, &server].concat();
        crate::world::run(&mut crate::world::sluice(&command))
    };
    check("announce_start_or_not", &announce(&["--start", "--no-start"]), &[]);
    check("announce_host_without_create", &announce(&["--host", "shop.example.com"]), &[]);
    check("announce_bad_endpoint", &announce(&["--endpoint", "10.0.0.7:8080"]), &[]);
    check("announce_bad_need", &announce(&["--need", "payments"]), &[]);
    check("announce_bad_actor", &announce(&["--as", ""]), &[]);
    assert_eq!(announce(&[]).code, 4, "what makes sense is sent");
}

#[test]
fn a_version_goes_from_one_environment_to_the_next_and_everyone_sees_where_it_is() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(&data);
    let builds = [Build::start("2.0.3", "0"), Build::start("2.1.0", "0")];
    let applied = server.apply(ENVIRONMENTS);
    assert_eq!(applied.code, 0, "{}", applied.shown());
    let announce = |version: &str, environment: &str, build: &Build, options: &[&str]| {
        let command = ["version", "announce", "checkout", version, "--endpoint", &build.address];
        server.run(&[&command, &["--environment", environment][..], options].concat())
    };
    for (environment, host) in [("staging", "staging.example.com"), ("production", "*")] {
        let created = announce("2.0.3", environment, &builds[0], &["--create", "--host", host]);
        assert_eq!(created.code, 0, "{}", created.shown());
    }
    let _visitors = Visitors::start(&server.gateway);

    let endpoint = ["--endpoint", builds[1].address.as_str()];
    let hand_on = |options: &[&str]| {
        server
            .run(&[&["promote", "checkout", "2.1.0", "--to", "production"], &endpoint[..], options].concat())
    };
    check("promote_out_of_order", &hand_on(&[]), &[]);
    let staged = announce("2.1.0", "staging", &builds[1], &["--wait", "-o", "json"]);
    assert_eq!(staged.code, 0, "{}", staged.shown());
    let staged = staged.json();
    assert_eq!(staged["action"], "created");
    assert_eq!(staged["release"]["status"]["phase"], "Succeeded");
    check("standing", &server.run(&["standing"]), &[]);
    let held = hand_on(&["-o", "json"]);
    assert_eq!(held.code, 0, "{}", held.shown());
    let standing = server.run(&["standing", "-o", "json"]).json();
    assert_eq!(standing["services"][0]["environments"]["staging"]["live"], "2.1.0", "{standing}");
    let name = standing["services"][0]["environments"]["production"]["release"]["name"].clone();
    let name = name.as_str().unwrap_or_else(|| panic!("{standing}"));
    let ended = server.run(&["release", "override", name, "--reason", "fixes the outage", "--wait"]);
    assert_eq!(ended.code, 0, "{}", ended.shown());
    let events = server.run(&["events"]).stdout;
    assert!(events.contains("fixes the outage"), "{events}");
    let table = server.run(&["standing"]).stdout;
    let line = table.lines().nth(1).unwrap();
    assert_eq!(line.matches("2.1.0").count(), 2, "it is live in both: {table}");
}
