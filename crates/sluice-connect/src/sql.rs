//! Databases that are asked in SQL.
//!
//! Every reading has a connection of its own, and a transaction that can only read. Names in the query are bound as
//! parameters, never pasted.

mod mysql;
mod placeholders;
mod postgres;
mod rows;
mod sqlite;

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use sluice_core::document::metric::{MetricKind, SqlSource};
use sluice_core::document::policy::SecretSource;
use sluice_core::release::{Amount, Taken};
use sluice_core::{ServiceKey, Span, Timestamp, VersionName};
use sluice_engine::port::source::{Ask, Source, Trouble, Versions};

use self::placeholders::{Dialect, Parameter, Query};
use self::rows::Rows;
use crate::secret::{self, Secret};
use crate::web::{Web, trouble};

/// An hour of the past in blocks of ten seconds; with more, the database would have to answer too many queries.
const BLOCKS_MAX: usize = 360;

/// Asks a database for one metric of one service.
pub(crate) struct SqlAsked {
    web: Arc<Web>,
    database: Database,
    secret: Option<SecretSource>,
    query: Query,
    kind: MetricKind,
    timeout: Span,
    service: ServiceKey,
    versions: Versions,
}

enum Database {
    Postgres(Box<tokio_postgres::Config>),
    MySql(mysql_async::Opts),
    Sqlite(PathBuf),
}

/// What is asked in one go: a query, and what is bound in it for each time that it runs.
struct Errand {
    text: String,
    stretches: Vec<Vec<Bound>>,
    timeout: Span,
}

/// The value of a parameter.
enum Bound {
    Text(String),
    Time(Timestamp),
}

impl SqlAsked {
    /// Reads the address and the query; asks nothing yet.
    ///
    /// # Errors
    /// When either makes no sense, or the query cannot tell the versions apart.
    pub(crate) fn open(web: Arc<Web>, ask: &Ask, source: &SqlSource) -> Result<SqlAsked, Trouble> {
        let in_metric = |why: Trouble| trouble(format!("metric `{}`: {}", ask.metric, why.why));
        let (database, dialect) = database(&source.url).map_err(in_metric)?;
        let query = Query::read(&source.query, dialect).map_err(in_metric)?;
        match &ask.versions {
            Versions::Two { .. } if !query.names(Parameter::Version) && ask.kind != MetricKind::Gauge => {
                let why = "the query does not use :version, so that both versions would get the same numbers";
                return Err(in_metric(trouble(why)));
            }
            Versions::All if query.names(Parameter::Version) => {
                let why = "the query uses :version, and here all versions of a service are watched together; write a \
                           metric without it";
                return Err(in_metric(trouble(why)));
            }
            _ => {}
        }
        Ok(SqlAsked {
            web,
            database,
            secret: source.secret.clone(),
            query,
            kind: ask.kind,
            timeout: ask.read.timeout,
            service: ask.service.clone(),
            versions: ask.versions.clone(),
        })
    }

    fn bound(&self, version: Option<&VersionName>, from: Timestamp, until: Timestamp) -> Vec<Bound> {
        let value = |parameter: &Parameter| match parameter {
            // A query that names the version is not opened for all of them.
            Parameter::Version => Bound::Text(version.map(ToString::to_string).unwrap_or_default()),
            Parameter::Service => Bound::Text(self.service.name.to_string()),
            Parameter::Environment => Bound::Text(self.service.environment.to_string()),
            Parameter::From => Bound::Time(from),
            Parameter::Until => Bound::Time(until),
        };
        self.query.parameters.iter().map(value).collect()
    }

    /// Runs the query once for each of these.
    async fn ask(&self, stretches: Vec<Vec<Bound>>) -> Result<Vec<Rows>, Trouble> {
        let runs = stretches.len();
        let errand = Errand { text: self.query.text.clone(), stretches, timeout: self.timeout };
        let asking = async {
            let secret = match &self.secret {
                Some(source) => {
                    let read = secret::read(source, &self.web.read_variable).await;
                    Some(read.map_err(|why| trouble(format!("the database's password: {why}")))?)
                }
                None => None,
            };
            match &self.database {
                Database::Postgres(config) => {
                    postgres::ask(config.as_ref().clone(), secret, &self.web.trust, self.kind, errand).await
                }
                Database::MySql(opts) => mysql::ask(opts.clone(), secret, self.kind, errand).await,
                Database::Sqlite(path) => sqlite::ask(path.clone(), self.kind, errand).await,
            }
        };
        let answered = tokio::time::timeout(self.timeout.as_duration(), asking).await;
        let answers = answered
            .map_err(|_| trouble(format!("the database did not answer within {}", self.timeout)))??;
        if answers.len() == runs {
            Ok(answers)
        } else {
            Err(trouble("the database did not answer each query"))
        }
    }
}

#[async_trait]
impl Source for SqlAsked {
    async fn read(&mut self, from: Timestamp, until: Timestamp) -> Result<Taken, Trouble> {
        let versions = match &self.versions {
            Versions::Two { stable, candidate } => vec![Some(stable), Some(candidate)],
            Versions::All => vec![None],
        };
        let answers =
            self.ask(versions.iter().map(|version| self.bound(*version, from, until)).collect()).await?;
        let mut amounts = answers.iter().map(|answer| answer.amount(self.kind, from, until));
        let mut next = || amounts.next().unwrap_or(Ok(Amount::Nothing));
        let stable = if versions.len() == 2 { next()? } else { Amount::Nothing };
        Ok(Taken { until, stable, candidate: next()? })
    }

    /// Of a gauge nothing is known but now, and more than an hour is not asked for.
    async fn past(&mut self, from: Timestamp, until: Timestamp, block: Span) -> Result<Vec<Amount>, Trouble> {
        if self.kind == MetricKind::Gauge
            || block == Span::ZERO
            || matches!(self.versions, Versions::Two { .. })
        {
            return Ok(Vec::new());
        }
        let starts: Vec<Timestamp> = std::iter::successors(Some(from), |start| Some(start.after(block)))
            .take_while(|start| start.after(block) <= until)
            .take(BLOCKS_MAX + 1)
            .collect();
        if starts.len() > BLOCKS_MAX {
            return Ok(Vec::new());
        }
        let bound = starts.iter().map(|start| self.bound(None, *start, start.after(block))).collect();
        let answers = self.ask(bound).await?;
        answers
            .iter()
            .zip(&starts)
            .map(|(answer, start)| answer.amount(self.kind, *start, start.after(block)))
            .collect()
    }
}

fn database(url: &str) -> Result<(Database, Dialect), Trouble> {
    let (scheme, rest) = url.split_once(':').unwrap_or((url, ""));
    match scheme {
        "postgres" | "postgresql" => {
            Ok((Database::Postgres(Box::new(postgres::config(url)?)), Dialect::Postgres))
        }
        "mysql" | "mariadb" => Ok((Database::MySql(mysql::opts(&format!("mysql:{rest}"))?), Dialect::MySql)),
        "sqlite" => {
            let path = rest.strip_prefix("//").unwrap_or(rest);
            if path.is_empty() {
                return Err(trouble("the database's address has no path; write sqlite:/path"));
            }
            Ok((Database::Sqlite(PathBuf::from(path)), Dialect::Sqlite))
        }
        _ => Err(trouble("the database's address must begin with postgres:, mysql:, mariadb: or sqlite:")),
    }
}

fn password_in_url() -> Trouble {
    trouble("the database's address has a password in it; leave it out, and name a `secret` that holds it")
}

fn text(password: &Secret) -> Result<&str, Trouble> {
    password.text().ok_or_else(|| trouble("the database's password is not UTF-8"))
}

/// A time as databases read it, in UTC: `2026-11-23 09:30:00.000`.
fn written(at: Timestamp) -> String {
    at.to_string().replace('T', " ").replace('Z', "")
}
