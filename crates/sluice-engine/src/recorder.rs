//! Keeps what was measured: gathers samples in memory, and hands them to the history many at a time.
//!
//! Nothing waits for the history. When it cannot take samples, those are lost, and said so; releases go on.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sluice_core::Span;
use tokio::sync::{Notify, RwLock};
use tracing::{info, warn};

use crate::engine::Engine;
use crate::error::Error;
use crate::inner::{Inner, Numbers};
use crate::port::history::{HistoryQuery, Sample, add_up};
use crate::port::store;

/// A crash loses at most this much.
const FLUSH_EVERY: Span = Span::from_secs(10);
const TIDY_EVERY: Span = Span::from_secs(60);
/// With this many, samples are handed over at once: some 20 MB.
const PENDING_MANY: usize = 20_000;
/// With this many, the history has not answered for long; more are lost.
const PENDING_MAX: usize = 100_000;
/// How long the end waits for the history.
const LAST_FLUSH: Duration = Duration::from_secs(5);

/// Samples on their way to the history.
#[derive(Default)]
pub(crate) struct Recorder {
    pending: Mutex<Vec<Sample>>,
    /// There are many.
    many: Notify,
    /// Held while samples are in neither place, so that readers see each exactly once.
    handing_over: RwLock<()>,
    is_failing: AtomicBool,
}

/// Hands samples over, and keeps the history tidy.
pub(crate) async fn run(inner: &Inner) {
    let recorder = &inner.recorder;
    let mut tidy_at = inner.now().after(TIDY_EVERY);
    loop {
        let flush_at = inner.now().after(FLUSH_EVERY);
        tokio::select! {
            () = inner.parts.clock.sleep_until(flush_at) => {}
            () = recorder.many.notified() => {}
        }
        recorder.flush(inner).await;
        let now = inner.now();
        if now >= tidy_at {
            let tidied = inner.parts.history.tidy(now).await;
            recorder.judge(inner, tidied);
            tidy_at = now.after(TIDY_EVERY);
        }
    }
}

impl Recorder {
    /// Takes a sample.
    pub(crate) fn add(&self, inner: &Inner, sample: Sample) {
        let mut pending = crate::lock(&self.pending);
        match pending.len() {
            PENDING_MAX.. => Numbers::add(&inner.numbers.history_failures),
            count => {
                pending.push(sample);
                if count + 1 == PENDING_MANY {
                    self.many.notify_one();
                }
            }
        }
    }

    async fn flush(&self, inner: &Inner) {
        let _alone = self.handing_over.write().await;
        let samples = std::mem::take(&mut *crate::lock(&self.pending));
        if !samples.is_empty() {
            let recorded = inner.parts.history.record(samples).await;
            self.judge(inner, recorded);
        }
    }

    /// Hands over what is left.
    pub(crate) async fn finish(&self, inner: &Inner) {
        if tokio::time::timeout(LAST_FLUSH, self.flush(inner)).await.is_err() {
            warn!("The history did not answer; what was measured last is lost");
        }
    }

    /// Says once that the history fails, and once that it is well again.
    fn judge(&self, inner: &Inner, result: Result<(), store::Error>) {
        match result {
            Ok(()) => {
                if self.is_failing.swap(false, Ordering::Relaxed) {
                    info!("The history is kept again");
                }
            }
            Err(error) => {
                Numbers::add(&inner.numbers.history_failures);
                if !self.is_failing.swap(true, Ordering::Relaxed) {
                    warn!(%error, "The history cannot be kept; releases go on without it");
                }
            }
        }
    }

    /// What was measured, including what is still on its way.
    pub(crate) async fn read(&self, inner: &Inner, query: HistoryQuery) -> Result<Vec<Sample>, store::Error> {
        let _settled = self.handing_over.read().await;
        let mut samples = inner.parts.history.read(query.clone()).await?;
        samples.extend(crate::lock(&self.pending).iter().filter(|sample| query.takes(sample)).cloned());
        Ok(add_up(samples, query.step))
    }
}

impl Engine {
    /// What was measured of a service, oldest first, until the last full second: as fine as it is still known, and
    /// never finer than asked.
    ///
    /// # Errors
    /// When the history cannot be read.
    pub async fn history(&self, query: HistoryQuery) -> Result<Vec<Sample>, Error> {
        Ok(self.inner.recorder.read(&self.inner, query).await?)
    }
}
