//! When windows are open and freezes last.

mod minutes;

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZoneDatabase;
use proptest::prelude::*;

use super::{Calendar, Closed, Edge, Freeze, InvalidWindow, Openness, Window, Zone};
use crate::Timestamp;

const MINUTE_MS: i64 = 60_000;

fn window(text: &str) -> Window {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn freeze(from: &str, to: &str, zone: &str) -> Freeze {
    let reason = Some("holidays".to_owned());
    Freeze::new(from.parse().unwrap(), to.parse().unwrap(), zone.parse().unwrap(), reason).unwrap()
}

fn calendar(windows: &[&str], freezes: &[Freeze]) -> Calendar {
    let windows: Vec<Window> = windows.iter().map(|text| window(text)).collect();
    Calendar::new(&windows, freezes)
}

/// Every change between two times, as the calendar tells them one after the other.
fn changes(calendar: &Calendar, from: &str, to: &str) -> Vec<String> {
    let (mut now, to) = (at(from), at(to));
    let mut told = Vec::new();
    loop {
        let (what, next) = match calendar.at(now) {
            Openness::Open { until } => ("closes", until),
            Openness::Closed { opens_at, .. } => ("opens", opens_at),
        };
        match next.filter(|next| *next < to) {
            Some(next) => {
                assert!(next > now, "{now} is followed by {next}");
                told.push(format!("{what} {next}").replace(":00.000Z", "Z"));
                now = next;
            }
            None => return told,
        }
    }
}

fn why(calendar: &Calendar, now: &str) -> String {
    match calendar.at(at(now)) {
        Openness::Open { until } => format!("open until {until:?}"),
        Openness::Closed { why, .. } => why.to_string(),
    }
}

#[test]
fn without_windows_and_freezes_it_is_always_open() {
    assert_eq!(Calendar::default().at(at("2026-11-23T09:00:00Z")), Openness::Open { until: None });
}

#[test]
fn a_window_is_open_from_its_first_minute_until_its_last_is_over() {
    let office = calendar(&["Mon-Fri 09:00-16:30 Europe/Amsterdam"], &[]);
    assert_eq!(
        changes(&office, "2026-11-20T12:00:00Z", "2026-11-24T12:00:00Z"),
        [
            "closes 2026-11-20T15:30Z",
            "opens 2026-11-23T08:00Z",
            "closes 2026-11-23T15:30Z",
            "opens 2026-11-24T08:00Z"
        ]
    );
    let opens = at("2026-11-23T08:00:00Z");
    let just_before = Timestamp::from_millis(opens.as_millis() - 1);
    assert!(matches!(office.at(just_before), Openness::Closed { opens_at: Some(at), .. } if at == opens));
    assert!(matches!(office.at(opens), Openness::Open { .. }));
}

#[test]
fn a_window_past_midnight_belongs_to_the_day_on_which_it_begins() {
    let nights = calendar(&["Mon-Thu 22:00-02:00 America/New_York"], &[]);
    assert_eq!(
        changes(&nights, "2026-11-19T12:00:00Z", "2026-11-25T00:00:00Z"),
        [
            "opens 2026-11-20T03:00Z",
            "closes 2026-11-20T07:00Z",
            "opens 2026-11-24T03:00Z",
            "closes 2026-11-24T07:00Z",
        ]
    );
    let sundays = calendar(&["Sun 22:00-02:00"], &[]);
    assert_eq!(
        changes(&sundays, "2026-11-22T12:00:00Z", "2026-11-24T00:00:00Z"),
        ["opens 2026-11-22T22:00Z", "closes 2026-11-23T02:00Z"]
    );
}

#[test]
fn windows_that_touch_or_overlap_are_one() {
    let calendar =
        calendar(&["Mon 09:00-12:00", "Mon 12:00-13:00", "Mon 12:30-24:00", "Tue 00:00-01:00"], &[]);
    assert_eq!(
        changes(&calendar, "2026-11-22T00:00:00Z", "2026-11-24T12:00:00Z"),
        ["opens 2026-11-23T09:00Z", "closes 2026-11-24T01:00Z"]
    );
    let always = super::Calendar::new(&[window("Mon-Sun 00:00-12:00"), window("Mon-Sun 12:00-24:00")], &[]);
    assert_eq!(always.at(at("2027-03-28T00:30:00Z")), Openness::Open { until: None });
}

#[test]
fn windows_of_two_zones_may_take_turns() {
    let calendar = calendar(&["Mon 09:00-17:00 Europe/Amsterdam", "Mon 09:00-17:00 America/New_York"], &[]);
    assert_eq!(
        changes(&calendar, "2026-11-23T00:00:00Z", "2026-11-24T00:00:00Z"),
        ["opens 2026-11-23T08:00Z", "closes 2026-11-23T22:00Z"]
    );
}

#[test]
fn nine_in_the_morning_stays_nine_in_the_morning_when_clocks_change() {
    let mornings = calendar(&["Mon-Sun 09:00-10:00 Europe/Amsterdam"], &[]);
    assert_eq!(
        changes(&mornings, "2027-03-27T12:00:00Z", "2027-03-28T12:00:00Z"),
        ["opens 2027-03-28T07:00Z", "closes 2027-03-28T08:00Z"]
    );
    assert_eq!(
        changes(&mornings, "2026-10-24T12:00:00Z", "2026-10-25T12:00:00Z"),
        ["opens 2026-10-25T08:00Z", "closes 2026-10-25T09:00Z"]
    );
    let new_york = calendar(&["Mon-Sun 09:00-10:00 America/New_York"], &[]);
    assert_eq!(
        changes(&new_york, "2027-03-13T12:00:00Z", "2027-03-14T20:00:00Z")[2..],
        ["opens 2027-03-14T13:00Z", "closes 2027-03-14T14:00Z"]
    );
}

#[test]
fn a_window_in_the_hour_that_is_left_out_does_not_open_that_night() {
    let nights = calendar(&["Mon-Sun 02:15-02:45 Europe/Amsterdam"], &[]);
    assert_eq!(
        changes(&nights, "2027-03-27T00:00:00Z", "2027-03-29T12:00:00Z"),
        [
            "opens 2027-03-27T01:15Z",
            "closes 2027-03-27T01:45Z",
            "opens 2027-03-29T00:15Z",
            "closes 2027-03-29T00:45Z"
        ]
    );
    let across = calendar(&["Sun 01:30-02:30 Europe/Amsterdam"], &[]);
    assert_eq!(
        changes(&across, "2027-03-28T00:00:00Z", "2027-03-29T00:00:00Z"),
        ["opens 2027-03-28T00:30Z", "closes 2027-03-28T01:00Z"]
    );
}

#[test]
fn a_window_in_the_hour_that_comes_twice_opens_twice() {
    let nights = calendar(&["Sun 02:15-02:45 Europe/Amsterdam"], &[]);
    assert_eq!(
        changes(&nights, "2026-10-24T12:00:00Z", "2026-10-25T12:00:00Z"),
        [
            "opens 2026-10-25T00:15Z",
            "closes 2026-10-25T00:45Z",
            "opens 2026-10-25T01:15Z",
            "closes 2026-10-25T01:45Z"
        ]
    );
    let new_york = calendar(&["Sun 01:00-01:30 America/New_York"], &[]);
    assert_eq!(
        changes(&new_york, "2026-11-01T00:00:00Z", "2026-11-01T12:00:00Z"),
        [
            "opens 2026-11-01T05:00Z",
            "closes 2026-11-01T05:30Z",
            "opens 2026-11-01T06:00Z",
            "closes 2026-11-01T06:30Z"
        ]
    );
}

#[test]
fn offsets_of_half_an_hour_and_changes_by_half_an_hour_are_known() {
    let kolkata = calendar(&["Mon-Sat 10:00-18:00 Asia/Kolkata"], &[]);
    assert_eq!(
        changes(&kolkata, "2026-11-23T00:00:00Z", "2026-11-23T23:00:00Z"),
        ["opens 2026-11-23T04:30Z", "closes 2026-11-23T12:30Z"]
    );
    // On 4 April 2027 its clocks go from 02:00 back to 01:30.
    let lord_howe = calendar(&["Sun 01:00-01:45 Australia/Lord_Howe"], &[]);
    assert_eq!(
        changes(&lord_howe, "2027-04-03T00:00:00Z", "2027-04-04T00:00:00Z"),
        [
            "opens 2027-04-03T14:00Z",
            "closes 2027-04-03T14:45Z",
            "opens 2027-04-03T15:00Z",
            "closes 2027-04-03T15:15Z"
        ]
    );
}

#[test]
fn a_freeze_lasts_through_the_end_of_its_last_day_where_it_was_called() {
    let holidays = freeze("2026-12-20", "2027-01-02", "Europe/Amsterdam");
    assert_eq!(holidays.begins(), at("2026-12-19T23:00:00Z"));
    assert_eq!(holidays.ends(), at("2027-01-02T23:00:00Z"));
    let frozen = calendar(&[], std::slice::from_ref(&holidays));
    assert_eq!(frozen.at(at("2026-12-01T00:00:00Z")), Openness::Open { until: Some(holidays.begins()) });
    assert_eq!(
        why(&frozen, "2026-12-31T23:59:00Z"),
        "a freeze lasts until Sun 3 Jan 2027, 00:00 Europe/Amsterdam (holidays)"
    );
    assert_eq!(frozen.at(holidays.ends()), Openness::Open { until: None });
    let exact = freeze("2026-12-20T18:00:00+01:00", "2026-12-20T19:00:30Z", "UTC");
    assert_eq!((exact.begins(), exact.ends()), (at("2026-12-20T17:00:00Z"), at("2026-12-20T19:00:30Z")));
    assert_eq!(
        why(&calendar(&[], &[exact]), "2026-12-20T18:00:00Z"),
        "a freeze lasts until Sun 20 Dec 2026, 19:00:30 UTC (holidays)"
    );
}

#[test]
fn it_opens_when_a_window_is_open_and_every_freeze_is_over() {
    let freezes = [
        freeze("2026-12-20", "2027-01-02", "UTC"),
        freeze("2026-12-30T00:00:00Z", "2027-01-06T10:00:00Z", "UTC"),
    ];
    let office = calendar(&["Mon-Fri 09:00-16:30 Europe/Amsterdam"], &freezes);
    let opens_at = |now: &str| match office.at(at(now)) {
        Openness::Closed { opens_at, .. } => opens_at,
        Openness::Open { .. } => None,
    };
    // From the middle of a window, and from the first freeze, which the second outlasts.
    assert_eq!(opens_at("2026-12-18T20:00:00Z"), Some(at("2027-01-06T10:00:00Z")));
    assert_eq!(opens_at("2026-12-24T10:00:00Z"), Some(at("2027-01-06T10:00:00Z")));
    assert_eq!(
        why(&office, "2026-12-18T20:00:00Z"),
        "no window is open; the next one opens Wed 6 Jan 2027, 11:00 Europe/Amsterdam"
    );
    // A freeze cuts a window short.
    let short = calendar(&["Mon-Fri 09:00-16:30"], &[freeze("2026-11-23T12:00:00Z", "2026-11-24", "UTC")]);
    assert_eq!(
        changes(&short, "2026-11-23T00:00:00Z", "2026-11-26T00:00:00Z"),
        [
            "opens 2026-11-23T09:00Z",
            "closes 2026-11-23T12:00Z",
            "opens 2026-11-25T09:00Z",
            "closes 2026-11-25T16:30Z"
        ]
    );
}

#[test]
fn what_never_opens_says_so() {
    let forever = calendar(&["Mon 09:00-10:00"], &[freeze("2026-01-01", "2099-12-31", "UTC")]);
    assert!(matches!(forever.at(at("2026-11-23T09:30:00Z")), Openness::Closed { opens_at: None, .. }));
    let before = calendar(&["Mon 09:00-10:00"], &[freeze("2026-11-24", "2099-12-31", "UTC")]);
    assert_eq!(why(&before, "2026-11-23T12:00:00Z"), "no window is open, and none opens within 400 days");
}

#[test]
fn the_last_days_of_time_are_survived() {
    let last = freeze("9999-12-01", "9999-12-31", "America/New_York");
    let calendar = calendar(&["Mon-Sun 09:00-10:00 America/New_York"], &[last]);
    for now in [0, i64::MAX / 2, i64::MAX] {
        assert!(matches!(calendar.at(Timestamp::from_millis(now)), Openness::Closed { .. }));
    }
}

#[test]
fn a_window_reads_back_as_it_was_meant() {
    for (given, written) in [
        ("Mon-Fri 09:00-16:30 Europe/Amsterdam", "Mon-Fri 09:00-16:30 Europe/Amsterdam"),
        ("sat,SUN 10:00-12:00", "Sat,Sun 10:00-12:00 UTC"),
        ("Fri-Mon 22:00-02:00 america/new_york", "Mon,Fri-Sun 22:00-02:00 America/New_York"),
        ("Mon,Wed-Fri,Thu 00:00-24:00 utc", "Mon,Wed-Fri 00:00-24:00 UTC"),
    ] {
        assert_eq!(window(given).to_string(), written);
        assert_eq!(window(written), window(given));
    }
}

#[test]
fn what_is_wrong_with_a_window_is_said_with_its_mend() {
    let said = |text: &str| {
        let error: InvalidWindow = text.parse::<Window>().unwrap_err();
        format!("{error}; {}", error.mend().unwrap_or_default())
    };
    for (text, expected) in [
        ("", "`` is not a window: that is days, hours and a zone, with a space between them; "),
        (
            "Mon - Fri 09:00-16:30",
            "`Mon - Fri 09:00-16:30` is not a window: that is days, hours and a zone, with a space between them; ",
        ),
        ("Monday 09:00-16:30", "`Monday` is not a day; did you mean `Mon`?"),
        ("Mon-Fir 09:00-16:30", "`Fir` is not a day; did you mean `Fri`?"),
        ("weekdays 09:00-16:30", "`weekdays` is not a day; "),
        ("Mon-Mon 09:00-16:30", "`Mon-Mon` could be one day or all seven; write `Mon`, or `Mon-Sun`"),
        ("Mon, 09:00-16:30", "`` is not a day; "),
        ("Mon 9:00-16:30", "`9:00` is not a time of day; did you mean `09:00`?"),
        ("Mon 09-17", "`09` is not a time of day; did you mean `09:00`?"),
        ("Mon 09:00-25:00", "`25:00` is not a time of day; "),
        ("Mon 09:60-10:00", "`09:60` is not a time of day; "),
        ("Mon 24:00-10:00", "`24:00` is not a time of day; did you mean `00:00`?"),
        (
            "Mon 09:00",
            "`09:00` is not a time when it opens and one when it closes; write both, as 09:00-16:30",
        ),
        (
            "Mon 09:00-09:00",
            "`09:00-09:00` opens and closes at the same time; for a whole day, write 00:00-24:00",
        ),
        (
            "Mon 09:00-16:30 Europe/Amsterdm",
            "there is no time zone `Europe/Amsterdm`; did you mean `Europe/Amsterdam`?",
        ),
    ] {
        assert_eq!(said(text), expected);
    }
}

#[test]
fn a_zone_that_does_not_exist_is_told_from_one_that_was_probably_meant() {
    let near = |text: &str| text.parse::<Zone>().unwrap_err().near;
    assert_eq!(near("Amsterdam"), Some("Europe/Amsterdam"));
    assert_eq!(near("new york"), Some("America/New_York"));
    assert_eq!(near("Europe/New_York"), Some("America/New_York"));
    assert_eq!(near("Amsterdm"), Some("Europe/Amsterdam"));
    assert_eq!(near("Middle-earth/Minas_Tirith"), None);
    assert_eq!(near("Etc/Unknown"), None);
}

#[test]
fn a_freeze_that_does_not_last_is_refused() {
    let edge = |text: &str| text.parse::<Edge>();
    let lasts = |from: &str, to: &str| {
        Freeze::new(edge(from).unwrap(), edge(to).unwrap(), Zone::UTC, None)
            .map_err(|error| error.to_string())
    };
    assert!(lasts("2026-12-20", "2026-12-20").is_ok());
    assert!(lasts("2026-12-20", "2026-12-20T00:00:01Z").is_ok());
    assert_eq!(
        lasts("2027-01-02", "2026-12-20").unwrap_err(),
        "the freeze ends 2026-12-20, which is not after it begins, 2027-01-02"
    );
    assert!(lasts("2026-12-20", "2026-12-20T00:00:00Z").is_err());
    for text in ["", "2026-02-30", "20 Dec", "2026-12-20T18:00", "2026-12", "20261220"] {
        assert!(edge(text).is_err(), "{text:?} was taken");
    }
    let error = edge("2026-12-20T18:00:00").unwrap_err();
    assert_eq!(
        error.mend.as_deref(),
        Some("say where, as 2026-12-20T18:00:00Z or 2026-12-20T18:00:00+01:00")
    );
}

#[test]
fn an_answer_reads_back_as_it_was_written() {
    let frozen = calendar(&["Mon 09:00-10:00"], &[freeze("2026-12-20", "2027-01-02", "Europe/Amsterdam")]);
    for now in ["2026-11-23T09:30:00Z", "2026-11-23T12:00:00Z", "2026-12-24T00:00:00Z"] {
        let answer = frozen.at(at(now));
        let written = serde_json::to_string(&answer).unwrap();
        assert_eq!(serde_json::from_str::<Openness>(&written).unwrap(), answer, "{written}");
    }
    assert!(
        serde_json::from_str::<Closed>(r#"{"Window":{"opens_at":null,"zone":"Europe/Nowhere"}}"#).is_err()
    );
}
