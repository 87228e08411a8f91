//! What went wrong, and what to do about it.

use std::io;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;
use rusqlite::ffi;
use sluice_core::document::DocumentKey;
use sluice_engine::port::store::Error;

/// Less than this, and the disk counts as full: SQLite grows its shared index by 32 KiB and asks for it before it
/// writes, which shows as a failed mapping, not as a full disk.
const FREE_BYTES_MIN: u64 = 64 * 1024;

/// Why a store cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has the folder.
    #[error(
        "the data folder {} is in use by {}: stop that one, or give another folder with --data",
        folder.display(), who(*process)
    )]
    InUse {
        /// The data folder.
        folder: PathBuf,
        /// The other process, when it is known.
        process: Option<u32>,
    },
    /// The folder cannot be made, read or written.
    #[error("the data folder {} cannot be used ({source}): give a folder that this user may write to", folder.display())]
    Folder {
        /// The data folder.
        folder: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The disk is full.
    #[error("the disk that holds {} is full: free some space there, then start again", folder.display())]
    Full {
        /// The data folder.
        folder: PathBuf,
    },
    /// A newer program has written the database.
    #[error(
        "{} was written by a newer sluice (its format is {found}, this one knows up to {known}): \
         use that sluice, or put back a backup from before the upgrade",
        file.display()
    )]
    Newer {
        /// The database.
        file: PathBuf,
        /// The format it is in.
        found: i64,
        /// The newest format that this program knows.
        known: i64,
    },
    /// The database belongs to another program.
    #[error("{} is the database of another program: give another folder with --data", file.display())]
    Foreign {
        /// The database.
        file: PathBuf,
    },
    /// The database is damaged.
    #[error("{} is damaged ({why}): put back a backup, or move the file away to begin anew", file.display())]
    Damaged {
        /// The database.
        file: PathBuf,
        /// What SQLite says.
        why: String,
    },
    /// SQLite cannot open the database for another reason.
    #[error("{} cannot be opened", file.display())]
    Database {
        /// The database.
        file: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
}

fn who(process: Option<u32>) -> String {
    match process {
        Some(process) => format!("another sluice (process {process})"),
        None => "another sluice".to_owned(),
    }
}

/// Where everything is, for messages.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) folder: PathBuf,
    pub(crate) file: PathBuf,
}

/// Why something inside the store was not done.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It is not to be done.
    Refused(Error),
    /// SQLite could not.
    Sqlite(rusqlite::Error),
    /// What was read makes no sense.
    Nonsense(String),
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Failure::Sqlite(error)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure::Refused(error)
    }
}

impl Failure {
    /// Whether writing less could have gone well: the disk has no room for it, or not enough memory was left. Then SQLite
    /// may have undone more than the one commit that was too much.
    pub(crate) fn is_of_what_was_written(&self) -> bool {
        let Failure::Sqlite(error) = self else { return false };
        error.sqlite_error().is_some_and(|error| {
            matches!(error.code, ErrorCode::DiskFull | ErrorCode::OutOfMemory | ErrorCode::SystemIoFailure)
        })
    }

    /// A document's column makes no sense.
    pub(crate) fn nonsense(key: &DocumentKey, column: &str, why: impl std::fmt::Display) -> Failure {
        Failure::Nonsense(format!("the {column} of {key} does not read ({why})"))
    }
}

impl Place {
    pub(crate) fn of(folder: &Path) -> Place {
        Place { folder: folder.to_owned(), file: folder.join("sluice.db") }
    }

    /// The same failure for who asked.
    pub(crate) fn explain(&self, failure: Failure) -> Error {
        match failure {
            Failure::Refused(error) => error,
            Failure::Sqlite(error) => self.explain_sqlite(&error),
            Failure::Nonsense(why) => self.corrupt(&why),
        }
    }

    fn explain_sqlite(&self, error: &rusqlite::Error) -> Error {
        let code = error.sqlite_error().map(|error| error.code);
        match code {
            Some(ErrorCode::DiskFull) => self.full(),
            Some(ErrorCode::SystemIoFailure | ErrorCode::CannotOpen) if self.is_disk_full() => self.full(),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => self.corrupt(&error.to_string()),
            _ => Error::Unavailable { why: format!("{}: {error}", self.file.display()) },
        }
    }

    fn full(&self) -> Error {
        Error::Full { folder: self.folder.display().to_string() }
    }

    fn corrupt(&self, why: &str) -> Error {
        let file = self.file.display();
        Error::Corrupt {
            why: format!("{file}: {why}; stop sluice, keep a copy of the file, and put back a backup"),
        }
    }

    /// The same failure for who opened the store.
    pub(crate) fn refuse_open(&self, source: rusqlite::Error) -> OpenError {
        let file = self.file.clone();
        match self.explain_sqlite(&source) {
            Error::Full { .. } => OpenError::Full { folder: self.folder.clone() },
            Error::Corrupt { .. } => OpenError::Damaged { file, why: source.to_string() },
            _ => OpenError::Database { file, source },
        }
    }

    fn is_disk_full(&self) -> bool {
        rustix::fs::statvfs(&self.folder).is_ok_and(|disk| disk.f_bavail * disk.f_frsize < FREE_BYTES_MIN)
    }
}

/// Whether a sync has failed. The kernel then forgets what it could not write, so that a later sync that succeeds
/// proves nothing: whoever has seen this must not promise anything any more.
pub(crate) fn is_failed_sync(error: &rusqlite::Error) -> bool {
    error.sqlite_error().is_some_and(|error| {
        matches!(error.extended_code, ffi::SQLITE_IOERR_FSYNC | ffi::SQLITE_IOERR_DIR_FSYNC)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn explained(code: i32) -> Error {
        let folder = tempfile::tempdir().unwrap();
        let error = rusqlite::Error::SqliteFailure(ffi::Error::new(code), None);
        Place::of(folder.path()).explain(error.into())
    }

    #[test]
    fn each_trouble_of_sqlite_is_told_as_what_it_means_to_people() {
        for code in [ffi::SQLITE_BUSY, ffi::SQLITE_LOCKED, ffi::SQLITE_IOERR_READ, ffi::SQLITE_NOMEM] {
            let error = explained(code);
            assert!(matches!(&error, Error::Unavailable { why } if why.contains("sluice.db")), "{error:?}");
        }
        assert!(matches!(explained(ffi::SQLITE_FULL), Error::Full { .. }));
        for code in [ffi::SQLITE_CORRUPT, ffi::SQLITE_NOTADB] {
            let error = explained(code);
            assert!(matches!(&error, Error::Corrupt { why } if why.contains("backup")), "{error:?}");
        }
    }
}
