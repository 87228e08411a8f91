//! Documents that name each other.

use std::collections::BTreeMap;

use expect_test::{Expect, expect};
use sluice_core::document::check::{references, users_of};
use sluice_core::document::{Document, DocumentKey, parse_yaml};

fn stored(text: &str) -> BTreeMap<DocumentKey, Document> {
    let documents = parse_yaml(text).unwrap_or_else(|problems| panic!("{problems}"));
    documents.into_iter().map(|document| (document.key(), document)).collect()
}

fn check(text: &str, expected: Expect) {
    let broken = references(&stored(text));
    let said: Vec<String> = broken.iter().map(|broken| broken.problem.to_string()).collect();
    expected.assert_eq(&said.join("\n"));
}

const POLICY: &str = "
kind: Policy
metadata: { name: careful }
spec:
  steps: [ { name: staff, audience: [ { segment: employes } ], exclude: [ vip ] } ]
  checks:
    - { metric: http.errors, max: 5% }
    - { metric: orders, max: 5% }
    - { metric: orderz, max: 5 }
";

const SEGMENTS: &str = "
kind: Segment
metadata: { name: employees }
spec: { match: 'true' }
---
kind: Metric
metadata: { name: orders }
spec: { kind: rate, worse: lower, source: { gateway: requests } }
";

#[test]
fn names_that_lead_nowhere_are_found_where_they_are_written() {
    check(
        &format!("{POLICY}---{SEGMENTS}"),
        expect![[r#"
            Policy careful: spec.steps[0].audience[0].segment: there is no Segment `employes`
              did you mean `employees`?
              accepted: employees
            Policy careful: spec.steps[0].exclude[0]: there is no Segment `vip`
              apply the Segment first, or together with this document
              accepted: employees
            Policy careful: spec.checks[1].max: the unit does not fit: `orders` is a rate (so many per second)
              accepted: a plain number per second, as 2.5
            Policy careful: spec.checks[2].metric: there is no Metric `orderz`
              did you mean `orders`?
              accepted: health.ready, http.errors, http.latency, http.requests, orders"#]],
    );
}

#[test]
fn an_environment_needs_its_policies_and_a_service_its_environment() {
    check(
        "
kind: Environment
metadata: { name: staging }
spec: { policies: [ { use: cannary } ] }
---
kind: Service
metadata: { name: checkout, environment: stagin }
spec: { routes: [ { path: / } ], versions: [ { name: a, endpoints: [ 'http://a:1' ] } ] }
",
        expect![[r#"
            Service checkout in stagin: metadata.environment: there is no Environment `stagin`
              did you mean `staging`?
              accepted: production, staging
            Environment staging: spec.policies[0].use: there is no Policy `cannary`
              did you mean `canary`?
              accepted: blue-green, canary, hotfix"#]],
    );
}

#[test]
fn two_services_on_one_route_are_both_named() {
    check(
        "
kind: Service
metadata: { name: checkout }
spec: { routes: [ { host: SHOP.example.com, path: /checkout/ } ], versions: [ { name: a, endpoints: [ 'http://a:1' ] } ] }
---
kind: Service
metadata: { name: basket }
spec: { routes: [ { host: shop.example.com, path: /checkout } ], versions: [ { name: a, endpoints: [ 'http://b:1' ] } ] }
",
        expect![[r#"
            Service checkout in production: spec.routes[0]: the route shop.example.com/checkout belongs to Service basket in production already
              give one of the two another host or path"#]],
    );
}

#[test]
fn what_is_in_use_says_who_uses_it() {
    let text = format!(
        "{POLICY}---{SEGMENTS}---
kind: Environment
metadata: {{ name: production }}
spec: {{ policies: [ {{ use: careful }} ] }}
"
    );
    let documents = stored(&text.replace("employes", "employees"));
    let users = |kind: &str, name: &str| -> Vec<String> {
        let key =
            documents.keys().find(|key| key.kind.as_str() == kind && key.name.as_str() == name).unwrap();
        users_of(key, &documents).iter().map(ToString::to_string).collect()
    };
    assert_eq!(users("Segment", "employees"), ["Policy careful"]);
    assert_eq!(users("Metric", "orders"), ["Policy careful"]);
    assert_eq!(users("Policy", "careful"), ["Environment production"]);
    assert_eq!(users("Environment", "production"), Vec::<String>::new());
}
