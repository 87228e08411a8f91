//! The operations: one file for each group, each operation beside its description.

mod apply;
mod documents;
mod events;
mod explain;
mod forecasts;
mod history;
mod lint;
mod meta;
mod preview;
mod releases;
mod requests;
mod schemas;
mod standing;
mod traffic;
mod versions;

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, StatusCode, header};
use sluice_core::document::{DEFAULT_ENVIRONMENT, DocumentKey, Kind};
use sluice_core::{Name, ServiceKey, VersionName};
use sluice_engine::Resource;
use sluice_engine::live::ServiceStatus;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::error::{ApiError, Code};
use crate::openapi::Frame;
use crate::state::State;
use crate::{dashboard, guard, observe};

/// Every operation with its description.
pub(crate) fn described() -> OpenApiRouter<Arc<State>> {
    OpenApiRouter::with_openapi(Frame::openapi())
        .merge(documents::routes())
        .merge(apply::routes())
        .merge(lint::routes())
        .merge(releases::routes())
        .merge(versions::routes())
        .merge(explain::routes())
        .merge(history::routes())
        .merge(forecasts::routes())
        .merge(standing::routes())
        .merge(events::routes())
        .merge(traffic::routes())
        .merge(requests::routes())
        .merge(preview::routes())
        .merge(schemas::routes())
        .merge(meta::routes())
}

/// Everything that is served, the dashboard included.
pub(crate) fn app(state: Arc<State>) -> Router {
    let (operations, _) = described().split_for_parts();
    operations
        .method_not_allowed_fallback(method_not_allowed)
        .fallback(dashboard::fallback)
        .layer(from_fn_with_state(Arc::clone(&state), guard::guard))
        .layer(from_fn_with_state(Arc::clone(&state), observe::observe))
        .with_state(state)
}

/// The `Allow` header is added around this.
async fn method_not_allowed(request: Request) -> ApiError {
    let detail = format!("{} takes no {}", request.uri().path(), request.method());
    ApiError::new(Code::MethodNotAllowed, detail)
}

/// Runs a change to its end, even when the client goes away meanwhile: half-way is where nobody wants it to stop.
async fn to_the_end<T, F>(change: F) -> Result<T, ApiError>
where
    T: Send + 'static,
    F: Future<Output = Result<T, sluice_engine::Error>> + Send + 'static,
{
    match tokio::spawn(change).await {
        Ok(outcome) => outcome.map_err(ApiError::from),
        Err(broken) => Err(ApiError::internal(broken)),
    }
}

/// Refuses a version that a service does not have.
async fn check_version(state: &State, service: &ServiceKey, version: &VersionName) -> Result<(), ApiError> {
    let key = DocumentKey {
        kind: Kind::Service,
        environment: Some(service.environment.clone()),
        name: service.name.clone(),
    };
    let resource = state.engine.get(&key).await?;
    let status = resource.status.ok_or_else(|| ApiError::internal("a service has no status"))?;
    let status: ServiceStatus = serde_json::from_value(status).map_err(ApiError::internal)?;
    if status.versions.iter().any(|known| known.name == *version) {
        return Ok(());
    }
    let known: Vec<&str> = status.versions.iter().map(|known| known.name.as_str()).collect();
    let hint = match known.as_slice() {
        [] => "it has none yet: announce one, or write one into its document".to_owned(),
        known => format!("its versions are {}", known.join(", ")),
    };
    Err(ApiError::new(Code::NotFound, format!("{key} has no version {version}")).hint(hint))
}

/// The environment that is meant when none is named.
fn environment_or_default(environment: Option<Name>) -> Name {
    environment
        .unwrap_or_else(|| DEFAULT_ENVIRONMENT.parse().expect("the default environment's name is a name"))
}

/// The `ETag` of a document: its resource version.
fn etag(resource: &Resource) -> Option<String> {
    resource.metadata.resource_version.map(|version| format!("\"{version}\""))
}

/// A release that has just begun, with its place and `ETag`.
fn created(release: &Resource) -> Response {
    let mut location = format!("/api/v1/releases/{}", release.metadata.name);
    if let Some(environment) = &release.metadata.environment {
        location.push_str("?environment=");
        location.push_str(environment.as_str());
    }
    let location = HeaderValue::from_str(&location).expect("names make a header");
    (StatusCode::CREATED, [(header::LOCATION, location)], with_etag(release)).into_response()
}

/// A document with its `ETag`.
fn with_etag(resource: &Resource) -> Response {
    let headers: Option<[(HeaderName, HeaderValue); 1]> = etag(resource)
        .map(|etag| [(header::ETAG, HeaderValue::from_str(&etag).expect("digits in quotes make a header"))]);
    match headers {
        Some(headers) => (headers, axum::Json(resource)).into_response(),
        None => axum::Json(resource).into_response(),
    }
}
