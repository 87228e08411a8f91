//! Checks that can never fail, or never tell.

use super::{Look, Severity};
use crate::document::metric::{MetricKind, MetricSpec, Worse};
use crate::document::policy::{Bound, CheckSpec, Judge, Threshold, Tolerance};
use crate::document::problem::nearest;
use crate::release::plan::Step;
use crate::schedule::evidence::last_exposure;

/// From here on only a version that hardly answers at all is called worse.
const POINTS_MANY: f64 = 0.5;

impl Look<'_> {
    pub(super) fn checks(&mut self) {
        for (index, check) in self.policy.checks.iter().enumerate() {
            let path = format!("spec.checks[{index}]");
            let Some(metric) = self.around.metrics.get(&check.metric) else {
                self.no_metric(&path, check);
                continue;
            };
            for (field, fault) in metric.misfits(check) {
                self.find(Severity::Error, "check-does-not-fit", format!("{path}.{field}"), fault.message);
            }
            match &check.judge {
                Judge::Threshold(threshold) => self.bounds(&path, check, metric, threshold),
                Judge::Compare(comparison) => {
                    self.comparison(&path, check);
                    self.tolerance(&path, comparison.tolerate);
                }
            }
        }
    }

    fn no_metric(&mut self, path: &str, check: &CheckSpec) {
        let names: Vec<&str> = self.around.metrics.keys().map(|name| name.as_str()).collect();
        let text = format!("there is no metric `{}`", check.metric);
        let hint = match nearest(check.metric.as_str(), &names) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "apply a Metric of that name, or use one that exists".to_owned(),
        };
        self.find_and(Severity::Error, "unknown-metric", format!("{path}.metric"), text, hint);
    }

    /// Bounds that no value passes, or that only a better version would.
    fn bounds(&mut self, path: &str, check: &CheckSpec, metric: &MetricSpec, bounds: &Threshold) {
        let is_idle_max = bounds.max.is_some_and(|max| matches!(max, Bound::Ratio(part) if part >= 1.0));
        let is_idle_min = bounds.min.is_some_and(|min| min.number() <= 0.0);
        let never = (bounds.max.is_none() || is_idle_max) && (bounds.min.is_none() || is_idle_min);
        for (field, is_idle) in [("max", is_idle_max), ("min", is_idle_min)] {
            if !is_idle {
                continue;
            }
            let limit = if field == "max" { "more than 100 %" } else { "less than nothing" };
            let severity = if never { Severity::Error } else { Severity::Warning };
            let text = match never {
                true => format!("the check can never fail: `{}` is never {limit}", check.metric),
                false => format!("`{field}` says nothing: `{}` is never {limit}", check.metric),
            };
            let hint = format!("give `{field}` a value that a bad version would pass, or leave it out");
            self.find_and(severity, "check-never-fails", format!("{path}.{field}"), text, hint);
        }
        let wrong_way = match (metric.kind, metric.worse) {
            // How many requests come is bounded on either side with good reason.
            (MetricKind::Rate, _) => None,
            (_, Worse::Higher) => bounds.min.filter(|_| !is_idle_min).map(|_| ("min", "less", "max")),
            (_, Worse::Lower) => bounds.max.filter(|_| !is_idle_max).map(|_| ("max", "more", "min")),
        };
        if let Some((field, better, meant)) = wrong_way {
            let text =
                format!("`{field}` fails a version that is better: {better} of `{}` is good", check.metric);
            let hint = format!("did you mean `{meant}`?");
            self.find_and(Severity::Warning, "bound-wrong-way", format!("{path}.{field}"), text, hint);
        }
    }

    /// A comparison takes a step in which some people meet the candidate and some do not.
    fn comparison(&mut self, path: &str, check: &CheckSpec) {
        let compares = |step: &Step| {
            step.gate().is_none() && {
                let last = last_exposure(step);
                let somebody_meets = !last.is_nobody() || last.shadow.is_some();
                let first_leaves_some = !step.exposure.is_everyone();
                somebody_meets && (first_leaves_some || !last.is_everyone())
            }
        };
        if self.steps.is_empty() || self.steps.iter().any(compares) {
            return;
        }
        let somebody = self.steps.iter().any(|step| !last_exposure(step).is_nobody());
        let why = match somebody {
            true => "in every step that shows the candidate to somebody, nobody is left on stable",
            false => "nobody meets the candidate in any step",
        };
        let text = format!("`{}` can never be compared: {why}", check.metric);
        let hint = "give it bounds (`max`, `min`), or add a step that shows it to some people only";
        self.find_and(Severity::Error, "comparison-never", format!("{path}.compare"), text, hint);
    }

    fn tolerance(&mut self, path: &str, tolerate: Tolerance) {
        if let Tolerance::Points(points) = tolerate
            && points >= POINTS_MANY
        {
            let text = format!(
                "{} percentage points are tolerated: a version that fails half of all requests would pass",
                (points * 1e5).round() / 1e3
            );
            let hint = "0.5pp is half a percentage point";
            self.find_and(Severity::Warning, "tolerates-much", format!("{path}.tolerate"), text, hint);
        }
    }
}
