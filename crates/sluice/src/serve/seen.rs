//! The embedded gateway, as the server shows it.

use sluice_core::routing::explain::{Explanation, InvalidQuestion, Question};
use sluice_gateway::{AccessLogCounts, Gateway};
use sluice_server::{AccessLogFigures, Exemplar, GatewayFigures, GatewayView, VersionFigures};

/// Shows a gateway.
pub(crate) struct Seen {
    gateway: Gateway,
}

impl Seen {
    /// Shows this gateway.
    pub(crate) fn new(gateway: Gateway) -> Seen {
        Seen { gateway }
    }
}

impl GatewayView for Seen {
    fn explain(&self, question: &Question) -> Result<Explanation, InvalidQuestion> {
        self.gateway.explain(question)
    }

    fn figures(&self) -> GatewayFigures {
        let figures = self.gateway.figures();
        let versions = figures.versions.into_iter().map(version).collect();
        GatewayFigures {
            generation: figures.generation,
            connections: figures.connections,
            access_log: figures
                .access_log
                .map(|AccessLogCounts { written, dropped }| AccessLogFigures { written, dropped }),
            versions,
        }
    }
}

fn version(figures: sluice_gateway::VersionFigures) -> VersionFigures {
    VersionFigures {
        service: figures.service,
        version: figures.version,
        counts: figures.counts,
        latency_micros: figures.latency_micros,
        in_flight: figures.in_flight,
        ready: figures.ready.ready,
        endpoints: figures.ready.total,
        copies_sent: figures.copies.sent,
        copies_too_large: figures.copies.too_large,
        copies_too_many: figures.copies.too_many,
        exemplars: figures.exemplars.into_iter().map(exemplar).collect(),
    }
}

fn exemplar(kept: sluice_gateway::Exemplar) -> Exemplar {
    let sluice_gateway::Exemplar { trace, micros, at } = kept;
    Exemplar { trace, micros, at }
}
