//! Evidence that the candidate is not slower than tolerated.

use serde::{Deserialize, Serialize};

use super::BLOCK;
use super::experts::Tail;
use crate::block::{Comparable, Pending, Requests};
use crate::evidence::{Evidence, Peak, suffices};
use crate::histogram::Histogram;
use crate::trials::Arms;

/// How many times as many of stable's requests as of the candidate's are supposed to be beyond the threshold.
const RATIOS: [f64; 8] = [1.1, 1.25, 1.5, 1.8, 2.4, 3.5, 6.0, 12.0];

/// A sequential test that proves the margin kept, with the roles of [`crate::QuantileTest`] swapped.
///
/// The claim that is tested is "at stable's own quantile, at least as many of the candidate's requests take longer, its
/// times divided by 1 + m, as of stable's". Evidence against it is evidence that the candidate's quantile is at most
/// 1 + m times stable's. It speaks of this quantile alone: a candidate may be slower elsewhere. Without a margin there
/// is hardly anything to prove, as a candidate that is just as fast never exceeds the claim.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeptTest {
    quantile: f64,
    margin: f64,
    pending: Pending<Histogram>,
    /// What stable took in settled blocks. Thresholds are taken from it.
    stable: Histogram,
    /// The same of the candidate, divided by 1 + margin.
    candidate: Histogram,
    evidence: Evidence,
    peak: Peak,
}

impl KeptTest {
    /// A test without data of whether the candidate's `quantile` is at most `1 + relative_margin` times stable's. Both
    /// are held within bounds as by [`crate::QuantileTest::new`].
    ///
    /// Times are known to their bucket, at most 1/32 wide. The candidate's are divided and rounded up, against it: up
    /// to a bucket, 3 %, less than the margin is tolerated, and never more than asked for.
    pub fn new(quantile: f64, relative_margin: f64) -> KeptTest {
        KeptTest {
            quantile: super::held_quantile(quantile),
            margin: super::held_margin(relative_margin),
            pending: Pending::default(),
            stable: Histogram::default(),
            candidate: Histogram::default(),
            evidence: Evidence::new(RATIOS.len()),
            peak: Peak::default(),
        }
    }

    /// Takes in the times of both versions over the same stretch of time, as [`crate::QuantileTest::update`] does.
    pub fn update(&mut self, stable: &Histogram, candidate: &Histogram) {
        if stable.is_empty() && candidate.is_empty() {
            return;
        }
        let batch = Arms { stable: stable.clone(), candidate: self.reduced(candidate) };
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

    /// The natural logarithm of the evidence: ln(1/alpha) is ever reached by a candidate whose quantile is beyond the
    /// margin with probability alpha at most.
    pub fn log_e(&self) -> f64 {
        self.evidence.ln(RATIOS.iter().map(|_| 1.0 / RATIOS.len() as f64))
    }

    /// Whether the margin is proved kept, as things stand, with a probability of being wrong of at most `alpha`.
    pub fn is_kept(&self, alpha: f64) -> bool {
        suffices(self.log_e(), alpha)
    }

    /// The smallest alpha at which [`KeptTest::is_kept`] has been true at any moment; 1 at first. Never grows.
    pub fn p_value(&self) -> f64 {
        self.peak.p_value()
    }

    /// How many requests of each version were taken in.
    pub fn totals(&self) -> Arms<u64> {
        let waiting = self.pending.arms();
        Arms {
            stable: self.stable.count().saturating_add(waiting.stable.count()),
            candidate: self.candidate.count().saturating_add(waiting.candidate.count()),
        }
    }

    fn settle(&mut self, block: &Arms<Histogram>) {
        if self.stable.count() >= BLOCK / 2
            && let Some(threshold) = self.threshold()
        {
            // In the other test's words, stable is the one that is slower.
            let past = self.stable.count().saturating_add(self.candidate.count());
            let beyond = self.stable.beyond(threshold).saturating_add(self.candidate.beyond(threshold));
            let swapped = Arms { stable: &block.candidate, candidate: &block.stable };
            let tail = Tail::of_counts(beyond, past, threshold, swapped);
            let w = 1.0 - block.share();
            let gains = RATIOS.map(|ratio| tail.gain(w, ratio));
            self.evidence.multiply(gains.into_iter());
            self.peak.reach(self.log_e());
        }
        self.remember(block);
    }

    fn threshold(&self) -> Option<u16> {
        let rank = self.quantile * self.stable.count() as f64;
        self.stable.first_where(|through| through as f64 >= rank).map(|(bucket, _)| bucket)
    }

    fn remember(&mut self, block: &Arms<Histogram>) {
        self.stable.merge(&block.stable);
        self.candidate.merge(&block.candidate);
    }

    /// The candidate's times divided by 1 + margin, in buckets: the longest time of each is divided.
    fn reduced(&self, candidate: &Histogram) -> Histogram {
        if self.margin == 0.0 {
            return candidate.clone();
        }
        let last = Histogram::BUCKETS as u16 - 1;
        candidate.moved(|bucket| {
            let longest = Histogram::lower_bound(bucket.saturating_add(1)).saturating_sub(1);
            // The last bucket holds all that is longer.
            if bucket >= last {
                last
            } else {
                Histogram::bucket_of((longest as f64 / (1.0 + self.margin)) as u64)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_margin_is_rounded_against_the_candidate() {
        for margin in [0.01, 0.1, 0.5, 3.0] {
            let test = KeptTest::new(0.95, margin);
            for micros in (1..5_000_000).step_by(1_237) {
                let mut candidate = Histogram::default();
                candidate.record(micros);
                let (reduced, _) = test.reduced(&candidate).iter().next().unwrap();
                let exact = Histogram::bucket_of((micros as f64 / (1.0 + margin)).ceil() as u64);
                assert!(
                    reduced + 1 >= exact && reduced <= exact + 2,
                    "{micros} by {margin}: {reduced}, not {exact}"
                );
            }
        }
    }
}
