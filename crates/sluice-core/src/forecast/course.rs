//! A release as a row of stretches of time, in each of which the same share of requests goes to the candidate.

use crate::calendar::Calendar;
use crate::release::plan::{Plan, Step, Work};
use crate::schedule::evidence::{Parts, last_exposure};
use crate::schedule::{ScheduledStep, Stage, schedule};
use crate::{Span, Timestamp, Weight};

/// A step whose end somebody decides counts for so long: long enough for whoever watches to look at it.
pub(super) const UNDECIDED_COUNTS: Span = Span::from_secs(3600);

/// Between two shares of an even ramp that are told of, so many more are put.
const BETWEEN: u32 = 4;

/// A stretch of time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Stretch {
    /// Since the first step began, in seconds.
    pub(super) begins: f64,
    /// In seconds.
    pub(super) lasts: f64,
    /// What part of all requests each version answers.
    pub(super) parts: Parts,
    /// The part of all people who meet the candidate, segments not counted; copies meet nobody.
    pub(super) share: f64,
    /// How often the checks had begun anew when it began.
    pub(super) restarts: u32,
}

/// A step on the way.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Leg {
    pub(super) planned: ScheduledStep,
    /// The largest share of everyone in it.
    pub(super) share: Weight,
    /// How long it is reckoned with.
    pub(super) counted: Span,
    pub(super) stretches: Vec<Stretch>,
}

/// Every step, in order. Steps are reckoned one after the other, whoever decides when one ends.
pub(super) fn course(plan: &Plan, rate: f64) -> Vec<Leg> {
    let mut way = Way { plan, rate, at: 0.0, restarts: 0, shown: None };
    plan.steps.iter().map(|step| way.leg(step)).collect()
}

struct Way<'a> {
    plan: &'a Plan,
    rate: f64,
    at: f64,
    restarts: u32,
    shown: Option<Parts>,
}

impl Way<'_> {
    fn leg(&mut self, step: &Step) -> Leg {
        let planned = self.planned(step);
        let last = last_exposure(step);
        let mut stretches = Vec::new();
        if step.gate().is_none() {
            for (exposure_share, lasts) in self.shares(step, &planned) {
                let exposure = match &step.work {
                    Work::Ramp { .. } => step.exposure.with_share(exposure_share),
                    _ => step.exposure.clone(),
                };
                stretches.push(self.stretch(Parts::of(&exposure), exposure.share(), lasts));
            }
        }
        let counted: f64 = stretches.iter().map(|stretch| stretch.lasts).sum();
        let share = if step.gate().is_some() { step.exposure.share() } else { last.share() };
        Leg { planned, share, counted: span(counted), stretches }
    }

    fn stretch(&mut self, parts: Parts, share: Weight, lasts: f64) -> Stretch {
        let is_new = self.shown.is_some_and(|shown| shown != parts && shown.candidate > 0.0);
        self.restarts = self.restarts.saturating_add(u32::from(is_new));
        self.shown = Some(parts);
        let begins = self.at;
        self.at += lasts;
        Stretch { begins, lasts, parts, share: share.fraction(), restarts: self.restarts }
    }

    /// The step as the schedule has it, by itself: so what comes before it need not end at a known time.
    fn planned(&self, step: &Step) -> ScheduledStep {
        let alone = Plan { steps: vec![step.clone()], ..self.plan.clone() };
        let now = Timestamp::from_millis(0);
        let mut steps = schedule(&alone, &Calendar::default(), Some(self.rate), now).steps;
        // A plan of one step has a schedule of one step.
        steps.swap_remove(0)
    }

    /// The shares of a step and for how many seconds each is shown.
    fn shares(&self, step: &Step, planned: &ScheduledStep) -> Vec<(Weight, f64)> {
        let patience = seconds(step.hold().time) + seconds(self.plan.on_inconclusive.wait);
        let undecided = match step.hold().until_promoted {
            true => seconds(step.hold().time.max(UNDECIDED_COUNTS)),
            false => patience,
        };
        if !matches!(step.work, Work::Ramp { .. }) {
            return vec![(step.exposure.share(), planned.takes.map_or(undecided, seconds))];
        }
        let reached: Vec<(Weight, f64)> =
            planned.stages.iter().filter_map(|stage| Some((stage.share, since_start(stage)?))).collect();
        let mut shares = Vec::new();
        for pair in reached.windows(2) {
            let [(share, begins), (next, ends)] = pair else { continue };
            between(*share, *next, ends - begins, &mut shares, is_even(step));
        }
        if let Some((share, begins)) = reached.last() {
            let lasts = planned.takes.map_or(undecided, |takes| seconds(takes) - begins);
            shares.push((*share, lasts.max(0.0)));
        }
        shares
    }
}

fn is_even(step: &Step) -> bool {
    use crate::document::policy::Ramp;
    matches!(step.work, Work::Ramp { ramp: Ramp::Linear { .. }, .. })
}

/// What lies between two shares: of an even ramp, more shares evenly in between.
fn between(share: Weight, next: Weight, lasts: f64, shares: &mut Vec<(Weight, f64)>, is_even: bool) {
    let parts = if is_even { BETWEEN } else { 1 };
    let far = next.parts().saturating_sub(share.parts());
    for part in 0..parts {
        let reached = share.parts() + far / parts * part;
        shares.push((Weight::try_from(reached).unwrap_or(share), lasts / f64::from(parts)));
    }
}

fn since_start(stage: &Stage) -> Option<f64> {
    Some(stage.at?.as_millis() as f64 / 1000.0)
}

pub(super) fn seconds(span: Span) -> f64 {
    span.as_millis() as f64 / 1000.0
}

/// A time in seconds, rounded to what a person would say.
pub(super) fn span(seconds: f64) -> Span {
    /// A hundred years are as good as for ever.
    const SECONDS_MAX: f64 = 100.0 * 365.25 * 24.0 * 3600.0;
    Span::from_secs(seconds.clamp(0.0, SECONDS_MAX).ceil() as u64)
}
