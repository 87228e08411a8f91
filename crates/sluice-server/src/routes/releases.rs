//! Starting releases, and the verbs that move them. Reading them is with the documents.

use std::sync::Arc;

use axum::extract::State as Extract;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use sluice_core::document::release::ServiceVersion;
use sluice_core::release::status::Verb;
use sluice_core::schedule::Schedule;
use sluice_core::{Name, VersionName};
use sluice_engine::resource::ReleaseRequest;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{created, to_the_end, with_etag};
use crate::error::{ActProblems, ApiError, ReleaseProblems};
use crate::extract::{CallerHeaders, IfMatch, Json, PathName, Query, override_reason};
use crate::schema::Release;
use crate::state::{Shared, State};

/// How to start.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct StartQuery {
    /// With `true`, nothing is started, and the answer is the whole schedule.
    dry_run: Option<bool>,
}

/// What is to be released.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct StartRelease {
    /// The service.
    service: Name,
    /// The version.
    version: VersionName,
    /// The environment. Default `production`.
    environment: Option<Name>,
    /// The policy; the environment chooses one when absent.
    policy: Option<Name>,
    /// Other services that are released together with it, each with its version. They go up in the order in which
    /// their versions need each other and come down in the reverse one, and are judged together.
    #[serde(default)]
    with: Vec<ServiceVersion>,
    /// With `true`, other people meet the candidate first than in earlier releases of the same version.
    #[serde(default)]
    reshuffle: bool,
    /// Why it goes ahead although the order of environments, a window or a freeze speaks against it. Who may say so is
    /// for the environment to tell; it is logged.
    #[serde(rename = "override")]
    #[schema(min_length = 1, max_length = 1000, example = "the shop is down")]
    override_reason: Option<String>,
    /// Why, in the words of whoever starts it.
    #[schema(max_length = 1000, example = "new checkout page")]
    reason: Option<String>,
}

/// Why a verb is given.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Act {
    /// Why, in the words of whoever acts.
    #[schema(max_length = 1000, example = "support sees complaints")]
    reason: Option<String>,
}

/// Starts a release
///
/// Starts to release a version of a service, under a policy. While another release of the service is under way, the
/// policy decides whether the new one waits or takes its place. With `dryRun`, it only says what would happen when.
#[utoipa::path(
    post, path = "/api/v1/releases", tag = "releases", operation_id = "startRelease",
    params(
        StartQuery,
        ("Idempotency-Key" = Option<String>, Header, description = "The same request under the same key starts nothing a second time"),
        ("x-sluice-actor" = Option<String>, Header, description = "Who acts. Default `local`")
    ),
    request_body = StartRelease,
    responses(
        (status = 200, description = "With `dryRun`: what would happen when", body = Schedule),
        (status = 201, description = "The release", body = Release, headers(
            ("ETag" = String, description = "The resource version, in quotes"),
            ("Location" = String, description = "Where the release is")
        )),
        ReleaseProblems
    )
)]
async fn start(
    Extract(state): Shared,
    Query(query): Query<StartQuery>,
    caller: CallerHeaders,
    Json(body): Json<StartRelease>,
) -> Result<Response, ApiError> {
    let StartRelease { service, version, environment, policy, with, reshuffle, override_reason: why, reason } =
        body;
    let override_reason = override_reason(why)?;
    let request = ReleaseRequest { service, version, environment, policy, with, reshuffle, override_reason };
    let caller = caller.because(reason)?;
    if query.dry_run.unwrap_or(false) {
        return Ok(axum::Json(state.engine.schedule(request, &caller).await?).into_response());
    }
    let engine = state.engine.clone();
    let release = to_the_end(async move { engine.start_release(request, &caller).await }).await?;
    Ok(created(&release))
}

/// A verb: one operation each, so that clients have a function for each.
macro_rules! verb {
    ($function:ident, $verb:ident, $path:literal, $id:literal, $summary:literal, $description:literal) => {
        #[utoipa::path(
            post, path = $path, tag = "releases", operation_id = $id, summary = $summary, description = $description,
            params(
                ("name" = Name, Path, description = "The release"),
                ("Idempotency-Key" = Option<String>, Header, description = "The same request under the same key does nothing a second time"),
                ("If-Match" = Option<String>, Header, description = "Only at this resource version, in quotes"),
                ("x-sluice-actor" = Option<String>, Header, description = "Who acts. Default `local`")
            ),
            request_body = Act,
            responses(
                (status = 200, description = "The release as it is now", body = Release,
                    headers(("ETag" = String, description = "The resource version, in quotes"))),
                ActProblems
            )
        )]
        async fn $function(
            state: Shared,
            PathName(release): PathName,
            IfMatch(version): IfMatch,
            caller: CallerHeaders,
            Json(body): Json<Act>,
        ) -> Result<Response, ApiError> {
            act(&state, release, Verb::$verb, version, caller, body).await
        }
    };
}

verb! {
    promote, Promote, "/api/v1/releases/{name}/promote", "promoteRelease", "Goes on to the next step",
    "Goes on to the next step now, whatever the current one still waits for; from the last step, to everyone for good."
}
verb! {
    pause, Pause, "/api/v1/releases/{name}/pause", "pauseRelease", "Pauses a release",
    "Stays where it is: whoever has the candidate keeps it, and nobody else gets it. A check that fails still takes \
     everyone back."
}
verb! {
    resume, Resume, "/api/v1/releases/{name}/resume", "resumeRelease", "Goes on from a pause",
    "Goes on from a pause."
}
verb! {
    abort, Abort, "/api/v1/releases/{name}/abort", "abortRelease", "Aborts a release",
    "Takes everyone back to the stable version, and ends the release."
}
verb! {
    rollback, Rollback, "/api/v1/releases/{name}/rollback", "rollbackRelease", "Rolls a release back",
    "Takes everyone back to the previous version; also after success, while that version is kept."
}
verb! {
    retry, Retry, "/api/v1/releases/{name}/retry", "retryRelease", "Starts a release over",
    "Starts over after the release was taken back."
}
verb! {
    approve, Approve, "/api/v1/releases/{name}/approve", "approveRelease", "Says yes at an approval",
    "Says yes at the approval that the release waits at. `status.gate` says who may, how many have to, and who has."
}
verb! {
    reject, Reject, "/api/v1/releases/{name}/reject", "rejectRelease", "Says no at an approval",
    "Says no at the approval that the release waits at: everyone is taken back."
}
verb! {
    override_release, Override, "/api/v1/releases/{name}/override", "overrideRelease", "Goes on in spite of what holds it",
    "Goes on in spite of the gate, window or freeze that the release waits for. It takes a `reason`, which is logged, and \
     only those whom the environment allows may."
}

async fn act(
    state: &State,
    release: Name,
    verb: Verb,
    version: Option<u64>,
    caller: CallerHeaders,
    body: Act,
) -> Result<Response, ApiError> {
    let caller = caller.because(body.reason)?;
    let engine = state.engine.clone();
    let resource = to_the_end(async move { engine.act(&release, verb, version, &caller).await }).await?;
    Ok(with_etag(&resource))
}

pub(super) fn routes() -> OpenApiRouter<Arc<State>> {
    OpenApiRouter::new()
        .routes(routes!(start))
        .routes(routes!(promote))
        .routes(routes!(pause))
        .routes(routes!(resume))
        .routes(routes!(abort))
        .routes(routes!(rollback))
        .routes(routes!(retry))
        .routes(routes!(approve))
        .routes(routes!(reject))
        .routes(routes!(override_release))
}
