//! Notes what was counted of each service, second by second: for charts, in memory, for ten minutes; and for the
//! history.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use sluice_core::document::service::PathPrefix;
use sluice_core::{Counts, ServiceKey, Span, Timestamp, VersionName};

use crate::inner::{Inner, role};
use crate::live::{Live, Point, Role, TrafficNow, VersionNow};
use crate::port::history::{Measured, Sample, Series, What, floor};

/// How far back charts reach.
pub(crate) const HISTORY: Span = Span::from_secs(600);
/// Over how much of the past a rate is taken.
const RATE_OVER: Span = Span::from_secs(60);
const SAMPLE_EVERY: Span = Span::from_secs(1);

/// What was counted of one service.
#[derive(Default)]
pub(crate) struct History {
    counted: Baseline,
    /// The same of paths that are counted on their own.
    paths: BTreeMap<PathPrefix, Baseline>,
    /// When it was last looked at.
    looked_at: Option<Timestamp>,
    pub(crate) points: BTreeMap<VersionName, VecDeque<Point>>,
}

/// What was counted at the last look.
type Baseline = BTreeMap<VersionName, Counts>;

pub(crate) async fn run(inner: &Inner) {
    loop {
        let now = look(inner);
        // On the second, so that each stretch is one.
        inner.parts.clock.sleep_until(floor(now, SAMPLE_EVERY).after(SAMPLE_EVERY)).await;
    }
}

/// Notes what was counted until now.
pub(crate) fn look(inner: &Inner) -> Timestamp {
    let now = inner.now();
    let services: BTreeMap<ServiceKey, Vec<PathPrefix>> = {
        let world = inner.world();
        let paths = |service| world.service(service).map(|spec| spec.count.clone()).unwrap_or_default();
        world.services().map(|service| (service.clone(), paths(service))).collect()
    };
    crate::lock(&inner.history).retain(|service, _| services.contains_key(service));
    for (service, paths) in services {
        sample(inner, &service, paths, now);
    }
    now
}

fn sample(inner: &Inner, service: &ServiceKey, paths: Vec<PathPrefix>, now: Timestamp) {
    let counted = inner.counts(service);
    let of_paths: Vec<_> = paths
        .into_iter()
        .map(|path| {
            let counted = inner.path_counts(service, &path);
            (path, counted)
        })
        .collect();
    let (points, samples) = {
        let mut known = crate::lock(&inner.history);
        let history = known.entry(service.clone()).or_default();
        let (at, span) = history.stretch(now);
        let sample = |what: &What, (version, counts): (VersionName, Counts)| Sample {
            series: Series { service: service.clone(), version: Some(version), what: what.clone() },
            at,
            span,
            measured: Measured::Counts(Box::new(counts)),
        };
        let seen = advance(&mut history.counted, counted);
        let points = history.add(&seen, now);
        let mut samples: Vec<Sample> = seen.into_iter().map(|seen| sample(&What::Traffic, seen)).collect();
        let mut before = std::mem::take(&mut history.paths);
        for (path, counted) in of_paths {
            let mut baseline = before.remove(&path).unwrap_or_default();
            let what = What::Path(path.as_str().to_owned());
            samples.extend(advance(&mut baseline, counted).into_iter().map(|seen| sample(&what, seen)));
            history.paths.insert(path, baseline);
        }
        (points, samples)
    };
    for sample in samples {
        inner.recorder.add(inner, sample);
    }
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
    /// The whole seconds since the last look.
    fn stretch(&mut self, now: Timestamp) -> (Timestamp, Span) {
        let until = floor(now, SAMPLE_EVERY);
        let second = Timestamp::from_millis(until.as_millis() - 1000);
        let from = self.looked_at.replace(now).map_or(second, |at| floor(at, SAMPLE_EVERY));
        // Two looks in one second, or a clock that was set back.
        if from >= until { (from.min(until), SAMPLE_EVERY) } else { (from, until.since(from)) }
    }

    /// Takes in what was seen since the last look; gives the points of versions that had requests.
    fn add(&mut self, seen: &[(VersionName, Counts)], now: Timestamp) -> Vec<(VersionName, Point)> {
        let mut added = Vec::new();
        for (version, seen) in seen {
            let point = point(seen, now);
            self.points.entry(version.clone()).or_default().push_back(point);
            added.push((version.clone(), point));
        }
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

/// What was counted since the last look, of versions that had requests.
fn advance(baseline: &mut Baseline, counted: Baseline) -> Vec<(VersionName, Counts)> {
    let mut before = std::mem::take(baseline);
    let mut all_seen = Vec::new();
    for (version, counts) in counted {
        let now = match before.remove(&version) {
            // What comes before its request, such as the time to its head, is seen together with it.
            Some(before) if before.requests == counts.requests => before,
            Some(before) => {
                all_seen.push((version.clone(), counts.since(&before)));
                counts
            }
            // Counting may have begun long ago, so the first look only notes where it stands.
            None => counts,
        };
        baseline.insert(version, now);
    }
    all_seen
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
