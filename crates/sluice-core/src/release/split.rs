//! Whether visitors are split as was asked for.
//!
//! Visitors without a unit are given one, so that chance decides which version they meet. When more or fewer of them
//! meet the candidate than its share, something is between visitors and the gateway, or wrong with it, and the two
//! versions meet different people: then no comparison can be believed.

use serde::{Deserialize, Serialize};
use sluice_stats::{AllocationTest, Arms};

use crate::Weight;
use crate::release::{Exposure, Look};

/// How likely it may be that a right split is called wrong over a whole release.
const ALPHA: f64 = 0.001;

/// Watches whether visitors are split as was asked for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SplitWatch {
    test: AllocationTest,
    /// The candidate's share at the last look, where it is all that decides.
    share: Option<Weight>,
}

impl SplitWatch {
    /// Takes in what was seen while this exposure was in force; none while it is changing.
    pub(super) fn look(&mut self, exposure: Option<&Exposure>, seen: Look<'_>) {
        let are_ready = seen.stable_endpoints.any_ready() && seen.candidate_endpoints.any_ready();
        let share = exposure.filter(|_| are_ready).and_then(Exposure::only_share);
        // What was counted since the last look was counted under one and the same share.
        if let Some(share) = share
            && self.share == Some(share)
        {
            let visitors = Arms { stable: seen.stable.new_visitors, candidate: seen.candidate.new_visitors };
            self.test.update(share.fraction(), visitors);
        }
        self.share = share;
    }

    /// Whether visitors are not split as was asked for.
    pub(super) fn is_broken(&self) -> bool {
        self.test.is_broken(ALPHA)
    }
}

impl Exposure {
    /// The candidate's share of everyone, where nothing else decides who meets it and it is neither nobody nor everyone.
    fn only_share(&self) -> Option<Weight> {
        let is_only = self.exclude.is_empty() && self.include.iter().all(|rule| rule.segment.is_none());
        let share = self.share();
        (is_only && share > Weight::ZERO && share < Weight::FULL).then_some(share)
    }
}
