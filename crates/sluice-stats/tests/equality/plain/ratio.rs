//! The test of failures: every bet's projection by halving an interval.

use sluice_stats::{Arms, Margin, Merge, Trials};

use super::evidence::{Evidence, LN_NOTHING, ln_add, multiply};
use super::pending::{Pending, all, is_comparable, share};

const EFFECTS: i32 = 24;
const EFFECT_MIN: f64 = 1.1;
const EFFECT_MAX: f64 = 20.0;
const BREAKER: f64 = 0.05;
const LEVELS: [(f64, f64); 3] = [(0.25, 0.2), (0.5, 0.2), (0.95, 0.6)];
const MEMORY: u64 = 10_000;

/// A rate that is assumed for want of data, and how many requests it counts for.
type Guess = (f64, f64);
const FIRST_GUESS: Guess = (0.01, 50.0);

/// What is bet against, and how exactly its nearest rates are looked for.
#[derive(Clone, Copy, Debug)]
struct Null {
    margin: Margin,
    halvings: u32,
}

#[derive(Clone, Debug)]
pub(crate) struct RatioTest {
    null: Null,
    pending: Pending<Trials>,
    past: Arms<Trials>,
    past_step: Arms<Trials>,
    guess_step: Guess,
    evidence: Evidence,
    breaker: Breaker,
    peak: f64,
}

impl RatioTest {
    /// The margin must be within its bounds.
    pub(crate) fn new(margin: Margin) -> RatioTest {
        RatioTest::halving(margin, 52)
    }

    /// Halves so many times: 52 leave rates far below one with fewer digits than a number can have.
    pub(crate) fn halving(margin: Margin, halvings: u32) -> RatioTest {
        let breaker = Breaker {
            pending: Pending::default(),
            stable: Trials::default(),
            held: [LN_NOTHING; LEVELS.len()],
            starts: Starts::default(),
            looks_broken: false,
        };
        RatioTest {
            null: Null { margin, halvings },
            pending: Pending::default(),
            past: Arms::default(),
            past_step: Arms::default(),
            guess_step: FIRST_GUESS,
            evidence: Evidence::new(EFFECTS as usize),
            breaker,
            peak: 0.0,
        }
    }

    pub(crate) fn update(&mut self, stable: Trials, candidate: Trials) {
        let batch = Arms {
            stable: Trials::new(stable.n, stable.k),
            candidate: Trials::new(candidate.n, candidate.k),
        };
        if let Some(stale) = self.pending.add(&batch) {
            self.remember(&stale);
        }
        let complete = (all(&self.past) / 5).clamp(20, 100);
        let block = self.pending.close_if(|arms| all(arms) >= complete);
        if let Some(block) = &block {
            self.settle(block);
        }
        let is_settled = self.breaker.update(self.null, &batch);
        if is_settled || block.is_some() {
            self.peak = self.peak.max(self.log_e());
        }
    }

    pub(crate) fn flush(&mut self) {
        let block = std::mem::take(&mut self.pending.arms);
        if is_comparable(&block) {
            self.settle(&block)
        } else {
            self.remember(&block)
        }
        let block = std::mem::take(&mut self.breaker.pending.arms);
        if is_comparable(&block) {
            self.breaker.settle(self.null, &block);
        } else {
            self.breaker.remember(block.stable);
        }
        self.peak = self.peak.max(self.log_e());
    }

    pub(crate) fn restart(&mut self) {
        self.flush();
        let Trials { n, k } = self.past.stable;
        let rate = (k as f64 + FIRST_GUESS.0 * FIRST_GUESS.1) / (n as f64 + FIRST_GUESS.1);
        self.guess_step = (rate, 1000.0);
        self.past_step = Arms::default();
        self.evidence.restart();
    }

    pub(crate) fn log_e(&self) -> f64 {
        let grid = self.evidence.ln(effects().map(|(_, prior)| prior));
        ((1.0 - BREAKER).ln() + grid).max(BREAKER.ln() + self.breaker.ln())
    }

    pub(crate) fn is_worse(&self, alpha: f64) -> bool {
        alpha > 0.0 && self.log_e() >= -alpha.ln()
    }

    pub(crate) fn p_value(&self) -> f64 {
        (-self.peak).exp().min(1.0)
    }

    pub(crate) fn totals(&self) -> Arms<Trials> {
        let mut totals = self.past;
        totals.merge(&self.pending.arms);
        totals
    }

    fn settle(&mut self, block: &Arms<Trials>) {
        let (null, w) = (self.null, share(block));
        let gains = |past: Arms<Trials>, guess: Guess| {
            effects().map(move |(effect, _)| gain(null, w, rates(null.margin, effect, &past, guess), block))
        };
        multiply(&mut self.evidence.whole, gains(self.past, FIRST_GUESS));
        if self.evidence.was_restarted() {
            multiply(&mut self.evidence.restarted, gains(self.past_step, self.guess_step));
        }
        self.remember(block);
    }

    fn remember(&mut self, block: &Arms<Trials>) {
        self.past.merge(block);
        self.past_step.merge(block);
    }
}

fn effects() -> impl Iterator<Item = (f64, f64)> + Clone {
    let ratio = (EFFECT_MAX / EFFECT_MIN).powf(1.0 / f64::from(EFFECTS - 1));
    let sum = (1.0 - ratio.powi(-EFFECTS)) / (1.0 - 1.0 / ratio) / EFFECT_MIN;
    (0..EFFECTS).map(move |i| {
        let effect = EFFECT_MIN * ratio.powi(i);
        (effect, 1.0 / (effect * sum))
    })
}

fn limit(margin: Margin, stable: f64) -> f64 {
    match margin {
        Margin::Relative(margin) => (1.0 + margin) * stable,
        Margin::Absolute(margin) => stable + margin,
    }
}

fn rates(margin: Margin, effect: f64, past: &Arms<Trials>, (rate, weight): Guess) -> Arms<f64> {
    let (stable, candidate) = (past.stable.n as f64, past.candidate.n as f64);
    let failed = past.stable.k as f64 + past.candidate.k as f64 + rate * weight;
    let stable = match margin {
        Margin::Relative(margin) => failed / (stable + (1.0 + margin) * effect * candidate + weight),
        Margin::Absolute(margin) => ((failed - margin * candidate) / (stable + candidate + weight)).max(5e-4),
    };
    Arms { stable, candidate: (limit(margin, stable) * effect).min(0.95) }
}

/// What the bet on `rates` gains by a block, as a logarithm.
fn gain(null: Null, w: f64, rates: Arms<f64>, block: &Arms<Trials>) -> f64 {
    if rates.candidate <= limit(null.margin, rates.stable) * (1.0 + 1e-9) {
        return 0.0;
    }
    let stable = project(null, w, rates);
    let of = |trials: Trials, rate: f64, null: f64| {
        let (failed, fine) = ((rate / null).ln(), (-rate).ln_1p() - (-null).ln_1p());
        trials.k as f64 * failed + (trials.n - trials.k) as f64 * fine
    };
    of(block.stable, rates.stable, stable) + of(block.candidate, rates.candidate, limit(null.margin, stable))
}

/// Stable's rate in the nearest pair within the margin.
fn project(null: Null, w: f64, Arms { stable: b, candidate: c }: Arms<f64>) -> f64 {
    match null.margin {
        Margin::Relative(margin) => {
            let rho = 1.0 + margin;
            let failures = w * c + (1.0 - w) * b;
            let sum = failures * (1.0 + rho) + w * (1.0 - c) * rho + (1.0 - w) * (1.0 - b);
            let root = (sum * sum - 4.0 * rho * failures).max(0.0).sqrt();
            (2.0 * failures / (sum + root)).clamp(b, c / rho)
        }
        Margin::Absolute(margin) => {
            let slope = |x: f64| {
                let y = x + margin;
                w * ((1.0 - c) / (1.0 - y) - c / y) + (1.0 - w) * ((1.0 - b) / (1.0 - x) - b / x)
            };
            let (mut low, mut high) = (b, c - margin);
            for _ in 0..null.halvings {
                let middle = 0.5 * (low + high);
                if slope(middle) < 0.0 { low = middle } else { high = middle }
            }
            0.5 * (low + high)
        }
    }
}

#[derive(Clone, Debug)]
struct Breaker {
    pending: Pending<Trials>,
    stable: Trials,
    held: [f64; LEVELS.len()],
    starts: Starts,
    looks_broken: bool,
}

/// At how many blocks stakes began: of one half at each, of the other at those after one that looked broken.
#[derive(Clone, Copy, Debug, Default)]
struct Starts {
    any: u64,
    suspected: u64,
}

impl Breaker {
    fn update(&mut self, null: Null, batch: &Arms<Trials>) -> bool {
        if let Some(stale) = self.pending.add(batch) {
            self.remember(stale.stable);
        }
        let block = self.pending.close_if(|_| true);
        if let Some(block) = &block {
            self.settle(null, block);
        }
        block.is_some()
    }

    fn ln(&self) -> f64 {
        let levels = LEVELS.iter().zip(self.held);
        levels.fold(self.starts.left().ln(), |sum, ((_, prior), held)| ln_add(sum, held + prior.ln()))
    }

    fn settle(&mut self, null: Null, block: &Arms<Trials>) {
        let mut starts = self.starts;
        starts.any += 1;
        if self.looks_broken {
            starts.suspected += 1;
        }
        let weight = (self.starts.left() - starts.left()).max(0.0);
        let stable = (self.stable.k as f64 + 0.5) / (self.stable.n as f64 + 50.0);
        for ((level, _), held) in LEVELS.iter().zip(&mut self.held) {
            let gain = gain(null, share(block), Arms { stable, candidate: *level }, block);
            *held = ln_add(*held, weight.ln().max(LN_NOTHING)) + gain;
        }
        self.starts = starts;
        self.looks_broken = 2 * block.candidate.k >= block.candidate.n;
        self.remember(block.stable);
    }

    fn remember(&mut self, stable: Trials) {
        self.stable.merge(&stable);
        if self.stable.n > MEMORY {
            let Trials { n, k } = self.stable;
            self.stable = Trials::new(MEMORY / 2, (k as f64 / n as f64 * (MEMORY / 2) as f64).round() as u64);
        }
    }
}

impl Starts {
    /// The share that has not begun to bet.
    fn left(self) -> f64 {
        let of = |starts: u64| 1.0 / (1.0 + (1.0 + starts as f64).ln());
        0.5 * of(self.any) + 0.5 * of(self.suspected)
    }
}
