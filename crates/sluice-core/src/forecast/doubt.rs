//! Why a check cannot tell.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::course::Leg;
use super::information::limit;
use super::power::{Sees, Unknown, margin, most, sees};
use super::words::{number, share_words};
use super::{Bad, CheckDoubt, StepForecast, Traffic};
use crate::Span;
use crate::release::Plan;
use crate::release::plan::{Check, Question, Step};
use crate::schedule::evidence::{Parts, last_exposure, requests_to_judge};

/// Why a check cannot tell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Doubt {
    /// A word for programs.
    pub code: DoubtCode,
    /// In words, as a part of a sentence.
    pub text: String,
}

/// Why a check cannot tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DoubtCode {
    /// No requests come.
    NoTraffic,
    /// Nobody meets the candidate.
    Nobody,
    /// Only people in segments meet it, and how many they are is not known.
    Segments,
    /// Everyone meets it, so nobody is left to compare with.
    Everyone,
    /// It asks for more requests than come.
    Sample,
    /// It tolerates everything.
    Margin,
    /// It tolerates the assumed fault.
    Tolerated,
    /// A quantile so high that too few requests are beyond it.
    Quantile,
    /// The assumed fault takes longer to find than there is time.
    TooSlow,
    /// Others measure it, and what they measure is not known beforehand.
    Source,
    /// How many requests go to its path is not known.
    Path,
    /// It watches another service or compares with the past.
    Elsewhere,
    /// It watches something else than the assumed faults.
    OtherFault,
}

/// How many requests beyond a quantile it takes at least to say anything of it.
const BEYOND_MIN: f64 = 3.0;

fn because(code: DoubtCode, text: impl Into<String>) -> Option<Doubt> {
    Some(Doubt { code, text: text.into() })
}

/// Why a check cannot pass in a step, or cannot find the assumed fault; none when it can do both.
pub(super) fn doubt(
    step: &Step,
    check: &Check,
    leg: &Leg,
    traffic: &Traffic,
    bad: Option<Bad>,
    passes: Option<Span>,
    finds: Option<Span>,
) -> Option<Doubt> {
    if step.gate().is_some() || (passes.is_some() && finds.is_some()) {
        return None;
    }
    let parts = Parts::of(&last_exposure(step));
    if parts.is_unknown() {
        return because(
            DoubtCode::Segments,
            "only people in segments meet it, and how many they are is not known",
        );
    }
    if parts.candidate == 0.0 {
        return because(DoubtCode::Nobody, "nobody meets it");
    }
    if traffic.rate.value <= 0.0 && requests_to_judge(&check.question) > 0 {
        return because(DoubtCode::NoTraffic, "no requests come");
    }
    if let Some(doubt) = impossible(check, traffic) {
        return Some(doubt);
    }
    if passes.is_none() {
        return of_sample(check, parts, leg, traffic);
    }
    match sees(check) {
        Sees::Unknown(Unknown::Source) => {
            because(DoubtCode::Source, "others measure it, so how much it sees is not known beforehand")
        }
        Sees::Unknown(Unknown::Path) => {
            because(DoubtCode::Path, "how many requests go to this path is not known beforehand")
        }
        Sees::Unknown(Unknown::Elsewhere) => {
            because(DoubtCode::Elsewhere, "how much a fault here shows there is not known beforehand")
        }
        Sees::Else => because(DoubtCode::OtherFault, "it watches something else than failures and times"),
        Sees::Failures | Sees::Times => of_fault(check, parts, leg, traffic, bad),
    }
}

/// Why no version whatever could fail it.
fn impossible(check: &Check, traffic: &Traffic) -> Option<Doubt> {
    let is_all = "a version of which every request failed would be tolerated";
    match &check.question {
        Question::ShareAgainstStable { tolerate, .. } if sees(check) == Sees::Failures => {
            (limit(margin(*tolerate), traffic.errors.value) >= 1.0)
                .then(|| Doubt { code: DoubtCode::Margin, text: is_all.to_owned() })
        }
        Question::Share { bounds } if sees(check) == Sees::Failures && most(bounds)? >= 1.0 => {
            because(DoubtCode::Margin, is_all)
        }
        _ => None,
    }
}

fn of_sample(check: &Check, parts: Parts, leg: &Leg, traffic: &Traffic) -> Option<Doubt> {
    let needed = requests_to_judge(&check.question);
    let comes: f64 = leg.stretches.iter().map(|stretch| stretch.parts.candidate * stretch.lasts).sum();
    let comes = (comes * traffic.rate.value).floor();
    let text = match comes < needed as f64 {
        true => format!("it takes {needed} requests of the new version, and only {} come", number(comes)),
        false => format!(
            "it takes {needed} requests of either version, and only {} of stable come",
            number((parts.stable * traffic.rate.value * super::course::seconds(leg.counted)).floor())
        ),
    };
    because(DoubtCode::Sample, text)
}

/// Why it would not find the fault that it is there for.
fn of_fault(check: &Check, parts: Parts, leg: &Leg, traffic: &Traffic, bad: Option<Bad>) -> Option<Doubt> {
    let compares = check.question.compares();
    if compares && parts.stable == 0.0 && leg.stretches.iter().all(|stretch| stretch.parts.stable == 0.0) {
        return because(
            DoubtCode::Everyone,
            "everyone meets it, so nobody is left on stable to compare with; it stays with what it found before",
        );
    }
    let is_tolerated = match (&check.question, bad?) {
        (Question::ShareAgainstStable { tolerate, .. }, Bad::Failures(share)) => {
            share <= limit(margin(*tolerate), traffic.errors.value)
        }
        (Question::LatencyAgainstStable { tolerate, .. }, Bad::Slower(slower)) => slower <= *tolerate,
        (Question::Share { bounds }, Bad::Failures(share)) => most(bounds).is_none_or(|most| share <= most),
        (Question::Latency { bounds, quantile }, Bad::Slower(slower)) => bounds.max.is_none_or(|max| {
            super::power::times(traffic).quantile(quantile.fraction()) * (1.0 + slower) <= max
        }),
        _ => false,
    };
    if is_tolerated {
        let text = match bad? {
            Bad::Failures(share) => format!("{} failures are within what it tolerates", share_words(share)),
            Bad::Slower(slower) => format!("{} slower is within what it tolerates", share_words(slower)),
        };
        return because(DoubtCode::Tolerated, text);
    }
    if let Question::LatencyAgainstStable { quantile, .. } | Question::Latency { quantile, .. } =
        &check.question
    {
        let comes: f64 = leg.stretches.iter().map(|stretch| stretch.parts.candidate * stretch.lasts).sum();
        let beyond = comes * traffic.rate.value * (1.0 - quantile.fraction());
        if beyond < BEYOND_MIN {
            let text = format!(
                "of the {} requests that come, about {} are beyond its quantile",
                number((comes * traffic.rate.value).round()),
                number((beyond * 10.0).round() / 10.0)
            );
            return because(DoubtCode::Quantile, text);
        }
    }
    because(DoubtCode::TooSlow, "to find the assumed fault takes more requests than come in this step")
}

/// The checks that can decide in no step, each with the reason of the step that shows it to the most people.
pub(super) fn never(plan: &Plan, steps: &[StepForecast]) -> Vec<CheckDoubt> {
    let reason = |index: usize| {
        if steps.iter().any(|step| step.checks.get(index).is_some_and(is_of_use)) {
            return None;
        }
        let doubts =
            steps.iter().filter_map(|step| Some((step.share, step.checks.get(index)?.doubt.clone()?)));
        // Where everyone meets it there is nothing to compare; the reason lies with the steps before.
        let telling = doubts.clone().filter(|(_, doubt)| doubt.code != DoubtCode::Everyone);
        let widest =
            telling.max_by_key(|(share, _)| *share).or_else(|| doubts.max_by_key(|(share, _)| *share));
        widest.map(|(_, doubt)| doubt)
    };
    plan.checks
        .iter()
        .enumerate()
        .filter_map(|(index, check)| Some(CheckDoubt { index, check: check.words(), doubt: reason(index)? }))
        .collect()
}

/// Whether a check tells something in a step: it finds what it is there for; or, where nothing is known of that, it may
/// pass.
fn is_of_use(check: &super::CheckForecast) -> bool {
    let is_unknown = check.doubt.as_ref().is_some_and(|doubt| {
        matches!(
            doubt.code,
            DoubtCode::Source
                | DoubtCode::Path
                | DoubtCode::Elsewhere
                | DoubtCode::OtherFault
                | DoubtCode::Tolerated
        )
    });
    check.finds_after.is_some() || (is_unknown && check.passes_after.is_some())
}
