//! How many alerts are firing, as a gauge.

use std::sync::Arc;

use async_trait::async_trait;
use sluice_core::document::metric::{AlertSource, MetricKind};
use sluice_core::release::{Amount, Taken};
use sluice_core::{Timestamp, VersionName};
use sluice_engine::port::source::{Ask, Source, Trouble, Versions};

use super::Alerts;
use crate::matcher::Matchers;
use crate::template::Blanks;
use crate::web::trouble;

/// Counts the alerts that are firing and meant.
pub(crate) struct AlertsSource {
    alerts: Arc<Alerts>,
    stable: Option<Wanted>,
    candidate: Wanted,
}

struct Wanted {
    name: Option<String>,
    labels: Matchers,
}

impl AlertsSource {
    /// # Errors
    /// When the metric is no gauge, or a label is no regular expression.
    pub(crate) fn open(
        alerts: Arc<Alerts>,
        ask: &Ask,
        source: &AlertSource,
    ) -> Result<AlertsSource, Trouble> {
        if ask.kind != MetricKind::Gauge {
            return Err(trouble(format!(
                "metric `{}`: alerts are counted as they are now, so its kind must be `gauge`",
                ask.metric
            )));
        }
        let wanted = |version: Option<&VersionName>| {
            let blanks = Blanks { service: &ask.service, version, stretch: None };
            let name = source.name.as_ref().map(|name| blanks.fill(name, str::to_owned));
            Ok(Wanted { name, labels: Matchers::new(&source.labels, &blanks)? })
        };
        let (stable, candidate) = match &ask.versions {
            Versions::Two { stable, candidate } => (Some(wanted(Some(stable))?), wanted(Some(candidate))?),
            Versions::All => (None, wanted(None)?),
        };
        Ok(AlertsSource { alerts, stable, candidate })
    }
}

#[async_trait]
impl Source for AlertsSource {
    async fn read(&mut self, _from: Timestamp, until: Timestamp) -> Result<Taken, Trouble> {
        let now = self.alerts.clock.now();
        let board = self.alerts.board();
        if board.received.is_none() {
            return Err(trouble(
                "no alert was ever received, so that silence may mean that nobody sends; send a test alert to \
                 /api/v1/alerts once",
            ));
        }
        let count = |wanted: &Wanted| {
            let firing = board.firing.values().filter(|alert| {
                alert.until > now
                    && wanted.name.as_ref().is_none_or(|name| *name == alert.name)
                    && wanted.labels.is_met(|label| alert.labels.get(label).map(String::as_str))
            });
            Amount::Gauge(firing.count() as f64)
        };
        let stable = self.stable.as_ref().map_or(Amount::Nothing, count);
        Ok(Taken { until, stable, candidate: count(&self.candidate) })
    }
}
