//! Who asks, and under which key the answer is remembered.

use axum::extract::FromRequestParts;
use http::HeaderMap;
use http::request::Parts;
use sluice_engine::Caller;

use crate::error::ApiError;

/// Says who acts, until sign-in exists.
pub(crate) const ACTOR_HEADER: &str = "x-sluice-actor";

/// Chosen by the client: the same request under the same key does nothing a second time.
pub(crate) const IDEMPOTENCY_HEADER: &str = "idempotency-key";

/// Who acts when the client does not say.
const ACTOR_UNNAMED: &str = "local";

/// Both headers end up in the log for good, so that they are kept short.
const HEADER_BYTES_MAX: usize = 128;

/// As long as a paragraph: a reason is read in a list of events.
const REASON_CHARS_MAX: usize = 1000;

/// Who asks, as far as the headers say.
pub(crate) struct CallerHeaders {
    actor: String,
    idempotency_key: Option<String>,
}

impl CallerHeaders {
    /// With the reason, which comes in the body.
    pub(crate) fn because(self, reason: Option<String>) -> Result<Caller, ApiError> {
        let reason = words("reason", reason)?.filter(|reason| !reason.is_empty());
        Ok(Caller { actor: self.actor, reason, idempotency_key: self.idempotency_key })
    }

    /// Without a reason.
    pub(crate) fn unexplained(self) -> Caller {
        Caller { actor: self.actor, reason: None, idempotency_key: self.idempotency_key }
    }
}

/// Why something goes ahead in spite of what speaks against it, from the field `override` of a body. Whoever sends it
/// has to say something.
pub(crate) fn override_reason(given: Option<String>) -> Result<Option<String>, ApiError> {
    let reason = words("override", given)?;
    if reason.as_ref().is_some_and(String::is_empty) {
        return Err(ApiError::bad_request(
            "`override` is empty; it says why the release goes ahead, and is logged",
        ));
    }
    Ok(reason)
}

/// What a person says in a field of a body, without white space around it.
fn words(field: &str, given: Option<String>) -> Result<Option<String>, ApiError> {
    if given.as_ref().is_some_and(|words| words.chars().count() > REASON_CHARS_MAX) {
        return Err(ApiError::bad_request(format!("`{field}` is longer than {REASON_CHARS_MAX} characters")));
    }
    Ok(given.map(|words| words.trim().to_owned()))
}

impl<S> FromRequestParts<S> for CallerHeaders
where
    S: Send + Sync,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        Ok(CallerHeaders {
            actor: text(&parts.headers, ACTOR_HEADER)?.unwrap_or_else(|| ACTOR_UNNAMED.to_owned()),
            idempotency_key: text(&parts.headers, IDEMPOTENCY_HEADER)?,
        })
    }
}

/// A header's value as text: 1 to 128 bytes, without control characters.
fn text(headers: &HeaderMap, name: &str) -> Result<Option<String>, ApiError> {
    let Some(value) = headers.get(name) else {
        return Ok(None);
    };
    let wrong = |why: &str| ApiError::bad_request(format!("the header `{name}` {why}"));
    let text = std::str::from_utf8(value.as_bytes()).map_err(|_| wrong("is not text"))?.trim();
    if text.chars().any(char::is_control) {
        return Err(wrong("holds control characters"));
    }
    match text.len() {
        0 => Err(wrong("is empty")),
        1..=HEADER_BYTES_MAX => Ok(Some(text.to_owned())),
        _ => Err(wrong("is longer than 128 bytes")),
    }
}
