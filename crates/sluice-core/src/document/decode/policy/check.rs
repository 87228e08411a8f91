//! What is watched.

use super::super::{Decode, Fields, Reader, Step};
use crate::document::node::Node;
use crate::document::policy::{
    Bound, CheckSpec, CompareWith, Comparison, Confidence, DEFAULT_SAMPLE, DEFAULT_WINDOW, Judge, Threshold,
    Tolerance,
};
use crate::document::problem::Fault;
use crate::{Span, builtin};

const CHECK_FORMS: &str = "`compare: stable` or `compare: before` with `tolerate` and `confidence`; or `max`, `min` or both, with `window` and `sample`";

impl Decode for CheckSpec {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let mut fields = Fields::open_as(node, reader, "an object, as { metric: http.errors, max: 5% }")?;
        let metric = fields.required("metric");
        let service = fields.optional("service");
        let path = fields.optional("path");
        let unit = fields.optional("unit");
        let quantile = fields.optional("quantile");
        let judge = judge(&mut fields);
        let on_fail = fields.optional("onFail");
        let on_inconclusive = fields.optional("onInconclusive");
        let check = (|| {
            Some(CheckSpec {
                metric: metric?,
                service: service?,
                path: path?,
                unit: unit?,
                quantile: quantile?,
                judge: judge?,
                on_fail: on_fail?,
                on_inconclusive: on_inconclusive?,
            })
        })();
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
