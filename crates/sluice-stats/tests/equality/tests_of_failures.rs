use proptest::prelude::*;
use sluice_stats::{Margin, RatioTest, Trials};

use crate::{ALPHAS, assert_agree, assert_same_verdict, plain};

#[derive(Clone, Debug)]
enum Act {
    Update(Trials, Trials),
    Restart,
    Flush,
}

/// What is counted in a second: nothing, a few requests, thousands; few failures or many.
fn trials() -> impl Strategy<Value = Trials> {
    let n = prop_oneof![2 => Just(0), 6 => 0..30_u64, 3 => 0..1_500_u64, 1 => 0..10_000_000_u64];
    let rate = prop_oneof![4 => Just(0.0), 6 => 0.0..0.05_f64, 1 => 0.0..=1.0_f64];
    (n, rate).prop_map(|(n, rate)| Trials::new(n, (n as f64 * rate).round() as u64))
}

fn acts(longest: usize) -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        2 => Just(Act::Update(Trials::default(), Trials::default())),
        30 => (trials(), trials()).prop_map(|(stable, candidate)| Act::Update(stable, candidate)),
        1 => Just(Act::Restart),
        1 => Just(Act::Flush),
    ];
    prop::collection::vec(act, 0..longest)
}

fn margins() -> impl Strategy<Value = Margin> {
    prop_oneof![
        3 => Just(Margin::Absolute(0.005)),
        1 => Just(Margin::Absolute(0.0)),
        2 => (0.0..0.9_f64).prop_map(Margin::Absolute),
        1 => Just(Margin::Relative(0.0)),
        2 => (0.0..5.0_f64).prop_map(Margin::Relative),
    ]
}

fn assert_same(fast: &RatioTest, plain: &plain::RatioTest) -> Result<(), TestCaseError> {
    prop_assert_eq!(fast.totals(), plain.totals());
    let requests = fast.totals().stable.n.saturating_add(fast.totals().candidate.n);
    assert_agree(fast.log_e(), plain.log_e(), requests)?;
    assert_agree(fast.p_value(), plain.p_value(), requests)?;
    for alpha in ALPHAS {
        let verdicts = [fast.is_worse(alpha), plain.is_worse(alpha)];
        assert_same_verdict(verdicts, plain.log_e(), alpha, requests)?;
    }
    Ok(())
}

fn assert_same_all_along(margin: Margin, acts: &[Act]) -> Result<(), TestCaseError> {
    let (mut fast, mut plain) = (RatioTest::new(margin), plain::RatioTest::halving(margin, 100));
    for act in acts {
        match act {
            Act::Update(stable, candidate) => {
                fast.update(*stable, *candidate);
                plain.update(*stable, *candidate);
            }
            Act::Restart => {
                fast.restart();
                plain.restart();
            }
            Act::Flush => {
                fast.flush();
                plain.flush();
            }
        }
        assert_same(&fast, &plain)?;
    }
    Ok(())
}

proptest! {
    #[test]
    fn a_test_of_failures_says_the_same_after_every_batch(margin in margins(), acts in acts(80)) {
        assert_same_all_along(margin, &acts)?;
    }

    #[test]
    fn a_second_without_requests_changes_nothing(margin in margins(), acts in acts(20), odd in 0..5_u64) {
        let mut test = RatioTest::new(margin);
        for act in &acts {
            if let Act::Update(stable, candidate) = act {
                test.update(*stable, *candidate);
            }
            let before = test.clone();
            test.update(Trials { n: 0, k: odd }, Trials::default());
            prop_assert_eq!(&test, &before);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3))]

    #[test]
    fn a_test_of_failures_says_the_same_over_an_hour(margin in margins(), acts in acts(4_000)) {
        assert_same_all_along(margin, &acts)?;
    }
}
