//! The handle through which everything is asked and done.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use sluice_core::Timestamp;
use sluice_core::release::{Event, Release, Transition};
use tokio::sync::broadcast;

use crate::error::Error;
use crate::inner::Inner;
use crate::live::Live;
use crate::port::store::Retention;
use crate::port::{Clock, History, Hooks, Metrics, Sources, Store, Traffic};

/// What follows from an event.
pub type Decide = fn(&Release, &Event, Timestamp) -> Transition;

/// The parts of the world that an engine works with.
#[derive(Clone)]
pub struct Parts {
    /// Where everything is kept.
    pub store: Arc<dyn Store>,
    /// How traffic is steered.
    pub traffic: Arc<dyn Traffic>,
    /// What is counted.
    pub metrics: Arc<dyn Metrics>,
    /// Metrics that others measure.
    pub sources: Arc<dyn Sources>,
    /// What was measured, kept for weeks.
    pub history: Arc<dyn History>,
    /// How other programs are asked and told.
    pub hooks: Arc<dyn Hooks>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// What follows from an event: [`sluice_core::release::step`], but for tests of what happens when it panics.
    pub decide: Decide,
}

/// What can be set.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// How much history is kept.
    pub retention: Retention,
}

impl Default for Settings {
    /// A hundred thousand events are some months of a busy team, and about 100 MB; a hundred releases of a service
    /// are what people look back at.
    fn default() -> Self {
        Settings { retention: Retention { events_max: 100_000, releases_max: 100 } }
    }
}

/// Numbers about the engine itself, since it started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Telemetry {
    /// Releases that are under way or watched.
    pub live_releases: u64,
    /// Decisions asked of the core.
    pub decisions: u64,
    /// Commits to the store.
    pub commits: u64,
    /// Commits that failed.
    pub commit_failures: u64,
    /// Times that what was measured could not be kept.
    pub history_failures: u64,
    /// Panics that were contained.
    pub panics: u64,
    /// The longest time by which an evaluation was late in the last one to two minutes, in milliseconds.
    pub lag_ms_max: u64,
}

/// A running engine. Cheap to clone; it runs until [`Engine::stop`].
#[derive(Clone)]
pub struct Engine {
    pub(crate) inner: Arc<Inner>,
}

impl Engine {
    /// Loads what is kept, puts its routing in force and lets releases go on where they stood. Must be called within
    /// a tokio runtime.
    ///
    /// # Errors
    /// When the store cannot be read or holds what cannot be understood. Then nothing runs.
    pub async fn start(parts: Parts, settings: Settings) -> Result<Engine, Error> {
        let inner = Arc::new(Inner::new(parts, settings));
        crate::load::load(&inner).await?;
        for task in [Task::Publish, Task::Wake, Task::Sample, Task::Record, Task::Keep, Task::Note] {
            tokio::spawn(task.run(Arc::clone(&inner)));
        }
        inner.publisher.put_in_force(&inner.world).await;
        crate::load::resume(&inner).await;
        tokio::spawn(Task::Start.run(Arc::clone(&inner)));
        Ok(Engine { inner })
    }

    /// Lets every release finish what it is committing, keeps what was counted, and stops. Traffic stays as it is.
    pub async fn stop(&self) {
        self.inner.stopping.send_replace(true);
        let mailboxes: Vec<_> = self.inner.world().releases().map(|live| live.mailbox.clone()).collect();
        for mailbox in mailboxes {
            mailbox.closed().await;
        }
        crate::sampler::look(&self.inner);
        self.inner.recorder.finish(&self.inner).await;
    }

    /// Whether the routing is in force and the store took the last commit.
    pub fn is_ready(&self) -> bool {
        let inner = &self.inner;
        inner.publisher.has_published()
            && inner.is_store_well.load(Ordering::Relaxed)
            && !*inner.stopping.borrow()
    }

    /// Told of everything that happens from now on. A receiver that lags misses some and should read anew.
    pub fn watch(&self) -> broadcast::Receiver<Live> {
        self.inner.live.subscribe()
    }

    /// The time, as the engine has it.
    pub fn now(&self) -> Timestamp {
        self.inner.now()
    }

    /// Numbers about the engine itself.
    pub fn telemetry(&self) -> Telemetry {
        let numbers = &self.inner.numbers;
        Telemetry {
            live_releases: self.inner.world().releases().count() as u64,
            decisions: numbers.decisions.load(Ordering::Relaxed),
            commits: numbers.commits.load(Ordering::Relaxed),
            commit_failures: numbers.commit_failures.load(Ordering::Relaxed),
            history_failures: numbers.history_failures.load(Ordering::Relaxed),
            panics: numbers.panics.load(Ordering::Relaxed),
            lag_ms_max: numbers
                .lag_ms_max
                .load(Ordering::Relaxed)
                .max(numbers.lag_ms_max_before.load(Ordering::Relaxed)),
        }
    }
}

/// What runs beside the releases.
#[derive(Clone, Copy)]
enum Task {
    /// Sends snapshots.
    Publish,
    /// Wakes releases early when something happens to their service.
    Wake,
    /// Notes what was counted, second by second.
    Sample,
    /// Keeps what was counted.
    Record,
    /// Forgets what is beyond the bounds of history.
    Keep,
    /// Keeps how releases stood.
    Note,
    /// Starts releases that start by themselves.
    Start,
}

impl Task {
    async fn run(self, inner: Arc<Inner>) {
        let work = async {
            match self {
                Task::Publish => {
                    inner.publisher.run(&inner.world, &*inner.parts.traffic, &*inner.parts.clock).await;
                }
                Task::Wake => crate::wake::run(&inner).await,
                Task::Sample => crate::sampler::run(&inner).await,
                Task::Record => crate::recorder::run(&inner).await,
                Task::Keep => crate::keep::run(&inner).await,
                Task::Note => crate::explain::run(&inner).await,
                Task::Start => crate::starter::run(&inner).await,
            }
        };
        // The publisher outlives the others: releases that are about to stop may still be setting traffic.
        match self {
            Task::Publish => work.await,
            _ => tokio::select! { () = work => {}, () = inner.stopped() => {} },
        }
    }
}

/// Everything that a server may ask can be asked from any thread.
#[cfg(test)]
mod tests {
    use super::*;

    fn is_send<T: Send>(_: &T) {}

    /// Compiles only while the futures can move between threads; never run.
    #[expect(dead_code, reason = "asks the compiler, not the machine")]
    fn every_question_is_send(
        engine: &Engine,
        key: &sluice_core::document::DocumentKey,
        caller: &crate::Caller,
    ) {
        is_send(&engine.delete(key, None, caller));
        is_send(&engine.apply(Vec::new(), crate::resource::ApplyMode::Commit, caller));
        is_send(&engine.act(&key.name, sluice_core::release::status::Verb::Pause, None, caller));
        is_send(&engine.get(key));
    }
}
