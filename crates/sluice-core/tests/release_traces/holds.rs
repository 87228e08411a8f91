//! Steps: how long they take, what they wait for, and what does not count.

use expect_test::expect;

use crate::{PLAIN, WATCHED, check};

#[test]
fn a_good_version_reaches_everyone_step_by_step() {
    check(
        WATCHED,
        "ready; 1s; 60s stable 95/0 candidate 5/0; 60s candidate 100/0; show; checks; 10m candidate 100/0; show",
        &expect![[r#"
            t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
            t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
            t+1s      Progressing  step: Step small (1 of 2): 5 % of everyone
            t+1s      Progressing    -> traffic 1: 5 % of everyone
            t+1s      Progressing    = Step small: traffic is being set so that 5 % of everyone meet 2.1.0
            t+1s      Progressing  traffic: 5 % of everyone meet 2.1.0 now
            t+1s      Progressing    = Step small: 5 % of everyone, 1m and 100 requests to go
            t+1m1s    Progressing  step: Step small is done after 1m and 300 requests: both checks pass
            t+1m1s    Progressing  step: Step all (2 of 2): everyone
            t+1m1s    Progressing    -> traffic 2: everyone
            t+1m1s    Progressing    = Step all: traffic is being set so that everyone meets 2.1.0
            t+1m1s    Progressing  traffic: Everyone meets 2.1.0 now
            t+1m1s    Progressing    = Step all: everyone, 1m to go
            t+2m1s    Succeeded    step: Step all is done after 1m and 6,000 requests: both checks pass
            t+2m1s    Succeeded    ended: Everyone has 2.1.0; 2.0.3 is kept for a quick return until 2026-11-23 09:12 UTC
            t+2m1s    Succeeded      -> 2.1.0 is live
            t+2m1s    Succeeded      = Everyone has 2.1.0; 2.0.3 is kept for a quick return until 2026-11-23 09:12 UTC
              | phase: Succeeded all, attempt 1: Everyone has 2.1.0; 2.0.3 is kept for a quick return until 2026-11-23 09:12 UTC
              | steps: small Done 0s/0, all Done 0s/0
              | split: everyone wanted, everyone in force
              | exposed: 6300 requests, 0 failed
              | verbs: rollback
              | http.errors not more than 0.5 percentage points worse than stable (99 % sure)
              |   Pass: http.errors is 0 % for the candidate (300 requests) and 0 % for stable (5,700 requests); nothing shows that it is more than 0.5 percentage points worse than stable
              | http.errors at most 5 % over 1m
              |   Pass: http.errors is 0 % for the candidate (5,700 requests), within the limit of 5 %
            t+12m1s   Succeeded    released: 2.0.3 is no longer kept
            t+12m1s   Succeeded      -> start the next
            t+12m1s   Succeeded      = Everyone has 2.1.0
              | phase: Succeeded all, attempt 1: Everyone has 2.1.0
              | steps: small Done 0s/0, all Done 0s/0
              | split: everyone wanted, everyone in force
              | exposed: 66300 requests, 0 failed
              | verbs: 
        "#]],
    );
}

#[test]
fn the_built_in_canary_brings_a_busy_service_to_everyone() {
    check(
        "canary",
        "ready; 1s; 5m stable 990/1 candidate 10/0; 10m stable 950/1 candidate 50/0; 10m stable 750/1 candidate 250/0; 10m stable 500/1 candidate 500/0; 10m candidate 1000/1",
        &expect![[r#"
            t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy canary (ci)
            t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
            t+1s      Progressing  step: Step first (1 of 5): 1 % of everyone
            t+1s      Progressing    -> traffic 1: 1 % of everyone
            t+1s      Progressing    = Step first: traffic is being set so that 1 % of everyone meet 2.1.0
            t+1s      Progressing  traffic: 1 % of everyone meet 2.1.0 now
            t+1s      Progressing    = Step first: 1 % of everyone, 5m and 100 requests to go
            t+5m1s    Progressing  step: Step first is done after 5m and 3,000 requests: all checks pass
            t+5m1s    Progressing  step: Step few (2 of 5): 5 % of everyone
            t+5m1s    Progressing    -> traffic 2: 5 % of everyone
            t+5m1s    Progressing    = Step few: traffic is being set so that 5 % of everyone meet 2.1.0
            t+5m1s    Progressing  traffic: 5 % of everyone meet 2.1.0 now
            t+5m1s    Progressing    = Step few: 5 % of everyone, 10m and 500 requests to go
            t+15m1s   Progressing  step: Step few is done after 10m and 30,000 requests: all checks pass
            t+15m1s   Progressing  step: Step quarter (3 of 5): 25 % of everyone
            t+15m1s   Progressing    -> traffic 3: 25 % of everyone
            t+15m1s   Progressing    = Step quarter: traffic is being set so that 25 % of everyone meet 2.1.0
            t+15m1s   Progressing  traffic: 25 % of everyone meet 2.1.0 now
            t+15m1s   Progressing    = Step quarter: 25 % of everyone, 10m and 1,000 requests to go
            t+25m1s   Progressing  step: Step quarter is done after 10m and 150,000 requests: all checks pass
            t+25m1s   Progressing  step: Step half (4 of 5): 50 % of everyone
            t+25m1s   Progressing    -> traffic 4: 50 % of everyone
            t+25m1s   Progressing    = Step half: traffic is being set so that 50 % of everyone meet 2.1.0
            t+25m1s   Progressing  traffic: 50 % of everyone meet 2.1.0 now
            t+25m1s   Progressing    = Step half: 50 % of everyone, 10m and 1,000 requests to go
            t+35m1s   Progressing  step: Step half is done after 10m and 300,000 requests: all checks pass
            t+35m1s   Progressing  step: Step all (5 of 5): everyone
            t+35m1s   Progressing    -> traffic 5: everyone
            t+35m1s   Progressing    = Step all: traffic is being set so that everyone meets 2.1.0
            t+35m1s   Progressing  traffic: Everyone meets 2.1.0 now
            t+35m1s   Progressing    = Step all: everyone, 10m to go
            t+45m1s   Succeeded    step: Step all is done after 10m and 600,000 requests: all checks pass
            t+45m1s   Succeeded    ended: Everyone has 2.1.0; 2.0.3 is kept for a quick return until 2026-11-23 10:45 UTC
            t+45m1s   Succeeded      -> 2.1.0 is live
            t+45m1s   Succeeded      = Everyone has 2.1.0; 2.0.3 is kept for a quick return until 2026-11-23 10:45 UTC
        "#]],
    );
}

#[test]
fn the_built_in_canary_judges_a_service_of_ten_requests_a_second() {
    // One request of the candidate in ten seconds: six in the window of a minute, far from its sample.
    let mut script = "ready; 1s; ".to_owned();
    (0..130).for_each(|_| script.push_str("9s stable 10/0; 1s stable 9/0 candidate 1/0; "));
    script.push_str("checks");
    check(
        "canary",
        &script,
        &expect![[r#"
            t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy canary (ci)
            t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
            t+1s      Progressing  step: Step first (1 of 5): 1 % of everyone
            t+1s      Progressing    -> traffic 1: 1 % of everyone
            t+1s      Progressing    = Step first: traffic is being set so that 1 % of everyone meet 2.1.0
            t+1s      Progressing  traffic: 1 % of everyone meet 2.1.0 now
            t+1s      Progressing    = Step first: 1 % of everyone, 5m and 100 requests to go
            t+5m1s    Progressing    = Step first waits for data, for another 1h at most: 30 of 100 requests have reached the candidate in this step
            t+5m11s   Progressing  waiting: Step first waits for data, for another 59m50s at most: 31 of 100 requests have reached the candidate in this step
            t+16m41s  Progressing  step: Step first is done after 16m40s and 100 requests: all checks pass
            t+16m41s  Progressing  step: Step few (2 of 5): 5 % of everyone
            t+16m41s  Progressing    -> traffic 2: 5 % of everyone
            t+16m41s  Progressing    = Step few: traffic is being set so that 5 % of everyone meet 2.1.0
            t+16m41s  Progressing  traffic: 5 % of everyone meet 2.1.0 now
            t+16m41s  Progressing    = Step few: 5 % of everyone, 10m and 500 requests to go
              | http.errors not more than 0.5 percentage points worse than stable (99 % sure)
              |   Pass: http.errors is 0 % for the candidate (30 requests) and 0 % for stable (2,970 requests); nothing shows that it is more than 0.5 percentage points worse than stable
              | http.latency p95 not more than 20 % worse than stable (99 % sure)
              |   Pass: http.latency p95 is 50 ms for the candidate (30 requests) and 50 ms for stable (2,970 requests); nothing shows that it is more than 20 % worse than stable
              | http.errors at most 20 % over 1m
              |   Inconclusive: http.errors cannot be judged yet, because it takes 100 requests and the candidate has answered 30
              | http.latency p99 at most 10 s over 1m
              |   Inconclusive: http.latency p99 cannot be judged yet, because it takes 50 requests and the candidate has answered 30
        "#]],
    );
}

#[test]
fn a_policy_without_checks_goes_on_by_time_alone() {
    check(
        PLAIN,
        "ready; 1s; 20s",
        &expect![[r#"
        t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
        t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
        t+1s      Progressing  step: Step small (1 of 2): 5 % of everyone
        t+1s      Progressing    -> traffic 1: 5 % of everyone
        t+1s      Progressing    = Step small: traffic is being set so that 5 % of everyone meet 2.1.0
        t+1s      Progressing  traffic: 5 % of everyone meet 2.1.0 now
        t+1s      Progressing    = Step small: 5 % of everyone, 10s to go
        t+11s     Progressing  step: Step small is done after 10s and 0 requests: nothing is checked
        t+11s     Progressing  step: Step all (2 of 2): everyone
        t+11s     Progressing    -> traffic 2: everyone
        t+11s     Progressing    = Step all: traffic is being set so that everyone meets 2.1.0
        t+11s     Progressing  traffic: Everyone meets 2.1.0 now
        t+11s     Progressing    = Step all: everyone, 10s to go
        t+21s     Succeeded    step: Step all is done after 10s and 0 requests: nothing is checked
        t+21s     Succeeded    ended: Everyone has 2.1.0
        t+21s     Succeeded      -> 2.1.0 is live
        t+21s     Succeeded      -> start the next
        t+21s     Succeeded      = Everyone has 2.1.0
    "#]],
    );
}

#[test]
fn a_step_may_take_no_time_at_all() {
    check(
        "
steps:
  - { name: small, audience: [ { percent: 5 } ] }
  - { name: all, audience: [ { percent: 100 } ] }
checks: []
keepPrevious: 0s",
        "ready; 1s; 3s",
        &expect![[r#"
            t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
            t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
            t+1s      Progressing  step: Step small (1 of 2): 5 % of everyone
            t+1s      Progressing    -> traffic 1: 5 % of everyone
            t+1s      Progressing    = Step small: traffic is being set so that 5 % of everyone meet 2.1.0
            t+1s      Progressing  traffic: 5 % of everyone meet 2.1.0 now
            t+1s      Progressing    = Step small: 5 % of everyone, nothing more to wait for
            t+2s      Progressing  step: Step small is done after 1s and 0 requests: nothing is checked
            t+2s      Progressing  step: Step all (2 of 2): everyone
            t+2s      Progressing    -> traffic 2: everyone
            t+2s      Progressing    = Step all: traffic is being set so that everyone meets 2.1.0
            t+2s      Progressing  traffic: Everyone meets 2.1.0 now
            t+2s      Progressing    = Step all: everyone, nothing more to wait for
            t+3s      Succeeded    step: Step all is done after 1s and 0 requests: nothing is checked
            t+3s      Succeeded    ended: Everyone has 2.1.0
            t+3s      Succeeded      -> 2.1.0 is live
            t+3s      Succeeded      -> start the next
            t+3s      Succeeded      = Everyone has 2.1.0
        "#]],
    );
}

#[test]
fn everyone_at_once_comes_after_a_preview_that_somebody_ends() {
    check(
        "blue-green",
        "ready; 1s; 2h; promote ada; 10m candidate 20/0; 1h candidate 20/0",
        &expect![[r#"
            t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy blue-green (ci)
            t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
            t+1s      Progressing  step: Step preview (1 of 2): nobody
            t+1s      Progressing    = Step preview: nobody, until somebody promotes it
            t+2h1s    Progressing  resumed: Promoted (ada)
            t+2h1s    Progressing  step: Step all (2 of 2): everyone
            t+2h1s    Progressing    -> traffic 1: everyone
            t+2h1s    Progressing    = Step all: traffic is being set so that everyone meets 2.1.0
            t+2h1s    Progressing  traffic: Everyone meets 2.1.0 now
            t+2h1s    Progressing    = Step all: everyone, 10m to go
            t+2h10m1s Succeeded    step: Step all is done after 10m and 12,000 requests: both checks pass
            t+2h10m1s Succeeded    ended: Everyone has 2.1.0; 2.0.3 is kept for a quick return until 2026-11-23 12:10 UTC
            t+2h10m1s Succeeded      -> 2.1.0 is live
            t+2h10m1s Succeeded      = Everyone has 2.1.0; 2.0.3 is kept for a quick return until 2026-11-23 12:10 UTC
            t+3h10m1s Succeeded    released: 2.0.3 is no longer kept
            t+3h10m1s Succeeded      -> start the next
            t+3h10m1s Succeeded      = Everyone has 2.1.0
        "#]],
    );
}

#[test]
fn a_step_that_asks_for_requests_waits_for_them() {
    check(
        "
steps:
  - { name: small, audience: [ { percent: 5 } ], hold: { time: 10s, requests: 500 } }
checks: []
keepPrevious: 0s",
        "ready; 1s; 5s candidate 10/0; show; 30s candidate 10/0; show; 20s candidate 20/0",
        &expect![[r#"
            t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
            t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
            t+1s      Progressing  step: Step small (1 of 1): 5 % of everyone
            t+1s      Progressing    -> traffic 1: 5 % of everyone
            t+1s      Progressing    = Step small: traffic is being set so that 5 % of everyone meet 2.1.0
            t+1s      Progressing  traffic: 5 % of everyone meet 2.1.0 now
            t+1s      Progressing    = Step small: 5 % of everyone, 10s and 500 requests to go
              | phase: Progressing small, attempt 1: Step small: 5 % of everyone, 5s and 450 requests to go
              | steps: small Current 5s/50
              | split: 5 % of everyone wanted, 5 % of everyone in force
              | exposed: 50 requests, 0 failed
              | verbs: promote, pause, abort, rollback
            t+11s     Progressing    = Step small waits for data, for another 1h at most: 100 of 500 requests have reached the candidate in this step
            t+21s     Progressing  waiting: Step small waits for data, for another 59m50s at most: 200 of 500 requests have reached the candidate in this step
              | phase: Progressing small, attempt 1: Step small waits for data, for another 59m35s at most: 350 of 500 requests have reached the candidate in this step
              | steps: small Current 35s/350
              | split: 5 % of everyone wanted, 5 % of everyone in force
              | exposed: 350 requests, 0 failed
              | verbs: promote, pause, abort, rollback
            t+44s     Promoting    step: Step small is done after 43s and 510 requests: nothing is checked
            t+44s     Promoting    step: The last step is over: everyone gets 2.1.0
            t+44s     Promoting      -> traffic 2: everyone
            t+44s     Promoting      = The last step is over: traffic is being set so that everyone meets 2.1.0
            t+44s     Succeeded    traffic: Everyone meets 2.1.0 now
            t+44s     Succeeded    ended: Everyone has 2.1.0
            t+44s     Succeeded      -> 2.1.0 is live
            t+44s     Succeeded      -> start the next
            t+44s     Succeeded      = Everyone has 2.1.0
        "#]],
    );
}

#[test]
fn without_traffic_a_step_waits_and_is_then_paused() {
    check(
        WATCHED,
        "ready; 1s; 60s stable 100/0; show; 5m stable 100/0; checks; resume ada: it is night; 6m stable 100/0",
        &expect![[r#"
            t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
            t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
            t+1s      Progressing  step: Step small (1 of 2): 5 % of everyone
            t+1s      Progressing    -> traffic 1: 5 % of everyone
            t+1s      Progressing    = Step small: traffic is being set so that 5 % of everyone meet 2.1.0
            t+1s      Progressing  traffic: 5 % of everyone meet 2.1.0 now
            t+1s      Progressing    = Step small: 5 % of everyone, 1m and 100 requests to go
            t+1m1s    Progressing    = Step small waits for data, for another 5m at most: no request has reached the candidate in this step, and it takes 100
              | phase: Progressing small, attempt 1: Step small waits for data, for another 5m at most: no request has reached the candidate in this step, and it takes 100
              | steps: small Current 1m/0, all Ahead 0s/0
              | split: 5 % of everyone wanted, 5 % of everyone in force
              | exposed: 0 requests, 0 failed
              | verbs: promote, pause, abort, rollback
            t+1m11s   Progressing  waiting: Step small waits for data, for another 4m50s at most: no request has reached the candidate in this step, and it takes 100
            t+6m1s    Paused       verdict: Too little was seen for 5m: no request has reached the candidate in this step, and it takes 100
            t+6m1s    Paused       paused: Paused until somebody decides
            t+6m1s    Paused         = Too little was seen for 5m: no request has reached the candidate in this step, and it takes 100
              | http.errors not more than 0.5 percentage points worse than stable (99 % sure)
              |   Inconclusive: http.errors cannot be judged, because no request has reached the candidate
              | http.errors at most 5 % over 1m
              |   Inconclusive: http.errors cannot be judged, because no request has reached the candidate
            t+6m1s    Progressing  resumed: Resumed: it is night (ada)
            t+6m1s    Progressing    = Step small: 5 % of everyone, 100 requests to go
            t+6m2s    Progressing    = Step small waits for data, for another 5m at most: no request has reached the candidate in this step, and it takes 100
            t+6m12s   Progressing  waiting: Step small waits for data, for another 4m50s at most: no request has reached the candidate in this step, and it takes 100
            t+11m2s   Paused       verdict: Too little was seen for 5m: no request has reached the candidate in this step, and it takes 100
            t+11m2s   Paused       paused: Paused until somebody decides
            t+11m2s   Paused         = Too little was seen for 5m: no request has reached the candidate in this step, and it takes 100
        "#]],
    );
}

#[test]
fn without_traffic_a_step_may_be_rolled_back() {
    check(
        "
steps:
  - { name: small, audience: [ { percent: 5 } ], hold: { time: 10s } }
checks:
  - { metric: http.errors, max: 5% }
onInconclusive: { wait: 1m, then: rollback }",
        "ready; 1s; 2m stable 100/0",
        &expect![[r#"
            t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
            t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
            t+1s      Progressing  step: Step small (1 of 1): 5 % of everyone
            t+1s      Progressing    -> traffic 1: 5 % of everyone
            t+1s      Progressing    = Step small: traffic is being set so that 5 % of everyone meet 2.1.0
            t+1s      Progressing  traffic: 5 % of everyone meet 2.1.0 now
            t+1s      Progressing    = Step small: 5 % of everyone, 10s to go
            t+11s     Progressing    = Step small waits for data, for another 1m at most: http.errors cannot be judged, because no request has reached the candidate
            t+21s     Progressing  waiting: Step small waits for data, for another 50s at most: http.errors cannot be judged, because no request has reached the candidate
            t+1m11s   RollingBack  verdict: Too little was seen for 1m: http.errors cannot be judged, because no request has reached the candidate
            t+1m11s   RollingBack  rolling-back: Everyone goes back to 2.0.3
            t+1m11s   RollingBack    -> traffic 2: nobody
            t+1m11s   RollingBack    = Everyone is being taken back to 2.0.3, because too little was seen for 1m: http.errors cannot be judged, because no request has reached the candidate
            t+1m11s   RolledBack   traffic: Nobody meets 2.1.0 any more
            t+1m11s   RolledBack   ended: Everyone is back on 2.0.3
            t+1m11s   RolledBack     -> 2.0.3 is live
            t+1m11s   RolledBack     -> start the next
            t+1m11s   RolledBack     = Everyone is back on 2.0.3, because too little was seen for 1m: http.errors cannot be judged, because no request has reached the candidate
        "#]],
    );
}

#[test]
fn data_that_come_late_let_a_step_go_on() {
    check(
        WATCHED,
        "ready; 1s; 2m stable 100/0; 20s stable 95/0 candidate 5/0",
        &expect![[r#"
        t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
        t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
        t+1s      Progressing  step: Step small (1 of 2): 5 % of everyone
        t+1s      Progressing    -> traffic 1: 5 % of everyone
        t+1s      Progressing    = Step small: traffic is being set so that 5 % of everyone meet 2.1.0
        t+1s      Progressing  traffic: 5 % of everyone meet 2.1.0 now
        t+1s      Progressing    = Step small: 5 % of everyone, 1m and 100 requests to go
        t+1m1s    Progressing    = Step small waits for data, for another 5m at most: no request has reached the candidate in this step, and it takes 100
        t+1m11s   Progressing  waiting: Step small waits for data, for another 4m50s at most: no request has reached the candidate in this step, and it takes 100
        t+2m21s   Progressing  step: Step small is done after 2m20s and 100 requests: both checks pass
        t+2m21s   Progressing  step: Step all (2 of 2): everyone
        t+2m21s   Progressing    -> traffic 2: everyone
        t+2m21s   Progressing    = Step all: traffic is being set so that everyone meets 2.1.0
        t+2m21s   Progressing  traffic: Everyone meets 2.1.0 now
        t+2m21s   Progressing    = Step all: everyone, 1m to go
    "#]],
    );
}

#[test]
fn what_was_seen_in_one_step_does_not_speak_for_the_next() {
    check(
        WATCHED,
        "ready; 1s; 60s stable 95/0 candidate 5/0; 90s; checks; show",
        &expect![[r#"
            t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
            t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
            t+1s      Progressing  step: Step small (1 of 2): 5 % of everyone
            t+1s      Progressing    -> traffic 1: 5 % of everyone
            t+1s      Progressing    = Step small: traffic is being set so that 5 % of everyone meet 2.1.0
            t+1s      Progressing  traffic: 5 % of everyone meet 2.1.0 now
            t+1s      Progressing    = Step small: 5 % of everyone, 1m and 100 requests to go
            t+1m1s    Progressing  step: Step small is done after 1m and 300 requests: both checks pass
            t+1m1s    Progressing  step: Step all (2 of 2): everyone
            t+1m1s    Progressing    -> traffic 2: everyone
            t+1m1s    Progressing    = Step all: traffic is being set so that everyone meets 2.1.0
            t+1m1s    Progressing  traffic: Everyone meets 2.1.0 now
            t+1m1s    Progressing    = Step all: everyone, 1m to go
            t+2m1s    Progressing    = Step all waits for data, for another 5m at most: http.errors cannot be judged, because no request has reached the candidate
            t+2m11s   Progressing  waiting: Step all waits for data, for another 4m50s at most: http.errors cannot be judged, because no request has reached the candidate
              | http.errors not more than 0.5 percentage points worse than stable (99 % sure)
              |   Inconclusive: http.errors cannot be judged, because no request has reached the candidate
              | http.errors at most 5 % over 1m
              |   Inconclusive: http.errors cannot be judged, because no request has reached the candidate
              | phase: Progressing all, attempt 1: Step all waits for data, for another 4m30s at most: http.errors cannot be judged, because no request has reached the candidate
              | steps: small Done 0s/0, all Current 1m30s/0
              | split: everyone wanted, everyone in force
              | exposed: 300 requests, 0 failed
              | verbs: promote, pause, abort, rollback
        "#]],
    );
}

#[test]
fn a_pause_keeps_the_time_that_was_held() {
    check(
        PLAIN,
        "ready; 1s; 6s; pause ada: lunch; 1h; show; resume ada; 3s; show; 1s",
        &expect![[r#"
        t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
        t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
        t+1s      Progressing  step: Step small (1 of 2): 5 % of everyone
        t+1s      Progressing    -> traffic 1: 5 % of everyone
        t+1s      Progressing    = Step small: traffic is being set so that 5 % of everyone meet 2.1.0
        t+1s      Progressing  traffic: 5 % of everyone meet 2.1.0 now
        t+1s      Progressing    = Step small: 5 % of everyone, 10s to go
        t+7s      Paused       paused: Paused: lunch (ada)
        t+7s      Paused         = ada paused it: lunch
          | phase: Paused small, attempt 1: ada paused it: lunch
          | steps: small Current 6s/0, all Ahead 0s/0
          | split: 5 % of everyone wanted, 5 % of everyone in force
          | exposed: 0 requests, 0 failed
          | verbs: promote, resume, abort, rollback
        t+1h7s    Progressing  resumed: Resumed (ada)
        t+1h7s    Progressing    = Step small: 5 % of everyone, 4s to go
          | phase: Progressing small, attempt 1: Step small: 5 % of everyone, 1s to go
          | steps: small Current 9s/0, all Ahead 0s/0
          | split: 5 % of everyone wanted, 5 % of everyone in force
          | exposed: 0 requests, 0 failed
          | verbs: promote, pause, abort, rollback
        t+1h11s   Progressing  step: Step small is done after 10s and 0 requests: nothing is checked
        t+1h11s   Progressing  step: Step all (2 of 2): everyone
        t+1h11s   Progressing    -> traffic 2: everyone
        t+1h11s   Progressing    = Step all: traffic is being set so that everyone meets 2.1.0
        t+1h11s   Progressing  traffic: Everyone meets 2.1.0 now
        t+1h11s   Progressing    = Step all: everyone, 10s to go
    "#]],
    );
}

#[test]
fn requests_in_a_pause_count() {
    check(
        "
steps:
  - { name: small, audience: [ { percent: 5 } ], hold: { time: 10s, requests: 100 } }
checks: []",
        "ready; 1s; 9s candidate 5/0; pause ada; 20s candidate 5/0; show; resume ada; 1s",
        &expect![[r#"
            t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
            t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
            t+1s      Progressing  step: Step small (1 of 1): 5 % of everyone
            t+1s      Progressing    -> traffic 1: 5 % of everyone
            t+1s      Progressing    = Step small: traffic is being set so that 5 % of everyone meet 2.1.0
            t+1s      Progressing  traffic: 5 % of everyone meet 2.1.0 now
            t+1s      Progressing    = Step small: 5 % of everyone, 10s and 100 requests to go
            t+10s     Paused       paused: Paused (ada)
            t+10s     Paused         = ada paused it
              | phase: Paused small, attempt 1: ada paused it
              | steps: small Current 9s/145
              | split: 5 % of everyone wanted, 5 % of everyone in force
              | exposed: 145 requests, 0 failed
              | verbs: promote, resume, abort, rollback
            t+30s     Progressing  resumed: Resumed (ada)
            t+30s     Progressing    = Step small: 5 % of everyone, 1s to go
            t+31s     Promoting    step: Step small is done after 10s and 145 requests: nothing is checked
            t+31s     Promoting    step: The last step is over: everyone gets 2.1.0
            t+31s     Promoting      -> traffic 2: everyone
            t+31s     Promoting      = The last step is over: traffic is being set so that everyone meets 2.1.0
            t+31s     Succeeded    traffic: Everyone meets 2.1.0 now
            t+31s     Succeeded    ended: Everyone has 2.1.0; 2.0.3 is kept for a quick return until 2026-11-23 10:00 UTC
            t+31s     Succeeded      -> 2.1.0 is live
            t+31s     Succeeded      = Everyone has 2.1.0; 2.0.3 is kept for a quick return until 2026-11-23 10:00 UTC
        "#]],
    );
}

#[test]
fn time_in_which_nobody_looked_is_no_hold() {
    check(
        "
steps:
  - { name: small, audience: [ { percent: 5 } ], hold: { time: 1h } }
checks: []",
        "ready; 1s; 10m; gap 3h; restart; look; show; clock back 30m; look; 1s; show",
        &expect![[r#"
            t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
            t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
            t+1s      Progressing  step: Step small (1 of 1): 5 % of everyone
            t+1s      Progressing    -> traffic 1: 5 % of everyone
            t+1s      Progressing    = Step small: traffic is being set so that 5 % of everyone meet 2.1.0
            t+1s      Progressing  traffic: 5 % of everyone meet 2.1.0 now
            t+1s      Progressing    = Step small: 5 % of everyone, 1h to go
              | phase: Progressing small, attempt 1: Step small: 5 % of everyone, 49m59s to go
              | steps: small Current 10m1s/0
              | split: 5 % of everyone wanted, 5 % of everyone in force
              | exposed: 0 requests, 0 failed
              | verbs: promote, pause, abort, rollback
              | phase: Progressing small, attempt 1: Step small: 5 % of everyone, 49m58s to go
              | steps: small Current 10m2s/0
              | split: 5 % of everyone wanted, 5 % of everyone in force
              | exposed: 0 requests, 0 failed
              | verbs: promote, pause, abort, rollback
        "#]],
    );
}

#[test]
fn a_hold_begins_when_its_traffic_is_in_force() {
    check(
        PLAIN,
        "ready; slow traffic; 1s; 30s; show; in force; 9s; show; 1s",
        &expect![[r#"
        t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
        t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
        t+1s      Progressing  step: Step small (1 of 2): 5 % of everyone
        t+1s      Progressing    -> traffic 1: 5 % of everyone
        t+1s      Progressing    = Step small: traffic is being set so that 5 % of everyone meet 2.1.0
          | phase: Progressing small, attempt 1: Step small: traffic is being set so that 5 % of everyone meet 2.1.0
          | steps: small Current 0s/0, all Ahead 0s/0
          | split: 5 % of everyone wanted, nobody in force
          | exposed: 0 requests, 0 failed
          | verbs: promote, pause, abort, rollback
        t+31s     Progressing  traffic: 5 % of everyone meet 2.1.0 now
        t+31s     Progressing    = Step small: 5 % of everyone, 10s to go
          | phase: Progressing small, attempt 1: Step small: 5 % of everyone, 1s to go
          | steps: small Current 9s/0, all Ahead 0s/0
          | split: 5 % of everyone wanted, 5 % of everyone in force
          | exposed: 0 requests, 0 failed
          | verbs: promote, pause, abort, rollback
        t+41s     Progressing  step: Step small is done after 10s and 0 requests: nothing is checked
        t+41s     Progressing  step: Step all (2 of 2): everyone
        t+41s     Progressing    -> traffic 2: everyone
        t+41s     Progressing    = Step all: traffic is being set so that everyone meets 2.1.0
    "#]],
    );
}

#[test]
fn a_change_of_traffic_that_came_late_confirms_nothing_newer() {
    check(
        PLAIN,
        "ready; slow traffic; 1s; promote ada; in force 1; show; in force 2; in force 1; in force 2; show",
        &expect![[r#"
            t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
            t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
            t+1s      Progressing  step: Step small (1 of 2): 5 % of everyone
            t+1s      Progressing    -> traffic 1: 5 % of everyone
            t+1s      Progressing    = Step small: traffic is being set so that 5 % of everyone meet 2.1.0
            t+1s      Progressing  resumed: Promoted (ada)
            t+1s      Progressing  step: Step all (2 of 2): everyone
            t+1s      Progressing    -> traffic 2: everyone
            t+1s      Progressing    = Step all: traffic is being set so that everyone meets 2.1.0
              | phase: Progressing all, attempt 1: Step all: traffic is being set so that everyone meets 2.1.0
              | steps: small Done 0s/0, all Current 0s/0
              | split: everyone wanted, nobody in force
              | exposed: 0 requests, 0 failed
              | verbs: promote, pause, abort, rollback
            t+1s      Progressing  traffic: Everyone meets 2.1.0 now
            t+1s      Progressing    = Step all: everyone, 10s to go
              | phase: Progressing all, attempt 1: Step all: everyone, 10s to go
              | steps: small Done 0s/0, all Current 0s/0
              | split: everyone wanted, everyone in force
              | exposed: 0 requests, 0 failed
              | verbs: promote, pause, abort, rollback
        "#]],
    );
}

#[test]
fn a_step_with_the_same_audience_moves_no_traffic() {
    check(
        "
steps:
  - { name: small, audience: [ { percent: 5 } ], hold: { time: 5s } }
  - { name: longer, audience: [ { percent: 5 } ], hold: { time: 5s } }
checks: []
keepPrevious: 0s",
        "ready; 1s; 5s; show; 5s",
        &expect![[r#"
            t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
            t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
            t+1s      Progressing  step: Step small (1 of 2): 5 % of everyone
            t+1s      Progressing    -> traffic 1: 5 % of everyone
            t+1s      Progressing    = Step small: traffic is being set so that 5 % of everyone meet 2.1.0
            t+1s      Progressing  traffic: 5 % of everyone meet 2.1.0 now
            t+1s      Progressing    = Step small: 5 % of everyone, 5s to go
            t+6s      Progressing  step: Step small is done after 5s and 0 requests: nothing is checked
            t+6s      Progressing  step: Step longer (2 of 2): 5 % of everyone
            t+6s      Progressing    = Step longer: 5 % of everyone, 5s to go
              | phase: Progressing longer, attempt 1: Step longer: 5 % of everyone, 5s to go
              | steps: small Done 0s/0, longer Current 0s/0
              | split: 5 % of everyone wanted, 5 % of everyone in force
              | exposed: 0 requests, 0 failed
              | verbs: promote, pause, abort, rollback
            t+11s     Promoting    step: Step longer is done after 5s and 0 requests: nothing is checked
            t+11s     Promoting    step: The last step is over: everyone gets 2.1.0
            t+11s     Promoting      -> traffic 2: everyone
            t+11s     Promoting      = The last step is over: traffic is being set so that everyone meets 2.1.0
            t+11s     Succeeded    traffic: Everyone meets 2.1.0 now
            t+11s     Succeeded    ended: Everyone has 2.1.0
            t+11s     Succeeded      -> 2.1.0 is live
            t+11s     Succeeded      -> start the next
            t+11s     Succeeded      = Everyone has 2.1.0
        "#]],
    );
}

#[test]
fn a_step_that_nobody_meets_asks_for_no_data() {
    check(
        "
steps:
  - { name: dark, audience: [ { percent: 0 } ], hold: { time: 5s } }
  - { name: all, audience: [ { percent: 100 } ], hold: { time: 5s } }
checks:
  - { metric: http.errors, compare: stable }
  - { metric: health.ready, min: 50% }
keepPrevious: 0s",
        "ready; 1s; 6s stable 10/0; show",
        &expect![[r#"
            t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
            t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
            t+1s      Progressing  step: Step dark (1 of 2): nobody
            t+1s      Progressing    = Step dark: nobody, 5s to go
            t+6s      Progressing  step: Step dark is done after 5s: nobody met the candidate
            t+6s      Progressing  step: Step all (2 of 2): everyone
            t+6s      Progressing    -> traffic 1: everyone
            t+6s      Progressing    = Step all: traffic is being set so that everyone meets 2.1.0
            t+6s      Progressing  traffic: Everyone meets 2.1.0 now
            t+6s      Progressing    = Step all: everyone, 5s to go
              | phase: Progressing all, attempt 1: Step all: everyone, 4s to go
              | steps: dark Done 0s/0, all Current 1s/0
              | split: everyone wanted, everyone in force
              | exposed: 0 requests, 0 failed
              | verbs: promote, pause, abort, rollback
        "#]],
    );
}

#[test]
fn a_step_may_wait_for_a_person() {
    check(
        "
steps:
  - { name: staff, audience: [ { segment: employees } ], hold: { untilPromoted: true } }
  - { name: most, audience: [ { percent: 100 } ], hold: { time: 5s } }
checks: []
keepPrevious: 0s",
        "ready; 1s; 1h; show; promote grace: looks good; 6s",
        &expect![[r#"
            t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
            t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
            t+1s      Progressing  step: Step staff (1 of 2): all of employees
            t+1s      Progressing    -> traffic 1: all of employees
            t+1s      Progressing    = Step staff: traffic is being set so that all of employees meet 2.1.0
            t+1s      Progressing  traffic: All of employees meet 2.1.0 now
            t+1s      Progressing    = Step staff: all of employees, until somebody promotes it
              | phase: Progressing staff, attempt 1: Step staff: all of employees, until somebody promotes it
              | steps: staff Current 1h/0, most Ahead 0s/0
              | split: all of employees wanted, all of employees in force
              | exposed: 0 requests, 0 failed
              | verbs: promote, pause, abort, rollback
            t+1h1s    Progressing  resumed: Promoted: looks good (grace)
            t+1h1s    Progressing  step: Step most (2 of 2): everyone
            t+1h1s    Progressing    -> traffic 2: everyone
            t+1h1s    Progressing    = Step most: traffic is being set so that everyone meets 2.1.0
            t+1h1s    Progressing  traffic: Everyone meets 2.1.0 now
            t+1h1s    Progressing    = Step most: everyone, 5s to go
            t+1h6s    Succeeded    step: Step most is done after 5s and 0 requests: nothing is checked
            t+1h6s    Succeeded    ended: Everyone has 2.1.0
            t+1h6s    Succeeded      -> 2.1.0 is live
            t+1h6s    Succeeded      -> start the next
            t+1h6s    Succeeded      = Everyone has 2.1.0
        "#]],
    );
}
