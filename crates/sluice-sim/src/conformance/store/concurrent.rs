//! Many at once.

use std::collections::BTreeSet;
use std::sync::Arc;

use sluice_engine::port::store::{Chain, Commit, Error, Expect};
use tokio::task::JoinSet;

use super::make::*;

const TASKS: u64 = 16;
const ROUNDS: u64 = 10;

/// Everybody adds one to the same number, and tries again when somebody else was faster.
pub async fn no_update_of_one_document_is_lost(store: AnyStore) {
    done(&store, writes([create(&service("sum"), 0)])).await;
    let mut tasks = JoinSet::new();
    for _ in 0..TASKS {
        let store = Arc::clone(&store);
        tasks.spawn(async move {
            let key = service("sum");
            let mut left = ROUNDS;
            while left > 0 {
                let row = get(&store, &key).await.expect("it is there");
                let next = row.state.as_i64().expect("it is a number") + 1;
                let commit = Commit {
                    events: vec![event(&key, next.unsigned_abs())],
                    effects: vec![effect("sum", next.unsigned_abs())],
                    ..writes([state(&key, Expect::Version(row.resource_version), next)])
                };
                match store.commit(commit).await {
                    Ok(_) => left -= 1,
                    Err(Error::Conflict { .. }) => {}
                    Err(other) => panic!("{other}"),
                }
            }
        });
    }
    tasks.join_all().await;

    let total = TASKS * ROUNDS;
    assert_eq!(state_of(&store, &service("sum")).await, i64::try_from(total).ok());
    let numbers: Vec<_> = log(&store).await.iter().map(|event| event.data["n"].as_u64()).collect();
    assert_eq!(numbers, (1..=total).map(Some).collect::<Vec<_>>(), "one event for each step, in order");
    assert_eq!(store.pending().await.map(|effects| effects.len() as u64), Ok(total));
    assert!(matches!(store.verify().await, Ok(Chain::Holds { events, .. }) if events == total));
}

/// None gets in the way of another, also not those that are refused in between.
pub async fn commits_on_different_documents_all_succeed(store: AnyStore) {
    done(&store, writes([create(&service("taken"), 0)])).await;
    let mut tasks = JoinSet::new();
    for task in 0..TASKS {
        let store = Arc::clone(&store);
        tasks.spawn(async move {
            let key = service(&format!("own-{task}"));
            let mut expect = Expect::Absent;
            let mut given = Vec::new();
            for round in 1..=ROUNDS {
                let commit = Commit {
                    events: vec![event(&key, round)],
                    ..writes([put(&key, expect, round.cast_signed(), false)])
                };
                let committed = done(&store, commit).await;
                expect = Expect::Version(committed.versions[0]);
                given.push((committed.versions[0], committed.events[0].seq));
                assert_eq!(state_of(&store, &key).await, Some(round.cast_signed()), "it reads what it wrote");

                let refused = store
                    .commit(Commit {
                        events: vec![event(&key, 99)],
                        ..writes([state(&key, Expect::Any, -1), create(&service("taken"), 1)])
                    })
                    .await;
                assert!(matches!(refused, Err(Error::Conflict { .. })), "{refused:?}");
            }
            given
        });
    }
    let given: Vec<(u64, u64)> = tasks.join_all().await.into_iter().flatten().collect();

    let total = TASKS * ROUNDS;
    let versions: BTreeSet<u64> = given.iter().map(|(version, _)| *version).collect();
    assert_eq!(versions.len() as u64, total, "no resource version was given twice");
    let seqs: BTreeSet<u64> = given.iter().map(|(_, seq)| *seq).collect();
    assert_eq!(seqs, (1..=total).collect(), "the log has no hole and no event of a refused commit");
    for task in 0..TASKS {
        let own = state_of(&store, &service(&format!("own-{task}"))).await;
        assert_eq!(own, Some(ROUNDS.cast_signed()));
    }
    assert!(matches!(store.verify().await, Ok(Chain::Holds { events, .. }) if events == total));
}

/// All others hear of a conflict.
pub async fn of_many_that_expect_the_same_only_one_wins(store: AnyStore) {
    let version = done(&store, writes([create(&service("a"), 0)])).await.versions[0];
    let mut tasks = JoinSet::new();
    for task in 1..=TASKS {
        let store = Arc::clone(&store);
        tasks.spawn(async move {
            let write = state(&service("a"), Expect::Version(version), task.cast_signed());
            match store.commit(writes([write])).await {
                Ok(_) => Some(task.cast_signed()),
                Err(Error::Conflict { .. }) => None,
                Err(other) => panic!("{other}"),
            }
        });
    }
    let winners: Vec<i64> = tasks.join_all().await.into_iter().flatten().collect();
    assert_eq!(winners.len(), 1, "{winners:?}");
    assert_eq!(state_of(&store, &service("a")).await, Some(winners[0]));
}
