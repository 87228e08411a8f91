//! Simulated releases: streams of requests of which the truth is known, looked at after every ten.

use std::thread;

use sluice_stats::{Arms, Histogram, Margin, QuantileTest, RatioTest, Trials};

use crate::draws::Draws;

/// Requests between two looks.
const BATCH: u64 = 10;
/// The levels at which streams are stopped.
pub(crate) const ALPHAS: [f64; 2] = [0.05, 0.01];

/// After how many requests a stream was stopped at each of [`ALPHAS`], if ever.
pub(crate) type Stops = [Option<u64>; 2];

/// What holds at a moment of a release: its step, the candidate's weight and the rates of failure.
#[derive(Clone, Copy)]
pub(crate) struct Now {
    pub(crate) step: usize,
    pub(crate) w: f64,
    pub(crate) stable: f64,
    pub(crate) candidate: f64,
}

/// A release in which requests fail at known rates.
#[derive(Clone, Copy)]
pub(crate) struct Rates {
    pub(crate) name: &'static str,
    pub(crate) margin: Margin,
    pub(crate) requests: u64,
    /// What holds at a part (0 to 1) of the stream.
    pub(crate) at: fn(f64) -> Now,
}

impl Rates {
    pub(crate) fn stops(&self, seed: u64) -> Stops {
        watch(self.margin, self.requests, seed, |seen| (self.at)(seen as f64 / self.requests as f64))
    }
}

/// Watches a stream of so many requests, of which `at` tells what holds after some of them. The test is restarted at
/// each new step.
pub(crate) fn watch(margin: Margin, requests: u64, seed: u64, at: impl Fn(u64) -> Now) -> Stops {
    let (mut draws, mut test, mut stops) = (Draws::new(seed), RatioTest::new(margin), Stops::default());
    let (mut seen, mut step) = (0, at(0).step);
    while seen < requests && stops.contains(&None) {
        let now = at(seen);
        if now.step != step {
            test.restart();
            step = now.step;
        }
        let batch = ten_requests(&mut draws, now);
        test.update(batch.stable, batch.candidate);
        seen += BATCH;
        note(&mut stops, test.p_value(), seen);
    }
    stops
}

pub(crate) fn ten_requests(draws: &mut Draws, now: Now) -> Arms<Trials> {
    let mut batch = Arms::<Trials>::default();
    for _ in 0..BATCH {
        let (arm, rate) = if draws.happens(now.w) {
            (&mut batch.candidate, now.candidate)
        } else {
            (&mut batch.stable, now.stable)
        };
        arm.n += 1;
        arm.k += u64::from(draws.happens(rate));
    }
    batch
}

/// The number of failing requests of the candidate before it was found at 1 %, after so many quiet requests.
pub(crate) fn failures_before_found(w: f64, quiet: u64, seed: u64) -> u64 {
    let (mut draws, mut test) = (Draws::new(seed), RatioTest::new(Margin::Relative(0.1)));
    let usual = Now { step: 0, w, stable: 0.002, candidate: 0.002 };
    for _ in 0..quiet / 10 {
        let batch = ten_requests(&mut draws, usual);
        test.update(batch.stable, batch.candidate);
    }
    let mut failed = 0;
    while !test.is_worse(0.01) {
        let request = if draws.happens(w) { Trials::new(1, 1) } else { Trials::default() };
        let stable = Trials::new(1 - request.n, u64::from(request.n == 0 && draws.happens(usual.stable)));
        test.update(stable, request);
        failed += request.n;
    }
    failed
}

/// A release in which stable's times are log-normal with a median of 100 ms and sigma 0.6, and the candidate's are
/// made of such.
#[derive(Clone, Copy)]
pub(crate) struct Times {
    pub(crate) name: &'static str,
    pub(crate) quantile: f64,
    pub(crate) margin: f64,
    pub(crate) w: f64,
    pub(crate) requests: u64,
    /// A time of the candidate in milliseconds, from a standard normal and a uniform draw.
    pub(crate) candidate: fn(f64, f64) -> f64,
}

/// A time of stable in milliseconds, from a standard normal draw.
pub(crate) fn usual(z: f64) -> f64 {
    100.0 * (0.6 * z).exp()
}

impl Times {
    pub(crate) fn stops(&self, seed: u64) -> Stops {
        self.stops_of(QuantileTest::new(self.quantile, self.margin), seed)
    }

    pub(crate) fn stops_of(&self, mut test: QuantileTest, seed: u64) -> Stops {
        self.stops_by(seed, |batch| {
            test.update(&batch.stable, &batch.candidate);
            test.p_value()
        })
    }

    /// The stops of a test that takes in batches and tells its p-value.
    pub(crate) fn stops_by(&self, seed: u64, mut p_value: impl FnMut(&Arms<Histogram>) -> f64) -> Stops {
        let (mut draws, mut stops, mut seen) = (Draws::new(seed), Stops::default(), 0);
        while seen < self.requests && stops.contains(&None) {
            let mut batch = Arms::<Histogram>::default();
            for _ in 0..BATCH {
                let is_candidate = draws.happens(self.w);
                let (z, u) = (draws.normal(), draws.uniform());
                let (arm, millis) = if is_candidate {
                    (&mut batch.candidate, (self.candidate)(z, u))
                } else {
                    (&mut batch.stable, usual(z))
                };
                arm.record((millis * 1000.0) as u64);
            }
            seen += BATCH;
            note(&mut stops, p_value(&batch), seen);
        }
        stops
    }
}

pub(crate) fn note(stops: &mut Stops, p_value: f64, seen: u64) {
    for (stop, alpha) in stops.iter_mut().zip(ALPHAS) {
        if stop.is_none() && p_value <= alpha {
            *stop = Some(seen);
        }
    }
}

/// The stops of so many streams, on all cores.
pub(crate) fn run<T: Send>(streams: u64, stops: impl Fn(u64) -> T + Sync) -> Vec<T> {
    let threads = thread::available_parallelism().map_or(1, |count| count.get() as u64);
    let stops = &stops;
    let part =
        |thread| move || (1..=streams).filter(|seed| seed % threads == thread).map(stops).collect::<Vec<T>>();
    thread::scope(|scope| {
        let parts: Vec<_> = (0..threads).map(|thread| scope.spawn(part(thread))).collect();
        parts.into_iter().flat_map(|part| part.join().expect("a stream panicked")).collect()
    })
}

/// How many streams were stopped, at each of [`ALPHAS`].
pub(crate) fn stopped(all: &[Stops]) -> [u64; 2] {
    [0, 1].map(|level| all.iter().filter(|stops| stops[level].is_some()).count() as u64)
}

/// The mean number of requests before the stop at each of [`ALPHAS`]; streams that were not stopped count as `cap`.
pub(crate) fn mean_delay(all: &[Stops], cap: u64) -> [f64; 2] {
    [0, 1].map(|level| {
        all.iter().map(|stops| stops[level].unwrap_or(cap) as f64).sum::<f64>() / all.len() as f64
    })
}

/// After how many requests a stream is given up, given the least possible delay at each of [`ALPHAS`].
pub(crate) fn cap(least: [f64; 2]) -> u64 {
    (8.0 * least[1]) as u64
}

/// The probability that at least `count` of `streams` are stopped if each is with probability `alpha`.
pub(crate) fn chance_of_at_least(count: u64, streams: u64, alpha: f64) -> f64 {
    let mut ln_term = streams as f64 * (-alpha).ln_1p();
    let mut below = 0.0;
    for stopped in 0..count {
        below += ln_term.exp();
        ln_term += ((streams - stopped) as f64 / (stopped + 1) as f64).ln() + alpha.ln() - (-alpha).ln_1p();
    }
    1.0 - below
}

/// The least mean number of requests any test needs to tell `now` from all rates within the margin: Wald's
/// ln(1/alpha) over the smallest divergence.
pub(crate) fn oracle(margin: Margin, now: Now, alpha: f64) -> f64 {
    let divergence = |p: f64, q: f64| p * (p / q).ln() + (1.0 - p) * ((1.0 - p) / (1.0 - q)).ln();
    let limit = |stable: f64| match margin {
        Margin::Relative(margin) => (1.0 + margin) * stable,
        Margin::Absolute(margin) => stable + margin,
    };
    // The nearest pair is on the edge, with stable's rate between its own and the candidate's.
    let steps = (1..100_000).map(|i| now.stable + (now.candidate - now.stable) * f64::from(i) / 100_000.0);
    let within = steps.filter(|stable| limit(*stable) < now.candidate);
    let nearest = within.map(|stable| {
        now.w * divergence(now.candidate, limit(stable)) + (1.0 - now.w) * divergence(now.stable, stable)
    });
    -alpha.ln() / nearest.fold(f64::INFINITY, f64::min)
}

/// The same for times: the gain per request of the best bet on the version, given the time, that never falls as times
/// grow (isotonic regression by pooling adjacent violators).
pub(crate) fn oracle_of_times(times: &Times, alpha: f64) -> f64 {
    let (mut draws, mut arms, count) = (Draws::new(1), Arms::<Histogram>::default(), 1_000_000_u32);
    for _ in 0..count {
        let (z, u) = (draws.normal(), draws.uniform());
        arms.stable.record((usual(z) * 1000.0) as u64);
        arms.candidate.record(((times.candidate)(z, u) * 1000.0) as u64);
    }
    // For each bucket: the shares of all requests that are the candidate's and stable's.
    let mut cells = vec![(0.0, 0.0); Histogram::BUCKETS];
    arms.candidate.iter().for_each(|(bucket, held)| cells[usize::from(bucket)].0 += times.w * held as f64);
    arms.stable
        .iter()
        .for_each(|(bucket, held)| cells[usize::from(bucket)].1 += (1.0 - times.w) * held as f64);
    let mut pools: Vec<(f64, f64)> = Vec::new();
    for mut cell in cells.into_iter().filter(|(candidate, stable)| candidate + stable > 0.0) {
        while let Some(last) = pools.pop_if(|last| last.0 * cell.1 >= cell.0 * last.1) {
            cell = (cell.0 + last.0, cell.1 + last.1);
        }
        pools.push(cell);
    }
    let gain = |part: f64, all: f64, w: f64| if part > 0.0 { part * (part / all / w).ln() } else { 0.0 };
    let gains = pools.iter().map(|(candidate, stable)| {
        let all = candidate + stable;
        gain(*candidate, all, times.w) + gain(*stable, all, 1.0 - times.w)
    });
    -alpha.ln() / (gains.sum::<f64>() / f64::from(count))
}
