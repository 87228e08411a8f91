//! Why a release is where it is.

use std::sync::Arc;

use axum::extract::State as Extract;
use serde::Deserialize;
use sluice_core::release::Account;
use sluice_core::{Name, Timestamp};
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::{ApiError, GetProblems};
use crate::extract::{PathName, Query};
use crate::state::{Shared, State};

/// As of when.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ExplainQuery {
    /// As it stood at this moment; now when absent.
    at: Option<Timestamp>,
}

/// Explains a release
///
/// Why it is where it is: each check with its numbers, interval, evidence, method and source, and what would change what
/// it says. For a moment before now, as it was noted last at or before that: whenever something happened to the
/// release, and once a minute.
#[utoipa::path(
    get, path = "/api/v1/releases/{name}/explain", tag = "releases", operation_id = "explainRelease",
    params(("name" = Name, Path, description = "The release"), ExplainQuery),
    responses((status = 200, description = "Why it is where it is", body = Account), GetProblems)
)]
async fn explain(
    Extract(state): Shared,
    PathName(name): PathName,
    Query(query): Query<ExplainQuery>,
) -> Result<axum::Json<Account>, ApiError> {
    Ok(axum::Json(state.engine.explain(&name, query.at).await?))
}

pub(super) fn routes() -> OpenApiRouter<Arc<State>> {
    OpenApiRouter::new().routes(routes!(explain))
}
