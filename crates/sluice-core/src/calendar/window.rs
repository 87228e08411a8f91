//! `Mon-Fri 09:00-16:30 Europe/Amsterdam`: when something may begin, week after week.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::zone::{InvalidZone, Zone};
use crate::document::problem::nearest;

const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

pub(super) const MINUTES_A_DAY: u16 = 24 * 60;

/// Some hours of some days of every week, by the clock on the wall in a zone.
///
/// Written `Mon-Fri 09:00-16:30 Europe/Amsterdam` or `Sat,Sun 10:00-12:00`; without a zone, UTC. One that ends before
/// it begins goes on into the next day and belongs to the day on which it begins.
///
/// The clock on the wall decides: where clocks are set forward, a window inside of the hour that is left out does not
/// open that night, and where they are set back, one inside of the hour that comes twice opens twice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Window {
    /// A bit for each day on which it begins, Monday the lowest.
    days: u8,
    /// In minutes since midnight.
    begins: u16,
    /// In minutes since midnight; never equal to `begins`. Where it is less, it is of the next day.
    ends: u16,
    zone: Zone,
}

crate::document::text_schema!(
    Window,
    r"^[A-Za-z]{3}([-,][A-Za-z]{3})* \d{2}:\d{2}-\d{2}:\d{2}( \S+)?$",
    "Mon-Fri 09:00-16:30 Europe/Amsterdam"
);

/// Why text is no window.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidWindow {
    /// It has not two or three parts.
    #[error("`{given}` is not a window: that is days, hours and a zone, with a space between them")]
    Form {
        /// The text that was given.
        given: String,
    },
    /// There is no such day.
    #[error("`{given}` is not a day")]
    Day {
        /// The text that was given.
        given: String,
        /// The day that was probably meant.
        near: Option<&'static str>,
    },
    /// A range of days that begins and ends on the same one.
    #[error("`{day}-{day}` could be one day or all seven")]
    OneDay {
        /// That day.
        day: &'static str,
    },
    /// There is no such time of day.
    #[error("`{given}` is not a time of day")]
    Time {
        /// The text that was given.
        given: String,
        /// The time that was probably meant.
        near: Option<String>,
    },
    /// There are not two times with `-` between them.
    #[error("`{given}` is not a time when it opens and one when it closes")]
    Hours {
        /// The text that was given.
        given: String,
    },
    /// It closes when it opens.
    #[error("`{given}` opens and closes at the same time")]
    Nothing {
        /// The hours that were given.
        given: String,
    },
    /// There is no such zone.
    #[error(transparent)]
    Zone(#[from] InvalidZone),
}

impl InvalidWindow {
    /// How to mend it, when that can be guessed.
    pub fn mend(&self) -> Option<String> {
        match self {
            InvalidWindow::Form { .. } => None,
            InvalidWindow::Day { near, .. } => near.map(|near| format!("did you mean `{near}`?")),
            InvalidWindow::OneDay { day } => Some(format!("write `{day}`, or `Mon-Sun`")),
            InvalidWindow::Time { near, .. } => near.as_ref().map(|near| format!("did you mean `{near}`?")),
            InvalidWindow::Hours { .. } => Some("write both, as 09:00-16:30".to_owned()),
            InvalidWindow::Nothing { .. } => Some("for a whole day, write 00:00-24:00".to_owned()),
            InvalidWindow::Zone(zone) => Some(zone.mend()),
        }
    }

    /// What would be accepted.
    pub const fn accepted(&self) -> &'static str {
        match self {
            InvalidWindow::Day { .. } => "Mon, Tue, Wed, Thu, Fri, Sat, Sun",
            InvalidWindow::Time { .. } => "00:00 to 24:00, with two digits for hours and minutes",
            InvalidWindow::Zone(_) => {
                "a name of the IANA database, as Europe/Amsterdam; UTC when none is given"
            }
            _ => "as Mon-Fri 09:00-16:30 Europe/Amsterdam, or Sat,Sun 22:00-02:00 UTC",
        }
    }
}

impl Window {
    /// The zone whose clocks it goes by.
    pub fn zone(&self) -> &Zone {
        &self.zone
    }

    /// Its minutes, counted from the beginning of Monday; those of a Sunday night go past the end of the week.
    pub(super) fn minutes(&self) -> impl Iterator<Item = (u16, u16)> {
        let ends = if self.ends > self.begins { self.ends } else { self.ends + MINUTES_A_DAY };
        let (begins, days) = (self.begins, self.days);
        (0..7_u16).filter(move |day| days & (1 << day) != 0).map(move |day| {
            let midnight = day * MINUTES_A_DAY;
            (midnight + begins, midnight + ends)
        })
    }
}

impl FromStr for Window {
    type Err = InvalidWindow;

    fn from_str(text: &str) -> Result<Window, InvalidWindow> {
        let parts: Vec<&str> = text.split_whitespace().collect();
        let (days, hours, zone) = match parts.as_slice() {
            [days, hours] => (*days, *hours, Zone::UTC),
            [days, hours, zone] if *zone != "-" && *hours != "-" => (*days, *hours, zone.parse()?),
            _ => return Err(InvalidWindow::Form { given: text.to_owned() }),
        };
        let days = read_days(days)?;
        let Some((begins, ends)) = hours.split_once('-') else {
            return Err(InvalidWindow::Hours { given: hours.to_owned() });
        };
        let (begins, ends) = (read_time(begins)?, read_time(ends)?);
        if begins == MINUTES_A_DAY {
            return Err(InvalidWindow::Time { given: "24:00".to_owned(), near: Some("00:00".to_owned()) });
        }
        if begins == ends {
            return Err(InvalidWindow::Nothing { given: hours.to_owned() });
        }
        Ok(Window { days, begins, ends, zone })
    }
}

/// `Mon-Fri,Sun`, as bits.
fn read_days(text: &str) -> Result<u8, InvalidWindow> {
    text.split(',').try_fold(0, |days, part| {
        let Some((first, last)) = part.split_once('-') else {
            return Ok(days | 1 << read_day(part)?);
        };
        let (first, last) = (read_day(first)?, read_day(last)?);
        if first == last {
            return Err(InvalidWindow::OneDay { day: DAYS[first] });
        }
        let count = (last + 7 - first) % 7;
        Ok((0..=count).fold(days, |days, after| days | 1 << ((first + after) % 7)))
    })
}

fn read_day(text: &str) -> Result<usize, InvalidWindow> {
    if let Some(day) = DAYS.iter().position(|day| day.eq_ignore_ascii_case(text)) {
        return Ok(day);
    }
    // Written out, as Monday, or a slip of the pen.
    let is_begun_by = |day: &&&str| text.get(..3).is_some_and(|first| first.eq_ignore_ascii_case(day));
    let near = DAYS.iter().find(is_begun_by).copied().or_else(|| nearest(text, &DAYS));
    Err(InvalidWindow::Day { given: text.to_owned(), near })
}

/// `09:30`, as minutes.
fn read_time(text: &str) -> Result<u16, InvalidWindow> {
    let (hours, minutes) = text.split_once(':').unwrap_or((text, "00"));
    let digits = |part: &str| {
        let are_digits = (1..=2).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
        are_digits.then(|| part.parse::<u16>().ok()).flatten()
    };
    let at = match (digits(hours), digits(minutes)) {
        (Some(hours), Some(minutes)) if minutes < 60 => Some(hours * 60 + minutes),
        _ => None,
    };
    let at = at.filter(|at| *at <= MINUTES_A_DAY);
    match at {
        Some(at) if written_time(at) == text => Ok(at),
        near => Err(InvalidWindow::Time { given: text.to_owned(), near: near.map(written_time) }),
    }
}

fn written_time(minutes: u16) -> String {
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

/// Days in order, three or more that follow each other as a range.
impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let has = |day: usize| self.days & (1 << day) != 0;
        let mut day = 0;
        let mut comma = "";
        while day < 7 {
            let count = (day..7).take_while(|day| has(*day)).count();
            match count {
                0 => {
                    day += 1;
                    continue;
                }
                1 => write!(f, "{comma}{}", DAYS[day])?,
                2 => write!(f, "{comma}{},{}", DAYS[day], DAYS[day + 1])?,
                _ => write!(f, "{comma}{}-{}", DAYS[day], DAYS[day + count - 1])?,
            }
            comma = ",";
            day += count;
        }
        write!(f, " {}-{} {}", written_time(self.begins), written_time(self.ends), self.zone)
    }
}

impl TryFrom<String> for Window {
    type Error = InvalidWindow;

    fn try_from(text: String) -> Result<Window, InvalidWindow> {
        text.parse()
    }
}

impl From<Window> for String {
    fn from(window: Window) -> String {
        window.to_string()
    }
}
