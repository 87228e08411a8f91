//! Many commits in one transaction.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rusqlite::{Connection, TransactionBehavior, params};
use sluice_core::Timestamp;
use sluice_core::document::DocumentKey;
use sluice_engine::port::store::{Change, Commit, Committed, Error, Pruned, Retention};

use super::commit::{Counters, apply, version_of};
use super::prune;
use crate::checkpoint::{Checkpoint, Checkpoints, Noted};
use crate::failure::{Failure, Place, is_failed_sync};
use crate::row::{environment_text, signed};

/// How long a checkpoint may stay in memory.
const FLUSH_AFTER: Duration = Duration::from_secs(1);

/// The connection that writes, and what is not written yet.
pub(super) struct Database {
    connection: Connection,
    place: Arc<Place>,
    checkpoints: Arc<Checkpoints>,
    /// Since when a checkpoint waits to be written, or when writing them last failed.
    noted_since: Option<Instant>,
    /// Whether each transaction is synced, as the connection is set now.
    syncs: bool,
    /// Why nothing is written any more.
    gave_up: Option<Error>,
}

impl Database {
    /// The connection must be set to sync.
    pub(super) fn new(connection: Connection, place: Arc<Place>, checkpoints: Arc<Checkpoints>) -> Database {
        Database { connection, place, checkpoints, noted_since: None, syncs: true, gave_up: None }
    }

    /// Does each of the commits whole or not at all, and says which, in order.
    pub(super) fn commit(&mut self, commits: Vec<Commit>) -> Vec<Result<Committed, Error>> {
        if commits.iter().all(Commit::is_checkpoints_only) {
            return commits.into_iter().map(|commit| self.note(commit)).collect();
        }
        let is_flush_due = self.flush_in().is_some_and(|wait| wait.is_zero());
        let mut done = self.attempt(&commits, is_flush_due);
        if is_flush_due && done.as_ref().is_err_and(Failure::is_of_what_was_written) {
            // Perhaps there was room for the commits, only not for the checkpoints.
            self.noted_since = Some(Instant::now());
            done = self.attempt(&commits, false);
        }
        match done {
            Ok(results) => results,
            // SQLite may undo the whole transaction because of one commit, such as one that is too big for the disk.
            // Alone, each fails for itself.
            Err(failure) if commits.len() > 1 && failure.is_of_what_was_written() => {
                commits.iter().map(|commit| self.commit_alone(commit)).collect()
            }
            Err(failure) => {
                let error = self.place.explain(failure);
                commits.iter().map(|_| Err(error.clone())).collect()
            }
        }
    }

    fn commit_alone(&mut self, commit: &Commit) -> Result<Committed, Error> {
        let done = self.attempt(std::slice::from_ref(commit), false);
        done.map_err(|failure| self.place.explain(failure))?.pop().unwrap_or_else(|| Ok(Committed::default()))
    }

    /// Removes some of what is beyond the bounds; nothing is left beyond them when it has removed nothing.
    pub(super) fn prune(&mut self, bounds: Retention, now: Timestamp) -> Result<Pruned, Error> {
        let mut run = || -> Result<Pruned, Failure> {
            self.begin(true)?;
            let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let pruned = prune::some(&transaction, bounds, now)?;
            transaction.commit()?;
            Ok(pruned)
        };
        let done = run();
        self.heed(done).map_err(|failure| self.place.explain(failure))
    }

    /// In what time checkpoints are to be written; none when there are none.
    pub(super) fn flush_in(&self) -> Option<Duration> {
        self.noted_since.map(|since| FLUSH_AFTER.saturating_sub(since.elapsed()))
    }

    /// Writes the checkpoints, without a sync.
    pub(super) fn flush(&mut self) {
        if self.noted_since.is_none() {
            return;
        }
        let mut run = || -> Result<(), Failure> {
            self.begin(false)?;
            let noted = self.checkpoints.noted();
            let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            write_checkpoints(&transaction, &noted)?;
            Ok(transaction.commit()?)
        };
        let done = run();
        match self.heed(done) {
            Ok(()) => self.flushed(),
            Err(failure) => {
                // They stay noted, and are tried again in a second.
                self.noted_since = Some(Instant::now());
                let error = self.place.explain(failure);
                tracing::warn!(%error, "Could not write checkpoints");
            }
        }
    }

    /// Writes what is left and copies the write-ahead log into the database, so that one file holds everything.
    pub(super) fn close(&mut self) {
        self.flush();
        let copied = self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        if let Err(error) = copied {
            // The next one who opens the store does it.
            tracing::debug!(%error, "Could not copy the write-ahead log on closing");
        }
    }

    fn flushed(&mut self) {
        self.checkpoints.clear();
        self.noted_since = None;
    }

    /// Notes a commit that holds only checkpoints.
    fn note(&mut self, commit: Commit) -> Result<Committed, Error> {
        let found: Result<Vec<_>, Failure> =
            commit.writes.iter().map(|write| version_of(&self.connection, &write.key)).collect();
        let found = found.map_err(|failure| self.place.explain(failure))?;
        for (write, found) in commit.writes.into_iter().zip(&found) {
            if let Change::Checkpoint { state, of_version } = write.change
                && *found == Some(of_version)
            {
                self.checkpoints.note(write.key, Checkpoint { state, of_version });
                self.noted_since.get_or_insert_with(Instant::now);
            }
        }
        let versions = found.into_iter().map(Option::unwrap_or_default).collect();
        Ok(Committed { versions, ..Committed::default() })
    }

    /// All commits in one transaction. When it fails, none has happened.
    fn attempt(
        &mut self,
        commits: &[Commit],
        with_checkpoints: bool,
    ) -> Result<Vec<Result<Committed, Error>>, Failure> {
        let mut overtaken = Vec::new();
        let done = self.begin(true).and_then(|()| self.transact(commits, with_checkpoints, &mut overtaken));
        let results = self.heed(done)?;
        if with_checkpoints {
            self.flushed();
        } else {
            self.checkpoints.forget(&overtaken);
        }
        Ok(results)
    }

    fn transact(
        &mut self,
        commits: &[Commit],
        with_checkpoints: bool,
        overtaken: &mut Vec<DocumentKey>,
    ) -> Result<Vec<Result<Committed, Error>>, Failure> {
        let mut transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        if with_checkpoints {
            // They are older than the commits.
            write_checkpoints(&transaction, &self.checkpoints.noted())?;
        }
        let before = Counters::load(&transaction)?;
        let mut counters = before.clone();
        let mut results = Vec::with_capacity(commits.len());
        for commit in commits {
            let mut savepoint = transaction.savepoint()?;
            let mut advanced = counters.clone();
            let overtaken_before = overtaken.len();
            match apply(&savepoint, commit, &mut advanced, overtaken) {
                Ok(committed) => {
                    savepoint.commit()?;
                    counters = advanced;
                    results.push(Ok(committed));
                }
                Err(failure) if savepoint.is_autocommit() => return Err(failure),
                Err(failure) => {
                    savepoint.rollback()?;
                    savepoint.commit()?;
                    overtaken.truncate(overtaken_before);
                    results.push(Err(self.place.explain(failure)));
                }
            }
        }
        if counters != before {
            counters.save(&transaction)?;
        }
        transaction.commit()?;
        Ok(results)
    }

    /// Makes ready for a transaction that is synced, or not.
    fn begin(&mut self, syncs: bool) -> Result<(), Failure> {
        if let Some(error) = &self.gave_up {
            return Err(Failure::Refused(error.clone()));
        }
        if self.syncs != syncs {
            // In WAL mode NORMAL writes without a sync. The next sync takes along what was written before it.
            self.connection.pragma_update(None, "synchronous", if syncs { "FULL" } else { "NORMAL" })?;
            self.syncs = syncs;
        }
        Ok(())
    }

    /// Gives up for good after a sync that failed: nothing that is said afterwards could be relied on.
    fn heed<T>(&mut self, done: Result<T, Failure>) -> Result<T, Failure> {
        if let Err(Failure::Sqlite(error)) = &done
            && is_failed_sync(error)
        {
            let folder = self.place.folder.display();
            let why = format!(
                "the disk that holds {folder} did not keep what was written ({error}): check the disk, then start \
                 sluice again"
            );
            tracing::error!("The store is not available any more: {why}");
            self.gave_up = Some(Error::Unavailable { why });
        }
        done
    }
}

/// Writes those that still belong to their document.
fn write_checkpoints(connection: &Connection, noted: &Noted) -> Result<(), Failure> {
    let mut update = connection.prepare_cached(
        "UPDATE documents SET state = ?1
         WHERE kind = ?2 AND environment = ?3 AND name = ?4 AND resource_version = ?5",
    )?;
    for (key, checkpoint) in noted.iter() {
        update.execute(params![
            checkpoint.state.as_str(),
            key.kind.as_str(),
            environment_text(key.environment.as_ref()),
            key.name.as_str(),
            signed(checkpoint.of_version),
        ])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use rusqlite::ffi;
    use serde_json::Value;
    use sluice_engine::port::store::{Expect, JsonText, Write};

    use super::*;
    use crate::{Options, schema};

    fn opened(folder: &std::path::Path) -> Database {
        let place = Arc::new(Place::of(folder));
        let connection = schema::open(&place, Options::default()).unwrap();
        Database::new(connection, place, Arc::default())
    }

    fn write(change: Change) -> Commit {
        let key = DocumentKey {
            kind: sluice_core::document::Kind::Policy,
            environment: None,
            name: "careful".parse().unwrap(),
        };
        Commit { writes: vec![Write { key, expect: Expect::Any, change }], ..Commit::default() }
    }

    #[test]
    fn every_commit_is_synced_and_no_checkpoint_is() {
        let folder = tempfile::tempdir().unwrap();
        let mut database = opened(folder.path());
        // 2 is FULL: the log is synced with each transaction. 1 is NORMAL: only when it is copied.
        let syncs = |database: &Database| -> i64 {
            database.connection.query_row("PRAGMA synchronous", [], |row| row.get(0)).unwrap()
        };
        let put = Change::Put { document: Value::Null, state: Value::Null, is_finished: false };
        for _ in 0..2 {
            let version = database.commit(vec![write(put.clone())])[0].as_ref().unwrap().versions[0];
            assert_eq!(syncs(&database), 2);

            let noted = write(Change::Checkpoint { state: JsonText::of(&Value::Null), of_version: version });
            database.commit(vec![noted]).remove(0).unwrap();
            assert!(database.flush_in().is_some());
            database.flush();
            assert_eq!(syncs(&database), 1);
            assert_eq!(database.flush_in(), None, "all is written");
        }
    }

    #[test]
    fn nothing_is_promised_after_a_sync_that_failed() {
        let folder = tempfile::tempdir().unwrap();
        let mut database = opened(folder.path());
        let commit = || Commit { done: vec![1], ..Commit::default() };
        assert_eq!(database.commit(vec![commit()]), [Ok(Committed::default())]);

        for (code, goes_on) in [(ffi::SQLITE_IOERR_READ, true), (ffi::SQLITE_IOERR_FSYNC, false)] {
            let error = rusqlite::Error::SqliteFailure(ffi::Error::new(code), None);
            assert!(database.heed::<()>(Err(error.into())).is_err());
            let results = database.commit(vec![commit(), commit()]);
            for result in results {
                match result {
                    Ok(_) => assert!(goes_on),
                    Err(Error::Unavailable { why }) => {
                        assert!(!goes_on && why.contains("check the disk"), "{why}");
                    }
                    Err(other) => panic!("{other}"),
                }
            }
        }
    }
}
