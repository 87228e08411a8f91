//! Services that are watched against their own past, in blocks of ten seconds.

use sluice_stats::past::score_of_trials;
use sluice_stats::{Margin, PastTest, Trials, Worse};

use crate::draws::Draws;
use crate::streams::{Stops, note};

/// Blocks of ten seconds in an hour.
const HOUR: i64 = 360;

/// A service, watched for an hour after a step.
#[derive(Clone, Copy)]
pub(crate) struct Service {
    pub(crate) name: &'static str,
    /// How many requests there are in a block.
    pub(crate) requests: u64,
    /// The share that usually fails at a number of blocks since the step, negative before it: the same every day.
    pub(crate) usual: fn(i64) -> f64,
    /// How many times as many fail since the step.
    pub(crate) factor: f64,
    /// By how much rates vary from block to block: the standard deviation of the logarithm.
    pub(crate) sigma: f64,
    /// How much of a block's noise the next one keeps.
    pub(crate) memory: f64,
    /// How many earlier days are known, of each the hour after this time of day and half an hour around it.
    pub(crate) days: u64,
}

impl Service {
    /// The scores of blocks that follow each other.
    fn scores(&self, blocks: std::ops::Range<i64>, factor: f64, draws: &mut Draws) -> Vec<f64> {
        let mut noise = draws.normal();
        let score = |block| {
            noise = self.memory * noise + (1.0 - self.memory * self.memory).sqrt() * draws.normal();
            let rate = (self.usual)(block) * if block < 0 { 1.0 } else { factor };
            let failed = draws.poisson((rate * (self.sigma * noise).exp()).min(1.0) * self.requests as f64);
            score_of_trials(Trials::new(self.requests, failed)).unwrap_or(f64::NAN)
        };
        blocks.map(score).collect()
    }

    /// After how many blocks it was found to be worse than before.
    pub(crate) fn stops(&self, seed: u64) -> Stops {
        let mut draws = Draws::new(seed);
        let earlier: Vec<f64> =
            (0..self.days).flat_map(|_| self.scores(-HOUR / 2..HOUR * 3 / 2, 1.0, &mut draws)).collect();
        let all = self.scores(-HOUR..HOUR, self.factor, &mut draws);
        let (recent, since) = all.split_at(HOUR as usize);
        let mut test = PastTest::new(Margin::Relative(0.1), Worse::Higher, recent, &earlier);
        let mut stops = Stops::default();
        for (block, score) in (1..).zip(since) {
            test.update(*score);
            note(&mut stops, test.p_value(), block);
        }
        stops
    }
}

const fn service(name: &'static str, requests: u64, usual: fn(i64) -> f64, sigma: f64) -> Service {
    Service { name, requests, usual, factor: 1.0, sigma, memory: 0.0, days: 0 }
}

/// A wave with a period of a day, at its steepest at the step: four times as many failures at its top as at its bottom.
fn wave(block: i64) -> f64 {
    0.01 * 2_f64.powf((block as f64 / HOUR as f64 / 24.0 * std::f64::consts::TAU).sin())
}

/// Services that are as they were.
pub(crate) const AS_BEFORE: [Service; 8] = [
    service("1 % fail, 200 requests a block", 200, |_| 0.01, 0.0),
    service("1 % fail, 2 000 requests a block, blocks vary by 30 %", 2_000, |_| 0.01, 0.3),
    service("0.1 % fail, 50 requests a block", 50, |_| 0.001, 0.0),
    service(
        "bursts: one in a hundred blocks fails by 20 %",
        200,
        |block| if block % 100 == 37 { 0.2 } else { 0.005 },
        0.5,
    ),
    Service {
        memory: 0.5,
        ..service("blocks that vary by 30 % and resemble the one before by half", 2_000, |_| 0.01, 0.3)
    },
    Service {
        memory: 0.9,
        ..service("blocks that vary by 30 % and resemble the one before by 90 %", 2_000, |_| 0.01, 0.3)
    },
    service("a wave of a day, no earlier day known", 2_000, wave, 0.2),
    Service { days: 3, ..service("a wave of a day, three earlier days known", 2_000, wave, 0.2) },
];

/// Services that became worse.
pub(crate) const HURT: [Service; 5] = [
    Service { factor: 5.0, ..service("1 → 5 %, 200 requests a block", 200, |_| 0.01, 0.0) },
    Service { factor: 5.0, ..service("1 → 5 %, 2 000 a block, blocks vary by 30 %", 2_000, |_| 0.01, 0.3) },
    Service { factor: 5.0, ..service("1 → 5 %, 20 requests a block", 20, |_| 0.01, 0.0) },
    Service { factor: 2.0, ..service("1 → 2 %, 2 000 a block, blocks vary by 30 %", 2_000, |_| 0.01, 0.3) },
    Service {
        factor: 5.0,
        days: 3,
        ..service("1 → 5 % in a wave of a day, three earlier days known", 2_000, wave, 0.2)
    },
];
