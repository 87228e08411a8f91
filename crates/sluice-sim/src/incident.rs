//! Incidents as they happen to services, each released in several ways: by a policy of ours, rehearsed with the real engine and
//! core, and by fixed thresholds as other controllers have them.

mod fixed;
mod suite;
mod table;

use std::sync::Arc;

use sluice_core::document::{self, Document, Spec};
use sluice_core::release::status::PhaseName;
use sluice_core::{Name, Span, builtin};

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
    /// Fixed thresholds with a limit of failed looks.
    Fixed(Thresholds),
}

impl Way {
    /// The ways that are compared.
    pub const ALL: [Way; 3] =
        [Way::Canary, Way::Fixed(Thresholds::EveryMinute), Way::Fixed(Thresholds::EveryFiveMinutes)];
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
        Way::Canary => {
            let rehearsal = rehearse(incident, rate, seed);
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
pub fn rehearse(incident: &Incident, rate: f64, seed: u64) -> Rehearsal {
    let (policy, documents) = match incident.extra_check {
        Some(check) => {
            let name = "canary-and-more".parse().expect("it is a name");
            let documents = canary_and(&name, check);
            (name, documents)
        }
        None => (canary_name(), Vec::new()),
    };
    let spec = RehearsalSpec {
        documents,
        fault: incident.fault.clone(),
        seed,
        horizon: LOOKED_AT,
        ..RehearsalSpec::new(policy, Arc::new(incident.recording(rate)))
    };
    run(spec).unwrap_or_else(|error| panic!("{}: {error}", incident.name))
}

/// The built-in canary with one more check.
fn canary_and(name: &Name, check: &str) -> Vec<Document> {
    let text = format!(
        "kind: Metric
metadata: {{ name: orders }}
spec: {{ kind: ratio, worse: lower, source: {{ sql: {{ url: 'sqlite:/orders', query: 'select 1' }} }} }}
---
kind: Policy
metadata: {{ name: {name} }}
spec:
  steps: [ {{ name: all, audience: [ {{ percent: 100 }} ], hold: {{ time: 1m }} }} ]
  checks: [ {check} ]
"
    );
    let mut documents = document::parse_yaml(&text).unwrap_or_else(|problems| panic!("{problems}"));
    let built_in = &builtin::policies()[&canary_name()];
    for document in &mut documents {
        if let Spec::Policy(spec) = &mut document.spec {
            let mut canary = built_in.clone();
            canary.checks.append(&mut spec.checks);
            *spec = canary;
        }
    }
    documents
}

fn canary_name() -> Name {
    builtin::DEFAULT_POLICY.parse().expect("it is a name")
}
