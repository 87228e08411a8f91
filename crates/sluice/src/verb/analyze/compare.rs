//! The kinds of streams: which test judges them, what is estimated, and how counts are told.

use std::io::Write;

use sluice_stats::interval::{Interval, RateInterval, RatioInterval};
use sluice_stats::{
    AllocationTest, Arms, Events, Histogram, Margin, Merge, RateTest, RatioTest, Trials, bands, quantile,
    rate, ratio,
};

use super::arms;
use super::fault::Fault;
use super::line::{Batch, Kind};
use super::question::Question;
use super::ramp::{Change, Ramp};
use super::sides::{ForMargin, Sides, TimesTest};

/// The quantile of times whose ratio is shown, and of which `pass` is proved.
pub(super) const SHOWN_QUANTILE: f64 = 0.95;
/// Intervals are not made for less than this; only the tests go further.
const ALPHA_MIN: f64 = 1e-6;
/// By which part counts must have grown before an interval of times is computed anew. What held before still holds.
const GROWTH: u64 = 20;

/// What judges a stream.
pub(super) trait Judge {
    /// Takes in a batch.
    ///
    /// # Errors
    /// With what cannot be. Nothing was taken in then.
    fn take(&mut self, batch: &Batch) -> Result<(), Fault>;
    /// The natural logarithm of the evidence.
    fn log_e(&self) -> f64;
    /// The smallest p so far.
    fn p(&self) -> f64;
    /// The smallest alpha at which it was proved so far that the margin is kept; 1 where that is not asked or cannot be.
    fn p_kept(&self) -> f64;
    /// What is estimated, where anything is known.
    fn estimate(&mut self) -> Option<Interval>;
    /// Whether both versions have had something.
    fn is_comparable(&self) -> bool;
    /// Writes what both versions had.
    fn tell(&self, out: &mut Vec<u8>) -> std::io::Result<()>;
}

/// What judges a question.
pub(super) fn judge(question: &Question) -> Box<dyn Judge> {
    match question.kind {
        Kind::Proportion => Box::new(Comparison::<RatioTest, ratio::KeptTest, OfTrials>::new(question)),
        Kind::Count => Box::new(Comparison::<RateTest, rate::KeptTest, OfEvents>::new(question)),
        Kind::Latency => Box::new(Comparison::<TimesTest, quantile::KeptTest, OfTimes>::new(question)),
        Kind::Allocation => Box::new(Assignment::new(question)),
    }
}

/// What was counted of a kind, and what is estimated from it.
trait Counted {
    /// What a batch tells of one version.
    type Arm;

    fn new(question: &Question) -> Self;
    fn read(&self, batch: &Batch) -> Result<Arms<Self::Arm>, Fault>;
    /// How many requests an arm has, or events.
    fn requests(arm: &Self::Arm) -> u64;
    fn settle(&mut self, change: Change);
    fn add(&mut self, batch: &Arms<Self::Arm>);
    fn estimate(&mut self) -> Option<Interval>;
    fn is_comparable(&self) -> bool;
    fn tell(&self, out: &mut Vec<u8>) -> std::io::Result<()>;
}

/// Two versions that are compared.
struct Comparison<T, K, C> {
    ramp: Ramp,
    worse: Sides<T>,
    kept: Option<Sides<K>>,
    counted: C,
    is_estimated: bool,
}

impl<T: ForMargin, K: ForMargin, C: Counted> Comparison<T, K, C> {
    fn new(question: &Question) -> Self {
        Comparison {
            ramp: Ramp::default(),
            worse: Sides::new(question),
            kept: question.is_pass_wanted.then(|| Sides::new(question)),
            counted: C::new(question),
            is_estimated: question.alpha >= ALPHA_MIN,
        }
    }
}

impl<T, K, C> Judge for Comparison<T, K, C>
where
    C: Counted,
    T: ForMargin<Arm = C::Arm>,
    K: ForMargin<Arm = C::Arm>,
{
    fn take(&mut self, batch: &Batch) -> Result<(), Fault> {
        let arms = self.counted.read(batch)?;
        let requests = C::requests(&arms.stable).saturating_add(C::requests(&arms.candidate));
        let change = self.ramp.change(batch.weight, requests);
        match change {
            Change::None => {}
            Change::Settle => {
                self.worse.settle();
                self.kept.iter_mut().for_each(Sides::settle);
            }
            Change::Restart => {
                self.worse.restart();
                self.kept.iter_mut().for_each(Sides::restart);
            }
        }
        self.counted.settle(change);
        self.worse.update(&arms);
        self.kept.iter_mut().for_each(|kept| kept.update(&arms));
        self.counted.add(&arms);
        Ok(())
    }

    fn log_e(&self) -> f64 {
        self.worse.log_e()
    }

    fn p(&self) -> f64 {
        self.worse.p()
    }

    fn p_kept(&self) -> f64 {
        self.kept.as_ref().map_or(1.0, Sides::p_of_all)
    }

    fn estimate(&mut self) -> Option<Interval> {
        self.is_estimated.then(|| self.counted.estimate()).flatten()
    }

    fn is_comparable(&self) -> bool {
        self.counted.is_comparable()
    }

    fn tell(&self, out: &mut Vec<u8>) -> std::io::Result<()> {
        self.counted.tell(out)
    }
}

/// Proportions.
struct OfTrials {
    question: Question,
    totals: Arms<Trials>,
    interval: RatioInterval,
}

impl OfTrials {
    fn is_difference(&self) -> bool {
        matches!(self.question.margin, Margin::Absolute(_))
    }
}

impl Counted for OfTrials {
    type Arm = Trials;

    fn new(question: &Question) -> OfTrials {
        let interval = RatioInterval::new(question.alpha);
        OfTrials { question: *question, totals: Arms::default(), interval }
    }

    fn read(&self, batch: &Batch) -> Result<Arms<Trials>, Fault> {
        arms::trials(batch, self.question.unit)
    }

    fn requests(arm: &Trials) -> u64 {
        arm.n
    }

    fn settle(&mut self, change: Change) {
        // A difference begins anew with each step. A ratio does not, and only needs its blocks apart.
        if change == Change::Restart || change == Change::Settle && !self.is_difference() {
            self.interval.restart();
        }
    }

    fn add(&mut self, batch: &Arms<Trials>) {
        self.totals.merge(batch);
        self.interval.update(batch.stable, batch.candidate);
    }

    fn estimate(&mut self) -> Option<Interval> {
        if self.is_difference() { self.interval.difference() } else { self.interval.ratio() }
    }

    fn is_comparable(&self) -> bool {
        self.totals.stable.n > 0 && self.totals.candidate.n > 0
    }

    fn tell(&self, out: &mut Vec<u8>) -> std::io::Result<()> {
        let Arms { stable, candidate } = self.totals;
        // Not formatted as elsewhere: this is written hundreds of thousands of times a second.
        for (text, count) in
            [("candidate ", candidate.k), (" of ", candidate.n), (", stable ", stable.k), (" of ", stable.n)]
        {
            out.extend_from_slice(text.as_bytes());
            serde_json::to_writer(&mut *out, &count)?;
        }
        Ok(())
    }
}

/// Events over an exposure.
struct OfEvents {
    totals: Arms<Events>,
    interval: RateInterval,
}

impl Counted for OfEvents {
    type Arm = Events;

    fn new(question: &Question) -> OfEvents {
        OfEvents { totals: Arms::default(), interval: RateInterval::new(question.alpha) }
    }

    fn read(&self, batch: &Batch) -> Result<Arms<Events>, Fault> {
        arms::events(batch)
    }

    fn requests(arm: &Events) -> u64 {
        arm.events
    }

    fn settle(&mut self, _: Change) {}

    fn add(&mut self, batch: &Arms<Events>) {
        self.totals.merge(batch);
        self.interval.update(batch.stable, batch.candidate);
    }

    fn estimate(&mut self) -> Option<Interval> {
        self.interval.ratio()
    }

    fn is_comparable(&self) -> bool {
        self.totals.stable.exposure > 0.0 && self.totals.candidate.exposure > 0.0
    }

    fn tell(&self, out: &mut Vec<u8>) -> std::io::Result<()> {
        let Arms { stable, candidate } = self.totals;
        write!(
            out,
            "candidate {} in {:.1}, stable {} in {:.1}",
            candidate.events, candidate.exposure, stable.events, stable.exposure
        )
    }
}

/// Times.
struct OfTimes {
    alpha: f64,
    totals: Arms<Histogram>,
    interval: Option<Interval>,
    /// At how many times of the rarer version the interval was computed.
    computed_at: u64,
}

impl OfTimes {
    fn fewest(&self) -> u64 {
        self.totals.stable.count().min(self.totals.candidate.count())
    }
}

impl Counted for OfTimes {
    type Arm = Histogram;

    fn new(question: &Question) -> OfTimes {
        OfTimes { alpha: question.alpha, totals: Arms::default(), interval: None, computed_at: 0 }
    }

    fn read(&self, batch: &Batch) -> Result<Arms<Histogram>, Fault> {
        arms::times(batch)
    }

    fn requests(arm: &Histogram) -> u64 {
        arm.count()
    }

    fn settle(&mut self, _: Change) {}

    fn add(&mut self, batch: &Arms<Histogram>) {
        self.totals.stable.merge(&batch.stable);
        self.totals.candidate.merge(&batch.candidate);
    }

    fn estimate(&mut self) -> Option<Interval> {
        let fewest = self.fewest();
        if fewest > self.computed_at.saturating_add(self.computed_at / GROWTH) {
            self.interval = bands::quantile_ratio(&self.totals, SHOWN_QUANTILE, self.alpha);
            self.computed_at = fewest;
        }
        self.interval
    }

    fn is_comparable(&self) -> bool {
        self.fewest() > 0
    }

    fn tell(&self, out: &mut Vec<u8>) -> std::io::Result<()> {
        let millis =
            |times: &Histogram| times.quantile(SHOWN_QUANTILE).map_or(0.0, |micros| micros as f64 / 1000.0);
        let Arms { stable, candidate } = &self.totals;
        write!(
            out,
            "p95 of the candidate {:.1} ms in {}, of stable {:.1} ms in {}",
            millis(candidate),
            candidate.count(),
            millis(stable),
            stable.count()
        )
    }
}

/// Who reached which version.
struct Assignment {
    question: Question,
    ramp: Ramp,
    test: AllocationTest,
    weight: f64,
    /// With what it was computed.
    interval: Option<(u64, f64, Option<Interval>)>,
}

impl Assignment {
    fn new(question: &Question) -> Assignment {
        let (ramp, test) = (Ramp::default(), AllocationTest::new());
        Assignment { question: *question, ramp, test, weight: 0.0, interval: None }
    }
}

impl Judge for Assignment {
    fn take(&mut self, batch: &Batch) -> Result<(), Fault> {
        let visitors = arms::visitors(batch)?;
        if self.ramp.change(batch.weight, visitors.stable.saturating_add(visitors.candidate))
            == Change::Restart
        {
            self.test.restart();
        }
        self.test.update(batch.weight, visitors);
        if batch.weight > 0.0 && batch.weight < 1.0 {
            self.weight = batch.weight;
        }
        Ok(())
    }

    fn log_e(&self) -> f64 {
        self.test.log_e()
    }

    fn p(&self) -> f64 {
        self.test.p_value()
    }

    fn p_kept(&self) -> f64 {
        1.0
    }

    fn estimate(&mut self) -> Option<Interval> {
        let Arms { stable, candidate } = self.test.totals();
        let visitors = stable.saturating_add(candidate);
        match self.interval {
            Some((at, weight, interval)) if weight == self.weight && visitors <= at + at / GROWTH => interval,
            _ => {
                let interval = self.test.share(self.question.alpha, self.weight);
                self.interval = Some((visitors, self.weight, interval));
                interval
            }
        }
    }

    fn is_comparable(&self) -> bool {
        let Arms { stable, candidate } = self.test.totals();
        stable > 0 || candidate > 0
    }

    fn tell(&self, out: &mut Vec<u8>) -> std::io::Result<()> {
        let Arms { stable, candidate } = self.test.totals();
        let all = stable.saturating_add(candidate);
        write!(out, "candidate {candidate} of {all}, expected {:.1}", self.test.expected())
    }
}
