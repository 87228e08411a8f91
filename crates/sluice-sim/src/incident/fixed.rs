//! Fixed thresholds with a limit of failed looks, as other controllers have them.

use std::collections::VecDeque;
use std::sync::Arc;

use sluice_core::bucket::Bucket;
use sluice_core::{Counts, Span, Weight};

use super::{Ending, LOOKED_AT};
use crate::rehearsal::crowd::{CANDIDATE, Crowd, Placed};
use crate::rehearsal::{Fault, Recording};

/// Thresholds as the documentation of a controller has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Thresholds {
    /// As in Flagger's documentation: each minute, at least 99 % of the candidate's requests of that minute must have
    /// succeeded and its p99 be at most 500 ms; then it gets 5 % more, and everyone after 50 %. The tenth look that fails,
    /// or finds no request, takes everyone back.
    EveryMinute,
    /// As in Argo Rollouts' documentation: 20, 40, 60, 80 % for ten minutes each; each five minutes, at least 95 % of
    /// the candidate's requests of these must have succeeded. The fourth look that fails takes everyone back.
    EveryFiveMinutes,
}

impl Thresholds {
    fn every(self) -> usize {
        match self {
            Thresholds::EveryMinute => 60,
            Thresholds::EveryFiveMinutes => 300,
        }
    }

    fn is_well(self, seen: &Counts) -> bool {
        let succeeded = 1.0 - seen.failed() as f64 / seen.requests.max(1) as f64;
        match self {
            Thresholds::EveryMinute => {
                let p99 = seen.latency.quantile(0.99).unwrap_or(0);
                seen.requests > 0 && succeeded >= 0.99 && p99 <= 500_000
            }
            Thresholds::EveryFiveMinutes => seen.requests == 0 || succeeded >= 0.95,
        }
    }

    fn failures_max(self) -> u32 {
        match self {
            Thresholds::EveryMinute => 10,
            Thresholds::EveryFiveMinutes => 4,
        }
    }
}

/// Releases a version once.
pub(super) fn release(
    recording: &Arc<Recording>,
    fault: Option<Fault>,
    thresholds: Thresholds,
    seed: u64,
) -> Ending {
    let mut crowd = Crowd::new(Arc::clone(recording), fault, 0, seed);
    let (mut percent, mut failures, mut is_back) = (0_u32, 0, false);
    let mut seen: VecDeque<Counts> = VecDeque::new();
    for second in 0..LOOKED_AT.as_millis() / 1000 {
        let is_under_way = !is_back && percent < 100;
        if second.is_multiple_of(60) && is_under_way {
            let minute = second / 60;
            let is_due = second > 0 && second.is_multiple_of(thresholds.every() as u64);
            let mut total = Counts::default();
            seen.iter().for_each(|counts| total.merge(counts));
            let is_failing = is_due && percent > 0 && !thresholds.is_well(&total);
            failures += u32::from(is_failing);
            let next = match thresholds {
                _ if failures >= thresholds.failures_max() => {
                    is_back = true;
                    0
                }
                Thresholds::EveryMinute if is_failing => percent,
                Thresholds::EveryMinute if percent == 50 => 100,
                Thresholds::EveryMinute => percent + 5,
                Thresholds::EveryFiveMinutes => (20 * (minute / 10 + 1)).min(100) as u32,
            };
            if next != percent {
                percent = next;
                place(&mut crowd, percent);
            }
        }
        let outcome = crowd.play();
        seen.push_back(outcome.of[CANDIDATE].clone());
        if seen.len() > thresholds.every() {
            seen.pop_front();
        }
    }
    let harm = crowd.harm;
    Ending {
        is_back,
        is_paused: false,
        return_took: harm
            .onset
            .zip(harm.back)
            .filter(|_| is_back)
            .map(|(onset, back)| Span::from_secs(back - onset)),
        harmed: harm.failed + harm.slowed,
    }
}

fn place(crowd: &mut Crowd, percent: u32) {
    let weight = Weight::from_percent(f64::from(percent)).unwrap_or(Weight::FULL);
    crowd.place(Box::new(move |unit| Placed {
        is_candidate: Bucket::of("thresholds", unit).is_within(weight),
        by_lot: true,
    }));
}
