//! A forecast as text for a terminal.

use std::fmt;

use super::words::{number, share_words};
use super::{Forecast, Outcome, StepForecast};
use crate::Span;

impl fmt::Display for Forecast {
    /// Several lines: what it was worked out for, the steps, what faults cost, and what cannot be told.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Policy {}, worked out for {}", self.policy, self.traffic.words())?;
        writeln!(f)?;
        let heads =
            ["STEP", "SHARE", "TAKES", "FOUND AFTER", "90 %", "SMALLEST", "PEOPLE", "FAILED", "AT MOST"];
        let rows: Vec<Vec<String>> = self.steps.iter().map(step_row).collect();
        table(f, &heads, &rows)?;
        writeln!(f)?;
        let assumed = self.assumed.failing(&self.traffic).words();
        writeln!(f, "FOUND AFTER and 90 %: a version that {assumed}, if that first shows in this step.")?;
        writeln!(f, "SMALLEST: the fewest failures that are found within the step, on average.")?;
        writeln!(
            f,
            "FAILED: requests that fail by the step's end, such a version being bad from the start."
        )?;
        writeln!(f)?;
        let heads = ["A VERSION THAT", "FOUND", "AFTER", "90 %", "IN STEP", "FAILED", "AT MOST", "PEOPLE"];
        let outcomes = self.levels.iter().chain([&self.slower]);
        let rows: Vec<Vec<String>> = outcomes.map(outcome_row).collect();
        table(f, &heads, &rows)?;
        writeln!(f)?;
        for words in &self.words {
            writeln!(f, "{words}.")?;
        }
        Ok(())
    }
}

fn step_row(step: &StepForecast) -> Vec<String> {
    let is_gate = step.counted == Span::ZERO && step.checks.iter().all(|check| !check.decides);
    let or_gate = |text: String| if is_gate && step.undecided.is_some() { "-".to_owned() } else { text };
    // Of people in segments nobody knows how many they are.
    let nothing = if step.has_segments { "?" } else { "never" };
    vec![
        step.name.to_string(),
        step.share.to_string(),
        step.takes.map_or("?".to_owned(), |takes| takes.rounded().to_string()),
        or_gate(time(step.finds_after)),
        or_gate(time(step.finds_surely_after)),
        or_gate(step.smallest.map_or(nothing.to_owned(), share_words)),
        number(step.people as f64),
        number(step.failed as f64),
        number(step.failed_at_most as f64),
    ]
}

fn outcome_row(outcome: &Outcome) -> Vec<String> {
    let failed = |failed: Option<u64>| failed.map_or("-".to_owned(), |failed| number(failed as f64));
    vec![
        outcome.bad.words(),
        share_words(outcome.found.min(if outcome.found < 0.995 { 0.99 } else { 1.0 })),
        time(outcome.found_after),
        time(outcome.surely_after),
        outcome.step.as_ref().map_or("-".to_owned(), ToString::to_string),
        failed(outcome.failed),
        failed(outcome.failed_at_most),
        number(outcome.people as f64),
    ]
}

fn time(span: Option<Span>) -> String {
    span.map_or("-".to_owned(), |span| span.rounded().to_string())
}

/// Columns as wide as they need to be, all but the first to the right.
fn table(f: &mut fmt::Formatter<'_>, heads: &[&str], rows: &[Vec<String>]) -> fmt::Result {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.chain([heads[column].chars().count()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..heads.len()).map(width).collect();
    let mut line = |cells: &mut dyn Iterator<Item = &str>| {
        let mut text = String::new();
        for (column, (cell, width)) in cells.zip(&widths).enumerate() {
            match column {
                0 => text.push_str(&format!("{cell:<width$}")),
                _ => text.push_str(&format!("  {cell:>width$}")),
            }
        }
        writeln!(f, "{}", text.trim_end())
    };
    line(&mut heads.iter().copied())?;
    rows.iter().try_for_each(|row| line(&mut row.iter().map(String::as_str)))
}
