//! The process around releases: announcements, environments in order, approvals, freezes, webhooks, several services.

use sluice_core::release::HookAnswer;
use sluice_core::release::status::{PhaseName, Verb};
use sluice_core::{Name, ServiceKey, Span};
use sluice_engine::Error;
use sluice_engine::resource::ApplyAction;
use sluice_sim::{Behaviour, Home};

use super::{SHOP, home, shop};

/// Staging and production, a policy for each, and a shop in both.
const ENVIRONMENTS: &str = "
kind: Environment
metadata: { name: staging }
spec: { start: automatic, policies: [ { use: quick } ] }
---
kind: Environment
metadata: { name: production }
spec:
  after: staging
  start: automatic
  policies: [ { when: \"change.level == 'major'\", use: signed }, { use: quick } ]
  roles: { product: [ anna, ben ], managers: [ carla ] }
  override: [ managers ]
---
kind: Policy
metadata: { name: signed }
spec:
  steps:
    - { name: few, audience: [ { percent: 5 } ], hold: { time: 10s } }
    - { name: ask, approval: { roles: [ product ], expires: 1h } }
    - { name: half, audience: [ { percent: 50 } ], hold: { time: 10s } }
  checks: [ { metric: http.errors, compare: stable, tolerate: 0.5pp } ]
  keepPrevious: 0s
---
kind: Service
metadata: { name: shop, environment: staging }
spec:
  routes: [ { host: staging.example.com } ]
  versions: [ { name: 1.0.0, endpoints: [ 'http://127.0.0.1:9101' ] } ]
";

fn staging() -> ServiceKey {
    ServiceKey { environment: "staging".parse().unwrap(), ..shop() }
}

/// A city in which the shop has two environments and every version runs well.
fn two_environments(seed: u64) -> Home {
    let home = home(seed);
    for service in [shop(), staging()] {
        for version in ["1.0.0", "1.3.0", "2.0.0"] {
            home.city.behave(&service, version, Behaviour::good());
        }
    }
    home
}

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

#[test]
fn an_announced_version_goes_from_environment_to_environment_by_itself() {
    let home = two_environments(1);
    home.live(async |life| {
        life.apply(&format!("{SHOP}---{ENVIRONMENTS}")).await.unwrap();
        // Announced everywhere at once, as a pipeline does that deploys everywhere at once.
        let early = life.announce(&shop(), "1.3.0").await.unwrap();
        assert_eq!((early.action, early.release), (ApplyAction::Created, None));
        assert!(early.text.contains("production comes after staging"), "{}", early.text);
        let first = life.announce(&staging(), "1.3.0").await.unwrap();
        assert_eq!(first.release.unwrap().metadata.name, name("shop-staging-1.3.0-1"));
        life.until(&name("shop-staging-1.3.0-1"), PhaseName::Succeeded).await;
        life.pass(Span::from_secs(5)).await;
        life.until(&name("shop-1.3.0-1"), PhaseName::Succeeded).await;
        let standing = life.engine.standing();
        let order: Vec<&str> = standing.environments.iter().map(|there| there.name.as_str()).collect();
        assert_eq!(order, ["staging", "production"]);
        let live: Vec<&str> = standing.services[0]
            .environments
            .values()
            .map(|there| there.live.as_ref().unwrap().as_str())
            .collect();
        assert_eq!(live, ["1.3.0", "1.3.0"]);
    });
    assert_eq!(home.city.breaches(), []);
}

#[test]
fn announcing_twice_changes_nothing_and_with_other_endpoints_is_refused() {
    let home = two_environments(2);
    home.live(async |life| {
        life.apply(SHOP).await.unwrap();
        assert_eq!(life.announce(&shop(), "1.3.0").await.unwrap().action, ApplyAction::Created);
        assert_eq!(life.announce(&shop(), "1.3.0").await.unwrap().action, ApplyAction::Unchanged);
        // The document names this one, with another endpoint.
        let refused = life.announce(&shop(), "1.1.0").await.unwrap_err();
        let Error::AnnouncementRefused { why, .. } = refused else { panic!("{refused}") };
        assert_eq!(
            why,
            "production/shop 1.1.0 is known with http://127.0.0.1:9002, not with http://127.0.0.1:9009"
        );
        let unknown = ServiceKey { name: name("shpo"), ..shop() };
        let refused = life.announce(&unknown, "1.3.0").await.unwrap_err();
        let Error::NotFound { did_you_mean, .. } = refused else { panic!("{refused}") };
        assert_eq!(did_you_mean.as_deref(), Some("shop"));
    });
}

#[test]
fn what_was_announced_outlives_a_crash_and_a_new_document() {
    let home = two_environments(3);
    home.live(async |life| {
        life.apply(SHOP).await.unwrap();
        life.announce(&shop(), "1.3.0").await.unwrap();
    });
    home.live(async |life| {
        life.apply(&SHOP.replace("shop.example.com", "www.example.com")).await.unwrap();
        let release = life.release(&shop(), "1.3.0", "quick").await.unwrap();
        life.until(&release, PhaseName::Succeeded).await;
        let version = "1.3.0".parse().unwrap();
        let refused = life.engine.withdraw(&shop(), &version, &sluice_sim::life::ada()).await.unwrap_err();
        assert!(refused.to_string().contains("is live"), "{refused}");
    });
}

#[test]
fn production_takes_nothing_that_staging_has_not_released_unless_somebody_with_the_right_says_so() {
    let home = two_environments(4);
    home.live(async |life| {
        life.apply(&format!("{SHOP}---{ENVIRONMENTS}")).await.unwrap();
        life.announce(&shop(), "1.3.0").await.unwrap();
        let refused = life.release(&shop(), "1.3.0", "quick").await.unwrap_err();
        assert_eq!(
            refused.to_string(),
            "production comes after staging, and shop 1.3.0 does not exist in staging"
        );
        let request = |actor: &str| {
            let caller =
                sluice_engine::Caller { actor: actor.to_owned(), reason: None, idempotency_key: None };
            let request = sluice_engine::resource::ReleaseRequest {
                service: name("shop"),
                version: "1.3.0".parse().unwrap(),
                environment: None,
                policy: Some(name("quick")),
                with: Vec::new(),
                reshuffle: false,
                override_reason: Some("staging is down".to_owned()),
            };
            (request, caller)
        };
        let (wanted, anna) = request("anna");
        let refused = life.engine.start_release(wanted, &anna).await.unwrap_err();
        assert_eq!(refused.to_string(), "anna may not override in production");
        let (wanted, carla) = request("carla");
        let started = life.engine.start_release(wanted, &carla).await.unwrap();
        let status = life.until(&started.metadata.name, PhaseName::Succeeded).await;
        assert!(status.timeline.iter().any(|entry| entry.text.contains("staging is down")));
    });
}

#[test]
fn a_major_change_waits_for_somebody_with_the_role_who_did_not_start_it() {
    let home = two_environments(5);
    home.live(async |life| {
        life.apply(&format!("{SHOP}---{ENVIRONMENTS}").replace("after: staging", "description: none"))
            .await
            .unwrap();
        // Announced by ada, so that the release is started by her.
        life.announce(&shop(), "2.0.0").await.unwrap();
        let release = name("shop-2.0.0-1");
        let status = life.until(&release, PhaseName::AwaitingApproval).await;
        assert_eq!(status.policy, name("signed"));
        assert_eq!(status.gate.unwrap().roles, [name("product")]);
        let refused = life.act_as(&release, Verb::Approve, "carla").await.unwrap_err();
        assert!(refused.to_string().contains("product"), "{refused}");
        life.act_as(&release, Verb::Approve, "anna").await.unwrap();
        life.until(&release, PhaseName::Succeeded).await;
    });
}

#[test]
fn an_approval_that_survives_a_crash_is_not_asked_for_again() {
    let home = two_environments(6);
    let two = format!("{SHOP}---{ENVIRONMENTS}")
        .replace("after: staging", "description: none")
        .replace("roles: [ product ], expires", "roles: [ product ], count: 2, expires");
    let release = name("shop-2.0.0-1");
    home.live(async |life| {
        life.apply(&two).await.unwrap();
        life.announce(&shop(), "2.0.0").await.unwrap();
        life.until(&release, PhaseName::AwaitingApproval).await;
        life.act_as(&release, Verb::Approve, "anna").await.unwrap();
    });
    home.live(async |life| {
        let status = life.status(&release).await;
        assert_eq!(status.gate.unwrap().given[0].actor, "anna");
        life.act_as(&release, Verb::Approve, "ben").await.unwrap();
        life.until(&release, PhaseName::Succeeded).await;
    });
}

#[test]
fn a_freeze_that_is_applied_in_a_hurry_holds_up_what_is_under_way_but_not_the_way_back() {
    let home = two_environments(7);
    let freeze = "
kind: Environment
metadata: { name: production }
spec:
  freezes: [ { from: '2026-01-01', to: '2026-01-02', reason: sale } ]
";
    home.live(async |life| {
        life.apply(SHOP).await.unwrap();
        let release = life.release(&shop(), "1.1.0", "quick").await.unwrap();
        life.until(&release, PhaseName::Progressing).await;
        life.apply(freeze).await.unwrap();
        let status = life.until(&release, PhaseName::Waiting).await;
        assert!(status.reason.text.contains("sale"), "{}", status.reason.text);
        assert_eq!(status.split.observed.candidate.parts(), 5_000);
        home.city.behave(&shop(), "1.1.0", Behaviour::failing(0.5));
        life.until(&release, PhaseName::RolledBack).await;
    });
}

#[test]
fn somebody_may_go_ahead_in_a_freeze_and_otherwise_it_ends_by_itself() {
    let home = two_environments(8);
    let freeze = "
kind: Environment
metadata: { name: production }
spec:
  freezes: [ { from: '2025-12-31T00:00:00Z', to: '2026-01-01T00:10:00Z' } ]
";
    home.live(async |life| {
        life.apply(SHOP).await.unwrap();
        life.apply(freeze).await.unwrap();
        let release = life.release(&shop(), "1.1.0", "quick").await.unwrap();
        life.until(&release, PhaseName::Waiting).await;
        life.pass(Span::from_secs(2)).await;
        assert_eq!(home.city.met(&shop()).keys().next().unwrap().as_str(), "1.0.0");
        life.act_as(&release, Verb::Override, "ada").await.unwrap();
        life.until(&release, PhaseName::Succeeded).await;
        let next = life.release(&shop(), "1.2.0", "quick").await.unwrap();
        life.until(&next, PhaseName::Waiting).await;
        life.until(&next, PhaseName::Progressing).await;
        assert!(life.now().to_string().starts_with("2026-01-01T00:10:0"), "{}", life.now());
    });
}

const HOOKED: &str = "
kind: Policy
metadata: { name: hooked }
spec:
  steps:
    - { name: few, audience: [ { percent: 5 } ], hold: { time: 10s } }
    - { name: qa, webhook: { url: 'https://qa.example.com/verdict', every: 10s } }
    - { name: half, audience: [ { percent: 50 } ], hold: { time: 10s } }
  checks: [ { metric: http.errors, compare: stable, tolerate: 0.5pp } ]
  onFail: { redeploy: { url: 'https://ci.example.com/redeploy' } }
  keepPrevious: 0s
";

#[test]
fn a_webhook_is_asked_until_it_can_say_and_what_it_says_counts() {
    let home = two_environments(9);
    home.live(async |life| {
        life.apply(&format!("{SHOP}---{HOOKED}")).await.unwrap();
        home.mailroom.answer(HookAnswer::Wait(Some("tests are running".to_owned())));
        home.mailroom.answer(HookAnswer::Broken { why: "it refused the connection".to_owned() });
        home.mailroom.answer(HookAnswer::Taken { instead: "HTML".to_owned() });
        let release = life.release(&shop(), "1.1.0", "hooked").await.unwrap();
        life.until(&release, PhaseName::Succeeded).await;
        let calls = home.mailroom.calls();
        assert_eq!(calls.len(), 4);
        assert_eq!(calls[0].body["purpose"], "gate");
        assert_eq!(calls[0].body["version"], "1.1.0");
        assert_eq!(calls[0].body["step"], "qa");
        assert_ne!(calls[0].delivery, calls[1].delivery, "a new question is a new call");
        assert_eq!(calls[1].delivery, calls[2].delivery, "one that broke is made again");
    });
}

#[test]
fn a_pipeline_is_told_to_deploy_again_and_people_do_not_wait_for_it() {
    let home = two_environments(10);
    home.live(async |life| {
        life.apply(&format!("{SHOP}---{HOOKED}")).await.unwrap();
        home.mailroom.answer(HookAnswer::Fail(Some("the cart is empty".to_owned())));
        home.mailroom.answer(HookAnswer::Broken { why: "it is restarting".to_owned() });
        home.mailroom.answer(HookAnswer::Taken { instead: "an empty body".to_owned() });
        let release = life.release(&shop(), "1.1.0", "hooked").await.unwrap();
        let status = life.until(&release, PhaseName::RolledBack).await;
        assert!(status.reason.text.contains("the cart is empty"), "{}", status.reason.text);
        let purposes: Vec<_> =
            home.mailroom.calls().iter().map(|call| call.body["purpose"].clone()).collect();
        assert_eq!(purposes, ["gate", "redeploy", "redeploy"]);
    });
}

#[test]
fn a_webhook_that_was_being_called_during_a_crash_is_called_again() {
    let home = two_environments(11);
    home.live(async |life| {
        life.apply(&format!("{SHOP}---{HOOKED}")).await.unwrap();
        home.mailroom.answer(HookAnswer::Wait(None));
        let release = life.release(&shop(), "1.1.0", "hooked").await.unwrap();
        life.until(&release, PhaseName::Waiting).await;
    });
    home.live(async |life| {
        life.until(&name("shop-1.1.0-1"), PhaseName::Succeeded).await;
    });
}

/// A shop that needs payments.
const TOGETHER: &str = "
kind: Service
metadata: { name: shop }
spec:
  routes: [ { host: shop.example.com } ]
  versions:
    - { name: 1.0.0, endpoints: [ 'http://127.0.0.1:9001' ] }
    - { name: 1.1.0, endpoints: [ 'http://127.0.0.1:9002' ], needs: { payments: '>=1.4.0' } }
---
kind: Service
metadata: { name: payments }
spec:
  routes: [ { host: payments.example.com } ]
  versions:
    - { name: 1.3.0, endpoints: [ 'http://127.0.0.1:9201' ] }
    - { name: 1.4.0, endpoints: [ 'http://127.0.0.1:9202' ] }
---
kind: Policy
metadata: { name: quick }
spec:
  steps:
    - { name: few, audience: [ { percent: 10 } ], hold: { time: 10s } }
    - { name: half, audience: [ { percent: 50 } ], hold: { time: 10s } }
  checks: [ { metric: http.errors, compare: stable, tolerate: 0.5pp } ]
  keepPrevious: 0s
";

fn payments() -> ServiceKey {
    ServiceKey { name: name("payments"), ..shop() }
}

fn together(seed: u64) -> Home {
    let home = home(seed);
    for version in ["1.3.0", "1.4.0"] {
        home.city.behave(&payments(), version, Behaviour::good());
    }
    home
}

async fn start_together(life: &sluice_sim::Life) -> Name {
    life.apply(TOGETHER).await.unwrap();
    let refused = life.release(&shop(), "1.1.0", "quick").await.unwrap_err();
    assert_eq!(refused.to_string(), "shop 1.1.0 needs payments >=1.4.0, and production has 1.3.0");
    let request = sluice_engine::resource::ReleaseRequest {
        service: name("shop"),
        version: "1.1.0".parse().unwrap(),
        environment: None,
        policy: Some(name("quick")),
        with: vec![sluice_core::document::release::ServiceVersion {
            service: name("payments"),
            version: "1.4.0".parse().unwrap(),
        }],
        reshuffle: false,
        override_reason: None,
    };
    life.engine.start_release(request, &sluice_sim::life::ada()).await.unwrap().metadata.name
}

#[test]
fn services_that_are_released_together_reach_the_same_people_and_end_together() {
    let home = together(12);
    home.live(async |life| {
        let release = start_together(life).await;
        let status = life.until(&release, PhaseName::Progressing).await;
        let order: Vec<&str> = status.services.iter().map(|member| member.service.as_str()).collect();
        assert_eq!(order, ["payments", "shop"]);
        let snapshot = home.city.snapshot();
        let splits: Vec<_> = [shop(), payments()]
            .iter()
            .map(|service| snapshot.services[service].split.clone().unwrap())
            .collect();
        assert!(splits.iter().all(|split| split.is_shared));
        assert_eq!(splits[0].salt, splits[1].salt, "the same visitor falls into the same bucket of both");
        life.until(&release, PhaseName::Succeeded).await;
        life.pass(Span::from_secs(2)).await;
        assert_eq!(home.city.met(&payments()), [("1.4.0".parse().unwrap(), 200)].into());
        assert_eq!(home.city.met(&shop()), [("1.1.0".parse().unwrap(), 200)].into());
    });
    assert_eq!(home.city.breaches(), []);
}

#[test]
fn one_bad_service_takes_back_all_that_are_released_with_it() {
    let home = together(13);
    home.city.behave(&payments(), "1.4.0", Behaviour::failing(0.3));
    home.live(async |life| {
        let release = start_together(life).await;
        let status = life.until(&release, PhaseName::RolledBack).await;
        assert!(status.reason.text.contains("payments"), "{}", status.reason.text);
        life.pass(Span::from_secs(2)).await;
        assert_eq!(home.city.met(&payments()), [("1.3.0".parse().unwrap(), 200)].into());
        assert_eq!(home.city.met(&shop()), [("1.0.0".parse().unwrap(), 200)].into());
    });
    assert_eq!(home.city.breaches(), []);
}

#[test]
fn a_release_of_several_services_survives_being_killed_between_two_of_them() {
    let home = together(14);
    let release = home.live(async |life| {
        let release = start_together(life).await;
        home.city.apply_takes(Span::from_secs(3));
        life.pass(Span::from_secs(4)).await;
        release
    });
    home.city.apply_takes(Span::ZERO);
    home.live(async |life| {
        life.until(&release, PhaseName::Succeeded).await;
        life.pass(Span::from_secs(2)).await;
        assert_eq!(home.city.met(&payments()), [("1.4.0".parse().unwrap(), 200)].into());
    });
}

#[test]
fn an_approval_by_a_role_that_the_environment_does_not_have_is_refused_before_anybody_waits() {
    let home = two_environments(15);
    home.live(async |life| {
        life.apply(SHOP).await.unwrap();
        life.apply(ENVIRONMENTS.split("---").nth(2).unwrap()).await.unwrap();
        let refused = life.release(&shop(), "1.1.0", "signed").await.unwrap_err();
        assert!(refused.to_string().contains("asks for an approval by `product`"), "{refused}");
    });
}

#[test]
fn a_policy_may_refuse_newer_versions_while_one_is_under_way() {
    let home = two_environments(16);
    home.live(async |life| {
        life.apply(&SHOP.replace("onNewer: queue", "onNewer: refuse")).await.unwrap();
        let first = life.release(&shop(), "1.1.0", "patient").await.unwrap();
        let refused = life.release(&shop(), "1.2.0", "quick").await.unwrap_err();
        assert!(refused.to_string().contains("takes no newer version"), "{refused}");
        life.until(&first, PhaseName::Succeeded).await;
        life.release(&shop(), "1.2.0", "quick").await.unwrap();
    });
}
