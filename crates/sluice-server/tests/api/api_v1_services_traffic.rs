//! `GET /api/v1/services/{name}/traffic`

use insta::assert_snapshot;

use crate::world::World;

#[tokio::test]
async fn a_service_without_traffic_has_none() {
    let world = World::with_checkout().await;
    assert_snapshot!(world.client.get("/api/v1/services/checkout/traffic?since=1m").send().await);
}

#[tokio::test]
async fn what_was_counted_is_shown_by_version_and_second() {
    let world = World::with_checkout().await;
    world.street.count("checkout", "2.0.3", 1, 0);
    let mut stream = world.client.get("/api/v1/events").watch().await;
    // The first second only shows the engine where the counts stand.
    world.next_second().await;
    for _ in 0..2 {
        world.street.count("checkout", "2.0.3", 10, 2);
        world.next_second().await;
        stream.next_of("traffic").await;
    }
    let traffic = world.client.get("/api/v1/services/checkout/traffic").send().await.json();
    let version = &traffic["versions"]["2.0.3"];
    assert_eq!(version["role"], "stable");
    let points = version["points"].as_array().unwrap();
    assert_eq!(points.len(), 2, "{traffic:#}");
    assert_eq!((&points[0]["requests"], &points[0]["failed"]), (&10.into(), &2.into()));
    assert!((points[0]["p50"].as_f64().unwrap() - 40.0).abs() < 2.0);
}

#[tokio::test]
async fn only_ten_minutes_are_kept() {
    let world = World::with_checkout().await;
    assert_snapshot!(world.client.get("/api/v1/services/checkout/traffic?since=1h").send().await);
    let unknown = world.client.get("/api/v1/services/payments/traffic").send().await;
    assert_eq!(unknown.problem(), "not-found");
}
