//! Whatever is fed into the tests of allocations, margins of times, means and the past, numbers stay numbers, states stay
//! small, and a stored test goes on as if it had not been stored.

use proptest::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sluice_stats::quantile::KeptTest;
use sluice_stats::{AllocationTest, Arms, Histogram, Margin, MeanTest, PastTest, QuantileTest, Worse, bands};

use crate::draws::Draws;

fn counts() -> impl Strategy<Value = u64> {
    prop_oneof![Just(0), 0..5_u64, 0..2_000_u64, 0..1_000_000_000_u64, Just(u64::MAX)]
}

fn histograms() -> impl Strategy<Value = Histogram> + Clone {
    let count = prop_oneof![8 => 0..200_u64, 2 => 0..2_000_000_000_u64, 1 => Just(u64::MAX)];
    prop::collection::vec((any::<u16>(), count), 0..20).prop_map(|held| {
        let mut histogram = Histogram::default();
        held.iter().for_each(|(bucket, count)| histogram.add(*bucket, *count));
        histogram
    })
}

fn batches() -> impl Strategy<Value = Vec<(Histogram, Histogram)>> {
    prop::collection::vec((histograms(), histograms()), 0..40)
}

fn numbers() -> impl Strategy<Value = f64> {
    prop_oneof![4 => 0.0..1.0_f64, 1 => any::<f64>(), 1 => Just(0.0), 1 => Just(1.0), 1 => Just(f64::NAN)]
}

fn stored_and_read<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(test: &T) -> T {
    let stored = serde_json::to_string(test).expect("it can be written");
    let read = serde_json::from_str(&stored).expect("it can be read");
    assert_eq!(&read, test);
    read
}

fn is_sound(log_e: f64, p_value: f64) {
    assert!(log_e.is_finite() && (0.0..=1.0).contains(&p_value), "{log_e} {p_value}");
}

proptest! {
    #[test]
    fn a_test_of_the_allocation_never_yields_nonsense(
        batches in prop::collection::vec((numbers(), counts(), counts()), 0..40), alpha in numbers(),
    ) {
        let mut test = AllocationTest::new();
        for (i, (weight, stable, candidate)) in batches.into_iter().enumerate() {
            test.update(weight, Arms { stable, candidate });
            if i % 7 == 3 {
                test.restart();
                test = stored_and_read(&test);
            }
            is_sound(test.log_e(), test.p_value());
            if let Some(odds) = test.odds(alpha) {
                prop_assert!(odds.low <= odds.estimate && odds.estimate <= odds.high, "{odds:?}");
            }
            if let Some(share) = test.share(alpha, weight) {
                prop_assert!(share.low <= share.estimate && share.estimate <= share.high, "{share:?}");
            }
        }
    }

    #[test]
    fn tests_of_times_and_means_never_yield_nonsense(
        batches in batches(), quantile in numbers(), margin in numbers(), is_lower: bool,
    ) {
        let mut kept = KeptTest::new(quantile, margin);
        let mut cautious = QuantileTest::cautious(quantile, margin);
        let mut mean = MeanTest::new(margin, if is_lower { Worse::Lower } else { Worse::Higher });
        for (i, (stable, candidate)) in batches.iter().enumerate() {
            kept.update(stable, candidate);
            cautious.update(stable, candidate);
            mean.update(stable, candidate);
            if i % 7 == 3 {
                kept.restart();
                cautious.restart();
                mean.restart();
                (kept, cautious, mean) = (stored_and_read(&kept), stored_and_read(&cautious), stored_and_read(&mean));
            }
            is_sound(kept.log_e(), kept.p_value());
            is_sound(cautious.log_e(), cautious.p_value());
            is_sound(mean.log_e(), mean.p_value());
            let arms = Arms { stable: stable.clone(), candidate: candidate.clone() };
            if let Some(ratio) = bands::quantile_ratio(&arms, quantile, 0.05) {
                prop_assert!(ratio.low <= ratio.high && !ratio.estimate.is_nan(), "{ratio:?}");
            }
        }
    }

    #[test]
    fn a_test_against_the_past_never_yields_nonsense(
        recent in prop::collection::vec(numbers(), 0..60), earlier in prop::collection::vec(numbers(), 0..60),
        scores in prop::collection::vec(numbers(), 0..60), tolerance in numbers(), relative: bool, is_lower: bool,
    ) {
        let tolerance = if relative { Margin::Relative(tolerance) } else { Margin::Absolute(tolerance) };
        let worse = if is_lower { Worse::Lower } else { Worse::Higher };
        let mut test = PastTest::new(tolerance, worse, &recent, &earlier);
        for (i, score) in scores.into_iter().enumerate() {
            test.update(score);
            if i % 7 == 3 {
                test.restart();
                test = stored_and_read(&test);
            }
            is_sound(test.log_e(), test.p_value());
        }
    }
}

#[test]
fn scores_at_the_end_of_numbers_can_be_stored() {
    for (worse, tolerance) in
        [(Worse::Lower, Margin::Relative(0.9)), (Worse::Higher, Margin::Absolute(f64::MAX))]
    {
        let mut test = PastTest::new(tolerance, worse, &[f64::MAX; 30], &[f64::MIN; 30]);
        for score in [f64::MAX, f64::MIN, 0.0, f64::MAX] {
            test.update(score);
            test = stored_and_read(&test);
        }
        is_sound(test.log_e(), test.p_value());
    }
}

#[test]
fn weights_that_leave_nothing_to_chance_change_nothing() {
    let (mut test, none) = (AllocationTest::new(), AllocationTest::new());
    for weight in [0.0, 1.0, -0.5, 1.5, f64::NAN, f64::INFINITY] {
        test.update(weight, Arms { stable: 1_000, candidate: 1_000 });
    }
    test.update(0.5, Arms::default());
    assert_eq!(test, none);
    assert_eq!(test.odds(0.05), None);
}

fn size<T: Serialize>(value: &T) -> usize {
    serde_json::to_string(value).expect("it can be written").len()
}

#[test]
fn states_do_not_grow_with_what_is_seen() {
    let mut draws = Draws::new(5);
    let scores: Vec<f64> = (0..5_000).map(|_| draws.uniform()).collect();
    let mut allocation = AllocationTest::new();
    let mut past = PastTest::new(Margin::Relative(0.1), Worse::Higher, &scores, &scores);
    let mut mean = MeanTest::new(0.05, Worse::Lower);
    let mut kept = KeptTest::new(0.95, 0.2);
    let mut cautious = QuantileTest::cautious(0.95, 0.2);
    for i in 0..3_000_u64 {
        allocation.update(draws.uniform(), Arms { stable: i % 97, candidate: i % 89 });
        past.update(draws.uniform());
        let mut batch = Arms::<Histogram>::default();
        for _ in 0..200 {
            batch.stable.record((draws.uniform() * 31.0).exp2() as u64);
            batch.candidate.record((draws.uniform() * 31.0).exp2() as u64);
        }
        mean.update(&batch.stable, &batch.candidate);
        kept.update(&batch.stable, &batch.candidate);
        cautious.update(&batch.stable, &batch.candidate);
        if i % 500 == 0 {
            allocation.restart();
            past.restart();
            mean.restart();
            kept.restart();
            cautious.restart();
        }
    }
    let histogram = Histogram::BUCKETS * "\"831\":9999999,".len();
    assert!(size(&allocation) < 9_000, "{}", size(&allocation));
    assert!(size(&past) < 90_000, "{}", size(&past));
    assert!(size(&mean) < 3 * histogram + 2_000, "{}", size(&mean));
    assert!(size(&kept) < 4 * histogram + 2_000, "{}", size(&kept));
    assert!(size(&cautious) < 3 * histogram + 6_000, "{}", size(&cautious));
}
