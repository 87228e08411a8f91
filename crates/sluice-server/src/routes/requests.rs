//! Which version a request would get.

use std::sync::Arc;

use axum::extract::State as Extract;
use sluice_core::routing::explain::{Explanation, Question};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::{ApiError, QuestionProblems};
use crate::extract::Json;
use crate::state::{Shared, State};

/// Says which version a request would get
///
/// By the snapshot that the gateway serves now, with the same code that decides about requests: the route, the service, the
/// unit and where it came from, each rule of the release with what it says, and the version. Nothing is sent. The answer is
/// 200 also when the gateway would answer by itself, as it does where no route takes the request; `refusal` tells.
#[utoipa::path(
    post, path = "/api/v1/gateway/explain", tag = "traffic", operation_id = "explainRequest",
    request_body = Question,
    responses((status = 200, description = "The version, and why", body = Explanation), QuestionProblems)
)]
async fn explain(
    Extract(state): Shared,
    Json(question): Json<Question>,
) -> Result<axum::Json<Explanation>, ApiError> {
    let gateway = Arc::clone(&state.gateway);
    let asked = tokio::task::spawn_blocking(move || gateway.explain(&question));
    let answer = asked.await.map_err(ApiError::internal)?;
    answer.map(axum::Json).map_err(|invalid| ApiError::bad_request(invalid.detail).hint(invalid.hint))
}

pub(super) fn routes() -> OpenApiRouter<Arc<State>> {
    OpenApiRouter::new().routes(routes!(explain))
}
