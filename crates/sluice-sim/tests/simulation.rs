//! Seeds: the engine and core whole, in a world where everything goes wrong that can.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use sluice_core::calendar::Openness;
use sluice_core::release::status::Verb;
use sluice_core::release::{Answer, Effect, Endpoints, Event, Observation, Phase, Release, Transition, step};
use sluice_core::{Timestamp, Weight};
use sluice_sim::simulation::{Failed, Told, run};

/// A number from the environment.
fn given(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

/// Simulates these seeds on every core. Gives the failures, lowest seed first.
fn run_all(seeds: std::ops::Range<u64>) -> (Vec<Told>, Vec<Failed>) {
    let next = AtomicU64::new(seeds.start);
    let outcomes = Mutex::new((Vec::new(), Vec::new()));
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        return;
                    }
                    let outcome = run(seed, step);
                    let mut outcomes = outcomes.lock().unwrap_or_else(PoisonError::into_inner);
                    match outcome {
                        Ok(told) => outcomes.0.push(told),
                        Err(failed) => outcomes.1.push(*failed),
                    }
                }
            });
        }
    });
    let (told, mut failed) = outcomes.into_inner().unwrap_or_else(PoisonError::into_inner);
    failed.sort_by_key(|failed: &Failed| failed.seed);
    (told, failed)
}

/// What must have happened somewhere within two hundred seeds, in the words of the log: without it, less was simulated
/// than this promises.
const HAPPENED: [&str; 25] = [
    "Everyone has ",
    "is no longer kept",
    "Everyone is back on ",
    "little by little",
    "Goes down to step",
    "Paused until somebody decides",
    "since nobody can be taken back any more",
    "was told to deploy",
    "Aborted",
    "Overridden",
    "Approved",
    "Rejected",
    "Started again",
    "Promoted",
    "Resumed",
    " grows: ",
    " copied",
    "all of early",
    ", with stock from ",
    "says that all is well",
    "Nobody with the role",
    "Nobody can go back to",
    "a freeze lasts",
    "no window is open",
    "Its turn has come",
];

/// How often each of them happened.
fn happened(told: &[Told]) -> Vec<(&'static str, usize)> {
    let times =
        |words: &&'static str| (*words, told.iter().map(|told| told.log.matches(*words).count()).sum());
    HAPPENED.iter().map(times).collect()
}

#[test]
fn whatever_goes_wrong_nobody_is_hurt_and_every_release_ends() {
    let seeds = match given("SLUICE_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..given("SLUICE_SEEDS").unwrap_or(200),
    };
    let (told, failed) = run_all(seeds);
    for failed in &failed {
        println!("seed {}: {}", failed.seed, failed.what);
    }
    let mut ends = std::collections::BTreeMap::new();
    for (_, phase) in told.iter().flat_map(|told| &told.ends) {
        *ends.entry(format!("{phase:?}")).or_insert(0) += 1;
    }
    let kills: u64 = told.iter().map(|told| told.kills).sum();
    println!("{} seeds, {kills} kills, releases that ended as {ends:?}", told.len());
    let happened = happened(&told);
    println!("{happened:?}");
    if let Some(Failed { seed, what, story }) = failed.first() {
        panic!("{}\n\nseed {seed}: {what}\nshow it again with SLUICE_SEED={seed}", story.join("\n"));
    }
    let never: Vec<&str> =
        happened.iter().filter(|(_, times)| *times == 0).map(|(words, _)| *words).collect();
    assert!(told.len() < 200 || never.is_empty(), "never happened: {never:?}");
}

#[test]
fn a_seed_tells_the_same_story_every_time() {
    for seed in 0..8 {
        let told = || run(seed, step).unwrap_or_else(|failed| panic!("seed {seed}: {}", failed.what));
        let (first, second) = (told(), told());
        assert!(first.log.len() > 1_000, "seed {seed} tells nothing");
        assert!(first.log == second.log, "seed {seed} tells two stories");
    }
}

/// Whether the auditors see what a decision function does wrong, within some seeds.
fn is_seen(decide: sluice_engine::engine::Decide, words: &str) -> bool {
    (0..60).any(|seed| run(seed, decide).is_err_and(|failed| failed.what.contains(words)))
}

/// Does what is right, and then changes it.
fn step_but(
    release: &Release,
    event: &Event,
    now: Timestamp,
    change: impl FnOnce(&mut Transition),
) -> Transition {
    let mut transition = step(release, event, now);
    change(&mut transition);
    transition
}

/// Lets half of everyone in before the next change is in force.
fn let_in(transition: &mut Transition) {
    let half = Weight::from_percent(50.0).expect("it is a share");
    let traffic = &mut transition.next.traffic;
    traffic.desired = traffic.desired.with_share(half);
    traffic.desired_change += 1;
    traffic.given.fill(traffic.desired.clone());
    transition.effects.push(Effect::ApplyTraffic { change: traffic.desired_change });
}

#[test]
fn somebody_let_in_on_the_way_back_is_seen() {
    let decide = |release: &Release, event: &Event, now| {
        step_but(release, event, now, |transition| {
            let is_going = matches!(release.phase, Phase::RollingBack { .. })
                && matches!(transition.next.phase, Phase::RollingBack { .. });
            if is_going && matches!(event, Event::Observed(_)) && transition.next.traffic.desired.is_nobody()
            {
                let_in(transition);
            }
        })
    };
    assert!(is_seen(decide, "let in on the way back"));
}

#[test]
fn an_abort_that_is_forgotten_is_seen() {
    let decide = |release: &Release, event: &Event, now| {
        step_but(release, event, now, |transition| {
            let is_abort = matches!(event, Event::Command(command) if command.verb == Verb::Abort);
            if is_abort && transition.answer == Answer::Done {
                transition.next = release.clone();
                transition.next.timeline = Arc::clone(&release.timeline);
                transition.effects.clear();
                transition.entries.clear();
            }
        })
    };
    assert!(is_seen(decide, "it was aborted, and is"));
}

#[test]
fn an_entry_that_is_missing_from_the_log_is_seen() {
    let decide = |release: &Release, event: &Event, now| {
        step_but(release, event, now, |transition| drop(transition.entries.pop()))
    };
    assert!(is_seen(decide, "entries are not those before"));
}

#[test]
fn a_closed_calendar_that_is_overlooked_is_seen() {
    let decide = |release: &Release, event: &Event, now| match event {
        Event::Observed(seen) => {
            let seen = Observation { calendar: Openness::default(), ..seen.clone() };
            step(release, &Event::Observed(seen), now)
        }
        event => step(release, event, now),
    };
    assert!(is_seen(decide, "the calendar is closed"));
}

#[test]
fn endpoints_that_are_not_ready_and_overlooked_are_seen() {
    let decide = |release: &Release, event: &Event, now| match event {
        Event::Observed(seen) => {
            let mut seen = seen.clone();
            let ready = Endpoints { ready: 1, total: 1 };
            (seen.stable_endpoints, seen.candidate_endpoints) = (ready, ready);
            step(release, &Event::Observed(seen), now)
        }
        event => step(release, event, now),
    };
    assert!(is_seen(decide, "which is not ready"));
}

#[test]
fn services_that_go_up_in_the_wrong_order_are_seen() {
    let decide = |release: &Release, event: &Event, now| {
        step_but(release, event, now, |transition| transition.next.traffic.given.reverse())
    };
    assert!(is_seen(decide, " comes before "));
}

#[test]
fn a_release_that_never_ends_is_seen() {
    let decide = |release: &Release, event: &Event, now| match (&release.phase, event) {
        (
            Phase::Progressing(_) | Phase::AtGate { .. } | Phase::Paused { .. },
            Event::Observed(_) | Event::Command(_),
        ) => step(release, &Event::TrafficInForce { change: 0 }, now),
        _ => step(release, event, now),
    };
    assert!(is_seen(decide, "has not ended"));
}

#[test]
fn a_request_that_is_counted_twice_is_seen() {
    let decide = |release: &Release, event: &Event, now| {
        step_but(release, event, now, |transition| {
            let more = transition.next.exposed.requests - release.exposed.requests;
            transition.next.exposed.requests += more;
        })
    };
    assert!(is_seen(decide, "requests of"));
}
