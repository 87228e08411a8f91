//! The questions, one statement each.

use rusqlite::types::Value as SqlValue;
use rusqlite::{Connection, OptionalExtension as _, Row as SqlRow, params_from_iter};
use sluice_core::document::DocumentKey;
use sluice_engine::port::store::rules::{Cursor, limited};
use sluice_engine::port::store::{EventQuery, EventRecord, ListQuery, Page, PendingEffect, Remembered, Row};

use crate::checkpoint::Noted;
use crate::failure::Failure;
use crate::row::{self, DOCUMENT_COLUMNS, EVENT_COLUMNS, environment_text, signed};

pub(super) fn get(connection: &Connection, noted: &Noted, key: &DocumentKey) -> Result<Option<Row>, Failure> {
    let sql = format!(
        "SELECT {DOCUMENT_COLUMNS} FROM documents WHERE kind = ?1 AND environment = ?2 AND name = ?3"
    );
    let environment = environment_text(key.environment.as_ref());
    let found = connection
        .prepare_cached(&sql)?
        .query_row([key.kind.as_str(), environment, key.name.as_str()], |found| Ok(row::document(found)))
        .optional()?
        .transpose()?;
    Ok(found.map(|(found, _)| laid_over(found, noted)))
}

pub(super) fn list(connection: &Connection, noted: &Noted, query: &ListQuery) -> Result<Page, Failure> {
    let mut filter = Filter::default();
    filter.and("kind = ?", [query.kind.as_str()]);
    if let Some(environment) = &query.environment {
        filter.and("environment = ?", [environment.as_str()]);
    }
    if let Some(service) = &query.service {
        filter.and("service = ?", [service.as_str()]);
    }
    match query.is_finished {
        // Written out, so that the index of the unfinished ones is used: they are few among many.
        Some(false) => filter.and("is_finished = 0", [""; 0]),
        Some(true) => filter.and("is_finished = 1", [""; 0]),
        None => {}
    }
    match query.cursor.as_deref().map(|given| Cursor::parse(given, query.newest_first)).transpose()? {
        None => {}
        Some(Cursor::Named { environment, name }) => {
            filter
                .and("(environment, name) > (?, ?)", [environment_text(environment.as_ref()), name.as_str()]);
        }
        Some(Cursor::Aged { created_version }) => {
            filter.and("created_version < ?", [signed(created_version)])
        }
    }
    let order = if query.newest_first { "created_version DESC" } else { "environment, name" };
    let limit = limited(query.limit);
    // One more than asked for tells whether there is another page.
    let (sql, values) = filter.select(DOCUMENT_COLUMNS, "documents", order, limit + 1);
    let mut found = all(connection, &sql, values, row::document)?;

    let next = (found.len() > limit).then(|| {
        found.truncate(limit);
        let (last, created_version) = &found[limit - 1];
        let cursor = if query.newest_first {
            Cursor::Aged { created_version: *created_version }
        } else {
            Cursor::Named { environment: last.key.environment.clone(), name: last.key.name.clone() }
        };
        cursor.to_string()
    });
    Ok(Page { rows: found.into_iter().map(|(found, _)| laid_over(found, noted)).collect(), next })
}

/// A row with the checkpoint that is noted for it.
fn laid_over(mut row: Row, noted: &Noted) -> Row {
    if let Some(checkpoint) = noted.get(&row.key)
        && checkpoint.of_version == row.resource_version
    {
        row.state = checkpoint.state.to_value();
    }
    row
}

pub(super) fn events(connection: &Connection, query: &EventQuery) -> Result<Vec<EventRecord>, Failure> {
    let mut filter = Filter::default();
    filter.and("seq > ?", [signed(query.after)]);
    if let Some(subject) = &query.subject {
        filter.and(
            "subject_kind = ? AND subject_environment = ? AND subject_name = ?",
            [subject.kind.as_str(), environment_text(subject.environment.as_ref()), subject.name.as_str()],
        );
    }
    let order = if query.newest { "seq DESC" } else { "seq" };
    let (sql, values) = filter.select(EVENT_COLUMNS, "events", order, limited(query.limit));
    let mut found = all(connection, &sql, values, row::event)?;
    if query.newest {
        found.reverse();
    }
    Ok(found)
}

pub(super) fn pending(connection: &Connection) -> Result<Vec<PendingEffect>, Failure> {
    all(connection, "SELECT id, release, body FROM effects ORDER BY id", Vec::new(), row::effect)
}

pub(super) fn remembered(connection: &Connection, key: &str) -> Result<Option<Remembered>, Failure> {
    connection
        .prepare_cached("SELECT key, request, answer FROM remembered WHERE key = ?1")?
        .query_row([key], |found| Ok(row::remembered(found)))
        .optional()?
        .transpose()
}

fn all<T>(
    connection: &Connection,
    sql: &str,
    values: Vec<SqlValue>,
    read: fn(&SqlRow<'_>) -> Result<T, Failure>,
) -> Result<Vec<T>, Failure> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params_from_iter(values))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(read(row)?);
    }
    Ok(found)
}

/// Conditions that all must hold, with their values in order.
#[derive(Default)]
struct Filter {
    conditions: Vec<&'static str>,
    values: Vec<SqlValue>,
}

impl Filter {
    fn and<V: ToSqlValue, const N: usize>(&mut self, condition: &'static str, values: [V; N]) {
        self.conditions.push(condition);
        self.values.extend(values.map(V::to_sql_value));
    }

    fn select(mut self, columns: &str, table: &str, order: &str, limit: usize) -> (String, Vec<SqlValue>) {
        self.values.push(SqlValue::Integer(i64::try_from(limit).unwrap_or(i64::MAX)));
        let conditions = self.conditions.join(" AND ");
        (format!("SELECT {columns} FROM {table} WHERE {conditions} ORDER BY {order} LIMIT ?"), self.values)
    }
}

/// What may be compared with a column.
trait ToSqlValue {
    fn to_sql_value(self) -> SqlValue;
}

impl ToSqlValue for &str {
    fn to_sql_value(self) -> SqlValue {
        SqlValue::Text(self.to_owned())
    }
}

impl ToSqlValue for i64 {
    fn to_sql_value(self) -> SqlValue {
        SqlValue::Integer(self)
    }
}
