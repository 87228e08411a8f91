//! How long history stays how fine, and how finer samples become coarser ones: by adding up, never by averaging.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use sluice_core::{Counts, Span, Timestamp};

use super::{HistoryQuery, Measured, Sample, Series};

/// How long samples are kept as they were recorded, which is by the second: long enough to look into what happened
/// today.
pub const SECONDS_KEPT: Span = Span::from_secs(3 * 60 * 60);
/// How long they are then kept by the minute.
pub const MINUTES_KEPT: Span = Span::from_secs(2 * 24 * 60 * 60);
/// How long they are kept at all, by ten minutes then: five weeks hold every day of the week at least four times.
pub const KEPT: Span = Span::from_secs(5 * 7 * 24 * 60 * 60);
/// What is older than [`SECONDS_KEPT`] is added up over this.
pub const MINUTE: Span = Span::from_secs(60);
/// What is older than [`MINUTES_KEPT`] is added up over this.
pub const TEN_MINUTES: Span = Span::from_secs(600);

/// The beginning of the stretch of this length that a time is in. Stretches are counted from the epoch.
pub fn floor(at: Timestamp, step: Span) -> Timestamp {
    let step = i64::try_from(step.as_millis()).unwrap_or(i64::MAX).max(1);
    Timestamp::from_millis(at.as_millis() - at.as_millis().rem_euclid(step))
}

/// Adds up samples of the same series within each stretch of length `step`. A sample that is as long or longer stays
/// as it is, but is added to one of the same series, beginning and length. Gives them oldest first.
pub fn add_up(samples: impl IntoIterator<Item = Sample>, step: Span) -> Vec<Sample> {
    let mut samples: Vec<Sample> = samples.into_iter().collect();
    // So that of gauges the latest stays.
    samples.sort_by_key(|sample| sample.at);
    let mut sums: BTreeMap<(Timestamp, Series, Span), Measured> = BTreeMap::new();
    for Sample { series, at, span, measured } in samples {
        let (at, span) = if span < step { (floor(at, step), step) } else { (at, span) };
        match sums.entry((at, series, span)) {
            Entry::Vacant(entry) => drop(entry.insert(measured)),
            Entry::Occupied(mut entry) => entry.get_mut().merge(&measured),
        }
    }
    let sample = |((at, series, span), measured)| Sample { series, at, span, measured };
    sums.into_iter().map(sample).collect()
}

impl HistoryQuery {
    /// Whether a sample is asked for.
    pub fn takes(&self, sample: &Sample) -> bool {
        self.service == sample.series.service
            && (self.version.is_none() || self.version == sample.series.version)
            && self.what.as_ref().is_none_or(|what| *what == sample.series.what)
            && self.from <= sample.at
            && sample.at < self.until
    }
}

impl Measured {
    /// Adds what a later stretch of time gave. What does not fit is left out.
    pub fn merge(&mut self, later: &Measured) {
        match (self, later) {
            (Measured::Counts(mine), Measured::Counts(theirs)) => Counts::merge(mine, theirs),
            (Measured::Amount(mine), Measured::Amount(theirs)) => mine.merge(theirs),
            _ => {}
        }
    }
}
