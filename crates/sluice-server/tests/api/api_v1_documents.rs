//! `/api/v1/{services|segments|metrics|policies|environments}[/{name}]`

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::world::World;

fn segment(rule: &str) -> Value {
    json!({ "kind": "Segment", "metadata": { "name": "staff" }, "spec": { "match": rule } })
}

#[tokio::test]
async fn a_service_is_shown_with_its_status_and_its_etag() {
    let world = World::with_checkout().await;
    let answer = world.client.get("/api/v1/services/checkout").send().await;
    assert_snapshot!(answer);
    let version = answer.json()["metadata"]["resourceVersion"].clone();
    assert_eq!(answer.header("etag"), format!("\"{version}\""));
}

#[tokio::test]
async fn lists_hold_what_is_built_in() {
    let world = World::with_checkout().await;
    let policies = world.client.get("/api/v1/policies").send().await.json();
    let names: Vec<_> =
        policies["items"].as_array().unwrap().iter().map(|p| &p["metadata"]["name"]).collect();
    assert!(names.contains(&&json!("canary")) && names.contains(&&json!("by-hand")), "{names:?}");
    for path in ["services", "segments", "metrics", "environments", "releases"] {
        let answer = world.client.get(&format!("/api/v1/{path}")).send().await;
        assert_eq!(answer.status, 200, "{answer}");
    }
    let built_in = world.client.get("/api/v1/policies/canary").send().await.json();
    assert_eq!(built_in["metadata"]["labels"]["sluice.dev/built-in"], "true");
}

#[tokio::test]
async fn pages_follow_each_other_without_holes_or_doubles() {
    let world = World::empty().await;
    let all = world.client.get("/api/v1/policies").send().await.json();
    let mut paged = Vec::new();
    let mut path = "/api/v1/policies?limit=2".to_owned();
    loop {
        let page = world.client.get(&path).send().await.json();
        assert!(page["items"].as_array().unwrap().len() <= 2);
        paged.extend(page["items"].as_array().unwrap().clone());
        match page["next"].as_str() {
            Some(next) => path = format!("/api/v1/policies?limit=2&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(Value::Array(paged), all["items"]);
}

#[tokio::test]
async fn services_of_another_environment_are_others() {
    let world = World::with_checkout().await;
    let none = world.client.get("/api/v1/services?environment=staging").send().await.json();
    assert_eq!(none["items"], json!([]));
    let missing = world.client.get("/api/v1/services/checkout?environment=staging").send().await;
    assert_eq!(missing.problem(), "not-found");
}

#[tokio::test]
async fn a_name_that_looks_alike_is_hinted_at() {
    let world = World::with_checkout().await;
    assert_snapshot!(world.client.get("/api/v1/services/chekcout").send().await);
}

#[tokio::test]
async fn what_others_have_changed_meanwhile_is_not_overwritten() {
    let world = World::empty().await;
    let path = "/api/v1/segments/staff";
    let put = |rule: &str| world.client.put(path, &segment(rule));
    let created = put("request.path == '/ann'").header("if-none-match", "*").send().await;
    assert_eq!(created.status, 200, "{created}");
    let first = created.header("etag").to_owned();
    let again = put("request.path == '/bob'").header("if-none-match", "*").send().await;
    assert_eq!(again.problem(), "conflict");
    let changed = put("request.path == '/bob'").header("if-match", &first).send().await;
    assert_eq!(changed.status, 200, "{changed}");
    assert_ne!(changed.header("etag"), first);
    let late = put("request.path == '/eve'").header("if-match", &first).send().await;
    assert_snapshot!(late);
    let now = world.client.get(path).send().await;
    assert_eq!(now.json()["spec"]["match"], "request.path == '/bob'");
    assert_eq!(now.header("etag"), changed.header("etag"));
}

#[tokio::test]
async fn a_put_that_does_not_say_what_it_replaces_is_refused() {
    let world = World::empty().await;
    let put = || world.client.put("/api/v1/segments/staff", &segment("true"));
    assert_snapshot!(put().send().await);
    for (name, value) in [
        ("if-match", "*"),
        ("if-match", "7"),
        ("if-match", "W/\"7\""),
        ("if-match", "\"7\", \"8\""),
        ("if-match", "\"x\""),
        ("if-none-match", "\"7\""),
    ] {
        assert_eq!(put().header(name, value).send().await.problem(), "bad-request", "{name}: {value}");
    }
    let both = put().header("if-match", "\"1\"").header("if-none-match", "*").send().await;
    assert_eq!(both.problem(), "bad-request");
    let absent = put().header("if-match", "\"1\"").send().await;
    assert_eq!(absent.problem(), "conflict");
}

#[tokio::test]
async fn the_address_and_the_body_must_agree() {
    let world = World::empty().await;
    let call = world.client.put("/api/v1/segments/other", &segment("true")).header("if-none-match", "*");
    assert_snapshot!(call.send().await);
}

#[tokio::test]
async fn a_document_that_has_no_status_need_not_be_sent_again() {
    let world = World::empty().await;
    let call = world.client.put("/api/v1/segments/staff", &segment("request.path == '/ann'"));
    let etag = call.header("if-none-match", "*").send().await.header("etag").to_owned();
    let known = world.client.get("/api/v1/segments/staff").header("if-none-match", &etag).send().await;
    assert_eq!((known.status.as_u16(), known.text.as_str(), known.header("etag")), (304, "", etag.as_str()));
    let other = world.client.get("/api/v1/segments/staff").header("if-none-match", "\"0\"").send().await;
    assert_eq!(other.status, 200);
}

#[tokio::test]
async fn a_service_is_always_sent_because_its_status_moves_on() {
    let world = World::with_checkout().await;
    let path = "/api/v1/services/checkout";
    let etag = world.client.get(path).send().await.header("etag").to_owned();
    let again = world.client.get(path).header("if-none-match", &etag).send().await;
    assert_eq!(again.status, 200);
}

#[tokio::test]
async fn what_others_need_is_not_deleted() {
    let (world, _) = World::with_release().await;
    assert_snapshot!(world.client.delete("/api/v1/policies/by-hand").send().await);
    assert_eq!(world.client.get("/api/v1/policies/by-hand").send().await.status, 200);
}

#[tokio::test]
async fn a_delete_can_be_held_to_what_was_read() {
    let world = World::with_checkout().await;
    let path = "/api/v1/policies/by-hand";
    let etag = world.client.get(path).send().await.header("etag").to_owned();
    let late = world.client.delete(path).header("if-match", "\"999999\"").send().await;
    assert_eq!(late.problem(), "conflict");
    let gone = world.client.delete(path).header("if-match", &etag).send().await;
    assert_eq!((gone.status.as_u16(), gone.text.as_str()), (204, ""));
    assert_eq!(world.client.get(path).send().await.problem(), "not-found");
    assert_eq!(world.client.delete(path).send().await.problem(), "not-found");
}

#[tokio::test]
async fn parameters_that_do_not_exist_or_fit_are_refused() {
    let world = World::empty().await;
    for path in [
        "/api/v1/services?enviroment=staging",
        "/api/v1/services?limit=0",
        "/api/v1/services?limit=1001",
        "/api/v1/services?limit=many",
        "/api/v1/services?environment=",
        "/api/v1/policies?environment=production",
        "/api/v1/policies/canary?environment=production",
        "/api/v1/services/Checkout",
        "/api/v1/services/a%2Fb",
        "/api/v1/services/%FF",
        "/api/v1/releases?active=maybe",
        "/api/v1/releases?cursor=nonsense",
    ] {
        assert_eq!(world.client.get(path).send().await.problem(), "bad-request", "{path}");
    }
    assert_snapshot!(world.client.get("/api/v1/services?enviroment=staging").send().await);
}
