//! `GET /healthz`, `/readyz`, `/metrics`

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use insta::assert_snapshot;
use sluice_core::{Counts, ServiceKey, Timestamp};
use sluice_server::{AccessLogFigures, Exemplar, GatewayFigures, VersionFigures};

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

fn figures() -> GatewayFigures {
    let mut counts = Counts { requests: 4, responses: [0, 3, 0, 0, 1], ..Counts::default() };
    for micros in [255, 256, 300, 20_000_000] {
        counts.latency.record(micros);
    }
    let exemplar = |trace, micros, at| Exemplar { trace, micros, at: Timestamp::from_millis(at) };
    let version = VersionFigures {
        service: ServiceKey { environment: "production".parse().unwrap(), name: "checkout".parse().unwrap() },
        version: "2.1.0".parse().unwrap(),
        counts,
        latency_micros: 20_000_811,
        in_flight: 2,
        ready: 1,
        endpoints: 3,
        copies_sent: 5,
        copies_too_large: 6,
        copies_too_many: 7,
        exemplars: vec![exemplar(1, 256, 1_000), exemplar(2, 300, 2_500), exemplar(3, 20_000_000, 0)],
    };
    let access_log = Some(AccessLogFigures { written: 8, dropped: 9 });
    GatewayFigures { generation: 10, connections: 11, access_log, versions: vec![version] }
}

/// What is told of the gateway.
fn of_gateway(text: &str) -> String {
    text.lines().filter(|line| line.contains("sluice_gateway_")).map(|line| format!("{line}\n")).collect()
}

#[tokio::test]
async fn what_the_gateway_counts_is_told_of_each_version() {
    let (world, _) = World::with_release().await;
    *world.gateway.figures.lock().unwrap() = figures();
    assert_snapshot!(of_gateway(&world.client.get("/metrics").send().await.text));
    let plain = world.client.get("/metrics").header("accept", "text/plain;version=0.0.4").send().await;
    assert_eq!(plain.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    assert!(
        !plain.text.contains("# EOF") && !plain.text.contains("# UNIT") && !plain.text.contains("trace_id")
    );
    assert!(plain.text.contains("# TYPE sluice_gateway_requests_total counter\n"), "{}", plain.text);
    assert!(plain.text.contains("# TYPE sluice_build_info gauge\n"), "{}", plain.text);
}

#[tokio::test]
async fn a_very_large_landscape_is_told_in_part_and_says_so() {
    let (world, _) = World::with_release().await;
    let mut many = figures();
    many.versions = vec![many.versions[0].clone(); 1_003];
    *world.gateway.figures.lock().unwrap() = many;
    let text = world.client.get("/metrics").send().await.text;
    assert!(text.contains("\nsluice_gateway_versions_left_out 3\n"));
    assert_eq!(text.matches("\nsluice_gateway_requests_in_flight{").count(), 1_000);
}
