//! Has the candidate a worse mean than stable, of values that may be anything? Valid however often one looks.
//!
//! For figures of the business: what a visitor spends, with zeros, a few large orders and now and then a huge one. The
//! claim that is tested is "the candidate's mean is at most (1 + m) times stable's", or, where lower is worse, "at least
//! (1 - m) times". No test of the mean of values without a bound exists, since one rare value could make up for
//! everything else; so **what is tested is the mean of values cut off at a high quantile of the past**, the same for
//! both versions. A candidate that only loses values beyond it is not found.
//!
//! Evidence is what a set of bets has gained on which version a value belongs to. Each bet is linear in the value, and
//! linear bets are fair for equal means whatever the distributions are, how they differ, and however both change.
//!
//! Sources: Shekhar and Ramdas, "Nonparametric two-sample testing by betting", IEEE Trans. Inf. Theory 70 (2024);
//! Waudby-Smith and Ramdas, "Estimating means of bounded random variables by betting", JRSS-B 86 (2024), for how much to
//! stake; here a mixture over stakes.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::block::{Comparable, Pending, Requests};
use crate::evidence::{Evidence, Peak, suffices};
use crate::histogram::Histogram;
use crate::trials::Arms;

/// A block is complete with so many values.
const BLOCK: u64 = 100;
/// How many values must be known before anything is staked: the cut-off is taken from them.
const KNOWN_MIN: u64 = 200;
/// What share of past values is beyond the cut-off.
const CUT: f64 = 0.002;
/// How many stakes are tried, evenly on a log scale, as parts of the most that cannot lose everything.
const STAKES: usize = 16;
const STAKE_MIN: f64 = 0.002;
const STAKE_MAX: f64 = 0.9;

/// Which way a mean is worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Worse {
    /// A higher mean is worse: costs, retries.
    Higher,
    /// A lower mean is worse: order values, pages seen.
    Lower,
}

/// A sequential test of whether the candidate's mean is worse than stable's.
///
/// Constant in size: a histogram of the past, two of what waits, a few sums and two numbers for each of 16 bets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MeanTest {
    margin: f64,
    worse: Worse,
    pending: Pending<Histogram>,
    /// The values of both versions in settled blocks.
    past: Histogram,
    values: Arms<Sums>,
    evidence: Evidence,
    peak: Peak,
}

/// Sums of one version's values in settled blocks, cut off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Sums {
    count: f64,
    sum: f64,
}

static STAKE_PARTS: LazyLock<[f64; STAKES]> = LazyLock::new(|| {
    let ratio = (STAKE_MAX / STAKE_MIN).powf(1.0 / (STAKES - 1) as f64);
    std::array::from_fn(|i| STAKE_MIN * ratio.powi(i as i32))
});

impl MeanTest {
    /// A test without data that tolerates a mean that is worse by `relative_margin` of stable's. A margin is held within
    /// 0 to 1000, where lower is worse within 0 to 1, and is 0 if it is no number.
    pub fn new(relative_margin: f64, worse: Worse) -> MeanTest {
        let most = if worse == Worse::Lower { 1.0 } else { 1000.0 };
        MeanTest {
            margin: if relative_margin.is_nan() { 0.0 } else { relative_margin.clamp(0.0, most) },
            worse,
            pending: Pending::default(),
            past: Histogram::default(),
            values: Arms::default(),
            evidence: Evidence::new(STAKES),
            peak: Peak::default(),
        }
    }

    /// Takes in the values of both versions over the same stretch of time, one for each visitor, zeros included, in
    /// whatever whole units: millionths, cents. Batches must be final and in order. A value counts as the middle of its
    /// bucket, at most 1.6 % off, for both versions alike.
    pub fn update(&mut self, stable: &Histogram, candidate: &Histogram) {
        if stable.is_empty() && candidate.is_empty() {
            return;
        }
        let batch = Arms { stable: stable.clone(), candidate: candidate.clone() };
        if let Some(stale) = self.pending.add(&batch) {
            self.remember(&stale);
        }
        if let Some(block) = self.pending.close_if(|arms| arms.requests() >= BLOCK) {
            self.settle(&block);
        }
    }

    /// Settles what waits, however little. When to call this must not depend on the values.
    pub fn flush(&mut self) {
        let block = self.pending.take();
        if block.is_comparable() { self.settle(&block) } else { self.remember(&block) }
    }

    /// To be called when the candidate's weight changes; see [`crate::RatioTest::restart`].
    pub fn restart(&mut self) {
        self.flush();
        self.evidence.restart();
    }

    /// The natural logarithm of the evidence: ln(1/alpha) is ever reached by a candidate within the margin with
    /// probability alpha at most, for every alpha at once.
    pub fn log_e(&self) -> f64 {
        self.evidence.ln(STAKE_PARTS.iter().map(|_| 1.0 / STAKES as f64))
    }

    /// Whether the candidate's mean is worse than the margin allows, as things stand, with a probability of being wrong
    /// of at most `alpha` over the whole life of the test. May become false again when more data speak against it.
    pub fn is_worse(&self, alpha: f64) -> bool {
        suffices(self.log_e(), alpha)
    }

    /// The smallest alpha at which [`MeanTest::is_worse`] has been true at any moment; 1 at first. Never grows.
    pub fn p_value(&self) -> f64 {
        self.peak.p_value()
    }

    /// How many values of each version were settled, which is all but the fewer than 100 that wait.
    pub fn totals(&self) -> Arms<u64> {
        Arms { stable: self.values.stable.count as u64, candidate: self.values.candidate.count as u64 }
    }

    /// Beyond which value all are taken as this value, as things stand. `None` before 200 values are known.
    pub fn cut_off(&self) -> Option<f64> {
        let beyond = (CUT * self.past.count() as f64).floor() as u64;
        let within = self.past.count().saturating_sub(beyond);
        let (bucket, _) = self.past.first_where(|through| through >= within)?;
        (self.past.count() >= KNOWN_MIN).then(|| middle(bucket))
    }

    /// The means of each version over settled blocks, of values cut off. `None` without values.
    pub fn means(&self) -> Option<Arms<f64>> {
        let mean = |sums: Sums| (sums.count > 0.0).then(|| sums.sum / sums.count);
        Some(Arms { stable: mean(self.values.stable)?, candidate: mean(self.values.candidate)? })
    }

    fn settle(&mut self, block: &Arms<Histogram>) {
        if let Some(cut_off) = self.cut_off()
            && let Some(gains) = self.gains(cut_off, block)
        {
            self.evidence.multiply(gains.into_iter());
            self.peak.reach(self.log_e());
        }
        self.remember(block);
    }

    /// What each bet gains by a block, as logarithms.
    ///
    /// With `w` the candidate's share of the block and `x` a value, cut off and divided by what is tolerated, a bet gains
    /// `1 + s (1 - w) (x - a)` by a value of the candidate and `1 - s w (x - a)` by one of stable, with `a` the middle of
    /// past values and the stake `s`, positive where higher is worse, such that neither can be negative. For any pair of
    /// means `w ln f_candidate + (1 - w) ln f_stable <= ln(1 + s w (1 - w) (mean_candidate - mean_stable))`, so a block is
    /// expected to gain at most 1 by the inequality of the means.
    fn gains(&self, cut_off: f64, block: &Arms<Histogram>) -> Option<[f64; STAKES]> {
        let tolerated = match self.worse {
            Worse::Higher => 1.0 + self.margin,
            Worse::Lower => 1.0 - self.margin,
        };
        let w = block.share();
        // Values are at most 1 from here on: of the two, the candidate's divided by what is tolerated, stable's not.
        let largest = cut_off * (1.0 / tolerated).max(1.0);
        if !(largest > 0.0 && largest.is_finite()) {
            return None;
        }
        let usual = (self.mean_of_past(cut_off) / largest).clamp(0.0, 1.0);
        let sign = if self.worse == Worse::Higher { 1.0 } else { -1.0 };
        // The steepest slopes that leave all gains positive for values from 0 to 1.
        let (up, down) = (1.0 - usual, usual);
        let most = match self.worse {
            Worse::Higher => 1.0 / ((1.0 - w) * down).max(w * up),
            Worse::Lower => 1.0 / ((1.0 - w) * up).max(w * down),
        };
        let mut gains = [0.0; STAKES];
        let mut count = |values: &Histogram, slope: f64, tolerated: f64| {
            for (bucket, held) in values.iter() {
                let x = middle(bucket).min(cut_off) / tolerated / largest - usual;
                let parts = gains.iter_mut().zip(*STAKE_PARTS);
                parts
                    .for_each(|(gain, part)| *gain += held as f64 * (part * most * sign * slope * x).ln_1p());
            }
        };
        count(&block.candidate, 1.0 - w, tolerated);
        count(&block.stable, -w, 1.0);
        Some(gains)
    }

    fn mean_of_past(&self, cut_off: f64) -> f64 {
        let sum: f64 = self.past.iter().map(|(bucket, held)| middle(bucket).min(cut_off) * held as f64).sum();
        sum / (self.past.count() as f64).max(1.0)
    }

    fn remember(&mut self, block: &Arms<Histogram>) {
        self.past.merge(&block.stable);
        self.past.merge(&block.candidate);
        let cut_off = self.cut_off().unwrap_or(f64::INFINITY);
        for (sums, values) in
            [(&mut self.values.stable, &block.stable), (&mut self.values.candidate, &block.candidate)]
        {
            sums.count += values.count() as f64;
            sums.sum += values.iter().map(|(b, held)| middle(b).min(cut_off) * held as f64).sum::<f64>();
        }
    }
}

/// The middle of a bucket.
fn middle(bucket: u16) -> f64 {
    let (low, high) = (Histogram::lower_bound(bucket), Histogram::lower_bound(bucket + 1));
    // Narrow buckets hold one whole number.
    (low + (high - 1)) as f64 / 2.0
}
