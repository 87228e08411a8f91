//! How the candidate's rate of failure compares with stable's.

use serde::{Deserialize, Serialize};

use super::curve::Curve;
use super::{Interval, share};
use crate::block::{Comparable, Pending, Requests};
use crate::trials::{Arms, Trials};
use crate::window::Merge;

/// A block is complete with so many requests, or a fifth of all so far.
const BLOCK_MIN: u64 = 20;
const BLOCK_MAX: u64 = 100;
/// The part of alpha for the rates before the first restart.
const FIRST_STEP: f64 = 0.6;
/// By which part totals must have grown before bounds are computed anew. What held before still holds.
const GROWTH: u64 = 100;

/// Intervals for the ratio of two rates of failure and for their difference, valid at every moment.
///
/// Fed like [`crate::RatioTest`]. With a probability of at least 1 - alpha, the ratio is within
/// [`RatioInterval::ratio`] at every moment, if it is the same all the time, whatever the rates and the weights are;
/// and with the same probability, the difference is within [`RatioInterval::difference`] at every moment since the
/// last restart, the difference of the mean rates since then if they change. Constant in size.
///
/// Requests of one version must fail independently of each other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RatioInterval {
    alpha: f64,
    pending: Pending<Trials>,
    curve: Curve,
    seen: u64,
    step: Arms<Trials>,
    restarts: u32,
    ratio: Option<(u64, Interval)>,
    failures: u64,
    rates: Option<(Arms<u64>, Arms<Interval>)>,
}

impl RatioInterval {
    /// Intervals without data, that may be wrong with probability `alpha`, held within a millionth and a half; one that
    /// is no number is 0.05.
    pub fn new(alpha: f64) -> RatioInterval {
        RatioInterval {
            alpha: super::held_alpha(alpha),
            pending: Pending::default(),
            curve: Curve::new(),
            seen: 0,
            step: Arms::default(),
            restarts: 0,
            ratio: None,
            failures: 0,
            rates: None,
        }
    }

    /// See [`crate::RatioTest::update`].
    pub fn update(&mut self, stable: Trials, candidate: Trials) {
        let batch = Arms {
            stable: Trials::new(stable.n, stable.k),
            candidate: Trials::new(candidate.n, candidate.k),
        };
        if batch.requests() == 0 {
            return;
        }
        self.step.merge(&batch);
        self.seen = self.seen.saturating_add(batch.requests());
        self.pending.add(&batch);
        let complete = (self.seen / 5).clamp(BLOCK_MIN, BLOCK_MAX);
        if let Some(block) = self.pending.close_if(|arms| arms.requests() >= complete) {
            self.settle(&block);
        }
        self.refresh_rates();
    }

    /// To be called when the candidate's weight changes: settles what waits and begins a new difference.
    pub fn restart(&mut self) {
        let block = self.pending.take();
        if block.is_comparable() {
            self.settle(&block);
        }
        self.restarts = self.restarts.saturating_add(1);
        self.step = Arms::default();
        self.rates = None;
    }

    /// The candidate's rate of failure over stable's. `None` until something failed that can be compared. The upper
    /// bound is infinite as long as stable may never fail.
    pub fn ratio(&self) -> Option<Interval> {
        self.ratio.map(|(_, interval)| interval)
    }

    /// The candidate's rate of failure less stable's, since the last restart. `None` until both had requests.
    pub fn difference(&self) -> Option<Interval> {
        let Arms { stable, candidate } = self.rates()?;
        let (low, high) = (candidate.low - stable.high, candidate.high - stable.low);
        Some(Interval { low, estimate: candidate.estimate - stable.estimate, high })
    }

    /// Both rates of failure since the last restart, each with half of alpha. `None` until both had requests.
    pub fn rates(&self) -> Option<Arms<Interval>> {
        self.rates.map(|(_, rates)| rates)
    }

    fn settle(&mut self, block: &Arms<Trials>) {
        let Arms { stable, candidate } = block;
        let failures = stable.k.saturating_add(candidate.k);
        if failures == 0 {
            return;
        }
        let odds = candidate.n as f64 / stable.n as f64;
        self.curve.add(odds, failures as f64, candidate.k as f64, 1.0);
        self.failures = self.failures.saturating_add(failures);
        let is_due = self.ratio.is_none_or(|(at, _)| has_grown(at, self.failures));
        if is_due {
            self.ratio = Some((self.failures, self.curve.interval(self.alpha)));
        }
    }

    fn refresh_rates(&mut self) {
        let Arms { stable, candidate } = self.step;
        if stable.n == 0 || candidate.n == 0 {
            return;
        }
        let is_due = self
            .rates
            .is_none_or(|(at, _)| has_grown(at.stable, stable.n) || has_grown(at.candidate, candidate.n));
        if is_due {
            let k = f64::from(self.restarts);
            // Adds up to 1 over all restarts.
            let part = if self.restarts == 0 { FIRST_STEP } else { (1.0 - FIRST_STEP) / (k * (k + 1.0)) };
            let alpha = 0.5 * part * self.alpha;
            let rates =
                Arms { stable: share::interval(stable, alpha), candidate: share::interval(candidate, alpha) };
            self.rates = Some((Arms { stable: stable.n, candidate: candidate.n }, rates));
        }
    }
}

fn has_grown(before: u64, now: u64) -> bool {
    now > before.saturating_add(before / GROWTH)
}
