//! Servers with the HTTP API of Prometheus: also VictoriaMetrics, Thanos, Mimir.
//!
//! Counters and histograms are read as raw samples with their own times, over the stretch since the last read and a
//! minute more: so resets between reads are seen, nothing is made up between samples, and how old the newest data are is
//! known. `query_range` serves only the past of gauges, which are queries.

mod answer;
mod ask;
mod buckets;
mod counting;
mod number;
mod samples;
mod selector;
mod tally;
mod tracker;

use std::sync::Arc;

use sluice_core::document::metric::{MetricKind, PrometheusSource};
use sluice_engine::port::source::{Ask, Source, Trouble, Versions};

use self::ask::Server;
use self::counting::Counting;
use self::number::Numbers;
use crate::template::names;
use crate::web::{Web, check_address, trouble};

/// Prepares to read.
///
/// # Errors
/// When the source names not exactly one thing to ask, or one that does not fit the metric's kind, or nobody to ask.
pub(crate) fn open(
    web: &Arc<Web>,
    default_url: Option<&str>,
    ask: &Ask,
    source: &PrometheusSource,
) -> Result<Box<dyn Source>, Trouble> {
    let url = source.url.as_deref().or(default_url).ok_or_else(|| {
        trouble("nobody said where Prometheus is: write `url` into the metric's source, or tell the server")
    })?;
    check_address(url)?;
    if url.contains(['?', '#']) {
        return Err(trouble("the address of Prometheus ends before `/api/v1`; it has no `?` and no `#`"));
    }
    let server = Server::new(Arc::clone(web), url, source.secret.clone(), ask.read.timeout);
    match (&source.counter, &source.histogram, &source.query) {
        (Some(counter), None, None) => Ok(Box::new(Counting::counter(server, ask, source, counter)?)),
        (None, Some(histogram), None) => Ok(Box::new(Counting::histogram(server, ask, source, histogram)?)),
        (None, None, Some(query)) => Ok(Box::new(Numbers::new(server, ask, source, query)?)),
        _ => Err(trouble("the source needs exactly one of `counter`, `histogram` and `query`")),
    }
}

/// How many arms are asked. Where the two versions would be asked the same, only the candidate is: a comparison of
/// something with itself would always pass.
pub(crate) fn arms_of<'a>(
    ask: &Ask,
    mut texts: impl Iterator<Item = &'a String>,
) -> Vec<Option<sluice_core::VersionName>> {
    match &ask.versions {
        Versions::Two { stable, candidate } if texts.any(|text| names(text, "version")) => {
            vec![Some(candidate.clone()), Some(stable.clone())]
        }
        Versions::Two { candidate, .. } => vec![Some(candidate.clone())],
        Versions::All => vec![None],
    }
}

/// Reads any bytes as an answer of `query`, in all ways in which answers are read, and gives back how many series made
/// sense as counters or histograms. For whoever wants to see that no bytes do harm.
pub fn read_prometheus_answer(bytes: &[u8]) -> usize {
    let answer = || serde_json::from_slice::<answer::Answer>(bytes).ok();
    let Some(number) = answer() else { return 0 };
    drop(number.into_number());
    let series = || answer().and_then(|answer| answer.into_series().ok()).unwrap_or_default();
    let seen = [
        samples::counters(series(), None),
        samples::natives(series()),
        samples::classics(series(), &mut None),
    ];
    let mut tally = tally::Tally::default();
    let mut found = 0;
    for seen in seen.into_iter().flatten() {
        found += seen.len();
        let (first, rest) = seen.split_at(seen.len() / 2);
        let mut tracker = tracker::Tracker::begin(first, std::collections::BTreeSet::new());
        // What cannot be counted is named, and of no interest here.
        drop(tracker.fold([rest, first].concat(), |came| drop(tally.add(&came, 1000.0))));
        tracker.stale(i64::MAX / 2);
    }
    for kind in [MetricKind::Ratio, MetricKind::Rate, MetricKind::Distribution] {
        tally.clone().give(kind, 1.0);
    }
    found
}
