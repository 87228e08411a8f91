//! All that a gateway has counted, for whoever shows it.

use sluice_core::{Counts, ServiceKey, VersionName};

use crate::access::AccessLogCounts;
use crate::counters::Copies;
use crate::exemplars::Exemplar;
use crate::readiness::Ready;
use crate::table::Table;

/// What a gateway has counted.
#[derive(Clone, Debug)]
pub struct Figures {
    /// The generation of the snapshot that is served.
    pub generation: u64,
    /// Visitors' connections.
    pub connections: u64,
    /// Lines of the access log, when one is written.
    pub access_log: Option<AccessLogCounts>,
    /// Every version of every service, in the order of their names.
    pub versions: Vec<VersionFigures>,
}

/// What was counted of one version, since it first appeared.
#[derive(Clone, Debug)]
pub struct VersionFigures {
    /// The service.
    pub service: ServiceKey,
    /// The version.
    pub version: VersionName,
    /// Requests, copies included.
    pub counts: Counts,
    /// The sum of all latencies in `counts`, in microseconds.
    pub latency_micros: u64,
    /// Requests that are being answered.
    pub in_flight: u64,
    /// Its endpoints.
    pub ready: Ready,
    /// What became of the copies that it should have been sent.
    pub copies: Copies,
    /// Requests that stand for others of about the same latency: from each worker and doubling of the latency the latest.
    pub exemplars: Vec<Exemplar>,
}

/// The figures of everything in a table.
pub(crate) fn of_versions(table: &Table) -> Vec<VersionFigures> {
    let services = table.services().iter();
    let versions =
        services.flat_map(|service| service.versions.iter().map(move |version| (service, version)));
    let figures = versions.map(|(service, version)| VersionFigures {
        service: service.routing.key.clone(),
        version: version.name.clone(),
        counts: version.counters.sum(),
        latency_micros: version.counters.latency_micros(),
        in_flight: version.counters.in_flight(),
        ready: version.ready(),
        copies: version.counters.copies(),
        exemplars: version.counters.exemplars(),
    });
    figures.collect()
}
