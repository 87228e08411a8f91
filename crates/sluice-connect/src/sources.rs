//! The engine's port for metrics that others measure.

use std::sync::Arc;

use sluice_core::document::metric::{MetricSource, VendorSource};
use sluice_engine::port::Sources;
use sluice_engine::port::source::{Ask, Source, Trouble};
use tokio_rustls::rustls::pki_types::CertificateDer;

use crate::alerts::{Alerts, AlertsSource};
use crate::hooks::{InvalidRoot, ReadVariable, roots};
use crate::inbox::{Inbox, InboxSource};
use crate::json::JsonAsked;
use crate::prometheus;
use crate::sql::SqlAsked;
use crate::trust::Trust;
use crate::vendor::{Vendor, VendorAsked};
use crate::web::{Web, trouble};

/// What sources are asked with.
pub struct SourceOptions {
    /// Reads the variables that hold secrets, at each read.
    pub read_variable: ReadVariable,
    /// Certificates of authorities that are trusted beside those that the machine trusts.
    pub extra_roots: Vec<CertificateDer<'static>>,
    /// Where Prometheus is, for metrics that do not say: `http://prometheus:9090`.
    pub prometheus_url: Option<String>,
}

/// Opens sources of all kinds but the gateway.
pub struct OutsideSources {
    web: Arc<Web>,
    prometheus_url: Option<String>,
    received: Option<(Arc<Inbox>, Arc<Alerts>)>,
}

impl OutsideSources {
    /// Reads and connects to nothing yet.
    ///
    /// # Errors
    /// When an extra root is no certificate.
    pub fn new(options: SourceOptions) -> Result<OutsideSources, InvalidRoot> {
        let trust = Trust::with(roots(options.extra_roots)?);
        let web = Arc::new(Web { read_variable: options.read_variable, trust });
        Ok(OutsideSources { web, prometheus_url: options.prometheus_url, received: None })
    }

    /// Reads also what other programs hand in: metrics by OTLP, and alerts.
    pub fn receiving(self, inbox: Arc<Inbox>, alerts: Arc<Alerts>) -> OutsideSources {
        OutsideSources { received: Some((inbox, alerts)), ..self }
    }

    fn vendor(&self, vendor: Vendor, ask: &Ask, source: &VendorSource) -> Result<Box<dyn Source>, Trouble> {
        Ok(Box::new(VendorAsked::open(Arc::clone(&self.web), vendor, ask, source)?))
    }
}

impl Sources for OutsideSources {
    fn open(&self, ask: Ask) -> Result<Box<dyn Source>, Trouble> {
        match &ask.source {
            MetricSource::Prometheus(source) => {
                prometheus::open(&self.web, self.prometheus_url.as_deref(), &ask, source)
            }
            MetricSource::Otlp(source) => {
                let (inbox, _) = self.received.as_ref().ok_or_else(nothing_received)?;
                Ok(Box::new(InboxSource::open(Arc::clone(inbox), &ask, source)?))
            }
            MetricSource::Alerts(source) => {
                let (_, alerts) = self.received.as_ref().ok_or_else(nothing_received)?;
                Ok(Box::new(AlertsSource::open(Arc::clone(alerts), &ask, source)?))
            }
            MetricSource::Sql(source) => Ok(Box::new(SqlAsked::open(Arc::clone(&self.web), &ask, source)?)),
            MetricSource::Json(source) => Ok(Box::new(JsonAsked::open(Arc::clone(&self.web), &ask, source)?)),
            MetricSource::Datadog(source) => self.vendor(Vendor::Datadog, &ask, source),
            MetricSource::NewRelic(source) => self.vendor(Vendor::NewRelic, &ask, source),
            MetricSource::CloudWatch(source) => self.vendor(Vendor::CloudWatch, &ask, source),
            MetricSource::InfluxDb(source) => self.vendor(Vendor::InfluxDb, &ask, source),
            MetricSource::Gateway(_) => Err(trouble("the gateway's counts are no outside source")),
        }
    }
}

fn nothing_received() -> Trouble {
    trouble("nothing is received here that other programs send")
}
