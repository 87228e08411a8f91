//! What a check has seen, and what it says about it.

use serde::{Deserialize, Serialize};
use sluice_stats::quantile::QuantileTest;
use sluice_stats::ratio::{Margin, RatioTest};
use sluice_stats::{Histogram, Trials, Window};

use crate::document::policy::Tolerance;
pub use crate::release::finding::{Finding, Ground};
use crate::release::plan::{BadResponses, Bounds, Check, Question};
use crate::release::{Endpoints, Observation};
use crate::{Counts, Timestamp};

/// How many requests of each version a comparison takes before it may say that all is well. With 30 and no failure
/// among them, a version that fails one request in ten has been ruled out at 95 %; a proven harm is said at once.
pub const COMPARED_MIN: u64 = 30;

/// Slots of a window: a window of a minute is exact to five seconds.
const WINDOW_SLOTS: u32 = 12;

/// What a check has seen. Grows with the variety of what is seen, not with its amount.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckRun {
    evidence: Evidence,
    /// What it says now.
    pub finding: Finding,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Evidence {
    Share { test: RatioTest, stable: Trials, candidate: Trials },
    Latency { test: QuantileTest, stable: Histogram, candidate: Histogram },
    Trials(Window<Trials>),
    Latencies(Window<Histogram>),
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
            Question::Share { bounds, .. } | Question::Rate { bounds } => Evidence::Trials(window(bounds)),
            Question::Latency { bounds, .. } => Evidence::Latencies(window(bounds)),
            Question::Ready { .. } => Evidence::Ready,
        };
        CheckRun { evidence, finding: Finding::nothing() }
    }

    /// Lets evidence for trouble that begins now count in full, besides what was gathered before: called when a step
    /// begins, since more load or other people may bring out what was not there.
    pub fn restart(&mut self) {
        match &mut self.evidence {
            Evidence::Share { test, .. } => test.restart(),
            Evidence::Latency { test, .. } => test.restart(),
            Evidence::Trials(_) | Evidence::Latencies(_) | Evidence::Ready => {}
        }
    }

    /// Takes in what was seen and says what follows. `is_everyone` tells that nobody is left on stable: then a
    /// comparison stays with what it found while there were people to compare.
    pub fn observe(&mut self, check: &Check, seen: &Observation, is_everyone: bool, now: Timestamp) {
        self.finding = match (&mut self.evidence, &check.question) {
            (
                Evidence::Share { test, stable, candidate },
                Question::ShareAgainstStable { bad, confidence, .. },
            ) => {
                let (of_stable, of_candidate) = (bad.count(&seen.stable), bad.count(&seen.candidate));
                test.update(of_stable, of_candidate);
                add(stable, of_stable);
                add(candidate, of_candidate);
                let is_worse = test.is_worse(confidence.alpha());
                Finding {
                    stable: stable.rate(),
                    candidate: candidate.rate(),
                    ..compared(is_worse, stable.n, candidate.n, is_everyone, &self.finding)
                }
            }
            (
                Evidence::Latency { test, stable, candidate },
                Question::LatencyAgainstStable { quantile, confidence, .. },
            ) => {
                test.update(&seen.stable.latency, &seen.candidate.latency);
                stable.merge(&seen.stable.latency);
                candidate.merge(&seen.candidate.latency);
                let is_worse = test.is_worse(confidence.alpha());
                let millis = |arm: &Histogram| arm.quantile(quantile.fraction()).map(millis);
                Finding {
                    stable: millis(stable),
                    candidate: millis(candidate),
                    ..compared(is_worse, stable.count(), candidate.count(), is_everyone, &self.finding)
                }
            }
            (Evidence::Trials(window), Question::Share { counted, bounds }) => {
                let of = BadResponses { classes: counted.clone(), is_inverted: false };
                window.add(now.as_millis(), &of.count(&seen.candidate));
                let total = window.total(now.as_millis());
                sampled(total.rate(), total.n, bounds)
            }
            (Evidence::Latencies(window), Question::Latency { quantile, bounds }) => {
                window.add(now.as_millis(), &seen.candidate.latency);
                let total = window.total(now.as_millis());
                sampled(total.quantile(quantile.fraction()).map(millis), total.count(), bounds)
            }
            (Evidence::Trials(window), Question::Rate { bounds }) => {
                window.add(now.as_millis(), &Trials::new(seen.candidate.requests, 0));
                rate(window, bounds, now)
            }
            (Evidence::Ready, Question::Ready { bounds }) => ready(seen.candidate_endpoints, bounds),
            // A plan never changes, so its checks and what they have seen always fit; should they not, as after a
            // damaged file, the check begins again.
            _ => {
                *self = CheckRun::new(check);
                Finding::nothing()
            }
        };
    }
}

fn window<T: sluice_stats::window::Merge + Default>(bounds: &Bounds) -> Window<T> {
    Window::new(bounds.window.as_millis(), WINDOW_SLOTS)
}

fn add(total: &mut Trials, more: Trials) {
    sluice_stats::window::Merge::merge(total, &more);
}

fn millis(micros: u64) -> f64 {
    micros as f64 / 1000.0
}

impl BadResponses {
    /// How many responses were judged, and how many of them were bad.
    fn count(&self, counts: &Counts) -> Trials {
        let n = counts.judged();
        let matching: u64 = self.classes.iter().map(|class| counts.of(*class)).sum();
        let matching = matching.min(n);
        Trials::new(n, if self.is_inverted { n - matching } else { matching })
    }
}

/// What a comparison amounts to; its values are filled in by the caller. A proven harm is said with any number of
/// requests, since the test accounts for how few they are.
fn compared(is_worse: bool, stable: u64, candidate: u64, is_everyone: bool, before: &Finding) -> Finding {
    let ground = if is_worse {
        Ground::Worse
    } else if is_everyone && before.ground == Ground::NotWorse {
        Ground::NotWorse
    } else if candidate == 0 {
        Ground::NoTraffic
    } else if stable == 0 {
        Ground::NoStableTraffic
    } else if candidate.min(stable) < COMPARED_MIN {
        Ground::TooFew { needed: COMPARED_MIN }
    } else {
        Ground::NotWorse
    };
    Finding { ground, stable: None, candidate: None, stable_samples: stable, candidate_samples: candidate }
}

/// What a value that rests on requests amounts to.
fn sampled(value: Option<f64>, samples: u64, bounds: &Bounds) -> Finding {
    let ground = match value {
        None => Ground::NoTraffic,
        Some(_) if samples < bounds.sample => Ground::TooFew { needed: bounds.sample },
        Some(value) => bounds.ground(value),
    };
    Finding { ground, stable: None, candidate: value, stable_samples: 0, candidate_samples: samples }
}

/// What a rate amounts to: too much may be said early, too little only when the whole window was watched.
fn rate(window: &Window<Trials>, bounds: &Bounds, now: Timestamp) -> Finding {
    let count = window.total(now.as_millis()).n;
    let is_full = window.covered(now.as_millis()) >= window.span_ms();
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
