//! Visitors, what they ask for, and how that ends: second by second, without looking at each request.
//!
//! Every visitor keeps to one version, and some ask far more than others. Failures come in bunches of one visitor, as
//! they do where people try again. A part of the visitors leaves and others come all the time.

mod people;

use std::collections::BTreeMap;
use std::sync::Arc;

use sluice_core::document::service::PathPrefix;
use sluice_core::release::Amount;
use sluice_core::stats::{Histogram, Trials};
use sluice_core::{Counts, Name};

use super::draw::{binomial, poisson};
use super::fault::{Among, Effect, Fault, Onset};
use super::recording::{Recording, Stretch};
use super::shape::Shape;
use crate::random::Random;
pub(crate) use people::Placed;
use people::{People, Who};

/// What happened in a stretch of time.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcome {
    /// Of stable and of the candidate.
    pub(crate) of: [Counts; 2],
    /// Of the paths that are counted on their own.
    pub(crate) paths: BTreeMap<PathPrefix, [Counts; 2]>,
    /// Of metrics that others measure.
    pub(crate) metrics: BTreeMap<Name, [Amount; 2]>,
}

pub(crate) const STABLE: usize = 0;
pub(crate) const CANDIDATE: usize = 1;

/// What a fault has done to visitors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Harm {
    /// Requests that failed because of it.
    pub(crate) failed: u64,
    /// Requests that took longer because of it.
    pub(crate) slowed: u64,
    /// The second in which it could first have hurt anybody.
    pub(crate) onset: Option<u64>,
    /// The second in which nobody was left whom it could hurt.
    pub(crate) back: Option<u64>,
}

/// Visitors of one service, and a fault that those who meet the candidate meet.
pub(crate) struct Crowd {
    recording: Arc<Recording>,
    fault: Option<Fault>,
    random: Random,
    people: People,
    /// What share of requests to stable is copied to the candidate.
    pub(crate) shadow: f64,
    /// In which second the recording is when the first one is played.
    offset: u64,
    second: u64,
    /// Since which second the fault's condition is met; none while it is not.
    since: Option<u64>,
    /// Whether the step that the fault waits for was entered.
    has_entered: bool,
    pub(crate) harm: Harm,
    /// What the candidate's visitors had fail, whatever made it fail.
    pub(crate) candidate_failed: u64,
}

/// What goes wrong in this second.
#[derive(Clone, Copy)]
struct Now<'a> {
    effect: &'a Effect,
    among: &'a Among,
    strength: f64,
}

impl Crowd {
    /// A crowd that plays a recording from `offset` seconds after its start. At first everyone is on stable.
    pub(crate) fn new(recording: Arc<Recording>, fault: Option<Fault>, offset: u64, seed: u64) -> Crowd {
        let mut random = Random::from_seed(seed);
        let class = match fault.as_ref().map(|fault| &fault.among) {
            Some(Among::Visitors(share)) => *share,
            _ => 0.0,
        };
        let people = People::new(&recording, class, &mut random);
        Crowd {
            recording,
            fault,
            random,
            people,
            shadow: 0.0,
            offset,
            second: 0,
            since: None,
            has_entered: false,
            harm: Harm::default(),
            candidate_failed: 0,
        }
    }

    /// Places every visitor anew, and from now on those who come.
    pub(crate) fn place(&mut self, place: Box<dyn Fn(&str) -> Placed + Send>) {
        self.people.place(place);
    }

    /// The release enters a step.
    pub(crate) fn enter(&mut self, step: &Name) {
        if let Some(Fault { from: Onset::Step(wanted), .. }) = &self.fault {
            self.has_entered |= wanted == step;
        }
    }

    /// Whether the recording holds nothing of a metric that others measure.
    pub(crate) fn has_no(&self, metric: &Name) -> bool {
        !self.recording.series.contains_key(metric)
    }

    /// How many visitors have met the candidate.
    pub(crate) fn met(&self) -> u64 {
        self.people.met
    }

    /// Plays a second.
    pub(crate) fn play(&mut self) -> Outcome {
        let mut outcome = Outcome::default();
        let recording = Arc::clone(&self.recording);
        let second = self.offset + self.second;
        let share = self.people.share();
        let stretch = recording.at(second);
        self.people.pass(self.second, stretch.map_or(0.0, per_second), &mut self.random, &mut outcome.of);
        let fault = self.fault.take();
        let now = self.judge(fault.as_ref(), share);
        if let Some(stretch) = stretch {
            self.traffic(&recording, stretch, now, share, &mut outcome);
        }
        for name in recording.series.keys() {
            let Some(point) = recording.point(name, second) else { continue };
            let seconds = (point.span.as_millis() as f64 / 1000.0).max(1.0);
            let factor = match now {
                Some(Now { effect: Effect::Metric { name: hit, factor }, strength, .. }) if hit == name => {
                    1.0 + (factor - 1.0) * strength
                }
                _ => 1.0,
            };
            let amounts = split(&mut self.random, &point.amount, seconds, share, factor);
            outcome.metrics.insert(name.clone(), amounts);
        }
        self.fault = fault;
        self.second += 1;
        outcome
    }

    /// What goes wrong in this second, if anything does.
    fn judge<'f>(&mut self, fault: Option<&'f Fault>, share: f64) -> Option<Now<'f>> {
        let fault = fault?;
        let is_met = share > 0.0;
        if !is_met && self.harm.onset.is_some() && self.harm.back.is_none() {
            self.harm.back = Some(self.second);
        }
        let begins = match &fault.from {
            Onset::Start => is_met,
            Onset::After(_) => is_met,
            Onset::Share(least) => is_met && share >= *least,
            Onset::Step(_) => is_met && self.has_entered,
        };
        match (&fault.from, begins) {
            (_, true) => {
                self.since.get_or_insert(self.second);
            }
            (Onset::Share(_), false) => self.since = None,
            (_, false) => {}
        }
        let delay = match &fault.from {
            Onset::After(span) => span.as_millis() / 1000,
            _ => 0,
        };
        let since = self.second.checked_sub(self.since? + delay)?;
        let strength = fault.strength(since * 1000 + 500);
        if strength <= 0.0 || !is_met {
            return None;
        }
        self.harm.onset.get_or_insert(self.second);
        self.harm.back = None;
        Some(Now { effect: &fault.effect, among: &fault.among, strength })
    }

    fn traffic(
        &mut self,
        recording: &Recording,
        stretch: &Stretch,
        now: Option<Now<'_>>,
        share: f64,
        outcome: &mut Outcome,
    ) {
        let requests = self.spread(stretch.requests, stretch);
        let part = |some: u64| some as f64 / stretch.requests.max(1) as f64;
        let failed = binomial(&mut self.random, requests, part(stretch.failed));
        let mut failed_of = [0_u64; 2];
        for _ in 0..failed {
            let (arm, is_first) =
                self.people.fail(&mut self.random, self.second, Who::Anyone, recording.bunch);
            let is_spared = match now {
                Some(Now { effect: Effect::Better { share }, strength, .. }) if arm == CANDIDATE => {
                    self.random.chance(share * strength)
                }
                _ => false,
            };
            if !is_spared {
                failed_of[arm] += 1;
                outcome.of[arm].failed_visitors += u64::from(is_first);
            }
        }
        let fine = requests - failed;
        let on_candidate = binomial(&mut self.random, fine, share);
        let mut fine_of = [fine - on_candidate, on_candidate + failed - failed_of[0] - failed_of[1]];
        self.trouble_tenants(recording, requests, &mut fine_of, &mut failed_of, outcome);
        for arm in [STABLE, CANDIDATE] {
            let now = now.filter(|_| arm == CANDIDATE);
            self.answer(recording, stretch, arm, fine_of[arm], failed_of[arm], now, outcome);
        }
        if self.shadow > 0.0 {
            let copied = binomial(&mut self.random, outcome.of[STABLE].requests, self.shadow);
            let failed = binomial(&mut self.random, copied, part(stretch.failed));
            let harm = self.harm;
            self.answer(recording, stretch, CANDIDATE, copied - failed, failed, now, outcome);
            // Nobody sees what copies are answered.
            self.harm = harm;
        }
        self.candidate_failed += outcome.of[CANDIDATE].failed();
    }

    /// How many of what was counted over a stretch come in this second.
    fn spread(&mut self, count: u64, stretch: &Stretch) -> u64 {
        match stretch.span.as_millis() {
            ..=1000 => count,
            millis => poisson(&mut self.random, count as f64 * 1000.0 / millis as f64),
        }
    }

    /// Big customers in bad times: their requests, which are among all, fail.
    fn trouble_tenants(
        &mut self,
        recording: &Recording,
        requests: u64,
        fine: &mut [u64; 2],
        failed: &mut [u64; 2],
        outcome: &mut Outcome,
    ) {
        for (index, tenant) in recording.tenants.iter().enumerate() {
            let millis = self.second * 1000;
            let is_bad = millis
                .checked_sub(tenant.after.as_millis())
                .is_some_and(|since| since % tenant.every.as_millis().max(1) < tenant.lasts.as_millis());
            if !is_bad {
                continue;
            }
            let asked = binomial(&mut self.random, requests, tenant.share);
            let bad = binomial(&mut self.random, asked, tenant.failing);
            if bad > 0 {
                let (arm, is_first) = self.people.fail_tenant(self.second, index);
                let bad = bad.min(fine[arm]);
                fine[arm] -= bad;
                failed[arm] += bad;
                outcome.of[arm].failed_visitors += u64::from(is_first && bad > 0);
            }
        }
    }

    /// Answers the requests of one version.
    #[expect(clippy::too_many_arguments, reason = "all of it is one second of one version")]
    fn answer(
        &mut self,
        recording: &Recording,
        stretch: &Stretch,
        arm: usize,
        fine: u64,
        failed: u64,
        now: Option<Now<'_>>,
        outcome: &mut Outcome,
    ) {
        let mut left = [fine, failed];
        let mut rest = 1.0;
        for (path, share) in &recording.paths {
            let odds = (share / rest).min(1.0);
            rest = (rest - share).max(1e-9);
            let here = left.map(|count| binomial(&mut self.random, count, odds));
            left = [left[0] - here[0], left[1] - here[1]];
            let now = now.filter(|now| match now.among {
                Among::Path(hit) => hit == path,
                _ => true,
            });
            let counts = self.answer_part(stretch, here, now, recording.bunch, &mut outcome.of[arm]);
            outcome.paths.entry(path.clone()).or_default()[arm].merge(&counts);
        }
        let now = now.filter(|now| !matches!(now.among, Among::Path(_)));
        self.answer_part(stretch, left, now, recording.bunch, &mut outcome.of[arm]);
    }

    fn answer_part(
        &mut self,
        stretch: &Stretch,
        [mut fine, mut failed]: [u64; 2],
        now: Option<Now<'_>>,
        bunch: f64,
        all: &mut Counts,
    ) -> Counts {
        let mut counts = Counts::default();
        let (who, reach) = match now.map(|now| now.among) {
            Some(Among::Visitors(_)) => (Who::Hit, self.people.hit_share()),
            _ => (Who::OnCandidate, 1.0),
        };
        if let Some(Now { effect: Effect::Errors { share, retries }, strength, .. }) = now {
            let reached = binomial(&mut self.random, fine, reach);
            let bad = binomial(&mut self.random, reached, share * strength);
            let again = bad * u64::from(*retries);
            let bad_again = binomial(&mut self.random, again, share * strength);
            for _ in 0..bad {
                let (_, is_first) = self.people.fail(&mut self.random, self.second, who, bunch);
                counts.failed_visitors += u64::from(is_first);
            }
            fine = fine - bad + again - bad_again;
            failed += bad + bad_again;
            self.harm.failed += bad + bad_again;
        }
        let cancelled = {
            let share = stretch.cancelled as f64 / (stretch.requests - stretch.failed).max(1) as f64;
            binomial(&mut self.random, fine, share)
        };
        counts.requests = fine + failed;
        counts.responses[1] = fine - cancelled;
        counts.responses[4] = failed;
        counts.cancelled = cancelled;
        let slower = match now {
            Some(Now { effect: Effect::Slower { factor, plus, of }, strength, .. }) => Some((
                1.0 + (factor - 1.0) * strength,
                plus.as_millis() as f64 * 1000.0 * strength,
                of * reach,
            )),
            _ => None,
        };
        self.harm.slowed +=
            times(&mut self.random, &stretch.latency, fine - cancelled + failed, slower, &mut counts.latency);
        all.merge(&counts);
        counts
    }
}

/// Draws latencies; gives how many of them were slower than they would have been.
fn times(
    random: &mut Random,
    shape: &Shape,
    count: u64,
    slower: Option<(f64, f64, f64)>,
    into: &mut Histogram,
) -> u64 {
    let mut slowed = 0;
    shape.draw(random, count, into, |random, micros| match slower {
        Some((factor, plus, of)) if of >= 1.0 || random.chance(of) => {
            slowed += 1;
            (micros as f64 * factor + plus) as u64
        }
        _ => micros,
    });
    slowed
}

fn per_second(stretch: &Stretch) -> f64 {
    stretch.requests as f64 * 1000.0 / stretch.span.as_millis().max(1) as f64
}

/// What was measured of all visitors, as it would have been of each version's in one of `seconds`.
fn split(random: &mut Random, all: &Amount, seconds: f64, share: f64, factor: f64) -> [Amount; 2] {
    match all {
        Amount::Nothing => [Amount::Nothing, Amount::Nothing],
        Amount::Trials(trials) => {
            let n = poisson(random, trials.n as f64 / seconds);
            let rate = trials.rate().unwrap_or(0.0);
            let candidate = binomial(random, n, share);
            let of = |random: &mut Random, n, rate| {
                Amount::Trials(Trials::new(n, binomial(random, n, f64::min(rate, 1.0))))
            };
            [of(random, n - candidate, rate), of(random, candidate, rate * factor)]
        }
        Amount::Events { events, .. } => {
            let mean = *events as f64 / seconds;
            let of =
                |random: &mut Random, mean| Amount::Events { events: poisson(random, mean), seconds: 1.0 };
            [of(random, mean * (1.0 - share)), of(random, mean * share * factor)]
        }
        Amount::Values(values) => {
            let n = poisson(random, values.count() as f64 / seconds);
            let candidate = binomial(random, n, share);
            let Some(shape) = Shape::of(values) else { return [Amount::Nothing, Amount::Nothing] };
            let of = |random: &mut Random, n, factor: f64| {
                let mut drawn = Histogram::default();
                shape.draw(random, n, &mut drawn, |_, value| (value as f64 * factor) as u64);
                Amount::Values(drawn)
            };
            [of(random, n - candidate, 1.0), of(random, candidate, factor)]
        }
        Amount::Gauge(value) => [Amount::Gauge(*value), Amount::Gauge(value * factor)],
    }
}

impl Outcome {
    /// Adds what happened later.
    pub(crate) fn merge(&mut self, later: &Outcome) {
        for (mine, theirs) in self.of.iter_mut().zip(&later.of) {
            mine.merge(theirs);
        }
        for (path, theirs) in &later.paths {
            let mine = self.paths.entry(path.clone()).or_default();
            mine.iter_mut().zip(theirs).for_each(|(mine, theirs)| mine.merge(theirs));
        }
        for (name, theirs) in &later.metrics {
            let mine = self.metrics.entry(name.clone()).or_default();
            mine.iter_mut().zip(theirs).for_each(|(mine, theirs)| match (&mut *mine, theirs) {
                // Of values, all that there ever were are kept: whoever reads takes differences.
                (Amount::Values(mine), Amount::Values(theirs)) => mine.merge(theirs),
                (Amount::Gauge(_), later @ Amount::Gauge(_)) => *mine = later.clone(),
                (mine, later) => mine.merge(later),
            });
        }
    }
}
