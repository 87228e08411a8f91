//! Forgetting.

use serde_json::json;
use sluice_core::Timestamp;
use sluice_core::document::{DocumentKey, Kind};
use sluice_engine::port::store::chain;
use sluice_engine::port::store::{Chain, Commit, Pruned, Remembered, Retention};

use super::make::*;

const EVERYTHING: Retention = Retention { events_max: u64::MAX, releases_max: u64::MAX };

async fn prune(store: &AnyStore, bounds: Retention) -> Pruned {
    store.prune(bounds, at(2_000)).await.expect("the store prunes")
}

/// More than one bit of work of any store.
pub async fn pruned_events_leave_a_chain_that_holds(store: AnyStore) {
    for start in [0, 1000, 2000] {
        done(&store, events(&service("a"), start..start + 1000)).await;
    }
    let head = match store.verify().await {
        Ok(Chain::Holds { events: 3000, head }) => head,
        other => panic!("{other:?}"),
    };
    assert_eq!(prune(&store, EVERYTHING).await, Pruned::default());

    let bounds = Retention { events_max: 700, ..EVERYTHING };
    assert_eq!(prune(&store, bounds).await, Pruned { events: 2300, releases: 0 });
    assert_eq!(prune(&store, bounds).await, Pruned::default(), "there is nothing left to forget");
    assert_eq!(store.verify().await, Ok(Chain::Holds { events: 700, head: head.clone() }));
    let kept = log(&store).await;
    assert_eq!((kept.len(), kept[0].seq, kept[699].seq), (700, 2301, 3000));

    let next = done(&store, events(&service("a"), [1])).await.events.remove(0);
    assert_eq!((next.seq, next.previous_hash), (3001, head));
    assert_eq!(prune(&store, bounds).await.events, 1);
    assert_eq!(store.verify().await, Ok(Chain::Holds { events: 700, head: next.hash }));
}

/// Even then the next event follows from the last.
pub async fn a_log_may_be_pruned_to_nothing(store: AnyStore) {
    let last = done(&store, events(&service("a"), [1, 2, 3])).await.events.remove(2);
    let bounds = Retention { events_max: 0, ..EVERYTHING };
    assert_eq!(prune(&store, bounds).await.events, 3);
    assert_eq!(log(&store).await, []);
    assert_eq!(store.verify().await, Ok(Chain::Holds { events: 0, head: last.hash.clone() }));

    let next = done(&store, events(&service("a"), [4])).await.events.remove(0);
    assert_eq!((next.seq, &next.previous_hash), (4, &last.hash));
    assert_eq!(next.hash, chain::hash(&next));
    assert_eq!(store.verify().await, Ok(Chain::Holds { events: 1, head: next.hash }));
}

async fn names(store: &AnyStore, kind: Kind) -> Vec<String> {
    let page = store.list(all_of(kind)).await.expect("the store reads");
    page.rows.iter().map(|row| row.key.name.to_string()).collect()
}

/// Each service in each environment has its own bound; what is not finished does not count and does not go.
pub async fn the_oldest_finished_releases_of_each_service_are_forgotten(store: AnyStore) {
    let staging = |n: &str| DocumentKey { environment: Some(name("staging")), ..release(n) };
    let mut changes = vec![create_release(&release("z-live"), "checkout", false)];
    for n in ["d", "a", "c", "b"] {
        changes.push(create_release(&release(n), "checkout", true));
    }
    changes.push(create_release(&release("cart-1"), "cart", true));
    changes.push(create_release(&staging("s-2"), "checkout", true));
    changes.push(create_release(&staging("s-1"), "checkout", true));
    changes.push(put(&service("checkout"), sluice_engine::port::store::Expect::Absent, 1, true));
    done(&store, writes(changes)).await;

    let bounds = Retention { releases_max: 2, ..EVERYTHING };
    assert_eq!(prune(&store, bounds).await, Pruned { events: 0, releases: 2 });
    assert_eq!(names(&store, Kind::Release).await, ["b", "c", "cart-1", "z-live", "s-1", "s-2"]);

    let bounds = Retention { releases_max: 0, ..EVERYTHING };
    assert_eq!(prune(&store, bounds).await, Pruned { events: 0, releases: 5 });
    assert_eq!(names(&store, Kind::Release).await, ["z-live"]);
    assert_eq!(names(&store, Kind::Service).await, ["checkout"], "only releases are forgotten");
}

/// Who carries them out may want to look at it.
pub async fn a_release_with_pending_effects_is_kept(store: AnyStore) {
    let changes = ["a", "b"].map(|n| create_release(&release(n), "checkout", true));
    let commit = Commit { effects: vec![effect("a", 1)], ..writes(changes) };
    let effects = done(&store, commit).await.effects;
    let bounds = Retention { releases_max: 0, ..EVERYTHING };
    assert_eq!(prune(&store, bounds).await.releases, 1);
    assert_eq!(names(&store, Kind::Release).await, ["a"]);

    done(&store, Commit { done: effects, ..Commit::default() }).await;
    assert_eq!(prune(&store, bounds).await.releases, 1);
    assert_eq!(names(&store, Kind::Release).await, [""; 0]);
}

/// A day is a day, to the millisecond.
pub async fn answers_are_forgotten_after_a_day(store: AnyStore) {
    const DAY_MS: i64 = 24 * 60 * 60 * 1000;
    for (key, now) in [("old", 1_000), ("young", 1_001)] {
        let remember =
            Some(Remembered { key: key.to_owned(), request: String::new(), answer: json!("done") });
        done(&store, Commit { now: at(now), remember, ..Commit::default() }).await;
    }
    let is_kept = |key| {
        let store = &store;
        async move { store.remembered(key).await.expect("the store reads").is_some() }
    };
    for (now, old, young) in [(0, true, true), (1_000 + DAY_MS, true, true), (1_001 + DAY_MS, false, true)] {
        store.prune(EVERYTHING, Timestamp::from_millis(now)).await.expect("the store prunes");
        assert_eq!((is_kept("old").await, is_kept("young").await), (old, young), "at {now}");
    }
}
