//! SQLite behind the engine's [`History`] port: what was measured, in one file beside the store's, within a stated size.
//!
//! | module | what it does |
//! |---|---|
//! | `database` | opens the file, and sets it aside when it is damaged |
//! | `rows` | what is kept of one series for a minute or for ten |
//! | `encoding` | samples as bytes |
//! | `bytes` | numbers as bytes |
//! | `tidy` | makes what is old coarser, and forgets |

mod bytes;
mod database;
mod encoding;
mod rows;
mod tidy;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use rusqlite::{OptionalExtension as _, Transaction, params};
use sluice_core::{Name, Timestamp};
use sluice_engine::port::History;
use sluice_engine::port::history::{HistoryQuery, MINUTE, Note, Sample, Series, add_up, floor};
use sluice_engine::port::store::Error;

use crate::failure::{Failure, OpenError};
use database::Database;
use rows::{Grain, Place};

pub use encoding::read_measured;

/// The most bytes that the history may take, unless something else is asked for.
pub const HISTORY_SIZE: u64 = 512 * 1024 * 1024;
/// Less than this holds no history worth having.
const SIZE_MIN: u64 = 1024 * 1024;
/// A row that is longer than this is added up when something is added to it. A minute with 1000 requests a second takes
/// about 20 KB.
const ROW_BYTES_MAX: usize = 128 * 1024;

/// A [`History`] in one file.
///
/// - What was recorded survives the end of the program; a crash of the machine may cost the last seconds.
/// - The file never grows beyond its size; a write-ahead log of up to 16 MiB comes on top. What was recorded last has
///   precedence: of what is kept, the oldest and finest goes first.
/// - A row that is damaged is named in the log and set aside, in a table of its own; a file that is damaged is named
///   and set aside as `history.db.damaged`, and the history begins anew.
#[derive(Clone, Debug)]
pub struct SqliteHistory {
    database: Arc<Database>,
}

impl SqliteHistory {
    /// Opens `history.db` in a data folder, and makes it if it does not exist. The folder must exist, and be held by a
    /// [`SqliteStore`](crate::SqliteStore) or otherwise be the caller's alone. `size_max` is in bytes. Blocks while it
    /// does.
    ///
    /// # Errors
    /// When the file was written by a newer sluice, or is another program's. Whatever else is wrong does not matter
    /// now: it is tried again when something is recorded.
    pub fn open(folder: &Path, size_max: u64) -> Result<SqliteHistory, OpenError> {
        let database = Database::open(folder, size_max.max(SIZE_MIN))?;
        Ok(SqliteHistory { database: Arc::new(database) })
    }

    /// Runs something that blocks. When dropped, it is still done.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Database) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let database = Arc::clone(&self.database);
        let done = tokio::task::spawn_blocking(move || work(&database));
        done.await.map_err(|error| Error::Unavailable { why: format!("a bug struck: {error}") })?
    }
}

#[async_trait]
impl History for SqliteHistory {
    async fn record(&self, samples: Vec<Sample>) -> Result<(), Error> {
        if samples.is_empty() {
            return Ok(());
        }
        self.run(|database| database.write(|transaction| record(transaction, samples))).await
    }

    async fn read(&self, query: HistoryQuery) -> Result<Vec<Sample>, Error> {
        self.run(move |database| database.read(|transaction| read(transaction, &query))).await
    }

    async fn note(&self, note: Note) -> Result<(), Error> {
        self.run(move |database| database.write(|transaction| take_note(transaction, &note))).await
    }

    async fn noted(&self, release: &Name, at: Timestamp) -> Result<Option<Note>, Error> {
        let release = release.clone();
        self.run(move |database| database.read(|transaction| noted(transaction, release, at))).await
    }

    async fn tidy(&self, now: Timestamp) -> Result<(), Error> {
        // Bit by bit, so that what is recorded gets its turn in between.
        for _ in 0..tidy::BATCHES_MAX {
            let size_max = self.database.size_max();
            let is_done = self
                .run(move |database| database.write(|transaction| tidy::batch(transaction, now, size_max)));
            if is_done.await? {
                break;
            }
        }
        Ok(())
    }
}

fn record(transaction: &Transaction<'_>, samples: Vec<Sample>) -> Result<(), Failure> {
    let mut rows: BTreeMap<(Series, Timestamp), Vec<Sample>> = BTreeMap::new();
    for sample in samples {
        rows.entry((sample.series.clone(), floor(sample.at, MINUTE))).or_default().push(sample);
    }
    let mut last: Option<(Series, i64)> = None;
    for ((series, start), samples) in rows {
        let number = match last.take() {
            Some((known, number)) if known == series => number,
            _ => number_of(transaction, &series)?,
        };
        let place = Place { series: number, grain: Grain::Fine, start };
        let mut data = rows::get(transaction, place)?.unwrap_or_default();
        data.extend(rows::encode(start, samples));
        if data.len() > ROW_BYTES_MAX {
            let (samples, damage) = rows::samples(&series, place, &data);
            if let Some(why) = damage {
                rows::set_aside(transaction, place, &data, &why)?;
            }
            data = rows::encode(start, add_up(samples, Grain::Fine.step()));
        }
        rows::put(transaction, place, &data)?;
        last = Some((series, number));
    }
    Ok(())
}

/// The number of a series, which is made when there is none.
fn number_of(transaction: &Transaction<'_>, series: &Series) -> Result<i64, Failure> {
    let columns = rows::columns(series);
    let mut find = transaction.prepare_cached(
        "SELECT id FROM series
         WHERE environment = ?1 AND service = ?2 AND version = ?3 AND kind = ?4 AND name = ?5",
    )?;
    if let Some(number) = find.query_row(columns, |row| row.get(0)).optional()? {
        return Ok(number);
    }
    let mut make = transaction.prepare_cached(
        "INSERT INTO series (environment, service, version, kind, name) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    make.execute(columns)?;
    Ok(transaction.last_insert_rowid())
}

fn read(transaction: &Transaction<'_>, query: &HistoryQuery) -> Result<Vec<Sample>, Failure> {
    let mut samples = Vec::new();
    for (number, series) in matching(transaction, query)? {
        for grain in Grain::ALL {
            read_rows(transaction, query, (number, &series), grain, &mut samples)?;
        }
    }
    Ok(add_up(samples, query.step))
}

fn matching(transaction: &Transaction<'_>, query: &HistoryQuery) -> Result<Vec<(i64, Series)>, Failure> {
    let mut select = transaction.prepare_cached(
        "SELECT id, environment, service, version, kind, name FROM series
         WHERE environment = ?1 AND service = ?2",
    )?;
    let mut found = select.query([query.service.environment.as_str(), query.service.name.as_str()])?;
    let mut matching = Vec::new();
    while let Some(row) = found.next()? {
        let series = rows::series(row, 1)?;
        let is_version = query.version.is_none() || query.version == series.version;
        if is_version && query.what.as_ref().is_none_or(|what| *what == series.what) {
            matching.push((row.get(0)?, series));
        }
    }
    Ok(matching)
}

fn read_rows(
    transaction: &Transaction<'_>,
    query: &HistoryQuery,
    (number, series): (i64, &Series),
    grain: Grain,
    samples: &mut Vec<Sample>,
) -> Result<(), Failure> {
    let mut select = transaction.prepare_cached(
        "SELECT start, data FROM samples WHERE series = ?1 AND grain = ?2 AND start >= ?3 AND start < ?4",
    )?;
    let from = floor(query.from, grain.length()).as_millis();
    let mut found = select.query(params![number, grain.number(), from, query.until.as_millis()])?;
    while let Some(row) = found.next()? {
        let place = Place { series: number, grain, start: Timestamp::from_millis(row.get(0)?) };
        let (read, damage) = rows::samples(series, place, row.get_ref(1)?.as_blob().map_err(nonsense)?);
        if let Some(why) = damage {
            rows::warn(place, &why);
        }
        samples.extend(read.into_iter().filter(|sample| query.from <= sample.at && sample.at < query.until));
    }
    Ok(())
}

fn nonsense(error: impl std::fmt::Display) -> Failure {
    Failure::Nonsense(error.to_string())
}

fn take_note(transaction: &Transaction<'_>, note: &Note) -> Result<(), Failure> {
    let mut insert =
        transaction.prepare_cached("INSERT INTO notes (release, at, account) VALUES (?1, ?2, ?3)")?;
    let account = note.account.to_string();
    insert.execute(params![note.release.as_str(), note.at.as_millis(), account])?;
    Ok(())
}

fn noted(transaction: &Transaction<'_>, release: Name, at: Timestamp) -> Result<Option<Note>, Failure> {
    let mut select = transaction.prepare_cached(
        "SELECT at, account FROM notes WHERE release = ?1 AND at <= ?2 ORDER BY at DESC, id DESC LIMIT 1",
    )?;
    let row = select.query_row(params![release.as_str(), at.as_millis()], |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?))
    });
    let Some((at, account)) = row.optional()? else { return Ok(None) };
    let at = Timestamp::from_millis(at);
    let account = serde_json::from_str(&account)
        .map_err(|error| Failure::Nonsense(format!("the note of release {release} at {at}: {error}")))?;
    Ok(Some(Note { release, at, account }))
}
