//! `POST /api/v1/services/{name}/preview`

use insta::assert_snapshot;
use serde_json::json;

use crate::world::World;

const PATH: &str = "/api/v1/services/checkout/preview";

#[tokio::test]
async fn a_header_is_signed_for_an_hour_or_for_as_long_as_asked() {
    let world = World::with_checkout().await;
    assert_snapshot!(world.client.post(PATH, &json!({ "version": "2.1.0" })).send().await);
    let week = world.client.post(PATH, &json!({ "version": "2.1.0", "for": "7d" })).send().await;
    assert_eq!(week.json()["expiresAt"], "2026-11-30T09:30:00.000Z");
}

#[tokio::test]
async fn a_version_or_service_that_does_not_exist_is_not_signed_for() {
    let world = World::with_checkout().await;
    assert_snapshot!(world.client.post(PATH, &json!({ "version": "9.9.9" })).send().await);
    let other = world.client.post("/api/v1/services/payments/preview", &json!({ "version": "2.1.0" }));
    assert_eq!(other.send().await.problem(), "not-found");
}

#[tokio::test]
async fn no_preview_lasts_for_ever_or_not_at_all() {
    let world = World::with_checkout().await;
    for lasts in ["0s", "8d", "soon"] {
        let answer = world.client.post(PATH, &json!({ "version": "2.1.0", "for": lasts })).send().await;
        assert_eq!(answer.problem(), "bad-request", "{lasts}");
    }
}
