//! What the body of a successful answer says.

use http::header::{CONTENT_TYPE, HeaderMap};
use serde::Deserialize;
use serde_json::Value;
use sluice_core::release::HookAnswer;

use crate::plain::plain;

/// A reason is a sentence or two; more belongs where the receiver keeps its reports.
const REASON_CHARS_MAX: usize = 300;
/// Enough to recognise a word that is none of the three.
const WORD_CHARS_MAX: usize = 40;

/// A field that stands there twice is refused by what `derive` makes: nobody could say which one counts.
#[derive(Deserialize)]
struct Reply {
    verdict: Option<Value>,
    reason: Option<Value>,
}

/// Reads a verdict, or says what is there instead.
pub(super) fn read(headers: &HeaderMap, body: &[u8]) -> HookAnswer {
    read_verdict(headers, body).unwrap_or_else(|instead| HookAnswer::Taken { instead })
}

fn read_verdict(headers: &HeaderMap, body: &[u8]) -> Result<HookAnswer, String> {
    let body = body.trim_ascii();
    if body.is_empty() {
        return Err("an empty body".to_owned());
    }
    match serde_json::from_slice(body) {
        Ok(Value::Object(_)) => {}
        Ok(other) => return Err(format!("{} instead of a JSON object", name(&other))),
        Err(_) => return Err(name_of_no_json(headers, body).to_owned()),
    }
    let Ok(reply) = serde_json::from_slice::<Reply>(body) else {
        return Err("JSON that has `verdict` or `reason` twice".to_owned());
    };
    let reason =
        reply.reason.as_ref().and_then(Value::as_str).and_then(|reason| plain(reason, REASON_CHARS_MAX));
    match reply.verdict {
        None | Some(Value::Null) => Err("JSON without `verdict`".to_owned()),
        Some(Value::String(verdict)) => match verdict.as_str() {
            "pass" => Ok(HookAnswer::Pass(reason)),
            "fail" => Ok(HookAnswer::Fail(reason)),
            "wait" => Ok(HookAnswer::Wait(reason)),
            other => Err(format!("the verdict `{}`", plain(other, WORD_CHARS_MAX).unwrap_or_default())),
        },
        Some(other) => Err(format!("a `verdict` that is {}", name(&other))),
    }
}

fn name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a JSON string",
        Value::Array(_) => "a JSON array",
        Value::Object(_) => "a JSON object",
    }
}

fn name_of_no_json(headers: &HeaderMap, body: &[u8]) -> &'static str {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let begins =
        |with: &str| body.get(..with.len()).is_some_and(|start| start.eq_ignore_ascii_case(with.as_bytes()));
    if kind.to_ascii_lowercase().starts_with("text/html") || begins("<!doctype html") || begins("<html") {
        "HTML"
    } else if std::str::from_utf8(body).is_ok() {
        "text that is no JSON"
    } else {
        "bytes that are no text"
    }
}
