//! Services that keep metrics for others: Datadog, New Relic, CloudWatch, InfluxDB.
//!
//! Two of them give one number for exactly the time that is asked for. The other two give points, each of which stands
//! for an interval of theirs; a point counts once its interval is over, and never twice.

mod cloudwatch;
mod datadog;
mod influxdb;
mod newrelic;
mod sigv4;

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use sluice_core::document::metric::{MetricKind, VendorSource};
use sluice_core::release::{Amount, Taken};
use sluice_core::{Timestamp, VersionName};
use sluice_engine::port::source::{Ask, Source, Trouble, Versions};

use crate::exchange::Limit;
use crate::figures::{check_names, events, gauge, trials};
use crate::secret::Secret;
use crate::template::{Blanks, names};
use crate::web::{Web, check_address, trouble};

/// Who is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Vendor {
    Datadog,
    NewRelic,
    CloudWatch,
    InfluxDb,
}

/// A number that stands for the time from `at` for `long` milliseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Point {
    at: i64,
    long: i64,
    value: f64,
}

/// What a query gave.
enum Found {
    /// One number for the whole stretch; none when there was nothing.
    Number(Option<f64>),
    Points(Vec<Point>),
}

/// Asks a vendor for one metric of one service.
pub(crate) struct VendorAsked {
    web: Arc<Web>,
    vendor: Vendor,
    ask: Ask,
    source: VendorSource,
    /// Up to when points were counted: of the candidate, and of the stable version.
    counted: [Option<i64>; 2],
}

/// What a client needs for one read.
struct Errand<'a> {
    web: &'a Web,
    url: Option<&'a str>,
    account: Option<&'a str>,
    secret: &'a Secret,
    from: Timestamp,
    until: Timestamp,
    limit: Limit,
}

impl Errand<'_> {
    /// The secret's text.
    fn key(&self) -> Result<&str, Trouble> {
        self.secret.text().ok_or_else(|| trouble("it was not asked: its secret is no text"))
    }

    /// The secret's two parts, with `:` between them.
    fn pair(&self, form: &str) -> Result<(&str, &str), Trouble> {
        self.key()?
            .split_once(':')
            .ok_or_else(|| trouble(format!("it was not asked: its secret must be `{form}`")))
    }

    fn account(&self, what: &str) -> Result<&str, Trouble> {
        self.account.ok_or_else(|| trouble(format!("`account` is missing: {what}")))
    }
}

impl VendorAsked {
    /// # Errors
    /// When what is asked makes no sense for the metric.
    pub(crate) fn open(
        web: Arc<Web>,
        vendor: Vendor,
        ask: &Ask,
        source: &VendorSource,
    ) -> Result<VendorAsked, Trouble> {
        if let Some(url) = &source.url {
            check_address(url)?;
        }
        if matches!(ask.kind, MetricKind::Distribution | MetricKind::Mean) {
            return Err(trouble("this source gives ratios, rates and gauges, not distributions or means"));
        }
        check_names(ask.kind, "queries", source.queries.keys().map(String::as_str))?;
        for (name, query) in &source.queries {
            match ask.versions {
                Versions::All if names(query, "version") => {
                    return Err(trouble(format!(
                        "the query `{name}` names {{{{version}}}}, and all versions of the service are watched; write one without"
                    )));
                }
                Versions::Two { .. } if !names(query, "version") && ask.kind != MetricKind::Gauge => {
                    return Err(trouble(format!(
                        "the query `{name}` does not name {{{{version}}}}, so that both versions would get the same numbers"
                    )));
                }
                _ => {}
            }
            let needs_time = vendor == Vendor::InfluxDb && ask.kind != MetricKind::Gauge;
            if needs_time && !(names(query, "from") && names(query, "until")) {
                return Err(trouble(format!(
                    "the query `{name}` does not name {{{{from}}}} and {{{{until}}}}, so that the same things would be counted again and again"
                )));
            }
        }
        match (vendor, &source.account, &source.url) {
            (Vendor::NewRelic, None, _) => {
                return Err(trouble("`account` is missing: the number of the account"));
            }
            (Vendor::CloudWatch, None, _) => {
                return Err(trouble("`account` is missing: the region, as eu-west-1"));
            }
            (Vendor::InfluxDb, None, _) => {
                return Err(trouble("`account` is missing: the name of the database"));
            }
            (Vendor::InfluxDb, _, None) => return Err(trouble("`url` is missing: where InfluxDB is")),
            _ => {}
        }
        Ok(VendorAsked { web, vendor, ask: ask.clone(), source: source.clone(), counted: [None, None] })
    }

    /// Asks all queries of one version.
    async fn found(
        &self,
        version: Option<&VersionName>,
        errand: &Errand<'_>,
    ) -> Result<BTreeMap<&str, Found>, Trouble> {
        let stretch = Some((errand.from, errand.until));
        let blanks = Blanks { service: &self.ask.service, version, stretch };
        let mut found = BTreeMap::new();
        for (name, query) in &self.source.queries {
            let query = match self.vendor {
                Vendor::Datadog => blanks.fill(query, datadog::escaped),
                _ => blanks.fill(query, quoted),
            };
            let answer = match self.vendor {
                Vendor::Datadog => datadog::ask(errand, &query).await?,
                Vendor::NewRelic => newrelic::ask(errand, &query).await?,
                Vendor::CloudWatch => cloudwatch::ask(errand, &query).await?,
                Vendor::InfluxDb => influxdb::ask(errand, &query).await?,
            };
            found.insert(name.as_str(), answer);
        }
        Ok(found)
    }
}

/// A value within the quotes of NRQL, InfluxQL and CloudWatch's queries.
fn quoted(value: &str) -> String {
    value.replace('\\', "\\\\").replace('\'', "\\'").replace('"', "\\\"")
}

/// What was found, and up to when it was counted.
fn amount(
    kind: MetricKind,
    found: &BTreeMap<&str, Found>,
    (from, until): (i64, i64),
) -> Result<(Amount, i64), Trouble> {
    let leader = match kind {
        MetricKind::Ratio => "total",
        MetricKind::Rate => "events",
        _ => "value",
    };
    let Some(first) = found.get(leader) else { return Err(trouble(format!("there is no `{leader}`"))) };
    match first {
        Found::Number(number) => {
            let Some(number) = number else { return Ok((Amount::Nothing, until)) };
            let bad = match found.get("bad") {
                Some(Found::Number(bad)) => bad.unwrap_or(0.0),
                _ => 0.0,
            };
            let seconds = (until - from) as f64 / 1000.0;
            Ok((of(kind, *number, bad, seconds)?, until))
        }
        Found::Points(points) => {
            let over: Vec<&Point> = points
                .iter()
                .filter(|point| point.at >= from && point.at.saturating_add(point.long) <= until)
                .collect();
            let Some(end) = over.iter().map(|point| point.at + point.long).max() else {
                return Ok((Amount::Nothing, from));
            };
            if kind == MetricKind::Gauge {
                let latest = over.iter().max_by_key(|point| point.at).map_or(f64::NAN, |point| point.value);
                return Ok((gauge(latest)?, end));
            }
            let (mut all, mut bad, mut millis) = (0.0, 0.0, 0);
            for point in &over {
                all += point.value;
                millis += point.long;
            }
            if let Some(Found::Points(points)) = found.get("bad") {
                // Where there is no point of bad ones, there were none; where there is none of all, they wait.
                let is_counted = |point: &&Point| over.iter().any(|of_all| of_all.at == point.at);
                bad = points.iter().filter(is_counted).map(|point| point.value).sum();
            }
            Ok((of(kind, all, bad, millis as f64 / 1000.0)?, end))
        }
    }
}

fn of(kind: MetricKind, number: f64, bad: f64, seconds: f64) -> Result<Amount, Trouble> {
    match kind {
        MetricKind::Ratio => trials(number, bad),
        MetricKind::Rate => events(number, seconds),
        _ => gauge(number),
    }
}

#[async_trait]
impl Source for VendorAsked {
    async fn read(&mut self, from: Timestamp, until: Timestamp) -> Result<Taken, Trouble> {
        let limit = Limit::of(self.ask.read.timeout);
        let secret = self.web.secret(&self.source.secret, limit).await?;
        let versions = match &self.ask.versions {
            Versions::Two { stable, candidate }
                if self.source.queries.values().any(|query| names(query, "version")) =>
            {
                vec![Some(candidate), Some(stable)]
            }
            Versions::Two { candidate, .. } => vec![Some(candidate)],
            Versions::All => vec![None],
        };
        let mut counted = self.counted;
        let mut amounts = [Amount::Nothing, Amount::Nothing];
        for (place, version) in versions.into_iter().enumerate() {
            let since = counted[place].unwrap_or(from.as_millis());
            let errand = Errand {
                web: &self.web,
                url: self.source.url.as_deref().map(|url| url.trim_end_matches('/')),
                account: self.source.account.as_deref(),
                secret: &secret,
                from: Timestamp::from_millis(since),
                until,
                limit,
            };
            let found = self.found(version, &errand).await?;
            let (amount, end) = amount(self.ask.kind, &found, (since, until.as_millis()))?;
            amounts[place] = amount;
            counted[place] = Some(end);
        }
        self.counted = counted;
        let [candidate, stable] = amounts;
        Ok(Taken { until, stable, candidate })
    }
}
