//! Which version of which service is live where.

use std::sync::Arc;

use axum::extract::State as Extract;
use sluice_engine::resource::Standing;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::AnyProblems;
use crate::state::{Shared, State};

/// Says which version is live where
///
/// For every service and environment: the version that people have, the release that is under way, and the versions
/// that were announced and never released there. For every environment: whether something may begin there now.
#[utoipa::path(
    get, path = "/api/v1/standing", tag = "versions", operation_id = "getStanding",
    responses((status = 200, description = "What is live where", body = Standing), AnyProblems)
)]
async fn standing(Extract(state): Shared) -> axum::Json<Standing> {
    axum::Json(state.engine.standing())
}

pub(super) fn routes() -> OpenApiRouter<Arc<State>> {
    OpenApiRouter::new().routes(routes!(standing))
}
