//! Around every request: its panics are contained, it is counted, and at debug level it is logged.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use axum::extract::{Request, State as Extract};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;

use crate::error::{ApiError, Code};
use crate::state::State;

/// How long a request may take until the head of its response. Far above what any answer takes; whoever waits longer
/// has better things to do. Streams begin at once and may then last for ever.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(30);

/// Contains panics, bounds the time, counts and logs. Neither queries nor headers are logged: they can hold secrets.
pub(crate) async fn observe(Extract(state): Extract<Arc<State>>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    // Whatever the handler had borrowed is gone with it; what is shared is atomics and the engine, which contains
    // its own panics.
    let answer = AssertUnwindSafe(next.run(request)).catch_unwind();
    let response = match tokio::time::timeout(ANSWER_TIME_MAX, answer).await {
        Ok(Ok(response)) => response,
        Ok(Err(panic)) => {
            state.telemetry.panics.fetch_add(1, Ordering::Relaxed);
            ApiError::internal(format!("panic while answering {method} {path}: {}", message(&*panic)))
                .into_response()
        }
        Err(_) => {
            let detail = format!("there was no answer within {} seconds", ANSWER_TIME_MAX.as_secs());
            ApiError::new(Code::Unavailable, detail).into_response()
        }
    };
    state.telemetry.count_answer(response.status());
    tracing::debug!(
        http.method = %method,
        http.path = %path,
        http.status = response.status().as_u16(),
        duration_ms = started.elapsed().as_millis(),
        "answered"
    );
    response
}

/// What a panic said.
pub(crate) fn message(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("it said nothing")
}
