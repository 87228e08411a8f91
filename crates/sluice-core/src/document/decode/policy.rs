//! `Policy`.

use super::service::present_list;
use super::{Decode, Fields, Reader, Step, report_duplicates, report_same_names};
use crate::builtin;
use crate::document::node::Node;
use crate::document::policy::{
    AudienceRule, Bound, CheckSpec, CompareWith, Comparison, Confidence, DEFAULT_SAMPLE, DEFAULT_WINDOW,
    Hold, Judge, OnFail, OnInconclusive, Percent, StepSpec, Threshold, Tolerance,
};
use crate::document::problem::Fault;
use crate::document::{PolicySpec, policy};
use crate::{Span, Weight};

impl Decode for PolicySpec {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let mut fields = Fields::open(node, reader)?;
        let description = fields.optional("description");
        let steps = steps(&mut fields);
        let checks = fields.or_default("checks");
        let on_fail = fields.or_default("onFail");
        let on_inconclusive = fields.or_default("onInconclusive");
        let on_newer = fields.or_default("onNewer");
        let keep_previous = fields.or("keepPrevious", policy::DEFAULT_KEEP_PREVIOUS);
        let ready_within = fields.or("readyWithin", policy::DEFAULT_READY_WITHIN);
        if ready_within == Some(Span::ZERO) {
            let fault = Fault::invalid("no version is ready in no time").accepted("as 10m");
            fields.report_in(&["readyWithin".into()], fault);
        }
        fields.finish();
        Some(PolicySpec {
            description: description?,
            steps: steps?,
            checks: checks?,
            on_fail: on_fail?,
            on_inconclusive: on_inconclusive?,
            on_newer: on_newer?,
            keep_previous: keep_previous?,
            ready_within: ready_within?,
        })
    }
}

fn steps(fields: &mut Fields<'_, '_>) -> Option<Vec<StepSpec>> {
    let steps = present_list::<StepSpec>(fields, "steps", "nobody would ever meet the candidate")?;
    report_same_names(fields, "steps", "steps");
    for (index, pair) in steps.windows(2).enumerate() {
        if let [Some(before), Some(after)] = pair {
            only_adds_people(fields, index + 1, before, after);
        }
    }
    steps.into_iter().collect()
}

/// A step may not show the candidate to fewer people than the one before: whoever has met it would be thrown back.
/// Segments are compared by name, because who is in them is not known here.
fn only_adds_people(fields: &mut Fields<'_, '_>, index: usize, before: &StepSpec, after: &StepSpec) {
    let covers = |rule: &AudienceRule| {
        rule.percent.0 == Weight::ZERO
            || after.audience.iter().any(|wider| {
                (wider.segment.is_none() || wider.segment == rule.segment) && wider.percent >= rule.percent
            })
    };
    for rule in before.audience.iter().filter(|rule| !covers(rule)) {
        let who = match &rule.segment {
            Some(segment) => format!("{} of `{segment}`", rule.percent.0),
            None => format!("{} of everyone", rule.percent.0),
        };
        let message = format!(
            "step `{}` would take the candidate away from people: step `{}` shows it to {who}, this one does not",
            after.name, before.name
        );
        let fault =
            Fault::conflict(message).hint("list them here again, with the same share or a larger one");
        fields.report_in(&["steps".into(), index.into(), "audience".into()], fault.given(""));
    }
    for segment in after.exclude.iter().filter(|segment| !before.exclude.contains(segment)) {
        let message = format!(
            "step `{}` would take the candidate away from people: it excludes `{segment}`, step `{}` does not",
            after.name, before.name
        );
        let fault = Fault::conflict(message).hint(format!("exclude `{segment}` from the first step on"));
        fields.report_in(&["steps".into(), index.into(), "exclude".into()], fault.given(segment.as_str()));
    }
}

impl Decode for StepSpec {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let mut fields =
            Fields::open_as(node, reader, "an object, as { name: all, audience: [ { percent: 100 } ] }")?;
        let name = fields.required("name");
        let audience = audience(&mut fields);
        let exclude = fields.or_default("exclude");
        let hold = fields.or_default::<Hold>("hold");
        fields.finish();
        if let (Some(audience), Some(hold)) = (&audience, hold)
            && hold.requests > 0
            && audience.iter().all(|rule| rule.percent.0 == Weight::ZERO)
        {
            let fault = Fault::conflict(format!(
                "the step would never end: it waits for {} requests, and its audience is nobody",
                hold.requests
            ))
            .hint("leave `requests` out, or name an audience");
            reader.report_in(node, &["hold".into(), "requests".into()], fault);
        }
        Some(StepSpec { name: name?, audience: audience?, exclude: exclude?, hold: hold? })
    }
}

fn audience(fields: &mut Fields<'_, '_>) -> Option<Vec<AudienceRule>> {
    if !fields.has("audience") {
        fields.find("audience");
        fields.missing("audience");
        return None;
    }
    let rules = fields.list::<AudienceRule>("audience")?;
    report_duplicates(
        &rules,
        |rule| &rule.segment,
        |index, rule| {
            let who = rule.segment.as_ref().map_or("everyone".to_owned(), |segment| format!("`{segment}`"));
            let fault = Fault::duplicate(format!(
                "there are two lines about {who}; only the larger share would count"
            ));
            fields.report_in(&["audience".into(), index.into()], fault);
        },
    );
    rules.into_iter().collect()
}

impl Decode for AudienceRule {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let mut fields = Fields::open_as(node, reader, "an object, as { percent: 5 }")?;
        let segment = fields.optional("segment");
        let percent = fields.or_default::<Percent>("percent");
        if !fields.has("segment") && !fields.has("percent") {
            // `{}` would mean everyone, and so would a line whose only field is misspelt.
            fields.report_in(
                &[],
                Fault::new("missing-field", "it does not say who")
                    .accepted("segment: NAME, percent: NUMBER, or both; `percent: 100` is everyone"),
            );
        }
        fields.finish();
        Some(AudienceRule { segment: segment?, percent: percent? })
    }
}

impl Decode for Hold {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let mut fields = Fields::open_as(node, reader, "an object, as { time: 10m, requests: 1000 }")?;
        let time = fields.or_default("time");
        let requests = fields.or_default("requests");
        let until_promoted = fields.or_default("untilPromoted");
        fields.finish();
        Some(Hold { time: time?, requests: requests?, until_promoted: until_promoted? })
    }
}

const CHECK_FORMS: &str =
    "`compare: stable` with `tolerate` and `confidence`; or `max`, `min` or both, with `window` and `sample`";

impl Decode for CheckSpec {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let mut fields = Fields::open_as(node, reader, "an object, as { metric: http.errors, max: 5% }")?;
        let metric = fields.required("metric");
        let quantile = fields.optional("quantile");
        let judge = judge(&mut fields);
        let check = (|| Some(CheckSpec { metric: metric?, quantile: quantile?, judge: judge? }))();
        if let Some(check) = &check
            && let Some(metric) = builtin::metrics().get(&check.metric)
        {
            for (field, fault) in metric.misfits(check) {
                fields.report_in(&[field.into()], fault);
            }
        }
        fields.finish();
        check
    }
}

fn judge(fields: &mut Fields<'_, '_>) -> Option<Judge> {
    let compare = fields.optional::<CompareWith>("compare");
    let tolerate = fields.optional::<Tolerance>("tolerate");
    let confidence = fields.optional::<Confidence>("confidence");
    let max = fields.optional::<Bound>("max");
    let min = fields.optional::<Bound>("min");
    let window = fields.optional::<Span>("window");
    let sample = fields.optional::<u64>("sample");
    let compares = fields.has("compare");
    let is_bounded = fields.has("max") || fields.has("min");
    match (compares, is_bounded) {
        (true, true) => {
            let fault = Fault::conflict("a check either compares or has bounds; write two checks to do both");
            fields.report_in(&[], fault.accepted(CHECK_FORMS));
            return None;
        }
        (false, false) => {
            let fault = Fault::new("missing-field", "it does not say what is too much").accepted(CHECK_FORMS);
            fields.report_in(&[], fault);
            return None;
        }
        _ => {}
    }
    let (strangers, partner) = if compares {
        (["window", "sample"], "max` or `min")
    } else {
        (["tolerate", "confidence"], "compare")
    };
    for name in strangers.into_iter().filter(|name| fields.node.field(name).is_some()).collect::<Vec<_>>() {
        let fault = Fault::conflict(format!("`{name}` goes with `{partner}`, which is not given"))
            .accepted(CHECK_FORMS);
        fields.report_in(&[Step::from(name)], fault);
    }
    if compares {
        return Some(Judge::Compare(Comparison {
            compare: compare??,
            tolerate: tolerate?.unwrap_or_default(),
            confidence: confidence?.unwrap_or_default(),
        }));
    }
    let threshold = Threshold {
        max: max?,
        min: min?,
        window: window?.unwrap_or(DEFAULT_WINDOW),
        sample: sample?.unwrap_or(DEFAULT_SAMPLE),
    };
    if threshold.window == Span::ZERO {
        fields.report_in(&["window".into()], Fault::invalid("nothing happens in no time").accepted("as 1m"));
    }
    if let (Some(max), Some(min)) = (threshold.max, threshold.min)
        && max.is_below(min)
    {
        let fault = Fault::conflict("`max` is below `min`, so that the check would always fail");
        fields.report_in(&["max".into()], fault);
    }
    Some(Judge::Threshold(threshold))
}

impl Decode for OnInconclusive {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let default = OnInconclusive::default();
        let mut fields = Fields::open_as(node, reader, "an object, as { wait: 1h, then: pause }")?;
        let wait = fields.or("wait", default.wait);
        let then = fields.or::<OnFail>("then", default.then);
        fields.finish();
        Some(OnInconclusive { wait: wait?, then: then? })
    }
}
