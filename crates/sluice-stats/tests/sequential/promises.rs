//! What is promised of allocations, of times that clump or keep a margin, of means and of a service's past.

use sluice_stats::{AllocationTest, Arms, Histogram, MeanTest, QuantileTest, Trials, Worse};

use crate::allocations::{AS_ASKED, MISMATCHED};
use crate::clumps::CLUMPS;
use crate::delays::assert_soon;
use crate::draws::Draws;
use crate::false_alarms::is_kept;
use crate::kept_times::{KEPT, KEPT_AT_MOST, NOT_KEPT};
use crate::means::{AS_GOOD, SPEND_LESS};
use crate::pasts::{AS_BEFORE, HURT};
use crate::scenarios::{NO_SLOWER, SLOWER_ANYWHERE};
use crate::streams::{Times, cap, mean_delay, run, stopped};

#[test]
fn visitors_who_are_assigned_as_asked_for_rarely_alarm() {
    for row in AS_ASKED {
        let all = run(300, |seed| row.stops(10_000, seed));
        assert!(is_kept(&all), "{}: {:?} of 300 stopped", row.name, stopped(&all));
    }
}

#[test]
fn visitors_who_are_assigned_otherwise_are_found_soon() {
    for row in MISMATCHED.iter().filter(|row| row.least()[0] < 5_000.0) {
        let least = row.least();
        assert_soon(row.name, &run(80, |seed| row.stops(cap(least), seed)), least, row.at_most);
    }
}

#[test]
fn intervals_of_the_odds_hold_the_truth_at_every_look() {
    // The candidate gets 7 % where 5 % are asked for, and as much more of the odds where 20 % are.
    let odds = 0.07 / 0.93 / (0.05 / 0.95);
    let misses = run(300, |seed| {
        let (mut draws, mut test) = (Draws::new(seed), AllocationTest::new());
        let mut is_missed = false;
        for look in 0..600 {
            let weight = if look < 300 { 0.05 } else { 0.2 };
            let truth = weight * odds / (weight * odds + 1.0 - weight);
            let candidate = (0..100).filter(|_| draws.happens(truth)).count() as u64;
            test.update(weight, Arms { stable: 100 - candidate, candidate });
            let found = test.odds(0.05).unwrap();
            assert!(found.low <= found.estimate && found.estimate <= found.high, "{found:?}");
            is_missed |= !(found.low..=found.high).contains(&odds);
        }
        let last = test.odds(0.05).unwrap();
        assert!(last.low > odds / 1.2 && last.high < odds * 1.2, "{last:?} around {odds}");
        is_missed
    });
    let missed = misses.iter().filter(|missed| **missed).count();
    assert!(missed <= 26, "{missed} of 300 left the interval, at a confidence of 95 %");
}

#[test]
fn a_slower_candidate_is_found_soon_by_a_test_that_was_not_told_where_to_look() {
    for row in SLOWER_ANYWHERE.iter().filter(|row| row.times.w == 0.5) {
        let least = row.least();
        let all = run(60, |seed| row.stops_anywhere(seed, cap(least)));
        assert_soon(row.times.name, &all, least, [row.at_most; 2]);
    }
}

#[test]
fn a_candidate_that_is_no_slower_is_rarely_stopped_by_a_test_that_was_not_told_where_to_look() {
    for times in NO_SLOWER.iter().filter(|times| times.quantile == 0.95) {
        let test = || QuantileTest::anywhere(times.margin);
        let all = run(120, |seed| Times { requests: 8_000, ..*times }.stops_of(test(), seed));
        assert!(is_kept(&all), "{}: {:?} of 120 stopped", times.name, stopped(&all));
    }
}

#[test]
fn requests_that_are_slow_together_rarely_alarm_a_cautious_test() {
    for row in CLUMPS {
        let all = run(150, |seed| row.stops(QuantileTest::cautious(row.quantile, 0.0), 10_000, seed));
        assert!(is_kept(&all), "{}: {:?} of 150 stopped", row.name, stopped(&all));
    }
}

/// What the check above must catch.
#[test]
fn requests_that_are_slow_together_alarm_a_test_of_independent_ones() {
    let row = CLUMPS[1];
    assert!(!is_kept(&run(50, |seed| row.stops(QuantileTest::new(row.quantile, 0.0), 10_000, seed))));
}

#[test]
fn a_candidate_that_is_slower_than_tolerated_is_rarely_said_to_keep_the_margin() {
    for row in NOT_KEPT {
        let all = run(150, |seed| row.stops(10_000, seed));
        assert!(is_kept(&all), "{}: {:?} of 150 stopped", row.times.name, stopped(&all));
    }
}

#[test]
fn a_candidate_that_is_as_fast_is_soon_said_to_keep_the_margin() {
    for row in KEPT {
        let least = row.least();
        assert_soon(row.times.name, &run(60, |seed| row.stops(cap(least), seed)), least, KEPT_AT_MOST);
    }
}

#[test]
fn a_candidate_whose_visitors_spend_as_much_is_rarely_stopped() {
    for row in AS_GOOD {
        let all = run(150, |seed| row.stops(10_000, seed));
        assert!(is_kept(&all), "{}: {:?} of 150 stopped", row.name, stopped(&all));
    }
}

#[test]
fn a_candidate_whose_visitors_spend_less_is_found_soon() {
    for row in SPEND_LESS.iter().filter(|row| row.least()[0] < 12_000.0) {
        let least = row.least();
        assert_soon(row.name, &run(40, |seed| row.stops(cap(least), seed)), least, [2.2, 2.0]);
    }
}

/// The mean that only rare and huge values make is not seen: what the documentation says.
#[test]
fn values_beyond_the_cut_off_count_as_the_cut_off() {
    let mut test = MeanTest::new(0.0, Worse::Higher);
    let mut values = Histogram::default();
    values.add(Histogram::bucket_of(1_000), 10_000);
    test.update(&values, &values);
    let cut_off = test.cut_off().unwrap();
    assert!((960.0..1_040.0).contains(&cut_off), "{cut_off}");
    let mut huge = Histogram::default();
    huge.add(Histogram::bucket_of(100_000_000), 1);
    huge.add(Histogram::bucket_of(1_000), 999);
    let before = test.log_e();
    test.update(&values, &huge);
    assert!((test.log_e() - before).abs() < 0.1, "{} after {before}", test.log_e());
}

#[test]
fn a_service_that_is_as_it_was_is_rarely_said_to_be_worse() {
    for row in AS_BEFORE {
        let all = run(150, |seed| row.stops(seed));
        assert!(is_kept(&all), "{}: {:?} of 150 stopped", row.name, stopped(&all));
    }
}

#[test]
fn a_service_that_is_hurt_is_found_within_minutes() {
    // Blocks of ten seconds.
    for (row, blocks) in HURT.iter().zip([4.0, 3.0, 75.0, 10.0, 10.0]) {
        let all = run(100, |seed| row.stops(seed));
        let found = mean_delay(&all, 360)[1];
        assert!(found < blocks, "{}: {found} blocks", row.name);
    }
}

#[test]
fn too_few_earlier_blocks_are_no_evidence_and_it_is_said_how_many_are_missing() {
    let recent = [0.01; 15];
    let mut test =
        sluice_stats::PastTest::new(sluice_stats::Margin::Relative(0.0), Worse::Higher, &recent, &[]);
    (0..100).for_each(|_| test.update(1.0));
    assert_eq!((test.missing(), test.log_e(), test.p_value()), (5, 0.0, 1.0));
    assert_eq!(sluice_stats::past::score_of_trials(Trials::default()), None);
}

/// A service that is worse than an hour ago, as it is every day at this time.
#[test]
fn a_service_that_is_as_bad_as_every_day_at_this_time_is_not_worse() {
    let score = |i: u32| 0.01 + 0.001 * f64::from(i * 7_919 % 101) / 101.0;
    let recent: Vec<f64> = (0..360).map(score).collect();
    let earlier: Vec<f64> = (0..360).map(|i| 5.0 * score(i)).collect();
    let found = |same_time: &[f64]| {
        let mut test = sluice_stats::PastTest::new(
            sluice_stats::Margin::Relative(0.1),
            Worse::Higher,
            &recent,
            same_time,
        );
        (0..60).for_each(|i| test.update(5.0 * score(i * 13)));
        (test.is_worse(0.01), test.knows_time_of_day())
    };
    assert_eq!((found(&[]), found(&earlier)), ((true, false), (false, true)));
}
