//! Whose turn it is: one release of a service at a time.

use std::sync::Arc;

use sluice_core::ServiceKey;
use sluice_core::release::{Event, Phase};

use crate::actor::Message;
use crate::inner::Inner;

/// Tells the oldest release of a service that waits that it is its turn, unless another one is not over. Telling it
/// twice does no harm.
pub(crate) async fn start_next(inner: &Arc<Inner>, service: &ServiceKey) {
    let next = {
        let world = inner.world();
        let releases = world.releases_of(service);
        let is_free = releases.iter().all(|live| matches!(live.release.phase, Phase::Waiting { .. }));
        match (is_free, releases.first(), world.live(service)) {
            (true, Some(first), Some(live)) => Some((first.mailbox.clone(), live.clone())),
            _ => None,
        }
    };
    if let Some((mailbox, live)) = next {
        // A full mailbox empties; a closed one belongs to a release that has ended meanwhile, and whose end starts
        // the next one.
        mailbox.send(Message::Event(Event::Turn { live })).await.ok();
    }
}
