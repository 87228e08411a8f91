//! May something begin now, and if not, when? Windows that are open week after week, less the freezes.
//!
//! Pure: `now` is an argument, and the time zones come with the binary, so that the same question has the same answer
//! on every machine.

mod freeze;
#[cfg(test)]
mod tests;
mod week;
mod window;
mod zone;

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Timestamp;
pub use freeze::{Edge, EndsBeforeItBegins, Freeze, InvalidEdge};
use week::Week;
pub use window::{InvalidWindow, Window};
pub use zone::{InvalidZone, Zone};

/// How far ahead is looked, in milliseconds: four hundred days, so that what comes once a year is found.
const AHEAD_MS: i64 = 400 * 24 * 60 * 60 * 1_000;

/// When something may begin: while a window is open and no freeze lasts. Without windows, whenever no freeze lasts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Calendar {
    weeks: Vec<Week>,
    freezes: Vec<Freeze>,
}

/// Whether something may begin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum Openness {
    /// It may.
    Open {
        /// The first moment at which it may not any more; absent when none comes within 400 days.
        until: Option<Timestamp>,
    },
    /// It may not.
    Closed {
        /// Why not.
        why: Closed,
        /// The first moment at which it may: a window is open and no freeze lasts. Absent when none comes within 400
        /// days.
        opens_at: Option<Timestamp>,
    },
}

/// Open, and nothing known to close it: what an environment without windows and freezes answers.
impl Default for Openness {
    fn default() -> Openness {
        Openness::Open { until: None }
    }
}

/// Why nothing may begin. Its `Display` is one plain clause, without a full stop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum Closed {
    /// No window is open.
    Window {
        /// When one is that no freeze closes.
        opens_at: Option<Timestamp>,
        /// The zone of the window that opens then.
        zone: Zone,
    },
    /// A freeze lasts.
    Freeze {
        /// Why it was called.
        reason: Option<String>,
        /// When it ends; of several, the one that ends last.
        until: Timestamp,
        /// The zone that it was written in.
        zone: Zone,
    },
}

/// `a freeze lasts until Sun 3 Jan 2027, 00:00 Europe/Amsterdam (holidays)`.
impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Closed::Window { opens_at: Some(at), zone } => {
                write!(f, "no window is open; the next one opens {}", zone.written(*at))
            }
            Closed::Window { opens_at: None, .. } => {
                f.write_str("no window is open, and none opens within 400 days")
            }
            Closed::Freeze { reason, until, zone } => {
                write!(f, "a freeze lasts until {}", zone.written(*until))?;
                reason.as_ref().map_or(Ok(()), |reason| write!(f, " ({reason})"))
            }
        }
    }
}

impl Calendar {
    /// The calendar of these windows and freezes.
    pub fn new(windows: &[Window], freezes: &[Freeze]) -> Calendar {
        Calendar { weeks: Week::of(windows), freezes: freezes.to_vec() }
    }

    /// Whether something may begin now.
    ///
    /// The answer stays the same until the moment that it names, so a caller who asks for many need not ask again
    /// before. It takes one to ten microseconds; a few hundred where the windows of two zones leave no gap between
    /// them, since then each of their turns is looked at.
    pub fn at(&self, now: Timestamp) -> Openness {
        let at = now.as_millis();
        let limit = at.saturating_add(AHEAD_MS);
        if let Some(freeze) = self.freeze_at(at) {
            let why = Closed::Freeze {
                reason: freeze.reason().map(str::to_owned),
                until: freeze.ends(),
                zone: freeze.zone().clone(),
            };
            return Openness::Closed { why, opens_at: self.opens_from(at, limit).map(|(at, _)| at) };
        }
        if self.has_open_window(at) {
            return Openness::Open { until: self.closes_after(at, limit) };
        }
        let opens = self.opens_from(at, limit);
        let zone = opens.and_then(|(_, week)| week).or(self.weeks.first()).map(|week| week.zone.clone());
        let opens_at = opens.map(|(at, _)| at);
        Openness::Closed { why: Closed::Window { opens_at, zone: zone.unwrap_or_default() }, opens_at }
    }

    /// Of the freezes that last, the one that ends last.
    fn freeze_at(&self, at: i64) -> Option<&Freeze> {
        let lasts = |freeze: &&Freeze| freeze.begins().as_millis() <= at && at < freeze.ends().as_millis();
        self.freezes.iter().filter(lasts).max_by_key(|freeze| freeze.ends())
    }

    fn has_open_window(&self, at: i64) -> bool {
        self.weeks.is_empty() || self.weeks.iter().any(|week| week.is_open(at))
    }

    /// The first moment from `at` to `limit` at which it is open, and the windows that open it, if there are any.
    fn opens_from(&self, at: i64, limit: i64) -> Option<(Timestamp, Option<&Week>)> {
        let mut at = at;
        // Each turn is past the end of a freeze or comes to the beginning of a window.
        while at <= limit {
            if let Some(freeze) = self.freeze_at(at) {
                at = freeze.ends().as_millis();
                continue;
            }
            let open = self.weeks.iter().find(|week| week.is_open(at));
            if open.is_some() || self.weeks.is_empty() {
                return Some((Timestamp::from_millis(at), open));
            }
            at = self.weeks.iter().filter_map(|week| week.change_after(at, limit)).min()?;
        }
        None
    }

    /// The first moment after `at` at which it is not open any more.
    fn closes_after(&self, at: i64, limit: i64) -> Option<Timestamp> {
        let begins = self.freezes.iter().map(|freeze| freeze.begins().as_millis());
        let freeze = begins.filter(|begins| (at..=limit).contains(begins)).min();
        let limit = freeze.unwrap_or(limit);
        let mut last = at;
        // Windows of two zones may take turns. As long as one of them is open, the next to close is waited for.
        while !self.weeks.is_empty() {
            let open = self.weeks.iter().filter(|week| week.is_open(last));
            let closes: Option<Option<i64>> =
                open.map(|week| week.change_after(last, limit)).max_by_key(|at| at.unwrap_or(i64::MAX));
            match closes {
                None => return Some(Timestamp::from_millis(last)),
                Some(None) => break,
                Some(Some(closes)) => last = closes,
            }
        }
        freeze.map(Timestamp::from_millis)
    }
}
