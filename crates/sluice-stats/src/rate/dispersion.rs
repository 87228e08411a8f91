//! How many events come together, learned from the past.

use serde::{Deserialize, Serialize};

use super::{Events, Seen};
use crate::trials::Arms;

/// Nothing has been learned: all events of a batch are read as one.
const UNKNOWN: f64 = 1e300;

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Dispersion {
    squares: f64,
    expected: f64,
    count: f64,
    last: Arms<Events>,
}

impl Dispersion {
    pub(crate) fn new() -> Dispersion {
        Dispersion { squares: 0.0, expected: 0.0, count: 0.0, last: Arms::default() }
    }

    /// How many events are to be read as one, on the side of caution.
    pub(crate) fn value(&self) -> f64 {
        if self.count < 3.0 || self.expected <= 0.0 {
            UNKNOWN
        } else {
            (self.squares / self.expected).max(1.0)
        }
    }

    /// As how many independent events a batch with so many is to be read, at least 1.
    pub(crate) fn units(&self, events: f64) -> f64 {
        (events / self.value()).max(1.0)
    }

    pub(crate) fn estimate(&self) -> Option<f64> {
        (self.count >= 3.0 && self.expected > 0.0).then(|| (self.squares / self.expected).max(1.0))
    }

    /// Learns from a batch that has been settled.
    pub(crate) fn learn(&mut self, batch: &Arms<Events>) {
        let Some(_seen) = Seen::new(batch) else { return };
        for (now, last) in [(batch.stable, self.last.stable), (batch.candidate, self.last.candidate)] {
            let (e, f) = (now.held(), last.held());
            if f > 0.0 {
                let (a, b) = (now.events as f64, last.events as f64);
                self.squares += (a / e - b / f).powi(2) / (1.0 / e + 1.0 / f);
                self.expected += (a + b) / (e + f);
                self.count += 1.0;
            }
        }
        self.last = *batch;
    }
}
