//! Reading what a [`super::MemoryStore`] holds.

use sluice_engine::port::store::rules::{Cursor, limited, service_of};
use sluice_engine::port::store::{Error, EventQuery, EventRecord, ListQuery, Page};

use super::table::{Kept, Tables};

pub(super) fn list(tables: &Tables, query: &ListQuery) -> Result<Page, Error> {
    let after = query.cursor.as_deref().map(|given| Cursor::parse(given, query.newest_first)).transpose()?;
    let mut found: Vec<&Kept> = tables.documents.values().filter(|kept| matches(kept, query)).collect();
    if query.newest_first {
        found.sort_by_key(|kept| std::cmp::Reverse(kept.created_version));
    }
    found.retain(|kept| match &after {
        None => true,
        Some(Cursor::Named { environment, name }) => {
            (&kept.row.key.environment, &kept.row.key.name) > (environment, name)
        }
        Some(Cursor::Aged { created_version }) => kept.created_version < *created_version,
    });
    let limit = limited(query.limit);
    let next = (found.len() > limit).then(|| cursor(found[limit - 1], query.newest_first).to_string());
    found.truncate(limit);
    Ok(Page { rows: found.into_iter().map(|kept| kept.row.clone()).collect(), next })
}

fn matches(kept: &Kept, query: &ListQuery) -> bool {
    let row = &kept.row;
    row.key.kind == query.kind
        && (query.environment.is_none() || row.key.environment == query.environment)
        && query
            .service
            .as_ref()
            .is_none_or(|service| service_of(row.key.kind, &row.document) == Some(service.as_str()))
        && query.is_finished.is_none_or(|is_finished| row.is_finished == is_finished)
}

fn cursor(kept: &Kept, newest_first: bool) -> Cursor {
    if newest_first {
        Cursor::Aged { created_version: kept.created_version }
    } else {
        let key = &kept.row.key;
        Cursor::Named { environment: key.environment.clone(), name: key.name.clone() }
    }
}

pub(super) fn events(tables: &Tables, query: &EventQuery) -> Vec<EventRecord> {
    let limit = limited(query.limit);
    let found = tables
        .events
        .iter()
        .filter(|event| event.seq > query.after)
        .filter(|event| query.subject.as_ref().is_none_or(|subject| event.subject == *subject));
    if query.newest {
        let mut found: Vec<EventRecord> = found.rev().take(limit).cloned().collect();
        found.reverse();
        found
    } else {
        found.take(limit).cloned().collect()
    }
}
