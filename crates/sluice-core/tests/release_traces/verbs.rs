//! Every verb in every phase.

use std::fmt::Write as _;

use expect_test::expect;
use sluice_core::release::status::Verb;
use sluice_core::release::{Answer, Command, Event, Release, Surroundings, step};
use sluice_core::{Timestamp, release};

use crate::script::{after, creation, name, plan, surroundings};
use crate::{PLAIN, WATCHED};

const HALF: &str = "
steps:
  - { name: half, audience: [ { percent: 50 } ], hold: { time: 5s } }
checks: []";

/// Every gate, one after the other.
const GATES: &str = "
steps:
  - { name: small, audience: [ { percent: 5 } ] }
  - { name: ask, approval: { roles: [ ops ] } }
  - { name: qa, webhook: { url: 'https://qa.example.com/verdict' } }
  - { name: needs, waitFor: { service: payments, version: 1.4.0 } }
  - { name: migrate, pointOfNoReturn: { reason: orders have the new columns } }
  - { name: half, audience: [ { percent: 50 } ], hold: { time: 2s } }
  - { name: last, approval: { roles: [ ops ] } }
checks: []
keepPrevious: 1h";
const PAST: &str = "ready; 1s; 1s; as ops; approve bob; hook pass; elsewhere payments 1.4.0; 1s";
const AT_LAST_GATE: &str = "ready; 1s; 1s; as ops; approve bob; hook pass; elsewhere payments 1.4.0; 4s";
const SUCCEEDED: &str =
    "ready; 1s; 1s; as ops; approve bob; hook pass; elsewhere payments 1.4.0; 4s; as ops; approve bob; 1s";

const RAMP: &str = "
steps:
  - { name: ramp, ramp: { from: 5, to: 50, over: 1h } }
checks: []";

const SLOWLY: &str = "
steps:
  - { name: half, audience: [ { percent: 50 } ], hold: { time: 1m } }
checks:
  - { metric: http.errors, max: 5%, sample: 5 }
onFail: { rollbackGradually: { over: 10m } }";

const DEPLOYING: &str = "
steps:
  - { name: half, audience: [ { percent: 50 } ], hold: { time: 1m } }
checks:
  - { metric: http.errors, max: 5%, sample: 5 }
onFail: { redeploy: { url: 'https://ci.example.com/redeploy' } }";

/// A release in every phase, under the phase's name.
fn releases() -> Vec<(&'static str, Release, Timestamp)> {
    let waiting =
        release::create(creation(plan(PLAIN), Some(name("checkout-2.0.4-1"))), Timestamp::default()).next;
    let mut releases = vec![("waiting", waiting, Timestamp::default())];
    let scripts = [
        ("pending", PLAIN, "1s"),
        ("progressing", PLAIN, "ready; 1s"),
        ("progressing, candidate unready", PLAIN, "ready; 1s; candidate 0/2; 1s"),
        ("paused", PLAIN, "ready; 1s; pause ada"),
        ("promoting", HALF, "ready; 1s; slow traffic; 5s"),
        ("succeeded, kept", HALF, "ready; 1s; 5s"),
        ("succeeded", PLAIN, "ready; 1s; 20s"),
        ("rolling back", PLAIN, "ready; 1s; slow traffic; rollback ada"),
        ("aborting", PLAIN, "ready; 1s; slow traffic; abort ada"),
        ("rolled back", WATCHED, "ready; 1s; rollback ada"),
        ("aborted", PLAIN, "ready; 1s; abort ada"),
        ("closed before its first step", PLAIN, "freeze 1h; ready; 1s"),
        ("closed", PLAIN, "ready; 1s; freeze 1h; 11s"),
        ("progressing in a freeze", PLAIN, "ready; 1s; freeze 1h; 1s"),
        ("at an approval", GATES, "ready; 1s; 1s"),
        ("at a webhook", GATES, "ready; 1s; 1s; as ops; approve bob"),
        ("at another service", GATES, "ready; 1s; 1s; as ops; approve bob; hook pass"),
        ("paused at a gate", GATES, "ready; 1s; 1s; pause ada"),
        ("past a point of no return", GATES, PAST),
        ("at an approval past a point of no return", GATES, AT_LAST_GATE),
        ("succeeded past a point of no return", GATES, SUCCEEDED),
        ("in a ramp", RAMP, "ready; 1s; 2s"),
        ("going back little by little", SLOWLY, "ready; 1s; 2s candidate 5/5"),
        ("told to deploy again", DEPLOYING, "ready; 1s; 2s candidate 5/5"),
        ("superseded", PLAIN, "ready; 1s; newer checkout-2.2.0-1"),
        ("failed", PLAIN, "crash boom"),
    ];
    for (called, policy, script) in scripts {
        let (release, now) = after(policy, script);
        releases.push((called, release, now));
    }
    releases
}

#[test]
fn every_verb_has_an_answer_in_every_phase() {
    let mut matrix = String::new();
    for (called, release, now) in releases() {
        writeln!(matrix, "{called}").unwrap();
        for verb in Verb::ALL {
            // Somebody with every right, so that what is refused is refused by the phase.
            let may = Surroundings { roles: vec![name("ops")], may_override: true, ..surroundings() };
            let (actor, reason) = ("ada".to_owned(), Some("it must be".to_owned()));
            let command = Command { verb, actor, reason, surroundings: may };
            let transition = step(&release, &Event::Command(command), now);
            let answer = match transition.answer {
                Answer::None => "no answer".to_owned(),
                Answer::Done => format!("{:?}", transition.next.phase.name()),
                Answer::Already => "is so already".to_owned(),
                Answer::Refused { why } => format!("refused: {why}"),
            };
            writeln!(matrix, "  {:<9} {answer}", verb.as_str()).unwrap();
        }
    }
    expect![[r#"
        waiting
          promote   refused: checkout-2.1.0-1 waits for checkout-2.0.4-1 to end
          pause     refused: checkout-2.1.0-1 has not started, so there is nothing to pause; abort it instead
          resume    refused: checkout-2.1.0-1 is not paused
          abort     Aborted
          rollback  refused: nobody has met 2.1.0 yet; abort checkout-2.1.0-1 instead
          retry     refused: checkout-2.1.0-1 is still under way
          approve   refused: checkout-2.1.0-1 does not wait for an approval
          reject    refused: checkout-2.1.0-1 does not wait for an approval
          override  refused: checkout-2.1.0-1 waits for checkout-2.0.4-1 to end
        pending
          promote   refused: 2.1.0 has no ready endpoint yet
          pause     refused: checkout-2.1.0-1 has not started, so there is nothing to pause; abort it instead
          resume    refused: checkout-2.1.0-1 is not paused
          abort     Aborted
          rollback  refused: nobody has met 2.1.0 yet; abort checkout-2.1.0-1 instead
          retry     refused: checkout-2.1.0-1 is still under way
          approve   refused: checkout-2.1.0-1 does not wait for an approval
          reject    refused: checkout-2.1.0-1 does not wait for an approval
          override  refused: 2.1.0 has no ready endpoint yet
        progressing
          promote   Progressing
          pause     Paused
          resume    is so already
          abort     RollingBack
          rollback  RollingBack
          retry     refused: checkout-2.1.0-1 is still under way
          approve   refused: checkout-2.1.0-1 does not wait for an approval
          reject    refused: checkout-2.1.0-1 does not wait for an approval
          override  refused: no gate, window or freeze holds checkout-2.1.0-1 up; promote it to end its step now
        progressing, candidate unready
          promote   refused: 2.1.0 has no ready endpoint now, so nobody else can be sent to it
          pause     Paused
          resume    is so already
          abort     RollingBack
          rollback  RollingBack
          retry     refused: checkout-2.1.0-1 is still under way
          approve   refused: checkout-2.1.0-1 does not wait for an approval
          reject    refused: checkout-2.1.0-1 does not wait for an approval
          override  refused: no gate, window or freeze holds checkout-2.1.0-1 up; promote it to end its step now
        paused
          promote   Progressing
          pause     is so already
          resume    Progressing
          abort     RollingBack
          rollback  RollingBack
          retry     refused: checkout-2.1.0-1 is still under way
          approve   refused: checkout-2.1.0-1 does not wait for an approval
          reject    refused: checkout-2.1.0-1 does not wait for an approval
          override  refused: checkout-2.1.0-1 is paused; resume it first
        promoting
          promote   is so already
          pause     refused: checkout-2.1.0-1 is becoming the stable version, so there is nothing to pause
          resume    refused: checkout-2.1.0-1 is not paused
          abort     RollingBack
          rollback  RollingBack
          retry     refused: checkout-2.1.0-1 is still under way
          approve   refused: checkout-2.1.0-1 is becoming the stable version, so there is nothing to approve
          reject    refused: checkout-2.1.0-1 is becoming the stable version, so there is nothing to reject
          override  refused: checkout-2.1.0-1 is becoming the stable version, so there is nothing to override
        succeeded, kept
          promote   is so already
          pause     refused: checkout-2.1.0-1 has succeeded, so there is nothing to pause
          resume    refused: checkout-2.1.0-1 is not paused
          abort     refused: checkout-2.1.0-1 has succeeded; roll it back instead, which is instant while 2.0.3 is kept
          rollback  RollingBack
          retry     refused: checkout-2.1.0-1 has succeeded
          approve   refused: checkout-2.1.0-1 does not wait for an approval
          reject    refused: checkout-2.1.0-1 does not wait for an approval
          override  refused: checkout-2.1.0-1 has succeeded, so there is nothing to override
        succeeded
          promote   is so already
          pause     refused: checkout-2.1.0-1 has succeeded, so there is nothing to pause
          resume    refused: checkout-2.1.0-1 is not paused
          abort     refused: checkout-2.1.0-1 has succeeded, so there is nothing to abort
          rollback  refused: 2.0.3 is no longer kept; release it again with: sluice release start checkout 2.0.3
          retry     refused: checkout-2.1.0-1 has succeeded
          approve   refused: checkout-2.1.0-1 has succeeded, so there is nothing to approve
          reject    refused: checkout-2.1.0-1 has succeeded, so there is nothing to reject
          override  refused: checkout-2.1.0-1 has succeeded, so there is nothing to override
        rolling back
          promote   refused: checkout-2.1.0-1 is being taken back, so there is nothing to promote
          pause     refused: checkout-2.1.0-1 is being taken back, so there is nothing to pause
          resume    refused: checkout-2.1.0-1 is not paused
          abort     refused: checkout-2.1.0-1 is being taken back, so there is nothing to abort
          rollback  is so already
          retry     refused: checkout-2.1.0-1 is still under way
          approve   refused: checkout-2.1.0-1 is being taken back, so there is nothing to approve
          reject    refused: checkout-2.1.0-1 is being taken back, so there is nothing to reject
          override  refused: checkout-2.1.0-1 is being taken back, so there is nothing to override
        aborting
          promote   refused: checkout-2.1.0-1 is being taken back, so there is nothing to promote
          pause     refused: checkout-2.1.0-1 is being taken back, so there is nothing to pause
          resume    refused: checkout-2.1.0-1 is not paused
          abort     is so already
          rollback  is so already
          retry     refused: checkout-2.1.0-1 is still under way
          approve   refused: checkout-2.1.0-1 is being taken back, so there is nothing to approve
          reject    refused: checkout-2.1.0-1 is being taken back, so there is nothing to reject
          override  refused: checkout-2.1.0-1 is being taken back, so there is nothing to override
        rolled back
          promote   refused: checkout-2.1.0-1 was rolled back, so there is nothing to promote
          pause     refused: checkout-2.1.0-1 was rolled back, so there is nothing to pause
          resume    refused: checkout-2.1.0-1 is not paused
          abort     refused: checkout-2.1.0-1 was rolled back, so there is nothing to abort
          rollback  is so already
          retry     Pending
          approve   refused: checkout-2.1.0-1 was rolled back, so there is nothing to approve
          reject    refused: checkout-2.1.0-1 was rolled back, so there is nothing to reject
          override  refused: checkout-2.1.0-1 was rolled back, so there is nothing to override
        aborted
          promote   refused: checkout-2.1.0-1 was aborted, so there is nothing to promote
          pause     refused: checkout-2.1.0-1 was aborted, so there is nothing to pause
          resume    refused: checkout-2.1.0-1 is not paused
          abort     is so already
          rollback  refused: checkout-2.1.0-1 was aborted, so there is nothing to roll back
          retry     Pending
          approve   refused: checkout-2.1.0-1 was aborted, so there is nothing to approve
          reject    refused: checkout-2.1.0-1 was aborted, so there is nothing to reject
          override  refused: checkout-2.1.0-1 was aborted, so there is nothing to override
        closed before its first step
          promote   refused: Step small waits: a freeze lasts until Mon 23 Nov 2026, 10:00 UTC (holidays); override it with a reason if it must be
          pause     refused: checkout-2.1.0-1 has not started, so there is nothing to pause; abort it instead
          resume    refused: checkout-2.1.0-1 is not paused
          abort     Aborted
          rollback  refused: nobody has met 2.1.0 yet; abort checkout-2.1.0-1 instead
          retry     refused: checkout-2.1.0-1 is still under way
          approve   refused: checkout-2.1.0-1 does not wait for an approval
          reject    refused: checkout-2.1.0-1 does not wait for an approval
          override  Progressing
        closed
          promote   refused: Step all waits: a freeze lasts until Mon 23 Nov 2026, 10:00:01 UTC (holidays); override it with a reason if it must be
          pause     Paused
          resume    refused: checkout-2.1.0-1 is not paused
          abort     RollingBack
          rollback  RollingBack
          retry     refused: checkout-2.1.0-1 is still under way
          approve   refused: checkout-2.1.0-1 does not wait for an approval
          reject    refused: checkout-2.1.0-1 does not wait for an approval
          override  Progressing
        progressing in a freeze
          promote   refused: Step all waits: a freeze lasts until Mon 23 Nov 2026, 10:00:01 UTC (holidays); override it with a reason if it must be
          pause     Paused
          resume    is so already
          abort     RollingBack
          rollback  RollingBack
          retry     refused: checkout-2.1.0-1 is still under way
          approve   refused: checkout-2.1.0-1 does not wait for an approval
          reject    refused: checkout-2.1.0-1 does not wait for an approval
          override  Progressing
        at an approval
          promote   refused: Step ask waits for approval by ops, for another 1d at most; approve it, or override it with a reason
          pause     Paused
          resume    refused: checkout-2.1.0-1 is not paused
          abort     RollingBack
          rollback  RollingBack
          retry     refused: checkout-2.1.0-1 is still under way
          approve   Waiting
          reject    RollingBack
          override  Waiting
        at a webhook
          promote   refused: Step qa waits for https://qa.example.com/verdict to say that all is well, for another 1h at most; override it with a reason if it must be
          pause     Paused
          resume    refused: checkout-2.1.0-1 is not paused
          abort     RollingBack
          rollback  RollingBack
          retry     refused: checkout-2.1.0-1 is still under way
          approve   refused: Step qa waits for https://qa.example.com/verdict to say that all is well, for another 1h at most, and not for an approval
          reject    refused: Step qa waits for https://qa.example.com/verdict to say that all is well, for another 1h at most, and not for an approval
          override  Waiting
        at another service
          promote   refused: Step needs waits for payments to have 1.4.0, which has no version yet, for another 1d at most; override it with a reason if it must be
          pause     Paused
          resume    refused: checkout-2.1.0-1 is not paused
          abort     RollingBack
          rollback  RollingBack
          retry     refused: checkout-2.1.0-1 is still under way
          approve   refused: Step needs waits for payments to have 1.4.0, which has no version yet, for another 1d at most, and not for an approval
          reject    refused: Step needs waits for payments to have 1.4.0, which has no version yet, for another 1d at most, and not for an approval
          override  Progressing
        paused at a gate
          promote   refused: checkout-2.1.0-1 is paused at a gate; resume it, so that the gate can be opened
          pause     is so already
          resume    AwaitingApproval
          abort     RollingBack
          rollback  RollingBack
          retry     refused: checkout-2.1.0-1 is still under way
          approve   refused: checkout-2.1.0-1 is paused; resume it first
          reject    refused: checkout-2.1.0-1 is paused; resume it first
          override  refused: checkout-2.1.0-1 is paused; resume it first
        past a point of no return
          promote   AwaitingApproval
          pause     Paused
          resume    is so already
          abort     refused: nobody can be taken back to 2.0.3 any more: orders have the new columns
          rollback  refused: nobody can be taken back to 2.0.3 any more: orders have the new columns
          retry     refused: checkout-2.1.0-1 is still under way
          approve   refused: checkout-2.1.0-1 does not wait for an approval
          reject    refused: checkout-2.1.0-1 does not wait for an approval
          override  refused: no gate, window or freeze holds checkout-2.1.0-1 up; promote it to end its step now
        at an approval past a point of no return
          promote   refused: Step last waits for approval by ops, for another 23h59m at most; approve it, or override it with a reason
          pause     Paused
          resume    refused: checkout-2.1.0-1 is not paused
          abort     refused: nobody can be taken back to 2.0.3 any more: orders have the new columns
          rollback  refused: nobody can be taken back to 2.0.3 any more: orders have the new columns
          retry     refused: checkout-2.1.0-1 is still under way
          approve   Promoting
          reject    refused: nobody can be taken back to 2.0.3 any more: orders have the new columns
          override  Promoting
        succeeded past a point of no return
          promote   is so already
          pause     refused: checkout-2.1.0-1 has succeeded, so there is nothing to pause
          resume    refused: checkout-2.1.0-1 is not paused
          abort     refused: checkout-2.1.0-1 has succeeded, so there is nothing to abort
          rollback  refused: nobody can be taken back to 2.0.3 any more: orders have the new columns
          retry     refused: checkout-2.1.0-1 has succeeded
          approve   refused: checkout-2.1.0-1 has succeeded, so there is nothing to approve
          reject    refused: checkout-2.1.0-1 has succeeded, so there is nothing to reject
          override  refused: checkout-2.1.0-1 has succeeded, so there is nothing to override
        in a ramp
          promote   Promoting
          pause     Paused
          resume    is so already
          abort     RollingBack
          rollback  RollingBack
          retry     refused: checkout-2.1.0-1 is still under way
          approve   refused: checkout-2.1.0-1 does not wait for an approval
          reject    refused: checkout-2.1.0-1 does not wait for an approval
          override  refused: no gate, window or freeze holds checkout-2.1.0-1 up; promote it to end its step now
        going back little by little
          promote   refused: checkout-2.1.0-1 is being taken back, so there is nothing to promote
          pause     refused: checkout-2.1.0-1 is being taken back, so there is nothing to pause
          resume    refused: checkout-2.1.0-1 is not paused
          abort     RollingBack
          rollback  RollingBack
          retry     refused: checkout-2.1.0-1 is still under way
          approve   refused: checkout-2.1.0-1 is being taken back, so there is nothing to approve
          reject    refused: checkout-2.1.0-1 is being taken back, so there is nothing to reject
          override  refused: checkout-2.1.0-1 is being taken back, so there is nothing to override
        told to deploy again
          promote   refused: checkout-2.1.0-1 is being taken back, so there is nothing to promote
          pause     refused: checkout-2.1.0-1 is being taken back, so there is nothing to pause
          resume    refused: checkout-2.1.0-1 is not paused
          abort     refused: checkout-2.1.0-1 is being taken back, so there is nothing to abort
          rollback  is so already
          retry     refused: checkout-2.1.0-1 is still under way
          approve   refused: checkout-2.1.0-1 is being taken back, so there is nothing to approve
          reject    refused: checkout-2.1.0-1 is being taken back, so there is nothing to reject
          override  refused: checkout-2.1.0-1 is being taken back, so there is nothing to override
        superseded
          promote   refused: checkout-2.1.0-1 was superseded, so there is nothing to promote
          pause     refused: checkout-2.1.0-1 was superseded, so there is nothing to pause
          resume    refused: checkout-2.1.0-1 is not paused
          abort     refused: checkout-2.1.0-1 was superseded, so there is nothing to abort
          rollback  refused: checkout-2.1.0-1 was superseded, so there is nothing to roll back
          retry     refused: checkout-2.2.0-1 took its place; start a new release instead
          approve   refused: checkout-2.1.0-1 was superseded, so there is nothing to approve
          reject    refused: checkout-2.1.0-1 was superseded, so there is nothing to reject
          override  refused: checkout-2.1.0-1 was superseded, so there is nothing to override
        failed
          promote   refused: checkout-2.1.0-1 has failed, so there is nothing to promote
          pause     refused: checkout-2.1.0-1 has failed, so there is nothing to pause
          resume    refused: checkout-2.1.0-1 is not paused
          abort     refused: checkout-2.1.0-1 has failed, so there is nothing to abort
          rollback  refused: checkout-2.1.0-1 has failed, so there is nothing to roll back
          retry     Pending
          approve   refused: checkout-2.1.0-1 has failed, so there is nothing to approve
          reject    refused: checkout-2.1.0-1 has failed, so there is nothing to reject
          override  refused: checkout-2.1.0-1 has failed, so there is nothing to override
    "#]].assert_eq(&matrix);
}
