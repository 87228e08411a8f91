//! The breaker: bets that the candidate is broken outright, at any moment.
//!
//! The grid of effects learns the usual rate and bets on multiples of it, on blocks of some size; neither is quick
//! when every request fails at once. The breaker bets on high rates of failure, on the smallest blocks that have
//! requests of both versions, and starts anew at every block, with much more after one that looked broken, so that a long
//! quiet past is no debt.

use serde::{Deserialize, Serialize};

use super::bet::{Bet, Margin};
use crate::block::{Comparable, Pending};
use crate::evidence::{LN_NOTHING, ln_add};
use crate::trials::{Arms, Trials};
use crate::window::Merge;

/// The rates of failure that are bet on, with their prior weights.
const LEVELS: [(f64, f64); 3] = [(0.25, 0.2), (0.5, 0.2), (0.95, 0.6)];
/// Of how many of stable's requests its rate is taken; older ones lose half their weight each time these are full.
const MEMORY: u64 = 10_000;

/// `E = Σ_j v_j Π_{i >= j} gain_i`: a bet that starts at block j with weight `v_j = t_{j-1} - t_j`, where `t_j` is what has
/// not started and counts as 1. Half of it starts block by block, so that `1 / (1 + ln(1 + j))` of that half is left after j
/// blocks; the other half, by the same rule, only at blocks after one in which half of the candidate's requests failed.
/// When a bet starts may depend on what was seen before it. One number per level holds the sum: a block first adds its
/// weight and then multiplies.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Breaker {
    pending: Pending<Trials>,
    stable: Trials,
    held: [f64; LEVELS.len()],
    blocks: u64,
    /// How many blocks came after one that looked broken.
    suspected: u64,
    /// Whether the latest block looked broken.
    looks_broken: bool,
}

impl Breaker {
    pub(crate) fn new() -> Breaker {
        let held = [LN_NOTHING; LEVELS.len()];
        Breaker {
            pending: Pending::default(),
            stable: Trials::default(),
            held,
            blocks: 0,
            suspected: 0,
            looks_broken: false,
        }
    }

    /// Takes in a batch; true when it completed a block.
    pub(crate) fn update(&mut self, margin: Margin, batch: &Arms<Trials>) -> bool {
        if let Some(stale) = self.pending.add(batch) {
            self.remember(stale.stable);
        }
        let block = self.pending.close_if(|_| true);
        if let Some(block) = &block {
            self.settle(margin, block);
        }
        block.is_some()
    }

    pub(crate) fn flush(&mut self, margin: Margin) {
        let block = self.pending.take();
        if block.is_comparable() {
            self.settle(margin, &block);
        } else {
            self.remember(block.stable);
        }
    }

    /// The logarithm of the evidence.
    pub(crate) fn ln(&self) -> f64 {
        let levels = LEVELS.iter().zip(self.held);
        levels.fold(self.not_started().ln(), |sum, ((_, prior), held)| ln_add(sum, held + prior.ln()))
    }

    fn settle(&mut self, margin: Margin, block: &Arms<Trials>) {
        let before = self.not_started();
        self.blocks = self.blocks.saturating_add(1);
        self.suspected = self.suspected.saturating_add(u64::from(self.looks_broken));
        let weight = (before - self.not_started()).max(0.0);
        let stable = (self.stable.k as f64 + 0.5) / (self.stable.n as f64 + 50.0);
        for ((level, _), held) in LEVELS.iter().zip(&mut self.held) {
            let bet = Bet::new(margin, block.share(), Arms { stable, candidate: *level });
            *held = ln_add(*held, weight.ln().max(LN_NOTHING)) + bet.gain(block);
        }
        self.looks_broken = block.candidate.k >= block.candidate.n.div_ceil(2);
        self.remember(block.stable);
    }

    /// The share of the evidence that has not begun to bet.
    fn not_started(&self) -> f64 {
        f64::midpoint(left(self.blocks), left(self.suspected))
    }

    fn remember(&mut self, stable: Trials) {
        self.stable.merge(&stable);
        if self.stable.n > MEMORY {
            let Trials { n, k } = self.stable;
            self.stable = Trials::new(MEMORY / 2, (k as f64 / n as f64 * (MEMORY / 2) as f64).round() as u64);
        }
    }
}

/// The share that is left after so many starts.
fn left(starts: u64) -> f64 {
    1.0 / (1.0 + (starts as f64).ln_1p())
}
