//! What was seen of a check, and what it amounts to.

use serde::{Deserialize, Serialize};
use sluice_stats::interval::{RateInterval, RatioInterval};
use sluice_stats::mean::MeanTest;
use sluice_stats::rate::{self, Events, RateTest};
use sluice_stats::ratio::{self, Margin, RatioTest};
use sluice_stats::{Arms, Histogram, Merge, QuantileTest, Trials, Window, bands, quantile};

use super::bounded::{Recent, gauge, rate_within, ready, sampled, window};
use super::{COMPARED_MIN, measured};
use crate::Timestamp;
use crate::document::metric::Worse;
use crate::document::policy::Tolerance;
use crate::release::account::{Effect, EffectInterval};
use crate::release::check::past::{Before, worse as score_worse};
use crate::release::finding::{Finding, Ground};
use crate::release::plan::{Check, Question};
use crate::release::reading::{Amount, Reading};
use crate::release::{Endpoints, Look};

/// What was seen. Totals beside a test are of the current step: totals over steps of different weights mislead where
/// rates change too (Simpson's paradox).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Evidence {
    Share {
        test: RatioTest,
        kept: Option<ratio::KeptTest>,
        stable: Trials,
        candidate: Trials,
    },
    Latency {
        test: QuantileTest,
        kept: Option<quantile::KeptTest>,
        stable: Histogram,
        candidate: Histogram,
    },
    Frequency {
        test: RateTest,
        kept: Option<rate::KeptTest>,
        stable: Events,
        candidate: Events,
        unsettled: Exposures,
    },
    Mean {
        test: MeanTest,
        stable: Histogram,
        candidate: Histogram,
    },
    Before(Box<Before>),
    Responses {
        window: Window<Trials>,
        recent: Recent<Trials>,
    },
    Times {
        window: Window<Histogram>,
        recent: Recent<Histogram>,
    },
    Arrivals(Window<Trials>),
    Gauge(Option<f64>),
    Ready(Endpoints),
}

/// Requests of each version since the last reading: what events of a rate are counted over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Exposures {
    stable: u64,
    candidate: u64,
}

/// How much worse is tolerated, as the tests have it, where less is worse: then versions swap their places.
fn swapped(tolerate: f64) -> f64 {
    1.0 / (1.0 - tolerate.clamp(0.0, 0.999)) - 1.0
}

/// A tolerance as the tests of shares have it.
pub(super) fn margin(tolerate: Tolerance) -> Margin {
    match tolerate {
        Tolerance::Points(points) => Margin::Absolute(points),
        Tolerance::Relative(relative) => Margin::Relative(relative),
    }
}

fn is_some(tolerate: Tolerance) -> bool {
    !matches!(tolerate, Tolerance::Points(0.0) | Tolerance::Relative(0.0))
}

impl Evidence {
    pub(super) fn new(check: &Check) -> Evidence {
        match &check.question {
            Question::ShareAgainstStable { tolerate, .. } => Evidence::Share {
                test: RatioTest::new(margin(*tolerate)),
                kept: is_some(*tolerate).then(|| ratio::KeptTest::new(margin(*tolerate))),
                stable: Trials::default(),
                candidate: Trials::default(),
            },
            Question::LatencyAgainstStable { quantile, tolerate, .. } => Evidence::Latency {
                test: QuantileTest::cautious(quantile.fraction(), *tolerate),
                kept: (*tolerate > 0.0).then(|| quantile::KeptTest::new(quantile.fraction(), *tolerate)),
                stable: Histogram::default(),
                candidate: Histogram::default(),
            },
            Question::RateAgainstStable { worse, tolerate, .. } => {
                let margin = match worse {
                    Worse::Higher => *tolerate,
                    Worse::Lower => swapped(*tolerate),
                };
                Evidence::Frequency {
                    test: RateTest::new(margin),
                    kept: (margin > 0.0).then(|| rate::KeptTest::new(margin)),
                    stable: Events::default(),
                    candidate: Events::default(),
                    unsettled: Exposures::default(),
                }
            }
            Question::MeanAgainstStable { worse, tolerate, .. } => Evidence::Mean {
                test: MeanTest::new(*tolerate, score_worse(*worse)),
                stable: Histogram::default(),
                candidate: Histogram::default(),
            },
            Question::AgainstBefore { what, tolerate, .. } => {
                Evidence::Before(Box::new(Before::new(*what, *tolerate)))
            }
            Question::Share { bounds } => {
                Evidence::Responses { window: window(bounds), recent: Recent::default() }
            }
            Question::Latency { bounds, .. } | Question::Mean { bounds } => {
                Evidence::Times { window: window(bounds), recent: Recent::default() }
            }
            Question::Rate { bounds } => Evidence::Arrivals(window(bounds)),
            Question::Gauge { .. } => Evidence::Gauge(None),
            Question::Ready { .. } => Evidence::Ready(Endpoints::default()),
        }
    }

    pub(super) fn restart(&mut self) {
        match self {
            // A test that has seen nothing has nothing to begin anew, and each beginning costs a little power.
            Evidence::Share { test, stable, candidate, .. } => {
                if test.totals().candidate.n > 0 {
                    test.restart();
                }
                (*stable, *candidate) = Default::default();
            }
            Evidence::Latency { test, stable, candidate, .. } => {
                if test.totals().candidate > 0 {
                    test.restart();
                }
                (*stable, *candidate) = Default::default();
            }
            Evidence::Frequency { test, stable, candidate, .. } => {
                if candidate.events > 0 {
                    test.restart();
                }
                (*stable, *candidate) = Default::default();
            }
            Evidence::Mean { test, stable, candidate } => {
                if test.totals().candidate > 0 {
                    test.restart();
                }
                (*stable, *candidate) = Default::default();
            }
            Evidence::Before(before) => before.restart(),
            Evidence::Responses { recent, .. } => *recent = Recent::default(),
            Evidence::Times { recent, .. } => *recent = Recent::default(),
            // A window goes on: what bursts in the first seconds of a step is weighed with the minute before.
            Evidence::Arrivals(_) | Evidence::Gauge(_) | Evidence::Ready(_) => {}
        }
    }

    /// Takes in what was measured. `false` when it is not what the check asks for.
    pub(super) fn take(
        &mut self,
        check: &Check,
        seen: Look<'_>,
        reading: Option<&Reading>,
        now: Timestamp,
    ) -> bool {
        match self {
            Evidence::Ready(endpoints) => *endpoints = seen.candidate_endpoints,
            Evidence::Frequency { unsettled, .. } => unsettled.add(seen),
            Evidence::Before(before) => {
                if let Some(past) = reading.and_then(|reading| reading.past.as_ref()) {
                    before.begin(past, measured::is_good_counted(&check.measure));
                }
            }
            _ => {}
        }
        let sample = check.question.bounds().map_or(0, |bounds| bounds.sample);
        let mut fits = true;
        measured::each(check, seen, reading, now, |at, stable, candidate| {
            fits &= self.absorb(at, &stable, &candidate, &check.question, sample);
        });
        fits
    }

    fn absorb(
        &mut self,
        at: Timestamp,
        stable_now: &Amount,
        candidate_now: &Amount,
        question: &Question,
        sample: u64,
    ) -> bool {
        let at = at.as_millis();
        match (self, candidate_now) {
            (Evidence::Before(before), now) => before.add(at, now),
            (Evidence::Gauge(latest), Amount::Gauge(value)) => *latest = Some(*value),
            (Evidence::Gauge(_), Amount::Nothing) => {}
            (Evidence::Responses { window, recent }, now) => {
                let Some(counted) = trials(now) else { return false };
                window.add(at, &counted);
                recent.add(&counted, sample);
            }
            (Evidence::Times { window, recent }, now) => {
                let Some(counted) = values(now) else { return false };
                window.add(at, &counted);
                recent.add(&counted, sample);
            }
            (Evidence::Arrivals(window), now) => {
                let Some(counted) = events(now) else { return false };
                window.add(at, &Trials::new(counted, 0));
            }
            (comparing, now) => return comparing.compare(stable_now, now, question).is_some(),
        }
        true
    }

    /// Takes in what was measured of both versions, for those that compare them. `None` when it is not what they ask for.
    fn compare(&mut self, stable_now: &Amount, candidate_now: &Amount, question: &Question) -> Option<()> {
        match self {
            Evidence::Share { test, kept, stable, candidate } => {
                let (of_stable, of_candidate) = (trials(stable_now)?, trials(candidate_now)?);
                test.update(of_stable, of_candidate);
                if let Some(kept) = kept {
                    kept.update(of_stable, of_candidate);
                }
                stable.merge(&of_stable);
                candidate.merge(&of_candidate);
            }
            Evidence::Latency { test, kept, stable, candidate } => {
                let (of_stable, of_candidate) = (values(stable_now)?, values(candidate_now)?);
                test.update(&of_stable, &of_candidate);
                if let Some(kept) = kept {
                    kept.update(&of_stable, &of_candidate);
                }
                stable.merge(&of_stable);
                candidate.merge(&of_candidate);
            }
            Evidence::Mean { test, stable, candidate } => {
                let (of_stable, of_candidate) = (values(stable_now)?, values(candidate_now)?);
                test.update(&of_stable, &of_candidate);
                stable.merge(&of_stable);
                candidate.merge(&of_candidate);
            }
            Evidence::Frequency { test, kept, stable, candidate, unsettled } => {
                let (stable_events, candidate_events) = (events(stable_now)?, events(candidate_now)?);
                let over = std::mem::take(unsettled);
                let of_stable = Events::new(stable_events, over.stable as f64);
                let of_candidate = Events::new(candidate_events, over.candidate as f64);
                let is_swapped = matches!(question, Question::RateAgainstStable { worse: Worse::Lower, .. });
                let (first, second) =
                    if is_swapped { (of_candidate, of_stable) } else { (of_stable, of_candidate) };
                test.update(first, second);
                if let Some(kept) = kept {
                    kept.update(first, second);
                }
                stable.merge(&of_stable);
                candidate.merge(&of_candidate);
            }
            _ => return None,
        }
        Some(())
    }

    /// The natural logarithm of the evidence that the candidate is worse; none where nothing is compared.
    pub(super) fn log_e(&self) -> Option<f64> {
        match self {
            Evidence::Share { test, .. } => Some(test.log_e()),
            Evidence::Latency { test, .. } => Some(test.log_e()),
            Evidence::Frequency { test, .. } => Some(test.log_e()),
            Evidence::Mean { test, .. } => Some(test.log_e()),
            Evidence::Before(before) => before.log_e(),
            _ => None,
        }
    }

    /// About how many more of the candidate's requests it takes until a fault of a size would have been found.
    pub(super) fn needed(&self, alpha: f64, effect: f64) -> Option<u64> {
        match self {
            Evidence::Share { test, .. } => test.needed(alpha, effect),
            Evidence::Latency { test, .. } => test.needed(alpha, effect),
            _ => None,
        }
    }

    /// Between which bounds the candidate differs from stable in this step.
    pub(super) fn interval(&self, question: &Question, alpha: f64) -> Option<EffectInterval> {
        // With hardly anybody on one of them, as once everyone has the candidate, bounds would tell nothing.
        let are_enough = |stable: u64, candidate: u64| stable.min(candidate) >= COMPARED_MIN;
        let (of, interval) = match (self, question) {
            (Evidence::Share { stable, candidate, .. }, _) if are_enough(stable.n, candidate.n) => {
                let mut interval = RatioInterval::new(alpha);
                interval.update(*stable, *candidate);
                match question.is_in_points() {
                    true => (Effect::Difference, interval.difference()?),
                    false => (Effect::Ratio, interval.ratio()?),
                }
            }
            (
                Evidence::Latency { stable, candidate, .. },
                Question::LatencyAgainstStable { quantile, .. },
            ) => {
                let times = Arms { stable: stable.clone(), candidate: candidate.clone() };
                (Effect::Ratio, bands::quantile_ratio(&times, quantile.fraction(), alpha)?)
            }
            (Evidence::Frequency { stable, candidate, .. }, _) => {
                let mut interval = RateInterval::new(alpha);
                interval.update(*stable, *candidate);
                (Effect::Ratio, interval.ratio()?)
            }
            _ => return None,
        };
        let finite = |value: f64| value.is_finite().then_some(value);
        Some(EffectInterval {
            of,
            low: finite(interval.low),
            estimate: finite(interval.estimate),
            high: finite(interval.high),
        })
    }

    /// Whether it is proved that the candidate is not worse than tolerated.
    fn is_kept(&self, alpha: f64) -> bool {
        match self {
            Evidence::Share { kept: Some(kept), .. } => kept.is_kept(alpha),
            Evidence::Latency { kept: Some(kept), .. } => kept.is_kept(alpha),
            Evidence::Frequency { kept: Some(kept), .. } => kept.is_kept(alpha),
            _ => false,
        }
    }

    /// What it amounts to, if a false alarm may have a probability of `alpha`.
    pub(super) fn finding(&self, check: &Check, alpha: f64, now: Timestamp) -> Finding {
        let is_worse = || self.log_e().is_some_and(|log_e| log_e >= -alpha.ln());
        let compare = |stable, candidate| compared(is_worse(), || self.is_kept(alpha), stable, candidate);
        let now = now.as_millis();
        match (self, &check.question) {
            (Evidence::Share { stable, candidate, .. }, _) => {
                compare((stable.rate(), stable.n), (candidate.rate(), candidate.n))
            }
            (
                Evidence::Latency { stable, candidate, .. },
                Question::LatencyAgainstStable { quantile, .. },
            ) => {
                let arm = |arm: &Histogram| (arm.quantile(quantile.fraction()).map(in_units), arm.count());
                compare(arm(stable), arm(candidate))
            }
            (Evidence::Mean { stable, candidate, .. }, _) => {
                let arm = |arm: &Histogram| (mean(arm), arm.count());
                compare(arm(stable), arm(candidate))
            }
            (Evidence::Frequency { stable, candidate, .. }, _) => {
                let arm = |arm: &Events| (arm.rate(), arm.exposure as u64);
                compare(arm(stable), arm(candidate))
            }
            (Evidence::Before(before), _) => before.finding(is_worse()),
            (Evidence::Responses { window, recent }, Question::Share { bounds }) => {
                sampled(window, recent, bounds, now, |trials| trials.rate())
            }
            (Evidence::Times { window, recent }, Question::Latency { quantile, bounds }) => {
                sampled(window, recent, bounds, now, |times| {
                    // One request alone is no quantile: among fewer than a hundred, it would be all that p99 tells.
                    let but_one = 1.0 - 1.0 / times.count().max(1) as f64;
                    times.quantile(quantile.fraction().min(but_one)).map(in_units)
                })
            }
            (Evidence::Times { window, recent }, Question::Mean { bounds }) => {
                sampled(window, recent, bounds, now, mean)
            }
            (Evidence::Arrivals(window), Question::Rate { bounds }) => rate_within(window, bounds, now),
            (Evidence::Gauge(latest), Question::Gauge { bounds }) => gauge(*latest, bounds),
            (Evidence::Ready(endpoints), Question::Ready { bounds }) => ready(*endpoints, bounds),
            _ => Finding::nothing(check),
        }
    }
}

impl Exposures {
    fn add(&mut self, seen: Look<'_>) {
        self.stable = self.stable.saturating_add(seen.stable.judged());
        self.candidate = self.candidate.saturating_add(seen.candidate.judged());
    }
}

pub(super) fn trials(amount: &Amount) -> Option<Trials> {
    match amount {
        Amount::Nothing => Some(Trials::default()),
        Amount::Trials(trials) => Some(*trials),
        _ => None,
    }
}

pub(super) fn values(amount: &Amount) -> Option<Histogram> {
    match amount {
        Amount::Nothing => Some(Histogram::default()),
        Amount::Values(values) => Some(values.clone()),
        _ => None,
    }
}

pub(super) fn events(amount: &Amount) -> Option<u64> {
    match amount {
        Amount::Nothing => Some(0),
        Amount::Events { events, .. } => Some(*events),
        _ => None,
    }
}

/// Values are kept in thousandths of their unit.
pub(super) fn in_units(thousandths: u64) -> f64 {
    thousandths as f64 / 1000.0
}

/// The mean of values, each taken at the middle of its bucket.
pub(super) fn mean(values: &Histogram) -> Option<f64> {
    let (mut sum, mut count) = (0.0, 0_u64);
    for (bucket, held) in values.iter() {
        let (low, high) = (Histogram::lower_bound(bucket), Histogram::lower_bound(bucket + 1));
        sum += (low as f64 + high as f64) / 2.0 * held as f64;
        count = count.saturating_add(held);
    }
    (count > 0).then(|| sum / count as f64 / 1000.0)
}

/// What a comparison amounts to, of each version's value and how many requests it rests on. A proven harm is said with
/// any number of requests, since the test accounts for how few they are.
fn compared(
    is_worse: bool,
    is_kept: impl FnOnce() -> bool,
    stable: (Option<f64>, u64),
    candidate: (Option<f64>, u64),
) -> Finding {
    let ground = match (stable.1, candidate.1) {
        _ if is_worse => Ground::Worse,
        (_, 0) => Ground::NoTraffic,
        (0, _) => Ground::NoStableTraffic,
        (stable, candidate) if stable.min(candidate) < COMPARED_MIN => {
            Ground::TooFew { needed: COMPARED_MIN }
        }
        _ if is_kept() => Ground::ProvedNotWorse,
        _ => Ground::NotWorse,
    };
    Finding {
        ground,
        stable: stable.0,
        candidate: candidate.0,
        stable_samples: stable.1,
        candidate_samples: candidate.1,
        note: None,
    }
}
