//! Which version is live where: services against environments.

use sluice_core::VersionName;
use sluice_core::release::status::PhaseName;
use sluice_engine::resource::{ReleaseThere, ServiceThere, Standing};

use crate::show::table::Table;

/// What stands where a service does not exist, or has no version.
const NOTHING: &str = "-";

/// A row for each service, a column for each environment.
pub(crate) fn table(standing: &Standing) -> Table {
    let environments = || standing.environments.iter().map(|environment| &environment.name);
    let headings = std::iter::once("SERVICE".to_owned()).chain(environments().map(ToString::to_string));
    let mut table = Table::new(&headings.collect::<Vec<_>>());
    for service in &standing.services {
        let cells = environments()
            .map(|name| service.environments.get(name).map_or_else(|| NOTHING.to_owned(), cell));
        table.row(std::iter::once(service.name.to_string()).chain(cells).collect());
    }
    table
}

/// Where nothing may begin now, and until when.
pub(crate) fn closed(standing: &Standing) -> impl Iterator<Item = String> {
    standing.environments.iter().map(|environment| environment.text.clone()).filter(|text| !text.is_empty())
}

/// `2.1.0`, `2.1.0 → 2.2.0 (5 %)`, `2.1.0, 2.2.0 waits`.
fn cell(there: &ServiceThere) -> String {
    let mut parts = Vec::new();
    let under_way = there.release.as_ref().filter(|release| !release.phase.is_final());
    match (&there.live, under_way) {
        (Some(live), None) => parts.push(live.to_string()),
        (Some(live), Some(release)) => parts.push(format!("{live} → {}", arriving(release))),
        (None, Some(release)) => parts.push(arriving(release)),
        (None, None) => {}
    }
    let is_arriving = |version: &VersionName| under_way.is_some_and(|release| release.version == *version);
    let waiting: Vec<String> =
        there.waiting.iter().filter(|version| !is_arriving(version)).map(ToString::to_string).collect();
    match waiting.split_last() {
        Some((one, [])) => parts.push(format!("{one} waits")),
        Some((last, others)) => parts.push(format!("{} and {last} wait", others.join(", "))),
        None => {}
    }
    if parts.is_empty() { NOTHING.to_owned() } else { parts.join(", ") }
}

/// The version that is released, how many meet it, and what is unusual.
fn arriving(release: &ReleaseThere) -> String {
    let share = &release.share;
    match release.phase {
        PhaseName::Progressing | PhaseName::Promoting => format!("{} ({share})", release.version),
        phase => format!("{} ({share}, {phase:?})", release.version),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terminal::Paint;

    #[test]
    fn every_service_is_one_line_with_what_it_has_everywhere() {
        let standing: Standing = serde_json::from_str(include_str!("standing/sample.json")).unwrap();
        insta::assert_snapshot!(table(&standing).lines(Paint::plain(), None).join("\n"), @r"
        SERVICE   staging               production
        checkout  2.2.0                 2.1.0 → 2.2.0 (5 %), 2.3.0 waits
        mailer    1.0.0 and 1.1.0 wait  -
        payments  1.4.0                 1.3.0 → 1.4.0 (1 %, AwaitingApproval)
        ");
        assert_eq!(
            closed(&standing).collect::<Vec<_>>(),
            ["production: a freeze lasts until Sun 3 Jan 2027, 00:00 Europe/Amsterdam (holidays)"]
        );
    }
}
