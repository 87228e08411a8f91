//! The API over real sockets: a real server and engine, a store in memory, and a small world behind the ports.
//!
//! Files are named after the addresses that they ask. Every answer is held against the OpenAPI document on its way.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod client;
mod contract;
mod world;

mod api_v1_apply;
mod api_v1_apply_process;
mod api_v1_documents;
mod api_v1_events;
mod api_v1_forecasts;
mod api_v1_gateway_explain;
mod api_v1_lint;
mod api_v1_meta;
mod api_v1_releases;
mod api_v1_releases_approve;
mod api_v1_releases_dry_run;
mod api_v1_releases_override;
mod api_v1_releases_verbs;
mod api_v1_releases_webhook;
mod api_v1_releases_with;
mod api_v1_services_preview;
mod api_v1_services_promote;
mod api_v1_services_traffic;
mod api_v1_services_versions;
mod api_v1_standing;
mod connections;
mod dashboard;
mod errors;
mod healthz_readyz_metrics;
mod safety;
