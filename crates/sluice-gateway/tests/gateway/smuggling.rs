//! Every known way to make two servers see two requests where one was sent, byte by byte, at an endpoint that keeps
//! every byte. Each case is refused, or reaches the endpoint in one reading only.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use sluice_core::document::service::HealthSpec;
use sluice_gateway::Gateway;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::world::frames::{END_HEADERS, END_STREAM, Fate, Frames, block, frame, kind};
use super::world::{Visitor, serve, service_at, soon, start, until_in_flight, version};

/// Keeps what comes, and answers whatever looks like the end of a request as a careless server would.
struct Recorder {
    address: SocketAddr,
    bytes: Arc<Mutex<Vec<u8>>>,
}

impl Recorder {
    async fn start() -> Recorder {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let bytes = Arc::<Mutex<Vec<u8>>>::default();
        let kept = Arc::clone(&bytes);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let kept = Arc::clone(&kept);
                tokio::spawn(async move {
                    let mut read = Vec::new();
                    while stream.read_buf(&mut read).await.is_ok_and(|count| count > 0) {
                        kept.lock().unwrap().extend(read.drain(..));
                        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
                        if stream.write_all(answer).await.is_err() {
                            return;
                        }
                    }
                });
            }
        });
        Recorder { address, bytes }
    }

    fn take(&self) -> String {
        String::from_utf8_lossy(&std::mem::take(&mut *self.bytes.lock().unwrap())).into_owned()
    }
}

async fn gateway_before(recorder: &Recorder) -> Gateway {
    let gateway = start();
    let endpoint = format!("http://{}", recorder.address).parse().unwrap();
    let mut shop = service_at("shop", [(version("1"), vec![endpoint])].into());
    // Only a connection is asked for, so that nothing but visitors' requests is recorded.
    shop.health = HealthSpec { path: String::new(), ..HealthSpec::default() };
    serve(&gateway, vec![shop]).await;
    gateway
}

/// The message that the endpoint saw, read strictly: one host, at most one way to find its end, and nothing behind it.
fn is_one_message(seen: &str) -> Result<(), String> {
    let (head, body) = seen.split_once("\r\n\r\n").ok_or("no end of the head")?;
    let mut lines = head.split("\r\n");
    let request_line = lines.next().unwrap_or_default();
    if request_line.split(' ').count() != 3 || !request_line.ends_with(" HTTP/1.1") {
        return Err(format!("{request_line:?} has more than one reading"));
    }
    let mut fields = Vec::new();
    for line in lines {
        let (name, value) = line.split_once(':').ok_or(format!("{line:?} is no header"))?;
        let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        let is_plain = value.bytes().all(|byte| byte == b'\t' || (byte >= b' ' && byte != 127));
        if name.is_empty() || !name.bytes().all(is_token) || !is_plain {
            return Err(format!("{line:?} has more than one reading"));
        }
        fields.push((name.to_ascii_lowercase(), value.trim()));
    }
    let all =
        |wanted: &str| fields.iter().filter(|(name, _)| name == wanted).map(|(_, v)| *v).collect::<Vec<_>>();
    if all("host").len() != 1 {
        return Err(format!("hosts: {:?}", all("host")));
    }
    let expected = match (&all("content-length")[..], &all("transfer-encoding")[..]) {
        ([], []) => 0,
        ([length], []) => length.parse::<usize>().map_err(|_| format!("length {length:?}"))?,
        ([], ["chunked"]) => {
            let end = body.find("0\r\n\r\n").ok_or("the pieces have no end")?;
            end + 5
        }
        both => return Err(format!("two ways to find the end: {both:?}")),
    };
    if body.len() == expected {
        Ok(())
    } else {
        Err(format!("{} bytes of body, {expected} said", body.len()))
    }
}

/// Requests that are one request to us and another, or two, to somebody else.
const REFUSED: &[(&str, &str)] = &[
    (
        "CL.TE",
        "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nX",
    ),
    ("TE.CL", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n5c\r\n"),
    ("CL.0 in a list", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0, 5\r\n\r\nhello"),
    ("CL.CL", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\nContent-Length: 5\r\n\r\nhello"),
    (
        "the same length twice",
        "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
    ),
    ("a length with a sign", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: +5\r\n\r\nhello"),
    ("a negative length", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: -5\r\n\r\nhello"),
    ("a length in hexadecimal", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0x5\r\n\r\nhello"),
    ("a length with a fraction", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5.0\r\n\r\nhello"),
    ("a length with an underscore", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1_0\r\n\r\nhellohello"),
    ("a length that is no number", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: five\r\n\r\nhello"),
    ("a length of nothing", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length:\r\n\r\nhello"),
    (
        "a length beyond 64 bits",
        "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 18446744073709551621\r\n\r\nhello",
    ),
    ("a length in quotes", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: \"5\"\r\n\r\nhello"),
    ("a length behind a vertical tab", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: \x0b5\r\n\r\nhello"),
    ("a space before the length's colon", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length : 5\r\n\r\nhello"),
    ("a space before the length", "POST / HTTP/1.1\r\nHost: h\r\n Content-Length: 5\r\n\r\nhello"),
    (
        "TE.TE",
        "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n",
    ),
    ("a coding twice", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n"),
    (
        "chunked and then another",
        "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    ),
    ("an unknown coding", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
    ("a coding with a colon", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding:: chunked\r\n\r\n0\r\n\r\n"),
    ("a coding in quotes", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n"),
    (
        "a coding with a parameter",
        "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n",
    ),
    (
        "a coding behind a vertical tab",
        "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    ),
    (
        "a coding behind a form feed",
        "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: \x0cchunked\r\n\r\n0\r\n\r\n",
    ),
    (
        "a coding in a folded line",
        "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
    ),
    ("a header folded with a tab", "GET / HTTP/1.1\r\nHost: h\r\nX: a\r\n\tContent-Length: 5\r\n\r\nhello"),
    (
        "a space before the coding's colon",
        "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    ),
    (
        "a tab before the coding's colon",
        "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding\t: chunked\r\n\r\n0\r\n\r\n",
    ),
    (
        "a coding behind a bare carriage return",
        "POST / HTTP/1.1\r\nHost: h\r\nX: y\rTransfer-Encoding: chunked\r\n\r\n",
    ),
    (
        "a coding behind a bare line feed",
        "POST / HTTP/1.1\r\nHost: h\r\nX: y\nTransfer-Encoding: chunked\r\n\r\n",
    ),
    ("a coding of HTTP/1.0", "POST / HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    ("bare line feeds throughout", "GET / HTTP/1.1\nHost: h\n\n"),
    ("a bare line feed at the end", "GET / HTTP/1.1\r\nHost: h\r\n\n"),
    ("two carriage returns", "GET / HTTP/1.1\r\nHost: h\r\r\n\r\n"),
    ("a zero byte in a value", "GET / HTTP/1.1\r\nHost: h\r\nX: a\0b\r\n\r\n"),
    ("a zero byte in a name", "GET / HTTP/1.1\r\nHost: h\r\nX\0Y: a\r\n\r\n"),
    ("a delete byte in a value", "GET / HTTP/1.1\r\nHost: h\r\nX: a\x7fb\r\n\r\n"),
    ("a name with brackets", "GET / HTTP/1.1\r\nHost: h\r\nX(y): a\r\n\r\n"),
    ("a name with a space", "GET / HTTP/1.1\r\nHost: h\r\nX Y: a\r\n\r\n"),
    ("no name", "GET / HTTP/1.1\r\nHost: h\r\n: a\r\n\r\n"),
    ("no colon", "GET / HTTP/1.1\r\nHost: h\r\nX\r\n\r\n"),
    ("two hosts", "GET / HTTP/1.1\r\nHost: h\r\nHost: other\r\n\r\n"),
    ("one host twice", "GET / HTTP/1.1\r\nHost: h\r\nhost: h\r\n\r\n"),
    ("no host", "GET / HTTP/1.1\r\nX: h\r\n\r\n"),
    ("an empty host behind a full target", "GET http://other/ HTTP/1.1\r\nHost:\r\n\r\n"),
    ("another host in the target", "GET http://other/ HTTP/1.1\r\nHost: h\r\n\r\n"),
    ("a user in the target", "GET http://u@h/ HTTP/1.1\r\nHost: h\r\n\r\n"),
    ("a host with a path", "GET / HTTP/1.1\r\nHost: h/x\r\n\r\n"),
    ("a host with a user", "GET / HTTP/1.1\r\nHost: u@h\r\n\r\n"),
    ("a host with a space", "GET / HTTP/1.1\r\nHost: h x\r\n\r\n"),
    ("hosts in a list", "GET / HTTP/1.1\r\nHost: h, other\r\n\r\n"),
    ("a port that is none", "GET / HTTP/1.1\r\nHost: h:99999\r\n\r\n"),
    ("two spaces in the first line", "GET  / HTTP/1.1\r\nHost: h\r\n\r\n"),
    ("a tab in the first line", "GET\t/ HTTP/1.1\r\nHost: h\r\n\r\n"),
    ("a space in the target", "GET /a HTTP/1.1 /b HTTP/1.1\r\nHost: h\r\n\r\n"),
    ("a space at the end of the first line", "GET / HTTP/1.1 \r\nHost: h\r\n\r\n"),
    ("a bare carriage return in the target", "GET /a\rb HTTP/1.1\r\nHost: h\r\n\r\n"),
    ("a zero byte in the target", "GET /a\0 HTTP/1.1\r\nHost: h\r\n\r\n"),
    ("a target without a slash", "GET a HTTP/1.1\r\nHost: h\r\n\r\n"),
    ("a method with a bracket", "GE(T / HTTP/1.1\r\nHost: h\r\n\r\n"),
    ("CONNECT", "CONNECT h:80 HTTP/1.1\r\nHost: h:80\r\n\r\n"),
];

#[tokio::test]
async fn what_has_two_readings_is_refused_and_no_byte_of_it_is_passed_on() {
    let recorder = Recorder::start().await;
    let gateway = gateway_before(&recorder).await;
    for (what, request) in REFUSED {
        let mut visitor = Visitor::connect(gateway.local_addr()).await;
        visitor.say(format!("{request}GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n")).await;
        let answer = visitor.answer().await.unwrap_or_else(|| panic!("{what}: no answer"));
        assert_eq!(answer.status, 400, "{what}");
        // Nothing is read of what follows.
        assert_eq!(visitor.until_closed().await, b"", "{what}");
        assert_eq!(recorder.take(), "", "{what}");
    }
}

/// Requests that look odd and have one reading.
const PASSED: &[(&str, &str)] = &[
    ("a length with zeros before it", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 005\r\n\r\nhello"),
    ("spaces around a length", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: \t 5 \t\r\n\r\nhello"),
    (
        "CHUNKED in capitals",
        "POST / HTTP/1.1\r\nHost: h\r\nTRANSFER-ENCODING: CHUNKED\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    ),
    (
        "a chunk with an extension",
        "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0;c\r\n\r\n",
    ),
    (
        "a chunk's size with zeros",
        "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0005\r\nhello\r\n000\r\n\r\n",
    ),
    ("a full target", "GET http://h/a?b HTTP/1.1\r\nHost: h\r\n\r\n"),
    (
        "what Connection names",
        "GET / HTTP/1.1\r\nHost: h\r\nConnection: close, content-length, host\r\nX: a\r\n\r\n",
    ),
    (
        "Upgrade to HTTP/2",
        "GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n",
    ),
    ("a word of the gateway's own", "GET / HTTP/1.1\r\nHost: h\r\nX-Sluice-Version: 2\r\n\r\n"),
    ("a length of nothing on GET", "GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n"),
    ("a GET with a body", "GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello"),
    ("a fragment in the target", "GET /a#b HTTP/1.1\r\nHost: h\r\n\r\n"),
    ("an empty line before it", "\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n"),
    ("percent signs in the target", "GET /%2e%2e/%0d%0aX:%20y HTTP/1.1\r\nHost: h\r\n\r\n"),
];

#[tokio::test]
async fn what_is_passed_on_has_one_reading() {
    let recorder = Recorder::start().await;
    let gateway = gateway_before(&recorder).await;
    for (what, request) in PASSED {
        let answer = Visitor::once(gateway.local_addr(), request).await;
        assert_eq!(answer.status, 200, "{what}");
        let seen = soon("the end of the request", async {
            let mut seen = String::new();
            loop {
                seen.push_str(&recorder.take());
                if is_one_message(&seen).is_ok() {
                    return seen;
                }
                tokio::task::yield_now().await;
            }
        })
        .await;
        let lower = seen.to_ascii_lowercase();
        for absent in ["x-sluice-version", "http2-settings", "upgrade", ";a=b", "connection: close", "#b"] {
            assert!(!lower.contains(absent), "{what}: {seen}");
        }
    }
}

/// A header block, not packed yet.
type Fields<'a> = Vec<(&'a [u8], &'a [u8])>;

const GET: [(&[u8], &[u8]); 4] =
    [(b":method", b"GET"), (b":scheme", b"http"), (b":authority", b"h"), (b":path", b"/")];

/// GET with these fields in place of its own, or besides.
fn with<'a>(fields: &[(&'a [u8], &'a [u8])]) -> Fields<'a> {
    let is_replaced = |name: &[u8]| fields.iter().any(|(other, _)| *other == name);
    GET.into_iter().filter(|(name, _)| !is_replaced(name)).chain(fields.iter().copied()).collect()
}

#[tokio::test]
async fn what_http_1_would_read_otherwise_does_not_come_through_http_2() {
    let recorder = Recorder::start().await;
    let gateway = gateway_before(&recorder).await;
    let cases: Vec<(&str, Fields<'_>)> = vec![
        ("a value that breaks the line", with(&[(b"x", b"a\r\nTransfer-Encoding: chunked")])),
        ("a value with a line feed", with(&[(b"x", b"a\nb: c")])),
        ("a value with a carriage return", with(&[(b"x", b"a\rb: c")])),
        ("a value with a zero byte", with(&[(b"x", b"a\0b")])),
        ("a name that breaks the line", with(&[(b"x\r\ny", b"a")])),
        ("a name with a colon", with(&[(b"x: y\r\nz", b"a")])),
        ("a name with a space", with(&[(b"x y", b"a")])),
        ("a name in capitals", with(&[(b"X-Y", b"a")])),
        ("no name", with(&[(b"", b"a")])),
        ("a coding", with(&[(b"transfer-encoding", b"chunked")])),
        ("a connection", with(&[(b"connection", b"keep-alive")])),
        ("a kept connection", with(&[(b"keep-alive", b"timeout=5")])),
        ("a proxy's connection", with(&[(b"proxy-connection", b"keep-alive")])),
        ("a switch of protocols", with(&[(b"upgrade", b"websocket")])),
        ("te other than trailers", with(&[(b"te", b"gzip")])),
        (
            "a path that breaks the line",
            with(&[(b":path", b"/ HTTP/1.1\r\nHost: evil\r\n\r\nGET /smuggled")]),
        ),
        ("a path with a space", with(&[(b":path", b"/a b")])),
        ("a path without a slash", with(&[(b":path", b"a")])),
        ("an empty path", with(&[(b":path", b"")])),
        ("a method that breaks the line", with(&[(b":method", b"GET / HTTP/1.1\r\nX:")])),
        ("a method with a space", with(&[(b":method", b"GET /smuggled")])),
        ("CONNECT", with(&[(b":method", b"CONNECT")])),
        ("an authority that breaks the line", with(&[(b":authority", b"h\r\nX: y")])),
        ("an authority with a path", with(&[(b":authority", b"h/x")])),
        ("an authority with a user", with(&[(b":authority", b"u@h")])),
        ("another host besides", with(&[(b"host", b"other")])),
        ("two lengths", with(&[(b"content-length", b"0"), (b"content-length", b"5")])),
        ("a list of lengths", with(&[(b"content-length", b"0, 0")])),
        ("a length with a sign", with(&[(b"content-length", b"+0")])),
        ("a length of what does not come", with(&[(b"content-length", b"5")])),
        ("a pseudo-header behind a header", vec![GET[0], GET[1], GET[2], (b"x", b"y"), GET[3]]),
        ("a pseudo-header twice", vec![GET[0], GET[1], GET[2], GET[3], (b":path", b"/smuggled")]),
        ("two authorities", vec![GET[0], GET[1], GET[2], (b":authority", b"other"), GET[3]]),
        ("no method", vec![GET[1], GET[2], GET[3]]),
        ("no path", vec![GET[0], GET[1], GET[2]]),
        ("no scheme", vec![GET[0], GET[2], GET[3]]),
        ("no authority and no host", vec![GET[0], GET[1], GET[3]]),
        ("an unknown pseudo-header", vec![GET[0], GET[1], GET[2], GET[3], (b":x", b"y")]),
        ("a status", vec![GET[0], GET[1], GET[2], GET[3], (b":status", b"200")]),
        ("a protocol nobody offered", vec![GET[0], GET[1], GET[2], GET[3], (b":protocol", b"websocket")]),
    ];
    for (what, fields) in cases {
        let mut frames = Frames::connect(gateway.local_addr()).await;
        frames.say(&frame(kind::HEADERS, END_HEADERS | END_STREAM, 1, &block(&fields))).await;
        let fate = frames.fate(1).await;
        assert!(matches!(fate, Fate::Answered(400) | Fate::Reset | Fate::Ended), "{what}: {fate:?}");
        assert_eq!(recorder.take(), "", "{what}");
    }
    let mut frames = Frames::connect(gateway.local_addr()).await;
    let fine = with(&[(b"te", b"trailers"), (b"content-length", b"0"), (b"host", b"h")]);
    frames.say(&frame(kind::HEADERS, END_HEADERS | END_STREAM, 1, &block(&fine))).await;
    assert_eq!(frames.fate(1).await, Fate::Answered(200));
    let seen = recorder.take();
    assert_eq!(is_one_message(&seen), Ok(()), "{seen}");
}

#[tokio::test]
async fn a_body_over_http_2_is_as_long_as_was_said_and_its_trailers_are_only_trailers() {
    let recorder = Recorder::start().await;
    let gateway = gateway_before(&recorder).await;
    let post = |length: &'static [u8]| block(&with(&[(b":method", b"POST"), (b"content-length", length)]));
    for (what, sent) in [
        ("more than was said", vec![frame(kind::DATA, END_STREAM, 1, b"hello!")]),
        ("less than was said", vec![frame(kind::DATA, END_STREAM, 1, b"hell")]),
        (
            "more in two",
            vec![frame(kind::DATA, 0, 1, b"hello"), frame(kind::DATA, END_STREAM, 1, b"GET /smuggled")],
        ),
    ] {
        let mut frames = Frames::connect(gateway.local_addr()).await;
        frames.say(&frame(kind::HEADERS, END_HEADERS, 1, &post(b"5"))).await;
        for frame in sent {
            frames.say(&frame).await;
        }
        let fate = frames.fate(1).await;
        assert!(fate != Fate::Answered(200), "{what}: {fate:?}");
        assert!(!recorder.take().contains("smuggled"), "{what}");
    }
    let trailers: [(&[u8], &[u8]); 3] =
        [(b":path", b"/smuggled"), (b"transfer-encoding", b"chunked"), (b"X", b"y")];
    for trailer in trailers {
        let mut frames = Frames::connect(gateway.local_addr()).await;
        let head = block(&with(&[(b":method", b"POST")]));
        frames.say(&frame(kind::HEADERS, END_HEADERS, 1, &head)).await;
        frames.say(&frame(kind::DATA, 0, 1, b"hello")).await;
        frames.say(&frame(kind::HEADERS, END_HEADERS | END_STREAM, 1, &block(&[trailer]))).await;
        // The endpoint may have answered before it saw the end: what it saw is what counts.
        frames.fate(1).await;
        until_in_flight(&gateway, 0).await;
        let seen = recorder.take();
        // Nothing of it is passed on, whether the request is or not.
        let codings = seen.matches("transfer-encoding").count();
        assert!(!seen.contains("smuggled") && !seen.contains("X: y") && codings <= 1, "{trailer:?}: {seen}");
    }
}
