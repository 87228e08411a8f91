//! The versions of a service as a table.

use sluice_core::Timestamp;
use sluice_engine::live::{Role, ServiceStatus, VersionStatus};

use crate::show::kinds::age;
use crate::show::table::Table;

/// What stands in a cell that has nothing to say.
const NOTHING: &str = "-";

/// A row for each version.
pub(crate) fn table(status: &ServiceStatus, is_wide: bool, now: Timestamp) -> Table {
    let mut headings = vec!["VERSION", "ROLE", "SHARE", "READY", "COMMIT", "ANNOUNCED", "BY"];
    if is_wide {
        headings.extend(["IMAGE", "CONFIG", "LABELS", "BUILD"]);
    }
    let mut table = Table::new(&headings);
    for version in &status.versions {
        let cells = headings.iter().map(|heading| cell(version, heading, now));
        table.row(cells.map(|text| if text.is_empty() { NOTHING.to_owned() } else { text }).collect());
    }
    table
}

fn cell(version: &VersionStatus, heading: &str, now: Timestamp) -> String {
    let (build, announced) = (&version.build, &version.announced);
    let known = |fact: &Option<String>| fact.clone().unwrap_or_default();
    match heading {
        "VERSION" => version.name.to_string(),
        "ROLE" => role(version.role).to_owned(),
        "SHARE" => version.share.to_string(),
        "READY" => format!("{}/{}", version.endpoints.ready, version.endpoints.total),
        // As much as people use to tell commits apart.
        "COMMIT" => known(&build.commit).chars().take(12).collect(),
        "ANNOUNCED" => age(announced.as_ref().map(|announced| announced.at), now),
        "BY" => announced.as_ref().map(|announced| announced.actor.clone()).unwrap_or_default(),
        "IMAGE" => known(&build.image),
        "CONFIG" => known(&build.config_digest),
        "LABELS" => {
            let labels = build.labels.iter().map(|(name, value)| format!("{name}={value}"));
            labels.collect::<Vec<_>>().join(",")
        }
        "BUILD" => known(&build.url),
        _ => String::new(),
    }
}

fn role(role: Role) -> &'static str {
    match role {
        Role::Stable => "live",
        Role::Candidate => "candidate",
        Role::Kept => "kept",
        Role::Dark => "dark",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terminal::Paint;

    #[test]
    fn a_version_is_one_line_with_where_it_comes_from() {
        let status: ServiceStatus = serde_json::from_value(serde_json::json!({
            "live": "2.1.0", "release": null,
            "versions": [
                { "name": "2.1.0", "role": "stable", "endpoints": { "ready": 2, "total": 2 }, "share": 100_000 },
                { "name": "2.2.0", "role": "dark", "endpoints": { "ready": 0, "total": 1 }, "share": 0,
                  "build": { "commit": "4f1c2a9b77e0d3c5a1", "labels": { "risk": "low" } },
                  "announced": { "actor": "ada", "at": "2026-11-23T09:30:00Z" } }
            ]
        }))
        .unwrap();
        let now = "2026-11-23T09:35:10Z".parse().unwrap();
        insta::assert_snapshot!(table(&status, false, now).lines(Paint::plain(), None).join("\n"), @r"
        VERSION  ROLE  SHARE  READY  COMMIT        ANNOUNCED  BY
        2.1.0    live  100 %  2/2    -             -          -
        2.2.0    dark  0 %    0/1    4f1c2a9b77e0  5m         ada
        ");
    }
}
