//! What each step would be able to see, and what would become of a bad version on its way through them.

use super::course::{Leg, Stretch, span};
use super::doubt::doubt;
use super::outlook::{Outlook, outlook, time_of_proof};
use super::power::{passes_after, proof};
use super::{Assumed, Bad, CheckForecast, Outcome, StepForecast, Traffic};
use crate::Span;
use crate::release::Plan;
use crate::release::plan::{Check, Step};
use crate::schedule::evidence::{Parts, last_exposure};

/// How many times as long requests may take to be looked for.
const SLOWER_MAX: f64 = 9.0;

/// A time that is found when it is likelier than not to be.
const LIKELY: f64 = 0.5;

/// Every step, in order.
pub(super) fn steps(
    plan: &Plan,
    legs: &[Leg],
    alphas: &[f64],
    traffic: &Traffic,
    assumed: &Assumed,
) -> Vec<StepForecast> {
    let failing = assumed.failing(traffic);
    let all: Vec<Stretch> = legs.iter().flat_map(|leg| leg.stretches.iter().copied()).collect();
    let mut ended = 0;
    plan.steps
        .iter()
        .zip(legs)
        .map(|(step, leg)| {
            ended += leg.stretches.len();
            let until = outlook(&all[..ended], &plan.checks, alphas, failing, traffic);
            let whole = |requests: f64| failed(failing, requests).unwrap_or(0);
            let looker = Looker { plan, step, leg, alphas, traffic, assumed };
            StepForecast {
                people: people(&all[..ended], traffic, None),
                failed: whole(until.requests),
                failed_at_most: whole(until.requests_at_most),
                ..looker.step()
            }
        })
        .collect()
}

/// A step while it is looked at by itself.
struct Looker<'a> {
    plan: &'a Plan,
    step: &'a Step,
    leg: &'a Leg,
    alphas: &'a [f64],
    traffic: &'a Traffic,
    assumed: &'a Assumed,
}

impl Looker<'_> {
    fn step(&self) -> StepForecast {
        let Looker { leg, traffic, .. } = self;
        let parts = Parts::of(&last_exposure(self.step));
        let found = self.outlook(&self.plan.checks, self.alphas, self.assumed.failing(traffic));
        let candidate: f64 =
            leg.stretches.iter().map(|stretch| stretch.parts.candidate * stretch.lasts).sum();
        let planned = &leg.planned;
        StepForecast {
            name: planned.name.clone(),
            kind: planned.kind,
            audience: planned.audience.clone(),
            share: leg.share,
            has_segments: self.step.gate().is_none() && parts.has_segments,
            takes: planned.takes,
            undecided: planned.undecided.clone(),
            counted: leg.counted,
            requests: whole(candidate * traffic.rate.value),
            people: 0,
            finds_after: likely(&found),
            finds_surely_after: found.surely_after.map(span),
            smallest: self.smallest(1.0, |share| Bad::Failures(traffic.errors.value.max(share))),
            smallest_slower: self.smallest(SLOWER_MAX, Bad::Slower),
            failed: 0,
            failed_at_most: 0,
            checks: self
                .plan
                .checks
                .iter()
                .zip(self.alphas)
                .map(|(check, alpha)| self.check(check, *alpha))
                .collect(),
            words: Vec::new(),
        }
    }

    fn outlook(&self, checks: &[Check], alphas: &[f64], bad: Bad) -> Outlook {
        outlook(&self.leg.stretches, checks, alphas, bad, self.traffic)
    }

    /// The smallest fault up to `most` that is likelier than not to be found within the step, by halving on a log scale.
    fn smallest(&self, most: f64, bad: impl Fn(f64) -> Bad) -> Option<f64> {
        /// What is smaller is not looked for: one in ten thousand.
        const LEAST: f64 = 1e-4;
        const HALVINGS: u32 = 12;
        let is_found = |size: f64| self.outlook(&self.plan.checks, self.alphas, bad(size)).found >= LIKELY;
        if self.leg.stretches.is_empty() || !is_found(most) {
            return None;
        }
        let (mut low, mut high) = (LEAST.ln(), most.ln());
        for _ in 0..HALVINGS {
            let middle = 0.5 * (low + high);
            if is_found(middle.exp()) { high = middle } else { low = middle }
        }
        Some(high.exp())
    }

    fn check(&self, check: &Check, alpha: f64) -> CheckForecast {
        let Looker { leg, traffic, plan, .. } = self;
        let parts = Parts::of(&last_exposure(self.step));
        let rate = traffic.rate.value;
        let bad = self.fault_of(check);
        let found = match bad {
            Some(bad) => self.outlook(std::slice::from_ref(check), &[alpha], bad),
            None => Outlook::default(),
        };
        let patience = check.on_inconclusive.as_ref().unwrap_or(&plan.on_inconclusive).wait;
        let passes = match leg.stretches.is_empty() || parts.candidate == 0.0 {
            true => None,
            false => passes_after(check, parts, rate),
        };
        let within = |time: &Span| *time <= sum(leg.counted, patience);
        let passes_after = passes.filter(within);
        let proves =
            time_of_proof(&leg.stretches, alpha, rate, |stretch| proof(check, stretch.parts, traffic).mean);
        let finds_after = likely(&found);
        CheckForecast {
            metric: check.metric.clone(),
            words: check.words(),
            doubt: doubt(self.step, check, leg, traffic, bad, passes_after, finds_after),
            decides: passes_after.is_some() || finds_after.is_some(),
            passes_after,
            proves_after: proves.map(span),
            finds_surely_after: found.surely_after.map(span),
            finds_after,
        }
    }

    /// The assumed fault that a check is there for.
    fn fault_of(&self, check: &Check) -> Option<Bad> {
        match super::power::sees(check) {
            super::power::Sees::Failures => Some(self.assumed.failing(self.traffic)),
            super::power::Sees::Times => Some(Bad::Slower(self.assumed.slower)),
            _ => None,
        }
    }
}

/// When it is found on average, if it is likelier than not that it is.
fn likely(found: &Outlook) -> Option<Span> {
    found.after.filter(|_| found.found >= LIKELY).map(span)
}

/// What would become of a version that is bad from the first step on.
pub(super) fn outcome(plan: &Plan, legs: &[Leg], alphas: &[f64], bad: Bad, traffic: &Traffic) -> Outcome {
    let all: Vec<Stretch> = legs.iter().flat_map(|leg| leg.stretches.iter().copied()).collect();
    let found = outlook(&all, &plan.checks, alphas, bad, traffic);
    let after = found.after.filter(|_| found.found >= 0.01);
    let step = after.and_then(|after| {
        let is_in = |leg: &&Leg| leg.stretches.iter().any(|stretch| after <= stretch.begins + stretch.lasts);
        Some(legs.iter().find(is_in).or(legs.last())?.planned.name.clone())
    });
    Outcome {
        bad,
        found: found.found,
        found_after: after.map(span),
        surely_after: found.surely_after.map(span),
        step,
        by: found.by.filter(|_| after.is_some()),
        requests: whole(found.requests),
        failed: failed(bad, found.requests),
        failed_at_most: failed(bad, found.requests_at_most),
        people: people(&all, traffic, Some(&found)),
        words: String::new(),
    }
}

fn failed(bad: Bad, requests: f64) -> Option<u64> {
    match bad {
        Bad::Failures(share) => Some(whole(requests * share)),
        Bad::Slower(_) => None,
    }
}

/// How many people have met the candidate by the end of these stretches, or until it is found. Whoever comes in one
/// hour is one; nobody knows who comes again in the next.
fn people(stretches: &[Stretch], traffic: &Traffic, found: Option<&Outlook>) -> u64 {
    let each_second = traffic.visitors.value / 3600.0;
    let whole_time: f64 = stretches.iter().map(|stretch| stretch.share * stretch.lasts).sum();
    let hours = stretches.last().map_or(0.0, |last| (last.begins + last.lasts) / 3600.0);
    let widest = stretches.iter().map(|stretch| stretch.share).fold(0.0, f64::max);
    let all = traffic.visitors.value * hours.max(1.0) * widest;
    let time = found.map_or(whole_time, |found| found.people_seconds);
    whole((each_second * time).min(all))
}

/// A number of requests or people, as a whole one.
fn whole(number: f64) -> u64 {
    number.round().clamp(0.0, 1e15) as u64
}

fn sum(one: Span, other: Span) -> Span {
    Span::from_millis(one.as_millis().saturating_add(other.as_millis()))
}
