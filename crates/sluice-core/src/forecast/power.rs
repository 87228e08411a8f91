//! What a check sees of a bad version, and how fast.

use super::information::{Information, Rates, Times, of_kept, of_worse};
use super::{Assumed, Bad, Traffic};
use crate::Span;
use crate::document::metric::ResponseClass;
use crate::document::policy::{CheckUnit, Tolerance};
use crate::release::plan::{Bounds, Check, Measure, Question, Watched};
use crate::schedule::evidence::Parts;
use crate::stats::Margin;

/// For how many minutes a visitor stays, about.
const VISIT_MINUTES: f64 = 3.0;

/// How a check comes to say that a version is bad.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Power {
    /// It gathers evidence, so much by each request.
    Evidence(Information),
    /// It looks at the latest requests, at least `sample` of them or all within a window, and says so when the share
    /// of bad ones, in truth `share`, is above `most`.
    Look { share: f64, most: f64, sample: f64, window: f64 },
    /// It never does.
    None,
}

/// What a check measures of what is reckoned with here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sees {
    /// Failed requests.
    Failures,
    /// How long requests take.
    Times,
    /// Something else that the gateway knows: endpoints, how many requests come, other classes of responses.
    Else,
    /// What nobody can know beforehand, and why.
    Unknown(Unknown),
}

/// Why nothing is known of what a check measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unknown {
    /// Others measure it.
    Source,
    /// Only some requests count.
    Path,
    /// Another service is watched, or the past.
    Elsewhere,
}

pub(super) fn sees(check: &Check) -> Sees {
    let is_before = matches!(check.question, Question::AgainstBefore { .. });
    match (&check.measure, &check.watched) {
        (Measure::Outside(_), _) => Sees::Unknown(Unknown::Source),
        (_, Watched::Path(_)) => Sees::Unknown(Unknown::Path),
        (_, Watched::Other { .. }) => Sees::Unknown(Unknown::Elsewhere),
        _ if is_before => Sees::Unknown(Unknown::Elsewhere),
        (Measure::Responses(bad), Watched::Released) => {
            let has_failures = bad.classes.contains(&ResponseClass::ServerError);
            let is_bound_below = check.question.bounds().is_some_and(|bounds| bounds.min.is_some());
            match has_failures != (bad.is_inverted || is_bound_below) {
                true => Sees::Failures,
                false => Sees::Else,
            }
        }
        (Measure::Latency, Watched::Released) => Sees::Times,
        (Measure::Requests | Measure::Ready, Watched::Released) => Sees::Else,
    }
}

/// A tolerance as the tests have it.
pub(super) fn margin(tolerate: Tolerance) -> Margin {
    match tolerate {
        Tolerance::Points(points) => Margin::Absolute(points),
        Tolerance::Relative(relative) => Margin::Relative(relative),
    }
}

/// How much of the requests of one version is bad for a check when so much of them fails: where visitors are counted,
/// each only once.
pub(super) fn bad_share(check: &Check, failures: f64, traffic: &Traffic) -> f64 {
    match &check.measure {
        Measure::Responses(bad) if bad.unit == CheckUnit::User => {
            // Each is counted once in a minute.
            let each = (traffic.requests_per_visitor() / VISIT_MINUTES).max(1.0);
            (1.0 - (1.0 - failures).powf(each)) / each
        }
        _ => failures,
    }
}

/// The candidate's share of the requests that are compared; none when either version has none.
pub(super) fn weight(parts: Parts) -> Option<f64> {
    let is_compared = parts.candidate > 0.0 && parts.stable > 0.0;
    is_compared.then(|| parts.candidate / (parts.candidate + parts.stable))
}

/// How a check would come to say that a version is bad, while each version answers such a part of all requests.
pub(super) fn power(check: &Check, bad: Bad, parts: Parts, traffic: &Traffic) -> Power {
    match (&check.question, sees(check), bad) {
        (Question::ShareAgainstStable { tolerate, .. }, Sees::Failures, Bad::Failures(failures)) => {
            let Some(w) = weight(parts) else { return Power::None };
            let rates = Rates {
                stable: bad_share(check, traffic.errors.value, traffic),
                candidate: bad_share(check, failures, traffic),
            };
            Power::Evidence(of_worse(margin(*tolerate), w, rates))
        }
        (Question::LatencyAgainstStable { tolerate, quantile, .. }, Sees::Times, Bad::Slower(slower)) => {
            let Some(w) = weight(parts) else { return Power::None };
            let factor = (1.0 + slower) / (1.0 + tolerate);
            Power::Evidence(times(traffic).of_slower(w, quantile.fraction(), factor))
        }
        (Question::Share { bounds }, Sees::Failures, Bad::Failures(failures)) => match most(bounds) {
            Some(most) => look(bounds, failures, most),
            None => Power::None,
        },
        (Question::Latency { bounds, quantile }, Sees::Times, Bad::Slower(slower)) => {
            let Some(most) = bounds.max else { return Power::None };
            let value = times(traffic).quantile(quantile.fraction()) * (1.0 + slower);
            // How much such a quantile varies from look to look is left out: it is above, or it is not.
            look(bounds, if value > most { 1.0 } else { 0.0 }, 0.5)
        }
        _ => Power::None,
    }
}

/// The share of failures above which bounds fail.
pub(super) fn most(bounds: &Bounds) -> Option<f64> {
    bounds.max.or(bounds.min.map(|min| 1.0 - min))
}

fn look(bounds: &Bounds, share: f64, most: f64) -> Power {
    let window = bounds.window.as_millis() as f64 / 1000.0;
    Power::Look { share, most, sample: bounds.sample.max(1) as f64, window }
}

/// What a request tells for a version that is as good as stable; nothing where nothing can be proved.
pub(super) fn proof(check: &Check, parts: Parts, traffic: &Traffic) -> Information {
    let Some(w) = weight(parts) else { return Information::default() };
    match (&check.question, sees(check)) {
        (Question::ShareAgainstStable { tolerate, .. }, Sees::Failures) => {
            let rate = bad_share(check, traffic.errors.value, traffic);
            let is_some = !matches!(tolerate, Tolerance::Points(0.0) | Tolerance::Relative(0.0));
            match is_some {
                true => of_kept(margin(*tolerate), w, Rates { stable: rate, candidate: rate }),
                false => Information::default(),
            }
        }
        (Question::LatencyAgainstStable { tolerate, quantile, .. }, Sees::Times) if *tolerate > 0.0 => {
            times(traffic).of_kept(w, quantile.fraction(), *tolerate)
        }
        _ => Information::default(),
    }
}

pub(super) fn times(traffic: &Traffic) -> Times {
    Times::new(traffic.latency.p50, traffic.latency.p95, traffic.latency.p99)
}

impl Assumed {
    /// The assumed badness, as much as it is worse than stable.
    pub(super) fn failing(&self, traffic: &Traffic) -> Bad {
        let failures = match self.failures {
            super::Failures::Share(share) => share,
            super::Failures::Times(times) => times * traffic.errors.value,
        };
        Bad::Failures(super::held(failures, 0.0, 1.0))
    }
}

/// For how long at least a check takes in what it passes by; none when it never can.
pub(super) fn passes_after(check: &Check, parts: Parts, rate: f64) -> Option<Span> {
    crate::schedule::evidence::time_to_judge(&check.question, parts, rate)
}
