//! SQLite behind the engine's [`Store`] port: one folder that holds everything, and survives `kill -9`.
//!
//! One thread writes. Commits that wait while the disk is busy are done together, in one transaction with one sync,
//! each in a savepoint of its own, so that a conflict undoes only itself. Readers have connections of their own and
//! never wait for the writer. What is answered is on disk, except for checkpoints; see [`SqliteStore`].
//!
//! | module | what it does |
//! |---|---|
//! | `folder` | makes the data folder and keeps other processes out of it |
//! | `schema` | opens the database and brings it up to date |
//! | `writer` | the one thread that changes anything |
//! | `checkpoint` | holds checkpoints back, so that they cost no sync |
//! | `reader` | answers questions |
//! | `history` | keeps what was measured, in a file of its own |
//! | `failure` | says what went wrong, and what to do |

mod checkpoint;
mod failure;
mod folder;
mod history;
mod reader;
mod row;
mod schema;
mod writer;

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use sluice_core::Timestamp;
use sluice_core::document::DocumentKey;
use sluice_engine::port::store::{
    Chain, Commit, Committed, Error, EventQuery, EventRecord, ListQuery, Page, PendingEffect, Pruned,
    Remembered, Retention, Row, Store,
};

pub use failure::OpenError;
pub use history::{HISTORY_SIZE, SqliteHistory, read_measured};

use checkpoint::Checkpoints;
use failure::Place;
use folder::Lock;
use reader::Readers;
use writer::Writer;

/// How a store is opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// The most that the database itself may grow to, in bytes; none for as much as the disk holds. A commit that does
    /// not fit is answered as on a full disk.
    pub size_max: Option<u64>,
}

/// A [`Store`] in one folder.
///
/// - A commit is answered once it is synced to disk. A commit that holds only checkpoints is answered as soon as it is
///   noted in memory, without a sync; it is written with the next commit, or after a second by itself. Everybody
///   sees it at once. A crash loses at most that last second of checkpoints.
/// - A read sees every commit that was answered before it began.
/// - Memory is bounded by the caches (about 16 MiB) and by one checkpoint for each live document; disk by what is kept
///   and a write-ahead log that is cut back to 16 MiB.
///
/// Dropping it writes the last checkpoints and waits until the database is closed: some milliseconds.
#[derive(Debug)]
pub struct SqliteStore {
    // In the order in which they must go: nobody else may open the folder before the writer is done.
    writer: Writer,
    readers: Arc<Readers>,
    _lock: Lock,
}

impl SqliteStore {
    /// Opens the store in `folder`, and makes both if they do not exist. Blocks while it does.
    ///
    /// # Errors
    /// When another process has it, or it cannot be used; nothing was changed then.
    pub fn open(folder: &Path, options: Options) -> Result<SqliteStore, OpenError> {
        folder::create(folder)?;
        let lock = Lock::take(folder)?;
        let place = Arc::new(Place::of(folder));
        let connection = schema::open(&place, options)?;
        let checkpoints = Arc::new(Checkpoints::default());
        let readers = Arc::new(Readers::new(Arc::clone(&place), Arc::clone(&checkpoints)));
        let writer = Writer::start(connection, place, checkpoints)
            .map_err(|source| OpenError::Folder { folder: folder.to_owned(), source })?;
        Ok(SqliteStore { writer, readers, _lock: lock })
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn commit(&self, commit: Commit) -> Result<Committed, Error> {
        self.writer.commit(commit).await
    }

    async fn get(&self, key: &DocumentKey) -> Result<Option<Row>, Error> {
        self.readers.get(key.clone()).await
    }

    async fn list(&self, query: ListQuery) -> Result<Page, Error> {
        self.readers.list(query).await
    }

    async fn events(&self, query: EventQuery) -> Result<Vec<EventRecord>, Error> {
        self.readers.events(query).await
    }

    async fn pending(&self) -> Result<Vec<PendingEffect>, Error> {
        self.readers.pending().await
    }

    async fn remembered(&self, key: &str) -> Result<Option<Remembered>, Error> {
        self.readers.remembered(key.to_owned()).await
    }

    async fn verify(&self) -> Result<Chain, Error> {
        self.readers.verify().await
    }

    async fn prune(&self, bounds: Retention, now: Timestamp) -> Result<Pruned, Error> {
        self.writer.prune(bounds, now).await
    }
}
