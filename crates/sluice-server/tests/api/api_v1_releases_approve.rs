//! `POST /api/v1/releases/{name}/{approve|reject}`

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::client::Answer;
use crate::world::World;

/// Two people of the product role have to agree, and whoever starts it is none of them.
const SIGNED: &str = "
kind: Environment
metadata: { name: production }
spec:
  roles: { product: [ ann, ben, carl ], support: [ dan ] }
---
kind: Policy
metadata: { name: signed }
spec:
  steps:
    - { name: ask, approval: { roles: [ product ], count: 2 } }
    - { name: half, audience: [ { percent: 50 } ], hold: { untilPromoted: true } }
";

async fn waiting() -> (World, String) {
    let world = World::with_checkout().await;
    world.client.apply(SIGNED).await;
    let body = json!({ "service": "checkout", "version": "2.1.0", "policy": "signed" });
    let started = world.client.post("/api/v1/releases", &body).header("x-sluice-actor", "ann").send().await;
    assert_eq!(started.status, 201, "{started}");
    let release = started.json()["metadata"]["name"].as_str().unwrap().to_owned();
    world.until(&release, |status| status["phase"] == "AwaitingApproval").await;
    (world, release)
}

async fn say(world: &World, release: &str, verb: &str, actor: &str) -> Answer {
    let path = format!("/api/v1/releases/{release}/{verb}");
    world.client.post(&path, &json!({})).header("x-sluice-actor", actor).send().await
}

/// Who has approved.
fn given(status: &Value) -> Vec<Value> {
    let given = status["gate"]["given"].as_array().expect("it waits at an approval").iter();
    given.map(|approved| approved["actor"].clone()).collect()
}

#[tokio::test]
async fn a_gate_says_who_may_approve_and_how_many_have_to() {
    let (world, release) = waiting().await;
    let status = world.status(&release).await;
    assert_snapshot!(serde_json::to_string_pretty(&status["gate"]).unwrap());
    assert_eq!(status["steps"][0]["kind"], "approval");
    assert_eq!(status["startedBy"], "ann");
    assert_eq!(status["split"]["observed"]["candidate"], 0, "somebody met it before anybody agreed");
}

#[tokio::test]
async fn it_goes_on_when_as_many_people_as_asked_for_have_approved() {
    let (world, release) = waiting().await;
    let path = format!("/api/v1/releases/{release}/approve");
    let first = world.client.post(&path, &json!({ "reason": "looks good" })).header("x-sluice-actor", "ben");
    let first = first.send().await;
    assert_eq!(first.status, 200, "{first}");
    let status = first.json()["status"].clone();
    assert_eq!((&status["phase"], given(&status)), (&json!("AwaitingApproval"), vec![json!("ben")]));
    assert_eq!(status["gate"]["given"][0]["reason"], "looks good");
    say(&world, &release, "approve", "ben").await;
    assert_eq!(given(&world.status(&release).await), ["ben"], "one person was counted twice");
    let second = say(&world, &release, "approve", "carl").await;
    assert_eq!(second.status, 200, "{second}");
    world.until(&release, |status| status["split"]["observed"]["candidate"] == 50_000).await;
    let log = world.log_of(&release).await;
    assert!(log.iter().any(|(actor, text)| actor == "ben" && text.contains("looks good")), "{log:#?}");
}

#[tokio::test]
async fn whoever_started_it_cannot_approve_it() {
    let (world, release) = waiting().await;
    assert_snapshot!(say(&world, &release, "approve", "ann").await);
    assert_eq!(given(&world.status(&release).await), Vec::<Value>::new());
}

#[tokio::test]
async fn whoever_is_not_in_the_role_cannot_approve_or_reject() {
    let (world, release) = waiting().await;
    for verb in ["approve", "reject"] {
        let refused = say(&world, &release, verb, "dan").await;
        assert_eq!(refused.problem(), "verb-refused", "{refused}");
        assert!(refused.text.contains("product"), "it does not say who may: {refused}");
    }
    assert_eq!(say(&world, &release, "approve", "nobody").await.problem(), "verb-refused");
    let status = world.status(&release).await;
    assert_eq!((&status["phase"], given(&status)), (&json!("AwaitingApproval"), Vec::new()));
}

#[tokio::test]
async fn one_no_ends_it_and_nobody_has_met_it() {
    let (world, release) = waiting().await;
    let path = format!("/api/v1/releases/{release}/reject");
    let reject = world.client.post(&path, &json!({ "reason": "not before the weekend" }));
    let rejected = reject.header("x-sluice-actor", "carl").send().await;
    assert_eq!(rejected.status, 200, "{rejected}");
    world.until(&release, |status| !status["finishedAt"].is_null()).await;
    let status = world.status(&release).await;
    assert!(status["reason"]["text"].as_str().unwrap().contains("not before the weekend"), "{status:#}");
    assert_eq!(status["split"]["observed"]["candidate"], 0);
    assert_eq!(say(&world, &release, "approve", "ben").await.problem(), "verb-refused");
}

#[tokio::test]
async fn a_release_that_waits_for_nobody_takes_no_approval() {
    let (world, release) = World::with_release().await;
    for verb in ["approve", "reject"] {
        assert_eq!(say(&world, &release, verb, "ben").await.problem(), "verb-refused");
    }
}

#[tokio::test]
async fn a_role_that_the_environment_does_not_have_is_named_when_the_release_starts() {
    let world = World::with_checkout().await;
    world.client.apply(&SIGNED.replace("[ product ]", "[ produce ]")).await;
    let body = json!({ "service": "checkout", "version": "2.1.0", "policy": "signed" });
    let refused = world.client.post("/api/v1/releases", &body).send().await;
    assert_eq!(refused.problem(), "release-refused", "{refused}");
    assert!(refused.text.contains("produce"), "{refused}");
}
