//! Rows: what is kept of one series for a minute or for ten.

use rusqlite::{OptionalExtension as _, Row, Transaction, params};
use sluice_core::{Name, ServiceKey, Span, Timestamp};
use sluice_engine::port::history::{MINUTE, Sample, Series, TEN_MINUTES, What};

use super::encoding::{self, Decoded, Entry};
use crate::failure::Failure;

/// How fine a row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Grain {
    /// As recorded, a minute of it.
    Fine = 0,
    /// One minute added up.
    Minute = 1,
    /// Ten minutes added up.
    TenMinutes = 2,
}

impl Grain {
    pub(super) const ALL: [Grain; 3] = [Grain::Fine, Grain::Minute, Grain::TenMinutes];

    pub(super) fn number(self) -> i64 {
        self as i64
    }

    /// How much time a row is about.
    pub(super) fn length(self) -> Span {
        match self {
            Grain::Fine | Grain::Minute => MINUTE,
            Grain::TenMinutes => TEN_MINUTES,
        }
    }

    /// Over how much samples are added up, at least.
    pub(super) fn step(self) -> Span {
        match self {
            Grain::Fine => Span::ZERO,
            coarser => coarser.length(),
        }
    }
}

/// Which row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) series: i64,
    pub(super) grain: Grain,
    pub(super) start: Timestamp,
}

/// Reads the bytes of a row; none where there is none.
pub(super) fn get(transaction: &Transaction<'_>, place: Place) -> rusqlite::Result<Option<Vec<u8>>> {
    let mut select = transaction
        .prepare_cached("SELECT data FROM samples WHERE series = ?1 AND grain = ?2 AND start = ?3")?;
    select
        .query_row(params![place.series, place.grain.number(), place.start.as_millis()], |row| row.get(0))
        .optional()
}

pub(super) fn put(transaction: &Transaction<'_>, place: Place, data: &[u8]) -> rusqlite::Result<()> {
    let mut put = transaction.prepare_cached(
        "INSERT INTO samples (series, grain, start, data) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (series, grain, start) DO UPDATE SET data = excluded.data",
    )?;
    put.execute(params![place.series, place.grain.number(), place.start.as_millis(), data]).map(drop)
}

pub(super) fn delete(transaction: &Transaction<'_>, place: Place) -> rusqlite::Result<()> {
    let mut delete =
        transaction.prepare_cached("DELETE FROM samples WHERE series = ?1 AND grain = ?2 AND start = ?3")?;
    delete.execute(params![place.series, place.grain.number(), place.start.as_millis()]).map(drop)
}

/// Sets a row aside that does not read.
pub(super) fn set_aside(
    transaction: &Transaction<'_>,
    place: Place,
    data: &[u8],
    why: &str,
) -> rusqlite::Result<()> {
    warn(place, why);
    let mut put = transaction.prepare_cached(
        "INSERT INTO damaged (series, grain, start, data, why) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    put.execute(params![place.series, place.grain.number(), place.start.as_millis(), data, why]).map(drop)
}

/// Names a row that does not read, or not all of it.
pub(super) fn warn(place: Place, why: &str) {
    let Place { series, grain, start } = place;
    tracing::warn!(series, ?grain, %start, why, "A row of the history is damaged; what reads of it is used");
}

/// The samples of a row, as far as they read.
pub(super) fn samples(series: &Series, place: Place, data: &[u8]) -> (Vec<Sample>, Option<String>) {
    let Decoded { entries, damage } = encoding::decode(data);
    let sample = |entry: Entry| Sample {
        series: series.clone(),
        at: place.start.after(Span::from_millis(entry.offset_ms)),
        span: Span::from_millis(entry.span_ms),
        measured: entry.measured,
    };
    (entries.into_iter().map(sample).collect(), damage.map(|damage| damage.to_string()))
}

/// Samples of one series as an entry each of the row that begins at `start`.
pub(super) fn encode(start: Timestamp, samples: impl IntoIterator<Item = Sample>) -> Vec<u8> {
    let entry = |sample: Sample| Entry {
        offset_ms: sample.at.since(start).as_millis(),
        span_ms: sample.span.as_millis(),
        measured: sample.measured,
    };
    let entries: Vec<Entry> = samples.into_iter().map(entry).collect();
    encoding::encode(&entries)
}

/// How a series is written: environment, service, version, kind, name.
pub(super) fn columns(series: &Series) -> [&str; 5] {
    let (kind, name) = match &series.what {
        What::Traffic => ("traffic", ""),
        What::Path(path) => ("path", path.as_str()),
        What::Metric(metric) => ("metric", metric.as_str()),
    };
    let version = series.version.as_ref().map_or("", |version| version.as_str());
    [series.service.environment.as_str(), series.service.name.as_str(), version, kind, name]
}

/// The series in columns that begin at `first`, in the order of [`columns`].
pub(super) fn series(row: &Row<'_>, first: usize) -> Result<Series, Failure> {
    let text = |column: usize| row.get::<_, String>(first + column);
    let name = |column: usize| -> Result<Name, Failure> { parse(&text(column)?) };
    let version = text(2)?;
    let what = match text(3)?.as_str() {
        "traffic" => What::Traffic,
        "path" => What::Path(text(4)?),
        "metric" => What::Metric(name(4)?),
        unknown => return Err(Failure::Nonsense(format!("`{unknown}` is nothing that is measured"))),
    };
    Ok(Series {
        service: ServiceKey { environment: name(0)?, name: name(1)? },
        version: if version.is_empty() { None } else { Some(parse(&version)?) },
        what,
    })
}

fn parse<T: std::str::FromStr<Err: std::fmt::Display>>(text: &str) -> Result<T, Failure> {
    text.parse().map_err(|error| Failure::Nonsense(format!("{error}")))
}
