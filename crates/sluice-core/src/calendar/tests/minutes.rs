//! A calendar against a look at the clock each minute.

use proptest::sample::select;

use super::*;

/// A window in parts, so that it can be judged minute by minute without the code under test.
#[derive(Clone, Debug)]
struct Parts {
    days: Vec<&'static str>,
    begins: u16,
    ends: u16,
    zone: &'static str,
}

const ZONES: [&str; 7] = [
    "UTC",
    "Europe/Amsterdam",
    "America/New_York",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    // Its clocks change at midnight, where a day begins at one or midnight comes twice.
    "America/Havana",
    "Africa/Casablanca",
];

/// Sundays on which clocks change somewhere, and days on which nothing happens.
const STARTS: [&str; 7] = [
    "2027-03-26T00:00:00Z",
    "2026-10-23T00:00:00Z",
    "2027-03-12T00:00:00Z",
    "2026-10-30T00:00:00Z",
    "2027-04-02T00:00:00Z",
    "2027-02-05T00:00:00Z",
    "2026-11-23T00:00:00Z",
];

impl Parts {
    fn text(&self) -> String {
        let time = |minutes: u16| format!("{:02}:{:02}", minutes / 60, minutes % 60);
        format!("{} {}-{} {}", self.days.join(","), time(self.begins), time(self.ends), self.zone)
    }

    fn is_open(&self, local: jiff::civil::DateTime) -> bool {
        let has = |date: Date| {
            let name = match date.weekday() {
                Weekday::Monday => "Mon",
                Weekday::Tuesday => "Tue",
                Weekday::Wednesday => "Wed",
                Weekday::Thursday => "Thu",
                Weekday::Friday => "Fri",
                Weekday::Saturday => "Sat",
                Weekday::Sunday => "Sun",
            };
            self.days.contains(&name)
        };
        let minute = u16::try_from(i32::from(local.hour()) * 60 + i32::from(local.minute())).unwrap();
        if self.begins < self.ends {
            return has(local.date()) && (self.begins..self.ends).contains(&minute);
        }
        (has(local.date()) && minute >= self.begins)
            || (has(local.date().yesterday().unwrap()) && minute < self.ends)
    }
}

fn parts() -> impl Strategy<Value = Parts> {
    let days = prop::sample::subsequence(vec!["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"], 1..=7);
    let hours = (0..24 * 4_u16, 1..24 * 4_u16).prop_map(|(begins, lasts)| {
        let ends = (begins + lasts) % (24 * 4);
        (begins * 15, if ends == 0 { 24 * 60 } else { ends * 15 })
    });
    (days, hours, select(ZONES.to_vec())).prop_map(|(days, (begins, ends), zone)| Parts {
        days,
        begins,
        ends,
        zone,
    })
}

/// A freeze of whole days, judged by the date on the wall.
fn frozen_days() -> impl Strategy<Value = (i64, i64, &'static str)> {
    (0..14_i64, 0..3_i64, select(ZONES.to_vec()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_calendar_agrees_with_looking_at_the_clock_each_minute(
        windows in prop::collection::vec(parts(), 0..3),
        freezes in prop::collection::vec(frozen_days(), 0..3),
        start in select(STARTS.to_vec()),
    ) {
        const MINUTES: i64 = 12 * 24 * 60;
        let zones = TimeZoneDatabase::bundled();
        let start = at(start);
        let first_day = jiff::Timestamp::from_millisecond(start.as_millis()).unwrap();
        let days: Vec<(Date, Date, &str)> = freezes
            .iter()
            .map(|(after, lasts, zone)| {
                let from = first_day.to_zoned_datetime(jiff::tz::TimeZone::UTC).date();
                let from = from.checked_add(jiff::Span::new().days(*after)).unwrap();
                (from, from.checked_add(jiff::Span::new().days(*lasts)).unwrap(), *zone)
            })
            .collect();
        let written: Vec<Freeze> =
            days.iter().map(|(from, to, zone)| freeze(&from.to_string(), &to.to_string(), zone)).collect();
        let texts: Vec<Window> = windows.iter().map(|parts| window(&parts.text())).collect();
        let calendar = Calendar::new(&texts, &written);

        let local = |zone: &str, millis: i64| {
            zones.get(zone).unwrap().to_datetime(jiff::Timestamp::from_millisecond(millis).unwrap())
        };
        let naive = |millis: i64| {
            let in_window = windows.is_empty()
                || windows.iter().any(|parts| parts.is_open(local(parts.zone, millis)));
            in_window && !days.iter().any(|(from, to, zone)| (*from..=*to).contains(&local(zone, millis).date()))
        };
        // The next change that was told, and what is then.
        let mut told: Option<(bool, Option<Timestamp>)> = None;
        for minute in 0..MINUTES {
            let now = Timestamp::from_millis(start.as_millis() + minute * MINUTE_MS);
            let is_open = naive(now.as_millis());
            if told.is_none_or(|(_, next)| next == Some(now)) {
                let (open, next) = match calendar.at(now) {
                    Openness::Open { until } => (true, until),
                    Openness::Closed { opens_at, .. } => (false, opens_at),
                };
                prop_assert!(told.is_none_or(|(before, _)| before != open), "nothing changed at {now}");
                if let Some(next) = next {
                    prop_assert!(next > now);
                    let just_before = Timestamp::from_millis(next.as_millis() - 1);
                    prop_assert_eq!(matches!(calendar.at(just_before), Openness::Open { .. }), open);
                    prop_assert_eq!(matches!(calendar.at(next), Openness::Open { .. }), !open);
                }
                told = Some((open, next));
            }
            prop_assert_eq!(told.map(|(open, _)| open), Some(is_open), "at {}", now);
        }
    }
}
