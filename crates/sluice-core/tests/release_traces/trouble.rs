//! Checks that fail, and what follows.

use expect_test::expect;

use crate::{PAUSING, WATCHED, check};

#[test]
fn a_version_that_fails_more_often_than_stable_is_found_early() {
    check(
        WATCHED,
        "ready; 1s; 60s stable 950/1 candidate 50/1",
        &expect![[r#"
            t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
            t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
            t+1s      Progressing  step: Step small (1 of 2): 5 % of everyone
            t+1s      Progressing    -> traffic 1: 5 % of everyone
            t+1s      Progressing    = Step small: traffic is being set so that 5 % of everyone meet 2.1.0
            t+1s      Progressing  traffic: 5 % of everyone meet 2.1.0 now
            t+1s      Progressing    = Step small: 5 % of everyone, 1m and 100 requests to go
            t+14s     RollingBack  verdict: A check failed: http.errors is 2 % for the candidate (650 requests) and 0.11 % for stable (12,350 requests), which is more than 0.5 percentage points worse than stable (99 % sure)
            t+14s     RollingBack  rolling-back: Everyone goes back to 2.0.3
            t+14s     RollingBack    -> traffic 2: nobody
            t+14s     RollingBack    = Everyone is being taken back to 2.0.3, because a check failed: http.errors is 2 % for the candidate (650 requests) and 0.11 % for stable (12,350 requests), which is more than 0.5 percentage points worse than stable (99 % sure)
            t+14s     RolledBack   traffic: Nobody meets 2.1.0 any more
            t+14s     RolledBack   ended: Everyone is back on 2.0.3
            t+14s     RolledBack     -> 2.0.3 is live
            t+14s     RolledBack     -> start the next
            t+14s     RolledBack     = Everyone is back on 2.0.3, because a check failed: http.errors is 2 % for the candidate (650 requests) and 0.11 % for stable (12,350 requests), which is more than 0.5 percentage points worse than stable (99 % sure)
        "#]],
    );
}

#[test]
fn an_outage_that_both_versions_meet_is_not_blamed_on_the_candidate() {
    check(
        "
steps:
  - { name: small, audience: [ { percent: 5 } ], hold: { time: 60s } }
checks:
  - { metric: http.errors, compare: stable, tolerate: 0.5pp }
keepPrevious: 0s",
        "ready; 1s; 20s stable 95/0 candidate 5/0; 20s stable 95/57 candidate 5/3; 20s stable 95/0 candidate 5/0",
        &expect![[r#"
            t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
            t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
            t+1s      Progressing  step: Step small (1 of 1): 5 % of everyone
            t+1s      Progressing    -> traffic 1: 5 % of everyone
            t+1s      Progressing    = Step small: traffic is being set so that 5 % of everyone meet 2.1.0
            t+1s      Progressing  traffic: 5 % of everyone meet 2.1.0 now
            t+1s      Progressing    = Step small: 5 % of everyone, 1m to go
            t+1m1s    Promoting    step: Step small is done after 1m and 300 requests: its check passes
            t+1m1s    Promoting    step: The last step is over: everyone gets 2.1.0
            t+1m1s    Promoting      -> traffic 2: everyone
            t+1m1s    Promoting      = The last step is over: traffic is being set so that everyone meets 2.1.0
            t+1m1s    Succeeded    traffic: Everyone meets 2.1.0 now
            t+1m1s    Succeeded    ended: Everyone has 2.1.0
            t+1m1s    Succeeded      -> 2.1.0 is live
            t+1m1s    Succeeded      -> start the next
            t+1m1s    Succeeded      = Everyone has 2.1.0
        "#]],
    );
}

#[test]
fn a_bound_that_is_broken_takes_everyone_back() {
    check(
        "
steps:
  - { name: small, audience: [ { percent: 5 } ], hold: { time: 60s } }
checks:
  - { metric: http.errors, max: 5% }",
        "ready; 1s; 20s stable 95/0 candidate 5/1; show",
        &expect![[r#"
            t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
            t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
            t+1s      Progressing  step: Step small (1 of 1): 5 % of everyone
            t+1s      Progressing    -> traffic 1: 5 % of everyone
            t+1s      Progressing    = Step small: traffic is being set so that 5 % of everyone meet 2.1.0
            t+1s      Progressing  traffic: 5 % of everyone meet 2.1.0 now
            t+1s      Progressing    = Step small: 5 % of everyone, 1m to go
            t+11s     RollingBack  verdict: A check failed: http.errors is 20 % for the candidate (50 requests), above the limit of 5 %
            t+11s     RollingBack  rolling-back: Everyone goes back to 2.0.3
            t+11s     RollingBack    -> traffic 2: nobody
            t+11s     RollingBack    = Everyone is being taken back to 2.0.3, because a check failed: http.errors is 20 % for the candidate (50 requests), above the limit of 5 %
            t+11s     RolledBack   traffic: Nobody meets 2.1.0 any more
            t+11s     RolledBack   ended: Everyone is back on 2.0.3
            t+11s     RolledBack     -> 2.0.3 is live
            t+11s     RolledBack     -> start the next
            t+11s     RolledBack     = Everyone is back on 2.0.3, because a check failed: http.errors is 20 % for the candidate (50 requests), above the limit of 5 %
              | phase: RolledBack small, attempt 1: Everyone is back on 2.0.3, because a check failed: http.errors is 20 % for the candidate (50 requests), above the limit of 5 %
              | steps: small Current 0s/0
              | split: nobody wanted, nobody in force
              | exposed: 50 requests, 10 failed
              | verbs: retry
        "#]],
    );
}

#[test]
fn a_slower_version_is_found() {
    check(
        "
steps:
  - { name: small, audience: [ { percent: 20 } ], hold: { time: 60s } }
checks:
  - { metric: http.latency, quantile: 0.95, compare: stable, tolerate: 20% }",
        "ready; 1s; 60s stable 80/0@100ms candidate 20/0@250ms",
        &expect![[r#"
            t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
            t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
            t+1s      Progressing  step: Step small (1 of 1): 20 % of everyone
            t+1s      Progressing    -> traffic 1: 20 % of everyone
            t+1s      Progressing    = Step small: traffic is being set so that 20 % of everyone meet 2.1.0
            t+1s      Progressing  traffic: 20 % of everyone meet 2.1.0 now
            t+1s      Progressing    = Step small: 20 % of everyone, 1m to go
            t+17s     RollingBack  verdict: A check failed: http.latency p95 is 252 ms for the candidate (320 requests) and 99 ms for stable (1,280 requests), which is more than 20 % worse than stable (99 % sure)
            t+17s     RollingBack  rolling-back: Everyone goes back to 2.0.3
            t+17s     RollingBack    -> traffic 2: nobody
            t+17s     RollingBack    = Everyone is being taken back to 2.0.3, because a check failed: http.latency p95 is 252 ms for the candidate (320 requests) and 99 ms for stable (1,280 requests), which is more than 20 % worse than stable (99 % sure)
            t+17s     RolledBack   traffic: Nobody meets 2.1.0 any more
            t+17s     RolledBack   ended: Everyone is back on 2.0.3
            t+17s     RolledBack     -> 2.0.3 is live
            t+17s     RolledBack     -> start the next
            t+17s     RolledBack     = Everyone is back on 2.0.3, because a check failed: http.latency p95 is 252 ms for the candidate (320 requests) and 99 ms for stable (1,280 requests), which is more than 20 % worse than stable (99 % sure)
        "#]],
    );
}

#[test]
fn a_latency_beyond_its_bound_is_found() {
    check(
        "
steps:
  - { name: small, audience: [ { percent: 20 } ], hold: { time: 60s } }
checks:
  - { metric: http.latency, quantile: 0.99, max: 10s }",
        "ready; 1s; 60s stable 80/0@100ms candidate 20/0@12s",
        &expect![[r#"
            t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
            t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
            t+1s      Progressing  step: Step small (1 of 1): 20 % of everyone
            t+1s      Progressing    -> traffic 1: 20 % of everyone
            t+1s      Progressing    = Step small: traffic is being set so that 20 % of everyone meet 2.1.0
            t+1s      Progressing  traffic: 20 % of everyone meet 2.1.0 now
            t+1s      Progressing    = Step small: 20 % of everyone, 1m to go
            t+4s      RollingBack  verdict: A check failed: http.latency p99 is 11.9 s for the candidate (60 requests), above the limit of 10 s
            t+4s      RollingBack  rolling-back: Everyone goes back to 2.0.3
            t+4s      RollingBack    -> traffic 2: nobody
            t+4s      RollingBack    = Everyone is being taken back to 2.0.3, because a check failed: http.latency p99 is 11.9 s for the candidate (60 requests), above the limit of 10 s
            t+4s      RolledBack   traffic: Nobody meets 2.1.0 any more
            t+4s      RolledBack   ended: Everyone is back on 2.0.3
            t+4s      RolledBack     -> 2.0.3 is live
            t+4s      RolledBack     -> start the next
            t+4s      RolledBack     = Everyone is back on 2.0.3, because a check failed: http.latency p99 is 11.9 s for the candidate (60 requests), above the limit of 10 s
        "#]],
    );
}

#[test]
fn one_slow_request_is_not_yet_a_quantile() {
    check(
        "
steps:
  - { name: small, audience: [ { percent: 20 } ], hold: { time: 30s } }
checks:
  - { metric: http.latency, quantile: 0.99, max: 800ms }
keepPrevious: 0s",
        "ready; 1s; 20s candidate 3/0; 1s candidate 1/0@20s; checks; 10s candidate 3/0",
        &expect![[r#"
            t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
            t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
            t+1s      Progressing  step: Step small (1 of 1): 20 % of everyone
            t+1s      Progressing    -> traffic 1: 20 % of everyone
            t+1s      Progressing    = Step small: traffic is being set so that 20 % of everyone meet 2.1.0
            t+1s      Progressing  traffic: 20 % of everyone meet 2.1.0 now
            t+1s      Progressing    = Step small: 20 % of everyone, 30s to go
              | http.latency p99 at most 800 ms over 1m
              |   Pass: http.latency p99 is 50 ms for the candidate (61 requests), within the limit of 800 ms
            t+31s     Promoting    step: Step small is done after 30s and 88 requests: its check passes
            t+31s     Promoting    step: The last step is over: everyone gets 2.1.0
            t+31s     Promoting      -> traffic 2: everyone
            t+31s     Promoting      = The last step is over: traffic is being set so that everyone meets 2.1.0
            t+31s     Succeeded    traffic: Everyone meets 2.1.0 now
            t+31s     Succeeded    ended: Everyone has 2.1.0
            t+31s     Succeeded      -> 2.1.0 is live
            t+31s     Succeeded      -> start the next
            t+31s     Succeeded      = Everyone has 2.1.0
        "#]],
    );
}

#[test]
fn a_burst_at_the_beginning_of_a_step_is_weighed_with_the_minute_before() {
    check(
        "
steps:
  - { name: small, audience: [ { percent: 20 } ], hold: { time: 60s } }
  - { name: half, audience: [ { percent: 50 } ], hold: { time: 60s } }
checks:
  - { metric: http.errors, max: 5% }
keepPrevious: 0s",
        "ready; 1s; 60s candidate 20/0; 1s candidate 50/20; checks; 59s candidate 50/0",
        &expect![[r#"
            t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
            t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
            t+1s      Progressing  step: Step small (1 of 2): 20 % of everyone
            t+1s      Progressing    -> traffic 1: 20 % of everyone
            t+1s      Progressing    = Step small: traffic is being set so that 20 % of everyone meet 2.1.0
            t+1s      Progressing  traffic: 20 % of everyone meet 2.1.0 now
            t+1s      Progressing    = Step small: 20 % of everyone, 1m to go
            t+1m1s    Progressing  step: Step small is done after 1m and 1,200 requests: its check passes
            t+1m1s    Progressing  step: Step half (2 of 2): 50 % of everyone
            t+1m1s    Progressing    -> traffic 2: 50 % of everyone
            t+1m1s    Progressing    = Step half: traffic is being set so that 50 % of everyone meet 2.1.0
            t+1m1s    Progressing  traffic: 50 % of everyone meet 2.1.0 now
            t+1m1s    Progressing    = Step half: 50 % of everyone, 1m to go
              | http.errors at most 5 % over 1m
              |   Pass: http.errors is 1.68 % for the candidate (1,190 requests), within the limit of 5 %
            t+2m1s    Promoting    step: Step half is done after 1m and 3,000 requests: its check passes
            t+2m1s    Promoting    step: The last step is over: everyone gets 2.1.0
            t+2m1s    Promoting      -> traffic 3: everyone
            t+2m1s    Promoting      = The last step is over: traffic is being set so that everyone meets 2.1.0
            t+2m1s    Succeeded    traffic: Everyone meets 2.1.0 now
            t+2m1s    Succeeded    ended: Everyone has 2.1.0
            t+2m1s    Succeeded      -> 2.1.0 is live
            t+2m1s    Succeeded      -> start the next
            t+2m1s    Succeeded      = Everyone has 2.1.0
        "#]],
    );
}

#[test]
fn a_rate_below_its_bound_fails_only_after_a_whole_window() {
    check(
        "
steps:
  - { name: half, audience: [ { percent: 50 } ], hold: { time: 2m } }
checks:
  - { metric: http.requests, min: 2, window: 30s }",
        "ready; 1s; 20s candidate 1/0; checks; 20s candidate 1/0",
        &expect![[r#"
            t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
            t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
            t+1s      Progressing  step: Step half (1 of 1): 50 % of everyone
            t+1s      Progressing    -> traffic 1: 50 % of everyone
            t+1s      Progressing    = Step half: traffic is being set so that 50 % of everyone meet 2.1.0
            t+1s      Progressing  traffic: 50 % of everyone meet 2.1.0 now
            t+1s      Progressing    = Step half: 50 % of everyone, 2m to go
              | http.requests at least 2 per second over 30s
              |   Inconclusive: http.requests is 0.7 per second for the candidate (20 requests) so far; it cannot be judged until it was watched for 30s
            t+28s     RollingBack  verdict: A check failed: http.requests is 0.9 per second for the candidate (27 requests), below the limit of 2 per second
            t+28s     RollingBack  rolling-back: Everyone goes back to 2.0.3
            t+28s     RollingBack    -> traffic 2: nobody
            t+28s     RollingBack    = Everyone is being taken back to 2.0.3, because a check failed: http.requests is 0.9 per second for the candidate (27 requests), below the limit of 2 per second
            t+28s     RolledBack   traffic: Nobody meets 2.1.0 any more
            t+28s     RolledBack   ended: Everyone is back on 2.0.3
            t+28s     RolledBack     -> 2.0.3 is live
            t+28s     RolledBack     -> start the next
            t+28s     RolledBack     = Everyone is back on 2.0.3, because a check failed: http.requests is 0.9 per second for the candidate (27 requests), below the limit of 2 per second
        "#]],
    );
}

#[test]
fn a_policy_may_leave_trouble_to_a_person_who_finds_it_bearable() {
    check(
        PAUSING,
        "ready; 1s; 20s candidate 5/1; show; resume grace: known, harmless; show; 9s candidate 5/1; checks; 1s candidate 5/1",
        &expect![[r#"
            t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
            t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
            t+1s      Progressing  step: Step small (1 of 2): 5 % of everyone
            t+1s      Progressing    -> traffic 1: 5 % of everyone
            t+1s      Progressing    = Step small: traffic is being set so that 5 % of everyone meet 2.1.0
            t+1s      Progressing  traffic: 5 % of everyone meet 2.1.0 now
            t+1s      Progressing    = Step small: 5 % of everyone, 1m to go
            t+11s     Paused       verdict: A check failed: http.errors is 20 % for the candidate (50 requests), above the limit of 5 %
            t+11s     Paused       paused: Paused until somebody decides
            t+11s     Paused         = A check failed: http.errors is 20 % for the candidate (50 requests), above the limit of 5 %
              | phase: Paused small, attempt 1: A check failed: http.errors is 20 % for the candidate (50 requests), above the limit of 5 %
              | steps: small Current 9s/95, all Ahead 0s/0
              | split: 5 % of everyone wanted, 5 % of everyone in force
              | exposed: 100 requests, 20 failed
              | verbs: promote, resume, abort, rollback
            t+21s     Progressing  resumed: Resumed: known, harmless (grace)
            t+21s     Progressing    = Step small: 5 % of everyone, 51s to go
              | phase: Progressing small, attempt 1: Step small: 5 % of everyone, 51s to go
              | steps: small Current 9s/95, all Ahead 0s/0
              | split: 5 % of everyone wanted, 5 % of everyone in force
              | exposed: 100 requests, 20 failed
              | verbs: promote, pause, abort, rollback
              | http.errors at most 5 % over 1m
              |   Inconclusive: http.errors cannot be judged yet, because it takes 50 requests and the candidate has answered 45
            t+31s     Paused       verdict: A check failed: http.errors is 20 % for the candidate (50 requests), above the limit of 5 %
            t+31s     Paused       paused: Paused until somebody decides
            t+31s     Paused         = A check failed: http.errors is 20 % for the candidate (50 requests), above the limit of 5 %
        "#]],
    );
}

#[test]
fn promoting_after_a_failed_check_judges_anew_too() {
    check(
        PAUSING,
        "ready; 1s; 20s candidate 5/1; promote grace: known, harmless; 5s candidate 100/1; show",
        &expect![[r#"
        t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
        t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
        t+1s      Progressing  step: Step small (1 of 2): 5 % of everyone
        t+1s      Progressing    -> traffic 1: 5 % of everyone
        t+1s      Progressing    = Step small: traffic is being set so that 5 % of everyone meet 2.1.0
        t+1s      Progressing  traffic: 5 % of everyone meet 2.1.0 now
        t+1s      Progressing    = Step small: 5 % of everyone, 1m to go
        t+11s     Paused       verdict: A check failed: http.errors is 20 % for the candidate (50 requests), above the limit of 5 %
        t+11s     Paused       paused: Paused until somebody decides
        t+11s     Paused         = A check failed: http.errors is 20 % for the candidate (50 requests), above the limit of 5 %
        t+21s     Progressing  resumed: Promoted: known, harmless (grace)
        t+21s     Progressing  step: Step all (2 of 2): everyone
        t+21s     Progressing    -> traffic 2: everyone
        t+21s     Progressing    = Step all: traffic is being set so that everyone meets 2.1.0
        t+21s     Progressing  traffic: Everyone meets 2.1.0 now
        t+21s     Progressing    = Step all: everyone, 1m to go
          | phase: Progressing all, attempt 1: Step all: everyone, 55s to go
          | steps: small Done 0s/0, all Current 5s/500
          | split: everyone wanted, everyone in force
          | exposed: 600 requests, 25 failed
          | verbs: promote, pause, abort, rollback
    "#]],
    );
}

#[test]
fn trouble_in_a_pause_still_takes_everyone_back() {
    check(
        WATCHED,
        "ready; 1s; 20s stable 95/0 candidate 5/0; pause ada: lunch; 20s stable 95/0 candidate 5/3",
        &expect![[r#"
            t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
            t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
            t+1s      Progressing  step: Step small (1 of 2): 5 % of everyone
            t+1s      Progressing    -> traffic 1: 5 % of everyone
            t+1s      Progressing    = Step small: traffic is being set so that 5 % of everyone meet 2.1.0
            t+1s      Progressing  traffic: 5 % of everyone meet 2.1.0 now
            t+1s      Progressing    = Step small: 5 % of everyone, 1m and 100 requests to go
            t+21s     Paused       paused: Paused: lunch (ada)
            t+21s     Paused         = ada paused it: lunch
            t+23s     RollingBack  verdict: A check failed: http.errors is 5.45 % for the candidate (110 requests) and 0 % for stable (2,090 requests), which is more than 0.5 percentage points worse than stable (99 % sure)
            t+23s     RollingBack  rolling-back: Everyone goes back to 2.0.3
            t+23s     RollingBack    -> traffic 2: nobody
            t+23s     RollingBack    = Everyone is being taken back to 2.0.3, because a check failed: http.errors is 5.45 % for the candidate (110 requests) and 0 % for stable (2,090 requests), which is more than 0.5 percentage points worse than stable (99 % sure)
            t+23s     RolledBack   traffic: Nobody meets 2.1.0 any more
            t+23s     RolledBack   ended: Everyone is back on 2.0.3
            t+23s     RolledBack     -> 2.0.3 is live
            t+23s     RolledBack     -> start the next
            t+23s     RolledBack     = Everyone is back on 2.0.3, because a check failed: http.errors is 5.45 % for the candidate (110 requests) and 0 % for stable (2,090 requests), which is more than 0.5 percentage points worse than stable (99 % sure)
        "#]],
    );
}

#[test]
fn trouble_in_a_pause_changes_why_it_is_paused() {
    check(
        PAUSING,
        "ready; 1s; 5s candidate 5/0; pause ada; 20s candidate 5/3; 20s candidate 5/3; show",
        &expect![[r#"
        t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
        t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
        t+1s      Progressing  step: Step small (1 of 2): 5 % of everyone
        t+1s      Progressing    -> traffic 1: 5 % of everyone
        t+1s      Progressing    = Step small: traffic is being set so that 5 % of everyone meet 2.1.0
        t+1s      Progressing  traffic: 5 % of everyone meet 2.1.0 now
        t+1s      Progressing    = Step small: 5 % of everyone, 1m to go
        t+6s      Paused       paused: Paused (ada)
        t+6s      Paused         = ada paused it
        t+11s     Paused       verdict: A check failed: http.errors is 30 % for the candidate (50 requests), above the limit of 5 %
        t+11s     Paused       paused: Paused until somebody decides
        t+11s     Paused         = A check failed: http.errors is 30 % for the candidate (50 requests), above the limit of 5 %
          | phase: Paused small, attempt 1: A check failed: http.errors is 30 % for the candidate (50 requests), above the limit of 5 %
          | steps: small Current 5s/225, all Ahead 0s/0
          | split: 5 % of everyone wanted, 5 % of everyone in force
          | exposed: 225 requests, 120 failed
          | verbs: promote, resume, abort, rollback
    "#]],
    );
}

#[test]
fn trouble_while_everyone_is_being_moved_is_left_to_a_person_if_the_policy_says_so() {
    check(
        "
steps:
  - { name: half, audience: [ { percent: 50 } ], hold: { time: 5s } }
checks:
  - { metric: http.errors, max: 5%, sample: 10 }
onFail: pause
keepPrevious: 0s",
        "ready; 1s; 4s candidate 50/0; slow traffic; 1s candidate 50/0; 3s candidate 50/50; show; in force; promote grace: go",
        &expect![[r#"
            t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
            t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
            t+1s      Progressing  step: Step half (1 of 1): 50 % of everyone
            t+1s      Progressing    -> traffic 1: 50 % of everyone
            t+1s      Progressing    = Step half: traffic is being set so that 50 % of everyone meet 2.1.0
            t+1s      Progressing  traffic: 50 % of everyone meet 2.1.0 now
            t+1s      Progressing    = Step half: 50 % of everyone, 5s to go
            t+6s      Promoting    step: Step half is done after 5s and 250 requests: its check passes
            t+6s      Promoting    step: The last step is over: everyone gets 2.1.0
            t+6s      Promoting      -> traffic 2: everyone
            t+6s      Promoting      = The last step is over: traffic is being set so that everyone meets 2.1.0
            t+7s      Paused       verdict: A check failed: http.errors is 16.67 % for the candidate (300 requests), above the limit of 5 %
            t+7s      Paused       paused: Paused until somebody decides
            t+7s      Paused         = A check failed: http.errors is 16.67 % for the candidate (300 requests), above the limit of 5 %
              | phase: Paused half, attempt 1: A check failed: http.errors is 16.67 % for the candidate (300 requests), above the limit of 5 %
              | steps: half Current 0s/0
              | split: everyone wanted, 50 % of everyone in force
              | exposed: 400 requests, 150 failed
              | verbs: promote, resume, abort, rollback
            t+9s      Paused       traffic: Everyone meets 2.1.0 now
            t+9s      Succeeded    resumed: Promoted: go (grace)
            t+9s      Succeeded    ended: Everyone has 2.1.0
            t+9s      Succeeded      -> 2.1.0 is live
            t+9s      Succeeded      -> start the next
            t+9s      Succeeded      = Everyone has 2.1.0
        "#]],
    );
}

#[test]
fn trouble_while_everyone_is_being_moved_takes_everyone_back() {
    check(
        "
steps:
  - { name: half, audience: [ { percent: 50 } ], hold: { time: 5s } }
checks:
  - { metric: http.errors, max: 5%, sample: 10 }
keepPrevious: 0s",
        "ready; 1s; 4s candidate 50/0; slow traffic; 1s candidate 50/0; 3s candidate 50/50; in force",
        &expect![[r#"
            t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
            t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
            t+1s      Progressing  step: Step half (1 of 1): 50 % of everyone
            t+1s      Progressing    -> traffic 1: 50 % of everyone
            t+1s      Progressing    = Step half: traffic is being set so that 50 % of everyone meet 2.1.0
            t+1s      Progressing  traffic: 50 % of everyone meet 2.1.0 now
            t+1s      Progressing    = Step half: 50 % of everyone, 5s to go
            t+6s      Promoting    step: Step half is done after 5s and 250 requests: its check passes
            t+6s      Promoting    step: The last step is over: everyone gets 2.1.0
            t+6s      Promoting      -> traffic 2: everyone
            t+6s      Promoting      = The last step is over: traffic is being set so that everyone meets 2.1.0
            t+7s      RollingBack  verdict: A check failed: http.errors is 16.67 % for the candidate (300 requests), above the limit of 5 %
            t+7s      RollingBack  rolling-back: Everyone goes back to 2.0.3
            t+7s      RollingBack    -> traffic 3: nobody
            t+7s      RollingBack    = Everyone is being taken back to 2.0.3, because a check failed: http.errors is 16.67 % for the candidate (300 requests), above the limit of 5 %
            t+9s      RolledBack   traffic: Nobody meets 2.1.0 any more
            t+9s      RolledBack   ended: Everyone is back on 2.0.3
            t+9s      RolledBack     -> 2.0.3 is live
            t+9s      RolledBack     -> start the next
            t+9s      RolledBack     = Everyone is back on 2.0.3, because a check failed: http.errors is 16.67 % for the candidate (300 requests), above the limit of 5 %
        "#]],
    );
}

#[test]
fn a_crash_takes_everyone_back_and_is_said_once() {
    check(
        WATCHED,
        "ready; 1s; 5s stable 95/0 candidate 5/0; slow traffic; crash index out of bounds; crash index out of bounds; 1s; crash index out of bounds; in force; crash index out of bounds; show",
        &expect![[r#"
        t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
        t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
        t+1s      Progressing  step: Step small (1 of 2): 5 % of everyone
        t+1s      Progressing    -> traffic 1: 5 % of everyone
        t+1s      Progressing    = Step small: traffic is being set so that 5 % of everyone meet 2.1.0
        t+1s      Progressing  traffic: 5 % of everyone meet 2.1.0 now
        t+1s      Progressing    = Step small: 5 % of everyone, 1m and 100 requests to go
        t+6s      RollingBack  rolling-back: Everyone goes back to 2.0.3, because Sluice itself failed while it decided about this release: index out of bounds
        t+6s      RollingBack    -> traffic 2: nobody
        t+6s      RollingBack    = Everyone is being taken back to 2.0.3, because Sluice itself failed while it decided about this release: index out of bounds
        t+7s      Failed       traffic: Nobody meets 2.1.0 any more
        t+7s      Failed       ended: Everyone is back on 2.0.3
        t+7s      Failed         -> 2.0.3 is live
        t+7s      Failed         -> start the next
        t+7s      Failed         = Everyone is back on 2.0.3, because Sluice itself failed while it decided about this release: index out of bounds
          | phase: Failed small, attempt 1: Everyone is back on 2.0.3, because Sluice itself failed while it decided about this release: index out of bounds
          | steps: small Current 0s/0, all Skipped 0s/0
          | split: nobody wanted, nobody in force
          | exposed: 25 requests, 0 failed
          | verbs: retry
    "#]],
    );
}

#[test]
fn a_crash_before_anybody_met_the_candidate_just_ends_it() {
    check(
        WATCHED,
        "crash index out of bounds; show",
        &expect![[r#"
        t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
        t+0s      Failed       ended: Sluice itself failed while it decided about this release: index out of bounds
        t+0s      Failed         -> start the next
        t+0s      Failed         = Sluice itself failed while it decided about this release: index out of bounds
          | phase: Failed , attempt 1: Sluice itself failed while it decided about this release: index out of bounds
          | steps: small Skipped 0s/0, all Skipped 0s/0
          | split: nobody wanted, nobody in force
          | exposed: 0 requests, 0 failed
          | verbs: retry
    "#]],
    );
}
