//! InfluxDB: InfluxQL through `/query`, which versions 1, 2 and 3 have.

use http::header::AUTHORIZATION;
use serde::Deserialize;
use serde_json::Value;
use sluice_engine::port::source::Trouble;

use super::{Errand, Found};
use crate::web::{FORM, Request, authorization, form, said, secret_header, trouble};

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    results: Vec<Statement>,
    #[serde(default)]
    error: Option<String>,
}

#[derive(Deserialize)]
struct Statement {
    #[serde(default)]
    series: Vec<Series>,
    #[serde(default)]
    error: Option<String>,
    #[serde(default)]
    partial: bool,
}

#[derive(Deserialize)]
struct Series {
    #[serde(default)]
    partial: bool,
    columns: Vec<String>,
    #[serde(default)]
    values: Vec<Vec<Value>>,
}

pub(super) async fn ask(errand: &Errand<'_>, query: &str) -> Result<Found, Trouble> {
    let url = errand.url.ok_or_else(|| trouble("`url` is missing: where InfluxDB is"))?;
    let database = errand.account("the name of the database")?;
    let key = errand.key()?;
    let authorization = if key.contains(':') {
        authorization(errand.secret)?
    } else {
        secret_header(&format!("Token {key}"))?
    };
    let fields = form(&[("db", database), ("q", query), ("epoch", "ms")]);
    let request = Request::post(format!("{url}/query"), FORM, fields).with(AUTHORIZATION, authorization);
    let answer: Answer = errand.web.json(request, errand.limit).await?;
    let fault =
        answer.error.as_ref().or_else(|| answer.results.iter().find_map(|result| result.error.as_ref()));
    if let Some(fault) = fault {
        return Err(trouble(format!("InfluxDB could not answer: {}", said(fault))));
    }
    let [statement] = answer.results.as_slice() else {
        return Err(trouble(format!("the query has {} statements and must have one", answer.results.len())));
    };
    if statement.partial || statement.series.iter().any(|series| series.partial) {
        return Err(trouble("InfluxDB answered in part only"));
    }
    match statement.series.as_slice() {
        [] => Ok(Found::Number(None)),
        [series] => Ok(Found::Number(number(series)?)),
        many => Err(trouble(format!(
            "the query gives {} series and must give one number; leave GROUP BY away",
            many.len()
        ))),
    }
}

fn number(series: &Series) -> Result<Option<f64>, Trouble> {
    let [row] = series.values.as_slice() else {
        return Err(trouble(format!(
            "the query gives {} rows and must give one number",
            series.values.len()
        )));
    };
    let values: Vec<&Value> = series
        .columns
        .iter()
        .zip(row)
        .filter(|(column, _)| *column != "time")
        .map(|(_, value)| value)
        .collect();
    match values.as_slice() {
        [Value::Null] => Ok(None),
        [value] => value.as_f64().map(Some).ok_or_else(|| trouble("the query gives no number")),
        many => Err(trouble(format!("the query gives {} columns and must give one number", many.len()))),
    }
}
