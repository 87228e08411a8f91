//! The file, and what becomes of it when it is damaged.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior};
use sluice_engine::port::store::Error;

use crate::failure::{Failure, OpenError, Place};
use crate::schema::{self, BUSY_TIMEOUT, PAGE_BYTES};
use crate::{Options, folder};

/// As in [`crate::schema`].
const MIGRATIONS: [&str; 1] = [include_str!("../../migrations/history/0001_first.sql")];

/// Not synced with every commit: a crash of the machine may cost the last seconds of a chart, and a crash of the
/// program costs nothing.
const WRITER_SETTINGS: &str = "PRAGMA synchronous = NORMAL; PRAGMA cache_size = -4096;";

/// The history's database. Opened when it is needed, so that a disk that is full at the start holds nothing up.
#[derive(Debug)]
pub(super) struct Database {
    place: Place,
    size_max: u64,
    writer: Mutex<Option<Connection>>,
    /// With the generation of the file that it reads.
    reader: Mutex<Option<(u64, Connection)>>,
    /// How many files were set aside.
    generation: AtomicU64,
}

impl Database {
    /// # Errors
    /// When the file is not a history that this program may write to. One that is damaged is set aside.
    pub(super) fn open(folder: &Path, size_max: u64) -> Result<Database, OpenError> {
        let place = Place { folder: folder.to_owned(), file: folder.join("history.db") };
        let (writer, reader) = (Mutex::new(None), Mutex::new(None));
        let database = Database { place, size_max, writer, reader, generation: AtomicU64::new(0) };
        match database.connect() {
            Ok(connection) => *lock(&database.writer) = Some(connection),
            Err(error @ (OpenError::Newer { .. } | OpenError::Foreign { .. })) => return Err(error),
            Err(OpenError::Damaged { why, .. }) => drop(database.set_aside(&mut None, &why)),
            Err(error) => tracing::warn!(%error, "The history is not kept until its database can be opened"),
        }
        Ok(database)
    }

    /// The most bytes that the file may have.
    pub(super) fn size_max(&self) -> u64 {
        self.size_max
    }

    /// Changes something, all of it or nothing.
    pub(super) fn write<T>(
        &self,
        change: impl FnOnce(&Transaction<'_>) -> Result<T, Failure>,
    ) -> Result<T, Error> {
        let mut writer = lock(&self.writer);
        let run = |connection: &mut Connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let done = change(&transaction)?;
            transaction.commit()?;
            Ok(done)
        };
        let done = match writer.as_mut() {
            Some(connection) => run(connection),
            None => run(writer.insert(self.connect().map_err(|error| explain_open(&error))?)),
        };
        done.map_err(|failure| match is_damage(&failure) {
            Some(why) => self.set_aside(&mut writer, &why),
            None => self.place.explain(failure),
        })
    }

    /// Reads something, while others may write.
    pub(super) fn read<T>(
        &self,
        question: impl FnOnce(&Transaction<'_>) -> Result<T, Failure>,
    ) -> Result<T, Error> {
        let (answer, generation) = {
            let mut reader = lock(&self.reader);
            let generation = self.generation.load(Relaxed);
            let is_open = reader.as_ref().is_some_and(|open| open.0 == generation);
            if !is_open {
                let mut writer = lock(&self.writer);
                if writer.is_none() {
                    // Makes the file, so that there is something to read.
                    *writer = Some(self.connect().map_err(|error| explain_open(&error))?);
                }
            }
            let run = |reader: &mut Option<(u64, Connection)>| {
                let (_, connection) = match reader {
                    Some(open) if open.0 == generation => open,
                    _ => reader.insert((generation, schema::open_reader(&self.place)?)),
                };
                let transaction = connection.transaction()?;
                question(&transaction)
            };
            (run(&mut reader), generation)
        };
        answer.map_err(|failure| match is_damage(&failure) {
            Some(why) => {
                let mut writer = lock(&self.writer);
                // Whoever met the damage first has set the file aside; the one that is there now is another.
                match self.generation.load(Relaxed) == generation {
                    true => self.set_aside(&mut writer, &why),
                    false => Error::Corrupt { why: format!("it was set aside meanwhile ({why})") },
                }
            }
            None => self.place.explain(failure),
        })
    }

    fn connect(&self) -> Result<Connection, OpenError> {
        let place = &self.place;
        folder::create_file(&place.folder, &place.file)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let refuse = |source| place.refuse_open(source);
        let mut connection = Connection::open_with_flags(&place.file, flags).map_err(refuse)?;
        connection.busy_timeout(BUSY_TIMEOUT).map_err(refuse)?;
        schema::migrate(&mut connection, place, Options { size_max: Some(self.size_max) }, &MIGRATIONS)?;
        connection.execute_batch(WRITER_SETTINGS).map_err(refuse)?;
        Ok(connection)
    }

    /// Moves the file out of the way: what is damaged would only grow worse, and history is worth less than knowing
    /// what happens now. The one that was set aside before goes.
    fn set_aside(&self, writer: &mut Option<Connection>, why: &str) -> Error {
        *writer = None;
        self.generation.fetch_add(1, Relaxed);
        let aside = with_ending(&self.place.file, ".damaged");
        let moved = fs::rename(&self.place.file, &aside).or_else(ignore_missing);
        let rest = ["-wal", "-shm"].map(|ending| with_ending(&self.place.file, ending));
        let removed = rest.iter().map(|file| fs::remove_file(file).or_else(ignore_missing));
        let result = moved.and_then(|()| removed.collect::<Result<(), _>>());
        let (file, aside) = (self.place.file.display(), aside.display());
        let why = match result {
            Ok(()) => format!("{file} is damaged ({why}) and was set aside as {aside}; history begins anew"),
            Err(error) => {
                format!("{file} is damaged ({why}) and cannot be set aside ({error}): move it away")
            }
        };
        tracing::error!("{why}");
        Error::Corrupt { why }
    }
}

/// The bytes that a database holds; those that are free to be written again do not count.
pub(super) fn size(transaction: &Transaction<'_>) -> rusqlite::Result<u64> {
    let pages = |what: &str| -> rusqlite::Result<u64> {
        let count: i64 = transaction.query_row(&format!("PRAGMA {what}"), [], |row| row.get(0))?;
        Ok(u64::try_from(count).unwrap_or_default())
    };
    Ok(pages("page_count")?.saturating_sub(pages("freelist_count")?) * PAGE_BYTES)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic drops the transaction, which undoes it; the connection is whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn with_ending(file: &Path, ending: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

fn ignore_missing(error: std::io::Error) -> std::io::Result<()> {
    if error.kind() == ErrorKind::NotFound { Ok(()) } else { Err(error) }
}

/// Why the file is damaged, if it is.
fn is_damage(failure: &Failure) -> Option<String> {
    let Failure::Sqlite(error) = failure else { return None };
    let code = error.sqlite_error()?.code;
    matches!(code, ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase).then(|| error.to_string())
}

fn explain_open(error: &OpenError) -> Error {
    match error {
        OpenError::Full { folder } => Error::Full { folder: folder.display().to_string() },
        OpenError::Damaged { .. } => Error::Corrupt { why: error.to_string() },
        _ => Error::Unavailable { why: error.to_string() },
    }
}
