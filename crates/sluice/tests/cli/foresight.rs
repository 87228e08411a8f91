//! Mistakes that are found, and schedules that are seen, before anybody meets anything.

use crate::errors::check;
use crate::world::{Build, Server, documents, run, sluice};

/// A policy with mistakes that can be seen without traffic, and one without.
const POLICIES: &str = "kind: Policy
metadata: { name: hasty }
spec:
  steps:
    - { name: testers, audience: [ { segment: nobody } ], hold: { time: 10m } }
    - { name: all, audience: [ { percent: 100 } ], hold: { time: 1h } }
  checks: [ { metric: http.errors, max: 100% } ]
---
kind: Policy
metadata: { name: fine }
spec:
  steps:
    - { name: small, audience: [ { percent: 5 } ], hold: { time: 10m } }
    - { name: all, audience: [ { percent: 100 } ], hold: { time: 10m } }
  checks: [ { metric: http.errors, compare: stable, tolerate: 0.5pp, confidence: 99% } ]
---
kind: Segment
metadata: { name: nobody }
spec: { match: \"visitor.plan == 'x' && visitor.plan == 'y'\" }
";

#[test]
fn mistakes_in_policies_are_found_with_and_without_a_server() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(&data);
    std::fs::write(data.path().join("policies.yaml"), POLICIES).unwrap();
    let lint = |options: &[&str]| {
        let command = [&["policy", "lint"], options].concat();
        crate::world::run(server.sluice(&command).current_dir(data.path()))
    };
    check("lint_offline", &lint(&["-f", "policies.yaml", "--offline"]), &[]);
    check("lint_files", &lint(&["-f", "policies.yaml"]), &[]);
    assert_eq!(server.run(&["get", "policy", "hasty"]).code, 1, "nothing was applied");
    check("lint_unknown", &lint(&["canery"]), &[]);
    check("lint_built_in", &lint(&["canary"]), &[]);
    check("lint_nothing_applied", &lint(&[]), &[]);
    let applied = server.apply(POLICIES);
    assert_eq!(applied.code, 0, "{}", applied.shown());
    let found = lint(&["-o", "json"]).json();
    let names: Vec<_> = found["policies"].as_array().unwrap().iter().map(|p| &p["policy"]).collect();
    assert_eq!(names, ["fine", "hasty"], "{found}");
    let strict = lint(&["fine", "--strict"]);
    assert_eq!(strict.code, 0, "{}", strict.shown());
    std::fs::write(data.path().join("policies.yaml"), POLICIES.replace("max: 100%", "max: 20%")).unwrap();
    let warned = lint(&["-f", "policies.yaml"]);
    assert_eq!(warned.code, 0, "a warning is no error: {}", warned.shown());
    assert!(warned.stdout.contains("warning[segment-matches-nobody]"), "{}", warned.shown());
    let strict = lint(&["-f", "policies.yaml", "--strict", "-o", "json"]);
    assert_eq!(strict.code, 1, "{}", strict.shown());
    assert_eq!(strict.json()["policies"][1]["findings"][0]["severity"], "warning");
}

#[test]
fn a_lint_of_files_without_policies_is_a_mistake_too() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("a.yaml"),
        "kind: Segment\nmetadata: { name: x }\nspec: { match: \"true\" }\n",
    )
    .unwrap();
    let lint = run(sluice(&["policy", "lint", "-f", "a.yaml", "--offline"]).current_dir(folder.path()));
    check("lint_no_policies", &lint, &[]);
    check("lint_offline_without_files", &run(&mut sluice(&["policy", "lint", "--offline"])), &[]);
}

#[test]
fn a_schedule_is_seen_before_a_release_starts() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(&data);
    let builds = [Build::start("2.0.3", "0"), Build::start("2.1.0", "0")];
    let policy = "---
kind: Policy
metadata: { name: careful }
spec:
  steps:
    - { name: small, audience: [ { percent: 5 } ], hold: { time: 15m, requests: 1000 } }
    - { name: ask, approval: { roles: [ product ], count: 2, expires: 24h } }
    - { name: ramp, ramp: { from: 5, to: 50, over: 1h } }
    - { name: migrate, pointOfNoReturn: { reason: orders are migrated } }
    - { name: all, audience: [ { percent: 100 } ], hold: { time: 30m } }
  checks: []
---
kind: Environment
metadata: { name: production }
spec: { roles: { product: [ ben, eve ] } }
";
    let applied = server.apply(&format!("{}{policy}", documents(&builds[0], &builds[1])));
    assert_eq!(applied.code, 0, "{}", applied.shown());
    let start = ["release", "start", "checkout", "2.1.0", "--policy", "careful", "--dry-run"];
    check("dry_run", &server.run(&start), &[]);
    let schedule = server.run(&[&start[..], &["-o", "json"]].concat()).json();
    assert_eq!(schedule["steps"].as_array().unwrap().len(), 5, "{schedule}");
    let list = server.run(&["release", "list", "-o", "json"]).json();
    assert_eq!(list["items"].as_array().unwrap().len(), 0, "nothing was started");
    let unknown = ["release", "start", "checkout", "9.9.9", "--dry-run"];
    check("dry_run_refused", &server.run(&unknown), &[]);
}

#[test]
fn a_diff_shows_gates_and_ramps_as_they_are_written() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(&data);
    let before = "kind: Policy
metadata: { name: careful }
spec:
  steps: [ { name: all, audience: [ { percent: 100 } ] } ]
  checks: []
";
    let after = "kind: Policy
metadata: { name: careful }
spec:
  steps:
    - { name: shadow, shadow: { percent: 10 }, hold: { requests: 100 } }
    - { name: ramp, ramp: { to: 50, riskBudget: { failedRequests: 100 } } }
    - { name: ask, approval: { roles: [ product ] } }
    - { name: wait, waitFor: { service: payments, version: \">=1.4.0\" } }
    - { name: migrate, pointOfNoReturn: { reason: orders are migrated } }
    - { name: all, audience: [ { percent: 100 } ] }
  excludeUntilEnd: [ vip ]
  checks: []
  onFail: { rebalance: { step: ramp } }
---
kind: Segment
metadata: { name: vip }
spec: { match: \"visitor.plan == 'vip'\" }
---
kind: Environment
metadata: { name: production }
spec: { policies: [ { use: careful } ], roles: { product: [ ben ] } }
---
kind: Service
metadata: { name: payments }
spec: { versions: [ { name: 1.4.0 } ] }
";
    assert_eq!(server.apply(before).code, 0);
    std::fs::write(data.path().join("after.yaml"), after).unwrap();
    let on_file = |arguments: &[&str]| {
        crate::world::run(
            server.sluice(&[arguments, &["-f", "after.yaml"]].concat()).current_dir(data.path()),
        )
    };
    check("diff_gates", &on_file(&["diff"]), &[]);
    check("apply_dry_run", &on_file(&["apply", "--dry-run"]), &[]);
    let broken = after.replace("step: ramp", "step: rump");
    std::fs::write(data.path().join("after.yaml"), broken).unwrap();
    check("validate_problems", &on_file(&["validate"]), &[]);
    let broken = after
        .replace("roles: [ product ]", "roles: [ producer ]")
        .replace("service: payments", "service: payment")
        .replace("[ vip ]", "[ vips ]");
    std::fs::write(data.path().join("after.yaml"), broken).unwrap();
    check("apply_dry_run_problems", &on_file(&["apply", "--dry-run"]), &[]);
    check("apply_problems", &on_file(&["apply"]), &[]);
    let kept = server.run(&["get", "policy", "careful", "-o", "json"]).json();
    assert_eq!(kept["spec"]["steps"].as_array().unwrap().len(), 1, "nothing was half-applied");
    assert_eq!(server.run(&["get", "segment", "vip"]).code, 1, "nothing was half-applied");
}

#[test]
fn a_plan_tells_what_a_release_could_see_before_there_is_a_version() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(&data);
    let service =
        "kind: Service\nmetadata: { name: checkout }\nspec: { routes: [ { host: shop.example } ] }\n";
    assert_eq!(server.apply(service).code, 0);
    let figures = ["--rate", "20", "--error-rate", "0.2%", "--latency", "p95=250ms", "--visitors", "7200"];
    let plan =
        |options: &[&str]| server.run(&[&["plan", "checkout", "2.1.0"], &figures[..], options].concat());
    let told = plan(&["--policy", "canary", "--bad", "errors=10%", "--bad", "slower=30%"]);
    assert_eq!(told.code, 0, "{}", told.shown());
    for words in
        ["Policy canary, worked out for 20 requests per second (given)", "fails 10 %", "takes 30 % longer"]
    {
        assert!(told.stdout.contains(words), "{words}: {}", told.shown());
    }
    let json = plan(&["--bad", "errors=3x", "-o", "json"]).json();
    assert_eq!(json["failing"]["bad"]["failures"].as_f64().map(|share| (share * 1e6).round()), Some(6000.0));
    check("plan_unknown_service", &server.run(&["plan", "chekcout"]), &[]);
    check("plan_unknown_policy", &server.run(&["plan", "checkout", "--policy", "canray"]), &[]);
    assert_eq!(plan(&["--bad", "errors=200%"]).code, 2, "more than all cannot fail");
}
