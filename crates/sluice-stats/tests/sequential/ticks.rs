//! Simulated counts of events, of which the truth is known, looked at after every tick.

use sluice_stats::rate::KeptTest;
use sluice_stats::{Events, RateTest};

use crate::draws::Draws;
use crate::streams::{ALPHAS, Stops, note};

/// What sets the rate of both versions alike.
#[derive(Clone, Copy)]
pub(crate) enum Common {
    /// It is the same all the time.
    Steady,
    /// It is drawn anew at every tick, from a gamma distribution of this shape.
    Noise(f64),
    /// It grows or falls to so many times its first value.
    Drift(f64),
}

/// Counts of events per tick.
#[derive(Clone, Copy)]
pub(crate) struct Ticks {
    pub(crate) name: &'static str,
    pub(crate) margin: f64,
    /// The candidate's share of the exposure at a part (0 to 1) of the stream.
    pub(crate) w: fn(f64) -> f64,
    /// Events of stable per tick at full exposure.
    pub(crate) mu: f64,
    /// How many times stable's rate the candidate has.
    pub(crate) ratio: f64,
    pub(crate) common: Common,
    /// The mean size of a burst, 1 for single events; the rate of bursts is `mu` over this.
    pub(crate) burst: f64,
    /// How many ticks come in one batch.
    pub(crate) batch: u64,
    pub(crate) ticks: u64,
}

impl Ticks {
    fn events(&self, draws: &mut Draws, mean: f64) -> u64 {
        let bursts = draws.poisson(mean / self.burst);
        if self.burst <= 1.0 {
            return bursts;
        }
        (0..bursts).map(|_| draws.geometric(1.0 / self.burst)).sum()
    }

    /// Calls `look` with each batch, and whether the weight changed before it, until it returns false.
    pub(crate) fn feed(&self, seed: u64, mut look: impl FnMut(u64, bool, Events, Events) -> bool) {
        let mut draws = Draws::new(seed);
        let (mut tick, mut last) = (0, (self.w)(0.0));
        while tick < self.ticks {
            let part = tick as f64 / self.ticks as f64;
            let w = (self.w)(part);
            let (mut stable, mut candidate) = (Events::default(), Events::default());
            for _ in 0..self.batch {
                let common = match self.common {
                    Common::Steady => 1.0,
                    Common::Noise(shape) => draws.gamma(shape) / shape,
                    Common::Drift(last) => last.powf(part),
                };
                stable.events += self.events(&mut draws, self.mu * common * (1.0 - w));
                candidate.events += self.events(&mut draws, self.mu * common * self.ratio * w);
                stable.exposure += 1.0 - w;
                candidate.exposure += w;
            }
            tick += self.batch;
            if !look(tick, w != last, stable, candidate) {
                return;
            }
            last = w;
        }
    }

    pub(crate) fn stops(&self, seed: u64) -> Stops {
        let (mut test, mut stops) = (RateTest::new(self.margin), Stops::default());
        self.feed(seed, |tick, is_new, stable, candidate| {
            if is_new {
                test.restart();
            }
            test.update(stable, candidate);
            note(&mut stops, test.p_value(), tick);
            stops.contains(&None)
        });
        stops
    }

    pub(crate) fn kept_stops(&self, seed: u64) -> Stops {
        let (mut test, mut stops) = (KeptTest::new(self.margin), Stops::default());
        self.feed(seed, |tick, _, stable, candidate| {
            test.update(stable, candidate);
            note(&mut stops, test.p_value(), tick);
            stops.contains(&None)
        });
        stops
    }

    /// The least mean number of ticks any test needs to find a candidate with this steady ratio: Wald's bound for
    /// counts with a Poisson distribution.
    pub(crate) fn least(&self) -> [f64; 2] {
        let (w, ratio, limit) = ((self.w)(0.0), self.ratio, 1.0 + self.margin);
        let all = 1.0 - w + w * ratio;
        let (share, tolerated) = (w * ratio / all, w * limit / (1.0 - w + w * limit));
        let divergence =
            share * (share / tolerated).ln() + (1.0 - share) * ((1.0 - share) / (1.0 - tolerated)).ln();
        ALPHAS.map(|alpha| -alpha.ln() / (self.mu * all * divergence))
    }
}

const fn fine(
    name: &'static str,
    w: fn(f64) -> f64,
    mu: f64,
    common: Common,
    burst: f64,
    ticks: u64,
) -> Ticks {
    Ticks { name, margin: 0.0, w, mu, ratio: 1.0, common, burst, batch: 1, ticks }
}

fn five(_: f64) -> f64 {
    0.05
}

fn half(_: f64) -> f64 {
    0.5
}

/// Steps of 5, 10, 25 and 50 %.
fn ramp(part: f64) -> f64 {
    [0.05, 0.10, 0.25, 0.50][((part * 4.0) as usize).min(3)]
}

use Common::{Drift, Noise, Steady};

/// Counts of a candidate that is fine.
pub(crate) const FINE: [Ticks; 26] = [
    fine("w 5 %, 0.2 a tick", five, 0.2, Steady, 1.0, 20_000),
    fine("w 5 %, 2 a tick", five, 2.0, Steady, 1.0, 4_000),
    fine("w 5 %, 20 a tick", five, 20.0, Steady, 1.0, 1_000),
    fine("w 50 %, 0.2 a tick", half, 0.2, Steady, 1.0, 20_000),
    fine("w 50 %, 2 a tick", half, 2.0, Steady, 1.0, 4_000),
    fine("w 50 %, 20 a tick", half, 20.0, Steady, 1.0, 1_000),
    fine("w 5 %, 2 a tick, noise of both", five, 2.0, Noise(2.0), 1.0, 4_000),
    fine("w 5 %, 20 a tick, noise of both", five, 20.0, Noise(2.0), 1.0, 1_000),
    fine("w 50 %, 2 a tick, noise of both", half, 2.0, Noise(2.0), 1.0, 4_000),
    fine("w 50 %, 20 a tick, noise of both", half, 20.0, Noise(2.0), 1.0, 1_000),
    fine("w 5→50 %, 2 a tick, rising four times", ramp, 2.0, Drift(4.0), 1.0, 4_000),
    fine("w 5→50 %, 2 a tick, falling to a quarter", ramp, 2.0, Drift(0.25), 1.0, 4_000),
    fine("w 5 %, bursts of 3, 0.2 a tick", five, 0.2, Steady, 3.0, 20_000),
    fine("w 5 %, bursts of 3, 0.6 a tick", five, 0.6, Steady, 3.0, 8_000),
    fine("w 5 %, bursts of 3, 2 a tick", five, 2.0, Steady, 3.0, 4_000),
    fine("w 5 %, bursts of 3, 6 a tick", five, 6.0, Steady, 3.0, 2_000),
    fine("w 5 %, bursts of 3, 20 a tick", five, 20.0, Steady, 3.0, 1_000),
    fine("w 5 %, bursts of 3, 60 a tick", five, 60.0, Steady, 3.0, 1_000),
    fine("w 50 %, bursts of 3, 0.2 a tick", half, 0.2, Steady, 3.0, 20_000),
    fine("w 50 %, bursts of 3, 0.6 a tick", half, 0.6, Steady, 3.0, 8_000),
    fine("w 50 %, bursts of 3, 2 a tick", half, 2.0, Steady, 3.0, 4_000),
    fine("w 50 %, bursts of 3, 6 a tick", half, 6.0, Steady, 3.0, 2_000),
    fine("w 50 %, bursts of 3, 20 a tick", half, 20.0, Steady, 3.0, 1_000),
    fine("w 50 %, bursts of 3, 60 a tick", half, 60.0, Steady, 3.0, 1_000),
    fine("w 5→50 %, bursts of 3, noise of both", ramp, 20.0, Noise(2.0), 3.0, 1_000),
    Ticks {
        margin: 0.2,
        ratio: 1.2,
        ..fine("edge of 20 %, w 50 %, bursts of 3", half, 20.0, Steady, 3.0, 1_000)
    },
];

const fn worse(name: &'static str, w: fn(f64) -> f64, mu: f64, ratio: f64) -> Ticks {
    Ticks { ratio, ..fine(name, w, mu, Steady, 1.0, 0) }
}

/// Counts of a candidate that is worse, and how many times the least possible delay is allowed and aimed at.
pub(crate) const WORSE: [(Ticks, f64, f64); 8] = [
    (worse("w 5 %, 0.2 a tick, ten times", five, 0.2, 10.0), 2.0, 1.5),
    (worse("w 50 %, 0.2 a tick, ten times", half, 0.2, 10.0), 2.0, 1.5),
    (worse("w 5 %, 2 a tick, twice", five, 2.0, 2.0), 1.6, 1.3),
    (worse("w 50 %, 2 a tick, twice", half, 2.0, 2.0), 1.6, 1.3),
    (worse("w 5 %, 2 a tick, 1.5 times", five, 2.0, 1.5), 1.6, 1.3),
    (worse("w 50 %, 2 a tick, 1.5 times", half, 2.0, 1.5), 1.6, 1.3),
    (worse("w 5 %, 20 a tick, 1.2 times", five, 20.0, 1.2), 1.8, 1.5),
    (worse("w 50 %, 20 a tick, 1.2 times", half, 20.0, 1.2), 1.8, 1.5),
];
