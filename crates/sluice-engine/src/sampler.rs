//! Notes what was counted of each service, second by second, for charts. Kept in memory, for ten minutes.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use sluice_core::{Counts, ServiceKey, Span, Timestamp, VersionName};

use crate::inner::{Inner, role};
use crate::live::{Live, Point, Role, TrafficNow, VersionNow};

/// How far back charts reach.
pub(crate) const HISTORY: Span = Span::from_secs(600);
/// Over how much of the past a rate is taken.
const RATE_OVER: Span = Span::from_secs(60);
const SAMPLE_EVERY: Span = Span::from_secs(1);

/// What was counted of one service.
#[derive(Default)]
pub(crate) struct History {
    counted: BTreeMap<VersionName, Counts>,
    pub(crate) points: BTreeMap<VersionName, VecDeque<Point>>,
}

pub(crate) async fn run(inner: &Inner) {
    loop {
        let now = inner.now();
        let services: Vec<ServiceKey> = inner.world().services().cloned().collect();
        crate::lock(&inner.history).retain(|service, _| services.binary_search(service).is_ok());
        for service in services {
            sample(inner, &service, now);
        }
        inner.parts.clock.sleep_until(now.after(SAMPLE_EVERY)).await;
    }
}

fn sample(inner: &Inner, service: &ServiceKey, now: Timestamp) {
    let counted = inner.parts.metrics.counts(service);
    let points = crate::lock(&inner.history).entry(service.clone()).or_default().add(counted, now);
    if points.is_empty() || !inner.is_watched() {
        return;
    }
    let versions = points.into_iter().map(|(version, point)| {
        let role = role_of(inner, service, &version);
        (version, VersionNow { role, point })
    });
    inner.tell(Live::Traffic(Arc::new(TrafficNow {
        service: service.name.clone(),
        environment: service.environment.clone(),
        at: now,
        versions: versions.collect(),
    })));
}

/// Requests per second of a service over the last minute in which it had any; none when it had none in ten minutes.
pub(crate) fn rate(inner: &Inner, service: &ServiceKey, now: Timestamp) -> Option<f64> {
    let history = crate::lock(&inner.history);
    let points = || history.get(service).into_iter().flat_map(|known| known.points.values().flatten());
    let last = points().map(|point| point.at).max()?;
    let first = points().map(|point| point.at).min()?;
    let minute = points().filter(|point| last.since(point.at) < RATE_OVER);
    let requests: u64 = minute.map(|point| u64::from(point.requests)).sum();
    let seconds = now.since(first).as_millis().min(RATE_OVER.as_millis()).max(1000) as f64 / 1000.0;
    Some(requests as f64 / seconds)
}

/// What a version is for visitors now.
pub(crate) fn role_of(inner: &Inner, service: &ServiceKey, version: &VersionName) -> Role {
    let world = inner.world();
    let steering = world.steering(service).map(|live| live.release.as_ref());
    role(service, version, world.live(service), steering)
}

impl History {
    /// Takes in what was counted until now; gives the points of versions that had requests.
    fn add(&mut self, counted: BTreeMap<VersionName, Counts>, now: Timestamp) -> Vec<(VersionName, Point)> {
        let mut added = Vec::new();
        for (version, counts) in &counted {
            let seen = match self.counted.get(version) {
                Some(before) if before.requests == counts.requests => continue,
                Some(before) => counts.since(before),
                // Counting may have begun long ago, so the first look only notes where it stands.
                None => continue,
            };
            let point = point(&seen, now);
            self.points.entry(version.clone()).or_default().push_back(point);
            added.push((version.clone(), point));
        }
        self.counted = counted;
        let oldest = now.as_millis() - i64::try_from(HISTORY.as_millis()).unwrap_or(i64::MAX);
        for points in self.points.values_mut() {
            while points.front().is_some_and(|point| point.at.as_millis() < oldest) {
                points.pop_front();
            }
        }
        self.points.retain(|_, points| !points.is_empty());
        added
    }
}

fn point(seen: &Counts, at: Timestamp) -> Point {
    let number = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
    let millis = |q: f64| seen.latency.quantile(q).map(|micros| micros as f32 / 1000.0);
    Point {
        at,
        requests: number(seen.requests),
        failed: number(seen.failed()),
        p50: millis(0.5),
        p95: millis(0.95),
        p99: millis(0.99),
    }
}
