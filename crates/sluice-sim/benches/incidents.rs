//! Prints how incidents end under the built-in canary and under fixed thresholds. `SLUICE_UPDATE=1` writes the tables into
//! docs/incidents.md; `SLUICE_SEEDS` sets how many releases of a good version are played, and `SLUICE_INCIDENT` shows one.

#![expect(clippy::print_stdout, reason = "a benchmark prints")]

use std::time::Instant;

use sluice_sim::incident::{page, play, rehearse, suite};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/incidents.md");
const BEGIN: &str = "<!-- tables: begin -->\n";
const END: &str = "<!-- tables: end -->";

fn main() {
    // One of them, decision by decision.
    if let Ok(name) = std::env::var("SLUICE_INCIDENT") {
        for incident in suite().iter().filter(|incident| incident.name.contains(&name)) {
            for rate in incident.rates {
                println!("{} at {rate}/s: {}", incident.name, rehearse(incident, *rate, 1));
            }
        }
        return;
    }
    let seeds = std::env::var("SLUICE_SEEDS").ok().and_then(|text| text.parse().ok()).unwrap_or(20);
    let began = Instant::now();
    let rows = play(&suite(), |incident| if incident.is_bad { 5.min(seeds) } else { seeds });
    let tables = page(&rows);
    println!("{tables}");
    let releases: usize = rows.iter().flat_map(|row| row.endings.iter().map(Vec::len)).sum();
    println!("{releases} releases in {:.0} s", began.elapsed().as_secs_f64());
    if std::env::var_os("SLUICE_UPDATE").is_some() {
        let text = std::fs::read_to_string(PAGE).expect("the page is there");
        let (before, rest) = text.split_once(BEGIN).expect("the page has a place for tables");
        let (_, after) = rest.split_once(END).expect("the place has an end");
        std::fs::write(PAGE, format!("{before}{BEGIN}{tables}{END}{after}"))
            .expect("the page can be written");
    }
}
