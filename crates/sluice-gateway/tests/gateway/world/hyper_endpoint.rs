//! Endpoints that speak HTTP/2, TLS, or through a Unix socket, by hyper.

use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig, crypto};

pub(crate) type Answer = Response<BoxBody<Bytes, hyper::Error>>;

/// How many connections were taken.
pub(crate) type Taken = Arc<AtomicUsize>;

pub(crate) fn whole(body: impl Into<Bytes>) -> BoxBody<Bytes, hyper::Error> {
    Full::new(body.into()).map_err(|never: Infallible| match never {}).boxed()
}

/// Answers with the protocol, the host and the path that it was asked by.
pub(crate) async fn telling(request: Request<Incoming>) -> Answer {
    let (parts, body) = request.into_parts();
    let length = body.collect().await.map_or(0, |body| body.to_bytes().len());
    let host = parts.headers.get("host").and_then(|host| host.to_str().ok()).map(str::to_owned);
    let host = host.or_else(|| parts.uri.authority().map(|authority| authority.to_string()));
    let host = host.unwrap_or_default();
    Response::new(whole(format!("{:?} {} {host} {} {length}", parts.version, parts.method, parts.uri.path())))
}

/// Serves what comes on a listener, in HTTP/1.1 or HTTP/2 as the other side begins.
pub(crate) async fn serve_stream<F>(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    answer: impl Fn(Request<Incoming>) -> F + Clone + Send + 'static,
) where
    F: Future<Output = Answer> + Send + 'static,
{
    let service = service_fn(move |request| {
        let answer = answer.clone();
        async move { Ok::<_, Infallible>(answer(request).await) }
    });
    let builder = auto::Builder::new(TokioExecutor::new());
    drop(builder.serve_connection_with_upgrades(TokioIo::new(stream), service).await);
}

/// A server on a port; its connections are cut when the set is dropped.
pub(crate) async fn on_port<F>(
    address: &str,
    tls: Option<Arc<ServerConfig>>,
    answer: impl Fn(Request<Incoming>) -> F + Clone + Send + 'static,
) -> (u16, Taken, JoinSet<()>)
where
    F: Future<Output = Answer> + Send + 'static,
{
    let listener = TcpListener::bind(address).await.unwrap();
    let (port, taken) = (listener.local_addr().unwrap().port(), Taken::default());
    let (counted, mut tasks) = (Arc::clone(&taken), JoinSet::new());
    tasks.spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            let (tls, answer, counted) = (tls.clone(), answer.clone(), Arc::clone(&counted));
            connections.spawn(async move {
                match tls {
                    None => {
                        counted.fetch_add(1, SeqCst);
                        serve_stream(stream, answer).await;
                    }
                    Some(tls) => {
                        if let Ok(stream) = TlsAcceptor::from(tls).accept(stream).await {
                            counted.fetch_add(1, SeqCst);
                            serve_stream(stream, answer).await;
                        }
                    }
                }
            });
        }
    });
    (port, taken, tasks)
}

/// A server on a Unix socket.
pub(crate) fn on_socket(path: &Path) -> JoinSet<()> {
    let listener = UnixListener::bind(path).unwrap();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            connections.spawn(serve_stream(stream, telling));
        }
    });
    tasks
}

/// TLS with `NAME.pem` and `NAME.key` of a folder. With `visitors`, only who shows a certificate of that file is let in.
pub(crate) fn tls(
    folder: &Path,
    name: &str,
    protocols: &[&str],
    visitors: Option<&str>,
) -> Arc<ServerConfig> {
    let file = |end: &str| folder.join(format!("{name}.{end}"));
    let chain = CertificateDer::pem_file_iter(file("pem")).unwrap().map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_file(file("key")).unwrap();
    let provider = Arc::new(crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider));
    let builder = builder.with_safe_default_protocol_versions().unwrap();
    let builder = match visitors {
        None => builder.with_no_client_auth(),
        Some(visitors) => {
            let mut roots = RootCertStore::empty();
            let pem = folder.join(format!("{visitors}.pem"));
            for certificate in CertificateDer::pem_file_iter(pem).unwrap() {
                roots.add(certificate.unwrap()).unwrap();
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            builder.with_client_cert_verifier(verifier.build().unwrap())
        }
    };
    let mut config = builder.with_single_cert(chain, key).unwrap();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
    Arc::new(config)
}
