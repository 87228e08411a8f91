//! Addresses that answer JSON.

use std::sync::Mutex;

use sluice_core::document::metric::{JsonSource, MetricKind, MetricSource};
use sluice_core::document::policy::SecretSource;
use sluice_core::release::Amount;
use sluice_core::stats::Trials;

use crate::canned::Canned;
use crate::{ask, now, open, trials};

fn source(url: String, pointers: &[(&str, &str)], cumulative: bool) -> JsonSource {
    let pointers =
        pointers.iter().map(|(name, pointer)| ((*name).to_owned(), (*pointer).to_owned())).collect();
    JsonSource { url, secret: Some(SecretSource::Env("TOKEN".to_owned())), pointers, cumulative }
}

const ORDERS: [(&str, &str); 2] = [("total", "/orders/all"), ("bad", "/orders/failed")];

#[tokio::test]
async fn numbers_that_only_grow_are_told_as_differences() {
    let calls = Mutex::new(0);
    let server = Canned::start(move |_| {
        let mut calls = calls.lock().unwrap();
        *calls += 1;
        // Two a read: 100 of 5, then 130 of 8, then begun anew at 7 of 1.
        let (all, failed) = [(100, 5), (130, 8), (7, 1)][(*calls - 1) / 2];
        (200, Vec::new(), format!(r#"{{"orders":{{"all":{all},"failed":{failed}}}}}"#))
    })
    .await;
    let metric = MetricSource::Json(source(format!("{}/stats?v={{{{version}}}}", server.url), &ORDERS, true));
    let mut source = open(ask(MetricKind::Ratio, metric)).unwrap();
    assert_eq!(source.read(now(), now()).await.unwrap().candidate, Amount::Nothing);
    assert_eq!(trials(&source.read(now(), now()).await.unwrap().candidate), Trials { n: 30, k: 3 });
    assert_eq!(trials(&source.read(now(), now()).await.unwrap().stable), Trials { n: 7, k: 1 });
    let asked = server.asked();
    assert!(asked[0].uri == "/stats?v=2.0" && asked[1].uri == "/stats?v=1.0");
    assert_eq!(asked[0].header("authorization"), "Bearer s3cret");
}

#[tokio::test]
async fn values_of_a_stretch_are_counted() {
    let server = Canned::saying(200, r#"{"worth":[10.5,20,10.5],"n":[1,2,1]}"#).await;
    let url = format!("{}/{{{{version}}}}?a={{{{from}}}}&b={{{{until}}}}", server.url);
    let metric = MetricSource::Json(source(url, &[("value", "/worth"), ("count", "/n")], false));
    let taken = open(ask(MetricKind::Mean, metric)).unwrap().read(now(), now()).await.unwrap();
    let Amount::Values(histogram) = taken.candidate else { panic!("no values") };
    assert_eq!(histogram.iter().map(|(_, count)| count).collect::<Vec<_>>(), [2, 2]);
}

#[tokio::test]
async fn what_makes_no_sense_is_named() {
    for (body, word) in [
        (r#"{"orders":{"all":1,"failed":2}}"#, "more than `total`"),
        (r#"{"orders":{"all":-1,"failed":0}}"#, "below zero"),
        (r#"{"orders":{"all":5}}"#, "there is nothing"),
        (r#"{"orders":{"all":"5","failed":0}}"#, "there is no number"),
        (r#"{"orders":{"all":[5,6],"failed":0}}"#, "a list of 2"),
        ("5", "there is nothing"),
        ("<html>", "cannot be understood"),
    ] {
        let server = Canned::saying(200, body).await;
        let url = format!("{}/{{{{version}}}}", server.url);
        let mut source =
            open(ask(MetricKind::Ratio, MetricSource::Json(source(url, &ORDERS, true)))).unwrap();
        let why = source.read(now(), now()).await.unwrap_err().why;
        assert!(why.contains(word), "{why}");
    }
    for (url, cumulative, word) in
        [("http://a/{{version}}", false, "{{from}}"), ("http://a/", true, "{{version}}")]
    {
        let metric = MetricSource::Json(source(url.to_owned(), &ORDERS, cumulative));
        let Err(trouble) = open(ask(MetricKind::Ratio, metric)) else { panic!("{url} was opened") };
        assert!(trouble.why.contains(word), "{}", trouble.why);
    }
}
