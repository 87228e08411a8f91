//! The releases that are simulated, for the tests and for the tables.

use sluice_stats::Margin;

use crate::streams::{ALPHAS, Now, Rates, Stops, Times, oracle, oracle_of_times, usual, watch};

const NONE: Margin = Margin::Relative(0.0);

const fn rates(w: f64, stable: f64, candidate: f64) -> Now {
    Now { step: 0, w, stable, candidate }
}

const fn same(w: f64, rate: f64) -> Now {
    rates(w, rate, rate)
}

/// Steps of 5, 10, 25 and 50 %.
fn ramp(part: f64, rate: f64) -> Now {
    let step = ((part * 4.0) as usize).min(3);
    Now { step, ..same(RAMP[step], rate) }
}

const fn fine(name: &'static str, margin: Margin, requests: u64, at: fn(f64) -> Now) -> Rates {
    Rates { name, margin, requests, at }
}

/// Releases in which the candidate is within the margin: whoever stops these is wrong.
pub(crate) const FINE: [Rates; 15] = [
    fine("w 5 %, 0.1 % fail", NONE, 20_000, |_| same(0.05, 0.001)),
    fine("w 5 %, 1 % fail", NONE, 20_000, |_| same(0.05, 0.01)),
    fine("w 5 %, 5 % fail", NONE, 20_000, |_| same(0.05, 0.05)),
    fine("w 50 %, 0.1 % fail", NONE, 20_000, |_| same(0.5, 0.001)),
    fine("w 50 %, 1 % fail", NONE, 20_000, |_| same(0.5, 0.01)),
    fine("w 50 %, 5 % fail", NONE, 20_000, |_| same(0.5, 0.05)),
    fine("outage of both, 1 → 30 %", NONE, 20_000, |part| {
        same(0.1, if (0.5..0.55).contains(&part) { 0.3 } else { 0.01 })
    }),
    fine("waves of both, 0.2 to 4 %", NONE, 20_000, |part| {
        same(0.25, 0.002 * (1.5 - 1.5 * (part * 40.0).cos()).exp())
    }),
    fine("w 5→50 %, 1 % fail", NONE, 20_000, |part| ramp(part, 0.01)),
    fine("w 5→50 %, 0.5 → 2 % fail", NONE, 20_000, |part| ramp(part, 0.005 * 4_f64.powf(part))),
    fine("w 5→50 %, 2 → 0.5 % fail", NONE, 20_000, |part| ramp(part, 0.02 * 0.25_f64.powf(part))),
    fine("candidate fails half as often", NONE, 20_000, |_| rates(0.2, 0.02, 0.01)),
    fine("edge of 20 %, w 5 %", Margin::Relative(0.2), 20_000, |_| rates(0.05, 0.05, 0.06)),
    fine("edge of 20 %, w 50 %", Margin::Relative(0.2), 20_000, |_| rates(0.5, 0.01, 0.012)),
    fine("edge of 0.5 pp, w 50 %", Margin::Absolute(0.005), 20_000, |_| rates(0.5, 0.01, 0.015)),
];

/// A release with a worse candidate, and how many times the least possible delay is allowed at each level.
pub(crate) struct Worse {
    pub(crate) name: &'static str,
    pub(crate) margin: Margin,
    pub(crate) now: Now,
    pub(crate) at_most: [f64; 2],
}

const fn worse(name: &'static str, w: f64, stable: f64, candidate: f64, at_most: [f64; 2]) -> Worse {
    Worse { name, margin: NONE, now: rates(w, stable, candidate), at_most }
}

const fn beyond(name: &'static str, margin: Margin, w: f64, stable: f64, candidate: f64) -> Worse {
    Worse { name, margin, now: rates(w, stable, candidate), at_most: [1.75, 1.6] }
}

/// Releases with a worse candidate.
pub(crate) const WORSE: [Worse; 13] = [
    worse("w 5 %, 0.1 → 1 %", 0.05, 0.001, 0.01, [2.0, 1.8]),
    worse("w 10 %, 0.1 → 1 %", 0.1, 0.001, 0.01, [2.0, 1.8]),
    worse("w 50 %, 0.1 → 1 %", 0.5, 0.001, 0.01, [2.0, 1.8]),
    worse("w 5 %, 1 → 2 %", 0.05, 0.01, 0.02, [1.65, 1.5]),
    worse("w 10 %, 1 → 2 %", 0.1, 0.01, 0.02, [1.65, 1.5]),
    worse("w 50 %, 1 → 2 %", 0.5, 0.01, 0.02, [1.65, 1.5]),
    worse("w 5 %, 1 → 1.5 %", 0.05, 0.01, 0.015, [1.65, 1.5]),
    worse("w 50 %, 1 → 1.5 %", 0.5, 0.01, 0.015, [1.65, 1.5]),
    worse("w 5 %, 5 → 7 %", 0.05, 0.05, 0.07, [1.65, 1.5]),
    worse("w 50 %, 5 → 7 %", 0.5, 0.05, 0.07, [1.65, 1.5]),
    beyond("20 % tolerated, w 5 %, 1 → 2 %", Margin::Relative(0.2), 0.05, 0.01, 0.02),
    beyond("20 % tolerated, w 50 %, 1 → 2 %", Margin::Relative(0.2), 0.5, 0.01, 0.02),
    beyond("0.5 pp tolerated, w 50 %, 1 → 2 %", Margin::Absolute(0.005), 0.5, 0.01, 0.02),
];

impl Worse {
    /// The least possible delay at each level.
    pub(crate) fn least(&self) -> [f64; 2] {
        ALPHAS.map(|alpha| oracle(self.margin, self.now, alpha))
    }

    pub(crate) fn stops(&self, seed: u64, cap: u64) -> Stops {
        watch(self.margin, cap, seed, |_| self.now)
    }
}

/// A candidate that begins to fail twice as often, 2 % instead of 1 %, at the last of four steps, after so many quiet
/// requests.
pub(crate) struct Late {
    pub(crate) name: &'static str,
    pub(crate) weights: [f64; 4],
    pub(crate) quiet: u64,
}

/// How many times the least possible delay is allowed after a late onset, at each level.
pub(crate) const LATE_AT_MOST: [f64; 2] = [2.7, 2.4];

const RAMP: [f64; 4] = [0.05, 0.10, 0.25, 0.50];

/// Late onsets.
pub(crate) const LATE: [Late; 4] = [
    Late { name: "w 5→50 %, after 20 000", weights: RAMP, quiet: 20_000 },
    Late { name: "w 5→50 %, after 100 000", weights: RAMP, quiet: 100_000 },
    Late { name: "w 5 %, after 20 000", weights: [0.05; 4], quiet: 20_000 },
    Late { name: "w 5 %, after 100 000", weights: [0.05; 4], quiet: 100_000 },
];

impl Late {
    pub(crate) fn least(&self) -> [f64; 2] {
        ALPHAS.map(|alpha| oracle(NONE, rates(self.weights[3], 0.01, 0.02), alpha))
    }

    /// Stops counted from the onset; `None` for a stream that was stopped before.
    pub(crate) fn stops(&self, seed: u64, cap: u64) -> Option<Stops> {
        let stops = watch(NONE, self.quiet + cap, seed, |seen| {
            let step = (3 * seen / self.quiet).min(3) as usize;
            Now { step, ..rates(self.weights[step], 0.01, if step < 3 { 0.01 } else { 0.02 }) }
        });
        let is_late = stops.iter().flatten().all(|stop| *stop > self.quiet);
        is_late.then(|| stops.map(|stop| stop.map(|stop| stop - self.quiet)))
    }
}

pub(crate) const fn times(
    name: &'static str,
    quantile: f64,
    margin: f64,
    w: f64,
    candidate: fn(f64, f64) -> f64,
) -> Times {
    Times { name, quantile, margin, w, requests: 20_000, candidate }
}

/// Releases with a candidate that is no slower than tolerated.
pub(crate) const NO_SLOWER: [Times; 6] = [
    times("p95, w 5 %, same", 0.95, 0.0, 0.05, |z, _| usual(z)),
    times("p95, w 50 %, same", 0.95, 0.0, 0.5, |z, _| usual(z)),
    times("p50, w 50 %, same", 0.5, 0.0, 0.5, |z, _| usual(z)),
    times("p99, w 10 %, same", 0.99, 0.0, 0.1, |z, _| usual(z)),
    times("p95, w 50 %, 10 % faster", 0.95, 0.0, 0.5, |z, _| 0.9 * usual(z)),
    times("p95, w 50 %, edge of 10 %", 0.95, 0.1, 0.5, |z, _| 1.1 * usual(z)),
];

/// A release with a slower candidate, and how many times the least possible delay is allowed at the first level.
pub(crate) struct Slower {
    pub(crate) times: Times,
    pub(crate) at_most: f64,
}

impl Slower {
    /// The least possible delay at each level.
    pub(crate) fn least(&self) -> [f64; 2] {
        ALPHAS.map(|alpha| oracle_of_times(&self.times, alpha))
    }

    pub(crate) fn stops(&self, seed: u64, cap: u64) -> Stops {
        Times { requests: cap, ..self.times }.stops(seed)
    }
}

const fn slower(
    name: &'static str,
    quantile: f64,
    w: f64,
    at_most: f64,
    candidate: fn(f64, f64) -> f64,
) -> Slower {
    Slower { times: times(name, quantile, 0.0, w, candidate), at_most }
}

/// A candidate with the same median and a p99 that is 30 % higher: ln 1.3 / 2.326 more sigma.
fn wider(z: f64) -> f64 {
    100.0 * (0.712_793 * z).exp()
}

fn some_tenfold(z: f64, u: f64) -> f64 {
    usual(z) * if u < 0.02 { 10.0 } else { 1.0 }
}

/// Only what is beyond stable's p98 takes longer.
fn longer_tail(z: f64) -> f64 {
    usual(z) * if z > 2.053_749 { 1.3 } else { 1.0 }
}

/// Releases with a slower candidate. The quantile is one that a person would choose for that fault.
pub(crate) const SLOWER: [Slower; 8] = [
    slower("all +10 %, p50, w 5 %", 0.5, 0.05, 1.9, |z, _| 1.1 * usual(z)),
    slower("all +10 %, p95, w 50 %", 0.95, 0.5, 1.9, |z, _| 1.1 * usual(z)),
    slower("p99 +30 %, p99, w 5 %", 0.99, 0.05, 2.6, |z, _| wider(z)),
    slower("p99 +30 %, p95, w 50 %", 0.95, 0.5, 2.6, |z, _| wider(z)),
    slower("2 % ten times, p99, w 5 %", 0.99, 0.05, 4.2, some_tenfold),
    slower("2 % ten times, p99, w 50 %", 0.99, 0.5, 3.2, some_tenfold),
    slower("tail +30 %, p99, w 5 %", 0.99, 0.05, 3.8, |z, _| longer_tail(z)),
    slower("tail +30 %, p99, w 50 %", 0.99, 0.5, 3.8, |z, _| longer_tail(z)),
];

/// The same kinds of faults, to be found by a test that was not told where to look.
pub(crate) const SLOWER_ANYWHERE: [Slower; 8] = [
    slower("all +10 %, w 5 %", 0.5, 0.05, 1.9, |z, _| 1.1 * usual(z)),
    slower("all +10 %, w 50 %", 0.5, 0.5, 1.9, |z, _| 1.1 * usual(z)),
    slower("p99 +30 %, w 5 %", 0.5, 0.05, 2.6, |z, _| wider(z)),
    slower("p99 +30 %, w 50 %", 0.5, 0.5, 2.6, |z, _| wider(z)),
    slower("2 % ten times, w 5 %", 0.5, 0.05, 4.2, some_tenfold),
    slower("2 % ten times, w 50 %", 0.5, 0.5, 3.2, some_tenfold),
    slower("tail +30 %, w 5 %", 0.5, 0.05, 3.8, |z, _| longer_tail(z)),
    slower("tail +30 %, w 50 %", 0.5, 0.5, 3.8, |z, _| longer_tail(z)),
];

impl Slower {
    pub(crate) fn stops_anywhere(&self, seed: u64, cap: u64) -> Stops {
        Times { requests: cap, ..self.times }.stops_of(sluice_stats::QuantileTest::anywhere(0.0), seed)
    }
}
