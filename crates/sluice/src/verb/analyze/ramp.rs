//! What a change of the weight means for the tests.
//!
//! Requests from before and after a change must not meet in one block: where rates move at the same time, the versions
//! would be compared at different moments. And a higher weight is where a fault may set in that was not there before,
//! so a part of the evidence should begin there. Both look at weights and numbers of requests alone, never at how
//! requests ended.

/// Changes of the odds by less than this factor are no change. Such a change could make a candidate look worse by as
/// much at most, and the smallest effect that is bet on, 1.1, loses on anything below 1.048.
const SAME: f64 = 1.04;
/// A step has odds that differ by this factor: 50 to 60 % is one.
const STEP: f64 = 1.4;
/// A restart costs evidence, so there are this many requests between two.
const REQUESTS_MIN: u64 = 500;

/// What is to be done before a batch is taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// The weight is what it was.
    None,
    /// What waits is to be settled.
    Settle,
    /// A part of the evidence is to begin anew too.
    Restart,
}

/// The weights so far.
#[derive(Debug, Default)]
pub(super) struct Ramp {
    /// The odds that what waits was collected at.
    odds: Option<f64>,
    /// The odds of the last restart.
    step: f64,
    requests: u64,
}

impl Ramp {
    /// Takes note of a batch of so many requests at a weight.
    pub(super) fn change(&mut self, weight: f64, requests: u64) -> Change {
        if requests == 0 {
            return Change::None;
        }
        let odds = weight / (1.0 - weight);
        let change = match self.odds {
            None => {
                self.step = odds;
                Change::None
            }
            Some(before) if is_within(odds, before, SAME) => Change::None,
            Some(_) if !is_within(odds, self.step, STEP) && self.requests >= REQUESTS_MIN => {
                (self.step, self.requests) = (odds, 0);
                Change::Restart
            }
            Some(_) => Change::Settle,
        };
        if self.odds.is_none() || change != Change::None {
            self.odds = Some(odds);
        }
        self.requests = self.requests.saturating_add(requests);
        change
    }
}

fn is_within(odds: f64, before: f64, factor: f64) -> bool {
    odds == before || (odds <= before * factor && before <= odds * factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changes(weights: &[f64], requests: u64) -> Vec<Change> {
        let mut ramp = Ramp::default();
        weights.iter().map(|weight| ramp.change(*weight, requests)).collect()
    }

    #[test]
    fn steps_restart_and_the_same_weight_does_nothing() {
        use Change::{None, Restart};
        let weights = [0.05, 0.05, 0.1, 0.1, 0.25, 0.5, 0.6, 0.7, 1.0];
        let expected = [None, None, Restart, None, Restart, Restart, Restart, Restart, Restart];
        assert_eq!(changes(&weights, 1_000), expected);
    }

    #[test]
    fn a_weight_that_flickers_settles_and_restarts_seldom() {
        let weights: Vec<f64> = (0..1_000).map(|i| if i % 2 == 0 { 0.05 } else { 0.5 }).collect();
        let changes = changes(&weights, 10);
        let restarts = changes.iter().filter(|change| **change == Change::Restart).count();
        assert!((1..=20).contains(&restarts), "{restarts}");
        assert_eq!(changes.iter().filter(|change| **change == Change::None).count(), 1);
    }

    #[test]
    fn a_slow_ramp_settles_when_it_has_moved_enough_and_empty_batches_are_no_change() {
        let weights: Vec<f64> = (0..100).map(|i| 0.05 + 0.0005 * f64::from(i)).collect();
        let settled = changes(&weights, 10).iter().filter(|change| **change != Change::None).count();
        assert!((10..=20).contains(&settled), "{settled}");
        let mut ramp = Ramp::default();
        ramp.change(0.1, 10);
        assert_eq!((ramp.change(0.9, 0), ramp.change(0.1, 10)), (Change::None, Change::None));
    }
}
