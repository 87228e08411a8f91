//! The incidents, side by side, as a page.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use sluice_core::Span;

use super::{Ending, Incident, Way, release};

/// One incident at one rate: what came of each way, for every seed.
#[derive(Clone, Debug)]
pub struct Row {
    /// The incident.
    pub incident: Incident,
    /// Requests a second.
    pub rate: f64,
    /// For each of [`Way::ALL`], for each seed.
    pub endings: Vec<Vec<Ending>>,
}

/// Plays incidents in every way, on every core.
pub fn play(incidents: &[Incident], seeds: impl Fn(&Incident) -> u64 + Sync) -> Vec<Row> {
    let rows: Vec<(&Incident, f64)> = incidents
        .iter()
        .flat_map(|incident| incident.rates.iter().map(move |rate| (incident, *rate)))
        .collect();
    let jobs: Vec<(usize, usize, u64)> = rows
        .iter()
        .enumerate()
        .flat_map(|(row, (incident, _))| {
            let seeds = seeds(incident);
            (0..Way::ALL.len()).flat_map(move |way| (1..=seeds).map(move |seed| (row, way, seed)))
        })
        .collect();
    let next = AtomicUsize::new(0);
    let played = Mutex::new(Vec::new());
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some((row, way, seed)) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let (incident, rate) = rows[*row];
                    let ending = release(incident, rate, Way::ALL[*way], *seed);
                    let mut played = played.lock().unwrap_or_else(PoisonError::into_inner);
                    played.push(((*row, *way, *seed), ending));
                }
            });
        }
    });
    let mut played = played.into_inner().unwrap_or_else(PoisonError::into_inner);
    played.sort_by_key(|(job, _)| *job);
    let endings_of = |row: usize, way: usize| {
        let of = played.iter().filter(move |((r, w, _), _)| (*r, *w) == (row, way));
        of.map(|(_, ending)| *ending).collect()
    };
    let row = |(index, (incident, rate)): (usize, &(&Incident, f64))| Row {
        incident: (*incident).clone(),
        rate: *rate,
        endings: (0..Way::ALL.len()).map(|way| endings_of(index, way)).collect(),
    };
    rows.iter().enumerate().map(row).collect()
}

/// What a way did with a bad version: how often it was taken back, the median time that took, the mean harm.
fn bad(endings: &[Ending]) -> String {
    let back = endings.iter().filter(|ending| ending.is_back).count();
    let paused = endings.iter().filter(|ending| ending.is_paused).count();
    let mut took: Vec<Span> = endings.iter().filter_map(|ending| ending.return_took).collect();
    took.sort_unstable();
    let took = took.get(took.len() / 2).filter(|_| back > 0);
    let took = took.map_or_else(|| "never".to_owned(), |took| format!("{} s", took.as_millis() / 1000));
    let harmed = endings.iter().map(|ending| ending.harmed).sum::<u64>() / endings.len().max(1) as u64;
    let paused = if paused > 0 { format!(" ({paused} paused)") } else { String::new() };
    format!("{harmed} · {took} · {back}/{}{paused}", endings.len())
}

fn good(endings: &[Ending]) -> String {
    let back = endings.iter().filter(|ending| ending.is_back).count();
    let paused = endings.iter().filter(|ending| ending.is_paused).count();
    let paused = if paused > 0 { format!(" ({paused} paused)") } else { String::new() };
    format!("{back}/{}{paused}", endings.len())
}

/// The rows as two tables: bad versions, and those with which nothing is wrong.
pub fn page(rows: &[Row]) -> String {
    let mut text = String::new();
    let mut table = |is_bad: bool, cell: &dyn Fn(&[Ending]) -> String| {
        text.push_str("| incident | requests/s | `canary` | each minute | each 5 min |\n");
        text.push_str("|---|--:|--:|--:|--:|\n");
        for row in rows.iter().filter(|row| row.incident.is_bad == is_bad) {
            let cells: Vec<String> = row.endings.iter().map(|endings| cell(endings)).collect();
            // Writing to a string never fails.
            writeln!(text, "| {} | {} | {} |", row.incident.name, row.rate, cells.join(" | ")).ok();
        }
        text.push('\n');
    };
    table(true, &bad);
    table(false, &good);
    text
}
