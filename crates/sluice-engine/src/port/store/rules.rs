//! What every store does in the same way: which answers fit a page, what a cursor says, what belongs to a service.

use std::fmt;

use serde_json::Value;
use sluice_core::document::Kind;
use sluice_core::{Name, Span};

use super::{Change, Commit, Error};

/// The most rows or events in one answer, so that no question takes the memory of the whole log.
pub const PAGE_MAX: usize = 1000;

/// How long an answer is remembered under an idempotency key: longer than any client repeats a request.
pub const REMEMBERED_FOR: Span = Span::from_secs(24 * 60 * 60);

/// How many rows or events are given when `limit` are asked for.
pub fn limited(limit: usize) -> usize {
    limit.clamp(1, PAGE_MAX)
}

/// The service that a release is of; none for all other kinds.
pub fn service_of(kind: Kind, document: &Value) -> Option<&str> {
    if kind == Kind::Release { document.pointer("/spec/service")?.as_str() } else { None }
}

impl Commit {
    /// Whether a crash may lose it: it holds nothing but checkpoints.
    pub fn is_checkpoints_only(&self) -> bool {
        self.writes.iter().all(|write| matches!(write.change, Change::Checkpoint { .. }))
            && self.events.is_empty()
            && self.effects.is_empty()
            && self.done.is_empty()
            && self.remember.is_none()
    }
}

/// Where a page of a list ended. Its text is what clients hand back; it needs no escaping in an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cursor {
    /// In a list by environment and name: after this one.
    Named {
        /// The environment.
        environment: Option<Name>,
        /// The name.
        name: Name,
    },
    /// In a list with the newest first: before the one that was created at this resource version.
    Aged {
        /// The first resource version of the last row.
        created_version: u64,
    },
}

impl Cursor {
    /// Reads one that belongs to a list in this order.
    ///
    /// # Errors
    /// [`Error::Cursor`] when it does not.
    pub fn parse(given: &str, newest_first: bool) -> Result<Cursor, Error> {
        let read = if newest_first { Cursor::parse_aged(given) } else { Cursor::parse_named(given) };
        read.ok_or_else(|| Error::Cursor { given: given.to_owned() })
    }

    fn parse_aged(given: &str) -> Option<Cursor> {
        Some(Cursor::Aged { created_version: given.strip_prefix("before_")?.parse().ok()? })
    }

    fn parse_named(given: &str) -> Option<Cursor> {
        // No name holds an underscore.
        let (environment, name) = given.strip_prefix("after_")?.split_once('_')?;
        let environment = if environment.is_empty() { None } else { Some(environment.parse().ok()?) };
        Some(Cursor::Named { environment, name: name.parse().ok()? })
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cursor::Named { environment, name } => {
                write!(f, "after_{}_{name}", environment.as_ref().map_or("", Name::as_str))
            }
            Cursor::Aged { created_version } => write!(f, "before_{created_version}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back_only_in_the_order_it_was_made_for() {
        let name: Name = "check.out-1".parse().unwrap();
        for environment in [None, Some("production".parse::<Name>().unwrap())] {
            let cursor = Cursor::Named { environment, name: name.clone() };
            assert_eq!(Cursor::parse(&cursor.to_string(), false), Ok(cursor.clone()));
            assert!(Cursor::parse(&cursor.to_string(), true).is_err());
        }
        let cursor = Cursor::Aged { created_version: 17 };
        assert_eq!(Cursor::parse(&cursor.to_string(), true), Ok(cursor.clone()));
        assert!(Cursor::parse(&cursor.to_string(), false).is_err());
    }

    #[test]
    fn other_text_is_no_cursor() {
        for given in ["", "after_", "after_production", "after_A_b", "before_", "before_-1", "17"] {
            for newest_first in [false, true] {
                assert_eq!(
                    Cursor::parse(given, newest_first),
                    Err(Error::Cursor { given: given.to_owned() })
                );
            }
        }
    }
}
