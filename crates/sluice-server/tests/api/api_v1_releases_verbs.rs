//! `POST /api/v1/releases/{name}/{verb}`

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::world::World;

async fn act(world: &World, release: &str, verb: &str, body: Value) -> crate::client::Answer {
    world.client.post(&format!("/api/v1/releases/{release}/{verb}"), &body).send().await
}

#[tokio::test]
async fn a_release_is_paused_and_goes_on() {
    let (world, release) = World::with_release().await;
    let paused = act(&world, &release, "pause", json!({ "reason": "lunch" })).await;
    assert_eq!(paused.status, 200, "{paused}");
    let status = &paused.json()["status"];
    assert_eq!(status["phase"], "Paused");
    assert!(status["reason"]["text"].as_str().unwrap().contains("lunch"), "{status:#}");
    assert_eq!(paused.header("etag"), format!("\"{}\"", paused.json()["metadata"]["resourceVersion"]));
    let resumed = act(&world, &release, "resume", json!({})).await;
    assert_eq!(resumed.json()["status"]["phase"], "Progressing");
}

#[tokio::test]
async fn a_release_is_aborted_and_tried_again() {
    let (world, release) = World::with_release().await;
    let aborted = act(&world, &release, "abort", json!({ "reason": "support sees complaints" })).await;
    assert_eq!(aborted.status, 200, "{aborted}");
    world.until(&release, |status| status["phase"] == "Aborted").await;
    let retried = act(&world, &release, "retry", json!({})).await;
    assert_eq!(retried.json()["status"]["attempt"], 2, "{retried}");
}

#[tokio::test]
async fn a_release_is_promoted_to_everyone_and_rolled_back() {
    let (world, release) = World::with_release().await;
    let promoted = act(&world, &release, "promote", json!({})).await;
    assert_eq!(promoted.status, 200, "{promoted}");
    world.until(&release, |status| status["phase"] == "Succeeded").await;
    let service = world.client.get("/api/v1/services/checkout").send().await.json();
    assert_eq!(service["status"]["live"], "2.1.0");
    let back = act(&world, &release, "rollback", json!({ "reason": "second thoughts" })).await;
    assert_eq!(back.status, 200, "{back}");
    world.until(&release, |status| status["phase"] == "RolledBack").await;
    let service = world.client.get("/api/v1/services/checkout").send().await.json();
    assert_eq!(service["status"]["live"], "2.0.3");
}

#[tokio::test]
async fn a_verb_that_does_not_fit_is_refused_with_the_reason() {
    let (world, release) = World::with_release().await;
    assert_snapshot!(act(&world, &release, "retry", json!({})).await);
}

#[tokio::test]
async fn the_same_verb_under_the_same_key_happens_once() {
    let (world, release) = World::with_release().await;
    let path = format!("/api/v1/releases/{release}/pause");
    let pause =
        |reason: &str| world.client.post(&path, &json!({ "reason": reason })).header("idempotency-key", "k1");
    let first = pause("lunch").send().await;
    assert_eq!(first.status, 200, "{first}");
    act(&world, &release, "resume", json!({})).await;
    let second = pause("lunch").send().await;
    assert_eq!(second.status, 200, "{second}");
    let now = world.client.get(&format!("/api/v1/releases/{release}")).send().await.json();
    assert_eq!(now["status"]["phase"], "Progressing", "the second request paused it again");
    let abort = world.client.post(&format!("/api/v1/releases/{release}/abort"), &json!({}));
    let mismatch = abort.header("idempotency-key", "k1").send().await;
    assert_eq!(mismatch.problem(), "idempotency-mismatch");
}

#[tokio::test]
async fn a_verb_can_be_held_to_what_was_read() {
    let (world, release) = World::with_release().await;
    let path = format!("/api/v1/releases/{release}/pause");
    let late = world.client.post(&path, &json!({})).header("if-match", "\"1\"").send().await;
    assert_eq!(late.problem(), "conflict", "{late}");
    let etag =
        world.client.get(&format!("/api/v1/releases/{release}")).send().await.header("etag").to_owned();
    let held = world.client.post(&path, &json!({})).header("if-match", &etag).send().await;
    assert_eq!(held.status, 200, "{held}");
}

#[tokio::test]
async fn unknown_releases_and_verbs_are_not_found() {
    let (world, release) = World::with_release().await;
    assert_eq!(act(&world, "nothing", "pause", json!({})).await.problem(), "not-found");
    assert_eq!(act(&world, &release, "undo", json!({})).await.problem(), "not-found");
}

#[tokio::test]
async fn headers_and_reasons_that_are_too_long_are_refused() {
    let (world, release) = World::with_release().await;
    let path = format!("/api/v1/releases/{release}/pause");
    for header in ["idempotency-key", "x-sluice-actor"] {
        for value in ["", "   ", &"x".repeat(129), "a\tb"] {
            let call = world.client.post(&path, &json!({})).header(header, value);
            assert_eq!(call.send().await.problem(), "bad-request", "{header}: {value:?}");
        }
    }
    let long = act(&world, &release, "pause", json!({ "reason": "x".repeat(1001) })).await;
    assert_eq!(long.problem(), "bad-request");
}
