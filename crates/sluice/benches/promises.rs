//! Measures what the design promises of the whole binary, and prints the figures.
//!
//! ```sh
//! cargo bench --package sluice --bench promises            # all
//! cargo bench --package sluice --bench promises -- kills   # one: rollbacks, people, kills, many, start
//! ```
//!
//! Server, endpoints and visitors share the machine, so times are upper bounds. What must be zero is checked; the rest
//! is printed.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark prints, and stops at whatever is odd"
)]

#[path = "promises/kills.rs"]
mod kills;
#[path = "promises/many.rs"]
mod many;
#[path = "promises/people.rs"]
mod people;
#[path = "promises/rollbacks.rs"]
mod rollbacks;
#[path = "promises/server.rs"]
mod server;
#[path = "promises/start.rs"]
mod start;
#[path = "promises/visitors.rs"]
mod visitors;

/// Measures something and prints it.
type Measure = fn(&tokio::runtime::Runtime);

fn main() {
    // `cargo bench` passes `--bench`; anything else names what to run.
    let wanted: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with("--")).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let all: [(&str, Measure); 5] = [
        ("start", start::run),
        ("rollbacks", rollbacks::run),
        ("people", people::run),
        ("many", many::run),
        ("kills", kills::run),
    ];
    for (name, run) in all {
        if wanted.is_empty() || wanted.iter().any(|wanted| wanted == name) {
            println!("\n## {name}");
            run(&runtime);
        }
    }
}

/// The value that a share `q` of all does not exceed.
fn quantile(values: &mut [f64], q: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let rank = (q * values.len() as f64).ceil() as usize;
    values.get(rank.saturating_sub(1)).copied().unwrap_or(f64::NAN)
}
