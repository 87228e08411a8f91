//! Releases in which all requests that a version serves in a second are slowed down together.

use sluice_stats::{Arms, Histogram, QuantileTest};

use crate::draws::Draws;
use crate::streams::{Stops, note, usual};

/// A release in which nothing is wrong: in each second, each version is by chance slower or faster for all of its
/// requests, and may stall.
#[derive(Clone, Copy)]
pub(crate) struct Clumps {
    pub(crate) name: &'static str,
    pub(crate) quantile: f64,
    pub(crate) w: f64,
    pub(crate) a_second: u64,
    /// The standard deviation of a second's logarithm.
    pub(crate) sigma: f64,
    /// The share of seconds in which a version takes five times as long.
    pub(crate) stalls: f64,
    /// How much longer the candidate takes.
    pub(crate) slower: f64,
}

impl Clumps {
    pub(crate) fn stops(&self, test: QuantileTest, requests: u64, seed: u64) -> Stops {
        let (mut test, mut draws, mut stops, mut seen) = (test, Draws::new(seed), Stops::default(), 0);
        while seen < requests && stops.contains(&None) {
            let mut second =
                || (self.sigma * draws.normal()).exp() * if draws.happens(self.stalls) { 5.0 } else { 1.0 };
            let factors = Arms { stable: second(), candidate: second() * self.slower };
            let mut batch = Arms::<Histogram>::default();
            for _ in 0..self.a_second {
                let is_candidate = draws.happens(self.w);
                let time = usual(draws.normal()) * 1000.0;
                let (arm, factor) = if is_candidate {
                    (&mut batch.candidate, factors.candidate)
                } else {
                    (&mut batch.stable, factors.stable)
                };
                arm.record((time * factor) as u64);
            }
            test.update(&batch.stable, &batch.candidate);
            seen += self.a_second;
            note(&mut stops, test.p_value(), seen);
        }
        stops
    }
}

const fn clumps(name: &'static str, quantile: f64, w: f64, a_second: u64, sigma: f64, stalls: f64) -> Clumps {
    Clumps { name, quantile, w, a_second, sigma, stalls, slower: 1.0 }
}

/// Nothing is wrong in any of these.
pub(crate) const CLUMPS: [Clumps; 10] = [
    clumps("seconds vary by 20 %, w 50 %, 20 a second, p95", 0.95, 0.5, 20, 0.2, 0.0),
    clumps("seconds vary by 20 %, w 50 %, 200 a second, p95", 0.95, 0.5, 200, 0.2, 0.0),
    clumps("seconds vary by 20 %, w 5 %, 200 a second, p99", 0.99, 0.05, 200, 0.2, 0.0),
    clumps("2 % of seconds stall, w 50 %, 20 a second, p95", 0.95, 0.5, 20, 0.0, 0.02),
    clumps("2 % of seconds stall, w 50 %, 200 a second, p95", 0.95, 0.5, 200, 0.0, 0.02),
    clumps("2 % of seconds stall, w 5 %, 20 a second, p99", 0.99, 0.05, 20, 0.0, 0.02),
    clumps("2 % of seconds stall, w 5 %, 200 a second, p95", 0.95, 0.05, 200, 0.0, 0.02),
    clumps("both, w 50 %, 20 a second, p95", 0.95, 0.5, 20, 0.2, 0.02),
    clumps("both, w 50 %, 200 a second, p99", 0.99, 0.5, 200, 0.2, 0.02),
    clumps("both, w 10 %, 200 a second, p50", 0.5, 0.1, 200, 0.2, 0.02),
];
