//! Seeds: the engine and core whole, in a world where everything goes wrong that can.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use sluice_core::release::step;
use sluice_sim::simulation::{Failed, Told, run};

/// A number from the environment.
fn given(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

/// Simulates these seeds on every core. Gives the failures, lowest seed first.
fn run_all(seeds: std::ops::Range<u64>) -> (Vec<Told>, Vec<Failed>) {
    let next = AtomicU64::new(seeds.start);
    let outcomes = Mutex::new((Vec::new(), Vec::new()));
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        return;
                    }
                    let outcome = run(seed, step);
                    let mut outcomes = outcomes.lock().unwrap_or_else(PoisonError::into_inner);
                    match outcome {
                        Ok(told) => outcomes.0.push(told),
                        Err(failed) => outcomes.1.push(*failed),
                    }
                }
            });
        }
    });
    let (told, mut failed) = outcomes.into_inner().unwrap_or_else(PoisonError::into_inner);
    failed.sort_by_key(|failed: &Failed| failed.seed);
    (told, failed)
}

#[test]
fn whatever_goes_wrong_nobody_is_hurt_and_every_release_ends() {
    let seeds = match given("SLUICE_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..given("SLUICE_SEEDS").unwrap_or(200),
    };
    let (told, failed) = run_all(seeds);
    for failed in &failed {
        println!("seed {}: {}", failed.seed, failed.what);
    }
    let mut ends = std::collections::BTreeMap::new();
    for (_, phase) in told.iter().flat_map(|told| &told.ends) {
        *ends.entry(format!("{phase:?}")).or_insert(0) += 1;
    }
    let kills: u64 = told.iter().map(|told| told.kills).sum();
    println!("{} seeds, {kills} kills, releases that ended as {ends:?}", told.len());
    if let Some(Failed { seed, what, story }) = failed.first() {
        panic!("{}\n\nseed {seed}: {what}\nshow it again with SLUICE_SEED={seed}", story.join("\n"));
    }
}
