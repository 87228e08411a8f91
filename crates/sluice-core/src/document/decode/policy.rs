//! `Policy`.

mod check;
mod gate;
mod mitigation;
mod order;
mod ramp;
mod step;

use super::service::present_list;
use super::{Decode, Fields, Reader, Step, report_duplicates, report_same_names};
use crate::Name;
use crate::document::node::Node;
use crate::document::policy::{CheckSpec, Mitigation, OnInconclusive, StepSpec, StepWork};
use crate::document::{PolicySpec, policy};

impl Decode for PolicySpec {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let mut fields = Fields::open(node, reader)?;
        let description = fields.optional("description");
        let steps = present_list::<StepSpec>(&mut fields, "steps", "nobody would ever meet the candidate");
        let exclude_until_end = segments(&mut fields, "excludeUntilEnd");
        let checks = checks(&mut fields);
        let on_fail = fields.or_default("onFail");
        let on_inconclusive = fields.or_default("onInconclusive");
        let on_newer = fields.or_default("onNewer");
        let keep_previous = fields.or("keepPrevious", policy::DEFAULT_KEEP_PREVIOUS);
        let ready_within = fields.or("readyWithin", policy::DEFAULT_READY_WITHIN);
        let ready_within = fields.longer_than_nothing("readyWithin", ready_within);
        if let Some(steps) = &steps {
            report_same_names(&mut fields, "steps", "steps");
            order::contradictions(&mut fields, steps, exclude_until_end.as_deref().unwrap_or_default());
            let answers =
                answers(on_fail.as_ref(), on_inconclusive.as_ref(), checks.as_deref().unwrap_or_default());
            mitigation::fit(&mut fields, steps, &answers);
        }
        fields.finish();
        Some(PolicySpec {
            description: description?,
            steps: steps?.into_iter().collect::<Option<_>>()?,
            exclude_until_end: exclude_until_end?,
            checks: checks?.into_iter().collect::<Option<_>>()?,
            on_fail: on_fail?,
            on_inconclusive: on_inconclusive?,
            on_newer: on_newer?,
            keep_previous: keep_previous?,
            ready_within: ready_within?,
        })
    }
}

fn checks(fields: &mut Fields<'_, '_>) -> Option<Vec<Option<CheckSpec>>> {
    if fields.has("checks") {
        return fields.list("checks");
    }
    fields.find("checks");
    Some(Vec::new())
}

/// A list of segments, each once.
fn segments(fields: &mut Fields<'_, '_>, name: &'static str) -> Option<Vec<Name>> {
    if !fields.has(name) {
        fields.find(name);
        return Some(Vec::new());
    }
    let segments = fields.list::<Name>(name)?;
    once(fields, name, &segments);
    segments.into_iter().collect()
}

/// Reports every name of a list that was there before.
fn once(fields: &mut Fields<'_, '_>, list: &'static str, names: &[Option<Name>]) {
    report_duplicates(
        names,
        |name| name,
        |index, name| {
            let fault = super::Fault::duplicate(format!("`{name}` is named twice"));
            fields.report_in(&[list.into(), index.into()], fault);
        },
    );
}

/// Every answer to trouble that a policy gives, with the way to it.
fn answers<'a>(
    on_fail: Option<&'a Mitigation>,
    on_inconclusive: Option<&'a OnInconclusive>,
    checks: &'a [Option<CheckSpec>],
) -> Vec<(Vec<Step>, &'a Mitigation)> {
    let mut answers: Vec<(Vec<Step>, &Mitigation)> = Vec::new();
    answers.extend(on_fail.map(|answer| (vec!["onFail".into()], answer)));
    answers
        .extend(on_inconclusive.map(|answer| (vec!["onInconclusive".into(), "then".into()], &answer.then)));
    for (index, check) in checks.iter().enumerate() {
        let Some(check) = check else { continue };
        let way = |rest: &[&str]| -> Vec<Step> {
            [Step::from("checks"), index.into()]
                .into_iter()
                .chain(rest.iter().map(|name| Step::from(*name)))
                .collect()
        };
        answers.extend(check.on_fail.as_ref().map(|answer| (way(&["onFail"]), answer)));
        let inconclusive = check.on_inconclusive.as_ref();
        answers.extend(inconclusive.map(|answer| (way(&["onInconclusive", "then"]), &answer.then)));
    }
    answers
}

/// Whether a step decides who meets the candidate.
fn steers(step: &StepSpec) -> bool {
    matches!(step.work, StepWork::Expose { .. } | StepWork::Ramp { .. } | StepWork::Shadow { .. })
}

fn watches(step: &StepSpec) -> bool {
    matches!(step.work, StepWork::Watch { .. })
}
