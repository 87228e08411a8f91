//! What senders are answered over HTTP.

use std::io::Write as _;

use serde_json::{Value, json};
use sluice_core::Timestamp;
use sluice_core::document::metric::MetricKind;
use sluice_core::release::Amount;
use sluice_core::stats::Trials;

use crate::world::{World, clock};

fn nanos(at: Timestamp) -> String {
    format!("{}000000", at.as_millis())
}

/// A request with one point of a sum for version 2.0.0, and what changes in it.
fn sum(point: Value) -> Value {
    let mut whole = json!({ "startTimeUnixNano": "0", "timeUnixNano": nanos(clock().now()), "asInt": "5" });
    whole.as_object_mut().unwrap().extend(point.as_object().unwrap().clone());
    let sum = json!({ "aggregationTemporality": 1, "isMonotonic": true, "dataPoints": [whole] });
    let resource = json!([
        { "key": "service.name", "value": { "stringValue": "shop" } },
        { "key": "service.version", "value": { "stringValue": "2.0.0" } },
    ]);
    json!({ "resourceMetrics": [{
        "resource": { "attributes": resource },
        "scopeMetrics": [{ "scope": {}, "metrics": [{ "name": "orders", "sum": sum }] }],
    }] })
}

#[tokio::test]
async fn what_cannot_be_counted_is_rejected_by_name_and_the_rest_is_taken() {
    let world = World::new().await;
    let (status, answer) = world.post_json("/v1/metrics", &sum(json!({}))).await;
    assert_eq!((status, answer), (200, json!({})));
    let cases = [
        (json!({ "asInt": null, "asDouble": "NaN" }), "not a finite number"),
        (json!({ "asInt": "-3" }), "below zero"),
        (json!({ "timeUnixNano": "0" }), "has no time"),
        (json!({ "timeUnixNano": "1000000000" }), "not after that of the point before"),
        (json!({ "timeUnixNano": "99999999999999999" , "startTimeUnixNano": "99999999999999998"}), ""),
        (json!({ "timeUnixNano": u64::MAX.to_string() }), "ahead of this server's clock"),
        (json!({ "asInt": null }), "data is missing"),
    ];
    for (point, why) in cases {
        let (status, answer) = world.post_json("/v1/metrics", &sum(point.clone())).await;
        let rejected = &answer["partialSuccess"];
        assert_eq!((status, &rejected["rejectedDataPoints"]), (200, &json!("1")), "{point}: {answer}");
        let message = rejected["errorMessage"].as_str().unwrap();
        assert!(message.starts_with("`orders`: ") && message.contains(why), "{point}: {message}");
    }
    // A point without anything to say is no mistake.
    let (status, answer) = world.post_json("/v1/metrics", &sum(json!({ "flags": 1, "asInt": null }))).await;
    assert_eq!((status, answer), (200, json!({})));
    assert_eq!(world.inbox.series(), 1);
}

#[tokio::test]
async fn what_is_no_request_is_refused_as_the_protocol_says() {
    let world = World::new().await;
    let json = ("content-type", "application/json");
    let refused = async |headers: &[(&str, &str)], body: &[u8]| {
        let (status, body) = world.post("/v1/metrics", headers, body).await;
        (status, serde_json::from_slice::<Value>(&body).unwrap()["message"].as_str().unwrap().to_owned())
    };
    let (status, why) = refused(&[json], b"{\"resourceMetrics\": 3}").await;
    assert!(status == 400 && why.contains("no ExportMetricsServiceRequest in JSON"), "{status}: {why}");
    let (status, why) = refused(&[("content-type", "text/plain")], b"").await;
    assert!(status == 415 && why.contains("application/x-protobuf"), "{status}: {why}");
    let (status, why) = refused(&[json, ("content-encoding", "br")], b"").await;
    assert!(status == 415 && why.contains("gzip"), "{status}: {why}");
    let (status, why) = refused(&[json, ("content-encoding", "gzip")], b"no gzip").await;
    assert!(status == 400 && why.contains("not gzip"), "{status}: {why}");
    let (status, why) = refused(&[json], &vec![b' '; 5 << 20]).await;
    assert!(status == 413 && why.contains("4 MiB"), "{status}: {why}");
    // A few kilobytes that would become 64 MiB.
    let mut bomb = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    bomb.write_all(&vec![b' '; 64 << 20]).unwrap();
    let (status, why) = refused(&[json, ("content-encoding", "gzip")], &bomb.finish().unwrap()).await;
    assert!(status == 413 && why.contains("4 MiB"), "{status}: {why}");

    let protobuf = [("content-type", "application/x-protobuf")];
    let (status, body) = world.post("/v1/metrics", &protobuf, &[0xFF, 0xFF]).await;
    // A Status in protobuf: field 1 is the code, 3 for an invalid argument.
    assert_eq!((status, &body[..2]), (400, &[0x08, 0x03][..]));
    let (status, body) = world.post("/v1/metrics", &protobuf, &[]).await;
    assert_eq!((status, body), (200, Vec::new()), "an empty request is fine");
}

#[tokio::test]
async fn senders_that_do_not_say_who_they_are_are_told_so() {
    let world = World::new().await;
    let mut orders = world.open(MetricKind::Rate, None, json!({ "otlp": { "instrument": "orders" } }));
    let mut nameless = sum(json!({}));
    nameless["resourceMetrics"][0]["resource"]["attributes"][0]["key"] = json!("service");
    let (_, answer) = world.post_json("/v1/metrics", &nameless).await;
    let message = answer["partialSuccess"]["errorMessage"].as_str().unwrap();
    assert!(message.contains("OTEL_SERVICE_NAME"), "{message}");
    let mut versionless = sum(json!({}));
    versionless["resourceMetrics"][0]["resource"]["attributes"][1]["key"] = json!("version");
    world.post_json("/v1/metrics", &versionless).await;
    let why = orders.read().await.unwrap_err().why;
    assert!(why.contains("set `service.version` in OTEL_RESOURCE_ATTRIBUTES"), "{why}");
}

#[tokio::test]
async fn a_sender_of_another_environment_is_somebody_else() {
    let world = World::new().await;
    let mut orders = world.open(
        MetricKind::Ratio,
        None,
        json!({ "otlp": { "instrument": "orders", "bad": { "failed": "true" } } }),
    );
    orders.read().await.unwrap_err();
    for (environment, version) in [("staging", "2.0.0"), ("production", "2.0.0"), ("production", "1.0.0")] {
        let mut request = sum(json!({ "attributes": [{ "key": "failed", "value": { "boolValue": true } }] }));
        let attributes = request["resourceMetrics"][0]["resource"]["attributes"].as_array_mut().unwrap();
        attributes[1]["value"]["stringValue"] = json!(version);
        attributes
            .push(json!({ "key": "deployment.environment.name", "value": { "stringValue": environment } }));
        world.post_json("/v1/metrics", &request).await;
    }
    let taken = orders.read().await.unwrap();
    assert_eq!(taken.candidate, Amount::Trials(Trials { n: 5, k: 5 }));
    assert_eq!(taken.stable, Amount::Trials(Trials { n: 5, k: 5 }));
}

#[tokio::test]
async fn a_metric_that_cannot_be_read_as_it_is_written_is_named_when_it_is_opened() {
    let world = World::new().await;
    let why = |kind, source| world.try_open(kind, None, source).err().unwrap().why;
    let bad = why(MetricKind::Ratio, json!({ "otlp": { "instrument": "orders" } }));
    assert!(bad.contains("a ratio needs `bad`"), "{bad}");
    let scale = why(MetricKind::Gauge, json!({ "otlp": { "instrument": "orders", "scale": 0 } }));
    assert!(scale.contains("`scale` must be above zero"), "{scale}");
    let pattern =
        why(MetricKind::Gauge, json!({ "otlp": { "instrument": "orders", "attributes": { "a": "~(" } } }));
    assert!(pattern.contains("regular expression"), "{pattern}");
}
