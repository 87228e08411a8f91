//! Wakes releases early: when endpoints of their service come or go, or when it begins to fail.

use std::sync::Arc;

use sluice_core::ServiceKey;
use tokio::sync::broadcast::error::RecvError;

use crate::actor::Message;
use crate::inner::Inner;
use crate::port::traffic::Readiness;

pub(crate) async fn run(inner: &Inner) {
    tokio::join!(on_readiness(inner), on_activity(inner));
}

async fn on_readiness(inner: &Inner) {
    let mut readiness = inner.parts.traffic.readiness();
    let mut known = Arc::new(Readiness::new());
    loop {
        let now = Arc::clone(&readiness.borrow_and_update());
        for service in changed(&known, &now) {
            look(inner, service);
            inner.tell_service(service);
        }
        known = now;
        if readiness.changed().await.is_err() {
            return;
        }
    }
}

fn changed<'a>(before: &'a Readiness, now: &'a Readiness) -> impl Iterator<Item = &'a ServiceKey> {
    let gone = before.keys().filter(|service| !now.contains_key(*service));
    now.iter()
        .filter(|(service, versions)| before.get(*service) != Some(versions))
        .map(|(key, _)| key)
        .chain(gone)
}

async fn on_activity(inner: &Inner) {
    let mut activity = inner.parts.traffic.activity();
    loop {
        match activity.recv().await {
            Ok(service) => look(inner, &service),
            // What was missed is judged at the next second.
            Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return,
        }
    }
}

fn look(inner: &Inner, service: &ServiceKey) {
    let mailbox = inner.world().steering(service).map(|live| live.mailbox.clone());
    if let Some(mailbox) = mailbox {
        // A release with a full mailbox is awake.
        mailbox.try_send(Message::Look).ok();
    }
}
