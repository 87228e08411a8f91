//! What the engine does when the world around it fails: crashes, a store that is away, a data plane that is away,
//! a bug in a decision.

use sluice_core::release::status::{PhaseName, Verb};
use sluice_core::release::{Event, Release, Transition, step};
use sluice_core::{Span, Timestamp};
use sluice_engine::Error;
use sluice_engine::port::store;
use sluice_sim::{Behaviour, Random};

use super::{SHOP, home, shop};

/// How many seeds the crash test runs; more by `SLUICE_SEEDS`.
fn seeds() -> u64 {
    std::env::var("SLUICE_SEEDS").ok().and_then(|text| text.parse().ok()).unwrap_or(100)
}

/// Lives end at random moments, as by kill -9, until the release has ended. Whatever was acknowledged is still there,
/// the release goes on from where it stood, and nobody is sent where they must not be.
#[test]
fn a_release_survives_being_killed_at_any_moment() {
    for seed in 0..seeds() {
        let mut random = Random::from_seed(seed);
        let home = home(seed);
        let is_bad = seed % 3 == 0;
        if is_bad {
            home.city.behave(&shop(), "1.1.0", Behaviour::failing(0.05));
        }
        let release = home.live(async |life| {
            life.apply(SHOP).await.unwrap();
            life.release(&shop(), "1.1.0", "quick").await.unwrap()
        });
        let expected = if is_bad { PhaseName::RolledBack } else { PhaseName::Succeeded };
        let mut furthest = 0;
        let ended = (0..200).find_map(|_| {
            let span = Span::from_millis(random.below(90_000));
            home.store.crash_after(1 + random.below(40));
            home.live(async |life| life.pass(span).await);
            home.store.restart();
            home.city.restart_data_plane();
            let status = home.live(async |life| life.status(&release).await);
            let step =
                status.steps.iter().filter(|s| s.state == sluice_core::release::status::StepState::Done);
            let reached = step.count();
            assert!(
                reached >= furthest || is_bad,
                "seed {seed}: went back from step {furthest} to {reached}"
            );
            furthest = reached;
            status.phase.is_final().then_some(status)
        });
        let status = ended.unwrap_or_else(|| panic!("seed {seed}: it never ended"));
        assert_eq!(status.phase, expected, "seed {seed}: {:#?}", status.timeline);
        assert_eq!(home.city.breaches(), [], "seed {seed}");
        let chain = home.live(async |life| life.engine.verify().await.unwrap());
        assert!(matches!(chain, store::Chain::Holds { .. }), "seed {seed}: {chain:?}");
    }
}

#[test]
fn people_are_taken_back_even_when_the_disk_is_full() {
    let home = home(1);
    home.live(async |life| {
        life.apply(SHOP).await.unwrap();
        let release = life.release(&shop(), "1.1.0", "quick").await.unwrap();
        life.until(&release, PhaseName::Progressing).await;
        life.pass(Span::from_secs(2)).await;
        let full = store::Error::Full { folder: "data".to_owned() };
        home.store.fail_next(20, &full);
        let answer = life.act(&release, Verb::Abort).await.unwrap_err();
        assert!(matches!(answer, Error::NotRecorded { .. }), "{answer}");
        life.pass(Span::from_secs(1)).await;
        assert_eq!(home.city.met(&shop()), [("1.0.0".parse().unwrap(), 200)].into());
        // Space is made, and what was decided is recorded.
        life.until(&release, PhaseName::Aborted).await;
        assert!(life.engine.is_ready());
    });
    assert_eq!(home.city.breaches(), []);
}

#[test]
fn a_verb_that_cannot_be_recorded_changes_nothing() {
    let home = home(2);
    home.live(async |life| {
        life.apply(SHOP).await.unwrap();
        let release = life.release(&shop(), "1.1.0", "quick").await.unwrap();
        let before = life.until(&release, PhaseName::Progressing).await;
        home.store.fail_next(1, &store::Error::Full { folder: "data".to_owned() });
        let answer = life.act(&release, Verb::Pause).await.unwrap_err();
        assert!(matches!(answer, Error::Store(store::Error::Full { .. })), "{answer}");
        assert_eq!(life.status(&release).await.timeline, before.timeline);
        life.until(&release, PhaseName::Succeeded).await;
    });
}

#[test]
fn a_data_plane_that_is_away_is_asked_again_and_the_release_waits_for_it() {
    let home = home(3);
    home.live(async |life| {
        life.apply(SHOP).await.unwrap();
        home.city.fail_applies(8);
        let release = life.release(&shop(), "1.1.0", "quick").await.unwrap();
        let status = life.until(&release, PhaseName::Progressing).await;
        assert_eq!(status.split.desired.candidate.parts(), 5_000);
        assert_eq!(status.split.observed.candidate.parts(), 0);
        assert_eq!(status.reason.code, "moving-traffic");
        life.until(&release, PhaseName::Succeeded).await;
    });
    assert_eq!(home.city.breaches(), []);
}

#[test]
fn a_slow_data_plane_does_not_hold_up_verdicts() {
    let home = home(4);
    home.city.behave(&shop(), "1.1.0", Behaviour::failing(0.5));
    home.live(async |life| {
        life.apply(SHOP).await.unwrap();
        home.city.apply_takes(Span::from_millis(300));
        let release = life.release(&shop(), "1.1.0", "quick").await.unwrap();
        life.until(&release, PhaseName::RolledBack).await;
    });
    assert_eq!(home.city.breaches(), []);
}

/// A decision that panics for one release, as a bug would.
fn step_with_a_bug(release: &Release, event: &Event, now: Timestamp) -> Transition {
    let is_unlucky = release.to.as_str() == "1.1.0" && release.exposed.requests > 50;
    assert!(!is_unlucky, "a bug that shows after fifty requests");
    step(release, event, now)
}

#[test]
fn a_bug_in_deciding_about_one_release_takes_that_one_back_and_no_other() {
    let home = home(5);
    let other = sluice_core::ServiceKey { name: "mail".parse().unwrap(), ..shop() };
    for version in ["1.0.0", "1.2.0"] {
        home.city.behave(&other, version, Behaviour::good());
    }
    home.live_with(step_with_a_bug, async |life| {
        life.apply(SHOP).await.unwrap();
        life.apply(
            "
kind: Service
metadata: { name: mail }
spec:
  routes: [ { host: mail.example.com } ]
  versions:
    - { name: 1.0.0, endpoints: [ 'http://127.0.0.1:9011' ] }
    - { name: 1.2.0, endpoints: [ 'http://127.0.0.1:9012' ] }
",
        )
        .await
        .unwrap();
        let unlucky = life.release(&shop(), "1.1.0", "quick").await.unwrap();
        let lucky = life.release(&other, "1.2.0", "quick").await.unwrap();
        life.until(&lucky, PhaseName::Succeeded).await;
        let status = life.status(&unlucky).await;
        assert_eq!(status.reason.code, "trouble");
        assert_eq!(status.split.desired.candidate.parts(), 0);
        life.pass(Span::from_secs(1)).await;
        assert_eq!(home.city.met(&shop()), [("1.0.0".parse().unwrap(), 200)].into());
        assert!(life.engine.telemetry().panics > 0);
    });
}
