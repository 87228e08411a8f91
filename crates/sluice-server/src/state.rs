//! What every handler can reach.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use http::StatusCode;
use sluice_core::{ServiceKey, Timestamp, VersionName};
use sluice_engine::Engine;
use tokio::sync::{Semaphore, watch};

use crate::gateway::GatewayView;

/// How many clients may watch the events at once. Each holds a connection for as long as it likes.
pub(crate) const STREAMS_MAX: usize = 256;

/// Signs previews, so that a gateway shows a dark version to whoever holds one.
pub trait PreviewSigner: Send + Sync + 'static {
    /// The request header that carries a preview, in lower case.
    fn header(&self) -> &'static str;

    /// The header's value that shows `version` of `service` until `expires`.
    fn sign(&self, service: &ServiceKey, version: &VersionName, expires: Timestamp) -> String;
}

/// What was built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildInfo {
    /// The version of Sluice.
    pub version: String,
    /// The commit that it was built from, when that is known.
    pub commit: Option<String>,
}

/// What a server is made of, beside the engine.
#[derive(Clone)]
pub struct Options {
    /// Where to listen: a loopback address. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// Signs previews.
    pub preview: Arc<dyn PreviewSigner>,
    /// Where the gateway listens, for people to be shown.
    pub gateway_address: SocketAddr,
    /// Whether the gateway serves.
    pub gateway_ready: Arc<dyn Fn() -> bool + Send + Sync>,
    /// The gateway that serves.
    pub gateway: Arc<dyn GatewayView>,
    /// What was built.
    pub build: BuildInfo,
    /// Served beside the API: where other programs hand in what they measured.
    pub receivers: axum::Router,
}

/// What every handler can reach.
pub(crate) struct State {
    pub(crate) engine: Engine,
    pub(crate) preview: Arc<dyn PreviewSigner>,
    pub(crate) gateway_address: SocketAddr,
    pub(crate) gateway_ready: Arc<dyn Fn() -> bool + Send + Sync>,
    pub(crate) gateway: Arc<dyn GatewayView>,
    pub(crate) build: BuildInfo,
    /// Where this server listens, with the real port.
    pub(crate) address: SocketAddr,
    /// True once the server stops: streams end then.
    pub(crate) stopping: watch::Receiver<bool>,
    pub(crate) streams: Arc<Semaphore>,
    pub(crate) telemetry: Telemetry,
}

/// As handlers hold it.
pub(crate) type Shared = axum::extract::State<Arc<State>>;

/// Counts about the server itself.
#[derive(Default)]
pub(crate) struct Telemetry {
    /// Answers by class, 1xx to 5xx.
    answers: [AtomicU64; 5],
    pub(crate) connections: AtomicU64,
    pub(crate) panics: AtomicU64,
}

impl Telemetry {
    pub(crate) fn count_answer(&self, status: StatusCode) {
        let class = usize::from(status.as_u16() / 100);
        // Codes beyond 5xx do not exist in this server.
        if let Some(count) = class.checked_sub(1).and_then(|class| self.answers.get(class)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// With the class's name: `2xx`.
    pub(crate) fn answers(&self) -> [(&'static str, u64); 5] {
        let count = |class: usize| self.answers[class].load(Ordering::Relaxed);
        [("1xx", count(0)), ("2xx", count(1)), ("3xx", count(2)), ("4xx", count(3)), ("5xx", count(4))]
    }
}

impl State {
    pub(crate) fn new(
        options: Options,
        engine: Engine,
        address: SocketAddr,
        stopping: watch::Receiver<bool>,
    ) -> State {
        let Options { listen: _, preview, gateway_address, gateway_ready, gateway, build, receivers: _ } =
            options;
        State {
            engine,
            preview,
            gateway_address,
            gateway_ready,
            gateway,
            build,
            address,
            stopping,
            streams: Arc::new(Semaphore::new(STREAMS_MAX)),
            telemetry: Telemetry::default(),
        }
    }
}
