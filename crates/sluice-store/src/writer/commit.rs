//! One commit, inside a savepoint.

use rusqlite::{Connection, OptionalExtension as _, params};
use serde_json::Value;
use sluice_core::Timestamp;
use sluice_core::document::DocumentKey;
use sluice_engine::port::store::chain::Link;
use sluice_engine::port::store::rules::service_of;
use sluice_engine::port::store::{
    Change, Commit, Committed, Error, EventRecord, Expect, JsonText, NewEffect, Remembered, Write,
};

use crate::failure::Failure;
use crate::row::{counter, environment_text, json_text, link, signed};

/// Where the counters stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Counters {
    /// The resource version that was given out last.
    resource_version: u64,
    /// The last event.
    head: Link,
}

impl Counters {
    pub(super) fn load(connection: &Connection) -> Result<Counters, Failure> {
        let mut select =
            connection.prepare_cached("SELECT resource_version, head_seq, head_hash FROM meta")?;
        select.query_row([], |row| {
            Ok(counter(row)
                .and_then(|resource_version| Ok(Counters { resource_version, head: link(row, 1)? })))
        })?
    }

    pub(super) fn save(&self, connection: &Connection) -> Result<(), Failure> {
        connection
            .prepare_cached("UPDATE meta SET resource_version = ?1, head_seq = ?2, head_hash = ?3")?
            .execute(params![signed(self.resource_version), signed(self.head.seq), self.head.hash])?;
        Ok(())
    }
}

/// The resource version of a document; none when it does not exist.
pub(super) fn version_of(connection: &Connection, key: &DocumentKey) -> Result<Option<u64>, Failure> {
    connection
        .prepare_cached(
            "SELECT resource_version FROM documents WHERE kind = ?1 AND environment = ?2 AND name = ?3",
        )?
        .query_row(key_params(key), |row| Ok(counter(row)))
        .optional()?
        .transpose()
}

/// Does everything in a commit. When it fails, the caller must roll back and forget the counters.
///
/// The keys of checkpoints that took effect are added to `overtaken`: older ones of the same documents that are only
/// noted must not be written over them.
pub(super) fn apply(
    connection: &Connection,
    commit: &Commit,
    counters: &mut Counters,
    overtaken: &mut Vec<DocumentKey>,
) -> Result<Committed, Failure> {
    let mut committed = Committed::default();
    for write in &commit.writes {
        let writing = Writing { connection, counters, overtaken, now: commit.now };
        committed.versions.push(writing.write(write)?);
    }
    for event in &commit.events {
        let record = counters.head.append(event.clone(), commit.now);
        counters.head = Link::of(&record);
        insert_event(connection, &record)?;
        committed.events.push(record);
    }
    for id in &commit.done {
        connection.prepare_cached("DELETE FROM effects WHERE id = ?1")?.execute([signed(*id)])?;
    }
    for effect in &commit.effects {
        committed.effects.push(insert_effect(connection, effect)?);
    }
    if let Some(remembered) = &commit.remember {
        remember(connection, remembered, commit.now)?;
    }
    Ok(committed)
}

struct Writing<'a> {
    connection: &'a Connection,
    counters: &'a mut Counters,
    overtaken: &'a mut Vec<DocumentKey>,
    now: Timestamp,
}

impl Writing<'_> {
    fn write(self, write: &Write) -> Result<u64, Failure> {
        let Write { key, expect, change } = write;
        let found = version_of(self.connection, key)?;
        if let Change::Checkpoint { state, of_version } = change {
            if found == Some(*of_version) {
                self.checkpoint(key, state)?;
            }
            return Ok(found.unwrap_or_default());
        }
        let holds = match expect {
            Expect::Absent => found.is_none(),
            Expect::Version(version) => found == Some(*version),
            Expect::Any => true,
        };
        match (change, found) {
            (Change::Put { document, state, is_finished }, _) if holds => {
                self.put(key, document, state, *is_finished)
            }
            (Change::State { state, is_finished }, Some(_)) if holds => self.state(key, state, *is_finished),
            (Change::Delete, Some(version)) if holds => {
                self.connection
                    .prepare_cached(
                        "DELETE FROM documents WHERE kind = ?1 AND environment = ?2 AND name = ?3",
                    )?
                    .execute(key_params(key))?;
                Ok(version)
            }
            _ => Err(Failure::Refused(Error::Conflict { key: key.clone(), found })),
        }
    }

    fn put(
        self,
        key: &DocumentKey,
        document: &Value,
        state: &Value,
        is_finished: bool,
    ) -> Result<u64, Failure> {
        self.counters.resource_version += 1;
        let version = self.counters.resource_version;
        let mut insert = self.connection.prepare_cached(
            "INSERT INTO documents (kind, environment, name, service, document, state, resource_version,
                created_version, is_finished, created_at, updated_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7, ?8, ?9, ?9)
             ON CONFLICT (kind, environment, name) DO UPDATE SET
                service = excluded.service, document = excluded.document, state = excluded.state,
                resource_version = excluded.resource_version, is_finished = excluded.is_finished,
                updated_at = excluded.updated_at",
        )?;
        insert.execute(params![
            key.kind.as_str(),
            environment_text(key.environment.as_ref()),
            key.name.as_str(),
            service_of(key.kind, document),
            json_text(document),
            json_text(state),
            signed(version),
            is_finished,
            self.now.as_millis(),
        ])?;
        Ok(version)
    }

    fn state(self, key: &DocumentKey, state: &Value, is_finished: bool) -> Result<u64, Failure> {
        self.counters.resource_version += 1;
        let version = self.counters.resource_version;
        let mut update = self.connection.prepare_cached(
            "UPDATE documents SET state = ?4, resource_version = ?5, is_finished = ?6, updated_at = ?7
             WHERE kind = ?1 AND environment = ?2 AND name = ?3",
        )?;
        let [kind, environment, name] = key_params(key);
        update.execute(params![
            kind,
            environment,
            name,
            json_text(state),
            signed(version),
            is_finished,
            self.now.as_millis(),
        ])?;
        Ok(version)
    }

    fn checkpoint(self, key: &DocumentKey, state: &JsonText) -> Result<(), Failure> {
        let mut update = self.connection.prepare_cached(
            "UPDATE documents SET state = ?4 WHERE kind = ?1 AND environment = ?2 AND name = ?3",
        )?;
        let [kind, environment, name] = key_params(key);
        update.execute(params![kind, environment, name, state.as_str()])?;
        self.overtaken.push(key.clone());
        Ok(())
    }
}

fn key_params(key: &DocumentKey) -> [&str; 3] {
    [key.kind.as_str(), environment_text(key.environment.as_ref()), key.name.as_str()]
}

fn insert_event(connection: &Connection, record: &EventRecord) -> Result<(), Failure> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO events (seq, at, kind, subject_kind, subject_environment, subject_name, actor, text, data,
            previous_hash, hash)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    )?;
    let [kind, environment, name] = key_params(&record.subject);
    insert.execute(params![
        signed(record.seq),
        record.at.as_millis(),
        record.kind,
        kind,
        environment,
        name,
        record.actor,
        record.text,
        json_text(&record.data),
        record.previous_hash,
        record.hash,
    ])?;
    Ok(())
}

fn insert_effect(connection: &Connection, effect: &NewEffect) -> Result<u64, Failure> {
    let mut insert = connection.prepare_cached("INSERT INTO effects (release, body) VALUES (?1, ?2)")?;
    let id = insert.insert(params![effect.release.as_str(), json_text(&effect.body)])?;
    u64::try_from(id).map_err(|_| Failure::Nonsense(format!("an effect got the number {id}")))
}

fn remember(connection: &Connection, remembered: &Remembered, now: Timestamp) -> Result<(), Failure> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO remembered (key, request, answer, at) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
    )?;
    insert.execute(params![
        remembered.key,
        remembered.request,
        json_text(&remembered.answer),
        now.as_millis()
    ])?;
    Ok(())
}
