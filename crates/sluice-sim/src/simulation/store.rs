//! The store in memory, slow, full and away when it is to be, with an auditor who reads every commit.

use async_trait::async_trait;
use sluice_core::Timestamp;
use sluice_core::document::DocumentKey;
use sluice_engine::port::store::{
    Chain, Commit, Committed, Error, EventQuery, EventRecord, ListQuery, Page, PendingEffect, Pruned,
    Remembered, Retention, Row, Store,
};

use super::audit::Audit;
use super::faults::{Faults, Port};
use crate::memory::MemoryStore;

/// A store under observation.
pub(super) struct WatchedStore {
    pub(super) kept: MemoryStore,
    pub(super) faults: Faults,
    pub(super) audit: Audit,
}

impl WatchedStore {
    /// What a crash leaves.
    pub(super) fn crash(&self) {
        self.kept.crash_after(0);
        self.kept.restart();
    }

    fn reach(&self) -> Result<(), Error> {
        if self.faults.odds().store_is_away {
            return Err(Error::Unavailable { why: "it is away".to_owned() });
        }
        Ok(())
    }
}

#[async_trait]
impl Store for WatchedStore {
    async fn commit(&self, commit: Commit) -> Result<Committed, Error> {
        self.faults.moment().await;
        self.faults.dawdle(Port::Store).await;
        self.reach()?;
        if self.faults.happens(self.faults.odds().commit_fails) {
            self.audit.commit_failed();
            return Err(Error::Full { folder: "data".to_owned() });
        }
        let committed = self.kept.commit(commit.clone()).await?;
        self.audit.committed(&commit, &committed);
        self.faults.dawdle(Port::Store).await;
        self.faults.moment().await;
        self.audit.answered(&commit);
        Ok(committed)
    }

    async fn get(&self, key: &DocumentKey) -> Result<Option<Row>, Error> {
        self.reach()?;
        self.kept.get(key).await
    }

    async fn list(&self, query: ListQuery) -> Result<Page, Error> {
        self.reach()?;
        self.kept.list(query).await
    }

    async fn events(&self, query: EventQuery) -> Result<Vec<EventRecord>, Error> {
        self.reach()?;
        self.kept.events(query).await
    }

    async fn pending(&self) -> Result<Vec<PendingEffect>, Error> {
        self.reach()?;
        self.kept.pending().await
    }

    async fn remembered(&self, key: &str) -> Result<Option<Remembered>, Error> {
        self.reach()?;
        self.kept.remembered(key).await
    }

    async fn verify(&self) -> Result<Chain, Error> {
        self.reach()?;
        self.kept.verify().await
    }

    async fn prune(&self, bounds: Retention, now: Timestamp) -> Result<Pruned, Error> {
        self.reach()?;
        self.kept.prune(bounds, now).await
    }
}
