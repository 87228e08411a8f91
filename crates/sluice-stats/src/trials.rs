//! Requests that were tried and how many of them failed, and things that come once per arm.

use serde::{Deserialize, Serialize};

use crate::window::Merge;

/// How often something was tried and how often it failed.
///
/// Counts saturate instead of wrapping. More failures than tries are read as all tries failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trials {
    /// How many were tried.
    pub n: u64,
    /// How many of those failed.
    pub k: u64,
}

impl Trials {
    /// `k` failures in `n` tries.
    pub const fn new(n: u64, k: u64) -> Trials {
        Trials { n, k: if k > n { n } else { k } }
    }

    /// The share that failed; `None` when nothing was tried.
    pub fn rate(self) -> Option<f64> {
        let Trials { n, k } = Trials::new(self.n, self.k);
        (n > 0).then(|| k as f64 / n as f64)
    }
}

impl Merge for Trials {
    fn merge(&mut self, other: &Trials) {
        let other = Trials::new(other.n, other.k);
        self.n = self.n.saturating_add(other.n);
        self.k = self.k.saturating_add(other.k);
    }

    fn take_away(&mut self, other: &Trials) -> bool {
        let other = Trials::new(other.n, other.k);
        let (mut n, mut k) = (self.n, self.k);
        let is_known = n.take_away(&other.n) && k.take_away(&other.k);
        if is_known {
            *self = Trials { n, k };
        }
        is_known
    }
}

/// One of something for each of the two versions that are compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arms<T> {
    /// Of the version that most people have.
    pub stable: T,
    /// Of the version being released.
    pub candidate: T,
}

impl<T: Merge> Merge for Arms<T> {
    fn merge(&mut self, other: &Arms<T>) {
        self.stable.merge(&other.stable);
        self.candidate.merge(&other.candidate);
    }
}
