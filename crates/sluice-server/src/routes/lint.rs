//! Looking for mistakes in policies before they run.

use std::sync::Arc;

use axum::extract::State as Extract;
use serde::{Deserialize, Serialize};
use sluice_core::Name;
use sluice_engine::resource::Linted;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::{ApiError, LintProblems};
use crate::extract::{AnyDocuments, Query};
use crate::schema::WrittenDocument;
use crate::state::{Shared, State};

/// Which policies.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct LintQuery {
    /// Only this policy, built-in ones included.
    policy: Option<Name>,
}

/// What was found.
#[derive(Serialize, ToSchema)]
struct LintResults {
    /// The policies that were looked at, also those without a finding.
    policies: Vec<Linted>,
}

/// Looks for mistakes in policies
///
/// Finds what can be written and will not work: a check that can never fail, a hold that no traffic can fill, a segment
/// that nobody matches, a window that never opens. With documents in the body, the policies among them are looked at
/// together with everything that is applied; with `policy`, that one; with neither, all that are applied. Nothing is
/// changed.
#[utoipa::path(
    post, path = "/api/v1/lint", tag = "documents", operation_id = "lintPolicies",
    params(LintQuery),
    request_body(
        description = "YAML with one or more documents, or JSON with one document or an array of them; may be absent",
        content(
            (Option<Vec<WrittenDocument>> = "application/json"),
            (Option<String> = "application/yaml", example = "kind: Policy\nmetadata: { name: careful }\nspec:\n  steps:\n    - { name: all, audience: [ { percent: 100 } ] }\n")
        )
    ),
    responses((status = 200, description = "What was found", body = LintResults), LintProblems)
)]
async fn lint(
    Extract(state): Shared,
    Query(query): Query<LintQuery>,
    AnyDocuments(documents): AnyDocuments,
) -> Result<axum::Json<LintResults>, ApiError> {
    let policies = state.engine.lint(documents, query.policy.as_ref()).await?;
    Ok(axum::Json(LintResults { policies }))
}

pub(super) fn routes() -> OpenApiRouter<Arc<State>> {
    OpenApiRouter::new().routes(routes!(lint))
}
