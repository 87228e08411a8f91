//! Prints how often the tests raise a false alarm, how long they take to find a fault, and how fast they compute.
//!
//! `cargo bench -p sluice-stats`, and only some of it with `-- failures`, `times`, `allocation`, `means`, `past`,
//! `comparisons`, `fresh`. Seeded: the same figures every time, speeds apart.
#![expect(clippy::print_stdout, clippy::disallowed_methods, reason = "it prints how long things take")]

#[path = "tables/allocation.rs"]
mod allocation;
#[path = "../tests/sequential/allocations.rs"]
mod allocations;
#[path = "../tests/sequential/clumps.rs"]
mod clumps;
#[path = "tables/comparisons.rs"]
mod comparisons;
#[path = "../tests/sequential/draws.rs"]
mod draws;
#[path = "tables/fresh.rs"]
mod fresh;
#[path = "../tests/sequential/kept_times.rs"]
mod kept_times;
#[path = "tables/means.rs"]
mod mean_tables;
#[path = "../tests/sequential/means.rs"]
mod means;
#[path = "tables/past.rs"]
mod past;
#[path = "../tests/sequential/pasts.rs"]
mod pasts;
#[path = "../tests/sequential/scenarios.rs"]
mod scenarios;
#[path = "../tests/sequential/shares.rs"]
mod shares;
#[path = "../tests/sequential/streams.rs"]
mod streams;
#[path = "../tests/sequential/ticks.rs"]
mod ticks;
#[path = "tables/times.rs"]
mod times;

use std::hint::black_box;
use std::time::Instant;

use sluice_stats::{Arms, Histogram, Margin, QuantileTest, RatioTest, Trials};

use crate::draws::Draws;
use crate::scenarios::{FINE, LATE, LATE_AT_MOST, NO_SLOWER, SLOWER, WORSE};
use crate::streams::{
    ALPHAS, Stops, cap, chance_of_at_least, failures_before_found, mean_delay, run, stopped, usual,
};

const STREAMS: u64 = 2_000;
const SLOWER_STREAMS: u64 = 500;

fn main() {
    let asked: Vec<String> = std::env::args().skip(1).filter(|name| !name.starts_with('-')).collect();
    let tables: [(&str, fn()); 8] = [
        ("basic", print_basic),
        ("failures", print_total_failure),
        ("times", times::print),
        ("allocation", allocation::print),
        ("means", mean_tables::print),
        ("past", past::print),
        ("comparisons", comparisons::print),
        ("fresh", fresh::print),
    ];
    let wanted = |name: &str| asked.is_empty() || asked.iter().any(|asked| asked == name);
    tables.iter().filter(|(name, _)| wanted(name)).for_each(|(_, print)| print());
}

fn print_basic() {
    println!("## False alarms: {STREAMS} streams of 20 000 requests, looked at after every 10\n");
    println!("| release | at 5 % | at 1 % | more than promised? |\n|---|---|---|---|");
    FINE.iter().for_each(|row| print_alarms(row.name, &run(STREAMS, |seed| row.stops(seed))));
    NO_SLOWER.iter().for_each(|row| print_alarms(row.name, &run(STREAMS, |seed| row.stops(seed))));

    println!(
        "\n## Delay: mean requests until found, as a multiple of the least possible; {STREAMS} streams, {SLOWER_STREAMS} of times\n"
    );
    println!("| release | least, at 5 % | found | at 5 % | at 1 % | allowed |\n|---|---|---|---|---|---|");
    for row in &WORSE {
        let least = row.least();
        let all = run(STREAMS, |seed| row.stops(seed, cap(least)));
        print_delay(row.name, &all, least, row.at_most);
    }
    for row in &LATE {
        let least = row.least();
        let all: Vec<Stops> =
            run(STREAMS, |seed| row.stops(seed, cap(least))).into_iter().flatten().collect();
        print_delay(row.name, &all, least, LATE_AT_MOST);
    }
    for row in &SLOWER {
        let (least, times) = (row.least(), row.times);
        let all = run(SLOWER_STREAMS, |seed| row.stops(seed, cap(least)));
        print_delay(times.name, &all, least, [row.at_most; 2]);
    }

    println!("\n## Speed: batches per second on one core\n");
    print_ratio_speed(10);
    print_ratio_speed(1_000);
    print_quantile_speed(10);
    print_quantile_speed(1_000);
}

fn print_total_failure() {
    println!(
        "\n## A candidate that always fails: its requests until found at 1 %, {STREAMS} streams, 30 allowed\n"
    );
    println!("| release | mean | most | within 30 |\n|---|---|---|---|");
    for w in [0.01, 0.05, 0.2, 0.5] {
        for quiet in [0, 1_000, 20_000] {
            let all = run(STREAMS, |seed| failures_before_found(w, quiet, seed));
            let mean = all.iter().sum::<u64>() as f64 / all.len() as f64;
            let most = all.iter().max().copied().unwrap_or_default();
            let within = all.iter().filter(|count| **count <= 30).count() as f64 / all.len() as f64;
            println!(
                "| w {:.0} %, after {quiet} quiet requests | {mean:.1} | {most} | {:.2} % |",
                100.0 * w,
                100.0 * within
            );
        }
    }
}

fn print_head_of_alarms(name: &str) {
    println!("\n## {name}; false alarms in streams of 20 000\n");
    println!("| release | at 5 % | at 1 % | more than promised? |\n|---|---|---|---|");
}

fn print_head_of_delays(name: &str) {
    println!("\n## {name}; delay as a multiple of the least possible\n");
    println!("| release | least, at 5 % | found | at 5 % | at 1 % | allowed |\n|---|---|---|---|---|---|");
}

fn print_alarms(name: &str, all: &[Stops]) {
    let streams = all.len() as u64;
    let counts = stopped(all);
    let too_many = (0..2).any(|level| chance_of_at_least(counts[level], streams, ALPHAS[level]) < 0.001);
    let [at_5, at_1] = counts.map(|count| count as f64 / streams as f64 * 100.0);
    println!("| {name} | {at_5:.2} % | {at_1:.2} % | {} |", if too_many { "YES" } else { "no" });
}

fn print_delay(name: &str, all: &[Stops], least: [f64; 2], at_most: [f64; 2]) {
    let mean = mean_delay(all, cap(least));
    let found = stopped(all)[1] as f64 / all.len() as f64 * 100.0;
    println!("| {name} | {:.0} | {found:.1} % | {} | {at_most:?} |", least[0], multiples(mean, least));
}

/// Two columns: mean delays in multiples of the least possible, at both levels.
fn multiples(mean: [f64; 2], least: [f64; 2]) -> String {
    format!("{:.2} | {:.2}", mean[0] / least[0], mean[1] / least[1])
}

fn print_ratio_speed(requests: u64) {
    let (mut test, batches, start) =
        (RatioTest::new(Margin::Relative(0.1)), 2_000_000 / requests, Instant::now());
    test.restart();
    let (stable, candidate) = (Trials::new(requests * 9 / 10, requests / 100), Trials::new(requests / 10, 0));
    for _ in 0..batches {
        test.update(black_box(stable), black_box(candidate));
    }
    print_speed(&format!("failures, {requests} requests a batch"), batches, start);
    black_box(test.log_e());
}

fn print_quantile_speed(requests: u64) {
    let (mut test, mut draws, batches) = (QuantileTest::new(0.95, 0.1), Draws::new(1), 200_000 / requests);
    test.restart();
    let mut batch = Arms::<Histogram>::default();
    for _ in 0..requests {
        let arm = if draws.happens(0.1) { &mut batch.candidate } else { &mut batch.stable };
        arm.record((usual(draws.normal()) * 1000.0) as u64);
    }
    let start = Instant::now();
    for _ in 0..batches {
        test.update(black_box(&batch.stable), black_box(&batch.candidate));
    }
    print_speed(&format!("times, {requests} requests a batch"), batches, start);
    black_box(test.log_e());
}

fn print_speed(name: &str, batches: u64, start: Instant) {
    println!("{name}: {:.0}", batches as f64 / start.elapsed().as_secs_f64());
}
