//! How fast a ramp grows: pure functions of what was seen and for how long.
//!
//! The schedule by risk follows the risk-based one of Zhao, Liu and Deb, *Safely and Quickly Deploying New Features with
//! a Staged Rollout Framework Using Sequential Test and Adaptive Experimental Design* (2019): the next share is the
//! largest at which what is expected to be lost, by the posterior of the candidate's quality, stays within a budget that
//! was agreed before. What is lost here is counted in failed requests, more than would have failed on stable. The
//! prior, the horizon and the limit to a doubling are Sluice's own.

use serde::{Deserialize, Serialize};
use sluice_stats::{Merge, Trials};

use crate::document::policy::{Percent, RiskBudget};
use crate::{Counts, Span, Weight};

/// Into how many stages an even ramp is cut at most. Each begins checks anew, which takes requests.
const STAGES_MAX: u64 = 20;

/// The smallest stage of an even ramp: a tenth of a percent of everyone.
const STAGE_MIN: u32 = 100;

/// How far ahead a ramp by risk looks, and how long it stays at a share at least. Long enough for slow answers and
/// bursts to show up, short enough that doubling comes from 1 % to everyone within four minutes.
pub const HORIZON: Span = Span::from_secs(30);

/// How many requests a ramp by risk has to see at a share before the next: as many as a comparison takes.
pub const EVIDENCE_MIN: u64 = crate::release::check::COMPARED_MIN;

/// The first share of a ramp by risk is at most this, since nothing is known of the candidate yet.
const FIRST_MAX: u32 = 1_000;

/// For how long a ramp by risk looks at how much traffic there is before it begins.
pub(super) const RATE_SPAN: Span = Span::from_secs(5);

/// What was seen in a ramp so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Risk {
    /// Requests that stable answered, and how many failed.
    pub stable: Trials,
    /// Requests that the candidate answered, and how many failed.
    pub candidate: Trials,
    /// For how long that was watched.
    pub watched: Span,
}

impl Risk {
    /// Takes in what was counted in some time.
    pub fn add(&mut self, stable: &Counts, candidate: &Counts, time: Span) {
        self.stable.merge(&Trials::new(stable.judged(), stable.failed()));
        self.candidate.merge(&Trials::new(candidate.judged(), candidate.failed()));
        self.watched = Span::from_millis(self.watched.as_millis().saturating_add(time.as_millis()));
    }

    /// The share of stable's requests that fail. None of none: then every failure is laid to the candidate.
    fn stable_rate(&self) -> f64 {
        self.stable.rate().unwrap_or(0.0)
    }

    /// How many requests to the candidate failed, more than would have on stable.
    pub fn excess(&self) -> f64 {
        (self.candidate.k as f64 - self.candidate.n as f64 * self.stable_rate()).max(0.0)
    }

    /// By how much the candidate is expected to fail more often than stable: by the mean of the posterior of its rate
    /// of failures, from a prior under which every rate is as likely, Beta(1, 1).
    fn expected_excess_rate(&self) -> f64 {
        let mean = (self.candidate.k as f64 + 1.0) / (self.candidate.n as f64 + 2.0);
        (mean - self.stable_rate()).max(0.0)
    }

    /// Requests of both versions in [`HORIZON`], at the rate that was seen.
    fn requests_ahead(&self) -> f64 {
        let requests = self.stable.n as f64 + self.candidate.n as f64;
        let seconds = self.watched.as_duration().as_secs_f64();
        if seconds > 0.0 { requests / seconds * HORIZON.as_duration().as_secs_f64() } else { 0.0 }
    }

    /// The share that a ramp by risk goes on with: the largest at which the failures so far and those expected within
    /// [`HORIZON`] stay within the budget; at most twice what it is now, at most `to`, and never less than now. The
    /// first share is at most 1 %, and at least one in 100 000, since without any request nothing could be learned.
    pub fn share(&self, budget: RiskBudget, now: Weight, to: Weight) -> Weight {
        let left = budget.failed_requests as f64 - self.excess();
        let lost_by_all = self.requests_ahead() * self.expected_excess_rate();
        let allowed = match (left > 0.0, lost_by_all > 0.0) {
            (false, _) => 0.0,
            (true, false) => 1.0,
            (true, true) => left / lost_by_all,
        };
        // Between nothing and all, so it fits.
        let allowed = (allowed.clamp(0.0, 1.0) * f64::from(Weight::PARTS)).floor() as u32;
        let limit = if now == Weight::ZERO { FIRST_MAX } else { now.parts().saturating_mul(2) };
        let least = if now == Weight::ZERO { 1 } else { now.parts() };
        let share = allowed.min(limit).max(least).min(to.parts().max(now.parts()));
        Weight::try_from(share).unwrap_or(now)
    }
}

/// The share of an even ramp after some time, in at most 20 equal stages.
pub fn even(from: Weight, to: Weight, over: Span, ramped: Span) -> Weight {
    let far = to.parts().saturating_sub(from.parts());
    let (over, ramped) = (over.as_millis(), ramped.as_millis());
    if ramped >= over || far == 0 {
        return to.max(from);
    }
    let stages = u64::from(far / STAGE_MIN).clamp(1, STAGES_MAX);
    // `ramped` is less than `over`, so the stage is less than the last.
    let stage = u64::try_from(u128::from(stages) * u128::from(ramped) / u128::from(over)).unwrap_or(0);
    let more = u64::from(far) * stage / stages;
    let share = from.parts().saturating_add(u32::try_from(more).unwrap_or(0));
    Weight::try_from(share).unwrap_or(to)
}

/// The next of the given shares; none when the last is reached.
pub fn next_of(percents: &[Percent], now: Weight) -> Option<Weight> {
    percents.iter().map(|percent| percent.0).find(|share| *share > now)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(percent: f64) -> Weight {
        Weight::from_percent(percent).unwrap()
    }

    fn counts(requests: u64, failed: u64) -> Counts {
        Counts { requests, responses: [0, requests - failed, 0, 0, failed], ..Counts::default() }
    }

    #[test]
    fn an_even_ramp_grows_in_twenty_stages_and_ends_where_it_should() {
        let hour = Span::from_secs(3600);
        let at = |minutes: u64| even(share(5.0), share(50.0), hour, Span::from_secs(minutes * 60)).percent();
        assert_eq!([at(0), at(2), at(3), at(30), at(59), at(60)], [5.0, 5.0, 7.25, 27.5, 47.75, 50.0]);
        let stages: std::collections::BTreeSet<Weight> =
            (0..3600).map(|s| even(share(5.0), share(50.0), hour, Span::from_secs(s))).collect();
        assert_eq!(stages.len(), 20);
        assert_eq!(even(share(5.0), share(5.05), hour, Span::from_secs(1800)), share(5.0));
        assert_eq!(even(share(5.0), share(50.0), Span::ZERO, Span::ZERO), share(50.0));
    }

    #[test]
    fn a_ramp_by_risk_begins_low_and_at_most_doubles() {
        let budget = RiskBudget { failed_requests: 100 };
        let mut risk = Risk::default();
        risk.add(&counts(500, 0), &counts(0, 0), Span::from_secs(5));
        let first = risk.share(budget, Weight::ZERO, share(50.0));
        assert_eq!(first, share(1.0));
        risk.add(&counts(99_000, 0), &counts(30_000, 0), Span::from_secs(1_000));
        assert_eq!(risk.share(budget, share(1.0), share(50.0)), share(2.0));
        assert_eq!(risk.share(budget, share(40.0), share(50.0)), share(50.0));
    }

    #[test]
    fn a_bad_candidate_is_shown_to_no_more_people_than_the_budget_bears() {
        let budget = RiskBudget { failed_requests: 100 };
        let mut risk = Risk::default();
        // One in ten fails at 100 requests a second, of which 1 % go to the candidate: 1 000 requests so far.
        risk.add(&counts(99_000, 0), &counts(998, 99), Span::from_secs(1_000));
        assert_eq!(risk.share(budget, share(1.0), share(50.0)), share(1.0));
        let large = RiskBudget { failed_requests: 10_000 };
        assert_eq!(risk.share(large, share(1.0), share(50.0)), share(2.0));
    }

    #[test]
    fn a_budget_smaller_than_one_request_in_sight_still_begins() {
        let mut risk = Risk::default();
        risk.add(&counts(50_000_000, 0), &counts(0, 0), Span::from_secs(5));
        let first = risk.share(RiskBudget { failed_requests: 1 }, Weight::ZERO, share(50.0));
        assert_eq!(first.parts(), 1);
    }
}
