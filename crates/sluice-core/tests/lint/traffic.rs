//! What takes more requests than come.

use expect_test::{Expect, expect};

use crate::{SHOP, found_among};

fn check(spec: &str, rate: impl Into<Option<f64>>, expected: Expect) {
    expected.assert_eq(&found_among(spec, SHOP, rate.into()));
}

const HOLDING: &str = "
  steps:
    - { name: few, audience: [ { percent: 1 } ], hold: { time: 5m, requests: 100 } }
    - { name: all, audience: [ { percent: 100 } ], hold: { time: 5m } }
  checks: [ { metric: health.ready, min: 50% } ]";

#[test]
fn a_hold_that_no_traffic_can_fill_is_told() {
    check(HOLDING, 50.0, expect![[""]]);
    check(
        HOLDING,
        2.0,
        expect![[r#"
        warning: spec.steps[0].hold.requests: step `few` waits for 100 requests, which takes 1h23m at 2 requests per second; it gives up after 1h5m
          ask for fewer requests, show it to more people, or wait longer in `onInconclusive` [hold-unfilled]"#]],
    );
    check(
        HOLDING,
        0.0,
        expect![[r#"
        warning: spec.steps[0].hold.requests: step `few` waits for 100 requests, which takes for ever at 0 requests per second; it gives up after 1h5m
          ask for fewer requests, show it to more people, or wait longer in `onInconclusive` [hold-unfilled]"#]],
    );
    check(HOLDING, None, expect![[""]]);
}

#[test]
fn a_hold_for_requests_of_segments_alone_is_told_at_any_rate() {
    let spec = "
  steps:
    - { name: staff, audience: [ { segment: employees } ], hold: { requests: 100 } }
    - { name: all, audience: [ { percent: 100 } ], hold: { time: 5m } }
  checks: [ { metric: http.errors, max: 5% } ]";
    check(
        spec,
        None,
        expect![[r#"
        warning: spec.steps[0].hold.requests: step `staff` waits for 100 requests of segments only, and how many they make is not known
          hold for a time alone, or add a share of everyone [hold-unknown]"#]],
    );
    check(
        spec,
        1000.0,
        expect![[r#"
        warning: spec.steps[0].hold.requests: step `staff` waits for 100 requests of segments only, and how many they make is not known
          hold for a time alone, or add a share of everyone [hold-unknown]"#]],
    );
}

#[test]
fn a_wait_shorter_than_the_sample_takes_is_told() {
    let spec = "
  steps:
    - { name: few, audience: [ { percent: 1 } ], hold: { time: 5m } }
    - { name: all, audience: [ { percent: 100 } ], hold: { time: 5m } }
  checks:
    - { metric: http.errors, compare: stable }
    - { metric: http.errors, max: 5%, sample: 600, onInconclusive: { wait: 6h, then: rollback } }
  onInconclusive: { wait: 1m, then: pause }";
    check(spec, 100.0, expect![[""]]);
    check(
        spec,
        2.0,
        expect![[r#"
        warning: spec.onInconclusive.wait: in step `few` it takes 25m to gather the 30 requests that `http.errors` asks for, at 2 requests per second; the release gives up after 6m
          wait longer, or show it to more people in `few` (spec.steps[0]) [wait-too-short]
        warning: spec.checks[1].onInconclusive.wait: in step `few` it takes 8h20m to gather the 600 requests that `http.errors` asks for, at 2 requests per second; the release gives up after 6h5m
          wait longer, or show it to more people in `few` (spec.steps[0]) [wait-too-short]
        hint: spec.checks[1].sample: `http.errors` is judged by 600 requests, of which only 120 come within its window of 1m at 2 requests per second
          make `window` longer or `sample` smaller; as it is, older requests are judged too [sample-exceeds-window]"#]],
    );
}

#[test]
fn a_sample_that_does_not_fit_into_its_window_is_a_hint() {
    let spec = "
  steps: [ { name: half, audience: [ { percent: 50 } ], hold: { time: 1h } }, { name: all, audience: [ {} ] } ]
  checks: [ { metric: http.errors, max: 5%, window: 10s, sample: 500 } ]";
    let spec = spec.replace("[ {} ]", "[ { percent: 100 } ], hold: { time: 1h }");
    check(&spec, 100.0, expect![[""]]);
    check(
        &spec,
        10.0,
        expect![[r#"
        hint: spec.checks[0].sample: `http.errors` is judged by 500 requests, of which only 100 come within its window of 10s at 10 requests per second
          make `window` longer or `sample` smaller; as it is, older requests are judged too [sample-exceeds-window]"#]],
    );
}

#[test]
fn a_risk_budget_that_cannot_be_spent_is_told() {
    let spec = "
  steps: [ { name: grow, ramp: { to: 60, riskBudget: { failedRequests: 1000 } } } ]
  checks: [ { metric: http.errors, max: 5% } ]";
    check(spec, 100.0, expect![[""]]);
    check(
        spec,
        10.0,
        expect![[r#"
        warning: spec.steps[0].ramp.riskBudget.failedRequests: the risk budget never holds the ramp back: even if every request failed, fewer than 1000 would within 30s
          at 10 requests per second, less than 180 [risk-budget-idle]"#]],
    );
    check(spec, None, expect![[""]]);
}
