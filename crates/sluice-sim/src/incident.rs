//! Incidents as they happen to services, each released in several ways: by a policy of ours, rehearsed with the real engine and
//! core, and by fixed thresholds as other controllers have them.

mod fixed;
mod suite;
mod table;

use std::sync::Arc;

use sluice_core::document::{self, Document};
use sluice_core::release::status::PhaseName;
use sluice_core::{Name, Span};

pub use fixed::Thresholds;
pub use suite::{Incident, suite};
pub use table::{Row, page, play};

use crate::rehearsal::{Rehearsal, RehearsalSpec, run};

/// How long each release is looked at from its start: as long as the built-in canary and the hour after it take. Whatever
/// a version does until then counts, also after it was promoted.
pub const LOOKED_AT: Span = Span::from_secs(105 * 60);

/// A way to release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// The built-in policy `canary`.
    Canary,
    /// The same, with failures compared once a minute for each visitor, and with a guard on failures that looks at five
    /// minutes and 500 requests instead of one minute and 50.
    CalmCanary,
    /// Fixed thresholds with a limit of failed looks.
    Fixed(Thresholds),
}

impl Way {
    /// The ways that are compared.
    pub const ALL: [Way; 4] = [
        Way::Canary,
        Way::CalmCanary,
        Way::Fixed(Thresholds::EveryMinute),
        Way::Fixed(Thresholds::EveryFiveMinutes),
    ];
}

/// What came of a release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ending {
    /// Whether everyone was taken back.
    pub is_back: bool,
    /// Whether it stopped and waits for somebody.
    pub is_paused: bool,
    /// How long after the first moment that could hurt anybody everyone was back.
    pub return_took: Option<Span>,
    /// Requests of visitors that failed or took longer because of the version.
    pub harmed: u64,
}

/// Releases a version once.
///
/// # Panics
/// When the policy cannot be rehearsed: policies and incidents are given here.
pub fn release(incident: &Incident, rate: f64, way: Way, seed: u64) -> Ending {
    match way {
        Way::Fixed(thresholds) => {
            let recording = Arc::new(incident.recording(rate));
            fixed::release(&recording, incident.fault.clone(), thresholds, seed)
        }
        Way::Canary | Way::CalmCanary => {
            let rehearsal = rehearse(incident, rate, way == Way::CalmCanary, seed);
            let fault = rehearsal.fault.as_ref();
            Ending {
                is_back: rehearsal.phase == PhaseName::RolledBack,
                is_paused: rehearsal.phase == PhaseName::Paused,
                return_took: fault.and_then(|fault| fault.return_took),
                harmed: fault.map_or(0, |fault| fault.failed + fault.slowed),
            }
        }
    }
}

/// Rehearses a version once under the canary.
///
/// # Panics
/// As [`release`].
pub fn rehearse(incident: &Incident, rate: f64, is_calm: bool, seed: u64) -> Rehearsal {
    let is_own = is_calm || incident.extra_check.is_some();
    let policy: Name = if is_own { "calm-canary" } else { "canary" }.parse().expect("it is a name");
    let spec = RehearsalSpec {
        documents: documents(is_calm, incident.extra_check),
        fault: incident.fault.clone(),
        seed,
        horizon: LOOKED_AT,
        ..RehearsalSpec::new(policy, Arc::new(incident.recording(rate)))
    };
    run(spec).unwrap_or_else(|error| panic!("{}: {error}", incident.name))
}

/// The built-in canary, as it is or calmer, and with one more check.
fn documents(is_calm: bool, extra: Option<&str>) -> Vec<Document> {
    let unit = if is_calm { "user" } else { "request" };
    let guard = if is_calm { "window: 5m, sample: 500" } else { "window: 1m, sample: 50" };
    let extra = extra.map_or_else(String::new, |check| format!("    - {check}\n"));
    let text = format!(
        "kind: Metric
metadata: {{ name: orders }}
spec: {{ kind: ratio, worse: lower, source: {{ sql: {{ url: 'sqlite:/orders', query: 'select 1' }} }} }}
---
kind: Policy
metadata: {{ name: calm-canary }}
spec:
  steps:
    - {{ name: first, audience: [ {{ percent: 1 }} ], hold: {{ time: 5m, requests: 100 }} }}
    - {{ name: few, audience: [ {{ percent: 5 }} ], hold: {{ time: 10m, requests: 500 }} }}
    - {{ name: quarter, audience: [ {{ percent: 25 }} ], hold: {{ time: 10m, requests: 1000 }} }}
    - {{ name: half, audience: [ {{ percent: 50 }} ], hold: {{ time: 10m, requests: 1000 }} }}
    - {{ name: all, audience: [ {{ percent: 100 }} ], hold: {{ time: 10m }} }}
  checks:
    - {{ metric: http.errors, unit: {unit}, compare: stable, tolerate: 0.5pp, confidence: 99% }}
    - {{ metric: http.latency, quantile: 0.95, compare: stable, tolerate: 20%, confidence: 99% }}
    - {{ metric: http.errors, max: 5%, {guard} }}
    - {{ metric: http.latency, quantile: 0.99, max: 10s }}
{extra}  onFail: rollback
  onInconclusive: {{ wait: 1h, then: pause }}
  keepPrevious: 1h
"
    );
    document::parse_yaml(&text).unwrap_or_else(|problems| panic!("{problems}"))
}
