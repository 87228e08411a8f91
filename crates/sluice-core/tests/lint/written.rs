//! What shows from the policy alone.

use expect_test::{Expect, expect};

use crate::found;

fn check(spec: &str, expected: Expect) {
    expected.assert_eq(&found(spec));
}

/// A policy that nothing is wrong with but its checks.
fn check_of(check: &str) -> String {
    found(&format!(
        "{{ steps: [ {{ name: few, audience: [ {{ percent: 5 }} ], hold: {{ time: 1h }} }}, \
         {{ name: all, audience: [ {{ percent: 100 }} ], hold: {{ time: 1h }} }} ], checks: [ {check} ] }}"
    ))
}

#[test]
fn a_check_that_no_value_can_fail_is_an_error() {
    expect![[r#"
        error: spec.checks[0].max: the check can never fail: `http.errors` is never more than 100 %
          give `max` a value that a bad version would pass, or leave it out [check-never-fails]"#]]
    .assert_eq(&check_of("{ metric: http.errors, max: 100% }"));
    expect![[r#"
        error: spec.checks[0].min: the check can never fail: `health.ready` is never less than nothing
          give `min` a value that a bad version would pass, or leave it out [check-never-fails]"#]]
    .assert_eq(&check_of("{ metric: health.ready, min: 0% }"));
    expect![[r#"
        warning: spec.checks[0].min: `min` says nothing: `http.latency` is never less than nothing
          give `min` a value that a bad version would pass, or leave it out [check-never-fails]"#]]
    .assert_eq(&check_of("{ metric: http.latency, quantile: 0.5, min: 0ms, max: 800ms }"));
}

#[test]
fn a_bound_that_only_a_better_version_passes_is_told() {
    expect![[r#"
        warning: spec.checks[0].min: `min` fails a version that is better: less of `http.latency` is good
          did you mean `max`? [bound-wrong-way]"#]]
    .assert_eq(&check_of("{ metric: http.latency, quantile: 0.5, min: 100ms }"));
    expect![[r#"
        warning: spec.checks[0].max: `max` fails a version that is better: more of `health.ready` is good
          did you mean `min`? [bound-wrong-way]"#]]
    .assert_eq(&check_of("{ metric: health.ready, max: 50% }"));
    // How many requests come may be bounded either way.
    expect![[""]].assert_eq(&check_of("{ metric: http.requests, max: 500 }"));
}

#[test]
fn a_tolerance_that_takes_nearly_everything_is_told() {
    expect![[r#"
        warning: spec.checks[0].tolerate: 60 percentage points are tolerated: a version that fails half of all requests would pass
          0.5pp is half a percentage point [tolerates-much]"#]].assert_eq(&check_of("{ metric: http.errors, compare: stable, tolerate: 60pp }"));
}

#[test]
fn a_metric_that_does_not_exist_or_does_not_fit_is_an_error() {
    expect![[r#"
        error: spec.checks[0].metric: there is no metric `http.error`
          did you mean `http.errors`? [unknown-metric]"#]]
    .assert_eq(&check_of("{ metric: http.error, max: 5% }"));
}

#[test]
fn a_comparison_without_people_to_compare_is_an_error() {
    check(
        "
  steps:
    - { name: preview, audience: [], hold: { untilPromoted: true } }
    - { name: all, audience: [ { percent: 100 } ], hold: { time: 10m } }
  checks: [ { metric: http.errors, compare: stable } ]",
        expect![[r#"
            error: spec.checks[0].compare: `http.errors` can never be compared: in every step that shows the candidate to somebody, nobody is left on stable
              give it bounds (`max`, `min`), or add a step that shows it to some people only [comparison-never]"#]],
    );
    check(
        "
  steps: [ { name: preview, audience: [], hold: { untilPromoted: true } } ]
  checks: [ { metric: http.errors, compare: stable } ]",
        expect![[r#"
            error: spec.checks[0].compare: `http.errors` can never be compared: nobody meets the candidate in any step
              give it bounds (`max`, `min`), or add a step that shows it to some people only [comparison-never]
            hint: spec.steps[0]: after step `preview` the candidate goes from 0 % of everyone to all of them, without a step between
              end with { percent: 100 } and a `hold`, to watch it while everyone has it [last-step-small]"#]],
    );
    check(
        "
  steps: [ { name: watch, watch: { time: 10m } } ]
  checks: [ { metric: http.errors, compare: stable } ]",
        expect![[r#"
            error: spec.checks[0].compare: `http.errors` can never be compared: in every step that shows the candidate to somebody, nobody is left on stable
              give it bounds (`max`, `min`), or add a step that shows it to some people only [comparison-never]"#]],
    );
}

#[test]
fn copies_and_ramps_leave_people_to_compare() {
    check(
        "
  steps:
    - { name: copies, shadow: { percent: 10 }, hold: { time: 10m } }
    - { name: all, audience: [ { percent: 100 } ], hold: { time: 10m } }
  checks: [ { metric: http.errors, compare: stable } ]",
        expect![[""]],
    );
    check(
        "
  steps: [ { name: grow, ramp: { from: 1, to: 100, over: 1h } } ]
  checks: [ { metric: http.errors, compare: stable } ]",
        expect![[""]],
    );
}

#[test]
fn steps_that_change_nothing_are_told() {
    check(
        "
  steps:
    - { name: few, audience: [ { percent: 5 } ] }
    - { name: again, audience: [ { percent: 5 } ] }
    - { name: longer, audience: [ { percent: 5 } ], hold: { time: 1h } }
    - { name: more, audience: [ { percent: 60 } ], hold: { time: 1h } }
    - { name: still, audience: [ { percent: 60 } ], hold: { time: 1h } }
  checks: [ { metric: http.errors, max: 5% } ]",
        expect![[r#"
            warning: spec.steps[1]: step `again` changes nothing: the same people as before, and no `hold`
              leave it out [step-changes-nothing]
            hint: spec.steps[2]: step `longer` shows the candidate to the same people as the one before
              one step with a longer `hold` does the same [step-changes-nothing]
            hint: spec.steps[4]: step `still` shows the candidate to the same people as the one before
              one step with a longer `hold` does the same [step-changes-nothing]"#]],
    );
    check(
        "
  steps:
    - { name: few, audience: [ { percent: 5 } ] }
    - { name: all, audience: [ { percent: 100 } ] }",
        expect![[r#"
            warning: spec.steps[0]: step `few` is over when it begins: it has no `hold`, and nothing is watched
              say how long it lasts, as hold: { time: 10m } [step-changes-nothing]
            warning: spec.checks: nothing is watched: only time and people stop a bad version
              begin with - { metric: http.errors, max: 5% } [no-checks]"#]],
    );
}

#[test]
fn waiting_again_after_a_gate_is_something() {
    check(
        "
  steps:
    - { name: few, audience: [ { percent: 5 } ], hold: { time: 1h } }
    - { name: ask, approval: { roles: [ product ] } }
    - { name: after, audience: [ { percent: 5 } ], hold: { time: 1h } }
    - { name: all, audience: [ { percent: 100 } ], hold: { time: 1h } }
  checks: [ { metric: http.errors, max: 5% } ]",
        expect![[""]],
    );
}

#[test]
fn a_first_step_for_more_than_half_is_told_unless_somebody_looked() {
    check(
        "
  steps: [ { name: most, audience: [ { percent: 51 } ], hold: { time: 1h } } ]
  checks: [ { metric: http.errors, max: 5% } ]",
        expect![[r#"
            warning: spec.steps[0]: step `most` is the first to show the candidate to anybody, and shows it to 51 % of everyone
              begin with fewer people, or with a step in which somebody previews it [first-step-large]"#]],
    );
    check(
        "
  steps:
    - { name: ask, approval: { roles: [ product ] } }
    - { name: most, audience: [ { percent: 51 } ], hold: { time: 1h } }
  checks: [ { metric: http.errors, max: 5% } ]",
        expect![[""]],
    );
}

#[test]
fn what_a_policy_lacks_as_a_whole_is_told() {
    check(
        "{ steps: [ { name: few, audience: [ { percent: 5 } ], hold: { time: 1h } } ], keepPrevious: 0s }",
        expect![[r#"
            warning: spec.checks: nothing is watched: only time and people stop a bad version
              begin with - { metric: http.errors, max: 5% } [no-checks]
            warning: spec.keepPrevious: the previous version is not kept: nobody can be taken back once everyone has the new one
              keep it for a while, as keepPrevious: 1h [nothing-to-return-to]
            hint: spec.steps[0]: after step `few` the candidate goes from 5 % of everyone to all of them, without a step between
              end with { percent: 100 } and a `hold`, to watch it while everyone has it [last-step-small]"#]],
    );
}

#[test]
fn a_point_of_no_return_before_anybody_met_it_is_a_hint() {
    check(
        "
  steps:
    - { name: migrate, pointOfNoReturn: { reason: the schema is new } }
    - { name: few, audience: [ { percent: 5 } ], hold: { time: 1h } }
    - { name: all, audience: [ { percent: 100 } ], hold: { time: 1h } }
  checks: [ { metric: http.errors, max: 5% } ]",
        expect![[r#"
            hint: spec.steps[0].pointOfNoReturn: nobody has met the candidate before step `migrate`, after which nobody can be taken back
              show it to a few people first, while they can be taken back [no-return-unseen]"#]],
    );
}

#[test]
fn webhooks_that_are_not_signed_are_a_hint_each() {
    check(
        "
  steps:
    - { name: few, audience: [ { percent: 5 } ], hold: { time: 1h } }
    - { name: qa, webhook: { url: 'https://qa.example.com/verdict' } }
    - { name: all, audience: [ { percent: 100 } ], hold: { time: 1h } }
  checks:
    - { metric: http.errors, max: 5%, onFail: { redeploy: { url: 'https://ci.example.com' } } }
    - { metric: http.errors, max: 6%, onInconclusive: { wait: 1h, then: { redeploy: { url: 'https://ci.example.com', secret: { env: CI } } } } }
  onFail: { redeploy: { url: 'https://ci.example.com', secret: { env: CI } } }",
        expect![[r#"
            hint: spec.steps[1].webhook: the webhook is not signed: whoever is called cannot tell who calls
              add secret: { env: NAME } or { file: PATH } [webhook-unsigned]
            hint: spec.checks[0].onFail.redeploy: the webhook is not signed: whoever is called cannot tell who calls
              add secret: { env: NAME } or { file: PATH } [webhook-unsigned]"#]],
    );
}
