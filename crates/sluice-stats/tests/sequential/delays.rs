//! A worse candidate is found soon, compared with the least number of requests that any test needs on average.

use crate::scenarios::{LATE, LATE_AT_MOST, SLOWER, WORSE};
use crate::streams::{Stops, cap, failures_before_found, mean_delay, run, stopped};

/// Fails when streams that on average take as long as allowed would take this long in fewer than one in 1000 runs.
pub(crate) fn assert_soon(name: &str, all: &[Stops], least: [f64; 2], at_most: [f64; 2]) {
    assert!(stopped(all)[1] * 20 >= all.len() as u64 * 19, "{name}: {:?} found", stopped(all));
    let (mean, error) = (mean_delay(all, cap(least)), error_of_delay(all, cap(least)));
    for level in 0..2 {
        let (ratio, error) = (mean[level] / least[level], error[level] / least[level]);
        let allowed = at_most[level] + 3.09 * error;
        assert!(ratio <= allowed, "{name}: {ratio:.2} ± {error:.2} times the least, allowed {allowed:.2}");
    }
}

/// The standard error of the mean delay.
fn error_of_delay(all: &[Stops], cap: u64) -> [f64; 2] {
    let (mean, count) = (mean_delay(all, cap), all.len() as f64);
    [0, 1].map(|level| {
        let squares = all.iter().map(|stops| (stops[level].unwrap_or(cap) as f64 - mean[level]).powi(2));
        (squares.sum::<f64>() / (count - 1.0) / count).sqrt()
    })
}

#[test]
fn a_candidate_that_fails_more_is_found_soon() {
    for row in &WORSE {
        let least = row.least();
        assert_soon(row.name, &run(80, |seed| row.stops(seed, cap(least))), least, row.at_most);
    }
}

#[test]
fn a_fault_that_sets_in_at_a_late_step_is_found_soon() {
    for row in LATE.iter().filter(|row| row.quiet == 100_000) {
        let least = row.least();
        let all: Vec<Stops> = run(60, |seed| row.stops(seed, cap(least))).into_iter().flatten().collect();
        assert!(all.len() >= 50, "{}: {} of 60 were stopped while quiet", row.name, 60 - all.len());
        assert_soon(row.name, &all, least, LATE_AT_MOST);
    }
}

#[test]
fn a_slower_candidate_is_found_soon() {
    for row in SLOWER.iter().filter(|row| row.times.w == 0.5) {
        let least = row.least();
        let all = run(60, |seed| row.stops(seed, cap(least)));
        assert_soon(row.times.name, &all, least, [row.at_most; 2]);
    }
}

#[test]
fn a_candidate_that_fails_always_is_found_within_30_of_its_requests() {
    for w in [0.01, 0.05, 0.2, 0.5] {
        for (quiet, streams) in [(0, 1_000), (1_000, 1_000), (20_000, 100), (200_000, 20)] {
            let most = run(streams, |seed| failures_before_found(w, quiet, seed)).into_iter().max();
            assert!(most <= Some(30), "{most:?} at weight {w} after {quiet} quiet requests");
        }
    }
}
