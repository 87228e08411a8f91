//! Listening: one socket to a worker, all on the same address.

use std::io;
use std::net::{SocketAddr, TcpListener};

use std::sync::Arc;

use socket2::{Domain, Protocol, Socket, Type};

/// Connections that wait to be accepted. The kernel cuts it to `net.core.somaxconn`, 4096 on Linux since 5.4.
const BACKLOG: i32 = 4096;

/// Why a gateway cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Another process listens there.
    #[error(
        "the gateway cannot listen on {address}: another process does; stop it or choose another address"
    )]
    AddressInUse {
        /// The address that was asked for.
        address: SocketAddr,
    },
    /// The port is one that only the administrator may use.
    #[error(
        "the gateway may not listen on {address}: ports below 1024 need the capability CAP_NET_BIND_SERVICE; \
         grant it or choose a higher port"
    )]
    NotPermitted {
        /// The address that was asked for.
        address: SocketAddr,
    },
    /// The address is not one of this machine.
    #[error(
        "the gateway cannot listen on {address}: this machine does not have that address; choose one it has"
    )]
    AddressNotHere {
        /// The address that was asked for.
        address: SocketAddr,
    },
    /// The system refused for another reason.
    #[error("the gateway cannot listen on {address}: {source}")]
    Listen {
        /// The address that was asked for.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The access log cannot be opened.
    #[error("the access log cannot be opened: {source}")]
    AccessLog {
        /// What the system said.
        source: io::Error,
    },
    /// TLS cannot be served.
    #[error("the gateway cannot serve TLS: {why}")]
    Tls {
        /// What is wrong.
        why: String,
    },
    /// A thread or its event loop could not be made.
    #[error("the gateway cannot start its threads: {source}; raise the limits on threads or open files")]
    Threads {
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// How visitors come in at one address.
#[derive(Debug)]
pub(crate) struct Door {
    pub(crate) tls: Option<Arc<tokio_rustls::rustls::ServerConfig>>,
    /// Whether every connection must begin by saying who it comes from; see [`crate::read_announced`].
    pub(crate) takes_proxy_header: bool,
}

/// One worker's listening socket at a door.
#[derive(Debug)]
pub(crate) struct Listening {
    pub(crate) socket: TcpListener,
    pub(crate) door: Arc<Door>,
}

/// One listening socket to each worker, all on the same address.
pub(crate) fn listen(address: SocketAddr, workers: usize) -> Result<Vec<TcpListener>, StartError> {
    let refused = |source: io::Error| match source.kind() {
        io::ErrorKind::AddrInUse => StartError::AddressInUse { address },
        io::ErrorKind::PermissionDenied => StartError::NotPermitted { address },
        io::ErrorKind::AddrNotAvailable => StartError::AddressNotHere { address },
        _ => StartError::Listen { address, source },
    };
    if address.port() != 0 {
        // Sockets that share a port also share it with another gateway of the same user, which would silently take
        // half of the visitors. One that does not share finds out whether somebody is there.
        bind(address, false).map_err(refused)?;
    }
    let first = bind(address, true).and_then(start).map_err(refused)?;
    let bound = first.local_addr().map_err(refused)?;
    let mut listeners = vec![first];
    for _ in 1..workers {
        listeners.push(bind(bound, true).and_then(start).map_err(refused)?);
    }
    Ok(listeners)
}

fn bind(address: SocketAddr, is_shared: bool) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // Connections of a gateway that ran before may still be closing.
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(is_shared)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

fn start(socket: Socket) -> io::Result<TcpListener> {
    socket.set_nonblocking(true)?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}
