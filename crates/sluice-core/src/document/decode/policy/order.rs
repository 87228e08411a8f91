//! What steps cannot be beside each other: together they would say two things at once.

use super::super::{Fields, Step};
use super::{steers, watches};
use crate::document::policy::{AudienceRule, Ramp, StepSpec, StepWork};
use crate::document::problem::Fault;
use crate::release::Exposure;
use crate::{Name, Weight};

/// Reports everything in which steps contradict each other.
pub(super) fn contradictions(fields: &mut Fields<'_, '_>, steps: &[Option<StepSpec>], never: &[Name]) {
    meets_somebody(fields, steps);
    either_steers_or_watches(fields, steps);
    returns_once(fields, steps);
    only_adds_people(fields, steps);
    keeps_out_where_it_steers(fields, steps, never);
    for (index, step) in steps.iter().enumerate() {
        if let Some(StepSpec { name, work: StepWork::Expose { audience, exclude, .. } }) = step {
            not_in_and_out(fields, index, name, audience, exclude, never);
        }
    }
}

/// A policy of gates alone would show the candidate to nobody and then to everyone.
fn meets_somebody(fields: &mut Fields<'_, '_>, steps: &[Option<StepSpec>]) {
    let is_gate = |step: &Option<StepSpec>| step.as_ref().is_some_and(|step| !steers(step) && !watches(step));
    if !steps.is_empty() && steps.iter().all(is_gate) {
        let fault = Fault::conflict(
            "nobody meets the candidate in any step: after the last gate everyone would have it, unwatched",
        );
        let hint = "add a step with an `audience`; or with `watch`, when somebody else moves people";
        fields.report_in(&["steps".into()], fault.hint(hint));
    }
}

/// Who meets the candidate is decided here, or by somebody else; not by both.
fn either_steers_or_watches(fields: &mut Fields<'_, '_>, steps: &[Option<StepSpec>]) {
    let Some(steering) = steps.iter().flatten().find(|step| steers(step)) else { return };
    let watching = steps.iter().enumerate().find(|(_, step)| step.as_ref().is_some_and(watches));
    let Some((index, Some(watching))) = watching else { return };
    let fault = Fault::conflict(format!(
        "step `{}` leaves it to others who meets the candidate, and step `{}` decides it",
        watching.name, steering.name
    ))
    .hint("in a policy with `audience`, `ramp` or `shadow`, write `hold` in place of `watch`");
    fields.report_in(&["steps".into(), index.into(), "watch".into()], fault.given(""));
}

/// Who meets the candidate is left to others in a policy that only watches, and so is who does not.
fn keeps_out_where_it_steers(fields: &mut Fields<'_, '_>, steps: &[Option<StepSpec>], never: &[Name]) {
    let only_watches =
        steps.iter().flatten().any(watches) && !steps.iter().any(|step| step.as_ref().is_none_or(steers));
    if only_watches && !never.is_empty() {
        let fault =
            Fault::conflict("nobody can be kept out: this policy only watches while others move people");
        fields.report_in(&["excludeUntilEnd".into()], fault.hint("leave `excludeUntilEnd` out").given(""));
    }
}

/// There is one point of no return, and something comes after it.
fn returns_once(fields: &mut Fields<'_, '_>, steps: &[Option<StepSpec>]) {
    let is_point = |step: &StepSpec| matches!(step.work, StepWork::PointOfNoReturn(_));
    let points: Vec<(usize, &StepSpec)> = steps
        .iter()
        .enumerate()
        .filter_map(|(index, step)| Some((index, step.as_ref().filter(|step| is_point(step))?)))
        .collect();
    let way = |index: usize| [Step::from("steps"), index.into(), "pointOfNoReturn".into()];
    if let [(_, first), rest @ ..] = points.as_slice() {
        for (index, _) in rest {
            let message = format!("nobody can be taken back since step `{}`; once is enough", first.name);
            fields.report_in(&way(*index), Fault::conflict(message).hint("leave this step out").given(""));
        }
    }
    if let [(index, last)] = points.as_slice()
        && index + 1 == steps.len()
    {
        let message = format!("nothing comes after step `{}`: the release would end at once", last.name);
        let hint = "put it before the first step that cannot be undone; to keep nothing to go back to, \
                    write keepPrevious: 0s";
        fields.report_in(&way(*index), Fault::conflict(message).hint(hint).given(""));
    }
}

/// Whom the steps so far have shown the candidate to.
struct Shown {
    exposure: Exposure,
    /// The step that did.
    by: Name,
}

/// A step may not show the candidate to fewer people than the one before: whoever has met it would be thrown back.
/// Segments are compared by name, because who is in them is not known here.
fn only_adds_people(fields: &mut Fields<'_, '_>, steps: &[Option<StepSpec>]) {
    let mut shown: Option<Shown> = None;
    for (index, step) in steps.iter().enumerate() {
        let Some(StepSpec { name, work }) = step else {
            // Whom a step that cannot be read shows it to is not known.
            shown = None;
            continue;
        };
        let next = match work {
            StepWork::Expose { audience, exclude, .. } => {
                if let Some(shown) = &shown {
                    keeps_audience(fields, index, shown, name, audience);
                }
                Exposure { include: audience.clone(), exclude: exclude.clone(), shadow: None }
            }
            StepWork::Ramp { ramp, exclude, .. } => {
                let before = shown.as_ref().map(|shown| shown.exposure.clone()).unwrap_or_default();
                if let Some(shown) = &shown {
                    grows_on(fields, index, shown, ramp);
                }
                Exposure { exclude: exclude.clone(), ..before.with_share(ramp.last().0) }
            }
            StepWork::Shadow { .. } => {
                if let Some(shown) = shown.as_ref().filter(|shown| shown.exposure.is_everyone()) {
                    let message = format!(
                        "no request would be copied: step `{}` shows the candidate to everyone, and nobody is left on stable",
                        shown.by
                    );
                    let way = ["steps".into(), index.into(), "shadow".into()];
                    let fault = Fault::conflict(message).hint("put this step first");
                    fields.report_in(&way, fault.given(""));
                }
                continue;
            }
            _ => continue,
        };
        if let Some(shown) = shown.as_ref().filter(|shown| !shown.exposure.is_nobody()) {
            keeps_excluded(fields, index, shown, name, &next.exclude);
        }
        shown = Some(Shown { exposure: next, by: name.clone() });
    }
}

fn keeps_audience(
    fields: &mut Fields<'_, '_>,
    index: usize,
    shown: &Shown,
    name: &Name,
    audience: &[AudienceRule],
) {
    let covers = |rule: &AudienceRule| {
        rule.percent.0 == Weight::ZERO
            || audience.iter().any(|wider| {
                (wider.segment.is_none() || wider.segment == rule.segment) && wider.percent >= rule.percent
            })
    };
    for rule in shown.exposure.include.iter().filter(|rule| !covers(rule)) {
        let who = match &rule.segment {
            Some(segment) => format!("{} of `{segment}`", rule.percent.0),
            None => format!("{} of everyone", rule.percent.0),
        };
        let message = format!(
            "step `{name}` would take the candidate away from people: step `{}` shows it to {who}, this one does not",
            shown.by
        );
        let fault =
            Fault::conflict(message).hint("list them here again, with the same share or a larger one");
        fields.report_in(&["steps".into(), index.into(), "audience".into()], fault.given(""));
    }
}

fn keeps_excluded(fields: &mut Fields<'_, '_>, index: usize, shown: &Shown, name: &Name, exclude: &[Name]) {
    for segment in exclude.iter().filter(|segment| !shown.exposure.exclude.contains(segment)) {
        let message = format!(
            "step `{name}` would take the candidate away from people: it excludes `{segment}`, step `{}` does not",
            shown.by
        );
        let fault = Fault::conflict(message).hint(format!("exclude `{segment}` from the first step on"));
        fields.report_in(&["steps".into(), index.into(), "exclude".into()], fault.given(segment.as_str()));
    }
}

/// A ramp goes on from the share of everyone that the step before left. Segments stay as they were.
fn grows_on(fields: &mut Fields<'_, '_>, index: usize, shown: &Shown, ramp: &Ramp) {
    let before = shown.exposure.share();
    let (field, what, hint) = match ramp {
        Ramp::Linear { .. } | Ramp::Through { .. } if ramp.first().0 >= before => return,
        Ramp::Linear { from, .. } => (
            Step::from("from"),
            format!("begins at {}", from.0),
            format!("begin at {} or more", before.percent()),
        ),
        Ramp::Through { .. } => (
            Step::from("through"),
            format!("begins at {}", ramp.first().0),
            format!("begin at {} or more", before.percent()),
        ),
        // By risk it begins where the step before left off.
        Ramp::Budget { to, .. } if to.0 > before => return,
        Ramp::Budget { to, .. } => {
            (Step::from("to"), format!("ends at {}", to.0), format!("end above {}", before.percent()))
        }
    };
    let message = format!(
        "the ramp leads nowhere or down: step `{}` shows the candidate to {before} of everyone, and it {what}",
        shown.by
    );
    let way = ["steps".into(), index.into(), "ramp".into(), field];
    fields.report_in(&way, Fault::conflict(message).hint(hint).given(""));
}

/// Nobody is taken in by a line of a segment that is kept out.
fn not_in_and_out(
    fields: &mut Fields<'_, '_>,
    index: usize,
    name: &Name,
    audience: &[AudienceRule],
    exclude: &[Name],
    never: &[Name],
) {
    for (line, rule) in audience.iter().enumerate() {
        let Some(segment) = &rule.segment else { continue };
        let by = if exclude.contains(segment) {
            "`exclude`"
        } else if never.contains(segment) {
            "`excludeUntilEnd`"
        } else {
            continue;
        };
        let message = format!("step `{name}` shows the candidate to `{segment}`, which {by} keeps from it");
        let way = ["steps".into(), index.into(), "audience".into(), line.into(), "segment".into()];
        fields.report_in(
            &way,
            Fault::conflict(message).hint(format!("take `{segment}` out of one of the two")),
        );
    }
}
