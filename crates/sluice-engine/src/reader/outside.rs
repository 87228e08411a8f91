//! Asks others what they measured, again and again.

use std::sync::{Arc, Mutex};

use sluice_core::document::metric::MetricSpec;
use sluice_core::release::{PAST_BLOCK, Past, Reading};
use sluice_core::{Name, ServiceKey, Span, Timestamp};
use tracing::warn;

use super::past::{DAYS, RECENT, SAME_TIME};
use super::{Asked, Slot};
use crate::inner::Inner;
use crate::port::source::{Ask, Source, Trouble, Versions};

/// How many readings may wait for a look; a release that is not looked at for longer loses the oldest.
const WAITING_MAX: usize = 1000;

/// What is asked of a metric.
pub(super) fn ask(metric: Name, spec: &MetricSpec, service: ServiceKey, versions: Versions) -> Ask {
    Ask {
        metric,
        kind: spec.kind,
        unit: spec.unit.clone(),
        worse: spec.worse,
        source: spec.source.clone(),
        read: spec.read.unwrap_or_default(),
        service,
        versions,
    }
}

/// Begins to ask. `past_until` asks for what was before that time too.
pub(super) fn begin(inner: &Arc<Inner>, ask: Ask, past_until: Option<Timestamp>) -> Asked {
    let slot = Slot::new(Mutex::new(Reading::default()));
    let (inner, filled) = (Arc::clone(inner), Arc::clone(&slot));
    let task = tokio::spawn(async move {
        tokio::select! {
            () = keep_asking(&inner, ask, past_until, &filled) => {}
            () = inner.stopped() => {}
        }
    });
    Asked { slot, task: task.abort_handle() }
}

async fn keep_asking(inner: &Inner, ask: Ask, past_until: Option<Timestamp>, slot: &Slot) {
    let read = ask.read;
    let mut asking = Asking { from: None, past_until, wait: read.every };
    loop {
        match inner.parts.sources.open(ask.clone()) {
            Ok(mut source) => asking.ask(inner, &mut *source, &ask, slot).await,
            // A secret may be put in place while the release runs.
            Err(trouble) => asking.note(&ask, trouble, slot),
        }
        inner.parts.clock.sleep_until(inner.now().after(asking.wait)).await;
    }
}

/// How far asking is.
struct Asking {
    from: Option<Timestamp>,
    past_until: Option<Timestamp>,
    wait: Span,
}

impl Asking {
    /// Asks again and again.
    async fn ask(&mut self, inner: &Inner, source: &mut dyn Source, ask: &Ask, slot: &Slot) {
        let read = ask.read;
        loop {
            self.wait = read.every;
            if let Err(trouble) = self.ask_once(inner, source, ask, slot).await {
                self.note(ask, trouble, slot);
            }
            inner.parts.clock.sleep_until(inner.now().after(self.wait)).await;
        }
    }

    async fn ask_once(
        &mut self,
        inner: &Inner,
        source: &mut dyn Source,
        ask: &Ask,
        slot: &Slot,
    ) -> Result<(), Trouble> {
        if let Some(until) = self.past_until {
            let past = past_of(source, until).await?;
            self.past_until = None;
            crate::lock(slot).past = Some(past);
        }
        let until = before(inner.now(), ask.read.delay);
        let from = self.from.unwrap_or_else(|| before(until, ask.read.every));
        if until <= from {
            return Ok(());
        }
        let taken = source.read(from, until).await?;
        self.from = Some(until);
        let mut slot = crate::lock(slot);
        slot.trouble = None;
        slot.taken.push(taken);
        if slot.taken.len() > WAITING_MAX {
            slot.taken.remove(0);
        }
        Ok(())
    }

    fn note(&mut self, ask: &Ask, trouble: Trouble, slot: &Slot) {
        let mut slot = crate::lock(slot);
        if slot.trouble.as_ref() != Some(&trouble.why) {
            warn!(metric = %ask.metric, service = %ask.service.name, why = trouble.why, "A metric cannot be read");
        }
        self.wait = ask.read.every.max(trouble.retry_after.unwrap_or_default());
        slot.trouble = Some(trouble.why);
    }
}

async fn past_of(source: &mut dyn Source, until: Timestamp) -> Result<Past, Trouble> {
    let recent = source.past(before(until, RECENT), until, PAST_BLOCK).await?;
    let mut same_time = Vec::new();
    for day in 1..=DAYS {
        let from = before(until, Span::from_secs(day * 24 * 3600));
        same_time.extend(source.past(from, from.after(SAME_TIME), PAST_BLOCK).await?);
    }
    Ok(Past { recent, same_time })
}

pub(super) fn before(at: Timestamp, span: Span) -> Timestamp {
    Timestamp::from_millis(at.as_millis() - i64::try_from(span.as_millis()).unwrap_or(i64::MAX / 4))
}
