//! What was counted of a service's versions.

use std::sync::Arc;

use axum::extract::State as Extract;
use serde::Deserialize;
use sluice_core::{Name, ServiceKey, Span};
use sluice_engine::live::TrafficHistory;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::environment_or_default;
use crate::error::{ApiError, GetProblems};
use crate::extract::{PathName, Query};
use crate::schema::TrafficSeries;
use crate::state::{Shared, State};

/// How far back counts are kept, in memory.
const KEPT: Span = Span::from_secs(600);

/// Which counts.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct TrafficQuery {
    /// The service's environment. Default `production`.
    environment: Option<Name>,
    /// How far back, at most and by default 10m.
    since: Option<Span>,
}

/// Reads what was counted of a service
///
/// For each version and second: requests, failed ones (5xx or broken off), and latency quantiles in milliseconds. The
/// last ten minutes are kept in memory; `event: traffic` of the event stream goes on from there.
#[utoipa::path(
    get, path = "/api/v1/services/{name}/traffic", tag = "traffic", operation_id = "getTraffic",
    params(("name" = Name, Path, description = "The service"), TrafficQuery),
    responses((status = 200, description = "What was counted", body = TrafficSeries), GetProblems)
)]
async fn traffic(
    Extract(state): Shared,
    PathName(name): PathName,
    Query(query): Query<TrafficQuery>,
) -> Result<axum::Json<TrafficSeries>, ApiError> {
    let since = query.since.unwrap_or(KEPT);
    if since > KEPT {
        return Err(ApiError::bad_request(format!("`since` is {since}; only the last {KEPT} are kept")));
    }
    let service = ServiceKey { environment: environment_or_default(query.environment), name };
    let TrafficHistory { service, environment, from, to, versions } =
        state.engine.traffic(&service, since).await?;
    Ok(axum::Json(TrafficSeries { service, environment, from, to, step: "1s", versions }))
}

pub(super) fn routes() -> OpenApiRouter<Arc<State>> {
    OpenApiRouter::new().routes(routes!(traffic))
}
