//! Other programs that Sluice asks and tells, behind the engine's ports. For now: webhooks.
//!
//! [`HttpHooks`] is the engine's [`Hooks`](sluice_engine::port::Hooks) over HTTP/1.1, plain or in TLS.
//! `docs/webhooks.md` tells whoever answers webhooks what is sent and how to answer.
//!
//! # What is deliberately absent
//!
//! - No retries: a call is made once. When to call again is the release's to decide, and it is written down there.
//! - No pool: each call has a connection of its own, so that no call is lost on, or repeated after, the death of
//!   an old one.
//! - No redirects: a signed message goes to the address that somebody wrote down, or nowhere.
//! - No proxies, and nothing else that is taken silently from the environment: `sluice` hands in what variables hold.
//! - Nothing of a secret, and of an address nothing but host and port, in any message: paths and queries of webhooks
//!   are often secrets themselves.

mod alerts;
mod exchange;
mod figures;
mod hooks;
mod inbox;
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
mod web;

pub use alerts::{Alerts, AlertsUnreadable};
pub use hooks::{HttpHooks, InvalidRoot, Options, ReadVariable};
pub use inbox::{Inbox, InboxOptions};
pub use otlp::grpc::serve_otlp_grpc;
pub use prometheus::read_prometheus_answer;
pub use receivers::receivers;
pub use sources::{OutsideSources, SourceOptions};
pub use tokio_rustls::rustls::pki_types::CertificateDer;
