//! `POST /api/v1/services/{name}/promote`, and the order of environments

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::world::World;

/// Staging comes before production; leads may say otherwise.
const STAGED: &str = r#"
kind: Environment
metadata: { name: staging }
spec: {}
---
kind: Environment
metadata: { name: production }
spec:
  after: staging
  roles: { leads: [ ann ], product: [ ben ] }
  override: [ leads ]
---
kind: Service
metadata: { name: checkout, environment: staging }
spec:
  routes: [ { host: staging.example.com, path: /checkout } ]
  versions:
    - { name: 2.0.3, endpoints: [ "http://127.0.0.1:9101" ] }
    - { name: 2.1.0, endpoints: [ "http://127.0.0.1:9102" ] }
"#;

async fn staged() -> World {
    let world = World::with_checkout().await;
    world.street.make_ready_in("staging", "checkout", &["2.0.3", "2.1.0"]);
    world.client.apply(STAGED).await;
    world
}

/// Releases 2.1.0 in staging, to its end.
async fn release_in_staging(world: &World) {
    let body =
        json!({ "service": "checkout", "version": "2.1.0", "environment": "staging", "policy": "by-hand" });
    let release = world.start(&body).await;
    world.until(&release, |status| status["split"]["observed"]["candidate"] == 50_000).await;
    let promote = world.client.post(&format!("/api/v1/releases/{release}/promote"), &json!({}));
    assert_eq!(promote.send().await.status, 200);
    world.until(&release, |status| status["phase"] == "Succeeded").await;
}

fn in_production() -> Value {
    json!({ "service": "checkout", "version": "2.1.0", "policy": "by-hand" })
}

#[tokio::test]
async fn production_waits_until_staging_has_succeeded() {
    let world = staged().await;
    assert_snapshot!(world.client.post("/api/v1/releases", &in_production()).send().await);
    release_in_staging(&world).await;
    world.start(&in_production()).await;
}

#[tokio::test]
async fn whoever_has_the_right_may_say_otherwise_and_the_log_tells_why() {
    let world = staged().await;
    let mut body = in_production();
    body["override"] = json!("the shop is down");
    let post = world.client.post("/api/v1/releases", &body).header("x-sluice-actor", "ann");
    let started = post.send().await;
    assert_eq!(started.status, 201, "{started}");
    let release = started.json()["metadata"]["name"].as_str().unwrap().to_owned();
    let log = world.log_of(&release).await;
    let tells = |(actor, text): &(String, String)| actor == "ann" && text.contains("the shop is down");
    assert!(log.iter().any(tells), "{log:#?}");
}

#[tokio::test]
async fn whoever_has_not_the_right_may_not() {
    let world = staged().await;
    let mut body = in_production();
    body["override"] = json!("I am in a hurry");
    for actor in ["ben", "local"] {
        let refused =
            world.client.post("/api/v1/releases", &body).header("x-sluice-actor", actor).send().await;
        assert_eq!(refused.problem(), "release-refused", "{refused}");
        assert!(refused.text.contains("leads"), "it does not say who may: {refused}");
    }
    body["override"] = json!("   ");
    let silent = world.client.post("/api/v1/releases", &body).header("x-sluice-actor", "ann").send().await;
    assert_eq!(silent.problem(), "bad-request");
    let releases = world.client.get("/api/v1/releases").send().await.json();
    assert_eq!(releases["items"], json!([]));
}

#[tokio::test]
async fn what_is_live_in_staging_is_handed_on() {
    let world = staged().await;
    let path = "/api/v1/services/checkout/promote";
    let early = world.client.post(path, &json!({ "to": "production", "version": "2.1.0" })).send().await;
    assert_eq!(early.problem(), "release-refused", "{early}");
    release_in_staging(&world).await;
    let body = json!({ "to": "production", "policy": "by-hand" });
    let hand_on = || world.client.post(path, &body).header("idempotency-key", "build-42");
    let handed = hand_on().send().await;
    assert_eq!(handed.status, 201, "{handed}");
    assert_eq!(handed.json()["spec"]["version"], "2.1.0");
    assert_eq!(handed.json()["metadata"]["environment"], "production");
    let read = world.client.get(handed.header("location")).send().await;
    assert_eq!(read.header("etag"), handed.header("etag"));
    let again = hand_on().send().await;
    assert_eq!(again.json()["metadata"]["name"], handed.json()["metadata"]["name"]);
}

#[tokio::test]
async fn a_version_that_is_new_there_is_announced_with_its_endpoints() {
    let world = staged().await;
    world.street.make_ready_in("staging", "checkout", &["2.2.0"]);
    let announced = json!({ "version": "2.2.0", "endpoints": ["http://127.0.0.1:9103"], "build": { "commit": "c0ffee" } });
    let path = "/api/v1/services/checkout/versions?environment=staging";
    assert_eq!(world.client.post(path, &announced).send().await.status, 201);
    let body =
        json!({ "service": "checkout", "version": "2.2.0", "environment": "staging", "policy": "by-hand" });
    let release = world.start(&body).await;
    world.until(&release, |status| status["split"]["observed"]["candidate"] == 50_000).await;
    world.client.post(&format!("/api/v1/releases/{release}/promote"), &json!({})).send().await;
    world.until(&release, |status| status["phase"] == "Succeeded").await;
    let promote = |body: &Value| world.client.post("/api/v1/services/checkout/promote", body);
    let nowhere = promote(&json!({ "to": "production" })).send().await;
    assert_eq!(nowhere.status.as_u16() / 100, 4, "production has no such version yet: {nowhere}");
    assert!(nowhere.text.contains("2.2.0"), "{nowhere}");
    let handed = promote(&json!({ "to": "production", "endpoints": ["http://127.0.0.1:9003"] })).send().await;
    assert_eq!(handed.status, 201, "{handed}");
    let service = world.client.get("/api/v1/services/checkout").send().await.json();
    let versions = service["status"]["versions"].as_array().unwrap();
    let there = versions.iter().find(|version| version["name"] == "2.2.0").expect("it was announced");
    assert_eq!(there["build"]["commit"], "c0ffee", "where it comes from was lost on the way");
}

#[tokio::test]
async fn nothing_is_handed_on_to_where_nothing_comes_before() {
    let world = staged().await;
    let path = "/api/v1/services/checkout/promote";
    let first = world.client.post(path, &json!({ "to": "staging" })).send().await;
    assert_eq!(first.status.as_u16() / 100, 4, "{first}");
    assert!(first.text.contains("staging"), "{first}");
    let nowhere = world.client.post(path, &json!({ "to": "mars" })).send().await;
    assert_eq!(nowhere.status.as_u16() / 100, 4, "{nowhere}");
    assert!(nowhere.text.contains("mars"), "{nowhere}");
    let unknown = world.client.post(path, &json!({ "to": "production", "verison": "2.1.0" })).send().await;
    assert_eq!(unknown.problem(), "bad-request");
}
