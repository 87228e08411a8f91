//! The committed JSON Schemas, and the examples beside them.

use std::collections::BTreeMap;

use serde_json::Value;
use sluice_core::document::{Document, Kind, any_schema, parse_json, parse_yaml, schema};

use crate::{files, workspace};

#[test]
fn the_committed_schemas_are_what_the_types_say() {
    let folder = workspace().join("schemas");
    let mut wanted: Vec<(String, Value)> =
        Kind::ALL.map(|kind| (kind.as_str().to_ascii_lowercase(), schema(kind))).into_iter().collect();
    wanted.push(("any".to_owned(), any_schema()));
    let update = std::env::var_os("SLUICE_UPDATE").is_some_and(|value| value == "1");
    for (name, schema) in wanted {
        let path = folder.join(format!("{name}.json"));
        if update {
            // Sorted, whatever order the features of this build keep.
            std::fs::write(&path, format!("{:#}\n", sorted(schema))).unwrap();
        } else {
            let committed = std::fs::read_to_string(&path).unwrap_or_default();
            let committed: Value = serde_json::from_str(&committed).unwrap_or_default();
            assert!(committed == schema, "schemas/{name}.json is stale; run this test with SLUICE_UPDATE=1");
        }
    }
}

fn sorted(value: Value) -> Value {
    match value {
        Value::Array(items) => items.into_iter().map(sorted).collect(),
        Value::Object(fields) => {
            let fields: BTreeMap<String, Value> =
                fields.into_iter().map(|(key, value)| (key, sorted(value))).collect();
            fields.into_iter().collect()
        }
        other => other,
    }
}

fn examples() -> Vec<(String, String)> {
    files(&workspace().join("examples"), "yaml")
        .into_iter()
        .map(|path| (path.display().to_string(), std::fs::read_to_string(&path).unwrap()))
        .collect()
}

/// The built-in documents are in the same form; only their names are taken.
fn built_in() -> Vec<(String, String)> {
    files(&workspace().join("crates/sluice-core/src/builtin"), "yaml")
        .into_iter()
        .map(|path| {
            let text = std::fs::read_to_string(&path).unwrap();
            (path.display().to_string(), text.replace("metadata: { name: ", "metadata: { name: my-"))
        })
        .collect()
}

fn documents() -> Vec<(String, Document)> {
    examples()
        .into_iter()
        .chain(built_in())
        .flat_map(|(path, text)| {
            let documents = parse_yaml(&text).unwrap_or_else(|problems| panic!("{path}\n{problems}"));
            documents.into_iter().map(move |document| (path.clone(), document))
        })
        .collect()
}

#[test]
fn every_example_is_taken_by_the_decoder_and_by_its_schema() {
    for (path, text) in examples().into_iter().chain(built_in()) {
        parse_yaml(&text).unwrap_or_else(|problems| panic!("{path}\n{problems}"));
        for value in as_written(&text) {
            let kind = Kind::ALL.into_iter().find(|kind| value["kind"] == kind.as_str()).unwrap();
            for schema in [schema(kind), any_schema()] {
                let errors: Vec<String> = validator(&schema)
                    .iter_errors(&value)
                    .map(|error| format!("{}: {error}", error.instance_path()))
                    .collect();
                assert!(errors.is_empty(), "{path}: {}: {errors:#?}", schema["title"]);
            }
        }
    }
}

#[test]
fn the_schemas_refuse_what_the_decoder_refuses() {
    let good = serde_json::json!({
        "kind": "Policy",
        "metadata": { "name": "p" },
        "spec": {
            "steps": [{ "name": "a", "audience": [{ "percent": 5 }] }],
            "checks": [{ "metric": "http.errors", "max": "5%" }],
            "onFail": "rollback",
        },
    });
    let validator = validator(&schema(Kind::Policy));
    assert!(validator.is_valid(&good) && parse_json(&good).is_ok());
    for (pointer, value) in [
        ("/kind", serde_json::json!("Service")),
        ("/metadata", serde_json::json!({ "name": "P" })),
        ("/metadata", serde_json::json!({ "name": "p", "environment": "production" })),
        ("/metadata", serde_json::json!({})),
        ("/spec/steps", serde_json::json!([])),
        ("/spec/steps/0/audience/0", serde_json::json!({})),
        ("/spec/steps/0/audience/0", serde_json::json!({ "percnt": 5 })),
        ("/spec/steps/0/audience/0/percent", serde_json::json!(101)),
        ("/spec/steps/0/audience/0/percent", serde_json::json!(null)),
        ("/spec/steps/0/audience/0/percent", serde_json::json!("5%")),
        ("/spec/checks/0", serde_json::json!({ "metric": "http.errors" })),
        ("/spec/checks/0", serde_json::json!({ "metric": "http.errors", "max": "5%", "compare": "stable" })),
        ("/spec/checks/0", serde_json::json!({ "metric": "http.errors", "max": "5%", "tolerate": "5%" })),
        ("/spec/checks/0/max", serde_json::json!("5 percent")),
        ("/spec/steps/0", serde_json::json!({ "name": "a" })),
        ("/spec/steps/0", serde_json::json!({ "name": "a", "audience": [], "watch": {} })),
        ("/spec/steps/0", serde_json::json!({ "name": "a", "watch": {}, "hold": {} })),
        ("/spec/steps/0", serde_json::json!({ "name": "a", "watch": {}, "exclude": ["b"] })),
        ("/spec/steps/0", serde_json::json!({ "name": "a", "ramp": { "from": 1, "to": 5 } })),
        (
            "/spec/steps/0",
            serde_json::json!({ "name": "a", "ramp": { "through": [1], "every": "1m", "to": 5 } }),
        ),
        ("/spec/steps/0", serde_json::json!({ "name": "a", "approval": { "roles": [] } })),
        ("/spec/steps/0", serde_json::json!({ "name": "a", "webhook": { "url": "ftp://x" } })),
        ("/spec/onFail", serde_json::json!("redeploy")),
        ("/spec/onFail", serde_json::json!({ "rollbackGradually": {} })),
        (
            "/spec/onFail",
            serde_json::json!({ "rebalance": { "step": "a" }, "redeploy": { "url": "http://x" } }),
        ),
    ] {
        let mut bad = good.clone();
        *bad.pointer_mut(pointer).unwrap() = value.clone();
        assert!(!validator.is_valid(&bad), "the schema takes {pointer} = {value}");
        assert!(parse_json(&bad).is_err(), "the decoder takes {pointer} = {value}");
    }
}

#[test]
fn what_is_answered_is_taken_back_by_schema_and_decoder() {
    for (path, document) in documents() {
        let answered = serde_json::to_value(&document).unwrap();
        assert!(validator(&schema(document.spec.kind())).is_valid(&answered), "{path}: {answered:#}");
        assert_eq!(parse_json(&answered).unwrap(), document, "{path}");
    }
}

fn validator(schema: &Value) -> jsonschema::Validator {
    jsonschema::draft202012::new(schema).unwrap_or_else(|error| panic!("{}: {error}", schema["title"]))
}

/// YAML as plain JSON, as an editor would look at it.
fn as_written(text: &str) -> Vec<Value> {
    use saphyr::{LoadableYamlNode, Yaml};
    fn json(yaml: &Yaml<'_>) -> Value {
        match yaml {
            Yaml::Sequence(items) => items.iter().map(json).collect(),
            Yaml::Mapping(fields) => Value::Object(
                fields.iter().map(|(key, value)| (key.as_str().unwrap().to_owned(), json(value))).collect(),
            ),
            other => match (other.as_bool(), other.as_integer(), other.as_floating_point(), other.as_str()) {
                (Some(truth), ..) => truth.into(),
                (_, Some(whole), ..) => whole.into(),
                (_, _, Some(real), _) => real.into(),
                (.., Some(text)) => text.into(),
                _ => Value::Null,
            },
        }
    }
    Yaml::load_from_str(text).unwrap().iter().map(json).collect()
}
