//! Streams of visitors who spend something or nothing.

use sluice_stats::{Arms, Histogram, MeanTest, Worse};

use crate::draws::Draws;
use crate::streams::{ALPHAS, Stops, note};

/// Visitors between two looks.
const BATCH: u64 = 50;

/// A release in which visitors spend values of some distribution, in thousandths.
#[derive(Clone, Copy)]
pub(crate) struct Spending {
    pub(crate) name: &'static str,
    pub(crate) w: f64,
    pub(crate) worse: Worse,
    pub(crate) margin: f64,
    /// What a visitor spends.
    pub(crate) value: fn(&mut Draws) -> f64,
    /// How many times as much the candidate's spend, at a part of the stream from 0 to 1.
    pub(crate) factor: f64,
    /// How many times as much everybody spends at a part of the stream.
    pub(crate) season: fn(f64) -> f64,
}

impl Spending {
    pub(crate) fn stops(&self, visitors: u64, seed: u64) -> Stops {
        let mut test = MeanTest::new(self.margin, self.worse);
        let (mut draws, mut stops, mut seen) = (Draws::new(seed), Stops::default(), 0);
        while seen < visitors && stops.contains(&None) {
            let season = (self.season)(seen as f64 / visitors as f64);
            let mut batch = Arms::<Histogram>::default();
            for _ in 0..BATCH {
                let is_candidate = draws.happens(self.w);
                let value = (self.value)(&mut draws) * season;
                let (arm, factor) =
                    if is_candidate { (&mut batch.candidate, self.factor) } else { (&mut batch.stable, 1.0) };
                arm.record((value * factor * 1_000.0) as u64);
            }
            test.update(&batch.stable, &batch.candidate);
            seen += BATCH;
            note(&mut stops, test.p_value(), seen);
        }
        stops
    }

    /// The delay of a test that knows the means and variances and bets on the mean of values cut off at the 99.8th
    /// percentile: twice ln(1/alpha) over the squared shift, in standard deviations of one visitor's tell.
    pub(crate) fn least(&self) -> [f64; 2] {
        let mut draws = Draws::new(1);
        let mut values: Vec<f64> = (0..400_000).map(|_| (self.value)(&mut draws)).collect();
        values.sort_by(f64::total_cmp);
        let cut_off = values[(values.len() as f64 * 0.998) as usize];
        let count = values.len() as f64;
        let mean =
            |factor: f64| values.iter().map(|value| (value * factor).min(cut_off)).sum::<f64>() / count;
        let (stable, candidate) = (mean(1.0), mean(self.factor));
        let variance = values.iter().map(|value| (value.min(cut_off) - stable).powi(2)).sum::<f64>() / count;
        let information = self.w * (1.0 - self.w) * (candidate - stable).powi(2) / variance / 2.0;
        ALPHAS.map(|alpha| -alpha.ln() / information)
    }
}

/// Most spend nothing, the others log-normally with sigma 2.
fn orders(draws: &mut Draws) -> f64 {
    if draws.happens(0.1) { 20.0 * (2.0 * draws.normal()).exp() } else { 0.0 }
}

fn log_normal(draws: &mut Draws) -> f64 {
    20.0 * (2.0 * draws.normal()).exp()
}

/// Pareto with alpha 1.5: the mean exists, the variance does not.
fn pareto(draws: &mut Draws) -> f64 {
    10.0 * draws.uniform().powf(-1.0 / 1.5)
}

const fn spending(name: &'static str, w: f64, worse: Worse, value: fn(&mut Draws) -> f64) -> Spending {
    Spending { name, w, worse, margin: 0.0, value, factor: 1.0, season: |_| 1.0 }
}

const fn less(name: &'static str, w: f64, factor: f64, value: fn(&mut Draws) -> f64) -> Spending {
    Spending { factor, ..spending(name, w, Worse::Lower, value) }
}

/// Releases in which the candidate's mean is not worse than tolerated.
pub(crate) const AS_GOOD: [Spending; 9] = [
    spending("log-normal, sigma 2, w 50 %", 0.5, Worse::Lower, log_normal),
    spending("log-normal, sigma 2, w 5 %", 0.05, Worse::Lower, log_normal),
    spending("log-normal, sigma 2, w 5 %, higher is worse", 0.05, Worse::Higher, log_normal),
    spending("Pareto, alpha 1.5, w 50 %", 0.5, Worse::Lower, pareto),
    spending("Pareto, alpha 1.5, w 5 %, higher is worse", 0.05, Worse::Higher, pareto),
    spending("one in ten orders, w 10 %", 0.1, Worse::Lower, orders),
    spending("one in ten orders, w 50 %, higher is worse", 0.5, Worse::Higher, orders),
    Spending {
        season: |part| (4.0 * (part * 20.0).sin()).exp(),
        ..spending("log-normal, a season of both, w 50 %", 0.5, Worse::Lower, log_normal)
    },
    Spending { margin: 0.1, ..less("log-normal, edge of 10 %, w 50 %", 0.5, 0.9, log_normal) },
];

/// Releases in which the candidate's visitors spend less.
pub(crate) const SPEND_LESS: [Spending; 5] = [
    less("log-normal, 10 % less, w 50 %", 0.5, 0.9, log_normal),
    less("log-normal, 30 % less, w 10 %", 0.1, 0.7, log_normal),
    less("Pareto, 10 % less, w 50 %", 0.5, 0.9, pareto),
    less("one in ten orders, half as much, w 50 %", 0.5, 0.5, orders),
    less("one in ten orders, nothing, w 10 %", 0.1, 0.0, orders),
];
