//! What happened, as a list; and what happens, as a stream (server-sent events).

mod feed;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State as Extract;
use axum::response::sse::{KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use http::{HeaderMap, HeaderName, header};
use serde::Deserialize;
use sluice_core::Name;
use sluice_core::document::{DocumentKey, Kind};
use sluice_engine::port::store::EventQuery;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::environment_or_default;
use crate::error::{AnyProblems, ApiError, Code};
use crate::extract::Query;
use crate::schema::{EventList, LiveMessage};
use crate::state::{Shared, State};
use feed::Feed;

/// How many events a list holds when nobody says.
const LIST_DEFAULT: u32 = 100;

/// How many a list holds at most.
const LIST_MAX: u32 = 1000;

/// How often a silent stream says that it lives. Proxies give up on silence after 30 to 60 seconds.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Sent by browsers that connect again.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// Which events.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct EventsQuery {
    /// Only those after this place in the log. For a stream: begins there, before it goes on with what happens.
    after: Option<u64>,
    /// The last ones instead of the first ones, still oldest first. Not for streams.
    newest: Option<bool>,
    /// How many at most. Default 100. Not for streams.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
    /// Only about one document: its kind. Needs `name`.
    kind: Option<Kind>,
    /// Only about one document: its name. Needs `kind`.
    name: Option<Name>,
    /// Its environment, for kinds that have one. Default `production`.
    environment: Option<Name>,
}

impl EventsQuery {
    /// The one document that the events are to be about, when one was named.
    fn subject(&self) -> Result<Option<DocumentKey>, ApiError> {
        match (self.kind, &self.name, &self.environment) {
            (None, None, None) => Ok(None),
            (Some(kind), Some(_), Some(_)) if !kind.has_environment() => {
                Err(ApiError::bad_request(format!("a {kind} has no environment; leave `environment` out")))
            }
            (Some(kind), Some(name), environment) => {
                let environment = kind.has_environment().then(|| environment_or_default(environment.clone()));
                Ok(Some(DocumentKey { kind, environment, name: name.clone() }))
            }
            _ => Err(ApiError::bad_request("`kind` and `name` name one document together; give both")),
        }
    }
}

/// Reads or watches the events
///
/// With `Accept: application/json`, a page of the log, oldest first.
///
/// With `Accept: text/event-stream`, a stream that does not end: messages `hello`, `log` (something was added to the
/// log), `release`, `service` and `traffic` (something changed visibly), and `resync` (messages were missed: read
/// again what is shown). Each message's `data` is JSON, as the schema `LiveMessage` says. The `id` of `log` messages is
/// their place in the log: with `Last-Event-ID` or `after`, the stream begins with what was missed, without holes or
/// doubles.
#[utoipa::path(
    get, path = "/api/v1/events", tag = "events", operation_id = "listEvents",
    params(
        EventsQuery,
        ("Last-Event-ID" = Option<u64>, Header, description = "As `after`, for streams; browsers send it by themselves")
    ),
    responses(
        (status = 200, description = "Some events, or the stream", content(
            (EventList = "application/json"),
            (LiveMessage = "text/event-stream")
        )),
        AnyProblems
    )
)]
async fn events(
    Extract(state): Shared,
    Query(query): Query<EventsQuery>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let subject = query.subject()?;
    if wants_stream(&headers) {
        stream_events(&state, &query, subject, &headers).await
    } else {
        list_events(&state, &query, subject).await
    }
}

fn wants_stream(headers: &HeaderMap) -> bool {
    let accepts = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    accepts.flat_map(|value| value.split(',')).any(|part| part.trim().starts_with("text/event-stream"))
}

async fn list_events(
    state: &State,
    query: &EventsQuery,
    subject: Option<DocumentKey>,
) -> Result<Response, ApiError> {
    let limit = query.limit.unwrap_or(LIST_DEFAULT);
    if !(1..=LIST_MAX).contains(&limit) {
        return Err(ApiError::bad_request(format!("`limit` is {limit}; it goes from 1 to {LIST_MAX}")));
    }
    let limit = limit as usize;
    let newest = query.newest.unwrap_or(false);
    let after = query.after.unwrap_or(0);
    let items = state.engine.events(EventQuery { after, subject, newest, limit }).await?;
    // After the newest ones there is nothing more; a page that is not full was the last.
    let next = items.last().filter(|_| !newest && items.len() == limit).map(|event| event.seq);
    Ok(axum::Json(EventList { items, next }).into_response())
}

async fn stream_events(
    state: &State,
    query: &EventsQuery,
    subject: Option<DocumentKey>,
    headers: &HeaderMap,
) -> Result<Response, ApiError> {
    if query.newest.is_some() || query.limit.is_some() {
        return Err(ApiError::bad_request("`newest` and `limit` are for lists; a stream takes `after`"));
    }
    // What the client has seen last weighs more than where it once began.
    let after = match headers.get(LAST_EVENT_ID) {
        None => query.after,
        Some(value) => Some(value.to_str().ok().and_then(|text| text.parse().ok()).ok_or_else(|| {
            ApiError::bad_request("the header `Last-Event-ID` holds a place in the log, as 42")
        })?),
    };
    let place = Arc::clone(&state.streams).try_acquire_owned().map_err(|_| {
        ApiError::new(Code::Unavailable, "too many clients watch the events")
            .hint("close some, or read the events as a list")
    })?;
    let feed = Feed::open(state, after, subject).await?;
    let messages = stream::unfold((feed, place), |(mut feed, place)| async {
        let message = feed.next().await?;
        Some((Ok::<_, Infallible>(message), (feed, place)))
    });
    Ok(Sse::new(messages).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response())
}

pub(super) fn routes() -> OpenApiRouter<Arc<State>> {
    OpenApiRouter::new().routes(routes!(events))
}
