//! What is true of every release, whatever happens to it: checked on generated sequences of events.

#![expect(clippy::unwrap_used, reason = "a policy that cannot be read is a failed test")]

use proptest::prelude::*;
use sluice_core::release::status::Verb;
use sluice_core::release::{
    Answer, Command, Creation, Effect, Endpoints, Event, Observation, Phase, Plan, Release, Surroundings,
    TIMELINE_MAX, Transition, crashed, create, step,
};
use sluice_core::stats::Histogram;
use sluice_core::{Counts, Name, ServiceKey, Span, Timestamp, Weight, builtin, document};

/// Something that happens, and how many milliseconds after what was before it; negative for a clock set back.
#[derive(Clone, Debug)]
enum Act {
    Happens(Box<Event>),
    /// The last change of traffic is in force.
    Confirmed,
    Crashed,
}

fn happens(event: Event) -> Act {
    Act::Happens(Box::new(event))
}

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

const STEPS: [&str; 5] = [
    "[{ name: a, audience: [ { percent: 5 } ], hold: { time: 5s, requests: 20 } }, { name: b, audience: [ { percent: 100 } ], hold: { time: 3s } }]",
    "[{ name: a, audience: [ { percent: 0 } ] }, { name: b, audience: [ { percent: 5 } ] }, { name: c, audience: [ { percent: 5 } ], hold: { untilPromoted: true } }, { name: d, audience: [ { percent: 50 } ] }]",
    "[{ name: a, audience: [ { percent: 100 } ], hold: { time: 2s } }]",
    "[{ name: a, audience: [ { segment: staff } ], exclude: [ vip ] }, { name: b, audience: [ { segment: staff }, { percent: 10 } ], exclude: [ vip ], hold: { requests: 5 } }]",
    "[{ name: a, audience: [ { percent: 1 } ], hold: { time: 1h } }]",
];

const CHECKS: [&str; 4] = [
    "[]",
    "[{ metric: http.errors, compare: stable, tolerate: 0.5pp }, { metric: http.errors, max: 5%, sample: 5 }]",
    "[{ metric: http.latency, quantile: 0.95, compare: stable, tolerate: 20% }, { metric: http.latency, quantile: 0.99, max: 1s, sample: 5, window: 5s }, { metric: http.requests, min: 1, window: 4s }]",
    "[{ metric: health.ready, min: 50% }]",
];

fn plans() -> impl Strategy<Value = Plan> {
    let choices =
        (0..STEPS.len(), 0..CHECKS.len(), any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    choices.prop_map(|(steps, checks, pauses, then_pauses, queues, keeps)| {
        let word = |is: bool, yes: &'static str, no: &'static str| if is { yes } else { no };
        let text = format!(
            "apiVersion: sluice.dev/v1alpha1\nkind: Policy\nmetadata: {{ name: any }}\nspec:\n  steps: {}\n  checks: {}\n  \
             onFail: {}\n  onInconclusive: {{ wait: 4s, then: {} }}\n  onNewer: {}\n  keepPrevious: {}\n  readyWithin: 8s\n",
            STEPS[steps],
            CHECKS[checks],
            word(pauses, "pause", "rollback"),
            word(then_pauses, "pause", "rollback"),
            word(queues, "queue", "supersede"),
            word(keeps, "6s", "0s"),
        );
        let documents = document::parse_yaml(&text).unwrap_or_else(|problems| panic!("{problems}"));
        let document::Spec::Policy(spec) = &documents[0].spec else { panic!("no policy") };
        Plan::new(&name("any"), spec, builtin::metrics()).unwrap()
    })
}

fn releases() -> impl Strategy<Value = Release> {
    (plans(), any::<bool>()).prop_map(|(plan, waits)| {
        let creation = Creation {
            name: name("checkout-2.1.0-1"),
            service: ServiceKey { environment: name("production"), name: name("checkout") },
            from: "2.0.3".parse().unwrap(),
            to: "2.1.0".parse().unwrap(),
            plan,
            reshuffle: false,
            behind: waits.then(|| name("checkout-2.0.4-1")),
            actor: "ci".to_owned(),
            reason: None,
            companions: Vec::new(),
            override_reason: None,
        };
        create(creation, Timestamp::from_millis(1_000_000_000)).next
    })
}

fn counts() -> impl Strategy<Value = Counts> {
    // More than a data plane counts in a thousand years, and far from where totals of several looks no longer fit.
    let number = || prop_oneof![6 => 0_u64..60, 2 => Just(0_u64), 1 => 0_u64..1 << 48];
    let parts = (number(), proptest::array::uniform5(number()), number(), number());
    let times = proptest::collection::vec((0_u16..900, number()), 0..4);
    (parts, times, any::<bool>()).prop_map(|((requests, responses, resets, cancelled), times, adds_up)| {
        let mut latency = Histogram::default();
        times.into_iter().for_each(|(bucket, count)| latency.add(bucket, count));
        let all =
            responses.iter().fold(resets.saturating_add(cancelled), |sum, class| sum.saturating_add(*class));
        Counts { requests: if adds_up { all } else { requests }, responses, resets, cancelled, latency }
    })
}

fn endpoints() -> impl Strategy<Value = Endpoints> {
    prop_oneof![
        5 => Just(Endpoints { ready: 2, total: 2 }),
        2 => Just(Endpoints { ready: 0, total: 2 }),
        1 => (any::<u32>(), any::<u32>()).prop_map(|(ready, total)| Endpoints { ready, total }),
    ]
}

fn good(requests: u64) -> Counts {
    let mut latency = Histogram::default();
    latency.add(Histogram::bucket_of(50_000), requests);
    Counts { requests, responses: [0, requests, 0, 0, 0], latency, ..Counts::default() }
}

/// Everything is ready, both versions answer well.
fn all_is_well() -> Observation {
    let ready = Endpoints { ready: 2, total: 2 };
    Observation {
        stable: good(100),
        candidate: good(50),
        stable_endpoints: ready,
        candidate_endpoints: ready,
        ..Observation::default()
    }
}

fn surroundings() -> Surroundings {
    Surroundings {
        live: "2.0.3".parse().unwrap(),
        other: None,
        version_exists: true,
        companions: Vec::new(),
        roles: vec![name("ops")],
        may_override: true,
    }
}

fn command(verb: Verb) -> Event {
    let reason = Some("it must be".to_owned());
    Event::Command(Command { verb, actor: "ada".to_owned(), reason, surroundings: surroundings() })
}

fn verbs() -> impl Strategy<Value = Event> {
    let live = prop_oneof![Just("2.0.3"), Just("2.1.0")];
    (0..Verb::ALL.len(), live, any::<bool>(), any::<bool>()).prop_map(|(verb, live, alone, exists)| {
        let other = (!alone).then(|| name("checkout-2.2.0-1"));
        let surroundings =
            Surroundings { live: live.parse().unwrap(), other, version_exists: exists, ..surroundings() };
        let verb = Verb::ALL[verb];
        Event::Command(Command { verb, actor: "ada".to_owned(), reason: Some("so".to_owned()), surroundings })
    })
}

fn acts() -> impl Strategy<Value = Act> {
    let observed = (counts(), counts(), endpoints(), endpoints()).prop_map(
        |(stable, candidate, stable_endpoints, candidate_endpoints)| {
            Event::Observed(Observation {
                stable,
                candidate,
                stable_endpoints,
                candidate_endpoints,
                ..Observation::default()
            })
        },
    );
    prop_oneof![
        8 => observed.prop_map(happens),
        8 => Just(happens(Event::Observed(all_is_well()))),
        6 => Just(Act::Confirmed),
        4 => verbs().prop_map(happens),
        3 => Just(happens(command(Verb::Promote))),
        1 => (0_u64..8).prop_map(|change| happens(Event::TrafficInForce { change })),
        1 => any::<u64>().prop_map(|change| happens(Event::TrafficInForce { change })),
        1 => Just(happens(Event::Newer { by: name("checkout-2.2.0-1") })),
        1 => prop_oneof![Just("2.0.3"), Just("2.0.4"), Just("2.1.0")]
            .prop_map(|live| happens(Event::Turn { live: live.parse().unwrap(), companions: Vec::new() })),
        1 => Just(Act::Crashed),
    ]
}

/// Up to so many acts, each so long after the one before.
fn lives(max: usize) -> impl Strategy<Value = Vec<(Act, i64)>> {
    let pause = prop_oneof![8 => Just(1_000_i64), 3 => 0_i64..3_000, 1 => -100_000_i64..10_000_000];
    proptest::collection::vec((acts(), pause), 0..max)
}

fn follow(release: &Release, act: &Act, now: Timestamp) -> Transition {
    match act {
        Act::Happens(event) => step(release, event, now),
        Act::Confirmed => {
            step(release, &Event::TrafficInForce { change: release.traffic.desired_change }, now)
        }
        Act::Crashed => crashed(release, "index out of bounds", now),
    }
}

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
fn loses_people(before: &Release, after: &Release) -> bool {
    let (before, after) = (&before.traffic.desired, &after.traffic.desired);
    if before.is_nobody() {
        return false;
    }
    let is_covered = |rule: &document::policy::AudienceRule| {
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
    fn an_exposure_only_grows_until_everyone_goes_back(release in releases(), acts in lives(60)) {
        live(release, &acts, |before, _, transition, _| {
            let after = &transition.next;
            let goes_back = after.traffic.desired.is_nobody();
            prop_assert!(goes_back || !loses_people(before, after), "from {:?} to {:?}", before.traffic, after.traffic);
            Ok(())
        })?;
    }

    #[test]
    fn nobody_else_is_exposed_after_a_failed_verdict_unless_somebody_says_so(release in releases(), acts in lives(60)) {
        let mut has_failed = false;
        live(release, &acts, |before, act, transition, _| {
            let after = &transition.next;
            if is_verb(act, &[Verb::Resume, Verb::Retry, Verb::Promote]) && transition.answer == Answer::Done {
                has_failed = false;
            } else if has_failed {
                prop_assert!(before.traffic.desired == after.traffic.desired || after.traffic.desired.is_nobody());
            }
            has_failed |= transition.entries.iter().any(|entry| entry.text.starts_with("A check failed"));
            Ok(())
        })?;
    }

    #[test]
    fn people_are_only_sent_where_an_endpoint_was_ready_when_last_seen(release in releases(), acts in lives(60)) {
        live(release, &acts, |before, _, transition, _| {
            let next = &transition.next;
            let is_dark = before.traffic.desired.is_nobody() && next.traffic.desired.is_nobody();
            let applies = transition.effects.iter().any(|effect| matches!(effect, Effect::ApplyTraffic { .. }));
            let moves = applies && !is_dark;
            if moves && !next.traffic.desired.is_nobody() {
                prop_assert!(next.endpoints.candidate.any_ready());
            }
            if moves && next.traffic.desired.is_nobody() {
                let seen = next.endpoints;
                prop_assert!(seen.stable.any_ready() || !seen.candidate.any_ready());
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
                let transition = step(before, &command(verb), now);
                prop_assert_eq!(possible.contains(&verb), transition.answer == Answer::Done, "{:?}", verb);
                prop_assert_ne!(&transition.answer, &Answer::None);
                if transition.answer != Answer::Done {
                    prop_assert_eq!(before, &transition.next);
                    prop_assert!(!transition.must_commit());
                } else {
                    prop_assert!(transition.entries.iter().any(|entry| entry.actor.as_deref() == Some("ada")));
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
        let taken = step(&release, &command(verb), now);
        if taken.answer != Answer::Done {
            return Ok(());
        }
        let mut release = taken.next;
        // One look at a stable version that is ready, and the data plane's word for it.
        now = now.after(Span::from_secs(1));
        release = step(&release, &Event::Observed(all_is_well()), now).next;
        release = follow(&release, &Act::Confirmed, now).next;
        prop_assert!(release.traffic.observed.is_nobody());
        let ended = matches!(release.phase, Phase::Aborted { .. } | Phase::RolledBack { .. });
        prop_assert!(ended, "{:?}", release.phase);
    }

    #[test]
    fn every_release_can_reach_an_end(release in releases(), acts in lives(40), retries in any::<bool>()) {
        let (mut release, mut now) = live(release, &acts, |_, _, _, _| Ok(()))?;
        if retries {
            release = step(&release, &command(Verb::Retry), now).next;
        }
        for _ in 0..40 {
            if release.phase.is_over() {
                break;
            }
            let turn = Event::Turn { live: "2.0.3".parse().unwrap(), companions: Vec::new() };
            for event in [turn, Event::Observed(all_is_well()), command(Verb::Promote)] {
                now = now.after(Span::from_secs(1));
                release = step(&release, &event, now).next;
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
            let had_begun = !matches!(before.phase, Phase::Waiting { .. } | Phase::Pending { .. });
            let is_back = ends && had_begun && !matches!(next.phase, Phase::Succeeded { .. });
            let made_live = transition.effects.iter().find_map(|effect| match effect {
                Effect::MakeLive { version, .. } => Some(version),
                _ => None,
            });
            let succeeds = !matches!(before.phase, Phase::Succeeded { .. }) && matches!(next.phase, Phase::Succeeded { .. });
            let expected = if is_back { Some(&next.from) } else { succeeds.then_some(&next.to) };
            prop_assert_eq!(made_live, expected);
            prop_assert!(!ends || next.traffic.agrees());
            Ok(())
        })?;
    }
}
