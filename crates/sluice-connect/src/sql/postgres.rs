//! PostgreSQL, over its own protocol.

use std::error::Error as _;
use std::net::IpAddr;
use std::time::{Duration, UNIX_EPOCH};

use futures_util::TryStreamExt as _;
use sluice_core::document::metric::MetricKind;
use sluice_engine::port::source::Trouble;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::types::{FromSql, ToSql, Type};
use tokio_postgres::{Client, Config, Error};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::rows::{self, Rows};
use super::{Bound, Errand};
use crate::plain::plain;
use crate::secret::Secret;
use crate::trust::Trust;
use crate::web::trouble;

/// Whom a database is told that it serves.
const APPLICATION: &str = concat!("sluice/", env!("CARGO_PKG_VERSION"));

/// Reads an address.
///
/// # Errors
/// When it is none, or has a password in it.
pub(super) fn config(url: &str) -> Result<Config, Trouble> {
    let mut config: Config = url.parse().map_err(|error: Error| {
        let why = error.source().map(ToString::to_string).unwrap_or_default();
        trouble(format!("the database's address cannot be read: {}", plain(&why, 100).unwrap_or_default()))
    })?;
    if config.get_password().is_some() {
        return Err(super::password_in_url());
    }
    if !url.contains("sslmode=") {
        let is_here = |host: &Host| match host {
            Host::Tcp(name) => {
                name == "localhost" || name.parse().is_ok_and(|address: IpAddr| address.is_loopback())
            }
            Host::Unix(_) => true,
        };
        config.ssl_mode(if config.get_hosts().iter().all(is_here) {
            SslMode::Disable
        } else {
            SslMode::Require
        });
    }
    config.application_name(APPLICATION);
    Ok(config)
}

/// Answers each errand in turn, in one transaction that can only read, on a connection of its own.
///
/// # Cancel safety
/// When dropped, the connection is closed; the server gives up within the time that it was told.
pub(super) async fn ask(
    mut config: Config,
    password: Option<Secret>,
    trust: &Trust,
    kind: MetricKind,
    errand: Errand,
) -> Result<Vec<Rows>, Trouble> {
    if let Some(password) = password {
        config.password(super::text(&password)?);
    }
    let connector = trust.connector().await;
    if let (SslMode::Require, Err(why)) = (config.get_ssl_mode(), &connector) {
        return Err(trouble(format!("PostgreSQL cannot be reached by TLS: {why}")));
    }
    match connector {
        Ok(connector) if config.get_ssl_mode() != SslMode::Disable => {
            let mut tls = connector.config().as_ref().clone();
            tls.alpn_protocols = vec![b"postgresql".to_vec()];
            let connected = config.connect(MakeRustlsConnect::new(tls)).await;
            let (client, connection) = connected.map_err(|error| broken("cannot be reached", &error))?;
            converse(client, connection, kind, errand).await
        }
        _ => {
            let connected = config.connect(tokio_postgres::NoTls).await;
            let (client, connection) = connected.map_err(|error| broken("cannot be reached", &error))?;
            converse(client, connection, kind, errand).await
        }
    }
}

/// Drives the connection while the questions are asked; nothing of it is left behind.
async fn converse(
    mut client: Client,
    connection: impl Future<Output = Result<(), Error>>,
    kind: MetricKind,
    errand: Errand,
) -> Result<Vec<Rows>, Trouble> {
    let mut connection = std::pin::pin!(connection);
    let answered = tokio::select! {
        answered = answers(&mut client, kind, &errand) => answered?,
        ended = &mut connection => return Err(match ended {
            Err(error) => broken("broke off", &error),
            Ok(()) => trouble("PostgreSQL closed the connection"),
        }),
    };
    // Says goodbye, so that the server has no broken connection in its log. All answers are here, whatever comes of it.
    drop(client);
    drop(connection.await);
    Ok(answered)
}

async fn answers(client: &mut Client, kind: MetricKind, errand: &Errand) -> Result<Vec<Rows>, Trouble> {
    let setting =
        format!("SET statement_timeout = {}; SET TIME ZONE 'UTC'", errand.timeout.as_millis().max(1));
    client.batch_execute(&setting).await.map_err(|error| broken("does not take settings", &error))?;
    let began = client.build_transaction().read_only(true).start().await;
    let transaction = began.map_err(|error| broken("begins no transaction", &error))?;
    let first = errand.stretches.first().map_or(&[][..], Vec::as_slice);
    let types: Vec<Type> = first
        .iter()
        .map(|bound| match bound {
            Bound::Text(_) => Type::TEXT,
            Bound::Time(_) => Type::TIMESTAMPTZ,
        })
        .collect();
    let prepared = transaction.prepare_typed(&errand.text, &types).await;
    let statement = prepared.map_err(|error| broken("does not take the query", &error))?;
    let columns = || statement.columns().iter().map(|column| column.name().to_owned()).collect();
    Rows::new(kind, columns())?;
    if let Some(column) = statement.columns().iter().find(|column| !Number::accepts(column.type_())) {
        return Err(rows::wrong_type(column.name(), column.type_().name()));
    }
    let mut all = Vec::with_capacity(errand.stretches.len());
    for stretch in &errand.stretches {
        let bound: Vec<Box<dyn ToSql + Sync + Send>> = stretch.iter().map(value).collect();
        let mut answer = Rows::new(kind, columns())?;
        let asked = transaction
            .query_raw(&statement, bound.iter().map(|bound| &**bound as &(dyn ToSql + Sync)))
            .await;
        let found = asked.map_err(|error| broken("does not answer", &error))?;
        let mut found = std::pin::pin!(found);
        while let Some(row) = found.try_next().await.map_err(|error| broken("does not answer", &error))? {
            let numbers = (0..row.len()).map(|at| {
                let read = row.try_get::<_, Option<Number>>(at);
                let number = read.map_err(|error| broken("gave what cannot be read", &error))?;
                number.map(|number| number.value(&answer.columns[at])).transpose()
            });
            let numbers = numbers.collect::<Result<_, _>>()?;
            answer.push(numbers)?;
        }
        all.push(answer);
    }
    transaction.rollback().await.map_err(|error| broken("ends no transaction", &error))?;
    Ok(all)
}

fn value(bound: &Bound) -> Box<dyn ToSql + Sync + Send> {
    match bound {
        Bound::Text(text) => Box::new(text.clone()),
        Bound::Time(at) => {
            let millis = u64::try_from(at.as_millis()).unwrap_or_default();
            Box::new(UNIX_EPOCH + Duration::from_millis(millis))
        }
    }
}

fn broken(what: &str, error: &Error) -> Trouble {
    let why = match error.as_db_error() {
        Some(said) => said.message().to_owned(),
        None => error.source().map_or_else(|| error.to_string(), |source| format!("{error}: {source}")),
    };
    trouble(format!("PostgreSQL {what}: {}", plain(&why, 200).unwrap_or_default()))
}

/// Any value that is a number, or a text that may be one.
enum Number {
    Known(f64),
    Written(String),
}

impl Number {
    fn value(self, column: &str) -> Result<f64, Trouble> {
        match self {
            Number::Known(number) => Ok(number),
            Number::Written(text) => rows::number(column, &text),
        }
    }
}

impl<'a> FromSql<'a> for Number {
    fn from_sql(of: &Type, raw: &'a [u8]) -> Result<Number, Box<dyn std::error::Error + Sync + Send>> {
        Ok(match *of {
            Type::INT2 => Number::Known(i16::from_sql(of, raw)?.into()),
            Type::INT4 => Number::Known(i32::from_sql(of, raw)?.into()),
            Type::INT8 => Number::Known(i64::from_sql(of, raw)? as f64),
            Type::FLOAT4 => Number::Known(f32::from_sql(of, raw)?.into()),
            Type::FLOAT8 => Number::Known(f64::from_sql(of, raw)?),
            Type::NUMERIC => Number::Known(numeric(raw).ok_or("a numeric that is cut off")?),
            _ => Number::Written(String::from_sql(of, raw)?),
        })
    }

    fn accepts(of: &Type) -> bool {
        let numbers = [Type::INT2, Type::INT4, Type::INT8, Type::FLOAT4, Type::FLOAT8, Type::NUMERIC];
        let texts = [Type::TEXT, Type::VARCHAR, Type::BPCHAR, Type::UNKNOWN];
        numbers.contains(of) || texts.contains(of)
    }
}

/// A `numeric` as it is sent: how many digits of base 10 000, the weight of the first, the sign, how many decimals are
/// shown, and the digits (PostgreSQL, `numeric_send`).
fn numeric(raw: &[u8]) -> Option<f64> {
    let words: Vec<u16> = raw.chunks_exact(2).map(|two| u16::from_be_bytes([two[0], two[1]])).collect();
    let [length, weight, sign, _, digits @ ..] = words.as_slice() else { return None };
    let sign = match sign {
        0x0000 => 1.0,
        0x4000 => -1.0,
        0xD000 => return Some(f64::INFINITY),
        0xF000 => return Some(f64::NEG_INFINITY),
        _ => return Some(f64::NAN),
    };
    let digits = digits.get(..usize::from(*length))?;
    let weight = i32::from(weight.cast_signed());
    // Written down and read again: adding up powers would round at each digit.
    let whole: String = digits.iter().map(|digit| format!("{digit:04}")).collect();
    let exponent = 4 * (weight + 1 - i32::from(*length));
    let number: f64 = format!("0{whole}e{exponent}").parse().ok()?;
    Some(sign * number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(words: &[u16]) -> Option<f64> {
        numeric(&words.iter().flat_map(|word| word.to_be_bytes()).collect::<Vec<_>>())
    }

    #[test]
    fn numerics_are_read_as_they_are_sent() {
        assert_eq!(sent(&[3, 1, 0, 2, 12, 3456, 7800]), Some(123_456.78));
        assert_eq!(sent(&[1, 0xFFFF, 0x4000, 1, 5000]), Some(-0.5));
        assert_eq!(sent(&[0, 0, 0, 0]), Some(0.0));
        assert_eq!(sent(&[1, 2, 0, 0, 7]), Some(700_000_000.0));
        assert!(sent(&[0, 0, 0xC000, 0]).unwrap().is_nan());
        assert_eq!(sent(&[2, 0, 0, 0, 1]), None, "a numeric that is cut off was read");
        assert_eq!(sent(&[1]), None);
    }

    #[test]
    fn other_machines_are_reached_by_tls_unless_somebody_says_otherwise() {
        let mode = |url: &str| config(url).unwrap().get_ssl_mode();
        assert_eq!(mode("postgres://shop@db:5432/orders"), SslMode::Require);
        assert_eq!(mode("postgres://shop@db:5432/orders?sslmode=disable"), SslMode::Disable);
        assert_eq!(mode("postgres://shop@127.0.0.1:5432/orders"), SslMode::Disable);
        assert_eq!(mode("postgres://shop@%2Frun%2Fpostgresql/orders"), SslMode::Disable);
    }

    #[test]
    fn a_password_in_the_address_is_refused_without_being_repeated() {
        let why = config("postgres://shop:hunter2@db/orders").unwrap_err().why;
        assert!(why.contains("secret") && !why.contains("hunter2"), "{why}");
    }
}
