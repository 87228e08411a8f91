//! Looking at a version before anybody else: a signed header for the gateway.

use std::sync::Arc;

use axum::extract::State as Extract;
use serde::{Deserialize, Serialize};
use sluice_core::{Name, ServiceKey, Span, Timestamp, VersionName};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{check_version, environment_or_default};
use crate::error::{ApiError, PreviewProblems};
use crate::extract::{Json, PathName, Query};
use crate::state::{Shared, State};

/// How long a preview lasts when nobody says.
const LASTS_DEFAULT: Span = Span::from_secs(3600);

/// How long it may last: whoever holds it sees the version until then, and nothing takes it back.
const LASTS_MAX: Span = Span::from_secs(7 * 24 * 3600);

/// Where the service is.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct PreviewQuery {
    /// The service's environment. Default `production`.
    environment: Option<Name>,
}

/// What is to be looked at.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PreviewRequest {
    /// The version, dark or not.
    version: VersionName,
    /// For how long. Default 1h, at most 7d.
    #[serde(rename = "for")]
    lasts: Option<Span>,
}

/// A header that shows a version to whoever sends it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Preview {
    /// The header's name.
    #[schema(example = "x-sluice-preview")]
    header: &'static str,
    /// Its value. Whoever has it can see the version until it expires.
    value: String,
    /// Until when.
    expires_at: Timestamp,
}

/// Makes a preview
///
/// Signs a request header. The gateway gives the version to whoever sends it, also when the version is dark, until it
/// expires.
#[utoipa::path(
    post, path = "/api/v1/services/{name}/preview", tag = "preview", operation_id = "createPreview",
    params(("name" = Name, Path, description = "The service"), PreviewQuery),
    request_body = PreviewRequest,
    responses((status = 200, description = "The header", body = Preview), PreviewProblems)
)]
async fn preview(
    Extract(state): Shared,
    PathName(name): PathName,
    Query(query): Query<PreviewQuery>,
    Json(body): Json<PreviewRequest>,
) -> Result<axum::Json<Preview>, ApiError> {
    let lasts = body.lasts.unwrap_or(LASTS_DEFAULT);
    if lasts == Span::ZERO || lasts > LASTS_MAX {
        return Err(ApiError::bad_request(format!(
            "`for` is {lasts}; it is above 0s and at most {LASTS_MAX}"
        )));
    }
    let environment = environment_or_default(query.environment);
    let service = ServiceKey { environment, name };
    // Its header would be signed and show nothing.
    check_version(&state, &service, &body.version).await?;
    let expires_at = state.engine.now().after(lasts);
    let value = state.preview.sign(&service, &body.version, expires_at);
    Ok(axum::Json(Preview { header: state.preview.header(), value, expires_at }))
}

pub(super) fn routes() -> OpenApiRouter<Arc<State>> {
    OpenApiRouter::new().routes(routes!(preview))
}
