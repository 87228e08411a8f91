//! Queries that give one number.

use async_trait::async_trait;
use sluice_core::document::metric::{MetricKind, PrometheusSource};
use sluice_core::release::{Amount, Taken};
use sluice_core::{Span, Timestamp};
use sluice_engine::port::source::{Ask, Source, Trouble, Versions};

use super::answer::Series;
use super::arms_of;
use super::ask::Server;
use super::selector::escaped;
use super::tracker::stale_after;
use crate::exchange::Limit;
use crate::figures::gauge;
use crate::template::{Blanks, names};
use crate::web::trouble;

/// Asks for one number, for a gauge.
pub(crate) struct Numbers {
    server: Server,
    scale: f64,
    /// The candidate's query, and the stable version's where it is another one.
    queries: Vec<String>,
}

impl Numbers {
    /// # Errors
    /// When the metric is no gauge, or its query names a version where none is meant.
    pub(crate) fn new(
        server: Server,
        ask: &Ask,
        source: &PrometheusSource,
        query: &String,
    ) -> Result<Numbers, Trouble> {
        if ask.kind != MetricKind::Gauge {
            return Err(trouble(
                "a `query` gives one number, for a gauge; a ratio and a rate need a `counter`, a distribution a `histogram`",
            ));
        }
        if ask.versions == Versions::All && names(query, "version") {
            return Err(trouble(
                "the query names {{version}}, and all versions of the service are watched; write one without",
            ));
        }
        let queries = arms_of(ask, std::iter::once(query)).into_iter();
        let queries = queries.map(|version| {
            Blanks { service: &ask.service, version: version.as_ref(), stretch: None }.fill(query, escaped)
        });
        Ok(Numbers { server, scale: source.scale.unwrap_or(1.0), queries: queries.collect() })
    }

    async fn ask(&self, query: Option<&String>, at: Timestamp, limit: Limit) -> Result<Amount, Trouble> {
        let Some(query) = query else { return Ok(Amount::Nothing) };
        let value = self.server.number(query, at, limit).await?;
        // Of a series, this tells when the number was taken; of what is computed, that it was computed now. Servers that
        // cannot tell answer nothing.
        let taken = self.server.number(&format!("timestamp(({query}\n))"), at, limit).await;
        let age = taken.map_or(0, |taken| at.as_millis() - super::answer::millis(taken));
        if age > stale_after(None) {
            return Err(trouble(format!("its newest data are {} s old", age / 1000)));
        }
        gauge(value * self.scale)
    }
}

#[async_trait]
impl Source for Numbers {
    async fn read(&mut self, _from: Timestamp, until: Timestamp) -> Result<Taken, Trouble> {
        let limit = self.server.limit();
        let (candidate, stable) = tokio::try_join!(
            self.ask(self.queries.first(), until, limit),
            self.ask(self.queries.get(1), until, limit)
        )?;
        Ok(Taken { until, stable, candidate })
    }

    async fn past(&mut self, from: Timestamp, until: Timestamp, block: Span) -> Result<Vec<Amount>, Trouble> {
        let Some(query) = self.queries.last() else { return Ok(Vec::new()) };
        let blocks = until.since(from).as_millis() / block.as_millis().max(1);
        if blocks == 0 {
            return Ok(Vec::new());
        }
        // A block's value is the one at its end, as for reads.
        let found = self.server.range(query, (from.after(block), until), block, self.server.limit()).await?;
        let series = match <[Series; 1]>::try_from(found) {
            Ok([series]) => series,
            Err(found) if found.is_empty() => return Ok(Vec::new()),
            Err(found) => {
                return Err(trouble(format!(
                    "the query gives {} series over its past and must give one number",
                    found.len()
                )));
            }
        };
        let mut amounts = vec![Amount::Nothing; usize::try_from(blocks).unwrap_or(0)];
        let block = i64::try_from(block.as_millis()).unwrap_or(i64::MAX);
        for sample in &series.values {
            let number = sample.number()?.filter(|number| number.is_finite());
            let place = (sample.millis() - from.as_millis() - 1).div_euclid(block);
            let slot = usize::try_from(place).ok().and_then(|place| amounts.get_mut(place));
            if let (Some(number), Some(slot)) = (number, slot) {
                *slot = gauge(number * self.scale)?;
            }
        }
        Ok(amounts)
    }
}
