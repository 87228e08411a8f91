//! Alerts, in the shapes that their senders have.

use serde_json::{Value, json};
use sluice_connect::Alerts;
use sluice_core::document::metric::MetricKind;
use sluice_core::release::Amount;

use crate::world::{Reader, World, clock};

fn errors(world: &World) -> Reader {
    let labels = json!({ "service": "{{service}}", "version": "{{version}}" });
    world.open(MetricKind::Gauge, None, json!({ "alerts": { "name": "ManyErrors", "labels": labels } }))
}

async fn firing(reader: &mut Reader) -> (Amount, Amount) {
    let taken = reader.read().await.unwrap();
    (taken.stable, taken.candidate)
}

const NONE: (Amount, Amount) = (Amount::Gauge(0.0), Amount::Gauge(0.0));
const CANDIDATE: (Amount, Amount) = (Amount::Gauge(0.0), Amount::Gauge(1.0));

/// As Alertmanager 0.27 sends it.
fn alertmanager(status: &str, version: &str, fingerprint: &str) -> Value {
    let labels =
        json!({ "alertname": "ManyErrors", "service": "shop", "version": version, "severity": "page" });
    json!({
        "receiver": "sluice", "status": status, "version": "4", "groupKey": "{}:{alertname=\"ManyErrors\"}",
        "truncatedAlerts": 0, "groupLabels": { "alertname": "ManyErrors" }, "commonLabels": labels,
        "commonAnnotations": {}, "externalURL": "http://alertmanager:9093",
        "alerts": [{
            "status": status, "labels": labels, "annotations": { "summary": "too many errors" },
            "startsAt": "2026-11-23T09:00:00.123456789Z", "endsAt": "0001-01-01T00:00:00Z",
            "generatorURL": "http://prometheus:9090/graph", "fingerprint": fingerprint,
        }],
    })
}

#[tokio::test]
async fn alertmanager_says_when_an_alert_begins_and_ends() {
    let world = World::new().await;
    let mut errors = errors(&world);
    let why = errors.read().await.unwrap_err().why;
    assert!(why.contains("no alert was ever received"), "{why}");
    assert_eq!(world.post_json("/api/v1/alerts", &alertmanager("firing", "2.0.0", "a1")).await.0, 204);
    assert_eq!(firing(&mut errors).await, CANDIDATE);
    // Said again, and one for a version that nobody asks for.
    world.post_json("/api/v1/alerts", &alertmanager("firing", "2.0.0", "a1")).await;
    world.post_json("/api/v1/alerts", &alertmanager("firing", "3.0.0", "a2")).await;
    assert_eq!(firing(&mut errors).await, CANDIDATE);
    world.post_json("/api/v1/alerts", &alertmanager("firing", "2.0.0", "a3")).await;
    assert_eq!(firing(&mut errors).await.1, Amount::Gauge(2.0));
    for fingerprint in ["a1", "a3"] {
        world.post_json("/api/v1/alerts", &alertmanager("resolved", "2.0.0", fingerprint)).await;
    }
    assert_eq!(firing(&mut errors).await, NONE);
}

#[tokio::test]
async fn an_alert_whose_end_has_passed_fires_no_more() {
    let world = World::new().await;
    let mut errors = errors(&world);
    let mut past = alertmanager("firing", "2.0.0", "a1");
    past["alerts"][0]["endsAt"] = json!("2026-01-01T00:00:00Z");
    world.post_json("/api/v1/alerts", &past).await;
    assert_eq!(firing(&mut errors).await, NONE);
    past["alerts"][0]["endsAt"] = json!("2999-01-01T00:00:00Z");
    world.post_json("/api/v1/alerts", &past).await;
    assert_eq!(firing(&mut errors).await, CANDIDATE);
}

/// As Grafana 11 sends it.
#[tokio::test]
async fn grafana_is_understood() {
    let world = World::new().await;
    let mut errors = errors(&world);
    let mut payload = alertmanager("firing", "2.0.0", "c6eadffa33fcdf37");
    let extra = json!({ "version": "1", "orgId": 1, "title": "[FIRING:1] ManyErrors", "state": "alerting", "message": "**Firing**" });
    payload.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    let extra = json!({ "values": { "B": 44.2 }, "valueString": "[ var='B' ]", "silenceURL": "http://grafana/silence" });
    payload["alerts"][0].as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    assert_eq!(world.post_json("/api/v1/alerts", &payload).await.0, 204);
    assert_eq!(firing(&mut errors).await, CANDIDATE);
    payload["alerts"][0]["status"] = json!("resolved");
    world.post_json("/api/v1/alerts", &payload).await;
    assert_eq!(firing(&mut errors).await, NONE);
}

#[tokio::test]
async fn datadog_is_understood_with_the_template_that_is_documented() {
    let world = World::new().await;
    let mut errors = errors(&world);
    let payload = |transition: &str, scope: &str| {
        json!({
            "id": "5823423", "event_type": "query_alert_monitor", "title": "[Triggered] ManyErrors", "date": "1700000000000",
            "alert_id": "1234", "alert_title": "ManyErrors", "alert_transition": transition, "alert_scope": scope,
            "tags": "env:production,service:shop,version:2.0.0,monitor",
        })
    };
    assert_eq!(world.post_json("/api/v1/alerts", &payload("Triggered", "host:a")).await.0, 204);
    assert_eq!(firing(&mut errors).await, CANDIDATE);
    world.post_json("/api/v1/alerts", &payload("Recovered", "host:b")).await;
    assert_eq!(firing(&mut errors).await, CANDIDATE, "another group of the monitor recovered");
    world.post_json("/api/v1/alerts", &payload("Recovered", "host:a")).await;
    assert_eq!(firing(&mut errors).await, NONE);
}

#[tokio::test]
async fn what_is_not_known_is_refused_whole() {
    let world = World::new().await;
    let mut errors = errors(&world);
    let refused = async |body: &Value| {
        let (status, problem) = world.post_json("/api/v1/alerts", body).await;
        assert_eq!((status, &problem["status"]), (400, &json!(400)), "{body}");
        problem["detail"].as_str().unwrap().to_owned()
    };
    let why = refused(&json!({ "title": "something is up" })).await;
    assert!(why.contains("Alertmanager") && why.contains("Grafana") && why.contains("Datadog"), "{why}");
    let mut second = alertmanager("firing", "2.0.0", "a1");
    let wrong = json!({ "status": "pending", "labels": {} });
    second["alerts"].as_array_mut().unwrap().push(wrong);
    let why = refused(&second).await;
    assert!(why.contains("alert 2") && why.contains("`pending`"), "{why}");
    let why = refused(&json!({ "alert_transition": "Sleeping", "alert_id": "1" })).await;
    assert!(why.contains("`Sleeping`"), "{why}");
    let (status, _) = world.post("/api/v1/alerts", &[], &vec![b' '; 2 << 20]).await;
    assert_eq!(status, 413);
    assert!(errors.read().await.is_err(), "something was taken in part");
}

#[tokio::test]
async fn alerts_that_are_kept_fire_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("alerts.json");
    let world = World::keeping(Alerts::kept_in(path.clone(), clock()).unwrap()).await;
    world.post_json("/api/v1/alerts", &alertmanager("firing", "2.0.0", "a1")).await;
    let world = World::keeping(Alerts::kept_in(path.clone(), clock()).unwrap()).await;
    let mut errors = errors(&world);
    assert_eq!(firing(&mut errors).await, CANDIDATE);

    // Where it cannot be written down, the sender is told to come again, and nothing has changed.
    let before = std::fs::read(&path).unwrap();
    std::fs::create_dir(path.with_extension("new")).unwrap();
    let (status, problem) = world.post_json("/api/v1/alerts", &alertmanager("resolved", "2.0.0", "a1")).await;
    assert_eq!((status, &problem["status"]), (503, &json!(503)));
    assert_eq!(firing(&mut errors).await, CANDIDATE);
    assert_eq!(std::fs::read(&path).unwrap(), before);

    std::fs::write(&path, "{\"firing\":").unwrap();
    let why = Alerts::kept_in(path, clock()).err().unwrap().to_string();
    assert!(why.contains("does not hold alerts"), "{why}");
}
