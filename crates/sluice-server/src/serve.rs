//! Listening, connections, limits, and stopping.

mod connection;
mod patience;

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Router;
use sluice_engine::Engine;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;

use crate::routes;
use crate::state::{Options, State};

/// How many connections may be open at once. Whoever comes later waits until one closes. A browser opens six.
const CONNECTIONS_MAX: usize = 1024;

/// How long requests that are under way may take to end when the server stops.
const DRAIN_TIME_MAX: Duration = Duration::from_secs(5);

/// How long to wait before accepting again when accepting failed, as without free file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Why a server cannot listen.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// The address can be reached from other machines.
    #[error(
        "{address} is not a loopback address, and sign-in does not exist yet: whoever reached it could release \
         anything. Listen on 127.0.0.1:{port} and reach it from elsewhere through a tunnel: \
         ssh -L {port}:127.0.0.1:{port} THIS-MACHINE",
        port = address.port()
    )]
    NotLoopback {
        /// The address that was asked for.
        address: SocketAddr,
    },
    /// Another program listens there.
    #[error(
        "port {port} of {ip} is taken by another program: stop that program, or choose another port with \
         --listen {address_free}",
        port = address.port(),
        ip = address.ip(),
        address_free = SocketAddr::new(address.ip(), 0)
    )]
    AddressInUse {
        /// The address that was asked for.
        address: SocketAddr,
    },
    /// Something else.
    #[error("cannot listen on {address}")]
    Io {
        /// The address that was asked for.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// A server that listens, and answers once it runs.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    state: Arc<State>,
    app: Router,
    stop: watch::Sender<bool>,
}

impl Server {
    /// Begins to listen. Connections wait until [`Server::run`].
    ///
    /// # Errors
    /// When the address is not a loopback address, is taken, or cannot be listened on.
    pub async fn bind(options: Options, engine: Engine) -> Result<Server, BindError> {
        let address = options.listen;
        if !address.ip().is_loopback() {
            return Err(BindError::NotLoopback { address });
        }
        let failed = |source: io::Error| match source.kind() {
            io::ErrorKind::AddrInUse => BindError::AddressInUse { address },
            _ => BindError::Io { address, source },
        };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let (stop, stopping) = watch::channel(false);
        let receivers = options.receivers.clone();
        let state = Arc::new(State::new(options, engine, address, stopping));
        let app = routes::app(Arc::clone(&state)).merge(receivers);
        Ok(Server { listener, address, state, app, stop })
    }

    /// Where it listens, with the real port.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Answers until `shutdown` completes. Then it accepts nothing more, ends all streams, lets requests that are
    /// under way end, for at most five seconds, and returns.
    ///
    /// # Cancel safety
    /// When dropped, all connections are closed at once.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        let Server { listener, address: _, state, app, stop } = self;
        let slots = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        let mut connections = JoinSet::new();
        let mut shutdown = std::pin::pin!(shutdown);
        loop {
            tokio::select! {
                biased;
                () = &mut shutdown => break,
                // Reaps connections that have ended, so that their results do not pile up.
                Some(ended) = connections.join_next() => report(ended),
                (stream, slot) = accept(&listener, &slots) => {
                    let connection = connection::serve(stream, app.clone(), stop.subscribe());
                    let state = Arc::clone(&state);
                    connections.spawn(async move {
                        state.telemetry.connections.fetch_add(1, Ordering::Relaxed);
                        connection.await;
                        state.telemetry.connections.fetch_sub(1, Ordering::Relaxed);
                        drop(slot);
                    });
                }
            }
        }
        drop(listener);
        stop.send_replace(true);
        let drained = async {
            while let Some(ended) = connections.join_next().await {
                report(ended);
            }
        };
        if tokio::time::timeout(DRAIN_TIME_MAX, drained).await.is_err() {
            tracing::warn!(
                connections = connections.len(),
                "requests that did not end within {} seconds were broken off",
                DRAIN_TIME_MAX.as_secs()
            );
        }
    }
}

/// The next connection, once there is room for one.
async fn accept(listener: &TcpListener, slots: &Arc<Semaphore>) -> (TcpStream, OwnedSemaphorePermit) {
    let slot = Arc::clone(slots).acquire_owned().await.expect("the semaphore is never closed");
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return (stream, slot),
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

fn report(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended
        && let Ok(panic) = error.try_into_panic()
    {
        tracing::error!("panic in a connection: {}", crate::observe::message(&*panic));
    }
}
