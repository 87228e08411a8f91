//! What the data plane counted before a release began, from the history.

use std::sync::{Arc, Mutex};

use sluice_core::document::service::PathPrefix;
use sluice_core::release::plan::Measure;
use sluice_core::release::{Amount, PAST_BLOCK, Past, Reading};
use sluice_core::{Counts, ServiceKey, Span, Timestamp};

use super::outside::before;
use super::{Asked, Slot, amount};
use crate::inner::Inner;
use crate::port::history::{HistoryQuery, Measured, What};

/// How much of the time just before is compared with.
pub(super) const RECENT: Span = Span::from_secs(3600);
/// How many earlier days are looked at.
pub(super) const DAYS: u64 = 7;
/// How much of each of them, from the same time of day on.
pub(super) const SAME_TIME: Span = Span::from_secs(3600);
/// How long to wait before a history that cannot be read is asked again.
const RETRY: Span = Span::from_secs(10);

/// Begins to read what was before a release began.
pub(super) fn begin(
    inner: &Arc<Inner>,
    service: &ServiceKey,
    path: Option<&PathPrefix>,
    measure: &Measure,
    began: Timestamp,
) -> Asked {
    let slot = Slot::new(Mutex::new(Reading::default()));
    let (inner, filled) = (Arc::clone(inner), Arc::clone(&slot));
    let query = HistoryQuery {
        service: service.clone(),
        version: None,
        what: Some(path.map_or(What::Traffic, |path| What::Path(path.to_string()))),
        from: began,
        until: began,
        step: PAST_BLOCK,
    };
    let measure = measure.clone();
    let task = tokio::spawn(async move {
        loop {
            match read(&inner, &query, &measure).await {
                Ok(past) => {
                    let mut slot = crate::lock(&filled);
                    slot.past = Some(past);
                    slot.trouble = None;
                    return;
                }
                Err(error) => {
                    crate::lock(&filled).trouble = Some(format!("its past cannot be read: {error}"));
                }
            }
            inner.parts.clock.sleep_until(inner.now().after(RETRY)).await;
        }
    });
    Asked { slot, task: task.abort_handle() }
}

async fn read(
    inner: &Inner,
    query: &HistoryQuery,
    measure: &Measure,
) -> Result<Past, crate::port::store::Error> {
    let began = query.until;
    let recent = HistoryQuery { from: before(began, RECENT), ..query.clone() };
    let recent = blocks(inner, recent, measure).await?;
    let mut same_time = Vec::new();
    for day in 1..=DAYS {
        let from = before(began, Span::from_secs(day * 24 * 3600));
        let query = HistoryQuery { from, until: from.after(SAME_TIME), ..query.clone() };
        same_time.extend(blocks(inner, query, measure).await?);
    }
    Ok(Past { recent, same_time })
}

/// What was measured in each block, of all versions together.
async fn blocks(
    inner: &Inner,
    query: HistoryQuery,
    measure: &Measure,
) -> Result<Vec<Amount>, crate::port::store::Error> {
    let mut blocks: std::collections::BTreeMap<i64, (Counts, Span)> = std::collections::BTreeMap::new();
    for sample in inner.recorder.read(inner, query).await? {
        if let Measured::Counts(counts) = sample.measured {
            let (sum, span) = blocks.entry(sample.at.as_millis()).or_default();
            sum.merge(&counts);
            *span = sample.span;
        }
    }
    let amounts = blocks.values();
    Ok(amounts.map(|(counts, span)| amount(measure, counts, span.as_millis() as f64 / 1000.0)).collect())
}
