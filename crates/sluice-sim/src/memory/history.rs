//! A history in memory, with the same meaning as the one on disk.

use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use sluice_core::{Name, Span, Timestamp};
use sluice_engine::port::History;
use sluice_engine::port::history::{
    HistoryQuery, KEPT, MINUTE, MINUTES_KEPT, Note, SECONDS_KEPT, Sample, TEN_MINUTES, add_up, floor,
};
use sluice_engine::port::store::Error;

/// A [`History`] in memory. Without a bound of size.
#[derive(Debug, Default)]
pub struct MemoryHistory {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    samples: Vec<Sample>,
    notes: Vec<Note>,
    failure: Option<Error>,
    records: u64,
}

impl MemoryHistory {
    /// An empty one.
    pub fn new() -> MemoryHistory {
        MemoryHistory::default()
    }

    /// Answers everything with `error` from now on, and does nothing; none: works again.
    pub fn fail(&self, error: Option<Error>) {
        self.lock().failure = error;
    }

    /// How often something was recorded.
    pub fn records(&self) -> u64 {
        self.lock().records
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // A panic under the lock is a bug of a test, which fails by it.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn working(&self) -> Result<MutexGuard<'_, Inner>, Error> {
        let inner = self.lock();
        match &inner.failure {
            Some(error) => Err(error.clone()),
            None => Ok(inner),
        }
    }
}

#[async_trait]
impl History for MemoryHistory {
    async fn record(&self, samples: Vec<Sample>) -> Result<(), Error> {
        let mut inner = self.working()?;
        inner.records += 1;
        inner.samples.extend(samples);
        Ok(())
    }

    async fn read(&self, query: HistoryQuery) -> Result<Vec<Sample>, Error> {
        let inner = self.working()?;
        Ok(add_up(inner.samples.iter().filter(|sample| query.takes(sample)).cloned(), query.step))
    }

    async fn note(&self, note: Note) -> Result<(), Error> {
        self.working()?.notes.push(note);
        Ok(())
    }

    async fn noted(&self, release: &Name, at: Timestamp) -> Result<Option<Note>, Error> {
        let inner = self.working()?;
        let earlier = inner.notes.iter().filter(|note| note.release == *release && note.at <= at);
        Ok(earlier.max_by_key(|note| note.at).cloned())
    }

    async fn tidy(&self, now: Timestamp) -> Result<(), Error> {
        let mut inner = self.working()?;
        let border = |span: Span| {
            let millis = i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
            floor(Timestamp::from_millis(now.as_millis() - millis), TEN_MINUTES)
        };
        for (span, step) in [(SECONDS_KEPT, MINUTE), (MINUTES_KEPT, TEN_MINUTES)] {
            let samples = std::mem::take(&mut inner.samples);
            let (old, young): (Vec<_>, _) = samples.into_iter().partition(|sample| sample.at < border(span));
            inner.samples = add_up(old, step);
            inner.samples.extend(young);
        }
        inner.samples.retain(|sample| sample.at >= border(KEPT));
        inner.notes.retain(|note| note.at >= border(KEPT));
        Ok(())
    }
}
