//! The steps of a release: what each does, and how far the current one is.

use sluice_core::Weight;
use sluice_core::release::status::{StepState, StepStatus};

use crate::show::release::bar;
use crate::terminal::Paint;

/// A line for each step: how far it is, its name, and what it does in words.
pub(super) fn lines(steps: &[StepStatus], paint: Paint) -> Vec<String> {
    let widest = steps.iter().map(|step| step.name.as_str().len()).max().unwrap_or(0);
    steps
        .iter()
        .map(|step| {
            let name = format!("{:<widest$}", step.name.as_str());
            let title = match step.state {
                StepState::Done => paint.green(&format!("✓ {name}")),
                StepState::Current => paint.bold(&format!("▶ {name}")),
                StepState::Ahead => format!("· {name}"),
                StepState::Skipped => paint.dim(&format!("× {name}")),
            };
            format!("{title}  {}", words(step))
        })
        .collect()
}

/// What a step does, in words. Of a ramp that is under way, the audience is how far it is now.
fn words(step: &StepStatus) -> String {
    match step.ramp_to {
        Some(top) if step.since.is_some() && step.candidate < top => {
            format!("{}, growing to {top}", step.audience)
        }
        _ => step.audience.clone(),
    }
}

/// How far a ramp that is under way is from its top; nothing for other steps.
pub(super) fn ramp(step: &StepStatus, now: Weight) -> Option<String> {
    let top = step.ramp_to.filter(|_| step.since.is_some())?;
    let fraction = if top == Weight::ZERO { 1.0 } else { now.fraction() / top.fraction() };
    Some(format!("{} {now} of {top}", bar(fraction)))
}

/// How far the hold of a step is; nothing when it has none.
pub(super) fn hold(step: &StepStatus) -> Option<String> {
    let ratio = |done: u64, asked: u64| if asked == 0 { 1.0 } else { (done as f64 / asked as f64).min(1.0) };
    let by_time = ratio(step.held_time.as_millis(), step.hold_time.as_millis());
    let by_requests = ratio(step.held_requests, step.hold_requests);
    let mut parts = Vec::new();
    if step.hold_time.as_millis() > 0 {
        parts.push(format!("{} of {}", step.held_time.min(step.hold_time).rounded(), step.hold_time));
    }
    if step.hold_requests > 0 {
        parts.push(format!(
            "{} of {} requests",
            step.held_requests.min(step.hold_requests),
            step.hold_requests
        ));
    }
    if step.until_promoted {
        parts.push("until somebody promotes".to_owned());
    }
    (!parts.is_empty()).then(|| format!("{} {}", bar(by_time.min(by_requests)), parts.join(", ")))
}
