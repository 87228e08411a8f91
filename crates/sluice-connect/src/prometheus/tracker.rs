//! What counters of one version did between reads, series by series.
//!
//! A series is known by its labels. What it counted is what came since its last sample; where it fell, it was started
//! anew and counts from zero. A series that was not there before counts from zero too, for the first error is often what
//! creates the series of errors; but not when it was there in the hour before the first read, as that of a machine that
//! was away for a while: then its first sample is where it begins. A series that goes away takes nothing with it.

use std::collections::{BTreeMap, BTreeSet};

use sluice_engine::port::source::Trouble;

use super::buckets::{Counted, Grown};

/// A series that was not seen for so long is forgotten: a day, in milliseconds.
const FORGOTTEN_MS: i64 = 24 * 3600 * 1000;
/// How often targets are usually asked, before anything is known of it.
const USUAL_PACE_MS: i64 = 60_000;
/// Data are old after three times the pace at which they came, within these bounds.
const STALE_MS: (i64, i64) = (30_000, 300_000);

/// What one series counted, oldest first, with times in milliseconds.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// Its labels as one text.
    pub(crate) key: String,
    /// Whether it is one of the bad ones.
    pub(crate) is_bad: bool,
    pub(crate) points: Vec<(i64, Counted)>,
}

/// Something that came.
pub(crate) struct Came<'a> {
    pub(crate) at: i64,
    pub(crate) is_bad: bool,
    pub(crate) grown: &'a Grown,
}

/// The last sample of every series.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tracker {
    last: BTreeMap<String, (i64, Counted)>,
    /// Series that were there before the first read and not in it.
    known: BTreeSet<String>,
    newest: Option<i64>,
    /// The longest time between two samples of a series in the first read.
    pace: Option<i64>,
}

impl Tracker {
    /// Takes what is there as where everything begins.
    pub(crate) fn begin(seen: &[Seen], known: BTreeSet<String>) -> Tracker {
        let mut tracker = Tracker { known, ..Tracker::default() };
        for series in seen {
            let gaps = series.points.windows(2).map(|two| two[1].0 - two[0].0);
            tracker.pace = tracker.pace.max(gaps.max());
            if let Some((at, counted)) = series.points.last() {
                tracker.last.insert(series.key.clone(), (*at, counted.clone()));
                tracker.newest = tracker.newest.max(Some(*at));
            }
        }
        tracker
    }

    /// Tells what came since the last time, and remembers it.
    ///
    /// # Errors
    /// When what came cannot be told. The tracker is of no use then; keep a copy.
    pub(crate) fn fold(&mut self, seen: Vec<Seen>, mut tell: impl FnMut(Came<'_>)) -> Result<(), Trouble> {
        for Seen { key, is_bad, points } in seen {
            for (at, counted) in points {
                let grown = match self.last.get(&key) {
                    Some((last, _)) if at <= *last => continue,
                    Some((_, before)) => Some(counted.since(before)?),
                    None if self.known.contains(&key) => None,
                    None => Some(counted.all()),
                };
                if let Some(grown) = &grown {
                    tell(Came { at, is_bad, grown });
                }
                self.last.insert(key.clone(), (at, counted));
                self.newest = self.newest.max(Some(at));
            }
        }
        if let Some(newest) = self.newest {
            self.last.retain(|_, (at, _)| newest - *at < FORGOTTEN_MS);
        }
        Ok(())
    }

    /// When the newest sample was taken.
    pub(crate) fn newest(&self) -> Option<i64> {
        self.newest
    }

    /// How many milliseconds old the newest sample is, where that is too old.
    pub(crate) fn stale(&self, until: i64) -> Option<i64> {
        let age = until - self.newest?;
        (age > stale_after(self.pace)).then_some(age)
    }
}

/// When data of a pace are too old, in milliseconds.
pub(crate) fn stale_after(pace: Option<i64>) -> i64 {
    (3 * pace.unwrap_or(USUAL_PACE_MS)).clamp(STALE_MS.0, STALE_MS.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(key: &str, points: &[(i64, f64)]) -> Seen {
        let points = points.iter().map(|(at, count)| (*at, Counted::Plain(*count))).collect();
        Seen { key: key.to_owned(), is_bad: false, points }
    }

    fn told(tracker: &mut Tracker, seen: Vec<Seen>) -> Vec<(i64, f64)> {
        let mut told = Vec::new();
        let tell = |came: Came<'_>| {
            let Grown::Plain(count) = came.grown else { panic!("counters give counts") };
            told.push((came.at, *count));
        };
        tracker.fold(seen, tell).unwrap();
        told
    }

    #[test]
    fn nothing_is_told_twice_and_resets_between_reads_are_seen() {
        let mut tracker = Tracker::begin(&[seen("a", &[(1, 10.0), (2, 12.0)])], BTreeSet::new());
        assert_eq!(told(&mut tracker, vec![seen("a", &[(1, 10.0), (2, 12.0), (3, 15.0)])]), [(3, 3.0)]);
        assert_eq!(told(&mut tracker, vec![seen("a", &[(3, 15.0)])]), []);
        assert_eq!(
            told(&mut tracker, vec![seen("a", &[(4, 20.0), (5, 2.0), (6, 22.0)])]),
            [(4, 5.0), (5, 2.0), (6, 20.0)]
        );
    }

    #[test]
    fn a_new_series_counts_from_zero_and_one_that_was_away_from_where_it_is() {
        let mut tracker = Tracker::begin(&[seen("a", &[(1, 10.0)])], BTreeSet::from(["b".to_owned()]));
        let came = told(&mut tracker, vec![seen("b", &[(2, 1e6), (3, 1e6 + 4.0)]), seen("c", &[(3, 1.0)])]);
        assert_eq!(came, [(3, 4.0), (3, 1.0)]);
        // Gone, and back with more: the difference counts.
        assert_eq!(told(&mut tracker, vec![seen("a", &[(9, 16.0)])]), [(9, 6.0)]);
    }

    #[test]
    fn data_are_old_after_three_times_their_pace() {
        let tracker = Tracker::begin(&[seen("a", &[(0, 1.0), (15_000, 1.0)])], BTreeSet::new());
        assert_eq!(tracker.stale(60_000), None);
        assert_eq!(tracker.stale(61_000), Some(46_000));
        assert_eq!(Tracker::default().stale(61_000), None);
    }
}
