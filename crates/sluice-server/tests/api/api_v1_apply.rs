//! `POST /api/v1/apply`

use http::Method;
use insta::assert_snapshot;
use serde_json::json;

use crate::world::{CHECKOUT, World};

#[tokio::test]
async fn yaml_with_several_documents_is_applied_and_then_found_unchanged() {
    let world = World::empty().await;
    let created = world.client.apply(CHECKOUT).await;
    assert_snapshot!(created);
    let again = world.client.apply(CHECKOUT).await.json();
    let actions: Vec<_> = again["results"].as_array().unwrap().iter().map(|r| &r["action"]).collect();
    assert_eq!(actions, ["unchanged", "unchanged"]);
}

#[tokio::test]
async fn a_dry_run_says_what_would_happen_and_changes_nothing() {
    let world = World::empty().await;
    let call = world.client.call(Method::POST, "/api/v1/apply?dryRun=true");
    let answer = call.body("application/yaml", CHECKOUT).send().await;
    assert_eq!(answer.json()["results"][0]["action"], "created");
    assert_eq!(world.client.get("/api/v1/services/checkout").send().await.problem(), "not-found");
}

#[tokio::test]
async fn every_problem_is_told_with_its_line_and_nothing_is_applied() {
    let world = World::empty().await;
    let yaml = format!(
        "{CHECKOUT}---\nkind: Policy\nmetadata: {{ name: Wrong }}\nspec:\n  steps:\n    - {{ name: a, audience: [ {{ persent: 5 }} ] }}\n"
    );
    let answer =
        world.client.call(Method::POST, "/api/v1/apply").body("application/yaml", &yaml).send().await;
    assert_snapshot!(answer);
    assert_eq!(world.client.get("/api/v1/services/checkout").send().await.problem(), "not-found");
}

#[tokio::test]
async fn documents_that_do_not_fit_each_other_are_refused() {
    let world = World::empty().await;
    let yaml = "kind: Policy\nmetadata: { name: staff-first }\nspec:\n  steps:\n    - { name: staff, audience: [ { segment: night-owls } ] }\n    - { name: all, audience: [ { percent: 100 } ] }\n";
    let answer = world.client.call(Method::POST, "/api/v1/apply").body("text/yaml", yaml).send().await;
    assert_snapshot!(answer);
}

#[tokio::test]
async fn json_is_taken_as_one_document_or_as_an_array() {
    let world = World::empty().await;
    let segment = |name: &str| json!({ "kind": "Segment", "metadata": { "name": name }, "spec": { "match": "request.path == '/ann'" } });
    let one = world.client.post("/api/v1/apply", &segment("ann")).send().await;
    assert_eq!(one.json()["results"].as_array().unwrap().len(), 1, "{one}");
    let two = world.client.post("/api/v1/apply", &json!([segment("ann"), segment("bob")])).send().await;
    let actions: Vec<_> =
        two.json()["results"].as_array().unwrap().iter().map(|r| r["action"].clone()).collect();
    assert_eq!(actions, ["unchanged", "created"]);
    let twice = world.client.post("/api/v1/apply", &json!([segment("eve"), segment("eve")])).send().await;
    assert_snapshot!(twice);
    assert_eq!(world.client.post("/api/v1/apply", &json!([])).send().await.problem(), "bad-request");
}

#[tokio::test]
async fn an_applied_release_is_started_once() {
    let world = World::with_checkout().await;
    let release = json!({
        "kind": "Release",
        "metadata": { "name": "by-file" },
        "spec": { "service": "checkout", "version": "2.1.0", "policy": "by-hand" },
    });
    let started = world.client.post("/api/v1/apply", &release).send().await.json();
    assert_eq!(started["results"][0]["action"], "created");
    assert_eq!(started["results"][0]["resource"]["status"]["to"], "2.1.0");
    let again = world.client.post("/api/v1/apply", &release).send().await.json();
    assert_eq!(again["results"][0]["action"], "unchanged");
    let mut other = release;
    other["spec"]["version"] = json!("2.0.3");
    let refused = world.client.post("/api/v1/apply", &other).send().await;
    assert_eq!(refused.problem(), "release-refused");
}

#[tokio::test]
async fn who_acts_is_in_the_log() {
    let world = World::empty().await;
    let call = world.client.call(Method::POST, "/api/v1/apply").header("x-sluice-actor", "ann@example.com");
    call.body("application/yaml", CHECKOUT).send().await;
    let events = world.client.get("/api/v1/events").send().await.json();
    assert_eq!(events["items"][0]["actor"], "ann@example.com");
}
