//! What a check has seen, and what it says about it.

use serde::{Deserialize, Serialize};
use sluice_stats::quantile::QuantileTest;
use sluice_stats::ratio::{Margin, RatioTest};
use sluice_stats::{Histogram, Merge, Trials, Window};

use crate::document::policy::Tolerance;
pub use crate::release::finding::{Finding, Ground};
use crate::release::plan::{BadResponses, Bounds, Check, Question};
use crate::release::{Endpoints, Look};
use crate::{Counts, Timestamp};

/// How many requests of each version a comparison takes before it may say that all is well. With 30 and no failure
/// among them, a version that fails one request in ten has been ruled out at 95 %; a proven harm is said at once.
pub const COMPARED_MIN: u64 = 30;

/// Slots of a window: a window of a minute is exact to five seconds.
const WINDOW_SLOTS: u32 = 12;

/// What a check has seen. Grows with the variety of what is seen, not with its amount.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CheckRun {
    evidence: Evidence,
    /// What a comparison found while there were people on stable; none for other checks.
    compared: Option<Finding>,
    /// What it says now.
    pub finding: Finding,
}

/// What was seen. Totals beside a test are of the current step: totals over steps of different weights mislead where
/// rates change too (Simpson's paradox).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Evidence {
    Share { test: RatioTest, stable: Trials, candidate: Trials },
    Latency { test: QuantileTest, stable: Histogram, candidate: Histogram },
    Responses { window: Window<Trials>, recent: Recent<Trials> },
    Times { window: Window<Histogram>, recent: Recent<Histogram> },
    Arrivals(Window<Trials>),
    Ready,
}

impl CheckRun {
    /// Nothing seen yet.
    pub fn new(check: &Check) -> CheckRun {
        let evidence = match &check.question {
            Question::ShareAgainstStable { tolerate, .. } => Evidence::Share {
                test: RatioTest::new(match tolerate {
                    Tolerance::Points(points) => Margin::Absolute(*points),
                    Tolerance::Relative(relative) => Margin::Relative(*relative),
                }),
                stable: Trials::default(),
                candidate: Trials::default(),
            },
            Question::LatencyAgainstStable { quantile, tolerate, .. } => Evidence::Latency {
                test: QuantileTest::new(quantile.fraction(), *tolerate),
                stable: Histogram::default(),
                candidate: Histogram::default(),
            },
            Question::Share { bounds, .. } => {
                Evidence::Responses { window: window(bounds), recent: Recent::default() }
            }
            Question::Latency { bounds, .. } => {
                Evidence::Times { window: window(bounds), recent: Recent::default() }
            }
            Question::Rate { bounds } => Evidence::Arrivals(window(bounds)),
            Question::Ready { .. } => Evidence::Ready,
        };
        CheckRun { evidence, compared: None, finding: Finding::nothing() }
    }

    /// To be called when other people begin to meet the candidate: what speaks for it must be seen anew among them,
    /// and what speaks against it counts in full besides what was gathered before, since more load or other people may
    /// bring out what was not there.
    pub fn restart(&mut self) {
        match &mut self.evidence {
            Evidence::Share { test, stable, candidate } => {
                // A test that has seen nothing has nothing to begin anew, and each beginning costs a little power.
                if test.totals().candidate.n > 0 {
                    test.restart();
                }
                (*stable, *candidate) = Default::default();
            }
            Evidence::Latency { test, stable, candidate } => {
                if test.totals().candidate > 0 {
                    test.restart();
                }
                (*stable, *candidate) = Default::default();
            }
            Evidence::Responses { recent, .. } => *recent = Recent::default(),
            Evidence::Times { recent, .. } => *recent = Recent::default(),
            // A window goes on: what bursts in the first seconds of a step is weighed with the minute before.
            Evidence::Arrivals(_) | Evidence::Ready => {}
        }
    }

    /// Takes in what was seen and says what follows. `is_everyone` tells that nobody is left on stable: then a
    /// comparison stays with what it found while there were people to compare.
    pub(super) fn observe(&mut self, check: &Check, seen: Look<'_>, is_everyone: bool, now: Timestamp) {
        let now = now.as_millis();
        let found = match (&mut self.evidence, &check.question) {
            (
                Evidence::Share { test, stable, candidate },
                Question::ShareAgainstStable { bad, confidence, .. },
            ) => {
                let (of_stable, of_candidate) = (bad.count(seen.stable), bad.count(seen.candidate));
                test.update(of_stable, of_candidate);
                stable.merge(&of_stable);
                candidate.merge(&of_candidate);
                compared(
                    test.is_worse(confidence.alpha()),
                    (stable.rate(), stable.n),
                    (candidate.rate(), candidate.n),
                )
            }
            (
                Evidence::Latency { test, stable, candidate },
                Question::LatencyAgainstStable { quantile, confidence, .. },
            ) => {
                test.update(&seen.stable.latency, &seen.candidate.latency);
                stable.merge(&seen.stable.latency);
                candidate.merge(&seen.candidate.latency);
                let arm = |arm: &Histogram| (arm.quantile(quantile.fraction()).map(millis), arm.count());
                compared(test.is_worse(confidence.alpha()), arm(stable), arm(candidate))
            }
            (Evidence::Responses { window, recent }, Question::Share { counted, bounds }) => {
                let of = BadResponses { classes: counted.clone(), is_inverted: false };
                let counted = of.count(seen.candidate);
                window.add(now, &counted);
                recent.add(&counted, bounds.sample);
                sampled(window, recent, bounds, now, |trials| trials.rate())
            }
            (Evidence::Times { window, recent }, Question::Latency { quantile, bounds }) => {
                window.add(now, &seen.candidate.latency);
                recent.add(&seen.candidate.latency, bounds.sample);
                sampled(window, recent, bounds, now, |times| {
                    // One request alone is no quantile: among fewer than a hundred, it would be all that p99 tells.
                    let but_one = 1.0 - 1.0 / times.count().max(1) as f64;
                    times.quantile(quantile.fraction().min(but_one)).map(millis)
                })
            }
            (Evidence::Arrivals(window), Question::Rate { bounds }) => {
                window.add(now, &Trials::new(seen.candidate.requests, 0));
                rate(window, bounds, now)
            }
            (Evidence::Ready, Question::Ready { bounds }) => ready(seen.candidate_endpoints, bounds),
            // A plan never changes, so its checks and what they have seen always fit; should they not, as after a
            // damaged file, the check begins again.
            _ => {
                *self = CheckRun::new(check);
                return;
            }
        };
        self.finding = match &self.compared {
            Some(before) if is_everyone => found.after(before),
            _ => found,
        };
        if check.question.compares() && !is_everyone && self.finding.ground == Ground::NotWorse {
            self.compared = Some(self.finding.clone());
        }
    }
}

/// The latest requests, however long ago they were: all since the beginning, or at least as many as a sample takes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Recent<T> {
    before: T,
    latest: T,
}

impl<T: Sample> Recent<T> {
    fn add(&mut self, counted: &T, sample: u64) {
        if self.latest.size() >= sample {
            self.before = std::mem::take(&mut self.latest);
        }
        self.latest.merge(counted);
    }

    fn size(&self) -> u64 {
        self.before.size().saturating_add(self.latest.size())
    }

    fn total(&self) -> T {
        let mut total = self.before.clone();
        total.merge(&self.latest);
        total
    }
}

/// Something that was gathered of requests.
trait Sample: Merge + Clone + Default {
    /// Of how many.
    fn size(&self) -> u64;
}

impl Sample for Trials {
    fn size(&self) -> u64 {
        self.n
    }
}

impl Sample for Histogram {
    fn size(&self) -> u64 {
        self.count()
    }
}

fn window<T: Merge + Default>(bounds: &Bounds) -> Window<T> {
    Window::new(bounds.window.as_millis(), WINDOW_SLOTS)
}

fn millis(micros: u64) -> f64 {
    micros as f64 / 1000.0
}

impl BadResponses {
    /// How many responses were judged, and how many of them were bad.
    fn count(&self, counts: &Counts) -> Trials {
        let n = counts.judged();
        let matching =
            self.classes.iter().fold(0_u64, |sum, class| sum.saturating_add(counts.of(*class))).min(n);
        Trials::new(n, if self.is_inverted { n - matching } else { matching })
    }
}

/// What a comparison amounts to, of each version's value and how many requests it rests on. A proven harm is said with
/// any number of requests, since the test accounts for how few they are.
fn compared(is_worse: bool, stable: (Option<f64>, u64), candidate: (Option<f64>, u64)) -> Finding {
    let ground = match (stable.1, candidate.1) {
        _ if is_worse => Ground::Worse,
        (_, 0) => Ground::NoTraffic,
        (0, _) => Ground::NoStableTraffic,
        (stable, candidate) if stable.min(candidate) < COMPARED_MIN => {
            Ground::TooFew { needed: COMPARED_MIN }
        }
        _ => Ground::NotWorse,
    };
    Finding {
        ground,
        stable: stable.0,
        candidate: candidate.0,
        stable_samples: stable.1,
        candidate_samples: candidate.1,
    }
}

impl Finding {
    /// What a comparison amounts to now that everyone meets the candidate: what it found before, once there were
    /// enough requests again.
    fn after(self, before: &Finding) -> Finding {
        match self.ground {
            Ground::Worse | Ground::NoTraffic => self,
            _ if self.candidate_samples < COMPARED_MIN => Finding {
                ground: Ground::TooFew { needed: COMPARED_MIN },
                stable: before.stable,
                stable_samples: before.stable_samples,
                ..self
            },
            _ => before.clone(),
        }
    }
}

/// What a value that rests on requests amounts to: of the window, or of the latest requests where it holds too few.
/// Too much is said at once; that all is well takes a sample since the step began.
fn sampled<T: Sample>(
    window: &Window<T>,
    recent: &Recent<T>,
    bounds: &Bounds,
    now: i64,
    value: impl Fn(&T) -> Option<f64>,
) -> Finding {
    let in_step = recent.size();
    let in_window = window.total(now);
    let judged = if in_window.size() >= bounds.sample { in_window } else { recent.total() };
    let (value, samples) = (value(&judged), judged.size());
    let ground = match value {
        None => Ground::NoTraffic,
        Some(_) if samples < bounds.sample => Ground::TooFew { needed: bounds.sample },
        Some(value) => bounds.ground(value),
    };
    let is_early = ground == Ground::Within && in_step < bounds.sample;
    let (ground, samples) = match in_step {
        0 if is_early => (Ground::NoTraffic, 0),
        _ if is_early => (Ground::TooFew { needed: bounds.sample }, in_step),
        _ => (ground, samples),
    };
    Finding { ground, stable: None, candidate: value, stable_samples: 0, candidate_samples: samples }
}

/// What a rate amounts to: too much may be said early, too little only when the whole window was watched.
fn rate(window: &Window<Trials>, bounds: &Bounds, now: i64) -> Finding {
    let count = window.total(now).n;
    let is_full = window.covered(now) >= window.span_ms();
    let value = count as f64 * 1000.0 / window.span_ms() as f64;
    let ground = match bounds.ground(value) {
        Ground::Above { max } => Ground::Above { max },
        _ if !is_full => Ground::WindowNotFull,
        ground => ground,
    };
    Finding { ground, stable: None, candidate: Some(value), stable_samples: 0, candidate_samples: count }
}

fn ready(endpoints: Endpoints, bounds: &Bounds) -> Finding {
    let share = f64::from(endpoints.ready) / f64::from(endpoints.total.max(1));
    let ground = if endpoints.total == 0 { Ground::NoEndpoints } else { bounds.ground(share) };
    Finding { ground, stable: None, candidate: Some(share), stable_samples: 0, candidate_samples: 0 }
}

impl Bounds {
    fn ground(&self, value: f64) -> Ground {
        match (self.min, self.max) {
            (_, Some(max)) if value > max => Ground::Above { max },
            (Some(min), _) if value < min => Ground::Below { min },
            _ => Ground::Within,
        }
    }
}
