//! How many events come together, learned from the past.
//!
//! Two signs are read: how much the counts of one version differ from one batch to the next, and how much the
//! candidate's share of a batch's events differs from its usual share. Beside what chance does to single events, the
//! first grows with bursts and with whatever makes both versions' rates move; the second only with bursts, but tells
//! little while the candidate has few events. So the first is believed less, the more the second tells. To read too
//! much into it costs time; too little would break the promise, so the rest is caution.

use serde::{Deserialize, Serialize};

use super::{Events, Seen};
use crate::trials::Arms;

/// How many events may come together, and what is believed of each before anything was seen.
const GUESSES: [(f64, f64); 6] =
    [(1.0, 0.35), (1.5, 0.15), (2.2, 0.15), (3.3, 0.15), (5.0, 0.12), (8.0, 0.08)];
/// So many squares must have been seen before the events of a batch are read as independent at all, and so many before
/// that is done with this many events, where a single batch could settle the matter.
const ENOUGH: f64 = 7.0;
const ENOUGH_FOR_MANY: f64 = 24.0;
const MANY: f64 = 10.0;
/// What shares must tell for changes in time to be believed half as much.
const SHARES_ENOUGH: f64 = 30.0;

/// A sum of squares of what was unexpected, each divided by what it would be if events came one by one, and how many
/// there were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Squares {
    sum: f64,
    count: f64,
}

impl Squares {
    /// Adds a square and what it would be of single events. Squares of few events tell less.
    fn add(&mut self, square: f64, expected: f64) {
        if expected > 0.0 {
            let count = expected / (expected + 0.5);
            self.sum += count * square / expected;
            self.count += count;
        }
    }
}

/// As how many independent events those of a batch are to be read, at least 1.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Units {
    /// As far as is known.
    pub(crate) likely: f64,
    /// On the side of caution: 1 until enough was seen.
    pub(crate) proven: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Dispersion {
    in_time: Squares,
    of_shares: Squares,
    /// Mantel and Haenszel's sums for the candidate and stable.
    sums: (f64, f64),
    last: Arms<Events>,
}

impl Dispersion {
    pub(crate) fn new() -> Dispersion {
        Dispersion {
            in_time: Squares::default(),
            of_shares: Squares::default(),
            sums: (0.5, 0.5),
            last: Arms::default(),
        }
    }

    /// What a batch with so many events is to be read as.
    pub(crate) fn units(&self, events: f64) -> Units {
        let (mean, count) = self.mean();
        let ln_likelihood = |guess: f64| -0.5 * count * (guess.ln() + mean / guess);
        let highest =
            GUESSES.iter().map(|(guess, _)| ln_likelihood(*guess)).fold(f64::NEG_INFINITY, f64::max);
        let (mut sum, mut inverses, mut weights) = (0.0, 0.0, 0.0);
        for (guess, prior) in GUESSES {
            let weight = prior * (ln_likelihood(guess) - highest).exp();
            sum += weight * guess;
            inverses += weight / guess;
            weights += weight;
        }
        let enough = if events < MANY { ENOUGH } else { ENOUGH_FOR_MANY };
        // Beyond the guesses, what was seen.
        let cautious = if count < enough {
            f64::INFINITY
        } else {
            (sum / weights).max(if mean > 8.0 { mean } else { 1.0 })
        };
        Units { likely: (events * inverses / weights).max(1.0), proven: (events / cautious).max(1.0) }
    }

    /// How many events come together, as far as is known.
    pub(crate) fn estimate(&self) -> Option<f64> {
        let (mean, count) = self.mean();
        (count >= 3.0).then(|| mean.max(1.0))
    }

    /// How many events came together, and in how many squares that was seen.
    fn mean(&self) -> (f64, f64) {
        let Dispersion { in_time, of_shares, .. } = self;
        let belief = SHARES_ENOUGH / (SHARES_ENOUGH + of_shares.count);
        let count = of_shares.count + belief * in_time.count;
        let sum = of_shares.sum + belief * in_time.sum;
        (if count > 0.0 { sum / count } else { 1.0 }, count)
    }

    /// Learns from a batch that has been settled.
    pub(crate) fn learn(&mut self, batch: &Arms<Events>) {
        let Some(seen) = Seen::new(batch) else { return };
        for (now, last) in [(batch.stable, self.last.stable), (batch.candidate, self.last.candidate)] {
            let (e, f) = (now.held(), last.held());
            if f > 0.0 {
                let (a, b) = (now.events as f64, last.events as f64);
                // Each of two exposures as if it were their harmonic mean.
                let held = 2.0 * e * f / (e + f);
                self.in_time.add((a / e - b / f).powi(2) * held * held / 2.0, (a + b) / (e + f) * held);
            }
        }
        self.last = *batch;
        if seen.all > 0.0 {
            let odds = seen.odds * self.sums.0 / self.sums.1;
            let share = odds / (1.0 + odds);
            let variance = seen.all * share * (1.0 - share);
            self.of_shares.add((seen.candidate - seen.all * share).powi(2), variance);
            let share = seen.odds / (1.0 + seen.odds);
            self.sums.0 += seen.candidate * (1.0 - share);
            self.sums.1 += (seen.all - seen.candidate) * share;
        }
    }
}
