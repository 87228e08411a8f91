//! `GET /healthz`, `/readyz`, `/metrics`

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use insta::assert_snapshot;

use crate::world::World;

#[tokio::test]
async fn a_process_that_answers_is_healthy() {
    let world = World::empty().await;
    assert_snapshot!(world.client.get("/healthz").send().await);
}

#[tokio::test]
async fn the_server_is_ready_once_the_gateway_is() {
    let world = World::empty().await;
    assert_eq!(world.client.get("/readyz").send().await.status, 200);
    world.gateway.is_down.store(true, Ordering::SeqCst);
    let down = world.client.get("/readyz").send().await;
    assert_snapshot!(down);
    assert_eq!(down.header("retry-after"), "1");
    world.engine.stop().await;
    let neither = world.client.get("/readyz").send().await.json();
    assert_eq!(neither["detail"], "neither the control plane nor the gateway is ready");
}

#[tokio::test]
async fn the_figures_are_open_metrics() {
    let (world, _) = World::with_release().await;
    let answer = world.client.get("/metrics").send().await;
    assert_eq!(answer.header("content-type"), "application/openmetrics-text; version=1.0.0; charset=utf-8");
    let text = answer.text.as_str();
    assert!(text.ends_with("\n# EOF\n"));
    let families: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")).collect();
    assert_snapshot!(families.join("\n"));
    let unique: BTreeSet<_> = families.iter().collect();
    assert_eq!(unique.len(), families.len());
    let value = |name: &str| -> f64 {
        let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_else(|| panic!("{name}"));
        line.trim().parse().unwrap()
    };
    assert_eq!(value("sluice_live_releases "), 1.0);
    assert!(value("sluice_commits_total ") >= 2.0);
    assert!(value("sluice_http_responses_total{class=\"2xx\"} ") >= 2.0);
    assert_eq!(value("sluice_build_info{version=\"0.0.0-test\",commit=\"c0ffee\"} "), 1.0);
}
