//! Changes that nobody waits for.

use sluice_core::document::Kind;
use sluice_engine::port::store::{Commit, Expect, Write};

use super::make::*;

/// It is seen at once, everywhere, and leaves version and times alone.
pub async fn a_checkpoint_changes_the_state_and_nothing_else(store: AnyStore) {
    let key = service("a");
    let version = done(&store, writes([create(&key, 1)])).await.versions[0];
    let before = get(&store, &key).await.expect("it was created");

    for n in [2, 3] {
        let commit = Commit { now: at(9_000), ..writes([checkpoint(&key, version, n)]) };
        assert_eq!(done(&store, commit).await.versions, [version]);
        let row = get(&store, &key).await.expect("it is there");
        assert_eq!(row.state, n);
        assert_eq!((row.resource_version, row.updated_at), (version, before.updated_at));
        let page = store.list(all_of(Kind::Service)).await.expect("reads");
        assert_eq!(page.rows, [row], "the list says the same");
    }

    // Among other changes it is part of all-or-nothing, and later than those before.
    let other = service("b");
    done(&store, writes([checkpoint(&key, version, 4), create(&other, 1)])).await;
    assert_eq!(state_of(&store, &key).await, Some(4));
    let refused = store.commit(writes([checkpoint(&key, version, 5), create(&other, 1)])).await;
    assert!(refused.is_err());
    assert_eq!(state_of(&store, &key).await, Some(4));
    done(&store, writes([checkpoint(&key, version, 6)])).await;
    let refused = store.commit(writes([checkpoint(&key, version, 7), create(&other, 1)])).await;
    assert!(refused.is_err());
    assert_eq!(state_of(&store, &key).await, Some(6), "what was refused has not touched the one before");
}

/// Whatever it expects: it never conflicts, alone or among other changes.
pub async fn a_checkpoint_of_another_version_does_nothing(store: AnyStore) {
    let (key, gone) = (service("a"), service("gone"));
    let old = done(&store, writes([create(&key, 1)])).await.versions[0];
    let version = done(&store, writes([state(&key, Expect::Any, 2)])).await.versions[0];

    for expect in [Expect::Any, Expect::Absent, Expect::Version(old), Expect::Version(version)] {
        let stale = Write { expect, ..checkpoint(&key, old, 8) };
        let lost = Write { expect, ..checkpoint(&gone, version, 8) };
        let committed = done(&store, writes([stale.clone(), lost.clone()])).await;
        assert_eq!(committed.versions, [version, 0], "{expect:?}");
        done(&store, Commit { events: vec![event(&key, 1)], ..writes([stale, lost]) }).await;
        assert_eq!(state_of(&store, &key).await, Some(2), "{expect:?}");
        assert_eq!(get(&store, &gone).await, None);
    }

    // A document of the same name that came later is another one.
    done(&store, writes([delete(&key, Expect::Any)])).await;
    done(&store, writes([checkpoint(&key, version, 9)])).await;
    done(&store, writes([create(&key, 3)])).await;
    done(&store, writes([checkpoint(&key, version, 9)])).await;
    assert_eq!(state_of(&store, &key).await, Some(3));
}

/// A checkpoint that came first must not show through, or come back.
pub async fn a_newer_write_beats_an_older_checkpoint(store: AnyStore) {
    let key = service("a");
    let version = done(&store, writes([create(&key, 1)])).await.versions[0];

    done(&store, writes([checkpoint(&key, version, 2)])).await;
    let version = done(&store, writes([state(&key, Expect::Version(version), 3)])).await.versions[0];
    assert_eq!(state_of(&store, &key).await, Some(3));

    done(&store, writes([checkpoint(&key, version, 4)])).await;
    done(&store, writes([put(&key, Expect::Version(version), 5, false)])).await;
    assert_eq!(state_of(&store, &key).await, Some(5));

    done(&store, writes([delete(&key, Expect::Any)])).await;
    assert_eq!(state_of(&store, &key).await, None);
}
