//! Opens the database and brings it up to date.

use std::time::Duration;

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use crate::failure::{OpenError, Place};
use crate::{Options, folder};

/// Each brings the format from its place in this list to the next. Never changed once released, only added to.
const MIGRATIONS: [&str; 1] = [include_str!("../migrations/0001_first.sql")];

/// `SLUC`: tells our databases from those of other programs.
const APPLICATION_ID: i32 = 0x534C_5543;

/// How long to wait for another program that holds a lock on the database, such as a backup.
pub(crate) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// The size of a page of the database: SQLite's default, and that of most disks.
pub(crate) const PAGE_BYTES: u64 = 4096;

/// How many prepared statements a connection keeps: more than there are.
const STATEMENTS_MAX: usize = 64;

/// Settings of the one connection that writes. The write-ahead log is copied into the database every 1000 pages
/// (4 MiB), and cut back to 16 MiB if a long read ever let it grow beyond; the cache takes at most 8 MiB.
const WRITER_SETTINGS: &str = "
    PRAGMA synchronous = FULL;
    PRAGMA foreign_keys = ON;
    PRAGMA trusted_schema = OFF;
    PRAGMA temp_store = MEMORY;
    PRAGMA wal_autocheckpoint = 1000;
    PRAGMA journal_size_limit = 16777216;
    PRAGMA cache_size = -8192;
";

/// Settings of connections that read: a cache of at most 2 MiB each.
const READER_SETTINGS: &str = "
    PRAGMA query_only = ON;
    PRAGMA trusted_schema = OFF;
    PRAGMA temp_store = MEMORY;
    PRAGMA cache_size = -2048;
";

/// The connection that writes, to a database that is up to date.
pub(crate) fn open(place: &Place, options: Options) -> Result<Connection, OpenError> {
    folder::create_file(&place.folder, &place.file)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection =
        Connection::open_with_flags(&place.file, flags).map_err(|source| place.refuse_open(source))?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(|source| place.refuse_open(source))?;
    migrate(&mut connection, place, options, &MIGRATIONS)?;
    Ok(connection)
}

/// A connection that reads.
pub(crate) fn open_reader(place: &Place) -> Result<Connection, rusqlite::Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(&place.file, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.execute_batch(READER_SETTINGS)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    Ok(connection)
}

/// Sets the connection up and brings the database to the last of these formats.
pub(crate) fn migrate(
    connection: &mut Connection,
    place: &Place,
    options: Options,
    migrations: &[&str],
) -> Result<(), OpenError> {
    // Looked at before anything is set: a database that is not ours is left as it was.
    let found = format_of(connection, place, migrations.len())?;
    set_up(connection, options).map_err(|source| place.refuse_open(source))?;
    let missing = migrations.get(found..).unwrap_or_default();
    if missing.is_empty() {
        return Ok(());
    }
    // All in one transaction: either the format is the newest, or nothing has changed.
    let mut run = || -> rusqlite::Result<()> {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for migration in missing {
            transaction.execute_batch(migration)?;
        }
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(
            None,
            "user_version",
            i64::try_from(migrations.len()).unwrap_or(i64::MAX),
        )?;
        transaction.commit()
    };
    run().map_err(|source| place.refuse_open(source))?;
    tracing::info!(from = found, to = migrations.len(), "Brought {} up to date", place.file.display());
    Ok(())
}

/// How many migrations the database has seen.
fn format_of(connection: &Connection, place: &Place, known: usize) -> Result<usize, OpenError> {
    let read = |what: &str| -> Result<i64, OpenError> {
        connection.query_row(what, [], |row| row.get(0)).map_err(|source| place.refuse_open(source))
    };
    let application = read("SELECT application_id FROM pragma_application_id")?;
    let found = read("SELECT user_version FROM pragma_user_version")?;
    let tables = read("SELECT COUNT(*) FROM sqlite_schema")?;
    let is_empty = application == 0 && found == 0 && tables == 0;
    if !is_empty && application != i64::from(APPLICATION_ID) {
        return Err(OpenError::Foreign { file: place.file.clone() });
    }
    match usize::try_from(found) {
        Ok(found) if found <= known => Ok(found),
        _ => Err(OpenError::Newer {
            file: place.file.clone(),
            found,
            known: i64::try_from(known).unwrap_or(i64::MAX),
        }),
    }
}

fn set_up(connection: &Connection, options: Options) -> rusqlite::Result<()> {
    connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
    connection.execute_batch(WRITER_SETTINGS)?;
    if let Some(size_max) = options.size_max {
        let pages = i64::try_from(size_max.div_ceil(PAGE_BYTES)).unwrap_or(i64::MAX);
        connection.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()))?;
    }
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: &str = "CREATE TABLE words (word TEXT NOT NULL) STRICT; INSERT INTO words VALUES ('kept');";
    const SECOND: &str =
        "ALTER TABLE words ADD COLUMN length INTEGER; UPDATE words SET length = length(word);";

    fn opened(place: &Place) -> Connection {
        folder::create_file(&place.folder, &place.file).unwrap();
        Connection::open(&place.file).unwrap()
    }

    fn number(connection: &Connection, sql: &str) -> i64 {
        connection.query_row(sql, [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn an_older_format_is_brought_up_to_date_with_what_it_holds() {
        let temp = tempfile::tempdir().unwrap();
        let place = Place::of(temp.path());
        migrate(&mut opened(&place), &place, Options::default(), &[FIRST]).unwrap();

        let mut connection = opened(&place);
        migrate(&mut connection, &place, Options::default(), &[FIRST, SECOND]).unwrap();
        assert_eq!(number(&connection, "SELECT length FROM words WHERE word = 'kept'"), 4);
        assert_eq!(number(&connection, "PRAGMA user_version"), 2);
    }

    #[test]
    fn a_migration_that_fails_changes_nothing() {
        let temp = tempfile::tempdir().unwrap();
        let place = Place::of(temp.path());
        migrate(&mut opened(&place), &place, Options::default(), &[FIRST]).unwrap();

        let mut connection = opened(&place);
        let broken = [FIRST, SECOND, "INSERT INTO words VALUES ('half'); SELECT no_such_thing;"];
        migrate(&mut connection, &place, Options::default(), &broken).unwrap_err();
        drop(connection);

        let connection = opened(&place);
        assert_eq!(number(&connection, "PRAGMA user_version"), 1);
        assert_eq!(number(&connection, "SELECT COUNT(*) FROM words"), 1);
        assert_eq!(number(&connection, "SELECT COUNT(*) FROM pragma_table_info('words')"), 1);
    }

    #[test]
    fn a_newer_format_is_refused_and_left_as_it_is() {
        let temp = tempfile::tempdir().unwrap();
        let place = Place::of(temp.path());
        drop(open(&place, Options::default()).unwrap());
        opened(&place).pragma_update(None, "user_version", 99).unwrap();

        let error = open(&place, Options::default()).unwrap_err();
        assert!(matches!(error, OpenError::Newer { found: 99, known: 1, .. }), "{error:?}");
        assert!(error.to_string().contains("newer sluice"), "{error}");
        assert_eq!(number(&opened(&place), "PRAGMA user_version"), 99);
    }

    #[test]
    fn the_database_of_another_program_is_refused_and_left_as_it_is() {
        let temp = tempfile::tempdir().unwrap();
        let place = Place::of(temp.path());
        opened(&place).execute_batch("CREATE TABLE other (n INTEGER)").unwrap();

        let error = open(&place, Options::default()).unwrap_err();
        assert!(matches!(error, OpenError::Foreign { .. }), "{error:?}");
        let mode: String = opened(&place).query_row("PRAGMA journal_mode", [], |row| row.get(0)).unwrap();
        assert_eq!(mode, "delete");
    }

    #[test]
    fn a_file_that_is_no_database_is_called_damaged() {
        let temp = tempfile::tempdir().unwrap();
        let place = Place::of(temp.path());
        std::fs::write(&place.file, "not a database at all, but long enough to be read as one".repeat(100))
            .unwrap();
        let error = open(&place, Options::default()).unwrap_err();
        assert!(matches!(error, OpenError::Damaged { .. }), "{error:?}");
        assert!(error.to_string().contains("put back a backup"), "{error}");
    }

    #[test]
    fn an_event_can_neither_be_changed_nor_taken_out_of_the_middle() {
        let temp = tempfile::tempdir().unwrap();
        let place = Place::of(temp.path());
        let connection = open(&place, Options::default()).unwrap();
        connection
            .execute_batch(
                "INSERT INTO events VALUES (1, 0, 'k', 'Service', '', 'a', 'me', 'text', 'null', '', '');",
            )
            .unwrap();
        for (sql, why) in [
            ("UPDATE events SET text = 'other'", "never changed"),
            ("DELETE FROM events", "up to the anchor"),
            ("UPDATE meta SET resource_version = -1", "only grow"),
            ("DELETE FROM meta", "never deleted"),
        ] {
            let error = connection.execute(sql, []).unwrap_err().to_string();
            assert!(error.contains(why), "{sql}: {error}");
        }
    }
}
