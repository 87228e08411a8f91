//! The JSON Schemas of documents, for editors and other tools.

use std::sync::Arc;

use axum::extract::Path;
use serde_json::Value;
use sluice_core::document::{Kind, any_schema, schema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::{AnyProblems, ApiError, Code, GetProblems};
use crate::state::State;

/// Hands out the JSON Schema of documents of any kind
///
/// For editors: it tells kinds apart by `kind`.
#[utoipa::path(
    get, path = "/api/v1/schemas", tag = "operations", operation_id = "getSchemas",
    responses((status = 200, description = "A JSON Schema (draft 2020-12)", body = Object), AnyProblems)
)]
async fn any() -> axum::Json<Value> {
    axum::Json(any_schema())
}

/// Hands out the JSON Schema of documents of one kind
#[utoipa::path(
    get, path = "/api/v1/schemas/{kind}", tag = "operations", operation_id = "getSchema",
    params(("kind" = Kind, Path, description = "The kind, as documents write it")),
    responses((status = 200, description = "A JSON Schema (draft 2020-12)", body = Object), GetProblems)
)]
async fn one(Path(kind): Path<String>) -> Result<axum::Json<Value>, ApiError> {
    let known = Kind::ALL.into_iter().find(|known| known.as_str() == kind);
    known.map(|kind| axum::Json(schema(kind))).ok_or_else(|| {
        let kinds = Kind::ALL.map(Kind::as_str).join(", ");
        ApiError::new(Code::NotFound, format!("there is no kind {kind}"))
            .hint(format!("the kinds are {kinds}"))
    })
}

pub(super) fn routes() -> OpenApiRouter<Arc<State>> {
    OpenApiRouter::new().routes(routes!(any)).routes(routes!(one))
}
