//! The files of `integrations/`, run as the systems that they are for would run them: against a real server, with real
//! builds and visitors.

#![expect(clippy::unwrap_used, reason = "in tests, a panic is how a failure is told")]

mod circleci;
mod github;
mod gitlab;
mod step;
#[expect(dead_code, reason = "what the tests of the command line need besides")]
#[path = "../cli/world.rs"]
mod world;

use std::path::Path;

use serde_json::Value;
use step::{Given, Step};
use world::{Build, Ended, Server, Visitors};

/// A service with one version, in an environment that starts releases by itself.
fn documents(stable: &Build) -> String {
    format!(
        "kind: Service
metadata: {{ name: checkout }}
spec:
  routes: [ {{ path: / }} ]
  health: {{ every: 200ms }}
  versions: [ {{ name: 2.0.3, endpoints: [ \"{}\" ] }} ]
---
kind: Policy
metadata: {{ name: quick }}
spec:
  steps:
    - {{ name: half, audience: [ {{ percent: 50 }} ], hold: {{ requests: 40 }} }}
    - {{ name: all, audience: [ {{ percent: 100 }} ], hold: {{ requests: 40 }} }}
  checks: [ {{ metric: http.errors, max: 20%, sample: 10 }} ]
---
kind: Environment
metadata: {{ name: production }}
spec:
  start: automatic
  policies: [ {{ use: quick }} ]
",
        stable.address
    )
}

fn service(server: &Server) -> Value {
    server.run(&["get", "service", "checkout", "-o", "json"]).json()["status"].clone()
}

fn releases(server: &Server) -> Vec<Value> {
    let list = server.run(&["release", "list", "-o", "json"]).json();
    list["items"].as_array().unwrap().clone()
}

/// What a pipeline meets in its life, with a step of one system.
fn a_pipeline_announces(step: impl Fn(&Given) -> Step) {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(&data);
    let stable = Build::start("2.0.3", "0");
    let applied = server.apply(&documents(&stable));
    assert_eq!(applied.code, 0, "{}", applied.shown());
    let _visitors = Visitors::start(&server.gateway);
    let announce = |version: &str, build: &Build| -> Ended {
        let endpoints = &build.address;
        step(&Given { server: &server.address, version, endpoints, ..Given::default() }).run(data.path())
    };

    let good = Build::start("2.1.0", "0");
    let ended = announce("2.1.0", &good);
    assert_eq!(ended.code, 0, "{}", ended.shown());
    let status = service(&server);
    assert_eq!(status["live"], "2.1.0", "{status}");
    let version = status["versions"].as_array().unwrap().iter().find(|v| v["name"] == "2.1.0").unwrap();
    assert_eq!(version["build"]["commit"], step::COMMIT, "{version}");
    assert_eq!(version["build"]["url"], step::BUILD_URL, "{version}");
    assert_eq!(version["build"]["labels"]["risk"], "low", "{version}");
    assert_eq!(version["announced"]["actor"], step::ACTOR, "{version}");
    let first = releases(&server);
    assert_eq!(first.len(), 1, "{first:?}");
    assert_eq!(first[0]["status"]["phase"], "Succeeded");
    assert_eq!(first[0]["status"]["startedBy"], step::ACTOR);

    let again = announce("2.1.0", &good);
    assert_eq!(again.code, 0, "{}", again.shown());
    assert_eq!(releases(&server).len(), 1, "the same announcement started a second release");

    let elsewhere = announce("2.1.0", &stable);
    assert_eq!(elsewhere.code, 1, "other endpoints of the same version: {}", elsewhere.shown());

    let bad = Build::start("2.2.0", "100");
    let ended = announce("2.2.0", &bad);
    assert_eq!(ended.code, 1, "{}", ended.shown());
    let found = releases(&server);
    assert_eq!(found[0]["status"]["phase"], "RolledBack", "{found:?}");
    assert_eq!(service(&server)["live"], "2.1.0");
}

/// What is given is text, wherever it comes from, and never a command or an option.
fn what_is_given_is_only_text(step: impl Fn(&Given) -> Step) {
    let folder = tempfile::tempdir().unwrap();
    // Nobody listens on port 1 of a machine that runs tests.
    let server = "http://127.0.0.1:1";
    for version in ["1$(touch made)", "1`touch made`", "1; touch made", "1\"; touch made; \"", "--help"] {
        let ended = step(&Given { server, version, ..Given::default() }).run(folder.path());
        assert_eq!(ended.code, 2, "{version}: {}", ended.shown());
    }
    for endpoints in ["http://$(touch${IFS}made)", "--help", "*"] {
        let ended = step(&Given { server, endpoints, ..Given::default() }).run(folder.path());
        assert_eq!(ended.code, 2, "{endpoints}: {}", ended.shown());
        assert!(ended.stderr.contains(endpoints), "{endpoints}: {}", ended.shown());
    }
    assert!(!folder.path().join("made").exists(), "something given was run");
    let ended = step(&Given { server, ..Given::default() }).run(folder.path());
    assert_eq!(ended.code, 4, "nobody listens: {}", ended.shown());
    let ended =
        step(&Given { server, program: Some("/no/such/sluice"), ..Given::default() }).run(folder.path());
    assert_eq!(ended.code, 127, "{}", ended.shown());
    assert!(ended.stderr.contains("/no/such/sluice"), "{}", ended.shown());
}

#[test]
fn a_github_action_announces_waits_and_fails_with_the_release() {
    a_pipeline_announces(github::step);
}

#[test]
fn a_github_action_takes_what_it_is_given_as_text() {
    what_is_given_is_only_text(github::step);
}

#[test]
fn a_circleci_command_announces_waits_and_fails_with_the_release() {
    a_pipeline_announces(circleci::command);
}

#[test]
fn a_circleci_command_takes_what_it_is_given_as_text() {
    what_is_given_is_only_text(circleci::command);
}

#[test]
fn the_circleci_job_hands_everything_on_to_the_command() {
    let given = Given { server: "http://127.0.0.1:1", ..Given::default() };
    assert_eq!(circleci::job(&given), circleci::command(&given));
}

#[test]
fn a_gitlab_job_announces_waits_and_fails_with_the_release() {
    a_pipeline_announces(|given| gitlab::step(given, "bash"));
}

#[test]
fn a_gitlab_job_takes_what_it_is_given_as_text_in_any_shell() {
    for shell in ["sh", "bash"] {
        what_is_given_is_only_text(|given| gitlab::step(given, shell));
    }
}

#[test]
fn every_file_is_short_enough_to_be_read_before_it_is_copied() {
    let folder = Path::new(step::FOLDER);
    for file in ["github-action/action.yml", "circleci/orb.yml", "gitlab/sluice.yml"] {
        let text = std::fs::read_to_string(folder.join(file)).unwrap();
        assert!(text.lines().count() <= 80, "{file} has {} lines", text.lines().count());
    }
}
