//! Streams of visitors who reach the candidate in the proportion asked for, or in another.

use sluice_stats::{AllocationTest, Arms};

use crate::draws::Draws;
use crate::streams::{ALPHAS, Stops, note};

/// Visitors between two looks.
const BATCH: u64 = 10;

/// What was asked for and what is the truth, at a part (0 to 1) of a stream; a new step restarts the test.
#[derive(Clone, Copy)]
pub(crate) struct Share {
    pub(crate) step: usize,
    pub(crate) asked: f64,
    pub(crate) truth: f64,
}

/// A stream of visitors.
#[derive(Clone, Copy)]
pub(crate) struct Visitors {
    pub(crate) name: &'static str,
    pub(crate) at: fn(f64) -> Share,
    /// How many times the least possible delay is allowed at each level, if anything is wrong.
    pub(crate) at_most: [f64; 2],
}

impl Visitors {
    pub(crate) fn stops(&self, visitors: u64, seed: u64) -> Stops {
        let (mut draws, mut test, mut stops) = (Draws::new(seed), AllocationTest::new(), Stops::default());
        let (mut seen, mut step) = (0, 0);
        while seen < visitors && stops.contains(&None) {
            let now = (self.at)(seen as f64 / visitors as f64);
            if now.step != step {
                test.restart();
                step = now.step;
            }
            let candidate = (0..BATCH).filter(|_| draws.happens(now.truth)).count() as u64;
            test.update(now.asked, Arms { stable: BATCH - candidate, candidate });
            seen += BATCH;
            note(&mut stops, test.p_value(), seen);
        }
        stops
    }

    /// The least possible delay at each level, of a share that is the same all the time.
    pub(crate) fn least(&self) -> [f64; 2] {
        let Share { asked, truth, .. } = (self.at)(0.0);
        let divergence = truth * (truth / asked).ln() + (1.0 - truth) * ((1.0 - truth) / (1.0 - asked)).ln();
        ALPHAS.map(|alpha| -alpha.ln() / divergence)
    }
}

const fn visitors(name: &'static str, at: fn(f64) -> Share) -> Visitors {
    Visitors { name, at, at_most: [2.0, 1.8] }
}

const fn share(asked: f64, truth: f64) -> Share {
    Share { step: 0, asked, truth }
}

/// Visitors who are assigned as asked for.
pub(crate) const AS_ASKED: [Visitors; 4] = [
    visitors("w 5 %", |_| share(0.05, 0.05)),
    visitors("w 50 %", |_| share(0.5, 0.5)),
    visitors("w 5→50 %", |part| {
        let step = ((part * 4.0) as usize).min(3);
        let asked = [0.05, 0.1, 0.25, 0.5][step];
        Share { step, ..share(asked, asked) }
    }),
    visitors("w anything from 1 to 99 %, never the same", |part| {
        let asked = 0.5 + 0.49 * (part * 12_345.0).sin();
        share(asked, asked)
    }),
];

/// Visitors who are not.
pub(crate) const MISMATCHED: [Visitors; 7] = [
    visitors("5 % asked, 6 % given", |_| share(0.05, 0.06)),
    visitors("5 % asked, 4 % given", |_| share(0.05, 0.04)),
    visitors("5 % asked, 10 % given", |_| share(0.05, 0.1)),
    visitors("10 % asked, 12 % given", |_| share(0.1, 0.12)),
    visitors("50 % asked, 51 % given", |_| share(0.5, 0.51)),
    visitors("50 % asked, 52 % given", |_| share(0.5, 0.52)),
    visitors("50 % asked, 45 % given", |_| share(0.5, 0.45)),
];
