//! Which checks make sense for which metric.

use super::metric::{MetricKind, MetricSpec};
use super::policy::{Bound, CheckSpec, Judge, Tolerance};
use super::problem::Fault;

impl MetricSpec {
    /// What does not fit in a check of this metric: the field of the check, and what is wrong with it.
    pub(crate) fn misfits(&self, check: &CheckSpec) -> Vec<(&'static str, Fault)> {
        let mut misfits = Vec::new();
        let is = format!("`{}` is {}", check.metric, self.kind.in_words());
        match (self.kind, check.quantile) {
            (MetricKind::Distribution, None) => misfits.push((
                "quantile",
                Fault::new("missing-field", format!("`quantile` is missing: {is}"))
                    .accepted("quantile: 0.95 for what 95 of 100 requests stay below"),
            )),
            (MetricKind::Ratio | MetricKind::Rate, Some(_)) => misfits.push((
                "quantile",
                Fault::conflict(format!("{is}, which has no quantiles")).hint("leave `quantile` out"),
            )),
            _ => {}
        }
        match &check.judge {
            Judge::Compare(_) if self.kind == MetricKind::Rate => misfits.push((
                "compare",
                Fault::conflict(format!(
                    "{is}, which follows how many people have the version, not how good it is"
                ))
                .hint("give it bounds (`max`, `min`), or compare a ratio or a distribution"),
            )),
            Judge::Compare(comparison) => {
                if let Tolerance::Points(_) = comparison.tolerate
                    && self.kind == MetricKind::Distribution
                {
                    let fault = Fault::conflict(format!("{is}; percentage points are for ratios"));
                    misfits.push(("tolerate", fault.accepted("a part of stable's value, as 10%")));
                }
            }
            Judge::Threshold(threshold) => {
                for (field, bound) in [("max", threshold.max), ("min", threshold.min)] {
                    if bound.is_some_and(|bound| bound.kind() != self.kind) {
                        let fault = Fault::conflict(format!("the unit does not fit: {is}"));
                        misfits.push((field, fault.accepted(bound_form(self.kind))));
                    }
                }
            }
        }
        misfits
    }
}

fn bound_form(kind: MetricKind) -> &'static str {
    match kind {
        MetricKind::Ratio => "a percentage, as 5%",
        MetricKind::Rate => "a plain number per second, as 2.5",
        MetricKind::Distribution => "a length of time, as 800ms or 1.5s",
    }
}

impl MetricKind {
    /// With its article, and what it means.
    fn in_words(self) -> &'static str {
        match self {
            MetricKind::Ratio => "a ratio (a part of a whole)",
            MetricKind::Rate => "a rate (so many per second)",
            MetricKind::Distribution => "a distribution (many values)",
        }
    }
}

impl Bound {
    /// The kind of metric that it bounds.
    pub fn kind(self) -> MetricKind {
        match self {
            Bound::Ratio(_) => MetricKind::Ratio,
            Bound::Plain(_) => MetricKind::Rate,
            Bound::Millis(_) => MetricKind::Distribution,
        }
    }

    /// Its number: a fraction, milliseconds, or per second.
    pub fn number(self) -> f64 {
        match self {
            Bound::Ratio(number) | Bound::Millis(number) | Bound::Plain(number) => number,
        }
    }

    /// Whether it is less than another of the same kind.
    pub(crate) fn is_below(self, other: Bound) -> bool {
        self.kind() == other.kind() && self.number() < other.number()
    }
}
