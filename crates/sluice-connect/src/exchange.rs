//! One request and its answer, on a connection of its own.

use std::net::SocketAddr;
use std::pin::pin;

use bytes::{Bytes, BytesMut};
use http::header::{CONNECTION, CONTENT_LENGTH, HOST, HeaderMap, HeaderValue};
use http::uri::PathAndQuery;
use http::{Method, Request, Response, StatusCode, Uri};
use http_body::Body as _;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use sluice_core::Span;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::ServerName;

use crate::trouble::Trouble;
use crate::trust::Trust;

/// Verdicts take a few hundred bytes; an error page of a proxy in between still fits, so that it can be named.
pub(crate) const BODY_BYTES_MAX: usize = 64 * 1024;
/// As much for the head, so that one call never holds more than a few hundred KiB.
const HEAD_BYTES_MAX: usize = 64 * 1024;
/// Half a year, for a timeout that no clock can hold.
const LONGEST: Span = Span::from_secs(180 * 24 * 3600);

/// When a call has to be over.
#[derive(Clone, Copy)]
pub(crate) struct Limit {
    timeout: Span,
    at: Instant,
}

impl Limit {
    /// From now on.
    pub(crate) fn of(timeout: Span) -> Limit {
        let now = Instant::now();
        let at = now.checked_add(timeout.as_duration()).unwrap_or_else(|| now + LONGEST.as_duration());
        Limit { timeout, at }
    }

    /// What the work comes to, or `late` when there is no time left for it.
    pub(crate) async fn keep<T>(
        self,
        late: fn(Span) -> Trouble,
        work: impl Future<Output = Result<T, Trouble>>,
    ) -> Result<T, Trouble> {
        timeout_at(self.at, work).await.unwrap_or_else(|_| Err(late(self.timeout)))
    }
}

/// Where a request goes.
pub(crate) struct Target {
    is_tls: bool,
    /// A name or an IP address, without the brackets of an IPv6 address.
    host: String,
    port: u16,
    /// What the `Host` header says.
    authority: HeaderValue,
    path: PathAndQuery,
}

impl Target {
    /// # Errors
    /// When the text is no absolute `http` or `https` address.
    pub(crate) fn parse(url: &str) -> Result<Target, Trouble> {
        let parts =
            url.parse::<Uri>().map_err(|_| Trouble::InvalidAddress("it cannot be read"))?.into_parts();
        let is_tls = match parts.scheme.as_ref().map(http::uri::Scheme::as_str) {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(Trouble::InvalidAddress("it is neither http nor https")),
        };
        let authority = parts.authority.ok_or(Trouble::InvalidAddress("it names no host"))?;
        let host = authority.host();
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host).to_owned();
        // The parser of addresses leaves a port that is no number for whoever asks for it.
        let has_port = authority.as_str().len() > authority.host().len();
        let port = match authority.port_u16() {
            Some(port) => port,
            None if has_port => return Err(Trouble::InvalidAddress("its port is not one")),
            None if is_tls => 443,
            None => 80,
        };
        let authority = HeaderValue::from_str(authority.as_str())
            .map_err(|_| Trouble::InvalidAddress("its host is no text for a header"))?;
        let path = parts.path_and_query.unwrap_or_else(|| PathAndQuery::from_static("/"));
        Ok(Target { is_tls, host, port, authority, path })
    }
}

/// An answer that came whole.
pub(crate) struct Answered {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// Posts `body` and reads the answer, of at most [`BODY_BYTES_MAX`].
///
/// # Errors
/// Whenever there is no whole answer with a status of 2xx at the limit.
///
/// # Cancel safety
/// When dropped, the connection is closed; the request may or may not have been taken.
pub(crate) async fn post(
    target: &Target,
    headers: HeaderMap,
    body: Bytes,
    trust: &Trust,
    limit: Limit,
) -> Result<Answered, Trouble> {
    let wanted = Wanted { body_bytes_max: BODY_BYTES_MAX, is_any_status: false };
    send(Method::POST, target, headers, body, trust, limit, wanted).await
}

/// Which answers are read.
#[derive(Clone, Copy)]
pub(crate) struct Wanted {
    /// The longest body, in bytes.
    pub(crate) body_bytes_max: usize,
    /// Whether the body of a refusal is read too. Redirects never are.
    pub(crate) is_any_status: bool,
}

/// Sends a request and reads the answer.
///
/// # Errors
/// Whenever there is no whole answer of the wanted kind at the limit.
///
/// # Cancel safety
/// When dropped, the connection is closed; the request may or may not have been taken.
pub(crate) async fn send(
    method: Method,
    target: &Target,
    headers: HeaderMap,
    body: Bytes,
    trust: &Trust,
    limit: Limit,
    wanted: Wanted,
) -> Result<Answered, Trouble> {
    let mut request = Request::new(Full::new(body.clone()));
    *request.method_mut() = method;
    *request.uri_mut() = Uri::from(target.path.clone());
    *request.headers_mut() = headers;
    request.headers_mut().insert(HOST, target.authority.clone());
    request.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
    request.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));

    let stream = limit.keep(Trouble::ConnectingTooLong, connect(target, limit)).await?;
    if target.is_tls {
        let stream = limit.keep(Trouble::ConnectingTooLong, shake_hands(target, stream, trust)).await?;
        exchange(request, stream, limit, wanted).await
    } else {
        exchange(request, stream, limit, wanted).await
    }
}

/// Tries the host's addresses one after the other. Each may take its part of the time that is left, so that one that
/// swallows packets does not hide the next.
async fn connect(target: &Target, limit: Limit) -> Result<TcpStream, Trouble> {
    let found =
        tokio::net::lookup_host((target.host.as_str(), target.port)).await.map_err(Trouble::NoSuchName)?;
    let addresses: Vec<SocketAddr> = found.collect();
    let mut last = Trouble::NoSuchName(std::io::Error::other("the name has no address"));
    for (tried, address) in addresses.iter().enumerate() {
        let untried = u32::try_from(addresses.len() - tried).unwrap_or(u32::MAX);
        let now = Instant::now();
        let share = now + limit.at.saturating_duration_since(now) / untried;
        last = match timeout_at(share, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) if error.kind() == std::io::ErrorKind::ConnectionRefused => Trouble::Refused,
            Ok(Err(error)) => Trouble::Unreachable(error),
            Err(_) => Trouble::ConnectingTooLong(limit.timeout),
        };
    }
    Err(last)
}

async fn shake_hands(
    target: &Target,
    stream: TcpStream,
    trust: &Trust,
) -> Result<TlsStream<TcpStream>, Trouble> {
    let name = ServerName::try_from(target.host.clone())
        .map_err(|_| Trouble::InvalidAddress("its host is no name that a certificate can have"))?;
    trust.connector().await?.connect(name, stream).await.map_err(|error| Trouble::of_handshake(&error))
}

async fn exchange<S>(
    request: Request<Full<Bytes>>,
    stream: S,
    limit: Limit,
    wanted: Wanted,
) -> Result<Answered, Trouble>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let (mut sender, connection) = hyper::client::conn::http1::Builder::new()
        .max_buf_size(HEAD_BYTES_MAX)
        .handshake::<_, Full<Bytes>>(TokioIo::new(stream))
        .await
        .map_err(|error| Trouble::of_request(&error))?;
    let answer = async {
        let request =
            async { sender.send_request(request).await.map_err(|error| Trouble::of_request(&error)) };
        let response = limit.keep(Trouble::AnswerTooLate, request).await?;
        let status = response.status();
        if !status.is_success() && (!wanted.is_any_status || status.is_redirection()) {
            return Err(Trouble::of_status(status));
        }
        limit.keep(Trouble::AnswerTooLong, read(response, wanted.body_bytes_max)).await
    };
    // The connection moves the bytes of both. It may end before what it brought is read.
    let mut answer = pin!(answer);
    tokio::select! {
        biased;
        answered = &mut answer => answered,
        _ended = connection => answer.await,
    }
}

async fn read(response: Response<Incoming>, bytes_max: usize) -> Result<Answered, Trouble> {
    let (head, mut incoming) = response.into_parts();
    if incoming.size_hint().lower() > u64::try_from(bytes_max).unwrap_or(u64::MAX) {
        return Err(Trouble::TooMuch(bytes_max));
    }
    let mut body = BytesMut::new();
    while let Some(frame) = incoming.frame().await {
        let frame = frame.map_err(|error| Trouble::of_body(&error))?;
        let Ok(data) = frame.into_data() else { continue };
        if body.len() + data.len() > bytes_max {
            return Err(Trouble::TooMuch(bytes_max));
        }
        body.extend_from_slice(&data);
    }
    Ok(Answered { status: head.status, headers: head.headers, body: body.freeze() })
}
