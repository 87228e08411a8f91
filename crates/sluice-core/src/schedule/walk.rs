//! From one step to the next, on the clock.

use super::evidence::{Parts, last_exposure, requests_to_judge, time_for, time_to_judge};
use super::{ScheduledStep, Stage, kind, words};
use crate::calendar::{Calendar, Openness};
use crate::document::policy::{Hold, Ramp};
use crate::release::Exposure;
use crate::release::plan::{Gate, Plan, Step, Work};
use crate::release::ramp::{EVIDENCE_MIN, HORIZON, even, next_of};
use crate::{Span, Timestamp, Weight};

/// The first share of a ramp by risk: nothing is known of the candidate yet.
const FIRST_BY_RISK: u32 = 1_000;

/// How many turns of the calendar are looked at within one ramp.
const TURNS_MAX: usize = 1_000;

/// A walk through the steps of a plan.
pub(super) struct Walk<'a> {
    plan: &'a Plan,
    calendar: &'a Calendar,
    rate: Option<f64>,
    /// The earliest time for what comes next; none after something whose end is not known.
    at: Option<Timestamp>,
    /// Who meets the candidate by now.
    shown: Exposure,
    /// Whether the first step has begun.
    has_begun: bool,
}

/// How long something takes.
enum Takes {
    /// So long, at least.
    Span(Span),
    /// Nobody can tell, and why.
    Undecided(String),
}

impl<'a> Walk<'a> {
    pub(super) fn new(plan: &'a Plan, calendar: &'a Calendar, rate: Option<f64>, now: Timestamp) -> Walk<'a> {
        Walk { plan, calendar, rate, at: Some(now), shown: Exposure::nobody(), has_begun: false }
    }

    /// When everyone has it, and why not earlier.
    pub(super) fn end(mut self) -> (Option<Timestamp>, Option<String>) {
        let held_up = self.wait_for_calendar();
        (self.at, held_up)
    }

    pub(super) fn step(&mut self, step: &Step) -> ScheduledStep {
        let is_first = !std::mem::replace(&mut self.has_begun, true);
        let lets_people_in = step.gate().is_none() && !self.shown.covers(&step.exposure);
        let held_up = if is_first || lets_people_in { self.wait_for_calendar() } else { None };
        let begins_at = self.at;
        let mut stages = Vec::new();
        let takes = match &step.work {
            Work::Hold(hold) => self.hold(&step.exposure, *hold),
            Work::Ramp { ramp, hold } => {
                let climbed = self.ramp(&step.exposure, ramp, &mut stages);
                let last = step.exposure.with_share(ramp.last().0.max(step.exposure.share()));
                match (climbed, self.hold(&last, *hold)) {
                    (Takes::Span(climb), Takes::Span(hold)) => Takes::Span(sum(climb, hold)),
                    (Takes::Undecided(why), _) | (_, Takes::Undecided(why)) => Takes::Undecided(why),
                }
            }
            Work::Gate(gate) => gate_takes(gate),
        };
        if step.gate().is_none() {
            self.shown = last_exposure(step);
        }
        let (takes, undecided) = match takes {
            Takes::Span(takes) => (Some(takes), None),
            Takes::Undecided(why) => (None, Some(why)),
        };
        let (requests, requests_take) = self.requests(step);
        self.at = self.ended(step, takes);
        ScheduledStep {
            name: step.name.clone(),
            kind: kind(&step.work),
            audience: step.words(),
            begins_at,
            held_up,
            ends_at: self.at,
            takes,
            waits_for: words::waits_for(self.plan, step, self.rate, requests_take),
            undecided,
            requests,
            requests_take,
            stages,
        }
    }

    /// When a step ends that takes so long. A ramp has gone on while the calendar was open only, so that its stages have
    /// moved the clock already.
    fn ended(&self, step: &Step, takes: Option<Span>) -> Option<Timestamp> {
        let takes = takes?;
        match &step.work {
            Work::Ramp { hold, .. } => {
                let last = last_exposure(step);
                match self.hold(&last, *hold) {
                    Takes::Span(hold) => Some(self.at?.after(hold)),
                    Takes::Undecided(_) => None,
                }
            }
            _ => Some(self.at?.after(takes)),
        }
    }

    /// Waits until more people may meet the candidate, and says why that is not now.
    fn wait_for_calendar(&mut self) -> Option<String> {
        match self.calendar.at(self.at?) {
            Openness::Open { .. } => None,
            Openness::Closed { why, opens_at } => {
                self.at = opens_at;
                Some(why.to_string())
            }
        }
    }

    fn hold(&self, exposure: &Exposure, hold: Hold) -> Takes {
        if hold.until_promoted {
            return Takes::Undecided("somebody has to promote it".to_owned());
        }
        match self.gathers(exposure, hold.requests) {
            None => Takes::Span(hold.time),
            Some(Ok(takes)) => {
                let patience = sum(hold.time, self.plan.on_inconclusive.wait);
                match takes <= patience {
                    true => Takes::Span(takes.max(hold.time)),
                    false => Takes::Undecided(format!(
                        "too few requests come: they take {} to gather, and it gives up after {patience}",
                        takes.rounded()
                    )),
                }
            }
            Some(Err(())) => Takes::Undecided("no requests come".to_owned()),
        }
    }

    /// How long it takes to gather so many requests and as many as every check asks for; `None` when how many come is
    /// not known, an error when none do.
    fn gathers(&self, exposure: &Exposure, requests: u64) -> Option<Result<Span, ()>> {
        let rate = self.rate?;
        let parts = Parts::of(exposure);
        let needs =
            requests > 0 || self.plan.checks.iter().any(|check| requests_to_judge(&check.question) > 0);
        if parts.is_unknown() || exposure.is_idle() || !needs {
            return None;
        }
        let judged = self
            .plan
            .checks
            .iter()
            .filter(|check| requests_to_judge(&check.question) > 0)
            .map(|check| time_to_judge(&check.question, parts, rate));
        let all = std::iter::once(time_for(requests, parts.candidate, rate)).chain(judged);
        let longest = all.collect::<Option<Vec<Span>>>().and_then(|spans| spans.into_iter().max());
        Some(longest.ok_or(()))
    }

    /// How many requests a step asks for, and how long they take.
    fn requests(&self, step: &Step) -> (u64, Option<Span>) {
        let asked = step.hold().requests;
        let parts = Parts::of(&last_exposure(step));
        let takes = self.rate.filter(|_| asked > 0 && !parts.is_unknown());
        (asked, takes.and_then(|rate| time_for(asked, parts.candidate, rate)))
    }

    /// Goes through the stages of a ramp, and moves the clock to when its last share is reached.
    fn ramp(&mut self, exposure: &Exposure, ramp: &Ramp, stages: &mut Vec<Stage>) -> Takes {
        let first = exposure.share();
        match ramp {
            Ramp::Linear { to, over, .. } => self.evenly(exposure, to.0, *over, stages),
            Ramp::Through { percents, every, requests } => {
                let mut takes = Span::ZERO;
                let mut share = first;
                stages.push(Stage { share, at: self.at });
                while let Some(next) = next_of(percents, share) {
                    let asked = Hold { time: *every, requests: *requests, until_promoted: false };
                    match self.grow(&exposure.with_share(share), asked) {
                        Takes::Span(stage) => takes = sum(takes, stage),
                        undecided => return undecided,
                    }
                    share = next;
                    stages.push(Stage { share, at: self.at });
                }
                Takes::Span(takes)
            }
            Ramp::Budget { to, .. } => {
                let mut takes = Span::ZERO;
                let mut share = first;
                if share == Weight::ZERO {
                    share = Weight::try_from(FIRST_BY_RISK).unwrap_or_default().min(to.0);
                }
                stages.push(Stage { share, at: self.at });
                while share < to.0 {
                    let asked = Hold { time: HORIZON, requests: EVIDENCE_MIN, until_promoted: false };
                    match self.grow(&exposure.with_share(share), asked) {
                        Takes::Span(stage) => takes = sum(takes, stage),
                        undecided => return undecided,
                    }
                    let doubled = Weight::try_from(share.parts().saturating_mul(2)).unwrap_or(Weight::FULL);
                    share = doubled.min(to.0);
                    stages.push(Stage { share, at: self.at });
                }
                Takes::Span(takes)
            }
        }
    }

    /// Holds a share of a ramp until more people may meet the candidate.
    fn grow(&mut self, exposure: &Exposure, asked: Hold) -> Takes {
        let takes = self.hold(exposure, asked);
        match &takes {
            Takes::Span(span) => {
                self.at = self.at.map(|at| at.after(*span));
                self.wait_for_calendar();
            }
            Takes::Undecided(_) => self.at = None,
        }
        takes
    }

    /// An even ramp: its time goes on while the calendar is open, and while the checks of a stage can tell.
    fn evenly(&mut self, exposure: &Exposure, to: Weight, over: Span, stages: &mut Vec<Stage>) -> Takes {
        let from = exposure.share();
        let begins = begins_of_stages(from, to, over);
        let mut takes = Span::ZERO;
        for (index, (share, ramped)) in begins.iter().enumerate() {
            stages.push(Stage { share: *share, at: self.at });
            let until = begins.get(index + 1).map_or(over, |(_, next)| *next);
            let none = Hold { time: Span::ZERO, requests: 0, until_promoted: false };
            match self.hold(&exposure.with_share(*share), none) {
                Takes::Span(judged) => {
                    let stage = until.left_after(*ramped);
                    self.at = self.at.map(|at| at.after(judged));
                    self.at = self.after_open(stage);
                    self.wait_for_calendar();
                    takes = sum(takes, sum(judged, stage));
                }
                undecided => {
                    self.at = None;
                    return undecided;
                }
            }
        }
        stages.push(Stage { share: to.max(from), at: self.at });
        summarize(stages);
        Takes::Span(takes)
    }

    /// The time when the calendar has been open for so long from now on.
    fn after_open(&self, span: Span) -> Option<Timestamp> {
        let (mut at, mut left) = (self.at?, span);
        for _ in 0..TURNS_MAX {
            match self.calendar.at(at) {
                Openness::Open { until: Some(until) } if until.since(at) < left => {
                    left = left.left_after(until.since(at));
                    at = until;
                }
                Openness::Open { .. } => return Some(at.after(left)),
                Openness::Closed { opens_at, .. } => at = opens_at?,
            }
        }
        None
    }
}

/// Each share of an even ramp but the last, with how much of its time is over when it begins.
fn begins_of_stages(from: Weight, to: Weight, over: Span) -> Vec<(Weight, Span)> {
    /// More than it has stages: each is found.
    const LOOKS: u64 = 2_000;
    let mut begins: Vec<(Weight, Span)> = Vec::new();
    for look in 0..LOOKS {
        let ramped =
            Span::from_millis(over.as_millis() / LOOKS * look + over.as_millis() % LOOKS * look / LOOKS);
        let share = even(from, to, over, ramped);
        if begins.last().is_none_or(|(last, _)| *last < share) && share < to {
            begins.push((share, ramped));
        }
    }
    begins
}

/// At most five of them: the ends and what lies evenly between.
fn summarize(stages: &mut Vec<Stage>) {
    const SHOWN: usize = 5;
    if stages.len() > SHOWN {
        let last = stages.len() - 1;
        *stages = (0..SHOWN).map(|index| stages[index * last / (SHOWN - 1)]).collect();
    }
}

fn gate_takes(gate: &Gate) -> Takes {
    match gate {
        Gate::PointOfNoReturn(_) => Takes::Span(Span::ZERO),
        Gate::Approval(approval) => {
            Takes::Undecided(format!("people have to approve, within {}", approval.expires))
        }
        Gate::Webhook(asked) => Takes::Undecided(format!(
            "{} has to say that all is well, within {}",
            asked.hook.url, asked.expires
        )),
        Gate::Version(asked) => Takes::Undecided(format!(
            "{} has to have {}, within {}",
            asked.service, asked.version, asked.expires
        )),
    }
}

fn sum(one: Span, other: Span) -> Span {
    Span::from_millis(one.as_millis().saturating_add(other.as_millis()))
}
