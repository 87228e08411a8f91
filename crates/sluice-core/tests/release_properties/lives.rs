//! Generated lives.

use proptest::prelude::*;
use sluice_core::document::policy::AudienceRule;
use sluice_core::release::status::Verb;
use sluice_core::release::{
    Answer, Effect, Event, Exposure, HookAnswer, Phase, Release, TIMELINE_MAX, Transition, step,
};
use sluice_core::{Span, Timestamp, Weight};

use crate::world::{Act, all_is_well, command, follow, happens, lives, releases, turn};

/// Lives through all acts; `look` sees the release before each, the act, the transition and the time.
fn live(
    mut release: Release,
    acts: &[(Act, i64)],
    mut look: impl FnMut(&Release, &Act, &Transition, Timestamp) -> Result<(), TestCaseError>,
) -> Result<(Release, Timestamp), TestCaseError> {
    let mut now = release.created_at;
    for (act, pause) in acts {
        now = Timestamp::from_millis(now.as_millis().saturating_add(*pause));
        let transition = follow(&release, act, now);
        look(&release, act, &transition, now)?;
        release = transition.next;
    }
    Ok((release, now))
}

fn is_verb(act: &Act, wanted: &[Verb]) -> bool {
    matches!(act, Act::Happens(event) if matches!(&**event, Event::Command(command) if wanted.contains(&command.verb)))
}

/// Whether somebody whom `before` takes in may not be taken in by `after`.
fn loses_people(before: &Exposure, after: &Exposure) -> bool {
    if before.is_nobody() {
        return false;
    }
    let is_covered = |rule: &AudienceRule| {
        rule.percent.0 == Weight::ZERO
            || after.include.iter().any(|wider| {
                (wider.segment.is_none() || wider.segment == rule.segment) && wider.percent >= rule.percent
            })
    };
    !before.include.iter().all(is_covered)
        || after.exclude.iter().any(|segment| !before.exclude.contains(segment))
}

proptest! {
    // An eighth of what is usual, since each case is a whole life; PROPTEST_CASES asks for more.
    #![proptest_config(ProptestConfig {
        cases: ProptestConfig::default().cases / 8,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_same_gives_the_same_and_a_restart_changes_nothing(release in releases(), acts in lives(40)) {
        live(release, &acts, |before, act, transition, now| {
            prop_assert_eq!(&follow(before, act, now), transition);
            let text = serde_json::to_string(before).unwrap();
            let read: Release = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(&read, before);
            prop_assert_eq!(&follow(&read, act, now), transition);
            Ok(())
        })?;
    }

    #[test]
    fn an_exposure_only_grows_until_people_go_back(release in releases(), acts in lives(60)) {
        live(release, &acts, |before, _, transition, _| {
            let after = &transition.next;
            let goes_back = matches!(after.phase, Phase::RollingBack { .. }) || after.traffic.desired.is_nobody();
            let goes_down = after.rebalanced > before.rebalanced;
            let loses = loses_people(&before.traffic.desired, &after.traffic.desired);
            prop_assert!(goes_back || goes_down || !loses, "from {:?} to {:?}", before.traffic, after.traffic);
            Ok(())
        })?;
    }

    #[test]
    fn nobody_else_is_exposed_after_a_failed_verdict_unless_somebody_says_so(release in releases(), acts in lives(60)) {
        let mut has_failed = false;
        live(release, &acts, |before, act, transition, _| {
            let after = &transition.next;
            let says_so = [Verb::Resume, Verb::Retry, Verb::Promote, Verb::Override, Verb::Approve];
            has_failed |= transition.entries.iter().any(|entry| entry.text.starts_with("A check failed"));
            // A lower step tries again, by the policy.
            let goes_down = after.rebalanced > before.rebalanced;
            if is_verb(act, &says_so) && transition.answer == Answer::Done || goes_down {
                has_failed = false;
            } else if has_failed {
                for (given, now) in before.traffic.given.iter().zip(&after.traffic.given) {
                    let is_less = given.covers(now) || given.is_nobody() && now.is_nobody();
                    prop_assert!(is_less, "from {:?} to {:?}", before.traffic, after.traffic);
                }
            }
            Ok(())
        })?;
    }

    #[test]
    fn nobody_else_is_exposed_while_the_calendar_is_closed(release in releases(), acts in lives(60)) {
        live(release, &acts, |before, _, transition, _| {
            let after = &transition.next;
            let is_closed = after.calendar != sluice_core::calendar::Openness::default();
            if is_closed && after.override_by.is_none() {
                let (was, is) = (&before.traffic.desired, &after.traffic.desired);
                // A lower step may have been one in which requests are copied.
                let goes_down = after.rebalanced > before.rebalanced && was.covers_people(is);
                let is_fine = was.covers(is) || is.is_idle() || goes_down;
                prop_assert!(is_fine, "from {:?} to {:?}", before.traffic, after.traffic);
                let promotes = matches!(after.phase, Phase::Promoting { .. });
                let did = matches!(before.phase, Phase::Promoting { .. });
                prop_assert!(did || !promotes);
            }
            Ok(())
        })?;
    }

    #[test]
    fn people_are_only_sent_where_an_endpoint_was_ready_when_last_seen(release in releases(), acts in lives(60)) {
        live(release, &acts, |before, _, transition, _| {
            let next = &transition.next;
            let endpoints = next.companions.iter().map(|companion| companion.endpoints).chain([next.endpoints]);
            let given = before.traffic.given.iter().zip(&next.traffic.given);
            for ((before, after), endpoints) in given.zip(endpoints) {
                if loses_people(before, after) {
                    prop_assert!(endpoints.stable.any_ready() || !endpoints.candidate.any_ready());
                } else if !before.covers(after) && !after.is_nobody() {
                    let is_none = next.plan.watch_only && endpoints.candidate.total == 0;
                    prop_assert!(endpoints.candidate.any_ready() || is_none);
                }
            }
            Ok(())
        })?;
    }

    #[test]
    fn what_is_over_changes_only_by_another_attempt(release in releases(), acts in lives(60)) {
        live(release, &acts, |before, act, transition, _| {
            if before.phase.is_over() && !is_verb(act, &[Verb::Retry]) {
                prop_assert_eq!(before, &transition.next);
                prop_assert!(!transition.must_commit());
            }
            Ok(())
        })?;
    }

    #[test]
    fn a_verb_that_is_not_taken_changes_nothing_and_the_status_tells_which_are(release in releases(), acts in lives(40)) {
        live(release, &acts, |before, _, _, now| {
            let possible = before.status().verbs;
            for verb in Verb::ALL {
                // Somebody who is new to it and has every right.
                let transition = step(before, &command(verb, "eve"), now);
                prop_assert_eq!(possible.contains(&verb), transition.answer == Answer::Done, "{:?}", verb);
                prop_assert_ne!(&transition.answer, &Answer::None);
                if transition.answer != Answer::Done {
                    prop_assert_eq!(before, &transition.next);
                    prop_assert!(!transition.must_commit());
                } else {
                    prop_assert!(transition.entries.iter().any(|entry| entry.actor.as_deref() == Some("eve")));
                }
            }
            Ok(())
        })?;
    }

    #[test]
    fn every_change_of_phase_is_told_and_the_timeline_is_bounded(release in releases(), acts in lives(60)) {
        live(release, &acts, |before, _, transition, now| {
            let next = &transition.next;
            prop_assert!(next.timeline.len() <= TIMELINE_MAX);
            prop_assert!(before.phase.name() == next.phase.name() || !transition.entries.is_empty());
            let status = next.status();
            prop_assert!(!status.reason.text.is_empty());
            prop_assert!(status.split.desired.candidate <= Weight::FULL);
            prop_assert_eq!(status.steps.len(), next.plan.steps.len());
            prop_assert!(next.reason_at == before.reason_at || next.reason_at == now);
            for text in status.verdicts.iter().map(|verdict| &verdict.text).chain([&status.reason.text]) {
                prop_assert!(!text.contains("NaN") && !text.contains("inf"), "{}", text);
            }
            Ok(())
        })?;
    }

    #[test]
    fn abort_or_rollback_brings_everyone_back(release in releases(), acts in lives(40), aborts in any::<bool>()) {
        let (release, mut now) = live(release, &acts, |_, _, _, _| Ok(()))?;
        let verb = if aborts { Verb::Abort } else { Verb::Rollback };
        let taken = step(&release, &command(verb, "ada"), now);
        if taken.answer != Answer::Done {
            return Ok(());
        }
        let mut release = taken.next;
        // One look at stable versions that are ready, and the data plane's word for each service.
        now = now.after(Span::from_secs(1));
        release = step(&release, &Event::Observed(all_is_well()), now).next;
        for _ in 0..=release.companions.len() {
            release = follow(&release, &Act::Confirmed, now).next;
        }
        prop_assert!(release.traffic.observed.is_nobody());
        prop_assert!(release.traffic.given.iter().all(Exposure::is_nobody));
        // It may have been on its way already, and another program is told.
        release = follow(&release, &Act::Answered(HookAnswer::Pass(None)), now).next;
        let ended = release.phase.is_over() && !matches!(release.phase, Phase::Succeeded { .. });
        prop_assert!(ended, "{:?}", release.phase);
    }

    #[test]
    fn every_release_can_reach_an_end(release in releases(), acts in lives(40), retries in any::<bool>()) {
        let (mut release, mut now) = live(release, &acts, |_, _, _, _| Ok(()))?;
        if retries {
            release = step(&release, &command(Verb::Retry, "ci"), now).next;
        }
        for _ in 0..60 {
            if release.phase.is_over() {
                break;
            }
            let promote = happens(command(Verb::Promote, "ada"));
            let approve = ["ada", "bob", "eve"].map(|who| happens(command(Verb::Approve, who)));
            let mut acts = vec![happens(turn("2.0.3")), happens(Event::Observed(all_is_well())), promote];
            acts.extend(approve);
            acts.extend([Act::Answered(HookAnswer::Pass(None)), happens(command(Verb::Resume, "ada"))]);
            for act in acts {
                now = now.after(Span::from_secs(1));
                release = follow(&release, &act, now).next;
                release = follow(&release, &Act::Confirmed, now).next;
                release = follow(&release, &Act::Confirmed, now).next;
            }
        }
        prop_assert!(release.phase.is_over(), "{:?}: {}", release.phase, release.reason);
    }

    #[test]
    fn live_versions_and_turns_are_told_when_a_release_ends(release in releases(), acts in lives(60)) {
        live(release, &acts, |before, _, transition, _| {
            let next = &transition.next;
            let ends = !before.phase.is_over() && next.phase.is_over();
            let starts_next = transition.effects.contains(&Effect::StartNext);
            prop_assert_eq!(ends, starts_next);
            let had_begun = !matches!(
                before.phase,
                Phase::Waiting { .. } | Phase::Pending { .. } | Phase::Closed { stand: None, .. }
            );
            let is_success = matches!(next.phase, Phase::Succeeded { .. });
            let made_live: Vec<_> = transition.effects.iter().filter_map(|effect| match effect {
                Effect::MakeLive { service, version } => Some((service, version)),
                _ => None,
            }).collect();
            let succeeds = !matches!(before.phase, Phase::Succeeded { .. }) && is_success;
            let mut expected: Vec<_> = Vec::new();
            if succeeds {
                expected.extend(next.members().map(|member| (member.service, member.to)));
            } else if ends && !is_success && (had_begun || !made_live.is_empty()) {
                expected.extend(next.members().map(|member| (member.service, member.from)));
                expected.reverse();
            }
            prop_assert_eq!(made_live, expected);
            prop_assert!(!ends || next.traffic.agrees());
            Ok(())
        })?;
    }
}
