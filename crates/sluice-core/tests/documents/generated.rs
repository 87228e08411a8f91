//! Any document, written as JSON and read again, is the same document.

use std::collections::BTreeMap;

use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use sluice_core::condition::Condition;
use sluice_core::document::environment::{EnvironmentSpec, PolicyBinding};
use sluice_core::document::metric::{
    GatewayMetric, MetricKind, MetricSource, MetricSpec, ResponseClass, Worse,
};
use sluice_core::document::policy::{
    AudienceRule, Bound, CheckSpec, CompareWith, Comparison, Confidence, Hold, Judge, OnFail, OnInconclusive,
    OnNewer, Percent, PolicySpec, Quantile, StepSpec, Threshold, Tolerance,
};
use sluice_core::document::service::{
    AttributeSource, HealthSpec, Reveal, RouteSpec, ServiceSpec, TimeoutSpec, UnitSource, VersionSpec,
};
use sluice_core::document::{Document, Kind, Metadata, ReleaseSpec, SegmentSpec, Spec, parse_json};
use sluice_core::{Name, Span, Timestamp, VersionName, Weight};

fn name() -> impl Strategy<Value = Name> {
    "[a-z0-9]([a-z0-9.-]{0,10}[a-z0-9])?".prop_map(|text| format!("x{text}").parse().unwrap())
}

fn version() -> impl Strategy<Value = VersionName> {
    "[A-Za-z0-9][A-Za-z0-9._+-]{0,8}".prop_map(|text| text.parse().unwrap())
}

fn span() -> impl Strategy<Value = Span> {
    (1..100_000_000_u64).prop_map(Span::from_millis)
}

fn percent() -> impl Strategy<Value = Percent> {
    (1..=Weight::PARTS).prop_map(|parts| Percent(parts.try_into().unwrap()))
}

fn metadata(kind: Kind) -> impl Strategy<Value = Metadata> {
    let texts = || prop::collection::btree_map(".{0,6}", ".{0,6}", 0..3);
    let at = || option::of((0..4_000_000_000_000_i64).prop_map(Timestamp::from_millis));
    (name(), name(), texts(), texts(), option::of(any::<u64>()), at(), at()).prop_map(
        move |(name, environment, labels, annotations, resource_version, created_at, updated_at)| Metadata {
            name,
            environment: kind.has_environment().then_some(environment),
            labels,
            annotations,
            resource_version,
            created_at,
            updated_at,
        },
    )
}

fn service() -> impl Strategy<Value = ServiceSpec> {
    let token = || "[a-z][a-z0-9-]{0,8}";
    let route = (
        select(vec!["*", "*.example.com", "shop.example.com", "a_b.c"]),
        "(/[a-z0-9._~-]{1,4}x){0,3}".prop_map(|path| if path.is_empty() { "/".to_owned() } else { path }),
    )
        .prop_map(|(host, path)| RouteSpec { host: host.parse().unwrap(), path: path.parse().unwrap() });
    let unit = prop_oneof![token().prop_map(UnitSource::Header), token().prop_map(UnitSource::Cookie)];
    let attribute = prop_oneof![
        token().prop_map(AttributeSource::Header),
        token().prop_map(AttributeSource::Cookie),
        ".{1,4}".prop_map(AttributeSource::Query),
    ];
    let health = (select(vec!["", "/", "/healthz?deep=1"]), span(), span(), 1..9_u32, 1..9_u32).prop_map(
        |(path, every, timeout, unhealthy_after, healthy_after)| HealthSpec {
            path: path.to_owned(),
            every,
            timeout,
            unhealthy_after,
            healthy_after,
        },
    );
    let timeouts = (span(), span(), span()).prop_map(|(connect, response, idle)| TimeoutSpec {
        connect,
        response,
        idle,
    });
    (
        prop::collection::btree_set(route, 1..4),
        prop::collection::btree_map("[a-z]{1,4}x", attribute, 0..3),
        prop::collection::vec(unit, 1..4),
        health,
        timeouts,
        select(vec![Reveal::Always, Reveal::Preview, Reveal::Never]),
        prop::collection::btree_map(version(), 1..4_usize, 1..4),
    )
        .prop_map(|(routes, visitor, mut unit, health, timeouts, reveal, versions)| {
            let mut seen = Vec::new();
            unit.retain(|unit| !seen.contains(unit) && (seen.push(unit.clone()), true).1);
            let versions = versions.into_iter().enumerate().map(|(index, (name, count))| VersionSpec {
                name,
                endpoints: (0..count)
                    .map(|port| format!("http://[::1]:{}", 9000 + index * 10 + port).parse().unwrap())
                    .collect(),
            });
            ServiceSpec {
                routes: routes.into_iter().collect(),
                unit,
                visitor,
                health,
                timeouts,
                reveal,
                versions: versions.collect(),
            }
        })
}

fn check() -> impl Strategy<Value = CheckSpec> {
    let tolerance = prop_oneof![
        (0..99_000_u32).prop_map(|n| Tolerance::try_from(format!("{}pp", f64::from(n) / 1000.0)).unwrap()),
        (0..900_000_u32).prop_map(|n| Tolerance::try_from(format!("{}%", f64::from(n) / 1000.0)).unwrap()),
    ];
    let confidence = (50_001..99_999_u32)
        .prop_map(|n| Confidence::try_from(format!("{}%", f64::from(n) / 1000.0)).unwrap());
    let compare = (tolerance, confidence).prop_map(|(tolerate, confidence)| {
        Judge::Compare(Comparison { compare: CompareWith::Stable, tolerate, confidence })
    });
    let bound = |low: u32, unit: &'static str| {
        (low..low + 50_000)
            .prop_map(move |n| Bound::try_from(format!("{}{unit}", f64::from(n) / 1000.0)).unwrap())
    };
    let threshold = select(vec!["%", "ms", ""])
        .prop_flat_map(move |unit| {
            (option::of(bound(50_000, unit)), bound(0, unit), span(), any::<u64>(), any::<bool>())
        })
        .prop_map(|(max, min, window, sample, has_min)| {
            let min = (has_min || max.is_none()).then_some(min);
            Judge::Threshold(Threshold { max, min, window, sample })
        });
    // The names begin with an `x`, so that none is built in; what fits them is for the other documents to say.
    let quantile = (1..99_999_u32).prop_map(|n| Quantile::try_from(f64::from(n) / 100_000.0).unwrap());
    (name(), option::of(quantile), prop_oneof![compare, threshold])
        .prop_map(|(metric, quantile, judge)| CheckSpec { metric, quantile, judge })
}

/// Steps that only add people: shares of everyone that grow, beside segments that stay.
fn steps() -> impl Strategy<Value = Vec<StepSpec>> {
    let step = (percent(), 0..100_000_000_u64, any::<u32>(), any::<bool>());
    (
        prop::collection::btree_set(name(), 0..3),
        prop::collection::btree_set(name(), 0..2),
        prop::collection::vec(step, 1..5),
    )
        .prop_map(|(segments, exclude, mut steps)| {
            steps.sort_by_key(|step| step.0);
            let steps = steps.into_iter().enumerate();
            steps
                .map(|(index, (percent, time, requests, until_promoted))| StepSpec {
                    name: format!("s{index}").parse().unwrap(),
                    audience: segments
                        .iter()
                        .map(|segment| AudienceRule {
                            segment: Some(segment.clone()),
                            percent: Percent::default(),
                        })
                        .chain([AudienceRule { segment: None, percent }])
                        .collect(),
                    exclude: exclude.iter().cloned().collect(),
                    hold: Hold { time: Span::from_millis(time), requests: requests.into(), until_promoted },
                })
                .collect()
        })
}

fn policy() -> impl Strategy<Value = PolicySpec> {
    let on_fail = || select(vec![OnFail::Rollback, OnFail::Pause]);
    let inconclusive = (span(), on_fail()).prop_map(|(wait, then)| OnInconclusive { wait, then });
    let on_newer = select(vec![OnNewer::Supersede, OnNewer::Queue]);
    let checks = prop::collection::vec(check(), 0..4);
    (option::of(".{0,9}"), steps(), checks, on_fail(), inconclusive, on_newer, span(), span()).prop_map(
        |(description, steps, checks, on_fail, on_inconclusive, on_newer, keep_previous, ready_within)| {
            PolicySpec {
                description,
                steps,
                checks,
                on_fail,
                on_inconclusive,
                on_newer,
                keep_previous,
                ready_within,
            }
        },
    )
}

fn metric() -> impl Strategy<Value = MetricSpec> {
    use ResponseClass::{ClientError, Informational, Redirect, Reset, ServerError, Success};
    let classes = vec![Informational, Success, Redirect, ClientError, ServerError, Reset];
    let source = prop_oneof![
        Just((MetricKind::Rate, GatewayMetric::Requests)),
        Just((MetricKind::Distribution, GatewayMetric::Latency)),
        Just((MetricKind::Ratio, GatewayMetric::Ready)),
        prop::sample::subsequence(classes, 1..6)
            .prop_map(|classes| (MetricKind::Ratio, GatewayMetric::Responses(classes))),
    ];
    (source, select(vec![Worse::Higher, Worse::Lower]), option::of(".{0,9}")).prop_map(
        |((kind, source), worse, description)| MetricSpec {
            kind,
            unit: (kind == MetricKind::Distribution).then(|| "ms".to_owned()),
            worse,
            source: MetricSource::Gateway(source),
            description,
        },
    )
}

fn environment() -> impl Strategy<Value = EnvironmentSpec> {
    let when = select(vec!["change.level == 'patch'", "service.labels.tier != 'critical'", "true"])
        .prop_map(|rule| Condition::for_changes(rule).unwrap());
    let line = (when, name()).prop_map(|(when, name)| PolicyBinding { when: Some(when), r#use: name });
    (option::of(".{0,9}"), prop::collection::vec(line, 0..3), option::of(name())).prop_map(
        |(description, mut policies, last)| {
            policies.extend(last.map(|name| PolicyBinding { when: None, r#use: name }));
            EnvironmentSpec { description, policies }
        },
    )
}

fn spec() -> impl Strategy<Value = Spec> {
    let segment = (
        select(vec!["true", "visitor.plan == \"é\\n\"", "request.headers['x'] in ['a', 'b']"]),
        option::of(".{0,9}"),
    )
        .prop_map(|(rule, description)| SegmentSpec {
            r#match: Condition::for_visitors(rule).unwrap(),
            description,
        });
    let release = (name(), version(), option::of(name()), any::<bool>()).prop_map(
        |(service, version, policy, reshuffle)| ReleaseSpec { service, version, policy, reshuffle },
    );
    prop_oneof![
        service().prop_map(Spec::Service),
        segment.prop_map(Spec::Segment),
        metric().prop_map(Spec::Metric),
        policy().prop_map(Spec::Policy),
        environment().prop_map(Spec::Environment),
        release.prop_map(Spec::Release),
    ]
}

fn document() -> impl Strategy<Value = Document> {
    spec().prop_flat_map(|spec| {
        metadata(spec.kind()).prop_map(move |metadata| Document { metadata, spec: spec.clone() })
    })
}

proptest! {
    #[test]
    fn a_document_written_and_read_is_the_same(document in document()) {
        let written = serde_json::to_value(&document).unwrap();
        match parse_json(&written) {
            Ok(read) => prop_assert_eq!(&read, &document),
            Err(problems) => prop_assert!(false, "{}\n{:#}", problems, written),
        }
        // Text too: numbers are printed and read again on the way to the store and back.
        let text = serde_json::to_string(&document).unwrap();
        let from_text = parse_json(&serde_json::from_str(&text).unwrap()).unwrap();
        prop_assert_eq!(from_text, document);
    }

    #[test]
    fn a_status_beside_it_changes_nothing(document in document(), status in any::<BTreeMap<String, bool>>()) {
        let mut written = serde_json::to_value(&document).unwrap();
        written["status"] = serde_json::to_value(status).unwrap();
        written["apiVersion"] = "sluice.dev/v1alpha1".into();
        prop_assert_eq!(parse_json(&written).unwrap(), document);
    }

    #[test]
    fn a_policy_is_the_same_by_either_way_of_reading(policy in policy()) {
        let written = serde_json::to_value(&policy).unwrap();
        prop_assert_eq!(serde_json::from_value::<PolicySpec>(written).unwrap(), policy);
    }
}
