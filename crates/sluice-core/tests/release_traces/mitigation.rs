//! What happens on trouble, by policy and by check.

use expect_test::expect;

use super::check;

/// Trouble is answered in another way by each.
const SLOWLY: &str = "
steps:
  - { name: small, audience: [ { segment: staff }, { percent: 50 } ], hold: { time: 1m } }
checks:
  - { metric: http.errors, max: 5%, sample: 5 }
onFail: { rollbackGradually: { over: 9s } }
keepPrevious: 1m";

const DOWN: &str = "
steps:
  - { name: small, audience: [ { percent: 5 } ], hold: { time: 2s } }
  - { name: large, audience: [ { percent: 50 } ], hold: { time: 20s } }
checks:
  - { metric: http.errors, max: 5%, sample: 5 }
onFail: { rebalance: { step: small, times: 1 } }
onInconclusive: { wait: 5s, then: { rebalance: { step: small } } }
keepPrevious: 1m";

/// The last step is for everyone, so that nobody is left on stable.
const PATIENT: &str = "
steps:
  - { name: small, audience: [ { percent: 5 } ], hold: { time: 2s } }
  - { name: all, audience: [ { percent: 100 } ], hold: { time: 5s } }
checks:
  - { metric: http.errors, max: 5%, sample: 5 }
onInconclusive: { wait: 5s, then: { rebalance: { step: small } } }
keepPrevious: 1m";

const DEPLOYING: &str = "
steps:
  - { name: small, audience: [ { percent: 5 } ], hold: { time: 20s } }
checks:
  - { metric: http.errors, max: 5%, sample: 5 }
onFail: { redeploy: { url: 'https://ci.example.com/redeploy' } }
keepPrevious: 1m";

const EACH_ITS_OWN: &str = "
steps:
  - { name: small, audience: [ { percent: 5 } ], hold: { time: 2s } }
checks:
  - { metric: http.errors, max: 5%, sample: 5 }
  - { metric: http.latency, quantile: 0.5, max: 100ms, sample: 20, onFail: pause, onInconclusive: { wait: 3s, then: rollback } }
keepPrevious: 1m";

#[test]
fn people_go_back_little_by_little() {
    check(
        SLOWLY,
        "ready; 1s; 2s candidate 5/0; 1s candidate 5/5; 3s; show; 8s",
        &expect![[r#"
        t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
        t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
        t+1s      Progressing  step: Step small (1 of 1): all of staff and 50 % of everyone
        t+1s      Progressing    -> traffic 1: all of staff and 50 % of everyone
        t+1s      Progressing    = Step small: traffic is being set so that all of staff and 50 % of everyone meet 2.1.0
        t+1s      Progressing  traffic: All of staff and 50 % of everyone meet 2.1.0 now
        t+1s      Progressing    = Step small: all of staff and 50 % of everyone, 1m to go
        t+4s      RollingBack  verdict: A check failed: http.errors is 33.33 % for the candidate (15 requests), above the limit of 5 %
        t+4s      RollingBack  rolling-back: People go back to 2.0.3 little by little, over 9s
        t+4s      RollingBack    -> traffic 2: 90 % of staff and 45 % of everyone
        t+4s      RollingBack    = People are being taken back to 2.0.3 little by little, 9s to go, because a check failed: http.errors is 33.33 % for the candidate (15 requests), above the limit of 5 %
        t+4s      RollingBack  traffic: 90 % of staff and 45 % of everyone meet 2.1.0 now
        t+5s      RollingBack    -> traffic 3: 80 % of staff and 40 % of everyone
        t+5s      RollingBack  traffic: 80 % of staff and 40 % of everyone meet 2.1.0 now
        t+6s      RollingBack    -> traffic 4: 70 % of staff and 35 % of everyone
        t+6s      RollingBack  traffic: 70 % of staff and 35 % of everyone meet 2.1.0 now
        t+7s      RollingBack    -> traffic 5: 60 % of staff and 30 % of everyone
        t+7s      RollingBack  traffic: 60 % of staff and 30 % of everyone meet 2.1.0 now
          | phase: RollingBack small, attempt 1: People are being taken back to 2.0.3 little by little, 6s to go, because a check failed: http.errors is 33.33 % for the candidate (15 requests), above the limit of 5 %
          | steps: small Current 0s/0
          | split: 60 % of staff and 30 % of everyone wanted, 60 % of staff and 30 % of everyone in force
          | exposed: 15 requests, 5 failed
          | verbs: abort, rollback
        t+8s      RollingBack    -> traffic 6: 50 % of staff and 25 % of everyone
        t+8s      RollingBack  traffic: 50 % of staff and 25 % of everyone meet 2.1.0 now
        t+9s      RollingBack    -> traffic 7: 40 % of staff and 20 % of everyone
        t+9s      RollingBack  traffic: 40 % of staff and 20 % of everyone meet 2.1.0 now
        t+10s     RollingBack    -> traffic 8: 30 % of staff and 15 % of everyone
        t+10s     RollingBack  traffic: 30 % of staff and 15 % of everyone meet 2.1.0 now
        t+11s     RollingBack    -> traffic 9: 20 % of staff and 10 % of everyone
        t+11s     RollingBack  traffic: 20 % of staff and 10 % of everyone meet 2.1.0 now
        t+12s     RollingBack    -> traffic 10: 10 % of staff and 5 % of everyone
        t+12s     RollingBack  traffic: 10 % of staff and 5 % of everyone meet 2.1.0 now
        t+13s     RollingBack    -> traffic 11: nobody
        t+13s     RollingBack    = Everyone is being taken back to 2.0.3, because a check failed: http.errors is 33.33 % for the candidate (15 requests), above the limit of 5 %
        t+13s     RolledBack   traffic: Nobody meets 2.1.0 any more
        t+13s     RolledBack   ended: Everyone is back on 2.0.3
        t+13s     RolledBack     -> 2.0.3 is live
        t+13s     RolledBack     -> start the next
        t+13s     RolledBack     = Everyone is back on 2.0.3, because a check failed: http.errors is 33.33 % for the candidate (15 requests), above the limit of 5 %
    "#]],
    );
}

#[test]
fn going_back_slowly_waits_for_stable() {
    check(
        SLOWLY,
        "ready; 1s; 2s candidate 5/5; 2s; stable 0/2; 3s; stable 2/2; 10s",
        &expect![[r#"
        t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
        t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
        t+1s      Progressing  step: Step small (1 of 1): all of staff and 50 % of everyone
        t+1s      Progressing    -> traffic 1: all of staff and 50 % of everyone
        t+1s      Progressing    = Step small: traffic is being set so that all of staff and 50 % of everyone meet 2.1.0
        t+1s      Progressing  traffic: All of staff and 50 % of everyone meet 2.1.0 now
        t+1s      Progressing    = Step small: all of staff and 50 % of everyone, 1m to go
        t+2s      RollingBack  verdict: A check failed: http.errors is 100 % for the candidate (5 requests), above the limit of 5 %
        t+2s      RollingBack  rolling-back: People go back to 2.0.3 little by little, over 9s
        t+2s      RollingBack    -> traffic 2: 90 % of staff and 45 % of everyone
        t+2s      RollingBack    = People are being taken back to 2.0.3 little by little, 9s to go, because a check failed: http.errors is 100 % for the candidate (5 requests), above the limit of 5 %
        t+2s      RollingBack  traffic: 90 % of staff and 45 % of everyone meet 2.1.0 now
        t+3s      RollingBack    -> traffic 3: 80 % of staff and 40 % of everyone
        t+3s      RollingBack  traffic: 80 % of staff and 40 % of everyone meet 2.1.0 now
        t+4s      RollingBack    -> traffic 4: 70 % of staff and 35 % of everyone
        t+4s      RollingBack  traffic: 70 % of staff and 35 % of everyone meet 2.1.0 now
        t+5s      RollingBack    -> traffic 5: 60 % of staff and 30 % of everyone
        t+5s      RollingBack  traffic: 60 % of staff and 30 % of everyone meet 2.1.0 now
        t+6s      RollingBack  waiting: Nobody can go back to 2.0.3 yet, which has no ready endpoint
        t+6s      RollingBack    = Nobody can go back to 2.0.3 yet, which has no ready endpoint; they should, because a check failed: http.errors is 100 % for the candidate (5 requests), above the limit of 5 %
        t+9s      RollingBack    -> traffic 6: 50 % of staff and 25 % of everyone
        t+9s      RollingBack    = People are being taken back to 2.0.3 little by little, 5s to go, because a check failed: http.errors is 100 % for the candidate (5 requests), above the limit of 5 %
        t+9s      RollingBack  traffic: 50 % of staff and 25 % of everyone meet 2.1.0 now
        t+10s     RollingBack    -> traffic 7: 40 % of staff and 20 % of everyone
        t+10s     RollingBack  traffic: 40 % of staff and 20 % of everyone meet 2.1.0 now
        t+11s     RollingBack    -> traffic 8: 30 % of staff and 15 % of everyone
        t+11s     RollingBack  traffic: 30 % of staff and 15 % of everyone meet 2.1.0 now
        t+12s     RollingBack    -> traffic 9: 20 % of staff and 10 % of everyone
        t+12s     RollingBack  traffic: 20 % of staff and 10 % of everyone meet 2.1.0 now
        t+13s     RollingBack    -> traffic 10: 10 % of staff and 5 % of everyone
        t+13s     RollingBack  traffic: 10 % of staff and 5 % of everyone meet 2.1.0 now
        t+14s     RollingBack    -> traffic 11: nobody
        t+14s     RollingBack    = Everyone is being taken back to 2.0.3, because a check failed: http.errors is 100 % for the candidate (5 requests), above the limit of 5 %
        t+14s     RolledBack   traffic: Nobody meets 2.1.0 any more
        t+14s     RolledBack   ended: Everyone is back on 2.0.3
        t+14s     RolledBack     -> 2.0.3 is live
        t+14s     RolledBack     -> start the next
        t+14s     RolledBack     = Everyone is back on 2.0.3, because a check failed: http.errors is 100 % for the candidate (5 requests), above the limit of 5 %
    "#]],
    );
}

#[test]
fn whoever_goes_back_slowly_goes_at_once_when_the_candidate_is_gone() {
    check(
        SLOWLY,
        "ready; 1s; 2s candidate 5/5; 2s; candidate 0/2; 1s",
        &expect![[r#"
        t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
        t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
        t+1s      Progressing  step: Step small (1 of 1): all of staff and 50 % of everyone
        t+1s      Progressing    -> traffic 1: all of staff and 50 % of everyone
        t+1s      Progressing    = Step small: traffic is being set so that all of staff and 50 % of everyone meet 2.1.0
        t+1s      Progressing  traffic: All of staff and 50 % of everyone meet 2.1.0 now
        t+1s      Progressing    = Step small: all of staff and 50 % of everyone, 1m to go
        t+2s      RollingBack  verdict: A check failed: http.errors is 100 % for the candidate (5 requests), above the limit of 5 %
        t+2s      RollingBack  rolling-back: People go back to 2.0.3 little by little, over 9s
        t+2s      RollingBack    -> traffic 2: 90 % of staff and 45 % of everyone
        t+2s      RollingBack    = People are being taken back to 2.0.3 little by little, 9s to go, because a check failed: http.errors is 100 % for the candidate (5 requests), above the limit of 5 %
        t+2s      RollingBack  traffic: 90 % of staff and 45 % of everyone meet 2.1.0 now
        t+3s      RollingBack    -> traffic 3: 80 % of staff and 40 % of everyone
        t+3s      RollingBack  traffic: 80 % of staff and 40 % of everyone meet 2.1.0 now
        t+4s      RollingBack    -> traffic 4: 70 % of staff and 35 % of everyone
        t+4s      RollingBack  traffic: 70 % of staff and 35 % of everyone meet 2.1.0 now
        t+5s      RollingBack    -> traffic 5: 60 % of staff and 30 % of everyone
        t+5s      RollingBack  traffic: 60 % of staff and 30 % of everyone meet 2.1.0 now
        t+6s      RollingBack    -> traffic 6: nobody
        t+6s      RollingBack    = Everyone is being taken back to 2.0.3, because a check failed: http.errors is 100 % for the candidate (5 requests), above the limit of 5 %
        t+6s      RolledBack   traffic: Nobody meets 2.1.0 any more
        t+6s      RolledBack   ended: Everyone is back on 2.0.3
        t+6s      RolledBack     -> 2.0.3 is live
        t+6s      RolledBack     -> start the next
        t+6s      RolledBack     = Everyone is back on 2.0.3, because a check failed: http.errors is 100 % for the candidate (5 requests), above the limit of 5 %
    "#]],
    );
}

#[test]
fn going_back_slowly_can_be_hurried() {
    check(
        SLOWLY,
        "ready; 1s; 2s candidate 5/5; 2s; promote ada; pause ada; rollback ada: faster",
        &expect![[r#"
            t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
            t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
            t+1s      Progressing  step: Step small (1 of 1): all of staff and 50 % of everyone
            t+1s      Progressing    -> traffic 1: all of staff and 50 % of everyone
            t+1s      Progressing    = Step small: traffic is being set so that all of staff and 50 % of everyone meet 2.1.0
            t+1s      Progressing  traffic: All of staff and 50 % of everyone meet 2.1.0 now
            t+1s      Progressing    = Step small: all of staff and 50 % of everyone, 1m to go
            t+2s      RollingBack  verdict: A check failed: http.errors is 100 % for the candidate (5 requests), above the limit of 5 %
            t+2s      RollingBack  rolling-back: People go back to 2.0.3 little by little, over 9s
            t+2s      RollingBack    -> traffic 2: 90 % of staff and 45 % of everyone
            t+2s      RollingBack    = People are being taken back to 2.0.3 little by little, 9s to go, because a check failed: http.errors is 100 % for the candidate (5 requests), above the limit of 5 %
            t+2s      RollingBack  traffic: 90 % of staff and 45 % of everyone meet 2.1.0 now
            t+3s      RollingBack    -> traffic 3: 80 % of staff and 40 % of everyone
            t+3s      RollingBack  traffic: 80 % of staff and 40 % of everyone meet 2.1.0 now
            t+4s      RollingBack    -> traffic 4: 70 % of staff and 35 % of everyone
            t+4s      RollingBack  traffic: 70 % of staff and 35 % of everyone meet 2.1.0 now
            t+5s      RollingBack    -> traffic 5: 60 % of staff and 30 % of everyone
            t+5s      RollingBack  traffic: 60 % of staff and 30 % of everyone meet 2.1.0 now
            t+5s      RollingBack  promote by ada is refused: checkout-2.1.0-1 is being taken back, so there is nothing to promote
            t+5s      RollingBack  pause by ada is refused: checkout-2.1.0-1 is being taken back, so there is nothing to pause
            t+5s      RollingBack  rolling-back: Rolled back at once: faster (ada)
            t+5s      RollingBack    -> traffic 6: nobody
            t+5s      RollingBack    = Everyone is being taken back to 2.0.3, because a check failed: http.errors is 100 % for the candidate (5 requests), above the limit of 5 %
            t+5s      RolledBack   traffic: Nobody meets 2.1.0 any more
            t+5s      RolledBack   ended: Everyone is back on 2.0.3
            t+5s      RolledBack     -> 2.0.3 is live
            t+5s      RolledBack     -> start the next
            t+5s      RolledBack     = Everyone is back on 2.0.3, because a check failed: http.errors is 100 % for the candidate (5 requests), above the limit of 5 %
        "#]],
    );
}

#[test]
fn an_abort_hurries_too() {
    check(
        SLOWLY,
        "ready; 1s; 2s candidate 5/5; 2s; abort ada",
        &expect![[r#"
        t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
        t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
        t+1s      Progressing  step: Step small (1 of 1): all of staff and 50 % of everyone
        t+1s      Progressing    -> traffic 1: all of staff and 50 % of everyone
        t+1s      Progressing    = Step small: traffic is being set so that all of staff and 50 % of everyone meet 2.1.0
        t+1s      Progressing  traffic: All of staff and 50 % of everyone meet 2.1.0 now
        t+1s      Progressing    = Step small: all of staff and 50 % of everyone, 1m to go
        t+2s      RollingBack  verdict: A check failed: http.errors is 100 % for the candidate (5 requests), above the limit of 5 %
        t+2s      RollingBack  rolling-back: People go back to 2.0.3 little by little, over 9s
        t+2s      RollingBack    -> traffic 2: 90 % of staff and 45 % of everyone
        t+2s      RollingBack    = People are being taken back to 2.0.3 little by little, 9s to go, because a check failed: http.errors is 100 % for the candidate (5 requests), above the limit of 5 %
        t+2s      RollingBack  traffic: 90 % of staff and 45 % of everyone meet 2.1.0 now
        t+3s      RollingBack    -> traffic 3: 80 % of staff and 40 % of everyone
        t+3s      RollingBack  traffic: 80 % of staff and 40 % of everyone meet 2.1.0 now
        t+4s      RollingBack    -> traffic 4: 70 % of staff and 35 % of everyone
        t+4s      RollingBack  traffic: 70 % of staff and 35 % of everyone meet 2.1.0 now
        t+5s      RollingBack    -> traffic 5: 60 % of staff and 30 % of everyone
        t+5s      RollingBack  traffic: 60 % of staff and 30 % of everyone meet 2.1.0 now
        t+5s      RollingBack  rolling-back: Aborted (ada)
        t+5s      RollingBack    -> traffic 6: nobody
        t+5s      RollingBack    = Everyone is being taken back to 2.0.3, because ada aborted it
        t+5s      Aborted      traffic: Nobody meets 2.1.0 any more
        t+5s      Aborted      ended: Everyone is back on 2.0.3
        t+5s      Aborted        -> 2.0.3 is live
        t+5s      Aborted        -> start the next
        t+5s      Aborted        = Everyone is back on 2.0.3, because ada aborted it
    "#]],
    );
}

#[test]
fn after_success_people_go_back_at_once() {
    check(
        SLOWLY,
        "ready; 1s; 62s candidate 5/0; 2s candidate 100/100",
        &expect![[r#"
            t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
            t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
            t+1s      Progressing  step: Step small (1 of 1): all of staff and 50 % of everyone
            t+1s      Progressing    -> traffic 1: all of staff and 50 % of everyone
            t+1s      Progressing    = Step small: traffic is being set so that all of staff and 50 % of everyone meet 2.1.0
            t+1s      Progressing  traffic: All of staff and 50 % of everyone meet 2.1.0 now
            t+1s      Progressing    = Step small: all of staff and 50 % of everyone, 1m to go
            t+1m1s    Promoting    step: Step small is done after 1m and 300 requests: its check passes
            t+1m1s    Promoting    step: The last step is over: everyone gets 2.1.0
            t+1m1s    Promoting      -> traffic 2: everyone
            t+1m1s    Promoting      = The last step is over: traffic is being set so that everyone meets 2.1.0
            t+1m1s    Succeeded    traffic: Everyone meets 2.1.0 now
            t+1m1s    Succeeded    ended: Everyone has 2.1.0; 2.0.3 is kept for a quick return until 2026-11-23 09:02 UTC
            t+1m1s    Succeeded      -> 2.1.0 is live
            t+1m1s    Succeeded      = Everyone has 2.1.0; 2.0.3 is kept for a quick return until 2026-11-23 09:02 UTC
            t+1m4s    RollingBack  verdict: A check failed: http.errors is 25.32 % for the candidate (395 requests), above the limit of 5 %
            t+1m4s    RollingBack  rolling-back: Everyone goes back to 2.0.3
            t+1m4s    RollingBack    -> traffic 3: nobody
            t+1m4s    RollingBack    = Everyone is being taken back to 2.0.3, because a check failed: http.errors is 25.32 % for the candidate (395 requests), above the limit of 5 %
            t+1m4s    RolledBack   traffic: Nobody meets 2.1.0 any more
            t+1m4s    RolledBack   ended: Everyone is back on 2.0.3
            t+1m4s    RolledBack     -> 2.0.3 is live
            t+1m4s    RolledBack     -> start the next
            t+1m4s    RolledBack     = Everyone is back on 2.0.3, because a check failed: http.errors is 25.32 % for the candidate (395 requests), above the limit of 5 %
        "#]],
    );
}

#[test]
fn a_crash_on_the_way_back_hurries() {
    check(
        SLOWLY,
        "ready; 1s; 2s candidate 5/5; 2s; crash overflow",
        &expect![[r#"
        t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
        t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
        t+1s      Progressing  step: Step small (1 of 1): all of staff and 50 % of everyone
        t+1s      Progressing    -> traffic 1: all of staff and 50 % of everyone
        t+1s      Progressing    = Step small: traffic is being set so that all of staff and 50 % of everyone meet 2.1.0
        t+1s      Progressing  traffic: All of staff and 50 % of everyone meet 2.1.0 now
        t+1s      Progressing    = Step small: all of staff and 50 % of everyone, 1m to go
        t+2s      RollingBack  verdict: A check failed: http.errors is 100 % for the candidate (5 requests), above the limit of 5 %
        t+2s      RollingBack  rolling-back: People go back to 2.0.3 little by little, over 9s
        t+2s      RollingBack    -> traffic 2: 90 % of staff and 45 % of everyone
        t+2s      RollingBack    = People are being taken back to 2.0.3 little by little, 9s to go, because a check failed: http.errors is 100 % for the candidate (5 requests), above the limit of 5 %
        t+2s      RollingBack  traffic: 90 % of staff and 45 % of everyone meet 2.1.0 now
        t+3s      RollingBack    -> traffic 3: 80 % of staff and 40 % of everyone
        t+3s      RollingBack  traffic: 80 % of staff and 40 % of everyone meet 2.1.0 now
        t+4s      RollingBack    -> traffic 4: 70 % of staff and 35 % of everyone
        t+4s      RollingBack  traffic: 70 % of staff and 35 % of everyone meet 2.1.0 now
        t+5s      RollingBack    -> traffic 5: 60 % of staff and 30 % of everyone
        t+5s      RollingBack  traffic: 60 % of staff and 30 % of everyone meet 2.1.0 now
        t+5s      RollingBack    -> traffic 6: nobody
        t+5s      RollingBack    = Everyone is being taken back to 2.0.3, because a check failed: http.errors is 100 % for the candidate (5 requests), above the limit of 5 %
        t+5s      RolledBack   traffic: Nobody meets 2.1.0 any more
        t+5s      RolledBack   ended: Everyone is back on 2.0.3
        t+5s      RolledBack     -> 2.0.3 is live
        t+5s      RolledBack     -> start the next
        t+5s      RolledBack     = Everyone is back on 2.0.3, because a check failed: http.errors is 100 % for the candidate (5 requests), above the limit of 5 %
    "#]],
    );
}

#[test]
fn a_release_goes_down_a_step_once_and_then_back() {
    check(
        DOWN,
        "ready; 1s; 3s candidate 5/0; 2s candidate 5/5; 3s candidate 5/0; 2s candidate 5/5",
        &expect![[r#"
            t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
            t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
            t+1s      Progressing  step: Step small (1 of 2): 5 % of everyone
            t+1s      Progressing    -> traffic 1: 5 % of everyone
            t+1s      Progressing    = Step small: traffic is being set so that 5 % of everyone meet 2.1.0
            t+1s      Progressing  traffic: 5 % of everyone meet 2.1.0 now
            t+1s      Progressing    = Step small: 5 % of everyone, 2s to go
            t+3s      Progressing  step: Step small is done after 2s and 10 requests: its check passes
            t+3s      Progressing  step: Step large (2 of 2): 50 % of everyone
            t+3s      Progressing    -> traffic 2: 50 % of everyone
            t+3s      Progressing    = Step large: traffic is being set so that 50 % of everyone meet 2.1.0
            t+3s      Progressing  traffic: 50 % of everyone meet 2.1.0 now
            t+3s      Progressing    = Step large: 50 % of everyone, 20s to go
            t+5s      Progressing  verdict: A check failed: http.errors is 25 % for the candidate (20 requests), above the limit of 5 %
            t+5s      Progressing  rolling-back: Goes down to step small, for the first time of 1 at most, because a check failed: http.errors is 25 % for the candidate (20 requests), above the limit of 5 %
            t+5s      Progressing  step: Step small (1 of 2): 5 % of everyone
            t+5s      Progressing    -> traffic 3: 5 % of everyone
            t+5s      Progressing    = Step small: traffic is being set so that 5 % of everyone meet 2.1.0
            t+5s      Progressing  traffic: 5 % of everyone meet 2.1.0 now
            t+5s      Progressing    = Step small: 5 % of everyone, 2s to go
            t+6s      RollingBack  verdict: A check failed: http.errors is 100 % for the candidate (5 requests), above the limit of 5 %
            t+6s      RollingBack  rolling-back: Everyone goes back to 2.0.3
            t+6s      RollingBack    -> traffic 4: nobody
            t+6s      RollingBack    = Everyone is being taken back to 2.0.3, because a check failed: http.errors is 100 % for the candidate (5 requests), above the limit of 5 %
            t+6s      RolledBack   traffic: Nobody meets 2.1.0 any more
            t+6s      RolledBack   ended: Everyone is back on 2.0.3
            t+6s      RolledBack     -> 2.0.3 is live
            t+6s      RolledBack     -> start the next
            t+6s      RolledBack     = Everyone is back on 2.0.3, because a check failed: http.errors is 100 % for the candidate (5 requests), above the limit of 5 %
        "#]],
    );
}

#[test]
fn in_the_lowest_step_everyone_goes_back() {
    check(
        DOWN,
        "ready; 1s; 2s candidate 5/5",
        &expect![[r#"
        t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
        t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
        t+1s      Progressing  step: Step small (1 of 2): 5 % of everyone
        t+1s      Progressing    -> traffic 1: 5 % of everyone
        t+1s      Progressing    = Step small: traffic is being set so that 5 % of everyone meet 2.1.0
        t+1s      Progressing  traffic: 5 % of everyone meet 2.1.0 now
        t+1s      Progressing    = Step small: 5 % of everyone, 2s to go
        t+2s      RollingBack  verdict: A check failed: http.errors is 100 % for the candidate (5 requests), above the limit of 5 %
        t+2s      RollingBack  rolling-back: Everyone goes back to 2.0.3
        t+2s      RollingBack    -> traffic 2: nobody
        t+2s      RollingBack    = Everyone is being taken back to 2.0.3, because a check failed: http.errors is 100 % for the candidate (5 requests), above the limit of 5 %
        t+2s      RolledBack   traffic: Nobody meets 2.1.0 any more
        t+2s      RolledBack   ended: Everyone is back on 2.0.3
        t+2s      RolledBack     -> 2.0.3 is live
        t+2s      RolledBack     -> start the next
        t+2s      RolledBack     = Everyone is back on 2.0.3, because a check failed: http.errors is 100 % for the candidate (5 requests), above the limit of 5 %
    "#]],
    );
}

#[test]
fn too_little_data_goes_down_a_step_too() {
    check(
        DOWN,
        "ready; 1s; 2s candidate 5/0; 40s",
        &expect![[r#"
            t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
            t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
            t+1s      Progressing  step: Step small (1 of 2): 5 % of everyone
            t+1s      Progressing    -> traffic 1: 5 % of everyone
            t+1s      Progressing    = Step small: traffic is being set so that 5 % of everyone meet 2.1.0
            t+1s      Progressing  traffic: 5 % of everyone meet 2.1.0 now
            t+1s      Progressing    = Step small: 5 % of everyone, 2s to go
            t+3s      Progressing  step: Step small is done after 2s and 10 requests: its check passes
            t+3s      Progressing  step: Step large (2 of 2): 50 % of everyone
            t+3s      Progressing    -> traffic 2: 50 % of everyone
            t+3s      Progressing    = Step large: traffic is being set so that 50 % of everyone meet 2.1.0
            t+3s      Progressing  traffic: 50 % of everyone meet 2.1.0 now
            t+3s      Progressing    = Step large: 50 % of everyone, 20s to go
            t+23s     Progressing    = Step large waits for data, for another 5s at most: http.errors cannot be judged, because no request has reached the candidate
            t+28s     Progressing  verdict: Too little was seen for 5s: http.errors cannot be judged, because no request has reached the candidate
            t+28s     Progressing  rolling-back: Goes down to step small, for the first time of 1 at most, because too little was seen for 5s: http.errors cannot be judged, because no request has reached the candidate
            t+28s     Progressing  step: Step small (1 of 2): 5 % of everyone
            t+28s     Progressing    -> traffic 3: 5 % of everyone
            t+28s     Progressing    = Step small: traffic is being set so that 5 % of everyone meet 2.1.0
            t+28s     Progressing  traffic: 5 % of everyone meet 2.1.0 now
            t+28s     Progressing    = Step small: 5 % of everyone, 2s to go
            t+30s     Progressing    = Step small waits for data, for another 5s at most: http.errors cannot be judged, because no request has reached the candidate
            t+35s     RollingBack  verdict: Too little was seen for 5s: http.errors cannot be judged, because no request has reached the candidate
            t+35s     RollingBack  rolling-back: Everyone goes back to 2.0.3
            t+35s     RollingBack    -> traffic 4: nobody
            t+35s     RollingBack    = Everyone is being taken back to 2.0.3, because too little was seen for 5s: http.errors cannot be judged, because no request has reached the candidate
            t+35s     RolledBack   traffic: Nobody meets 2.1.0 any more
            t+35s     RolledBack   ended: Everyone is back on 2.0.3
            t+35s     RolledBack     -> 2.0.3 is live
            t+35s     RolledBack     -> start the next
            t+35s     RolledBack     = Everyone is back on 2.0.3, because too little was seen for 5s: http.errors cannot be judged, because no request has reached the candidate
        "#]],
    );
}

#[test]
fn a_paused_release_stays_paused_when_it_goes_down() {
    check(
        DOWN,
        "ready; 1s; 3s candidate 5/0; pause ada; 2s candidate 5/5; show; resume ada; 3s candidate 5/0",
        &expect![[r#"
            t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
            t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
            t+1s      Progressing  step: Step small (1 of 2): 5 % of everyone
            t+1s      Progressing    -> traffic 1: 5 % of everyone
            t+1s      Progressing    = Step small: traffic is being set so that 5 % of everyone meet 2.1.0
            t+1s      Progressing  traffic: 5 % of everyone meet 2.1.0 now
            t+1s      Progressing    = Step small: 5 % of everyone, 2s to go
            t+3s      Progressing  step: Step small is done after 2s and 10 requests: its check passes
            t+3s      Progressing  step: Step large (2 of 2): 50 % of everyone
            t+3s      Progressing    -> traffic 2: 50 % of everyone
            t+3s      Progressing    = Step large: traffic is being set so that 50 % of everyone meet 2.1.0
            t+3s      Progressing  traffic: 50 % of everyone meet 2.1.0 now
            t+3s      Progressing    = Step large: 50 % of everyone, 20s to go
            t+4s      Paused       paused: Paused (ada)
            t+4s      Paused         = ada paused it
            t+5s      Paused       verdict: A check failed: http.errors is 25 % for the candidate (20 requests), above the limit of 5 %
            t+5s      Paused       rolling-back: Goes down to step small, for the first time of 1 at most, because a check failed: http.errors is 25 % for the candidate (20 requests), above the limit of 5 %
            t+5s      Paused         -> traffic 3: 5 % of everyone
            t+5s      Paused       traffic: 5 % of everyone meet 2.1.0 now
            t+6s      RollingBack  verdict: A check failed: http.errors is 100 % for the candidate (5 requests), above the limit of 5 %
            t+6s      RollingBack  rolling-back: Everyone goes back to 2.0.3
            t+6s      RollingBack    -> traffic 4: nobody
            t+6s      RollingBack    = Everyone is being taken back to 2.0.3, because a check failed: http.errors is 100 % for the candidate (5 requests), above the limit of 5 %
            t+6s      RolledBack   traffic: Nobody meets 2.1.0 any more
            t+6s      RolledBack   ended: Everyone is back on 2.0.3
            t+6s      RolledBack     -> 2.0.3 is live
            t+6s      RolledBack     -> start the next
            t+6s      RolledBack     = Everyone is back on 2.0.3, because a check failed: http.errors is 100 % for the candidate (5 requests), above the limit of 5 %
              | phase: RolledBack small, attempt 1: Everyone is back on 2.0.3, because a check failed: http.errors is 100 % for the candidate (5 requests), above the limit of 5 %
              | steps: small Current 0s/0, large Skipped 0s/0
              | split: nobody wanted, nobody in force
              | exposed: 25 requests, 10 failed
              | verbs: retry
            t+6s      RolledBack   resume by ada is refused: checkout-2.1.0-1 is not paused
        "#]],
    );
}

#[test]
fn going_down_waits_for_stable() {
    check(
        PATIENT,
        "ready; 1s; 2s candidate 5/0; stable 0/2; 12s; show; stable 2/2; 2s",
        &expect![[r#"
            t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
            t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
            t+1s      Progressing  step: Step small (1 of 2): 5 % of everyone
            t+1s      Progressing    -> traffic 1: 5 % of everyone
            t+1s      Progressing    = Step small: traffic is being set so that 5 % of everyone meet 2.1.0
            t+1s      Progressing  traffic: 5 % of everyone meet 2.1.0 now
            t+1s      Progressing    = Step small: 5 % of everyone, 2s to go
            t+3s      Progressing  step: Step small is done after 2s and 10 requests: its check passes
            t+3s      Progressing  step: Step all (2 of 2): everyone
            t+3s      Progressing    -> traffic 2: everyone
            t+3s      Progressing    = Step all: traffic is being set so that everyone meets 2.1.0
            t+3s      Progressing  traffic: Everyone meets 2.1.0 now
            t+3s      Progressing    = Step all: everyone, 5s to go
            t+8s      Progressing    = Step all waits for data, for another 5s at most: http.errors cannot be judged, because no request has reached the candidate
            t+13s     Progressing  verdict: Too little was seen for 5s: http.errors cannot be judged, because no request has reached the candidate
            t+13s     Progressing  rolling-back: Goes down to step small, for the first time of 1 at most, because too little was seen for 5s: http.errors cannot be judged, because no request has reached the candidate
            t+13s     Progressing  step: Step small (1 of 2): 5 % of everyone
            t+13s     Progressing    = Step small: traffic is being set so that 5 % of everyone meet 2.1.0
              | phase: Progressing small, attempt 1: Step small: traffic is being set so that 5 % of everyone meet 2.1.0
              | steps: small Current 0s/0, all Ahead 0s/0
              | split: 5 % of everyone wanted, everyone in force
              | exposed: 10 requests, 0 failed
              | verbs: promote, pause, abort, rollback
            t+16s     Progressing    -> traffic 3: 5 % of everyone
            t+16s     Progressing  traffic: 5 % of everyone meet 2.1.0 now
            t+16s     Progressing    = Step small: 5 % of everyone, 2s to go
        "#]],
    );
}

#[test]
fn a_pipeline_is_told_to_deploy_again() {
    check(
        DEPLOYING,
        "ready; 1s; 2s candidate 5/5; 1s; show; hook taken: 204",
        &expect![[r#"
        t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
        t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
        t+1s      Progressing  step: Step small (1 of 1): 5 % of everyone
        t+1s      Progressing    -> traffic 1: 5 % of everyone
        t+1s      Progressing    = Step small: traffic is being set so that 5 % of everyone meet 2.1.0
        t+1s      Progressing  traffic: 5 % of everyone meet 2.1.0 now
        t+1s      Progressing    = Step small: 5 % of everyone, 20s to go
        t+2s      RollingBack  verdict: A check failed: http.errors is 100 % for the candidate (5 requests), above the limit of 5 %
        t+2s      RollingBack  rolling-back: Everyone goes back to 2.0.3
        t+2s      RollingBack    -> call 1
        t+2s      RollingBack    -> traffic 2: nobody
        t+2s      RollingBack    = Everyone is being taken back to 2.0.3, because a check failed: http.errors is 100 % for the candidate (5 requests), above the limit of 5 %
        t+2s      RollingBack  traffic: Nobody meets 2.1.0 any more
        t+2s      RollingBack    = Everyone is back on 2.0.3, and https://ci.example.com/redeploy is being told, because a check failed: http.errors is 100 % for the candidate (5 requests), above the limit of 5 %
          | phase: RollingBack small, attempt 1: Everyone is back on 2.0.3, and https://ci.example.com/redeploy is being told, because a check failed: http.errors is 100 % for the candidate (5 requests), above the limit of 5 %
          | steps: small Current 0s/0
          | split: nobody wanted, nobody in force
          | exposed: 10 requests, 10 failed
          | verbs: 
        t+4s      RolledBack   rolling-back: https://ci.example.com/redeploy was told to deploy 2.0.3 again
        t+4s      RolledBack   ended: Everyone is back on 2.0.3
        t+4s      RolledBack     -> 2.0.3 is live
        t+4s      RolledBack     -> start the next
        t+4s      RolledBack     = Everyone is back on 2.0.3, because a check failed: http.errors is 100 % for the candidate (5 requests), above the limit of 5 %
    "#]],
    );
}

#[test]
fn a_pipeline_that_cannot_be_told_does_not_hold_up_the_end() {
    check(
        DEPLOYING,
        "ready; 1s; 2s candidate 5/5; hook broken: timeout; 1s; hook broken: timeout; 2s; hook broken: timeout; 4s; hook broken: timeout; abort ada; 8s; hook broken: timeout",
        &expect![[r#"
            t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
            t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
            t+1s      Progressing  step: Step small (1 of 1): 5 % of everyone
            t+1s      Progressing    -> traffic 1: 5 % of everyone
            t+1s      Progressing    = Step small: traffic is being set so that 5 % of everyone meet 2.1.0
            t+1s      Progressing  traffic: 5 % of everyone meet 2.1.0 now
            t+1s      Progressing    = Step small: 5 % of everyone, 20s to go
            t+2s      RollingBack  verdict: A check failed: http.errors is 100 % for the candidate (5 requests), above the limit of 5 %
            t+2s      RollingBack  rolling-back: Everyone goes back to 2.0.3
            t+2s      RollingBack    -> call 1
            t+2s      RollingBack    -> traffic 2: nobody
            t+2s      RollingBack    = Everyone is being taken back to 2.0.3, because a check failed: http.errors is 100 % for the candidate (5 requests), above the limit of 5 %
            t+2s      RollingBack  traffic: Nobody meets 2.1.0 any more
            t+2s      RollingBack    = Everyone is back on 2.0.3, and https://ci.example.com/redeploy is being told, because a check failed: http.errors is 100 % for the candidate (5 requests), above the limit of 5 %
            t+4s      RollingBack    -> call 1
            t+6s      RollingBack    -> call 1
            t+10s     RollingBack    -> call 1
            t+10s     RollingBack  abort by ada is refused: checkout-2.1.0-1 is being taken back, so there is nothing to abort
            t+18s     RollingBack    -> call 1
            t+18s     RolledBack   rolling-back: https://ci.example.com/redeploy could not be told to deploy 2.0.3 again: timeout
            t+18s     RolledBack   ended: Everyone is back on 2.0.3
            t+18s     RolledBack     -> 2.0.3 is live
            t+18s     RolledBack     -> start the next
            t+18s     RolledBack     = Everyone is back on 2.0.3, because a check failed: http.errors is 100 % for the candidate (5 requests), above the limit of 5 %
        "#]],
    );
}

#[test]
fn after_success_a_pipeline_is_told_as_well() {
    check(
        DEPLOYING,
        "ready; 1s; 22s candidate 5/0; 2s candidate 5/5; hook pass",
        &expect![[r#"
        t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
        t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
        t+1s      Progressing  step: Step small (1 of 1): 5 % of everyone
        t+1s      Progressing    -> traffic 1: 5 % of everyone
        t+1s      Progressing    = Step small: traffic is being set so that 5 % of everyone meet 2.1.0
        t+1s      Progressing  traffic: 5 % of everyone meet 2.1.0 now
        t+1s      Progressing    = Step small: 5 % of everyone, 20s to go
        t+21s     Promoting    step: Step small is done after 20s and 100 requests: its check passes
        t+21s     Promoting    step: The last step is over: everyone gets 2.1.0
        t+21s     Promoting      -> traffic 2: everyone
        t+21s     Promoting      = The last step is over: traffic is being set so that everyone meets 2.1.0
        t+21s     Succeeded    traffic: Everyone meets 2.1.0 now
        t+21s     Succeeded    ended: Everyone has 2.1.0; 2.0.3 is kept for a quick return until 2026-11-23 09:01 UTC
        t+21s     Succeeded      -> 2.1.0 is live
        t+21s     Succeeded      = Everyone has 2.1.0; 2.0.3 is kept for a quick return until 2026-11-23 09:01 UTC
        t+25s     RollingBack  verdict: A check failed: http.errors is 8.33 % for the candidate (120 requests), above the limit of 5 %
        t+25s     RollingBack  rolling-back: Everyone goes back to 2.0.3
        t+25s     RollingBack    -> call 1
        t+25s     RollingBack    -> traffic 3: nobody
        t+25s     RollingBack    = Everyone is being taken back to 2.0.3, because a check failed: http.errors is 8.33 % for the candidate (120 requests), above the limit of 5 %
        t+25s     RollingBack  traffic: Nobody meets 2.1.0 any more
        t+25s     RollingBack    = Everyone is back on 2.0.3, and https://ci.example.com/redeploy is being told, because a check failed: http.errors is 8.33 % for the candidate (120 requests), above the limit of 5 %
        t+25s     RolledBack   rolling-back: https://ci.example.com/redeploy was told to deploy 2.0.3 again
        t+25s     RolledBack   ended: Everyone is back on 2.0.3
        t+25s     RolledBack     -> 2.0.3 is live
        t+25s     RolledBack     -> start the next
        t+25s     RolledBack     = Everyone is back on 2.0.3, because a check failed: http.errors is 8.33 % for the candidate (120 requests), above the limit of 5 %
    "#]],
    );
}

#[test]
fn each_check_may_have_its_own_answers() {
    check(
        EACH_ITS_OWN,
        "ready; 1s; 2s candidate 20/0@300ms; resume ada; 2s candidate 5/5",
        &expect![[r#"
            t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
            t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
            t+1s      Progressing  step: Step small (1 of 1): 5 % of everyone
            t+1s      Progressing    -> traffic 1: 5 % of everyone
            t+1s      Progressing    = Step small: traffic is being set so that 5 % of everyone meet 2.1.0
            t+1s      Progressing  traffic: 5 % of everyone meet 2.1.0 now
            t+1s      Progressing    = Step small: 5 % of everyone, 2s to go
            t+2s      Paused       verdict: A check failed: http.latency p50 is 299 ms for the candidate (20 requests), above the limit of 100 ms
            t+2s      Paused       paused: Paused until somebody decides
            t+2s      Paused         = A check failed: http.latency p50 is 299 ms for the candidate (20 requests), above the limit of 100 ms
            t+3s      Progressing  resumed: Resumed (ada)
            t+3s      Progressing    = Step small: 5 % of everyone, 2s to go
            t+4s      RollingBack  verdict: A check failed: http.errors is 100 % for the candidate (5 requests), above the limit of 5 %
            t+4s      RollingBack  rolling-back: Everyone goes back to 2.0.3
            t+4s      RollingBack    -> traffic 2: nobody
            t+4s      RollingBack    = Everyone is being taken back to 2.0.3, because a check failed: http.errors is 100 % for the candidate (5 requests), above the limit of 5 %
            t+4s      RolledBack   traffic: Nobody meets 2.1.0 any more
            t+4s      RolledBack   ended: Everyone is back on 2.0.3
            t+4s      RolledBack     -> 2.0.3 is live
            t+4s      RolledBack     -> start the next
            t+4s      RolledBack     = Everyone is back on 2.0.3, because a check failed: http.errors is 100 % for the candidate (5 requests), above the limit of 5 %
        "#]],
    );
}

#[test]
fn each_check_may_wait_in_its_own_way() {
    check(
        EACH_ITS_OWN,
        "ready; 1s; 4s candidate 3/0; 4s",
        &expect![[r#"
            t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
            t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
            t+1s      Progressing  step: Step small (1 of 1): 5 % of everyone
            t+1s      Progressing    -> traffic 1: 5 % of everyone
            t+1s      Progressing    = Step small: traffic is being set so that 5 % of everyone meet 2.1.0
            t+1s      Progressing  traffic: 5 % of everyone meet 2.1.0 now
            t+1s      Progressing    = Step small: 5 % of everyone, 2s to go
            t+3s      Progressing    = Step small waits for data, for another 3s at most: http.latency p50 cannot be judged yet, because it takes 20 requests and the candidate has answered 6
            t+6s      RollingBack  verdict: Too little was seen for 3s: http.latency p50 cannot be judged yet, because it takes 20 requests and the candidate has answered 12
            t+6s      RollingBack  rolling-back: Everyone goes back to 2.0.3
            t+6s      RollingBack    -> traffic 2: nobody
            t+6s      RollingBack    = Everyone is being taken back to 2.0.3, because too little was seen for 3s: http.latency p50 cannot be judged yet, because it takes 20 requests and the candidate has answered 12
            t+6s      RolledBack   traffic: Nobody meets 2.1.0 any more
            t+6s      RolledBack   ended: Everyone is back on 2.0.3
            t+6s      RolledBack     -> 2.0.3 is live
            t+6s      RolledBack     -> start the next
            t+6s      RolledBack     = Everyone is back on 2.0.3, because too little was seen for 3s: http.latency p50 cannot be judged yet, because it takes 20 requests and the candidate has answered 12
        "#]],
    );
}
