//! Windows and freezes.

use expect_test::expect;

use super::{check, script};

/// Two steps with an approval between them.
const STEPPING: &str = "
steps:
  - { name: small, audience: [ { percent: 5 } ], hold: { time: 5s } }
  - { name: ask, approval: { roles: [ ops ] } }
  - { name: all, audience: [ { percent: 100 } ], hold: { time: 5s } }
checks:
  - { metric: http.errors, max: 5%, sample: 5 }
keepPrevious: 0s";

#[test]
fn nobody_meets_a_candidate_while_the_calendar_is_closed() {
    check(
        super::PLAIN,
        "freeze 30s; ready; 2s; show; promote ada; pause ada; rollback ada; 10s; thaw; 1s",
        &expect![[r#"
            t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
            t+1s      Waiting      waiting: Step small waits: a freeze lasts until Mon 23 Nov 2026, 09:00:30 UTC (holidays)
            t+1s      Waiting        = Step small waits: a freeze lasts until Mon 23 Nov 2026, 09:00:30 UTC (holidays)
              | phase: Waiting , attempt 1: Step small waits: a freeze lasts until Mon 23 Nov 2026, 09:00:30 UTC (holidays)
              | steps: small Ahead 0s/0, all Ahead 0s/0
              | split: nobody wanted, nobody in force
              | exposed: 0 requests, 0 failed
              | verbs: abort, override
            t+2s      Waiting      promote by ada is refused: Step small waits: a freeze lasts until Mon 23 Nov 2026, 09:00:30 UTC (holidays); override it with a reason if it must be
            t+2s      Waiting      pause by ada is refused: checkout-2.1.0-1 has not started, so there is nothing to pause; abort it instead
            t+2s      Waiting      rollback by ada is refused: nobody has met 2.1.0 yet; abort checkout-2.1.0-1 instead
            t+13s     Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
            t+13s     Progressing  step: Step small (1 of 2): 5 % of everyone
            t+13s     Progressing    -> traffic 1: 5 % of everyone
            t+13s     Progressing    = Step small: traffic is being set so that 5 % of everyone meet 2.1.0
            t+13s     Progressing  traffic: 5 % of everyone meet 2.1.0 now
            t+13s     Progressing    = Step small: 5 % of everyone, 10s to go
        "#]],
    );
}

#[test]
fn a_freeze_holds_up_the_next_step_and_not_the_one_that_runs() {
    check(
        super::PLAIN,
        "ready; 1s; freeze 1h; 12s; show; promote ada; thaw; 1s; freeze 1h; 12s; thaw; 1s",
        &expect![[r#"
            t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
            t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
            t+1s      Progressing  step: Step small (1 of 2): 5 % of everyone
            t+1s      Progressing    -> traffic 1: 5 % of everyone
            t+1s      Progressing    = Step small: traffic is being set so that 5 % of everyone meet 2.1.0
            t+1s      Progressing  traffic: 5 % of everyone meet 2.1.0 now
            t+1s      Progressing    = Step small: 5 % of everyone, 10s to go
            t+11s     Waiting      step: Step small is done after 10s and 0 requests: nothing is checked
            t+11s     Waiting      waiting: Step all waits: a freeze lasts until Mon 23 Nov 2026, 10:00:01 UTC (holidays)
            t+11s     Waiting        = Step all waits: a freeze lasts until Mon 23 Nov 2026, 10:00:01 UTC (holidays)
              | phase: Waiting small, attempt 1: Step all waits: a freeze lasts until Mon 23 Nov 2026, 10:00:01 UTC (holidays)
              | steps: small Current 10s/0, all Ahead 0s/0
              | split: 5 % of everyone wanted, 5 % of everyone in force
              | exposed: 0 requests, 0 failed
              | verbs: pause, abort, rollback, override
            t+13s     Waiting      promote by ada is refused: Step all waits: a freeze lasts until Mon 23 Nov 2026, 10:00:01 UTC (holidays); override it with a reason if it must be
            t+14s     Progressing  step: Step all (2 of 2): everyone
            t+14s     Progressing    -> traffic 2: everyone
            t+14s     Progressing    = Step all: traffic is being set so that everyone meets 2.1.0
            t+14s     Progressing  traffic: Everyone meets 2.1.0 now
            t+14s     Progressing    = Step all: everyone, 10s to go
            t+24s     Waiting      step: Step all is done after 10s and 0 requests: nothing is checked
            t+24s     Waiting      waiting: Everyone would get 2.1.0 for good now, but a freeze lasts until Mon 23 Nov 2026, 10:00:14 UTC (holidays)
            t+24s     Waiting        = Everyone would get 2.1.0 for good now, but a freeze lasts until Mon 23 Nov 2026, 10:00:14 UTC (holidays)
            t+27s     Succeeded    ended: Everyone has 2.1.0
            t+27s     Succeeded      -> 2.1.0 is live
            t+27s     Succeeded      -> start the next
            t+27s     Succeeded      = Everyone has 2.1.0
        "#]],
    );
}

#[test]
fn a_gate_may_be_entered_and_opened_while_the_calendar_is_closed() {
    check(
        STEPPING,
        "ready; 1s; freeze 1h; 6s candidate 5/0; as ops; approve ada; 2s candidate 5/0; thaw; 1s",
        &expect![[r#"
            t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
            t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
            t+1s      Progressing  step: Step small (1 of 3): 5 % of everyone
            t+1s      Progressing    -> traffic 1: 5 % of everyone
            t+1s      Progressing    = Step small: traffic is being set so that 5 % of everyone meet 2.1.0
            t+1s      Progressing  traffic: 5 % of everyone meet 2.1.0 now
            t+1s      Progressing    = Step small: 5 % of everyone, 5s to go
            t+6s      AwaitingApproval step: Step small is done after 5s and 25 requests: its check passes
            t+6s      AwaitingApproval step: Step ask (2 of 3): approval by ops
            t+6s      AwaitingApproval   = Step ask waits for approval by ops, for another 1d at most
            t+7s      Waiting      resumed: Approved (ada)
            t+7s      Waiting      waiting: Step all waits: a freeze lasts until Mon 23 Nov 2026, 10:00:01 UTC (holidays)
            t+7s      Waiting        = Step all waits: a freeze lasts until Mon 23 Nov 2026, 10:00:01 UTC (holidays)
            t+10s     Progressing  step: Step all (3 of 3): everyone
            t+10s     Progressing    -> traffic 2: everyone
            t+10s     Progressing    = Step all: traffic is being set so that everyone meets 2.1.0
            t+10s     Progressing  traffic: Everyone meets 2.1.0 now
            t+10s     Progressing    = Step all: everyone, 5s to go
        "#]],
    );
}

#[test]
fn trouble_is_acted_on_while_the_calendar_is_closed() {
    check(
        STEPPING,
        "ready; 1s; freeze 1h; 6s candidate 5/0; as ops; approve ada; 2s candidate 5/5",
        &expect![[r#"
            t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
            t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
            t+1s      Progressing  step: Step small (1 of 3): 5 % of everyone
            t+1s      Progressing    -> traffic 1: 5 % of everyone
            t+1s      Progressing    = Step small: traffic is being set so that 5 % of everyone meet 2.1.0
            t+1s      Progressing  traffic: 5 % of everyone meet 2.1.0 now
            t+1s      Progressing    = Step small: 5 % of everyone, 5s to go
            t+6s      AwaitingApproval step: Step small is done after 5s and 25 requests: its check passes
            t+6s      AwaitingApproval step: Step ask (2 of 3): approval by ops
            t+6s      AwaitingApproval   = Step ask waits for approval by ops, for another 1d at most
            t+7s      Waiting      resumed: Approved (ada)
            t+7s      Waiting      waiting: Step all waits: a freeze lasts until Mon 23 Nov 2026, 10:00:01 UTC (holidays)
            t+7s      Waiting        = Step all waits: a freeze lasts until Mon 23 Nov 2026, 10:00:01 UTC (holidays)
            t+8s      RollingBack  verdict: A check failed: http.errors is 14.29 % for the candidate (35 requests), above the limit of 5 %
            t+8s      RollingBack  rolling-back: Everyone goes back to 2.0.3
            t+8s      RollingBack    -> traffic 2: nobody
            t+8s      RollingBack    = Everyone is being taken back to 2.0.3, because a check failed: http.errors is 14.29 % for the candidate (35 requests), above the limit of 5 %
            t+8s      RolledBack   traffic: Nobody meets 2.1.0 any more
            t+8s      RolledBack   ended: Everyone is back on 2.0.3
            t+8s      RolledBack     -> 2.0.3 is live
            t+8s      RolledBack     -> start the next
            t+8s      RolledBack     = Everyone is back on 2.0.3, because a check failed: http.errors is 14.29 % for the candidate (35 requests), above the limit of 5 %
        "#]],
    );
}

#[test]
fn an_override_goes_on_for_the_whole_attempt() {
    check(
        super::PLAIN,
        "freeze 1h; ready; 2s; may override; override ada: a fix that cannot wait; 30s; show",
        &expect![[r#"
            t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
            t+1s      Waiting      waiting: Step small waits: a freeze lasts until Mon 23 Nov 2026, 10:00 UTC (holidays)
            t+1s      Waiting        = Step small waits: a freeze lasts until Mon 23 Nov 2026, 10:00 UTC (holidays)
            t+2s      Progressing  resumed: Overridden: a fix that cannot wait (ada)
            t+2s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
            t+2s      Progressing  step: Step small (1 of 2): 5 % of everyone
            t+2s      Progressing    -> traffic 1: 5 % of everyone
            t+2s      Progressing    = Step small: traffic is being set so that 5 % of everyone meet 2.1.0
            t+2s      Progressing  traffic: 5 % of everyone meet 2.1.0 now
            t+2s      Progressing    = Step small: 5 % of everyone, 10s to go
            t+12s     Progressing  step: Step small is done after 10s and 0 requests: nothing is checked
            t+12s     Progressing  step: Step all (2 of 2): everyone
            t+12s     Progressing    -> traffic 2: everyone
            t+12s     Progressing    = Step all: traffic is being set so that everyone meets 2.1.0
            t+12s     Progressing  traffic: Everyone meets 2.1.0 now
            t+12s     Progressing    = Step all: everyone, 10s to go
            t+22s     Succeeded    step: Step all is done after 10s and 0 requests: nothing is checked
            t+22s     Succeeded    ended: Everyone has 2.1.0
            t+22s     Succeeded      -> 2.1.0 is live
            t+22s     Succeeded      -> start the next
            t+22s     Succeeded      = Everyone has 2.1.0
              | phase: Succeeded all, attempt 1: Everyone has 2.1.0
              | steps: small Done 0s/0, all Done 0s/0
              | split: everyone wanted, everyone in force
              | exposed: 0 requests, 0 failed
              | verbs: 
        "#]],
    );
}

#[test]
fn an_override_before_the_freeze_is_met_counts_too() {
    check(
        super::PLAIN,
        "ready; 1s; freeze 1h; 1s; may override; override ada: the customer waits; 12s",
        &expect![[r#"
            t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
            t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
            t+1s      Progressing  step: Step small (1 of 2): 5 % of everyone
            t+1s      Progressing    -> traffic 1: 5 % of everyone
            t+1s      Progressing    = Step small: traffic is being set so that 5 % of everyone meet 2.1.0
            t+1s      Progressing  traffic: 5 % of everyone meet 2.1.0 now
            t+1s      Progressing    = Step small: 5 % of everyone, 10s to go
            t+2s      Progressing  resumed: Overridden: the customer waits (ada)
            t+11s     Progressing  step: Step small is done after 10s and 0 requests: nothing is checked
            t+11s     Progressing  step: Step all (2 of 2): everyone
            t+11s     Progressing    -> traffic 2: everyone
            t+11s     Progressing    = Step all: traffic is being set so that everyone meets 2.1.0
            t+11s     Progressing  traffic: Everyone meets 2.1.0 now
            t+11s     Progressing    = Step all: everyone, 10s to go
        "#]],
    );
}

#[test]
fn a_step_that_is_promoted_waits_for_the_calendar() {
    check(
        super::PLAIN,
        "ready; 1s; freeze 1h; 1s; promote ada; thaw; 1s; promote ada",
        &expect![[r#"
        t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
        t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
        t+1s      Progressing  step: Step small (1 of 2): 5 % of everyone
        t+1s      Progressing    -> traffic 1: 5 % of everyone
        t+1s      Progressing    = Step small: traffic is being set so that 5 % of everyone meet 2.1.0
        t+1s      Progressing  traffic: 5 % of everyone meet 2.1.0 now
        t+1s      Progressing    = Step small: 5 % of everyone, 10s to go
        t+2s      Progressing  promote by ada is refused: Step all waits: a freeze lasts until Mon 23 Nov 2026, 10:00:01 UTC (holidays); override it with a reason if it must be
        t+3s      Progressing  resumed: Promoted (ada)
        t+3s      Progressing  step: Step all (2 of 2): everyone
        t+3s      Progressing    -> traffic 2: everyone
        t+3s      Progressing    = Step all: traffic is being set so that everyone meets 2.1.0
        t+3s      Progressing  traffic: Everyone meets 2.1.0 now
        t+3s      Progressing    = Step all: everyone, 10s to go
    "#]],
    );
}

#[test]
fn a_pause_in_a_freeze_goes_on_where_it_was() {
    check(
        super::PLAIN,
        "ready; 1s; freeze 1h; 12s; pause ada; resume ada; 1s; abort ada",
        &expect![[r#"
        t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
        t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
        t+1s      Progressing  step: Step small (1 of 2): 5 % of everyone
        t+1s      Progressing    -> traffic 1: 5 % of everyone
        t+1s      Progressing    = Step small: traffic is being set so that 5 % of everyone meet 2.1.0
        t+1s      Progressing  traffic: 5 % of everyone meet 2.1.0 now
        t+1s      Progressing    = Step small: 5 % of everyone, 10s to go
        t+11s     Waiting      step: Step small is done after 10s and 0 requests: nothing is checked
        t+11s     Waiting      waiting: Step all waits: a freeze lasts until Mon 23 Nov 2026, 10:00:01 UTC (holidays)
        t+11s     Waiting        = Step all waits: a freeze lasts until Mon 23 Nov 2026, 10:00:01 UTC (holidays)
        t+13s     Paused       paused: Paused (ada)
        t+13s     Paused         = ada paused it
        t+13s     Progressing  resumed: Resumed (ada)
        t+13s     Progressing    = Step small: 5 % of everyone, nothing more to wait for
        t+14s     Waiting      step: Step small is done after 11s and 0 requests: nothing is checked
        t+14s     Waiting      waiting: Step all waits: a freeze lasts until Mon 23 Nov 2026, 10:00:01 UTC (holidays)
        t+14s     Waiting        = Step all waits: a freeze lasts until Mon 23 Nov 2026, 10:00:01 UTC (holidays)
        t+14s     RollingBack  rolling-back: Everyone goes back to 2.0.3, because ada aborted it (ada)
        t+14s     RollingBack    -> traffic 2: nobody
        t+14s     RollingBack    = Everyone is being taken back to 2.0.3, because ada aborted it
        t+14s     Aborted      traffic: Nobody meets 2.1.0 any more
        t+14s     Aborted      ended: Everyone is back on 2.0.3
        t+14s     Aborted        -> 2.0.3 is live
        t+14s     Aborted        -> start the next
        t+14s     Aborted        = Everyone is back on 2.0.3, because ada aborted it
    "#]],
    );
}

#[test]
fn a_newer_release_and_a_crash_end_what_waits_for_the_calendar() {
    check(
        super::PLAIN,
        "freeze 1h; ready; 2s; newer checkout-2.2.0-1",
        &expect![[r#"
        t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
        t+1s      Waiting      waiting: Step small waits: a freeze lasts until Mon 23 Nov 2026, 10:00 UTC (holidays)
        t+1s      Waiting        = Step small waits: a freeze lasts until Mon 23 Nov 2026, 10:00 UTC (holidays)
        t+2s      Superseded   ended: The newer release checkout-2.2.0-1 took its place
        t+2s      Superseded     -> start the next
        t+2s      Superseded     = The newer release checkout-2.2.0-1 took its place
    "#]],
    );
}

#[test]
fn a_candidate_that_is_gone_when_the_calendar_opens_is_waited_for() {
    check(
        super::PLAIN,
        "freeze 1h; ready; 2s; candidate 0/2; 20s; thaw; 1s; ready; 1s",
        &expect![[r#"
            t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
            t+1s      Waiting      waiting: Step small waits: a freeze lasts until Mon 23 Nov 2026, 10:00 UTC (holidays)
            t+1s      Waiting        = Step small waits: a freeze lasts until Mon 23 Nov 2026, 10:00 UTC (holidays)
            t+23s     Pending      waiting: Nothing holds 2.1.0 up any more, but it has no ready endpoint
            t+23s     Pending        = Waits for one of the 2 endpoints of 2.1.0 to be ready, for another 10m
            t+24s     Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
            t+24s     Progressing  step: Step small (1 of 2): 5 % of everyone
            t+24s     Progressing    -> traffic 1: 5 % of everyone
            t+24s     Progressing    = Step small: traffic is being set so that 5 % of everyone meet 2.1.0
            t+24s     Progressing  traffic: 5 % of everyone meet 2.1.0 now
            t+24s     Progressing    = Step small: 5 % of everyone, 10s to go
        "#]],
    );
}

#[test]
fn a_release_that_was_started_in_spite_of_the_calendar() {
    expect![[r#"
        t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
        t+0s      Pending      resumed: Goes ahead whatever the calendar says: hotfix (ci)
        t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
        t+1s      Progressing  step: Step small (1 of 2): 5 % of everyone
        t+1s      Progressing    -> traffic 1: 5 % of everyone
        t+1s      Progressing    = Step small: traffic is being set so that 5 % of everyone meet 2.1.0
        t+1s      Progressing  traffic: 5 % of everyone meet 2.1.0 now
        t+1s      Progressing    = Step small: 5 % of everyone, 10s to go
    "#]]
    .assert_eq(&script::trace_overriding("hotfix", super::PLAIN, "freeze 1h; ready; 2s"));
}
