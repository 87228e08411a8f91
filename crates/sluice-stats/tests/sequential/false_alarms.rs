//! A candidate within the margin is stopped at most as often as promised, however often one looks.

use sluice_stats::{Arms, Histogram, Margin, Merge, QuantileTest, RatioTest, Trials};

use crate::draws::Draws;
use crate::scenarios::{FINE, NO_SLOWER};
use crate::streams::{ALPHAS, Now, Rates, Stops, Times, chance_of_at_least, run, stopped, ten_requests};

/// Fails when so many false alarms would happen in fewer than one in 1000 runs if the promise were kept.
pub(crate) fn is_kept(all: &[Stops]) -> bool {
    let (streams, counts) = (all.len() as u64, stopped(all));
    (0..2).all(|level| chance_of_at_least(counts[level], streams, ALPHAS[level]) > 0.001)
}

#[test]
fn a_candidate_that_fails_no_more_than_tolerated_is_rarely_stopped() {
    for rates in FINE {
        let all = run(300, |seed| Rates { requests: 10_000, ..rates }.stops(seed));
        assert!(is_kept(&all), "{}: {:?} of 300 stopped", rates.name, stopped(&all));
    }
}

#[test]
fn a_candidate_that_is_no_slower_than_tolerated_is_rarely_stopped() {
    for times in NO_SLOWER {
        let all = run(120, |seed| Times { requests: 8_000, ..times }.stops(seed));
        assert!(is_kept(&all), "{}: {:?} of 120 stopped", times.name, stopped(&all));
    }
}

/// A test for one look, looked at all the time: what the check above must catch.
fn peeked_z_stops(seed: u64) -> Stops {
    let (mut draws, mut seen, mut stops) = (Draws::new(seed), Arms::<Trials>::default(), Stops::default());
    for look in 1..=2_000 {
        seen.merge(&ten_requests(&mut draws, Now { step: 0, w: 0.5, stable: 0.05, candidate: 0.05 }));
        let (stable, candidate) = (seen.stable, seen.candidate);
        let pooled = (stable.k + candidate.k) as f64 / (stable.n + candidate.n) as f64;
        let variance = pooled * (1.0 - pooled) * (1.0 / stable.n as f64 + 1.0 / candidate.n as f64);
        let difference = candidate.rate().unwrap_or(0.0) - stable.rate().unwrap_or(0.0);
        for (stop, quantile) in stops.iter_mut().zip([1.645, 2.326]) {
            if stop.is_none() && look > 10 && difference > quantile * variance.sqrt() {
                *stop = Some(look * 10);
            }
        }
    }
    stops
}

#[test]
fn the_check_catches_a_test_that_must_not_be_looked_at_often() {
    assert!(!is_kept(&run(200, peeked_z_stops)));
}

#[test]
fn one_version_alone_is_no_evidence() {
    let mut test = RatioTest::new(Margin::Relative(0.0));
    let mut times = QuantileTest::new(0.95, 0.0);
    let mut slow = Histogram::default();
    slow.add(700, 1_000);
    for _ in 0..100 {
        test.update(Trials::default(), Trials::new(1_000, 900));
        times.update(&Histogram::default(), &slow);
    }
    assert_eq!((test.p_value(), times.p_value()), (1.0, 1.0));
    assert_eq!(test.needed(0.01, 2.0), None);
}

/// While the candidate had no traffic, stable was fine; when traffic comes back, both fail. What stable did alone
/// must not be held against the candidate, neither when traffic comes in crumbs nor by the thousands.
#[test]
fn what_stable_did_alone_is_not_compared_with_the_candidate_later() {
    for batch in [10, 100_000] {
        let mut test = RatioTest::new(Margin::Relative(0.0));
        for _ in 0..1_000 {
            test.update(Trials::new(95, 0), Trials::new(5, 0));
        }
        for _ in 0..10_000 {
            test.update(Trials::new(batch, 0), Trials::default());
        }
        for _ in 0..1_000 {
            test.update(Trials::new(batch / 2, batch / 10), Trials::new(batch / 2, batch / 10));
        }
        assert!(test.p_value() > 0.2, "p {} with batches of {batch}", test.p_value());
    }
}
