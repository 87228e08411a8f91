//! Which state of a document a request is about: `If-Match` and `If-None-Match` (RFC 9110, section 13).

use axum::extract::FromRequestParts;
use http::request::Parts;
use http::{HeaderMap, HeaderName, header};
use sluice_engine::resource::ApplyMode;

use crate::error::{ApiError, Code};

/// What a PUT says it replaces: `If-Match: "7"` or `If-None-Match: *`. One of them is required.
pub(crate) struct Precondition(pub(crate) ApplyMode);

/// What a DELETE or a verb may say it is about: `If-Match: "7"`; `*` stands for any state.
pub(crate) struct IfMatch(pub(crate) Option<u64>);

/// What a header of these holds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tag {
    Any,
    Version(u64),
}

impl<S> FromRequestParts<S> for Precondition
where
    S: Send + Sync,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let matches = tag(&parts.headers, &header::IF_MATCH)?;
        let none_matches = tag(&parts.headers, &header::IF_NONE_MATCH)?;
        match (matches, none_matches) {
            (Some(Tag::Version(version)), None) => Ok(Precondition(ApplyMode::IfVersion(version))),
            (None, Some(Tag::Any)) => Ok(Precondition(ApplyMode::IfAbsent)),
            (None, None) => Err(ApiError::new(Code::PreconditionRequired, "a PUT must say what it replaces")
                .hint(
                    "send `If-Match` with the `ETag` that you read, or `If-None-Match: *` for a new document",
                )),
            (Some(_), Some(_)) => {
                Err(ApiError::bad_request("send either `If-Match` or `If-None-Match`, not both"))
            }
            (Some(Tag::Any), None) => Err(ApiError::bad_request(
                "with PUT, `If-Match` names one state: send the `ETag` that you read",
            )),
            (None, Some(Tag::Version(_))) => {
                Err(ApiError::bad_request("with PUT, `If-None-Match` can only be `*`"))
            }
        }
    }
}

impl<S> FromRequestParts<S> for IfMatch
where
    S: Send + Sync,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        Ok(IfMatch(match tag(&parts.headers, &header::IF_MATCH)? {
            Some(Tag::Version(version)) => Some(version),
            Some(Tag::Any) | None => None,
        }))
    }
}

/// Whether the client says, by `If-None-Match`, that it has this state already. A header that cannot be read says
/// nothing.
pub(crate) fn is_unchanged(headers: &HeaderMap, etag: &str) -> bool {
    headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|tag| tag.trim().trim_start_matches("W/"))
        .any(|tag| tag == "*" || tag == etag)
}

fn tag(headers: &HeaderMap, name: &HeaderName) -> Result<Option<Tag>, ApiError> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    let text = value.to_str().unwrap_or_default().trim();
    let version = || text.strip_prefix('"')?.strip_suffix('"')?.parse().ok();
    let tag = if text == "*" { Some(Tag::Any) } else { version().map(Tag::Version) };
    if tag.is_none() || values.next().is_some() {
        return Err(ApiError::bad_request(format!(
            "the header `{name}` holds one resource version in quotes, as \"7\", or `*`"
        )));
    }
    Ok(tag)
}
