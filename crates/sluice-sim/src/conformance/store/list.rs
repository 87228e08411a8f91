//! Lists and their pages.

use std::collections::BTreeSet;

use sluice_core::document::{DocumentKey, Kind};
use sluice_engine::port::store::{Error, Expect, ListQuery, Page};

use super::make::*;

fn in_environment(environment: &str, key: DocumentKey) -> DocumentKey {
    DocumentKey { environment: Some(name(environment)), ..key }
}

fn names(page: &Page) -> Vec<String> {
    page.rows.iter().map(|row| row.key.name.to_string()).collect()
}

async fn page(store: &AnyStore, query: ListQuery) -> Page {
    store.list(query).await.expect("the store reads")
}

/// All names of a list, page by page of `limit`.
async fn paged(store: &AnyStore, mut query: ListQuery, limit: usize) -> Vec<String> {
    query.limit = limit;
    let mut all = Vec::new();
    loop {
        let page = page(store, query.clone()).await;
        assert!(page.rows.len() <= limit);
        all.extend(names(&page));
        match page.next {
            Some(next) => {
                assert_eq!(page.rows.len(), limit, "a page that is not the last is full");
                query.cursor = Some(next);
            }
            None => return all,
        }
    }
}

/// By environment first.
pub async fn documents_are_listed_by_environment_and_name(store: AnyStore) {
    let keys = [
        in_environment("staging", service("a")),
        service("b"),
        service("a-b"),
        service("a.b"),
        service("a"),
        in_environment("dev", service("z")),
        policy("c"),
    ];
    for key in &keys {
        done(&store, writes([create(key, 1)])).await;
    }
    let found = page(&store, all_of(Kind::Service)).await;
    assert_eq!(names(&found), ["z", "a", "a-b", "a.b", "b", "a"]);
    assert_eq!(found.rows[0].key, keys[5]);
    assert_eq!(found.next, None);
    assert_eq!(names(&page(&store, all_of(Kind::Policy)).await), ["c"]);
    assert_eq!(names(&page(&store, all_of(Kind::Release)).await), [""; 0]);
}

/// By creation, whatever has changed since and however the clock went.
pub async fn the_newest_documents_come_first_when_asked_for(store: AnyStore) {
    for (n, now) in [("b", 3_000), ("c", 1_000), ("a", 1_000)] {
        let mut commit = writes([create(&release(n), 1)]);
        commit.now = at(now);
        done(&store, commit).await;
    }
    done(&store, writes([state(&release("b"), Expect::Any, 2)])).await;
    done(&store, writes([put(&release("c"), Expect::Any, 2, true)])).await;
    let query = ListQuery { newest_first: true, ..all_of(Kind::Release) };
    assert_eq!(names(&page(&store, query.clone()).await), ["a", "c", "b"]);

    // One that comes again is new.
    done(&store, writes([delete(&release("b"), Expect::Any), create(&release("b"), 1)])).await;
    assert_eq!(names(&page(&store, query).await), ["b", "a", "c"]);
}

/// Also when documents come and go meanwhile: what was there all the time is seen exactly once.
pub async fn a_page_goes_on_where_the_last_one_ended(store: AnyStore) {
    let all: Vec<String> = (0..10).map(|n| format!("r-{n}")).collect();
    done(&store, writes(all.iter().map(|n| create(&release(n), 1)))).await;
    let newest = ListQuery { newest_first: true, ..all_of(Kind::Release) };
    let reversed: Vec<String> = all.iter().rev().cloned().collect();
    for limit in [1, 3, 5, 10, 11] {
        assert_eq!(paged(&store, all_of(Kind::Release), limit).await, all, "{limit} each");
        assert_eq!(paged(&store, newest.clone(), limit).await, reversed, "{limit} each");
    }

    for query in [all_of(Kind::Release), newest] {
        let first = page(&store, ListQuery { limit: 4, ..query.clone() }).await;
        let last = first.rows[3].key.clone();
        done(&store, writes([delete(&last, Expect::Any), create(&release("r-00"), 1)])).await;
        let rest = page(&store, ListQuery { cursor: first.next.clone(), ..query }).await;

        let seen: BTreeSet<String> = names(&first).into_iter().chain(names(&rest)).collect();
        let expected: BTreeSet<String> = all.iter().cloned().collect();
        assert_eq!(seen, expected, "the one that went was seen, the one that came lies before");
        assert_eq!(first.rows.len() + rest.rows.len(), all.len(), "none was seen twice");
        done(&store, writes([create(&last, 1), delete(&release("r-00"), Expect::Any)])).await;
        // The order by age has changed; start the next round as the first began.
        done(&store, writes(all.iter().map(|n| delete(&release(n), Expect::Any)))).await;
        done(&store, writes(all.iter().map(|n| create(&release(n), 1)))).await;
    }
}

/// Environment, service and whether they are finished, alone and together.
pub async fn filters_of_a_list_hold_together(store: AnyStore) {
    let staging = |n: &str| in_environment("staging", release(n));
    done(
        &store,
        writes([
            create_release(&release("a"), "checkout", true),
            create_release(&release("b"), "checkout", false),
            create_release(&release("c"), "cart", false),
            create_release(&staging("d"), "checkout", false),
            create_release(&staging("e"), "cart", true),
            create(&service("checkout"), 1),
        ]),
    )
    .await;
    let base = all_of(Kind::Release);
    let (production, checkout) = (Some(name("production")), Some(name("checkout")));
    let cases: [(ListQuery, &[&str]); 7] = [
        (base.clone(), &["a", "b", "c", "d", "e"]),
        (ListQuery { environment: production.clone(), ..base.clone() }, &["a", "b", "c"]),
        (ListQuery { service: checkout.clone(), ..base.clone() }, &["a", "b", "d"]),
        (ListQuery { is_finished: Some(true), ..base.clone() }, &["a", "e"]),
        (ListQuery { is_finished: Some(false), ..base.clone() }, &["b", "c", "d"]),
        (
            ListQuery {
                environment: production,
                service: checkout.clone(),
                is_finished: Some(false),
                ..base.clone()
            },
            &["b"],
        ),
        (ListQuery { service: checkout, ..all_of(Kind::Service) }, &[]),
    ];
    for (query, expected) in cases {
        for limit in [1, 1000] {
            assert_eq!(paged(&store, query.clone(), limit).await, expected, "{query:?}");
        }
        let newest = ListQuery { newest_first: true, ..query };
        let mut found = paged(&store, newest, 2).await;
        found.reverse();
        assert_eq!(found, expected, "created in the order of their names");
    }

    // A release follows its document and its state.
    done(&store, writes([put(&release("c"), Expect::Any, 1, true)])).await;
    let query = ListQuery { service: Some(name("cart")), ..base.clone() };
    assert_eq!(names(&page(&store, query).await), ["e"]);
    let query = ListQuery { is_finished: Some(true), ..base };
    assert_eq!(names(&page(&store, query).await), ["a", "c", "e"]);
}

/// Rather than a page that starts anywhere.
pub async fn a_foreign_cursor_is_refused(store: AnyStore) {
    done(&store, writes(["a", "b"].map(|n| create(&release(n), 1)))).await;
    let by_name = ListQuery { limit: 1, ..all_of(Kind::Release) };
    let by_age = ListQuery { newest_first: true, ..by_name.clone() };
    let of_name = page(&store, by_name.clone()).await.next;
    let of_age = page(&store, by_age.clone()).await.next;
    assert!(of_name.is_some() && of_age.is_some());

    for (query, cursor) in [
        (by_name.clone(), of_age),
        (by_age.clone(), of_name),
        (by_name, Some("nonsense".to_owned())),
        (by_age, Some(String::new())),
    ] {
        let given = cursor.clone().unwrap_or_default();
        let answer = store.list(ListQuery { cursor, ..query }).await;
        assert_eq!(answer, Err(Error::Cursor { given }));
    }
}

/// Neither nothing nor everything.
pub async fn a_limit_is_held_within_its_bounds(store: AnyStore) {
    let keys: Vec<DocumentKey> = (0..1001).map(|n| policy(&format!("p-{n}"))).collect();
    done(&store, writes(keys.iter().map(|key| create(key, 1)))).await;
    done(&store, events(&keys[0], 0..1001)).await;
    for (limit, expected) in [(0, 1), (1, 1), (1000, 1000), (5000, 1000)] {
        let found = page(&store, ListQuery { limit, ..all_of(Kind::Policy) }).await;
        assert_eq!(found.rows.len(), expected);
        assert!(found.next.is_some());
        let query = sluice_engine::port::store::EventQuery { limit, ..Default::default() };
        assert_eq!(store.events(query).await.map(|events| events.len()), Ok(expected));
    }
}
