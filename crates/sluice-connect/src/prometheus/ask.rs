//! The questions that a server with Prometheus's API is asked.

use std::collections::BTreeSet;
use std::sync::Arc;

use http::header::AUTHORIZATION;
use sluice_core::document::policy::SecretSource;
use sluice_core::{Span, Timestamp};
use sluice_engine::port::source::Trouble;

use super::answer::{Answer, Labels, Series};
use crate::exchange::Limit;
use crate::hooks::host;
use crate::web::{FORM, Request, Web, authorization, form};

/// A server and how it is asked.
pub(crate) struct Server {
    web: Arc<Web>,
    url: String,
    secret: Option<SecretSource>,
    timeout: Span,
}

impl Server {
    pub(crate) fn new(web: Arc<Web>, url: &str, secret: Option<SecretSource>, timeout: Span) -> Server {
        Server { web, url: url.trim_end_matches('/').to_owned(), secret, timeout }
    }

    /// For the questions of one read.
    pub(crate) fn limit(&self) -> Limit {
        Limit::of(self.timeout)
    }

    /// The raw samples of a selector in the `span_ms` milliseconds up to a time.
    pub(crate) async fn samples(
        &self,
        selector: &str,
        span_ms: i64,
        until: Timestamp,
        limit: Limit,
    ) -> Result<Vec<Series>, Trouble> {
        let query = format!("{selector}[{span_ms}ms]");
        let answer: Answer = self.ask("query", &[("query", &query), ("time", &secs(until))], limit).await?;
        answer.into_series().map_err(|why| self.named(why))
    }

    /// What names the series of a selector that had samples in the hour up to a time.
    pub(crate) async fn known(
        &self,
        selector: &str,
        key_of: fn(&Labels) -> String,
        until: Timestamp,
        limit: Limit,
    ) -> Result<BTreeSet<String>, Trouble> {
        let query = format!("last_over_time({selector}[1h])");
        let answer: Answer = self.ask("query", &[("query", &query), ("time", &secs(until))], limit).await?;
        let labels = answer.into_labels().map_err(|why| self.named(why))?;
        Ok(labels.iter().map(key_of).collect())
    }

    /// The one number of a query at a time.
    pub(crate) async fn number(&self, query: &str, at: Timestamp, limit: Limit) -> Result<f64, Trouble> {
        let answer: Answer = self.ask("query", &[("query", query), ("time", &secs(at))], limit).await?;
        answer.into_number().map_err(|why| self.named(why))
    }

    /// The values of a query at times that are `step` apart.
    pub(crate) async fn range(
        &self,
        query: &str,
        (from, until): (Timestamp, Timestamp),
        step: Span,
        limit: Limit,
    ) -> Result<Vec<Series>, Trouble> {
        let step = format!("{}ms", step.as_millis());
        let fields = [("query", query), ("start", &secs(from)), ("end", &secs(until)), ("step", &step)];
        let answer: Answer = self.ask("query_range", &fields, limit).await?;
        answer.into_series().map_err(|why| self.named(why))
    }

    async fn ask<T: for<'a> serde::Deserialize<'a>>(
        &self,
        what: &str,
        fields: &[(&str, &str)],
        limit: Limit,
    ) -> Result<T, Trouble> {
        let timeout = format!("{}ms", self.timeout.as_millis());
        let mut fields = fields.to_vec();
        fields.push(("timeout", &timeout));
        let mut request = Request::post(format!("{}/api/v1/{what}", self.url), FORM, form(&fields));
        if let Some(source) = &self.secret {
            request = request.with(AUTHORIZATION, authorization(&self.web.secret(source, limit).await?)?);
        }
        self.web.json(request, limit).await
    }

    /// Troubles of answers, with who answered.
    fn named(&self, trouble: Trouble) -> Trouble {
        Trouble { why: format!("{}: {}", host(&self.url), trouble.why), ..trouble }
    }
}

/// A time as the API reads it: seconds since 1970.
fn secs(at: Timestamp) -> String {
    let millis = at.as_millis();
    format!("{}.{:03}", millis / 1000, millis % 1000)
}
