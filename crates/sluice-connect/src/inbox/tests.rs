//! An inbox in a time of its own.

use std::sync::atomic::{AtomicI64, Ordering};

use async_trait::async_trait;
use proptest::prelude::*;
use prost::Message as _;
use serde_json::{Value, json};
use sluice_core::ServiceKey;
use sluice_core::document::metric::{MetricKind, MetricSource, OtlpSource, ReadSpec, Worse};
use sluice_core::release::{Amount, Taken};
use sluice_core::stats::Trials;
use sluice_engine::port::source::{Ask, Source as _, Trouble, Versions};

use super::*;

/// A clock that somebody sets.
struct SetClock(AtomicI64);

#[async_trait]
impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::Relaxed))
    }

    async fn sleep_until(&self, _at: Timestamp) {}
}

/// Well after 1970.
const BEGIN_SECS: i64 = 1_000_000;

struct World {
    clock: Arc<SetClock>,
    inbox: Arc<Inbox>,
}

impl World {
    fn new(options: InboxOptions) -> World {
        let clock = Arc::new(SetClock(AtomicI64::new(BEGIN_SECS * 1000)));
        let inbox = Arc::new(Inbox::new(options, Arc::clone(&clock) as Arc<dyn Clock>));
        World { clock, inbox }
    }

    /// Sets the clock to so many seconds after the begin.
    fn at(&self, secs: i64) {
        self.clock.0.store((BEGIN_SECS + secs) * 1000, Ordering::Relaxed);
    }

    fn now(&self) -> u64 {
        nanos(self.clock.now())
    }

    /// Sends one metric for a version; gives what is remarked.
    fn send(&self, version: &str, metric: Value) -> Receipt {
        let resource = json!([
            { "key": "service.name", "value": { "stringValue": "shop" } },
            { "key": "service.version", "value": { "stringValue": version } },
        ]);
        let request = json!({ "resourceMetrics": [{
            "resource": { "attributes": resource },
            "scopeMetrics": [{ "metrics": [metric] }],
        }] });
        self.inbox.take(&serde_json::from_value(request).unwrap())
    }

    /// Sends a cumulative sum that began so many seconds after the begin.
    fn send_sum(&self, version: &str, started: i64, user: &str, value: u64) -> Receipt {
        let start = (BEGIN_SECS + started) * 1_000_000_000;
        let attributes = json!([{ "key": "user", "value": { "stringValue": user } }]);
        let point = json!({ "startTimeUnixNano": start, "timeUnixNano": self.now(), "asInt": value, "attributes": attributes });
        let sum = json!({ "aggregationTemporality": 2, "isMonotonic": true, "dataPoints": [point] });
        self.send(version, json!({ "name": "orders", "sum": sum }))
    }

    /// Sends a cumulative histogram.
    fn send_histogram(&self, version: &str, bounds: &[f64], counts: &[u64]) -> Receipt {
        let point = json!({
            "timeUnixNano": self.now(), "startTimeUnixNano": BEGIN_SECS * 1_000_000_000,
            "count": counts.iter().sum::<u64>(), "bucketCounts": counts, "explicitBounds": bounds,
        });
        let histogram = json!({ "aggregationTemporality": 2, "dataPoints": [point] });
        self.send(version, json!({ "name": "time", "unit": "s", "histogram": histogram }))
    }

    fn reader(&self, kind: MetricKind, instrument: &str, versions: Versions) -> Reader {
        let source: OtlpSource =
            serde_json::from_value(json!({ "instrument": instrument, "bad": { "user": "bad" } })).unwrap();
        let ask = Ask {
            metric: "metric".parse().unwrap(),
            kind,
            unit: Some("ms".to_owned()),
            worse: Worse::Higher,
            source: MetricSource::Otlp(source.clone()),
            read: ReadSpec::default(),
            service: ServiceKey { environment: "production".parse().unwrap(), name: "shop".parse().unwrap() },
            versions,
        };
        let source = InboxSource::open(Arc::clone(&self.inbox), &ask, &source).unwrap();
        Reader { source, clock: Arc::clone(&self.clock) }
    }
}

struct Reader {
    source: InboxSource,
    clock: Arc<SetClock>,
}

impl Reader {
    fn read(&mut self) -> Result<Taken, Trouble> {
        let now = self.clock.now();
        let mut reading = self.source.read(now, now);
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        match reading.as_mut().poll(&mut context) {
            std::task::Poll::Ready(read) => read,
            std::task::Poll::Pending => panic!("an inbox never waits"),
        }
    }

    fn trials(&mut self) -> [Amount; 2] {
        let taken = self.read().unwrap();
        [taken.stable, taken.candidate]
    }
}

fn two() -> Versions {
    Versions::Two { stable: "1".parse().unwrap(), candidate: "2".parse().unwrap() }
}

fn trials(n: u64, k: u64) -> Amount {
    Amount::Trials(Trials { n, k })
}

#[test]
fn what_was_counted_before_the_inbox_listened_is_not_counted() {
    let world = World::new(InboxOptions::default());
    let mut reader = world.reader(MetricKind::Ratio, "orders", two());
    reader.read().unwrap_err();
    world.at(10);
    world.send_sum("1", -3600, "good", 1_000_000);
    world.send_sum("2", 5, "good", 7);
    assert_eq!(reader.trials(), [Amount::Nothing, trials(7, 0)]);
    world.at(20);
    world.send_sum("1", -3600, "good", 1_000_050);
    // A series that a sender adds later began at zero, though its sender began long before.
    world.send_sum("1", -3600, "bad", 3);
    assert_eq!(reader.trials(), [trials(53, 3), Amount::Nothing]);
}

#[test]
fn a_version_that_falls_silent_is_trouble_and_nothing_is_lost_over_it() {
    let world = World::new(InboxOptions::default());
    let mut reader = world.reader(MetricKind::Ratio, "orders", two());
    reader.read().unwrap_err();
    world.at(10);
    world.send_sum("1", 1, "good", 10);
    world.send_sum("2", 1, "good", 10);
    reader.read().unwrap();
    world.at(20);
    world.send_sum("2", 1, "good", 25);
    world.at(195);
    world.send_sum("2", 1, "good", 30);
    let why = reader.read().unwrap_err().why;
    assert_eq!(why, "the last metrics of version 1 of `shop` by OTLP came 3m5s ago");
    world.send_sum("1", 1, "bad", 4);
    assert_eq!(reader.trials(), [trials(4, 4), trials(20, 0)]);
}

#[test]
fn a_rate_counts_the_time_that_senders_have_told_of_also_when_nothing_happened() {
    let world = World::new(InboxOptions::default());
    let mut reader = world.reader(MetricKind::Rate, "orders", two());
    reader.read().unwrap_err();
    for (secs, stable, candidate) in [(60, 30, 0), (120, 90, 0)] {
        world.at(secs);
        world.send_sum("1", 1, "good", stable);
        world.send_sum("2", 1, "good", candidate);
    }
    let events = |events, seconds| Amount::Events { events, seconds };
    assert_eq!(reader.trials(), [events(90, 119.0), events(0, 119.0)]);
    assert_eq!(reader.trials(), [Amount::Nothing, Amount::Nothing], "time passes only as senders tell it");
    world.at(180);
    world.send_sum("1", 1, "good", 91);
    assert_eq!(reader.trials(), [events(1, 60.0), Amount::Nothing]);
}

#[test]
fn all_versions_together_are_given_as_the_candidate() {
    let world = World::new(InboxOptions::default());
    let mut reader = world.reader(MetricKind::Ratio, "orders", Versions::All);
    reader.read().unwrap_err();
    world.at(10);
    for version in ["1", "2", "3"] {
        world.send_sum(version, 1, "bad", 2);
    }
    assert_eq!(reader.trials(), [Amount::Nothing, trials(6, 6)]);
}

#[test]
fn a_total_that_falls_without_a_new_start_counts_from_zero() {
    let world = World::new(InboxOptions::default());
    let mut reader = world.reader(MetricKind::Ratio, "orders", two());
    reader.read().unwrap_err();
    for (secs, total) in [(10, 100), (20, 130), (30, 4)] {
        world.at(secs);
        world.send_sum("1", 1, "good", total);
        world.send_sum("2", 1, "good", 1);
    }
    assert_eq!(reader.trials()[0], trials(134, 0));
}

#[test]
fn points_that_come_again_or_late_are_dropped_and_named() {
    let world = World::new(InboxOptions::default());
    world.at(10);
    assert_eq!(world.send_sum("1", 1, "good", 5), Receipt::default());
    let again = world.send_sum("1", 1, "good", 5);
    assert_eq!(again.rejected, 1);
    assert!(again.message.contains("not after that of the point before"), "{}", again.message);
    world.at(9);
    assert_eq!(world.send_sum("1", 1, "good", 6).rejected, 1);
}

#[test]
fn new_bounds_are_named_and_counted_from_there() {
    let world = World::new(InboxOptions::default());
    let mut reader = world.reader(MetricKind::Distribution, "time", two());
    reader.read().unwrap_err();
    let counts = |amounts: [Amount; 2]| {
        amounts.map(|amount| match amount {
            Amount::Values(histogram) => histogram.count(),
            other => panic!("{other:?}"),
        })
    };
    world.at(10);
    for version in ["1", "2"] {
        assert_eq!(world.send_histogram(version, &[0.1, 1.0], &[5, 4, 1]), Receipt::default());
    }
    assert_eq!(counts(reader.trials()), [10, 10]);
    world.at(20);
    world.send_histogram("1", &[0.1, 1.0], &[9, 4, 1]);
    let changed = world.send_histogram("2", &[0.1, 0.5, 1.0], &[5, 2, 2, 2]);
    assert_eq!(changed.rejected, 0);
    assert!(changed.message.contains("bucket bounds have changed"), "{}", changed.message);
    world.at(30);
    world.send_histogram("1", &[0.1, 1.0], &[10, 4, 1]);
    world.send_histogram("2", &[0.1, 0.5, 1.0], &[9, 2, 2, 2]);
    let why = reader.read().unwrap_err().why;
    assert!(why.contains("do not agree about the bounds"), "{why}");
    world.at(40);
    world.send_histogram("1", &[0.1, 0.5, 1.0], &[10, 2, 2, 1]);
    world.at(50);
    world.send_histogram("1", &[0.1, 0.5, 1.0], &[13, 2, 2, 1]);
    assert_eq!(counts(reader.trials()), [3, 4]);
}

#[test]
fn values_below_zero_and_histograms_without_buckets_are_named() {
    let world = World::new(InboxOptions::default());
    let mut reader = world.reader(MetricKind::Distribution, "time", two());
    reader.read().unwrap_err();
    world.at(10);
    world.send_histogram("1", &[-1.0, 1.0], &[2, 4, 1]);
    world.send_histogram("2", &[-1.0, 1.0], &[0, 4, 1]);
    let why = reader.read().unwrap_err().why;
    assert!(why.contains("2 values below zero"), "{why}");
    let world = World::new(InboxOptions::default());
    let mut reader = world.reader(MetricKind::Mean, "time", two());
    reader.read().unwrap_err();
    world.at(10);
    world.send_histogram("1", &[], &[2]);
    world.send_histogram("2", &[], &[2]);
    let why = reader.read().unwrap_err().why;
    assert!(why.contains("have no buckets"), "{why}");
}

#[test]
fn a_full_inbox_drops_what_is_idle_and_names_what_it_does_not_take() {
    let world = World::new(InboxOptions { series_max: 100, ..InboxOptions::default() });
    let mut reader = world.reader(MetricKind::Ratio, "orders", two());
    reader.read().unwrap_err();
    world.at(10);
    for user in 0..100 {
        assert_eq!(world.send_sum("1", 1, &user.to_string(), 1).rejected, 0);
    }
    let full = world.send_sum("2", 1, "one more", 1);
    assert!(full.rejected == 1 && full.message.contains("holds 100 series"), "{}", full.message);
    // What is held goes on being counted.
    world.at(170);
    assert_eq!(world.send_sum("1", 1, "7", 3).rejected, 0);
    world.at(200);
    assert_eq!(world.send_sum("2", 199, "one more", 1).rejected, 0);
    assert_eq!(world.inbox.series(), 2);
    assert_eq!(reader.trials(), [trials(3, 0), trials(1, 0)]);
    // One that was dropped and comes back is not counted twice.
    world.at(210);
    world.send_sum("1", 1, "8", 1);
    assert_eq!(reader.trials()[0], Amount::Nothing);
}

#[test]
fn an_inbox_keeps_to_its_memory() {
    let world = World::new(InboxOptions { bytes_max: 1 << 20, ..InboxOptions::default() });
    world.at(10);
    let bounds: Vec<f64> = (0..1000).map(f64::from).collect();
    let refused = (0..200).filter(|version: &u32| {
        world.send_histogram(&version.to_string(), &bounds, &vec![1; 1001]).rejected > 0
    });
    assert!(refused.count() > 100);
    assert!(world.inbox.series() > 10);
}

#[test]
fn many_remarks_are_said_once_each_and_cut() {
    let world = World::new(InboxOptions::default());
    let metrics: Vec<_> =
        (0..50).map(|i| json!({ "name": format!("m{i}"), "summary": { "dataPoints": [{}, {}] } })).collect();
    let resource = json!([{ "key": "service.name", "value": { "stringValue": "shop" } }]);
    let request = json!({ "resourceMetrics": [{ "resource": { "attributes": resource }, "scopeMetrics": [{ "metrics": metrics }] }] });
    let receipt = world.inbox.take(&serde_json::from_value(request).unwrap());
    assert_eq!(receipt.rejected, 100);
    assert!(receipt.message.starts_with("`m0`: summaries cannot be added up; send a histogram (2 points); "));
    assert!(receipt.message.ends_with("and 80 more points"), "{}", receipt.message);
}

/// A request with a bit of everything.
fn whole() -> Value {
    let attributes = json!([{ "key": "a", "value": { "arrayValue": { "values": [{ "intValue": "1" }, { "boolValue": true }] } } }]);
    let number = json!({ "timeUnixNano": "1000000000000000", "startTimeUnixNano": "1", "asDouble": 0.5, "attributes": attributes });
    let explicit = json!({ "timeUnixNano": "1000000000000000", "count": "3", "bucketCounts": ["1", 2], "explicitBounds": [0.5] });
    let exponential = json!({ "timeUnixNano": "1000000000000000", "count": "4", "scale": 3, "zeroCount": 1,
        "positive": { "offset": -2, "bucketCounts": ["1", "2"] }, "zeroThreshold": 0.001 });
    let resource = json!([
        { "key": "service.name", "value": { "stringValue": "shop" } },
        { "key": "service.version", "value": { "stringValue": "1" } },
    ]);
    json!({ "resourceMetrics": [{ "resource": { "attributes": resource }, "scopeMetrics": [{ "scope": { "name": "s" }, "metrics": [
        { "name": "orders", "sum": { "aggregationTemporality": 2, "isMonotonic": true, "dataPoints": [number] } },
        { "name": "queue", "gauge": { "dataPoints": [number] } },
        { "name": "time", "unit": "s", "histogram": { "aggregationTemporality": 1, "dataPoints": [explicit] } },
        { "name": "size", "exponentialHistogram": { "aggregationTemporality": 2, "dataPoints": [exponential] } },
    ] }] }] })
}

/// Takes a request in, and reads all there is in all ways.
fn take_and_read(request: &ExportRequest) {
    let world = World::new(InboxOptions::default());
    let kinds =
        [MetricKind::Ratio, MetricKind::Rate, MetricKind::Distribution, MetricKind::Mean, MetricKind::Gauge];
    let names = ["orders", "queue", "time", "size"];
    let mut readers: Vec<_> =
        kinds.iter().flat_map(|kind| names.iter().map(|name| world.reader(*kind, name, two()))).collect();
    for reader in &mut readers {
        drop(reader.read());
    }
    world.send_sum("2", 1, "good", 1);
    world.inbox.take(request);
    world.inbox.take(request);
    for reader in &mut readers {
        if let Ok(taken) = reader.read() {
            for amount in [taken.stable, taken.candidate] {
                match amount {
                    Amount::Gauge(value) => assert!(!value.is_nan()),
                    Amount::Events { seconds, .. } => assert!(seconds > 0.0 && seconds.is_finite()),
                    Amount::Trials(trials) => assert!(trials.k <= trials.n && trials.n > 0),
                    Amount::Values(histogram) => assert!(!histogram.is_empty()),
                    Amount::Nothing => {}
                }
            }
        }
    }
}

/// Replaces one value within JSON by another; `at` counts them depth first.
fn replace(value: &mut Value, at: &mut usize, by: &Value) {
    if *at == 0 {
        value.clone_from(by);
    }
    *at = at.wrapping_sub(1);
    match value {
        Value::Array(values) => values.iter_mut().for_each(|value| replace(value, at, by)),
        Value::Object(values) => values.values_mut().for_each(|value| replace(value, at, by)),
        _ => {}
    }
}

#[test]
fn a_request_with_a_bit_of_everything_is_taken_whole() {
    let request: ExportRequest = serde_json::from_value(whole()).unwrap();
    assert_eq!(World::new(InboxOptions::default()).inbox.take(&request), Receipt::default());
    assert_eq!(ExportRequest::decode(request.encode_to_vec().as_slice()).unwrap(), request);
    take_and_read(&request);
}

proptest! {
    #[test]
    fn protobuf_with_any_bytes_changed_is_taken_or_refused(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in any::<prop::sample::Index>(),
    ) {
        let request: ExportRequest = serde_json::from_value(whole()).unwrap();
        let mut bytes = request.encode_to_vec();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        for bytes in [&bytes[..], &bytes[..cut.index(bytes.len())]] {
            if let Ok(request) = ExportRequest::decode(bytes) {
                take_and_read(&request);
            }
        }
    }

    #[test]
    fn json_with_any_value_changed_is_taken_or_refused(
        changes in proptest::collection::vec((0_usize..120, prop_oneof![
            Just(json!(null)), Just(json!("NaN")), Just(json!("-Infinity")), Just(json!(-1)), Just(json!(u64::MAX)),
            Just(json!("18446744073709551615")), Just(json!(i64::MIN)), Just(json!(1e308)), Just(json!([])), Just(json!({})),
            Just(json!("")), Just(json!(true)), Just(json!([1, -2.5, "3"])), Just(json!(2_147_483_647)), Just(json!(20)),
        ]), 1..4),
    ) {
        let mut value = whole();
        for (mut at, by) in changes {
            replace(&mut value, &mut at, &by);
        }
        if let Ok(request) = serde_json::from_str::<ExportRequest>(&value.to_string()) {
            take_and_read(&request);
        }
    }
}
