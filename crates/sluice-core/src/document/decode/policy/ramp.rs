//! The three ways in which a ramp grows.

use super::super::{Decode, Fields, Reader, Step};
use crate::document::node::Node;
use crate::document::policy::{Percent, Ramp, RiskBudget};
use crate::document::problem::Fault;
use crate::{Span, Weight};

const FORMS: &str = "{ from: 5, to: 50, over: 1h }, { through: [1, 5, 25], every: 10m } or \
                     { to: 50, riskBudget: { failedRequests: 100 } }";

/// Which fields belong to a way of growing.
const LINEAR: [&str; 3] = ["from", "to", "over"];
const THROUGH: [&str; 3] = ["through", "every", "requests"];
const BUDGET: [&str; 2] = ["to", "riskBudget"];

/// Every field, once it was read.
struct Given {
    from: Option<Option<Percent>>,
    to: Option<Option<Percent>>,
    over: Option<Option<Span>>,
    through: Option<Option<Vec<Percent>>>,
    every: Option<Option<Span>>,
    requests: Option<u64>,
    budget: Option<Option<RiskBudget>>,
}

impl Decode for Ramp {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let mut fields = Fields::open_as(node, reader, "an object, as { from: 5, to: 50, over: 1h }")?;
        let given = Given {
            from: fields.optional("from"),
            to: fields.optional("to"),
            over: fields.optional("over"),
            through: fields.optional("through"),
            every: fields.optional("every"),
            requests: fields.or_default("requests"),
            budget: fields.optional("riskBudget"),
        };
        let ramp = if fields.has("through") {
            through(&mut fields, given)
        } else if fields.has("riskBudget") {
            budget(&mut fields, given)
        } else if fields.has("from") || fields.has("over") || fields.has("to") {
            linear(&mut fields, given)
        } else {
            if !fields.has_strangers() {
                let fault = Fault::new("missing-field", "it does not say how it grows").accepted(FORMS);
                fields.report_in(&[], fault);
            }
            None
        };
        fields.finish();
        ramp
    }
}

/// Reports the fields that belong to another way of growing, and those that are missing.
fn only(fields: &mut Fields<'_, '_>, own: &[&'static str], needed: &[&'static str]) -> bool {
    let mut is_good = true;
    for name in LINEAR.iter().chain(&THROUGH).chain(&BUDGET) {
        if own.contains(name) || !fields.has(name) {
            continue;
        }
        is_good = false;
        let own: Vec<String> = own.iter().map(|name| format!("`{name}`")).collect();
        let fault = Fault::conflict(format!("`{name}` does not go with {}", own.join(", ")));
        fields.report_in(&[Step::from(*name)], fault.accepted(FORMS));
    }
    for name in needed.iter().copied().filter(|name| !fields.has(name)).collect::<Vec<_>>() {
        is_good = false;
        let fault = Fault::new("missing-field", format!("`{name}` is missing")).accepted(FORMS);
        fields.report_in(&[Step::from(name)], fault);
    }
    is_good
}

fn linear(fields: &mut Fields<'_, '_>, given: Given) -> Option<Ramp> {
    let over = given.over.flatten();
    let over = fields.longer_than_nothing("over", over);
    if !only(fields, &LINEAR, &LINEAR) {
        return None;
    }
    let (from, to) = (given.from??, given.to??);
    if from >= to {
        let message = format!("the ramp does not grow: it begins at {} and ends at {}", from.0, to.0);
        fields.report_in(&["to".into()], Fault::conflict(message).hint("`to` is above `from`"));
        return None;
    }
    Some(Ramp::Linear { from, to, over: over? })
}

fn through(fields: &mut Fields<'_, '_>, given: Given) -> Option<Ramp> {
    let every = given.every.flatten();
    let every = fields.longer_than_nothing("every", every);
    let is_pure = only(fields, &THROUGH, &["every"]);
    let percents = given.through??;
    if percents.is_empty() {
        let fault = Fault::invalid("the list is empty: the ramp leads nowhere").given("[]");
        fields.report_in(&["through".into()], fault.accepted("shares that grow, as [1, 5, 25]"));
        return None;
    }
    let mut grows = true;
    let mut before = Percent(Weight::ZERO);
    for (index, percent) in percents.iter().enumerate() {
        if *percent <= before {
            grows = false;
            let message = match index {
                0 => "0 % would show it to nobody".to_owned(),
                _ => format!("the shares do not grow: {} comes after {}", percent.0, before.0),
            };
            fields.report_in(&["through".into(), index.into()], Fault::conflict(message));
        }
        before = *percent;
    }
    (is_pure && grows).then_some(())?;
    Some(Ramp::Through { percents, every: every?, requests: given.requests? })
}

fn budget(fields: &mut Fields<'_, '_>, given: Given) -> Option<Ramp> {
    let is_pure = only(fields, &BUDGET, &BUDGET);
    let to = given.to.flatten();
    if to == Some(Percent(Weight::ZERO)) {
        let fault = Fault::invalid("0 % would show it to nobody").accepted("the share at the end, as 50");
        fields.report_in(&["to".into()], fault);
        return None;
    }
    is_pure.then_some(())?;
    Some(Ramp::Budget { to: to?, budget: given.budget?? })
}

impl Decode for RiskBudget {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let mut fields = Fields::open_as(node, reader, "an object, as { failedRequests: 100 }")?;
        let failed_requests = fields.required("failedRequests");
        let failed_requests = fields.at_least_one("failedRequests", failed_requests);
        fields.finish();
        Some(RiskBudget { failed_requests: failed_requests? })
    }
}
