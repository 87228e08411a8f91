use proptest::prelude::*;
use sluice_stats::{Histogram, QuantileTest};

use crate::counts::{counts, histogram, plain_histogram, sane_counts};
use crate::{ALPHAS, assert_agree, assert_same_verdict, plain};

type Counts = Vec<(u16, u64)>;

#[derive(Clone, Debug)]
enum Act {
    Update(Counts, Counts),
    Restart,
    Flush,
}

fn acts(
    counts: impl Strategy<Value = Counts> + Clone + 'static,
    longest: usize,
) -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        2 => Just(Act::Update(Vec::new(), Vec::new())),
        30 => (counts.clone(), counts).prop_map(|(stable, candidate)| Act::Update(stable, candidate)),
        1 => Just(Act::Restart),
        1 => Just(Act::Flush),
    ];
    prop::collection::vec(act, 0..longest)
}

fn quantiles() -> impl Strategy<Value = f64> {
    prop_oneof![Just(0.95), Just(0.5), 0.01..0.999_f64]
}

fn margins() -> impl Strategy<Value = f64> {
    prop_oneof![Just(0.2), Just(0.0), 0.0..3.0_f64]
}

fn assert_same(fast: &QuantileTest, plain: &plain::QuantileTest) -> Result<(), TestCaseError> {
    prop_assert_eq!(fast.totals(), plain.totals());
    let requests = fast.totals().stable.saturating_add(fast.totals().candidate);
    assert_agree(fast.log_e(), plain.log_e(), requests)?;
    assert_agree(fast.p_value(), plain.p_value(), requests)?;
    for alpha in ALPHAS {
        let verdicts = [fast.is_worse(alpha), plain.is_worse(alpha)];
        assert_same_verdict(verdicts, plain.log_e(), alpha, requests)?;
    }
    Ok(())
}

fn assert_same_all_along(quantile: f64, margin: f64, acts: &[Act]) -> Result<(), TestCaseError> {
    let mut fast = QuantileTest::new(quantile, margin);
    let mut plain = plain::QuantileTest::new(quantile, margin);
    for act in acts {
        match act {
            Act::Update(stable, candidate) => {
                fast.update(&histogram(stable), &histogram(candidate));
                plain.update(&plain_histogram(stable), &plain_histogram(candidate));
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
    fn a_test_of_times_says_the_same_after_every_batch(
        quantile in quantiles(), margin in margins(), acts in acts(sane_counts().boxed(), 60),
    ) {
        assert_same_all_along(quantile, margin, &acts)?;
    }

    #[test]
    fn a_test_of_times_says_the_same_of_absurd_counts(
        quantile in quantiles(), margin in margins(), acts in acts(counts().boxed(), 20),
    ) {
        assert_same_all_along(quantile, margin, &acts)?;
    }

    #[test]
    fn a_second_without_requests_changes_nothing(
        quantile in quantiles(), margin in margins(), acts in acts(sane_counts().boxed(), 20),
    ) {
        let mut test = QuantileTest::new(quantile, margin);
        for act in &acts {
            if let Act::Update(stable, candidate) = act {
                test.update(&histogram(stable), &histogram(candidate));
            }
            let before = test.clone();
            test.update(&Histogram::default(), &Histogram::default());
            prop_assert_eq!(&test, &before);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3))]

    #[test]
    fn a_test_of_times_says_the_same_over_half_an_hour(
        quantile in quantiles(), margin in margins(), acts in acts(sane_counts().boxed(), 2_000),
    ) {
        assert_same_all_along(quantile, margin, &acts)?;
    }
}
