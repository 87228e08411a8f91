//! What a worker counts of one version.
//!
//! Every worker counts into cells of its own, so the request path never waits for another core. A reader adds up
//! the cells of all workers; it may see a request that is half counted, never one that is counted twice.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};

use sluice_core::Counts;
use sluice_core::stats::Histogram;

use crate::exemplars::{Exemplar, Exemplars};
use crate::failed::FailedVisitors;
use crate::proxy::now;

/// Buckets of the histogram that are allocated together: one doubling of the latency. A version's latencies span
/// few doublings, so of 832 buckets about 200 exist.
const BUCKETS_PER_PART: usize = 32;
const PARTS: usize = Histogram::BUCKETS.div_ceil(BUCKETS_PER_PART);

/// What became of the copies of requests that a version should have been sent, since it first appeared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Copies {
    /// Copies that were sent. How they ended is in the version's [`Counts`], like every request.
    pub sent: u64,
    /// Copies that were left out because the request's body is longer than 64 KiB.
    pub too_large: u64,
    /// Copies that were left out because as many were in flight as a worker may have, 128.
    pub too_many: u64,
}

/// The counters of one version, or of one path of it: one set to a worker. Sets exist only where requests came.
#[derive(Debug)]
pub(crate) struct VersionCounters {
    workers: Box<[OnceLock<Arc<Counters>>]>,
    failed_visitors: Arc<FailedVisitors>,
}

/// The counters of one version on one worker. Only that worker writes them.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    /// Those of all workers together: a visitor's connections may be on several.
    failed_visitors: Arc<FailedVisitors>,
    new_visitors: AtomicU64,
    started: AtomicU64,
    left: AtomicU64,
    responses: [AtomicU64; 5],
    resets: AtomicU64,
    cancelled: AtomicU64,
    latency: Latency,
    /// The sum of what is in `latency`.
    latency_micros: AtomicU64,
    copies_sent: AtomicU64,
    copies_too_large: AtomicU64,
    copies_too_many: AtomicU64,
    /// Exist where a request was part of a trace that somebody keeps.
    exemplars: OnceLock<Box<Exemplars>>,
    /// When the latest failure was told, in milliseconds since the gateway started, plus one; zero when none was.
    failure_told: AtomicU64,
}

#[derive(Debug)]
struct Latency {
    parts: [OnceLock<Box<[AtomicU64; BUCKETS_PER_PART]>>; PARTS],
}

impl Default for Latency {
    fn default() -> Self {
        Latency { parts: [const { OnceLock::new() }; PARTS] }
    }
}

/// Adds one.
fn bump(cell: &AtomicU64) {
    add(cell, 1);
}

/// A plain load and store, because there is one writer.
fn add(cell: &AtomicU64, more: u64) {
    cell.store(cell.load(Relaxed).wrapping_add(more), Relaxed);
}

impl VersionCounters {
    pub(crate) fn new(workers: usize) -> VersionCounters {
        let workers = (0..workers).map(|_| OnceLock::new()).collect();
        VersionCounters { workers, failed_visitors: Arc::default() }
    }

    /// The counters of a worker.
    pub(crate) fn of_worker(&self, worker: usize) -> &Arc<Counters> {
        let failed_visitors = || Arc::clone(&self.failed_visitors);
        self.workers[worker]
            .get_or_init(|| Arc::new(Counters { failed_visitors: failed_visitors(), ..Counters::default() }))
    }

    /// All workers' counts together.
    pub(crate) fn sum(&self) -> Counts {
        let mut sum = Counts { failed_visitors: self.failed_visitors.count(), ..Counts::default() };
        for counters in self.workers.iter().filter_map(OnceLock::get) {
            sum.merge(&counters.read());
        }
        sum
    }

    /// All workers' copies together.
    pub(crate) fn copies(&self) -> Copies {
        let mut sum = Copies::default();
        for counters in self.workers.iter().filter_map(OnceLock::get) {
            sum.sent += counters.copies_sent.load(Relaxed);
            sum.too_large += counters.copies_too_large.load(Relaxed);
            sum.too_many += counters.copies_too_many.load(Relaxed);
        }
        sum
    }

    /// The sum of all workers' latencies, in microseconds.
    pub(crate) fn latency_micros(&self) -> u64 {
        let counters = self.workers.iter().filter_map(OnceLock::get);
        counters.map(|counters| counters.latency_micros.load(Relaxed)).fold(0, u64::wrapping_add)
    }

    /// Requests that stand for others, of all workers.
    pub(crate) fn exemplars(&self) -> Vec<Exemplar> {
        let counters = self.workers.iter().filter_map(OnceLock::get);
        counters.filter_map(|counters| counters.exemplars.get()).flat_map(|kept| kept.read()).collect()
    }

    /// How many requests are in flight on all workers.
    pub(crate) fn in_flight(&self) -> u64 {
        self.workers.iter().filter_map(OnceLock::get).map(|counters| counters.in_flight()).sum()
    }
}

impl Counters {
    /// A request was given to the version.
    pub(crate) fn start(&self) {
        bump(&self.started);
    }

    /// A request left the version: nothing of it is in flight any more.
    pub(crate) fn leave(&self) {
        bump(&self.left);
    }

    /// A request got a response, of class `status / 100`.
    pub(crate) fn respond(&self, status: u16) {
        let class = usize::from(status / 100).clamp(1, 5);
        bump(&self.responses[class - 1]);
    }

    /// The endpoint broke a response off after its head.
    pub(crate) fn reset(&self) {
        bump(&self.resets);
    }

    /// The visitor went away.
    pub(crate) fn cancel(&self) {
        bump(&self.cancelled);
    }

    /// A request of this visitor failed. Of a visitor without a unit, each is counted.
    pub(crate) fn fail_visitor(&self, unit: Option<&str>, now_ms: u64) {
        self.failed_visitors.fail(unit, now_ms);
    }

    /// A request of a visitor who was given a unit is counted.
    pub(crate) fn new_visitor(&self) {
        bump(&self.new_visitors);
    }

    /// A response's head came this long after the request's.
    pub(crate) fn record_latency(&self, micros: u64) {
        let bucket = usize::from(Histogram::bucket_of(micros));
        let part = self.latency.parts[bucket / BUCKETS_PER_PART].get_or_init(Box::default);
        bump(&part[bucket % BUCKETS_PER_PART]);
        add(&self.latency_micros, micros);
    }

    /// A request that can be looked up got its response's head this long after its own. `tick` is the number of sweeps.
    pub(crate) fn offer_exemplar(&self, trace: u128, micros: u64, tick: u64) {
        self.exemplars.get_or_init(Box::default).offer(trace, micros, tick, now);
    }

    /// A copy of a request was sent to the version.
    pub(crate) fn copy_sent(&self) {
        bump(&self.copies_sent);
    }

    /// A copy was left out for the length of its body.
    pub(crate) fn copy_too_large(&self) {
        bump(&self.copies_too_large);
    }

    /// A copy was left out because too many are in flight.
    pub(crate) fn copy_too_many(&self) {
        bump(&self.copies_too_many);
    }

    /// Whether a failure should be told: none was within `quiet_ms`.
    pub(crate) fn is_failure_news(&self, now_ms: u64, quiet_ms: u64) -> bool {
        let told = self.failure_told.load(Relaxed);
        let is_news = told == 0 || now_ms + 1 >= told + quiet_ms;
        if is_news {
            self.failure_told.store(now_ms + 1, Relaxed);
        }
        is_news
    }

    fn in_flight(&self) -> u64 {
        // `left` first: a request that comes and goes between the two reads must not make the difference negative.
        let left = self.left.load(Relaxed);
        self.started.load(Relaxed).saturating_sub(left)
    }

    fn read(&self) -> Counts {
        let responses = std::array::from_fn(|class| self.responses[class].load(Relaxed));
        let (resets, cancelled) = (self.resets.load(Relaxed), self.cancelled.load(Relaxed));
        let mut latency = Histogram::default();
        for (number, part) in self.latency.parts.iter().enumerate() {
            for (offset, cell) in part.get().into_iter().flat_map(|part| part.iter()).enumerate() {
                let bucket = u16::try_from(number * BUCKETS_PER_PART + offset).unwrap_or(u16::MAX);
                latency.add(bucket, cell.load(Relaxed));
            }
        }
        // Summed rather than counted apart, so that the parts always add up to the whole.
        let requests = responses.iter().sum::<u64>() + resets + cancelled;
        let new_visitors = self.new_visitors.load(Relaxed);
        Counts { requests, responses, resets, cancelled, failed_visitors: 0, new_visitors, latency }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workers_add_up_and_parts_add_up_to_the_whole() {
        let version = VersionCounters::new(3);
        for worker in [0, 2] {
            let counters = version.of_worker(worker);
            for status in [101, 200, 204, 302, 404, 500] {
                counters.start();
                counters.respond(status);
                counters.record_latency(u64::from(status));
                counters.leave();
            }
            counters.start();
            counters.reset();
            counters.start();
            counters.cancel();
            counters.leave();
        }
        let counts = version.sum();
        assert_eq!(counts.requests, 16);
        assert_eq!(counts.responses, [2, 4, 2, 2, 2]);
        assert_eq!((counts.resets, counts.cancelled, counts.failed()), (2, 2, 4));
        assert_eq!(counts.latency.count(), 12);
        assert_eq!(version.in_flight(), 2);
    }

    #[test]
    fn latencies_fall_into_the_buckets_of_the_histogram() {
        let version = VersionCounters::new(1);
        let mut expected = Histogram::default();
        for micros in [0, 31, 32, 999, 123_456, 1 << 29, u64::MAX] {
            version.of_worker(0).record_latency(micros);
            expected.record(micros);
        }
        assert_eq!(version.sum().latency, expected);
    }
}
