//! Connecting to an endpoint: over TCP, within TLS, or through a Unix socket.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use sluice_core::document::service::{Place, Speaks};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::table::Endpoint;

/// After which the system asks a quiet endpoint whether it is still there: one that vanished under a tunnel, which may be
/// quiet for as long as it likes, is noticed so.
const KEEPALIVE_TIME: Duration = Duration::from_secs(60);

/// A connection to an endpoint, on which nothing was asked yet.
pub(crate) struct Dialled {
    pub(crate) stream: Stream,
    /// Whether HTTP/2 is spoken on it; HTTP/1.1 otherwise.
    pub(crate) is_http2: bool,
}

/// The bytes of a connection to an endpoint.
pub(crate) enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
    /// Boxed: it is many times larger.
    Tls(Box<TlsStream<TcpStream>>),
}

/// Why an endpoint takes no connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DialError {
    #[error("{0}")]
    Refused(#[from] io::Error),
    #[error("it cannot be trusted, as {0}")]
    NoTrust(String),
    #[error("TLS with it failed: {0}")]
    Handshake(io::Error),
}

/// Connects. With `only_http1`, HTTP/2 is not offered where there is a choice.
///
/// # Errors
/// When the endpoint takes no connection, or cannot be trusted.
pub(crate) async fn dial(endpoint: &Endpoint, only_http1: bool) -> Result<Dialled, DialError> {
    let (host, port) = match endpoint.spec.place() {
        Place::Socket(path) => {
            let stream = Stream::Unix(UnixStream::connect(path).await?);
            return Ok(Dialled { stream, is_http2: endpoint.spec.speaks() == Speaks::Http2 });
        }
        Place::Port { host, port } => (host.as_str(), *port),
    };
    let tcp = dial_tcp(endpoint, host, port).await?;
    let Some(trust) = &endpoint.trust else {
        return Ok(Dialled { stream: Stream::Tcp(tcp), is_http2: endpoint.spec.speaks() == Speaks::Http2 });
    };
    let settings = trust.settings(only_http1).map_err(DialError::NoTrust)?;
    let name = trust.name_of(&endpoint.spec);
    let name =
        name.ok_or_else(|| DialError::NoTrust(format!("{host} is no name that a certificate can be for")))?;
    let tls = TlsConnector::from(Arc::clone(&settings)).connect(name, tcp).await;
    let tls = tls.map_err(DialError::Handshake)?;
    let is_http2 = tls.get_ref().1.alpn_protocol() == Some(b"h2");
    Ok(Dialled { stream: Stream::Tls(Box::new(tls)), is_http2 })
}

/// Connects to one that speaks HTTP/1.1 over TCP; see [`Endpoint::is_plain`].
///
/// # Errors
/// When the endpoint takes no connection, or is none of those.
pub(crate) async fn dial_plain(endpoint: &Endpoint) -> Result<TcpStream, DialError> {
    match endpoint.spec.place() {
        Place::Port { host, port } => Ok(dial_tcp(endpoint, host, *port).await?),
        Place::Socket(_) => Err(io::Error::from(io::ErrorKind::Unsupported).into()),
    }
}

async fn dial_tcp(endpoint: &Endpoint, host: &str, port: u16) -> io::Result<TcpStream> {
    let tcp = match endpoint.address {
        Some(address) => TcpStream::connect(address).await?,
        None => TcpStream::connect((host, port)).await?,
    };
    tcp.set_nodelay(true)?;
    let alive = socket2::TcpKeepalive::new().with_time(KEEPALIVE_TIME);
    socket2::SockRef::from(&tcp).set_tcp_keepalive(&alive)?;
    Ok(tcp)
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Tcp(tcp) => Pin::new(tcp).poll_read(cx, buf),
            Stream::Unix(unix) => Pin::new(unix).poll_read(cx, buf),
            Stream::Tls(tls) => Pin::new(tls).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Stream::Tcp(tcp) => Pin::new(tcp).poll_write(cx, bytes),
            Stream::Unix(unix) => Pin::new(unix).poll_write(cx, bytes),
            Stream::Tls(tls) => Pin::new(tls).poll_write(cx, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Stream::Tcp(tcp) => Pin::new(tcp).poll_write_vectored(cx, slices),
            Stream::Unix(unix) => Pin::new(unix).poll_write_vectored(cx, slices),
            Stream::Tls(tls) => Pin::new(tls).poll_write_vectored(cx, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Stream::Tcp(tcp) => tcp.is_write_vectored(),
            Stream::Unix(unix) => unix.is_write_vectored(),
            Stream::Tls(tls) => tls.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Tcp(tcp) => Pin::new(tcp).poll_flush(cx),
            Stream::Unix(unix) => Pin::new(unix).poll_flush(cx),
            Stream::Tls(tls) => Pin::new(tls).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Tcp(tcp) => Pin::new(tcp).poll_shutdown(cx),
            Stream::Unix(unix) => Pin::new(unix).poll_shutdown(cx),
            Stream::Tls(tls) => Pin::new(tls).poll_shutdown(cx),
        }
    }
}
