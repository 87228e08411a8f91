//! Bodies that are far larger than what may be held of them.

use std::collections::BTreeMap;
use std::convert::Infallible;

use bytes::Bytes;
use futures_util::stream;
use http::{Request, Response};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;

use super::world::hyper_endpoint::{Answer, on_port};
use super::world::{serve, service_at, start, version};

const PIECE: &[u8] = &[7; 64 * 1024];
const PIECES: usize = 320;
/// Less than half of one body: every window and buffer on the way is far below it, and a body that was kept is far above.
const GROWTH_KIB_MAX: u64 = 8 * 1024;

fn pieces() -> StreamBody<impl futures_util::Stream<Item = Result<Frame<Bytes>, Infallible>> + Send + Sync> {
    StreamBody::new(stream::iter((0..PIECES).map(|_| Ok(Frame::data(Bytes::from_static(PIECE))))))
}

async fn length(mut body: Incoming) -> usize {
    let mut length = 0;
    while let Some(frame) = body.frame().await {
        length += frame.unwrap().data_ref().map_or(0, Bytes::len);
    }
    length
}

/// Answers with a body as long as the one that it was sent, which it has read before.
async fn answer(request: Request<Incoming>) -> Answer {
    let sent = length(request.into_body()).await;
    assert_eq!(sent, PIECE.len() * PIECES);
    Response::new(pieces().map_err(|never| match never {}).boxed())
}

/// The most memory that the process ever had resident, in KiB.
fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Sends and takes one large body; gives how long the answer's was.
async fn pass(stream: TcpStream, is_http2: bool) -> usize {
    let request = Request::post("http://h/").header("host", "h").body(pieces()).unwrap();
    let answer = if is_http2 {
        let (mut sender, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
        tokio::spawn(async move { drop(connection.await) });
        sender.send_request(request).await.unwrap()
    } else {
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(async move { drop(connection.await) });
        sender.send_request(request).await.unwrap()
    };
    assert_eq!(answer.status(), 200);
    length(answer.into_body()).await
}

/// The peak is the whole process's, so that nothing else may run in it.
#[test]
fn very_large_bodies_take_no_more_memory_than_small_ones() {
    let tests = std::env::current_exe().unwrap();
    // As this test binary calls it, which is not the only one that has it.
    let here = module_path!().split_once("::").unwrap().1;
    let name = format!("{here}::alone_in_a_process");
    let output = std::process::Command::new(tests).args(["--exact", &name, "--ignored"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

#[tokio::test]
#[ignore = "the test above runs it, in a process of its own"]
async fn alone_in_a_process() {
    let (port, _, _running) = on_port("127.0.0.1:0", None, answer).await;
    for (visitor_is_http2, scheme) in [(false, "http"), (false, "h2c"), (true, "http"), (true, "h2c")] {
        let gateway = start();
        let endpoint = format!("{scheme}://127.0.0.1:{port}").parse().unwrap();
        let mut routing = service_at("shop", BTreeMap::from([(version("1"), vec![endpoint])]));
        routing.health.path = String::new();
        serve(&gateway, vec![routing]).await;
        let stream = TcpStream::connect(gateway.local_addr()).await.unwrap();
        let before = peak_kib();
        let taken = tokio::time::timeout(std::time::Duration::from_secs(120), pass(stream, visitor_is_http2));
        assert_eq!(taken.await.unwrap(), PIECE.len() * PIECES);
        let grown = peak_kib() - before;
        assert!(grown < GROWTH_KIB_MAX, "{grown} KiB, to {scheme}, from HTTP/2: {visitor_is_http2}");
    }
}
