//! Does the candidate fail more often than stable? Valid however often one looks.
//!
//! The claim that is tested is "the candidate's rate is at most (1 + m) times stable's, plus d", with m or d the
//! margin. Evidence against it is what a set of bets has gained, each on another size of the effect, each made from
//! past data only. Stable's rate may be anything and may change from block to block: both versions meet the same
//! outages, the same nights and the same campaigns.
//!
//! Assumed: within a block, visitors were given to versions without regard to how their requests would end, and
//! requests of one version fail independently of each other. Requests that fail in bunches (retries, one visitor's
//! session) break the second; count visitors instead.
//!
//! Source: Turner, Ly, Grünwald, "Generic e-variables for exact sequential k-sample tests that allow for optional
//! stopping", J. Stat. Plan. Inference 230 (2024), for the bets; Ville's inequality for the stopping.

mod bet;
mod breaker;
mod kept;

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use self::bet::Bet;
pub use self::bet::Margin;
use self::breaker::Breaker;
pub use self::kept::KeptTest;
use crate::block::{Comparable, Pending, Requests};
use crate::evidence::{Evidence, Peak, is_sensible, requests_needed, suffices};
use crate::trials::{Arms, Trials};
use crate::window::Merge;

/// How many sizes of the effect are bet on, from 1.1 to 20 times what is tolerated, evenly on a log scale.
const EFFECTS: usize = 24;
const EFFECT_MIN: f64 = 1.1;
const EFFECT_MAX: f64 = 20.0;
/// The highest rate of failure that is bet on.
const RATE_MAX: f64 = 0.95;
/// The lowest rate of stable that bets assume under an absolute margin.
const STABLE_MIN: f64 = 5e-4;
/// What bets assume of stable's rate before there is data: half a failure in 50 requests.
const FIRST_GUESS: Guess = Guess { rate: 0.01, weight: 50.0 };
/// How many requests the rate that stable had before a restart counts for after it.
const GUESS_WEIGHT: f64 = 1000.0;
/// A block is complete with a fifth of all requests so far, within these bounds: using a block's own share as the
/// weight costs about one part in its size, 1 % at 100.
const BLOCK_MIN: u64 = 20;
const BLOCK_MAX: u64 = 100;
/// The share of alpha that the breaker may use up.
const BREAKER: f64 = 0.05;

/// A sequential test of whether the candidate fails more often than stable.
///
/// Feed it what was counted of both versions over the same stretch of time, in order, as often as you like, and look
/// as often as you like: [`RatioTest::is_worse`] is ever true of a candidate within the margin with probability
/// `alpha` at most. Constant in size; can be stored and read back between any two calls.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RatioTest {
    margin: Margin,
    pending: Pending<Trials>,
    /// What bets may look at: settled blocks and what was left out of any block.
    past: Arms<Trials>,
    past_step: Arms<Trials>,
    guess_step: Guess,
    evidence: Evidence,
    breaker: Breaker,
    peak: Peak,
}

/// A rate that is assumed for want of data, as if seen in `weight` requests.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Guess {
    rate: f64,
    weight: f64,
}

impl RatioTest {
    /// A test without data. A margin out of its bounds is held within them: at least 0, an absolute one at most 1; one
    /// that is no number is 0.
    pub fn new(margin: Margin) -> RatioTest {
        RatioTest {
            margin: margin.held_within_bounds(),
            pending: Pending::default(),
            past: Arms::default(),
            past_step: Arms::default(),
            guess_step: FIRST_GUESS,
            evidence: Evidence::new(EFFECTS),
            breaker: Breaker::new(),
            peak: Peak::default(),
        }
    }

    /// Takes in what was counted of both versions over the same stretch of time. Batches must be final and in order.
    /// More failures than requests are read as all requests failed.
    ///
    /// Small batches wait until there is a block of 20 requests, later 100, with some of either version; large batches
    /// are a block of their own, so hand over a second's worth rather than an hour's. A block is weighed by the
    /// candidate's share of it. Up to 1 000 requests wait for the other version to have some, then they are left out.
    /// A batch without requests changes nothing.
    pub fn update(&mut self, stable: Trials, candidate: Trials) {
        let batch = Arms {
            stable: Trials::new(stable.n, stable.k),
            candidate: Trials::new(candidate.n, candidate.k),
        };
        if batch.requests() == 0 {
            return;
        }
        if let Some(stale) = self.pending.add(&batch) {
            self.remember(&stale);
        }
        let complete = (self.past.requests() / 5).clamp(BLOCK_MIN, BLOCK_MAX);
        let block = self.pending.close_if(|arms| arms.requests() >= complete);
        if let Some(block) = &block {
            self.settle(block);
        }
        let is_settled = self.breaker.update(self.margin, &batch);
        if is_settled || block.is_some() {
            self.peak.reach(self.log_e());
        }
    }

    /// Settles what waits, however little. When to call this must not depend on how requests ended.
    pub fn flush(&mut self) {
        let block = self.pending.take();
        if block.is_comparable() {
            self.settle(&block);
        } else {
            self.remember(&block);
        }
        self.breaker.flush(self.margin);
        self.peak.reach(self.log_e());
    }

    /// To be called when the candidate's weight changes: settles what waits and lets a part of the evidence count from
    /// here on, so that a fault that sets in at a higher weight need not first pay for the quiet time before it.
    ///
    /// With a step's last block the moment of closing may depend on its outcomes, since a step is held back while the
    /// candidate looks bad. That concerns fewer than 100 requests in a step and favours the candidate.
    pub fn restart(&mut self) {
        self.flush();
        let Trials { n, k } = self.past.stable;
        let rate = (k as f64 + FIRST_GUESS.rate * FIRST_GUESS.weight) / (n as f64 + FIRST_GUESS.weight);
        self.guess_step = Guess { rate, weight: GUESS_WEIGHT };
        self.past_step = Arms::default();
        self.evidence.restart();
    }

    /// The natural logarithm of the evidence: ln(1/alpha) is ever reached by a candidate within the margin with
    /// probability alpha at most, for every alpha at once. It is the greater of two, each with its part of alpha;
    /// combine the evidence of several tests the same way (the greatest of weighted ones), not by adding, since their
    /// blocks close at different moments.
    pub fn log_e(&self) -> f64 {
        let grid = self.evidence.ln(EFFECTS_AND_PRIORS.iter().map(|(_, prior)| *prior));
        ((1.0 - BREAKER).ln() + grid).max(BREAKER.ln() + self.breaker.ln())
    }

    /// Whether the candidate is worse than the margin allows, as things stand, with a probability of being wrong of at
    /// most `alpha` over the whole life of the test. May become false again when more data speak against it.
    pub fn is_worse(&self, alpha: f64) -> bool {
        suffices(self.log_e(), alpha)
    }

    /// The smallest alpha at which [`RatioTest::is_worse`] has been true at any moment; 1 at first. Never grows.
    pub fn p_value(&self) -> f64 {
        self.peak.p_value()
    }

    /// All that was taken in. Do not compute a ratio of rates from totals over several steps: where weights and rates
    /// both move, it misleads (Simpson's paradox). Use [`RatioTest::totals_of_step`].
    pub fn totals(&self) -> Arms<Trials> {
        let mut totals = self.past;
        totals.merge(self.pending.arms());
        totals
    }

    /// What was taken in since the last restart.
    pub fn totals_of_step(&self) -> Arms<Trials> {
        let mut totals = self.past_step;
        totals.merge(self.pending.arms());
        totals
    }

    /// The margin that the test was made with.
    pub fn margin(&self) -> Margin {
        self.margin
    }

    /// About how many more of the candidate's requests it takes until a candidate that fails `effect` times as often
    /// as tolerated would have been found, at stable's rate and the share of requests so far: 1.3 times the least
    /// that any such test needs on average. 0 when that many have been seen, so that such a candidate would probably
    /// have been found by now. `None` when there is nothing to reckon with: a version without requests, an `effect`
    /// of at most 1 or beyond what a rate can be, an `alpha` not within (0, 1).
    pub fn needed(&self, alpha: f64, effect: f64) -> Option<u64> {
        let (all, step) = (self.totals(), self.totals_of_step());
        let recent = if step.is_comparable() && step.requests() >= BLOCK_MAX { step } else { all };
        if !recent.is_comparable() || !is_sensible(alpha, effect) {
            return None;
        }
        let stable = (all.stable.k as f64 + 0.5) / (all.stable.n as f64 + 1.0);
        let rates = Arms { stable, candidate: (self.margin.limit(stable) * effect).min(0.999) };
        let w = recent.share();
        let candidates = w * requests_needed(alpha, information(self.margin, w, rates));
        candidates.is_finite().then(|| (candidates.ceil() as u64).saturating_sub(all.candidate.n))
    }

    fn settle(&mut self, block: &Arms<Trials>) {
        let (margin, w) = (self.margin, block.share());
        let gains = |past: Arms<Trials>, guess: Guess| {
            EFFECTS_AND_PRIORS
                .iter()
                .map(move |(effect, _)| Bet::new(margin, w, rates(margin, *effect, &past, guess)).gain(block))
        };
        self.evidence.since_start(gains(self.past, FIRST_GUESS));
        if self.evidence.was_restarted() {
            self.evidence.since_restart(gains(self.past_step, self.guess_step));
        }
        self.remember(block);
    }

    fn remember(&mut self, block: &Arms<Trials>) {
        self.past.merge(block);
        self.past_step.merge(block);
    }
}

/// What one request is expected to tell, as a logarithm, if `rates` are the truth and a share `w` are the candidate's.
pub(crate) fn information(margin: Margin, w: f64, rates: Arms<f64>) -> f64 {
    Bet::new(margin, w, rates).information(w)
}

/// The effects and their prior weights, which fall as 1/effect and add up to 1.
static EFFECTS_AND_PRIORS: LazyLock<[(f64, f64); EFFECTS]> = LazyLock::new(|| {
    let ratio = (EFFECT_MAX / EFFECT_MIN).powf(1.0 / (EFFECTS - 1) as f64);
    // The sum of the geometric series 1/effect.
    let sum = (1.0 - ratio.powi(-(EFFECTS as i32))) / (1.0 - 1.0 / ratio) / EFFECT_MIN;
    std::array::from_fn(|i| {
        let effect = EFFECT_MIN * ratio.powi(i as i32);
        (effect, 1.0 / (effect * sum))
    })
});

/// The rates that a bet on `effect` assumes: stable's is what the past of both versions says if the effect is true.
fn rates(margin: Margin, effect: f64, past: &Arms<Trials>, guess: Guess) -> Arms<f64> {
    let (stable, candidate) = (past.stable.n as f64, past.candidate.n as f64);
    let failed = past.stable.k as f64 + past.candidate.k as f64 + guess.rate * guess.weight;
    let stable = match margin {
        Margin::Relative(margin) => failed / (stable + (1.0 + margin) * effect * candidate + guess.weight),
        Margin::Absolute(margin) => {
            ((failed - margin * candidate) / (stable + candidate + guess.weight)).max(STABLE_MIN)
        }
    };
    Arms { stable, candidate: (margin.limit(stable) * effect).min(RATE_MAX) }
}
