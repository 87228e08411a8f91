//! What a client is told when a request is not answered: one type, one table of codes, one form of body.

mod code;
mod documented;
mod reference;

use std::error::Error as StdError;

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use sluice_core::document::{Problem, Problems};
use sluice_engine::Error as EngineError;
use sluice_engine::port::store;
use utoipa::ToSchema;

pub use code::Code;
pub(crate) use documented::{
    ActProblems, AnnounceProblems, AnyProblems, ApplyProblems, DeleteProblems, ForecastProblems, GetProblems,
    HandOnProblems, LintProblems, PreviewProblems, PutProblems, QuestionProblems, ReleaseProblems,
    WithdrawProblems,
};
pub use reference::reference;

/// The media type of RFC 9457.
pub(crate) const PROBLEM_JSON: &str = "application/problem+json";

/// Why a request is not answered. What the client sees and what only the log sees are kept apart.
#[derive(Debug)]
pub(crate) struct ApiError {
    code: Code,
    detail: String,
    hint: Option<String>,
    problems: Vec<Problem>,
    /// For the log alone: it may name files and queries.
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// The body of every answer that is not a success (RFC 9457).
#[derive(Serialize, ToSchema)]
pub(crate) struct ProblemDetails {
    /// Tells this kind of problem from all others.
    #[schema(example = "https://sluice.dev/errors/not-found")]
    r#type: String,
    /// What happened, the same every time.
    #[schema(example = "There is no such thing")]
    title: &'static str,
    /// The HTTP status.
    #[schema(example = 404)]
    status: u16,
    /// To decide by.
    code: Code,
    /// What happened this time, with the names in it.
    #[schema(example = "there is no Service chekcout in production")]
    detail: String,
    /// How to mend it, when that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "did you mean `checkout`?")]
    hint: Option<String>,
    /// Everything that is wrong with the documents that were sent.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    problems: Vec<Problem>,
}

impl ApiError {
    pub(crate) fn new(code: Code, detail: impl Into<String>) -> ApiError {
        ApiError { code, detail: detail.into(), hint: None, problems: Vec::new(), source: None }
    }

    #[cfg(test)]
    pub(crate) fn code(&self) -> Code {
        self.code
    }

    pub(crate) fn bad_request(detail: impl Into<String>) -> ApiError {
        ApiError::new(Code::BadRequest, detail)
    }

    /// For bugs and damage: the client learns that it happened, the log learns why.
    pub(crate) fn internal(source: impl Into<Box<dyn StdError + Send + Sync>>) -> ApiError {
        let detail = "something broke inside; the server's log has the cause";
        ApiError { source: Some(source.into()), ..ApiError::new(Code::Internal, detail) }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> ApiError {
        self.hint = Some(hint.into());
        self
    }

    pub(crate) fn caused_by(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> ApiError {
        self.source = Some(source.into());
        self
    }
}

impl From<Problems> for ApiError {
    fn from(problems: Problems) -> ApiError {
        let problems = problems.into_vec();
        let detail = match problems.as_slice() {
            [only] => only.to_string().lines().next().unwrap_or_default().to_owned(),
            many => format!("{} problems were found; nothing was changed", many.len()),
        };
        ApiError { problems, ..ApiError::new(Code::InvalidDocument, detail) }
    }
}

impl From<EngineError> for ApiError {
    fn from(error: EngineError) -> ApiError {
        let detail = error.to_string();
        match error {
            EngineError::NotFound { did_you_mean, .. } => ApiError {
                hint: did_you_mean.map(|name| format!("did you mean `{name}`?")),
                ..ApiError::new(Code::NotFound, detail)
            },
            EngineError::NotNoted { .. } => ApiError::new(Code::NotFound, detail),
            EngineError::Invalid(problems) => problems.into(),
            EngineError::Conflict { found, .. } => ApiError::new(Code::Conflict, detail).hint(match found {
                Some(version) => format!("it is at resource version {version} now; read it again"),
                None => "it does not exist; create it with `If-None-Match: *`".to_owned(),
            }),
            EngineError::InUse { .. } => {
                ApiError::new(Code::InUse, detail).hint("change or delete those first")
            }
            EngineError::BuiltIn { .. } => ApiError::new(Code::BuiltIn, detail),
            EngineError::ReleaseRefused { hint, .. } => {
                ApiError { hint, ..ApiError::new(Code::ReleaseRefused, detail) }
            }
            EngineError::AnnouncementRefused { hint, .. } => {
                ApiError { hint, ..ApiError::new(Code::AnnouncementRefused, detail) }
            }
            EngineError::VerbRefused { .. } => ApiError::new(Code::VerbRefused, detail),
            EngineError::IdempotencyMismatch { .. } => ApiError::new(Code::IdempotencyMismatch, detail),
            EngineError::NotRecorded { source, .. } => {
                ApiError::new(Code::NotRecorded, detail).caused_by(source)
            }
            EngineError::Store(store) => from_store(store),
            EngineError::Stopping => ApiError::new(Code::Unavailable, detail),
        }
    }
}

fn from_store(error: store::Error) -> ApiError {
    let detail = error.to_string();
    match error {
        store::Error::Conflict { .. } => ApiError::new(Code::Conflict, detail),
        store::Error::Full { .. } => ApiError::new(Code::DiskFull, detail),
        store::Error::Cursor { .. } => ApiError::new(Code::BadRequest, detail),
        store::Error::Unavailable { .. } => {
            ApiError::new(Code::Unavailable, "the store is not available").caused_by(error)
        }
        store::Error::Corrupt { .. } => ApiError::internal(error),
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let ApiError { code, detail, hint, problems, source } = self;
        if let Some(source) = source {
            // The one place where causes are logged.
            tracing::error!(error.code = code.as_str(), error.cause = %chain(source.as_ref()), "{detail}");
        }
        let status = code.status();
        let body = ProblemDetails {
            r#type: code.type_uri(),
            title: code.title(),
            status: status.as_u16(),
            code,
            detail,
            hint,
            problems,
        };
        let mut response = (status, axum::Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

/// An error with all its causes, in one line.
fn chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
