//! Datadog, New Relic, CloudWatch and InfluxDB: answers in the forms that their documentation shows, served by a real
//! server.

use std::collections::BTreeMap;

use sluice_core::document::metric::{MetricKind, MetricSource, VendorSource};
use sluice_core::document::policy::SecretSource;
use sluice_core::release::Amount;
use sluice_core::stats::Trials;
use sluice_core::{Span, Timestamp};

use crate::canned::{Asked, Canned};
use crate::{ask, open, trials};

/// 2026-11-23T09:00:00Z.
const NINE: i64 = 1_795_424_400_000;

fn at(secs: i64) -> Timestamp {
    Timestamp::from_millis(NINE + secs * 1000)
}

fn source(server: &Canned, account: Option<&str>, secret: &str, queries: &[(&str, &str)]) -> VendorSource {
    let queries: BTreeMap<String, String> =
        queries.iter().map(|(n, q)| ((*n).to_owned(), (*q).to_owned())).collect();
    VendorSource {
        url: Some(server.url.clone()),
        account: account.map(str::to_owned),
        secret: SecretSource::Env(secret.to_owned()),
        queries,
    }
}

#[tokio::test]
async fn points_of_datadog_count_once_and_when_they_are_over() {
    let server = Canned::start(|asked: &Asked| {
        let uri = asked.uri.to_string();
        let is_candidate = uri.contains("2.0");
        let points = match (uri.contains("errors"), is_candidate) {
            (false, false) => "[[1795424400000.0,100.0],[1795424420000.0,120.0],[1795424440000.0,90.0]]",
            (false, true) => "[[1795424400000.0,10.0],[1795424420000.0,12.0],[1795424440000.0,9.0]]",
            (true, false) => "[]",
            (true, true) => "[[1795424400000.0,null],[1795424420000.0,3.0],[1795424440000.0,5.0]]",
        };
        let body = format!(
            r#"{{"status":"ok","res_type":"time_series","resp_version":1,"query":"q","from_date":1795424100000,
               "to_date":1795424450000,"series":[{{"unit":null,"query_index":0,"aggr":"sum","metric":"trace.requests",
               "tag_set":[],"expression":"q","scope":"env:production","interval":20,"length":3,
               "start":1795424400000,"end":1795424459000,"pointlist":{points},"display_name":"trace.requests",
               "attributes":{{}}}}],"values":[],"times":[],"message":"","group_by":[]}}"#
        );
        (200, Vec::new(), body)
    })
    .await;
    let queries = [
        ("total", "sum:requests{version:{{version}}}.as_count()"),
        ("bad", "sum:errors{version:{{version}}}.as_count()"),
    ];
    let metric = MetricSource::Datadog(source(&server, None, "PAIR", &queries));
    let mut source = open(ask(MetricKind::Ratio, metric)).unwrap();
    let first = source.read(at(0), at(45)).await.unwrap();
    // The third point is not over yet.
    assert_eq!(trials(&first.stable), Trials { n: 220, k: 0 });
    assert_eq!(trials(&first.candidate), Trials { n: 22, k: 3 });
    let second = source.read(at(45), at(65)).await.unwrap();
    assert_eq!(trials(&second.stable), Trials { n: 90, k: 0 });
    assert_eq!(trials(&second.candidate), Trials { n: 9, k: 5 });
    assert_eq!(source.read(at(65), at(70)).await.unwrap().candidate, Amount::Nothing);
    let asked = &server.asked()[0];
    assert_eq!((asked.header("dd-api-key"), asked.header("dd-application-key")), ("me", "s3cret"));
    assert!(asked.uri.path() == "/api/v1/query" && asked.method == "GET");
}

#[tokio::test]
async fn new_relic_is_asked_for_exactly_the_stretch() {
    let body = r#"{"data":{"actor":{"account":{"nrql":{"results":[{"count":417}]}}}}}"#;
    let server = Canned::saying(200, body).await;
    let queries = [("events", "SELECT count(*) FROM Transaction WHERE version = '{{version}}'")];
    let metric = MetricSource::NewRelic(source(&server, Some("12345"), "TOKEN", &queries));
    let mut source = open(ask(MetricKind::Rate, metric)).unwrap();
    let taken = source.read(at(0), at(10)).await.unwrap();
    assert_eq!(taken.stable, Amount::Events { events: 417, seconds: 10.0 });
    let asked = &server.asked()[0];
    let nrql = format!("version = '2.0' SINCE {NINE} UNTIL {}", NINE + 10_000);
    assert!(asked.body.contains(&nrql) && asked.header("api-key") == "s3cret", "{asked:?}");
    assert!(asked.body.contains("12345") && asked.uri.path() == "/graphql", "{asked:?}");
}

#[tokio::test]
async fn cloudwatch_is_asked_with_a_signature_and_partial_data_are_not_taken() {
    let answer = |status: &str| {
        format!(
            r#"{{"Messages":[],"MetricDataResults":[{{"Id":"q","Label":"Requests","StatusCode":"{status}",
               "Timestamps":[1.7954244E9,1.79542446E9],"Values":[500.0,250.0]}}]}}"#
        )
    };
    let queries = [("events", "SELECT SUM(Requests) FROM Shop WHERE version = '{{version}}'")];
    let server = Canned::saying(200, answer("Complete")).await;
    let metric = MetricSource::CloudWatch(source(&server, Some("eu-west-1"), "PAIR", &queries));
    let mut reading = open(ask(MetricKind::Rate, metric)).unwrap();
    let taken = reading.read(at(0), at(90)).await.unwrap();
    assert_eq!(taken.candidate, Amount::Events { events: 500, seconds: 60.0 });
    let taken = reading.read(at(90), at(130)).await.unwrap();
    assert_eq!(taken.candidate, Amount::Events { events: 250, seconds: 60.0 });
    let asked = &server.asked()[0];
    assert_eq!(asked.header("x-amz-target"), "GraniteServiceVersion20100801.GetMetricData");
    let authorization = asked.header("authorization");
    assert!(authorization.starts_with("AWS4-HMAC-SHA256 Credential=me/2"), "{authorization}");
    assert!(authorization.contains(
        "/eu-west-1/monitoring/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-target, "
    ));

    let server = Canned::saying(200, answer("PartialData")).await;
    let metric = MetricSource::CloudWatch(source(&server, Some("eu-west-1"), "PAIR", &queries));
    let why = open(ask(MetricKind::Rate, metric)).unwrap().read(at(0), at(90)).await.unwrap_err().why;
    assert!(why.contains("in part only: PartialData"), "{why}");
}

#[tokio::test]
async fn influxdb_gives_one_number_of_the_stretch() {
    let body = r#"{"results":[{"statement_id":0,"series":[{"name":"requests","columns":["time","sum"],"values":[[1795424400000,42]]}]}]}"#;
    let server = Canned::saying(200, body).await;
    let query = "SELECT sum(n) FROM requests WHERE version = '{{version}}' AND time >= '{{from}}' AND time < '{{until}}'";
    let metric = MetricSource::InfluxDb(source(&server, Some("shop"), "TOKEN", &[("events", query)]));
    let taken = open(ask(MetricKind::Rate, metric)).unwrap().read(at(0), at(10)).await.unwrap();
    assert_eq!(taken.candidate, Amount::Events { events: 42, seconds: 10.0 });
    let asked = &server.asked()[0];
    assert!(asked.header("authorization") == "Token s3cret" && asked.body.starts_with("db=shop&q=SELECT"));
    assert!(asked.body.contains("2026-11-23T09%3A00%3A00.000Z"), "{}", asked.body);
}

#[tokio::test]
async fn what_vendors_refuse_is_told_with_their_words() {
    type Make = fn(VendorSource) -> MetricSource;
    let query = "a {{version}} {{from}} {{until}}";
    let cases: [(Make, u16, &str, &str); 8] = [
        (MetricSource::Datadog, 403, r#"{"errors":["Forbidden"]}"#, "Forbidden"),
        (MetricSource::Datadog, 200, r#"{"status":"error","error":"bad query"}"#, "bad query"),
        (MetricSource::NewRelic, 200, r#"{"errors":[{"message":"NRQL Syntax Error"}]}"#, "NRQL Syntax"),
        (MetricSource::NewRelic, 200, r#"{"data":{"actor":{"account":null}}}"#, "without results"),
        (
            MetricSource::CloudWatch,
            400,
            r#"{"__type":"InvalidParameterValue","message":"no such"}"#,
            "no such",
        ),
        (MetricSource::InfluxDb, 400, r#"{"error":"error parsing query"}"#, "error parsing"),
        (
            MetricSource::InfluxDb,
            200,
            r#"{"results":[{"statement_id":0,"error":"database not found"}]}"#,
            "not found",
        ),
        (MetricSource::InfluxDb, 200, "5", "cannot be understood"),
    ];
    for (make, status, body, word) in cases {
        let server = Canned::saying(status, body).await;
        let metric = make(source(&server, Some("7"), "PAIR", &[("events", query)]));
        let why = open(ask(MetricKind::Rate, metric)).unwrap().read(at(0), at(9)).await.unwrap_err().why;
        assert!(why.contains(word) && !why.contains("s3cret"), "{why}");
    }
}

#[tokio::test]
async fn what_could_not_tell_versions_apart_is_not_opened() {
    let server = Canned::saying(200, "{}").await;
    let metric = MetricSource::Datadog(source(&server, None, "PAIR", &[("events", "sum:requests{*}")]));
    let Err(trouble) = open(ask(MetricKind::Rate, metric)) else { panic!("it was opened") };
    assert!(trouble.why.contains("{{version}}"), "{}", trouble.why);
    let metric = MetricSource::InfluxDb(source(&server, Some("a"), "PAIR", &[("events", "{{version}}")]));
    let Err(trouble) = open(ask(MetricKind::Rate, metric)) else { panic!("it was opened") };
    assert!(trouble.why.contains("{{from}}"), "{}", trouble.why);
    assert_eq!(at(0).after(Span::from_secs(9)), at(9));
}
