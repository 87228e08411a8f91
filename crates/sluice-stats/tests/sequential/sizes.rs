//! However much is seen and however it spreads, what is kept does not grow.

use sluice_stats::{Histogram, Margin, QuantileTest, RatioTest, Trials, Window};

use crate::draws::Draws;

/// The most bytes that a histogram can take when stored: each of its 832 buckets with a count of seven digits.
const HISTOGRAM_MAX: usize = Histogram::BUCKETS * "\"831\":9999999,".len();

/// A million durations, from a microsecond to beyond the longest that has a bucket of its own, in a thousand batches.
fn spread() -> impl Iterator<Item = Histogram> {
    let mut draws = Draws::new(3);
    (0..1_000).map(move |_| {
        let mut batch = Histogram::default();
        (0..1_000).for_each(|_| batch.record((draws.uniform() * 31.0).exp2() as u64));
        batch
    })
}

fn stored<T: serde::Serialize>(value: &T) -> usize {
    serde_json::to_string(value).expect("it can be written").len()
}

#[test]
fn a_million_spread_durations_take_no_more_than_a_count_for_each_bucket() {
    let mut all = Histogram::default();
    spread().for_each(|batch| all.merge(&batch));
    assert_eq!(all.count(), 1_000_000);
    assert!(all.iter().count() > 800, "they are spread");
    assert!(stored(&all) <= HISTOGRAM_MAX, "{}", stored(&all));
}

#[test]
fn a_test_of_times_keeps_one_histogram_of_the_past_and_two_that_wait() {
    let mut test = QuantileTest::new(0.95, 0.2);
    let mut most = 0;
    for (i, batch) in spread().enumerate() {
        if i % 100 == 0 {
            test.restart();
        }
        // Now and then one version has no requests, so that something waits.
        let (some, none) = (&batch, &Histogram::default());
        test.update(if i % 7 == 0 { none } else { some }, if i % 5 == 0 { none } else { some });
        most = most.max(stored(&test));
    }
    assert!(most <= 3 * HISTOGRAM_MAX + 2_000, "{most}");
}

#[test]
fn a_test_of_failures_takes_two_kilobytes_whatever_it_sees() {
    let mut test = RatioTest::new(Margin::Absolute(0.005));
    for i in 0..1_000_000_u64 {
        if i % 100_000 == 0 {
            test.restart();
        }
        test.update(Trials::new(i % 1_000, i % 7), Trials::new(i % 50, i % 3));
    }
    assert!(stored(&test) <= 2_500, "{}", stored(&test));
}

#[test]
fn a_window_keeps_a_histogram_for_each_slot() {
    let mut window = Window::<Histogram>::new(60_000, 12);
    for (second, batch) in spread().enumerate() {
        window.add(second as i64 * 1_000, &batch);
        assert!(window.total(second as i64 * 1_000).count() <= 60_000);
    }
    assert!(stored(&window) <= 12 * HISTOGRAM_MAX + 200, "{}", stored(&window));
}
