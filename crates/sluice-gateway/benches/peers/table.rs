//! Figures of many rounds as a table.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::load::Outcome;

/// Whom the others are compared with.
const MEASURE: &str = "haproxy";

/// One contender in one round.
#[derive(Clone, Copy)]
pub(crate) struct Run {
    rps: f64,
    /// Microseconds of processor time for each request.
    cpu: f64,
    p50: f64,
    p99: f64,
    memory: f64,
    failed: u64,
}

impl Run {
    pub(crate) fn of(outcome: Outcome, cpu_secs: f64, memory: f64) -> Run {
        let quantile = |at: f64| outcome.latency.quantile(at).unwrap_or_default() as f64;
        Run {
            rps: outcome.rps,
            cpu: cpu_secs * 1e6 / outcome.requests.max(1) as f64,
            p50: quantile(0.5),
            p99: quantile(0.99),
            memory,
            failed: outcome.failed,
        }
    }
}

/// All rounds.
#[derive(Default)]
pub(crate) struct Table {
    rounds: Vec<BTreeMap<&'static str, Run>>,
}

impl Table {
    pub(crate) fn add(&mut self, round: Vec<(&'static str, Run)>) {
        self.rounds.push(round.into_iter().collect());
    }

    /// Medians over the rounds; behind a ratio, the least and the greatest.
    pub(crate) fn print(&self, names: &[&str]) -> String {
        let mut text = String::from(
            "| | requests/s | × | CPU µs a request | **CPU ×** | p50 µs | × | p99 µs | × | MB | failed |\n\
             | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n",
        );
        for name in names {
            let of = |figure: fn(&Run) -> f64| {
                median(self.rounds.iter().filter_map(|round| round.get(name)).map(figure).collect())
            };
            let ratio = |figure: fn(&Run) -> f64| {
                let both =
                    self.rounds.iter().filter_map(|round| Some((round.get(name)?, round.get(MEASURE)?)));
                let ratios: Vec<f64> = both.map(|(one, other)| figure(one) / figure(other)).collect();
                spread(ratios)
            };
            let failed: u64 =
                self.rounds.iter().filter_map(|round| round.get(name)).map(|run| run.failed).sum();
            writeln!(
                text,
                "| {name} | {:.0} | {} | {:.1} | **{}** | {:.0} | {} | {:.0} | {} | {:.1} | {failed} |",
                of(|run| run.rps),
                ratio(|run| run.rps),
                of(|run| run.cpu),
                ratio(|run| run.cpu),
                of(|run| run.p50),
                ratio(|run| run.p50),
                of(|run| run.p99),
                ratio(|run| run.p99),
                of(|run| run.memory),
            )
            .expect("writing to a String does not fail");
        }
        text
    }
}

pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The median, with the least and the greatest.
pub(crate) fn spread(values: Vec<f64>) -> String {
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let greatest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if values.is_empty() {
        return "–".to_owned();
    }
    format!("{:.2} [{least:.2}–{greatest:.2}]", median(values))
}
