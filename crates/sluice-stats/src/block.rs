//! Blocks: the pieces of data that bets are settled on.
//!
//! Batches arrive as often as the caller likes and are gathered until a block is worth settling. **Whether a block is
//! complete depends on how many requests there were and never on how they ended.** Then, given the past and the counts
//! of the block, its outcomes are as free as ever, and a bet that is fair for fixed counts is fair for the block. A
//! block that closed "because it looks bad" would not be.

use serde::{Deserialize, Serialize};

use crate::histogram::Histogram;
use crate::trials::{Arms, Trials};
use crate::window::Merge;

/// Up to how many requests of one version alone are kept until the other version has some. Older ones would compare
/// one version then with the other version now.
const ONE_ARMED_MAX: u64 = 1_000;

/// Data whose requests can be counted.
pub(crate) trait Requests: Merge + Default {
    fn requests(&self) -> u64;
}

impl Requests for Trials {
    fn requests(&self) -> u64 {
        self.n
    }
}

impl Requests for Histogram {
    fn requests(&self) -> u64 {
        self.count()
    }
}

impl<T: Requests> Requests for Arms<T> {
    fn requests(&self) -> u64 {
        self.stable.requests().saturating_add(self.candidate.requests())
    }
}

/// Data of both versions that may be compared.
pub(crate) trait Comparable {
    /// Whether both versions had requests.
    fn is_comparable(&self) -> bool;

    /// The candidate's share of the requests, within (0, 1).
    fn share(&self) -> f64;
}

impl<T: Requests> Comparable for Arms<T> {
    fn is_comparable(&self) -> bool {
        self.stable.requests() > 0 && self.candidate.requests() > 0
    }

    fn share(&self) -> f64 {
        let (stable, candidate) = (self.stable.requests() as f64, self.candidate.requests() as f64);
        // 1 minus the share must not round to 1 or 0.
        (candidate / (stable + candidate).max(1.0)).clamp(1e-15, 1.0 - 1e-15)
    }
}

/// Data that wait for their block to be complete.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Pending<T> {
    arms: Arms<T>,
}

impl<T: Requests> Pending<T> {
    /// Adds a batch. Returns what is left out of any block since it waited too long for the other version.
    pub(crate) fn add(&mut self, batch: &Arms<T>) -> Option<Arms<T>> {
        let total = self.arms.requests().saturating_add(batch.requests());
        let is_stale = !self.arms.is_comparable() && self.arms.requests() > 0 && total > ONE_ARMED_MAX;
        let stale = is_stale.then(|| std::mem::take(&mut self.arms));
        self.arms.merge(batch);
        stale
    }

    /// What waits.
    pub(crate) fn arms(&self) -> &Arms<T> {
        &self.arms
    }

    /// The block, if it can be compared and `is_complete`, which must look at numbers of requests alone.
    pub(crate) fn close_if(&mut self, is_complete: impl FnOnce(&Arms<T>) -> bool) -> Option<Arms<T>> {
        (self.arms.is_comparable() && is_complete(&self.arms)).then(|| std::mem::take(&mut self.arms))
    }

    /// Takes what waits, comparable or not.
    pub(crate) fn take(&mut self) -> Arms<T> {
        std::mem::take(&mut self.arms)
    }
}
