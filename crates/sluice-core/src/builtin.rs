//! Policies, metrics and segments that exist without any file.
//!
//! They are documents like anybody's, read by the same decoder, and so examples of the format too.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use crate::Name;
use crate::document::{self, Document, MetricSpec, PolicySpec, SegmentSpec, Spec};

/// The policy that a release follows when nobody says which.
pub const DEFAULT_POLICY: &str = "canary";

const POLICIES: [&str; 9] = [
    include_str!("builtin/canary.yaml"),
    include_str!("builtin/ramp.yaml"),
    include_str!("builtin/risk-budget.yaml"),
    include_str!("builtin/blue-green.yaml"),
    include_str!("builtin/segments-first.yaml"),
    include_str!("builtin/shadow-first.yaml"),
    include_str!("builtin/ab.yaml"),
    include_str!("builtin/hotfix.yaml"),
    include_str!("builtin/validate-only.yaml"),
];

const METRICS: &str = include_str!("builtin/metrics.yaml");
const SEGMENTS: &str = include_str!("builtin/segments.yaml");

/// The built-in policies, by name: `canary`, `ramp`, `risk-budget`, `blue-green`, `segments-first`, `shadow-first`, `ab`,
/// `hotfix`, `validate-only`.
pub fn policies() -> &'static BTreeMap<Name, PolicySpec> {
    static POLICIES_BY_NAME: LazyLock<BTreeMap<Name, PolicySpec>> = LazyLock::new(|| {
        POLICIES
            .iter()
            .flat_map(|text| read(text))
            .filter_map(|document| match document.spec {
                Spec::Policy(policy) => Some((document.metadata.name, policy)),
                _ => None,
            })
            .collect()
    });
    &POLICIES_BY_NAME
}

/// The built-in metrics, by name: `http.requests`, `http.errors`, `http.latency`, `health.ready`.
pub fn metrics() -> &'static BTreeMap<Name, MetricSpec> {
    static METRICS_BY_NAME: LazyLock<BTreeMap<Name, MetricSpec>> = LazyLock::new(|| {
        read(METRICS)
            .into_iter()
            .filter_map(|document| match document.spec {
                Spec::Metric(metric) => Some((document.metadata.name, metric)),
                _ => None,
            })
            .collect()
    });
    &METRICS_BY_NAME
}

/// The built-in segments, by name: `employees`, `friends-and-family`, `low-risk`, `no-risk`. Unlike policies and metrics
/// they are only what holds until somebody says otherwise: a Segment document of the same name takes its place.
pub fn segments() -> &'static BTreeMap<Name, SegmentSpec> {
    static SEGMENTS_BY_NAME: LazyLock<BTreeMap<Name, SegmentSpec>> = LazyLock::new(|| {
        read(SEGMENTS)
            .into_iter()
            .filter_map(|document| match document.spec {
                Spec::Segment(segment) => Some((document.metadata.name, segment)),
                _ => None,
            })
            .collect()
    });
    &SEGMENTS_BY_NAME
}

fn read(text: &str) -> Vec<Document> {
    document::parse_builtin(text)
        .unwrap_or_else(|problems| panic!("a built-in document is broken:\n{problems}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::release::plan::{Plan, Work};

    #[test]
    fn every_built_in_document_is_read() {
        let names = |map: Vec<&Name>| map.iter().map(|name| name.to_string()).collect::<Vec<_>>();
        assert_eq!(
            names(policies().keys().collect()),
            [
                "ab",
                "blue-green",
                "canary",
                "hotfix",
                "ramp",
                "risk-budget",
                "segments-first",
                "shadow-first",
                "validate-only",
            ]
        );
        assert_eq!(
            names(segments().keys().collect()),
            ["employees", "friends-and-family", "low-risk", "no-risk"]
        );
        assert_eq!(
            names(metrics().keys().collect()),
            ["health.ready", "http.errors", "http.latency", "http.requests"]
        );
        assert!(policies().keys().any(|name| name.as_str() == DEFAULT_POLICY));
    }

    #[test]
    fn every_built_in_policy_that_decides_who_meets_it_ends_with_everyone() {
        for (name, policy) in policies() {
            let plan = Plan::new(name, policy, metrics()).unwrap();
            let last = plan.steps.last().unwrap();
            let mut last_of_all = last.exposure.clone();
            last_of_all.exclude.retain(|segment| !policy.exclude_until_end.contains(segment));
            if let Work::Ramp { ramp, .. } = &last.work {
                last_of_all = last_of_all.with_share(ramp.last().0);
            }
            assert!(last_of_all.is_everyone(), "{name} ends with {}", last_of_all.words());
        }
    }

    #[test]
    fn every_check_of_a_built_in_policy_is_of_a_built_in_metric() {
        for (name, policy) in policies() {
            assert!(!policy.checks.is_empty(), "{name} watches nothing");
            for check in &policy.checks {
                assert!(metrics().contains_key(&check.metric), "{name} watches {}", check.metric);
            }
        }
    }
}
