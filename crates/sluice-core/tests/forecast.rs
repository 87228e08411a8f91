//! What a release would be able to see, and whether that is what is seen.

#![expect(clippy::unwrap_used, reason = "what fails in a test should stop it")]

#[path = "forecast/simulated.rs"]
mod simulated;

use expect_test::expect;
use simulated::{Load, Random, run};
use sluice_core::builtin;
use sluice_core::document::{PolicySpec, Spec, parse_yaml};
use sluice_core::forecast::{
    Assumed, Bad, DoubtCode, Failures, Figure, Forecast, Latency, Origin, Traffic, forecast,
};
use sluice_core::release::Plan;

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

fn given(value: f64) -> Figure {
    Figure { value, origin: Origin::Given }
}

fn traffic(load: Load) -> Traffic {
    let quantile = |z: f64| load.p50 * (load.sigma * z).exp();
    let latency = Latency {
        p50: load.p50,
        p95: quantile(1.644_853_6),
        p99: quantile(2.326_347_9),
        origin: Origin::Given,
    };
    // Every request is another visitor's.
    let visitors = given(load.rate * 3600.0);
    Traffic { errors: given(load.errors), latency, visitors, ..Traffic::of_rate(given(load.rate)) }
}

fn of(policy: &str, load: Load, bad: Bad) -> Forecast {
    let assumed = match bad {
        Bad::Failures(share) => Assumed { failures: Failures::Share(share), ..Assumed::default() },
        Bad::Slower(slower) => Assumed { slower, ..Assumed::default() },
    };
    forecast(&plan(policy), &traffic(load), &assumed)
}

const LOAD: Load = Load { rate: 50.0, errors: 0.002, p50: 80.0, sigma: 0.6 };

/// Means of so many releases each.
const RUNS: u64 = 24;

/// Compares with releases that the core decides: the time until a bad version is found, and how many of its requests
/// fail until then, each within a factor of two. A few seconds and requests more or less tell nothing.
#[track_caller]
fn comes_true(policy: &str, load: Load, bad: Bad) {
    let foretold = of(policy, load, bad);
    let outcome = if matches!(bad, Bad::Failures(_)) { &foretold.failing } else { &foretold.slower };
    let plan = plan(policy);
    let runs: Vec<_> = (0..RUNS).map(|seed| run(&plan, load, bad, &mut Random::new(seed))).collect();
    let times: Vec<f64> = runs.iter().filter_map(|run| run.found_after).collect();
    let found = times.len() as f64 / RUNS as f64;
    assert!((found - outcome.found).abs() < 0.25, "{bad:?}: found {found}, foretold {}", outcome.found);
    let is_near = |foretold: f64, seen: f64, slack: f64| {
        foretold <= 2.0 * seen + slack && seen <= 2.0 * foretold + slack
    };
    let after = outcome.found_after.unwrap().as_millis() as f64 / 1000.0;
    let mean = times.iter().sum::<f64>() / times.len() as f64;
    assert!(is_near(after, mean, 3.0), "{bad:?}: found after {mean}, foretold {after}");
    if let Some(failed) = outcome.failed {
        let mean = runs.iter().map(|run| run.failed as f64).sum::<f64>() / RUNS as f64;
        assert!(is_near(failed as f64, mean, 2.0), "{bad:?}: {mean} failed, foretold {failed}");
    }
}

#[test]
fn what_a_canary_is_foretold_to_find_and_to_cost_comes_true() {
    for share in [1.0, 0.2, 0.05, 0.02] {
        comes_true("canary", LOAD, Bad::Failures(share));
    }
}

#[test]
fn so_it_does_where_few_requests_come_and_more_of_them_fail() {
    let load = Load { rate: 10.0, errors: 0.01, ..LOAD };
    for share in [1.0, 0.2, 0.1] {
        comes_true("canary", load, Bad::Failures(share));
    }
}

#[test]
fn slower_versions_are_found_when_it_is_foretold() {
    comes_true("canary", LOAD, Bad::Slower(0.5));
    comes_true("canary", LOAD, Bad::Slower(2.0));
}

const RAMP: &str = "
  steps:
    - { name: grow, ramp: { from: 1, to: 20, over: 10m }, hold: { time: 1m } }
    - { name: all, audience: [ { percent: 100 } ], hold: { time: 1m } }
  checks:
    - { metric: http.errors, compare: stable, tolerate: 0.5pp, confidence: 99% }
  keepPrevious: 0s";

#[test]
fn so_it_does_on_a_ramp() {
    comes_true(RAMP, LOAD, Bad::Failures(0.03));
    comes_true(RAMP, LOAD, Bad::Failures(0.1));
}

#[test]
fn a_worse_version_is_found_sooner_and_a_larger_share_costs_more_if_it_is_never_found() {
    let foretold = of("canary", LOAD, Bad::Failures(0.05));
    let levels: Vec<_> = foretold.levels.iter().map(|level| level.found_after.unwrap()).collect();
    assert!(levels.is_sorted_by(|one, worse| one >= worse), "{levels:?}");
    let at_most: Vec<u64> = foretold.steps.iter().map(|step| step.failed_at_most).collect();
    assert!(at_most.is_sorted() && at_most[0] < at_most[4], "{at_most:?}");
    // 1 % of 50 requests a second for 5 minutes, of which 5 % fail.
    assert_eq!((foretold.steps[0].requests, at_most[0]), (150, 8));
    let smallest: Vec<f64> = foretold.steps.iter().map(|step| step.smallest.unwrap()).collect();
    assert!(smallest[..4].is_sorted_by(|one, next| one >= next), "{smallest:?}");
    assert!(smallest[3] > 0.007, "less than is tolerated cannot be found: {smallest:?}");
}

#[test]
fn a_kept_margin_is_proved_where_enough_requests_come() {
    let steps = of("canary", Load { rate: 300.0, ..LOAD }, Bad::Failures(0.05)).steps;
    let proves = |step: usize| steps[step].checks[0].proves_after;
    assert_eq!(proves(0), None, "five minutes at 1 % are too few");
    assert!(proves(3).unwrap() < steps[3].takes.unwrap());
    assert_eq!(proves(4), None, "there is nobody to compare with");
}

fn doubts(policy: &str, load: Load) -> Vec<(usize, DoubtCode)> {
    let never = of(policy, load, Bad::Failures(0.05)).never;
    never.into_iter().map(|never| (never.index, never.doubt.code)).collect()
}

#[test]
fn checks_that_can_never_tell_are_named_with_the_reason() {
    let with = |steps: &str, check: &str| {
        format!("{{ steps: [ {steps} ], checks: [ {check} ], onInconclusive: {{ wait: 1m, then: pause }} }}")
    };
    let five = "{ name: a, audience: [ { percent: 5 } ], hold: { time: 5m } }";
    let all = "{ name: a, audience: [ { percent: 100 } ], hold: { time: 5m } }";
    let staff = "{ name: a, audience: [ { segment: employees } ], hold: { time: 5m } }";
    let errors = "{ metric: http.errors, compare: stable }";
    let none = Load { rate: 0.0, ..LOAD };
    for (steps, check, load, code) in [
        (five, errors, none, DoubtCode::NoTraffic),
        (all, errors, LOAD, DoubtCode::Everyone),
        (staff, errors, LOAD, DoubtCode::Segments),
        (five, "{ metric: http.errors, compare: stable, tolerate: 99.9pp }", LOAD, DoubtCode::Margin),
        (five, "{ metric: http.errors, max: 100% }", LOAD, DoubtCode::Margin),
        (five, "{ metric: http.errors, max: 1%, sample: 100000 }", LOAD, DoubtCode::Sample),
        (
            five,
            "{ metric: http.latency, quantile: 0.999, compare: stable }",
            Load { rate: 2.0, ..LOAD },
            DoubtCode::Quantile,
        ),
    ] {
        assert_eq!(doubts(&with(steps, check), load), [(0, code)], "{steps} {check}");
    }
    assert_eq!(doubts("canary", LOAD), []);
    assert_eq!(doubts(&with(five, "{ metric: health.ready, min: 50% }"), LOAD), []);
}

#[test]
fn bounds_that_a_good_version_fails_by_chance_are_told() {
    let tight = "{ steps: [ { name: a, audience: [ { percent: 50 } ], hold: { time: 30m } } ], \
                 checks: [ { metric: http.errors, max: 1%, sample: 20 } ] }";
    let load = Load { rate: 1.0, errors: 0.005, ..LOAD };
    let foretold = of(tight, load, Bad::Failures(0.05));
    assert!(foretold.by_chance > 0.5, "{}", foretold.by_chance);
    assert!(of("canary", LOAD, Bad::Failures(0.05)).by_chance < 0.01);
}

#[test]
fn where_people_decide_nobody_can_tell_how_long_it_takes() {
    let policy = "{ steps: [
      { name: few, audience: [ { percent: 5 } ], hold: { time: 5m } },
      { name: ask, approval: { roles: [ product ] } },
      { name: test, audience: [ { percent: 50 } ], hold: { untilPromoted: true } },
      { name: all, audience: [ { percent: 100 } ], hold: { time: 5m } } ],
      checks: [ { metric: http.errors, compare: stable } ] }";
    let foretold = of(policy, LOAD, Bad::Failures(0.05));
    let takes: Vec<Option<String>> =
        foretold.steps.iter().map(|step| step.takes.map(|takes| takes.to_string())).collect();
    assert_eq!(takes, [Some("5m".to_owned()), None, None, Some("5m".to_owned())]);
    assert_eq!((foretold.takes.to_string().as_str(), foretold.undecided.len()), ("10m", 2));
    assert_eq!(foretold.steps[2].counted.to_string(), "1h");
}

#[test]
fn no_figure_breaks_it() {
    let odd = [0.0, -1.0, 1e-300, 1.0, 1e300, f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
    for policy in ["canary", "ramp", "risk-budget", "segments-first", "shadow-first", "ab", "validate-only"] {
        let plan = plan(policy);
        for (index, value) in odd.into_iter().enumerate() {
            let other = odd[(index + 3) % odd.len()];
            let traffic = Traffic {
                rate: given(value),
                errors: given(other),
                latency: Latency { p50: other, p95: value, p99: other, origin: Origin::Given },
                visitors: given(value),
                services: 0,
            };
            let assumed = Assumed { failures: Failures::Times(value), slower: other };
            let foretold = forecast(&plan, &traffic, &assumed);
            assert_eq!(foretold.steps.len(), plan.steps.len());
            assert!(foretold.failing.found >= 0.0 && foretold.failing.found <= 1.0, "{policy} {value}");
            assert!(!foretold.to_string().contains("NaN"), "{policy} {value}: {foretold}");
        }
    }
}

const STEPS: &str = "
  steps:
    - { name: few, audience: [ { percent: 5 } ], hold: { time: 10m, requests: 500 } }
    - { name: ask, approval: { roles: [ product ] } }
    - { name: half, audience: [ { percent: 50 } ], hold: { time: 10m } }
    - { name: all, audience: [ { percent: 100 } ], hold: { time: 10m } }
  checks:
    - { metric: http.errors, compare: stable, tolerate: 0.5pp, confidence: 99% }
    - { metric: http.latency, quantile: 0.95, compare: stable, tolerate: 20%, confidence: 99% }
    - { metric: http.errors, max: 20%, sample: 100000 }";

#[test]
fn a_forecast_is_a_table_and_plain_sentences() {
    let load = Load { rate: 20.0, ..LOAD };
    expect![[r#"
        Policy p, worked out for 20 requests per second (given), 0.2 % of them fail (given), p50 80 ms, p95 214.6 ms, p99 323.1 ms (given), 72 000 visitors an hour (given)

        STEP  SHARE  TAKES  FOUND AFTER   90 %  SMALLEST   PEOPLE  FAILED  AT MOST
        few     5 %      ?         2m9s  4m24s     1.2 %     4200       6      210
        ask     5 %      ?            -      -         -     4200       6      210
        half   50 %      ?          39s    59s     0.9 %   46 200       6     2310
        all   100 %      ?            -      -     never  130 200       6     6510

        FOUND AFTER and 90 %: a version that fails 5 % of its requests, if that first shows in this step.
        SMALLEST: the fewest failures that are found within the step, on average.
        FAILED: requests that fail by the step's end, such a version being bad from the start.

        A VERSION THAT               FOUND   AFTER    90 %  IN STEP  FAILED  AT MOST  PEOPLE
        fails 1 % of its requests     99 %   1h27m   1h49m     half     158     1302  15 845
        fails 2 % of its requests    100 %  14m34s  26m39s      few      17     2604     873
        fails 5 % of its requests    100 %    2m9s   4m24s      few       6     6510     128
        fails 20 % of its requests   100 %     18s     44s      few       3   26 040      16
        fails 100 % of its requests  100 %      5s      6s      few       3  130 200       3
        takes 50 % longer            100 %   2m32s   3m50s      few       -        -     150

        If nothing is wrong, the release takes 0s, without what nobody can tell.
        How long a step takes cannot be told, few: too few requests come: they take 1d3h to gather, and it gives up after 1h10m.
        How long a step takes cannot be told, ask: people have to approve, within 1d.
        How long a step takes cannot be told, half: too few requests come: they take 2h46m to gather, and it gives up after 1h10m.
        How long a step takes cannot be told, all: too few requests come: they take 1h23m to gather, and it gives up after 1h10m.
        A version that fails 5 % of its requests is found after about 2m9s, in step few by `http.errors not more than 0.5 percentage points worse than stable (99 % sure)`, nine times in ten within 4m24s: 6 requests fail on the way, and 128 people meet it.
        A version that takes 50 % longer is found after about 2m32s, in step few by `http.latency p95 not more than 20 % worse than stable (99 % sure)`, nine times in ten within 3m50s: 150 people meet it.
    "#]].assert_eq(&of(STEPS, load, Bad::Failures(0.05)).to_string());
}
