//! Makes what is old coarser, and forgets what is too old or too much: a few rows at a time.

use std::collections::BTreeMap;

use rusqlite::{Transaction, params};
use sluice_core::{Span, Timestamp};
use sluice_engine::port::history::{
    KEPT, MINUTES_KEPT, SECONDS_KEPT, Sample, Series, TEN_MINUTES, add_up, floor,
};

use super::database::size;
use super::rows::{self, Grain, Place};
use crate::failure::Failure;

/// How many rows are made coarser, or forgotten, in one transaction: some milliseconds.
const ROWS_MAX: i64 = 256;
/// How many transactions one call makes at most; the next goes on.
pub(super) const BATCHES_MAX: usize = 1_000;
/// What is younger is not made coarser for want of room.
const SECONDS_KEPT_MIN: Span = Span::from_secs(600);
/// As above.
const MINUTES_KEPT_MIN: Span = Span::from_secs(60 * 60);
/// The share of the size, in percent, from which room is made. What is left is for what is recorded until the next
/// time.
const FULL_PERCENT: u64 = 90;

/// Does the next piece of work; gives whether there was none.
pub(super) fn batch(transaction: &Transaction<'_>, now: Timestamp, size_max: u64) -> Result<bool, Failure> {
    let done = coarsen(transaction, Grain::Fine, before(now, SECONDS_KEPT))?
        || coarsen(transaction, Grain::Minute, before(now, MINUTES_KEPT))?
        || forget(transaction, before(now, KEPT))?
        || (size(transaction)? > size_max / 100 * FULL_PERCENT && make_room(transaction, now)?);
    Ok(!done)
}

/// The last border of ten minutes before this long ago.
fn before(now: Timestamp, span: Span) -> Timestamp {
    let at = Timestamp::from_millis(
        now.as_millis().saturating_sub(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)),
    );
    floor(at, TEN_MINUTES)
}

/// Adds up the oldest rows that begin before a time into rows of the next coarser grain.
fn coarsen(transaction: &Transaction<'_>, from: Grain, until: Timestamp) -> Result<bool, Failure> {
    let to = if from == Grain::Fine { Grain::Minute } else { Grain::TenMinutes };
    let found = oldest(transaction, from, until)?;
    let mut sums: BTreeMap<Place, (Series, Vec<Sample>)> = BTreeMap::new();
    for (place, series, data) in &found {
        let into = Place { grain: to, start: floor(place.start, to.length()), ..*place };
        let read = read(transaction, *place, series, data)?;
        sums.entry(into).or_insert_with(|| (series.clone(), Vec::new())).1.extend(read);
        rows::delete(transaction, *place)?;
    }
    for (into, (series, mut samples)) in sums {
        if let Some(data) = rows::get(transaction, into)? {
            samples.extend(read(transaction, into, &series, &data)?);
        }
        let sums = add_up(samples, to.step());
        if !sums.is_empty() {
            rows::put(transaction, into, &rows::encode(into.start, sums))?;
        }
    }
    Ok(!found.is_empty())
}

/// The samples of a row, which is set aside if it is damaged.
fn read(
    transaction: &Transaction<'_>,
    place: Place,
    series: &Series,
    data: &[u8],
) -> Result<Vec<Sample>, Failure> {
    let (samples, damage) = rows::samples(series, place, data);
    if let Some(why) = damage {
        rows::set_aside(transaction, place, data, &why)?;
    }
    Ok(samples)
}

fn oldest(
    transaction: &Transaction<'_>,
    grain: Grain,
    until: Timestamp,
) -> Result<Vec<(Place, Series, Vec<u8>)>, Failure> {
    let mut select = transaction.prepare_cached(
        "SELECT samples.series, start, data, environment, service, version, kind, name
         FROM samples JOIN series ON series.id = samples.series
         WHERE grain = ?1 AND start < ?2 ORDER BY start LIMIT ?3",
    )?;
    let mut found = select.query(params![grain.number(), until.as_millis(), ROWS_MAX])?;
    let mut oldest = Vec::new();
    while let Some(row) = found.next()? {
        let place = Place { series: row.get(0)?, grain, start: Timestamp::from_millis(row.get(1)?) };
        oldest.push((place, rows::series(row, 3)?, row.get(2)?));
    }
    Ok(oldest)
}

/// Forgets what began before a time, and series of which nothing is left.
fn forget(transaction: &Transaction<'_>, until: Timestamp) -> Result<bool, Failure> {
    let until = until.as_millis();
    let mut forgotten = 0;
    for delete in [
        "DELETE FROM samples WHERE id IN
         (SELECT id FROM samples WHERE grain = 2 AND start < ?1 ORDER BY start LIMIT ?2)",
        "DELETE FROM notes WHERE id IN (SELECT id FROM notes WHERE at < ?1 ORDER BY at LIMIT ?2)",
        "DELETE FROM damaged WHERE id IN (SELECT id FROM damaged WHERE start < ?1 LIMIT ?2)",
    ] {
        forgotten += transaction.prepare_cached(delete)?.execute(params![until, ROWS_MAX])?;
    }
    if forgotten > 0 {
        transaction.execute(
            "DELETE FROM series WHERE NOT EXISTS (SELECT 1 FROM samples WHERE series = series.id)",
            [],
        )?;
    }
    Ok(forgotten > 0)
}

/// Makes room: what is finest goes first, of that what is oldest; what is needed to see what happens now goes last.
fn make_room(transaction: &Transaction<'_>, now: Timestamp) -> Result<bool, Failure> {
    let set_aside = transaction.execute("DELETE FROM damaged", [])?;
    let done = set_aside > 0
        || coarsen(transaction, Grain::Fine, before(now, SECONDS_KEPT_MIN))?
        || coarsen(transaction, Grain::Minute, before(now, MINUTES_KEPT_MIN))?
        || forget_oldest(transaction)?;
    Ok(done)
}

/// Forgets the oldest of everything.
fn forget_oldest(transaction: &Transaction<'_>) -> Result<bool, Failure> {
    // Beyond the last of these, nothing older is left of either.
    let until: Option<i64> = transaction.query_row(
        "SELECT MAX(at) FROM (SELECT at FROM (
             SELECT at FROM (SELECT at FROM notes ORDER BY at LIMIT ?1)
             UNION ALL SELECT start FROM (SELECT start FROM samples WHERE grain = 2 ORDER BY start LIMIT ?1)
         ) ORDER BY at LIMIT ?1)",
        [ROWS_MAX],
        |row| row.get(0),
    )?;
    if let Some(until) = until {
        return forget(transaction, Timestamp::from_millis(until.saturating_add(1)));
    }
    for grain in [Grain::Minute, Grain::Fine] {
        let forgotten = transaction.execute(
            "DELETE FROM samples WHERE id IN
             (SELECT id FROM samples WHERE grain = ?1 ORDER BY start LIMIT ?2)",
            params![grain.number(), ROWS_MAX],
        )?;
        if forgotten > 0 {
            return Ok(true);
        }
    }
    Ok(false)
}
