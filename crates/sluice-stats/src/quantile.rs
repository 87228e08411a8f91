//! Is the candidate slower than stable? Valid however often one looks.
//!
//! The claim that is tested is "with its times divided by 1 + m, the candidate is at no time less likely to be done
//! than stable". Evidence against it is what a set of bets has gained on which version a request belongs to, given how
//! long it took. Most bets are on the share of requests beyond times around the quantile asked for, so the test is
//! most sensitive there; the rest are on everything being slower or on a heavier tail, and may find a candidate that is
//! slower elsewhere. It is a test of times, not an estimate of a quantile.
//!
//! What slows both versions alike is harmless, and the distribution may have any shape and change at any time. Assumed
//! of visitors and independence: the same as in [`crate::ratio`].
//!
//! Sources: Podkopaev and Ramdas, "Sequential predictive two-sample and independence testing", NeurIPS 2023; Pandeva
//! et al., "E-valuating classifier two-sample tests", TMLR 2024; the threshold bets are those of [`crate::ratio`].

mod caution;
mod experts;
mod kept;

use serde::{Deserialize, Serialize};

use self::caution::Caution;
use self::experts::{EXPERTS, Tails, gains, priors, tails_around};
pub use self::kept::KeptTest;
use crate::block::{Comparable, Pending, Requests};
use crate::evidence::{Evidence, Peak, is_sensible, requests_needed, suffices};
use crate::histogram::Histogram;
use crate::ratio::information;
use crate::trials::Arms;
use crate::{Margin, Merge};

/// A block is complete with so many requests. The first only shows what times there are.
const BLOCK: u64 = 100;

/// The tails that are looked at along the whole curve.
const WHOLE: Tails = [0.08, 0.01, 0.003];

/// A sequential test of whether the candidate is slower than stable.
///
/// Used like [`crate::RatioTest`]. Constant in size: two small histograms of what waits, one of the past, and two
/// numbers for each of 17 bets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QuantileTest {
    quantile: f64,
    margin: f64,
    pending: Pending<Histogram>,
    /// The times of both versions in settled blocks together, the candidate's divided by 1 + margin.
    past: Histogram,
    requests: Arms<u64>,
    evidence: Evidence,
    peak: Peak,
    /// Whether to look along the whole curve instead of around the quantile.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    whole: bool,
    /// How batches vary, when requests of a batch may share their fate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    caution: Option<Box<Caution>>,
}

/// What each expert gains by a block, as logarithms.
type Gains = [f64; EXPERTS];

impl QuantileTest {
    /// A test without data, most sensitive around `quantile`, that tolerates times up to `1 + relative_margin` times
    /// stable's. A quantile is held within 0.01 to 0.999 and is 0.95 if it is no number; a margin is held within 0 to
    /// 1000 and is 0 if it is no number.
    ///
    /// Times are known to their bucket, at most 1/32 wide. With a margin, the candidate's buckets are divided and
    /// rounded down, in its favour: up to a bucket, 3 %, more than the margin may go unnoticed, and never less is
    /// tolerated than asked for. Without a margin nothing is rounded.
    pub fn new(quantile: f64, relative_margin: f64) -> QuantileTest {
        QuantileTest {
            quantile: held_quantile(quantile),
            margin: held_margin(relative_margin),
            pending: Pending::default(),
            past: Histogram::default(),
            requests: Arms::default(),
            evidence: Evidence::new(EXPERTS),
            peak: Peak::default(),
            whole: false,
            caution: None,
        }
    }

    /// The same test for no quantile in particular: it looks at everything being slower, at the slowest 8 % and far out
    /// at the slowest 1 % and 0.3 %, so that it finds any of these about as soon.
    pub fn anywhere(relative_margin: f64) -> QuantileTest {
        QuantileTest { whole: true, ..QuantileTest::new(0.95, relative_margin) }
    }

    /// The same test, cautious as by [`QuantileTest::cautious`].
    pub fn with_caution(self) -> QuantileTest {
        QuantileTest { caution: Some(Box::default()), ..self }
    }

    /// The same test for live traffic, where all requests of a second may be slow together: a version that is short of
    /// processor time, a pause of its memory's collector, sessions. To be fed with a batch for each second or longer
    /// stretch, and batches not split.
    ///
    /// Such requests are not independent, and the test made by [`QuantileTest::new`] finds them worse far too often. This
    /// one learns from past batches how much more they vary than independent requests would, and bets less the more they
    /// do. That is no proof as it is for independent requests, but holds in the simulations of docs/statistics.md.
    pub fn cautious(quantile: f64, relative_margin: f64) -> QuantileTest {
        QuantileTest::new(quantile, relative_margin).with_caution()
    }

    /// Takes in the times of both versions over the same stretch of time. Batches must be final and in order. Small
    /// ones wait until there are 100 requests with some of either version; up to 1 000 requests wait for the other
    /// version to have some, then they are left out. A batch without requests changes nothing.
    pub fn update(&mut self, stable: &Histogram, candidate: &Histogram) {
        if stable.is_empty() && candidate.is_empty() {
            return;
        }
        let batch = Arms { stable: stable.clone(), candidate: self.reduced(candidate) };
        self.requests.merge(&Arms { stable: stable.count(), candidate: candidate.count() });
        let tails = self.tails();
        if let Some(caution) = &mut self.caution {
            caution.learn(&self.past, &tails, &batch);
        }
        if let Some(stale) = self.pending.add(&batch) {
            self.remember(&stale);
        }
        if let Some(block) = self.pending.close_if(|arms| arms.requests() >= BLOCK) {
            self.settle(&block);
        }
    }

    /// Settles what waits, however little. When to call this must not depend on how long requests took.
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
        self.evidence.ln(priors())
    }

    /// Whether the candidate is slower than the margin allows, as things stand, with a probability of being wrong of
    /// at most `alpha` over the whole life of the test. May become false again when more data speak against it.
    pub fn is_worse(&self, alpha: f64) -> bool {
        suffices(self.log_e(), alpha)
    }

    /// The smallest alpha at which [`QuantileTest::is_worse`] has been true at any moment; 1 at first. Never grows.
    pub fn p_value(&self) -> f64 {
        self.peak.p_value()
    }

    /// How many requests of each version were taken in.
    pub fn totals(&self) -> Arms<u64> {
        self.requests
    }

    /// About how many more of the candidate's requests it takes until a candidate would have been found of which
    /// `effect` times as many requests as of stable take longer than tolerated at the quantile: see
    /// [`crate::RatioTest::needed`].
    pub fn needed(&self, alpha: f64, effect: f64) -> Option<u64> {
        let (stable, candidate) = (self.requests.stable as f64, self.requests.candidate as f64);
        if stable == 0.0 || candidate == 0.0 || !is_sensible(alpha, effect) {
            return None;
        }
        let (w, tail) = (candidate / (stable + candidate), 1.0 - self.quantile);
        let rates = Arms { stable: tail, candidate: (tail * effect).min(0.999) };
        let candidates = w * requests_needed(alpha, information(Margin::Relative(0.0), w, rates));
        candidates.is_finite().then(|| (candidates.ceil() as u64).saturating_sub(self.requests.candidate))
    }

    fn settle(&mut self, block: &Arms<Histogram>) {
        if self.past.count() >= BLOCK {
            let gains = match &self.caution {
                Some(caution) => caution.gains(&self.past, &self.tails(), block),
                None => gains(&self.past, &self.tails(), block),
            };
            self.evidence.multiply(gains.iter().copied());
            self.peak.reach(self.log_e());
        }
        self.remember(block);
    }

    fn tails(&self) -> Tails {
        if self.whole { WHOLE } else { tails_around(self.quantile) }
    }

    fn remember(&mut self, block: &Arms<Histogram>) {
        if let Some(caution) = &mut self.caution {
            caution.settled();
        }
        self.past.merge(&block.stable);
        self.past.merge(&block.candidate);
    }

    /// The candidate's times divided by 1 + margin, in buckets: each bucket's lower bound is divided and rounded down.
    fn reduced(&self, candidate: &Histogram) -> Histogram {
        if self.margin == 0.0 {
            return candidate.clone();
        }
        // The cast truncates, which is the rounding down that is wanted.
        let micros = |bucket| (Histogram::lower_bound(bucket) as f64 / (1.0 + self.margin)) as u64;
        candidate.moved(|bucket| Histogram::bucket_of(micros(bucket)))
    }
}

fn held_quantile(quantile: f64) -> f64 {
    if quantile.is_nan() { 0.95 } else { quantile.clamp(0.01, 0.999) }
}

fn held_margin(margin: f64) -> f64 {
    if margin.is_nan() { 0.0 } else { margin.clamp(0.0, 1000.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_margin_is_rounded_in_the_candidates_favour() {
        for margin in [0.0, 0.01, 0.1, 0.5, 3.0] {
            let test = QuantileTest::new(0.95, margin);
            for micros in (1..5_000_000).step_by(1_237) {
                let mut candidate = Histogram::default();
                candidate.record(micros);
                let (reduced, _) = test.reduced(&candidate).iter().next().unwrap();
                let exact = Histogram::bucket_of((micros as f64 / (1.0 + margin)).floor() as u64);
                assert!(reduced <= exact, "{micros} by {margin}: {reduced} above {exact}");
                assert!(reduced + 2 >= exact, "{micros} by {margin}: {reduced} far below {exact}");
            }
        }
    }
}
