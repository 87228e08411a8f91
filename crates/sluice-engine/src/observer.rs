//! Turns what data planes have counted so far into what happened since the last look.

use sluice_core::release::{Observation, Release};
use sluice_core::{Counts, VersionName};

use crate::inner::Inner;
use crate::port::traffic::Endpoints;

/// Remembers what was counted at the last look.
pub(crate) struct Observer {
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

impl Observer {
    pub(crate) fn new() -> Observer {
        Observer { stable: Baseline::default(), candidate: Baseline::default() }
    }

    /// What happened since the last look. The first look only notes where counting stands.
    pub(crate) fn observe(&mut self, inner: &Inner, release: &Release) -> Observation {
        let mut counted = inner.parts.metrics.counts(&release.service);
        let mut take = |version: &VersionName| counted.remove(version).unwrap_or_default();
        let (stable, candidate) = (take(&release.from), take(&release.to));
        let readiness = inner.parts.traffic.readiness();
        let readiness = readiness.borrow();
        let known = readiness.get(&release.service);
        let endpoints = |version: &VersionName| -> Endpoints {
            known.and_then(|known| known.get(version)).copied().unwrap_or_default()
        };
        Observation {
            stable: self.stable.advance(&release.from, stable),
            candidate: self.candidate.advance(&release.to, candidate),
            stable_endpoints: endpoints(&release.from),
            candidate_endpoints: endpoints(&release.to),
        }
    }
}
