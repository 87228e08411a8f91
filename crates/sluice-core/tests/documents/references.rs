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
              accepted: employees, friends-and-family, low-risk, no-risk
            Policy careful: spec.steps[0].exclude[0]: there is no Segment `vip`
              apply the Segment first, or together with this document
              accepted: employees, friends-and-family, low-risk, no-risk
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
              accepted: ab, blue-green, canary, hotfix, ramp, risk-budget, segments-first, shadow-first, validate-only"#]],
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
              give one of the two another host, path or condition"#]],
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

#[test]
fn an_approval_by_a_role_that_no_environment_has_is_found() {
    check(
        "
kind: Policy
metadata: { name: asked }
spec:
  steps:
    - { name: few, audience: [ { percent: 5 } ] }
    - { name: ask, approval: { roles: [ product, ops, prodcut ] } }
---
kind: Policy
metadata: { name: by-hand }
spec:
  steps:
    - { name: few, audience: [ { percent: 5 } ] }
    - { name: ask, approval: { roles: [ nobody-knows ] } }
---
kind: Environment
metadata: { name: staging }
spec: { policies: [ { use: asked } ] }
---
kind: Environment
metadata: { name: production }
spec: { policies: [ { use: asked } ], roles: { product: [ anna ] } }
",
        expect![[r#"
            Policy asked: spec.steps[1].approval.roles[1]: there is no role `ops` in production or staging
              say who is in it, in the Environment: roles: { ops: [ anna ] }
              accepted: product
            Policy asked: spec.steps[1].approval.roles[2]: there is no role `prodcut` in production or staging
              did you mean `product`?
              accepted: product"#]],
    );
}

#[test]
fn what_a_gate_waits_for_and_who_is_kept_out_exist() {
    check(
        "
kind: Policy
metadata: { name: p }
spec:
  excludeUntilEnd: [ no-risk, hospitals ]
  steps:
    - { name: few, ramp: { from: 1, to: 5, over: 1h }, exclude: [ employes ] }
    - { name: after, waitFor: { service: paymets, version: 1.4.0 } }
---
kind: Service
metadata: { name: payments }
spec: {}
",
        expect![[r#"
            Policy p: spec.excludeUntilEnd[1]: there is no Segment `hospitals`
              apply the Segment first, or together with this document
              accepted: employees, friends-and-family, low-risk, no-risk
            Policy p: spec.steps[0].exclude[0]: there is no Segment `employes`
              did you mean `employees`?
              accepted: employees, friends-and-family, low-risk, no-risk
            Policy p: spec.steps[1].waitFor.service: there is no Service `paymets`
              did you mean `payments`?
              accepted: payments"#]],
    );
}

/// Services in production: `a 1: b >=1, c 2; a 2; b 1`.
fn needing(text: &str) -> String {
    let mut services: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for line in text.split("; ") {
        let (version, needs) = line.split_once(": ").unwrap_or((line, ""));
        let (service, version) = version.split_once(' ').unwrap();
        let needs = needs.split(", ").filter_map(|need| need.split_once(' '));
        let needs: Vec<String> = needs.map(|(name, need)| format!("{name}: '{need}'")).collect();
        let spec = format!("{{ name: '{version}', needs: {{ {} }} }}", needs.join(", "));
        services.entry(service).or_default().push(spec);
    }
    let documents = services.into_iter().map(|(service, versions)| {
        let versions = versions.join(", ");
        format!("kind: Service\nmetadata: {{ name: {service} }}\nspec: {{ versions: [ {versions} ] }}\n")
    });
    documents.collect::<Vec<_>>().join("---\n")
}

#[test]
fn versions_that_need_each_other_in_a_circle_are_named_in_turn() {
    check(
        &needing("a 2: b 1.4.0; b 1.4.0: c >=3.0.0; c 3.1.0: a 2; d 1: a 2"),
        expect![[r#"
            Service a in production: spec.versions[0].needs: versions need each other in a circle: a 2 needs b 1.4.0 needs c 3.1.0 needs a 2
              let one of them go up without the other: leave one of the needs out"#]],
    );
}

#[test]
fn a_circle_that_an_older_version_breaks_is_none() {
    check(&needing("a 2.0.0: b >=1.0.0; a 1.0.0; b 1.0.0: a >=1.0.0"), expect![[""]]);
    check(&needing("a 2.0.0: b >=1.0.0; b 1.0.0: a >=3.0.0"), expect![[""]]);
}

#[test]
fn a_version_needs_other_services_that_are_there() {
    check(
        &needing("checkout 1: checkout 1, paymets 1; payments 1"),
        expect![[r#"
            Service checkout in production: spec.versions[0].needs.checkout: a version cannot need its own service
              leave it out
            Service checkout in production: spec.versions[0].needs.paymets: there is no Service `paymets` in production
              did you mean `payments`?"#]],
    );
}

#[test]
fn a_service_that_others_need_or_wait_for_is_in_use() {
    let text = format!(
        "{}---
kind: Policy
metadata: {{ name: p }}
spec:
  steps:
    - {{ name: few, audience: [ {{ percent: 5 }} ], exclude: [ employees ] }}
    - {{ name: after, waitFor: {{ service: payments, version: 1.4.0 }} }}
---
kind: Segment
metadata: {{ name: employees }}
spec: {{ match: 'true' }}
",
        needing("checkout 1: payments 1; payments 1; basket 1")
    );
    let documents = stored(&text);
    let users = |name: &str| -> Vec<String> {
        let key = documents.keys().find(|key| key.name.as_str() == name).unwrap();
        users_of(key, &documents).iter().map(ToString::to_string).collect()
    };
    assert_eq!(users("payments"), ["Service checkout in production", "Policy p"]);
    assert_eq!(users("basket"), Vec::<String>::new());
    // Without it, the built-in segment of that name would quietly be another set of people.
    assert_eq!(users("employees"), ["Policy p"]);
}
