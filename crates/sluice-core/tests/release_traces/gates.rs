//! Gates: approvals, webhooks, other services, and points of no return.

use expect_test::expect;

use super::check;

/// A step, two approvals, and everyone.
const ASKING: &str = "
steps:
  - { name: small, audience: [ { percent: 5 } ], hold: { time: 5s } }
  - { name: ask, approval: { roles: [ product, ops ], count: 2, expires: 1h } }
  - { name: all, audience: [ { percent: 100 } ], hold: { time: 5s } }
checks:
  - { metric: http.errors, max: 5%, sample: 5 }
keepPrevious: 0s";

/// Another program is asked.
const CALLING: &str = "
steps:
  - { name: small, audience: [ { percent: 5 } ], hold: { time: 2s } }
  - { name: qa, webhook: { url: 'https://qa.example.com/verdict', every: 10s, expires: 1m } }
  - { name: all, audience: [ { percent: 100 } ], hold: { time: 2s } }
checks: []
keepPrevious: 0s";

/// Another service has to have a version.
const NEEDING: &str = "
steps:
  - { name: first, waitFor: { service: payments, version: '>=1.4.0', expires: 20s } }
  - { name: all, audience: [ { percent: 100 } ], hold: { time: 2s } }
checks: []
onInconclusive: { wait: 1h, then: rollback }
keepPrevious: 0s";

/// Data is migrated half way.
const MIGRATING: &str = "
steps:
  - { name: small, audience: [ { percent: 5 } ], hold: { time: 2s } }
  - { name: migrate, pointOfNoReturn: { reason: orders have the new columns } }
  - { name: all, audience: [ { percent: 100 } ], hold: { time: 20s } }
checks:
  - { metric: http.errors, max: 5%, sample: 5 }
keepPrevious: 1h";

#[test]
fn two_people_with_the_roles_let_it_go_on() {
    check(
        ASKING,
        "ready; 1s; 6s candidate 5/0; show; as product; approve ada: looks good; as product; approve ada; as ops; approve bob; 6s candidate 5/0",
        &expect![[r#"
            t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
            t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
            t+1s      Progressing  step: Step small (1 of 3): 5 % of everyone
            t+1s      Progressing    -> traffic 1: 5 % of everyone
            t+1s      Progressing    = Step small: traffic is being set so that 5 % of everyone meet 2.1.0
            t+1s      Progressing  traffic: 5 % of everyone meet 2.1.0 now
            t+1s      Progressing    = Step small: 5 % of everyone, 5s to go
            t+6s      AwaitingApproval step: Step small is done after 5s and 25 requests: its check passes
            t+6s      AwaitingApproval step: Step ask (2 of 3): approval by product or ops, 2 people
            t+6s      AwaitingApproval   = Step ask waits for approval by product or ops, 0 of 2 given, for another 1h at most
              | gate: Approval, roles [Name("product"), Name("ops")], 2 to give, given by [], said None, until 2026-11-23T10:00:06.000Z
              | phase: AwaitingApproval ask, attempt 1: Step ask waits for approval by product or ops, 0 of 2 given, for another 59m59s at most
              | steps: small Done 0s/0, ask Current 1s/5, all Ahead 0s/0
              | split: 5 % of everyone wanted, 5 % of everyone in force
              | exposed: 30 requests, 0 failed
              | verbs: pause, abort, rollback, approve, reject, override
            t+7s      AwaitingApproval resumed: Approved: looks good (ada)
            t+7s      AwaitingApproval approve by ada: it is so already
            t+7s      Progressing  resumed: Approved (bob)
            t+7s      Progressing  step: Step all (3 of 3): everyone
            t+7s      Progressing    -> traffic 2: everyone
            t+7s      Progressing    = Step all: traffic is being set so that everyone meets 2.1.0
            t+7s      Progressing  traffic: Everyone meets 2.1.0 now
            t+7s      Progressing    = Step all: everyone, 5s to go
            t+12s     Succeeded    step: Step all is done after 5s and 25 requests: its check passes
            t+12s     Succeeded    ended: Everyone has 2.1.0
            t+12s     Succeeded      -> 2.1.0 is live
            t+12s     Succeeded      -> start the next
            t+12s     Succeeded      = Everyone has 2.1.0
        "#]],
    );
}

#[test]
fn who_started_it_cannot_approve_and_roles_are_asked_for() {
    check(
        ASKING,
        "ready; 1s; 6s candidate 5/0; as ops; approve ci; approve eve; promote ada; as dev; reject eve",
        &expect![[r#"
            t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
            t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
            t+1s      Progressing  step: Step small (1 of 3): 5 % of everyone
            t+1s      Progressing    -> traffic 1: 5 % of everyone
            t+1s      Progressing    = Step small: traffic is being set so that 5 % of everyone meet 2.1.0
            t+1s      Progressing  traffic: 5 % of everyone meet 2.1.0 now
            t+1s      Progressing    = Step small: 5 % of everyone, 5s to go
            t+6s      AwaitingApproval step: Step small is done after 5s and 25 requests: its check passes
            t+6s      AwaitingApproval step: Step ask (2 of 3): approval by product or ops, 2 people
            t+6s      AwaitingApproval   = Step ask waits for approval by product or ops, 0 of 2 given, for another 1h at most
            t+7s      AwaitingApproval approve by ci is refused: ci started checkout-2.1.0-1, and step ask takes the approval of somebody else
            t+7s      AwaitingApproval approve by eve is refused: step ask takes somebody with the role product or ops, which eve does not have
            t+7s      AwaitingApproval promote by ada is refused: Step ask waits for approval by product or ops, 0 of 2 given, for another 59m59s at most; approve it, or override it with a reason
            t+7s      AwaitingApproval reject by eve is refused: step ask takes somebody with the role product or ops, which eve does not have
        "#]],
    );
}

#[test]
fn a_rejection_takes_everyone_back() {
    check(
        ASKING,
        "ready; 1s; 6s candidate 5/0; as ops; reject ci: not on a Friday",
        &expect![[r#"
        t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
        t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
        t+1s      Progressing  step: Step small (1 of 3): 5 % of everyone
        t+1s      Progressing    -> traffic 1: 5 % of everyone
        t+1s      Progressing    = Step small: traffic is being set so that 5 % of everyone meet 2.1.0
        t+1s      Progressing  traffic: 5 % of everyone meet 2.1.0 now
        t+1s      Progressing    = Step small: 5 % of everyone, 5s to go
        t+6s      AwaitingApproval step: Step small is done after 5s and 25 requests: its check passes
        t+6s      AwaitingApproval step: Step ask (2 of 3): approval by product or ops, 2 people
        t+6s      AwaitingApproval   = Step ask waits for approval by product or ops, 0 of 2 given, for another 1h at most
        t+7s      RollingBack  verdict: Rejected: not on a Friday (ci)
        t+7s      RollingBack  rolling-back: Everyone goes back to 2.0.3, because ci rejected it: not on a Friday (ci)
        t+7s      RollingBack    -> traffic 2: nobody
        t+7s      RollingBack    = Everyone is being taken back to 2.0.3, because ci rejected it: not on a Friday
        t+7s      RolledBack   traffic: Nobody meets 2.1.0 any more
        t+7s      RolledBack   ended: Everyone is back on 2.0.3
        t+7s      RolledBack     -> 2.0.3 is live
        t+7s      RolledBack     -> start the next
        t+7s      RolledBack     = Everyone is back on 2.0.3, because ci rejected it: not on a Friday
    "#]],
    );
}

#[test]
fn a_check_that_fails_at_a_gate_takes_everyone_back() {
    check(
        ASKING,
        "ready; 1s; 6s candidate 5/0; 3s candidate 5/5",
        &expect![[r#"
        t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
        t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
        t+1s      Progressing  step: Step small (1 of 3): 5 % of everyone
        t+1s      Progressing    -> traffic 1: 5 % of everyone
        t+1s      Progressing    = Step small: traffic is being set so that 5 % of everyone meet 2.1.0
        t+1s      Progressing  traffic: 5 % of everyone meet 2.1.0 now
        t+1s      Progressing    = Step small: 5 % of everyone, 5s to go
        t+6s      AwaitingApproval step: Step small is done after 5s and 25 requests: its check passes
        t+6s      AwaitingApproval step: Step ask (2 of 3): approval by product or ops, 2 people
        t+6s      AwaitingApproval   = Step ask waits for approval by product or ops, 0 of 2 given, for another 1h at most
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
fn nobody_else_is_sent_to_a_candidate_that_is_not_ready_by_an_approval() {
    check(
        ASKING,
        "ready; 1s; 6s candidate 5/0; candidate 0/2; look; as ops; approve ada; as ops; approve bob; override eve: now; 1s; ready; 1s",
        &expect![[r#"
            t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
            t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
            t+1s      Progressing  step: Step small (1 of 3): 5 % of everyone
            t+1s      Progressing    -> traffic 1: 5 % of everyone
            t+1s      Progressing    = Step small: traffic is being set so that 5 % of everyone meet 2.1.0
            t+1s      Progressing  traffic: 5 % of everyone meet 2.1.0 now
            t+1s      Progressing    = Step small: 5 % of everyone, 5s to go
            t+6s      AwaitingApproval step: Step small is done after 5s and 25 requests: its check passes
            t+6s      AwaitingApproval step: Step ask (2 of 3): approval by product or ops, 2 people
            t+6s      AwaitingApproval   = Step ask waits for approval by product or ops, 0 of 2 given, for another 1h at most
            t+7s      AwaitingApproval resumed: Approved (ada)
            t+7s      AwaitingApproval resumed: Approved (bob)
            t+7s      AwaitingApproval   = 2.1.0 has no ready endpoint
            t+7s      AwaitingApproval override by eve is refused: 2.1.0 has no ready endpoint now, so nobody else can be sent to it
            t+9s      Progressing  step: Step all (3 of 3): everyone
            t+9s      Progressing    -> traffic 2: everyone
            t+9s      Progressing    = Step all: traffic is being set so that everyone meets 2.1.0
            t+9s      Progressing  traffic: Everyone meets 2.1.0 now
            t+9s      Progressing    = Step all: everyone, 5s to go
        "#]],
    );
}

#[test]
fn an_approval_that_does_not_come_pauses_and_a_resume_asks_again() {
    check(
        ASKING,
        "ready; 1s; 6s candidate 5/0; as ops; approve ada; gap 1h; 1s; as ops; approve bob; promote ada; resume ada; show; restart; as ops; approve ada; as ops; approve bob",
        &expect![[r#"
            t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
            t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
            t+1s      Progressing  step: Step small (1 of 3): 5 % of everyone
            t+1s      Progressing    -> traffic 1: 5 % of everyone
            t+1s      Progressing    = Step small: traffic is being set so that 5 % of everyone meet 2.1.0
            t+1s      Progressing  traffic: 5 % of everyone meet 2.1.0 now
            t+1s      Progressing    = Step small: 5 % of everyone, 5s to go
            t+6s      AwaitingApproval step: Step small is done after 5s and 25 requests: its check passes
            t+6s      AwaitingApproval step: Step ask (2 of 3): approval by product or ops, 2 people
            t+6s      AwaitingApproval   = Step ask waits for approval by product or ops, 0 of 2 given, for another 1h at most
            t+7s      AwaitingApproval resumed: Approved (ada)
            t+1h8s    Paused       verdict: Only 1 of 2 people with the role product or ops approved step ask within 1h
            t+1h8s    Paused       paused: Paused until somebody decides
            t+1h8s    Paused         = Only 1 of 2 people with the role product or ops approved step ask within 1h
            t+1h8s    Paused       approve by bob is refused: checkout-2.1.0-1 is paused; resume it first
            t+1h8s    Paused       promote by ada is refused: checkout-2.1.0-1 is paused at a gate; resume it, so that the gate can be opened
            t+1h8s    AwaitingApproval resumed: Resumed (ada)
            t+1h8s    AwaitingApproval step: Step ask (2 of 3): approval by product or ops, 2 people
            t+1h8s    AwaitingApproval   = Step ask waits for approval by product or ops, 0 of 2 given, for another 1h at most
              | gate: Approval, roles [Name("product"), Name("ops")], 2 to give, given by [], said None, until 2026-11-23T11:00:08.000Z
              | phase: AwaitingApproval ask, attempt 1: Step ask waits for approval by product or ops, 0 of 2 given, for another 1h at most
              | steps: small Done 0s/0, ask Current 0s/0, all Ahead 0s/0
              | split: 5 % of everyone wanted, 5 % of everyone in force
              | exposed: 30 requests, 0 failed
              | verbs: pause, abort, rollback, approve, reject, override
            t+1h8s    AwaitingApproval resumed: Approved (ada)
            t+1h8s    AwaitingApproval   = Step ask waits for approval by product or ops, 1 of 2 given, for another 1h at most
            t+1h8s    Progressing  resumed: Approved (bob)
            t+1h8s    Progressing  step: Step all (3 of 3): everyone
            t+1h8s    Progressing    -> traffic 2: everyone
            t+1h8s    Progressing    = Step all: traffic is being set so that everyone meets 2.1.0
            t+1h8s    Progressing  traffic: Everyone meets 2.1.0 now
            t+1h8s    Progressing    = Step all: everyone, 5s to go
        "#]],
    );
}

#[test]
fn a_pause_at_a_gate_begins_it_afresh() {
    check(
        ASKING,
        "ready; 1s; 6s candidate 5/0; as ops; approve ada; pause bob; resume bob; show",
        &expect![[r#"
            t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
            t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
            t+1s      Progressing  step: Step small (1 of 3): 5 % of everyone
            t+1s      Progressing    -> traffic 1: 5 % of everyone
            t+1s      Progressing    = Step small: traffic is being set so that 5 % of everyone meet 2.1.0
            t+1s      Progressing  traffic: 5 % of everyone meet 2.1.0 now
            t+1s      Progressing    = Step small: 5 % of everyone, 5s to go
            t+6s      AwaitingApproval step: Step small is done after 5s and 25 requests: its check passes
            t+6s      AwaitingApproval step: Step ask (2 of 3): approval by product or ops, 2 people
            t+6s      AwaitingApproval   = Step ask waits for approval by product or ops, 0 of 2 given, for another 1h at most
            t+7s      AwaitingApproval resumed: Approved (ada)
            t+7s      Paused       paused: Paused (bob)
            t+7s      Paused         = bob paused it
            t+7s      AwaitingApproval resumed: Resumed (bob)
            t+7s      AwaitingApproval step: Step ask (2 of 3): approval by product or ops, 2 people
            t+7s      AwaitingApproval   = Step ask waits for approval by product or ops, 0 of 2 given, for another 1h at most
              | gate: Approval, roles [Name("product"), Name("ops")], 2 to give, given by [], said None, until 2026-11-23T10:00:07.000Z
              | phase: AwaitingApproval ask, attempt 1: Step ask waits for approval by product or ops, 0 of 2 given, for another 1h at most
              | steps: small Done 0s/0, ask Current 0s/0, all Ahead 0s/0
              | split: 5 % of everyone wanted, 5 % of everyone in force
              | exposed: 30 requests, 0 failed
              | verbs: pause, abort, rollback, approve, reject, override
        "#]],
    );
}

#[test]
fn an_override_takes_a_reason_and_somebody_who_may() {
    check(
        ASKING,
        "ready; 1s; override ada: why not; 6s candidate 5/0; may override; override ada; override ada: fire; may override; override ada: fire",
        &expect![[r#"
            t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
            t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
            t+1s      Progressing  step: Step small (1 of 3): 5 % of everyone
            t+1s      Progressing    -> traffic 1: 5 % of everyone
            t+1s      Progressing    = Step small: traffic is being set so that 5 % of everyone meet 2.1.0
            t+1s      Progressing  traffic: 5 % of everyone meet 2.1.0 now
            t+1s      Progressing    = Step small: 5 % of everyone, 5s to go
            t+1s      Progressing  override by ada is refused: no gate, window or freeze holds checkout-2.1.0-1 up; promote it to end its step now
            t+6s      AwaitingApproval step: Step small is done after 5s and 25 requests: its check passes
            t+6s      AwaitingApproval step: Step ask (2 of 3): approval by product or ops, 2 people
            t+6s      AwaitingApproval   = Step ask waits for approval by product or ops, 0 of 2 given, for another 1h at most
            t+7s      AwaitingApproval override by ada is refused: an override takes a reason, which everybody can read afterwards
            t+7s      AwaitingApproval override by ada is refused: ada may not override in production; its environment says who may
            t+7s      Progressing  resumed: Overridden: fire (ada)
            t+7s      Progressing  step: Step all (3 of 3): everyone
            t+7s      Progressing    -> traffic 2: everyone
            t+7s      Progressing    = Step all: traffic is being set so that everyone meets 2.1.0
            t+7s      Progressing  traffic: Everyone meets 2.1.0 now
            t+7s      Progressing    = Step all: everyone, 5s to go
        "#]],
    );
}

#[test]
fn a_webhook_is_asked_again_until_it_knows() {
    check(
        CALLING,
        "ready; 1s; 3s; hook wait: tests are running; show; 9s; 1s; hook 1 pass; hook 2 pass: 312 tests passed; 3s",
        &expect![[r#"
            t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
            t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
            t+1s      Progressing  step: Step small (1 of 3): 5 % of everyone
            t+1s      Progressing    -> traffic 1: 5 % of everyone
            t+1s      Progressing    = Step small: traffic is being set so that 5 % of everyone meet 2.1.0
            t+1s      Progressing  traffic: 5 % of everyone meet 2.1.0 now
            t+1s      Progressing    = Step small: 5 % of everyone, 2s to go
            t+3s      Waiting      step: Step small is done after 2s and 0 requests: nothing is checked
            t+3s      Waiting      step: Step qa (2 of 3): https://qa.example.com/verdict says that all is well
            t+3s      Waiting        -> call 1
            t+3s      Waiting        = Step qa waits for https://qa.example.com/verdict to say that all is well, for another 1m at most
              | gate: Webhook, roles [], 0 to give, given by [], said Some("tests are running"), until 2026-11-23T09:01:03.000Z
              | phase: Waiting qa, attempt 1: Step qa waits for https://qa.example.com/verdict to say that all is well; it said last: tests are running; this is waited for, for another 59s at most
              | steps: small Done 0s/0, qa Current 1s/0, all Ahead 0s/0
              | split: 5 % of everyone wanted, 5 % of everyone in force
              | exposed: 0 requests, 0 failed
              | verbs: pause, abort, rollback, override
            t+14s     Waiting        -> call 2
            t+14s     Progressing  verdict: https://qa.example.com/verdict says that all is well: 312 tests passed
            t+14s     Progressing  step: Step all (3 of 3): everyone
            t+14s     Progressing    -> traffic 2: everyone
            t+14s     Progressing    = Step all: traffic is being set so that everyone meets 2.1.0
            t+14s     Progressing  traffic: Everyone meets 2.1.0 now
            t+14s     Progressing    = Step all: everyone, 2s to go
            t+16s     Succeeded    step: Step all is done after 2s and 0 requests: nothing is checked
            t+16s     Succeeded    ended: Everyone has 2.1.0
            t+16s     Succeeded      -> 2.1.0 is live
            t+16s     Succeeded      -> start the next
            t+16s     Succeeded      = Everyone has 2.1.0
        "#]],
    );
}

#[test]
fn a_webhook_that_says_no_takes_everyone_back() {
    check(
        CALLING,
        "ready; 1s; 3s; hook fail: the basket is empty; hook pass",
        &expect![[r#"
        t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
        t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
        t+1s      Progressing  step: Step small (1 of 3): 5 % of everyone
        t+1s      Progressing    -> traffic 1: 5 % of everyone
        t+1s      Progressing    = Step small: traffic is being set so that 5 % of everyone meet 2.1.0
        t+1s      Progressing  traffic: 5 % of everyone meet 2.1.0 now
        t+1s      Progressing    = Step small: 5 % of everyone, 2s to go
        t+3s      Waiting      step: Step small is done after 2s and 0 requests: nothing is checked
        t+3s      Waiting      step: Step qa (2 of 3): https://qa.example.com/verdict says that all is well
        t+3s      Waiting        -> call 1
        t+3s      Waiting        = Step qa waits for https://qa.example.com/verdict to say that all is well, for another 1m at most
        t+4s      RollingBack  verdict: https://qa.example.com/verdict says that something is wrong: the basket is empty
        t+4s      RollingBack  rolling-back: Everyone goes back to 2.0.3
        t+4s      RollingBack    -> traffic 2: nobody
        t+4s      RollingBack    = Everyone is being taken back to 2.0.3, because https://qa.example.com/verdict says that something is wrong: the basket is empty
        t+4s      RolledBack   traffic: Nobody meets 2.1.0 any more
        t+4s      RolledBack   ended: Everyone is back on 2.0.3
        t+4s      RolledBack     -> 2.0.3 is live
        t+4s      RolledBack     -> start the next
        t+4s      RolledBack     = Everyone is back on 2.0.3, because https://qa.example.com/verdict says that something is wrong: the basket is empty
    "#]],
    );
}

#[test]
fn a_webhook_that_cannot_be_reached_is_called_again_with_a_growing_pause() {
    check(
        CALLING,
        "ready; 1s; 3s; hook broken: connection refused; 1s; hook broken: 503; 2s; hook broken: 503; 4s; hook broken: 503; 8s; hook broken: 503; 9s; 1s; hook 1 broken: 503; 30s; 1s; resume ada",
        &expect![[r#"
            t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
            t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
            t+1s      Progressing  step: Step small (1 of 3): 5 % of everyone
            t+1s      Progressing    -> traffic 1: 5 % of everyone
            t+1s      Progressing    = Step small: traffic is being set so that 5 % of everyone meet 2.1.0
            t+1s      Progressing  traffic: 5 % of everyone meet 2.1.0 now
            t+1s      Progressing    = Step small: 5 % of everyone, 2s to go
            t+3s      Waiting      step: Step small is done after 2s and 0 requests: nothing is checked
            t+3s      Waiting      step: Step qa (2 of 3): https://qa.example.com/verdict says that all is well
            t+3s      Waiting        -> call 1
            t+3s      Waiting        = Step qa waits for https://qa.example.com/verdict to say that all is well, for another 1m at most
            t+5s      Waiting        -> call 1
            t+7s      Waiting        -> call 1
            t+11s     Waiting        -> call 1
            t+19s     Waiting        -> call 1
            t+29s     Waiting        -> call 1
            t+39s     Waiting        -> call 1
            t+1m      Waiting      resume by ada is refused: checkout-2.1.0-1 is not paused
        "#]],
    );
}

#[test]
fn an_answer_that_makes_no_sense_is_no_pass() {
    check(
        CALLING,
        "ready; 1s; 3s; hook taken: 200 with `ok`; 10s; hook pass; 3s",
        &expect![[r#"
        t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
        t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
        t+1s      Progressing  step: Step small (1 of 3): 5 % of everyone
        t+1s      Progressing    -> traffic 1: 5 % of everyone
        t+1s      Progressing    = Step small: traffic is being set so that 5 % of everyone meet 2.1.0
        t+1s      Progressing  traffic: 5 % of everyone meet 2.1.0 now
        t+1s      Progressing    = Step small: 5 % of everyone, 2s to go
        t+3s      Waiting      step: Step small is done after 2s and 0 requests: nothing is checked
        t+3s      Waiting      step: Step qa (2 of 3): https://qa.example.com/verdict says that all is well
        t+3s      Waiting        -> call 1
        t+3s      Waiting        = Step qa waits for https://qa.example.com/verdict to say that all is well, for another 1m at most
        t+14s     Waiting        -> call 2
        t+14s     Progressing  verdict: https://qa.example.com/verdict says that all is well
        t+14s     Progressing  step: Step all (3 of 3): everyone
        t+14s     Progressing    -> traffic 2: everyone
        t+14s     Progressing    = Step all: traffic is being set so that everyone meets 2.1.0
        t+14s     Progressing  traffic: Everyone meets 2.1.0 now
        t+14s     Progressing    = Step all: everyone, 2s to go
        t+16s     Succeeded    step: Step all is done after 2s and 0 requests: nothing is checked
        t+16s     Succeeded    ended: Everyone has 2.1.0
        t+16s     Succeeded      -> 2.1.0 is live
        t+16s     Succeeded      -> start the next
        t+16s     Succeeded      = Everyone has 2.1.0
    "#]],
    );
}

#[test]
fn a_call_of_which_nothing_is_heard_is_made_again() {
    check(
        CALLING,
        "ready; 1s; 3s; 40s; 1s; hook pass; hook pass; 3s",
        &expect![[r#"
        t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
        t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
        t+1s      Progressing  step: Step small (1 of 3): 5 % of everyone
        t+1s      Progressing    -> traffic 1: 5 % of everyone
        t+1s      Progressing    = Step small: traffic is being set so that 5 % of everyone meet 2.1.0
        t+1s      Progressing  traffic: 5 % of everyone meet 2.1.0 now
        t+1s      Progressing    = Step small: 5 % of everyone, 2s to go
        t+3s      Waiting      step: Step small is done after 2s and 0 requests: nothing is checked
        t+3s      Waiting      step: Step qa (2 of 3): https://qa.example.com/verdict says that all is well
        t+3s      Waiting        -> call 1
        t+3s      Waiting        = Step qa waits for https://qa.example.com/verdict to say that all is well, for another 1m at most
        t+44s     Waiting        -> call 1
        t+45s     Progressing  verdict: https://qa.example.com/verdict says that all is well
        t+45s     Progressing  step: Step all (3 of 3): everyone
        t+45s     Progressing    -> traffic 2: everyone
        t+45s     Progressing    = Step all: traffic is being set so that everyone meets 2.1.0
        t+45s     Progressing  traffic: Everyone meets 2.1.0 now
        t+45s     Progressing    = Step all: everyone, 2s to go
        t+47s     Succeeded    step: Step all is done after 2s and 0 requests: nothing is checked
        t+47s     Succeeded    ended: Everyone has 2.1.0
        t+47s     Succeeded      -> 2.1.0 is live
        t+47s     Succeeded      -> start the next
        t+47s     Succeeded      = Everyone has 2.1.0
    "#]],
    );
}

#[test]
fn a_release_waits_for_the_version_of_another_service() {
    check(
        NEEDING,
        "ready; 1s; 2s; elsewhere payments 1.3.9; 1s; show; elsewhere payments 1.4.2; 1s; 3s",
        &expect![[r#"
            t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
            t+1s      Waiting      started: 2.1.0 is ready: 2 of 2 endpoints
            t+1s      Waiting      step: Step first (1 of 2): payments has >=1.4.0
            t+1s      Waiting        = Step first waits for payments to have >=1.4.0, which has no version yet, for another 20s at most
              | gate: WaitFor, roles [], 0 to give, given by [], said Some("1.3.9"), until 2026-11-23T09:00:21.000Z
              | phase: Waiting first, attempt 1: Step first waits for payments to have >=1.4.0, which has 1.3.9, for another 17s at most
              | steps: first Current 3s/0, all Ahead 0s/0
              | split: nobody wanted, nobody in force
              | exposed: 0 requests, 0 failed
              | verbs: pause, abort, rollback, override
            t+5s      Progressing  step: Step all (2 of 2): everyone
            t+5s      Progressing    -> traffic 1: everyone
            t+5s      Progressing    = Step all: traffic is being set so that everyone meets 2.1.0
            t+5s      Progressing  traffic: Everyone meets 2.1.0 now
            t+5s      Progressing    = Step all: everyone, 2s to go
            t+7s      Succeeded    step: Step all is done after 2s and 0 requests: nothing is checked
            t+7s      Succeeded    ended: Everyone has 2.1.0
            t+7s      Succeeded      -> 2.1.0 is live
            t+7s      Succeeded      -> start the next
            t+7s      Succeeded      = Everyone has 2.1.0
        "#]],
    );
}

#[test]
fn a_version_that_does_not_come_in_time_ends_it() {
    check(
        NEEDING,
        "ready; 1s; elsewhere payments 1.3.9; 21s",
        &expect![[r#"
            t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
            t+1s      Waiting      started: 2.1.0 is ready: 2 of 2 endpoints
            t+1s      Waiting      step: Step first (1 of 2): payments has >=1.4.0
            t+1s      Waiting        = Step first waits for payments to have >=1.4.0, which has no version yet, for another 20s at most
            t+21s     RolledBack   verdict: Step first waited 20s in vain for payments to have >=1.4.0; it has 1.3.9
            t+21s     RolledBack   rolling-back: Everyone goes back to 2.0.3
            t+21s     RolledBack   ended: Everyone is back on 2.0.3
            t+21s     RolledBack     -> 2.0.3 is live
            t+21s     RolledBack     -> start the next
            t+21s     RolledBack     = Everyone is back on 2.0.3, because step first waited 20s in vain for payments to have >=1.4.0; it has 1.3.9
        "#]],
    );
}

#[test]
fn past_a_point_of_no_return_nobody_is_taken_back() {
    check(
        MIGRATING,
        "ready; 1s; 3s candidate 5/0; show; rollback ada; abort ada; newer checkout-2.2.0-1; 3s candidate 5/5; 2s candidate 5/5; show; resume ada; 22s candidate 5/0; rollback ada",
        &expect![[r#"
            t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
            t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
            t+1s      Progressing  step: Step small (1 of 3): 5 % of everyone
            t+1s      Progressing    -> traffic 1: 5 % of everyone
            t+1s      Progressing    = Step small: traffic is being set so that 5 % of everyone meet 2.1.0
            t+1s      Progressing  traffic: 5 % of everyone meet 2.1.0 now
            t+1s      Progressing    = Step small: 5 % of everyone, 2s to go
            t+3s      Progressing  step: Step small is done after 2s and 10 requests: its check passes
            t+3s      Progressing  step: Step migrate (2 of 3): nobody can be taken back from here on: orders have the new columns
            t+3s      Progressing  step: Step all (3 of 3): everyone
            t+3s      Progressing    -> traffic 2: everyone
            t+3s      Progressing    = Step all: traffic is being set so that everyone meets 2.1.0
            t+3s      Progressing  traffic: Everyone meets 2.1.0 now
            t+3s      Progressing    = Step all: everyone, 20s to go
              | phase: Progressing all, attempt 1: Step all: everyone, 19s to go
              | steps: small Done 0s/0, migrate Done 0s/0, all Current 1s/5
              | split: everyone wanted, everyone in force
              | exposed: 15 requests, 0 failed
              | verbs: promote, pause
            t+4s      Progressing  rollback by ada is refused: nobody can be taken back to 2.0.3 any more: orders have the new columns
            t+4s      Progressing  abort by ada is refused: nobody can be taken back to 2.0.3 any more: orders have the new columns
            t+5s      Paused       verdict: A check failed: http.errors is 25 % for the candidate (20 requests), above the limit of 5 %
            t+5s      Paused       paused: Paused until somebody decides, since nobody can be taken back any more: orders have the new columns
            t+5s      Paused         = A check failed: http.errors is 25 % for the candidate (20 requests), above the limit of 5 %; nobody can be taken back any more: orders have the new columns
              | phase: Paused all, attempt 1: A check failed: http.errors is 25 % for the candidate (20 requests), above the limit of 5 %; nobody can be taken back any more: orders have the new columns
              | steps: small Done 0s/0, migrate Done 0s/0, all Current 1s/25
              | split: everyone wanted, everyone in force
              | exposed: 40 requests, 25 failed
              | verbs: promote, resume
            t+9s      Progressing  resumed: Resumed (ada)
            t+9s      Progressing    = Step all: everyone, 19s to go
            t+28s     Succeeded    step: Step all is done after 20s and 120 requests: its check passes
            t+28s     Succeeded    ended: Everyone has 2.1.0
            t+28s     Succeeded      -> 2.1.0 is live
            t+28s     Succeeded      -> start the next
            t+28s     Succeeded      = Everyone has 2.1.0
            t+31s     Succeeded    rollback by ada is refused: nobody can be taken back to 2.0.3 any more: orders have the new columns
        "#]],
    );
}

#[test]
fn a_bug_past_a_point_of_no_return_pauses() {
    check(
        MIGRATING,
        "ready; 1s; 3s candidate 5/0; crash overflow; crash overflow; resume ada; 22s candidate 5/0",
        &expect![[r#"
            t+0s      Pending      created: Release of checkout from 2.0.3 to 2.1.0 under policy careful (ci)
            t+1s      Progressing  started: 2.1.0 is ready: 2 of 2 endpoints
            t+1s      Progressing  step: Step small (1 of 3): 5 % of everyone
            t+1s      Progressing    -> traffic 1: 5 % of everyone
            t+1s      Progressing    = Step small: traffic is being set so that 5 % of everyone meet 2.1.0
            t+1s      Progressing  traffic: 5 % of everyone meet 2.1.0 now
            t+1s      Progressing    = Step small: 5 % of everyone, 2s to go
            t+3s      Progressing  step: Step small is done after 2s and 10 requests: its check passes
            t+3s      Progressing  step: Step migrate (2 of 3): nobody can be taken back from here on: orders have the new columns
            t+3s      Progressing  step: Step all (3 of 3): everyone
            t+3s      Progressing    -> traffic 2: everyone
            t+3s      Progressing    = Step all: traffic is being set so that everyone meets 2.1.0
            t+3s      Progressing  traffic: Everyone meets 2.1.0 now
            t+3s      Progressing    = Step all: everyone, 20s to go
            t+4s      Paused       paused: Paused until somebody decides: Sluice itself failed while it decided about this release: overflow; nobody can be taken back any more: orders have the new columns
            t+4s      Paused         = Sluice itself failed while it decided about this release: overflow; nobody can be taken back any more: orders have the new columns
            t+4s      Progressing  resumed: Resumed (ada)
            t+4s      Progressing    = Step all: everyone, 19s to go
            t+23s     Succeeded    step: Step all is done after 20s and 100 requests: its check passes
            t+23s     Succeeded    ended: Everyone has 2.1.0
            t+23s     Succeeded      -> 2.1.0 is live
            t+23s     Succeeded      -> start the next
            t+23s     Succeeded      = Everyone has 2.1.0
        "#]],
    );
}
