//! What takes more requests than come.

use super::{Look, Severity};
use crate::Span;
use crate::document::policy::{Hold, Judge, OnInconclusive, Ramp};
use crate::release::plan::{Check, Plan, Step, Work};
use crate::release::ramp::HORIZON;
use crate::schedule::evidence::{Parts, last_exposure, requests_to_judge, time_for, time_to_judge};

impl Look<'_> {
    pub(super) fn traffic(&mut self) {
        for index in 0..self.steps.len() {
            let step = self.steps[index].clone();
            if let Work::Hold(hold) | Work::Ramp { hold, .. } = &step.work {
                self.hold(index, &step, *hold);
                self.samples(index, &step, *hold);
            }
            if let Work::Ramp { ramp: Ramp::Budget { to, budget }, .. } = &step.work
                && let Some(rate) = self.around.rate
            {
                let in_sight = rate * to.0.fraction() * HORIZON.as_duration().as_secs_f64();
                if rate > 0.0 && budget.failed_requests as f64 > in_sight {
                    let text = format!(
                        "the risk budget never holds the ramp back: even if every request failed, fewer than {} would within {HORIZON}",
                        budget.failed_requests
                    );
                    let path = format!("spec.steps[{index}].ramp.riskBudget.failedRequests");
                    let hint =
                        format!("at {} requests per second, less than {}", rounded(rate), in_sight.ceil());
                    self.find_and(Severity::Warning, "risk-budget-idle", path, text, hint);
                }
            }
        }
        self.windows();
    }

    /// A hold that asks for more requests than come before the release gives up on it.
    fn hold(&mut self, index: usize, step: &Step, hold: Hold) {
        if hold.requests == 0 {
            return;
        }
        let path = match &self.policy.steps[index].work {
            crate::document::policy::StepWork::Watch { .. } => format!("spec.steps[{index}].watch.requests"),
            _ => format!("spec.steps[{index}].hold.requests"),
        };
        let parts = Parts::of(&last_exposure(step));
        if parts.is_unknown() {
            let text = format!(
                "step `{}` waits for {} requests of segments only, and how many they make is not known",
                step.name, hold.requests
            );
            let hint = "hold for a time alone, or add a share of everyone";
            return self.find_and(Severity::Warning, "hold-unknown", path, text, hint);
        }
        let Some(rate) = self.around.rate else { return };
        let patience = sum(hold.time, self.policy.on_inconclusive.wait);
        let takes = time_for(hold.requests, parts.candidate, rate);
        if takes.is_some_and(|takes| takes <= patience) {
            return;
        }
        let takes = takes.map_or("for ever".to_owned(), |takes| takes.rounded().to_string());
        let text = format!(
            "step `{}` waits for {} requests, which takes {takes} at {} requests per second; it gives up after {patience}",
            step.name,
            hold.requests,
            rounded(rate)
        );
        let hint = "ask for fewer requests, show it to more people, or wait longer in `onInconclusive`";
        self.find_and(Severity::Warning, "hold-unfilled", path, text, hint);
    }

    /// A check that cannot tell in a step before the release gives up on it.
    fn samples(&mut self, index: usize, step: &Step, hold: Hold) {
        let Some(rate) = self.around.rate else { return };
        let parts = Parts::of(&last_exposure(step));
        // Nobody is asked where nobody meets it, and of segments nothing is known.
        if hold.until_promoted || parts.candidate == 0.0 {
            return;
        }
        for (check, resolved) in self.resolved() {
            let answer = resolved.on_inconclusive.as_ref().unwrap_or(&self.policy.on_inconclusive);
            let OnInconclusive { wait, .. } = answer;
            let patience = sum(hold.time, *wait);
            let takes = time_to_judge(&resolved.question, parts, rate);
            if takes.is_some_and(|takes| takes <= patience) {
                continue;
            }
            let takes = takes.map_or("for ever".to_owned(), |takes| takes.rounded().to_string());
            let text = format!(
                "in step `{}` it takes {takes} to gather the {} requests that `{}` asks for, at {} requests per second; \
                 the release gives up after {patience}",
                step.name,
                requests_to_judge(&resolved.question),
                resolved.metric,
                rounded(rate)
            );
            let path = match resolved.on_inconclusive.is_some() {
                true => format!("spec.checks[{check}].onInconclusive.wait"),
                false => "spec.onInconclusive.wait".to_owned(),
            };
            let hint =
                format!("wait longer, or show it to more people in `{}` (spec.steps[{index}])", step.name);
            self.find_and(Severity::Warning, "wait-too-short", path, text, hint);
        }
    }

    /// Bounds over so short a time that too few requests come in it: then the latest ones are judged, however long ago
    /// they were.
    fn windows(&mut self) {
        let Some(rate) = self.around.rate else { return };
        let most =
            self.steps.iter().map(|step| Parts::of(&last_exposure(step)).candidate).fold(0.0, f64::max);
        let mut found = Vec::new();
        for (index, check) in self.policy.checks.iter().enumerate() {
            let Judge::Threshold(bounds) = &check.judge else { continue };
            let in_window = rate * most * bounds.window.as_duration().as_secs_f64();
            let counts_requests =
                self.around.metrics.get(&check.metric).is_some_and(|metric| counts_requests(&metric.source));
            if counts_requests && most > 0.0 && (bounds.sample as f64) > in_window {
                let text = format!(
                    "`{}` is judged by {} requests, of which only {} come within its window of {} at {} requests per second",
                    check.metric,
                    bounds.sample,
                    in_window.floor(),
                    bounds.window,
                    rounded(rate)
                );
                found.push((format!("spec.checks[{index}].sample"), text));
            }
        }
        for (path, text) in found {
            let hint = "make `window` longer or `sample` smaller; as it is, older requests are judged too";
            self.find_and(Severity::Hint, "sample-exceeds-window", path, text, hint);
        }
    }

    /// Every check that can be resolved, with its place.
    fn resolved(&self) -> Vec<(usize, Check)> {
        let resolve = |(index, check): (usize, &crate::document::policy::CheckSpec)| {
            let alone = crate::document::PolicySpec { checks: vec![check.clone()], ..self.policy.clone() };
            let plan = Plan::new(self.name, &alone, self.around.metrics).ok()?;
            Some((index, plan.checks.into_iter().next()?))
        };
        self.policy.checks.iter().enumerate().filter_map(resolve).collect()
    }
}

fn counts_requests(source: &crate::document::metric::MetricSource) -> bool {
    use crate::document::metric::{GatewayMetric, MetricSource};
    matches!(source, MetricSource::Gateway(GatewayMetric::Responses(_) | GatewayMetric::Latency))
}

fn sum(one: Span, other: Span) -> Span {
    Span::from_millis(one.as_millis().saturating_add(other.as_millis()))
}

/// With three digits.
fn rounded(rate: f64) -> f64 {
    if rate >= 100.0 {
        return rate.round();
    }
    let digits = 10_f64.powi(2 - rate.abs().max(1e-9).log10().floor() as i32);
    (rate * digits).round() / digits
}
