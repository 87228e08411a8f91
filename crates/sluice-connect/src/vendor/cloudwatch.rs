//! Amazon CloudWatch: `GetMetricData` in its JSON form, with expressions of metric math or Metrics Insights.

use http::HeaderValue;
use http::header::HeaderName;
use serde::Deserialize;
use serde_json::json;
use sluice_engine::port::source::Trouble;

use super::sigv4::{Keys, Signed};
use super::{Errand, Found, Point};
use crate::hooks::host;
use crate::web::{Request, said, secret_header, trouble};

const TARGET: &str = "GraniteServiceVersion20100801.GetMetricData";
const KIND: &str = "application/x-amz-json-1.0";
/// What CloudWatch keeps without further ado.
const PERIOD_SECS: i64 = 60;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    #[serde(default)]
    metric_data_results: Vec<Series>,
    #[serde(default)]
    next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Series {
    #[serde(default)]
    timestamps: Vec<f64>,
    #[serde(default)]
    values: Vec<f64>,
    #[serde(default)]
    status_code: String,
}

pub(super) async fn ask(errand: &Errand<'_>, query: &str) -> Result<Found, Trouble> {
    let region = errand.account("the region, as eu-west-1")?;
    let (id, secret) = errand.pair("accessKeyId:secretAccessKey")?;
    let own = format!("https://monitoring.{region}.amazonaws.com");
    let url = errand.url.unwrap_or(&own);
    // Whole minutes: the points' times are then those of the minutes.
    let from = errand.from.as_millis().div_euclid(PERIOD_SECS * 1000) * PERIOD_SECS;
    let body = json!({
        "StartTime": from,
        "EndTime": errand.until.as_millis() / 1000,
        "ScanBy": "TimestampAscending",
        "MetricDataQueries": [ { "Id": "q", "Expression": query, "Period": PERIOD_SECS } ],
    })
    .to_string();
    let now = crate::hooks::unix_seconds();
    let headers = [("content-type", KIND), ("host", host(url)), ("x-amz-target", TARGET)];
    let keys = Keys { id, secret, region, service: "monitoring" };
    let signed = Signed::new("POST", "/", &headers, body.as_bytes(), &keys, now);
    let mut request = Request::post(format!("{url}/"), HeaderValue::from_static(KIND), body)
        .with(HeaderName::from_static("x-amz-target"), HeaderValue::from_static(TARGET));
    request = request.with(HeaderName::from_static("x-amz-date"), secret_header(&signed.date)?);
    request = request.with(http::header::AUTHORIZATION, secret_header(&signed.authorization)?);
    let answer: Answer = errand.web.json(request, errand.limit).await?;
    if answer.next_token.is_some() {
        return Err(trouble("CloudWatch answered in part only: the query gives too much"));
    }
    match answer.metric_data_results.as_slice() {
        [] => Ok(Found::Points(Vec::new())),
        [series] if series.status_code == "Complete" && series.timestamps.len() == series.values.len() => {
            let long = PERIOD_SECS * 1000;
            let point = |(at, value): (&f64, &f64)| Point {
                at: (at * 1000.0).clamp(0.0, 3e14) as i64,
                long,
                value: *value,
            };
            Ok(Found::Points(series.timestamps.iter().zip(&series.values).map(point).collect()))
        }
        [series] => Err(trouble(format!("CloudWatch answered in part only: {}", said(&series.status_code)))),
        many => Err(trouble(format!(
            "the query gives {} series and must give one; leave its GROUP BY away",
            many.len()
        ))),
    }
}
