//! What the server asks of the gateway that serves visitors.

use sluice_core::routing::explain::{Explanation, InvalidQuestion, Question};
use sluice_core::{Counts, ServiceKey, Timestamp, VersionName};

/// A gateway, as far as the server asks.
pub trait GatewayView: Send + Sync + 'static {
    /// Which version a request would get from what is served now. May take a moment: it is not asked on the event loop.
    ///
    /// # Errors
    /// When the question holds no request.
    fn explain(&self, question: &Question) -> Result<Explanation, InvalidQuestion>;

    /// What it has counted.
    fn figures(&self) -> GatewayFigures;
}

/// What a gateway has counted.
#[derive(Clone, Debug, Default)]
pub struct GatewayFigures {
    /// The generation of the snapshot that is served.
    pub generation: u64,
    /// Visitors' connections.
    pub connections: u64,
    /// Lines of the access log, when one is written.
    pub access_log: Option<AccessLogFigures>,
    /// Every version of every service, in the order of their names.
    pub versions: Vec<VersionFigures>,
}

/// What became of the lines of an access log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AccessLogFigures {
    /// Lines that were written.
    pub written: u64,
    /// Lines that were lost: there was no room for them, or they could not be written.
    pub dropped: u64,
}

/// What was counted of one version.
#[derive(Clone, Debug)]
pub struct VersionFigures {
    /// The service.
    pub service: ServiceKey,
    /// The version.
    pub version: VersionName,
    /// Requests and their latencies.
    pub counts: Counts,
    /// The sum of all latencies, in microseconds.
    pub latency_micros: u64,
    /// Requests that are being answered.
    pub in_flight: u64,
    /// Endpoints that can take requests.
    pub ready: u32,
    /// All endpoints.
    pub endpoints: u32,
    /// Copies of requests that were sent to it.
    pub copies_sent: u64,
    /// Copies that were left out because the body is too long.
    pub copies_too_large: u64,
    /// Copies that were left out because too many were in flight.
    pub copies_too_many: u64,
    /// Requests that stand for others of about the same latency.
    pub exemplars: Vec<Exemplar>,
}

/// A request that can be looked up by its trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exemplar {
    /// The trace that it is part of.
    pub trace: u128,
    /// Its latency, in microseconds.
    pub micros: u64,
    /// When its response's head came.
    pub at: Timestamp,
}
