//! `GET` and `POST /api/v1/releases`, `GET` and `DELETE /api/v1/releases/{name}`

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::world::World;

fn start() -> Value {
    json!({ "service": "checkout", "version": "2.1.0", "policy": "by-hand", "reason": "new page" })
}

#[tokio::test]
async fn a_release_is_started_and_can_be_read_where_the_answer_says() {
    let world = World::with_checkout().await;
    let started = world.client.post("/api/v1/releases", &start()).send().await;
    assert_snapshot!(started);
    let read = world.client.get(started.header("location")).send().await;
    assert_eq!(read.status, 200, "{read}");
    assert_eq!(read.json()["metadata"]["name"], started.json()["metadata"]["name"]);
}

#[tokio::test]
async fn the_same_key_starts_nothing_a_second_time() {
    let world = World::with_checkout().await;
    let post =
        |body: &Value| world.client.post("/api/v1/releases", body).header("idempotency-key", "build-42");
    let first = post(&start()).send().await;
    let second = post(&start()).send().await;
    assert_eq!((first.status.as_u16(), second.status.as_u16()), (201, 201), "{second}");
    assert_eq!(first.json()["metadata"]["name"], second.json()["metadata"]["name"]);
    let all = world.client.get("/api/v1/releases").send().await.json();
    assert_eq!(all["items"].as_array().unwrap().len(), 1);
    let mut other = start();
    other["reshuffle"] = json!(true);
    assert_snapshot!(post(&other).send().await);
}

#[tokio::test]
async fn releases_can_be_listed_by_service_and_by_whether_they_are_over() {
    let (world, release) = World::with_release().await;
    let names = async |path: &str| -> Vec<Value> {
        let list = world.client.get(path).send().await.json();
        list["items"].as_array().unwrap().iter().map(|item| item["metadata"]["name"].clone()).collect()
    };
    assert_eq!(names("/api/v1/releases?active=true&service=checkout").await, [json!(release)]);
    assert_eq!(names("/api/v1/releases?active=false").await, Vec::<Value>::new());
    assert_eq!(names("/api/v1/releases?service=payments").await, Vec::<Value>::new());
    assert_eq!(names("/api/v1/releases?environment=staging").await, Vec::<Value>::new());
    assert_eq!(names("/api/v1/releases?newest=true&limit=1").await, [json!(release)]);
}

#[tokio::test]
async fn what_cannot_be_released_is_refused_with_the_reason() {
    let world = World::with_checkout().await;
    let live = json!({ "service": "checkout", "version": "2.0.3" });
    assert_snapshot!("live_already", world.client.post("/api/v1/releases", &live).send().await);
    let unknown = json!({ "service": "checkout", "version": "9.9.9" });
    assert_snapshot!("unknown_version", world.client.post("/api/v1/releases", &unknown).send().await);
    let missing = json!({ "service": "chekcout", "version": "2.1.0" });
    assert_snapshot!("unknown_service", world.client.post("/api/v1/releases", &missing).send().await);
}

#[tokio::test]
async fn a_body_that_is_not_what_it_should_be_is_refused_with_the_place() {
    let world = World::with_checkout().await;
    let unknown = json!({ "service": "checkout", "version": "2.1.0", "polcy": "by-hand" });
    assert_snapshot!("unknown_field", world.client.post("/api/v1/releases", &unknown).send().await);
    let broken = world.client.call(http::Method::POST, "/api/v1/releases");
    let broken = broken.body("application/json", "{\n  \"service\": checkout\n}");
    assert_snapshot!("broken_json", broken.send().await);
    let name = json!({ "service": "Check out", "version": "2.1.0" });
    assert_snapshot!("no_name", world.client.post("/api/v1/releases", &name).send().await);
}

#[tokio::test]
async fn a_release_is_not_replaced() {
    let (world, release) = World::with_release().await;
    let put = world.client.put(&format!("/api/v1/releases/{release}"), &json!({}));
    let answer = put.send().await;
    assert_eq!(answer.problem(), "method-not-allowed");
    assert_eq!(answer.header("allow"), "GET,HEAD,DELETE");
}

#[tokio::test]
async fn a_release_that_is_under_way_is_not_deleted() {
    let (world, release) = World::with_release().await;
    let answer = world.client.delete(&format!("/api/v1/releases/{release}")).send().await;
    assert_eq!(answer.status, 409, "{answer}");
    answer.problem();
}
