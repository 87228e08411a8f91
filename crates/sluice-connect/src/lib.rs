//! Other programs that Sluice asks, tells and listens to, behind the engine's ports.
//!
//! - [`HttpHooks`] is the engine's [`Hooks`](sluice_engine::port::Hooks) over HTTP/1.1, plain or in TLS.
//!   `docs/webhooks.md` tells whoever answers webhooks what is sent and how to answer.
//! - [`OutsideSources`] is the engine's [`Sources`](sluice_engine::port::Sources): metrics that others measure.
//!   `docs/metrics.md` tells how each is read.
//! - [`Inbox`] and [`Alerts`] keep what programs hand in by themselves, at the addresses of [`receivers`] and
//!   [`serve_otlp_grpc`].
//!
//! # What is deliberately absent
//!
//! - No retries: a call is made once. When to call again is the release's to decide, and it is written down there.
//! - No pool: each call has a connection of its own, so that no call is lost on, or repeated after, the death of
//!   an old one, and no session of a database is left as the reading before left it.
//! - No redirects: a signed message goes to the address that somebody wrote down, or nowhere.
//! - No proxies, and nothing else that is taken silently from the environment: `sluice` hands in what variables hold.
//! - Nothing of a secret, and of an address nothing but host and port, in any message: paths and queries of webhooks
//!   are often secrets themselves.

mod alerts;
mod exchange;
mod figures;
mod hooks;
mod inbox;
mod json;
mod key_set;
mod matcher;
mod otlp;
mod plain;
mod prometheus;
mod receivers;
mod secret;
mod sources;
mod sql;
mod template;
mod trouble;
mod trust;
mod vendor;
mod web;

pub use alerts::{Alerts, AlertsUnreadable, read_alert_call, read_kept_alerts};
pub use hooks::{HttpHooks, InvalidRoot, Options, ReadVariable, read_hook_answer};
pub use inbox::{Inbox, InboxOptions};
pub use key_set::KeySet;
pub use otlp::grpc::serve_otlp_grpc;
pub use otlp::reading::{OtlpReading, read_otlp_json, read_otlp_protobuf};
pub use prometheus::read_prometheus_answer;
pub use receivers::receivers;
pub use sources::{OutsideSources, SourceOptions};
pub use tokio_rustls::rustls::pki_types::CertificateDer;
