//! The handle on a running gateway.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use sluice_core::document::service::{Endpoint, PathPrefix};
use sluice_core::routing::Snapshot;
use sluice_core::routing::explain::{Explanation, InvalidQuestion, Question};
use sluice_core::{Counts, ServiceKey, VersionName};
use tokio::sync::{Notify, oneshot, watch};

use crate::access::{AccessLog, Desk};
use crate::attributes::Attributes;
use crate::certificates::Certificates;
use crate::counters::Copies;
use crate::listen::{Door, Listening, listen};
use crate::options::{Limits, TraceOptions};
use crate::table::{Service, Table, Version};
use crate::{Figures, Options, PreviewKey, Readiness, StartError, figures, health, worker};

/// How often the folder of certificates is looked at.
const CERTIFICATES_TIME: Duration = Duration::from_secs(1);

/// How long a drain waits for the last lines of the access log. A disk that hangs must not hold up the end.
const ACCESS_LOG_TIME_MAX: Duration = Duration::from_secs(2);

/// Told when the last line of the access log is written.
type AccessLogOver = oneshot::Receiver<()>;

/// A running gateway. Clones are handles on the same one; when the last is dropped, it stops at once. Use
/// [`Gateway::drain`] to stop without cutting anybody off.
#[derive(Clone, Debug)]
pub struct Gateway {
    running: Arc<Running>,
}

#[derive(Debug)]
struct Running {
    shared: Arc<Shared>,
    address: SocketAddr,
    tls_address: Option<SocketAddr>,
    workers: usize,
    /// One publisher at a time; readers never wait.
    publishing: Mutex<()>,
    phase: watch::Sender<Phase>,
    /// What workers report when they have stopped; taken by the first who drains.
    reports: Mutex<Vec<oneshot::Receiver<DrainReport>>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    access_log: Option<Arc<AccessLog>>,
    /// Taken by the first who drains.
    access_log_over: Mutex<Option<AccessLogOver>>,
}

/// What all threads of a gateway share. Nothing in it is written to on the request path.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) table: Arc<ArcSwap<Table>>,
    pub(crate) preview_key: PreviewKey,
    pub(crate) limits: Limits,
    pub(crate) has_fast_path: bool,
    pub(crate) attributes: Attributes,
    pub(crate) ready_path: Option<String>,
    pub(crate) is_leaving: AtomicBool,
    pub(crate) trace: TraceOptions,
    pub(crate) started: Instant,
    pub(crate) activity: watch::Sender<u64>,
    pub(crate) readiness: watch::Sender<Arc<Readiness>>,
    /// A table was published.
    pub(crate) published: Notify,
    /// Tables that were served before, until nobody looks at them any more. Whoever dropped the last of a large one would
    /// stand still for it, and that must be no worker.
    pub(crate) retired: Mutex<Vec<Arc<Table>>>,
    connections: AtomicUsize,
}

/// What the threads should do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Serving,
    Draining { deadline: Instant },
    Stopped,
}

/// What became of the connections that were open when a drain began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DrainReport {
    /// Connections that ended in order: idle ones at once, busy ones when their request was answered.
    pub closed: u64,
    /// Connections that were still busy when the grace was over, and were cut off.
    pub cut_off: u64,
}

/// A place among the visitors' connections, given back when dropped.
pub(crate) struct Place(Arc<Shared>);

impl Shared {
    fn new(options: Options) -> Shared {
        Shared {
            table: Arc::new(ArcSwap::from_pointee(Table::empty())),
            preview_key: options.preview_key,
            limits: options.limits,
            has_fast_path: options.fast_path,
            attributes: options.attributes,
            ready_path: options.ready_path,
            is_leaving: AtomicBool::new(false),
            trace: options.trace,
            started: Instant::now(),
            activity: watch::Sender::new(0),
            readiness: watch::Sender::new(Arc::default()),
            published: Notify::new(),
            retired: Mutex::default(),
            connections: AtomicUsize::new(0),
        }
    }

    /// Frees tables that nobody looks at any more.
    pub(crate) fn bury(&self) {
        let mut retired = self.retired.lock().unwrap_or_else(PoisonError::into_inner);
        let dead: Vec<_> = retired.extract_if(.., |table| Arc::strong_count(table) == 1).collect();
        // Not under the lock: publishing would wait.
        drop(retired);
        drop(dead);
    }

    /// A place for one more connection, if there is room.
    pub(crate) fn take_place(self: &Arc<Self>) -> Option<Place> {
        let taken = self.connections.fetch_add(1, Relaxed);
        let place = Place(Arc::clone(self));
        (taken < self.limits.connections_max).then_some(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.connections.fetch_sub(1, Relaxed);
    }
}

impl Gateway {
    /// Binds the address and starts the threads. Until a snapshot is published, every request is answered 404.
    ///
    /// # Errors
    ///
    /// When the address cannot be listened on, or a thread cannot be started. Nothing is left running then.
    pub fn start(options: Options) -> Result<Gateway, StartError> {
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        let workers = options.workers.unwrap_or_else(cores).max(1);
        let mut listening: Vec<Vec<Listening>> = (0..workers).map(|_| Vec::new()).collect();
        let takes_proxy_header = options.takes_proxy_header;
        let address = open(options.listen, Door { tls: None, takes_proxy_header }, &mut listening)?;
        let mut tls_address = None;
        if let Some(tls) = &options.tls {
            let config =
                tls.certificates.config().map_err(|error| StartError::Tls { why: error.to_string() })?;
            let door = Door { tls: Some(config), takes_proxy_header };
            tls_address = Some(open(tls.listen, door, &mut listening)?);
        }
        let desk = open_desk(&options, workers)?;
        let tls = options.tls.clone();
        let shared = Arc::new(Shared::new(options));
        let phase = watch::Sender::new(Phase::Serving);
        let (started, starts) = mpsc::channel();
        let (mut reports, mut threads) = (Vec::new(), Vec::new());
        let failed = |source| StartError::Threads { source };
        for (index, listening) in listening.into_iter().enumerate() {
            let (report, reported) = oneshot::channel();
            let (shared, phase, started) = (Arc::clone(&shared), phase.subscribe(), started.clone());
            let pen = desk.as_ref().map(Desk::pen);
            let run = move || {
                let outcome =
                    worker::run(worker::Equipment { index, shared, pen }, listening, phase, &started);
                // Nobody may be there to read it.
                let _is_read = report.send(outcome).is_ok();
            };
            threads.push(Builder::new().name(format!("gateway-{index}")).spawn(run).map_err(failed)?);
            reports.push(reported);
        }
        let health = {
            let (shared, phase, started) = (Arc::clone(&shared), phase.subscribe(), started.clone());
            move || health::run(&shared, phase, &started)
        };
        threads.push(Builder::new().name("gateway-health".to_owned()).spawn(health).map_err(failed)?);
        if let Some(tls) = tls {
            let (phase, started) = (phase.subscribe(), started.clone());
            let follow = move || follow(&tls.certificates, phase, &started);
            let name = "gateway-certificates".to_owned();
            threads.push(Builder::new().name(name).spawn(follow).map_err(failed)?);
        }
        drop(started);
        // Every thread says once how its start went. On a failure the others stop as `phase` is dropped.
        for _ in 0..threads.len() {
            starts.recv().map_err(|_| failed(std::io::ErrorKind::BrokenPipe.into()))?.map_err(failed)?;
        }
        let (access_log, access_log_over) = begin_access_log(desk, &mut threads).map_err(failed)?;
        tracing::info!(%address, workers, "The gateway listens");
        let running = Running {
            shared,
            address,
            tls_address,
            workers,
            publishing: Mutex::new(()),
            phase,
            reports: Mutex::new(reports),
            threads: Mutex::new(threads),
            access_log,
            access_log_over: Mutex::new(access_log_over),
        };
        Ok(Gateway { running: Arc::new(running) })
    }

    /// Where visitors connect, with the port that the system picked when port 0 was asked for.
    pub fn local_addr(&self) -> SocketAddr {
        self.running.address
    }

    /// Where visitors connect with TLS, if they can.
    pub fn tls_addr(&self) -> Option<SocketAddr> {
        self.running.tls_address
    }

    /// Serves `snapshot` from now on: every request whose head is read after this returns is decided by it. Requests
    /// in flight and connections in use are not touched.
    ///
    /// Gives false, and changes nothing, when a newer generation is served already.
    pub fn publish(&self, snapshot: Arc<Snapshot>) -> bool {
        let running = &*self.running;
        let _alone = running.publishing.lock().unwrap_or_else(PoisonError::into_inner);
        let before = running.shared.table.load();
        if snapshot.generation < before.generation {
            return false;
        }
        let table = Table::of(&snapshot, &before, running.workers);
        let is_new_topology = table.topology != before.topology;
        drop(before);
        let old = running.shared.table.swap(Arc::new(table));
        running.shared.retired.lock().unwrap_or_else(PoisonError::into_inner).push(old);
        if is_new_topology {
            running.shared.published.notify_one();
        }
        true
    }

    /// The generation that is served.
    pub fn generation(&self) -> u64 {
        self.running.shared.table.load().generation
    }

    /// Which version a request would get from the table that is served now, and why. Nothing is sent. Takes as long as a
    /// look at every route when none takes the request.
    ///
    /// # Errors
    ///
    /// When the question holds no request.
    pub fn explain(&self, question: &Question) -> Result<Explanation, InvalidQuestion> {
        let shared = &self.running.shared;
        crate::explain::explain(&shared.table.load_full(), &shared.preview_key, &shared.attributes, question)
    }

    /// What was counted of each version of a service since it first appeared, over all workers, copies included. Empty when the
    /// service is not served. A version that disappears and comes back begins at zero.
    pub fn counts(&self, service: &ServiceKey) -> BTreeMap<VersionName, Counts> {
        self.of_versions(service, |version| version.counters.sum())
    }

    /// The same of requests to one of the paths that the service counts on their own; see
    /// [`ServiceRouting::counted_path`](sluice_core::routing::ServiceRouting::counted_path). Empty when it does not
    /// count that one. A path that is no longer counted and comes back begins at zero.
    pub fn path_counts(&self, service: &ServiceKey, path: &PathPrefix) -> BTreeMap<VersionName, Counts> {
        let counted = self.of_versions(service, |version| version.of_path(path).map(|path| path.sum()));
        counted.into_iter().filter_map(|(version, counts)| Some((version, counts?))).collect()
    }

    /// What became of the copies of requests that each version of a service should have been sent; see
    /// [`Shadow`](sluice_core::routing::Shadow). Begins and ends with [`Gateway::counts`].
    pub fn copies(&self, service: &ServiceKey) -> BTreeMap<VersionName, Copies> {
        self.of_versions(service, |version| version.counters.copies())
    }

    /// All that is counted, at once.
    pub fn figures(&self) -> Figures {
        let shared = &self.running.shared;
        let table = shared.table.load_full();
        let connections = shared.connections.load(Relaxed) as u64;
        let access_log = self.running.access_log.as_ref().map(|log| log.counts());
        let versions = figures::of_versions(&table);
        Figures { generation: table.generation, connections, access_log, versions }
    }

    /// How many requests each version is answering, copies and tunnels of switched protocols included.
    pub fn in_flight(&self, service: &ServiceKey) -> BTreeMap<VersionName, u64> {
        self.of_versions(service, |version| version.counters.in_flight())
    }

    fn of_versions<T>(&self, service: &ServiceKey, read: impl Fn(&Version) -> T) -> BTreeMap<VersionName, T> {
        let table = self.running.shared.table.load();
        let versions =
            table.service(service).into_iter().flat_map(|service: &Arc<Service>| &service.versions);
        versions.map(|version| (version.name.clone(), read(version))).collect()
    }

    /// Why endpoints of a service do not pass their health checks: those whose last one failed.
    pub fn sick_endpoints(&self, service: &ServiceKey) -> BTreeMap<VersionName, Vec<(Endpoint, Arc<str>)>> {
        self.of_versions(service, |version| {
            let endpoints = version.endpoints.iter();
            endpoints.filter_map(|endpoint| Some((endpoint.spec.clone(), endpoint.sick()?))).collect()
        })
    }

    /// Changes when a request fails (5xx or broken off), within a few microseconds of the failure: at once for the
    /// first of a version, then at most every 100 ms for each version and worker while it goes on failing. The
    /// number only tells that something changed.
    pub fn activity(&self) -> watch::Receiver<u64> {
        self.running.shared.activity.subscribe()
    }

    /// How many endpoints of each version are ready. Changes are there within about 10 ms; what changes faster is
    /// seen as one change. Follows [`Gateway::publish`] in the same way, not at once.
    pub fn readiness(&self) -> watch::Receiver<Arc<Readiness>> {
        self.running.shared.readiness.subscribe()
    }

    /// Says to load balancers that it is about to go ([`Options::ready_path`]), and serves on. Whoever drains it a while
    /// later drops nobody who was sent here in between.
    pub fn leave(&self) {
        self.running.shared.is_leaving.store(true, Relaxed);
    }

    /// Stops: takes no new visitors, closes idle connections, lets requests in flight end for up to `grace`, cuts
    /// off the rest, and ends the threads. Called again, it reports nothing.
    ///
    /// # Cancel safety
    ///
    /// Dropped, the drain goes on by itself.
    pub async fn drain(&self, grace: Duration) -> DrainReport {
        let running = &*self.running;
        running.phase.send_if_modified(|phase| {
            let is_first = *phase == Phase::Serving;
            if is_first {
                *phase = Phase::Draining { deadline: Instant::now() + grace };
            }
            is_first
        });
        let take = || std::mem::take(&mut *lock(&running.reports));
        let mut sum = DrainReport::default();
        for report in take() {
            // A worker that cannot report has panicked; its connections are gone.
            let report = report.await.unwrap_or_default();
            sum.closed += report.closed;
            sum.cut_off += report.cut_off;
        }
        running.phase.send_replace(Phase::Stopped);
        let over = lock(&running.access_log_over).take();
        if let Some(over) = over {
            // An error means that its thread is gone already.
            let _is_over = tokio::time::timeout(ACCESS_LOG_TIME_MAX, over).await.is_ok();
        }
        sum
    }
}

fn open_desk(options: &Options, workers: usize) -> Result<Option<Desk>, StartError> {
    let Some(access_log) = &options.access_log else { return Ok(None) };
    let desk = Desk::open(access_log, options.preview_key.clone(), workers);
    desk.map(Some).map_err(|source| StartError::AccessLog { source })
}

/// Starts the thread that writes the access log, if there is one; gives who is told when its last line is written.
fn begin_access_log(
    desk: Option<Desk>,
    threads: &mut Vec<JoinHandle<()>>,
) -> std::io::Result<(Option<Arc<AccessLog>>, Option<AccessLogOver>)> {
    let Some(desk) = desk else { return Ok((None, None)) };
    let log = desk.log();
    let (over, is_over) = oneshot::channel();
    let write = move || {
        desk.write();
        // Nobody may be there to read it.
        let _is_read = over.send(()).is_ok();
    };
    threads.push(Builder::new().name("gateway-access-log".to_owned()).spawn(write)?);
    Ok((Some(log), Some(is_over)))
}

/// Listens at a door with every worker; gives where that is.
fn open(address: SocketAddr, door: Door, listening: &mut [Vec<Listening>]) -> Result<SocketAddr, StartError> {
    let sockets = listen(address, listening.len())?;
    let address = sockets[0].local_addr().map_err(|source| StartError::Threads { source })?;
    let door = Arc::new(door);
    for (listening, socket) in listening.iter_mut().zip(sockets) {
        listening.push(Listening { socket, door: Arc::clone(&door) });
    }
    Ok(address)
}

/// Reads the certificates again when they change, until told to stop. Blocks the thread.
fn follow(
    certificates: &Certificates,
    mut phase: watch::Receiver<Phase>,
    started: &mpsc::Sender<std::io::Result<()>>,
) {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_time().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            drop(started.send(Err(error)));
            return;
        }
    };
    let mut seen = certificates.opened();
    drop(started.send(Ok(())));
    runtime.block_on(async {
        let is_stopped = |phase: &Phase| *phase == Phase::Stopped;
        // An error means that the handle is gone, which is a stop too.
        while tokio::time::timeout(CERTIFICATES_TIME, phase.wait_for(is_stopped)).await.is_err() {
            certificates.follow(&mut seen);
        }
    });
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // What is behind these locks is whole at every step.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for Running {
    fn drop(&mut self) {
        self.phase.send_replace(Phase::Stopped);
        for thread in lock(&self.threads).drain(..) {
            if thread.join().is_err() {
                tracing::error!("A thread of the gateway had panicked");
            }
        }
    }
}
