//! A store in memory, with the same meaning as the one on disk, that can be told to fail.
//!
//! It passes the suite in [`crate::conformance::store`]. What a crash would lose is lost by [`MemoryStore::restart`],
//! so that tests can stop an engine at any commit and start another one on what is left.

mod history;
mod query;
mod table;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use serde_json::Value;
use sluice_core::document::DocumentKey;
use sluice_core::{Span, Timestamp};
use sluice_engine::port::store::{
    Chain, Commit, Committed, Error, EventQuery, EventRecord, ListQuery, Page, PendingEffect, Pruned,
    Remembered, Retention, Row, Store,
};

pub use history::MemoryHistory;
use table::Tables;

/// A [`Store`] in memory. Every commit is "on disk" at once, except checkpoints, which a crash loses.
#[derive(Debug, Default)]
pub struct MemoryStore {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    tables: Tables,
    /// The states that a crash would leave, where they differ: those before the checkpoints since the last other
    /// commit, with the resource version that they belong to.
    durable: BTreeMap<DocumentKey, (u64, Value)>,
    failures: VecDeque<Error>,
    /// How long a commit that is done takes to be answered.
    answer_takes: Span,
    crash: Option<Crash>,
    is_down: bool,
}

/// A crash that is to come.
#[derive(Clone, Copy, Debug)]
enum Crash {
    /// After this many more commits, the last of which is done but not answered.
    After(u64),
    /// Instead of the commit that comes after this many more.
    Before(u64),
}

impl MemoryStore {
    /// An empty one.
    pub fn new() -> MemoryStore {
        MemoryStore::default()
    }

    /// Answers the next `count` commits with `error`, and does nothing of them.
    pub fn fail_next(&self, count: usize, error: &Error) {
        let mut inner = self.lock();
        inner.failures.extend(std::iter::repeat_n(error, count).cloned());
    }

    /// Lets every commit take so long to be answered once it is done.
    pub fn answer_takes(&self, span: Span) {
        self.lock().answer_takes = span;
    }

    /// Crashes once `commits` more commits are done: the last of them is kept, but its answer is lost. From then on
    /// everything is answered with [`Error::Unavailable`] until [`MemoryStore::restart`]. With zero it crashes now.
    pub fn crash_after(&self, commits: u64) {
        let mut inner = self.lock();
        match commits {
            0 => inner.is_down = true,
            _ => inner.crash = Some(Crash::After(commits)),
        }
    }

    /// Crashes instead of the commit that comes after `commits` more: those are kept and answered, that one is not
    /// kept. From then on as after [`MemoryStore::crash_after`].
    pub fn crash_before(&self, commits: u64) {
        self.lock().crash = Some(Crash::Before(commits));
    }

    /// Whether it has crashed.
    pub fn is_down(&self) -> bool {
        self.lock().is_down
    }

    /// Comes back with what a crash leaves: all but the checkpoints since the last other commit. No failure or crash
    /// that was asked for is left.
    pub fn restart(&self) {
        let mut inner = self.lock();
        let durable = std::mem::take(&mut inner.durable);
        for (key, (version, state)) in durable {
            inner.tables.restore(&key, version, state);
        }
        inner.failures.clear();
        inner.crash = None;
        inner.is_down = false;
    }

    /// Changes what is kept behind the store's back, as a fault of the disk or an intruder would: the text of one
    /// event, without a new hash.
    ///
    /// # Panics
    /// When there is no such event.
    pub fn damage_event(&self, seq: u64, text: &str) {
        let mut inner = self.lock();
        let event = inner.tables.events.iter_mut().find(|event| event.seq == seq);
        text.clone_into(&mut event.expect("there is such an event").text);
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // A panic under the lock is a bug of a test, which fails by it.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read<T>(&self, read: impl FnOnce(&Tables) -> T) -> Result<T, Error> {
        let inner = self.lock();
        if inner.is_down { Err(crashed()) } else { Ok(read(&inner.tables)) }
    }
}

impl Inner {
    fn commit(&mut self, commit: Commit) -> Result<Committed, Error> {
        if self.is_down {
            return Err(crashed());
        }
        if let Some(error) = self.failures.pop_front() {
            return Err(error);
        }
        if let Some(Crash::Before(0)) = self.crash {
            self.is_down = true;
            return Err(crashed());
        }
        if commit.is_checkpoints_only() {
            for write in &commit.writes {
                if let Some(kept) = self.tables.documents.get(&write.key) {
                    let before = || (kept.row.resource_version, kept.row.state.clone());
                    self.durable.entry(write.key.clone()).or_insert_with(before);
                }
            }
        }
        let lasts = !commit.is_checkpoints_only();
        let committed = self.tables.commit(commit)?;
        if lasts {
            self.durable.clear();
        }
        self.count_down()?;
        Ok(committed)
    }

    /// Counts a commit that was done.
    fn count_down(&mut self) -> Result<(), Error> {
        match &mut self.crash {
            Some(Crash::After(left)) => {
                *left -= 1;
                if *left == 0 {
                    self.is_down = true;
                    return Err(crashed());
                }
            }
            Some(Crash::Before(left)) => *left -= 1,
            None => {}
        }
        Ok(())
    }
}

fn crashed() -> Error {
    Error::Unavailable { why: "it has crashed, as the test asked".to_owned() }
}

#[async_trait]
impl Store for MemoryStore {
    async fn commit(&self, commit: Commit) -> Result<Committed, Error> {
        let (committed, takes) = {
            let mut inner = self.lock();
            (inner.commit(commit), inner.answer_takes)
        };
        if takes > Span::ZERO {
            tokio::time::sleep(takes.as_duration()).await;
        }
        committed
    }

    async fn get(&self, key: &DocumentKey) -> Result<Option<Row>, Error> {
        self.read(|tables| tables.documents.get(key).map(|kept| kept.row.clone()))
    }

    async fn list(&self, query: ListQuery) -> Result<Page, Error> {
        self.read(|tables| query::list(tables, &query))?
    }

    async fn events(&self, query: EventQuery) -> Result<Vec<EventRecord>, Error> {
        self.read(|tables| query::events(tables, &query))
    }

    async fn pending(&self) -> Result<Vec<PendingEffect>, Error> {
        self.read(|tables| tables.effects.values().cloned().collect())
    }

    async fn remembered(&self, key: &str) -> Result<Option<Remembered>, Error> {
        self.read(|tables| tables.remembered.get(key).map(|(_, remembered)| remembered.clone()))
    }

    async fn verify(&self) -> Result<Chain, Error> {
        self.read(Tables::verify)
    }

    async fn prune(&self, bounds: Retention, now: Timestamp) -> Result<Pruned, Error> {
        let mut inner = self.lock();
        if inner.is_down {
            return Err(crashed());
        }
        inner.durable.clear();
        Ok(inner.tables.prune(bounds, now))
    }
}
