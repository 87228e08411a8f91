//! The one thread that changes anything.
//!
//! It takes all commits that wait, does them in one transaction, syncs once, and answers them all; while it syncs, the
//! next ones gather. A commit that is refused or fails undoes only itself, by its savepoint.

mod batch;
mod commit;
mod prune;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::{io, thread};

use rusqlite::Connection;
use sluice_core::Timestamp;
use sluice_engine::port::store::{Commit, Committed, Error, Pruned, Retention};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::checkpoint::Checkpoints;
use crate::failure::Place;
use batch::Database;

/// How many commits may wait; more wait in their callers. Bounds the memory that a flood takes.
const WAITING_MAX: usize = 1024;

/// How many commits share one sync at most: enough that the sync no longer counts, few enough that nobody waits long.
const BATCH_MAX: usize = 256;

/// The writing end of the store.
#[derive(Debug)]
pub(crate) struct Writer {
    jobs: Option<Sender<Job>>,
    slots: Arc<Semaphore>,
    thread: Option<JoinHandle<()>>,
}

/// What the thread is asked to do.
enum Job {
    Commit(CommitJob),
    Prune(PruneJob),
    #[cfg(test)]
    Panic(CommitJob),
}

struct CommitJob {
    commit: Commit,
    answer: oneshot::Sender<Result<Committed, Error>>,
    slot: OwnedSemaphorePermit,
}

struct PruneJob {
    bounds: Retention,
    now: Timestamp,
    answer: oneshot::Sender<Result<Pruned, Error>>,
}

impl Writer {
    /// Starts the thread. It owns the connection.
    pub(crate) fn start(
        connection: Connection,
        place: Arc<Place>,
        checkpoints: Arc<Checkpoints>,
    ) -> io::Result<Writer> {
        let (jobs, received) = channel();
        let mut database = Database::new(connection, place, checkpoints);
        let thread = thread::Builder::new()
            .name("sluice-store".to_owned())
            .spawn(move || serve(&mut database, &received))?;
        Ok(Writer { jobs: Some(jobs), slots: Arc::new(Semaphore::new(WAITING_MAX)), thread: Some(thread) })
    }

    /// Does a commit. When dropped before it waits in the queue, it does not happen; afterwards it does.
    pub(crate) async fn commit(&self, commit: Commit) -> Result<Committed, Error> {
        let slot = Arc::clone(&self.slots).acquire_owned().await.map_err(|_| stopped())?;
        let (answer, answered) = oneshot::channel();
        self.send(Job::Commit(CommitJob { commit, answer, slot }))?;
        answered.await.map_err(|_| stopped())?
    }

    /// Prunes bit by bit, so that commits get their turn in between.
    pub(crate) async fn prune(&self, bounds: Retention, now: Timestamp) -> Result<Pruned, Error> {
        let mut total = Pruned::default();
        loop {
            let (answer, answered) = oneshot::channel();
            self.send(Job::Prune(PruneJob { bounds, now, answer }))?;
            let pruned = answered.await.map_err(|_| stopped())??;
            if pruned == Pruned::default() {
                return Ok(total);
            }
            total.events += pruned.events;
            total.releases += pruned.releases;
        }
    }

    fn send(&self, job: Job) -> Result<(), Error> {
        self.jobs.as_ref().ok_or_else(stopped)?.send(job).map_err(|_| stopped())
    }
}

/// The thread has dropped the question without an answer: it panicked over it.
fn stopped() -> Error {
    Error::Unavailable { why: "it stopped in the middle of this; read before you try again".to_owned() }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("The thread that writes to the store ended by a panic");
        }
    }
}

fn serve(database: &mut Database, jobs: &Receiver<Job>) {
    loop {
        let first = match database.flush_in() {
            None => jobs.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(wait) => jobs.recv_timeout(wait),
        };
        // A panic is a bug. It must cost the commits that it struck, not the store: whoever waits for them hears
        // that they are gone when they are dropped here.
        let done = match first {
            Ok(job) => catch_unwind(AssertUnwindSafe(|| work(database, job, jobs))),
            Err(RecvTimeoutError::Timeout) => catch_unwind(AssertUnwindSafe(|| database.flush())),
            Err(RecvTimeoutError::Disconnected) => break,
        };
        if done.is_err() {
            tracing::error!("A bug struck while the store was written; those who waited were told so");
        }
    }
    database.close();
}

/// Does a job, and all commits that wait behind it.
fn work(database: &mut Database, first: Job, jobs: &Receiver<Job>) {
    let mut next = Some(first);
    while let Some(job) = next.take() {
        match job {
            Job::Commit(first) => {
                let mut batch = vec![first];
                while batch.len() < BATCH_MAX && next.is_none() {
                    match jobs.try_recv() {
                        Ok(Job::Commit(job)) => batch.push(job),
                        Ok(other) => next = Some(other),
                        Err(_) => break,
                    }
                }
                commit(database, batch);
            }
            // Who asked may be gone; that is no failure here.
            Job::Prune(PruneJob { bounds, now, answer }) => drop(answer.send(database.prune(bounds, now))),
            #[cfg(test)]
            Job::Panic(_struck) => panic!("as the test asked"),
        }
    }
}

fn commit(database: &mut Database, batch: Vec<CommitJob>) {
    let (commits, askers): (Vec<_>, Vec<_>) =
        batch.into_iter().map(|job| (job.commit, (job.answer, job.slot))).unzip();
    let results = database.commit(commits);
    for ((answer, slot), result) in askers.into_iter().zip(results) {
        drop(slot);
        // Who asked may be gone; what was done is done.
        drop(answer.send(result));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;
    use sluice_core::document::{DocumentKey, Kind};
    use sluice_engine::port::store::{Change, Expect, Write};

    use super::*;
    use crate::{Options, schema};

    fn started(folder: &std::path::Path) -> Writer {
        let place = Arc::new(Place::of(folder));
        let connection = schema::open(&place, Options::default()).unwrap();
        Writer::start(connection, place, Arc::default()).unwrap()
    }

    fn put(expect: Expect) -> Commit {
        let key = DocumentKey { kind: Kind::Policy, environment: None, name: "careful".parse().unwrap() };
        let change = Change::Put { document: Value::Null, state: Value::Null, is_finished: false };
        Commit { writes: vec![Write { key, expect, change }], ..Commit::default() }
    }

    #[tokio::test]
    async fn a_panic_is_told_to_those_it_struck_and_the_store_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let writer = started(folder.path());
        writer.commit(put(Expect::Absent)).await.unwrap();

        let (answer, answered) = oneshot::channel();
        let slot = Arc::clone(&writer.slots).acquire_owned().await.unwrap();
        writer.send(Job::Panic(CommitJob { commit: put(Expect::Any), answer, slot })).unwrap();
        assert!(answered.await.is_err(), "whoever waited hears that there is no answer");

        let committed = writer.commit(put(Expect::Version(1))).await.unwrap();
        assert_eq!(committed.versions, [2]);
        assert_eq!(writer.slots.available_permits(), WAITING_MAX);
    }

    #[tokio::test]
    async fn a_commit_that_nobody_waits_for_any_more_is_done() {
        let folder = tempfile::tempdir().unwrap();
        let writer = started(folder.path());
        let (answer, answered) = oneshot::channel();
        let slot = Arc::clone(&writer.slots).acquire_owned().await.unwrap();
        drop(answered);
        writer.send(Job::Commit(CommitJob { commit: put(Expect::Absent), answer, slot })).unwrap();
        writer.commit(put(Expect::Version(1))).await.unwrap();
    }
}
