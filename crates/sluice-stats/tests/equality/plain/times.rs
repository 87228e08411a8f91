//! The test of times: a logarithm and an exponential for each bucket and bet.

use std::collections::BTreeMap;

use sluice_stats::{Arms, Merge};

use super::Histogram;
use super::evidence::{Evidence, multiply};
use super::pending::{Pending, all, is_comparable, share};

const BLOCK: u64 = 100;
const TAILS: [f64; 3] = [0.3, 1.0, 2.5];
const TAIL_RATIOS: [f64; 4] = [1.25, 1.8, 3.0, 8.0];
const SHIFTS: [f64; 3] = [0.07, 0.14, 0.3];
const LEHMANN: [f64; 2] = [1.15, 1.4];
const EXPERTS: usize = TAILS.len() * TAIL_RATIOS.len() + SHIFTS.len() + LEHMANN.len();

#[derive(Clone, Debug)]
pub(crate) struct QuantileTest {
    quantile: f64,
    margin: f64,
    pending: Pending<Histogram>,
    past: Histogram,
    requests: Arms<u64>,
    evidence: Evidence,
    peak: f64,
}

impl QuantileTest {
    /// Quantile and margin must be within their bounds.
    pub(crate) fn new(quantile: f64, margin: f64) -> QuantileTest {
        QuantileTest {
            quantile,
            margin,
            pending: Pending::default(),
            past: Histogram::default(),
            requests: Arms::default(),
            evidence: Evidence::new(EXPERTS),
            peak: 0.0,
        }
    }

    pub(crate) fn update(&mut self, stable: &Histogram, candidate: &Histogram) {
        let batch = Arms { stable: stable.clone(), candidate: self.reduced(candidate) };
        self.requests.merge(&Arms { stable: stable.count(), candidate: candidate.count() });
        if let Some(stale) = self.pending.add(&batch) {
            self.remember(&stale);
        }
        if let Some(block) = self.pending.close_if(|arms| all(arms) >= BLOCK) {
            self.settle(&block);
        }
    }

    pub(crate) fn flush(&mut self) {
        let block = std::mem::take(&mut self.pending.arms);
        if is_comparable(&block) { self.settle(&block) } else { self.remember(&block) }
    }

    pub(crate) fn restart(&mut self) {
        self.flush();
        self.evidence.restart();
    }

    pub(crate) fn log_e(&self) -> f64 {
        self.evidence.ln(priors())
    }

    pub(crate) fn is_worse(&self, alpha: f64) -> bool {
        alpha > 0.0 && self.log_e() >= -alpha.ln()
    }

    pub(crate) fn p_value(&self) -> f64 {
        (-self.peak).exp().min(1.0)
    }

    pub(crate) fn totals(&self) -> Arms<u64> {
        self.requests
    }

    fn settle(&mut self, block: &Arms<Histogram>) {
        if self.past.count() >= BLOCK {
            let gains = gains(&self.past, self.quantile, block);
            multiply(&mut self.evidence.whole, gains.iter().copied());
            if self.evidence.was_restarted() {
                multiply(&mut self.evidence.restarted, gains.iter().copied());
            }
            self.peak = self.peak.max(self.log_e());
        }
        self.remember(block);
    }

    fn remember(&mut self, block: &Arms<Histogram>) {
        self.past.merge(&block.stable);
        self.past.merge(&block.candidate);
    }

    fn reduced(&self, candidate: &Histogram) -> Histogram {
        if self.margin == 0.0 {
            return candidate.clone();
        }
        let mut reduced = Histogram::default();
        for (bucket, count) in candidate.iter() {
            let micros = sluice_stats::Histogram::lower_bound(bucket) as f64 / (1.0 + self.margin);
            reduced.add(sluice_stats::Histogram::bucket_of(micros as u64), count);
        }
        reduced
    }
}

fn priors() -> impl Iterator<Item = f64> + Clone {
    let equal = |share: f64, count: usize| std::iter::repeat_n(share / count as f64, count);
    equal(0.6, TAILS.len() * TAIL_RATIOS.len())
        .chain(equal(0.25, SHIFTS.len()))
        .chain(equal(0.15, LEHMANN.len()))
}

fn gains(past: &Histogram, quantile: f64, block: &Arms<Histogram>) -> Vec<f64> {
    let (ranks, w) = (Ranks::new(past), share(block));
    let thresholds = TAILS.iter().flat_map(|tail| {
        let odds = tail * (1.0 - quantile) / quantile;
        let tail = ranks.tail(odds / (1.0 + odds), block);
        TAIL_RATIOS.iter().map(move |ratio| tail.gain(w, *ratio))
    });
    let scores = ranks.scores(block);
    let shifts = SHIFTS
        .iter()
        .map(|shift| gain_by_score(w, &scores, |score| shift * score.normal - shift * shift / 2.0));
    let lehmann = LEHMANN.iter().map(|power| {
        let ln_power = power.ln();
        gain_by_score(w, &scores, move |score| (1.0 / power - 1.0) * score.ln_longer - ln_power)
    });
    thresholds.chain(shifts).chain(lehmann).collect()
}

struct Ranks {
    buckets: Vec<(u16, u64, u64)>,
    total: u64,
}

struct Score {
    normal: f64,
    ln_longer: f64,
    counts: Arms<u64>,
}

impl Ranks {
    fn new(past: &Histogram) -> Ranks {
        let mut total = 0_u64;
        let buckets = past.iter().map(|(bucket, count)| {
            let shorter = total;
            total = total.saturating_add(count);
            (bucket, shorter, count)
        });
        Ranks { buckets: buckets.collect(), total }
    }

    fn rank(&self, bucket: u16) -> f64 {
        let next = self.buckets.partition_point(|(held, _, _)| *held < bucket);
        let (shorter, count) = match self.buckets.get(next) {
            Some((held, shorter, count)) if *held == bucket => (*shorter, *count),
            Some((_, shorter, _)) => (*shorter, 0),
            None => (self.total, 0),
        };
        // Above 1 only where a sum of counts was cut off.
        ((shorter as f64 + 0.5 * count as f64 + 0.5) / (self.total as f64 + 1.0)).min(1.0)
    }

    fn scores(&self, block: &Arms<Histogram>) -> Vec<Score> {
        let mut counts = BTreeMap::<u16, Arms<u64>>::new();
        block.stable.iter().for_each(|(bucket, count)| counts.entry(bucket).or_default().stable = count);
        block
            .candidate
            .iter()
            .for_each(|(bucket, count)| counts.entry(bucket).or_default().candidate = count);
        let score = |(bucket, counts)| {
            let rank = self.rank(bucket);
            Score { normal: normal_score(rank), ln_longer: (-rank).ln_1p(), counts }
        };
        counts.into_iter().map(score).collect()
    }

    fn tail(&self, share: f64, block: &Arms<Histogram>) -> Tail {
        let body = (1.0 - share) * self.total as f64;
        let within = |(_, shorter, count): &(u16, u64, u64)| shorter.saturating_add(*count);
        let last = self.buckets.iter().find(|held| within(held) as f64 >= body);
        let (last, within) = last.map_or((u16::MAX, self.total), |held| (held.0, within(held)));
        let longer = |held: &Histogram| {
            let above = held.iter().filter(|(bucket, _)| *bucket > last);
            above.fold(0_u64, |sum, (_, count)| sum.saturating_add(count))
        };
        Tail {
            share: (self.total.saturating_sub(within) as f64 + 0.5) / (self.total as f64 + 1.0),
            above: Arms { stable: longer(&block.stable), candidate: longer(&block.candidate) },
            requests: Arms { stable: block.stable.count(), candidate: block.candidate.count() },
        }
    }
}

#[derive(Clone, Copy)]
struct Tail {
    share: f64,
    above: Arms<u64>,
    requests: Arms<u64>,
}

impl Tail {
    fn gain(&self, w: f64, ratio: f64) -> f64 {
        let s = self.share;
        let candidate = (ratio * s / (1.0 - w + w * ratio)).min(0.97);
        let stable = (s - w * candidate) / (1.0 - w);
        if candidate <= s || stable <= 0.0 {
            return 0.0;
        }
        let gain = |above: u64, requests: u64, share: f64| {
            let below = requests.saturating_sub(above) as f64;
            above as f64 * (share / s).ln() + below * ((-share).ln_1p() - (-s).ln_1p())
        };
        gain(self.above.candidate, self.requests.candidate, candidate)
            + gain(self.above.stable, self.requests.stable, stable)
    }
}

fn gain_by_score(w: f64, scores: &[Score], ln_ratio: impl Fn(&Score) -> f64) -> f64 {
    let gain = |score: &Score| {
        let ln_ratio = ln_ratio(score).clamp(-3.0, 3.0);
        let Arms { stable, candidate } = score.counts;
        let norm = (w * ln_ratio.exp_m1()).ln_1p();
        candidate as f64 * (ln_ratio - norm) - stable as f64 * norm
    };
    scores.iter().map(gain).sum()
}

fn normal_score(rank: f64) -> f64 {
    let tail = rank.min(1.0 - rank).max(1e-300);
    let t = (-2.0 * tail.ln()).sqrt();
    let above = 2.515517 + t * (0.802853 + t * 0.010328);
    let below = 1.0 + t * (1.432788 + t * (0.189269 + t * 0.001308));
    (t - above / below).max(0.0).copysign(rank - 0.5)
}
