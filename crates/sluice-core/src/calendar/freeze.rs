//! A stretch of time in which nothing may begin.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::zone::Zone;
use crate::Timestamp;

/// A stretch of time in which nothing may begin: `{ from: 2026-12-20, to: 2027-01-02, reason: holidays }`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Freeze {
    /// The first day, or the time at which it begins.
    from: Edge,
    /// The last day, which belongs to it, or the time at which it ends.
    to: Edge,
    /// Where days begin and end. Default `UTC`.
    zone: Zone,
    /// Why, for those who have to wait.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip)]
    begins: Timestamp,
    #[serde(skip)]
    ends: Timestamp,
}

/// Where a freeze begins or ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Edge {
    /// A day of the calendar: `2026-12-20`.
    Day(Date),
    /// A time: `2026-12-20T18:00:00+01:00`.
    Time(Timestamp),
}

crate::document::text_schema!(Edge, r"^\d{4}-\d{2}-\d{2}([Tt ].+)?$", "2026-12-20");

/// Text that is neither a day nor a time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is neither a day nor a time")]
pub struct InvalidEdge {
    /// The text that was given.
    pub given: String,
    /// How to mend it, when that can be guessed.
    pub mend: Option<String>,
}

/// A freeze that ends before it begins, or at once.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the freeze ends {to}, which is not after it begins, {from}")]
pub struct EndsBeforeItBegins {
    /// When it would begin.
    pub from: Edge,
    /// When it would end.
    pub to: Edge,
}

impl Freeze {
    /// A freeze from `from` to `to`, a day at the end included, by the clocks of `zone`.
    ///
    /// # Errors
    /// When it would not last.
    pub fn new(
        from: Edge,
        to: Edge,
        zone: Zone,
        reason: Option<String>,
    ) -> Result<Freeze, EndsBeforeItBegins> {
        let begins = match from {
            Edge::Day(day) => zone.day_begins(day),
            Edge::Time(at) => at,
        };
        let ends = match to {
            Edge::Day(day) => zone.day_begins(day.tomorrow().unwrap_or(Date::MAX)),
            Edge::Time(at) => at,
        };
        if ends <= begins {
            return Err(EndsBeforeItBegins { from, to });
        }
        Ok(Freeze { from, to, zone, reason, begins, ends })
    }

    /// The first moment of it.
    pub fn begins(&self) -> Timestamp {
        self.begins
    }

    /// The first moment after it.
    pub fn ends(&self) -> Timestamp {
        self.ends
    }

    /// Where its days begin and end.
    pub fn zone(&self) -> &Zone {
        &self.zone
    }

    /// Why it is.
    pub fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }
}

impl FromStr for Edge {
    type Err = InvalidEdge;

    fn from_str(text: &str) -> Result<Edge, InvalidEdge> {
        let is_day = text.len() == "2026-12-20".len() && text.is_ascii();
        if is_day && let Ok(day) = text.parse() {
            return Ok(Edge::Day(day));
        }
        if let Ok(at) = text.parse() {
            return Ok(Edge::Time(at));
        }
        let is_local = text.parse::<jiff::civil::DateTime>().is_ok() && text.contains(['T', 't', ' ']);
        let mend = is_local.then(|| format!("say where, as {text}Z or {text}+01:00"));
        Err(InvalidEdge { given: text.to_owned(), mend })
    }
}

impl fmt::Display for Edge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Edge::Day(day) => write!(f, "{day}"),
            Edge::Time(at) => write!(f, "{at}"),
        }
    }
}

impl TryFrom<String> for Edge {
    type Error = InvalidEdge;

    fn try_from(text: String) -> Result<Edge, InvalidEdge> {
        text.parse()
    }
}

impl From<Edge> for String {
    fn from(edge: Edge) -> String {
        edge.to_string()
    }
}
