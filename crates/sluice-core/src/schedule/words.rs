//! What a plan says, in plain sentences.

use crate::Span;
use crate::document::policy::{Mitigation, OnNewer};
use crate::release::plan::{Check, Gate, Plan, Step, Work};

/// A check, with what happens when it fails if that is not what the plan says.
pub(super) fn check(check: &Check) -> String {
    let mut words = check.words();
    if let Some(answer) = &check.on_fail {
        words.push_str(&format!("; if not, {}", mitigation(answer)));
    }
    if let Some(answer) = &check.on_inconclusive {
        words.push_str(&format!(
            "; if that cannot be told for {}, {}",
            answer.wait,
            mitigation(&answer.then)
        ));
    }
    words
}

pub(super) fn on_fail(plan: &Plan) -> String {
    match plan.checks.is_empty() {
        true => "Nothing is checked".to_owned(),
        false => format!("When a check fails, {}", mitigation(&plan.on_fail)),
    }
}

pub(super) fn on_inconclusive(plan: &Plan) -> String {
    format!(
        "When a check cannot tell for another {}, or a gate is not passed in time, {}",
        plan.on_inconclusive.wait,
        mitigation(&plan.on_inconclusive.then)
    )
}

pub(super) fn on_newer(plan: &Plan) -> &'static str {
    match plan.on_newer {
        OnNewer::Supersede => "A newer version takes its place",
        OnNewer::Queue => "A newer version waits until it has ended",
        OnNewer::Refuse => "A newer version is refused until it has ended",
    }
}

pub(super) fn afterwards(plan: &Plan) -> String {
    let never = plan.steps.last().map(|step| step.exposure.exclude.as_slice()).unwrap_or_default();
    let names: Vec<&str> = never.iter().map(|name| name.as_str()).collect();
    let late = match names.as_slice() {
        [] => String::new(),
        names => format!("; people in {} get it then too", names.join(" and ")),
    };
    let no_return = plan.steps.iter().find_map(|step| match &step.work {
        Work::Gate(Gate::PointOfNoReturn(why)) => Some((&step.name, why)),
        _ => None,
    });
    match (no_return, plan.keep_previous) {
        (Some((step, why)), _) => {
            format!("Nobody can be taken back once step {step} is reached: {why}{late}")
        }
        (None, Span::ZERO) => format!("The previous version is not kept{late}"),
        (None, keep) => {
            format!("The previous version is kept for {keep}, so that everyone can go back at once{late}")
        }
    }
}

/// What happens, as the rest of a sentence.
fn mitigation(answer: &Mitigation) -> String {
    match answer {
        Mitigation::Rollback => "everyone goes back at once".to_owned(),
        Mitigation::RollbackGradually(gradually) => {
            format!("people go back little by little, over {}", gradually.over)
        }
        Mitigation::Pause => "it pauses until somebody decides".to_owned(),
        Mitigation::Rebalance(rebalance) => {
            let times = match rebalance.times {
                1 => "once".to_owned(),
                times => format!("{times} times"),
            };
            format!(
                "it goes back to step {}, {times} at most; after that everyone goes back at once",
                rebalance.step
            )
        }
        Mitigation::Redeploy(hook) => {
            format!("everyone goes back at once and {} is told to deploy again", hook.url)
        }
    }
}

/// What a step waits for.
pub(super) fn waits_for(plan: &Plan, step: &Step, rate: Option<f64>, requests_take: Option<Span>) -> String {
    if let Work::Gate(gate) = &step.work {
        return match gate {
            Gate::PointOfNoReturn(_) => "nothing".to_owned(),
            Gate::Approval(asked) => format!("{}, within {}", gate.words(), asked.expires),
            Gate::Webhook(asked) => format!("{}, within {}", gate.words(), asked.expires),
            Gate::Version(asked) => format!("{}, within {}", gate.words(), asked.expires),
        };
    }
    let hold = step.hold();
    if hold.until_promoted {
        return "somebody to promote it".to_owned();
    }
    let mut parts: Vec<String> = Vec::new();
    if matches!(step.work, Work::Ramp { .. }) {
        parts.push("the ramp to be climbed".to_owned());
    }
    if hold.time > Span::ZERO {
        parts.push(hold.time.to_string());
    }
    if hold.requests > 0 {
        let noun = if hold.requests == 1 { "request" } else { "requests" };
        let requests = format!("{} {noun}", hold.requests);
        parts.push(match (requests_take, rate) {
            (Some(takes), Some(rate)) => {
                format!("{requests} ({} at {} per second)", takes.rounded(), (rate * 10.0).round() / 10.0)
            }
            _ => requests,
        });
    }
    match plan.checks.len() {
        _ if step.exposure.is_idle() && matches!(step.work, Work::Hold(_)) => {}
        0 => {}
        1 => parts.push("its check".to_owned()),
        2 => parts.push("both checks".to_owned()),
        _ => parts.push("all checks".to_owned()),
    }
    match parts.as_slice() {
        [] => "nothing".to_owned(),
        [only] => only.clone(),
        [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
    }
}
