//! `POST /api/v1/lint`

use http::Method;
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::client::Answer;
use crate::world::World;

/// A check that no error rate can fail.
const HOPEFUL: &str = "
kind: Policy
metadata: { name: hopeful }
spec:
  steps:
    - { name: all, audience: [ { percent: 100 } ], hold: { time: 10m } }
  checks:
    - { metric: http.errors, max: 100% }
";

async fn lint(world: &World, query: &str, yaml: &str) -> Answer {
    let call = world.client.call(Method::POST, &format!("/api/v1/lint{query}"));
    if yaml.is_empty() { call.send().await } else { call.body("application/yaml", yaml).send().await }
}

fn names(answer: &Answer) -> Vec<Value> {
    let body = answer.json();
    let policies = body["policies"].as_array().unwrap_or_else(|| panic!("{answer}")).clone();
    policies.into_iter().map(|linted| linted["policy"].clone()).collect()
}

#[tokio::test]
async fn a_policy_that_is_not_applied_yet_is_looked_at() {
    let world = World::with_checkout().await;
    let found = lint(&world, "", HOPEFUL).await;
    assert_snapshot!(found);
    let applied = world.client.get("/api/v1/policies/hopeful").send().await;
    assert_eq!(applied.problem(), "not-found", "looking has applied it");
}

#[tokio::test]
async fn without_documents_all_that_are_applied_are_looked_at() {
    let world = World::with_checkout().await;
    world.client.apply(HOPEFUL).await;
    let all = lint(&world, "", "").await;
    assert_eq!(names(&all), ["by-hand", "hopeful"], "{all}");
    let policies = all.json()["policies"].clone();
    assert_ne!(policies[1]["findings"], json!([]), "{all}");
    let one = lint(&world, "?policy=hopeful", "").await;
    assert_eq!(names(&one), ["hopeful"]);
    assert_eq!(one.json()["policies"][0], policies[1]);
}

#[tokio::test]
async fn built_in_policies_have_no_mistakes() {
    let world = World::empty().await;
    let all = world.client.get("/api/v1/policies").send().await.json();
    let names =
        all["items"].as_array().unwrap().iter().map(|item| item["metadata"]["name"].as_str().unwrap());
    for policy in names {
        let found = lint(&world, &format!("?policy={policy}"), "").await;
        let expected = json!({ "policies": [{ "policy": policy, "findings": [] }] });
        assert_eq!(found.json(), expected, "{policy}");
    }
}

#[tokio::test]
async fn what_cannot_be_looked_at_is_refused() {
    let world = World::with_checkout().await;
    assert_eq!(lint(&world, "?policy=byhand", "").await.problem(), "not-found");
    assert_eq!(lint(&world, "?polcy=by-hand", "").await.problem(), "bad-request");
    let wrong = lint(&world, "", &HOPEFUL.replace("percent", "persent")).await;
    assert_eq!(wrong.problem(), "invalid-document");
    let typeless = world.client.call(Method::POST, "/api/v1/lint").body("text/plain", HOPEFUL).send().await;
    assert_eq!(typeless.problem(), "unsupported-media-type");
}
