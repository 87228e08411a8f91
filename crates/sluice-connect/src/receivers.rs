//! The addresses at which other programs hand in metrics and alerts, for the server's HTTP port.

use std::sync::Arc;

use axum::Router;
use axum::routing::post;

use crate::alerts::{self, Alerts};
use crate::inbox::Inbox;
use crate::otlp;

/// `POST /v1/metrics` for OTLP and `POST /api/v1/alerts` for alerts. Each limits the bodies that it takes by itself.
pub fn receivers(inbox: Arc<Inbox>, alerts: Arc<Alerts>) -> Router {
    Router::new()
        .route("/v1/metrics", post(otlp::http::take).with_state(inbox))
        .route("/api/v1/alerts", post(alerts::take).with_state(alerts))
}
