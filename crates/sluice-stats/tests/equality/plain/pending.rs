//! What waits for its block to be complete.

use sluice_stats::{Arms, Merge, Trials};

use super::Histogram;

const ONE_ARMED_MAX: u64 = 1_000;

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

pub(crate) fn all<T: Requests>(arms: &Arms<T>) -> u64 {
    arms.stable.requests().saturating_add(arms.candidate.requests())
}

pub(crate) fn is_comparable<T: Requests>(arms: &Arms<T>) -> bool {
    arms.stable.requests() > 0 && arms.candidate.requests() > 0
}

pub(crate) fn share<T: Requests>(arms: &Arms<T>) -> f64 {
    let (stable, candidate) = (arms.stable.requests() as f64, arms.candidate.requests() as f64);
    (candidate / (stable + candidate).max(1.0)).clamp(1e-15, 1.0 - 1e-15)
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Pending<T> {
    pub(crate) arms: Arms<T>,
}

impl<T: Requests> Pending<T> {
    pub(crate) fn add(&mut self, batch: &Arms<T>) -> Option<Arms<T>> {
        let total = all(&self.arms).saturating_add(all(batch));
        let is_stale = !is_comparable(&self.arms) && all(&self.arms) > 0 && total > ONE_ARMED_MAX;
        let stale = is_stale.then(|| std::mem::take(&mut self.arms));
        self.arms.merge(batch);
        stale
    }

    pub(crate) fn close_if(&mut self, is_complete: impl FnOnce(&Arms<T>) -> bool) -> Option<Arms<T>> {
        (is_comparable(&self.arms) && is_complete(&self.arms)).then(|| std::mem::take(&mut self.arms))
    }
}
