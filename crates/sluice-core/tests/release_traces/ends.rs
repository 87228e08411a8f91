//! After the last step: what is kept, the way back, and another attempt.

use expect_test::expect;

use crate::script::{after, creation, plan};
use crate::{PAUSING, PLAIN, WATCHED, check};

#[test]
fn the_previous_version_is_kept_and_then_let_go() {
    check(
        WATCHED,
        "ready; 1s; promote ada; promote ada; show; 10m candidate 100/0; show; rollback ada",
        &expect![[r#"
            t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
            t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
            t+1s      Progressing  step: Step small (1 of 2): 5 % of everyone
            t+1s      Progressing    -> traffic 1: 5 % of everyone
            t+1s      Progressing    = Step small: traffic is being set so that 5 % of everyone meet 2.1.0
            t+1s      Progressing  traffic: 5 % of everyone meet 2.1.0 now
            t+1s      Progressing    = Step small: 5 % of everyone, 1m and 100 requests to go
            t+1s      Progressing  resumed: Promoted (ada)
            t+1s      Progressing  step: Step all (2 of 2): everyone
            t+1s      Progressing    -> traffic 2: everyone
            t+1s      Progressing    = Step all: traffic is being set so that everyone meets 2.1.0
            t+1s      Progressing  traffic: Everyone meets 2.1.0 now
            t+1s      Progressing    = Step all: everyone, 1m to go
            t+1s      Succeeded    resumed: Promoted (ada)
            t+1s      Succeeded    ended: Everyone has 2.1.0; 2.0.3 is kept for a quick return until 2026-11-23 09:10 UTC
            t+1s      Succeeded      -> 2.1.0 is live
            t+1s      Succeeded      = Everyone has 2.1.0; 2.0.3 is kept for a quick return until 2026-11-23 09:10 UTC
              | phase: Succeeded all, attempt 1: Everyone has 2.1.0; 2.0.3 is kept for a quick return until 2026-11-23 09:10 UTC
              | steps: small Done 0s/0, all Done 0s/0
              | split: everyone wanted, everyone in force
              | exposed: 0 requests, 0 failed
              | verbs: rollback
            t+10m1s   Succeeded    released: 2.0.3 is no longer kept
            t+10m1s   Succeeded      -> start the next
            t+10m1s   Succeeded      = Everyone has 2.1.0
              | phase: Succeeded all, attempt 1: Everyone has 2.1.0
              | steps: small Done 0s/0, all Done 0s/0
              | split: everyone wanted, everyone in force
              | exposed: 60000 requests, 0 failed
              | verbs: 
            t+10m1s   Succeeded    rollback by ada is refused: 2.0.3 is no longer kept; release it again with: sluice release start checkout 2.0.3
        "#]],
    );
}

#[test]
fn a_release_that_succeeded_can_be_rolled_back_while_the_previous_version_is_kept() {
    check(
        WATCHED,
        "ready; 1s; promote ada; promote ada; 5m candidate 100/0; abort ada; rollback ada: orders are down; show",
        &expect![[r#"
            t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
            t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
            t+1s      Progressing  step: Step small (1 of 2): 5 % of everyone
            t+1s      Progressing    -> traffic 1: 5 % of everyone
            t+1s      Progressing    = Step small: traffic is being set so that 5 % of everyone meet 2.1.0
            t+1s      Progressing  traffic: 5 % of everyone meet 2.1.0 now
            t+1s      Progressing    = Step small: 5 % of everyone, 1m and 100 requests to go
            t+1s      Progressing  resumed: Promoted (ada)
            t+1s      Progressing  step: Step all (2 of 2): everyone
            t+1s      Progressing    -> traffic 2: everyone
            t+1s      Progressing    = Step all: traffic is being set so that everyone meets 2.1.0
            t+1s      Progressing  traffic: Everyone meets 2.1.0 now
            t+1s      Progressing    = Step all: everyone, 1m to go
            t+1s      Succeeded    resumed: Promoted (ada)
            t+1s      Succeeded    ended: Everyone has 2.1.0; 2.0.3 is kept for a quick return until 2026-11-23 09:10 UTC
            t+1s      Succeeded      -> 2.1.0 is live
            t+1s      Succeeded      = Everyone has 2.1.0; 2.0.3 is kept for a quick return until 2026-11-23 09:10 UTC
            t+5m1s    Succeeded    abort by ada is refused: checkout-2.1.0-1 has succeeded; roll it back instead, which is instant while 2.0.3 is kept
            t+5m1s    RollingBack  rolling-back: Everyone goes back to 2.0.3, because ada rolled it back: orders are down (ada)
            t+5m1s    RollingBack    -> traffic 3: nobody
            t+5m1s    RollingBack    = Everyone is being taken back to 2.0.3, because ada rolled it back: orders are down
            t+5m1s    RolledBack   traffic: Nobody meets 2.1.0 any more
            t+5m1s    RolledBack   ended: Everyone is back on 2.0.3
            t+5m1s    RolledBack     -> 2.0.3 is live
            t+5m1s    RolledBack     -> start the next
            t+5m1s    RolledBack     = Everyone is back on 2.0.3, because ada rolled it back: orders are down
              | phase: RolledBack , attempt 1: Everyone is back on 2.0.3, because ada rolled it back: orders are down
              | steps: small Done 0s/0, all Done 0s/0
              | split: nobody wanted, nobody in force
              | exposed: 30000 requests, 0 failed
              | verbs: retry
        "#]],
    );
}

#[test]
fn a_version_that_fails_after_success_is_taken_back_while_the_previous_one_is_kept() {
    check(
        WATCHED,
        "ready; 1s; promote ada; promote ada; 60s candidate 100/0; 60s candidate 100/20",
        &expect![[r#"
            t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
            t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
            t+1s      Progressing  step: Step small (1 of 2): 5 % of everyone
            t+1s      Progressing    -> traffic 1: 5 % of everyone
            t+1s      Progressing    = Step small: traffic is being set so that 5 % of everyone meet 2.1.0
            t+1s      Progressing  traffic: 5 % of everyone meet 2.1.0 now
            t+1s      Progressing    = Step small: 5 % of everyone, 1m and 100 requests to go
            t+1s      Progressing  resumed: Promoted (ada)
            t+1s      Progressing  step: Step all (2 of 2): everyone
            t+1s      Progressing    -> traffic 2: everyone
            t+1s      Progressing    = Step all: traffic is being set so that everyone meets 2.1.0
            t+1s      Progressing  traffic: Everyone meets 2.1.0 now
            t+1s      Progressing    = Step all: everyone, 1m to go
            t+1s      Succeeded    resumed: Promoted (ada)
            t+1s      Succeeded    ended: Everyone has 2.1.0; 2.0.3 is kept for a quick return until 2026-11-23 09:10 UTC
            t+1s      Succeeded      -> 2.1.0 is live
            t+1s      Succeeded      = Everyone has 2.1.0; 2.0.3 is kept for a quick return until 2026-11-23 09:10 UTC
            t+1m16s   RollingBack  verdict: A check failed: http.errors is 5.26 % for the candidate (5,700 requests), above the limit of 5 %
            t+1m16s   RollingBack  rolling-back: Everyone goes back to 2.0.3
            t+1m16s   RollingBack    -> traffic 3: nobody
            t+1m16s   RollingBack    = Everyone is being taken back to 2.0.3, because a check failed: http.errors is 5.26 % for the candidate (5,700 requests), above the limit of 5 %
            t+1m16s   RolledBack   traffic: Nobody meets 2.1.0 any more
            t+1m16s   RolledBack   ended: Everyone is back on 2.0.3
            t+1m16s   RolledBack     -> 2.0.3 is live
            t+1m16s   RolledBack     -> start the next
            t+1m16s   RolledBack     = Everyone is back on 2.0.3, because a check failed: http.errors is 5.26 % for the candidate (5,700 requests), above the limit of 5 %
        "#]],
    );
}

#[test]
fn a_policy_that_leaves_trouble_to_a_person_does_so_after_success_too() {
    check(
        PAUSING,
        "ready; 1s; promote ada; promote ada; 60s candidate 100/0; 30s candidate 100/20; 2m candidate 100/0; 2m candidate 100/20; show; 10m candidate 100/0",
        &expect![[r#"
            t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
            t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
            t+1s      Progressing  step: Step small (1 of 2): 5 % of everyone
            t+1s      Progressing    -> traffic 1: 5 % of everyone
            t+1s      Progressing    = Step small: traffic is being set so that 5 % of everyone meet 2.1.0
            t+1s      Progressing  traffic: 5 % of everyone meet 2.1.0 now
            t+1s      Progressing    = Step small: 5 % of everyone, 1m to go
            t+1s      Progressing  resumed: Promoted (ada)
            t+1s      Progressing  step: Step all (2 of 2): everyone
            t+1s      Progressing    -> traffic 2: everyone
            t+1s      Progressing    = Step all: traffic is being set so that everyone meets 2.1.0
            t+1s      Progressing  traffic: Everyone meets 2.1.0 now
            t+1s      Progressing    = Step all: everyone, 1m to go
            t+1s      Succeeded    resumed: Promoted (ada)
            t+1s      Succeeded    ended: Everyone has 2.1.0; 2.0.3 is kept for a quick return until 2026-11-23 09:10 UTC
            t+1s      Succeeded      -> 2.1.0 is live
            t+1s      Succeeded      = Everyone has 2.1.0; 2.0.3 is kept for a quick return until 2026-11-23 09:10 UTC
            t+1m16s   Succeeded    verdict: A check failed: http.errors is 5.26 % for the candidate (5,700 requests), above the limit of 5 %
            t+1m16s   Succeeded      = Everyone has 2.1.0, but it can be rolled back to 2.0.3 until 2026-11-23 09:10 UTC: a check failed: http.errors is 5.26 % for the candidate (5,700 requests), above the limit of 5 %
              | phase: Succeeded all, attempt 1: Everyone has 2.1.0, but it can be rolled back to 2.0.3 until 2026-11-23 09:10 UTC: a check failed: http.errors is 5.26 % for the candidate (5,700 requests), above the limit of 5 %
              | steps: small Done 0s/0, all Done 0s/0
              | split: everyone wanted, everyone in force
              | exposed: 33000 requests, 3000 failed
              | verbs: rollback
            t+10m1s   Succeeded    released: 2.0.3 is no longer kept
            t+10m1s   Succeeded      -> start the next
            t+10m1s   Succeeded      = Everyone has 2.1.0
        "#]],
    );
    check(
        PAUSING,
        "ready; 1s; promote ada; promote ada; 60s candidate 100/20; rollback ada: better so",
        &expect![[r#"
            t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
            t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
            t+1s      Progressing  step: Step small (1 of 2): 5 % of everyone
            t+1s      Progressing    -> traffic 1: 5 % of everyone
            t+1s      Progressing    = Step small: traffic is being set so that 5 % of everyone meet 2.1.0
            t+1s      Progressing  traffic: 5 % of everyone meet 2.1.0 now
            t+1s      Progressing    = Step small: 5 % of everyone, 1m to go
            t+1s      Progressing  resumed: Promoted (ada)
            t+1s      Progressing  step: Step all (2 of 2): everyone
            t+1s      Progressing    -> traffic 2: everyone
            t+1s      Progressing    = Step all: traffic is being set so that everyone meets 2.1.0
            t+1s      Progressing  traffic: Everyone meets 2.1.0 now
            t+1s      Progressing    = Step all: everyone, 1m to go
            t+1s      Succeeded    resumed: Promoted (ada)
            t+1s      Succeeded    ended: Everyone has 2.1.0; 2.0.3 is kept for a quick return until 2026-11-23 09:10 UTC
            t+1s      Succeeded      -> 2.1.0 is live
            t+1s      Succeeded      = Everyone has 2.1.0; 2.0.3 is kept for a quick return until 2026-11-23 09:10 UTC
            t+2s      Succeeded    verdict: A check failed: http.errors is 20 % for the candidate (100 requests), above the limit of 5 %
            t+2s      Succeeded      = Everyone has 2.1.0, but it can be rolled back to 2.0.3 until 2026-11-23 09:10 UTC: a check failed: http.errors is 20 % for the candidate (100 requests), above the limit of 5 %
            t+1m1s    RollingBack  rolling-back: Everyone goes back to 2.0.3, because ada rolled it back: better so (ada)
            t+1m1s    RollingBack    -> traffic 3: nobody
            t+1m1s    RollingBack    = Everyone is being taken back to 2.0.3, because ada rolled it back: better so
            t+1m1s    RolledBack   traffic: Nobody meets 2.1.0 any more
            t+1m1s    RolledBack   ended: Everyone is back on 2.0.3
            t+1m1s    RolledBack     -> 2.0.3 is live
            t+1m1s    RolledBack     -> start the next
            t+1m1s    RolledBack     = Everyone is back on 2.0.3, because ada rolled it back: better so
        "#]],
    );
}

#[test]
fn everyone_is_brought_over_when_the_last_step_was_not_for_everyone() {
    check(
        "
steps:
  - { name: half, audience: [ { percent: 50 } ], hold: { time: 5s } }
checks: []
keepPrevious: 0s",
        "ready; 1s; slow traffic; 5s; show; 2s; in force 1; in force",
        &expect![[r#"
            t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
            t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
            t+1s      Progressing  step: Step half (1 of 1): 50 % of everyone
            t+1s      Progressing    -> traffic 1: 50 % of everyone
            t+1s      Progressing    = Step half: traffic is being set so that 50 % of everyone meet 2.1.0
            t+1s      Progressing  traffic: 50 % of everyone meet 2.1.0 now
            t+1s      Progressing    = Step half: 50 % of everyone, 5s to go
            t+6s      Promoting    step: Step half is done after 5s and 0 requests: nothing is checked
            t+6s      Promoting    step: The last step is over: everyone gets 2.1.0
            t+6s      Promoting      -> traffic 2: everyone
            t+6s      Promoting      = The last step is over: traffic is being set so that everyone meets 2.1.0
              | phase: Promoting half, attempt 1: The last step is over: traffic is being set so that everyone meets 2.1.0
              | steps: half Done 0s/0
              | split: everyone wanted, 50 % of everyone in force
              | exposed: 0 requests, 0 failed
              | verbs: abort, rollback
            t+8s      Succeeded    traffic: Everyone meets 2.1.0 now
            t+8s      Succeeded    ended: Everyone has 2.1.0
            t+8s      Succeeded      -> 2.1.0 is live
            t+8s      Succeeded      -> start the next
            t+8s      Succeeded      = Everyone has 2.1.0
        "#]],
    );
}

#[test]
fn a_promotion_can_still_be_aborted() {
    check(
        "
steps:
  - { name: half, audience: [ { percent: 50 } ], hold: { time: 5s } }
checks: []",
        "ready; 1s; slow traffic; 5s; abort ada: wait; show; in force; show",
        &expect![[r#"
            t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
            t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
            t+1s      Progressing  step: Step half (1 of 1): 50 % of everyone
            t+1s      Progressing    -> traffic 1: 50 % of everyone
            t+1s      Progressing    = Step half: traffic is being set so that 50 % of everyone meet 2.1.0
            t+1s      Progressing  traffic: 50 % of everyone meet 2.1.0 now
            t+1s      Progressing    = Step half: 50 % of everyone, 5s to go
            t+6s      Promoting    step: Step half is done after 5s and 0 requests: nothing is checked
            t+6s      Promoting    step: The last step is over: everyone gets 2.1.0
            t+6s      Promoting      -> traffic 2: everyone
            t+6s      Promoting      = The last step is over: traffic is being set so that everyone meets 2.1.0
            t+6s      RollingBack  rolling-back: Everyone goes back to 2.0.3, because ada aborted it: wait (ada)
            t+6s      RollingBack    -> traffic 3: nobody
            t+6s      RollingBack    = Everyone is being taken back to 2.0.3, because ada aborted it: wait
              | phase: RollingBack , attempt 1: Everyone is being taken back to 2.0.3, because ada aborted it: wait
              | steps: half Done 0s/0
              | split: nobody wanted, 50 % of everyone in force
              | exposed: 0 requests, 0 failed
              | verbs: 
            t+6s      Aborted      traffic: Nobody meets 2.1.0 any more
            t+6s      Aborted      ended: Everyone is back on 2.0.3
            t+6s      Aborted        -> 2.0.3 is live
            t+6s      Aborted        -> start the next
            t+6s      Aborted        = Everyone is back on 2.0.3, because ada aborted it: wait
              | phase: Aborted , attempt 1: Everyone is back on 2.0.3, because ada aborted it: wait
              | steps: half Done 0s/0
              | split: nobody wanted, nobody in force
              | exposed: 0 requests, 0 failed
              | verbs: retry
        "#]],
    );
}

#[test]
fn another_attempt_begins_at_the_beginning() {
    check(
        WATCHED,
        "ready; 1s; 60s stable 95/0 candidate 5/2; retry ada: cache warmed up; show; 1s; 60s stable 95/0 candidate 5/0; show",
        &expect![[r#"
            t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
            t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
            t+1s      Progressing  step: Step small (1 of 2): 5 % of everyone
            t+1s      Progressing    -> traffic 1: 5 % of everyone
            t+1s      Progressing    = Step small: traffic is being set so that 5 % of everyone meet 2.1.0
            t+1s      Progressing  traffic: 5 % of everyone meet 2.1.0 now
            t+1s      Progressing    = Step small: 5 % of everyone, 1m and 100 requests to go
            t+3s      RollingBack  verdict: A check failed: http.errors is 40 % for the candidate (10 requests) and 0 % for stable (190 requests), which is more than 0.5 percentage points worse than stable (99 % sure)
            t+3s      RollingBack  rolling-back: Everyone goes back to 2.0.3
            t+3s      RollingBack    -> traffic 2: nobody
            t+3s      RollingBack    = Everyone is being taken back to 2.0.3, because a check failed: http.errors is 40 % for the candidate (10 requests) and 0 % for stable (190 requests), which is more than 0.5 percentage points worse than stable (99 % sure)
            t+3s      RolledBack   traffic: Nobody meets 2.1.0 any more
            t+3s      RolledBack   ended: Everyone is back on 2.0.3
            t+3s      RolledBack     -> 2.0.3 is live
            t+3s      RolledBack     -> start the next
            t+3s      RolledBack     = Everyone is back on 2.0.3, because a check failed: http.errors is 40 % for the candidate (10 requests) and 0 % for stable (190 requests), which is more than 0.5 percentage points worse than stable (99 % sure)
            t+1m1s    Pending      resumed: Started again: cache warmed up (ada)
            t+1m1s    Pending        = Waits for one of the 2 endpoints of 2.1.0 to be ready, for another 10m
              | phase: Pending , attempt 2: Waits for one of the 2 endpoints of 2.1.0 to be ready, for another 10m
              | steps: small Ahead 0s/0, all Ahead 0s/0
              | split: nobody wanted, nobody in force
              | exposed: 10 requests, 4 failed
              | verbs: abort
            t+1m2s    Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
            t+1m2s    Progressing  step: Step small (1 of 2): 5 % of everyone
            t+1m2s    Progressing    -> traffic 3: 5 % of everyone
            t+1m2s    Progressing    = Step small: traffic is being set so that 5 % of everyone meet 2.1.0
            t+1m2s    Progressing  traffic: 5 % of everyone meet 2.1.0 now
            t+1m2s    Progressing    = Step small: 5 % of everyone, 1m and 100 requests to go
            t+2m2s    Progressing  step: Step small is done after 1m and 300 requests: both checks pass
            t+2m2s    Progressing  step: Step all (2 of 2): everyone
            t+2m2s    Progressing    -> traffic 4: everyone
            t+2m2s    Progressing    = Step all: traffic is being set so that everyone meets 2.1.0
            t+2m2s    Progressing  traffic: Everyone meets 2.1.0 now
            t+2m2s    Progressing    = Step all: everyone, 1m to go
              | phase: Progressing all, attempt 2: Step all: everyone, 1m to go
              | steps: small Done 0s/0, all Current 0s/0
              | split: everyone wanted, everyone in force
              | exposed: 310 requests, 4 failed
              | verbs: promote, pause, abort, rollback
        "#]],
    );
}

#[test]
fn another_attempt_meets_the_same_people() {
    let (release, _) = after(WATCHED, "ready; 1s; abort ada; retry ada; 1s");
    let first = sluice_core::release::create(creation(plan(WATCHED), None), release.created_at).next;
    assert_eq!((release.attempt, release.salt), (2, first.salt));
}

#[test]
fn a_reshuffle_meets_other_people() {
    let at = sluice_core::Timestamp::from_millis(0);
    let usual = sluice_core::release::create(creation(plan(PLAIN), None), at).next;
    let other = sluice_core::release::Creation { reshuffle: true, ..creation(plan(PLAIN), None) };
    assert_ne!(sluice_core::release::create(other, at).next.salt, usual.salt);
}

#[test]
fn another_attempt_is_refused_where_it_does_not_fit() {
    check(
        PLAIN,
        "ready; 1s; retry ada; abort ada; other checkout-2.2.0-1; retry ada; live 2.1.0; retry ada; gone; retry ada; retry ada",
        &expect![[r#"
            t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
            t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
            t+1s      Progressing  step: Step small (1 of 2): 5 % of everyone
            t+1s      Progressing    -> traffic 1: 5 % of everyone
            t+1s      Progressing    = Step small: traffic is being set so that 5 % of everyone meet 2.1.0
            t+1s      Progressing  traffic: 5 % of everyone meet 2.1.0 now
            t+1s      Progressing    = Step small: 5 % of everyone, 10s to go
            t+1s      Progressing  retry by ada is refused: checkout-2.1.0-1 is still under way
            t+1s      RollingBack  rolling-back: Everyone goes back to 2.0.3, because ada aborted it (ada)
            t+1s      RollingBack    -> traffic 2: nobody
            t+1s      RollingBack    = Everyone is being taken back to 2.0.3, because ada aborted it
            t+1s      Aborted      traffic: Nobody meets 2.1.0 any more
            t+1s      Aborted      ended: Everyone is back on 2.0.3
            t+1s      Aborted        -> 2.0.3 is live
            t+1s      Aborted        -> start the next
            t+1s      Aborted        = Everyone is back on 2.0.3, because ada aborted it
            t+1s      Aborted      retry by ada is refused: checkout-2.2.0-1 is under way; retry when it has ended
            t+1s      Aborted      retry by ada is refused: 2.1.0 is live already
            t+1s      Aborted      retry by ada is refused: checkout no longer has version 2.1.0; apply it again first
            t+1s      Pending      resumed: Started again (ada)
            t+1s      Pending        = Waits for one of the 2 endpoints of 2.1.0 to be ready, for another 10m
        "#]],
    );
}
