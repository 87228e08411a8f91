//! What a data plane counts of one version.

use serde::{Deserialize, Serialize};
use sluice_stats::Histogram;

use crate::document::metric::ResponseClass;

/// What a data plane counted of one version, since it began to count or in some stretch of time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Requests that ended, one way or another: responses by class, resets and cancelled add up to this.
    pub requests: u64,
    /// Responses of the classes 1xx (a switched protocol) to 5xx. The gateway's own answers for an endpoint that is
    /// down, hangs or answers garbage are in 5xx; a response that broke off is in `resets` alone.
    pub responses: [u64; 5],
    /// Responses that the endpoint broke off after their head.
    pub resets: u64,
    /// Visitors who went away before the end of the response. Part of `requests` and of no class.
    pub cancelled: u64,
    /// Visitors of whom a request failed, each counted once in a minute: failures of one visitor come in bunches.
    #[serde(default)]
    pub failed_visitors: u64,
    /// Visitors who came without a unit and were given one. Which version they meet is drawn by lot, so that they tell
    /// whether the split is what was asked for.
    #[serde(default)]
    pub new_visitors: u64,
    /// Time from the request's head to the response's head, in microseconds, of requests that got one.
    pub latency: Histogram,
}

impl Counts {
    /// What was counted in this class.
    pub fn of(&self, class: ResponseClass) -> u64 {
        match class {
            ResponseClass::Informational => self.responses[0],
            ResponseClass::Success => self.responses[1],
            ResponseClass::Redirect => self.responses[2],
            ResponseClass::ClientError => self.responses[3],
            ResponseClass::ServerError => self.responses[4],
            ResponseClass::Reset => self.resets,
        }
    }

    /// Requests whose outcome tells something about the version: all that the visitor did not break off.
    pub fn judged(&self) -> u64 {
        self.requests.saturating_sub(self.cancelled)
    }

    /// Requests that failed: 5xx or broken off.
    pub fn failed(&self) -> u64 {
        self.responses[4].saturating_add(self.resets)
    }

    /// Makes up for a data plane that does not tell visitors apart: then each failed request is one visitor's. For
    /// counts since it began to count, not for what a stretch of time gave.
    pub fn make_up_visitors(&mut self) {
        if self.failed_visitors == 0 {
            self.failed_visitors = self.failed();
        }
    }

    /// Adds what another stretch of time counted.
    pub fn merge(&mut self, other: &Counts) {
        let add = |mine: &mut u64, theirs: u64| *mine = mine.saturating_add(theirs);
        add(&mut self.requests, other.requests);
        for (mine, theirs) in self.responses.iter_mut().zip(other.responses) {
            add(mine, theirs);
        }
        add(&mut self.resets, other.resets);
        add(&mut self.cancelled, other.cancelled);
        add(&mut self.failed_visitors, other.failed_visitors);
        add(&mut self.new_visitors, other.new_visitors);
        self.latency.merge(&other.latency);
    }

    /// What was counted since `earlier`, for counts that only grow; from zero, where they shrank, as after a restart
    /// of the data plane.
    pub fn since(&self, earlier: &Counts) -> Counts {
        if self.requests < earlier.requests {
            return self.clone();
        }
        let less = |now: u64, before: u64| now.saturating_sub(before);
        Counts {
            requests: less(self.requests, earlier.requests),
            responses: std::array::from_fn(|i| less(self.responses[i], earlier.responses[i])),
            resets: less(self.resets, earlier.resets),
            cancelled: less(self.cancelled, earlier.cancelled),
            failed_visitors: less(self.failed_visitors, earlier.failed_visitors),
            new_visitors: less(self.new_visitors, earlier.new_visitors),
            latency: self.latency.since(&earlier.latency),
        }
    }
}
