//! A walk through the states that can be reached: from the beginning, everything that may happen is tried in every
//! state that differs from those met before in more than its numbers. Each must answer, keep what always holds, and
//! come to an end once nothing goes wrong any more.

use std::collections::{BTreeMap, VecDeque};

use sluice_core::release::status::Verb;
use sluice_core::release::{
    Answer, CallState, Effect, Event, GateStand, HookAnswer, Observation, Pace, Phase, Release, Transition,
};
use sluice_core::{Span, Timestamp};

use crate::world::{self, Act, Choice, all_is_well, closed, command, follow, happens, newer, seen, turn};

/// So many states of one plan are looked at, the ones that take the fewest events first.
const STATES_MAX: usize = 1_500;

/// After so many rounds in which nothing goes wrong a release has ended.
const ROUNDS_MAX: usize = 150;

/// Everything that may happen, with how long it is after what was before.
fn alphabet() -> Vec<(Act, Span)> {
    let second = Span::from_secs(1);
    let look = |seen: Observation| (happens(Event::Observed(seen)), second);
    let nothing = || {
        let mut nothing = all_is_well();
        (nothing.stable, nothing.candidate) = Default::default();
        nothing.companions.iter_mut().for_each(|companion| {
            (companion.stable, companion.candidate) = Default::default();
        });
        nothing
    };
    let mut all = vec![
        look(all_is_well()),
        look(nothing()),
        look(seen(50, true, true)),
        look(seen(0, false, true)),
        look(seen(0, true, false)),
        look(seen(0, false, false)),
        look(Observation { calendar: closed(), ..all_is_well() }),
        look(Observation { live: BTreeMap::new(), ..all_is_well() }),
        (happens(Event::Observed(nothing())), Span::from_secs(9)),
        (happens(Event::Observed(all_is_well())), Span::from_secs(3600)),
        (Act::Confirmed, Span::ZERO),
        (Act::Crashed, Span::ZERO),
        (happens(newer()), Span::ZERO),
        (happens(turn("2.0.3")), Span::ZERO),
        (happens(turn("2.1.0")), Span::ZERO),
    ];
    let answers = [
        HookAnswer::Pass(None),
        HookAnswer::Fail(None),
        HookAnswer::Wait(None),
        HookAnswer::Broken { why: "no route".to_owned() },
    ];
    all.extend(answers.map(|answer| (Act::Answered(answer), Span::ZERO)));
    all.extend(Verb::ALL.map(|verb| (happens(command(verb, "ada")), Span::ZERO)));
    all.push((happens(command(Verb::Approve, "bob")), Span::ZERO));
    all
}

/// What a state is, but for its numbers.
fn kind_of(release: &Release) -> String {
    let phase = match &release.phase {
        Phase::AtGate { gate: GateStand::Approval { given, .. }, .. } => format!("approval {}", given.len()),
        Phase::AtGate { .. } => "gate".to_owned(),
        Phase::Closed { stand, .. } => format!("closed {}", stand.is_some()),
        Phase::Paused { why, .. } => format!("paused {why:?}"),
        Phase::Succeeded { kept_until, .. } => format!("succeeded {}", kept_until.is_some()),
        Phase::RollingBack { why, pace, .. } => {
            let why = format!("{why:?}");
            let why = why.split(['(', ' ']).next().unwrap_or_default().to_owned();
            format!("back {why} {}", matches!(pace, Pace::Gradually { .. }))
        }
        phase => format!("{:?}", phase.name()),
    };
    let calling = release.calling.as_ref().map(|calling| {
        (format!("{:?}", calling.purpose), calling.tries.min(2), matches!(calling.state, CallState::Out))
    });
    let given: Vec<String> = release.members().map(|member| member.given.words()).collect();
    let endpoints: Vec<(bool, bool)> = std::iter::once(&release.endpoints)
        .chain(release.companions.iter().map(|companion| &companion.endpoints))
        .map(|seen| (seen.stable.any_ready(), seen.candidate.any_ready()))
        .collect();
    let verdicts: Vec<_> = release.checks.iter().map(|run| run.finding.verdict()).collect();
    let flags = (
        release.no_return.is_some(),
        release.override_by.is_some(),
        release.rebalanced,
        release.newer.is_some(),
        release.calendar == closed(),
        release.traffic.desired_change == release.traffic.observed_change,
    );
    let words = release.traffic.desired.words();
    format!(
        "{phase} {:?} {calling:?} {given:?} {words} {endpoints:?} {verdicts:?} {flags:?}",
        release.phase.step()
    )
}

/// What holds of every transition.
fn holds(before: &Release, act: &Act, transition: &Transition) {
    let after = &transition.next;
    let context = || format!("{act:?}\nfrom {before:#?}\nto {after:#?}");
    let moves: Vec<usize> = (0..after.traffic.given.len())
        .filter(|index| before.traffic.given.get(*index) != after.traffic.given.get(*index))
        .collect();
    let applies =
        transition.effects.iter().filter(|effect| matches!(effect, Effect::ApplyTraffic { .. })).count();
    // One service at a time, to what is desired, each under its own number.
    assert!(moves.len() <= 1 && moves.len() == applies, "{}", context());
    assert_eq!(after.traffic.desired_change - before.traffic.desired_change, applies as u64, "{}", context());
    for index in &moves {
        assert_eq!(after.traffic.given[*index], after.traffic.desired, "{}", context());
    }
    let goes_back = matches!(after.phase, Phase::RollingBack { .. } | Phase::Paused { .. });
    if goes_back {
        for (given, now) in before.traffic.given.iter().zip(&after.traffic.given) {
            let promises_less = given.covers(now) || given.is_nobody() && now.is_nobody();
            assert!(promises_less, "somebody was let in on the way back: {}", context());
        }
    }
    // Whoever meets the candidate of a service finds those of the services before it.
    for pair in after.traffic.given.windows(2) {
        let people = pair[1].scaled(1, 1);
        assert!(pair[0].covers(&people), "{}", context());
    }
    let calls = transition.effects.iter().filter_map(|effect| match effect {
        Effect::CallHook { number } => Some(*number),
        _ => None,
    });
    for number in calls {
        assert_eq!(after.calling.as_ref().map(|calling| calling.number), Some(number), "{}", context());
    }
    assert_ne!(
        (matches!(act, Act::Happens(event) if matches!(**event, Event::Command(_))), &transition.answer),
        (true, &Answer::None)
    );
    let ends = !before.phase.is_over() && after.phase.is_over();
    assert_eq!(ends, transition.effects.contains(&Effect::StartNext), "{}", context());
    assert!(!ends || after.traffic.agrees() && after.calling.is_none(), "{}", context());
    assert!(!after.reason.to_string().is_empty());
}

/// Nothing goes wrong any more: whatever is asked for is given. With `aborts`, somebody ends it instead.
fn comes_to_an_end(release: &Release, mut now: Timestamp, aborts: bool) {
    let mut release = release.clone();
    let begin = release.clone();
    let verbs: &[(Verb, &str)] = if aborts {
        &[(Verb::Abort, "ada"), (Verb::Rollback, "ada"), (Verb::Resume, "ada"), (Verb::Promote, "ada")]
    } else {
        &[(Verb::Approve, "ada"), (Verb::Approve, "bob"), (Verb::Resume, "ada"), (Verb::Promote, "ada")]
    };
    for _ in 0..ROUNDS_MAX {
        if release.phase.is_over() {
            break;
        }
        let mut acts = vec![happens(turn("2.0.3")), happens(Event::Observed(all_is_well())), Act::Confirmed];
        acts.extend([Act::Confirmed, Act::Answered(HookAnswer::Pass(None))]);
        for (verb, actor) in verbs {
            acts.extend([happens(command(*verb, actor)), Act::Confirmed, Act::Confirmed]);
        }
        now = now.after(Span::from_secs(1));
        for act in acts {
            let transition = follow(&release, &act, now);
            holds(&release, &act, &transition);
            release = transition.next;
        }
    }
    assert!(release.phase.is_over(), "{:?}: {}\nfrom {begin:#?}", release.phase, release.reason);
    if aborts && release.no_return.is_none() && !matches!(release.phase, Phase::Succeeded { .. }) {
        assert!(release.traffic.observed.is_nobody());
    }
}

fn walk(choice: Choice, waits: bool, in_company: bool) -> usize {
    let begin = world::release(choice, waits, in_company);
    let alphabet = alphabet();
    let mut met = std::collections::BTreeSet::from([kind_of(&begin)]);
    let mut ahead = VecDeque::from([(begin, world::BEGIN)]);
    while let Some((release, now)) = ahead.pop_front() {
        comes_to_an_end(&release, now, false);
        comes_to_an_end(&release, now, true);
        for (act, pause) in &alphabet {
            let now = now.after(*pause);
            let transition = follow(&release, act, now);
            holds(&release, act, &transition);
            if met.len() < STATES_MAX && met.insert(kind_of(&transition.next)) {
                ahead.push_back((transition.next, now));
            }
        }
    }
    met.len()
}

#[test]
fn from_every_state_of_steps_and_holds_a_release_comes_to_an_end() {
    assert!(walk((0, 1, 0, 1, 0, true), true, false) > 100);
}

#[test]
fn from_every_state_at_approvals_and_webhooks_a_release_comes_to_an_end() {
    assert!(walk((5, 1, 3, 2, 0, true), false, false) > 100);
}

#[test]
fn from_every_state_around_a_point_of_no_return_a_release_comes_to_an_end() {
    assert!(walk((6, 4, 2, 3, 1, false), false, false) > 100);
}

#[test]
fn from_every_state_of_a_ramp_a_release_comes_to_an_end() {
    assert!(walk((8, 1, 4, 0, 2, true), false, false) > 100);
}

#[test]
fn from_every_state_of_shadows_and_ramps_a_release_comes_to_an_end() {
    assert!(walk((7, 1, 2, 4, 0, true), false, false) > 100);
}

#[test]
fn from_every_state_of_several_services_a_release_comes_to_an_end() {
    assert!(walk((0, 1, 2, 3, 0, true), false, true) > 100);
    assert!(walk((6, 1, 3, 0, 0, true), false, true) > 100);
}
