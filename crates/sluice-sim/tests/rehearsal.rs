//! Releases that are rehearsed on recordings.

#![expect(clippy::unwrap_used, reason = "in tests, a panic is how a failure is told")]

use std::sync::Arc;

use sluice_core::document;
use sluice_core::release::status::PhaseName;
use sluice_core::{Span, Timestamp};
use sluice_sim::rehearsal::{
    Among, Effect, Fault, Onset, Recording, Rehearsal, RehearsalError, RehearsalSpec, Shape, Stretch, run,
};

/// Three hours of a quiet service.
fn recording(rate: u64, failing: f64) -> Recording {
    let minute = |i: i64| Stretch {
        at: Timestamp::from_millis(1_763_000_000_000 + i * 60_000),
        span: Span::from_secs(60),
        requests: rate * 60,
        failed: (rate as f64 * 60.0 * failing) as u64,
        cancelled: rate / 5,
        latency: Arc::new(Shape::with_quantiles(&[(0.5, 80.0), (0.99, 500.0)]).unwrap()),
    };
    Recording::new((0..180).map(minute).collect()).unwrap()
}

fn canary(fault: Option<Fault>) -> RehearsalSpec {
    let recording = Arc::new(recording(50, 0.001));
    RehearsalSpec { fault, seed: 3, ..RehearsalSpec::new("canary".parse().unwrap(), recording) }
}

fn errors(share: f64) -> Fault {
    Fault::new(Effect::Errors { share, retries: 0 })
}

fn rehearse(spec: RehearsalSpec) -> Rehearsal {
    run(spec).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn a_good_version_is_rehearsed_to_the_end_and_its_hours_are_told() {
    let rehearsal = rehearse(canary(None));
    assert_eq!(rehearsal.phase, PhaseName::Succeeded, "{rehearsal}");
    let took = rehearsal.promoted_after.unwrap();
    assert!((45 * 60..47 * 60).contains(&(took.as_millis() / 1000)), "{rehearsal}");
    let names: Vec<&str> = rehearsal.steps.iter().map(|step| step.name.as_str()).collect();
    assert_eq!(names, ["first", "few", "quarter", "half", "all"]);
    assert!(rehearsal.steps.iter().all(|step| step.left.is_some()));
    // An hour in which the old version is kept is part of it.
    assert!(rehearsal.ended.since(rehearsal.began) > Span::from_secs(100 * 60), "{rehearsal}");
    assert_eq!(rehearsal.checks.len(), 4);
    assert!(rehearsal.checks.iter().all(|check| check.passed > 0 && check.failed == 0), "{rehearsal}");
    assert_eq!(rehearsal.fault, None);
}

#[test]
fn a_bad_version_is_taken_back_in_rehearsal_and_what_it_cost_is_told() {
    let rehearsal = rehearse(canary(Some(errors(0.3))));
    assert_eq!(rehearsal.phase, PhaseName::RolledBack, "{rehearsal}");
    let fault = rehearsal.fault.as_ref().unwrap();
    assert!(fault.failed > 0 && fault.failed <= rehearsal.failed, "{rehearsal}");
    assert!(fault.return_took.unwrap() < Span::from_secs(300), "{rehearsal}");
    assert!(rehearsal.visitors_met > 0 && rehearsal.visitors_met < 200, "{rehearsal}");
    let text = rehearsal.to_string();
    assert!(text.contains("RolledBack") && text.contains("everyone was back"), "{text}");
}

#[test]
fn a_fault_that_begins_at_a_step_is_found_in_that_step() {
    let fault = Fault { from: Onset::Step("quarter".parse().unwrap()), ..errors(0.1) };
    let rehearsal = rehearse(canary(Some(fault)));
    assert_eq!(rehearsal.phase, PhaseName::RolledBack, "{rehearsal}");
    assert_eq!(rehearsal.steps.last().unwrap().name.as_str(), "quarter");
    assert!(rehearsal.fault.unwrap().onset.unwrap() >= rehearsal.steps.last().unwrap().entered);
}

#[test]
fn the_same_seed_gives_the_same_rehearsal() {
    let fault = || Some(Fault { among: Among::Visitors(0.2), ..errors(0.5) });
    assert_eq!(rehearse(canary(fault())), rehearse(canary(fault())));
}

#[test]
fn gates_and_promotions_are_passed_and_it_is_said() {
    let documents = document::parse_yaml(
        "
kind: Policy
metadata: { name: careful }
spec:
  steps:
    - { name: staff, audience: [ { segment: employees } ], hold: { time: 1m } }
    - { name: yes, approval: { roles: [ product ], count: 2 } }
    - { name: tenth, audience: [ { segment: employees }, { percent: 10 } ], hold: { time: 1m, untilPromoted: true } }
    - { name: all, audience: [ { percent: 100 } ], hold: { time: 1m } }
  checks: [ { metric: http.errors, compare: stable, tolerate: 1pp } ]
  keepPrevious: 0s
",
    )
    .unwrap_or_else(|problems| panic!("{problems}"));
    let spec = RehearsalSpec { documents, policy: "careful".parse().unwrap(), ..canary(None) };
    let rehearsal = rehearse(spec);
    assert_eq!(rehearsal.phase, PhaseName::Succeeded, "{rehearsal}");
    assert_eq!(
        rehearsal.notes,
        ["Nobody was asked: tenth, yes passed at once.", "5 % of visitors were taken to be in employees."]
    );
}

#[test]
fn a_metric_of_the_recording_is_judged_and_one_that_is_not_in_it_cannot_tell() {
    let documents = document::parse_yaml(
        "
kind: Metric
metadata: { name: orders }
spec: { kind: ratio, worse: higher, source: { sql: { url: 'sqlite:/orders', query: 'select 1' } } }
---
kind: Metric
metadata: { name: carts }
spec: { kind: ratio, worse: higher, source: { sql: { url: 'sqlite:/carts', query: 'select 1' } } }
---
kind: Policy
metadata: { name: business }
spec:
  steps: [ { name: half, audience: [ { percent: 50 } ], hold: { time: 10m } } ]
  checks:
    - { metric: orders, compare: stable, tolerate: 10% }
    - { metric: carts, compare: stable, tolerate: 10%, onInconclusive: { wait: 1h, then: pause } }
  onInconclusive: { wait: 1h, then: pause }
",
    )
    .unwrap_or_else(|problems| panic!("{problems}"));
    let mut table = "time,requests,failed,p50,metric.orders.total,metric.orders.bad\n".to_owned();
    for minute in 0..30 {
        table.push_str(&format!("{},3000,3,80,1200,60\n", 1_763_000_000 + minute * 60));
    }
    let recording = Arc::new(Recording::from_csv(&table).unwrap());
    let effect = Effect::Metric { name: "orders".parse().unwrap(), factor: 3.0 };
    let policy = "business".parse().unwrap();
    let fault = Some(Fault::new(effect));
    let rehearsal = rehearse(RehearsalSpec { documents, fault, ..RehearsalSpec::new(policy, recording) });
    assert_eq!(rehearsal.phase, PhaseName::RolledBack, "{rehearsal}");
    assert_eq!((rehearsal.checks[0].failed, rehearsal.checks[1].passed), (1, 0), "{rehearsal}");
    assert!(rehearsal.checks[1].last.contains("the recording holds nothing of carts"), "{rehearsal}");
}

#[test]
fn what_cannot_be_rehearsed_is_refused_and_named() {
    let refused = |spec: RehearsalSpec| run(spec).unwrap_err();
    let no_policy = refused(RehearsalSpec { policy: "canari".parse().unwrap(), ..canary(None) });
    assert_eq!(no_policy.to_string(), "there is no policy `canari`; did you mean `canary`?");
    let share = refused(canary(Some(errors(1.5))));
    assert!(matches!(share, RehearsalError::Share { .. }), "{share}");
    let share = refused(canary(Some(errors(f64::NAN))));
    assert!(matches!(share, RehearsalError::Share { .. }), "{share}");
}
