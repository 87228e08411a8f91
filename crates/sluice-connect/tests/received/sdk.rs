//! What OpenTelemetry's own SDK sends is counted, however it sends it.

use serde_json::json;
use sluice_core::document::metric::MetricKind;
use sluice_core::release::Amount;
use sluice_core::stats::{Histogram, Trials};

use crate::sender::{Manner, Sender};
use crate::world::World;

const BAD: &str = "~5..";

fn ratio() -> serde_json::Value {
    json!({ "otlp": { "instrument": "http.requests", "bad": { "http.response.status_code": BAD } } })
}

/// Two versions send; what is read is exactly what they counted since the reading before.
async fn check_counts(manner: Manner) {
    let world = World::new().await;
    let mut failures = world.open(MetricKind::Ratio, None, ratio());
    let mut rate = world.open(MetricKind::Rate, None, json!({ "otlp": { "instrument": "http.requests" } }));
    let mut times = world.open(
        MetricKind::Distribution,
        Some("ms"),
        json!({ "otlp": { "instrument": "http.server.request.duration", "attributes": { "http.route": "~/ord.*" } } }),
    );
    let nobody = failures.read().await.unwrap_err().why;
    assert!(nobody.contains("version 1.0.0 of `shop` has not sent any metrics"), "{nobody}");

    let mut stable = Sender::start(&world, manner, "1.0.0");
    let mut candidate = Sender::start(&world, manner, "2.0.0");
    stable
        .send(&json!({ "requests": { "200": 990, "503": 10 }, "durations": [[0.04, 300], [0.25, 3]] }))
        .await;
    let half = failures.read().await.unwrap_err().why;
    assert!(half.contains("version 2.0.0 of `shop`") && half.contains("other versions of it have"), "{half}");
    candidate
        .send(&json!({ "requests": { "200": 47, "500": 2, "503": 1 }, "durations": [[0.15, 200]] }))
        .await;

    let taken = failures.read().await.unwrap();
    assert_eq!(taken.stable, Amount::Trials(Trials { n: 1000, k: 10 }), "{manner:?}");
    assert_eq!(taken.candidate, Amount::Trials(Trials { n: 50, k: 3 }), "{manner:?}");
    // Opened before, but first read now: what was counted before is where it begins.
    let taken = rate.read().await.unwrap();
    assert_eq!((taken.stable, taken.candidate), (Amount::Nothing, Amount::Nothing), "{manner:?}");
    times.read().await.unwrap();

    stable.send(&json!({ "requests": { "200": 5, "500": 1 }, "durations": [[0.04, 100]] })).await;
    candidate.send(&json!({ "requests": { "404": 7 }, "durations": [[0.15, 40], [0.151, 20]] })).await;
    let taken = failures.read().await.unwrap();
    assert_eq!(taken.stable, Amount::Trials(Trials { n: 6, k: 1 }), "{manner:?}");
    assert_eq!(taken.candidate, Amount::Trials(Trials { n: 7, k: 0 }), "{manner:?}");
    let taken = rate.read().await.unwrap();
    let Amount::Events { events: 6, seconds } = taken.stable else { panic!("{manner:?}: {taken:?}") };
    assert!(seconds > 0.0 && seconds < 120.0, "{manner:?}: {seconds} s");
    let taken = times.read().await.unwrap();
    check_times(manner, &taken.stable, 100, 40.0);
    check_times(manner, &taken.candidate, 60, 150.0);

    assert_eq!(
        failures.read().await.unwrap().stable,
        Amount::Nothing,
        "{manner:?}: something was counted twice"
    );
}

/// Whether a distribution holds so many values of about so many milliseconds.
fn check_times(manner: Manner, amount: &Amount, count: u64, millis: f64) {
    let Amount::Values(histogram) = amount else { panic!("{manner:?}: {amount:?}") };
    assert_eq!(histogram.count(), count, "{manner:?}");
    let median = histogram.quantile(0.5).unwrap() as f64 / 1000.0;
    // Explicit buckets say no more than between which bounds a value is.
    let slack = if manner.histograms == "explicit" { 0.4 } else { 0.05 };
    assert!(
        (median - millis).abs() <= slack * millis,
        "{manner:?}: the median is {median} ms, and was {millis}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn totals_by_protobuf_and_gzip_are_counted_once() {
    check_counts(Manner { how: "protobuf", temporality: "cumulative", histograms: "explicit" }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn differences_with_exponential_histograms_by_protobuf_are_counted_once() {
    check_counts(Manner { how: "protobuf", temporality: "delta", histograms: "exponential" }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn totals_with_exponential_histograms_by_grpc_are_counted_once() {
    check_counts(Manner { how: "grpc", temporality: "cumulative", histograms: "exponential" }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn differences_by_grpc_are_counted_once() {
    check_counts(Manner { how: "grpc", temporality: "delta", histograms: "explicit" }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn totals_with_exponential_histograms_by_json_are_counted_once() {
    check_counts(Manner { how: "json", temporality: "cumulative", histograms: "exponential" }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn differences_by_json_are_counted_once() {
    check_counts(Manner { how: "json", temporality: "delta", histograms: "explicit" }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn instances_are_added_up_and_one_that_starts_anew_goes_on_from_zero() {
    let manner = Manner { how: "protobuf", temporality: "cumulative", histograms: "explicit" };
    let world = World::new().await;
    let mut failures = world.open(MetricKind::Ratio, None, ratio());
    failures.read().await.unwrap_err();
    let mut stable = Sender::start(&world, manner, "1.0.0");
    // Neither says which instance it is: the SDK does not by itself.
    let mut one = Sender::start(&world, manner, "2.0.0");
    let mut other = Sender::start(&world, manner, "2.0.0");
    stable.send(&json!({ "requests": { "200": 1 } })).await;
    one.send(&json!({ "requests": { "200": 100, "500": 1 } })).await;
    other.send(&json!({ "requests": { "200": 30 } })).await;
    one.send(&json!({ "requests": { "200": 10 } })).await;
    assert_eq!(failures.read().await.unwrap().candidate, Amount::Trials(Trials { n: 141, k: 1 }));
    drop(one);
    let mut again = Sender::start(&world, manner, "2.0.0");
    again.send(&json!({ "requests": { "500": 4 } })).await;
    other.send(&json!({ "requests": { "200": 2 } })).await;
    assert_eq!(failures.read().await.unwrap().candidate, Amount::Trials(Trials { n: 6, k: 4 }));
}

#[tokio::test(flavor = "multi_thread")]
async fn gauges_are_averaged_over_instances_and_levels_added_up() {
    let manner = Manner { how: "protobuf", temporality: "cumulative", histograms: "explicit" };
    let world = World::new().await;
    let mut queue = world.open(MetricKind::Gauge, None, json!({ "otlp": { "instrument": "queue.length" } }));
    let mut in_flight =
        world.open(MetricKind::Gauge, None, json!({ "otlp": { "instrument": "http.in_flight" } }));
    let mut senders: Vec<_> =
        ["1.0.0", "2.0.0"].iter().map(|version| Sender::start(&world, manner, version)).collect();
    for (i, sender) in senders.iter_mut().enumerate() {
        sender.send(&json!({ "queue": 10 + i, "in_flight": 3 })).await;
        sender.send(&json!({ "queue": 20 + i, "in_flight": -1 })).await;
    }
    let taken = queue.read().await.unwrap();
    assert_eq!((taken.stable, taken.candidate), (Amount::Gauge(20.0), Amount::Gauge(21.0)));
    let taken = in_flight.read().await.unwrap();
    assert_eq!((taken.stable, taken.candidate), (Amount::Gauge(2.0), Amount::Gauge(2.0)));

    let mut wrong = world.open(MetricKind::Rate, None, json!({ "otlp": { "instrument": "queue.length" } }));
    let why = wrong.read().await.unwrap_err().why;
    assert!(why.contains("`queue.length` is a gauge"), "{why}");
    let mut missing = world.open(MetricKind::Gauge, None, json!({ "otlp": { "instrument": "queue.size" } }));
    let why = missing.read().await.unwrap_err().why;
    assert!(why.contains("sends no `queue.size`") && why.contains("`queue.length`"), "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn means_come_from_histograms() {
    let manner = Manner { how: "protobuf", temporality: "delta", histograms: "exponential" };
    let world = World::new().await;
    let source = json!({ "otlp": { "instrument": "http.server.request.duration", "scale": 100 } });
    let mut mean = world.open(MetricKind::Mean, None, source);
    mean.read().await.unwrap_err();
    for version in ["1.0.0", "2.0.0"] {
        Sender::start(&world, manner, version).send(&json!({ "durations": [[0.5, 10]] })).await;
    }
    // 0.5 s times 100, in thousandths.
    let Amount::Values(histogram) = mean.read().await.unwrap().candidate else { panic!("no values") };
    let (bucket, count) = histogram.iter().next().unwrap();
    let at = Histogram::lower_bound(bucket);
    assert!(count > 0 && histogram.count() == 10 && (48_000..52_000).contains(&at), "{at}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_grpc_server_stops_while_a_sender_is_connected() {
    let world = World::new().await;
    let manner = Manner { how: "grpc", temporality: "delta", histograms: "explicit" };
    let mut sender = Sender::start(&world, manner, "1.0.0");
    sender.send(&json!({ "requests": { "200": 1 } })).await;
    assert_eq!(world.inbox.series(), 1);
    world.stop.send_replace(true);
    crate::world::in_time("the end of the server", world.grpc_ended).await.unwrap();
}
