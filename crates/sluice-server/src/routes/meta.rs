//! How the server does, and what it speaks.

mod openmetrics;
mod process;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::State as Extract;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, header};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::{AnyProblems, ApiError, Code};
use crate::state::{Shared, State};
use openmetrics::Format;

/// What this server is.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Version {
    /// The version of Sluice.
    #[schema(example = "0.1.0")]
    version: String,
    /// The commit that it was built from, when that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    commit: Option<String>,
    /// Where the gateway listens.
    #[schema(value_type = String, example = "127.0.0.1:8080")]
    gateway_address: SocketAddr,
}

/// Everything serves.
#[derive(Serialize, ToSchema)]
struct Ready {
    /// Always true; what is missing is in the problem body otherwise.
    ready: bool,
}

/// Says what this server is
#[utoipa::path(
    get, path = "/api/v1/version", tag = "operations", operation_id = "getVersion",
    responses((status = 200, description = "What this server is", body = Version), AnyProblems)
)]
async fn version(Extract(state): Shared) -> axum::Json<Version> {
    axum::Json(Version {
        version: state.build.version.clone(),
        commit: state.build.commit.clone(),
        gateway_address: state.gateway_address,
    })
}

/// Hands out this document
#[utoipa::path(
    get, path = "/api/v1/openapi.json", tag = "operations", operation_id = "getOpenApi",
    responses((status = 200, description = "The OpenAPI 3.1 document", body = Object), AnyProblems)
)]
async fn openapi() -> axum::Json<utoipa::openapi::OpenApi> {
    axum::Json(crate::openapi::openapi())
}

/// Says whether the process lives
///
/// Answers as long as the process can answer at all.
#[utoipa::path(
    get, path = "/healthz", tag = "operations", operation_id = "getHealth",
    responses((status = 200, description = "It lives", body = String, content_type = "text/plain"), AnyProblems)
)]
async fn health() -> &'static str {
    "ok\n"
}

/// Says whether everything serves
///
/// 200 once the control plane and the gateway both serve; 503 until then, with what is missing.
#[utoipa::path(
    get, path = "/readyz", tag = "operations", operation_id = "getReadiness",
    responses((status = 200, description = "Everything serves", body = Ready), AnyProblems)
)]
async fn readiness(Extract(state): Shared) -> Result<axum::Json<Ready>, ApiError> {
    let detail = match (state.engine.is_ready(), (state.gateway_ready)()) {
        (true, true) => return Ok(axum::Json(Ready { ready: true })),
        (false, true) => "the control plane is not ready",
        (true, false) => "the gateway is not ready",
        (false, false) => "neither the control plane nor the gateway is ready",
    };
    Err(ApiError::new(Code::Unavailable, detail))
}

/// Hands out figures about Sluice itself
///
/// In the OpenMetrics text format, for Prometheus and its like; in the older one of Prometheus for those who like `text/plain`
/// better. Latencies have exemplars, in OpenMetrics only: the trace of a request of about that latency.
#[utoipa::path(
    get, path = "/metrics", tag = "operations", operation_id = "getMetrics",
    responses(
        (
            status = 200,
            description = "The figures",
            content((String = "application/openmetrics-text"), (String = "text/plain"))
        ),
        AnyProblems
    )
)]
async fn metrics(Extract(state): Shared, headers: HeaderMap) -> Response {
    let format = Format::accepted(&headers);
    let text = openmetrics::render(&state, format);
    ([(header::CONTENT_TYPE, format.content_type()), (header::VARY, "accept")], text).into_response()
}

pub(super) fn routes() -> OpenApiRouter<Arc<State>> {
    OpenApiRouter::new()
        .routes(routes!(version))
        .routes(routes!(openapi))
        .routes(routes!(health))
        .routes(routes!(readiness))
        .routes(routes!(metrics))
}
