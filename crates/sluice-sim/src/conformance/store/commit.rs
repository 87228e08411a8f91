//! All or nothing.

use serde_json::{Value, json};
use sluice_engine::port::store::{
    Change, Commit, Error, EventQuery, Expect, PendingEffect, Remembered, Write,
};

use super::make::*;

fn remembered(key: &str, answer: i64) -> Remembered {
    Remembered { key: key.to_owned(), request: "hash of the request".to_owned(), answer: json!(answer) }
}

/// Writes, events, effects and a remembered answer all arrive.
pub async fn a_commit_does_all_of_its_parts(store: AnyStore) {
    let committed = done(
        &store,
        Commit {
            now: at(5_000),
            writes: vec![create(&service("a"), 1), create(&policy("b"), 2)],
            events: vec![event(&service("a"), 1), event(&policy("b"), 2)],
            effects: vec![effect("r", 1), effect("r", 2)],
            done: vec![],
            remember: Some(remembered("k", 7)),
        },
    )
    .await;

    let (a, b) = (get(&store, &service("a")).await.expect("a"), get(&store, &policy("b")).await.expect("b"));
    assert_eq!(committed.versions, [a.resource_version, b.resource_version]);
    assert_eq!((a.state, b.state), (json!(1), json!(2)));
    assert_eq!((a.created_at, a.updated_at, a.is_finished), (at(5_000), at(5_000), false));
    assert_eq!(a.document, json!({ "metadata": { "name": "a" }, "spec": { "service": "checkout" } }));

    assert_eq!(log(&store).await, committed.events);
    assert_eq!(committed.events.iter().map(|event| event.seq).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(committed.events[1].subject, policy("b"));
    assert_eq!((committed.events[1].at, &*committed.events[1].actor), (at(5_000), "mia"));

    let pending = |n: usize| PendingEffect {
        id: committed.effects[n],
        release: name("r"),
        body: json!({ "n": n + 1 }),
    };
    assert_eq!(store.pending().await, Ok(vec![pending(0), pending(1)]));
    assert_eq!(store.remembered("k").await, Ok(Some(remembered("k", 7))));
    assert_eq!(store.remembered("other").await, Ok(None));
}

/// A conflict in the last write undoes the first ones and everything else, and leaves no hole behind.
pub async fn a_commit_that_conflicts_does_nothing(store: AnyStore) {
    let first = done(
        &store,
        Commit {
            writes: vec![create(&service("a"), 1)],
            events: vec![event(&service("a"), 1)],
            effects: vec![effect("r", 1)],
            ..Commit::default()
        },
    )
    .await;
    let before = get(&store, &service("a")).await;

    let refused = store
        .commit(Commit {
            now: at(9_000),
            writes: vec![
                state(&service("a"), Expect::Any, 2),
                create(&service("b"), 3),
                create(&service("a"), 4),
            ],
            events: vec![event(&service("a"), 2)],
            effects: vec![effect("r", 2)],
            done: first.effects.clone(),
            remember: Some(remembered("k", 1)),
        })
        .await;
    // The write before it, in the same commit, has moved the version on.
    let Err(Error::Conflict { key, found: Some(found) }) = refused else { panic!("{refused:?}") };
    assert_eq!(key, service("a"));
    assert!(found > first.versions[0]);

    assert_eq!(get(&store, &service("a")).await, before);
    assert_eq!(get(&store, &service("b")).await, None);
    assert_eq!(log(&store).await, first.events);
    assert_eq!(store.pending().await.expect("reads").len(), 1);
    assert_eq!(store.remembered("k").await, Ok(None));

    let next = done(&store, events(&service("a"), [3])).await;
    assert_eq!(next.events[0].seq, 2, "the log has no hole");
}

/// Every expectation against a document that exists and one that does not.
pub async fn an_expectation_that_does_not_hold_is_a_conflict(store: AnyStore) {
    let here = service("here");
    let gone = service("gone");
    let version = done(&store, writes([create(&here, 1)])).await.versions[0];

    let refused = [
        (create(&here, 2), Some(version)),
        (put(&here, Expect::Version(version + 1), 2, false), Some(version)),
        (put(&gone, Expect::Version(version), 2, false), None),
        (state(&here, Expect::Absent, 2), Some(version)),
        (state(&here, Expect::Version(version + 1), 2), Some(version)),
        (state(&gone, Expect::Any, 2), None),
        (state(&gone, Expect::Absent, 2), None),
        (delete(&here, Expect::Version(version - 1)), Some(version)),
        (delete(&here, Expect::Absent), Some(version)),
        (delete(&gone, Expect::Any), None),
    ];
    for (write, found) in refused {
        let key = write.key.clone();
        let answer = store.commit(writes([write.clone()])).await;
        assert_eq!(answer, Err(Error::Conflict { key, found }), "{write:?}");
    }
    assert_eq!(state_of(&store, &here).await, Some(1));

    done(&store, writes([state(&here, Expect::Version(version), 2)])).await;
    done(&store, writes([put(&here, Expect::Any, 3, true)])).await;
    assert_eq!(state_of(&store, &here).await, Some(3));
    done(&store, writes([put(&gone, Expect::Any, 4, false)])).await;
    assert_eq!(state_of(&store, &gone).await, Some(4));
}

/// The order of writes in a commit counts.
pub async fn writes_of_one_commit_see_each_other(store: AnyStore) {
    let (a, b) = (service("a"), service("b"));
    let committed = done(
        &store,
        writes([
            create(&a, 1),
            state(&a, Expect::Any, 2),
            create(&b, 1),
            delete(&b, Expect::Any),
            create(&b, 5),
        ]),
    )
    .await;
    assert_eq!(state_of(&store, &a).await, Some(2));
    assert_eq!(state_of(&store, &b).await, Some(5));
    let v = committed.versions;
    assert!(v[0] < v[1], "each write has a version of its own");
    assert_eq!(v[3], v[2], "a deletion answers the last version");
    assert!(v[4] > v[3]);
    assert_eq!(get(&store, &a).await.map(|row| row.resource_version), Some(v[1]));
}

/// Not by another document, and not by the same one when it comes again after a deletion.
pub async fn a_resource_version_is_never_used_twice(store: AnyStore) {
    let key = service("a");
    let mut last = 0;
    for _ in 0..3 {
        for write in [create(&key, 1), state(&key, Expect::Any, 2), put(&key, Expect::Any, 3, true)] {
            let version = done(&store, writes([write])).await.versions[0];
            assert!(version > last, "{version} came after {last}");
            last = version;
        }
        let deleted = done(&store, writes([delete(&key, Expect::Version(last))])).await;
        assert_eq!(deleted.versions, [last]);
        let other = done(&store, writes([put(&service("b"), Expect::Any, 1, false)])).await.versions[0];
        assert_ne!(other, last);
    }
    // Whoever still holds the version of a deleted document cannot change the new one by it.
    done(&store, writes([create(&key, 1)])).await;
    let stale = store.commit(writes([state(&key, Expect::Version(last), 9)])).await;
    assert!(matches!(stale, Err(Error::Conflict { .. })), "{stale:?}");
}

/// Replacing a document keeps when it was created; changing its state keeps what people wrote.
pub async fn a_change_keeps_what_it_does_not_change(store: AnyStore) {
    let key = service("a");
    done(&store, Commit { now: at(1_000), writes: vec![create(&key, 1)], ..Commit::default() }).await;
    let created = get(&store, &key).await.expect("it was created");

    let change = Change::State { state: json!(2), is_finished: true };
    let write = Write { key: key.clone(), expect: Expect::Any, change };
    done(&store, Commit { now: at(2_000), writes: vec![write], ..Commit::default() }).await;
    let changed = get(&store, &key).await.expect("it is there");
    assert_eq!((&changed.document, changed.created_at), (&created.document, at(1_000)));
    assert_eq!((changed.updated_at, changed.is_finished), (at(2_000), true));

    let replaced = put(&key, Expect::Any, 3, false);
    done(&store, Commit { now: at(3_000), writes: vec![replaced], ..Commit::default() }).await;
    let replaced = get(&store, &key).await.expect("it is there");
    assert_eq!((replaced.created_at, replaced.updated_at), (at(1_000), at(3_000)));
    assert!(!replaced.is_finished);

    done(&store, writes([delete(&key, Expect::Any)])).await;
    done(&store, Commit { now: at(4_000), writes: vec![create(&key, 1)], ..Commit::default() }).await;
    assert_eq!(get(&store, &key).await.map(|row| row.created_at), Some(at(4_000)), "it is another one");
}

/// Oldest first; saying it twice does no harm; a number is given out once.
pub async fn effects_are_pending_until_they_are_done(store: AnyStore) {
    let commit = |effects| Commit { effects, ..Commit::default() };
    let first = done(&store, commit(vec![effect("a", 1), effect("b", 2)])).await.effects;
    let second = done(&store, commit(vec![effect("a", 3)])).await.effects;
    let ids =
        || async { store.pending().await.expect("reads").iter().map(|effect| effect.id).collect::<Vec<_>>() };
    assert_eq!(ids().await, [first[0], first[1], second[0]]);
    assert!(first[0] < first[1] && first[1] < second[0]);

    let finish = |done| Commit { done, ..Commit::default() };
    done(&store, finish(vec![first[1], second[0]])).await;
    assert_eq!(ids().await, [first[0]]);
    done(&store, finish(vec![first[1], 9_999, first[0]])).await;
    assert_eq!(ids().await, [0; 0]);

    let third = done(&store, commit(vec![effect("a", 4)])).await.effects;
    assert!(third[0] > second[0], "the number of a done effect came again");
}

/// A repeated request must hear what the first one heard.
pub async fn the_first_answer_under_a_key_stays(store: AnyStore) {
    for answer in [1, 2] {
        let remember = Some(remembered("k", answer));
        done(&store, Commit { remember, ..Commit::default() }).await;
    }
    assert_eq!(store.remembered("k").await, Ok(Some(remembered("k", 1))));
}

/// Whatever JSON can say.
pub async fn json_comes_back_as_it_was(store: AnyStore) {
    let value = json!({
        "": null,
        "large": u64::MAX,
        "small": i64::MIN,
        "floats": [0.1 + 0.2, 1e300, 5e-324, 2.0, -0.5],
        "text": "é \u{0} \u{1f600} \" \\ \n \u{7f}",
        "z": { "b": [[], {}, [true, false]], "a": 1 },
    });
    let key = service("a");
    let change = Change::Put { document: value.clone(), state: value.clone(), is_finished: false };
    let mut new = event(&key, 1);
    new.data = value.clone();
    new.text = "é \u{0} \"".to_owned();
    let commit = Commit {
        writes: vec![Write { key: key.clone(), expect: Expect::Absent, change }],
        events: vec![new.clone()],
        effects: vec![sluice_engine::port::store::NewEffect { release: name("r"), body: value.clone() }],
        remember: Some(Remembered { key: "k".to_owned(), request: String::new(), answer: value.clone() }),
        ..Commit::default()
    };
    done(&store, commit).await;

    let row = get(&store, &key).await.expect("it was created");
    assert_eq!((row.document, row.state), (value.clone(), value.clone()));
    let read = store.events(EventQuery { limit: 1, ..EventQuery::default() }).await.expect("reads").remove(0);
    assert_eq!((&read.data, read.text), (&value, new.text));
    assert_eq!(store.pending().await.expect("reads")[0].body, value);
    let answer: Option<Value> = store.remembered("k").await.expect("reads").map(|kept| kept.answer);
    assert_eq!(answer, Some(value));
    assert!(matches!(store.verify().await, Ok(sluice_engine::port::store::Chain::Holds { events: 1, .. })));
}
