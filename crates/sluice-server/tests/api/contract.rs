//! Holds answers against the OpenAPI document.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};

use http::Method;
use jsonschema::Validator;
use serde_json::{Value, json};

use crate::client::{Answer, Message};

static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
    serde_json::to_value(sluice_server::openapi()).expect("the document can be written as JSON")
});

/// Compiled schemas by their place: compiling one takes longer than using it a hundred times.
static COMPILED: LazyLock<Mutex<HashMap<String, Arc<Validator>>>> = LazyLock::new(Mutex::default);

/// The answer must be one that the operation lists, with a body of the type and form listed there. An address that is
/// no operation is not looked at.
#[track_caller]
pub(crate) fn check_answer(method: &Method, path: &str, answer: &Answer) {
    let path = path.split('?').next().unwrap_or_default();
    let Some((template, item)) = find(path) else { return };
    let Some(operation) = item.get(method.as_str().to_ascii_lowercase()) else { return };
    let status = answer.status.as_str();
    let what = format!("{method} {template} {status}");
    let Some(response) = operation["responses"].get(status) else {
        panic!("{what} is not in the OpenAPI document: {answer}");
    };
    let Some(content) = response.get("content") else {
        assert_eq!(answer.text, "", "{what} should have no body");
        return;
    };
    let essence = answer.header("content-type").split(';').next().unwrap_or_default();
    let Some(media) = content.get(essence) else {
        panic!("{what} with the type {essence} is not in the OpenAPI document");
    };
    if essence.ends_with("json") {
        assert_fits(&what, &media["schema"], &answer.json());
    }
}

/// The message must be one that the schema of the stream allows.
#[track_caller]
pub(crate) fn check_message(message: &Message) {
    let whole = json!({ "event": message.event, "data": message.data });
    assert_fits("LiveMessage", &json!({ "$ref": "#/components/schemas/LiveMessage" }), &whole);
}

/// The operations whose address this is. A literal address goes before one with a name in it.
fn find(path: &str) -> Option<(&'static str, &'static Value)> {
    let paths = DOCUMENT["paths"].as_object()?;
    let fits = |template: &str| {
        let parts: Vec<&str> = template.split('/').collect();
        let given: Vec<&str> = path.split('/').collect();
        parts.len() == given.len()
            && parts.iter().zip(&given).all(|(part, given)| part.starts_with('{') || part == given)
    };
    let found = paths.get_key_value(path).or_else(|| paths.iter().find(|(template, _)| fits(template)))?;
    Some((found.0.as_str(), found.1))
}

#[track_caller]
fn assert_fits(what: &str, schema: &Value, value: &Value) {
    let validator = {
        let mut compiled = COMPILED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let validator = compiled.entry(schema.to_string()).or_insert_with(|| {
            let mut root = schema.clone();
            root["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
            root["components"] = DOCUMENT["components"].clone();
            Arc::new(jsonschema::validator_for(&root).expect("the OpenAPI document holds good schemas"))
        });
        Arc::clone(validator)
    };
    let errors: Vec<String> =
        validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{what} does not fit its schema: {}\n{value:#}", errors.join("\n"));
}
