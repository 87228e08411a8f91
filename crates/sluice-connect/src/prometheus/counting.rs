//! Counters and histograms: what came between reads.

use std::collections::BTreeMap;

use async_trait::async_trait;
use sluice_core::document::metric::{MetricKind, PrometheusSource};
use sluice_core::release::{Amount, Taken};
use sluice_core::{Span, Timestamp, VersionName};
use sluice_engine::port::source::{Ask, Source, Trouble};

use super::answer::Series;
use super::arms_of;
use super::ask::Server;
use super::samples::{classics, counters, key_of_counter, key_of_histogram, natives};
use super::selector::selector;
use super::tally::Tally;
use super::tracker::{Seen, Tracker};
use crate::exchange::Limit;
use crate::matcher::Matchers;
use crate::template::Blanks;
use crate::web::trouble;

/// How far back the first read looks for the samples where counting begins: as far as Prometheus itself does.
const FIRST_MS: i64 = 300_000;
/// How far reads overlap, for samples that arrive late.
const OVERLAP_MS: i64 = 60_000;
/// The longest stretch that is asked for at once; what came before is in the counters' differences anyway.
const LONGEST_MS: i64 = 3_600_000;
/// The past is asked for in parts, so that answers stay short.
const PART_MS: i64 = 600_000;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Form {
    Counter,
    /// A histogram of which nothing was seen yet.
    Histogram,
    Native,
    Classic,
}

/// One version's series, or all.
#[derive(Clone)]
struct Arm {
    version: Option<VersionName>,
    /// The counter, or the native histogram.
    plain: String,
    /// The classic histogram.
    buckets: String,
    tracker: Tracker,
    tally: Tally,
}

/// Reads counters and histograms.
pub(crate) struct Counting {
    server: Server,
    kind: MetricKind,
    scale: f64,
    bad: Option<Matchers>,
    /// The candidate's, and the stable version's where it is another one.
    arms: Vec<Arm>,
    now: Knowledge,
}

/// What was learned of the series so far.
#[derive(Clone)]
struct Knowledge {
    form: Form,
    /// The bounds of classic histograms, which all must share.
    bounds: Option<Vec<f64>>,
    has_begun: bool,
}

impl Counting {
    /// For a rate, or with `bad` a ratio.
    ///
    /// # Errors
    /// When the metric is of another kind, or a label makes no sense.
    pub(crate) fn counter(
        server: Server,
        ask: &Ask,
        source: &PrometheusSource,
        name: &str,
    ) -> Result<Counting, Trouble> {
        let bad = match (ask.kind, source.bad.is_empty()) {
            (MetricKind::Rate, true) => None,
            (MetricKind::Rate, false) => return Err(trouble("`bad` is for ratios; this metric is a rate")),
            (MetricKind::Ratio, false) => {
                let blanks = Blanks { service: &ask.service, version: None, stretch: None };
                Some(Matchers::new(&source.bad, &blanks)?)
            }
            (MetricKind::Ratio, true) => {
                return Err(trouble(
                    "a ratio needs `bad`: the labels of those of the counter's series that are the bad ones",
                ));
            }
            _ => {
                return Err(trouble(
                    "a `counter` gives a rate, or with `bad` a ratio; this metric is neither",
                ));
            }
        };
        Counting::new(server, ask, source, name, Form::Counter, bad)
    }

    /// For a distribution or a mean.
    ///
    /// # Errors
    /// When the metric is of another kind, or a label makes no sense.
    pub(crate) fn histogram(
        server: Server,
        ask: &Ask,
        source: &PrometheusSource,
        name: &str,
    ) -> Result<Counting, Trouble> {
        if !matches!(ask.kind, MetricKind::Distribution | MetricKind::Mean) {
            return Err(trouble("a `histogram` gives a distribution or a mean; this metric is neither"));
        }
        if !source.bad.is_empty() {
            return Err(trouble("`bad` is for ratios; this metric has a histogram"));
        }
        Counting::new(server, ask, source, name, Form::Histogram, None)
    }

    fn new(
        server: Server,
        ask: &Ask,
        source: &PrometheusSource,
        name: &str,
        form: Form,
        bad: Option<Matchers>,
    ) -> Result<Counting, Trouble> {
        let is_seconds =
            name.ends_with("_seconds") && form == Form::Histogram && ask.unit.as_deref() == Some("ms");
        let scale = source.scale.unwrap_or(if is_seconds { 1000.0 } else { 1.0 });
        if !(scale.is_finite() && scale > 0.0) {
            return Err(trouble(format!("the scale is {scale} and must be above zero")));
        }
        let mut arms = Vec::new();
        for version in arms_of(ask, source.labels.values()) {
            let blanks = Blanks { service: &ask.service, version: version.as_ref(), stretch: None };
            let matchers = Matchers::new(&source.labels, &blanks)?;
            arms.push(Arm {
                plain: selector(name, &matchers),
                buckets: selector(&format!("{name}_bucket"), &matchers),
                version,
                tracker: Tracker::default(),
                tally: Tally::default(),
            });
        }
        let now = Knowledge { form, bounds: None, has_begun: false };
        Ok(Counting { server, kind: ask.kind, scale, bad, arms, now })
    }

    /// What an arm's series counted, in a stretch before `until`.
    async fn seen(
        &self,
        arm: &Arm,
        now: &mut Knowledge,
        span_ms: i64,
        until: Timestamp,
        limit: Limit,
    ) -> Result<Vec<Seen>, Trouble> {
        let samples = |selector| self.server.samples(selector, span_ms, until, limit);
        match now.form {
            Form::Counter => counters(samples(&arm.plain).await?, self.bad.as_ref()),
            Form::Native => natives(samples(&arm.plain).await?),
            Form::Classic => classics(samples(&arm.buckets).await?, &mut now.bounds),
            Form::Histogram => {
                // Where both are kept, the native one is finer.
                let native: Vec<Series> = samples(&arm.plain).await?;
                if native.iter().any(|series| !series.histograms.is_empty()) {
                    now.form = Form::Native;
                    return natives(native);
                }
                let classic = samples(&arm.buckets).await?;
                if !classic.is_empty() {
                    now.form = Form::Classic;
                }
                classics(classic, &mut now.bounds)
            }
        }
    }

    /// Where counting begins, for every arm.
    async fn begin(&self, now: &mut Knowledge, at: Timestamp, limit: Limit) -> Result<Vec<Arm>, Trouble> {
        let mut arms = self.arms.clone();
        let mut is_empty = true;
        for arm in &mut arms {
            let seen = self.seen(arm, now, FIRST_MS, at, limit).await?;
            is_empty &= seen.is_empty();
            let selector = if now.form == Form::Classic { &arm.buckets } else { &arm.plain };
            let key_of = if now.form == Form::Counter { key_of_counter } else { key_of_histogram };
            let mut known = self.server.known(selector, key_of, at, limit).await?;
            known.retain(|key| !seen.iter().any(|series| series.key == *key));
            arm.tracker = Tracker::begin(&seen, known);
            arm.tally = Tally::default();
        }
        match arms.first() {
            Some(arm) if is_empty => Err(trouble(format!(
                "there is no series {} in the last five minutes; look at its name and labels",
                if now.form == Form::Histogram { &arm.buckets } else { &arm.plain }
            ))),
            _ => Ok(arms),
        }
    }

    async fn take(&mut self, from: Timestamp, until: Timestamp) -> Result<Taken, Trouble> {
        let limit = self.server.limit();
        let mut now = self.now.clone();
        if !now.has_begun {
            let arms = self.begin(&mut now, until, limit).await?;
            (self.arms, self.now) = (arms, Knowledge { has_begun: true, ..now });
            return Ok(Taken { until, stable: Amount::Nothing, candidate: Amount::Nothing });
        }
        let span_ms = (until.as_millis() - from.as_millis()).clamp(0, LONGEST_MS - OVERLAP_MS) + OVERLAP_MS;
        let mut arms = self.arms.clone();
        let mut amounts = Vec::new();
        for arm in &mut arms {
            let seen = self.seen(arm, &mut now, span_ms, until, limit).await?;
            let before = arm.tracker.newest().unwrap_or(from.as_millis());
            arm.fold(seen, self.scale)?;
            if let Some(age) = arm.tracker.stale(until.as_millis()) {
                return Err(arm.named(trouble(format!("its newest data are {} s old", age / 1000))));
            }
            let seconds = arm.tracker.newest().map_or(0, |newest| newest - before) as f64 / 1000.0;
            amounts.push(arm.tally.give(self.kind, seconds));
        }
        (self.arms, self.now) = (arms, now);
        let mut amounts = amounts.into_iter();
        let candidate = amounts.next().unwrap_or_default();
        Ok(Taken { until, stable: amounts.next().unwrap_or_default(), candidate })
    }

    async fn blocks(&self, from: Timestamp, until: Timestamp, block: Span) -> Result<Vec<Amount>, Trouble> {
        let mut now = self.now.clone();
        let arms = self.begin(&mut now, from, self.server.limit()).await;
        let Some(mut arm) = arms.ok().and_then(|mut arms| arms.pop()) else { return Ok(Vec::new()) };
        let (start, end) = (from.as_millis(), until.as_millis());
        let block = i64::try_from(block.as_millis()).unwrap_or(i64::MAX).max(1);
        let mut tallies: BTreeMap<i64, (Tally, i64)> = BTreeMap::new();
        let mut part = start;
        while part < end {
            let next = (part + PART_MS).min(end);
            let at = Timestamp::from_millis(next);
            let seen = self.seen(&arm, &mut now, next - part + OVERLAP_MS, at, self.server.limit()).await?;
            let mut failed = None;
            for series in &seen {
                for (at, _) in &series.points {
                    let place = tallies.entry((at - start - 1).div_euclid(block)).or_default();
                    place.1 = place.1.max(*at);
                }
            }
            arm.tracker.fold(seen, |came| {
                let place = tallies.entry((came.at - start - 1).div_euclid(block)).or_default();
                failed = failed.take().or(place.0.add(&came, self.scale).err());
            })?;
            if let Some(why) = failed {
                return Err(why);
            }
            part = next;
        }
        let mut amounts = vec![Amount::Nothing; usize::try_from((end - start) / block).unwrap_or(0)];
        let mut last = None;
        for (place, (mut tally, newest)) in tallies {
            let seconds = last.map_or(0, |last| newest - last) as f64 / 1000.0;
            last = Some(newest);
            if let Some(slot) = usize::try_from(place).ok().and_then(|place| amounts.get_mut(place)) {
                *slot = tally.give(self.kind, seconds);
            }
        }
        Ok(amounts)
    }
}

impl Arm {
    fn fold(&mut self, seen: Vec<Seen>, scale: f64) -> Result<(), Trouble> {
        let mut failed = None;
        let tally = &mut self.tally;
        let folded = self.tracker.fold(seen, |came| failed = failed.take().or(tally.add(&came, scale).err()));
        folded.and(failed.map_or(Ok(()), Err)).map_err(|why| self.named(why))
    }

    /// A trouble with whose it is.
    fn named(&self, trouble: Trouble) -> Trouble {
        match &self.version {
            Some(version) => Trouble { why: format!("of version {version}: {}", trouble.why), ..trouble },
            None => trouble,
        }
    }
}

#[async_trait]
impl Source for Counting {
    async fn read(&mut self, from: Timestamp, until: Timestamp) -> Result<Taken, Trouble> {
        self.take(from, until).await
    }

    async fn past(&mut self, from: Timestamp, until: Timestamp, block: Span) -> Result<Vec<Amount>, Trouble> {
        self.blocks(from, until, block).await
    }
}
