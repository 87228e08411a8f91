//! What was measured of a check by others than the data plane's counts of the two versions.

use serde::{Deserialize, Serialize};
use sluice_stats::{Histogram, Merge, Trials};

use crate::{Span, Timestamp};

/// How long a block of the past is, and of what is compared with it.
pub const PAST_BLOCK: Span = Span::from_secs(10);

/// What was measured for one check since the last look.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reading {
    /// What was measured before anybody met the candidate, in blocks of [`PAST_BLOCK`]. Given once, before anything
    /// that is compared with it.
    pub past: Option<Past>,
    /// What was measured, oldest first. It is final, and no stretch of time is in it twice.
    pub taken: Vec<Taken>,
    /// Why it cannot be measured now.
    pub trouble: Option<String>,
}

/// What was measured over one stretch of time.
#[derive(Clone, Debug, PartialEq)]
pub struct Taken {
    /// When the stretch ended.
    pub until: Timestamp,
    /// Of the version that most people have.
    pub stable: Amount,
    /// Of the version that is released; of a service that is not released, of all its versions.
    pub candidate: Amount,
}

/// What was measured of a service before.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Past {
    /// Just before.
    pub recent: Vec<Amount>,
    /// At the same time of day, on earlier days. May be empty.
    pub same_time: Vec<Amount>,
}

/// An amount of what a metric counts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Amount {
    /// Nothing was there to be measured.
    #[default]
    Nothing,
    /// For a ratio: how many, and how many of them were bad (or, where less is worse, good).
    Trials(Trials),
    /// For a rate: how many, in how many seconds.
    Events {
        /// How many.
        events: u64,
        /// In how many seconds.
        seconds: f64,
    },
    /// For a distribution or a mean, in thousandths of the metric's unit.
    Values(Histogram),
    /// For a gauge: the latest value.
    Gauge(f64),
}

impl Amount {
    /// Adds what another stretch of time gave; of two gauges, the later one stays. What does not fit is left out.
    pub fn merge(&mut self, later: &Amount) {
        match (&mut *self, later) {
            (_, Amount::Nothing) => {}
            (Amount::Trials(mine), Amount::Trials(theirs)) => mine.merge(theirs),
            (Amount::Events { events, seconds }, Amount::Events { events: more, seconds: longer }) => {
                *events = events.saturating_add(*more);
                *seconds += longer;
            }
            (Amount::Values(mine), Amount::Values(theirs)) => mine.merge(theirs),
            (mine @ (Amount::Nothing | Amount::Gauge(_)), later) => *mine = later.clone(),
            _ => {}
        }
    }
}
