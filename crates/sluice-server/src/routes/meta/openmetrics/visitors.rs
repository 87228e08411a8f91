//! What the gateway has counted of visitors' requests.

use super::text::{Latencies, Text, Type, escaped};
use crate::gateway::{AccessLogFigures, GatewayFigures, VersionFigures};

/// How many versions are told of, at about 40 lines each. More would be too much for one look every few seconds: a
/// landscape that large is better watched by what its services say themselves.
const VERSIONS_MAX: usize = 1000;

pub(super) fn write(text: &mut Text, figures: &GatewayFigures) {
    let GatewayFigures { generation, connections, access_log, versions } = figures;
    text.single(
        "sluice_gateway_generation",
        Type::Gauge,
        "The generation of the snapshot that the gateway serves.",
        generation,
    );
    text.single("sluice_gateway_connections", Type::Gauge, "Open connections of visitors.", connections);
    if let Some(AccessLogFigures { written, dropped }) = access_log {
        let lines = [("result=\"written\"".to_owned(), written), ("result=\"dropped\"".to_owned(), dropped)];
        text.family("sluice_gateway_access_log_lines", Type::Counter, "Lines of the access log.", lines);
    }
    let left_out = versions.len().saturating_sub(VERSIONS_MAX);
    text.single(
        "sluice_gateway_versions_left_out",
        Type::Gauge,
        "Versions that are not told of here, because there are too many.",
        left_out,
    );
    let told: Vec<(String, &VersionFigures)> =
        versions.iter().take(VERSIONS_MAX).map(|version| (labels(version), version)).collect();
    requests(text, &told);
    copies_and_endpoints(text, &told);
}

fn labels(version: &VersionFigures) -> String {
    let VersionFigures { service, version, .. } = version;
    let environment = escaped(service.environment.as_str());
    let (name, version) = (escaped(service.name.as_str()), escaped(version.as_str()));
    format!("environment=\"{environment}\",service=\"{name}\",version=\"{version}\"")
}

fn requests(text: &mut Text, told: &[(String, &VersionFigures)]) {
    const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];
    let by_result = told.iter().flat_map(|(labels, version)| {
        let counts = &version.counts;
        let rest = [("reset", counts.resets), ("cancelled", counts.cancelled)];
        let results = CLASSES.into_iter().zip(counts.responses).chain(rest);
        results.map(move |(result, count)| (format!("{labels},result=\"{result}\""), count))
    });
    text.family(
        "sluice_gateway_requests",
        Type::Counter,
        "Requests that ended: by class of the answer, broken off by the endpoint, or left by the visitor.",
        by_result,
    );
    text.family(
        "sluice_gateway_requests_in_flight",
        Type::Gauge,
        "Requests that are being answered.",
        told.iter().map(|(labels, version)| (labels.clone(), version.in_flight)),
    );
    let latencies = told.iter().map(|(labels, version)| {
        let VersionFigures { counts, latency_micros, exemplars, .. } = version;
        let sample = Latencies { latencies: &counts.latency, sum_micros: *latency_micros, exemplars };
        (labels.clone(), sample)
    });
    text.latencies(
        "sluice_gateway_request_duration_seconds",
        "From the head of a request to the head of its answer.",
        latencies,
    );
}

fn copies_and_endpoints(text: &mut Text, told: &[(String, &VersionFigures)]) {
    let copies = told.iter().flat_map(|(labels, version)| {
        let results = [
            ("sent", version.copies_sent),
            ("too-large", version.copies_too_large),
            ("too-many", version.copies_too_many),
        ];
        results.map(|(result, count)| (format!("{labels},result=\"{result}\""), count))
    });
    text.family(
        "sluice_gateway_copies",
        Type::Counter,
        "Copies of requests: sent, or left out and why.",
        copies,
    );
    text.family(
        "sluice_gateway_endpoints",
        Type::Gauge,
        "Endpoints.",
        told.iter().map(|(labels, version)| (labels.clone(), version.endpoints)),
    );
    text.family(
        "sluice_gateway_endpoints_ready",
        Type::Gauge,
        "Endpoints that can take requests.",
        told.iter().map(|(labels, version)| (labels.clone(), version.ready)),
    );
}
