//! Traffic only ever goes to endpoints that are ready, on the way out and on the way back.

use expect_test::expect;

use crate::{PLAIN, WATCHED, check};

#[test]
fn a_version_that_is_never_ready_fails_and_nobody_met_it() {
    check(
        "
steps:
  - { name: all, audience: [ { percent: 100 } ] }
checks: []
readyWithin: 1m",
        "1s; candidate 0/1; 1s; candidate 0/3; 90s; show",
        &expect![[r#"
        t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
        t+1m1s    Failed       ended: 2.1.0 had no ready endpoint within 1m, so nobody met it
        t+1m1s    Failed         -> start the next
        t+1m1s    Failed         = 2.1.0 had no ready endpoint within 1m, so nobody met it
          | phase: Failed , attempt 1: 2.1.0 had no ready endpoint within 1m, so nobody met it
          | steps: all Skipped 0s/0
          | split: nobody wanted, nobody in force
          | exposed: 0 requests, 0 failed
          | verbs: retry
    "#]],
    );
}

#[test]
fn waiting_for_readiness_counts_only_time_that_was_watched() {
    check(
        "
steps:
  - { name: all, audience: [ { percent: 100 } ] }
checks: []
readyWithin: 1m
keepPrevious: 0s",
        "10s; gap 5h; look; show; ready; 2s",
        &expect![[r#"
            t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
              | phase: Pending , attempt 1: Waits for 2.1.0 to have an endpoint, for another 50s
              | steps: all Ahead 0s/0
              | split: nobody wanted, nobody in force
              | exposed: 0 requests, 0 failed
              | verbs: abort
            t+5h11s   Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
            t+5h11s   Progressing  step: Step all (1 of 1): everyone
            t+5h11s   Progressing    -> traffic 1: everyone
            t+5h11s   Progressing    = Step all: traffic is being set so that everyone meets 2.1.0
            t+5h11s   Progressing  traffic: Everyone meets 2.1.0 now
            t+5h11s   Progressing    = Step all: everyone, nothing more to wait for
            t+5h12s   Succeeded    step: Step all is done after 1s and 0 requests: nothing is checked
            t+5h12s   Succeeded    ended: Everyone has 2.1.0
            t+5h12s   Succeeded      -> 2.1.0 is live
            t+5h12s   Succeeded      -> start the next
            t+5h12s   Succeeded      = Everyone has 2.1.0
        "#]],
    );
}

#[test]
fn a_short_loss_of_readiness_stops_the_hold() {
    check(
        PLAIN,
        "ready; 1s; 8s; candidate 0/2; 9s; show; promote ada; ready; 2s; show; 1s",
        &expect![[r#"
            t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
            t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
            t+1s      Progressing  step: Step small (1 of 2): 5 % of everyone
            t+1s      Progressing    -> traffic 1: 5 % of everyone
            t+1s      Progressing    = Step small: traffic is being set so that 5 % of everyone meet 2.1.0
            t+1s      Progressing  traffic: 5 % of everyone meet 2.1.0 now
            t+1s      Progressing    = Step small: 5 % of everyone, 10s to go
            t+10s     Progressing    = 2.1.0 has no ready endpoint
              | phase: Progressing small, attempt 1: 2.1.0 has had no ready endpoint for 8s
              | steps: small Current 8s/0, all Ahead 0s/0
              | split: 5 % of everyone wanted, 5 % of everyone in force
              | exposed: 0 requests, 0 failed
              | verbs: pause, abort, rollback
            t+18s     Progressing  promote by ada is refused: 2.1.0 has no ready endpoint now, so nobody else can be sent to it
            t+19s     Progressing    = Step small: 5 % of everyone, 2s to go
              | phase: Progressing small, attempt 1: Step small: 5 % of everyone, 1s to go
              | steps: small Current 9s/0, all Ahead 0s/0
              | split: 5 % of everyone wanted, 5 % of everyone in force
              | exposed: 0 requests, 0 failed
              | verbs: promote, pause, abort, rollback
            t+21s     Progressing  step: Step small is done after 10s and 0 requests: nothing is checked
            t+21s     Progressing  step: Step all (2 of 2): everyone
            t+21s     Progressing    -> traffic 2: everyone
            t+21s     Progressing    = Step all: traffic is being set so that everyone meets 2.1.0
            t+21s     Progressing  traffic: Everyone meets 2.1.0 now
            t+21s     Progressing    = Step all: everyone, 10s to go
        "#]],
    );
}

#[test]
fn a_candidate_that_stays_unready_takes_everyone_back() {
    check(
        PLAIN,
        "ready; 1s; 5s; candidate 0/2; 11s",
        &expect![[r#"
            t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
            t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
            t+1s      Progressing  step: Step small (1 of 2): 5 % of everyone
            t+1s      Progressing    -> traffic 1: 5 % of everyone
            t+1s      Progressing    = Step small: traffic is being set so that 5 % of everyone meet 2.1.0
            t+1s      Progressing  traffic: 5 % of everyone meet 2.1.0 now
            t+1s      Progressing    = Step small: 5 % of everyone, 10s to go
            t+7s      Progressing    = 2.1.0 has no ready endpoint
            t+17s     RollingBack  verdict: 2.1.0 has had no ready endpoint for 10s
            t+17s     RollingBack  rolling-back: Everyone goes back to 2.0.3
            t+17s     RollingBack    -> traffic 2: nobody
            t+17s     RollingBack    = Everyone is being taken back to 2.0.3, because 2.1.0 has had no ready endpoint for 10s
            t+17s     RolledBack   traffic: Nobody meets 2.1.0 any more
            t+17s     RolledBack   ended: Everyone is back on 2.0.3
            t+17s     RolledBack     -> 2.0.3 is live
            t+17s     RolledBack     -> start the next
            t+17s     RolledBack     = Everyone is back on 2.0.3, because 2.1.0 has had no ready endpoint for 10s
        "#]],
    );
}

#[test]
fn a_restart_of_the_control_plane_is_no_loss_of_readiness() {
    check(
        PLAIN,
        "ready; 1s; 5s; candidate 0/0; 1s; gap 1h; restart; look; show; ready; 6s",
        &expect![[r#"
            t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
            t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
            t+1s      Progressing  step: Step small (1 of 2): 5 % of everyone
            t+1s      Progressing    -> traffic 1: 5 % of everyone
            t+1s      Progressing    = Step small: traffic is being set so that 5 % of everyone meet 2.1.0
            t+1s      Progressing  traffic: 5 % of everyone meet 2.1.0 now
            t+1s      Progressing    = Step small: 5 % of everyone, 10s to go
            t+7s      Progressing    = 2.1.0 has no ready endpoint
              | phase: Progressing small, attempt 1: 2.1.0 has had no ready endpoint for 1s
              | steps: small Current 5s/0, all Ahead 0s/0
              | split: 5 % of everyone wanted, 5 % of everyone in force
              | exposed: 0 requests, 0 failed
              | verbs: pause, abort, rollback
            t+1h8s    Progressing    = Step small: 5 % of everyone, 5s to go
            t+1h13s   Progressing  step: Step small is done after 10s and 0 requests: nothing is checked
            t+1h13s   Progressing  step: Step all (2 of 2): everyone
            t+1h13s   Progressing    -> traffic 2: everyone
            t+1h13s   Progressing    = Step all: traffic is being set so that everyone meets 2.1.0
            t+1h13s   Progressing  traffic: Everyone meets 2.1.0 now
            t+1h13s   Progressing    = Step all: everyone, 10s to go
        "#]],
    );
}

#[test]
fn nobody_goes_back_to_a_version_that_is_not_ready() {
    check(
        WATCHED,
        "ready; 1s; 5s stable 95/0 candidate 5/0; stable 0/2; 1s; abort ada: wrong build; 3s; show; stable 1/2; 1s",
        &expect![[r#"
            t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
            t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
            t+1s      Progressing  step: Step small (1 of 2): 5 % of everyone
            t+1s      Progressing    -> traffic 1: 5 % of everyone
            t+1s      Progressing    = Step small: traffic is being set so that 5 % of everyone meet 2.1.0
            t+1s      Progressing  traffic: 5 % of everyone meet 2.1.0 now
            t+1s      Progressing    = Step small: 5 % of everyone, 1m and 100 requests to go
            t+7s      Progressing  waiting: 2.0.3 has no ready endpoint, and 2.1.0 has; the release waits until both have, unless somebody decides otherwise
            t+7s      Progressing    = 2.0.3 has no ready endpoint, and 2.1.0 has; the release waits until both have, unless somebody decides otherwise
            t+7s      RollingBack  rolling-back: Everyone goes back to 2.0.3, because ada aborted it: wrong build (ada)
            t+7s      RollingBack  waiting: Nobody can go back to 2.0.3 yet, which has no ready endpoint
            t+7s      RollingBack    = Nobody can go back to 2.0.3 yet, which has no ready endpoint; they should, because ada aborted it: wrong build
              | phase: RollingBack small, attempt 1: Nobody can go back to 2.0.3 yet, which has no ready endpoint; they should, because ada aborted it: wrong build
              | steps: small Current 0s/0, all Skipped 0s/0
              | split: 5 % of everyone wanted, 5 % of everyone in force
              | exposed: 25 requests, 0 failed
              | verbs: 
            t+11s     RollingBack    -> traffic 2: nobody
            t+11s     RollingBack    = Everyone is being taken back to 2.0.3, because ada aborted it: wrong build
            t+11s     Aborted      traffic: Nobody meets 2.1.0 any more
            t+11s     Aborted      ended: Everyone is back on 2.0.3
            t+11s     Aborted        -> 2.0.3 is live
            t+11s     Aborted        -> start the next
            t+11s     Aborted        = Everyone is back on 2.0.3, because ada aborted it: wrong build
        "#]],
    );
}

#[test]
fn people_go_back_when_neither_version_is_ready() {
    check(
        PLAIN,
        "ready; 1s; 5s; stable 0/2; candidate 0/2; 11s; show",
        &expect![[r#"
            t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
            t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
            t+1s      Progressing  step: Step small (1 of 2): 5 % of everyone
            t+1s      Progressing    -> traffic 1: 5 % of everyone
            t+1s      Progressing    = Step small: traffic is being set so that 5 % of everyone meet 2.1.0
            t+1s      Progressing  traffic: 5 % of everyone meet 2.1.0 now
            t+1s      Progressing    = Step small: 5 % of everyone, 10s to go
            t+7s      Progressing    = 2.1.0 has no ready endpoint
            t+17s     RollingBack  verdict: 2.1.0 has had no ready endpoint for 10s
            t+17s     RollingBack  rolling-back: Everyone goes back to 2.0.3
            t+17s     RollingBack    -> traffic 2: nobody
            t+17s     RollingBack    = Everyone is being taken back to 2.0.3, because 2.1.0 has had no ready endpoint for 10s
            t+17s     RolledBack   traffic: Nobody meets 2.1.0 any more
            t+17s     RolledBack   ended: Everyone is back on 2.0.3
            t+17s     RolledBack     -> 2.0.3 is live
            t+17s     RolledBack     -> start the next
            t+17s     RolledBack     = Everyone is back on 2.0.3, because 2.1.0 has had no ready endpoint for 10s
              | phase: RolledBack small, attempt 1: Everyone is back on 2.0.3, because 2.1.0 has had no ready endpoint for 10s
              | steps: small Current 0s/0, all Skipped 0s/0
              | split: nobody wanted, nobody in force
              | exposed: 0 requests, 0 failed
              | verbs: retry
        "#]],
    );
}

#[test]
fn a_return_that_was_ordered_is_not_taken_back_when_stable_flaps() {
    check(
        PLAIN,
        "ready; 1s; 5s; slow traffic; abort ada; stable 0/2; 2s; stable 2/2; 2s; stable 0/2; 2s; in force",
        &expect![[r#"
        t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
        t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
        t+1s      Progressing  step: Step small (1 of 2): 5 % of everyone
        t+1s      Progressing    -> traffic 1: 5 % of everyone
        t+1s      Progressing    = Step small: traffic is being set so that 5 % of everyone meet 2.1.0
        t+1s      Progressing  traffic: 5 % of everyone meet 2.1.0 now
        t+1s      Progressing    = Step small: 5 % of everyone, 10s to go
        t+6s      RollingBack  rolling-back: Everyone goes back to 2.0.3, because ada aborted it (ada)
        t+6s      RollingBack    -> traffic 2: nobody
        t+6s      RollingBack    = Everyone is being taken back to 2.0.3, because ada aborted it
        t+12s     Aborted      traffic: Nobody meets 2.1.0 any more
        t+12s     Aborted      ended: Everyone is back on 2.0.3
        t+12s     Aborted        -> 2.0.3 is live
        t+12s     Aborted        -> start the next
        t+12s     Aborted        = Everyone is back on 2.0.3, because ada aborted it
    "#]],
    );
}
