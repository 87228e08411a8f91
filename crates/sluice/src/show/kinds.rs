//! Documents of each kind as rows of a table.

use serde_json::Value;
use sluice_core::document::Kind;
use sluice_core::{Timestamp, Weight};
use sluice_engine::Resource;

use crate::show::table::Table;

/// What stands in a cell that has nothing to say.
const NOTHING: &str = "-";

/// The table of some documents of one kind.
pub(crate) fn table(kind: Kind, items: &[Resource], is_wide: bool, now: Timestamp) -> Table {
    let headings: &[&'static str] = match (kind, is_wide) {
        (Kind::Service, false) => &["NAME", "ENVIRONMENT", "LIVE", "RELEASE", "READY", "AGE"],
        (Kind::Service, true) => {
            &["NAME", "ENVIRONMENT", "LIVE", "RELEASE", "READY", "AGE", "VERSIONS", "ROUTES"]
        }
        (Kind::Release, false) => &["NAME", "SERVICE", "FROM", "TO", "PHASE", "STEP", "SPLIT", "AGE"],
        (Kind::Release, true) => &[
            "NAME",
            "SERVICE",
            "FROM",
            "TO",
            "PHASE",
            "STEP",
            "SPLIT",
            "AGE",
            "ENVIRONMENT",
            "POLICY",
            "STARTED BY",
            "REASON",
        ],
        (Kind::Policy, false) => &["NAME", "BUILT-IN", "STEPS"],
        (Kind::Policy, true) => &["NAME", "BUILT-IN", "STEPS", "ON FAIL", "DESCRIPTION"],
        (Kind::Metric, false) => &["NAME", "BUILT-IN", "KIND", "UNIT", "WORSE"],
        (Kind::Metric, true) => &["NAME", "BUILT-IN", "KIND", "UNIT", "WORSE", "DESCRIPTION"],
        (Kind::Segment, false) => &["NAME", "MATCH"],
        (Kind::Segment, true) => &["NAME", "MATCH", "DESCRIPTION"],
        (Kind::Environment, false) => &["NAME", "BUILT-IN", "AFTER", "START", "POLICIES"],
        (Kind::Environment, true) => &["NAME", "BUILT-IN", "AFTER", "START", "POLICIES", "DESCRIPTION"],
    };
    let mut table = Table::new(headings);
    for item in items {
        table.row(headings.iter().map(|heading| cell(kind, item, heading, now)).collect());
    }
    table
}

fn cell(kind: Kind, item: &Resource, heading: &str, now: Timestamp) -> String {
    let spec = &item.spec;
    let status = item.status.as_ref().unwrap_or(&Value::Null);
    let text = match (kind, heading) {
        (_, "NAME") => item.metadata.name.to_string(),
        (_, "ENVIRONMENT") => item.metadata.environment.as_ref().map(ToString::to_string).unwrap_or_default(),
        (_, "AGE") => age(item.metadata.created_at, now),
        (_, "BUILT-IN") => if is_built_in(item) { "yes" } else { "no" }.to_owned(),
        (_, "DESCRIPTION") => word(&spec["description"]),
        (Kind::Service, "LIVE") => word(&status["live"]),
        (Kind::Service, "RELEASE") => word(&status["release"]),
        (Kind::Service, "READY") => readiness(&status["versions"]),
        (Kind::Service, "VERSIONS") => {
            list(&status["versions"], |v| format!("{} ({})", word(&v["name"]), word(&v["role"])))
        }
        (Kind::Service, "ROUTES") => {
            list(&spec["routes"], |r| format!("{}{}", word(&r["host"]), word(&r["path"])))
        }
        (Kind::Release, "SERVICE") => word(&spec["service"]),
        (Kind::Release, "FROM") => word(&status["from"]),
        (Kind::Release, "TO") => word(&spec["version"]),
        (Kind::Release, "PHASE") => word(&status["phase"]),
        (Kind::Release, "STEP") => word(&status["step"]),
        (Kind::Release, "SPLIT") => share(&status["split"]["observed"]["candidate"]),
        (Kind::Release, "POLICY") => word(&status["policy"]),
        (Kind::Release, "STARTED BY") => word(&status["startedBy"]),
        (Kind::Release, "REASON") => word(&status["reason"]["text"]),
        (Kind::Policy, "STEPS") => list(&spec["steps"], |step| word(&step["name"])),
        (Kind::Policy, "ON FAIL") => word(&spec["onFail"]),
        (Kind::Metric, "KIND") => word(&spec["kind"]),
        (Kind::Metric, "UNIT") => word(&spec["unit"]),
        (Kind::Metric, "WORSE") => word(&spec["worse"]),
        (Kind::Segment, "MATCH") => word(&spec["match"]),
        (Kind::Environment, "AFTER") => word(&spec["after"]),
        (Kind::Environment, "START") => word(&spec["start"]),
        (Kind::Environment, "POLICIES") => list(&spec["policies"], |line| word(&line["use"])),
        _ => String::new(),
    };
    if text.is_empty() { NOTHING.to_owned() } else { text }
}

fn is_built_in(item: &Resource) -> bool {
    item.metadata.labels.get("sluice.dev/built-in").is_some_and(|value| value == "true")
}

/// A value as a word; nothing for null and for what is no word.
fn word(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(truth) => truth.to_string(),
        _ => String::new(),
    }
}

fn list(value: &Value, each: impl Fn(&Value) -> String) -> String {
    value.as_array().map(|items| items.iter().map(each).collect::<Vec<_>>().join(", ")).unwrap_or_default()
}

/// How many endpoints of all versions are ready: `3/4`.
fn readiness(versions: &Value) -> String {
    let Some(versions) = versions.as_array() else { return String::new() };
    let sum = |what: &str| versions.iter().filter_map(|v| v["endpoints"][what].as_u64()).sum::<u64>();
    format!("{}/{}", sum("ready"), sum("total"))
}

fn share(parts: &Value) -> String {
    let weight = parts
        .as_u64()
        .and_then(|parts| u32::try_from(parts).ok())
        .and_then(|parts| Weight::try_from(parts).ok());
    weight.map(|weight| weight.to_string()).unwrap_or_default()
}

/// How long something exists, in one unit: `12s`, `5m`, `3h`, `7d`.
pub(crate) fn age(since: Option<Timestamp>, now: Timestamp) -> String {
    let Some(since) = since else { return String::new() };
    let secs = now.since(since).as_millis() / 1000;
    match secs {
        0..60 => format!("{secs}s"),
        60..3_600 => format!("{}m", secs / 60),
        3_600..86_400 => format!("{}h", secs / 3_600),
        _ => format!("{}d", secs / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terminal::Paint;

    #[test]
    fn a_release_is_one_line_with_what_one_looks_for_first() {
        let release: Resource = serde_json::from_value(serde_json::json!({
            "apiVersion": "sluice.dev/v1alpha1", "kind": "Release",
            "metadata": { "name": "shop-2.1.0-1", "environment": "production", "createdAt": "2026-11-23T09:30:00Z" },
            "spec": { "service": "shop", "version": "2.1.0" },
            "status": { "from": "2.0.3", "phase": "Progressing", "step": "small",
                        "split": { "observed": { "candidate": 5000 } } }
        }))
        .unwrap();
        let now = "2026-11-23T09:35:10Z".parse().unwrap();
        let lines = table(Kind::Release, &[release], false, now).lines(Paint::plain(), None);
        assert_eq!(
            lines,
            [
                "NAME          SERVICE  FROM   TO     PHASE        STEP   SPLIT  AGE",
                "shop-2.1.0-1  shop     2.0.3  2.1.0  Progressing  small  5 %    5m",
            ]
        );
    }
}
