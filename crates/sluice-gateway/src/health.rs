//! Active health checks: one thread asks every endpoint whether it is ready.
//!
//! A check is a small request on a connection that is kept open, written and read by hand: two thousand endpoints
//! cost two thousand sockets, and neither buffers nor threads.

mod probe;
mod probe_http2;

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::Duration;

use sluice_core::document::service::HealthSpec;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::gateway::{Phase, Shared};
use crate::table::Endpoint;
use probe::{Probe, Sick};

/// Between two announcements of readiness. A thousand services that start together are then a hundred announcements,
/// not thousands.
const ANNOUNCE_PAUSE: Duration = Duration::from_millis(10);
/// Between two looks for tables that nobody looks at any more. Workers let go of theirs within 250 ms.
const BURY_PAUSE: Duration = Duration::from_millis(500);
/// Between two checks of an endpoint that requests found dead: soon enough to take it out before many visitors have
/// met it, and rare enough not to keep it down.
const SUSPECT_PAUSE: Duration = Duration::from_millis(200);

/// Checks until told to stop. Blocks the thread.
pub(crate) fn run(shared: &Arc<Shared>, mut phase: watch::Receiver<Phase>, started: &Sender<io::Result<()>>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build_local(Default::default());
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return drop(started.send(Err(error))),
    };
    drop(started.send(Ok(())));
    runtime.block_on(async {
        let changed = Arc::new(Notify::new());
        tokio::select! {
            () = follow(shared, &changed) => {}
            () = announce(shared, &changed) => {}
            () = bury(shared) => {}
            // An error means that the handle is gone, which is a stop too.
            _stopped = phase.wait_for(|phase| *phase == Phase::Stopped) => {}
        }
    });
}

/// Keeps one check to every endpoint of the table that is served.
async fn follow(shared: &Arc<Shared>, changed: &Arc<Notify>) {
    let mut checks: HashMap<u64, (HealthSpec, JoinHandle<()>)> = HashMap::new();
    loop {
        shared.published.notified().await;
        let table = shared.table.load_full();
        let mut before = std::mem::take(&mut checks);
        for (endpoint, spec) in table.endpoints() {
            let check = match before.remove(&endpoint.id) {
                Some((old, check)) if old == *spec => check,
                old => {
                    old.inspect(|(_, check)| check.abort());
                    let watch = watch_over(Arc::clone(endpoint), spec.clone(), Arc::clone(changed));
                    tokio::task::spawn_local(watch)
                }
            };
            checks.insert(endpoint.id, (spec.clone(), check));
        }
        before.into_values().for_each(|(_, check)| check.abort());
        changed.notify_one();
    }
}

/// Announces readiness when it changed.
async fn announce(shared: &Arc<Shared>, changed: &Notify) {
    loop {
        changed.notified().await;
        let readiness = shared.table.load().readiness();
        shared.readiness.send_if_modified(|announced| {
            let is_news = **announced != readiness;
            if is_news {
                *announced = Arc::new(readiness);
            }
            is_news
        });
        tokio::time::sleep(ANNOUNCE_PAUSE).await;
    }
}

/// Frees what was served before. It has no thread of its own: it is seldom, and health checks bear a pause.
async fn bury(shared: &Arc<Shared>) {
    loop {
        tokio::time::sleep(BURY_PAUSE).await;
        shared.bury();
    }
}

/// Checks one endpoint for as long as it is served.
async fn watch_over(endpoint: Arc<Endpoint>, spec: HealthSpec, changed: Arc<Notify>) {
    let mut probe = Probe::new(&endpoint, &spec);
    // Checks in a row that said otherwise than what is announced.
    let mut contradictions = 0;
    let mut is_first = true;
    let mut is_suspected = false;
    let mut told = None;
    loop {
        let began = Instant::now();
        let is_ready = endpoint.is_ready();
        let outcome = probe.check(spec.timeout.as_duration()).await;
        contradictions = if outcome.is_ok() == is_ready { 0 } else { contradictions + 1 };
        let needed = if is_ready { spec.unhealthy_after } else { spec.healthy_after };
        // An endpoint that was never asked before has no past to weigh against its first answer.
        if contradictions >= needed.max(1) || (is_first && contradictions > 0 && !is_ready) {
            contradictions = 0;
            if endpoint.set_ready(!is_ready) {
                tracing::info!(endpoint = %endpoint.spec, is_ready = !is_ready, "Readiness changed");
                changed.notify_one();
            }
        }
        tell(&endpoint, outcome.err(), &mut told);
        is_first = false;
        // Once a request has found it dead, it is asked again and again until that is settled.
        is_suspected &= contradictions > 0;
        is_suspected |= pause(&endpoint, began, spec.every.as_duration(), is_suspected).await;
    }
}

/// Tells why an endpoint is not well, once for as long as that is the reason.
fn tell(endpoint: &Endpoint, sick: Option<Sick>, told: &mut Option<String>) {
    let why = sick.map(|sick| sick.to_string());
    if let Some(why) = why.as_ref().filter(|why| told.as_ref() != Some(*why)) {
        tracing::warn!(endpoint = %endpoint.spec, why, "An endpoint does not pass its health check");
    }
    endpoint.set_sick(why.as_deref());
    *told = why;
}

/// Waits for the next check: `every` after the one before began, sooner when a request finds the endpoint dead. Gives
/// whether one did.
async fn pause(endpoint: &Endpoint, began: Instant, every: Duration, is_suspected: bool) -> bool {
    let soonest = began + SUSPECT_PAUSE.min(every);
    tokio::time::sleep_until(soonest).await;
    is_suspected || tokio::time::timeout_at(began + every, endpoint.suspected.notified()).await.is_ok()
}
