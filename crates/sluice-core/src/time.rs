//! Points in time and lengths of time, as Sluice stores and prints them.
//!
//! The core never asks what time it is: every function that needs to know takes `now`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A point in time: milliseconds since 1970-01-01T00:00:00Z. Printed as RFC 3339 with milliseconds, in UTC.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, format = DateTime, example = "2026-11-23T09:30:00.000Z")]
pub struct Timestamp(i64);

/// Text that is no RFC 3339 time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is not a time; write it as 2026-11-23T09:30:00Z")]
pub struct InvalidTimestamp {
    /// The text that was given.
    pub given: String,
}

/// The last millisecond of the last day but one of the year 9999 that every time zone can still write.
const LATEST_MS: i64 = 253_402_207_200_999;

impl Timestamp {
    /// From milliseconds since the epoch, held within what RFC 3339 can write.
    pub const fn from_millis(millis: i64) -> Timestamp {
        Timestamp(if millis < 0 {
            0
        } else if millis > LATEST_MS {
            LATEST_MS
        } else {
            millis
        })
    }

    /// Milliseconds since the epoch.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// The time from `earlier` until now; zero if `earlier` is later, as after a clock was set back.
    pub fn since(self, earlier: Timestamp) -> Span {
        Span(Duration::from_millis(self.0.saturating_sub(earlier.0).max(0).unsigned_abs()))
    }

    /// This time plus `span`, at most the year 9999.
    pub fn after(self, span: Span) -> Timestamp {
        let millis = i64::try_from(span.0.as_millis()).unwrap_or(LATEST_MS);
        Timestamp::from_millis(self.0.saturating_add(millis))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = jiff::Timestamp::from_millisecond(self.0).map_err(|_| fmt::Error)?;
        write!(f, "{at:.3}")
    }
}

impl FromStr for Timestamp {
    type Err = InvalidTimestamp;

    fn from_str(text: &str) -> Result<Self, InvalidTimestamp> {
        let at: jiff::Timestamp = text.parse().map_err(|_| InvalidTimestamp { given: text.to_owned() })?;
        Ok(Timestamp::from_millis(at.as_millisecond()))
    }
}

impl TryFrom<String> for Timestamp {
    type Error = InvalidTimestamp;

    fn try_from(text: String) -> Result<Self, InvalidTimestamp> {
        text.parse()
    }
}

impl From<Timestamp> for String {
    fn from(at: Timestamp) -> String {
        at.to_string()
    }
}

/// A length of time, written as people do: `250ms`, `90s`, `10m`, `1h30m`, `7d`.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, pattern = r"^(\d+(ms|s|m|h|d))+$", example = "10m")]
pub struct Span(Duration);

/// Text that is no length of time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is not a length of time; write it as 250ms, 90s, 10m, 1h30m or 7d")]
pub struct InvalidSpan {
    /// The text that was given.
    pub given: String,
}

/// Units that a span is written in, largest first, with their length in milliseconds.
const UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

impl Span {
    /// No time at all.
    pub const ZERO: Span = Span(Duration::ZERO);

    /// From whole milliseconds.
    pub const fn from_millis(millis: u64) -> Span {
        Span(Duration::from_millis(millis))
    }

    /// From whole seconds.
    pub const fn from_secs(secs: u64) -> Span {
        Span(Duration::from_secs(secs))
    }

    /// For timers.
    pub const fn as_duration(self) -> Duration {
        self.0
    }

    /// Whole milliseconds.
    pub fn as_millis(self) -> u64 {
        u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX)
    }

    /// What is left of this span after `spent`; zero when it is used up.
    pub fn left_after(self, spent: Span) -> Span {
        Span(self.0.saturating_sub(spent.0))
    }

    /// Rounded for reading: at most two units, milliseconds only under a second.
    pub fn rounded(self) -> Span {
        let millis = self.as_millis();
        let grain = match millis {
            0..1_000 => 1,
            1_000..3_600_000 => 1_000,
            3_600_000..86_400_000 => 60_000,
            _ => 3_600_000,
        };
        Span::from_millis(millis / grain * grain)
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut left = self.as_millis();
        if left == 0 {
            return f.write_str("0s");
        }
        for (unit, millis) in UNITS {
            let count = left / millis;
            left %= millis;
            if count > 0 {
                write!(f, "{count}{unit}")?;
            }
        }
        Ok(())
    }
}

impl FromStr for Span {
    type Err = InvalidSpan;

    fn from_str(text: &str) -> Result<Self, InvalidSpan> {
        let invalid = || InvalidSpan { given: text.to_owned() };
        let mut rest = text.trim();
        let mut total: u64 = 0;
        if rest.is_empty() {
            return Err(invalid());
        }
        while !rest.is_empty() {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let letters = rest[digits..].bytes().take_while(u8::is_ascii_alphabetic).count();
            let count: u64 = rest[..digits].parse().map_err(|_| invalid())?;
            let unit = &rest[digits..digits + letters];
            let (_, millis) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(invalid)?;
            total =
                count.checked_mul(*millis).and_then(|part| total.checked_add(part)).ok_or_else(invalid)?;
            rest = &rest[digits + letters..];
        }
        Ok(Span::from_millis(total))
    }
}

impl TryFrom<String> for Span {
    type Error = InvalidSpan;

    fn try_from(text: String) -> Result<Self, InvalidSpan> {
        text.parse()
    }
}

impl From<Span> for String {
    fn from(span: Span) -> String {
        span.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_read_back_as_written() {
        for text in ["250ms", "1s500ms", "1h30m", "7d", "0s"] {
            assert_eq!(text.parse::<Span>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_span_without_a_unit_is_refused() {
        for text in ["", "10", "s", "10 m", "1w", "-5s", "1.5h", "99999999999999999999s"] {
            assert!(text.parse::<Span>().is_err(), "{text:?} was taken");
        }
    }

    #[test]
    fn timestamps_have_milliseconds_and_survive_a_round_trip() {
        let at = Timestamp::from_millis(1_795_426_200_042);
        assert_eq!(at.to_string(), "2026-11-23T09:30:00.042Z");
        assert_eq!(at.to_string().parse::<Timestamp>(), Ok(at));
    }

    #[test]
    fn a_clock_set_back_gives_no_negative_time() {
        let at = Timestamp::from_millis(5_000);
        assert_eq!(at.since(Timestamp::from_millis(9_000)), Span::ZERO);
    }
}
