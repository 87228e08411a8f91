//! Visitors that come with TLS or speak HTTP/2.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http2::SendRequest;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use tokio_rustls::{TlsConnector, rustls};

/// A connection that speaks HTTP/2.
pub(crate) type Http2 = SendRequest<Full<Bytes>>;

/// Speaks HTTP/2 on a socket.
pub(crate) async fn http2(socket: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> Http2 {
    let (sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(socket)).await.unwrap();
    tokio::spawn(async move { drop(connection.await) });
    sender
}

/// Connects without TLS, knowing that HTTP/2 is spoken.
pub(crate) async fn plain_http2(address: SocketAddr) -> Http2 {
    http2(TcpStream::connect(address).await.unwrap()).await
}

/// Gives an answer with all of its body.
pub(crate) async fn ask(http2: &mut Http2, request: Request<Full<Bytes>>) -> (Response<()>, Vec<u8>) {
    let answer: Response<Incoming> = super::soon("an answer", http2.send_request(request)).await.unwrap();
    let (parts, body) = answer.into_parts();
    let body = super::soon("a body", body.collect()).await.unwrap().to_bytes();
    (Response::from_parts(parts, ()), body.to_vec())
}

pub(crate) fn get(target: &str) -> Request<Full<Bytes>> {
    Request::get(target).body(Full::default()).unwrap()
}

/// A certificate for these names, written as `NAME.pem` and `NAME.key`.
pub(crate) fn certificate(folder: &Path, name: &str, hosts: &[&str]) -> CertificateDer<'static> {
    let hosts: Vec<String> = hosts.iter().map(|&host| host.to_owned()).collect();
    let made = rcgen::generate_simple_self_signed(hosts).unwrap();
    std::fs::write(folder.join(format!("{name}.key")), made.signing_key.serialize_pem()).unwrap();
    std::fs::write(folder.join(format!("{name}.pem")), made.cert.pem()).unwrap();
    made.cert.der().clone()
}

/// Shakes hands, trusting one certificate.
pub(crate) async fn tls(
    socket: TcpStream,
    host: &str,
    trusted: &CertificateDer<'static>,
    protocols: &[&str],
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
    let name = ServerName::try_from(host.to_owned()).unwrap();
    super::soon("a handshake", TlsConnector::from(Arc::new(config)).connect(name, socket)).await
}
