//! Applying documents: many at once, all of them or none.

use std::sync::Arc;

use axum::extract::State as Extract;
use serde::Deserialize;
use sluice_engine::resource::ApplyMode;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::to_the_end;
use crate::error::{ApiError, ApplyProblems};
use crate::extract::{CallerHeaders, Documents, Query};
use crate::schema::{ApplyResult, ApplyResults, WrittenDocument};
use crate::state::{Shared, State};

/// How to apply.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ApplyQuery {
    /// With `true`, nothing is changed, and the results say what would be.
    dry_run: Option<bool>,
}

/// Applies documents
///
/// Creates or replaces all documents of the body, or none: when one of them is wrong, nothing is changed, and
/// `problems` of the answer lists everything that is wrong with any of them, with line and column for YAML. A document
/// that says the same as before is left alone. A release that does not exist is started.
#[utoipa::path(
    post, path = "/api/v1/apply", tag = "documents", operation_id = "applyDocuments",
    params(
        ApplyQuery,
        ("x-sluice-actor" = Option<String>, Header, description = "Who acts. Default `local`")
    ),
    request_body(
        description = "YAML with one or more documents, or JSON with one document or an array of them",
        content(
            (Vec<WrittenDocument> = "application/json"),
            (String = "application/yaml", example = "kind: Segment\nmetadata: { name: staff }\nspec: { match: \"visitor.staff == 'yes'\" }\n")
        )
    ),
    responses((status = 200, description = "What was done", body = ApplyResults), ApplyProblems)
)]
async fn apply(
    Extract(state): Shared,
    Query(query): Query<ApplyQuery>,
    caller: CallerHeaders,
    Documents(documents): Documents,
) -> Result<axum::Json<ApplyResults>, ApiError> {
    let mode = if query.dry_run.unwrap_or(false) { ApplyMode::DryRun } else { ApplyMode::Commit };
    let caller = caller.unexplained();
    let engine = state.engine.clone();
    let applied = to_the_end(async move { engine.apply(documents, mode, &caller).await }).await?;
    Ok(axum::Json(ApplyResults { results: applied.into_iter().map(ApplyResult::from).collect() }))
}

pub(super) fn routes() -> OpenApiRouter<Arc<State>> {
    OpenApiRouter::new().routes(routes!(apply))
}
