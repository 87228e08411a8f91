//! What an environment says of order, calendar and people.

use std::collections::BTreeMap;

use expect_test::expect;
use sluice_core::calendar::Openness;
use sluice_core::document::check::{references, users_of};
use sluice_core::document::environment::Start;
use sluice_core::document::{
    Document, DocumentKey, EnvironmentSpec, Kind, Spec, parse_json, parse_yaml, schema,
};

fn stored(text: &str) -> BTreeMap<DocumentKey, Document> {
    let documents = parse_yaml(text).unwrap_or_else(|problems| panic!("{problems}"));
    documents.into_iter().map(|document| (document.key(), document)).collect()
}

fn environment(text: &str) -> EnvironmentSpec {
    let text = format!("kind: Environment\nmetadata: {{ name: production }}\nspec: {text}");
    match parse_yaml(&text).unwrap_or_else(|problems| panic!("{problems}")).remove(0).spec {
        Spec::Environment(spec) => spec,
        other => panic!("{other:?}"),
    }
}

/// Environments that come after one another: `a < b` is `b` after `a`.
fn in_order(order: &str) -> String {
    let documents = order.split(", ").map(|line| match line.split_once(" < ") {
        Some((before, name)) => {
            format!("kind: Environment\nmetadata: {{ name: {name} }}\nspec: {{ after: {before} }}\n")
        }
        None => format!("kind: Environment\nmetadata: {{ name: {line} }}\n"),
    });
    documents.collect::<Vec<_>>().join("---\n")
}

fn broken(order: &str) -> String {
    let broken = references(&stored(&in_order(order)));
    broken.iter().map(|broken| broken.problem.to_string()).collect::<Vec<_>>().join("\n")
}

#[test]
fn an_environment_that_says_nothing_is_open_to_everybody() {
    let spec = environment("{}");
    assert_eq!(spec, EnvironmentSpec::default());
    assert_eq!(spec.start, Start::Manual);
    let now = "2026-11-23T09:00:00Z".parse().unwrap();
    assert_eq!(spec.calendar().at(now), Openness::Open { until: None });
    assert!(spec.may_override("anybody"));
    assert!(!spec.has_role("anybody", &"product".parse().unwrap()));
}

#[test]
fn an_environment_says_who_when_and_after_which() {
    let spec = environment(
        "
  after: staging
  start: automatic
  windows: [ Mon-Fri 09:00-16:30 Europe/Amsterdam ]
  freezes: [ { from: 2026-12-20, to: 2027-01-02, zone: Europe/Amsterdam, reason: holidays } ]
  roles: { product: [ anna, ben ], release-manager: [ carl ] }
  override: [ release-manager ]
",
    );
    assert_eq!(spec.after.as_ref().unwrap().as_str(), "staging");
    assert_eq!(spec.start, Start::Automatic);
    let closed = |now: &str| match spec.calendar().at(now.parse().unwrap()) {
        Openness::Open { .. } => None,
        Openness::Closed { why, .. } => Some(why.to_string()),
    };
    assert_eq!(closed("2026-11-23T09:00:00Z"), None);
    assert_eq!(
        closed("2026-11-22T09:00:00Z").unwrap(),
        "no window is open; the next one opens Mon 23 Nov 2026, 09:00 Europe/Amsterdam"
    );
    assert_eq!(
        closed("2026-12-21T09:00:00Z").unwrap(),
        "a freeze lasts until Sun 3 Jan 2027, 00:00 Europe/Amsterdam (holidays)"
    );
    let product = "product".parse().unwrap();
    assert!(
        spec.has_role("ben", &product) && !spec.has_role("carl", &product) && !spec.has_role("", &product)
    );
    assert!(spec.may_override("carl") && !spec.may_override("anna"));
}

#[test]
fn an_empty_list_of_who_may_override_means_nobody() {
    let spec = environment("{ roles: { ops: [ carl ] }, override: [] }");
    assert!(!spec.may_override("carl"));
}

#[test]
fn an_environment_comes_after_one_that_exists() {
    assert_eq!(broken("test, test < staging, staging < production"), "");
    // It exists without a document.
    assert_eq!(broken("production < europe"), "");
    expect![[r#"
        Environment production: spec.after: there is no Environment `stagng`
          did you mean `staging`?
          accepted: production, staging"#]]
    .assert_eq(&broken("staging, stagng < production"));
}

#[test]
fn environments_in_a_circle_are_told_once_for_each_circle() {
    expect![[r#"
        Environment production: spec.after: the environments go in a circle: production after staging after test after production
          leave `after` out where the way of a version begins"#]]
    .assert_eq(&broken("production < test, test < staging, staging < production, production < europe"));
    expect![[r#"
        Environment staging: spec.after: staging cannot come after itself
          leave `after` out, or name the environment that comes before"#]]
    .assert_eq(&broken("staging < production, staging < staging"));
    expect![[r#"
        Environment a: spec.after: the environments go in a circle: a after b after a
          leave `after` out where the way of a version begins
        Environment c: spec.after: the environments go in a circle: c after d after c
          leave `after` out where the way of a version begins"#]]
    .assert_eq(&broken("a < b, b < a, c < d, d < c, d < e"));
}

#[test]
fn an_environment_that_another_comes_after_is_in_use() {
    let documents = stored(&in_order("test, test < staging, staging < production, production < europe"));
    let users = |name: &str| -> Vec<String> {
        let key = documents.keys().find(|key| key.name.as_str() == name).unwrap();
        users_of(key, &documents).iter().map(ToString::to_string).collect()
    };
    assert_eq!(users("test"), ["Environment staging"]);
    assert_eq!(users("staging"), ["Environment production"]);
    assert_eq!(users("europe"), Vec::<String>::new());
    // It exists without its document, so that nothing is lost with it.
    assert_eq!(users("production"), Vec::<String>::new());
}

#[test]
fn the_schema_and_the_decoder_agree_on_environments() {
    let good = serde_json::json!({
        "kind": "Environment",
        "metadata": { "name": "production" },
        "spec": {
            "after": "staging",
            "start": "automatic",
            "windows": ["Mon-Fri,Sun 09:00-16:30 America/Argentina/Buenos_Aires", "sat 22:00-02:00"],
            "freezes": [
                { "from": "2026-12-20", "to": "2027-01-02", "zone": "Europe/Amsterdam", "reason": "holidays" },
                { "from": "2026-12-20T18:00:00+01:00", "to": "2027-01-02" },
            ],
            "roles": { "product": ["anna", "ben"] },
            "override": ["product"],
        },
    });
    let schema = jsonschema::draft202012::new(&schema(Kind::Environment)).unwrap();
    let errors: Vec<String> = schema.iter_errors(&good).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    let read = parse_json(&good).unwrap();
    let answered = serde_json::to_value(&read).unwrap();
    assert!(schema.is_valid(&answered), "{answered:#}");
    assert_eq!(parse_json(&answered).unwrap(), read);
    for (pointer, value) in [
        ("/spec/after", serde_json::json!("Staging")),
        ("/spec/start", serde_json::json!("auto")),
        ("/spec/windows/0", serde_json::json!("Monday 09:00-16:30")),
        ("/spec/windows/0", serde_json::json!("Mon 9:00-16:30")),
        ("/spec/freezes/0", serde_json::json!({ "from": "2026-12-20" })),
        ("/spec/freezes/0/from", serde_json::json!("20 December")),
        ("/spec/freezes/0", serde_json::json!({ "from": "2026-12-20", "to": "2026-12-21", "until": "x" })),
        ("/spec/roles/product", serde_json::json!("anna")),
        ("/spec/override", serde_json::json!("product")),
    ] {
        let mut bad = good.clone();
        *bad.pointer_mut(pointer).unwrap() = value.clone();
        assert!(!schema.is_valid(&bad), "the schema takes {pointer} = {value}");
        assert!(parse_json(&bad).is_err(), "the decoder takes {pointer} = {value}");
    }
}
