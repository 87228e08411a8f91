//! Whatever is fed in, the numbers stay numbers, and a stored test goes on as if it had not been stored.

use proptest::prelude::*;
use sluice_stats::{Arms, Histogram, Margin, Merge, QuantileTest, RatioTest, Trials};

fn counts() -> impl Strategy<Value = u64> {
    prop_oneof![Just(0), 0..5_u64, 0..2_000_u64, 0..1_000_000_000_u64, Just(u64::MAX)]
}

/// May hold more failures than tries.
fn trials() -> impl Strategy<Value = Trials> {
    prop_oneof![
        (counts(), counts()).prop_map(|(n, k)| Trials { n, k }),
        counts().prop_map(|n| Trials { n, k: 0 }),
        counts().prop_map(|n| Trials { n, k: n }),
    ]
}

fn margins() -> impl Strategy<Value = f64> {
    prop_oneof![0.0..2.0_f64, any::<f64>()]
}

#[derive(Clone, Debug)]
enum Act<T> {
    Update(T, T),
    Restart,
    Flush,
}

fn acts<T: Clone + std::fmt::Debug + 'static>(
    data: impl Strategy<Value = T> + Clone + 'static,
) -> impl Strategy<Value = Vec<Act<T>>> {
    let act = prop_oneof![
        8 => (data.clone(), data).prop_map(|(stable, candidate)| Act::Update(stable, candidate)),
        1 => Just(Act::Restart),
        1 => Just(Act::Flush),
    ];
    prop::collection::vec(act, 0..60)
}

fn histograms() -> impl Strategy<Value = Histogram> + Clone {
    let count = prop_oneof![8 => 0..2_000_000_000_u64, 1 => any::<u64>(), 1 => Just(u64::MAX)];
    prop::collection::vec((any::<u16>(), count), 0..20).prop_map(|held| {
        let mut histogram = Histogram::default();
        held.iter().for_each(|(bucket, count)| histogram.add(*bucket, *count));
        histogram
    })
}

proptest! {
    #[test]
    fn a_ratio_test_never_yields_nonsense(
        margin in margins(), relative: bool, acts in acts(trials().boxed()), stored_at in 0..60_usize,
    ) {
        let margin = if relative { Margin::Relative(margin) } else { Margin::Absolute(margin) };
        let (mut test, mut seen, mut p_value) = (RatioTest::new(margin), Arms::<Trials>::default(), 1.0);
        for (number, act) in acts.iter().enumerate() {
            match act {
                Act::Update(stable, candidate) => {
                    test.update(*stable, *candidate);
                    seen.merge(&Arms { stable: *stable, candidate: *candidate });
                }
                Act::Restart => test.restart(),
                Act::Flush => test.flush(),
            }
            if number == stored_at {
                let stored = serde_json::to_string(&test).unwrap();
                let read: RatioTest = serde_json::from_str(&stored).unwrap();
                prop_assert_eq!(&read, &test);
                test = read;
            }
            prop_assert!(test.log_e().is_finite(), "{:?}", test);
            prop_assert!((0.0..=p_value).contains(&test.p_value()));
            p_value = test.p_value();
            prop_assert_eq!(test.is_worse(0.01), test.log_e() >= 100_f64.ln());
            prop_assert!(!test.is_worse(0.0) && !test.is_worse(f64::NAN));
            prop_assert!(test.needed(0.01, 0.5).is_none() && test.needed(f64::NAN, 2.0).is_none());
            test.needed(0.01, 2.0);
        }
        prop_assert_eq!(test.totals(), seen);
    }

    #[test]
    fn a_quantile_test_never_yields_nonsense(
        quantile: f64, margin in margins(), acts in acts(histograms().boxed()), stored_at in 0..60_usize,
    ) {
        let mut test = QuantileTest::new(quantile, margin);
        for (number, act) in acts.iter().enumerate() {
            match act {
                Act::Update(stable, candidate) => test.update(stable, candidate),
                Act::Restart => test.restart(),
                Act::Flush => test.flush(),
            }
            if number == stored_at {
                let stored = serde_json::to_string(&test).unwrap();
                let read: QuantileTest = serde_json::from_str(&stored).unwrap();
                prop_assert_eq!(&read, &test);
                test = read;
            }
            prop_assert!(test.log_e().is_finite(), "{:?}", test);
            prop_assert!((0.0..=1.0).contains(&test.p_value()));
            test.needed(0.01, 2.0);
        }
    }
}

#[test]
fn more_failures_than_tries_count_as_all_failed() {
    let (mut odd, mut all) = (RatioTest::new(Margin::Absolute(0.01)), RatioTest::new(Margin::Absolute(0.01)));
    odd.update(Trials { n: 50, k: 1 }, Trials { n: 50, k: 60 });
    all.update(Trials { n: 50, k: 1 }, Trials { n: 50, k: 50 });
    assert_eq!(odd, all);
}

#[test]
fn how_many_more_are_needed_falls_to_none_as_they_come_in() {
    let mut test = RatioTest::new(Margin::Relative(0.0));
    test.update(Trials::new(1_000, 10), Trials::new(1_000, 10));
    // The least for 1 → 2 % at a weight of 50 % and 5 % is 3 475 requests; 1.3 times half of that is 2 259.
    let mut last = test.needed(0.05, 2.0).unwrap();
    assert!((1_100..1_350).contains(&last), "{last}");
    for _ in 0..20 {
        test.update(Trials::new(100, 1), Trials::new(100, 1));
        let needed = test.needed(0.05, 2.0).unwrap();
        assert!(needed <= last, "{needed} after {last}");
        last = needed;
    }
    assert_eq!(last, 0);
}
