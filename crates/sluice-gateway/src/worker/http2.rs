//! A visitor's connection that speaks HTTP/2.
//!
//! What the frames may do is bounded by the `h2` crate (resets that nobody waits for, header blocks without end, floods
//! of settings and pings); here are the numbers, and what makes a request of HTTP/2 one that everything behind can read in
//! one way only (RFC 9113 section 8, and section 10.3 about intermediaries).

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::header::{CONTENT_LENGTH, COOKIE, HOST, HeaderMap, HeaderValue};
use http::uri::PathAndQuery;
use http::{Method, Request, Uri};
use hyper::server::conn::http2;
use hyper_util::rt::TokioTimer;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::link::Link;
use super::socket::Socket;
use crate::answer::Trouble;
use crate::framing::split_host;
use crate::options::Limits;

/// Requests at one time on a connection; Envoy and nginx have 100 and 128.
const STREAMS_MAX: u32 = 128;
/// Requests that were taken back before they were looked at; more end the connection (CVE-2023-44487).
const RESETS_MAX: usize = 20;
/// What waits to be written for one request. All of a connection's are at most 2 MiB.
const SEND_BYTES_MAX: usize = 16 * 1024;
/// What a visitor may send ahead of what is read, for one request and for the connection.
const WINDOW: u32 = 64 * 1024;
const CONNECTION_WINDOW: u32 = 1024 * 1024;
/// How often a quiet visitor is asked whether they are still there, and how long they may take to answer.
const PING_TIME: Duration = Duration::from_secs(30);
const PONG_TIME_MAX: Duration = Duration::from_secs(20);

/// Starts what belongs to a connection on the worker's own thread.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OnThisThread;

impl<F: Future + 'static> hyper::rt::Executor<F> for OnThisThread {
    fn execute(&self, future: F) {
        tokio::task::spawn_local(async move { drop(future.await) });
    }
}

pub(super) fn builder(limits: &Limits) -> http2::Builder<OnThisThread> {
    let mut builder = http2::Builder::new(OnThisThread);
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS_MAX)
        .max_pending_accept_reset_streams(RESETS_MAX)
        .max_header_list_size(u32::try_from(limits.head_bytes_max).unwrap_or(u32::MAX))
        .max_send_buf_size(SEND_BYTES_MAX)
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .keep_alive_interval(PING_TIME)
        .keep_alive_timeout(PONG_TIME_MAX);
    builder
}

/// A socket of which something was read already.
pub(super) struct Rewound {
    pub(super) socket: Socket,
    pub(super) first: Vec<u8>,
    pub(super) link: Arc<Link>,
}

impl AsyncRead for Rewound {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.first.is_empty() {
            return Pin::new(&mut self.socket).poll_read(cx, buf);
        }
        let count = self.first.len().min(buf.remaining());
        buf.put_slice(&self.first[..count]);
        self.first.drain(..count);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Rewound {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.socket).poll_write(cx, bytes);
        self.link.note_write(result.is_pending());
        result
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}

/// Makes a request one as HTTP/1.1 would have brought it: the target is a path, the host is a header.
///
/// # Errors
/// When it could be read in two ways.
pub(super) fn normalise<B>(request: &mut Request<B>, headers_max: usize) -> Result<(), Trouble> {
    let bad = |why| Err(Trouble::BadRequest(why));
    if request.method() == Method::CONNECT {
        return bad("CONNECT is not served here.");
    }
    if request.headers().len() > headers_max {
        return Err(Trouble::HeadTooLarge("The request has too many headers."));
    }
    let lengths: Vec<_> = request.headers().get_all(CONTENT_LENGTH).iter().collect();
    let is_number = |text: &[u8]| !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    if lengths.len() > 1 || lengths.iter().any(|length| !is_number(length.as_bytes())) {
        return bad("The request's length is not one number.");
    }
    let authority = request.uri().authority().map(|authority| authority.as_str().to_owned());
    let hosts: Vec<_> = request.headers().get_all(HOST).iter().collect();
    let host = match (authority, &hosts[..]) {
        (Some(authority), []) => authority,
        (Some(authority), [host]) if host.as_bytes().eq_ignore_ascii_case(authority.as_bytes()) => authority,
        (None, [host]) => match host.to_str() {
            Ok(host) => host.to_owned(),
            Err(_) => return bad("The request's host is no text."),
        },
        (None, []) => return bad("The request names no host."),
        _ => return bad("The request names two hosts."),
    };
    let Some(value) = split_host(&host).and_then(|_| HeaderValue::from_str(&host).ok()) else {
        return bad("The request's host is not a name or an address, with or without a port.");
    };
    request.headers_mut().insert(HOST, value);
    let target = request.uri().path_and_query().cloned();
    *request.uri_mut() = Uri::from(target.unwrap_or_else(|| PathAndQuery::from_static("/")));
    join_cookies(request.headers_mut());
    Ok(())
}

/// Cookies may come in pieces, and HTTP/1.1 has one line of them (RFC 9113 section 8.2.3).
fn join_cookies(headers: &mut HeaderMap) {
    let pieces: Vec<_> = headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes).collect();
    if pieces.len() > 1
        && let Ok(line) = HeaderValue::from_bytes(&pieces.join(&b"; "[..]))
    {
        headers.insert(COOKIE, line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(target: &str, headers: &[(&str, &str)]) -> Request<()> {
        let request = Request::builder().uri(target).version(http::Version::HTTP_2);
        headers.iter().fold(request, |request, (name, value)| request.header(*name, *value)).body(()).unwrap()
    }

    #[test]
    fn a_request_becomes_one_as_http_1_brings_it() {
        let mut request = request("http://shop:8080/a?b", &[("cookie", "a=1"), ("cookie", "b=2")]);
        normalise(&mut request, 100).unwrap();
        assert_eq!(request.uri(), "/a?b");
        assert_eq!(request.headers()["host"], "shop:8080");
        assert_eq!(request.headers().get_all("cookie").iter().collect::<Vec<_>>(), ["a=1; b=2"]);
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_refused() {
        for (target, headers) in [
            ("http://a/", &[("host", "b")][..]),
            ("http://a/", &[("host", "a"), ("host", "a")]),
            ("/", &[]),
            ("http://user@a/", &[]),
            ("http://a/", &[("content-length", "1"), ("content-length", "1")]),
            ("http://a/", &[("content-length", "1, 1")]),
            ("http://a/", &[("content-length", "+1")]),
            ("http://a/", &[("content-length", "")]),
        ] {
            assert!(normalise(&mut request(target, headers), 100).is_err(), "{target} {headers:?}");
        }
        assert!(normalise(&mut request("http://a/", &[("x", "1"), ("y", "1")]), 1).is_err());
        let mut connect = request("http://a/", &[]);
        *connect.method_mut() = Method::CONNECT;
        assert!(normalise(&mut connect, 100).is_err());
    }
}
