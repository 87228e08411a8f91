//! What was measured for a check since the last look, whoever measured it.

use sluice_stats::Trials;

use crate::document::metric::Worse;
use crate::document::policy::CheckUnit;
use crate::release::Look;
use crate::release::plan::{BadResponses, Check, Measure};
use crate::release::reading::{Amount, Reading};
use crate::{Counts, Timestamp};

/// Hands over what was measured, oldest first: when, of stable, of the candidate.
pub(super) fn each(
    check: &Check,
    seen: Look<'_>,
    reading: Option<&Reading>,
    now: Timestamp,
    mut take: impl FnMut(Timestamp, Amount, Amount),
) {
    let is_own = !check.is_read();
    match &check.measure {
        Measure::Responses(bad) if is_own => {
            take(now, Amount::Trials(bad.count(seen.stable)), Amount::Trials(bad.count(seen.candidate)))
        }
        Measure::Latency if is_own => take(
            now,
            Amount::Values(seen.stable.latency.clone()),
            Amount::Values(seen.candidate.latency.clone()),
        ),
        Measure::Requests if is_own => take(now, requests(seen.stable), requests(seen.candidate)),
        Measure::Ready => {}
        Measure::Responses(_) | Measure::Latency | Measure::Requests | Measure::Outside(_) => {
            let is_good_counted = is_good_counted(&check.measure);
            for taken in reading.into_iter().flat_map(|reading| &reading.taken) {
                let bad = |amount: &Amount| match amount {
                    Amount::Trials(Trials { n, k }) if is_good_counted => {
                        Amount::Trials(Trials::new(*n, n.saturating_sub(*k)))
                    }
                    amount => amount.clone(),
                };
                take(taken.until, bad(&taken.stable), bad(&taken.candidate));
            }
        }
    }
}

/// Whether what is given as bad is in truth what is good: a ratio of which less is worse.
pub(super) fn is_good_counted(measure: &Measure) -> bool {
    matches!(measure, Measure::Outside(metric) if metric.worse == Worse::Lower)
}

fn requests(counts: &Counts) -> Amount {
    Amount::Events { events: counts.requests, seconds: 0.0 }
}

impl BadResponses {
    /// How many responses were judged, and how many of them were bad; by `unit: user`, how many visitors had a bad one.
    pub fn count(&self, counts: &Counts) -> Trials {
        let n = counts.judged();
        let matching = match self.unit {
            CheckUnit::Request => {
                self.classes.iter().fold(0_u64, |sum, class| sum.saturating_add(counts.of(*class)))
            }
            CheckUnit::User => counts.failed_visitors,
        }
        .min(n);
        Trials::new(n, if self.is_inverted { n - matching } else { matching })
    }
}
