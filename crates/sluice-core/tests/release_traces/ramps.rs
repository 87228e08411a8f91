//! Ramps: evenly, through given shares, and by risk.

use expect_test::expect;

use super::check;

/// Evenly.
const EVENLY: &str = "
steps:
  - { name: staff, audience: [ { segment: staff } ], hold: { time: 2s } }
  - { name: ramp, ramp: { from: 5, to: 6, over: 20s }, hold: { time: 3s } }
checks:
  - { metric: http.errors, max: 5%, sample: 5 }
onInconclusive: { wait: 30s, then: pause }
keepPrevious: 0s";

/// Through given shares.
const THROUGH: &str = "
steps:
  - { name: ramp, ramp: { through: [ 1, 10, 50 ], every: 3s, requests: 30 }, hold: { time: 5s } }
checks: []
onInconclusive: { wait: 30s, then: pause }
keepPrevious: 0s";

/// By risk.
const BY_RISK: &str = "
steps:
  - { name: ramp, ramp: { to: 10, riskBudget: { failedRequests: 50 } } }
checks: []
onInconclusive: { wait: 1m, then: pause }
keepPrevious: 0s";

#[test]
fn an_even_ramp_grows_while_its_checks_pass() {
    check(
        EVENLY,
        "ready; 1s; 3s candidate 5/0; 10s candidate 5/0; show; 20s candidate 5/0",
        &expect![[r#"
            t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
            t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
            t+1s      Progressing  step: Step staff (1 of 2): all of staff
            t+1s      Progressing    -> traffic 1: all of staff
            t+1s      Progressing    = Step staff: traffic is being set so that all of staff meet 2.1.0
            t+1s      Progressing  traffic: All of staff meet 2.1.0 now
            t+1s      Progressing    = Step staff: all of staff, 2s to go
            t+3s      Progressing  step: Step staff is done after 2s and 10 requests: its check passes
            t+3s      Progressing  step: Step ramp (2 of 2): all of staff and 5 % of everyone, growing to 6 % over 20s
            t+3s      Progressing    -> traffic 2: all of staff and 5 % of everyone
            t+3s      Progressing    = Step ramp: traffic is being set so that all of staff and 5 % of everyone meet 2.1.0
            t+3s      Progressing  traffic: All of staff and 5 % of everyone meet 2.1.0 now
            t+3s      Progressing    = Step ramp: all of staff and 5 % of everyone, on the way to 6 %, 20s to go
            t+5s      Progressing  step: Step ramp grows: all of staff and 5.1 % of everyone
            t+5s      Progressing    -> traffic 3: all of staff and 5.1 % of everyone
            t+5s      Progressing    = Step ramp: traffic is being set so that all of staff and 5.1 % of everyone meet 2.1.0
            t+5s      Progressing  traffic: All of staff and 5.1 % of everyone meet 2.1.0 now
            t+5s      Progressing    = Step ramp: all of staff and 5.1 % of everyone, on the way to 6 %, 18s to go
            t+7s      Progressing  step: Step ramp grows: all of staff and 5.2 % of everyone
            t+7s      Progressing    -> traffic 4: all of staff and 5.2 % of everyone
            t+7s      Progressing    = Step ramp: traffic is being set so that all of staff and 5.2 % of everyone meet 2.1.0
            t+7s      Progressing  traffic: All of staff and 5.2 % of everyone meet 2.1.0 now
            t+7s      Progressing    = Step ramp: all of staff and 5.2 % of everyone, on the way to 6 %, 16s to go
            t+9s      Progressing  step: Step ramp grows: all of staff and 5.3 % of everyone
            t+9s      Progressing    -> traffic 5: all of staff and 5.3 % of everyone
            t+9s      Progressing    = Step ramp: traffic is being set so that all of staff and 5.3 % of everyone meet 2.1.0
            t+9s      Progressing  traffic: All of staff and 5.3 % of everyone meet 2.1.0 now
            t+9s      Progressing    = Step ramp: all of staff and 5.3 % of everyone, on the way to 6 %, 14s to go
            t+11s     Progressing  step: Step ramp grows: all of staff and 5.4 % of everyone
            t+11s     Progressing    -> traffic 6: all of staff and 5.4 % of everyone
            t+11s     Progressing    = Step ramp: traffic is being set so that all of staff and 5.4 % of everyone meet 2.1.0
            t+11s     Progressing  traffic: All of staff and 5.4 % of everyone meet 2.1.0 now
            t+11s     Progressing    = Step ramp: all of staff and 5.4 % of everyone, on the way to 6 %, 12s to go
            t+13s     Progressing  step: Step ramp grows: all of staff and 5.5 % of everyone
            t+13s     Progressing    -> traffic 7: all of staff and 5.5 % of everyone
            t+13s     Progressing    = Step ramp: traffic is being set so that all of staff and 5.5 % of everyone meet 2.1.0
            t+13s     Progressing  traffic: All of staff and 5.5 % of everyone meet 2.1.0 now
            t+13s     Progressing    = Step ramp: all of staff and 5.5 % of everyone, on the way to 6 %, 10s to go
              | phase: Progressing ramp, attempt 1: Step ramp: all of staff and 5.5 % of everyone, on the way to 6 %, 9s to go
              | steps: staff Done 0s/0, ramp Current 1s/5
              | split: all of staff and 5.5 % of everyone wanted, all of staff and 5.5 % of everyone in force
              | exposed: 65 requests, 0 failed
              | verbs: promote, pause, abort, rollback
            t+15s     Progressing  step: Step ramp grows: all of staff and 5.6 % of everyone
            t+15s     Progressing    -> traffic 8: all of staff and 5.6 % of everyone
            t+15s     Progressing    = Step ramp: traffic is being set so that all of staff and 5.6 % of everyone meet 2.1.0
            t+15s     Progressing  traffic: All of staff and 5.6 % of everyone meet 2.1.0 now
            t+15s     Progressing    = Step ramp: all of staff and 5.6 % of everyone, on the way to 6 %, 8s to go
            t+17s     Progressing  step: Step ramp grows: all of staff and 5.7 % of everyone
            t+17s     Progressing    -> traffic 9: all of staff and 5.7 % of everyone
            t+17s     Progressing    = Step ramp: traffic is being set so that all of staff and 5.7 % of everyone meet 2.1.0
            t+17s     Progressing  traffic: All of staff and 5.7 % of everyone meet 2.1.0 now
            t+17s     Progressing    = Step ramp: all of staff and 5.7 % of everyone, on the way to 6 %, 6s to go
            t+19s     Progressing  step: Step ramp grows: all of staff and 5.8 % of everyone
            t+19s     Progressing    -> traffic 10: all of staff and 5.8 % of everyone
            t+19s     Progressing    = Step ramp: traffic is being set so that all of staff and 5.8 % of everyone meet 2.1.0
            t+19s     Progressing  traffic: All of staff and 5.8 % of everyone meet 2.1.0 now
            t+19s     Progressing    = Step ramp: all of staff and 5.8 % of everyone, on the way to 6 %, 4s to go
            t+21s     Progressing  step: Step ramp grows: all of staff and 5.9 % of everyone
            t+21s     Progressing    -> traffic 11: all of staff and 5.9 % of everyone
            t+21s     Progressing    = Step ramp: traffic is being set so that all of staff and 5.9 % of everyone meet 2.1.0
            t+21s     Progressing  traffic: All of staff and 5.9 % of everyone meet 2.1.0 now
            t+21s     Progressing    = Step ramp: all of staff and 5.9 % of everyone, on the way to 6 %, 2s to go
            t+23s     Progressing  step: Step ramp grows: all of staff and 6 % of everyone
            t+23s     Progressing    -> traffic 12: all of staff and 6 % of everyone
            t+23s     Progressing    = Step ramp: traffic is being set so that all of staff and 6 % of everyone meet 2.1.0
            t+23s     Progressing  traffic: All of staff and 6 % of everyone meet 2.1.0 now
            t+23s     Progressing    = Step ramp: all of staff and 6 % of everyone, 3s to go
            t+26s     Promoting    step: Step ramp is done after 3s and 15 requests: its check passes
            t+26s     Promoting    step: The last step is over: everyone gets 2.1.0
            t+26s     Promoting      -> traffic 13: everyone
            t+26s     Promoting      = The last step is over: traffic is being set so that everyone meets 2.1.0
            t+26s     Succeeded    traffic: Everyone meets 2.1.0 now
            t+26s     Succeeded    ended: Everyone has 2.1.0
            t+26s     Succeeded      -> 2.1.0 is live
            t+26s     Succeeded      -> start the next
            t+26s     Succeeded      = Everyone has 2.1.0
        "#]],
    );
}

#[test]
fn a_ramp_does_not_grow_without_data() {
    check(
        EVENLY,
        "ready; 1s; 3s candidate 5/0; 12s; 2s candidate 5/0; 31s",
        &expect![[r#"
            t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
            t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
            t+1s      Progressing  step: Step staff (1 of 2): all of staff
            t+1s      Progressing    -> traffic 1: all of staff
            t+1s      Progressing    = Step staff: traffic is being set so that all of staff meet 2.1.0
            t+1s      Progressing  traffic: All of staff meet 2.1.0 now
            t+1s      Progressing    = Step staff: all of staff, 2s to go
            t+3s      Progressing  step: Step staff is done after 2s and 10 requests: its check passes
            t+3s      Progressing  step: Step ramp (2 of 2): all of staff and 5 % of everyone, growing to 6 % over 20s
            t+3s      Progressing    -> traffic 2: all of staff and 5 % of everyone
            t+3s      Progressing    = Step ramp: traffic is being set so that all of staff and 5 % of everyone meet 2.1.0
            t+3s      Progressing  traffic: All of staff and 5 % of everyone meet 2.1.0 now
            t+3s      Progressing    = Step ramp: all of staff and 5 % of everyone, on the way to 6 %, 20s to go
            t+5s      Progressing  step: Step ramp grows: all of staff and 5.1 % of everyone
            t+5s      Progressing    -> traffic 3: all of staff and 5.1 % of everyone
            t+5s      Progressing    = Step ramp: traffic is being set so that all of staff and 5.1 % of everyone meet 2.1.0
            t+5s      Progressing  traffic: All of staff and 5.1 % of everyone meet 2.1.0 now
            t+5s      Progressing    = Step ramp: all of staff and 5.1 % of everyone, on the way to 6 %, 18s to go
            t+6s      Progressing    = Step ramp waits for data, for another 30s at most: http.errors cannot be judged, because no request has reached the candidate
            t+16s     Progressing  waiting: Step ramp waits for data, for another 20s at most: http.errors cannot be judged, because no request has reached the candidate
            t+17s     Progressing    = Step ramp: all of staff and 5.1 % of everyone, on the way to 6 %, 17s to go
            t+18s     Progressing  step: Step ramp grows: all of staff and 5.2 % of everyone
            t+18s     Progressing    -> traffic 4: all of staff and 5.2 % of everyone
            t+18s     Progressing    = Step ramp: traffic is being set so that all of staff and 5.2 % of everyone meet 2.1.0
            t+18s     Progressing  traffic: All of staff and 5.2 % of everyone meet 2.1.0 now
            t+18s     Progressing    = Step ramp: all of staff and 5.2 % of everyone, on the way to 6 %, 16s to go
            t+19s     Progressing    = Step ramp waits for data, for another 30s at most: http.errors cannot be judged, because no request has reached the candidate
            t+29s     Progressing  waiting: Step ramp waits for data, for another 20s at most: http.errors cannot be judged, because no request has reached the candidate
            t+49s     Paused       verdict: Too little was seen for 30s: http.errors cannot be judged, because no request has reached the candidate
            t+49s     Paused       paused: Paused until somebody decides
            t+49s     Paused         = Too little was seen for 30s: http.errors cannot be judged, because no request has reached the candidate
        "#]],
    );
}

#[test]
fn a_ramp_does_not_grow_in_a_freeze_or_without_endpoints() {
    check(
        EVENLY,
        "ready; 1s; 3s candidate 5/0; freeze 1h; 10s candidate 5/0; thaw; candidate 0/2; 5s; ready; 3s candidate 5/0",
        &expect![[r#"
            t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
            t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
            t+1s      Progressing  step: Step staff (1 of 2): all of staff
            t+1s      Progressing    -> traffic 1: all of staff
            t+1s      Progressing    = Step staff: traffic is being set so that all of staff meet 2.1.0
            t+1s      Progressing  traffic: All of staff meet 2.1.0 now
            t+1s      Progressing    = Step staff: all of staff, 2s to go
            t+3s      Progressing  step: Step staff is done after 2s and 10 requests: its check passes
            t+3s      Progressing  step: Step ramp (2 of 2): all of staff and 5 % of everyone, growing to 6 % over 20s
            t+3s      Progressing    -> traffic 2: all of staff and 5 % of everyone
            t+3s      Progressing    = Step ramp: traffic is being set so that all of staff and 5 % of everyone meet 2.1.0
            t+3s      Progressing  traffic: All of staff and 5 % of everyone meet 2.1.0 now
            t+3s      Progressing    = Step ramp: all of staff and 5 % of everyone, on the way to 6 %, 20s to go
            t+5s      Progressing  waiting: Step ramp waits: a freeze lasts until Mon 23 Nov 2026, 10:00:04 UTC (holidays)
            t+5s      Progressing    = Step ramp waits: a freeze lasts until Mon 23 Nov 2026, 10:00:04 UTC (holidays)
            t+15s     Progressing    = 2.1.0 has no ready endpoint
            t+20s     Progressing    = Step ramp: all of staff and 5 % of everyone, on the way to 6 %, 19s to go
            t+21s     Progressing  step: Step ramp grows: all of staff and 5.1 % of everyone
            t+21s     Progressing    -> traffic 3: all of staff and 5.1 % of everyone
            t+21s     Progressing    = Step ramp: traffic is being set so that all of staff and 5.1 % of everyone meet 2.1.0
            t+21s     Progressing  traffic: All of staff and 5.1 % of everyone meet 2.1.0 now
            t+21s     Progressing    = Step ramp: all of staff and 5.1 % of everyone, on the way to 6 %, 18s to go
        "#]],
    );
}

#[test]
fn a_ramp_can_be_promoted_paused_and_resumed() {
    check(
        EVENLY,
        "ready; 1s; 3s candidate 5/0; 6s candidate 5/0; pause ada; 20s candidate 5/0; resume ada; 2s candidate 5/0; restart; 1s candidate 5/0; promote ada",
        &expect![[r#"
            t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
            t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
            t+1s      Progressing  step: Step staff (1 of 2): all of staff
            t+1s      Progressing    -> traffic 1: all of staff
            t+1s      Progressing    = Step staff: traffic is being set so that all of staff meet 2.1.0
            t+1s      Progressing  traffic: All of staff meet 2.1.0 now
            t+1s      Progressing    = Step staff: all of staff, 2s to go
            t+3s      Progressing  step: Step staff is done after 2s and 10 requests: its check passes
            t+3s      Progressing  step: Step ramp (2 of 2): all of staff and 5 % of everyone, growing to 6 % over 20s
            t+3s      Progressing    -> traffic 2: all of staff and 5 % of everyone
            t+3s      Progressing    = Step ramp: traffic is being set so that all of staff and 5 % of everyone meet 2.1.0
            t+3s      Progressing  traffic: All of staff and 5 % of everyone meet 2.1.0 now
            t+3s      Progressing    = Step ramp: all of staff and 5 % of everyone, on the way to 6 %, 20s to go
            t+5s      Progressing  step: Step ramp grows: all of staff and 5.1 % of everyone
            t+5s      Progressing    -> traffic 3: all of staff and 5.1 % of everyone
            t+5s      Progressing    = Step ramp: traffic is being set so that all of staff and 5.1 % of everyone meet 2.1.0
            t+5s      Progressing  traffic: All of staff and 5.1 % of everyone meet 2.1.0 now
            t+5s      Progressing    = Step ramp: all of staff and 5.1 % of everyone, on the way to 6 %, 18s to go
            t+7s      Progressing  step: Step ramp grows: all of staff and 5.2 % of everyone
            t+7s      Progressing    -> traffic 4: all of staff and 5.2 % of everyone
            t+7s      Progressing    = Step ramp: traffic is being set so that all of staff and 5.2 % of everyone meet 2.1.0
            t+7s      Progressing  traffic: All of staff and 5.2 % of everyone meet 2.1.0 now
            t+7s      Progressing    = Step ramp: all of staff and 5.2 % of everyone, on the way to 6 %, 16s to go
            t+9s      Progressing  step: Step ramp grows: all of staff and 5.3 % of everyone
            t+9s      Progressing    -> traffic 5: all of staff and 5.3 % of everyone
            t+9s      Progressing    = Step ramp: traffic is being set so that all of staff and 5.3 % of everyone meet 2.1.0
            t+9s      Progressing  traffic: All of staff and 5.3 % of everyone meet 2.1.0 now
            t+9s      Progressing    = Step ramp: all of staff and 5.3 % of everyone, on the way to 6 %, 14s to go
            t+10s     Paused       paused: Paused (ada)
            t+10s     Paused         = ada paused it
            t+30s     Progressing  resumed: Resumed (ada)
            t+30s     Progressing    = Step ramp: all of staff and 5.3 % of everyone, on the way to 6 %, 13s to go
            t+31s     Progressing  step: Step ramp grows: all of staff and 5.4 % of everyone
            t+31s     Progressing    -> traffic 6: all of staff and 5.4 % of everyone
            t+31s     Progressing    = Step ramp: traffic is being set so that all of staff and 5.4 % of everyone meet 2.1.0
            t+31s     Progressing  traffic: All of staff and 5.4 % of everyone meet 2.1.0 now
            t+31s     Progressing    = Step ramp: all of staff and 5.4 % of everyone, on the way to 6 %, 12s to go
            t+33s     Progressing  step: Step ramp grows: all of staff and 5.5 % of everyone
            t+33s     Progressing    -> traffic 7: all of staff and 5.5 % of everyone
            t+33s     Progressing    = Step ramp: traffic is being set so that all of staff and 5.5 % of everyone meet 2.1.0
            t+33s     Progressing  traffic: All of staff and 5.5 % of everyone meet 2.1.0 now
            t+33s     Progressing    = Step ramp: all of staff and 5.5 % of everyone, on the way to 6 %, 10s to go
            t+33s     Promoting    resumed: Promoted (ada)
            t+33s     Promoting    step: The last step is over: everyone gets 2.1.0
            t+33s     Promoting      -> traffic 8: everyone
            t+33s     Promoting      = The last step is over: traffic is being set so that everyone meets 2.1.0
            t+33s     Succeeded    traffic: Everyone meets 2.1.0 now
            t+33s     Succeeded    ended: Everyone has 2.1.0
            t+33s     Succeeded      -> 2.1.0 is live
            t+33s     Succeeded      -> start the next
            t+33s     Succeeded      = Everyone has 2.1.0
        "#]],
    );
}

#[test]
fn given_shares_are_held_one_after_the_other() {
    check(
        THROUGH,
        "ready; 1s; 4s candidate 10/0; 5s candidate 2/0; 10s candidate 2/0; 6s candidate 50/0",
        &expect![[r#"
            t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
            t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
            t+1s      Progressing  step: Step ramp (1 of 1): 1 % of everyone, growing to 50 % in 3 parts of 3s or more
            t+1s      Progressing    -> traffic 1: 1 % of everyone
            t+1s      Progressing    = Step ramp: traffic is being set so that 1 % of everyone meet 2.1.0
            t+1s      Progressing  traffic: 1 % of everyone meet 2.1.0 now
            t+1s      Progressing    = Step ramp: 1 % of everyone, on the way to 50 %, 3s to go
            t+4s      Progressing  step: Step ramp grows: 10 % of everyone
            t+4s      Progressing    -> traffic 2: 10 % of everyone
            t+4s      Progressing    = Step ramp: traffic is being set so that 10 % of everyone meet 2.1.0
            t+4s      Progressing  traffic: 10 % of everyone meet 2.1.0 now
            t+4s      Progressing    = Step ramp: 10 % of everyone, on the way to 50 %, 3s to go
            t+7s      Progressing    = Step ramp waits for data, for another 30s at most: 14 of 30 requests have reached the candidate in this step
            t+15s     Progressing  step: Step ramp grows: 50 % of everyone
            t+15s     Progressing    -> traffic 3: 50 % of everyone
            t+15s     Progressing    = Step ramp: traffic is being set so that 50 % of everyone meet 2.1.0
            t+15s     Progressing  traffic: 50 % of everyone meet 2.1.0 now
            t+15s     Progressing    = Step ramp: 50 % of everyone, 5s and 30 requests to go
            t+20s     Progressing    = Step ramp waits for data, for another 30s at most: 10 of 30 requests have reached the candidate in this step
            t+21s     Promoting    step: Step ramp is done after 6s and 60 requests: nothing is checked
            t+21s     Promoting    step: The last step is over: everyone gets 2.1.0
            t+21s     Promoting      -> traffic 4: everyone
            t+21s     Promoting      = The last step is over: traffic is being set so that everyone meets 2.1.0
            t+21s     Succeeded    traffic: Everyone meets 2.1.0 now
            t+21s     Succeeded    ended: Everyone has 2.1.0
            t+21s     Succeeded      -> 2.1.0 is live
            t+21s     Succeeded      -> start the next
            t+21s     Succeeded      = Everyone has 2.1.0
        "#]],
    );
}

#[test]
fn a_good_candidate_climbs_by_its_risk() {
    check(
        BY_RISK,
        "ready; 1s; 6s stable 100/0; 40s stable 99/0 candidate 1/0; 31s stable 98/0 candidate 2/0; 62s stable 95/0 candidate 6/0; 31s stable 90/0 candidate 10/0",
        &expect![[r#"
            t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
            t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
            t+1s      Progressing  step: Step ramp (1 of 1): nobody, growing to 10 % at the risk of 50 failed requests
            t+1s      Progressing    = Step ramp: nobody, on the way to 10 % as fast as its risk allows
            t+6s      Progressing  step: Step ramp grows: 1 % of everyone
            t+6s      Progressing    -> traffic 1: 1 % of everyone
            t+6s      Progressing    = Step ramp: traffic is being set so that 1 % of everyone meet 2.1.0
            t+6s      Progressing  traffic: 1 % of everyone meet 2.1.0 now
            t+6s      Progressing    = Step ramp: 1 % of everyone, on the way to 10 % as fast as its risk allows
            t+36s     Progressing    = Step ramp waits for data, for another 1m at most: 29 of 30 requests have reached the candidate in this step
            t+37s     Progressing  step: Step ramp grows: 2 % of everyone
            t+37s     Progressing    -> traffic 2: 2 % of everyone
            t+37s     Progressing    = Step ramp: traffic is being set so that 2 % of everyone meet 2.1.0
            t+37s     Progressing  traffic: 2 % of everyone meet 2.1.0 now
            t+37s     Progressing    = Step ramp: 2 % of everyone, on the way to 10 % as fast as its risk allows
            t+1m7s    Progressing  step: Step ramp grows: 4 % of everyone
            t+1m7s    Progressing    -> traffic 3: 4 % of everyone
            t+1m7s    Progressing    = Step ramp: traffic is being set so that 4 % of everyone meet 2.1.0
            t+1m7s    Progressing  traffic: 4 % of everyone meet 2.1.0 now
            t+1m7s    Progressing    = Step ramp: 4 % of everyone, on the way to 10 % as fast as its risk allows
            t+1m37s   Progressing  step: Step ramp grows: 8 % of everyone
            t+1m37s   Progressing    -> traffic 4: 8 % of everyone
            t+1m37s   Progressing    = Step ramp: traffic is being set so that 8 % of everyone meet 2.1.0
            t+1m37s   Progressing  traffic: 8 % of everyone meet 2.1.0 now
            t+1m37s   Progressing    = Step ramp: 8 % of everyone, on the way to 10 % as fast as its risk allows
            t+2m7s    Progressing  step: Step ramp grows: 10 % of everyone
            t+2m7s    Progressing    -> traffic 5: 10 % of everyone
            t+2m7s    Progressing    = Step ramp: traffic is being set so that 10 % of everyone meet 2.1.0
            t+2m7s    Progressing  traffic: 10 % of everyone meet 2.1.0 now
            t+2m7s    Progressing    = Step ramp: 10 % of everyone, nothing more to wait for
            t+2m8s    Promoting    step: Step ramp is done after 1s and 6 requests: nothing is checked
            t+2m8s    Promoting    step: The last step is over: everyone gets 2.1.0
            t+2m8s    Promoting      -> traffic 6: everyone
            t+2m8s    Promoting      = The last step is over: traffic is being set so that everyone meets 2.1.0
            t+2m8s    Succeeded    traffic: Everyone meets 2.1.0 now
            t+2m8s    Succeeded    ended: Everyone has 2.1.0
            t+2m8s    Succeeded      -> 2.1.0 is live
            t+2m8s    Succeeded      -> start the next
            t+2m8s    Succeeded      = Everyone has 2.1.0
        "#]],
    );
}

#[test]
fn a_bad_candidate_uses_up_its_risk_budget() {
    check(
        BY_RISK,
        "ready; 1s; 6s stable 100/1; 40s stable 97/1 candidate 3/1; 60s stable 97/1 candidate 3/1",
        &expect![[r#"
            t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
            t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
            t+1s      Progressing  step: Step ramp (1 of 1): nobody, growing to 10 % at the risk of 50 failed requests
            t+1s      Progressing    = Step ramp: nobody, on the way to 10 % as fast as its risk allows
            t+6s      Progressing  step: Step ramp grows: 1 % of everyone
            t+6s      Progressing    -> traffic 1: 1 % of everyone
            t+6s      Progressing    = Step ramp: traffic is being set so that 1 % of everyone meet 2.1.0
            t+6s      Progressing  traffic: 1 % of everyone meet 2.1.0 now
            t+6s      Progressing    = Step ramp: 1 % of everyone, on the way to 10 % as fast as its risk allows
            t+36s     Progressing  step: Step ramp grows: 2 % of everyone
            t+36s     Progressing    -> traffic 2: 2 % of everyone
            t+36s     Progressing    = Step ramp: traffic is being set so that 2 % of everyone meet 2.1.0
            t+36s     Progressing  traffic: 2 % of everyone meet 2.1.0 now
            t+36s     Progressing    = Step ramp: 2 % of everyone, on the way to 10 % as fast as its risk allows
            t+59s     RollingBack  verdict: Step ramp has used up its risk budget: 52 of 156 requests failed, 51 more than would have on stable, and 50 may
            t+59s     RollingBack  rolling-back: Everyone goes back to 2.0.3
            t+59s     RollingBack    -> traffic 3: nobody
            t+59s     RollingBack    = Everyone is being taken back to 2.0.3, because step ramp has used up its risk budget: 52 of 156 requests failed, 51 more than would have on stable, and 50 may
            t+59s     RolledBack   traffic: Nobody meets 2.1.0 any more
            t+59s     RolledBack   ended: Everyone is back on 2.0.3
            t+59s     RolledBack     -> 2.0.3 is live
            t+59s     RolledBack     -> start the next
            t+59s     RolledBack     = Everyone is back on 2.0.3, because step ramp has used up its risk budget: 52 of 156 requests failed, 51 more than would have on stable, and 50 may
        "#]],
    );
}

#[test]
fn a_ramp_by_risk_that_sees_nobody_cannot_tell() {
    check(
        BY_RISK,
        "ready; 1s; 100s",
        &expect![[r#"
            t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
            t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
            t+1s      Progressing  step: Step ramp (1 of 1): nobody, growing to 10 % at the risk of 50 failed requests
            t+1s      Progressing    = Step ramp: nobody, on the way to 10 % as fast as its risk allows
            t+6s      Progressing  step: Step ramp grows: 1 % of everyone
            t+6s      Progressing    -> traffic 1: 1 % of everyone
            t+6s      Progressing    = Step ramp: traffic is being set so that 1 % of everyone meet 2.1.0
            t+6s      Progressing  traffic: 1 % of everyone meet 2.1.0 now
            t+6s      Progressing    = Step ramp: 1 % of everyone, on the way to 10 % as fast as its risk allows
            t+36s     Progressing    = Step ramp waits for data, for another 1m at most: no request has reached the candidate in this step, and it takes 30
            t+46s     Progressing  waiting: Step ramp waits for data, for another 50s at most: no request has reached the candidate in this step, and it takes 30
            t+1m36s   Paused       verdict: Too little was seen for 1m: no request has reached the candidate in this step, and it takes 30
            t+1m36s   Paused       paused: Paused until somebody decides
            t+1m36s   Paused         = Too little was seen for 1m: no request has reached the candidate in this step, and it takes 30
        "#]],
    );
}
