//! What was measured of a service, for weeks.

use std::sync::Arc;

use axum::extract::State as Extract;
use serde::Deserialize;
use sluice_core::{Name, ServiceKey, Span, Timestamp, VersionName};
use sluice_engine::port::history::HistoryQuery;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::environment_or_default;
use crate::error::{ApiError, GetProblems};
use crate::extract::{PathName, Query};
use crate::state::{Shared, State};

/// How many stretches one answer may have of each series.
const STRETCHES_MAX: u64 = 20_000;

/// Which of what was measured.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct MeasuredQuery {
    /// The service's environment. Default `production`.
    environment: Option<Name>,
    /// Only of this version.
    version: Option<VersionName>,
    /// How far back. Default 3h.
    since: Option<Span>,
    /// How long each stretch is at least. Default 1s.
    step: Option<Span>,
}

/// Reads what was measured of a service
///
/// Oldest first, as fine as it is still known and never finer than asked: by the second for three hours, by the minute
/// for two days, by ten minutes for five weeks. Each item has the series (service, version, what), when it began, how
/// long it was, and counts with a histogram of latencies. `sluice rehearse` plays releases on it.
#[utoipa::path(
    get, path = "/api/v1/services/{name}/history", tag = "traffic", operation_id = "getHistory",
    params(("name" = Name, Path, description = "The service"), MeasuredQuery),
    responses((status = 200, description = "What was measured", body = Vec<Object>), GetProblems)
)]
async fn history(
    Extract(state): Shared,
    PathName(name): PathName,
    Query(query): Query<MeasuredQuery>,
) -> Result<axum::Json<Vec<sluice_engine::port::history::Sample>>, ApiError> {
    let since = query.since.unwrap_or(Span::from_secs(3 * 3600));
    let step = query.step.unwrap_or(Span::from_secs(1));
    if since.as_millis() / step.as_millis().max(1) > STRETCHES_MAX {
        let detail =
            format!("the last {since} by {step} are too much for one answer: ask for a longer `step`");
        return Err(ApiError::bad_request(detail));
    }
    let service = ServiceKey { environment: environment_or_default(query.environment), name };
    // Says so when there is no such service.
    state.engine.traffic(&service, Span::ZERO).await?;
    let until = state.engine.now();
    let back = i64::try_from(since.as_millis()).unwrap_or(i64::MAX);
    let from = Timestamp::from_millis(until.as_millis().saturating_sub(back));
    let query = HistoryQuery { service, version: query.version, what: None, from, until, step };
    Ok(axum::Json(state.engine.history(query).await?))
}

pub(super) fn routes() -> OpenApiRouter<Arc<State>> {
    OpenApiRouter::new().routes(routes!(history))
}
