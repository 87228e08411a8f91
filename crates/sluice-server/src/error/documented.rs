//! The problems that an operation may answer with, for the OpenAPI document: made from the code table.

use std::collections::BTreeMap;

use utoipa::IntoResponses;
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder};

use super::{Code, PROBLEM_JSON};

/// Problems that every operation may answer with.
const ALWAYS: [Code; 4] = [Code::BadRequest, Code::ForeignOrigin, Code::Internal, Code::Unavailable];

/// Problems that every operation with a body may answer with.
const WITH_BODY: [Code; 3] = [Code::RequestTimeout, Code::PayloadTooLarge, Code::UnsupportedMediaType];

/// One response for each status; codes that share a status share it.
fn responses(codes: impl IntoIterator<Item = Code>) -> BTreeMap<String, RefOr<Response>> {
    let mut by_status: BTreeMap<u16, Vec<Code>> = BTreeMap::new();
    for code in codes {
        by_status.entry(code.status().as_u16()).or_default().push(code);
    }
    let response = |codes: &[Code]| {
        let lines: Vec<String> =
            codes.iter().map(|code| format!("`{}`: {}", code.as_str(), code.meaning())).collect();
        ResponseBuilder::new()
            .description(lines.join("\n\n"))
            .content(
                PROBLEM_JSON,
                ContentBuilder::new().schema(Some(Ref::from_schema_name("ProblemDetails"))).build(),
            )
            .build()
    };
    by_status.iter().map(|(status, codes)| (status.to_string(), RefOr::T(response(codes)))).collect()
}

/// Names a set of problems, to be listed among an operation's responses.
macro_rules! problems {
    ($($(#[$doc:meta])* $name:ident: $($set:expr),*;)*) => {$(
        $(#[$doc])*
        pub(crate) struct $name;

        impl IntoResponses for $name {
            fn responses() -> BTreeMap<String, RefOr<Response>> {
                let sets: &[&[Code]] = &[&ALWAYS, $($set),*];
                responses(sets.iter().flat_map(|set| set.iter().copied()))
            }
        }
    )*};
}

problems! {
    /// Of whatever needs nothing in particular.
    AnyProblems:;
    /// Of one document.
    GetProblems: &[Code::NotFound];
    /// Of replacing one document.
    PutProblems: &WITH_BODY,
        &[Code::BuiltIn, Code::Conflict, Code::InvalidDocument, Code::PreconditionRequired, Code::DiskFull];
    /// Of deleting one document.
    DeleteProblems: &[Code::NotFound, Code::InUse, Code::BuiltIn, Code::Conflict, Code::DiskFull];
    /// Of applying documents.
    ApplyProblems: &WITH_BODY,
        &[Code::BuiltIn, Code::ReleaseRefused, Code::Conflict, Code::InvalidDocument, Code::DiskFull];
    /// Of starting a release.
    ReleaseProblems: &WITH_BODY,
        &[Code::NotFound, Code::ReleaseRefused, Code::IdempotencyMismatch, Code::DiskFull];
    /// Of a forecast.
    ForecastProblems: &WITH_BODY, &[Code::NotFound, Code::ReleaseRefused];
    /// Of announcing a version.
    AnnounceProblems: &WITH_BODY,
        &[
            Code::NotFound,
            Code::AnnouncementRefused,
            Code::ReleaseRefused,
            Code::InvalidDocument,
            Code::IdempotencyMismatch,
            Code::DiskFull,
        ];
    /// Of withdrawing a version.
    WithdrawProblems: &[Code::NotFound, Code::AnnouncementRefused, Code::DiskFull];
    /// Of handing a version on.
    HandOnProblems: &WITH_BODY,
        &[
            Code::NotFound,
            Code::AnnouncementRefused,
            Code::ReleaseRefused,
            Code::InvalidDocument,
            Code::IdempotencyMismatch,
            Code::DiskFull,
        ];
    /// Of looking for mistakes in policies.
    LintProblems: &WITH_BODY, &[Code::NotFound, Code::InvalidDocument];
    /// Of a verb.
    ActProblems: &WITH_BODY,
        &[
            Code::NotFound,
            Code::VerbRefused,
            Code::Conflict,
            Code::IdempotencyMismatch,
            Code::NotRecorded,
            Code::DiskFull,
        ];
    /// Of a question about a request.
    QuestionProblems: &WITH_BODY;
    /// Of a preview.
    PreviewProblems: &WITH_BODY, &[Code::NotFound];
}
