//! What happens on trouble.

use super::super::scalar::word;
use super::super::{Decode, Fields, Reader, Step};
use super::{steers, watches};
use crate::document::node::{Node, Value};
use crate::document::policy::{
    DEFAULT_REBALANCES, Gradually, Mitigation, OnInconclusive, Rebalance, StepSpec,
};
use crate::document::problem::Fault;

const FORMS: &str = "rollback, pause, { rollbackGradually: { over: 5m } }, { rebalance: { step: NAME } } or \
                     { redeploy: { url: ADDRESS } }";

impl Decode for Mitigation {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        match &node.value {
            Value::Object(_) => with_fields(node, reader),
            Value::Text(text) if ["rollbackGradually", "rebalance", "redeploy"].contains(&text.as_str()) => {
                let what = match text.as_str() {
                    "rollbackGradually" => "how long it takes",
                    "rebalance" => "which step to go back to",
                    _ => "whom to tell",
                };
                let fault = Fault::new("missing-field", format!("`{text}` does not say {what}"));
                reader.report(node, fault.accepted(FORMS));
                None
            }
            Value::Text(text) => match text.as_str() {
                "rollback" => Some(Mitigation::Rollback),
                "pause" => Some(Mitigation::Pause),
                _ => unknown(node, reader),
            },
            _ => unknown(node, reader),
        }
    }
}

/// Reports a word that is none of the known ones, or what is no word at all.
fn unknown(node: &Node, reader: &mut Reader) -> Option<Mitigation> {
    const WORDS: [&str; 5] = ["rollback", "pause", "rollbackGradually", "rebalance", "redeploy"];
    let count = reader.problems.len();
    word::<()>(node, reader, "a way to react", &WORDS.map(|word| (word, ())));
    for problem in &mut reader.problems[count..] {
        problem.accepted = Some(FORMS.to_owned());
    }
    None
}

fn with_fields(node: &Node, reader: &mut Reader) -> Option<Mitigation> {
    let mut fields = Fields::open(node, reader)?;
    let gradually = fields.optional::<Gradually>("rollbackGradually");
    let rebalance = fields.optional::<Rebalance>("rebalance");
    let redeploy = fields.optional("redeploy");
    let given = ["rollbackGradually", "rebalance", "redeploy"].map(|name| fields.has(name));
    match given.into_iter().filter(|is_given| *is_given).count() {
        0 if !fields.has_strangers() => {
            let fault = Fault::new("missing-field", "it does not say what to do").accepted(FORMS);
            fields.report_in(&[], fault);
        }
        2.. => {
            let fault = Fault::conflict("only one thing can be done").accepted(FORMS);
            fields.report_in(&[], fault);
        }
        _ => {}
    }
    for word in ["rollback", "pause"] {
        if fields.has(word) {
            fields.find(word);
            let fault = Fault::new("wrong-type", format!("`{word}` takes nothing with it"));
            fields.report_in(&[], fault.hint(format!("write it as a word: {word}")));
        }
    }
    fields.finish();
    let mut ways = [
        gradually?.map(Mitigation::RollbackGradually),
        rebalance?.map(Mitigation::Rebalance),
        redeploy?.map(Mitigation::Redeploy),
    ]
    .into_iter()
    .flatten();
    ways.next().filter(|_| ways.next().is_none())
}

impl Decode for Gradually {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let mut fields = Fields::open_as(node, reader, "an object, as { over: 5m }")?;
        let over = fields.required("over");
        let over = fields.longer_than_nothing("over", over);
        fields.finish();
        Some(Gradually { over: over? })
    }
}

impl Decode for Rebalance {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let mut fields = Fields::open_as(node, reader, "an object, as { step: small }")?;
        let step = fields.required("step");
        let times = fields.or("times", DEFAULT_REBALANCES);
        let times = fields.at_least_one("times", times);
        fields.finish();
        Some(Rebalance { step: step?, times: times? })
    }
}

impl Decode for OnInconclusive {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let default = OnInconclusive::default();
        let mut fields = Fields::open_as(node, reader, "an object, as { wait: 1h, then: pause }")?;
        let wait = fields.or("wait", default.wait);
        let then = fields.or::<Mitigation>("then", default.then);
        fields.finish();
        Some(OnInconclusive { wait: wait?, then: then? })
    }
}

/// Reports every answer that the steps leave no room for.
pub(super) fn fit(
    fields: &mut Fields<'_, '_>,
    steps: &[Option<StepSpec>],
    answers: &[(Vec<Step>, &Mitigation)],
) {
    let only_watches =
        steps.iter().flatten().any(watches) && !steps.iter().any(|step| step.as_ref().is_none_or(steers));
    for (way, answer) in answers {
        let moves_people = match answer {
            Mitigation::RollbackGradually(_) => "rollbackGradually",
            Mitigation::Rebalance(rebalance) => {
                target(fields, way, rebalance);
                "rebalance"
            }
            Mitigation::Rollback | Mitigation::Pause | Mitigation::Redeploy(_) => continue,
        };
        if only_watches {
            let message =
                format!("`{moves_people}` moves people, and this policy only watches while others do");
            let fault =
                Fault::conflict(message).accepted("rollback, pause or { redeploy: { url: ADDRESS } }");
            fields.report_in(way, fault);
        }
    }
}

/// The step that a release is taken down to must be there, and some other must come after it.
fn target(fields: &mut Fields<'_, '_>, way: &[Step], rebalance: &Rebalance) {
    let wanted = rebalance.step.as_str();
    let Some(Node { value: Value::List(items), .. }) = fields.node.field("steps") else { return };
    // As they were written, so that a step is found even when something else in it is wrong.
    let names: Vec<&str> =
        items.iter().map(|item| item.field("name").and_then(Node::as_text).unwrap_or_default()).collect();
    let Some((_, earlier)) = names.split_last() else { return };
    let fault = match names.iter().position(|name| *name == wanted) {
        Some(index) if index < earlier.len() => return,
        Some(_) => {
            Fault::conflict(format!("`{wanted}` is the last step: no release can be taken down to it"))
        }
        None => Fault::new("unknown-reference", format!("there is no step `{wanted}`"))
            .or_did_you_mean(wanted, &names),
    };
    let fault = match earlier {
        [] => fault.hint("a policy of one step has none to go back to; write rollback"),
        _ => fault.accepted(earlier.join(", ")),
    };
    let way: Vec<Step> = way.iter().cloned().chain(["rebalance".into(), "step".into()]).collect();
    fields.report_in(&way, fault.given(wanted));
}
