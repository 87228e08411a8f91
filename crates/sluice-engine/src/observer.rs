//! Turns what data planes have counted so far into what happened since the last look, and adds what stands beside it.

use std::collections::BTreeMap;
use std::sync::Arc;

use sluice_core::release::plan::{Gate, Work};
use sluice_core::release::{Member, Observation, Phase, Release, Seen};
use sluice_core::{Counts, Name, ServiceKey, VersionName};

use crate::inner::Inner;
use crate::port::traffic::{Endpoints, Readiness};
use crate::reader::Readers;

/// Remembers what was counted at the last look.
pub(crate) struct Observer {
    /// Of each service of the release, in their order.
    members: Vec<Pair>,
    /// What is read besides, of each.
    readers: Vec<Readers>,
}

/// Both versions of a service.
#[derive(Default)]
struct Pair {
    stable: Baseline,
    candidate: Baseline,
}

/// What was counted of one version at the last look; none before the first, which therefore sees nothing.
#[derive(Default)]
struct Baseline {
    version: Option<VersionName>,
    counts: Option<Counts>,
}

impl Baseline {
    fn advance(&mut self, version: &VersionName, counts: Counts) -> Counts {
        if self.version.as_ref() != Some(version) {
            *self = Baseline { version: Some(version.clone()), counts: None };
        }
        let seen = self.counts.as_ref().map(|before| counts.since(before)).unwrap_or_default();
        self.counts = Some(counts);
        seen
    }
}

impl Pair {
    fn observe(&mut self, inner: &Inner, member: Member<'_>, readiness: &Readiness) -> Seen {
        let mut counted = inner.counts(member.service);
        // Without any count nothing can be read: were that taken for zero, all would count once more afterwards.
        let is_away = counted.is_empty();
        let mut advance = |baseline: &mut Baseline, version: &VersionName| match is_away {
            true => Counts::default(),
            false => baseline.advance(version, counted.remove(version).unwrap_or_default()),
        };
        let stable = advance(&mut self.stable, member.from);
        let candidate = advance(&mut self.candidate, member.to);
        let known = readiness.get(member.service);
        let endpoints = |version: &VersionName| -> Endpoints {
            known.and_then(|known| known.get(version)).copied().unwrap_or_default()
        };
        Seen {
            stable,
            candidate,
            stable_endpoints: endpoints(member.from),
            candidate_endpoints: endpoints(member.to),
            readings: BTreeMap::new(),
        }
    }
}

impl Observer {
    pub(crate) fn new() -> Observer {
        Observer { members: Vec::new(), readers: Vec::new() }
    }

    /// What happened since the last look. The first look only notes where counting stands.
    pub(crate) fn observe(&mut self, inner: &Arc<Inner>, release: &Release) -> Observation {
        self.members.resize_with(release.companions.len() + 1, Pair::default);
        let (calendar, live) = {
            let now = inner.now();
            let mut world = inner.world();
            let calendar = world.openness(&release.service.environment, now);
            let live = awaited(release).and_then(|service| {
                let environment = release.service.environment.clone();
                let live = world.live(&ServiceKey { environment, name: service.clone() })?;
                Some((service.clone(), live.clone()))
            });
            (calendar, live)
        };
        let readiness = inner.parts.traffic.readiness();
        let readiness = readiness.borrow().clone();
        let pairs = self.members.iter_mut().zip(release.members());
        let mut seen: Vec<Seen> =
            pairs.map(|(pair, member)| pair.observe(inner, member, &readiness)).collect();
        drop(readiness);
        self.readers.resize_with(release.companions.len() + 1, Readers::default);
        for ((readers, seen), member) in self.readers.iter_mut().zip(&mut seen).zip(release.members()) {
            seen.readings = readers.read(inner, member, &release.plan.checks, release.started_at);
        }
        let own = seen.pop().unwrap_or_default();
        Observation {
            stable: own.stable,
            candidate: own.candidate,
            stable_endpoints: own.stable_endpoints,
            candidate_endpoints: own.candidate_endpoints,
            readings: own.readings,
            companions: seen,
            calendar,
            live: BTreeMap::from_iter(live),
        }
    }
}

/// The service whose version a release waits for.
fn awaited(release: &Release) -> Option<&Name> {
    let Phase::AtGate { stand, .. } = &release.phase else { return None };
    match &release.plan.steps.get(stand.step)?.work {
        Work::Gate(Gate::Version(gate)) => Some(&gate.service),
        _ => None,
    }
}
