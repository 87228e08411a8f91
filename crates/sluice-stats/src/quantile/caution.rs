//! Smaller bets where the requests of a second share their fate.
//!
//! A version that is short of processor time for a second is slow for all of that second's requests. They are then not
//! so many independent witnesses, but nearly one. How far batches differ beyond what chance does to independent
//! requests is learned from past batches, and gains are raised to the power 1/phi: with sums that vary phi times as
//! much as they should, that is what makes a bet fair again. What has not been seen yet can happen for the first time,
//! so no block gains more than a single request might.

use serde::{Deserialize, Serialize};

use super::experts::{LOOKS, Tails, gains, look_of, spreads};
use crate::block::Comparable;
use crate::histogram::Histogram;
use crate::trials::Arms;

/// No bet is made before so many batches of both versions were seen.
const BATCHES_MIN: u64 = 10;
/// For how many scores, each of the size of one request's, the first guess of phi, 1, counts.
const GUESS_WEIGHT: f64 = 4.0;
/// Older batches lose half their weight each time so many were seen.
const MEMORY: u64 = 2_000;
/// The most that a block of up to so many batches may gain: three-fold, or what one request gains a bet on an eightfold
/// tail. A block of more batches may gain as much for each such number of them.
const GAIN_MAX: f64 = 3.0;
const GAIN_BATCHES: f64 = 5.0;
const TAIL_RATIO: f64 = 8.0;

/// What is known of how batches vary.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Caution {
    known: Spreads,
    /// Of batches whose block is not settled.
    waiting: Spreads,
}

/// For each way to look at times, sums over batches.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Spreads {
    batches: u64,
    looks: [Spread; LOOKS],
}

/// Sums over batches for one look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Spread {
    /// How much higher the candidate's requests score than their share of all scores.
    pub(super) x: f64,
    /// The variance of that if requests are independent.
    pub(super) v: f64,
    /// The square of the score of one request that counts.
    pub(super) size: f64,
    /// How many requests are in the tail, for looks at one.
    pub(super) tail: f64,
    /// How many of these are due to the candidate.
    pub(super) due: f64,
    pub(super) xx: f64,
    pub(super) xv: f64,
    pub(super) vv: f64,
}

impl Spread {
    /// Of one batch.
    fn squared(mut self) -> Spread {
        (self.xx, self.xv, self.vv) = (self.x * self.x, self.x * self.v, self.v * self.v);
        self
    }

    fn sums(&mut self) -> [&mut f64; 8] {
        let Spread { x, v, size, tail, due, xx, xv, vv } = self;
        [x, v, size, tail, due, xx, xv, vv]
    }

    fn phi(&self, batches: u64) -> f64 {
        if self.v <= 0.0 {
            return 1.0;
        }
        // Around the line through the origin on which a candidate lies that is always slower by the same.
        let slope = self.x / self.v;
        let rest = (self.xx - 2.0 * slope * self.xv + slope * slope * self.vv).max(0.0);
        let guess = GUESS_WEIGHT * self.size / batches as f64;
        ((rest + guess) / (self.v * self.excess() + guess)).max(1.0)
    }

    /// How much more the candidate's share of a tail varies because it is larger than asked for, independent requests
    /// or not.
    fn excess(&self) -> f64 {
        if self.tail <= 0.0 {
            return 1.0;
        }
        let (due, found) = (self.due / self.tail, (self.due + self.x) / self.tail);
        (found * (1.0 - found) / (due * (1.0 - due)).max(f64::MIN_POSITIVE)).max(1.0)
    }
}

impl Spreads {
    fn add(&mut self, mut other: Spreads) {
        self.batches += other.batches;
        for (mine, theirs) in self.looks.iter_mut().zip(&mut other.looks) {
            mine.sums().into_iter().zip(theirs.sums()).for_each(|(mine, theirs)| *mine += *theirs);
        }
        if self.batches > MEMORY {
            self.batches /= 2;
            self.looks.iter_mut().flat_map(Spread::sums).for_each(|sum| *sum *= 0.5);
        }
    }
}

impl Caution {
    /// Learns from a batch whose block is still to be settled, given what was known of times before the block.
    pub(super) fn learn(&mut self, past: &Histogram, tails: &Tails, batch: &Arms<Histogram>) {
        if past.is_empty() || !batch.is_comparable() {
            return;
        }
        let looks = spreads(past, tails, batch).map(Spread::squared);
        self.waiting.add(Spreads { batches: 1, looks });
    }

    /// What each expert gains by a block, more carefully; none before there is enough to go by.
    pub(super) fn gains(&self, past: &Histogram, tails: &Tails, block: &Arms<Histogram>) -> super::Gains {
        let mut gained = gains(past, tails, block);
        if self.known.batches < BATCHES_MIN {
            return gained.map(|_| 0.0);
        }
        let phis = self.known.looks.map(|look| look.phi(self.known.batches));
        let w = block.share();
        let times = (self.waiting.batches as f64 / GAIN_BATCHES).max(1.0);
        let most = times * GAIN_MAX.max(TAIL_RATIO / (1.0 - w + w * TAIL_RATIO)).ln();
        for (expert, gain) in gained.iter_mut().enumerate() {
            *gain = (*gain / phis[look_of(expert)]).min(most);
        }
        gained
    }

    /// To be called when the block is settled: its batches are past now.
    pub(super) fn settled(&mut self) {
        let waiting = std::mem::take(&mut self.waiting);
        self.known.add(waiting);
    }
}
