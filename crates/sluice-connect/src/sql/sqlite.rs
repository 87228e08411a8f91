//! SQLite, read where the file is.

use std::path::{Path, PathBuf};

use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use rusqlite::{Connection, OpenFlags, params_from_iter};
use sluice_core::document::metric::MetricKind;
use sluice_engine::port::source::Trouble;

use super::rows::{self, Rows};
use super::{Bound, Errand};
use crate::plain::plain;
use crate::web::trouble;

/// Answers each errand in turn, in threads that may wait. The file is opened to be read only, and never made.
///
/// # Cancel safety
/// When dropped, what is running is interrupted.
pub(super) async fn ask(path: PathBuf, kind: MetricKind, errand: Errand) -> Result<Vec<Rows>, Trouble> {
    let (handed, handle) = tokio::sync::oneshot::channel();
    let asking = tokio::task::spawn_blocking(move || {
        let connection = open(&path)?;
        // Nobody waits for it any more when it cannot be sent.
        if handed.send(connection.get_interrupt_handle()).is_err() {
            return Ok(Vec::new());
        }
        errand.stretches.iter().map(|bound| answer(&connection, kind, &errand.text, bound)).collect()
    });
    let interrupt = Interrupt(handle.await.ok());
    let answered = asking.await.map_err(|stopped| trouble(format!("reading SQLite broke off: {stopped}")))?;
    drop(interrupt);
    answered
}

/// Interrupts what is still running when nobody waits for it any more.
struct Interrupt(Option<rusqlite::InterruptHandle>);

impl Drop for Interrupt {
    fn drop(&mut self) {
        if let Some(handle) = &self.0 {
            handle.interrupt();
        }
    }
}

fn open(path: &Path) -> Result<Connection, Trouble> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(path, flags).map_err(|error| broken("cannot be opened", &error))
}

fn answer(connection: &Connection, kind: MetricKind, text: &str, bound: &[Bound]) -> Result<Rows, Trouble> {
    let mut statement =
        connection.prepare(text).map_err(|error| broken("does not take the query", &error))?;
    if !statement.readonly() {
        return Err(trouble("the query would change something; it may only read"));
    }
    let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let mut answer = Rows::new(kind, columns)?;
    let bound = bound.iter().map(|bound| match bound {
        Bound::Text(text) => ToSqlOutput::Owned(Value::Text(text.clone())),
        Bound::Time(at) => ToSqlOutput::Owned(Value::Text(super::written(*at))),
    });
    let mut found =
        statement.query(params_from_iter(bound)).map_err(|error| broken("does not answer", &error))?;
    while let Some(row) = found.next().map_err(|error| broken("does not answer", &error))? {
        let numbers = (0..answer.columns.len()).map(|at| {
            let column = &answer.columns[at];
            match row.get_ref(at).map_err(|error| broken("does not answer", &error))? {
                ValueRef::Null => Ok(None),
                ValueRef::Integer(number) => Ok(Some(number as f64)),
                ValueRef::Real(number) => Ok(Some(number)),
                ValueRef::Text(text) => rows::number(column, &String::from_utf8_lossy(text)).map(Some),
                ValueRef::Blob(_) => Err(rows::wrong_type(column, "blob")),
            }
        });
        let numbers = numbers.collect::<Result<_, _>>()?;
        answer.push(numbers)?;
    }
    Ok(answer)
}

fn broken(what: &str, error: &rusqlite::Error) -> Trouble {
    trouble(format!("SQLite {what}: {}", plain(&error.to_string(), 200).unwrap_or_default()))
}
