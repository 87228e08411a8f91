//! The log.

use sluice_core::document::Kind;
use sluice_engine::port::store::chain::{self, GENESIS};
use sluice_engine::port::store::{Chain, EventQuery, EventRecord};

use super::make::*;

async fn read(store: &AnyStore, query: EventQuery) -> Vec<u64> {
    let found: Vec<EventRecord> = store.events(query).await.expect("the store reads");
    found.iter().map(|event| event.seq).collect()
}

/// From the start, from the end, after a place; always oldest first.
pub async fn events_are_read_from_any_place(store: AnyStore) {
    assert_eq!(read(&store, EventQuery { limit: 10, ..EventQuery::default() }).await, [0; 0]);
    for n in 1..=6 {
        done(&store, events(&service("a"), [n])).await;
    }
    let cases: [(u64, bool, usize, &[u64]); 8] = [
        (0, false, 10, &[1, 2, 3, 4, 5, 6]),
        (0, false, 2, &[1, 2]),
        (2, false, 2, &[3, 4]),
        (6, false, 2, &[]),
        (0, true, 2, &[5, 6]),
        (0, true, 10, &[1, 2, 3, 4, 5, 6]),
        (5, true, 3, &[6]),
        (u64::MAX, false, 3, &[]),
    ];
    for (after, newest, limit, expected) in cases {
        let query = EventQuery { after, newest, limit, subject: None };
        assert_eq!(read(&store, query.clone()).await, expected, "{query:?}");
    }
}

/// Kind, environment and name must all be the same.
pub async fn events_of_one_document_are_found(store: AnyStore) {
    let a = service("a");
    let mut elsewhere = a.clone();
    elsewhere.environment = Some(name("staging"));
    let mut other_kind = a.clone();
    other_kind.kind = Kind::Release;
    for subject in [&a, &service("b"), &elsewhere, &a, &other_kind, &policy("a"), &a] {
        done(&store, events(subject, [1])).await;
    }
    let query = EventQuery { subject: Some(a), limit: 10, ..EventQuery::default() };
    assert_eq!(read(&store, query.clone()).await, [1, 4, 7]);
    assert_eq!(read(&store, EventQuery { after: 1, ..query.clone() }).await, [4, 7]);
    assert_eq!(read(&store, EventQuery { limit: 1, ..query.clone() }).await, [1]);
    assert_eq!(read(&store, EventQuery { limit: 2, newest: true, ..query.clone() }).await, [4, 7]);
    let query = EventQuery { subject: Some(policy("a")), ..query };
    assert_eq!(read(&store, query).await, [6]);
}

/// Each event follows from the one before, over commits with several events and commits with none.
pub async fn the_log_is_a_chain(store: AnyStore) {
    assert_eq!(store.verify().await, Ok(Chain::Holds { events: 0, head: GENESIS.to_owned() }));
    done(&store, events(&service("a"), [1, 2])).await;
    done(&store, writes([create(&service("a"), 1)])).await;
    done(&store, events(&policy("b"), [3])).await;

    let log = log(&store).await;
    let mut previous = GENESIS;
    for (record, seq) in log.iter().zip(1..) {
        assert_eq!(record.seq, seq);
        assert_eq!(record.previous_hash, previous);
        assert_eq!(record.hash, chain::hash(record));
        previous = &record.hash;
    }
    assert_eq!(store.verify().await, Ok(Chain::Holds { events: 3, head: previous.to_owned() }));
}
