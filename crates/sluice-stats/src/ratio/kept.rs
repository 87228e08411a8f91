//! Evidence that the candidate fails no more often than tolerated.

use serde::{Deserialize, Serialize};

use super::bet::{Bet, Margin};
use super::{BLOCK_MAX, BLOCK_MIN, FIRST_GUESS, RATE_MAX, STABLE_MIN};
use crate::block::{Comparable, Pending, Requests};
use crate::evidence::{LN_NOTHING, Peak, is_sensible, requests_needed, suffices};
use crate::trials::{Arms, Trials};
use crate::window::Merge;

/// A pair of rates that is bet on.
#[derive(Clone, Copy, Debug)]
enum On {
    /// The candidate's rate is such a part of the way from stable's to the margin's edge.
    Part(f64),
    /// The candidate's rate is so many times stable's.
    Times(f64),
}

/// What is bet on, with prior weights that add up to 1: most on a candidate that is as good as stable.
const BETS: [(On, f64); 8] = [
    (On::Part(0.0), 0.4),
    (On::Part(0.25), 0.1),
    (On::Part(0.5), 0.08),
    (On::Part(0.75), 0.04),
    (On::Times(0.8), 0.14),
    (On::Times(0.6), 0.1),
    (On::Times(0.35), 0.08),
    (On::Times(0.1), 0.06),
];

/// A sequential test of whether the margin is kept: the claim that is tested is "the candidate's rate is at least
/// (1 + m) times stable's, plus d", and evidence against it is proof of a candidate that is good enough.
///
/// Used like [`super::RatioTest`], with the same blocks and the same assumptions; constant in size. Proof takes many
/// more requests than finding a fault does: with a weight of 5 %, 1 % of failures and a margin of 50 %, about 80 000.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeptTest {
    margin: Margin,
    pending: Pending<Trials>,
    past: Arms<Trials>,
    held: [f64; BETS.len()],
    peak: Peak,
}

impl KeptTest {
    /// A test without data; the margin is read as [`super::RatioTest::new`] reads it. Without a margin, only a
    /// candidate that is better than stable can be proved good enough.
    pub fn new(margin: Margin) -> KeptTest {
        KeptTest {
            margin: margin.held_within_bounds(),
            pending: Pending::default(),
            past: Arms::default(),
            held: [0.0; BETS.len()],
            peak: Peak::default(),
        }
    }

    /// See [`super::RatioTest::update`].
    pub fn update(&mut self, stable: Trials, candidate: Trials) {
        let batch = Arms {
            stable: Trials::new(stable.n, stable.k),
            candidate: Trials::new(candidate.n, candidate.k),
        };
        if batch.requests() == 0 {
            return;
        }
        if let Some(stale) = self.pending.add(&batch) {
            self.past.merge(&stale);
        }
        let complete = (self.past.requests() / 5).clamp(BLOCK_MIN, BLOCK_MAX);
        if let Some(block) = self.pending.close_if(|arms| arms.requests() >= complete) {
            self.settle(&block);
        }
    }

    /// Settles what waits, however little. When to call this must not depend on how requests ended.
    pub fn flush(&mut self) {
        let block = self.pending.take();
        if block.is_comparable() {
            self.settle(&block);
        } else {
            self.past.merge(&block);
        }
    }

    /// To be called when the candidate's weight changes: settles what waits. Evidence goes on: what a candidate has
    /// proved at a low weight counts at a higher one.
    pub fn restart(&mut self) {
        self.flush();
    }

    /// The natural logarithm of the evidence that the margin is kept.
    pub fn log_e(&self) -> f64 {
        let highest = self.held.iter().copied().fold(LN_NOTHING, f64::max);
        let parts = self.held.iter().zip(BETS).map(|(held, (_, prior))| prior * (held - highest).exp());
        highest + parts.sum::<f64>().ln()
    }

    /// Whether the margin is kept, as things stand, with a probability of being wrong of at most `alpha` over the
    /// whole life of the test. May become false again when more data speak against it.
    pub fn is_kept(&self, alpha: f64) -> bool {
        suffices(self.log_e(), alpha)
    }

    /// The smallest alpha at which [`KeptTest::is_kept`] has been true at any moment; 1 at first. Never grows.
    pub fn p_value(&self) -> f64 {
        self.peak.p_value()
    }

    /// All that was taken in.
    pub fn totals(&self) -> Arms<Trials> {
        let mut totals = self.past;
        totals.merge(self.pending.arms());
        totals
    }

    /// The margin that the test was made with.
    pub fn margin(&self) -> Margin {
        self.margin
    }

    /// About how many more of the candidate's requests it takes until a candidate that is as good as stable would have
    /// been proved so, at stable's rate and the share of requests so far. 0 when that many have been seen. `None` when
    /// there is nothing to reckon with: a version without requests, no margin, an `alpha` not within (0, 1).
    pub fn needed(&self, alpha: f64) -> Option<u64> {
        let all = self.totals();
        if !all.is_comparable() || !is_sensible(alpha, 2.0) {
            return None;
        }
        let rate = (all.stable.k as f64 + 0.5) / (all.stable.n as f64 + 1.0);
        let bet = Bet::on_kept(self.margin, all.share(), Arms { stable: rate, candidate: rate });
        let candidates = all.share() * requests_needed(alpha, bet.information(all.share()));
        candidates.is_finite().then(|| (candidates.ceil() as u64).saturating_sub(all.candidate.n))
    }

    fn settle(&mut self, block: &Arms<Trials>) {
        for (held, (on, _)) in self.held.iter_mut().zip(BETS) {
            let rates = rates(self.margin, on, &self.past);
            *held += Bet::on_kept(self.margin, block.share(), rates).gain(block);
        }
        self.past.merge(block);
        self.peak.reach(self.log_e());
    }
}

/// The rates that a bet assumes: stable's is what the past of both versions says if the bet is right.
fn rates(margin: Margin, on: On, past: &Arms<Trials>) -> Arms<f64> {
    let (stable, candidate) = (past.stable.n as f64, past.candidate.n as f64);
    let failed = past.stable.k as f64 + past.candidate.k as f64 + FIRST_GUESS.rate * FIRST_GUESS.weight;
    let of_times = |times: f64| {
        let rate = failed / (stable + times * candidate + FIRST_GUESS.weight);
        Arms { stable: rate, candidate: (times * rate).min(RATE_MAX) }
    };
    match (on, margin) {
        (On::Times(times), _) => of_times(times),
        (On::Part(part), Margin::Relative(margin)) => of_times(1.0 + part * margin),
        (On::Part(part), Margin::Absolute(margin)) => {
            let more = part * margin;
            let rate =
                ((failed - more * candidate) / (stable + candidate + FIRST_GUESS.weight)).max(STABLE_MIN);
            Arms { stable: rate, candidate: (rate + more).min(RATE_MAX) }
        }
    }
}
