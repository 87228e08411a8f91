//! `GET /api/v1/standing`

use insta::assert_snapshot;
use serde_json::json;

use crate::world::World;

const PLACES: &str = r#"
kind: Environment
metadata: { name: production }
spec:
  after: staging
  freezes: [ { from: 2026-11-20, to: 2026-11-30, reason: black friday } ]
---
kind: Environment
metadata: { name: staging }
spec: {}
---
kind: Service
metadata: { name: checkout, environment: staging }
spec:
  routes: [ { host: staging.example.com } ]
  versions: [ { name: 2.1.0, endpoints: [ "http://127.0.0.1:9102" ] } ]
"#;

#[tokio::test]
async fn an_empty_world_has_one_environment_and_no_service() {
    let world = World::empty().await;
    let standing = world.client.get("/api/v1/standing").send().await;
    assert_eq!(standing.status, 200, "{standing}");
    assert_eq!(standing.json()["environments"][0]["name"], "production");
    assert_eq!(standing.json()["services"], json!([]));
}

#[tokio::test]
async fn it_shows_what_is_live_where_and_what_waits() {
    let (world, _) = World::with_release().await;
    world.client.apply(PLACES).await;
    let announced = json!({ "version": "2.2.0", "endpoints": ["http://127.0.0.1:9103"] });
    let path = "/api/v1/services/checkout/versions?environment=staging";
    assert_eq!(world.client.post(path, &announced).send().await.status, 201);
    let standing = world.client.get("/api/v1/standing").send().await;
    assert_snapshot!(standing);
}
