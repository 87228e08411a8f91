//! MySQL and MariaDB, over their own protocol.

use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, Error, Opts, OptsBuilder, Params, Row, SslOpts, Value};
use sluice_core::document::metric::MetricKind;
use sluice_engine::port::source::Trouble;

use super::rows::{self, Rows};
use super::{Bound, Errand};
use crate::plain::plain;
use crate::secret::Secret;
use crate::web::trouble;

/// Reads an address.
///
/// # Errors
/// When it is none, or has a password in it.
pub(super) fn opts(url: &str) -> Result<Opts, Trouble> {
    // `sslmode` is ours, as in addresses of PostgreSQL; the client does not know it.
    let (plain_url, mode) = match url.split_once("?sslmode=") {
        Some((before, mode)) => (before, Some(mode)),
        None => (url, None),
    };
    let opts = Opts::from_url(plain_url).map_err(|error| {
        let why = plain(&error.to_string(), 100).unwrap_or_default();
        trouble(format!("the database's address cannot be read: {why}"))
    })?;
    if opts.pass().is_some() {
        return Err(super::password_in_url());
    }
    let host = opts.ip_or_hostname();
    let is_here = host == "localhost" || host.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback());
    let is_encrypted = match mode {
        Some("disable") => false,
        Some("require") => true,
        Some(other) => {
            let other = plain(other, 50).unwrap_or_default();
            return Err(trouble(format!(
                "the database's address has `sslmode={other}`; it may be disable or require"
            )));
        }
        None => !is_here,
    };
    // A socket that the server names would be tried without TLS.
    let builder = OptsBuilder::from_opts(opts).prefer_socket(false);
    Ok(if is_encrypted { builder.ssl_opts(Some(SslOpts::default())).into() } else { builder.into() })
}

/// Answers each errand in turn, in one transaction that can only read, on a connection of its own.
///
/// # Cancel safety
/// When dropped, the connection is closed; the server gives up within the time that it was told.
pub(super) async fn ask(
    opts: Opts,
    password: Option<Secret>,
    kind: MetricKind,
    errand: Errand,
) -> Result<Vec<Rows>, Trouble> {
    let password = password.map(|password| super::text(&password).map(str::to_owned)).transpose()?;
    let mut builder = OptsBuilder::from_opts(opts).pass(password);
    if builder_is_encrypted(&builder) {
        let loading = tokio::task::spawn_blocking(rustls_native_certs::load_native_certs);
        let roots = loading.await.map(|found| found.certs).unwrap_or_default();
        let roots = roots.into_iter().map(|root| root.to_vec().into()).collect();
        // Whom the machine trusts, as everywhere, and nobody that came with the client.
        let tls = SslOpts::default().with_disable_built_in_roots(true).with_root_certs(roots);
        builder = builder.ssl_opts(Some(tls));
    }
    let mut connection = Conn::new(builder).await.map_err(|error| broken("cannot be reached", &error))?;
    let answered = answers(&mut connection, kind, &errand).await?;
    // All answers are here, whatever comes of saying goodbye.
    drop(connection.disconnect().await);
    Ok(answered)
}

fn builder_is_encrypted(builder: &OptsBuilder) -> bool {
    Opts::from(builder.clone()).ssl_opts().is_some()
}

async fn answers(connection: &mut Conn, kind: MetricKind, errand: &Errand) -> Result<Vec<Rows>, Trouble> {
    let millis = errand.timeout.as_millis().max(1);
    // MariaDB and MySQL have different names for it; one of them is always unknown.
    let limit = format!("SET SESSION max_statement_time = {}.{:03}", millis / 1000, millis % 1000);
    if connection.query_drop(limit).await.is_err() {
        let limit = format!("SET SESSION max_execution_time = {millis}");
        connection.query_drop(limit).await.map_err(|error| broken("takes no time limit", &error))?;
    }
    for setting in ["SET SESSION time_zone = '+00:00'", "START TRANSACTION READ ONLY"] {
        connection.query_drop(setting).await.map_err(|error| broken("does not take settings", &error))?;
    }
    let prepared = connection.prep(errand.text.as_str()).await;
    let statement = prepared.map_err(|error| broken("does not take the query", &error))?;
    let columns: Vec<String> =
        statement.columns().iter().map(|column| column.name_str().into_owned()).collect();
    let mut all = Vec::with_capacity(errand.stretches.len());
    for stretch in &errand.stretches {
        let mut answer = Rows::new(kind, columns.clone())?;
        let bound: Vec<Value> = stretch.iter().map(value).collect();
        let bound = if bound.is_empty() { Params::Empty } else { Params::Positional(bound) };
        let asked = connection.exec_iter(&statement, bound).await;
        let mut found = asked.map_err(|error| broken("does not answer", &error))?;
        while let Some(row) = found.next().await.map_err(|error| broken("does not answer", &error))? {
            answer.push(numbers(row, &answer.columns)?)?;
        }
        all.push(answer);
    }
    connection.query_drop("ROLLBACK").await.map_err(|error| broken("ends no transaction", &error))?;
    Ok(all)
}

fn numbers(row: Row, columns: &[String]) -> Result<Vec<Option<f64>>, Trouble> {
    let number = |(value, column): (Value, &String)| match value {
        Value::NULL => Ok(None),
        Value::Int(number) => Ok(Some(number as f64)),
        Value::UInt(number) => Ok(Some(number as f64)),
        Value::Float(number) => Ok(Some(f64::from(number))),
        Value::Double(number) => Ok(Some(number)),
        // Decimals come as texts.
        Value::Bytes(text) => rows::number(column, &String::from_utf8_lossy(&text)).map(Some),
        Value::Date(..) | Value::Time(..) => Err(rows::wrong_type(column, "time")),
    };
    row.unwrap().into_iter().zip(columns).map(number).collect()
}

fn value(bound: &Bound) -> Value {
    match bound {
        Bound::Text(text) => Value::from(text.as_str()),
        Bound::Time(at) => Value::from(super::written(*at)),
    }
}

fn broken(what: &str, error: &Error) -> Trouble {
    let why = match error {
        Error::Server(said) => said.message.clone(),
        other => other.to_string(),
    };
    trouble(format!("MySQL {what}: {}", plain(&why, 200).unwrap_or_default()))
}
