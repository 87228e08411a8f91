//! How releases live, told as short scripts with what was decided: run with `UPDATE_EXPECT=1` to tell them anew.

#![expect(clippy::unwrap_used, reason = "a script that cannot be read is a failed test")]

#[path = "release_traces/calendar.rs"]
mod calendar;
#[path = "release_traces/company.rs"]
mod company;
#[path = "release_traces/ends.rs"]
mod ends;
#[path = "release_traces/found.rs"]
mod found;
#[path = "release_traces/gates.rs"]
mod gates;
#[path = "release_traces/holds.rs"]
mod holds;
#[path = "release_traces/mitigation.rs"]
mod mitigation;
#[path = "release_traces/queue.rs"]
mod queue;
#[path = "release_traces/ramps.rs"]
mod ramps;
#[path = "release_traces/readiness.rs"]
mod readiness;
#[path = "release_traces/script.rs"]
mod script;
#[path = "release_traces/trouble.rs"]
mod trouble;
#[path = "release_traces/verbs.rs"]
mod verbs;
#[path = "release_traces/watching.rs"]
mod watching;

use expect_test::Expect;

/// Runs a script under a policy and compares what was decided.
#[track_caller]
fn check(policy: &str, lines: &str, expected: &Expect) {
    expected.assert_eq(&script::trace(policy, lines));
}

/// Two steps, ten seconds each, nothing checked, nothing kept.
const PLAIN: &str = "
steps:
  - { name: small, audience: [ { percent: 5 } ], hold: { time: 10s } }
  - { name: all, audience: [ { percent: 100 } ], hold: { time: 10s } }
checks: []
keepPrevious: 0s";

/// Two steps, compared with stable, with a plain bound for when nobody is left there.
const WATCHED: &str = "
steps:
  - { name: small, audience: [ { percent: 5 } ], hold: { time: 60s, requests: 100 } }
  - { name: all, audience: [ { percent: 100 } ], hold: { time: 60s } }
checks:
  - { metric: http.errors, compare: stable, tolerate: 0.5pp, confidence: 99% }
  - { metric: http.errors, max: 5% }
onInconclusive: { wait: 5m, then: pause }
keepPrevious: 10m";

/// The same, but trouble is left to a person.
const PAUSING: &str = "
steps:
  - { name: small, audience: [ { percent: 5 } ], hold: { time: 60s } }
  - { name: all, audience: [ { percent: 100 } ], hold: { time: 60s } }
checks:
  - { metric: http.errors, max: 5% }
onFail: pause
keepPrevious: 10m";
