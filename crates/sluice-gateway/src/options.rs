//! What a gateway is started with. Settings only; every default is a constant that says where its number came from.

use std::fs::File;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderName;
use sluice_core::Weight;

use crate::{Attributes, Certificates, PreviewKey};

/// What a gateway is started with.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where visitors connect. With port 0 the system picks one; see [`Gateway::local_addr`](crate::Gateway::local_addr).
    pub listen: SocketAddr,
    /// Where visitors connect with TLS, if anywhere.
    pub tls: Option<TlsOptions>,
    /// Whether every connection begins with a PROXY header (version 1 or 2), which a load balancer in front puts there to say
    /// who the visitor is. One without is closed: whoever could leave it out could also invent it.
    pub takes_proxy_header: bool,
    /// How many worker threads there are. As many as cores when absent; at least 1.
    pub workers: Option<usize>,
    /// The secret that previews and carried choices are signed and verified with. Gateways that visitors pass one after
    /// the other need the same.
    pub preview_key: PreviewKey,
    /// What one visitor may take.
    pub limits: Limits,
    /// Whether plain requests of HTTP/1.1 go the short way, which costs less. What they meet is the same.
    pub fast_path: bool,
    /// A path that the gateway answers by itself, for load balancers in front: 200 while it serves, 503 once
    /// [`Gateway::leave`](crate::Gateway::leave) was called. On every host, before all routes.
    pub ready_path: Option<String>,
    /// What is known of visitors.
    pub attributes: Attributes,
    /// What becomes of the trace that a request is part of.
    pub trace: TraceOptions,
    /// Where a line is written for each request, if anywhere.
    pub access_log: Option<AccessLogOptions>,
}

/// What becomes of the trace that a request is part of (W3C Trace Context). What can be read is always passed on as it came, and
/// what cannot be read never is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TraceOptions {
    /// A request without a trace is given one.
    Make {
        /// The share of those that are marked as kept by somebody.
        sample: Weight,
    },
    /// A request without a trace goes on without one.
    Carry,
}

/// How the access log is written.
#[derive(Clone, Debug)]
pub struct AccessLogOptions {
    /// Where to.
    pub target: AccessLogTarget,
    /// The share of requests that are written. By their traces where they have one, so that gateways that a trace passes agree.
    pub sample: Weight,
    /// A request whose answer takes as long, or longer, to begin is written, drawn or not. Those that fail (5xx, or broken off
    /// by the endpoint) are, too.
    pub slow: Duration,
    /// Names of query parameters and headers whose values are replaced, beside those that are known to hold secrets; `*` for all.
    pub redact: Vec<String>,
    /// The request headers that are written.
    pub headers: Vec<HeaderName>,
    /// Whether units are written as they are. Otherwise as a keyed hash, from which nobody finds out who it was.
    pub shows_units: bool,
}

/// Where an access log is written.
#[derive(Clone, Debug)]
pub enum AccessLogTarget {
    /// At the end of this file, which is made when it is not there. Moved away, it is made anew within a second or so.
    File(PathBuf),
    /// To something that is open, such as standard output.
    Stream(Arc<File>),
}

/// How TLS is served.
#[derive(Clone, Debug)]
pub struct TlsOptions {
    /// Where visitors connect. With port 0 the system picks one; see [`Gateway::tls_addr`](crate::Gateway::tls_addr).
    pub listen: SocketAddr,
    /// What they are shown.
    pub certificates: Certificates,
}

/// What visitors may take before they are refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a request's head: the request line and all headers. More is answered 431. At least 1 KiB.
    pub head_bytes_max: usize,
    /// Headers of a request. More is answered 431.
    pub headers_max: usize,
    /// How long a request's head may take from its first byte to its last, and a new connection to its first byte.
    /// A slower head is answered 408.
    pub head_time_max: Duration,
    /// How long a connection is kept between two requests.
    pub idle_time_max: Duration,
    /// How long a visitor may take nothing of a response that waits for them.
    pub stall_time_max: Duration,
    /// Bytes of a request's body that are kept, so that a request that is safe to repeat can be sent again when a
    /// reused connection turns out dead. Longer bodies are not sent again.
    pub replay_bytes_max: usize,
    /// Visitors' connections at one time, over all workers. More are answered 503 and closed.
    pub connections_max: usize,
}

/// Twice what browsers send at their worst (8 KiB of cookies), and nginx's and Envoy's order of size (32 to 60 KiB).
const HEAD_BYTES_MAX: usize = 32 * 1024;
/// HAProxy's and Envoy's default; browsers send about 20. The parser keeps this many on its stack.
const HEADERS_MAX: usize = 100;
/// The slowest honest head: 32 KiB over a bad mobile line of 50 kbit/s takes 5 s. Doubled.
const HEAD_TIME_MAX: Duration = Duration::from_secs(10);
/// nginx's default. Longer than the idle time of usual clients' pools, so that they close first and no request meets
/// a connection that is about to close.
const IDLE_TIME_MAX: Duration = Duration::from_secs(75);
/// nginx's `send_timeout`.
const STALL_TIME_MAX: Duration = Duration::from_secs(60);
/// Holds nearly every form and API call; with the usual few thousand requests in flight it stays below 256 MiB even
/// when all of them are uploads.
const REPLAY_BYTES_MAX: usize = 64 * 1024;
/// About 20 KiB each with its buffers: 200 MiB at the most.
const CONNECTIONS_MAX: usize = 10_000;

impl Default for Limits {
    fn default() -> Self {
        Limits {
            head_bytes_max: HEAD_BYTES_MAX,
            headers_max: HEADERS_MAX,
            head_time_max: HEAD_TIME_MAX,
            idle_time_max: IDLE_TIME_MAX,
            stall_time_max: STALL_TIME_MAX,
            replay_bytes_max: REPLAY_BYTES_MAX,
            connections_max: CONNECTIONS_MAX,
        }
    }
}
