//! Datadog: `GET /api/v1/query`, timeseries points.

use http::header::HeaderName;
use serde::Deserialize;
use sluice_engine::port::source::Trouble;

use super::{Errand, Found, Point};
use crate::web::{Request, form, said, secret_header, trouble};

const URL: &str = "https://api.datadoghq.com";
/// Points may be some minutes long; what was counted before is left out.
const EARLIER_SECS: i64 = 300;

#[derive(Deserialize)]
struct Answer {
    status: String,
    #[serde(default)]
    error: Option<String>,
    #[serde(default)]
    series: Vec<Series>,
}

#[derive(Deserialize)]
struct Series {
    #[serde(default)]
    scope: String,
    /// In seconds.
    interval: i64,
    /// Milliseconds since 1970, and a value; none where nothing was measured.
    pointlist: Vec<(f64, Option<f64>)>,
}

/// Values of tags have no quotes: what would end one becomes `_`, as when Datadog stores it.
pub(super) fn escaped(value: &str) -> String {
    value.chars().map(|c| if c.is_ascii_alphanumeric() || "_-:./".contains(c) { c } else { '_' }).collect()
}

pub(super) async fn ask(errand: &Errand<'_>, query: &str) -> Result<Found, Trouble> {
    let (key, application) = errand.pair("apiKey:applicationKey")?;
    let from = (errand.from.as_millis() / 1000 - EARLIER_SECS).to_string();
    let until = (errand.until.as_millis() / 1000).to_string();
    let fields = form(&[("from", &from), ("to", &until), ("query", query)]);
    let request = Request::get(format!("{}/api/v1/query?{fields}", errand.url.unwrap_or(URL)))
        .with(HeaderName::from_static("dd-api-key"), secret_header(key)?)
        .with(HeaderName::from_static("dd-application-key"), secret_header(application)?);
    let answer: Answer = errand.web.json(request, errand.limit).await?;
    if answer.status != "ok" {
        return Err(trouble(format!(
            "Datadog could not answer: {}",
            said(&answer.error.unwrap_or_default())
        )));
    }
    match answer.series.as_slice() {
        [] => Ok(Found::Points(Vec::new())),
        [series] => {
            let long = series.interval.clamp(1, 86_400) * 1000;
            let point = |(at, value): &(f64, Option<f64>)| {
                Some(Point { at: at.clamp(0.0, 3e14) as i64, long, value: (*value)? })
            };
            Ok(Found::Points(series.pointlist.iter().filter_map(point).collect()))
        }
        [first, ..] => Err(trouble(format!(
            "the query gives {} series, one of them of {}, and must give one; leave its `by` away",
            answer.series.len(),
            said(&first.scope)
        ))),
    }
}
