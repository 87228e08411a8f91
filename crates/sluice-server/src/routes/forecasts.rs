//! What a release would be able to see, before it begins.

use std::sync::Arc;

use axum::extract::State as Extract;
use sluice_core::forecast::Forecast;
use sluice_engine::forecast::ForecastRequest;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::{ApiError, Code, ForecastProblems};
use crate::extract::Json;
use crate::state::{Shared, State};

/// Foretells what a release would be able to see
///
/// For each step: how long until there is a verdict, how soon a bad version would be found and how small a fault, how many
/// people will have met it and how many of their requests would fail, and which checks cannot tell, with the reason. For
/// the traffic as it is now, or as it is given. Nothing is changed, and the version need not exist yet.
#[utoipa::path(
    post, path = "/api/v1/forecasts", tag = "releases", operation_id = "forecastRelease",
    request_body = ForecastRequest,
    responses((status = 200, description = "What it would be able to see", body = Forecast), ForecastProblems)
)]
async fn forecast(
    Extract(state): Shared,
    Json(body): Json<ForecastRequest>,
) -> Result<axum::Json<Forecast>, ApiError> {
    if let Some(wrong) = body.wrong() {
        return Err(ApiError::new(Code::BadRequest, wrong));
    }
    Ok(axum::Json(state.engine.forecast(body).await?))
}

pub(super) fn routes() -> OpenApiRouter<Arc<State>> {
    OpenApiRouter::new().routes(routes!(forecast))
}
