//! Reads what a release's checks ask for besides the data plane's counts of its versions: other services, paths that
//! are counted on their own, and what others measure.

mod outside;
mod past;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use sluice_core::document::service::PathPrefix;
use sluice_core::release::plan::{Check, Measure, Question, Watched};
use sluice_core::release::{Amount, Member, Reading, Taken};
use sluice_core::{Counts, ServiceKey, Timestamp, VersionName};
use tokio::task::AbortHandle;

use crate::inner::Inner;
use crate::port::source::Versions;

/// What was read since the last look.
type Slot = Arc<Mutex<Reading>>;

/// Reads for the checks of one service of a release.
#[derive(Default)]
pub(crate) struct Readers {
    /// Of which versions.
    of: Option<(ServiceKey, VersionName, VersionName)>,
    /// By the place of the check in the plan.
    readers: BTreeMap<usize, Reader>,
}

/// Reads for one check.
enum Reader {
    /// The data plane counts it.
    Counted(Counted),
    /// Others measure it; a task asks them.
    Asked(Asked),
}

/// What the data plane counts of another service, or of a path.
struct Counted {
    service: ServiceKey,
    path: Option<PathPrefix>,
    /// What was counted at the last look, and when; none before the first.
    before: Option<(Timestamp, BTreeMap<VersionName, Counts>)>,
    past: Option<Asked>,
}

/// A task that fills a slot. Ends with it.
struct Asked {
    slot: Slot,
    task: AbortHandle,
}

impl Drop for Asked {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Asked {
    /// What was read since it was last taken. Trouble stays until something is read again.
    fn take(&self) -> Reading {
        let mut slot = crate::lock(&self.slot);
        Reading {
            past: slot.past.take(),
            taken: std::mem::take(&mut slot.taken),
            trouble: slot.trouble.clone(),
        }
    }
}

impl Readers {
    /// What was read for the checks of one service since the last look. Begins to read with the first look.
    pub(crate) fn read(
        &mut self,
        inner: &Arc<Inner>,
        member: Member<'_>,
        checks: &[Check],
        started_at: Option<Timestamp>,
    ) -> BTreeMap<usize, Reading> {
        if !checks.iter().any(Check::is_read) {
            return BTreeMap::new();
        }
        let is_same = self.of.as_ref().is_some_and(|(service, from, to)| {
            service == member.service && from == member.from && to == member.to
        });
        if !is_same {
            self.of = Some((member.service.clone(), member.from.clone(), member.to.clone()));
            let began = started_at.unwrap_or_else(|| inner.now());
            let asked = checks.iter().enumerate().filter(|(_, check)| check.is_read());
            self.readers =
                asked.map(|(index, check)| (index, Reader::new(inner, member, check, began))).collect();
        }
        let now = inner.now();
        let readers = self.readers.iter_mut();
        readers
            .filter_map(|(index, reader)| {
                let check = checks.get(*index)?;
                Some((*index, reader.read(inner, member, check, now)))
            })
            .collect()
    }
}

impl Reader {
    fn new(inner: &Arc<Inner>, member: Member<'_>, check: &Check, began: Timestamp) -> Reader {
        let (service, path) = watched(member, check);
        let wants_past = matches!(check.question, Question::AgainstBefore { .. });
        if let Measure::Outside(metric) = &check.measure {
            let versions = match (&check.watched, wants_past) {
                (Watched::Other { .. }, _) | (_, true) => Versions::All,
                _ => Versions::Two { stable: member.from.clone(), candidate: member.to.clone() },
            };
            let ask = outside::ask(check.metric.clone(), metric, service, versions);
            return Reader::Asked(outside::begin(inner, ask, wants_past.then_some(began)));
        }
        let past = wants_past.then(|| past::begin(inner, &service, path.as_ref(), &check.measure, began));
        Reader::Counted(Counted { service, path, before: None, past })
    }

    fn read(&mut self, inner: &Inner, member: Member<'_>, check: &Check, now: Timestamp) -> Reading {
        match self {
            Reader::Asked(asked) => asked.take(),
            Reader::Counted(counted) => counted.read(inner, member, check, now),
        }
    }
}

impl Counted {
    fn read(&mut self, inner: &Inner, member: Member<'_>, check: &Check, now: Timestamp) -> Reading {
        let mut reading = self.past.as_ref().map(Asked::take).unwrap_or_default();
        let counted = match &self.path {
            Some(path) => inner.path_counts(&self.service, path),
            None => inner.counts(&self.service),
        };
        if counted.is_empty() {
            // Nothing is counted of it, or the data plane is away: were that taken for zero, all that was counted so
            // far would count once more afterwards.
            if self.before.is_none() {
                let what = self.path.as_ref().map_or_else(String::new, |path| format!(" of {path}"));
                reading.trouble = Some(format!("no request{what} to {} was counted yet", self.service.name));
            }
            return reading;
        }
        if let Some((at, before)) = &self.before {
            let since = |version: &VersionName| match (counted.get(version), before.get(version)) {
                (Some(now), Some(before)) => now.since(before),
                (Some(now), None) => now.clone(),
                (None, _) => Counts::default(),
            };
            let seconds = now.since(*at).as_millis() as f64 / 1000.0;
            let amount = |counts: &Counts| amount(&check.measure, counts, seconds);
            let is_split = !matches!(check.watched, Watched::Other { .. })
                && !matches!(check.question, Question::AgainstBefore { .. });
            let (stable, candidate) = if is_split {
                (amount(&since(member.from)), amount(&since(member.to)))
            } else {
                let mut all = Counts::default();
                counted.keys().for_each(|version| all.merge(&since(version)));
                (Amount::Nothing, amount(&all))
            };
            reading.taken.push(Taken { until: now, stable, candidate });
        }
        self.before = Some((now, counted));
        reading
    }
}

fn watched(member: Member<'_>, check: &Check) -> (ServiceKey, Option<PathPrefix>) {
    match &check.watched {
        Watched::Released => (member.service.clone(), None),
        Watched::Path(path) => (member.service.clone(), Some(path.clone())),
        Watched::Other { service, path } => {
            let environment = member.service.environment.clone();
            (ServiceKey { environment, name: service.clone() }, path.clone())
        }
    }
}

/// What the data plane counted, as the check asks for it.
fn amount(measure: &Measure, counts: &Counts, seconds: f64) -> Amount {
    match measure {
        Measure::Responses(bad) => Amount::Trials(bad.count(counts)),
        Measure::Latency => Amount::Values(counts.latency.clone()),
        Measure::Requests => Amount::Events { events: counts.requests, seconds },
        Measure::Ready | Measure::Outside(_) => Amount::Nothing,
    }
}
