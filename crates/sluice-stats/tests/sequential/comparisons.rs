//! Tests of counts, of a kept margin and of both directions, and intervals keep what they promise.

use proptest::prelude::*;
use sluice_stats::interval::{RateInterval, RatioInterval};
use sluice_stats::ratio::KeptTest;
use sluice_stats::{Events, Margin, RateTest, Sequential, Trials, TwoSided, rate};

use crate::delays::assert_soon;
use crate::false_alarms::is_kept;
use crate::shares::{BUNCHES, COVERED, EDGE, KEPT, two_sided, two_sided_stops, wrong, wrong_of_counts};
use crate::streams::{Now, Stops, cap, run, stopped};
use crate::ticks::{FINE, Ticks, WORSE};

#[test]
fn counts_of_a_fine_candidate_are_rarely_stopped_even_in_bursts() {
    for row in FINE {
        let row = Ticks { ticks: row.ticks / 2, ..row };
        let all = run(200, |seed| row.stops(seed));
        assert!(is_kept(&all), "{}: {:?} of 200 stopped", row.name, stopped(&all));
    }
}

#[test]
fn counts_of_a_worse_candidate_are_found_soon() {
    for (row, must, _) in WORSE {
        let least = row.least();
        let row = Ticks { ticks: cap(least).max(60), ..row };
        let all = run(150, |seed| row.stops(seed));
        let at_1 = if must < 1.7 {
            1.5
        } else if must < 1.9 {
            1.6
        } else {
            1.8
        };
        assert_soon(row.name, &all, least, [must, at_1]);
    }
}

#[test]
fn failures_in_bunches_do_not_mislead_a_test_that_counts_visitors() {
    for row in BUNCHES {
        let all = run(200, |seed| row.stops(true, 10_000, seed));
        assert!(is_kept(&all), "{}: {:?} of 200 stopped", row.name, stopped(&all));
    }
    assert!(
        !is_kept(&run(200, |seed| BUNCHES[7].stops(false, 10_000, seed))),
        "requests do not tell more than visitors"
    );
}

#[test]
fn a_candidate_at_the_edge_rarely_passes() {
    for row in EDGE {
        let all = run(300, |seed| row.stops(10_000, seed));
        assert!(is_kept(&all), "{}: {:?} of 300 passed", row.name, stopped(&all));
    }
}

#[test]
fn counts_at_the_edge_rarely_pass_and_equal_ones_do() {
    let (even, _, _) = WORSE[5];
    let edge = Ticks { margin: 0.5, ticks: 1_000, ..even };
    let all = run(300, |seed| edge.kept_stops(seed));
    assert!(is_kept(&all), "{:?} of 300 passed", stopped(&all));
    let same = Ticks { ratio: 1.0, ..edge };
    assert_eq!(stopped(&run(50, |seed| same.kept_stops(seed))), [50, 50]);
}

#[test]
fn a_candidate_as_good_as_stable_is_proved_so_within_twice_the_least() {
    for row in KEPT.iter().filter(|row| row.least < 15_000.0) {
        let least = row.leasts();
        assert_soon(row.name, &run(60, |seed| row.stops(cap(least), seed)), least, [2.0, 1.8]);
    }
}

#[test]
fn a_test_of_both_directions_rarely_stops_equals_and_finds_either() {
    let same = Now { step: 0, w: 0.5, stable: 0.02, candidate: 0.02 };
    assert!(is_kept(&run(300, |seed| two_sided_stops(same, 10_000, seed))));
    for candidate in [0.04, 0.01] {
        let all = run(20, |seed| two_sided_stops(Now { candidate, ..same }, 40_000, seed));
        assert_eq!(stopped(&all), [20, 20], "at {candidate}");
    }
}

#[test]
fn intervals_hold_the_truth_at_every_moment() {
    for row in COVERED {
        let all = run(200, |seed| wrong(row, 10_000, seed));
        for (what, part) in [("ratio", 0), ("difference", 1)] {
            let stops: Vec<Stops> = all.iter().map(|stops| stops[part]).collect();
            assert!(is_kept(&stops), "{}: {what} wrong in {:?} of 200", row.0, stopped(&stops));
        }
    }
    for (row, _, _) in WORSE {
        let row = Ticks { ticks: 300, ..row };
        let all = run(200, |seed| wrong_of_counts(&row, seed));
        assert!(is_kept(&all), "{}: wrong in {:?} of 200", row.name, stopped(&all));
    }
}

fn events() -> impl Strategy<Value = Events> {
    let events = prop_oneof![Just(0), 0..5_u64, 0..2_000_u64, 0..1_000_000_000_u64, Just(u64::MAX)];
    let exposure = prop_oneof![3 => 0.001..100.0_f64, 1 => any::<f64>(), 1 => Just(0.0)];
    (events, exposure).prop_map(|(events, exposure)| Events { events, exposure })
}

proptest! {
    #[test]
    fn no_counts_yield_nonsense(
        margin in prop_oneof![0.0..2.0_f64, any::<f64>()], data in prop::collection::vec((events(), events()), 0..40),
    ) {
        let (mut test, mut kept) = (RateTest::new(margin), rate::KeptTest::new(margin));
        let mut both = TwoSided::new(RateTest::new(margin), RateTest::new(margin));
        let mut interval = RateInterval::new(0.05);
        for (number, (stable, candidate)) in data.iter().enumerate() {
            test.update(*stable, *candidate);
            kept.update(*stable, *candidate);
            both.update(stable, candidate);
            interval.update(*stable, *candidate);
            if number % 7 == 3 {
                test.restart();
                kept.restart();
                let read: RateTest = serde_json::from_str(&serde_json::to_string(&test).unwrap()).unwrap();
                prop_assert_eq!(&read, &test);
            }
            for ln in [test.log_e(), kept.log_e(), both.log_e()] {
                prop_assert!(ln.is_finite(), "{:?}", test);
            }
            if let Some(ratio) = interval.ratio() {
                prop_assert!(ratio.low <= ratio.estimate && ratio.estimate <= ratio.high, "{:?}", ratio);
            }
            test.needed(0.01, 2.0);
        }
    }

    #[test]
    fn no_shares_yield_nonsense(
        margin in 0.0..1.0_f64, relative: bool,
        data in prop::collection::vec(((0..200_000_u64, 0..1_000_u64), (0..200_000_u64, 0..1_000_u64)), 0..40),
    ) {
        let margin = if relative { Margin::Relative(margin) } else { Margin::Absolute(margin) };
        let (mut kept, mut both, mut interval) =
            (KeptTest::new(margin), two_sided(margin), RatioInterval::new(0.05));
        for ((n, k), (m, l)) in data {
            let (stable, candidate) = (Trials { n, k }, Trials { n: m, k: l });
            kept.update(stable, candidate);
            both.update(&stable, &candidate);
            interval.update(stable, candidate);
            prop_assert!(kept.log_e().is_finite() && both.log_e().is_finite(), "{:?}", kept);
            for interval in interval.ratio().into_iter().chain(interval.difference()) {
                prop_assert!(interval.low <= interval.estimate && interval.estimate <= interval.high, "{:?}", interval);
            }
        }
    }
}

#[test]
fn no_errors_and_nothing_but_errors_are_no_proof_of_a_difference() {
    for k in [0, 10] {
        let (mut both, mut interval) = (two_sided(Margin::Relative(0.0)), RatioInterval::new(0.05));
        for _ in 0..10_000 {
            both.update(&Trials::new(10, k), &Trials::new(10, k));
            interval.update(Trials::new(10, k), Trials::new(10, k));
        }
        assert_eq!(both.p_value(), 1.0);
        assert!(interval.difference().is_some_and(|found| found.low <= 0.0 && found.high >= 0.0));
    }
}
