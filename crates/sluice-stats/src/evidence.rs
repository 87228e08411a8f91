//! Evidence against "the candidate is no worse", kept as logarithms.
//!
//! An e-process starts at 1 and, while the claim holds, is at no moment expected to be above 1; by Ville's inequality
//! it ever reaches 1/alpha with probability alpha at most. Averages of e-processes over the same blocks of data are
//! e-processes, which is all that is used here.

use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

/// The logarithm of nothing. Finite, since JSON has no infinity; its exponential is exactly 0.
pub(crate) const LN_NOTHING: f64 = -1e300;

/// The share of the evidence that looks at the whole release; the rest is for what sets in at a later weight step.
const WHOLE: f64 = 0.85;

/// The part of the rest for each of the first restarts, and of how many; what is left is for all later ones, the k-th
/// of them with a part of 1 / (k (k + 1)).
const EARLY: (f64, u32) = (0.16, 5);

/// Exponentials of numbers below this are exactly 0. They are not asked for: that takes ten times as long as others.
const EXP_IS_ZERO: f64 = -746.0;

/// The logarithm of the sum of two numbers given by their logarithms.
pub(crate) fn ln_add(a: f64, b: f64) -> f64 {
    let (low, high) = if a < b { (a, b) } else { (b, a) };
    if low - high < EXP_IS_ZERO { high } else { high + (low - high).exp().ln_1p() }
}

/// Evidence of several experts, each of which bets on another effect, from the beginning and from every restart.
///
/// With `L` the product of an expert's gains, `E = 0.85 Σ π L + 0.15 Σ_k v_k Σ π L_k`, where `L_k` counts gains from
/// the k-th restart on (1 before) and the `v_k` add up to 1. The sum over restarts is one number per expert: a restart
/// adds its `v_k`, a block multiplies. The price is ln(1/0.85), a twentieth of what a verdict at 5 % needs; the shares
/// are what finds both early and late faults within the delays that docs/statistics.md promises.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Evidence {
    whole: Box<[f64]>,
    restarted: Box<[f64]>,
    restarts: u32,
    /// The part of Σ v_k that no restart has used.
    unused: f64,
    #[serde(skip)]
    ln: Known,
}

/// The logarithm of the evidence, once it was asked for and until the evidence changes. Follows from the rest, so it
/// is neither stored nor compared.
#[derive(Clone, Debug, Default)]
struct Known(OnceLock<f64>);

impl PartialEq for Known {
    fn eq(&self, _: &Known) -> bool {
        true
    }
}

impl Evidence {
    pub(crate) fn new(experts: usize) -> Evidence {
        let all = |ln: f64| vec![ln; experts].into_boxed_slice();
        Evidence {
            whole: all(0.0),
            restarted: all(LN_NOTHING),
            restarts: 0,
            unused: 1.0,
            ln: Known::default(),
        }
    }

    /// Whether [`Evidence::since_restart`] changes anything.
    pub(crate) fn was_restarted(&self) -> bool {
        self.restarts > 0
    }

    /// Multiplies all evidence by the same gains, given by their logarithms.
    pub(crate) fn multiply(&mut self, gains: impl Iterator<Item = f64> + Clone) {
        self.since_start(gains.clone());
        if self.was_restarted() {
            self.since_restart(gains);
        }
    }

    /// Multiplies what counts from the beginning by gains, given by their logarithms.
    pub(crate) fn since_start(&mut self, gains: impl Iterator<Item = f64>) {
        self.ln = Known::default();
        self.whole.iter_mut().zip(gains).for_each(|(held, gain)| *held += gain);
    }

    /// Multiplies what counts from the restarts on.
    pub(crate) fn since_restart(&mut self, gains: impl Iterator<Item = f64>) {
        self.ln = Known::default();
        self.restarted.iter_mut().zip(gains).for_each(|(held, gain)| *held += gain);
    }

    /// Lets a new share of the evidence count from here on.
    pub(crate) fn restart(&mut self) {
        self.ln = Known::default();
        self.restarts = self.restarts.saturating_add(1);
        let unused = unused_after(self.restarts);
        let share = unused_after(self.restarts - 1) - unused;
        self.unused = unused;
        self.restarted.iter_mut().for_each(|held| *held = ln_add(*held, share.ln()));
    }

    /// The logarithm of the evidence, for the experts' prior weights, which add up to 1 and are always the same.
    pub(crate) fn ln(&self, priors: impl Iterator<Item = f64> + Clone) -> f64 {
        *self.ln.0.get_or_init(|| self.weighed(priors))
    }

    fn weighed(&self, priors: impl Iterator<Item = f64> + Clone) -> f64 {
        let mix = |held: &[f64]| {
            let highest = held.iter().copied().fold(LN_NOTHING, f64::max);
            let known = held.iter().zip(priors.clone()).filter(|(held, _)| *held - highest >= EXP_IS_ZERO);
            let parts = known.map(|(held, prior)| prior * (held - highest).exp());
            highest + parts.sum::<f64>().ln()
        };
        let later = match self.restarts {
            // Nothing counts from a restart on, and no part is used.
            0 => 0.0,
            _ => ln_add(self.unused.ln(), mix(&self.restarted)),
        };
        ln_add(WHOLE.ln() + mix(&self.whole), (1.0 - WHOLE).ln() + later)
    }
}

/// The most that the logarithm of evidence has been; 0 at first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Peak(f64);

impl Peak {
    pub(crate) fn reach(&mut self, log_e: f64) {
        self.0 = self.0.max(log_e);
    }

    /// The smallest alpha at which the evidence has sufficed at any moment; 1 at first. Never grows.
    pub(crate) fn p_value(self) -> f64 {
        (-self.0).exp().min(1.0)
    }
}

/// Whether evidence, given by its logarithm, suffices at a level. At a level of 0, or one that is no number, none does.
pub(crate) fn suffices(log_e: f64, alpha: f64) -> bool {
    alpha > 0.0 && log_e >= -alpha.ln()
}

/// The part of what is kept for restarts that is unused after so many.
fn unused_after(restarts: u32) -> f64 {
    let (share, early) = EARLY;
    let left = 1.0 - share * f64::from(restarts.min(early));
    left / f64::from(restarts.saturating_sub(early) + 1)
}

/// Whether one can ask for how many requests tell an effect at a level: an effect above 1, a level within (0, 1).
pub(crate) fn is_sensible(alpha: f64, effect: f64) -> bool {
    alpha > 0.0 && alpha < 1.0 && effect > 1.0
}

/// How many requests a sequential test needs at the least on average, and its usual excess: Wald's ln(1/alpha) / KL
/// times 1.3, the excess that was measured for the tests here.
pub(crate) fn requests_needed(alpha: f64, information: f64) -> f64 {
    1.3 * (1.0 / alpha.clamp(1e-12, 1.0)).ln() / information
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evidence_of_no_data_is_one_with_any_number_of_restarts() {
        let mut evidence = Evidence::new(4);
        for _ in 0..1_000 {
            assert!(evidence.ln([0.25; 4].into_iter()).abs() < 1e-9);
            evidence.restart();
        }
    }

    #[test]
    fn a_restart_forgets_the_debt_of_a_quiet_past() {
        let mut evidence = Evidence::new(1);
        evidence.since_start([-500.0].into_iter());
        evidence.restart();
        evidence.since_start([20.0].into_iter());
        evidence.since_restart([20.0].into_iter());
        let expected = 20.0 + (0.15_f64 * 0.16).ln();
        assert!((evidence.ln([1.0].into_iter()) - expected).abs() < 1e-6);
    }
}
