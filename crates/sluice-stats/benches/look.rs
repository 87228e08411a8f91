//! Prints what one look at one release costs, in the crate and in the plain way that it is compared with.
//!
//! `cargo bench -p sluice-stats --bench look`. A release under the built-in `canary` (four checks), in its second step
//! and its third minute, so that every window is full and bets are kept for the whole release and for the step. Both
//! ways see the same seconds, and must say the same.
#![expect(clippy::print_stdout, clippy::disallowed_methods, reason = "it prints how long things take")]

#[expect(dead_code, reason = "others draw more from it")]
#[path = "../tests/sequential/draws.rs"]
mod draws;
#[expect(dead_code, reason = "the tests ask it for more")]
#[path = "../tests/equality/plain.rs"]
mod plain;

mod before {
    use sluice_stats::{Arms, Margin, Merge as _, Trials};

    use crate::plain::{Histogram, QuantileTest, RatioTest, Window};

    include!("look/release.rs");
}

mod after {
    use sluice_stats::{Arms, Histogram, Margin, Merge as _, QuantileTest, RatioTest, Trials, Window};

    include!("look/release.rs");
}

use std::hint::black_box;
use std::time::Instant;

use sluice_stats::{Arms, Histogram, Trials};

use crate::draws::Draws;

/// Seconds before anything is measured, and in each batch that is: whole slots of the windows.
const WARM_UP: usize = 120;
const BATCH: usize = 60;
const BATCHES: usize = 40;
/// What a second's look at one of 10 000 releases may take on one core, less what else there is to do.
const WANTED_MICROS: f64 = 60.0;

/// Traffic of a release: requests a second of both versions, the candidate's share, and over how many doublings their
/// times spread evenly.
struct Traffic {
    name: &'static str,
    requests: u64,
    share: f64,
    doublings: f64,
}

const TRAFFIC: [Traffic; 6] = [
    Traffic { name: "nobody", requests: 0, share: 0.05, doublings: 4.0 },
    Traffic { name: "one a second", requests: 1, share: 0.05, doublings: 4.0 },
    Traffic { name: "20 a second", requests: 20, share: 0.05, doublings: 4.0 },
    Traffic { name: "100 a second", requests: 100, share: 0.05, doublings: 4.0 },
    Traffic { name: "1 000 a second, wide", requests: 1_000, share: 0.05, doublings: 10.0 },
    Traffic { name: "1 000 a second, half, widest", requests: 1_000, share: 0.5, doublings: 20.0 },
];

fn main() {
    println!("## One look at one release: microseconds\n");
    println!("| traffic | before | after | ratio | below {WANTED_MICROS} µs |\n|---|---|---|---|---|");
    for traffic in &TRAFFIC {
        let seconds = traffic.seconds();
        let before = measure_before(&seconds);
        let after = measure_after(&seconds);
        assert!(
            before.said.iter().zip(&after.said).all(|(a, b)| a == b),
            "{}: what is said differs",
            traffic.name
        );
        let (before, after) = (before.micros, after.micros);
        let is_wanted = if after < WANTED_MICROS { "yes" } else { "NO" };
        println!("| {} | {before:.1} | {after:.2} | {:.0} | {is_wanted} |", traffic.name, before / after);
    }
}

impl Traffic {
    /// What was counted in each second.
    fn seconds(&self) -> Vec<Arms<after::Seen>> {
        let mut draws = Draws::new(7);
        (0..WARM_UP + BATCH).map(|_| self.second(&mut draws)).collect()
    }

    fn second(&self, draws: &mut Draws) -> Arms<after::Seen> {
        let mut seen = Arms::<after::Seen>::default();
        for _ in 0..self.requests {
            let arm = if draws.happens(self.share) { &mut seen.candidate } else { &mut seen.stable };
            let failed = draws.happens(0.001);
            arm.trials = Trials::new(arm.trials.n + 1, arm.trials.k + u64::from(failed));
            arm.latency.record((1000.0 * (draws.uniform() * self.doublings).exp2()) as u64);
        }
        seen
    }
}

/// What a look took in the quickest batch, since what else runs only makes it slower, and what the last ones said.
struct Measured {
    micros: f64,
    said: Vec<[f64; 4]>,
}

/// Defines how one way is measured.
macro_rules! measure {
    ($name:ident, $way:ident, $seen:expr) => {
        fn $name(seconds: &[Arms<after::Seen>]) -> Measured {
            let seconds: Vec<Arms<$way::Seen>> = seconds.iter().map($seen).collect();
            let (mut release, mut now) = ($way::Release::new(), 0);
            let mut look = |release: &mut $way::Release, i: usize| {
                now += 1_000;
                let (next, says) = black_box(&*release).look(&seconds[i], now);
                *release = next;
                says
            };
            for i in 0..WARM_UP {
                if i == WARM_UP / 2 {
                    release.restart();
                }
                look(&mut release, i);
            }
            let (mut micros, mut said) = (f64::INFINITY, Vec::new());
            for _ in 0..BATCHES {
                let start = Instant::now();
                said = (WARM_UP..WARM_UP + BATCH).map(|i| look(&mut release, i)).collect();
                micros = micros.min(start.elapsed().as_secs_f64() * 1e6 / BATCH as f64);
            }
            Measured { micros, said }
        }
    };
}

measure!(measure_after, after, Clone::clone);
measure!(measure_before, before, |seen| {
    let plain = |seen: &after::Seen| before::Seen { trials: seen.trials, latency: as_plain(&seen.latency) };
    Arms { stable: plain(&seen.stable), candidate: plain(&seen.candidate) }
});

fn as_plain(histogram: &Histogram) -> plain::Histogram {
    let mut plain = plain::Histogram::default();
    histogram.iter().for_each(|(bucket, count)| plain.add(bucket, count));
    plain
}
