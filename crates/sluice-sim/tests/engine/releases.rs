//! What releases do when the world behaves, or only the candidate does not.

use sluice_core::Span;
use sluice_core::release::status::{PhaseName, Verb};
use sluice_engine::Error;
use sluice_sim::Behaviour;

use super::{SHOP, home, shop};

#[test]
fn a_good_version_reaches_everyone_and_nobody_flips() {
    let home = home(1);
    home.live(async |life| {
        life.apply(SHOP).await.unwrap();
        let release = life.release(&shop(), "1.1.0", "quick").await.unwrap();
        let status = life.until(&release, PhaseName::Succeeded).await;
        assert_eq!(status.split.observed.candidate.parts(), 100_000);
        life.pass(Span::from_secs(2)).await;
        assert_eq!(home.city.met(&shop()), [("1.1.0".parse().unwrap(), 200)].into());
    });
    assert_eq!(home.city.breaches(), []);
}

#[test]
fn a_bad_version_is_taken_back_and_the_reason_has_the_numbers() {
    let home = home(2);
    home.city.behave(&shop(), "1.1.0", Behaviour::failing(0.2));
    home.live(async |life| {
        life.apply(SHOP).await.unwrap();
        let release = life.release(&shop(), "1.1.0", "quick").await.unwrap();
        let status = life.until(&release, PhaseName::RolledBack).await;
        assert_eq!(status.reason.code, "check-failed");
        assert!(status.reason.text.contains("http.errors"), "{}", status.reason.text);
        life.pass(Span::from_secs(1)).await;
        assert_eq!(home.city.met(&shop()), [("1.0.0".parse().unwrap(), 200)].into());
    });
    assert_eq!(home.city.breaches(), []);
}

#[test]
fn an_outage_of_both_versions_is_not_blamed_on_the_candidate() {
    let home = home(3);
    home.live(async |life| {
        life.apply(SHOP).await.unwrap();
        let release = life.release(&shop(), "1.1.0", "quick").await.unwrap();
        life.until(&release, PhaseName::Progressing).await;
        for version in ["1.0.0", "1.1.0"] {
            home.city.behave(&shop(), version, Behaviour::failing(0.3));
        }
        life.until(&release, PhaseName::Succeeded).await;
    });
}

#[test]
fn a_version_that_breaks_after_success_is_taken_back_while_the_previous_one_is_kept() {
    let home = home(4);
    home.live(async |life| {
        life.apply(SHOP).await.unwrap();
        let release = life.release(&shop(), "1.1.0", "quick").await.unwrap();
        life.until(&release, PhaseName::Succeeded).await;
        let slow = Behaviour { latency: Span::from_secs(2), ..Behaviour::good() };
        home.city.behave(&shop(), "1.1.0", slow);
        life.until(&release, PhaseName::RolledBack).await;
        life.pass(Span::from_secs(1)).await;
        assert_eq!(home.city.met(&shop()), [("1.0.0".parse().unwrap(), 200)].into());
    });
}

#[test]
fn a_newer_version_takes_the_place_of_one_that_is_under_way() {
    let home = home(5);
    home.live(async |life| {
        life.apply(SHOP).await.unwrap();
        let older = life.release(&shop(), "1.1.0", "quick").await.unwrap();
        life.until(&older, PhaseName::Progressing).await;
        let newer = life.release(&shop(), "1.2.0", "quick").await.unwrap();
        life.until(&older, PhaseName::Superseded).await;
        life.until(&newer, PhaseName::Succeeded).await;
    });
    assert_eq!(home.city.breaches(), []);
}

#[test]
fn a_newer_version_waits_when_the_policy_says_queue_and_then_starts_from_what_is_live() {
    let home = home(6);
    home.live(async |life| {
        life.apply(SHOP).await.unwrap();
        let older = life.release(&shop(), "1.1.0", "patient").await.unwrap();
        life.until(&older, PhaseName::Progressing).await;
        let newer = life.release(&shop(), "1.2.0", "patient").await.unwrap();
        assert_eq!(life.status(&newer).await.phase, PhaseName::Waiting);
        life.until(&older, PhaseName::Succeeded).await;
        let status = life.until(&newer, PhaseName::Succeeded).await;
        assert_eq!(status.from.as_str(), "1.1.0");
    });
    assert_eq!(home.city.breaches(), []);
}

#[test]
fn an_aborted_release_can_be_tried_again_and_meets_the_same_people() {
    let home = home(7);
    home.live(async |life| {
        life.apply(SHOP).await.unwrap();
        let release = life.release(&shop(), "1.1.0", "quick").await.unwrap();
        life.until(&release, PhaseName::Progressing).await;
        life.pass(Span::from_secs(2)).await;
        let first = home.city.met(&shop());
        life.act(&release, Verb::Abort).await.unwrap();
        life.until(&release, PhaseName::Aborted).await;
        life.act(&release, Verb::Retry).await.unwrap();
        life.until(&release, PhaseName::Progressing).await;
        life.pass(Span::from_secs(2)).await;
        assert_eq!(home.city.met(&shop()), first);
        let status = life.until(&release, PhaseName::Succeeded).await;
        assert_eq!(status.attempt, 2);
    });
}

#[test]
fn a_verb_that_does_not_fit_is_refused_with_the_reason_and_changes_nothing() {
    let home = home(8);
    home.live(async |life| {
        life.apply(SHOP).await.unwrap();
        let release = life.release(&shop(), "1.1.0", "quick").await.unwrap();
        life.until(&release, PhaseName::Progressing).await;
        let before = life.status(&release).await;
        let refused = life.act(&release, Verb::Retry).await.unwrap_err();
        assert!(matches!(&refused, Error::VerbRefused { why, .. } if why.contains("under way")), "{refused}");
        assert_eq!(life.status(&release).await.timeline, before.timeline);
    });
}

#[test]
fn what_is_live_already_or_unknown_is_not_released() {
    let home = home(9);
    home.live(async |life| {
        life.apply(SHOP).await.unwrap();
        let live = life.release(&shop(), "1.0.0", "quick").await.unwrap_err();
        assert!(live.to_string().contains("live already"), "{live}");
        let unknown = life.release(&shop(), "9.9.9", "quick").await.unwrap_err();
        assert!(unknown.to_string().contains("it has 1.0.0, 1.1.0, 1.2.0"), "{unknown}");
        let policy = life.release(&shop(), "1.1.0", "quik").await.unwrap_err();
        assert!(matches!(policy, Error::NotFound { did_you_mean: Some(name), .. } if name == "quick"));
    });
}

#[test]
fn the_same_request_under_one_key_is_carried_out_once() {
    let home = home(10);
    home.live(async |life| {
        life.apply(SHOP).await.unwrap();
        let release = life.release(&shop(), "1.1.0", "quick").await.unwrap();
        life.until(&release, PhaseName::Progressing).await;
        let caller =
            sluice_engine::Caller { idempotency_key: Some("once".to_owned()), ..sluice_sim::life::ada() };
        let first = life.engine.act(&release, Verb::Promote, None, &caller).await.unwrap();
        let again = life.engine.act(&release, Verb::Promote, None, &caller).await.unwrap();
        assert_eq!(first.status.unwrap()["step"], again.status.unwrap()["step"]);
        let step = life.status(&release).await.step;
        assert_eq!(step.map(String::from), Some("half".to_owned()));
        let other = life.engine.act(&release, Verb::Pause, None, &caller).await.unwrap_err();
        assert!(matches!(other, Error::IdempotencyMismatch { .. }), "{other}");
    });
}

#[test]
fn a_document_that_a_release_needs_cannot_be_deleted() {
    let home = home(11);
    home.live(async |life| {
        life.apply(SHOP).await.unwrap();
        let release = life.release(&shop(), "1.1.0", "quick").await.unwrap();
        for (kind, environment, name) in [
            (sluice_core::document::Kind::Policy, None, "quick"),
            (sluice_core::document::Kind::Service, Some(shop().environment), "shop"),
        ] {
            let key = sluice_core::document::DocumentKey { kind, environment, name: name.parse().unwrap() };
            let refused = life.engine.delete(&key, None, &sluice_sim::life::ada()).await.unwrap_err();
            assert!(
                matches!(&refused, Error::InUse { users, .. } if users.iter().any(|user| user.name == release)),
                "{refused}"
            );
        }
    });
}
