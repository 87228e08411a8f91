//! Versions: announcing a build that was deployed, withdrawing it, and handing it on to the next environment. Reading
//! them is with the services.

use std::sync::Arc;

use axum::extract::State as Extract;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Deserialize;
use sluice_core::document::Kind;
use sluice_core::{Name, ServiceKey, VersionName};
use sluice_engine::Error;
use sluice_engine::resource::{Announcement, ApplyAction, HandOn};
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{check_version, created, environment_or_default, to_the_end};
use crate::error::{AnnounceProblems, ApiError, HandOnProblems, WithdrawProblems};
use crate::extract::{CallerHeaders, Json, PathName, PathVersion, Query, override_reason};
use crate::schema::{AnnouncedVersion, Release};
use crate::state::{Shared, State};

/// What to do about a service that is unknown because nobody has announced it before.
const CREATE_HINT: &str = "to create it with this version, say where its requests come in: add --create --host HOST \
                           [--path PATH]";

/// Where the service is.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct InEnvironment {
    /// The service's environment. Default `production`.
    environment: Option<Name>,
}

/// Announces a version
///
/// Says that a build was deployed. Nobody meets it until it is released, but it can be previewed. Where the
/// environment starts releases by itself, or with `start`, its release starts at once. The same announcement again
/// changes nothing; another build, needs or labels of the same version are taken, other endpoints are refused. With
/// `create`, a service that does not exist is created, and the version is live.
#[utoipa::path(
    post, path = "/api/v1/services/{name}/versions", tag = "versions", operation_id = "announceVersion",
    params(
        ("name" = Name, Path, description = "The service"),
        InEnvironment,
        ("Idempotency-Key" = Option<String>, Header, description = "The same request under the same key announces nothing a second time"),
        ("x-sluice-actor" = Option<String>, Header, description = "Who acts. Default `local`")
    ),
    request_body = Announcement,
    responses(
        (status = 200, description = "The version was known", body = AnnouncedVersion),
        (status = 201, description = "The version is new", body = AnnouncedVersion),
        AnnounceProblems
    )
)]
async fn announce(
    Extract(state): Shared,
    PathName(name): PathName,
    Query(query): Query<InEnvironment>,
    caller: CallerHeaders,
    Json(announcement): Json<Announcement>,
) -> Result<Response, ApiError> {
    let service = ServiceKey { environment: environment_or_default(query.environment), name };
    let caller = caller.unexplained();
    let engine = state.engine.clone();
    let announced = to_the_end(async move {
        let announced = engine.announce(&service, announcement, &caller).await;
        Ok(announced.map_err(|error| unknown_service(error, &service)))
    })
    .await??;
    let status = match announced.action {
        ApplyAction::Created => StatusCode::CREATED,
        ApplyAction::Changed | ApplyAction::Unchanged => StatusCode::OK,
    };
    Ok((status, axum::Json(AnnouncedVersion::from(announced))).into_response())
}

/// Offers to create a service that does not exist.
fn unknown_service(error: Error, service: &ServiceKey) -> ApiError {
    let (is_service, did_you_mean) = match &error {
        Error::NotFound { key, did_you_mean } => {
            (key.kind == Kind::Service && key.name == service.name, did_you_mean.clone())
        }
        _ => (false, None),
    };
    let error = ApiError::from(error);
    match did_you_mean {
        _ if !is_service => error,
        Some(name) => error.hint(format!("did you mean `{name}`? {}", sentence(CREATE_HINT))),
        None => error.hint(CREATE_HINT),
    }
}

/// The same with a capital first letter, to follow another sentence.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// Withdraws a version
///
/// Forgets a version that was announced. One that people have, that is being released, or that the service's document
/// declares, stays.
#[utoipa::path(
    delete, path = "/api/v1/services/{name}/versions/{version}", tag = "versions", operation_id = "withdrawVersion",
    params(
        ("name" = Name, Path, description = "The service"),
        ("version" = VersionName, Path, description = "The version"),
        InEnvironment,
        ("x-sluice-actor" = Option<String>, Header, description = "Who acts. Default `local`")
    ),
    responses((status = 204, description = "It is forgotten"), WithdrawProblems)
)]
async fn withdraw(
    Extract(state): Shared,
    PathVersion(name, version): PathVersion,
    Query(query): Query<InEnvironment>,
    caller: CallerHeaders,
) -> Result<StatusCode, ApiError> {
    let service = ServiceKey { environment: environment_or_default(query.environment), name };
    check_version(&state, &service, &version).await?;
    let caller = caller.unexplained();
    let engine = state.engine.clone();
    to_the_end(async move { engine.withdraw(&service, &version, &caller).await }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Hands a version on
///
/// Releases a version in the environment that comes after the one where it is live; without `version`, the one that is
/// live there. With `endpoints`, it is announced there first.
#[utoipa::path(
    post, path = "/api/v1/services/{name}/promote", tag = "versions", operation_id = "promoteVersion",
    params(
        ("name" = Name, Path, description = "The service"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same request under the same key starts nothing a second time"),
        ("x-sluice-actor" = Option<String>, Header, description = "Who acts. Default `local`")
    ),
    request_body = HandOn,
    responses(
        (status = 201, description = "Its release", body = Release, headers(
            ("ETag" = String, description = "The resource version, in quotes"),
            ("Location" = String, description = "Where the release is")
        )),
        HandOnProblems
    )
)]
async fn hand_on(
    Extract(state): Shared,
    PathName(service): PathName,
    caller: CallerHeaders,
    Json(body): Json<HandOn>,
) -> Result<Response, ApiError> {
    let request = HandOn { override_reason: override_reason(body.override_reason)?, ..body };
    let caller = caller.unexplained();
    let engine = state.engine.clone();
    let release = to_the_end(async move { engine.hand_on(&service, request, &caller).await }).await?;
    Ok(created(&release))
}

pub(super) fn routes() -> OpenApiRouter<Arc<State>> {
    OpenApiRouter::new().routes(routes!(announce)).routes(routes!(withdraw)).routes(routes!(hand_on))
}
