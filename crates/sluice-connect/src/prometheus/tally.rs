//! What came, gathered into an amount.

use std::collections::BTreeMap;

use sluice_core::document::metric::MetricKind;
use sluice_core::release::Amount;
use sluice_core::stats::{Histogram, Trials};
use sluice_engine::port::source::Trouble;

use super::buckets::Grown;
use super::tracker::Came;
use crate::figures::bucket;

const GOOD: u16 = 0;
const BAD: u16 = 1;
/// What differences of large numbers lose: `0.3 - 0.2 + 0.9` is a whole number.
const LOST: f64 = 1e-6;
/// Above this, not every whole number is exact any more: 2^53.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;

/// Counts that were gathered and not yet given. Counters may hold fractions; what is left over of one stretch is given
/// with the next, so that nothing is lost by rounding.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    /// Of good and bad ones, or by the histogram's buckets.
    waiting: BTreeMap<u16, f64>,
}

impl Tally {
    /// Adds what came; bounds of buckets are multiplied with `scale`.
    ///
    /// # Errors
    /// When it cannot be counted: values below zero.
    pub(crate) fn add(&mut self, came: &Came<'_>, scale: f64) -> Result<(), Trouble> {
        match came.grown {
            Grown::Plain(count) => self.wait(if came.is_bad { BAD } else { GOOD }, *count),
            Grown::Buckets(buckets) => {
                for of in buckets.iter().filter(|of| of.count > 0.0) {
                    self.wait(bucket(of.value * scale)?, of.count);
                }
            }
        }
        Ok(())
    }

    fn wait(&mut self, place: u16, count: f64) {
        if count > 0.0 {
            *self.waiting.entry(place).or_default() += count;
        }
    }

    fn take(&mut self, place: u16) -> u64 {
        let Some(count) = self.waiting.get_mut(&place) else { return 0 };
        let whole = (*count + LOST).floor().min(EXACT_MAX);
        *count = (*count - whole).max(0.0);
        whole as u64
    }

    /// Gives what was gathered in `seconds`, as a kind of metric counts it. Nothing when no time went by for which
    /// anything is known: what is there then waits for the next time.
    pub(crate) fn give(&mut self, kind: MetricKind, seconds: f64) -> Amount {
        if seconds <= 0.0 {
            return Amount::Nothing;
        }
        match kind {
            MetricKind::Ratio => {
                let (good, bad) = (self.take(GOOD), self.take(BAD));
                Amount::Trials(Trials { n: good.saturating_add(bad), k: bad })
            }
            MetricKind::Rate | MetricKind::Gauge => {
                Amount::Events { events: self.take(GOOD).saturating_add(self.take(BAD)), seconds }
            }
            MetricKind::Distribution | MetricKind::Mean => {
                let mut histogram = Histogram::default();
                for place in self.waiting.keys().copied().collect::<Vec<_>>() {
                    histogram.add(place, self.take(place));
                }
                self.waiting.retain(|_, count| *count > 0.0);
                Amount::Values(histogram)
            }
        }
    }
}
