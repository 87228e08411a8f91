//! What must hold of any bytes that come from outside: a module for each thing that reads them.
//!
//! `make fuzz` lets libFuzzer look for bytes of which something does not hold. The tests of the crate `sluice` try it
//! with the seeds and with small changes of them. Whatever does not hold panics.

pub mod alerts;
pub mod announced;
pub mod conditions;
pub mod documents;
pub mod events;
pub mod hook_answers;
pub mod measured;
pub mod otlp_json;
pub mod otlp_protobuf;
pub mod prometheus_answers;
pub mod requests;
pub mod tokens;

/// Panics when something does not hold of the bytes.
pub type Hold = fn(&[u8]);

/// Every module, by the name of its target and of its folder of seeds.
pub const ALL: [(&str, Hold); 12] = [
    ("alerts", alerts::hold),
    ("announced", announced::hold),
    ("conditions", conditions::hold),
    ("documents", documents::hold),
    ("events", events::hold),
    ("hook_answers", hook_answers::hold),
    ("measured", measured::hold),
    ("otlp_json", otlp_json::hold),
    ("otlp_protobuf", otlp_protobuf::hold),
    ("prometheus_answers", prometheus_answers::hold),
    ("requests", requests::hold),
    ("tokens", tokens::hold),
];
