//! What comes before the first request: who the visitor is, the handshake of TLS, and which HTTP is spoken.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use super::socket::Socket;
use crate::framing::{Announced, read_announced};
use crate::listen::Door;

/// What HTTP/2 begins with (RFC 9113 section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Read at once. The header of a balancer is shorter, and so are most heads.
const FIRST_BYTES: usize = 4 * 1024;

/// A connection whose first request may come.
pub(super) struct Entered {
    pub(super) socket: Socket,
    /// What was read ahead.
    pub(super) first: Vec<u8>,
    /// Who the balancer in front says that it is.
    pub(super) visitor: Option<IpAddr>,
    pub(super) speaks: Speaks,
}

/// Which HTTP a connection speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Speaks {
    Http1,
    Http2,
}

/// Lets a connection in. How long that may take is the sweep's business.
///
/// # Errors
/// When the connection breaks, or does not begin as it must.
pub(super) async fn enter(mut tcp: TcpStream, door: &Door) -> io::Result<Entered> {
    let mut visitor = None;
    let mut first = Vec::new();
    if door.takes_proxy_header {
        let announced = read_header(&mut tcp, &mut first, door.tls.is_some()).await?;
        visitor = announced.visitor;
    }
    if let Some(tls) = &door.tls {
        let tls = TlsAcceptor::from(Arc::clone(tls)).accept(tcp).await?;
        let is_http2 = tls.get_ref().1.alpn_protocol() == Some(b"h2");
        let speaks = if is_http2 { Speaks::Http2 } else { Speaks::Http1 };
        return Ok(Entered { socket: Socket::Tls(Box::new(tls)), first, visitor, speaks });
    }
    let speaks = read_preface(&mut tcp, &mut first).await?;
    Ok(Entered { socket: Socket::Plain(tcp), first, visitor, speaks })
}

/// Reads the balancer's header. With `to_the_byte`, nothing behind it: TLS reads the socket itself.
async fn read_header(tcp: &mut TcpStream, first: &mut Vec<u8>, to_the_byte: bool) -> io::Result<Announced> {
    loop {
        let refused = |why| io::Error::new(io::ErrorKind::InvalidData, why);
        if let Some(announced) = read_announced(first).map_err(refused)? {
            first.drain(..announced.length);
            return Ok(announced);
        }
        if to_the_byte {
            // Only once for each new visitor, and the header is short.
            first.push(tcp.read_u8().await?);
        } else {
            more(tcp, first).await?;
        }
    }
}

async fn read_preface(tcp: &mut TcpStream, first: &mut Vec<u8>) -> io::Result<Speaks> {
    loop {
        let begun = first.len().min(PREFACE.len());
        if first[..begun] != PREFACE[..begun] {
            return Ok(Speaks::Http1);
        }
        if begun == PREFACE.len() {
            return Ok(Speaks::Http2);
        }
        more(tcp, first).await?;
    }
}

async fn more(tcp: &mut TcpStream, first: &mut Vec<u8>) -> io::Result<()> {
    tcp.readable().await?;
    let mut piece = [0; FIRST_BYTES];
    match tcp.try_read(&mut piece) {
        Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
        Ok(count) => {
            first.extend_from_slice(&piece[..count]);
            Ok(())
        }
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
        Err(error) => Err(error),
    }
}
