use proptest::prelude::*;
use sluice_stats::Histogram;

use crate::plain;

/// Buckets, often in bunches as the times of one service are, and counts, sometimes absurd.
pub(crate) fn counts() -> impl Strategy<Value = Vec<(u16, u64)>> {
    let bucket = prop_oneof![4 => 300..420_u16, 2 => 0..850_u16, 1 => any::<u16>()];
    let count = prop_oneof![20 => 0..50_u64, 4 => 0..1_000_000_u64, 1 => any::<u64>(), 1 => Just(u64::MAX)];
    prop::collection::vec((bucket, count), 0..60)
}

/// The same, with counts that a data plane may see in a second.
pub(crate) fn sane_counts() -> impl Strategy<Value = Vec<(u16, u64)>> {
    let bucket = prop_oneof![4 => 300..420_u16, 1 => 0..832_u16];
    let count = prop_oneof![20 => 1..5_u64, 2 => 1..300_u64, 1 => 1..200_000_u64];
    prop_oneof![1 => Just(Vec::new()), 3 => prop::collection::vec((bucket, count), 0..60)]
}

pub(crate) fn histogram(counts: &[(u16, u64)]) -> Histogram {
    let mut histogram = Histogram::default();
    counts.iter().for_each(|(bucket, count)| histogram.add(*bucket, *count));
    histogram
}

pub(crate) fn plain_histogram(counts: &[(u16, u64)]) -> plain::Histogram {
    let mut histogram = plain::Histogram::default();
    counts.iter().for_each(|(bucket, count)| histogram.add(*bucket, *count));
    histogram
}

pub(crate) fn assert_same(fast: &Histogram, plain: &plain::Histogram) -> Result<(), TestCaseError> {
    prop_assert_eq!(fast.iter().collect::<Vec<_>>(), plain.iter().collect::<Vec<_>>());
    prop_assert_eq!(fast.count(), plain.count());
    prop_assert_eq!(fast.is_empty(), plain.count() == 0);
    for q in [-1.0, 0.0, 0.01, 0.3, 0.5, 0.95, 0.99, 0.999, 1.0, 2.0, f64::NAN] {
        prop_assert_eq!(fast.quantile(q), plain.quantile(q), "p{}", q);
    }
    // A histogram is equal to one that was made of the same counts in one go: nothing is left of how it came about.
    prop_assert_eq!(fast, &histogram(&plain.iter().collect::<Vec<_>>()));
    Ok(())
}

proptest! {
    #[test]
    fn what_is_counted_merged_and_told_apart_is_the_same(a in counts(), b in counts(), c in counts()) {
        let [mut sum, second, third] = [&a, &b, &c].map(|counts| histogram(counts));
        let [mut plain_sum, plain_second, plain_third] = [&a, &b, &c].map(|counts| plain_histogram(counts));
        assert_same(&sum, &plain_sum)?;
        sum.merge(&second);
        plain_sum.merge(&plain_second);
        assert_same(&sum, &plain_sum)?;
        assert_same(&sum.since(&third), &plain_sum.since(&plain_third))?;
        assert_same(&third.since(&sum), &plain_third.since(&plain_sum))?;
        sum.merge(&third);
        plain_sum.merge(&plain_third);
        assert_same(&sum, &plain_sum)?;
    }

    #[test]
    fn what_is_taken_away_leaves_what_would_be_without_it(a in counts(), b in counts()) {
        let (rest, more) = (histogram(&a), histogram(&b));
        let mut sum = rest.clone();
        sum.merge(&more);
        let before = sum.clone();
        if sum.take_away(&more) {
            prop_assert_eq!(&sum, &rest);
        } else {
            prop_assert_eq!(before.count(), u64::MAX, "only what may have been cut off cannot be taken away");
            prop_assert_eq!(&sum, &before);
        }
    }

    #[test]
    fn what_was_never_counted_is_not_taken_away(a in sane_counts(), bucket in 0..832_u16) {
        let (mut sum, mut more) = (histogram(&a), histogram(&a));
        more.add(bucket, 1);
        prop_assert!(!sum.take_away(&more));
        prop_assert_eq!(sum, histogram(&a));
    }

    #[test]
    fn a_copy_keeps_what_it_was_copied_from(a in counts(), b in counts()) {
        let (first, mut second) = (histogram(&a), histogram(&a));
        let copy = second.clone();
        second.merge(&histogram(&b));
        second.add(5, 7);
        prop_assert_eq!(&copy, &first);
    }

    #[test]
    fn a_stored_histogram_is_a_map_of_what_it_counts_and_reads_back(a in counts()) {
        let histogram = histogram(&a);
        let stored = serde_json::to_string(&histogram).unwrap();
        let map: std::collections::BTreeMap<u16, u64> = serde_json::from_str(&stored).unwrap();
        prop_assert_eq!(map.into_iter().collect::<Vec<_>>(), histogram.iter().collect::<Vec<_>>());
        prop_assert_eq!(serde_json::from_str::<Histogram>(&stored).unwrap(), histogram);
    }
}
