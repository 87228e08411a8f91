//! Keeps history within its bounds, and the list of effects short.

use sluice_core::Span;
use tracing::{info, warn};

use crate::inner::Inner;
use crate::port::store::Commit;

/// History is looked at this often: it grows by a few events a second at most.
const PRUNE_EVERY: Span = Span::from_secs(600);
/// Effects that were carried out are marked this often when no other commit does it.
const MARK_EVERY: Span = Span::from_secs(5);

pub(crate) async fn run(inner: &Inner) {
    let mut prune_at = inner.now();
    let mut minute_at = inner.now();
    loop {
        let now = inner.now();
        mark_done(inner).await;
        if now >= minute_at {
            inner.numbers.turn_minute();
            minute_at = now.after(Span::from_secs(60));
        }
        if now >= prune_at {
            prune(inner).await;
            prune_at = now.after(PRUNE_EVERY);
        }
        inner.parts.clock.sleep_until(now.after(MARK_EVERY)).await;
    }
}

async fn mark_done(inner: &Inner) {
    let done = std::mem::take(&mut *crate::lock(&inner.done));
    if done.is_empty() {
        return;
    }
    let commit = Commit { now: inner.now(), done: done.clone(), ..Commit::default() };
    if let Err(error) = inner.commit(commit).await {
        warn!(%error, "Effects that were carried out could not be marked; it is tried again");
        crate::lock(&inner.done).extend(done);
    }
}

async fn prune(inner: &Inner) {
    match inner.parts.store.prune(inner.settings.retention, inner.now()).await {
        Ok(pruned) if pruned.events + pruned.releases > 0 => {
            info!(pruned.events, pruned.releases, "Old history was removed");
        }
        Ok(_) => {}
        Err(error) => warn!(%error, "Old history could not be removed; it is tried again"),
    }
}
