//! Forgetting the oldest, a bit at a time.

use rusqlite::{Connection, OptionalExtension as _, params};
use sluice_core::Timestamp;
use sluice_engine::port::store::rules::REMEMBERED_FOR;
use sluice_engine::port::store::{Pruned, Retention};

use crate::failure::Failure;
use crate::row::{link, signed};

/// How many events or releases one transaction removes: commits that wait behind it wait some milliseconds.
const CHUNK: u64 = 1000;

/// Removes at most [`CHUNK`] events and as many releases, and all answers that were remembered long enough.
pub(super) fn some(connection: &Connection, bounds: Retention, now: Timestamp) -> Result<Pruned, Failure> {
    let pruned = Pruned {
        events: events(connection, bounds.events_max)?,
        releases: releases(connection, bounds.releases_max)?,
    };
    let oldest = now.as_millis().saturating_sub_unsigned(REMEMBERED_FOR.as_millis());
    connection.prepare_cached("DELETE FROM remembered WHERE at < ?1")?.execute([oldest])?;
    Ok(pruned)
}

/// The anchor moves first: only what lies behind it may be deleted.
fn events(connection: &Connection, max: u64) -> Result<u64, Failure> {
    let mut places =
        connection.prepare_cached("SELECT head_seq, head_hash, anchor_seq, anchor_hash FROM meta")?;
    let (head, anchor) =
        places.query_row([], |row| Ok(link(row, 0).and_then(|head| Ok((head, link(row, 2)?)))))??;
    let beyond = head.seq.saturating_sub(anchor.seq).saturating_sub(max).min(CHUNK);
    if beyond == 0 {
        return Ok(0);
    }
    let last = anchor.seq + beyond;
    let hash: Option<String> = connection
        .prepare_cached("SELECT hash FROM events WHERE seq = ?1")?
        .query_row([signed(last)], |row| row.get(0))
        .optional()?;
    let hash = hash.ok_or_else(|| Failure::Nonsense(format!("event {last} is missing")))?;
    connection
        .prepare_cached("UPDATE meta SET anchor_seq = ?1, anchor_hash = ?2")?
        .execute(params![signed(last), hash])?;
    connection.prepare_cached("DELETE FROM events WHERE seq <= ?1")?.execute([signed(last)])?;
    Ok(beyond)
}

fn releases(connection: &Connection, max: u64) -> Result<u64, Failure> {
    let mut delete = connection.prepare_cached(
        "DELETE FROM documents WHERE rowid IN (
             SELECT id FROM (
                 SELECT rowid AS id, name, ROW_NUMBER() OVER (
                     PARTITION BY environment, service ORDER BY created_version DESC
                 ) AS place
                 FROM documents WHERE kind = 'Release' AND is_finished = 1
             )
             WHERE place > ?1 AND NOT EXISTS (SELECT 1 FROM effects WHERE effects.release = name)
             LIMIT ?2
         )",
    )?;
    let deleted = delete.execute([signed(max), signed(CHUNK)])?;
    Ok(u64::try_from(deleted).unwrap_or(u64::MAX))
}
