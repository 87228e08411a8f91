//! Bets on the candidate's share of a batch's events.

use super::dispersion::Units;

/// What one batch is bet with: how many of its events were the candidate's is not known yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stake {
    all: f64,
    /// The odds that an event is the candidate's, at the edge of what is tolerated, and the share that they are.
    odds: f64,
    share: f64,
    /// As how many independent events the batch counts, at least 1.
    units: Units,
}

/// The most of what is held that a bet may lose in one batch.
const STAKE_MAX: f64 = 0.95;

/// By how much the best stake must exceed that for a bet on independent events to be better. Any excess is enough where
/// few events tell much: from this gain of the candidate's share on, with fewer events than this.
const BOLD: f64 = 1.4;
const LARGE: f64 = 0.38;
const FEW: f64 = 10.0;

impl Stake {
    /// For a batch of `all` events, each of which is the candidate's with these odds at the edge of what is tolerated,
    /// which count as `units` independent ones, at least 1.
    pub(super) fn new(odds: f64, all: f64, units: Units) -> Stake {
        Stake { all, odds, share: odds / (1.0 + odds), units }
    }

    /// The logarithm of what the bet on `effect` times the tolerated rate gains when so many events were the
    /// candidate's.
    pub(super) fn gain(&self, effect: f64, candidate: f64) -> f64 {
        let Stake { all, odds, share, units } = *self;
        let seen = candidate / all;
        let expected = effect * odds / (1.0 + effect * odds);
        let ahead = expected - share;
        let variance = share * (1.0 - share);
        // Kelly's stake for so many units; whatever it is, the bet is fair if the share is the one expected.
        let stake = ahead / (variance / units.likely + (1.0 - 1.0 / units.likely) * ahead * ahead);
        let most = STAKE_MAX / share;
        let bold = if ahead > LARGE && all < FEW { 1.0 } else { BOLD };
        if stake <= bold * most || units.proven <= 1.0 {
            return (stake.min(most) * (seen - share)).ln_1p();
        }
        // effect^seen / (1 + (effect - 1) share), for each unit
        units.proven * (seen * effect.ln() - ((effect - 1.0) * share).ln_1p())
    }
}
