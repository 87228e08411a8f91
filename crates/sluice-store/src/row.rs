//! Between rows of the database and what the port speaks of.

use rusqlite::Row as SqlRow;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sluice_core::document::{DocumentKey, Kind};
use sluice_core::{Name, Timestamp};
use sluice_engine::port::store::chain::Link;
use sluice_engine::port::store::{EventRecord, PendingEffect, Remembered, Row};

use crate::failure::Failure;

/// The columns that [`document`] reads, and then the one that the list is continued by.
pub(crate) const DOCUMENT_COLUMNS: &str = "kind, environment, name, document, state, resource_version, is_finished, \
     created_at, updated_at, created_version";

/// The columns that [`event`] reads.
pub(crate) const EVENT_COLUMNS: &str = "seq, at, kind, subject_kind, subject_environment, subject_name, actor, text, \
     data, previous_hash, hash";

/// A number for SQLite, which has no unsigned ones. Ours are counters and never come near the end.
pub(crate) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// How SQLite keeps an environment.
pub(crate) fn environment_text(environment: Option<&Name>) -> &str {
    environment.map_or("", Name::as_str)
}

pub(crate) fn json_text(value: &Value) -> String {
    value.to_string()
}

fn unsigned(row: &SqlRow<'_>, column: usize) -> Result<u64, Failure> {
    let number: i64 = row.get(column)?;
    u64::try_from(number).map_err(|_| Failure::Nonsense(format!("{number} stands where a counter should")))
}

fn time(row: &SqlRow<'_>, column: usize) -> Result<Timestamp, Failure> {
    Ok(Timestamp::from_millis(row.get(column)?))
}

fn key(row: &SqlRow<'_>, first: usize) -> Result<DocumentKey, Failure> {
    let kind: String = row.get(first)?;
    let environment: String = row.get(first + 1)?;
    let name: String = row.get(first + 2)?;
    let nonsense = |what: &str| Failure::Nonsense(format!("`{what}` stands where part of a key should"));
    Ok(DocumentKey {
        kind: Kind::ALL.into_iter().find(|known| known.as_str() == kind).ok_or_else(|| nonsense(&kind))?,
        environment: match environment.as_str() {
            "" => None,
            text => Some(text.parse().map_err(|_| nonsense(text))?),
        },
        name: name.parse().map_err(|_| nonsense(&name))?,
    })
}

fn json<T: DeserializeOwned>(row: &SqlRow<'_>, column: usize, of: &DocumentKey) -> Result<T, Failure> {
    let text = row.get_ref(column)?.as_str().map_err(rusqlite::Error::from)?;
    serde_json::from_str(text).map_err(|error| {
        let column = row.as_ref().column_name(column).unwrap_or("JSON").to_owned();
        Failure::nonsense(of, &column, error)
    })
}

/// A document, from [`DOCUMENT_COLUMNS`], and the resource version it was created at.
pub(crate) fn document(row: &SqlRow<'_>) -> Result<(Row, u64), Failure> {
    let key = key(row, 0)?;
    let read = Row {
        document: json(row, 3, &key)?,
        state: json(row, 4, &key)?,
        resource_version: unsigned(row, 5)?,
        is_finished: row.get(6)?,
        created_at: time(row, 7)?,
        updated_at: time(row, 8)?,
        key,
    };
    Ok((read, unsigned(row, 9)?))
}

/// An event, from [`EVENT_COLUMNS`].
pub(crate) fn event(row: &SqlRow<'_>) -> Result<EventRecord, Failure> {
    let seq = unsigned(row, 0)?;
    let subject = key(row, 3)?;
    let data = json(row, 8, &subject)?;
    Ok(EventRecord {
        seq,
        at: time(row, 1)?,
        kind: row.get(2)?,
        subject,
        actor: row.get(6)?,
        text: row.get(7)?,
        data,
        previous_hash: row.get(9)?,
        hash: row.get(10)?,
    })
}

/// An effect, from `id, release, body`.
pub(crate) fn effect(row: &SqlRow<'_>) -> Result<PendingEffect, Failure> {
    let id = unsigned(row, 0)?;
    let nonsense = |why: String| Failure::Nonsense(format!("effect {id} does not read ({why})"));
    let release: String = row.get(1)?;
    let body = row.get_ref(2)?.as_str().map_err(rusqlite::Error::from)?;
    Ok(PendingEffect {
        id,
        release: release.parse().map_err(|error| nonsense(format!("{error}")))?,
        body: serde_json::from_str(body).map_err(|error| nonsense(format!("{error}")))?,
    })
}

/// A remembered answer, from `key, request, answer`.
pub(crate) fn remembered(row: &SqlRow<'_>) -> Result<Remembered, Failure> {
    let key: String = row.get(0)?;
    let answer = row.get_ref(2)?.as_str().map_err(rusqlite::Error::from)?;
    let answer = serde_json::from_str(answer).map_err(|error| {
        Failure::Nonsense(format!("the answer remembered under `{key}` does not read ({error})"))
    })?;
    Ok(Remembered { key, request: row.get(1)?, answer })
}

/// A place in the log, from two columns.
pub(crate) fn link(row: &SqlRow<'_>, first: usize) -> Result<Link, Failure> {
    Ok(Link { seq: unsigned(row, first)?, hash: row.get(first + 1)? })
}

/// A counter, from the first column.
pub(crate) fn counter(row: &SqlRow<'_>) -> Result<u64, Failure> {
    unsigned(row, 0)
}
