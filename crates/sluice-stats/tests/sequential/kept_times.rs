//! Releases of which it is to be proved that the candidate is not slower than tolerated.

use sluice_stats::quantile::KeptTest;

use crate::scenarios::times;
use crate::streams::{ALPHAS, Now, Stops, Times, oracle, usual};

/// A release of which the margin is to be proved kept.
#[derive(Clone, Copy)]
pub(crate) struct Kept {
    pub(crate) times: Times,
    /// The shares of stable and of the candidate beyond stable's quantile, the candidate's times divided by 1 + margin.
    beyond: [f64; 2],
}

/// How many times the least possible delay is allowed at each level. The first 100 requests of all only show what times
/// there are, a quarter of what the shortest delay takes.
pub(crate) const KEPT_AT_MOST: [f64; 2] = [2.4, 2.1];

impl Kept {
    /// The least possible delay at each level of any test that looks at one threshold.
    pub(crate) fn least(&self) -> [f64; 2] {
        let [stable, candidate] = self.beyond;
        // Stable is what is worse here.
        let now = Now { step: 0, w: 1.0 - self.times.w, stable: candidate, candidate: stable };
        ALPHAS.map(|alpha| oracle(sluice_stats::Margin::Relative(0.0), now, alpha))
    }

    pub(crate) fn stops(&self, requests: u64, seed: u64) -> Stops {
        let mut test = KeptTest::new(self.times.quantile, self.times.margin);
        Times { requests, ..self.times }.stops_by(seed, |batch| {
            test.update(&batch.stable, &batch.candidate);
            test.p_value()
        })
    }
}

/// Candidates that are just slower than tolerated: whoever says that these keep the margin is wrong.
pub(crate) const NOT_KEPT: [Kept; 3] = [
    Kept {
        times: times("p95, w 50 %, 20 % slower, 20 % tolerated", 0.95, 0.2, 0.5, |z, _| 1.2 * usual(z)),
        beyond: [0.05, 0.05],
    },
    Kept {
        times: times("p99, w 5 %, 20 % slower, 20 % tolerated", 0.99, 0.2, 0.05, |z, _| 1.2 * usual(z)),
        beyond: [0.01, 0.01],
    },
    Kept {
        times: times("p50, w 10 %, 10 % slower, 10 % tolerated", 0.5, 0.1, 0.1, |z, _| 1.1 * usual(z)),
        beyond: [0.5, 0.5],
    },
];

/// Candidates that are as fast as stable. ln 1.2 / 0.6 is 0.304 standard deviations.
pub(crate) const KEPT: [Kept; 3] = [
    Kept {
        times: times("p95, w 50 %, same, 20 % tolerated", 0.95, 0.2, 0.5, |z, _| usual(z)),
        beyond: [0.05, 0.025_65],
    },
    Kept {
        times: times("p95, w 10 %, same, 50 % tolerated", 0.95, 0.5, 0.1, |z, _| usual(z)),
        beyond: [0.05, 0.010_15],
    },
    Kept {
        times: times("p50, w 50 %, same, 20 % tolerated", 0.5, 0.2, 0.5, |z, _| usual(z)),
        beyond: [0.5, 0.380_6],
    },
];
