//! Do events come more often with the candidate than with stable? Valid however often one looks, bursts or not.
//!
//! The claim that is tested is "the candidate's events per exposure are at most (1 + m) times stable's". The exposure
//! is what events are counted over, in any unit: requests, or seconds times the share of the traffic. Given how many
//! events a batch had in all, the claim says which share of them may be the candidate's, whatever the rate is and
//! however it changes: what both versions meet alike is harmless. Evidence against the claim is what a set of bets on
//! that share has gained, each on another size of the effect, each made from past data only.
//!
//! Events that come in bursts (retries, one error that is logged five times) are fewer than they seem. The bets are
//! made for as many independent events as there seem to be, see [`dispersion`], and are at first fair for any bursts.
//! A burst should be within one batch; one that is cut in two counts as two.
//!
//! Sources: Lindon and Malek, "Anytime-valid inference for multinomial count data", NeurIPS 2022, for bets on the
//! share of events; Waudby-Smith and Ramdas, "Estimating means of bounded random variables by betting", JRSS-B 2024,
//! for bets that need no more than a mean.

mod bet;
pub(crate) mod dispersion;
mod kept;

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use self::bet::Stake;
use self::dispersion::Dispersion;
pub use self::kept::KeptTest;
use crate::evidence::{Evidence, Peak, is_sensible, requests_needed, suffices};
use crate::trials::Arms;
use crate::window::Merge;

/// How many sizes of the effect are bet on, from 1.1 to 20 times what is tolerated, evenly on a log scale.
const EFFECTS: usize = 24;
const EFFECT_MIN: f64 = 1.1;
const EFFECT_MAX: f64 = 20.0;
/// Held relative margins: a thousandth to a million times stable's rate.
const LIMITS: (f64, f64) = (1e-3, 1e6);

/// How many events there were, and over what.
///
/// An exposure that is no number, infinite or not above 0 is read as none; what has no exposure is not compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Events {
    /// How many events there were.
    pub events: u64,
    /// What they were counted over, in any unit that is the same for both versions.
    pub exposure: f64,
}

impl Events {
    /// So many events over so much exposure.
    pub const fn new(events: u64, exposure: f64) -> Events {
        Events { events, exposure }
    }

    /// Events per exposure; `None` without exposure.
    pub fn rate(self) -> Option<f64> {
        let exposure = self.held();
        (exposure > 0.0).then(|| self.events as f64 / exposure)
    }

    /// The exposure as it is read, so that sums and ratios of exposures stay numbers.
    pub(crate) fn held(self) -> f64 {
        if self.exposure.is_finite() && self.exposure > 1e-100 { self.exposure.min(1e100) } else { 0.0 }
    }
}

impl Merge for Events {
    fn merge(&mut self, other: &Events) {
        self.events = self.events.saturating_add(other.events);
        self.exposure = self.held() + other.held();
    }
}

/// A batch that can be compared: how many events, how many of them the candidate's, and the odds that one is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    pub(crate) all: f64,
    pub(crate) candidate: f64,
    /// The candidate's exposure over stable's.
    pub(crate) odds: f64,
}

impl Seen {
    /// `None` where a version has no exposure.
    pub(crate) fn new(batch: &Arms<Events>) -> Option<Seen> {
        let (stable, candidate) = (batch.stable.held(), batch.candidate.held());
        (stable > 0.0 && candidate > 0.0).then(|| Seen {
            all: batch.stable.events as f64 + batch.candidate.events as f64,
            candidate: batch.candidate.events as f64,
            odds: (candidate / stable).clamp(1e-12, 1e12),
        })
    }
}

/// A sequential test of whether events come more often with the candidate.
///
/// Feed it what was counted of both versions over the same stretch of time, in order, and look as often as you like:
/// [`RateTest::is_worse`] is ever true of a candidate within the margin with probability `alpha` at most. Each batch is
/// settled by itself, so its length is to be chosen without regard to what came in: a second is fine, and it should be
/// longer than a burst. Constant in size; can be stored and read back between any two calls.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RateTest {
    /// How many times stable's rate is tolerated.
    limit: f64,
    dispersion: Dispersion,
    evidence: Evidence,
    totals: Arms<Events>,
    peak: Peak,
}

impl RateTest {
    /// A test without data that tolerates up to `1 + relative_margin` times stable's rate. A margin is held within 0
    /// to a million; one that is no number is 0.
    pub fn new(relative_margin: f64) -> RateTest {
        let margin = if relative_margin.is_nan() { 0.0 } else { relative_margin.max(0.0) };
        RateTest::of_limit(1.0 + margin)
    }

    /// The same for a limit that may be below 1.
    fn of_limit(limit: f64) -> RateTest {
        RateTest {
            limit: limit.clamp(LIMITS.0, LIMITS.1),
            dispersion: Dispersion::new(),
            evidence: Evidence::new(EFFECTS),
            totals: Arms::default(),
            peak: Peak::default(),
        }
    }

    /// Takes in what was counted of both versions over the same stretch of time. Batches must be final and in order. A
    /// batch in which a version has no exposure, or in which nothing happened, is no evidence.
    pub fn update(&mut self, stable: Events, candidate: Events) {
        let batch = Arms { stable, candidate };
        self.totals.merge(&batch);
        let Some(seen) = Seen::new(&batch) else { return };
        if seen.all > 0.0 {
            let stake = Stake::new(self.limit * seen.odds, seen.all, self.dispersion.units(seen.all));
            let gains = EFFECTS_AND_PRIORS.iter().map(|(effect, _)| stake.gain(*effect, seen.candidate));
            self.evidence.multiply(gains);
            self.peak.reach(self.log_e());
        }
        self.dispersion.learn(&batch);
    }

    /// To be called when the candidate's weight changes: lets a part of the evidence count from here on, so that a
    /// fault that sets in at a higher weight need not first pay for the quiet time before it.
    pub fn restart(&mut self) {
        self.evidence.restart();
    }

    /// The natural logarithm of the evidence: ln(1/alpha) is ever reached by a candidate within the margin with
    /// probability alpha at most, for every alpha at once.
    pub fn log_e(&self) -> f64 {
        self.evidence.ln(EFFECTS_AND_PRIORS.iter().map(|(_, prior)| *prior))
    }

    /// Whether events come more often with the candidate than the margin allows, as things stand, with a probability
    /// of being wrong of at most `alpha` over the whole life of the test. May become false again.
    pub fn is_worse(&self, alpha: f64) -> bool {
        suffices(self.log_e(), alpha)
    }

    /// The smallest alpha at which [`RateTest::is_worse`] has been true at any moment; 1 at first. Never grows.
    pub fn p_value(&self) -> f64 {
        self.peak.p_value()
    }

    /// All that was taken in.
    pub fn totals(&self) -> Arms<Events> {
        self.totals
    }

    /// The margin that the test was made with.
    pub fn margin(&self) -> f64 {
        self.limit - 1.0
    }

    /// How many events come together, as far as the past tells: 1 where each comes by itself. `None` while too little
    /// was seen to tell.
    pub fn dispersion(&self) -> Option<f64> {
        self.dispersion.estimate()
    }

    /// About how much more of the candidate's exposure it takes until a candidate with `effect` times the tolerated
    /// rate would have been found, at stable's rate and the shares so far. 0 when that much has been seen. `None` when
    /// there is nothing to reckon with: a version without exposure, no event, an `effect` of at most 1, an `alpha` not
    /// within (0, 1).
    pub fn needed(&self, alpha: f64, effect: f64) -> Option<f64> {
        let seen = Seen::new(&self.totals)?;
        if seen.all == 0.0 || !is_sensible(alpha, effect) {
            return None;
        }
        let (null, odds) = (self.limit * seen.odds, self.limit * effect * seen.odds);
        let (tolerated, share) = (null / (1.0 + null), odds / (1.0 + odds));
        let information =
            share * (share / tolerated).ln() + (1.0 - share) * ((1.0 - share) / (1.0 - tolerated)).ln();
        let events = requests_needed(alpha, information) * self.dispersion.estimate().unwrap_or(1.0);
        // Stable's rate, and with it the candidate's that is looked for.
        let stable = (self.totals.stable.events as f64 + 0.5) / self.totals.stable.held();
        let exposure = events * share / (self.limit * effect * stable);
        exposure.is_finite().then(|| (exposure - self.totals.candidate.held()).max(0.0))
    }
}

/// The effects and their prior weights, which add up to 1. Small effects need the most events, and find out soonest when
/// they are expected; large ones need so few that a weight too low would double them. So both ends have more than
/// 1/effect would give them.
static EFFECTS_AND_PRIORS: LazyLock<[(f64, f64); EFFECTS]> = LazyLock::new(|| {
    let ratio = (EFFECT_MAX / EFFECT_MIN).powf(1.0 / (EFFECTS - 1) as f64);
    let weight = |i: i32| 0.9 * ratio.powi(-3 * i) + 0.3 * ratio.powi(-i) + 0.2;
    let sum: f64 = (0..EFFECTS as i32).map(weight).sum();
    std::array::from_fn(|i| (EFFECT_MIN * ratio.powi(i as i32), weight(i as i32) / sum))
});
