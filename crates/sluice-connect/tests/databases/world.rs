//! Somebody who asks a database.

use std::ffi::OsString;

use sluice_connect::{OutsideSources, SourceOptions};
use sluice_core::document::metric::{MetricKind, MetricSource, ReadSpec, SqlSource, Worse};
use sluice_core::document::policy::SecretSource;
use sluice_core::release::{Amount, Taken};
use sluice_core::stats::Trials;
use sluice_core::{ServiceKey, Span, Timestamp};
use sluice_engine::port::Sources as _;
use sluice_engine::port::source::{Ask, Source, Trouble, Versions};

/// The password that every server here wants. With what addresses and texts must not be changed by.
pub(crate) const PASSWORD: &str = "s3cr3t' @:/%?";

/// A question about orders.
pub(crate) struct Question<'a> {
    pub(crate) kind: MetricKind,
    pub(crate) url: &'a str,
    pub(crate) query: &'a str,
    pub(crate) timeout: Span,
    pub(crate) versions: Versions,
}

pub(crate) fn two() -> Versions {
    Versions::Two { stable: "1.0.0".parse().unwrap(), candidate: "2.0.0".parse().unwrap() }
}

/// A minute in which the orders of [`ORDERS`] are.
pub(crate) fn minute() -> (Timestamp, Timestamp) {
    ("2026-11-23T09:30:00Z".parse().unwrap(), "2026-11-23T09:31:00Z".parse().unwrap())
}

impl<'a> Question<'a> {
    pub(crate) fn new(kind: MetricKind, url: &'a str, query: &'a str) -> Question<'a> {
        Question { kind, url, query, timeout: Span::from_secs(60), versions: two() }
    }

    pub(crate) fn open(&self) -> Result<Box<dyn Source>, Trouble> {
        let variable = |name: &str| (name == "DB_PASSWORD").then(|| OsString::from(PASSWORD));
        let options = SourceOptions {
            read_variable: Box::new(variable),
            extra_roots: Vec::new(),
            prometheus_url: None,
        };
        let secret = (!self.url.starts_with("sqlite")).then(|| SecretSource::Env("DB_PASSWORD".to_owned()));
        OutsideSources::new(options).unwrap().open(Ask {
            metric: "orders".parse().unwrap(),
            kind: self.kind,
            unit: None,
            worse: Worse::Higher,
            source: MetricSource::Sql(SqlSource {
                url: self.url.to_owned(),
                secret,
                query: self.query.to_owned(),
            }),
            read: ReadSpec { timeout: self.timeout, ..ReadSpec::default() },
            service: ServiceKey { environment: "production".parse().unwrap(), name: "shop".parse().unwrap() },
            versions: self.versions.clone(),
        })
    }

    pub(crate) async fn ask(&self) -> Result<Taken, Trouble> {
        let (from, until) = minute();
        self.open()?.read(from, until).await
    }

    pub(crate) async fn why_not(&self) -> String {
        self.ask().await.unwrap_err().why
    }
}

/// Orders of two versions, for every database: when, of which version, what they were worth, and whether they failed.
pub(crate) const ORDERS: &str = "
    INSERT INTO orders (at, version, worth, failed) VALUES
    ('2026-11-23 09:29:59.999', '1.0.0', 1.00, 1),
    ('2026-11-23 09:30:00.000', '1.0.0', 10.00, 0),
    ('2026-11-23 09:30:10.500', '1.0.0', 20.00, 0),
    ('2026-11-23 09:30:20.000', '1.0.0', 30.25, 1),
    ('2026-11-23 09:30:30.000', '2.0.0', 40.50, 1),
    ('2026-11-23 09:30:59.999', '2.0.0', 50.00, 1),
    ('2026-11-23 09:31:00.000', '2.0.0', 60.00, 0)";

/// What all databases must give. `columns` are named by `:from` and `:until` as the database wants them.
pub(crate) async fn check_kinds(url: &str) {
    let ask = async |kind, query: &str| Question::new(kind, url, query).ask().await;
    let within = "version = :version AND at >= :from AND at < :until";

    let query = format!("SELECT count(*) AS total, sum(failed) AS bad FROM orders WHERE {within}");
    let taken = ask(MetricKind::Ratio, &query).await.unwrap();
    assert_eq!(taken.until, minute().1);
    assert_eq!(taken.stable, Amount::Trials(Trials { n: 3, k: 1 }));
    assert_eq!(taken.candidate, Amount::Trials(Trials { n: 2, k: 2 }));

    let taken = ask(MetricKind::Rate, &format!("SELECT count(*) AS events FROM orders WHERE {within};"))
        .await
        .unwrap();
    assert_eq!(taken.stable, Amount::Events { events: 3, seconds: 60.0 });

    let query =
        format!("SELECT worth AS value FROM orders -- :not a name\n WHERE {within} AND ':x' <> 'it''s'");
    for kind in [MetricKind::Distribution, MetricKind::Mean] {
        let taken = ask(kind, &query).await.unwrap();
        let Amount::Values(values) = taken.stable else { panic!("{taken:?}") };
        // The one of 30.25 is the largest, in thousandths.
        let largest = values.quantile(1.0).unwrap();
        assert!(values.count() == 3 && (29_500..31_000).contains(&largest), "{largest}");
    }
    let query = format!("SELECT worth AS value, 7 AS count FROM orders WHERE {within}");
    let taken = ask(MetricKind::Distribution, &query).await.unwrap();
    let Amount::Values(values) = taken.candidate else { panic!("{taken:?}") };
    assert_eq!(values.count(), 14);
    let query = "SELECT worth AS value FROM orders WHERE version = :version AND version = :service";
    assert_eq!(ask(MetricKind::Mean, query).await.unwrap().candidate, Amount::Nothing);

    let taken = ask(MetricKind::Gauge, "SELECT max(worth) AS value FROM orders WHERE version = :version")
        .await
        .unwrap();
    assert_eq!((taken.stable, taken.candidate), (Amount::Gauge(30.25), Amount::Gauge(60.0)));
    let taken = ask(MetricKind::Gauge, "SELECT '12.5' AS value").await.unwrap();
    assert_eq!(taken.candidate, Amount::Gauge(12.5), "a number that is written as a text");
}

/// What no database may pass for a number.
pub(crate) async fn check_troubles(url: &str) {
    let why = async |kind, query: &str| Question::new(kind, url, query).why_not().await;
    let cases = [
        (MetricKind::Ratio, "SELECT 5 AS total, 6 AS bad WHERE :version <> ''", "more than `total`"),
        (MetricKind::Ratio, "SELECT 5 AS total, -1 AS bad WHERE :version <> ''", "below zero"),
        (MetricKind::Ratio, "SELECT 5 AS total WHERE :version <> ''", "no `bad`"),
        (
            MetricKind::Ratio,
            "SELECT 5 AS total, NULL AS bad WHERE :version <> ''",
            "`bad` is NULL; where that means zero",
        ),
        (MetricKind::Rate, "SELECT 5 AS events WHERE :version = ''", "no row, where one is needed"),
        (
            MetricKind::Rate,
            "SELECT 1 AS events FROM orders WHERE :version <> ''",
            "7 rows, where one is needed",
        ),
        (MetricKind::Rate, "SELECT 1 AS events", "both versions would get the same numbers"),
        (MetricKind::Gauge, "SELECT 'many' AS value", "no number"),
        (MetricKind::Gauge, "SELECT 'NaN' AS value", "NaN"),
        (MetricKind::Gauge, "SELECT 1 AS value, 2 AS other", "`other`"),
        (MetricKind::Gauge, "SELECT 1 AS value FROM nowhere", "nowhere"),
        (MetricKind::Gauge, "SELECT :wersion AS value", "`:wersion`"),
        (MetricKind::Gauge, "SELECT 1 AS value; DROP TABLE orders", "one query"),
    ];
    for (kind, query, word) in cases {
        let why = why(kind, query).await;
        assert!(why.contains(word), "{query}: {why}");
    }
    for change in ["DELETE FROM orders", "INSERT INTO orders SELECT * FROM orders"] {
        let why = why(MetricKind::Gauge, change).await;
        assert!(!why.is_empty(), "{change}");
    }
    let many = "SELECT a.worth AS value FROM orders a, orders b, orders c, orders d, orders e, orders f WHERE :version <> ''";
    let why_many = why(MetricKind::Mean, many).await;
    assert!(why_many.contains("more than 100000 rows"), "{why_many}");

    let watched = Question {
        versions: Versions::All,
        ..Question::new(MetricKind::Gauge, url, "SELECT length(:version) AS value")
    };
    let why = watched.why_not().await;
    assert!(why.contains("all versions of a service are watched together"), "{why}");
}

/// The past comes block by block, each on its own.
pub(crate) async fn check_past(url: &str) {
    let query = "SELECT count(*) AS events FROM orders WHERE at >= :from AND at < :until";
    let watched = Question { versions: Versions::All, ..Question::new(MetricKind::Rate, url, query) };
    let (from, until) = minute();
    let past = watched.open().unwrap().past(from, until, Span::from_secs(10)).await.unwrap();
    let events = [1, 1, 1, 1, 0, 1].map(|events| Amount::Events { events, seconds: 10.0 });
    assert_eq!(past, events);
    let taken = watched.ask().await.unwrap();
    assert_eq!(
        (taken.stable, taken.candidate),
        (Amount::Nothing, Amount::Events { events: 5, seconds: 60.0 })
    );
}
