//! Puts the routing in force: one task that sends the latest snapshot, however many ask for it.

use std::sync::{Arc, Mutex};

use sluice_core::Span;
use tokio::sync::{Notify, watch};
use tracing::warn;

use crate::port::{Clock, Traffic};
use crate::world::World;

/// How long to wait before traffic is tried again, at first; doubled up to the longest.
const RETRY_FIRST: Span = Span::from_millis(50);
const RETRY_LONGEST: Span = Span::from_secs(2);

/// Sends snapshots and tells which generation is in force.
pub(crate) struct Publisher {
    wanted: Notify,
    in_force: watch::Sender<Option<u64>>,
}

impl Publisher {
    pub(crate) fn new() -> Publisher {
        Publisher { wanted: Notify::new(), in_force: watch::Sender::new(None) }
    }

    /// Whether any snapshot has been taken.
    pub(crate) fn has_published(&self) -> bool {
        self.in_force.borrow().is_some()
    }

    /// Sends what is in the world now, without waiting for it to be in force.
    pub(crate) fn send(&self) {
        self.wanted.notify_one();
    }

    /// Returns once everything that is in the world now is in force.
    ///
    /// # Cancel safety
    /// May be dropped; the snapshot is sent all the same.
    pub(crate) async fn put_in_force(&self, world: &Mutex<World>) {
        let generation = crate::lock(world).snapshot().generation;
        let mut in_force = self.in_force.subscribe();
        self.send();
        // The sender lives as long as this does, so waiting cannot fail.
        in_force.wait_for(|held| held.is_some_and(|held| held >= generation)).await.ok();
    }

    /// Sends what is asked for, forever.
    pub(crate) async fn run(&self, world: &Mutex<World>, traffic: &dyn Traffic, clock: &dyn Clock) {
        let mut pause = RETRY_FIRST;
        loop {
            self.wanted.notified().await;
            loop {
                let snapshot = Arc::new(crate::lock(world).snapshot().clone());
                let generation = snapshot.generation;
                match traffic.apply(snapshot).await {
                    Ok(()) => {
                        self.in_force.send_replace(Some(generation));
                        pause = RETRY_FIRST;
                        break;
                    }
                    Err(error) => {
                        warn!(snapshot.generation = generation, %error, "Traffic could not be set; it is tried again");
                        clock.sleep_until(clock.now().after(pause)).await;
                        pause = Span::from_millis(pause.as_millis() * 2).min(RETRY_LONGEST);
                    }
                }
            }
        }
    }
}
