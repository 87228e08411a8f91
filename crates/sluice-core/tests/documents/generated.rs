//! Any document, written as JSON and read again, is the same document.

#[path = "generated/policy.rs"]
mod policy;
#[path = "generated/route.rs"]
mod route;

use std::collections::{BTreeMap, BTreeSet};

use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use sluice_core::calendar::Freeze;
use sluice_core::condition::Condition;
use sluice_core::document::environment::{EnvironmentSpec, PolicyBinding, Start};
use sluice_core::document::metric::{
    AlertSource, GatewayMetric, JsonSource, MetricKind, MetricSource, MetricSpec, OtlpSource,
    PrometheusSource, ReadSpec, ResponseClass, SqlSource, VendorSource, Worse,
};
use sluice_core::document::policy::{PolicySpec, SecretSource};
use sluice_core::document::release::ServiceVersion;
use sluice_core::document::service::{
    AttributeSource, Build, ClientCertificate, EndpointTls, HealthSpec, Reveal, ServiceSpec, TimeoutSpec,
    UnitSource, VersionSpec,
};
use sluice_core::document::{Document, Kind, Metadata, ReleaseSpec, SegmentSpec, Spec, parse_json};
use sluice_core::name::VersionNeed;
use sluice_core::{Name, Span, Timestamp, VersionName};

use policy::policy;
use route::{route, upstream};

fn name() -> impl Strategy<Value = Name> {
    "[a-z0-9]([a-z0-9.-]{0,10}[a-z0-9])?".prop_map(|text| format!("x{text}").parse().unwrap())
}

fn version() -> impl Strategy<Value = VersionName> {
    "[A-Za-z0-9][A-Za-z0-9._+-]{0,8}".prop_map(|text| text.parse().unwrap())
}

fn span() -> impl Strategy<Value = Span> {
    (1..100_000_000_u64).prop_map(Span::from_millis)
}

fn need() -> impl Strategy<Value = VersionNeed> {
    prop_oneof![
        version().prop_map(VersionNeed::Exactly),
        "v?[0-9]{1,3}\\.[0-9]\\.[0-9](-rc\\.1)?".prop_map(|text| VersionNeed::AtLeast(text.parse().unwrap())),
    ]
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
    let needs = prop::collection::btree_map(name(), need(), 0..3);
    let timeouts = (span(), span(), span()).prop_map(|(connect, response, idle)| TimeoutSpec {
        connect,
        response,
        idle,
    });
    (
        prop::collection::vec(route(), 0..4),
        prop::collection::btree_map("[a-z]{1,4}x", attribute, 0..3),
        prop::collection::vec(unit, 1..4),
        health,
        timeouts,
        (select(vec![Reveal::Always, Reveal::Preview, Reveal::Never]), upstream()),
        prop::collection::btree_map(version(), (0..4_usize, needs, build()), 0..4),
        option::of(endpoint_tls()),
    )
        .prop_map(
            |(
                mut routes,
                visitor,
                mut unit,
                health,
                timeouts,
                (reveal, upstream),
                versions,
                endpoint_tls,
            )| {
                let mut taken = BTreeSet::new();
                routes.retain(|route| taken.insert(route.to_string()));
                let (balance, limits, outliers) = upstream;
                let mut seen = Vec::new();
                unit.retain(|unit| !seen.contains(unit) && (seen.push(unit.clone()), true).1);
                let least = usize::from(!routes.is_empty());
                let versions =
                    versions.into_iter().enumerate().map(|(index, (name, (count, needs, build)))| {
                        let endpoints = (0..count.max(least))
                            .map(|port| format!("http://[::1]:{}", 9000 + index * 10 + port).parse().unwrap())
                            .collect();
                        VersionSpec { name, endpoints, needs, build }
                    });
                ServiceSpec {
                    routes,
                    unit,
                    visitor,
                    health,
                    count: if least > 0 { vec!["/pay".parse().unwrap()] } else { Vec::new() },
                    timeouts,
                    balance,
                    limits,
                    outliers,
                    endpoint_tls,
                    reveal,
                    versions: versions.collect(),
                }
            },
        )
}

fn endpoint_tls() -> impl Strategy<Value = EndpointTls> {
    let file = || "(/[a-z.]{1,5}x){1,3}".prop_map(|path| path.parse().unwrap());
    let client =
        (file(), option::of(file())).prop_map(|(certificate, key)| ClientCertificate { certificate, key });
    let name = select(vec!["api.internal", "10.0.0.1", "::1"]).prop_map(|name| name.parse().unwrap());
    (option::of(file()), option::of(client), option::of(name))
        .prop_map(|(ca, client, server_name)| EndpointTls { ca, client, server_name })
}

fn build() -> impl Strategy<Value = Build> {
    let said = || option::of("[a-z0-9é]{1,9}");
    let labels = prop::collection::btree_map(".{0,6}", ".{0,6}", 0..3);
    (said(), said(), option::of("https?://[a-z]{1,9}"), said(), labels).prop_map(
        |(commit, image, url, config_digest, labels)| Build { commit, image, url, config_digest, labels },
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
    let source = prop_oneof![
        2 => source.prop_map(|(kind, source)| (kind, MetricSource::Gateway(source), false)),
        1 => outside().prop_map(|(kind, source)| (kind, source, true)),
    ];
    (source, select(vec![Worse::Higher, Worse::Lower]), option::of(".{0,9}"), option::of(1_u64..90)).prop_map(
        |((kind, source, is_outside), worse, description, every)| MetricSpec {
            kind,
            unit: (kind == MetricKind::Distribution).then(|| "ms".to_owned()),
            worse,
            source,
            read: every
                .filter(|_| is_outside)
                .map(|every| ReadSpec { every: Span::from_secs(every), ..ReadSpec::default() }),
            description,
        },
    )
}

fn outside() -> impl Strategy<Value = (MetricKind, MetricSource)> {
    let pairs = || prop::collection::btree_map("[a-z]{1,5}", "[~a-z{}.5]{1,5}", 1..3);
    let secret = || SecretSource::Env("SHOP_TOKEN".to_owned());
    let prometheus = (pairs(), option::of(0.001_f64..1000.0)).prop_map(move |(labels, scale)| {
        let source = PrometheusSource {
            url: None,
            secret: Some(secret()),
            counter: None,
            histogram: Some("http_request_duration_seconds".to_owned()),
            query: None,
            labels,
            bad: BTreeMap::new(),
            scale,
        };
        (MetricKind::Distribution, MetricSource::Prometheus(source))
    });
    let otlp = (pairs(), pairs()).prop_map(|(attributes, bad)| {
        let instrument = "http.server.request.duration".to_owned();
        let source = OtlpSource { instrument, service: None, attributes, bad, scale: None };
        (MetricKind::Ratio, MetricSource::Otlp(source))
    });
    let sql = "[a-z]{1,9}".prop_map(|table| {
        let url = "postgres://shop@db:5432/orders".to_owned();
        let query = format!("select count(*) as total, 0 as bad from {table} where version = :version");
        (MetricKind::Ratio, MetricSource::Sql(SqlSource { url, secret: None, query }))
    });
    let json = any::<bool>().prop_map(|cumulative| {
        let pointers = BTreeMap::from([("value".to_owned(), "/queue/length".to_owned())]);
        let url = "https://shop.example.com/stats?version={{version}}".to_owned();
        (MetricKind::Gauge, MetricSource::Json(JsonSource { url, secret: None, pointers, cumulative }))
    });
    let alerts = pairs()
        .prop_map(|labels| (MetricKind::Gauge, MetricSource::Alerts(AlertSource { name: None, labels })));
    let vendor = Just(()).prop_map(|()| {
        let queries = BTreeMap::from([("events".to_owned(), "sum:orders{*}.as_count()".to_owned())]);
        let secret = SecretSource::File("/run/secrets/datadog".to_owned());
        let source = VendorSource { url: None, account: Some("eu".to_owned()), secret, queries };
        (MetricKind::Rate, MetricSource::Datadog(source))
    });
    prop_oneof![prometheus, otlp, sql, json, alerts, vendor]
}

fn environment() -> impl Strategy<Value = EnvironmentSpec> {
    let when = select(vec!["change.level == 'patch'", "service.labels.tier != 'critical'", "true"])
        .prop_map(|rule| Condition::for_changes(rule).unwrap());
    let line = (when, name()).prop_map(|(when, name)| PolicyBinding { when: Some(when), r#use: name });
    let policies = (prop::collection::vec(line, 0..3), option::of(name())).prop_map(|(mut lines, last)| {
        lines.extend(last.map(|name| PolicyBinding { when: None, r#use: name }));
        lines
    });
    let windows =
        vec!["Mon-Fri 09:00-16:30 Europe/Amsterdam", "Sat,Sun 22:00-02:00", "Fri-Mon 00:00-24:00 UTC"];
    let edges = select(vec![("2026-12-20", "2027-01-02"), ("2026-12-20T18:00:00Z", "2026-12-20T18:00:01Z")]);
    let freeze = (edges, select(vec!["UTC", "America/New_York"]), option::of(".{0,6}")).prop_map(
        |((from, to), zone, reason)| {
            Freeze::new(from.parse().unwrap(), to.parse().unwrap(), zone.parse().unwrap(), reason).unwrap()
        },
    );
    let people = prop::collection::btree_set("[a-z]{1,4}@x", 1..3).prop_map(|set| set.into_iter().collect());
    let roles = prop::collection::btree_map(name(), people, 0..3);
    let start = select(vec![Start::Manual, Start::Automatic]);
    let calendar = (prop::sample::subsequence(windows, 0..=3), prop::collection::vec(freeze, 0..2));
    (option::of(".{0,9}"), option::of(name()), start, policies, calendar, roles, option::of(any::<bool>()))
        .prop_map(|(description, after, start, policies, (windows, freezes), roles, overrides)| {
            let override_roles = overrides.map(|all| roles.keys().filter(|_| all).cloned().collect());
            EnvironmentSpec {
                description,
                after,
                start,
                policies,
                windows: windows.iter().map(|window| window.parse().unwrap()).collect(),
                freezes,
                roles,
                override_roles,
            }
        })
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
    let with = prop::collection::btree_map("[a-w]{1,4}", version(), 0..3).prop_map(|with| {
        with.into_iter()
            .map(|(service, version)| ServiceVersion { service: service.parse().unwrap(), version })
            .collect()
    });
    let reason = option::of(".{0,6}[a-z]");
    let release = (name(), version(), with, option::of(name()), any::<bool>(), reason).prop_map(
        |(service, version, with, policy, reshuffle, override_reason)| ReleaseSpec {
            service,
            version,
            with,
            policy,
            reshuffle,
            override_reason,
        },
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
