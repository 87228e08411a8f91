//! Several releases of one service.

use expect_test::{Expect, expect};

use crate::script::trace_behind;
use crate::{PLAIN, check};

const QUEUEING: &str = "
steps:
  - { name: small, audience: [ { percent: 5 } ], hold: { time: 10s } }
checks: []
onNewer: queue
keepPrevious: 10m";

const KEEPING: &str = "
steps:
  - { name: small, audience: [ { percent: 5 } ], hold: { time: 10s } }
checks: []
keepPrevious: 10m";

#[track_caller]
fn check_behind(policy: &str, lines: &str, expected: &Expect) {
    expected.assert_eq(&trace_behind("checkout-2.0.4-1", policy, lines));
}

#[test]
fn a_newer_version_takes_the_place_of_one_under_way() {
    check(
        PLAIN,
        "ready; 1s; 5s; newer checkout-2.2.0-1; show; retry ada",
        &expect![[r#"
            t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
            t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
            t+1s      Progressing  step: Step small (1 of 2): 5 % of everyone
            t+1s      Progressing    -> traffic 1: 5 % of everyone
            t+1s      Progressing    = Step small: traffic is being set so that 5 % of everyone meet 2.1.0
            t+1s      Progressing  traffic: 5 % of everyone meet 2.1.0 now
            t+1s      Progressing    = Step small: 5 % of everyone, 10s to go
            t+6s      RollingBack  rolling-back: Everyone goes back to 2.0.3, because the newer release checkout-2.2.0-1 took its place
            t+6s      RollingBack    -> traffic 2: nobody
            t+6s      RollingBack    = Everyone is being taken back to 2.0.3, because the newer release checkout-2.2.0-1 took its place
            t+6s      Superseded   traffic: Nobody meets 2.1.0 any more
            t+6s      Superseded   ended: Everyone is back on 2.0.3
            t+6s      Superseded     -> 2.0.3 is live
            t+6s      Superseded     -> start the next
            t+6s      Superseded     = Everyone is back on 2.0.3, because the newer release checkout-2.2.0-1 took its place
              | phase: Superseded small, attempt 1: Everyone is back on 2.0.3, because the newer release checkout-2.2.0-1 took its place
              | steps: small Current 0s/0, all Skipped 0s/0
              | split: nobody wanted, nobody in force
              | exposed: 0 requests, 0 failed
              | verbs: 
            t+6s      Superseded   retry by ada is refused: checkout-2.2.0-1 took its place; start a new release instead
        "#]],
    );
}

#[test]
fn a_newer_version_takes_the_place_of_one_that_nobody_has_met() {
    check(
        PLAIN,
        "5s; newer checkout-2.2.0-1",
        &expect![[r#"
        t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
        t+5s      Superseded   ended: The newer release checkout-2.2.0-1 took its place
        t+5s      Superseded     -> start the next
        t+5s      Superseded     = The newer release checkout-2.2.0-1 took its place
    "#]],
    );
}

#[test]
fn a_newer_version_takes_the_place_of_one_that_is_paused() {
    check(
        PLAIN,
        "ready; 1s; pause ada: lunch; newer checkout-2.2.0-1",
        &expect![[r#"
            t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
            t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
            t+1s      Progressing  step: Step small (1 of 2): 5 % of everyone
            t+1s      Progressing    -> traffic 1: 5 % of everyone
            t+1s      Progressing    = Step small: traffic is being set so that 5 % of everyone meet 2.1.0
            t+1s      Progressing  traffic: 5 % of everyone meet 2.1.0 now
            t+1s      Progressing    = Step small: 5 % of everyone, 10s to go
            t+1s      Paused       paused: Paused: lunch (ada)
            t+1s      Paused         = ada paused it: lunch
            t+1s      RollingBack  rolling-back: Everyone goes back to 2.0.3, because the newer release checkout-2.2.0-1 took its place
            t+1s      RollingBack    -> traffic 2: nobody
            t+1s      RollingBack    = Everyone is being taken back to 2.0.3, because the newer release checkout-2.2.0-1 took its place
            t+1s      Superseded   traffic: Nobody meets 2.1.0 any more
            t+1s      Superseded   ended: Everyone is back on 2.0.3
            t+1s      Superseded     -> 2.0.3 is live
            t+1s      Superseded     -> start the next
            t+1s      Superseded     = Everyone is back on 2.0.3, because the newer release checkout-2.2.0-1 took its place
        "#]],
    );
}

#[test]
fn a_newer_version_ends_the_time_for_which_the_previous_one_is_kept() {
    check(
        KEEPING,
        "ready; 1s; 15s; newer checkout-2.2.0-1; show",
        &expect![[r#"
            t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
            t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
            t+1s      Progressing  step: Step small (1 of 1): 5 % of everyone
            t+1s      Progressing    -> traffic 1: 5 % of everyone
            t+1s      Progressing    = Step small: traffic is being set so that 5 % of everyone meet 2.1.0
            t+1s      Progressing  traffic: 5 % of everyone meet 2.1.0 now
            t+1s      Progressing    = Step small: 5 % of everyone, 10s to go
            t+11s     Promoting    step: Step small is done after 10s and 0 requests: nothing is checked
            t+11s     Promoting    step: The last step is over: everyone gets 2.1.0
            t+11s     Promoting      -> traffic 2: everyone
            t+11s     Promoting      = The last step is over: traffic is being set so that everyone meets 2.1.0
            t+11s     Succeeded    traffic: Everyone meets 2.1.0 now
            t+11s     Succeeded    ended: Everyone has 2.1.0; 2.0.3 is kept for a quick return until 2026-11-23 09:10 UTC
            t+11s     Succeeded      -> 2.1.0 is live
            t+11s     Succeeded      = Everyone has 2.1.0; 2.0.3 is kept for a quick return until 2026-11-23 09:10 UTC
            t+16s     Succeeded    released: 2.0.3 is no longer kept
            t+16s     Succeeded      -> start the next
            t+16s     Succeeded      = Everyone has 2.1.0
              | phase: Succeeded small, attempt 1: Everyone has 2.1.0
              | steps: small Done 0s/0
              | split: everyone wanted, everyone in force
              | exposed: 0 requests, 0 failed
              | verbs: 
        "#]],
    );
}

#[test]
fn a_newer_version_that_queues_waits_for_the_end_but_not_for_what_is_kept() {
    check(
        QUEUEING,
        "ready; 1s; 5s; newer checkout-2.2.0-1; 10s",
        &expect![[r#"
            t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
            t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
            t+1s      Progressing  step: Step small (1 of 1): 5 % of everyone
            t+1s      Progressing    -> traffic 1: 5 % of everyone
            t+1s      Progressing    = Step small: traffic is being set so that 5 % of everyone meet 2.1.0
            t+1s      Progressing  traffic: 5 % of everyone meet 2.1.0 now
            t+1s      Progressing    = Step small: 5 % of everyone, 10s to go
            t+11s     Promoting    step: Step small is done after 10s and 0 requests: nothing is checked
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
fn a_newer_version_that_comes_during_promotion_does_not_wait_for_what_is_kept() {
    check(
        KEEPING,
        "ready; 1s; slow traffic; 10s; newer checkout-2.2.0-1; in force",
        &expect![[r#"
            t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
            t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
            t+1s      Progressing  step: Step small (1 of 1): 5 % of everyone
            t+1s      Progressing    -> traffic 1: 5 % of everyone
            t+1s      Progressing    = Step small: traffic is being set so that 5 % of everyone meet 2.1.0
            t+1s      Progressing  traffic: 5 % of everyone meet 2.1.0 now
            t+1s      Progressing    = Step small: 5 % of everyone, 10s to go
            t+11s     Promoting    step: Step small is done after 10s and 0 requests: nothing is checked
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
fn a_newer_version_waits_while_people_go_back() {
    check(
        PLAIN,
        "ready; 1s; slow traffic; abort ada; newer checkout-2.2.0-1; in force",
        &expect![[r#"
            t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
            t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
            t+1s      Progressing  step: Step small (1 of 2): 5 % of everyone
            t+1s      Progressing    -> traffic 1: 5 % of everyone
            t+1s      Progressing    = Step small: traffic is being set so that 5 % of everyone meet 2.1.0
            t+1s      Progressing  traffic: 5 % of everyone meet 2.1.0 now
            t+1s      Progressing    = Step small: 5 % of everyone, 10s to go
            t+1s      RollingBack  rolling-back: Everyone goes back to 2.0.3, because ada aborted it (ada)
            t+1s      RollingBack    -> traffic 2: nobody
            t+1s      RollingBack    = Everyone is being taken back to 2.0.3, because ada aborted it
            t+1s      Aborted      traffic: Nobody meets 2.1.0 any more
            t+1s      Aborted      ended: Everyone is back on 2.0.3
            t+1s      Aborted        -> 2.0.3 is live
            t+1s      Aborted        -> start the next
            t+1s      Aborted        = Everyone is back on 2.0.3, because ada aborted it
        "#]],
    );
}

#[test]
fn a_release_waits_for_its_turn_and_starts_from_what_is_live_then() {
    check_behind(
        PLAIN,
        "ready; 1m; show; turn 2.0.4; 1s; show",
        &expect![[r#"
        t+0s      Waiting      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
          | phase: Waiting , attempt 1: Waits for checkout-2.0.4-1 to end
          | steps: small Ahead 0s/0, all Ahead 0s/0
          | split: nobody wanted, nobody in force
          | exposed: 0 requests, 0 failed
          | verbs: abort
        t+1m      Pending      resumed: Its turn has come: people have 2.0.4 now
        t+1m      Pending        = Waits for one of the 2 endpoints of 2.1.0 to be ready, for another 10m
        t+1m1s    Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
        t+1m1s    Progressing  step: Step small (1 of 2): 5 % of everyone
        t+1m1s    Progressing    -> traffic 1: 5 % of everyone
        t+1m1s    Progressing    = Step small: traffic is being set so that 5 % of everyone meet 2.1.0
        t+1m1s    Progressing  traffic: 5 % of everyone meet 2.1.0 now
        t+1m1s    Progressing    = Step small: 5 % of everyone, 10s to go
          | phase: Progressing small, attempt 1: Step small: 5 % of everyone, 10s to go
          | steps: small Current 0s/0, all Ahead 0s/0
          | split: 5 % of everyone wanted, 5 % of everyone in force
          | exposed: 0 requests, 0 failed
          | verbs: promote, pause, abort, rollback
    "#]],
    );
}

#[test]
fn a_turn_that_comes_twice_is_taken_once() {
    check_behind(
        PLAIN,
        "turn 2.0.4; ready; 1s; turn 2.0.4; turn 2.0.9; show",
        &expect![[r#"
        t+0s      Waiting      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
        t+0s      Pending      resumed: Its turn has come: people have 2.0.4 now
        t+0s      Pending        = Waits for 2.1.0 to have an endpoint, for another 10m
        t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
        t+1s      Progressing  step: Step small (1 of 2): 5 % of everyone
        t+1s      Progressing    -> traffic 1: 5 % of everyone
        t+1s      Progressing    = Step small: traffic is being set so that 5 % of everyone meet 2.1.0
        t+1s      Progressing  traffic: 5 % of everyone meet 2.1.0 now
        t+1s      Progressing    = Step small: 5 % of everyone, 10s to go
          | phase: Progressing small, attempt 1: Step small: 5 % of everyone, 10s to go
          | steps: small Current 0s/0, all Ahead 0s/0
          | split: 5 % of everyone wanted, 5 % of everyone in force
          | exposed: 0 requests, 0 failed
          | verbs: promote, pause, abort, rollback
    "#]],
    );
}

#[test]
fn a_version_that_is_live_when_its_turn_comes_is_not_released_again() {
    check_behind(
        PLAIN,
        "turn 2.1.0; live 2.1.0; retry ada; retry ada: roll out again; show",
        &expect![[r#"
        t+0s      Waiting      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
        t+0s      Failed       ended: 2.1.0 was live already when its turn came
        t+0s      Failed         -> start the next
        t+0s      Failed         = 2.1.0 was live already when its turn came
        t+0s      Failed       retry by ada is refused: 2.1.0 is live already
        t+0s      Pending      resumed: Started again: roll out again (ada)
        t+0s      Pending        = Waits for 2.1.0 to have an endpoint, for another 10m
          | phase: Pending , attempt 2: Waits for 2.1.0 to have an endpoint, for another 10m
          | steps: small Ahead 0s/0, all Ahead 0s/0
          | split: nobody wanted, nobody in force
          | exposed: 0 requests, 0 failed
          | verbs: abort
    "#]],
    );
}

#[test]
fn a_release_that_waits_can_be_aborted_or_superseded() {
    check_behind(
        PLAIN,
        "abort ada: not needed",
        &expect![[r#"
        t+0s      Waiting      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
        t+0s      Aborted      ended: Aborted: not needed (ada)
        t+0s      Aborted        -> start the next
        t+0s      Aborted        = ada aborted it: not needed
    "#]],
    );
    check_behind(
        PLAIN,
        "newer checkout-2.2.0-1",
        &expect![[r#"
        t+0s      Waiting      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
        t+0s      Superseded   ended: The newer release checkout-2.2.0-1 took its place
        t+0s      Superseded     -> start the next
        t+0s      Superseded     = The newer release checkout-2.2.0-1 took its place
    "#]],
    );
    check_behind(
        QUEUEING,
        "newer checkout-2.2.0-1; turn 2.0.4",
        &expect![[r#"
        t+0s      Waiting      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
        t+0s      Pending      resumed: Its turn has come: people have 2.0.4 now
        t+0s      Pending        = Waits for 2.1.0 to have an endpoint, for another 10m
    "#]],
    );
}
