//! Answering questions, beside the writer.
//!
//! Each question is one statement or one read transaction on a connection of its own, on a thread that may block.
//! In WAL mode it sees everything that was committed before it began, and holds up nobody.

mod query;
mod verify;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;
use sluice_core::document::DocumentKey;
use sluice_engine::port::store::{
    Chain, Error, EventQuery, EventRecord, ListQuery, Page, PendingEffect, Remembered, Row,
};
use tokio::sync::Semaphore;

use crate::checkpoint::{Checkpoints, Noted};
use crate::failure::{Failure, Place};
use crate::schema;

/// How many questions are answered at once; more wait. Each takes a connection with a cache.
const READERS_MAX: usize = 4;

/// The reading end of the store.
#[derive(Debug)]
pub(crate) struct Readers {
    place: Arc<Place>,
    checkpoints: Arc<Checkpoints>,
    idle: Mutex<Vec<Connection>>,
    permits: Arc<Semaphore>,
}

impl Readers {
    /// No connection is opened before it is needed.
    pub(crate) fn new(place: Arc<Place>, checkpoints: Arc<Checkpoints>) -> Readers {
        Readers {
            place,
            checkpoints,
            idle: Mutex::new(Vec::new()),
            permits: Arc::new(Semaphore::new(READERS_MAX)),
        }
    }

    pub(crate) async fn get(self: &Arc<Self>, key: DocumentKey) -> Result<Option<Row>, Error> {
        self.read(move |connection, noted| query::get(connection, noted, &key)).await
    }

    pub(crate) async fn list(self: &Arc<Self>, query: ListQuery) -> Result<Page, Error> {
        self.read(move |connection, noted| query::list(connection, noted, &query)).await
    }

    pub(crate) async fn events(self: &Arc<Self>, query: EventQuery) -> Result<Vec<EventRecord>, Error> {
        self.read(move |connection, _| query::events(connection, &query)).await
    }

    pub(crate) async fn pending(self: &Arc<Self>) -> Result<Vec<PendingEffect>, Error> {
        self.read(|connection, _| query::pending(connection)).await
    }

    pub(crate) async fn remembered(self: &Arc<Self>, key: String) -> Result<Option<Remembered>, Error> {
        self.read(move |connection, _| query::remembered(connection, &key)).await
    }

    pub(crate) async fn verify(self: &Arc<Self>) -> Result<Chain, Error> {
        self.read(|connection, _| verify::chain(connection)).await
    }

    /// Asks one question. When dropped, it is still answered, to nobody.
    async fn read<T: Send + 'static>(
        self: &Arc<Self>,
        question: impl FnOnce(&mut Connection, &Noted) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Error> {
        let closed = |_| Error::Unavailable { why: "it is closing".to_owned() };
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(closed)?;
        let readers = Arc::clone(self);
        let answer = tokio::task::spawn_blocking(move || {
            let answer = readers.answer(question);
            drop(permit);
            answer
        });
        // It is not cancelled, so that it can only have panicked; its connection is dropped with it.
        answer
            .await
            .map_err(|error| Error::Unavailable { why: format!("a bug struck while reading: {error}") })?
    }

    fn answer<T>(
        &self,
        question: impl FnOnce(&mut Connection, &Noted) -> Result<T, Failure>,
    ) -> Result<T, Error> {
        let idle = self.idle().pop();
        let run = || {
            let mut connection = match idle {
                Some(connection) => connection,
                None => schema::open_reader(&self.place)?,
            };
            // Before the database is read: what is written in between is then seen in one place or the other.
            let noted = self.checkpoints.noted();
            let answer = question(&mut connection, &noted)?;
            // One that has failed is not kept.
            self.idle().push(connection);
            Ok(answer)
        };
        run().map_err(|failure| self.place.explain(failure))
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        // Every change under the lock is a single push or pop.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
