//! Time zones, from the data that comes with the binary and never from the machine.

use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

use jiff::civil::Date;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Timestamp;
use crate::document::problem::nearest;

/// A time zone by its name in the IANA database: `Europe/Amsterdam`, `UTC`. Capitals do not matter when it is read.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, example = "Europe/Amsterdam")]
pub struct Zone(TimeZone);

/// Text that names no time zone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no time zone `{given}`")]
pub struct InvalidZone {
    /// The text that was given.
    pub given: String,
    /// The zone that was probably meant.
    pub near: Option<&'static str>,
}

impl InvalidZone {
    /// How to mend it.
    pub fn mend(&self) -> String {
        match self.near {
            Some(near) => format!("did you mean `{near}`?"),
            None => "write a continent and a city, as Europe/Amsterdam, or UTC".to_owned(),
        }
    }
}

/// The names of all zones.
static NAMES: LazyLock<Vec<String>> =
    LazyLock::new(|| TimeZoneDatabase::bundled().available().map(|name| name.as_str().to_owned()).collect());

impl Zone {
    /// Coordinated universal time, which no clock in it is ever set forward or back.
    pub const UTC: Zone = Zone(TimeZone::UTC);

    /// Its name in the database, in the database's own capitals.
    pub fn name(&self) -> &str {
        self.0.iana_name().expect("a zone is only ever found by its name")
    }

    /// A time on its clocks, as people write it: `Mon 23 Nov 2026, 09:00 Europe/Amsterdam`. With seconds only where
    /// there are some.
    pub fn written(&self, at: Timestamp) -> String {
        let local = self.0.to_datetime(moment(at.as_millis()));
        let time = if local.second() == 0 { "%a %-d %b %Y, %H:%M" } else { "%a %-d %b %Y, %H:%M:%S" };
        format!("{} {self}", local.strftime(time))
    }

    /// How far its clocks are ahead of UTC, in milliseconds.
    pub(super) fn offset_at(&self, at: i64) -> i64 {
        i64::from(self.0.to_offset(moment(at)).seconds()) * 1_000
    }

    /// The next time at which its clocks are set forward or back, in milliseconds; later than `at`.
    pub(super) fn transition_after(&self, at: i64) -> Option<i64> {
        let next = self.0.following(moment(at)).next()?.timestamp().as_millisecond();
        (next > at).then_some(next)
    }

    /// The first moment of a day, which is not midnight where clocks are set forward at midnight.
    pub(super) fn day_begins(&self, day: Date) -> Timestamp {
        let midnight = day.at(0, 0, 0, 0);
        // Only beside the year 9999 is there a day without a moment; it is held back to the last one.
        let at = self.0.to_timestamp(midnight).unwrap_or(jiff::Timestamp::MAX);
        Timestamp::from_millis(at.as_millisecond())
    }
}

/// Held within what the calendar knows: its last day is 30 December 9999.
fn moment(millis: i64) -> jiff::Timestamp {
    jiff::Timestamp::from_millisecond(millis).unwrap_or(jiff::Timestamp::MAX)
}

impl Default for Zone {
    fn default() -> Zone {
        Zone::UTC
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Zone({})", self.name())
    }
}

impl FromStr for Zone {
    type Err = InvalidZone;

    fn from_str(text: &str) -> Result<Zone, InvalidZone> {
        match TimeZoneDatabase::bundled().get(text) {
            Ok(zone) if !zone.is_unknown() && zone.iana_name().is_some() => Ok(Zone(zone)),
            _ => Err(InvalidZone { given: text.to_owned(), near: near(text) }),
        }
    }
}

/// The zone that was probably meant: the city alone, as `Amsterdam`, or a slip of the pen.
fn near(text: &str) -> Option<&'static str> {
    let names: Vec<&'static str> = NAMES.iter().map(String::as_str).collect();
    let city = |name: &&'static str| name.rsplit('/').next().unwrap_or(name);
    let plain = text.trim().replace(' ', "_");
    let wanted = plain.rsplit('/').next().unwrap_or(&plain);
    if let Some(name) = names.iter().find(|name| city(name).eq_ignore_ascii_case(wanted)) {
        return Some(name);
    }
    if let Some(name) = nearest(&plain, &names) {
        return Some(name);
    }
    let cities: Vec<&'static str> = names.iter().map(city).collect();
    let near = nearest(wanted, &cities)?;
    names.iter().copied().find(|name| city(name) == near)
}

impl TryFrom<String> for Zone {
    type Error = InvalidZone;

    fn try_from(text: String) -> Result<Zone, InvalidZone> {
        text.parse()
    }
}

impl From<Zone> for String {
    fn from(zone: Zone) -> String {
        zone.name().to_owned()
    }
}
