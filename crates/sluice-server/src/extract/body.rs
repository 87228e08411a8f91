//! Bodies: whole, of a bounded size, in bounded time, and of a type that the client names.
//!
//! A body without a type is refused even where it could be guessed: browsers send bodies across sites without asking
//! only when they look like forms, and no form has one of these types.

use std::time::Duration;

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use bytes::Bytes;
use http::{HeaderMap, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::DeserializeOwned;
use serde_json::Value;
use sluice_core::document::{Document, DocumentKey, Problem, Problems, parse_json, parse_yaml};

use crate::error::{ApiError, Code};

/// The largest body: a thousand documents of a usual size.
const BODY_BYTES_MAX: usize = 1024 * 1024;

/// How long a body may take. The largest one at modem speed on a loopback address is still far below.
const BODY_TIME_MAX: Duration = Duration::from_secs(10);

/// A JSON body.
pub(crate) struct Json<T>(pub(crate) T);

/// Documents, as YAML or JSON.
pub(crate) struct Documents(pub(crate) Vec<Document>);

/// Documents, as YAML or JSON, or no body at all.
pub(crate) struct AnyDocuments(pub(crate) Vec<Document>);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    Json,
    Yaml,
}

impl<T, S> FromRequest<S> for Json<T>
where
    T: DeserializeOwned,
    S: Send + Sync,
{
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        format(request.headers(), &[Format::Json])?;
        let bytes = read(request.into_body()).await?;
        parse_value(&bytes).map(Json)
    }
}

impl<S> FromRequest<S> for Documents
where
    S: Send + Sync,
{
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        let format = format(request.headers(), &[Format::Json, Format::Yaml])?;
        let bytes = read(request.into_body()).await?;
        documents(format, &bytes).map(Documents)
    }
}

impl<S> FromRequest<S> for AnyDocuments
where
    S: Send + Sync,
{
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        let (head, body) = request.into_parts();
        let bytes = read(body).await?;
        // What is not there has no type either.
        if bytes.trim_ascii().is_empty() {
            return Ok(AnyDocuments(Vec::new()));
        }
        let format = format(&head.headers, &[Format::Json, Format::Yaml])?;
        documents(format, &bytes).map(AnyDocuments)
    }
}

fn documents(format: Format, bytes: &[u8]) -> Result<Vec<Document>, ApiError> {
    match format {
        Format::Json => from_json(bytes),
        Format::Yaml => {
            let text = std::str::from_utf8(bytes).map_err(|error| {
                ApiError::bad_request(format!(
                    "the body is not UTF-8 text, from byte {} on",
                    error.valid_up_to()
                ))
            })?;
            Ok(parse_yaml(text)?)
        }
    }
}

/// One document, or an array of them; the problems of all are reported at once.
fn from_json(bytes: &[u8]) -> Result<Vec<Document>, ApiError> {
    let items = match parse_value(bytes)? {
        Value::Array(items) => items,
        one => vec![one],
    };
    if items.is_empty() {
        return Err(ApiError::bad_request("the array of the body holds no document"));
    }
    let mut documents: Vec<Document> = Vec::with_capacity(items.len());
    let mut problems = Vec::new();
    for (index, item) in items.iter().enumerate() {
        match parse_json(item) {
            Ok(document) => match documents.iter().find(|earlier| earlier.key() == document.key()) {
                Some(earlier) => problems.push(twice(&earlier.key(), index)),
                None => documents.push(document),
            },
            Err(found) => problems.extend(found.into_vec()),
        }
    }
    match Problems::new(problems) {
        Some(problems) => Err(problems.into()),
        None => Ok(documents),
    }
}

fn twice(key: &DocumentKey, index: usize) -> Problem {
    Problem {
        code: "duplicate",
        document: Some(key.to_string()),
        path: "metadata.name".to_owned(),
        at: None,
        given: None,
        message: format!("there are two documents {key}; item {} of the array is the second", index + 1),
        accepted: None,
        hint: None,
    }
}

fn parse_value<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let place = match error.path().to_string().as_str() {
            "." => String::new(),
            path => format!(" at `{path}`"),
        };
        // The inner error's own text ends with the line and column.
        ApiError::bad_request(format!("the JSON of the body is wrong{place}: {}", error.into_inner()))
    })?;
    match reader.end() {
        Ok(()) => Ok(value),
        Err(error) => Err(ApiError::bad_request(format!("the JSON of the body is wrong: {error}"))),
    }
}

/// The format that the client names, when it is one that is read here.
fn format(headers: &HeaderMap, accepted: &[Format]) -> Result<Format, ApiError> {
    let names = match accepted {
        [Format::Json] => "application/json",
        _ => "application/json or application/yaml",
    };
    let given = headers.get(header::CONTENT_TYPE);
    let Some(given) = given else {
        let detail = format!("the request has no `Content-Type`; write {names}");
        return Err(ApiError::new(Code::UnsupportedMediaType, detail));
    };
    let text = given.to_str().unwrap_or_default();
    let essence = text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let format = match essence.as_str() {
        "application/json" => Some(Format::Json),
        "application/yaml" | "application/x-yaml" | "text/yaml" | "text/x-yaml" => Some(Format::Yaml),
        _ => None,
    };
    format.filter(|format| accepted.contains(format)).ok_or_else(|| {
        let detail = format!("bodies of the type `{essence}` are not read here; write {names}");
        ApiError::new(Code::UnsupportedMediaType, detail)
    })
}

async fn read(body: Body) -> Result<Bytes, ApiError> {
    let whole = Limited::new(body, BODY_BYTES_MAX).collect();
    match tokio::time::timeout(BODY_TIME_MAX, whole).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(ApiError::new(
            Code::PayloadTooLarge,
            format!("the body is larger than {BODY_BYTES_MAX} bytes"),
        )),
        Ok(Err(_)) => Err(ApiError::bad_request("the body broke off")),
        Err(_) => Err(ApiError::new(
            Code::RequestTimeout,
            format!("the body did not arrive within {} seconds", BODY_TIME_MAX.as_secs()),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_arrive_is_waited_for_no_longer_than_said() {
        let begun = tokio::time::Instant::now();
        let never = Body::from_stream(futures_util::stream::pending::<Result<Bytes, std::io::Error>>());
        let request =
            Request::builder().header(header::CONTENT_TYPE, "application/json").body(never).unwrap();
        let error = Json::<Value>::from_request(request, &()).await.err().unwrap();
        assert_eq!(begun.elapsed(), BODY_TIME_MAX);
        assert_eq!(error.code(), Code::RequestTimeout);
    }
}
