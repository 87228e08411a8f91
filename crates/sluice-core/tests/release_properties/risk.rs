//! Ramps by risk in simulated traffic: what they cost with a bad candidate, and that a good one gets through.

use sluice_core::document::policy::RiskBudget;
use sluice_core::release::ramp::{EVIDENCE_MIN, HORIZON, Risk};
use sluice_core::{Counts, Span, Weight};

use crate::world::answered;

/// Numbers that look like chance, the same on every run.
struct Chance(u64);

impl Chance {
    fn unit(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// How many of `count` happen, each as likely.
    fn of(&mut self, count: u64, likely: f64) -> u64 {
        (0..count).filter(|_| self.unit() < likely).count() as u64
    }
}

/// How a ramp to half of everyone went.
struct Outcome {
    /// Whether it got there.
    arrived: bool,
    /// How many requests failed, more than would have on stable, by what is known of the simulation.
    lost: f64,
}

/// A ramp over an hour and a half, looked at each second as the release does.
fn ramp(seed: u64, per_second: f64, stable: f64, candidate: f64, budget: RiskBudget) -> Outcome {
    let mut chance = Chance(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let (mut risk, mut share, to) = (Risk::default(), Weight::ZERO, Weight::from_percent(50.0).unwrap());
    let (mut held, mut seen, mut lost) = (0, 0, 0.0);
    for _ in 0..5_400 {
        let all = per_second.floor() as u64 + u64::from(chance.unit() < per_second.fract());
        let meet = chance.of(all, share.fraction());
        let failed: (u64, u64) = (chance.of(all - meet, stable), chance.of(meet, candidate));
        let counts: (Counts, Counts) = (answered(all - meet, failed.0), answered(meet, failed.1));
        risk.add(&counts.0, &counts.1, Span::from_secs(1));
        lost += failed.1 as f64 - meet as f64 * stable;
        (held, seen) = (held + 1, seen + meet);
        if risk.excess() > budget.failed_requests as f64 {
            return Outcome { arrived: false, lost };
        }
        if share >= to {
            return Outcome { arrived: true, lost };
        }
        let may_grow = if share == Weight::ZERO {
            held >= 5
        } else {
            held >= HORIZON.as_millis() / 1000 && seen >= EVIDENCE_MIN
        };
        let next = risk.share(budget, share, to);
        if may_grow && next > share {
            (share, held, seen) = (next, 0, 0);
        }
    }
    Outcome { arrived: false, lost }
}

#[test]
fn a_ramp_by_risk_loses_about_its_budget_at_most_whatever_the_candidate() {
    for per_second in [5.0, 50.0, 500.0] {
        for candidate in [0.02, 0.05, 0.2, 0.5, 1.0] {
            for failed_requests in [20, 100] {
                let budget = RiskBudget { failed_requests };
                let runs = (1..=10).map(|seed| ramp(seed, per_second, 0.01, candidate, budget));
                let worst = runs.map(|run| run.lost).fold(0.0, f64::max);
                // One look more than the budget: a second at the share that was reached, and chance.
                let allowed = failed_requests as f64 * 1.15 + 5.0;
                assert!(
                    worst <= allowed,
                    "{worst} lost of {failed_requests}: {per_second} a second, {candidate} fail"
                );
            }
        }
    }
}

#[test]
fn a_candidate_as_good_as_stable_gets_through() {
    for (per_second, failed_requests) in [(5.0, 20), (50.0, 50), (500.0, 200)] {
        let budget = RiskBudget { failed_requests };
        let runs = (1..=10).map(|seed| ramp(seed, per_second, 0.005, 0.005, budget));
        let arrived = runs.filter(|run| run.arrived).count();
        assert!(arrived >= 9, "{arrived} of 10 at {per_second} a second with {failed_requests}");
    }
}
