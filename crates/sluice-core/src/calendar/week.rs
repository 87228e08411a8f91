//! The windows of one zone, as stretches of a week: what overlaps or touches is one.
//!
//! Between two changes of a zone's offset its clocks run evenly, so that all is whole numbers within a week.

use super::window::{MINUTES_A_DAY, Window};
use super::zone::Zone;

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = MINUTES_A_DAY as i64 * MINUTE_MS;
const WEEK_MS: i64 = 7 * DAY_MS;

/// How far into a week, counted from Monday, the first moment of 1970 is: it was a Thursday.
const EPOCH_IN_WEEK_MS: i64 = 3 * DAY_MS;

/// When the windows of one zone are open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Week {
    pub(super) zone: Zone,
    /// From and to, in milliseconds since Monday by the clock on the wall; in order, none touching the next. Never
    /// empty.
    spans: Vec<(i64, i64)>,
}

impl Week {
    /// A week for each zone that windows are in.
    pub(super) fn of(windows: &[Window]) -> Vec<Week> {
        let mut zones: Vec<&Zone> = Vec::new();
        for window in windows {
            if !zones.contains(&window.zone()) {
                zones.push(window.zone());
            }
        }
        let within = |zone: &Zone| merged(windows.iter().filter(|window| window.zone() == zone));
        zones.into_iter().map(|zone| Week { zone: zone.clone(), spans: within(zone) }).collect()
    }

    pub(super) fn is_open(&self, at: i64) -> bool {
        self.is_open_in_week(in_week(at + self.zone.offset_at(at)))
    }

    fn is_open_in_week(&self, local: i64) -> bool {
        let begun = self.spans.partition_point(|(from, _)| *from <= local);
        begun > 0 && local < self.spans[begun - 1].1
    }

    /// The first moment after `at`, and no later than `limit`, at which it opens, if it is closed, or closes, if it is
    /// open.
    pub(super) fn change_after(&self, at: i64, limit: i64) -> Option<i64> {
        let is_open = self.is_open(at);
        let mut at = at;
        while at <= limit {
            let change = self.evenly_until_change(in_week(at + self.zone.offset_at(at)));
            let change = change.map(|evenly| at + evenly).filter(|change| *change <= limit);
            let Some(transition) = self.zone.transition_after(at) else { return change };
            match change {
                Some(change) if change < transition => return Some(change),
                _ if transition <= limit && self.is_open(transition) != is_open => return Some(transition),
                _ => at = transition,
            }
        }
        None
    }

    /// How long the state at a moment of the week lasts while the clocks run evenly; `None` for ever.
    fn evenly_until_change(&self, local: i64) -> Option<i64> {
        let (first, _) = self.spans[0];
        if self.spans == [(0, WEEK_MS)] {
            return None;
        }
        let begun = self.spans.partition_point(|(from, _)| *from <= local);
        let change = match self.spans[..begun].last() {
            // What is open when the week ends may go on when the next one begins.
            Some((_, WEEK_MS)) if first == 0 => WEEK_MS + self.spans[0].1,
            Some((_, to)) if local < *to => *to,
            _ => self.spans.get(begun).map_or(WEEK_MS + first, |(from, _)| *from),
        };
        Some(change - local)
    }
}

fn in_week(local: i64) -> i64 {
    (local + EPOCH_IN_WEEK_MS).rem_euclid(WEEK_MS)
}

/// The stretches of all of them, put together.
fn merged<'w>(windows: impl Iterator<Item = &'w Window>) -> Vec<(i64, i64)> {
    let mut spans: Vec<(i64, i64)> = Vec::new();
    for (from, to) in windows.flat_map(Window::minutes) {
        let (from, to) = (i64::from(from) * MINUTE_MS, i64::from(to) * MINUTE_MS);
        spans.push((from, to.min(WEEK_MS)));
        // A Sunday's night ends on Monday.
        if to > WEEK_MS {
            spans.push((0, to - WEEK_MS));
        }
    }
    spans.sort_unstable();
    let mut merged: Vec<(i64, i64)> = Vec::new();
    for (from, to) in spans {
        match merged.last_mut() {
            Some((_, last)) if from <= *last => *last = to.max(*last),
            _ => merged.push((from, to)),
        }
    }
    merged
}
