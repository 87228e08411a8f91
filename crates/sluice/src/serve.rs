//! `sluice serve`: the parts are made, joined, and ended in order.
//!
//! Everything that can be wrong with the configuration is found before anybody is served. The store is opened first,
//! because it keeps every other server out of the data folder.

mod address;
mod files;
mod key;
mod known;
mod log;
mod measured;
mod observing;
mod ports;
mod seen;
mod signals;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sluice_connect::HttpHooks;
use sluice_engine::{Engine, Parts, Settings};
use sluice_gateway::{Attributes, Certificates, Gateway, Limits, PreviewKey, StartError, TlsOptions};
use sluice_server::{BindError, BuildInfo, Server};
use sluice_store::{SqliteHistory, SqliteStore};

use crate::args::{Color, ServeArgs};
use crate::outcome::{Exit, Failure};
use crate::terminal::Screen;
use address::Addresses;
use known::Known;
use measured::Measured;
use ports::{GatewayMetrics, GatewayTraffic, Signer, SystemClock};
use seen::Seen;
use signals::Signals;
pub(crate) use signals::end_of_stdin;

/// Threads of the control plane: one to decide, one to answer while a decision is made. Traffic has its own.
const CONTROL_THREADS: usize = 2;
/// How long visitors' requests that are under way may take to end. Below the ten seconds after which container
/// runtimes kill what they asked to stop.
const DRAIN_TIME_MAX: Duration = Duration::from_secs(8);

/// Serves until a signal comes.
///
/// # Errors
/// When the configuration or the machine does not let it serve.
pub(crate) fn run(args: &ServeArgs, color: Color) -> Result<Exit, Failure> {
    let addresses = Addresses::parse(&args.listen, &args.gateway, args.gateway_tls.as_deref())?;
    log::begin(&args.log, args.log_format, color)?;
    files::raise_limit();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(CONTROL_THREADS)
        .thread_name("control")
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Exit::Configuration, "the system gives no threads").because(&error))?;
    let exit = runtime.block_on(serve(args, addresses, color));
    // What still runs after everything was asked to stop does not hold up the end.
    runtime.shutdown_background();
    exit
}

async fn serve(args: &ServeArgs, addresses: Addresses, color: Color) -> Result<Exit, Failure> {
    let mut signals = Signals::listen(args.stop_with_stdin)?;
    let store =
        SqliteStore::open(&args.data, sluice_store::Options::default()).map_err(|error| config(&error))?;
    let key = key::load_or_make(&args.data)?;
    let known = Known::open(&args.visitors)?;
    let gateway = gateway(args, addresses, key.clone(), known.attributes.clone())?;
    let clock: Arc<SystemClock> = Arc::new(SystemClock);
    let history = SqliteHistory::open(&args.data, args.history_size << 20).map_err(|error| config(&error))?;
    let measured = Measured::open(args, Arc::clone(&clock) as _).await?;
    let hooks = webhooks()?;
    let parts = Parts {
        store: Arc::new(store),
        traffic: Arc::new(GatewayTraffic::new(gateway.clone())),
        metrics: Arc::new(GatewayMetrics::new(gateway.clone())),
        sources: Arc::new(measured.sources),
        history: Arc::new(history),
        hooks: Arc::new(hooks),
        clock,
        decide: sluice_core::release::step,
    };
    let engine =
        Engine::start(parts, Settings::default()).await.map_err(|error| unreadable(&args.data, &error))?;
    let is_serving = Arc::new(AtomicBool::new(true));
    let gateway_ready = Arc::clone(&is_serving);
    let options = sluice_server::Options {
        listen: addresses.control,
        preview: Arc::new(Signer::new(key)),
        gateway_address: gateway.local_addr(),
        gateway_ready: Arc::new(move || gateway_ready.load(Ordering::Acquire)),
        gateway: Arc::new(Seen::new(gateway.clone())),
        build: BuildInfo {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            commit: option_env!("SLUICE_COMMIT").map(str::to_owned),
        },
        receivers: measured.receivers,
    };
    let server = bind(options, &engine).await?;
    let following = tokio::spawn(known.follow());
    let otlp = measured.otlp.map(|listening| tokio::spawn(listening.serve()));
    announce(&server, &gateway, args, color)?;
    let (stop, stopping) = tokio::sync::oneshot::channel::<()>();
    // Whether the sender sends or is dropped: both mean stop.
    let answering = tokio::spawn(server.run(async move { drop(stopping.await) }));
    signals.next().await;
    tracing::info!("Stopping: requests that are under way may end; a second signal stops at once");
    let ending = async {
        is_serving.store(false, Ordering::Release);
        gateway.leave();
        tokio::time::sleep(args.shutdown_delay.as_duration()).await;
        let report = gateway.drain(DRAIN_TIME_MAX).await;
        tracing::info!(closed = report.closed, cut_off = report.cut_off, "The gateway has stopped");
        drop(stop);
        if let Err(error) = answering.await {
            tracing::error!(%error, "The API ended badly");
        }
        following.abort();
        if let Some(otlp) = otlp {
            otlp.abort();
        }
        engine.stop().await;
        drop(engine);
        tracing::info!("Stopped");
    };
    tokio::select! {
        () = ending => Ok(Exit::Done),
        () = signals.next() => Ok(Exit::Interrupted),
    }
}

/// Listens; should that fail, the engine has nobody to serve.
async fn bind(options: sluice_server::Options, engine: &Engine) -> Result<Server, Failure> {
    match Server::bind(options, engine.clone()).await {
        Ok(server) => Ok(server),
        Err(error) => {
            engine.stop().await;
            Err(cannot_bind(&error))
        }
    }
}

fn webhooks() -> Result<HttpHooks, Failure> {
    let read_variable = Box::new(|name: &str| std::env::var_os(name));
    let options = sluice_connect::Options { read_variable, extra_roots: Vec::new() };
    HttpHooks::new(options).map_err(|error| config(&error))
}

/// Starts the data plane.
fn gateway(
    args: &ServeArgs,
    addresses: Addresses,
    preview_key: PreviewKey,
    attributes: Attributes,
) -> Result<Gateway, Failure> {
    let options = sluice_gateway::Options {
        listen: addresses.gateway,
        tls: tls(args, addresses)?,
        takes_proxy_header: args.proxy_protocol,
        workers: args.workers.map(usize::from),
        preview_key,
        limits: Limits::default(),
        fast_path: !args.no_fast_path,
        attributes,
        ready_path: args.ready_path.as_ref().map(|path| path.as_str().to_owned()),
        trace: args.observing.trace_options(),
        access_log: args.observing.access_log_options()?,
    };
    Gateway::start(options).map_err(|error| cannot_start(&error, addresses, args))
}

/// How TLS is served, if it is.
fn tls(args: &ServeArgs, addresses: Addresses) -> Result<Option<TlsOptions>, Failure> {
    let (Some(listen), Some(folder)) = (addresses.gateway_tls, &args.certificates) else { return Ok(None) };
    let certificates = Certificates::open(folder).map_err(|error| {
        config(&error).hint("--certificates names a folder; docs/gateway.md tells what is in it")
    })?;
    Ok(Some(TlsOptions { listen, certificates }))
}

/// Tells people and programs where everything is, once it is there.
fn announce(server: &Server, gateway: &Gateway, args: &ServeArgs, color: Color) -> Result<(), Failure> {
    let (control, visitors) = (server.local_addr(), gateway.local_addr());
    tracing::info!(%control, gateway = %visitors, data = %args.data.display(), "Serving");
    let tls = gateway.tls_addr().map(|address| format!("gateway    https://{address}\n")).unwrap_or_default();
    let data = args.data.display();
    let text = format!("dashboard  http://{control}\ngateway    http://{visitors}\n{tls}data       {data}\n");
    // Programs that read the access log there expect nothing else.
    let screen = if args.observing.takes_stdout() { Screen::stderr } else { Screen::stdout };
    match screen(color).write(&text) {
        // Nobody reads our output; that is no reason not to serve.
        Err(failure) if failure.exit() == Exit::Done => Ok(()),
        written => written,
    }
}

fn config(error: &(dyn std::error::Error + 'static)) -> Failure {
    let failure = Failure::new(Exit::Configuration, error.to_string());
    match error.source() {
        Some(source) => failure.because(source),
        None => failure,
    }
}

fn unreadable(data: &Path, error: &sluice_engine::Error) -> Failure {
    Failure::new(Exit::Configuration, format!("what is kept in {} cannot be read", data.display()))
        .because(error)
}

fn cannot_start(error: &StartError, addresses: Addresses, args: &ServeArgs) -> Failure {
    match error {
        StartError::AccessLog { source } => {
            let path = args.observing.access_log.as_deref().unwrap_or_default();
            Failure::new(Exit::Configuration, format!("the access log {path} cannot be opened"))
                .because(source)
                .hint(
                    "name a file in a folder that is there and that this user may write to with --access-log",
                )
        }
        StartError::AddressInUse { address } if Some(*address) == addresses.gateway_tls => {
            taken(*address, "--gateway-tls")
        }
        StartError::AddressInUse { address } => taken(*address, "--gateway"),
        other => config(other),
    }
}

fn taken(address: SocketAddr, option: &str) -> Failure {
    let message = format!("port {} of {} is taken by another program", address.port(), address.ip());
    Failure::new(Exit::Configuration, message)
        .hint(format!("stop that program, or choose another port with {option}"))
}

fn cannot_bind(error: &BindError) -> Failure {
    match error {
        BindError::NotLoopback { address } => address::not_loopback(*address),
        BindError::AddressInUse { address } => taken(*address, "--listen"),
        error @ BindError::Io { .. } => config(error).hint("choose another address with --listen"),
    }
}
