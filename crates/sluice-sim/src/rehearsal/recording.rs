//! What was measured of a service, from which a release is rehearsed.

mod csv;

use std::collections::BTreeMap;
use std::sync::Arc;

use sluice_core::document::service::PathPrefix;
use sluice_core::release::Amount;
use sluice_core::{Counts, Name, Span, Timestamp};
use sluice_engine::port::history::{Measured, Sample, What};

pub use csv::{CsvError, CsvProblem};

use super::shape::Shape;

/// How many requests of one visitor fail at a stretch where that was not measured: one page that is asked for again.
const BUNCH: f64 = 2.0;
/// How many visitors there are for each request a second where that was not measured, and at least and most.
const VISITORS_PER_RATE: f64 = 30.0;
const VISITORS_MIN: u64 = 200;
const VISITORS_MAX: u64 = 5000;

/// What was measured of a service while nothing was released: the past that a candidate is given as its future.
#[derive(Clone, Debug)]
pub struct Recording {
    stretches: Vec<Stretch>,
    /// What share of requests goes to each path that is counted on its own, 0 to 1.
    pub paths: BTreeMap<PathPrefix, f64>,
    /// Metrics that others measure, of all visitors, oldest first.
    pub series: BTreeMap<Name, Vec<Point>>,
    /// How many visitors are there at a time.
    pub visitors: u64,
    /// How many requests of one visitor fail at a stretch, on average; at least 1.
    pub bunch: f64,
    /// Big customers who have trouble of their own now and then, whichever version they meet.
    pub tenants: Vec<Tenant>,
}

/// What was measured over one stretch of time.
#[derive(Clone, Debug, PartialEq)]
pub struct Stretch {
    /// When it began.
    pub at: Timestamp,
    /// How long it was. What was measured over more than a second is spread over its seconds by chance.
    pub span: Span,
    /// Requests.
    pub requests: u64,
    /// How many of them failed.
    pub failed: u64,
    /// How many of them the visitor broke off.
    pub cancelled: u64,
    /// How latencies were spread.
    pub latency: Arc<Shape>,
}

/// A value of a metric that others measure.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// When the stretch began that it was measured over.
    pub at: Timestamp,
    /// How long that was.
    pub span: Span,
    /// What it gave.
    pub amount: Amount,
}

/// A big customer who has trouble of their own now and then: a broken integration that fails whatever it asks.
#[derive(Clone, Debug, PartialEq)]
pub struct Tenant {
    /// What share of all requests is theirs, 0 to 1.
    pub share: f64,
    /// What share of those fails in bad times, 0 to 1.
    pub failing: f64,
    /// After what time the first bad time comes.
    pub after: Span,
    /// How long it lasts.
    pub lasts: Span,
    /// How often it comes.
    pub every: Span,
}

/// Why nothing can be rehearsed with what was measured.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordingError {
    /// There is nothing in it.
    #[error("the recording holds no requests, so there is nothing to rehearse with")]
    Empty,
    /// More requests failed than there were.
    #[error(
        "at {at}, {failed} requests failed and {cancelled} were cancelled of {requests} in all; a part cannot be larger than the whole"
    )]
    MoreThanAll {
        /// When.
        at: Timestamp,
        /// Requests.
        requests: u64,
        /// Failed ones.
        failed: u64,
        /// Cancelled ones.
        cancelled: u64,
    },
    /// Two stretches overlap.
    #[error("the stretch that begins at {at} overlaps the one before it")]
    Overlap {
        /// When the later one begins.
        at: Timestamp,
    },
}

impl Recording {
    /// From stretches in any order.
    ///
    /// # Errors
    /// [`RecordingError`] when there is nothing in them or they contradict themselves.
    pub fn new(mut stretches: Vec<Stretch>) -> Result<Recording, RecordingError> {
        stretches.sort_by_key(|stretch| stretch.at);
        for stretch in &stretches {
            let Stretch { at, requests, failed, cancelled, .. } = *stretch;
            if failed.saturating_add(cancelled) > requests {
                return Err(RecordingError::MoreThanAll { at, requests, failed, cancelled });
            }
        }
        for pair in stretches.windows(2) {
            if pair[1].at < pair[0].at.after(pair[0].span) {
                return Err(RecordingError::Overlap { at: pair[1].at });
            }
        }
        let requests: u64 = stretches.iter().map(|stretch| stretch.requests).sum();
        let millis: u64 = stretches.iter().map(|stretch| stretch.span.as_millis()).sum();
        if requests == 0 || millis == 0 {
            return Err(RecordingError::Empty);
        }
        let rate = requests as f64 * 1000.0 / millis as f64;
        let visitors = ((rate * VISITORS_PER_RATE) as u64).clamp(VISITORS_MIN, VISITORS_MAX);
        Ok(Recording {
            stretches,
            paths: BTreeMap::new(),
            series: BTreeMap::new(),
            visitors,
            bunch: BUNCH,
            tenants: Vec::new(),
        })
    }

    /// From what the store has kept, or another has measured and was put into its form. Samples of several versions over
    /// the same stretch are added up.
    ///
    /// # Errors
    /// As [`Recording::new`].
    pub fn from_samples(samples: &[Sample]) -> Result<Recording, RecordingError> {
        let mut traffic: BTreeMap<Timestamp, (Span, Counts)> = BTreeMap::new();
        let mut by_path: BTreeMap<String, u64> = BTreeMap::new();
        let mut series: BTreeMap<Name, Vec<Point>> = BTreeMap::new();
        for sample in samples {
            match (&sample.series.what, &sample.measured) {
                (What::Traffic, Measured::Counts(counts)) => {
                    let (span, sum) = traffic.entry(sample.at).or_default();
                    *span = sample.span.max(*span);
                    sum.merge(counts);
                }
                (What::Path(path), Measured::Counts(counts)) => {
                    *by_path.entry(path.clone()).or_default() += counts.requests;
                }
                (What::Metric(name), Measured::Amount(amount)) => {
                    let point = Point { at: sample.at, span: sample.span, amount: amount.clone() };
                    series.entry(name.clone()).or_default().push(point);
                }
                _ => {}
            }
        }
        let mut all = Counts::default();
        traffic.values().for_each(|(_, counts)| all.merge(counts));
        let usual = Arc::new(Shape::of(&all.latency).or_else(|| Shape::with_quantiles(&[(0.5, 100.0)])));
        let usual = usual.as_ref().clone().ok_or(RecordingError::Empty).map(Arc::new)?;
        let stretch = |(at, (span, counts)): (Timestamp, (Span, Counts))| Stretch {
            at,
            span,
            requests: counts.requests,
            failed: counts.failed(),
            cancelled: counts.cancelled,
            latency: Shape::of(&counts.latency).map_or_else(|| Arc::clone(&usual), Arc::new),
        };
        let mut recording = Recording::new(traffic.into_iter().map(stretch).collect())?;
        if all.failed_visitors > 0 {
            recording.bunch = (all.failed() as f64 / all.failed_visitors as f64).clamp(1.0, 50.0);
        }
        let share = |requests: u64| (requests as f64 / all.requests as f64).min(1.0);
        recording.paths = by_path
            .into_iter()
            .filter_map(|(path, requests)| Some((path.parse().ok()?, share(requests))))
            .collect();
        series.values_mut().for_each(|points| points.sort_by_key(|point| point.at));
        recording.series = series;
        Ok(recording)
    }

    /// When it begins.
    pub fn start(&self) -> Timestamp {
        self.stretches[0].at
    }

    /// How long it is, gaps included, in whole seconds; at least one.
    pub fn seconds(&self) -> u64 {
        let last = &self.stretches[self.stretches.len() - 1];
        (last.at.after(last.span).since(self.start()).as_millis() / 1000).max(1)
    }

    /// What was measured in the second that begins `second` seconds after the start. Beyond its end, a recording begins
    /// anew. None in a gap.
    pub(super) fn at(&self, second: u64) -> Option<&Stretch> {
        let at = self.time_of(second);
        let after = self.stretches.partition_point(|stretch| stretch.at <= at);
        let stretch = &self.stretches[after.checked_sub(1)?];
        (at < stretch.at.after(stretch.span)).then_some(stretch)
    }

    /// What others measured of a metric in that second.
    pub(super) fn point(&self, name: &Name, second: u64) -> Option<&Point> {
        let points = self.series.get(name)?;
        let at = self.time_of(second);
        let after = points.partition_point(|point| point.at <= at);
        let point = &points[after.checked_sub(1)?];
        (at < point.at.after(point.span)).then_some(point)
    }

    fn time_of(&self, second: u64) -> Timestamp {
        self.start().after(Span::from_secs(second % self.seconds()))
    }
}

#[cfg(test)]
mod tests {
    use sluice_core::ServiceKey;
    use sluice_engine::port::history::Series;

    use super::*;

    fn stretch(at: i64, requests: u64, failed: u64) -> Stretch {
        Stretch {
            at: Timestamp::from_millis(at * 1000),
            span: Span::from_secs(10),
            requests,
            failed,
            cancelled: 0,
            latency: Arc::new(Shape::with_quantiles(&[(0.5, 50.0)]).unwrap()),
        }
    }

    #[test]
    fn a_recording_that_contradicts_itself_is_refused() {
        assert_eq!(Recording::new(vec![]).unwrap_err(), RecordingError::Empty);
        assert_eq!(Recording::new(vec![stretch(0, 0, 0)]).unwrap_err(), RecordingError::Empty);
        let refused = Recording::new(vec![stretch(0, 5, 6)]).unwrap_err();
        assert!(matches!(refused, RecordingError::MoreThanAll { failed: 6, .. }), "{refused}");
        let refused = Recording::new(vec![stretch(0, 5, 0), stretch(9, 5, 0)]).unwrap_err();
        assert!(matches!(refused, RecordingError::Overlap { .. }), "{refused}");
    }

    #[test]
    fn a_recording_begins_anew_at_its_end_and_has_gaps_where_nothing_was_measured() {
        let recording = Recording::new(vec![stretch(100, 5, 0), stretch(120, 7, 0)]).unwrap();
        let requests = |second| recording.at(second).map(|stretch| stretch.requests);
        assert_eq!(recording.seconds(), 30);
        assert_eq!(
            [0, 9, 10, 20, 29, 30, 50].map(requests),
            [Some(5), Some(5), None, Some(7), Some(7), Some(5), Some(7)]
        );
    }

    #[test]
    fn samples_of_several_versions_are_added_up_and_give_paths_and_bunches() {
        let name = |text: &str| -> Name { text.parse().unwrap() };
        let service = ServiceKey { environment: name("production"), name: name("shop") };
        let mut counts = Counts { requests: 50, failed_visitors: 2, ..Counts::default() };
        counts.responses[1] = 44;
        counts.responses[4] = 6;
        let sample = |version: Option<&str>, what| Sample {
            series: Series {
                service: service.clone(),
                version: version.map(|version| version.parse().unwrap()),
                what,
            },
            at: Timestamp::from_millis(5000),
            span: Span::from_secs(10),
            measured: Measured::Counts(Box::new(counts.clone())),
        };
        let samples = [
            sample(Some("1"), What::Traffic),
            sample(Some("2"), What::Traffic),
            sample(Some("1"), What::Path("/pay".to_owned())),
        ];
        let recording = Recording::from_samples(&samples).unwrap();
        assert_eq!(recording.at(0).map(|s| (s.requests, s.failed)), Some((100, 12)));
        assert!((recording.bunch - 3.0).abs() < 1e-9);
        assert_eq!(recording.paths.values().copied().collect::<Vec<_>>(), [0.5]);
    }
}
