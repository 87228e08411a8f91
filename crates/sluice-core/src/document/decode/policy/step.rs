//! One step: exactly one thing that it does, and what goes with that.

use super::super::{Decode, Fields, Reader, Step, report_duplicates};
use super::segments;
use crate::Weight;
use crate::document::node::Node;
use crate::document::policy::{
    Approval, AudienceRule, Hold, Percent, PointOfNoReturn, Ramp, ShadowSpec, StepSpec, StepWork,
    VersionGate, WebhookGate,
};
use crate::document::problem::Fault;

/// What a step can do, by the field that says so.
const WORKS: [&str; 8] =
    ["audience", "ramp", "shadow", "watch", "approval", "webhook", "waitFor", "pointOfNoReturn"];

/// What goes with which of them.
const WITH_HOLD: [&str; 3] = ["audience", "ramp", "shadow"];
const WITH_EXCLUDE: [&str; 2] = ["audience", "ramp"];

impl Decode for StepSpec {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let mut fields =
            Fields::open_as(node, reader, "an object, as { name: all, audience: [ { percent: 100 } ] }")?;
        let name = fields.required("name");
        let given: Vec<&'static str> = WORKS.into_iter().filter(|work| fields.has(work)).collect();
        let audience = match fields.has("audience") {
            true => Some(audience(&mut fields)),
            false => fields.find("audience").and(None),
        };
        let ramp = fields.optional::<Ramp>("ramp");
        let exclude = segments(&mut fields, "exclude");
        let shadow = fields.optional::<ShadowSpec>("shadow");
        let hold = fields.or_default::<Hold>("hold");
        let watch = fields.optional::<Hold>("watch");
        let approval = fields.optional::<Approval>("approval");
        let webhook = fields.optional::<WebhookGate>("webhook");
        let wait_for = fields.optional::<VersionGate>("waitFor");
        let point = fields.optional::<PointOfNoReturn>("pointOfNoReturn");
        let is_one = does_one_thing(&mut fields, &given);
        fields.finish();
        if let (Some(Some(audience)), Some(hold)) = (&audience, hold) {
            ends(node, reader, audience, hold);
        }
        let work = match *given.first().filter(|_| is_one)? {
            "audience" => StepWork::Expose { audience: audience??, exclude: exclude?, hold: hold? },
            "ramp" => StepWork::Ramp { ramp: ramp??, exclude: exclude?, hold: hold? },
            "shadow" => StepWork::Shadow { shadow: shadow??, hold: hold? },
            "watch" => StepWork::Watch { hold: watch?? },
            "approval" => StepWork::Approval(approval??),
            "webhook" => StepWork::Webhook(webhook??),
            "waitFor" => StepWork::WaitFor(wait_for??),
            _ => StepWork::PointOfNoReturn(point??),
        };
        Some(StepSpec { name: name?, work })
    }
}

/// Reports a step that does nothing or several things, and what does not go with the one thing that it does.
fn does_one_thing(fields: &mut Fields<'_, '_>, given: &[&'static str]) -> bool {
    match given {
        [] => {
            if !fields.has_strangers() {
                let fault = Fault::new("missing-field", "it does not say what the step does");
                fields.report_in(&[], fault.accepted(format!("one of {}", WORKS.join(", "))));
            }
            false
        }
        [work] => goes_with(fields, work),
        [one, other, ..] => {
            let fault =
                Fault::conflict(format!("a step does one thing, and this one has `{one}` and `{other}`"))
                    .hint("make a step of each");
            fields.report_in(&[Step::from(*other)], fault.given(""));
            false
        }
    }
}

/// Reports a `hold` or `exclude` that does not go with what the step does.
fn goes_with(fields: &mut Fields<'_, '_>, work: &str) -> bool {
    let mut is_good = true;
    if fields.has("hold") && !WITH_HOLD.contains(&work) {
        is_good = false;
        let hint = match work {
            "watch" => "write it as watch: { time: 10m }",
            "pointOfNoReturn" => "put the `hold` into the step before or after",
            _ => "a gate ends when it is passed; for more time, put a step with an `audience` after it",
        };
        let fault = Fault::conflict(format!("`hold` does not go with `{work}`")).hint(hint);
        fields.report_in(&["hold".into()], fault.accepted("`hold` beside `audience`, `ramp` or `shadow`"));
    }
    if fields.has("exclude") && !WITH_EXCLUDE.contains(&work) {
        is_good = false;
        let hint = match work {
            "watch" => "who meets the candidate is not decided here; leave `exclude` out",
            _ => "visitors stay as they were in the step before; leave `exclude` out",
        };
        let fault = Fault::conflict(format!("`exclude` does not go with `{work}`")).hint(hint);
        fields.report_in(&["exclude".into()], fault.accepted("`exclude` beside `audience` or `ramp`"));
    }
    is_good
}

/// Reports a step that waits for requests of nobody.
fn ends(node: &Node, reader: &mut Reader, audience: &[AudienceRule], hold: Hold) {
    if hold.requests == 0 || audience.iter().any(|rule| rule.percent.0 > Weight::ZERO) {
        return;
    }
    let fault = Fault::conflict(format!(
        "the step would never end: it waits for {} requests, and its audience is nobody",
        hold.requests
    ))
    .hint("leave `requests` out, or name an audience");
    reader.report_in(node, &["hold".into(), "requests".into()], fault);
}

fn audience(fields: &mut Fields<'_, '_>) -> Option<Vec<AudienceRule>> {
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

impl Decode for ShadowSpec {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let mut fields = Fields::open_as(node, reader, "an object, as { percent: 10 }")?;
        let percent = fields.required::<Percent>("percent");
        let unsafe_methods = fields.or_default("unsafeMethods");
        if percent == Some(Percent(Weight::ZERO)) {
            let fault = Fault::invalid("no request would be copied");
            fields.report_in(&["percent".into()], fault.accepted("a share above 0, as 10"));
        }
        fields.finish();
        Some(ShadowSpec { percent: percent?, unsafe_methods: unsafe_methods? })
    }
}
