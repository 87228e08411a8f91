//! Sources of metrics, against the programs themselves where they can be had, and against recorded answers where not.

#![expect(clippy::unwrap_used, reason = "in tests, a panic is how a failure is told")]

mod canned;
mod exporter;
mod garbage;
mod json;
mod prometheus;
mod prometheus_answers;
mod server;
mod vendors;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sluice_connect::{OutsideSources, SourceOptions};
use sluice_core::document::metric::{MetricKind, MetricSource, ReadSpec, Worse};
use sluice_core::release::{Amount, Taken};
use sluice_core::stats::Trials;
use sluice_core::{ServiceKey, Timestamp};
use sluice_engine::port::Sources as _;
use sluice_engine::port::source::{Ask, Source, Trouble, Versions};

/// Far longer than anything takes; only so that a test that hangs says so.
const DEADLINE: Duration = Duration::from_secs(90);

fn sources() -> OutsideSources {
    let read_variable = |name: &str| match name {
        "TOKEN" => Some("s3cret".into()),
        "PAIR" => Some("me:s3cret".into()),
        _ => None,
    };
    let options = SourceOptions {
        read_variable: Box::new(read_variable),
        extra_roots: Vec::new(),
        prometheus_url: None,
    };
    OutsideSources::new(options).unwrap()
}

/// A question about versions 1.0 (stable) and 2.0 (candidate) of `production/shop`.
fn ask(kind: MetricKind, source: MetricSource) -> Ask {
    let service = ServiceKey { environment: "production".parse().unwrap(), name: "shop".parse().unwrap() };
    let versions = Versions::Two { stable: "1.0".parse().unwrap(), candidate: "2.0".parse().unwrap() };
    Ask {
        metric: "m".parse().unwrap(),
        kind,
        unit: None,
        worse: Worse::Higher,
        source,
        read: ReadSpec::default(),
        service,
        versions,
    }
}

fn open(ask: Ask) -> Result<Box<dyn Source>, Trouble> {
    sources().open(ask)
}

fn now() -> Timestamp {
    let millis = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
    Timestamp::from_millis(i64::try_from(millis).unwrap())
}

fn trials(amount: &Amount) -> Trials {
    match amount {
        Amount::Trials(trials) => *trials,
        Amount::Nothing => Trials::default(),
        other => panic!("no trials: {other:?}"),
    }
}

/// Reads from one moment to the next, and keeps all that was given.
struct Reading {
    source: Box<dyn Source>,
    from: Timestamp,
    stable: Amount,
    candidate: Amount,
}

impl Reading {
    async fn begin(mut source: Box<dyn Source>) -> Reading {
        let at = now();
        let first = source.read(at, at).await.unwrap();
        assert_eq!(first, Taken { until: at, stable: Amount::Nothing, candidate: Amount::Nothing });
        Reading { source, from: at, stable: Amount::Nothing, candidate: Amount::Nothing }
    }

    async fn go_on(&mut self) {
        let until = now();
        let taken = self.source.read(self.from, until).await.unwrap();
        self.from = until;
        self.stable.merge(&taken.stable);
        self.candidate.merge(&taken.candidate);
    }
}
