//! What is made of answers of Prometheus, and how it is asked.

use sluice_core::Span;
use sluice_core::document::metric::{MetricKind, MetricSource, PrometheusSource};
use sluice_core::document::policy::SecretSource;
use sluice_core::release::Amount;

use crate::canned::Canned;
use crate::prometheus::source;
use crate::{ask, now, open};

const ONE: &str =
    r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"7"]}]}}"#;

fn query(server: &Canned) -> PrometheusSource {
    PrometheusSource { query: Some("sum(up)".to_owned()), ..source(&server.url) }
}

async fn trouble_of(server: &Canned) -> sluice_engine::port::source::Trouble {
    let mut source = open(ask(MetricKind::Gauge, MetricSource::Prometheus(query(server)))).unwrap();
    source.read(now(), now()).await.unwrap_err()
}

#[tokio::test]
async fn answers_in_part_are_not_taken() {
    for (body, word) in [
        (ONE.replace("success\"", "success\",\"isPartial\":true"), "in part only"),
        (ONE.replace("success\"", "success\",\"warnings\":[\"store b is away\"]"), "store b is away"),
        (r#"{"status":"error","errorType":"timeout","error":"too slow"}"#.to_owned(), "too slow"),
        ("<html>".to_owned(), "cannot be understood"),
        ("{}".to_owned(), "cannot be understood"),
        (r#"{"status":"success"}"#.to_owned(), "without data"),
    ] {
        let why = trouble_of(&Canned::saying(200, body).await).await.why;
        assert!(why.contains(word), "{why}");
    }
}

#[tokio::test]
async fn a_source_that_wants_to_be_left_alone_is() {
    let server =
        Canned::start(|_| (429, vec![("retry-after", "30")], r#"{"error":"slow down"}"#.to_owned())).await;
    let trouble = trouble_of(&server).await;
    assert_eq!(trouble.retry_after, Some(Span::from_secs(30)));
    assert!(trouble.why.contains("429") && trouble.why.contains("slow down"), "{}", trouble.why);
    let server = Canned::start(|_| (503, vec![("retry-after", "soon")], String::new())).await;
    assert_eq!(trouble_of(&server).await.retry_after, None);
}

#[tokio::test]
async fn redirects_are_not_followed_and_long_answers_not_read() {
    let server = Canned::start(|_| (302, vec![("location", "http://127.0.0.1:1/")], String::new())).await;
    assert!(trouble_of(&server).await.why.contains("redirects are not followed"));
    let server = Canned::saying(200, " ".repeat(8 * 1024 * 1024 + 1)).await;
    assert!(trouble_of(&server).await.why.contains("more than 8192 KiB"));
}

#[tokio::test]
async fn secrets_are_sent_as_what_they_are_and_never_told() {
    for (variable, expected) in [("TOKEN", "Bearer s3cret"), ("PAIR", "Basic bWU6czNjcmV0")] {
        let server = Canned::saying(200, ONE).await;
        let secret = Some(SecretSource::Env(variable.to_owned()));
        let source = PrometheusSource { secret, ..query(&server) };
        let taken =
            open(ask(MetricKind::Gauge, MetricSource::Prometheus(source))).unwrap().read(now(), now()).await;
        assert!(!taken.unwrap_err().why.contains("s3cret"));
        assert!(server.asked().iter().all(|asked| asked.header("authorization") == expected));
    }
    let server = Canned::saying(401, "").await;
    let source = PrometheusSource { secret: Some(SecretSource::Env("NONE".to_owned())), ..query(&server) };
    let mut source = open(ask(MetricKind::Gauge, MetricSource::Prometheus(source))).unwrap();
    let why = source.read(now(), now()).await.unwrap_err().why;
    assert!(why.contains("`NONE`") && server.asked().is_empty(), "{why}");
    assert!(trouble_of(&server).await.why.contains("`secret`"));
}

#[tokio::test]
async fn what_does_not_fit_is_told_before_anybody_is_asked() {
    let base = source("http://127.0.0.1:1");
    let counter = PrometheusSource { counter: Some("a_total".to_owned()), ..base.clone() };
    let histogram = PrometheusSource { histogram: Some("a".to_owned()), ..base.clone() };
    let number = PrometheusSource { query: Some("a".to_owned()), ..base.clone() };
    let pattern = PrometheusSource { labels: [("a".to_owned(), "~(".to_owned())].into(), ..counter.clone() };
    let both = PrometheusSource { counter: Some("a".to_owned()), ..number.clone() };
    let nowhere = PrometheusSource { url: None, ..number.clone() };
    let named = PrometheusSource { url: Some("http://me:pass@127.0.0.1:1".to_owned()), ..number.clone() };
    for (kind, source, word) in [
        (MetricKind::Ratio, counter.clone(), "`bad`"),
        (MetricKind::Distribution, counter, "neither"),
        (MetricKind::Rate, histogram, "neither"),
        (MetricKind::Ratio, number, "a `counter`"),
        (MetricKind::Gauge, both, "exactly one"),
        (MetricKind::Gauge, base, "exactly one"),
        (MetricKind::Gauge, nowhere, "where Prometheus is"),
        (MetricKind::Gauge, named, "`secret`"),
        (MetricKind::Rate, pattern, "no regular expression"),
    ] {
        let Err(trouble) = open(ask(kind, MetricSource::Prometheus(source))) else { panic!("{word}") };
        assert!(trouble.why.contains(word), "{}", trouble.why);
    }
}

#[tokio::test]
async fn a_number_is_given_with_its_scale() {
    let server = Canned::start(|asked| {
        let is_age = asked.body.contains("timestamp");
        let body = if is_age { ONE.replace("\"7\"", "\"not one\"") } else { ONE.to_owned() };
        (200, Vec::new(), body)
    })
    .await;
    let source = PrometheusSource { scale: Some(0.5), ..query(&server) };
    let taken =
        open(ask(MetricKind::Gauge, MetricSource::Prometheus(source))).unwrap().read(now(), now()).await;
    assert_eq!(taken.unwrap().candidate, Amount::Gauge(3.5));
}
