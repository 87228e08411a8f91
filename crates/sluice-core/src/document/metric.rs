//! `Metric`: a named measurement.

mod outside;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use outside::{AlertSource, JsonSource, OtlpSource, PrometheusSource, ReadSpec, SqlSource, VendorSource};

/// A named measurement, and which direction of it is worse.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MetricSpec {
    /// What kind of number it is.
    pub kind: MetricKind,
    /// The unit that it is shown in; latency is always in `ms`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Which direction is worse.
    pub worse: Worse,
    /// Where it comes from.
    pub source: MetricSource,
    /// How an outside source is read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read: Option<ReadSpec>,
    /// What it tells, in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

impl MetricSpec {
    /// Whether its values are times, which are always in milliseconds.
    pub fn is_time(&self) -> bool {
        matches!(self.source, MetricSource::Gateway(GatewayMetric::Latency))
            || self.unit.as_deref() == Some("ms")
    }
}

/// What kind of number a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum MetricKind {
    /// A part of a whole, 0 to 1: failed requests of all requests.
    Ratio,
    /// Something counted over time, per second.
    Rate,
    /// Many values, of which quantiles are asked.
    Distribution,
    /// Many values, of which the mean is asked: what an order is worth.
    Mean,
    /// A number that goes up and down: the length of a queue.
    Gauge,
}

/// Which direction of a metric is worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Worse {
    /// More is worse, as for errors.
    Higher,
    /// Less is worse, as for orders.
    Lower,
}

/// Where a metric comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum MetricSource {
    /// What the gateway counted for the version.
    Gateway(GatewayMetric),
    /// A server with the HTTP API of Prometheus.
    Prometheus(PrometheusSource),
    /// Metrics that programs send by OTLP.
    Otlp(OtlpSource),
    /// A database.
    Sql(SqlSource),
    /// An address that answers JSON.
    Json(JsonSource),
    /// Alerts that other programs send.
    Alerts(AlertSource),
    /// Datadog.
    Datadog(VendorSource),
    /// New Relic.
    NewRelic(VendorSource),
    /// Amazon CloudWatch.
    CloudWatch(VendorSource),
    /// InfluxDB.
    InfluxDb(VendorSource),
}

/// What the gateway counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum GatewayMetric {
    /// Requests (a rate).
    Requests,
    /// The share of requests that ended in one of these ways (a ratio).
    Responses(Vec<ResponseClass>),
    /// Time from the request to the end of the response's head, in milliseconds (a distribution).
    Latency,
    /// The share of endpoints that are ready (a ratio).
    Ready,
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
pub enum ResponseClass {
    /// 100–199.
    #[serde(rename = "1xx")]
    Informational,
    /// 200–299.
    #[serde(rename = "2xx")]
    Success,
    /// 300–399.
    #[serde(rename = "3xx")]
    Redirect,
    /// 400–499.
    #[serde(rename = "4xx")]
    ClientError,
    /// 500–599, also those that the gateway itself answers for an endpoint that is down, hangs or answers garbage.
    #[serde(rename = "5xx")]
    ServerError,
    /// The endpoint broke off in the middle of a response.
    #[serde(rename = "reset")]
    Reset,
}
