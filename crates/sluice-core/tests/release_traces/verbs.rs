//! Every verb in every phase.

use std::fmt::Write as _;

use expect_test::expect;
use sluice_core::release::status::Verb;
use sluice_core::release::{Answer, Command, Event, Release, step};
use sluice_core::{Timestamp, release};

use crate::script::{after, creation, name, plan, surroundings};
use crate::{PLAIN, WATCHED};

const HALF: &str = "
steps:
  - { name: half, audience: [ { percent: 50 } ], hold: { time: 5s } }
checks: []";

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
            let command =
                Command { verb, actor: "ada".to_owned(), reason: None, surroundings: surroundings() };
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
