//! Short scripts of what simulations have found.

use super::script::{trace, trace_in_company};

/// The places of these lines in a trace, which come in this order.
#[track_caller]
fn in_order(trace: &str, lines: &[&str]) {
    let mut rest = trace;
    for line in lines {
        let at = rest.find(line).unwrap_or_else(|| panic!("no `{line}` where it belongs in\n{trace}"));
        rest = &rest[at + line.len()..];
    }
}

#[test]
fn whoever_is_kept_out_is_kept_out_of_a_ramp_that_begins_with_nobody() {
    let policy = "
steps:
  - { name: ramp, ramp: { to: 10, riskBudget: { failedRequests: 50 } } }
excludeUntilEnd: [ vip ]
checks: []
keepPrevious: 0s";
    in_order(
        &trace(policy, "ready; 10s stable 100/0 candidate 5/0"),
        &["-> traffic 1: 1 % of everyone, without vip"],
    );
}

#[test]
fn services_that_go_down_to_a_shadow_go_from_the_last_to_the_first() {
    let policy = "
steps:
  - { name: copies, shadow: { percent: 10 }, hold: { time: 2s } }
  - { name: half, audience: [ { percent: 50 } ], hold: { time: 20s } }
checks:
  - { metric: http.errors, max: 5%, sample: 5 }
onFail: { rebalance: { step: copies } }
keepPrevious: 0s";
    let script = "ready; companion 2/2; 2s; promote ada; 1s; 2s candidate 50/50";
    in_order(
        &trace_in_company(policy, script),
        &[
            "payments 50 % of everyone, checkout 50 % of everyone",
            "Goes down to step copies",
            "payments 50 % of everyone, checkout nobody, with 10 % of requests copied",
            "payments nobody, with 10 % of requests copied, checkout nobody, with 10 % of requests copied",
        ],
    );
}
