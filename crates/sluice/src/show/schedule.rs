//! A schedule as people read it: when each step begins and ends at the earliest, what it waits for, and how it all ends.

use serde::Deserialize;
use sluice_core::{Name, Span, Timestamp, Weight};

use crate::show::release::moment;
use crate::show::table::Table;
use crate::terminal::Paint;

/// What stands where nobody can tell.
const UNKNOWN: &str = "?";

/// What people are shown of a schedule.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Schedule {
    policy: Name,
    rate: Option<f64>,
    start: String,
    steps: Vec<Step>,
    takes: Span,
    end: String,
    checks: Vec<String>,
    on_fail: String,
    on_inconclusive: String,
    on_newer: String,
    afterwards: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Step {
    name: Name,
    audience: String,
    begins_at: Option<Timestamp>,
    held_up: Option<String>,
    ends_at: Option<Timestamp>,
    takes: Option<Span>,
    waits_for: String,
    undecided: Option<String>,
    stages: Vec<Stage>,
}

#[derive(Debug, Deserialize)]
struct Stage {
    share: Weight,
    at: Option<Timestamp>,
}

/// A table with a row for each step, and everything else in words.
pub(crate) fn lines(schedule: &Schedule, paint: Paint) -> Vec<String> {
    let mut table = Table::new(&["STEP", "BEGINS", "ENDS", "TAKES", "WHO MEETS IT", "WAITS FOR"]);
    for step in &schedule.steps {
        table.row(vec![
            step.name.to_string(),
            time(step.begins_at),
            time(step.ends_at),
            step.takes.map_or_else(|| UNKNOWN.to_owned(), |takes| takes.rounded().to_string()),
            step.audience.clone(),
            step.waits_for.clone(),
        ]);
    }
    let mut lines =
        vec![format!("{}: {}", paint.bold(&format!("Policy {}", schedule.policy)), schedule.start)];
    lines.extend(table.lines(paint, None));
    lines.extend(schedule.steps.iter().flat_map(remarks).map(|remark| paint.yellow(&remark)));
    lines.push(schedule.end.clone());
    lines.push(totals(schedule));
    lines.extend(schedule.checks.iter().map(|check| format!("Watched in every step: {check}")));
    let answers = [&schedule.on_fail, &schedule.on_inconclusive, &schedule.on_newer, &schedule.afterwards];
    lines.extend(answers.map(String::clone));
    lines
}

fn time(at: Option<Timestamp>) -> String {
    at.map_or_else(|| UNKNOWN.to_owned(), moment)
}

/// What a row has no room for.
fn remarks(step: &Step) -> Vec<String> {
    let held_up = step.held_up.as_ref().map(|why| format!("{} begins later: {why}", step.name));
    let undecided = step.undecided.as_ref().map(|why| format!("{} ends nobody knows when: {why}", step.name));
    let stages = step.stages.iter().map(|stage| match stage.at {
        Some(at) => format!("{} at {}", stage.share, moment(at)),
        None => stage.share.to_string(),
    });
    let stages: Vec<String> = stages.collect();
    let stages = (!stages.is_empty()).then(|| format!("{} reaches {}", step.name, stages.join(", ")));
    held_up.into_iter().chain(stages).chain(undecided).collect()
}

/// How long it takes, and what that was worked out from.
fn totals(schedule: &Schedule) -> String {
    let is_whole = schedule.steps.iter().all(|step| step.takes.is_some());
    let what = if is_whole { "The steps take" } else { "The steps whose end can be told take" };
    let rate = match schedule.rate {
        Some(rate) => format!("at {} requests per second, as now", (rate * 10.0).round() / 10.0),
        None => "not counting the wait for requests, because none are known of yet".to_owned(),
    };
    format!("{what} {} together, {rate}", schedule.takes.rounded())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_is_a_table_and_what_follows_in_words() {
        let schedule: Schedule = serde_json::from_str(include_str!("schedule/sample.json")).unwrap();
        insta::assert_snapshot!(lines(&schedule, Paint::plain()).join("\n"), @r"
        Policy careful: The new version must have a ready endpoint within 10m
        STEP   BEGINS                ENDS                  TAKES  WHO MEETS IT                              WAITS FOR
        small  2026-11-23 15:20 UTC  2026-11-23 15:35 UTC  15m    5 % of everyone                           15m and 1000 requests (6m40s at 50 per second), and every check
        ramp   2026-11-24 08:00 UTC  2026-11-24 09:00 UTC  1h     5 % of everyone, growing to 50 % over 1h  the ramp to be climbed
        ask    2026-11-24 09:00 UTC  ?                     ?      approval by product                       approval by product, within 1d
        all    ?                     ?                     30m    everyone                                  30m, and every check
        ramp begins later: no window is open; the next one opens Tue 24 Nov 2026, 09:00 Europe/Amsterdam
        ramp reaches 5 % at 2026-11-24 08:00 UTC, 50 % at 2026-11-24 09:00 UTC
        ask ends nobody knows when: people decide
        When everyone has it cannot be told: in step ask people decide
        The steps whose end can be told take 1h45m together, at 50 requests per second, as now
        Watched in every step: http.errors against stable, at most 0.5 points worse
        When a check fails, everyone goes back at once
        When a check cannot tell or a gate is not passed, after another 1h it pauses until somebody decides
        A newer version takes its place
        The previous version is kept for 1h, so that everyone can go back at once
        ");
    }
}
