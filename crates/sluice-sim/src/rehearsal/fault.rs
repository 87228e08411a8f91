//! What goes wrong with a candidate.

use serde::{Deserialize, Serialize};
use sluice_core::document::service::PathPrefix;
use sluice_core::{Name, Span};

/// Something that goes wrong with a candidate and with nobody else.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fault {
    /// What happens.
    pub effect: Effect,
    /// To whom.
    pub among: Among,
    /// When it begins.
    pub from: Onset,
    /// How long it takes from nothing to all of it; it grows evenly.
    pub grows_over: Span,
    /// After what time it is over; never when absent.
    pub heals_after: Option<Span>,
    /// It comes and goes: for how long it is there, and for how long it is not.
    pub flaps: Option<(Span, Span)>,
}

impl Fault {
    /// From the first moment, all at once, for everyone and for good.
    pub fn new(effect: Effect) -> Fault {
        Fault {
            effect,
            among: Among::Everyone,
            from: Onset::Start,
            grows_over: Span::ZERO,
            heals_after: None,
            flaps: None,
        }
    }

    /// How much of it there is: 0 before it begins and once it is healed, and 1 when all of it is there. `since` is the
    /// time in milliseconds since it began.
    pub(super) fn strength(&self, since: u64) -> f64 {
        let is_healed = self.heals_after.is_some_and(|after| since >= after.as_millis());
        let is_off = self.flaps.is_some_and(|(on, off)| {
            since % (on.as_millis() + off.as_millis()).max(1) >= on.as_millis().max(1)
        });
        match self.grows_over.as_millis() {
            _ if is_healed || is_off => 0.0,
            0 => 1.0,
            over => (since as f64 / over as f64).min(1.0),
        }
    }
}

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Effect {
    /// Requests fail that would not have failed.
    Errors {
        /// What share of them, 0 to 1.
        share: f64,
        /// How often a client asks again for each that failed; those fail alike.
        retries: u32,
    },
    /// Requests take longer.
    Slower {
        /// Times so much.
        factor: f64,
        /// And so much more.
        plus: Span,
        /// Of what share of requests that is true, 0 to 1: less than 1 for a longer tail.
        of: f64,
    },
    /// Fewer requests fail than with stable: this share of failures does not happen.
    Better {
        /// The share, 0 to 1.
        share: f64,
    },
    /// A metric that others measure is so many times what it would be: 0.8 of the orders.
    Metric {
        /// Which.
        name: Name,
        /// How many times.
        factor: f64,
    },
}

/// To whom something happens.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Among {
    /// To everyone alike.
    Everyone,
    /// To requests to one path only.
    Path(PathPrefix),
    /// To a share of visitors, always the same ones: those with an old client, from one country, with a large basket.
    Visitors(f64),
}

/// When a fault begins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Onset {
    /// When anybody first meets the candidate.
    Start,
    /// So long after that.
    After(Span),
    /// While at least this share of requests goes to the candidate, 0 to 1: it breaks under load.
    Share(f64),
    /// When the release enters this step.
    Step(Name),
}
