//! How releases would go.

#![expect(clippy::unwrap_used, reason = "what fails in a test should stop it")]

use expect_test::{Expect, expect};
use sluice_core::calendar::Calendar;
use sluice_core::document::{EnvironmentSpec, PolicySpec, Spec, parse_yaml};
use sluice_core::release::Plan;
use sluice_core::schedule::{Schedule, schedule};
use sluice_core::{Span, Timestamp, builtin};

/// A Monday, nine in the morning in UTC.
const NOW: &str = "2026-11-23T09:00:00Z";

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

fn plan(spec: &str) -> Plan {
    if let Some(policy) = builtin::policies().get(&spec.parse().unwrap_or_else(|_| "none".parse().unwrap())) {
        return resolved(spec, policy);
    }
    let text = format!("kind: Policy\nmetadata: {{ name: p }}\nspec: {spec}");
    let documents = parse_yaml(&text).unwrap_or_else(|problems| panic!("{problems}"));
    let Spec::Policy(policy) = &documents[0].spec else { panic!("{documents:?}") };
    resolved("p", policy)
}

fn resolved(name: &str, policy: &PolicySpec) -> Plan {
    Plan::new(&name.parse().unwrap(), policy, builtin::metrics()).unwrap()
}

fn calendar(spec: &str) -> Calendar {
    let text = format!("kind: Environment\nmetadata: {{ name: e }}\nspec: {{ {spec} }}");
    let documents = parse_yaml(&text).unwrap_or_else(|problems| panic!("{problems}"));
    let Spec::Environment(environment) = &documents[0].spec else { panic!("{documents:?}") };
    EnvironmentSpec::calendar(environment)
}

fn shown(schedule: &Schedule) -> String {
    let time =
        |at: Option<Timestamp>| at.map_or("?".to_owned(), |at| at.to_string()[5..19].replace('T', " "));
    let mut lines = Vec::new();
    for step in &schedule.steps {
        let takes = step.takes.map_or("?".to_owned(), |takes| takes.to_string());
        lines.push(format!(
            "{} {:?} {} .. {} ({takes}): {}",
            step.name,
            step.kind,
            time(step.begins_at),
            time(step.ends_at),
            step.audience
        ));
        lines.push(format!("  waits for {}", step.waits_for));
        lines.extend(step.undecided.iter().map(|why| format!("  undecided: {why}")));
        lines.extend(step.held_up.iter().map(|why| format!("  held up: {why}")));
        if !step.stages.is_empty() {
            let stages = step.stages.iter().map(|stage| format!("{} {}", time(stage.at), stage.share));
            lines.push(format!("  stages: {}", stages.collect::<Vec<_>>().join(", ")));
        }
    }
    lines.push(format!("{} (takes {})", schedule.end, schedule.takes));
    lines.join("\n")
}

fn check(policy: &str, environment: &str, rate: impl Into<Option<f64>>, expected: Expect) {
    let schedule = schedule(&plan(policy), &calendar(environment), rate.into(), now());
    expected.assert_eq(&shown(&schedule));
}

#[test]
fn a_canary_ends_when_its_holds_are_over() {
    check(
        "canary",
        "",
        None,
        expect![[r#"
        first Expose 11-23 09:00:00 .. 11-23 09:05:00 (5m): 1 % of everyone
          waits for 5m, 100 requests and all checks
        few Expose 11-23 09:05:00 .. 11-23 09:15:00 (10m): 5 % of everyone
          waits for 10m, 500 requests and all checks
        quarter Expose 11-23 09:15:00 .. 11-23 09:25:00 (10m): 25 % of everyone
          waits for 10m, 1000 requests and all checks
        half Expose 11-23 09:25:00 .. 11-23 09:35:00 (10m): 50 % of everyone
          waits for 10m, 1000 requests and all checks
        all Expose 11-23 09:35:00 .. 11-23 09:45:00 (10m): everyone
          waits for 10m and all checks
        Everyone has it Mon 23 Nov 2026, 09:45 UTC at the earliest (takes 45m)"#]],
    );
}

#[test]
fn where_little_comes_requests_decide_how_long_a_step_takes() {
    check(
        "canary",
        "",
        12.0,
        expect![[r#"
            first Expose 11-23 09:00:00 .. 11-23 09:13:54 (13m54s): 1 % of everyone
              waits for 5m, 100 requests (13m54s at 12 per second) and all checks
            few Expose 11-23 09:13:54 .. 11-23 09:27:48 (13m54s): 5 % of everyone
              waits for 10m, 500 requests (13m54s at 12 per second) and all checks
            quarter Expose 11-23 09:27:48 .. 11-23 09:37:48 (10m): 25 % of everyone
              waits for 10m, 1000 requests (5m34s at 12 per second) and all checks
            half Expose 11-23 09:37:48 .. 11-23 09:47:48 (10m): 50 % of everyone
              waits for 10m, 1000 requests (2m47s at 12 per second) and all checks
            all Expose 11-23 09:47:48 .. 11-23 09:57:48 (10m): everyone
              waits for 10m and all checks
            Everyone has it Mon 23 Nov 2026, 09:57:48 UTC at the earliest (takes 57m48s)"#]],
    );
}

#[test]
fn where_next_to_nothing_comes_nobody_can_tell() {
    check(
        "canary",
        "",
        0.5,
        expect![[r#"
        first Expose 11-23 09:00:00 .. ? (?): 1 % of everyone
          waits for 5m, 100 requests (5h33m at 0.5 per second) and all checks
          undecided: too few requests come: they take 5h33m to gather, and it gives up after 1h5m
        few Expose ? .. ? (?): 5 % of everyone
          waits for 10m, 500 requests (5h33m at 0.5 per second) and all checks
          undecided: too few requests come: they take 5h33m to gather, and it gives up after 1h10m
        quarter Expose ? .. ? (?): 25 % of everyone
          waits for 10m, 1000 requests (2h13m at 0.5 per second) and all checks
          undecided: too few requests come: they take 2h13m to gather, and it gives up after 1h10m
        half Expose ? .. ? (1h6m40s): 50 % of everyone
          waits for 10m, 1000 requests (1h6m at 0.5 per second) and all checks
        all Expose ? .. ? (10m): everyone
          waits for 10m and all checks
        When everyone has it cannot be told: in step first too few requests come: they take 5h33m to gather, and it gives up after 1h5m (takes 1h16m40s)"#]],
    );
    check(
        "canary",
        "",
        0.0,
        expect![[r#"
        first Expose 11-23 09:00:00 .. ? (?): 1 % of everyone
          waits for 5m, 100 requests and all checks
          undecided: no requests come
        few Expose ? .. ? (?): 5 % of everyone
          waits for 10m, 500 requests and all checks
          undecided: no requests come
        quarter Expose ? .. ? (?): 25 % of everyone
          waits for 10m, 1000 requests and all checks
          undecided: no requests come
        half Expose ? .. ? (?): 50 % of everyone
          waits for 10m, 1000 requests and all checks
          undecided: no requests come
        all Expose ? .. ? (?): everyone
          waits for 10m and all checks
          undecided: no requests come
        When everyone has it cannot be told: in step first no requests come (takes 0s)"#]],
    );
}

#[test]
fn after_what_a_person_decides_no_time_is_told() {
    check(
        "blue-green",
        "",
        50.0,
        expect![[r#"
        preview Expose 11-23 09:00:00 .. ? (?): nobody
          waits for somebody to promote it
          undecided: somebody has to promote it
        all Expose ? .. ? (10m): everyone
          waits for 10m and both checks
        When everyone has it cannot be told: in step preview somebody has to promote it (takes 10m)"#]],
    );
    check(
        "
  steps:
    - { name: few, audience: [ { percent: 5 } ], hold: { time: 1h } }
    - { name: ask, approval: { roles: [ product ], count: 2 } }
    - { name: qa, webhook: { url: 'https://qa.example.com' } }
    - { name: payments, waitFor: { service: payments, version: '>=1.4.0' } }
    - { name: migrate, pointOfNoReturn: { reason: the schema is new } }
    - { name: all, audience: [ { percent: 100 } ], hold: { time: 1h } }",
        "",
        None,
        expect![[r#"
            few Expose 11-23 09:00:00 .. 11-23 10:00:00 (1h): 5 % of everyone
              waits for 1h
            ask Approval 11-23 10:00:00 .. ? (?): approval by product, 2 people
              waits for approval by product, 2 people, within 1d
              undecided: people have to approve, within 1d
            qa Webhook ? .. ? (?): https://qa.example.com says that all is well
              waits for https://qa.example.com says that all is well, within 1h
              undecided: https://qa.example.com has to say that all is well, within 1h
            payments WaitFor ? .. ? (?): payments has >=1.4.0
              waits for payments has >=1.4.0, within 1d
              undecided: payments has to have >=1.4.0, within 1d
            migrate PointOfNoReturn ? .. ? (0s): nobody can be taken back from here on: the schema is new
              waits for nothing
            all Expose ? .. ? (1h): everyone
              waits for 1h
            When everyone has it cannot be told: in step ask people have to approve, within 1d (takes 2h)"#]],
    );
}

#[test]
fn steps_that_let_people_in_wait_for_a_window() {
    check(
        "
  steps:
    - { name: few, audience: [ { percent: 5 } ], hold: { time: 7h } }
    - { name: half, audience: [ { percent: 50 } ], hold: { time: 1h } }
    - { name: still, audience: [ { percent: 50 } ], hold: { time: 8h } }",
        "windows: [ Mon-Fri 09:00-16:30 Europe/Amsterdam ], freezes: [ { from: 2026-11-24, to: 2026-11-24, reason: fair } ]",
        None,
        expect![[r#"
            few Expose 11-23 09:00:00 .. 11-23 16:00:00 (7h): 5 % of everyone
              waits for 7h
            half Expose 11-25 08:00:00 .. 11-25 09:00:00 (1h): 50 % of everyone
              waits for 1h
              held up: no window is open; the next one opens Wed 25 Nov 2026, 09:00 Europe/Amsterdam
            still Expose 11-25 09:00:00 .. 11-25 17:00:00 (8h): 50 % of everyone
              waits for 8h
            Everyone has it Thu 26 Nov 2026, 08:00 UTC at the earliest, since no window is open; the next one opens Thu 26 Nov 2026, 09:00 Europe/Amsterdam (takes 16h)"#]],
    );
    check(
        "hotfix",
        "freezes: [ { from: 2026-11-20, to: 2026-11-30, reason: fair } ]",
        None,
        expect![[r#"
        half Expose 12-01 00:00:00 .. 12-01 00:01:00 (1m): 50 % of everyone
          waits for 1m and all checks
          held up: a freeze lasts until Tue 1 Dec 2026, 00:00 UTC (fair)
        all Expose 12-01 00:01:00 .. 12-01 00:03:00 (2m): everyone
          waits for 2m and all checks
        Everyone has it Tue 1 Dec 2026, 00:03 UTC at the earliest (takes 3m)"#]],
    );
    check(
        "hotfix",
        "freezes: [ { from: 2026-11-20, to: 2028-11-30 } ]",
        None,
        expect![[r#"
        half Expose ? .. ? (1m): 50 % of everyone
          waits for 1m and all checks
          held up: a freeze lasts until Fri 1 Dec 2028, 00:00 UTC
        all Expose ? .. ? (2m): everyone
          waits for 2m and all checks
        Everyone has it when the calendar opens, and nobody knows when that is (takes 3m)"#]],
    );
}

#[test]
fn an_even_ramp_goes_on_while_a_window_is_open() {
    check(
        "ramp",
        "",
        None,
        expect![[r#"
        ramp Ramp 11-23 09:00:00 .. 11-23 10:10:00 (1h10m): 1 % of everyone, growing to 50 % over 1h
          waits for the ramp to be climbed, 10m, 1000 requests and all checks
          stages: 11-23 09:00:00 1 %, 11-23 09:15:00 13.25 %, 11-23 09:30:00 25.5 %, 11-23 09:45:00 37.75 %, 11-23 10:00:00 50 %
        all Expose 11-23 10:10:00 .. 11-23 10:20:00 (10m): everyone
          waits for 10m and all checks
        Everyone has it Mon 23 Nov 2026, 10:20 UTC at the earliest (takes 1h20m)"#]],
    );
    check(
        "ramp",
        "windows: [ Mon-Fri 08:00-09:30 ]",
        None,
        expect![[r#"
            ramp Ramp 11-23 09:00:00 .. 11-24 08:40:00 (1h10m): 1 % of everyone, growing to 50 % over 1h
              waits for the ramp to be climbed, 10m, 1000 requests and all checks
              stages: 11-23 09:00:00 1 %, 11-23 09:15:00 13.25 %, 11-24 08:00:00 25.5 %, 11-24 08:15:00 37.75 %, 11-24 08:30:00 50 %
            all Expose 11-24 08:40:00 .. 11-24 08:50:00 (10m): everyone
              waits for 10m and all checks
            Everyone has it Tue 24 Nov 2026, 08:50 UTC at the earliest (takes 1h20m)"#]],
    );
    check(
        "ramp",
        "",
        100.0,
        expect![[r#"
            ramp Ramp 11-23 09:00:00 .. 11-23 10:13:53 (1h13m53s): 1 % of everyone, growing to 50 % over 1h
              waits for the ramp to be climbed, 10m, 1000 requests (20s at 100 per second) and all checks
              stages: 11-23 09:00:00 1 %, 11-23 09:17:48 13.25 %, 11-23 09:33:19 25.5 %, 11-23 09:48:38 37.75 %, 11-23 10:03:53 50 %
            all Expose 11-23 10:13:53 .. 11-23 10:23:53 (10m): everyone
              waits for 10m and all checks
            Everyone has it Mon 23 Nov 2026, 10:23:53 UTC at the earliest (takes 1h23m53s)"#]],
    );
}

#[test]
fn a_ramp_through_shares_holds_each() {
    check(
        "
  steps:
    - { name: grow, ramp: { through: [1, 5, 25], every: 10m, requests: 1000 }, hold: { time: 30m } }
  checks: [ { metric: http.errors, compare: stable } ]",
        "",
        40.0,
        expect![[r#"
            grow Ramp 11-23 09:00:00 .. 11-23 10:21:40 (1h21m40s): 1 % of everyone, growing to 25 % in 3 parts of 10m or more
              waits for the ramp to be climbed, 30m, 1000 requests (1m40s at 40 per second) and its check
              stages: 11-23 09:00:00 1 %, 11-23 09:41:40 5 %, 11-23 09:51:40 25 %
            Everyone has it Mon 23 Nov 2026, 10:21:40 UTC at the earliest (takes 1h21m40s)"#]],
    );
}

#[test]
fn a_ramp_by_risk_doubles_at_best() {
    check(
        "risk-budget",
        "",
        None,
        expect![[r#"
        grow Ramp 11-23 09:00:00 .. 11-23 09:08:00 (8m): nobody, growing to 50 % at the risk of 100 failed requests
          waits for the ramp to be climbed, 5m, 500 requests and all checks
          stages: 11-23 09:00:00 1 %, 11-23 09:00:30 2 %, 11-23 09:01:00 4 %, 11-23 09:01:30 8 %, 11-23 09:02:00 16 %, 11-23 09:02:30 32 %, 11-23 09:03:00 50 %
        all Expose 11-23 09:08:00 .. 11-23 09:18:00 (10m): everyone
          waits for 10m and all checks
        Everyone has it Mon 23 Nov 2026, 09:18 UTC at the earliest (takes 18m)"#]],
    );
    check(
        "risk-budget",
        "",
        20.0,
        expect![[r#"
            grow Ramp 11-23 09:00:00 .. 11-23 09:21:40 (21m40s): nobody, growing to 50 % at the risk of 100 failed requests
              waits for the ramp to be climbed, 5m, 500 requests (50s at 20 per second) and all checks
              stages: 11-23 09:00:00 1 %, 11-23 09:08:20 2 %, 11-23 09:12:30 4 %, 11-23 09:14:35 8 %, 11-23 09:15:38 16 %, 11-23 09:16:10 32 %, 11-23 09:16:40 50 %
            all Expose 11-23 09:21:40 .. 11-23 09:31:40 (10m): everyone
              waits for 10m and all checks
            Everyone has it Mon 23 Nov 2026, 09:31:40 UTC at the earliest (takes 31m40s)"#]],
    );
}

#[test]
fn of_segments_only_time_is_known() {
    check(
        "segments-first",
        "",
        50.0,
        expect![[r#"
        employees Expose 11-23 09:00:00 .. 11-23 09:10:00 (10m): all of employees, without no-risk
          waits for 10m and all checks
        friends Expose 11-23 09:10:00 .. 11-23 09:20:00 (10m): all of employees and all of friends-and-family, without no-risk
          waits for 10m and all checks
        low-risk-5 Expose 11-23 09:20:00 .. 11-23 09:30:00 (10m): all of employees, all of friends-and-family and 5 % of low-risk, without no-risk
          waits for 10m and all checks
        low-risk-25 Expose 11-23 09:30:00 .. 11-23 09:40:00 (10m): all of employees, all of friends-and-family and 25 % of low-risk, without no-risk
          waits for 10m and all checks
        low-risk Expose 11-23 09:40:00 .. 11-23 09:50:00 (10m): all of employees, all of friends-and-family and all of low-risk, without no-risk
          waits for 10m and all checks
        few Expose 11-23 09:50:00 .. 11-23 10:00:00 (10m): all of employees, all of friends-and-family, all of low-risk and 5 % of everyone, without no-risk
          waits for 10m, 500 requests (3m20s at 50 per second) and all checks
        quarter Expose 11-23 10:00:00 .. 11-23 10:10:00 (10m): all of employees, all of friends-and-family, all of low-risk and 25 % of everyone, without no-risk
          waits for 10m, 1000 requests (1m20s at 50 per second) and all checks
        half Expose 11-23 10:10:00 .. 11-23 10:20:00 (10m): all of employees, all of friends-and-family, all of low-risk and 50 % of everyone, without no-risk
          waits for 10m, 1000 requests (40s at 50 per second) and all checks
        all Expose 11-23 10:20:00 .. 11-23 10:30:00 (10m): everyone, without no-risk
          waits for 10m and all checks
        Everyone has it Mon 23 Nov 2026, 10:30 UTC at the earliest (takes 1h30m)"#]],
    );
}

#[test]
fn copies_are_requests_too_and_watching_waits_for_time() {
    check(
        "shadow-first",
        "",
        5.0,
        expect![[r#"
        copies Expose 11-23 09:00:00 .. 11-23 09:16:40 (16m40s): nobody, with 10 % of requests copied
          waits for 10m, 500 requests (16m40s at 5 per second) and all checks
        few Expose 11-23 09:16:40 .. 11-23 09:50:00 (33m20s): 5 % of everyone
          waits for 10m, 500 requests (33m20s at 5 per second) and all checks
        half Expose 11-23 09:50:00 .. 11-23 10:00:00 (10m): 50 % of everyone
          waits for 10m, 1000 requests (6m40s at 5 per second) and all checks
        all Expose 11-23 10:00:00 .. 11-23 10:10:00 (10m): everyone
          waits for 10m and all checks
        Everyone has it Mon 23 Nov 2026, 10:10 UTC at the earliest (takes 1h10m)"#]],
    );
    check(
        "validate-only",
        "",
        50.0,
        expect![[r#"
        watch Expose 11-23 09:00:00 .. 11-23 09:30:00 (30m): everyone
          waits for 30m and all checks
        Everyone has it Mon 23 Nov 2026, 09:30 UTC at the earliest (takes 30m)"#]],
    );
}

#[test]
fn what_happens_on_trouble_is_said_in_sentences() {
    let plan = plan(
        "
  excludeUntilEnd: [ no-risk ]
  steps:
    - { name: few, audience: [ { percent: 5 } ] }
    - { name: all, audience: [ { percent: 100 } ] }
  checks:
    - { metric: http.errors, max: 5%, onFail: { rollbackGradually: { over: 5m } } }
    - { metric: http.latency, quantile: 0.95, compare: stable, tolerate: 10%, onInconclusive: { wait: 5m, then: { rebalance: { step: few, times: 2 } } } }
  onFail: { redeploy: { url: 'https://ci.example.com/deploy' } }
  onNewer: refuse",
    );
    let schedule = schedule(&plan, &Calendar::default(), None, now());
    assert_eq!(schedule.keep_previous, Span::from_secs(3600));
    let said = [
        &[schedule.start, schedule.on_fail, schedule.on_inconclusive, schedule.on_newer, schedule.afterwards]
            [..],
        &schedule.checks,
    ];
    expect![[r#"
        The new version must have a ready endpoint within 10m
        When a check fails, everyone goes back at once and https://ci.example.com/deploy is told to deploy again
        When a check cannot tell for another 1h, or a gate is not passed in time, it pauses until somebody decides
        A newer version is refused until it has ended
        The previous version is kept for 1h, so that everyone can go back at once; people in no-risk get it then too
        http.errors at most 5 % over 1m; if not, people go back little by little, over 5m
        http.latency p95 not more than 10 % worse than stable (99 % sure); if that cannot be told for 5m, it goes back to step few, 2 times at most; after that everyone goes back at once"#]].assert_eq(&said.concat().join("\n"));
}
