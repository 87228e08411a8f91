//! Mistakes in policies that are seen before they run, one test for each.

#![expect(clippy::disallowed_methods, reason = "the examples are files")]
#![expect(clippy::unwrap_used, reason = "what fails in a test should stop it")]

#[path = "lint/calendar.rs"]
mod calendar;
#[path = "lint/clean.rs"]
mod clean;
#[path = "lint/people.rs"]
mod people;
#[path = "lint/traffic.rs"]
mod traffic;
#[path = "lint/written.rs"]
mod written;

use std::collections::BTreeMap;

use sluice_core::document::{Document, PolicySpec, Spec, parse_yaml};
use sluice_core::lint::{Finding, Surroundings, lint};
use sluice_core::{Name, Timestamp, builtin};

/// A Monday morning.
const NOW: &str = "2026-11-23T09:00:00Z";

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

fn read(text: &str) -> Vec<Document> {
    parse_yaml(text).unwrap_or_else(|problems| panic!("{problems}"))
}

/// A service that says where a visitor's group and plan are read.
const SHOP: &str = "
kind: Service
metadata: { name: shop }
spec:
  visitor: { group: { cookie: group }, plan: { header: x-plan } }
";

/// What is found in a policy among these documents.
fn findings(name: &Name, policy: &PolicySpec, around: &[Document], rate: Option<f64>) -> Vec<Finding> {
    let mut segments = builtin::segments().clone();
    let mut metrics = builtin::metrics().clone();
    let mut environments = BTreeMap::new();
    let mut services = Vec::new();
    for Document { metadata, spec } in around {
        match spec {
            Spec::Segment(spec) => drop(segments.insert(metadata.name.clone(), spec.clone())),
            Spec::Metric(spec) => drop(metrics.insert(metadata.name.clone(), spec.clone())),
            Spec::Environment(spec) => drop(environments.insert(metadata.name.clone(), spec.clone())),
            Spec::Service(spec) => services.push((&metadata.name, spec)),
            Spec::Policy(_) | Spec::Release(_) => {}
        }
    }
    let around = Surroundings {
        segments: &segments,
        metrics: &metrics,
        services,
        environments: &environments,
        rate,
        now: now(),
    };
    lint(name, policy, &around)
}

/// What is found in policy `p`, of which this is the spec, among these documents.
fn found_among(spec: &str, around: &str, rate: Option<f64>) -> String {
    let policies = read(&format!("kind: Policy\nmetadata: {{ name: p }}\nspec: {spec}"));
    let Spec::Policy(policy) = &policies[0].spec else { panic!("{policies:?}") };
    let around = read(around);
    let found = findings(&policies[0].metadata.name, policy, &around, rate);
    found.iter().map(|finding| format!("{finding} [{}]", finding.code)).collect::<Vec<_>>().join("\n")
}

/// As [`found_among`], beside a service that declares `group` and `plan`, at an unknown rate.
fn found(spec: &str) -> String {
    found_among(spec, SHOP, None)
}
