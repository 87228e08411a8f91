//! Documents: reading, replacing and deleting them. The operations of all kinds are the same but for their
//! types, and for releases, which are not replaced.

use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::Value;
use sluice_core::Name;
use sluice_core::document::{DocumentKey, Kind, parse_json};
use sluice_engine::Caller;
use sluice_engine::port::store::ListQuery;
use sluice_engine::resource::ApplyMode;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{environment_or_default, etag, to_the_end, with_etag};
use crate::error::{AnyProblems, ApiError, DeleteProblems, GetProblems, PutProblems};
use crate::extract::{CallerHeaders, IfMatch, Json, PathName, Precondition, Query, is_unchanged};
use crate::schema::{self, WrittenDocument};
use crate::state::{Shared, State};

/// How many documents a list holds when nobody says.
const LIST_DEFAULT: u32 = 50;

/// How many a list holds at most.
const LIST_MAX: u32 = 1000;

/// Which documents to list, of a kind that is the same everywhere.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListEverywhere {
    /// Newest first instead of by name.
    newest: Option<bool>,
    /// How many at most. Default 50.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// Which services to list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListServices {
    /// Only in this environment; in all of them when absent.
    environment: Option<Name>,
    /// Newest first instead of by environment and name.
    newest: Option<bool>,
    /// How many at most. Default 50.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// Which releases to list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListReleases {
    /// Only in this environment; in all of them when absent.
    environment: Option<Name>,
    /// Only of this service.
    service: Option<Name>,
    /// With `true`, only releases to which something may still happen; with `false`, only the others.
    active: Option<bool>,
    /// Newest first instead of by environment and name.
    newest: Option<bool>,
    /// How many at most. Default 50.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// Where a document of a kind with environments is.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct InEnvironment {
    /// Its environment. Default `production`.
    environment: Option<Name>,
}

/// Where a document of a kind without environments is: nothing to say.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Everywhere {}

/// Which documents of a kind to list.
trait Listing {
    fn query(self, kind: Kind) -> Result<ListQuery, ApiError>;
}

impl Listing for ListReleases {
    fn query(self, kind: Kind) -> Result<ListQuery, ApiError> {
        let limit = self.limit.unwrap_or(LIST_DEFAULT);
        if !(1..=LIST_MAX).contains(&limit) {
            return Err(ApiError::bad_request(format!("`limit` is {limit}; it goes from 1 to {LIST_MAX}")));
        }
        Ok(ListQuery {
            kind,
            environment: self.environment,
            service: self.service,
            is_finished: self.active.map(|is_active| !is_active),
            newest_first: self.newest.unwrap_or(false),
            cursor: self.cursor,
            limit: limit as usize,
        })
    }
}

impl Listing for ListServices {
    fn query(self, kind: Kind) -> Result<ListQuery, ApiError> {
        let ListServices { environment, newest, limit, cursor } = self;
        ListReleases { environment, service: None, active: None, newest, limit, cursor }.query(kind)
    }
}

impl Listing for ListEverywhere {
    fn query(self, kind: Kind) -> Result<ListQuery, ApiError> {
        let ListEverywhere { newest, limit, cursor } = self;
        ListServices { environment: None, newest, limit, cursor }.query(kind)
    }
}

/// Which one of the documents with the same name.
trait Place {
    fn environment(self) -> Option<Name>;
}

impl Place for InEnvironment {
    fn environment(self) -> Option<Name> {
        Some(environment_or_default(self.environment))
    }
}

impl Place for Everywhere {
    fn environment(self) -> Option<Name> {
        None
    }
}

/// The operations that every kind has.
macro_rules! read_and_delete {
    (
        $module:ident: $kind:ident, $noun:literal, $list:ident, $listing:ident, $place:ident,
        $all:literal $list_id:literal, $one:literal $get_id:literal $delete_id:literal
    ) => {
        mod $module {
            use super::*;

            #[utoipa::path(
                get, path = $all, tag = "documents", operation_id = $list_id,
                summary = concat!("Lists ", $noun, "s"),
                description = concat!("Lists ", $noun, "s, built-in ones included, page by page."),
                params($listing),
                responses((status = 200, description = "A page", body = schema::$list), AnyProblems)
            )]
            pub(super) async fn list(state: Shared, Query(listing): Query<$listing>) -> Result<Response, ApiError> {
                list_of(&state, listing.query(Kind::$kind)?).await
            }

            #[utoipa::path(
                get, path = $one, tag = "documents", operation_id = $get_id,
                summary = concat!("Reads one ", $noun),
                description = concat!(
                    "Reads one ", $noun, ". The `ETag` is its resource version. A kind that has no `status` is \
                     answered with 304 when `If-None-Match` names it."
                ),
                params(("name" = Name, Path, description = "Its name"), $place),
                responses(
                    (status = 200, description = "The document", body = schema::$kind,
                        headers(("ETag" = String, description = "The resource version, in quotes"))),
                    (status = 304, description = "It is as the client knows it"),
                    GetProblems
                )
            )]
            pub(super) async fn get(
                state: Shared,
                PathName(name): PathName,
                Query(place): Query<$place>,
                headers: HeaderMap,
            ) -> Result<Response, ApiError> {
                let key = DocumentKey { kind: Kind::$kind, environment: place.environment(), name };
                get_one(&state, key, &headers).await
            }

            #[utoipa::path(
                delete, path = $one, tag = "documents", operation_id = $delete_id,
                summary = concat!("Deletes one ", $noun),
                description = concat!("Deletes one ", $noun, ", unless others need it."),
                params(
                    ("name" = Name, Path, description = "Its name"),
                    $place,
                    ("If-Match" = Option<String>, Header, description = "Only at this resource version, in quotes"),
                    ("x-sluice-actor" = Option<String>, Header, description = "Who acts. Default `local`")
                ),
                responses((status = 204, description = "It is gone"), DeleteProblems)
            )]
            pub(super) async fn delete(
                state: Shared,
                PathName(name): PathName,
                Query(place): Query<$place>,
                IfMatch(version): IfMatch,
                caller: CallerHeaders,
            ) -> Result<Response, ApiError> {
                let key = DocumentKey { kind: Kind::$kind, environment: place.environment(), name };
                delete_one(&state, key, version, caller.unexplained()).await
            }
        }
    };
}

/// The operation that kinds have whose documents are replaced.
macro_rules! replace {
    ($function:ident: $kind:ident, $noun:literal, $place:ident, $one:literal $put_id:literal) => {
        #[utoipa::path(
            put, path = $one, tag = "documents", operation_id = $put_id,
            summary = concat!("Creates or replaces one ", $noun),
            description = concat!(
                "Creates or replaces one ", $noun, ". The request says which: `If-None-Match: *` creates, `If-Match` \
                 with the `ETag` that was read replaces just that."
            ),
            params(
                ("name" = Name, Path, description = "Its name"),
                $place,
                ("If-Match" = Option<String>, Header, description = "Replaces this resource version, in quotes"),
                ("If-None-Match" = Option<String>, Header, description = "`*`: creates"),
                ("x-sluice-actor" = Option<String>, Header, description = "Who acts. Default `local`")
            ),
            request_body = WrittenDocument,
            responses(
                (status = 200, description = "The document as it is now", body = schema::$kind,
                    headers(("ETag" = String, description = "The resource version, in quotes"))),
                PutProblems
            )
        )]
        async fn $function(
            state: Shared,
            PathName(name): PathName,
            Query(place): Query<$place>,
            Precondition(mode): Precondition,
            caller: CallerHeaders,
            Json(body): Json<Value>,
        ) -> Result<Response, ApiError> {
            let key = DocumentKey { kind: Kind::$kind, environment: place.environment(), name };
            put_one(&state, key, mode, body, caller.unexplained()).await
        }
    };
}

read_and_delete! {
    services: Service, "service", ServiceList, ListServices, InEnvironment,
    "/api/v1/services" "listServices", "/api/v1/services/{name}" "getService" "deleteService"
}
read_and_delete! {
    segments: Segment, "segment", SegmentList, ListEverywhere, Everywhere,
    "/api/v1/segments" "listSegments", "/api/v1/segments/{name}" "getSegment" "deleteSegment"
}
read_and_delete! {
    metrics: Metric, "metric", MetricList, ListEverywhere, Everywhere,
    "/api/v1/metrics" "listMetrics", "/api/v1/metrics/{name}" "getMetric" "deleteMetric"
}
read_and_delete! {
    policies: Policy, "policy", PolicyList, ListEverywhere, Everywhere,
    "/api/v1/policies" "listPolicies", "/api/v1/policies/{name}" "getPolicy" "deletePolicy"
}
read_and_delete! {
    environments: Environment, "environment", EnvironmentList, ListEverywhere, Everywhere,
    "/api/v1/environments" "listEnvironments",
    "/api/v1/environments/{name}" "getEnvironment" "deleteEnvironment"
}
read_and_delete! {
    releases: Release, "release", ReleaseList, ListReleases, InEnvironment,
    "/api/v1/releases" "listReleases", "/api/v1/releases/{name}" "getRelease" "deleteRelease"
}

replace! { put_service: Service, "service", InEnvironment, "/api/v1/services/{name}" "putService" }
replace! { put_segment: Segment, "segment", Everywhere, "/api/v1/segments/{name}" "putSegment" }
replace! { put_metric: Metric, "metric", Everywhere, "/api/v1/metrics/{name}" "putMetric" }
replace! { put_policy: Policy, "policy", Everywhere, "/api/v1/policies/{name}" "putPolicy" }
replace! { put_environment: Environment, "environment", Everywhere, "/api/v1/environments/{name}" "putEnvironment" }

pub(super) fn routes() -> OpenApiRouter<Arc<State>> {
    OpenApiRouter::new()
        .routes(routes!(services::list))
        .routes(routes!(services::get, services::delete, put_service))
        .routes(routes!(segments::list))
        .routes(routes!(segments::get, segments::delete, put_segment))
        .routes(routes!(metrics::list))
        .routes(routes!(metrics::get, metrics::delete, put_metric))
        .routes(routes!(policies::list))
        .routes(routes!(policies::get, policies::delete, put_policy))
        .routes(routes!(environments::list))
        .routes(routes!(environments::get, environments::delete, put_environment))
        // `POST /api/v1/releases` is with the verbs.
        .routes(routes!(releases::list))
        .routes(routes!(releases::get, releases::delete))
}

async fn list_of(state: &State, query: ListQuery) -> Result<Response, ApiError> {
    Ok(axum::Json(state.engine.list(query).await?).into_response())
}

async fn get_one(state: &State, key: DocumentKey, headers: &HeaderMap) -> Result<Response, ApiError> {
    let resource = state.engine.get(&key).await?;
    // A status moves on while the resource version stays, so that only documents without one can be unchanged.
    let is_known =
        resource.status.is_none() && etag(&resource).is_some_and(|etag| is_unchanged(headers, &etag));
    if is_known {
        let mut response = with_etag(&resource);
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        *response.body_mut() = axum::body::Body::empty();
        return Ok(response);
    }
    Ok(with_etag(&resource))
}

async fn delete_one(
    state: &State,
    key: DocumentKey,
    version: Option<u64>,
    caller: Caller,
) -> Result<Response, ApiError> {
    let engine = state.engine.clone();
    to_the_end(async move { engine.delete(&key, version, &caller).await }).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn put_one(
    state: &State,
    key: DocumentKey,
    mode: ApplyMode,
    body: Value,
    caller: Caller,
) -> Result<Response, ApiError> {
    let document = parse_json(&body)?;
    if document.key() != key {
        return Err(ApiError::bad_request(format!(
            "the address is that of {key}, and the body is {}",
            document.key()
        )));
    }
    let engine = state.engine.clone();
    let applied = to_the_end(async move { engine.apply(vec![document], mode, &caller).await }).await?;
    match applied.as_slice() {
        [one] => Ok(with_etag(&one.resource)),
        _ => Err(ApiError::internal("applying one document gave another number of results")),
    }
}
