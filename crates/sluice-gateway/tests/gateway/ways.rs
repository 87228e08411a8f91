//! The short way beside the long one: whatever bytes come, visitors and endpoints meet the same.

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use sluice_gateway::{Gateway, Options};

use super::world::{Conversation, Endpoint, Visitor, options, serve, service};

/// A gateway with one way, and the endpoint behind it.
struct Way {
    gateway: Gateway,
    endpoint: Endpoint,
}

impl Way {
    async fn open(fast_path: bool) -> Way {
        let endpoint = Endpoint::acting(answer).await;
        let listen = "127.0.0.1:0".parse().unwrap();
        let gateway = Gateway::start(Options { fast_path, ..options(listen, 1) }).unwrap();
        serve(&gateway, vec![service("shop", &[("1", &[&endpoint])])]).await;
        Way { gateway, endpoint }
    }

    /// What becomes of a connection that brings these bytes: all that is answered, but for what differs by nature, and
    /// all that the endpoint hears.
    async fn take(&self, bytes: &[u8]) -> (Vec<String>, Vec<(String, Vec<u8>)>) {
        let before = self.endpoint.heard().len();
        let mut visitor = Visitor::connect(self.gateway.local_addr()).await;
        // What ends a connection for certain, whatever it stands behind. It may be refused before all of it is written.
        let bytes = [bytes, b"\r\nthis is no request\r\n\r\nand this is none\r\n\r\n"].concat();
        let _is_written = tokio::io::AsyncWriteExt::write_all(&mut visitor.stream, &bytes).await.is_ok();
        let answered = visitor.until_closed().await;
        let answered = String::from_utf8_lossy(&answered).into_owned();
        // The long way knows sooner that what follows is refused, and says so in the answer before.
        let passing = ["date:", "set-cookie: sluice_unit", "connection: close"];
        let is_steady = |line: &&str| !passing.iter().any(|passing| line.starts_with(passing));
        let heard = self.endpoint.heard().split_off(before);
        let mut heard = heard.into_iter().map(|heard| (heard.head, heard.body)).collect::<Vec<_>>();
        // Whether a request is sent once more depends on whether its connection was new, and each way has its own.
        heard.dedup();
        (answered.split("\r\n").filter(is_steady).map(str::to_owned).collect(), heard)
    }
}

async fn answer(heard: super::world::Heard, mut conversation: Conversation) -> Option<Conversation> {
    let (bytes, is_kept): (&[u8], bool) = match heard.path() {
        "/chunked" => (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x\r\nhello\r\n0\r\nT: u\r\n\r\n", true),
        "/close" => (b"HTTP/1.0 200 OK\r\nX-Old: 1\r\n\r\nhello", false),
        "/nothing" => (b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\nKeep-Alive: 1\r\n\r\n", true),
        "/same" => (b"HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n", true),
        "/early" => (b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", true),
        "/two" => (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok", true),
        "/wrong" => (b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\nok", true),
        "/nonsense" => (b"not HTTP at all\r\n\r\n", false),
        "/broken" => (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello", false),
        "/empty" => (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", true),
        "/odd" => (b"HTTP/1.1 299 Odd\r\nConnection: x-one\r\nX-One: 1\r\nX-Sluice-Version: 9\r\nContent-Length: 2\r\n\r\nok", true),
        "/silent" => return None,
        _ => (b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nContent-Length: 5\r\n\r\nhello", true),
    };
    let bytes = if heard.head.starts_with("HEAD ") {
        let end = bytes.windows(4).rposition(|window| window == b"\r\n\r\n").map_or(bytes.len(), |at| at + 4);
        &bytes[..end]
    } else {
        bytes
    };
    conversation.say(bytes).await;
    is_kept.then_some(conversation)
}

fn requests() -> impl Strategy<Value = Vec<u8>> {
    let method = prop::sample::select(vec!["GET", "GET", "HEAD", "POST", "PUT", "OPTIONS", "BREW", "G(T"]);
    let target = prop::sample::select(vec![
        "/",
        "/a?b=c",
        "/chunked",
        "/close",
        "/nothing",
        "/same",
        "/early",
        "/two",
        "/wrong",
        "/nonsense",
        "/broken",
        "/empty",
        "/odd",
        "/silent",
        "*",
        "http://h/x",
        "/a b",
        "/é",
        "//x",
        "/a#b",
    ]);
    let version = prop::sample::select(vec!["HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.0", "HTTP/1.2"]);
    let line = prop::sample::select(vec![
        "x-user: mia",
        "X-Forwarded-For: 10.0.0.1",
        "Cookie: sluice_unit=u",
        "Via: 1.0 edge",
        "X-Sluice-Any: 1",
        "Connection: keep-alive",
        "Connection: close",
        "Connection: x-one",
        "X-One: 1",
        "TE: trailers",
        "Upgrade: x",
        "Trailer: t",
        "Accept: application/json",
        "Content-Length: 5",
        "Content-Length: 0",
        "Content-Length: x",
        "Transfer-Encoding: chunked",
        "Host: other",
        "X: a\x01b",
        "X : y",
        " x: y",
        "X",
        "Keep-Alive: 5",
        "X-Empty:",
        "X-Tabs:\t a \t",
        "X-Twice: 1",
        "X-Twice: 2",
        "Proxy-Authorization: x",
    ]);
    let end = prop::sample::select(vec!["\r\n", "\r\n", "\r\n", "\r\n", "\r\n", "\r\n", "\n"]);
    let body = prop::sample::select(vec!["", "hello", "0\r\n\r\n", "5\r\nhello\r\n0\r\n\r\n", "x"]);
    let lines = prop::collection::vec((line, end), 0..5);
    let request =
        (method, target, version, lines, body).prop_map(|(method, target, version, lines, body)| {
            let lines: String = lines.into_iter().map(|(line, end)| format!("{line}{end}")).collect();
            format!("{method} {target} {version}\r\nHost: h\r\n{lines}\r\n{body}")
        });
    prop::collection::vec(request, 1..3).prop_map(|requests| requests.concat().into_bytes())
}

#[test]
fn whatever_comes_meets_the_same_on_both_ways() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let (short, long) = runtime.block_on(async { (Way::open(true).await, Way::open(false).await) });
    let config = ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() };
    let met = TestRunner::new(config).run(&requests(), |bytes| {
        let (short, long) = runtime.block_on(async { (short.take(&bytes).await, long.take(&bytes).await) });
        prop_assert_eq!(short, long, "{}", String::from_utf8_lossy(&bytes));
        Ok(())
    });
    met.unwrap();
}
