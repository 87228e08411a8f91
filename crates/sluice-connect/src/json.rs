//! Addresses that answer JSON.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use http::header::AUTHORIZATION;
use serde_json::Value;
use sluice_core::Timestamp;
use sluice_core::document::metric::{JsonSource, MetricKind};
use sluice_core::release::{Amount, Taken};
use sluice_engine::port::source::{Ask, Source, Trouble, Versions};

use crate::exchange::Limit;
use crate::figures::{check_names, events, gauge, trials, values};
use crate::hooks::host;
use crate::template::{Blanks, names};
use crate::web::{Request, Web, authorization, check_address, percent, trouble};

/// Numbers by their names, as `total` and `bad`.
type Figures = BTreeMap<String, Vec<f64>>;

/// Asks an address for one metric of one service.
pub(crate) struct JsonAsked {
    web: Arc<Web>,
    ask: Ask,
    source: JsonSource,
    /// What was there at the last read, of numbers that only grow: of the candidate, and of the stable version.
    last: Option<Vec<Figures>>,
}

impl JsonAsked {
    /// # Errors
    /// When the address or what is read of the answer make no sense for the metric.
    pub(crate) fn open(web: Arc<Web>, ask: &Ask, source: &JsonSource) -> Result<JsonAsked, Trouble> {
        check_address(&source.url)?;
        check_names(ask.kind, "pointers", source.pointers.keys().map(String::as_str))?;
        let has_version = names(&source.url, "version");
        match ask.versions {
            Versions::All if has_version => {
                return Err(trouble(
                    "the address names {{version}}, and all versions of the service are watched; write one without",
                ));
            }
            Versions::Two { .. } if !has_version && ask.kind != MetricKind::Gauge => {
                return Err(trouble(
                    "the address does not name {{version}}, so that both versions would get the same numbers",
                ));
            }
            _ => {}
        }
        let has_stretch = names(&source.url, "from") && names(&source.url, "until");
        match ask.kind {
            MetricKind::Gauge if source.cumulative => {
                return Err(trouble("a gauge goes up and down, so `cumulative` makes no sense"));
            }
            MetricKind::Distribution | MetricKind::Mean if source.cumulative => {
                return Err(trouble(
                    "`cumulative` is for counts; values are asked for with {{from}} and {{until}}",
                ));
            }
            MetricKind::Gauge => {}
            _ if !source.cumulative && !has_stretch => {
                return Err(trouble(
                    "the address does not name {{from}} and {{until}}, so that the same things would be counted again and again; if the numbers only grow, write `cumulative: true`",
                ));
            }
            _ => {}
        }
        Ok(JsonAsked { web, ask: ask.clone(), source: source.clone(), last: None })
    }

    /// The numbers of one version, or of all.
    async fn figures(
        &self,
        version: Option<&sluice_core::VersionName>,
        stretch: (Timestamp, Timestamp),
        limit: Limit,
    ) -> Result<Figures, Trouble> {
        let blanks = Blanks { service: &self.ask.service, version, stretch: Some(stretch) };
        let url = blanks.fill(&self.source.url, percent);
        let host = host(&url).to_owned();
        let mut request = Request::get(url);
        if let Some(secret) = &self.source.secret {
            request = request.with(AUTHORIZATION, authorization(&self.web.secret(secret, limit).await?)?);
        }
        let answer: Value = self.web.json(request, limit).await?;
        let mut figures = Figures::new();
        for (name, pointer) in &self.source.pointers {
            let found = numbers(&answer, pointer)
                .map_err(|why| trouble(format!("{host}: `{name}` at `{pointer}`: {why}")))?;
            figures.insert(name.clone(), found);
        }
        Ok(figures)
    }
}

/// The number, or the list of numbers, that a pointer leads to.
fn numbers(answer: &Value, pointer: &str) -> Result<Vec<f64>, &'static str> {
    let number = |value: &Value| value.as_f64().ok_or("there is no number");
    match answer.pointer(pointer) {
        None => Err("there is nothing in the answer"),
        Some(Value::Array(list)) => list.iter().map(number).collect(),
        Some(value) => Ok(vec![number(value)?]),
    }
}

/// What came since the last time; what fell was started anew.
fn grown(now: &Figures, before: &Figures) -> Figures {
    let is_reset =
        now.iter().any(|(name, now)| before.get(name).is_some_and(|before| now.first() < before.first()));
    if is_reset {
        return now.clone();
    }
    let since = |(name, now): (&String, &Vec<f64>)| {
        let before = before.get(name).and_then(|before| before.first()).copied().unwrap_or(0.0);
        (name.clone(), now.iter().map(|now| now - before).collect())
    };
    now.iter().map(since).collect()
}

/// One number of a name.
fn one(figures: &Figures, name: &str) -> Result<f64, Trouble> {
    match figures.get(name).map(Vec::as_slice) {
        Some([number]) => Ok(*number),
        Some(many) => {
            Err(trouble(format!("`{name}` is a list of {} numbers and must be one number", many.len())))
        }
        None => Err(trouble(format!("there is no `{name}`"))),
    }
}

/// What the numbers are, as a kind of metric counts it.
fn amount(kind: MetricKind, figures: &Figures, seconds: f64) -> Result<Amount, Trouble> {
    match kind {
        MetricKind::Ratio => trials(one(figures, "total")?, one(figures, "bad")?),
        MetricKind::Rate => events(one(figures, "events")?, seconds),
        MetricKind::Gauge => gauge(one(figures, "value")?),
        MetricKind::Distribution | MetricKind::Mean => {
            let found = figures.get("value").map_or(&[][..], Vec::as_slice);
            match figures.get("count") {
                None => values(found.iter().map(|value| (*value, 1.0))),
                Some(counts) if counts.len() == found.len() => {
                    values(found.iter().copied().zip(counts.iter().copied()))
                }
                Some(counts) => Err(trouble(format!(
                    "there are {} of `value` and {} of `count`",
                    found.len(),
                    counts.len()
                ))),
            }
        }
    }
}

#[async_trait]
impl Source for JsonAsked {
    async fn read(&mut self, from: Timestamp, until: Timestamp) -> Result<Taken, Trouble> {
        let limit = Limit::of(self.ask.read.timeout);
        let versions = match &self.ask.versions {
            Versions::Two { stable, candidate } if names(&self.source.url, "version") => {
                vec![Some(candidate), Some(stable)]
            }
            // Both would be asked the same: nothing is compared with itself.
            Versions::Two { candidate, .. } => vec![Some(candidate)],
            Versions::All => vec![None],
        };
        let mut found = Vec::new();
        for version in versions {
            found.push(self.figures(version, (from, until), limit).await?);
        }
        let seconds = until.since(from).as_millis() as f64 / 1000.0;
        let amounts = if self.source.cumulative {
            // Checked before they become where the next read begins.
            found.iter().try_for_each(|figures| amount(self.ask.kind, figures, seconds).map(drop))?;
            let before = self.last.as_ref();
            let amounts = match before {
                None => Vec::new(),
                Some(before) => {
                    let pairs = found.iter().zip(before);
                    pairs
                        .map(|(now, before)| amount(self.ask.kind, &grown(now, before), seconds))
                        .collect::<Result<_, _>>()?
                }
            };
            self.last = Some(found);
            amounts
        } else {
            found
                .iter()
                .map(|figures| amount(self.ask.kind, figures, seconds))
                .collect::<Result<Vec<_>, _>>()?
        };
        let mut amounts = amounts.into_iter();
        let candidate = amounts.next().unwrap_or_default();
        Ok(Taken { until, stable: amounts.next().unwrap_or_default(), candidate })
    }
}
