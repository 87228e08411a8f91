//! What the cases record and ask.

use std::sync::Arc;

use sluice_core::{Counts, ServiceKey, Span, Timestamp, VersionName};
use sluice_engine::port::History;
use sluice_engine::port::history::{HistoryQuery, Measured, Sample, Series, What};

use crate::Random;

pub(super) type AnyHistory = Arc<dyn History>;

pub(super) const SECOND: Span = Span::from_secs(1);
pub(super) const MINUTE: Span = Span::from_secs(60);
pub(super) const HOUR: Span = Span::from_secs(3600);
pub(super) const DAY: Span = Span::from_secs(24 * 3600);

/// A whole hour on a Monday.
pub(super) const START: Timestamp = Timestamp::from_millis(1_795_424_400_000);

pub(super) fn service(name: &str) -> ServiceKey {
    ServiceKey { environment: "production".parse().expect("a name"), name: name.parse().expect("a name") }
}

pub(super) fn version(name: &str) -> VersionName {
    name.parse().expect("a version")
}

pub(super) fn traffic(version: &str) -> Series {
    Series { service: service("shop"), version: Some(self::version(version)), what: What::Traffic }
}

pub(super) fn second(series: &Series, at: Timestamp, counts: Counts) -> Sample {
    Sample { series: series.clone(), at, span: SECOND, measured: Measured::Counts(Box::new(counts)) }
}

/// Counts that differ from all others.
pub(super) fn drawn(random: &mut Random) -> Counts {
    let mut counts = Counts {
        responses: std::array::from_fn(|_| random.below(50)),
        resets: random.below(3),
        cancelled: random.below(3),
        failed_visitors: random.below(5),
        new_visitors: random.below(20),
        ..Counts::default()
    };
    counts.requests = counts.responses.iter().sum::<u64>() + counts.resets + counts.cancelled;
    for _ in 0..random.below(60) {
        counts.latency.record(1_000 + random.below(2_000_000));
    }
    counts
}

/// All of a service from a time until another, as fine as it is known.
pub(super) fn all(from: Timestamp, until: Timestamp) -> HistoryQuery {
    HistoryQuery { service: service("shop"), version: None, what: None, from, until, step: SECOND }
}

pub(super) async fn record(history: &AnyHistory, samples: Vec<Sample>) {
    history.record(samples).await.expect("the history records");
}

pub(super) async fn read(history: &AnyHistory, query: HistoryQuery) -> Vec<Sample> {
    history.read(query).await.expect("the history reads")
}

pub(super) async fn tidy(history: &AnyHistory, now: Timestamp) {
    history.tidy(now).await.expect("the history tidies");
}

pub(super) fn counts(sample: &Sample) -> &Counts {
    match &sample.measured {
        Measured::Counts(counts) => counts,
        other => panic!("{other:?} are no counts"),
    }
}

/// Everything together.
pub(super) fn total<'a>(samples: impl IntoIterator<Item = &'a Sample>) -> Counts {
    let mut total = Counts::default();
    samples.into_iter().for_each(|sample| total.merge(counts(sample)));
    total
}
