//! New Relic: NRQL through NerdGraph.

use http::header::HeaderName;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use sluice_engine::port::source::Trouble;

use super::{Errand, Found};
use crate::web::{JSON, Request, said, secret_header, trouble};

const URL: &str = "https://api.newrelic.com";
const QUERY: &str = "query($account: Int!, $nrql: Nrql!) { actor { account(id: $account) { nrql(query: $nrql) { results } } } }";

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    data: Value,
    #[serde(default)]
    errors: Vec<Fault>,
}

#[derive(Deserialize)]
struct Fault {
    #[serde(default)]
    message: String,
}

pub(super) async fn ask(errand: &Errand<'_>, query: &str) -> Result<Found, Trouble> {
    let account = errand.account("the number of the account")?;
    let account: u64 = account.parse().map_err(|_| trouble("`account` must be the number of the account"))?;
    let nrql = format!("{query} SINCE {} UNTIL {}", errand.from.as_millis(), errand.until.as_millis());
    let body = json!({ "query": QUERY, "variables": { "account": account, "nrql": nrql } }).to_string();
    let request = Request::post(format!("{}/graphql", errand.url.unwrap_or(URL)), JSON, body)
        .with(HeaderName::from_static("api-key"), secret_header(errand.key()?)?);
    let answer: Answer = errand.web.json(request, errand.limit).await?;
    if let Some(fault) = answer.errors.first() {
        return Err(trouble(format!("New Relic could not answer: {}", said(&fault.message))));
    }
    let results = answer.data.pointer("/actor/account/nrql/results").and_then(Value::as_array);
    let results = results
        .ok_or_else(|| trouble("New Relic answered without results; may the key see this account?"))?;
    match results.as_slice() {
        [Value::Object(row)] => Ok(Found::Number(number(row)?)),
        rows => Err(trouble(format!(
            "the query gives {} rows and must give one number; leave FACET and TIMESERIES away",
            rows.len()
        ))),
    }
}

fn number(row: &Map<String, Value>) -> Result<Option<f64>, Trouble> {
    let mut values = row.values();
    match (values.next(), values.next()) {
        (Some(Value::Null), None) => Ok(None),
        (Some(value), None) => value
            .as_f64()
            .map(Some)
            .ok_or_else(|| trouble("the query gives no number; SELECT a count or a sum")),
        _ => Err(trouble(format!("the query gives {} columns and must give one number", row.len()))),
    }
}
