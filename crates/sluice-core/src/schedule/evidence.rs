//! How many requests it takes to judge, and how long they take to come.

use crate::release::check::COMPARED_MIN;
use crate::release::plan::{Question, Step, Work};
use crate::release::{Exposure, PAST_BLOCK};
use crate::{Span, Weight};

/// What part of all requests each version answers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Parts {
    /// The candidate's; copies of requests are counted too.
    pub(crate) candidate: f64,
    /// Stable's.
    pub(crate) stable: f64,
    /// Whether segments add to the candidate's part: how many people are in one is not known.
    pub(crate) has_segments: bool,
}

impl Parts {
    /// Of the people who meet the candidate, and those who do not.
    pub(crate) fn of(exposure: &Exposure) -> Parts {
        let share = exposure.share().fraction();
        let stable = 1.0 - share;
        let copied = exposure.shadow.map_or(0.0, |shadow| shadow.percent.0.fraction());
        let has_segments =
            exposure.include.iter().any(|rule| rule.segment.is_some() && rule.percent.0 > Weight::ZERO);
        Parts { candidate: share + stable * copied, stable, has_segments }
    }

    /// Whether nothing is known of the candidate's part, since only segments meet it.
    pub(crate) fn is_unknown(self) -> bool {
        self.has_segments && self.candidate == 0.0
    }
}

/// How long some requests take to come, of a part of all that come each second, in whole seconds. `None` when they never
/// do.
pub(crate) fn time_for(requests: u64, part: f64, rate: f64) -> Option<Span> {
    /// A hundred years are never.
    const SECONDS_MAX: f64 = 100.0 * 365.25 * 24.0 * 3600.0;
    if requests == 0 {
        return Some(Span::ZERO);
    }
    let seconds = requests as f64 / (part * rate);
    (seconds.is_finite() && seconds < SECONDS_MAX).then(|| Span::from_secs(seconds.ceil() as u64))
}

/// How long it takes until a check can say that all is well. `None` when it never can.
pub(crate) fn time_to_judge(question: &Question, parts: Parts, rate: f64) -> Option<Span> {
    match question {
        Question::ShareAgainstStable { .. } | Question::LatencyAgainstStable { .. } => {
            let candidate = time_for(COMPARED_MIN, parts.candidate, rate)?;
            // Once everyone has the candidate, a comparison stays with what it found before.
            let stable = match parts.stable > 0.0 {
                true => time_for(COMPARED_MIN, parts.stable, rate)?,
                false => Span::ZERO,
            };
            Some(candidate.max(stable))
        }
        Question::RateAgainstStable { .. } | Question::MeanAgainstStable { .. } => {
            time_for(COMPARED_MIN, parts.candidate, rate)
        }
        // Its past is known from the start, and what is compared with it does not depend on who meets the candidate.
        Question::AgainstBefore { .. } => Some(PAST_BLOCK),
        Question::Share { bounds, .. } | Question::Latency { bounds, .. } | Question::Mean { bounds } => {
            time_for(bounds.sample.max(1), parts.candidate, rate)
        }
        Question::Rate { bounds } => Some(bounds.window),
        Question::Ready { .. } | Question::Gauge { .. } => Some(Span::ZERO),
    }
}

/// How many requests of the candidate a check takes to say that all is well.
pub(crate) fn requests_to_judge(question: &Question) -> u64 {
    match question {
        Question::ShareAgainstStable { .. }
        | Question::LatencyAgainstStable { .. }
        | Question::RateAgainstStable { .. }
        | Question::MeanAgainstStable { .. } => COMPARED_MIN,
        Question::Share { bounds } | Question::Latency { bounds, .. } | Question::Mean { bounds } => {
            bounds.sample.max(1)
        }
        Question::AgainstBefore { .. }
        | Question::Rate { .. }
        | Question::Gauge { .. }
        | Question::Ready { .. } => 0,
    }
}

/// Who meets the candidate at the end of a step.
pub(crate) fn last_exposure(step: &Step) -> Exposure {
    match &step.work {
        Work::Ramp { ramp, .. } => step.exposure.with_share(ramp.last().0.max(step.exposure.share())),
        _ => step.exposure.clone(),
    }
}
