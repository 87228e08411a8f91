//! `POST /api/v1/releases` of several services

use http::Method;
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::world::World;

/// Checkout 2.1.0 needs what payments has from 1.4.0 on.
const PAIR: &str = r#"
kind: Service
metadata: { name: checkout }
spec:
  routes: [ { host: shop.example.com, path: /checkout } ]
  versions:
    - { name: 2.0.3, endpoints: [ "http://127.0.0.1:9001" ] }
    - { name: 2.1.0, endpoints: [ "http://127.0.0.1:9002" ], needs: { payments: ">=1.4.0" } }
---
kind: Service
metadata: { name: payments }
spec:
  routes: [ { host: shop.example.com, path: /payments } ]
  versions:
    - { name: 1.3.0, endpoints: [ "http://127.0.0.1:9011" ] }
    - { name: 1.4.0, endpoints: [ "http://127.0.0.1:9012" ] }
"#;

async fn pair(yaml: &str) -> World {
    let world = World::with_checkout().await;
    world.street.make_ready("payments", &["1.3.0", "1.4.0"]);
    world.client.apply(yaml).await;
    world
}

fn both() -> Value {
    json!({
        "service": "checkout",
        "version": "2.1.0",
        "policy": "by-hand",
        "with": [{ "service": "payments", "version": "1.4.0" }],
    })
}

async fn live(world: &World, service: &str) -> Value {
    world.client.get(&format!("/api/v1/services/{service}")).send().await.json()["status"]["live"].clone()
}

#[tokio::test]
async fn services_that_need_each_other_are_released_as_one() {
    let world = pair(PAIR).await;
    let release = world.start(&both()).await;
    let candidates = |status: &Value| -> Vec<Value> {
        let services = status["services"].as_array().unwrap();
        services.iter().map(|service| service["share"]["candidate"].clone()).collect()
    };
    world.until(&release, |status| candidates(status) == [50_000, 50_000]).await;
    let status = world.status(&release).await;
    let order: Vec<_> =
        status["services"].as_array().unwrap().iter().map(|member| &member["service"]).collect();
    assert_eq!(order, ["payments", "checkout"], "what is needed goes up first");
    let promote = world.client.post(&format!("/api/v1/releases/{release}/promote"), &json!({})).send().await;
    assert_eq!(promote.status, 200, "{promote}");
    world.until(&release, |status| status["phase"] == "Succeeded").await;
    assert_eq!(
        (live(&world, "checkout").await, live(&world, "payments").await),
        (json!("2.1.0"), json!("1.4.0"))
    );
    let back = world.client.post(&format!("/api/v1/releases/{release}/rollback"), &json!({})).send().await;
    assert_eq!(back.status, 200, "{back}");
    world.until(&release, |status| status["phase"] == "RolledBack").await;
    assert_eq!(
        (live(&world, "checkout").await, live(&world, "payments").await),
        (json!("2.0.3"), json!("1.3.0"))
    );
}

#[tokio::test]
async fn a_version_alone_that_needs_another_is_refused() {
    let world = pair(PAIR).await;
    let alone = json!({ "service": "checkout", "version": "2.1.0", "policy": "by-hand" });
    assert_snapshot!(world.client.post("/api/v1/releases", &alone).send().await);
}

#[tokio::test]
async fn versions_that_need_each_other_in_a_circle_are_refused() {
    let world = World::with_checkout().await;
    let needy = "[ \"http://127.0.0.1:9012\" ], needs: { checkout: \">=2.1.0\" }";
    let circle = PAIR.replace("[ \"http://127.0.0.1:9012\" ]", needy);
    let apply = world.client.call(Method::POST, "/api/v1/apply").body("application/yaml", &circle);
    assert_snapshot!(apply.send().await);
    assert_eq!(world.client.get("/api/v1/services/payments").send().await.problem(), "not-found");
}

#[tokio::test]
async fn an_announcement_does_not_close_a_circle() {
    let world = pair(PAIR).await;
    let opening = json!({
        "version": "2.2.0",
        "endpoints": ["http://127.0.0.1:9003"],
        "needs": { "payments": ">=1.5.0" },
    });
    let opened = world.client.post("/api/v1/services/checkout/versions", &opening).send().await;
    assert_eq!(opened.status, 201, "what it needs may come later: {opened}");
    let closing = json!({
        "version": "1.5.0",
        "endpoints": ["http://127.0.0.1:9013"],
        "needs": { "checkout": ">=2.2.0" },
    });
    let closed = world.client.post("/api/v1/services/payments/versions", &closing).send().await;
    assert_eq!(closed.problem(), "invalid-document", "{closed}");
    assert!(closed.text.contains("checkout 2.2.0 needs payments 1.5.0"), "{closed}");
}

#[tokio::test]
async fn a_service_is_released_once_in_one_release() {
    let world = pair(PAIR).await;
    let mut body = both();
    body["with"] = json!([{ "service": "checkout", "version": "2.0.3" }]);
    let itself = world.client.post("/api/v1/releases", &body).send().await;
    assert_eq!(itself.status.as_u16() / 100, 4, "{itself}");
    assert!(itself.text.contains("checkout"), "{itself}");
    body["with"] = json!([{ "service": "paiments", "version": "1.4.0" }]);
    let unknown = world.client.post("/api/v1/releases", &body).send().await;
    assert_eq!(unknown.problem(), "not-found", "{unknown}");
    assert!(unknown.text.contains("`payments`"), "{unknown}");
    body["with"] = json!([{ "service": "payments", "version": "9.9.9" }]);
    let missing = world.client.post("/api/v1/releases", &body).send().await;
    assert_eq!(missing.problem(), "release-refused", "{missing}");
    body["with"] = json!([{ "service": "payments", "verison": "1.4.0" }]);
    let field = world.client.post("/api/v1/releases", &body).send().await;
    assert_eq!(field.problem(), "bad-request");
    assert!(field.text.contains("with[0]"), "{field}");
}
