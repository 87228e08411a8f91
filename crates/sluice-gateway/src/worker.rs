//! A worker: one thread with its own listener, event loop, pools and counters.

mod entry;
mod http2;
mod link;
mod socket;
mod visit;
mod wire;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::Poll;
use std::time::{Duration, Instant};

use arc_swap::Cache;
use tokio::net::TcpStream;
use tokio::sync::{Notify, watch};

use crate::access::Pen;
use crate::answer::Trouble;
use crate::attributes::Verified;
use crate::counters::Counters;
use crate::gateway::{DrainReport, Phase, Shared};
use crate::listen::{Door, Listening};
use crate::options::Limits;
use crate::pool::Pools;
use crate::proxy::Shadows;
use crate::table::Table;

pub(crate) use http2::OnThisThread;
pub(crate) use link::{Link, Stage};
pub(crate) use socket::Socket;
pub(crate) use visit::{Caller, Visit};
pub(crate) use wire::Wire;

/// How long the accepting rests when the system has no more sockets to give: some must be closed first, and trying
/// without a pause would only burn the core.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// How often connections are looked over for those that are too slow, at most. Limits are kept to within one sweep.
const SWEEP_TIME_MAX: Duration = Duration::from_millis(250);
const SWEEP_TIME_MIN: Duration = Duration::from_millis(10);
/// Between two wake-ups by failures of one version on one worker.
const FAILURE_QUIET_MS: u64 = 100;

/// A table, held by a count that is the worker's own: workers do not fight over one with every request.
pub(crate) type HeldTable = Rc<Arc<Table>>;

/// What everything on a worker's thread shares.
pub(crate) struct Worker {
    pub(crate) index: usize,
    pub(crate) shared: Arc<Shared>,
    pub(crate) pools: Pools,
    pub(crate) shadows: Shadows,
    /// Visitors' tokens that were verified.
    pub(crate) verified: Verified,
    /// Where lines of the access log are written, if one is.
    pub(crate) pen: Option<Pen>,
    table: RefCell<Cache<Arc<arc_swap::ArcSwap<Table>>, Arc<Table>>>,
    /// The table that the worker-local copy was made of; see [`Worker::table`].
    current: RefCell<HeldTable>,
    visits: RefCell<HashMap<u64, Rc<Visit>>>,
    /// Connections and tunnels that live.
    live: Cell<usize>,
    all_gone: Notify,
    is_draining: Cell<bool>,
    /// The sweeps so far.
    ticks: Arc<AtomicU64>,
    pub(crate) sweep_time: Duration,
}

/// What a worker is given to work with.
pub(crate) struct Equipment {
    pub(crate) index: usize,
    pub(crate) shared: Arc<Shared>,
    pub(crate) pen: Option<Pen>,
}

/// Counts a connection or tunnel among those that a drain waits for, until dropped.
pub(crate) struct Live(Rc<Worker>);

impl Drop for Live {
    fn drop(&mut self) {
        self.0.live.set(self.0.live.get() - 1);
        if self.0.live.get() == 0 {
            self.0.all_gone.notify_one();
        }
    }
}

impl Worker {
    fn new(equipment: Equipment) -> Rc<Worker> {
        let Equipment { index, shared, pen } = equipment;
        let mut cache = Cache::new(Arc::clone(&shared.table));
        let current = Rc::new(Arc::clone(cache.load()));
        let sweep_time = sweep_time(&shared.limits);
        Rc::new(Worker {
            index,
            pools: Pools::default(),
            shadows: Shadows::new(),
            verified: Verified::default(),
            pen,
            table: RefCell::new(cache),
            current: RefCell::new(current),
            visits: RefCell::default(),
            live: Cell::new(0),
            all_gone: Notify::new(),
            is_draining: Cell::new(false),
            ticks: Arc::new(AtomicU64::new(1)),
            sweep_time,
            shared,
        })
    }

    /// The table that is served now.
    pub(crate) fn table(&self) -> HeldTable {
        let mut cache = self.table.borrow_mut();
        let newest = cache.load();
        let mut current = self.current.borrow_mut();
        if !Arc::ptr_eq(newest, &current) {
            *current = Rc::new(Arc::clone(newest));
        }
        Rc::clone(&current)
    }

    pub(crate) fn join(self: &Rc<Self>) -> Live {
        self.live.set(self.live.get() + 1);
        Live(Rc::clone(self))
    }

    /// The number of sweeps so far: a clock that costs nothing to read.
    pub(crate) fn ticks(&self) -> u64 {
        self.ticks.load(Relaxed)
    }

    /// Milliseconds since the gateway started.
    pub(crate) fn now_ms(&self) -> u64 {
        u64::try_from(self.shared.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Wakes whoever waits for failures, unless this version woke them a moment ago.
    pub(crate) fn note_failure(&self, counters: &Counters, now_ms: u64) {
        if counters.is_failure_news(now_ms, FAILURE_QUIET_MS) {
            self.shared.activity.send_modify(|failures| *failures = failures.wrapping_add(1));
        }
    }

    fn accept(self: &Rc<Self>, socket: TcpStream, door: &Arc<Door>, number: u64) {
        let Some(place) = self.shared.take_place() else {
            if door.tls.is_none() {
                turn_away(&socket);
            }
            return;
        };
        match Visit::new(&socket, &self.ticks) {
            Ok(visit) => {
                let visit = Rc::new(visit);
                self.visits.borrow_mut().insert(number, Rc::clone(&visit));
                let live = self.join();
                let (worker, door) = (Rc::clone(self), Arc::clone(door));
                tokio::task::spawn_local(async move {
                    visit.serve(&worker, socket, &door).await;
                    worker.visits.borrow_mut().remove(&number);
                    drop((live, place));
                });
            }
            Err(error) => tracing::debug!(%error, "A visitor left before they were let in"),
        }
    }

    /// Ends connections that are too slow, and lets go of old ones to endpoints.
    async fn sweep(self: Rc<Self>) {
        let mut interval = tokio::time::interval(self.sweep_time);
        interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut topology = 0;
        loop {
            interval.tick().await;
            self.ticks.fetch_add(1, Relaxed);
            for visit in self.visits.borrow().values() {
                visit.enforce(&self.shared.limits, self.sweep_time);
            }
            self.pools.sweep(Instant::now());
            if let Some(pen) = &self.pen {
                pen.flush();
            }
            let table = self.table();
            if table.topology != topology {
                topology = table.topology;
                self.pools.retire(&table.endpoint_ids);
            }
        }
    }

    /// Lets no one in any more, and waits until everybody has left or `deadline` is there.
    async fn drain(&self, deadline: Option<Instant>) -> DrainReport {
        self.is_draining.set(true);
        let before = self.live.get();
        for visit in self.visits.borrow().values() {
            visit.drain();
        }
        let all_gone = async {
            while self.live.get() > 0 {
                self.all_gone.notified().await;
            }
        };
        if let Some(deadline) = deadline {
            // Either way the report tells what is left.
            let _is_in_time = tokio::time::timeout_at(deadline.into(), all_gone).await.is_ok();
        }
        let cut_off = self.live.get();
        DrainReport { closed: before.saturating_sub(cut_off) as u64, cut_off: cut_off as u64 }
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.is_draining.get()
    }
}

fn sweep_time(limits: &Limits) -> Duration {
    let shortest = limits.head_time_max.min(limits.idle_time_max).min(limits.stall_time_max);
    (shortest / 4).clamp(SWEEP_TIME_MIN, SWEEP_TIME_MAX)
}

/// Says that there is no room. What does not fit into the socket's buffer at once is not worth waiting for.
fn turn_away(socket: &TcpStream) {
    let written = socket.try_write(&Trouble::TooManyConnections.farewell());
    tracing::debug!(is_told = written.is_ok(), "A visitor was turned away: there are too many");
}

/// Serves until told to stop. Blocks the thread.
///
/// `started` is told when the event loop runs, or why it cannot.
pub(crate) fn run(
    equipment: Equipment,
    listening: Vec<Listening>,
    mut phase: watch::Receiver<Phase>,
    started: &std::sync::mpsc::Sender<io::Result<()>>,
) -> DrainReport {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build_local(Default::default());
    let ready = runtime.and_then(|runtime| {
        let _guard = runtime.enter();
        let listeners: io::Result<Vec<_>> = listening.into_iter().map(Listener::of).collect();
        let listeners = listeners?;
        drop(_guard);
        Ok((runtime, listeners))
    });
    let (runtime, listeners) = match ready {
        Ok(ready) => ready,
        Err(error) => {
            drop(started.send(Err(error)));
            return DrainReport::default();
        }
    };
    drop(started.send(Ok(())));
    runtime.block_on(async {
        let worker = Worker::new(equipment);
        tokio::task::spawn_local(Rc::clone(&worker).sweep());
        let deadline = let_in(&worker, listeners, &mut phase).await;
        tokio::select! {
            report = worker.drain(deadline) => report,
            () = stopped(&mut phase) => worker.drain(None).await,
        }
    })
}

/// Lets visitors in until told not to; gives until when those who are in may stay.
async fn let_in(
    worker: &Rc<Worker>,
    listeners: Vec<Listener>,
    phase: &mut watch::Receiver<Phase>,
) -> Option<Instant> {
    let mut number = 0;
    loop {
        tokio::select! {
            accepted = next(&listeners, number) => match accepted {
                Ok((socket, door)) => {
                    number += 1;
                    worker.accept(socket, door, number);
                }
                Err(error) => pause_after(error).await,
            },
            changed = phase.changed() => {
                let now = *phase.borrow();
                let deadline = match now {
                    // The handle is gone.
                    _ if changed.is_err() => None,
                    Phase::Serving => continue,
                    Phase::Draining { deadline } => Some(deadline),
                    Phase::Stopped => None,
                };
                take_rest(worker, &listeners, number);
                return deadline;
            }
        }
    }
}

/// A listening socket on this worker's event loop.
struct Listener {
    socket: tokio::net::TcpListener,
    door: Arc<Door>,
}

impl Listener {
    fn of(listening: Listening) -> io::Result<Listener> {
        let Listening { socket, door } = listening;
        Ok(Listener { socket: tokio::net::TcpListener::from_std(socket)?, door })
    }
}

/// The next visitor at any of the doors. Doors take turns at being looked at first.
async fn next(listeners: &[Listener], turn: u64) -> io::Result<(TcpStream, &Arc<Door>)> {
    let start = usize::try_from(turn).unwrap_or_default() % listeners.len().max(1);
    std::future::poll_fn(|cx| {
        for listener in listeners[start..].iter().chain(&listeners[..start]) {
            if let Poll::Ready(accepted) = listener.socket.poll_accept(cx) {
                return Poll::Ready(accepted.map(|(socket, _)| (socket, &listener.door)));
            }
        }
        Poll::Pending
    })
    .await
}

/// Who the system has let in already would be cut off by closing the listeners.
fn take_rest(worker: &Rc<Worker>, listeners: &[Listener], mut number: u64) {
    let waker = std::task::Waker::noop();
    let mut context = std::task::Context::from_waker(waker);
    for Listener { socket, door } in listeners {
        while let Poll::Ready(Ok((socket, _))) = socket.poll_accept(&mut context) {
            number += 1;
            worker.accept(socket, door, number);
        }
    }
}

async fn pause_after(error: io::Error) {
    // A visitor who left while they waited is no reason to make others wait.
    if error.kind() != io::ErrorKind::ConnectionAborted {
        tracing::warn!(%error, "The gateway cannot take a connection; raise the limit on open files");
        tokio::time::sleep(ACCEPT_PAUSE).await;
    }
}

async fn stopped(phase: &mut watch::Receiver<Phase>) {
    // An error means that the handle is gone, which is a stop too.
    let _stopped = phase.wait_for(|phase| *phase == Phase::Stopped).await.is_ok();
}
