//! `POST /api/v1/releases/{name}/override`, and freezes

use insta::assert_snapshot;
use serde_json::json;

use crate::client::Answer;
use crate::world::World;

/// The clock of the tests stands in the middle of this.
const FROZEN: &str = "
kind: Environment
metadata: { name: production }
spec:
  freezes: [ { from: 2026-11-20, to: 2026-11-30, reason: black friday } ]
  roles: { leads: [ ann ] }
  override: [ leads ]
";

async fn waiting() -> (World, String) {
    let world = World::with_checkout().await;
    world.client.apply(FROZEN).await;
    let release =
        world.start(&json!({ "service": "checkout", "version": "2.1.0", "policy": "by-hand" })).await;
    world.until(&release, |status| status["phase"] == "Waiting").await;
    (world, release)
}

async fn override_by(world: &World, release: &str, actor: &str, reason: Option<&str>) -> Answer {
    let body = reason.map_or(json!({}), |reason| json!({ "reason": reason }));
    let path = format!("/api/v1/releases/{release}/override");
    world.client.post(&path, &body).header("x-sluice-actor", actor).send().await
}

#[tokio::test]
async fn a_release_waits_for_the_end_of_a_freeze_and_says_so() {
    let (world, release) = waiting().await;
    let status = world.status(&release).await;
    assert_snapshot!(status["reason"]["text"].as_str().unwrap());
    assert_eq!(status["split"]["observed"]["candidate"], 0);
    assert!(status["verbs"].as_array().unwrap().contains(&json!("override")), "{status:#}");
}

#[tokio::test]
async fn in_an_emergency_it_goes_on_and_the_log_tells_who_and_why() {
    let (world, release) = waiting().await;
    let overridden = override_by(&world, &release, "ann", Some("the shop is down")).await;
    assert_eq!(overridden.status, 200, "{overridden}");
    assert_eq!(
        overridden.header("etag"),
        format!("\"{}\"", overridden.json()["metadata"]["resourceVersion"])
    );
    world.until(&release, |status| status["split"]["observed"]["candidate"] == 50_000).await;
    let log = world.log_of(&release).await;
    let tells = |(actor, text): &(String, String)| actor == "ann" && text.contains("the shop is down");
    assert!(log.iter().any(tells), "{log:#?}");
}

#[tokio::test]
async fn an_override_says_why() {
    let (world, release) = waiting().await;
    assert_snapshot!(override_by(&world, &release, "ann", None).await);
    let blank = override_by(&world, &release, "ann", Some("  ")).await;
    assert_eq!(blank.status.as_u16() / 100, 4, "{blank}");
    assert_eq!(world.status(&release).await["phase"], "Waiting");
}

#[tokio::test]
async fn an_override_is_for_those_who_may() {
    let (world, release) = waiting().await;
    let refused = override_by(&world, &release, "ben", Some("I am in a hurry")).await;
    assert_eq!(refused.problem(), "verb-refused", "{refused}");
    assert_eq!(world.status(&release).await["phase"], "Waiting");
}

#[tokio::test]
async fn a_release_may_start_in_spite_of_a_freeze() {
    let world = World::with_checkout().await;
    world.client.apply(FROZEN).await;
    let body = json!({ "service": "checkout", "version": "2.1.0", "policy": "by-hand", "override": "the shop is down" });
    let started = world.client.post("/api/v1/releases", &body).header("x-sluice-actor", "ann").send().await;
    assert_eq!(started.status, 201, "{started}");
    let release = started.json()["metadata"]["name"].as_str().unwrap().to_owned();
    world.until(&release, |status| status["split"]["observed"]["candidate"] == 50_000).await;
}

#[tokio::test]
async fn a_freeze_that_is_lifted_lets_it_go_on() {
    let (world, release) = waiting().await;
    world.client.apply("kind: Environment\nmetadata: { name: production }\nspec: {}\n").await;
    world.until(&release, |status| status["split"]["observed"]["candidate"] == 50_000).await;
}
