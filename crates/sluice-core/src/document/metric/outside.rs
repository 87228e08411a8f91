//! Metrics that others measure: where they are asked for, and how.
//!
//! Texts may hold `{{service}}`, `{{environment}}` and `{{version}}`. No secret is ever written in a document: it says
//! in which file or variable the server finds it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Span;
use crate::document::policy::SecretSource;

/// How an outside source is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ReadSpec {
    /// How often it is asked. Default 10s.
    pub every: Span,
    /// How old data must be to be final; what comes later is not seen. Default none.
    pub delay: Span,
    /// How long an answer may take. Default 5s.
    pub timeout: Span,
}

impl Default for ReadSpec {
    fn default() -> ReadSpec {
        ReadSpec { every: Span::from_secs(10), delay: Span::ZERO, timeout: Span::from_secs(5) }
    }
}

/// A server with the HTTP API of Prometheus: also VictoriaMetrics, Thanos, Mimir.
///
/// One of `counter`, `histogram` or `query` is asked: a counter for a rate (and, with `bad`, for a ratio), a histogram
/// (native or classic) for a distribution, and any query that gives one number for a gauge.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PrometheusSource {
    /// Where it is: `http://prometheus:9090`. When absent, where the server was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Sent as a bearer token; where it has the form `user:password`, as those.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<SecretSource>,
    /// The name of a counter that only grows: `http_requests_total`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counter: Option<String>,
    /// The name of a histogram, without `_bucket`: `http_request_duration_seconds`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub histogram: Option<String>,
    /// A query in PromQL that gives exactly one number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// Which series are meant, by their labels: `version: "{{version}}"`. A value that begins with `~` is a regular
    /// expression.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// For a ratio: which of the counter's series are the bad ones: `code: "~5.."`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub bad: BTreeMap<String, String>,
    /// What a value is multiplied with to be in the metric's unit. By default 1000 for a histogram whose name ends in
    /// `_seconds` when the metric's unit is `ms`, otherwise 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale: Option<f64>,
}

/// Metrics that programs send to Sluice by OTLP. Their service and version are told by the resource attributes
/// `service.name` and `service.version`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OtlpSource {
    /// The name of the instrument: `http.server.request.duration`. A sum or the count of a histogram for a rate or a
    /// ratio, a histogram for a distribution, a gauge for a gauge.
    pub instrument: String,
    /// The service's name there. Default: the service's name here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// Which points are meant, by their attributes. A value that begins with `~` is a regular expression.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, String>,
    /// For a ratio: which of those are the bad ones: `http.response.status_code: "~5.."`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub bad: BTreeMap<String, String>,
    /// What a value is multiplied with to be in the metric's unit. By default 1000 where the instrument's unit is `s`
    /// and the metric's is `ms`, otherwise 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale: Option<f64>,
}

/// A database that is asked in SQL, for figures of the business.
///
/// `:version`, `:service`, `:environment`, `:from` and `:until` are bound as parameters, never pasted. The columns that
/// a row must have follow from the metric's kind: `total` and `bad` for a ratio, `events` for a rate, `value` (and
/// `count`, if many are alike) for a distribution or a mean, one `value` in one row for a gauge.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SqlSource {
    /// Which database, without a password: `postgres://shop@db:5432/orders`, `mysql://…`, `sqlite:/path`.
    pub url: String,
    /// The password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<SecretSource>,
    /// The query; it may only read.
    pub query: String,
}

/// An address that answers JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct JsonSource {
    /// The address, with `{{version}}` where it is needed; `{{from}}` and `{{until}}` are times as in RFC 3339.
    pub url: String,
    /// Sent as a bearer token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<SecretSource>,
    /// Where the numbers are in the answer, as JSON pointers (RFC 6901), by the columns that SQL sources have:
    /// `total: /orders/all`, `bad: /orders/failed`; `value: /queue/length`.
    pub pointers: BTreeMap<String, String>,
    /// Whether the numbers only grow, so that differences are taken; otherwise they are of the time asked for.
    #[serde(default)]
    pub cumulative: bool,
}

/// Alerts that other programs send to Sluice (Alertmanager, Grafana, Datadog): how many are firing, as a gauge.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AlertSource {
    /// The alert's name; any when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Which alerts are meant, by their labels: `version: "{{version}}"`. A value that begins with `~` is a regular
    /// expression.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}

/// A service that keeps metrics for others: Datadog, New Relic, CloudWatch, InfluxDB.
///
/// `queries` has the columns that SQL sources have: `total` and `bad` for a ratio, `events` for a rate, `value` for a
/// gauge.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VendorSource {
    /// Where it is; the vendor's own address when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The account, organisation or region, as the vendor names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// The key: for Datadog `apiKey:applicationKey`, for CloudWatch `accessKeyId:secretAccessKey`.
    pub secret: SecretSource,
    /// What is asked, in the vendor's language, by what it gives.
    pub queries: BTreeMap<String, String>,
}
