//! `POST /api/v1/alerts`.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use serde_json::json;

use super::{Alerts, shape};

/// Some hundreds of alerts at once.
const BODY_BYTES_MAX: usize = 1 << 20;

/// Takes what a sender tells, whole or not at all. 204 when it is written down.
pub(crate) async fn take(State(alerts): State<Arc<Alerts>>, body: Body) -> Response {
    let Ok(body) = to_bytes(body, BODY_BYTES_MAX).await else {
        let detail = format!("the body did not come whole, or is larger than {} MiB", BODY_BYTES_MAX >> 20);
        return problem(StatusCode::PAYLOAD_TOO_LARGE, "payload-too-large", &detail);
    };
    let told = match shape::read(&body) {
        Ok(told) => told,
        Err(unknown) => return problem(StatusCode::BAD_REQUEST, "bad-request", &unknown.to_string()),
    };
    match alerts.change(told).await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(not_taken) => problem(StatusCode::SERVICE_UNAVAILABLE, "not-recorded", &not_taken.to_string()),
    }
}

fn problem(status: StatusCode, code: &str, detail: &str) -> Response {
    let title = status.canonical_reason().unwrap_or_default();
    let body = json!({ "type": format!("https://sluice.dev/errors/{code}"), "title": title, "status": status.as_u16(), "code": code, "detail": detail });
    (status, [(CONTENT_TYPE, "application/problem+json")], body.to_string()).into_response()
}
