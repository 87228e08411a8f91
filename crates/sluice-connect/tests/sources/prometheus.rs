//! Against Prometheus and VictoriaMetrics themselves.

use std::collections::BTreeMap;

use sluice_core::Span;
use sluice_core::document::metric::{MetricKind, MetricSource, PrometheusSource};
use sluice_core::release::Amount;
use sluice_core::stats::Trials;
use sluice_engine::port::source::Versions;

use crate::exporter::Exporter;
use crate::server::{BOTH, Program, Server};
use crate::{Reading, ask, now, open, trials};

fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(label, value)| ((*label).to_owned(), (*value).to_owned())).collect()
}

/// A source that tells versions apart by a label.
pub(crate) fn source(server: &str) -> PrometheusSource {
    PrometheusSource {
        url: Some(server.to_owned()),
        secret: None,
        counter: None,
        histogram: None,
        query: None,
        labels: labels(&[("version", "{{version}}")]),
        bad: BTreeMap::new(),
        scale: None,
    }
}

fn counter(server: &Server) -> PrometheusSource {
    PrometheusSource { counter: Some("shop_requests_total".to_owned()), ..source(&server.url) }
}

/// Counters by version, code and pod.
fn requests(counts: &[(&str, &str, &str, u32)]) -> String {
    let lines = counts.iter().map(|(version, code, pod, count)| {
        format!("shop_requests_total{{version=\"{version}\",code=\"{code}\",pod=\"{pod}\"}} {count}\n")
    });
    format!("# TYPE shop_requests_total counter\n{}", lines.collect::<String>())
}

#[tokio::test(flavor = "multi_thread")]
async fn counters_become_a_ratio_through_resets_and_series_that_come_and_go() {
    for program in BOTH {
        let exporter = Exporter::start().await;
        exporter.tell(requests(&[
            ("1.0", "200", "a", 1000),
            ("1.0", "500", "a", 10),
            ("2.0", "200", "b", 5),
        ]));
        let server = Server::start(program, &exporter).await;
        server.until_number("sum(shop_requests_total)", "1015").await;
        let source = PrometheusSource { bad: labels(&[("code", "~5..")]), ..counter(&server) };
        let mut reading =
            Reading::begin(open(ask(MetricKind::Ratio, MetricSource::Prometheus(source))).unwrap()).await;

        // The first error of the candidate makes a new series.
        exporter.tell(requests(&[
            ("1.0", "200", "a", 1090),
            ("1.0", "500", "a", 11),
            ("2.0", "200", "b", 15),
            ("2.0", "503", "b", 3),
        ]));
        server.until_number("sum(shop_requests_total)", "1119").await;
        reading.go_on().await;
        assert_eq!(trials(&reading.stable), Trials { n: 91, k: 1 }, "{program:?}");
        assert_eq!(trials(&reading.candidate), Trials { n: 13, k: 3 }, "{program:?}");

        // The candidate is started anew, and a pod of stable goes away.
        exporter.tell(requests(&[("1.0", "200", "a", 1100), ("2.0", "200", "b", 4), ("2.0", "503", "b", 1)]));
        server.until_number("sum(shop_requests_total)", "1105").await;
        reading.go_on().await;
        reading.go_on().await;
        assert_eq!(trials(&reading.stable), Trials { n: 101, k: 1 }, "{program:?}");
        assert_eq!(trials(&reading.candidate), Trials { n: 18, k: 4 }, "{program:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rate_knows_how_many_came_in_how_many_seconds() {
    for program in BOTH {
        let exporter = Exporter::start().await;
        exporter.tell(requests(&[("1.0", "200", "a", 7), ("2.0", "200", "b", 7)]));
        let server = Server::start(program, &exporter).await;
        server.until_number("sum(shop_requests_total)", "14").await;
        let ask = ask(MetricKind::Rate, MetricSource::Prometheus(counter(&server)));
        let begun = now();
        let mut reading = Reading::begin(open(ask).unwrap()).await;
        exporter.tell(requests(&[("1.0", "200", "a", 107), ("2.0", "200", "b", 37)]));
        server.until_number("sum(shop_requests_total)", "144").await;
        reading.go_on().await;
        let took = now().since(begun).as_millis() as f64 / 1000.0;
        for (amount, expected) in [(&reading.stable, 100), (&reading.candidate, 30)] {
            let Amount::Events { events, seconds } = amount else { panic!("{program:?}: {amount:?}") };
            assert_eq!(*events, expected, "{program:?}");
            assert!(*seconds > 0.0 && *seconds <= took + 1.0, "{program:?}: {seconds} of {took}");
        }
    }
}

/// A classic histogram with three buckets.
fn durations(version: &str, bounds: [&str; 2], counts: [u32; 3]) -> String {
    let bucket = |bound: &str, count: u32| {
        format!("checkout_seconds_bucket{{version=\"{version}\",le=\"{bound}\"}} {count}\n")
    };
    let [first, second, all] = counts;
    format!(
        "{}{}{}checkout_seconds_count{{version=\"{version}\"}} {all}\ncheckout_seconds_sum{{version=\"{version}\"}} 9\n",
        bucket(bounds[0], first),
        bucket(bounds[1], second),
        bucket("+Inf", all)
    )
}

fn classic(parts: &[(&str, [&str; 2], [u32; 3])]) -> String {
    let parts: String =
        parts.iter().map(|(version, bounds, counts)| durations(version, *bounds, *counts)).collect();
    format!("# TYPE checkout_seconds histogram\n{parts}")
}

fn values(amount: &Amount) -> Vec<(u64, u64)> {
    let Amount::Values(histogram) = amount else { panic!("no values: {amount:?}") };
    histogram
        .iter()
        .map(|(bucket, count)| (sluice_core::stats::Histogram::lower_bound(bucket), count))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn classic_histograms_count_at_upper_bounds_and_are_never_mixed() {
    for program in BOTH {
        let exporter = Exporter::start().await;
        let bounds = ["0.128", "0.256"];
        // The buckets, not the count: VictoriaMetrics does not show all samples of one scrape at once.
        let buckets = "sum(checkout_seconds_bucket)";
        exporter.tell(classic(&[("1.0", bounds, [1, 2, 3]), ("2.0", bounds, [0, 0, 0])]));
        let server = Server::start(program, &exporter).await;
        server.until_number(buckets, "6").await;
        let source =
            PrometheusSource { histogram: Some("checkout_seconds".to_owned()), ..source(&server.url) };
        let mut ask = ask(MetricKind::Distribution, MetricSource::Prometheus(source));
        ask.unit = Some("ms".to_owned());
        let mut reading = Reading::begin(open(ask).unwrap()).await;

        exporter.tell(classic(&[("1.0", bounds, [11, 12, 13]), ("2.0", bounds, [1, 3, 6])]));
        server.until_number(buckets, "46").await;
        reading.go_on().await;
        // In thousandths of a millisecond: 128 ms and 256 ms are bounds of buckets, and more is 512 ms.
        assert_eq!(values(&reading.stable), [(126_976, 10)], "{program:?}");
        assert_eq!(values(&reading.candidate), [(126_976, 1), (253_952, 2), (507_904, 3)], "{program:?}");

        exporter.tell(classic(&[("1.0", bounds, [11, 12, 13]), ("2.0", ["0.1", "0.256"], [20, 20, 20])]));
        server.until_number(buckets, "96").await;
        let why = reading.source.read(reading.from, now()).await.unwrap_err().why;
        assert!(why.contains("its buckets changed"), "{program:?}: {why}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn native_histograms_count_in_the_middle_of_their_buckets() {
    let exporter = Exporter::start().await;
    exporter.tell_native(vec![("1.0", vec![5, 0, 5]), ("2.0", vec![1])]);
    let server = Server::start(Program::Prometheus, &exporter).await;
    server.until_number("sum(histogram_count(checkout_seconds))", "11").await;
    let source = PrometheusSource { histogram: Some("checkout_seconds".to_owned()), ..source(&server.url) };
    let ask = ask(MetricKind::Distribution, MetricSource::Prometheus(source));
    let mut reading = Reading::begin(open(ask).unwrap()).await;
    exporter.tell_native(vec![("1.0", vec![5, 0, 25]), ("2.0", vec![3, 4])]);
    server.until_number("sum(histogram_count(checkout_seconds))", "37").await;
    reading.go_on().await;
    let middle = |bucket: f64| {
        let micros = (2_f64.powf((bucket - 0.5) / 8.0) * 1000.0).round() as u64;
        let bucket = sluice_core::stats::Histogram::bucket_of(micros);
        sluice_core::stats::Histogram::lower_bound(bucket)
    };
    assert_eq!(values(&reading.stable), [(middle(2.0), 20)]);
    assert_eq!(values(&reading.candidate), [(middle(0.0), 2), (middle(1.0), 4)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_gives_one_number_or_says_what_it_gives_instead() {
    for program in BOTH {
        let exporter = Exporter::start().await;
        exporter.tell(
            "# TYPE queue_length gauge\nqueue_length{version=\"1.0\"} 12\nqueue_length{version=\"2.0\"} 34\n",
        );
        let server = Server::start(program, &exporter).await;
        server.until("both are there", "queue_length", |found| found.len() == 2).await;
        let read = async |query: &str| {
            let source = PrometheusSource { query: Some(query.to_owned()), ..source(&server.url) };
            let mut source = open(ask(MetricKind::Gauge, MetricSource::Prometheus(source))).unwrap();
            source.read(now(), now()).await
        };
        let taken = read("queue_length{version=\"{{version}}\"}").await.unwrap();
        assert_eq!(
            (taken.stable, taken.candidate),
            (Amount::Gauge(12.0), Amount::Gauge(34.0)),
            "{program:?}"
        );
        // What would be the same for both is only the candidate's: nothing is compared with itself.
        let taken = read("sum(queue_length)").await.unwrap();
        assert_eq!((taken.stable, taken.candidate), (Amount::Nothing, Amount::Gauge(46.0)), "{program:?}");
        for (query, word) in [
            ("queue_length", "2 series"),
            ("queue_length{version=\"3.0\"}", "no series"),
            ("queue_length{version=\"1.0\"} / 0", "division by zero"),
            // VictoriaMetrics leaves out what is no number.
            (
                "sum(queue_length * 0) / 0",
                if program == Program::Prometheus { "zero by zero" } else { "no series" },
            ),
            ("queue_length{", "answered 4"),
            ("queue_length[1m]", "gives a range"),
        ] {
            let why = read(query).await.unwrap_err().why;
            assert!(why.contains(word), "{program:?}: {query}: {why}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn names_without_series_and_old_data_are_troubles() {
    for program in BOTH {
        let exporter = Exporter::start().await;
        exporter.tell(requests(&[("1.0", "200", "a", 7), ("2.0", "200", "b", 7)]));
        let server = Server::start(program, &exporter).await;
        server.until_number("sum(shop_requests_total)", "14").await;
        // A value of a label stays one, whatever is in it.
        for value in ["{{version}}\"} or vector(1) or up{job=\"", "~{{version}}\\"] {
            let source = PrometheusSource { labels: labels(&[("version", value)]), ..counter(&server) };
            let why = match open(ask(MetricKind::Rate, MetricSource::Prometheus(source))) {
                Ok(mut source) => source.read(now(), now()).await.unwrap_err().why,
                Err(trouble) => trouble.why,
            };
            assert!(why.contains("there is no series") || why.contains("no regular expression"), "{why}");
        }
        let ask = ask(MetricKind::Rate, MetricSource::Prometheus(counter(&server)));
        let mut reading = Reading::begin(open(ask).unwrap()).await;
        let later = now().after(Span::from_secs(400));
        let why = reading.source.read(reading.from, later).await.unwrap_err().why;
        assert!(why.starts_with("of version 2.0: its newest data are "), "{program:?}: {why}");
        // Nothing is lost by it.
        exporter.tell(requests(&[("1.0", "200", "a", 9), ("2.0", "200", "b", 8)]));
        server.until_number("sum(shop_requests_total)", "17").await;
        reading.go_on().await;
        assert!(
            matches!(reading.stable, Amount::Events { events: 2, .. }),
            "{program:?}: {:?}",
            reading.stable
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_past_is_told_in_blocks_and_agrees_with_what_was_counted() {
    for program in BOTH {
        let exporter = Exporter::start().await;
        exporter.tell(requests(&[("1.0", "200", "a", 7)]));
        let server = Server::start(program, &exporter).await;
        server.until_number("sum(shop_requests_total)", "7").await;
        let from = now();
        for count in [20, 30, 57] {
            exporter.tell(requests(&[("1.0", "200", "a", count), ("1.0", "500", "a", count / 10)]));
            server.until_number("sum(shop_requests_total)", &(count + count / 10).to_string()).await;
        }
        // VictoriaMetrics gives the newest points of a range the value before them.
        server.until_number("sum(shop_requests_total offset 400ms)", "62").await;
        let until = now().after(Span::from_millis(200));
        let source = PrometheusSource { bad: labels(&[("code", "~5..")]), ..counter(&server) };
        let mut ask = ask(MetricKind::Ratio, MetricSource::Prometheus(source));
        ask.versions = Versions::All;
        let block = Span::from_millis(100);
        let past = open(ask).unwrap().past(from, until, block).await.unwrap();
        assert_eq!(past.len() as u64, until.since(from).as_millis() / 100, "{program:?}");
        let mut all = Amount::Nothing;
        past.iter().for_each(|amount| all.merge(amount));
        assert_eq!(trials(&all), Trials { n: 55, k: 5 }, "{program:?}");

        let gauge =
            PrometheusSource { query: Some("sum(shop_requests_total)".to_owned()), ..source_of(&server) };
        let mut ask = ask_of(gauge);
        ask.versions = Versions::All;
        let past = open(ask).unwrap().past(from, until, block).await.unwrap();
        assert!(past.contains(&Amount::Gauge(62.0)), "{program:?}: {past:?}");
    }
}

fn source_of(server: &Server) -> PrometheusSource {
    source(&server.url)
}

fn ask_of(source: PrometheusSource) -> sluice_engine::port::source::Ask {
    ask(MetricKind::Gauge, MetricSource::Prometheus(source))
}
