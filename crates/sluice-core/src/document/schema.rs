//! JSON Schemas of the documents, for editors and for whoever wants to check a file without Sluice.
//!
//! They are made of the same types that OpenAPI shows, and of what the decoder asks for: a schema of what is *written*
//! requires less than one of what is *answered*, where defaults are filled in.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::decode::fields_of;
use super::environment::PolicyBinding;
use super::metric::{
    AlertSource, JsonSource, MetricSource, OtlpSource, PrometheusSource, ReadSpec, SqlSource, VendorSource,
};
use super::policy::{
    Approval, AudienceRule, CheckSpec, Gradually, Hold, Hook, OnInconclusive, PointOfNoReturn, Ramp,
    Rebalance, RiskBudget, ShadowSpec, StepSpec, VersionGate, WebhookGate,
};
use super::release::ServiceVersion;
use super::service::{
    Build, ClientCertificate, EndpointTls, HeaderChanges, HealthSpec, LimitSpec, OutlierSpec, Redirect,
    RetrySpec, Rewrite, RouteSpec, RouteTimeouts, TimeoutSpec, VersionSpec,
};
use super::{
    API_VERSION, EnvironmentSpec, Kind, Metadata, MetricSpec, PolicySpec, ReleaseSpec, SegmentSpec,
    ServiceSpec,
};
use crate::calendar::Freeze;

const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// The JSON Schema (draft 2020-12) of one kind of documents.
pub fn schema(kind: Kind) -> Value {
    let mut definitions = definitions(kind);
    if !kind.has_environment()
        && let Some(Value::Object(metadata)) = definitions.get_mut("Metadata")
        && let Some(Value::Object(properties)) = metadata.get_mut("properties")
    {
        properties.remove("environment");
    }
    let mut schema = document(kind, "");
    schema.insert("$schema".to_owned(), json!(DIALECT));
    schema.insert("title".to_owned(), json!(format!("Sluice {kind}")));
    schema.insert("$defs".to_owned(), Value::Object(definitions));
    Value::Object(schema)
}

/// The JSON Schema (draft 2020-12) of a document of any kind.
pub fn any_schema() -> Value {
    let mut definitions = Map::new();
    let mut choices = Vec::new();
    for kind in Kind::ALL {
        let Value::Object(mut schema) = schema(kind) else { continue };
        let Some(Value::Object(mut own)) = schema.remove("$defs") else { continue };
        // The one definition that differs between kinds.
        if !kind.has_environment()
            && let Some(metadata) = own.remove("Metadata")
        {
            own.insert("MetadataEverywhere".to_owned(), metadata);
        }
        definitions.extend(own);
        let metadata = if kind.has_environment() { "" } else { "Everywhere" };
        definitions.insert(kind.as_str().to_owned(), Value::Object(document(kind, metadata)));
        choices.push(json!({
            "if": { "properties": { "kind": { "const": kind.as_str() } } },
            "then": { "$ref": format!("#/$defs/{kind}") },
        }));
    }
    let kinds: Vec<&str> = Kind::ALL.map(Kind::as_str).to_vec();
    json!({
        "$schema": DIALECT,
        "title": "Sluice document",
        "type": "object",
        "required": ["kind"],
        "properties": { "kind": { "enum": kinds } },
        "allOf": choices,
        "$defs": sorted(definitions),
    })
}

/// The outer object of a document.
fn document(kind: Kind, metadata: &str) -> Map<String, Value> {
    let spec = format!("#/$defs/{}", spec_name(kind));
    let required: &[&str] =
        if kind == Kind::Environment { &["kind", "metadata"] } else { &["kind", "metadata", "spec"] };
    let schema = json!({
        "type": "object",
        "required": required,
        "properties": {
            "apiVersion": { "const": API_VERSION, "description": "The version of the format; may be left out." },
            "kind": { "const": kind.as_str() },
            "metadata": { "$ref": format!("#/$defs/Metadata{metadata}") },
            "spec": { "$ref": spec },
            "status": { "readOnly": true, "description": "What Sluice says of it; passed over when it is given." },
        },
        "additionalProperties": false,
    });
    let Value::Object(schema) = schema else { unreachable!("an object was written above") };
    schema
}

fn spec_name(kind: Kind) -> String {
    format!("{kind}Spec")
}

/// All that a kind's schema refers to, by name.
fn definitions(kind: Kind) -> Map<String, Value> {
    let mut schemas: Vec<(String, RefOr<Schema>)> = Vec::new();
    let spec = match kind {
        Kind::Service => collect::<ServiceSpec>(&mut schemas),
        Kind::Segment => collect::<SegmentSpec>(&mut schemas),
        Kind::Metric => collect::<MetricSpec>(&mut schemas),
        Kind::Policy => collect::<PolicySpec>(&mut schemas),
        Kind::Environment => collect::<EnvironmentSpec>(&mut schemas),
        Kind::Release => collect::<ReleaseSpec>(&mut schemas),
    };
    schemas.push((spec_name(kind), spec));
    let metadata = collect::<Metadata>(&mut schemas);
    schemas.push(("Metadata".to_owned(), metadata));
    let required = required_fields();
    let definitions = schemas
        .into_iter()
        .map(|(name, schema)| {
            let mut schema = serde_json::to_value(schema).expect("a schema is made of plain values");
            rewrite(&mut schema);
            between_fields(&name, required.get(name.as_str()), &mut schema);
            (name, schema)
        })
        .collect();
    sorted(definitions)
}

fn collect<T: ToSchema + PartialSchema>(schemas: &mut Vec<(String, RefOr<Schema>)>) -> RefOr<Schema> {
    T::schemas(schemas);
    T::schema()
}

fn sorted(map: Map<String, Value>) -> Map<String, Value> {
    map.into_iter().collect::<BTreeMap<_, _>>().into_iter().collect()
}

/// Which fields an object may have, and which it must have.
type Asked = (Vec<&'static str>, Vec<String>);

/// Which fields the decoder asks for, by the name of the object's schema.
fn asked_fields() -> BTreeMap<&'static str, Asked> {
    BTreeMap::from([
        ("Metadata", fields_of::<Metadata>()),
        ("ServiceSpec", fields_of::<ServiceSpec>()),
        ("RouteSpec", fields_of::<RouteSpec>()),
        ("Redirect", fields_of::<Redirect>()),
        ("Rewrite", fields_of::<Rewrite>()),
        ("HeaderChanges", fields_of::<HeaderChanges>()),
        ("RouteTimeouts", fields_of::<RouteTimeouts>()),
        ("RetrySpec", fields_of::<RetrySpec>()),
        ("LimitSpec", fields_of::<LimitSpec>()),
        ("OutlierSpec", fields_of::<OutlierSpec>()),
        ("HealthSpec", fields_of::<HealthSpec>()),
        ("TimeoutSpec", fields_of::<TimeoutSpec>()),
        ("EndpointTls", fields_of::<EndpointTls>()),
        ("ClientCertificate", fields_of::<ClientCertificate>()),
        ("VersionSpec", fields_of::<VersionSpec>()),
        ("Build", fields_of::<Build>()),
        ("SegmentSpec", fields_of::<SegmentSpec>()),
        ("MetricSpec", fields_of::<MetricSpec>()),
        ("MetricSource", fields_of::<MetricSource>()),
        ("ReadSpec", fields_of::<ReadSpec>()),
        ("PrometheusSource", fields_of::<PrometheusSource>()),
        ("OtlpSource", fields_of::<OtlpSource>()),
        ("SqlSource", fields_of::<SqlSource>()),
        ("JsonSource", fields_of::<JsonSource>()),
        ("AlertSource", fields_of::<AlertSource>()),
        ("VendorSource", fields_of::<VendorSource>()),
        ("PolicySpec", fields_of::<PolicySpec>()),
        ("StepSpec", fields_of::<StepSpec>()),
        ("AudienceRule", fields_of::<AudienceRule>()),
        ("RampFields", fields_of::<Ramp>()),
        ("RiskBudget", fields_of::<RiskBudget>()),
        ("ShadowSpec", fields_of::<ShadowSpec>()),
        ("Approval", fields_of::<Approval>()),
        ("WebhookGate", fields_of::<WebhookGate>()),
        ("VersionGate", fields_of::<VersionGate>()),
        ("PointOfNoReturn", fields_of::<PointOfNoReturn>()),
        ("Hook", fields_of::<Hook>()),
        ("Gradually", fields_of::<Gradually>()),
        ("Rebalance", fields_of::<Rebalance>()),
        ("Hold", fields_of::<Hold>()),
        ("CheckSpec", fields_of::<CheckSpec>()),
        ("OnInconclusive", fields_of::<OnInconclusive>()),
        ("EnvironmentSpec", fields_of::<EnvironmentSpec>()),
        ("PolicyBinding", fields_of::<PolicyBinding>()),
        ("Freeze", fields_of::<Freeze>()),
        ("ReleaseSpec", fields_of::<ReleaseSpec>()),
        ("ServiceVersion", fields_of::<ServiceVersion>()),
    ])
}

fn required_fields() -> BTreeMap<&'static str, Vec<String>> {
    asked_fields().into_iter().map(|(name, (_, required))| (name, required)).collect()
}

/// What a step can do, by the field that says so.
const STEP_WORKS: [&str; 8] =
    ["audience", "ramp", "shadow", "watch", "approval", "webhook", "waitFor", "pointOfNoReturn"];

/// The three forms of a ramp.
fn ways_to_grow() -> Value {
    json!([
        {
            "required": ["from", "to", "over"],
            "properties": { "through": false, "every": false, "requests": false, "riskBudget": false },
        },
        {
            "required": ["through", "every"],
            "properties": { "from": false, "to": false, "over": false, "riskBudget": false },
        },
        {
            "required": ["to", "riskBudget"],
            "properties": { "from": false, "over": false, "through": false, "every": false, "requests": false },
        },
    ])
}

/// Exactly one of these fields, each without its strangers.
fn one_of(names: &[&str], strangers: impl Fn(&str) -> Vec<&'static str>) -> Value {
    names
        .iter()
        .map(|name| {
            let without: Map<String, Value> =
                strangers(name).into_iter().map(|stranger| (stranger.to_owned(), json!(false))).collect();
            json!({ "required": [name], "properties": without })
        })
        .collect()
}

/// What must be there, and what cannot stand beside what.
fn between_fields(name: &str, required: Option<&Vec<String>>, schema: &mut Value) {
    let Value::Object(schema) = schema else { return };
    if let Some(required) = required {
        schema.remove("required");
        if !required.is_empty() {
            schema.insert("required".to_owned(), json!(required));
        }
    }
    match name {
        "AudienceRule" => {
            schema.insert("minProperties".to_owned(), json!(1));
        }
        "CheckSpec" => {
            let ways = json!([
                {
                    "required": ["compare"],
                    "properties": { "max": false, "min": false, "window": false, "sample": false },
                },
                {
                    "anyOf": [{ "required": ["max"] }, { "required": ["min"] }],
                    "properties": { "compare": false, "tolerate": false, "confidence": false },
                },
            ]);
            schema.insert("oneOf".to_owned(), ways);
        }
        "StepSpec" => {
            schema.insert(
                "oneOf".to_owned(),
                one_of(&STEP_WORKS, |work| {
                    let mut strangers = Vec::new();
                    if !matches!(work, "audience" | "ramp" | "shadow") {
                        strangers.push("hold");
                    }
                    if !matches!(work, "audience" | "ramp") {
                        strangers.push("exclude");
                    }
                    strangers
                }),
            );
        }
        "RampFields" => {
            schema.insert("oneOf".to_owned(), ways_to_grow());
        }
        "Metadata" => {
            for name in ["resourceVersion", "createdAt", "updatedAt"] {
                if let Some(Value::Object(field)) =
                    schema.get_mut("properties").and_then(|all| all.get_mut(name))
                {
                    field.insert("readOnly".to_owned(), json!(true));
                }
            }
        }
        _ => {}
    }
}

/// From OpenAPI's dialect to plain JSON Schema, and from what is answered to what may be written.
fn rewrite(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(rewrite),
        Value::Object(object) => {
            object.values_mut().for_each(rewrite);
            rewrite_object(object);
        }
        _ => {}
    }
}

fn rewrite_object(object: &mut Map<String, Value>) {
    if let Some(Value::String(reference)) = object.get_mut("$ref") {
        *reference = reference.replace("#/components/schemas/", "#/$defs/");
    }
    // Formats of OpenAPI that say how wide a number is; `date-time` stays.
    if object.get("format").is_some_and(|format| format != "date-time") {
        object.remove("format");
    }
    if let Some(example) = object.remove("example") {
        object.insert("examples".to_owned(), json!([example]));
    }
    if let Some(Value::String(description)) = object.get_mut("description") {
        *description = description.replace('\n', " ");
    }
    // A field that says nothing is left out, not written as null.
    if let Some(Value::Array(types)) = object.get("type") {
        let types: Vec<Value> = types.iter().filter(|kind| *kind != "null").cloned().collect();
        let single = if let [only] = types.as_slice() { only.clone() } else { Value::Array(types) };
        object.insert("type".to_owned(), single);
    }
    if let Some(Value::Array(choices)) = object.get_mut("oneOf") {
        choices.retain(|choice| choice.get("type").is_none_or(|kind| kind != "null"));
        if let [Value::Object(only)] = choices.as_slice() {
            let only = only.clone();
            object.remove("oneOf");
            for (key, value) in only {
                object.entry(key).or_insert(value);
            }
        }
    }
    let has_fields =
        object.get("type").is_some_and(|kind| kind == "object") && object.contains_key("properties");
    if has_fields {
        object.entry("additionalProperties").or_insert(json!(false));
    }
    object.remove("propertyNames");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::metric::GatewayMetric;
    use crate::document::policy::{Mitigation, SecretSource};
    use crate::document::service::{AttributeSource, UnitSource};

    /// The fields that a definition shows; those of all its forms, where it has several.
    fn shown(definition: &Value) -> Vec<&str> {
        let forms: Vec<&Value> = match definition["oneOf"].as_array() {
            Some(forms) if definition["properties"].is_null() => forms.iter().collect(),
            _ => vec![definition],
        };
        let objects =
            forms.into_iter().filter(|form| form["type"] == "object" && form["properties"].is_object());
        let mut shown = Vec::new();
        for object in objects {
            assert_eq!(object["additionalProperties"], json!(false), "{definition}");
            shown.extend(object["properties"].as_object().unwrap().keys().map(String::as_str));
        }
        shown.sort_unstable();
        shown
    }

    #[test]
    fn schemas_and_the_decoder_know_the_same_fields() {
        let mut asked: BTreeMap<&str, Vec<&str>> =
            asked_fields().into_iter().map(|(name, (known, _))| (name, known)).collect();
        asked.insert("UnitSource", fields_of::<UnitSource>().0);
        asked.insert("AttributeSource", fields_of::<AttributeSource>().0);
        asked.insert("GatewayMetric", fields_of::<GatewayMetric>().0);
        asked.insert("Mitigation", fields_of::<Mitigation>().0);
        asked.insert("SecretSource", fields_of::<SecretSource>().0);
        let mut seen = Vec::new();
        for kind in Kind::ALL {
            for (name, definition) in definitions(kind) {
                let shown = shown(&definition);
                if shown.is_empty() {
                    continue;
                }
                let known = asked.get_mut(name.as_str()).unwrap_or_else(|| panic!("nobody reads {name}"));
                known.sort_unstable();
                assert_eq!(shown, *known, "{name}");
                seen.push(name);
            }
        }
        for name in asked.keys() {
            assert!(seen.iter().any(|seen| seen == name), "no schema shows {name}");
        }
    }

    #[test]
    fn every_reference_leads_somewhere() {
        fn references(value: &Value, found: &mut Vec<String>) {
            match value {
                Value::Object(object) => {
                    found.extend(object.get("$ref").and_then(Value::as_str).map(str::to_owned));
                    object.values().for_each(|value| references(value, found));
                }
                Value::Array(items) => items.iter().for_each(|value| references(value, found)),
                _ => {}
            }
        }
        for schema in Kind::ALL.map(schema).into_iter().chain([any_schema()]) {
            let mut found = Vec::new();
            references(&schema, &mut found);
            assert!(!found.is_empty());
            for reference in found {
                let pointer = reference.trim_start_matches('#');
                assert!(schema.pointer(pointer).is_some(), "{reference} in {}", schema["title"]);
            }
        }
    }
}
