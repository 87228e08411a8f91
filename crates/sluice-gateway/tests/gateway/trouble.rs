//! Endpoints that are down, hang, break off or talk nonsense.

use sluice_core::{Counts, Span};
use sluice_gateway::Gateway;

use super::world::{
    Endpoint, Visitor, key, serve, service, share, soon, start, until_counted, until_in_flight, version,
};

/// A gateway whose candidate, which everybody meets, is `bad`; stable is fine.
async fn with_candidate(bad: &Endpoint, fine: &Endpoint) -> Gateway {
    let gateway = start();
    let mut shop = service("shop", &[("1", &[fine]), ("2", &[bad])]);
    shop.split = share("2", 100.0);
    shop.timeouts.response = Span::from_millis(200);
    shop.timeouts.idle = Span::from_millis(200);
    // So rarely that no check notices anything within a test.
    shop.health.every = Span::from_secs(3600);
    serve(&gateway, vec![shop]).await;
    gateway
}

async fn counted_once(gateway: &Gateway) -> Counts {
    let counts = until_counted(gateway, "2", |counts| counts.requests == 1).await;
    assert_eq!(gateway.counts(&key("shop"))[&version("1")], Counts::default());
    until_in_flight(gateway, 0).await;
    counts
}

#[tokio::test]
async fn an_endpoint_without_an_answer_gives_a_code_and_is_counted_against_its_version() {
    let fine = Endpoint::named("1").await;
    let hangs = Endpoint::acting(|_, conversation| async {
        let _held = conversation;
        std::future::pending().await
    })
    .await;
    let closes = Endpoint::acting(|_, _| async { None }).await;
    let closes_in_head = Endpoint::acting(|_, mut conversation| async move {
        conversation.say("HTTP/1.1 200 OK\r\ncontent-le").await;
        None
    })
    .await;
    let not_http = Endpoint::answering("SSH-2.0-OpenSSH_9.2\r\n\r\n").await;
    let two_lengths =
        Endpoint::answering("HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 2\r\n\r\nok").await;
    let other_lengths =
        Endpoint::answering("HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nok").await;
    let folded = Endpoint::answering("HTTP/1.1 200 OK\r\nx: a\r\n b\r\ncontent-length: 0\r\n\r\n").await;
    for (what, endpoint, status, code) in [
        ("hangs", hangs, 504, "response-timeout"),
        ("closes", closes, 502, "reset"),
        ("closes in its head", closes_in_head, 502, "reset"),
        ("is not HTTP", not_http, 502, "bad-response"),
        ("names its length twice", two_lengths, 502, "bad-response"),
        ("names two lengths", other_lengths, 502, "bad-response"),
        ("folds a header", folded, 502, "bad-response"),
    ] {
        let gateway = with_candidate(&endpoint, &fine).await;
        let mut activity = gateway.activity();
        let answer = Visitor::get(gateway.local_addr(), "/", "").await;
        assert_eq!((answer.status, answer.code()), (status, Some(code)), "{what}");
        assert_eq!(answer.header("x-sluice-version"), Some("2"), "{what}");
        let counts = counted_once(&gateway).await;
        assert_eq!((counts.responses, counts.latency.count()), ([0, 0, 0, 0, 1], 1), "{what}");
        soon("the failure to be told", activity.changed()).await.unwrap();
    }
}

#[tokio::test]
async fn an_endpoint_that_went_down_between_two_checks_gives_502_and_then_503() {
    let (fine, down) = tokio::join!(Endpoint::named("1"), Endpoint::named("2"));
    let gateway = with_candidate(&down, &fine).await;
    drop(down);
    let answer = soon("the end of the endpoint", async {
        loop {
            let answer = Visitor::get(gateway.local_addr(), "/", "").await;
            if answer.status != 200 {
                return answer;
            }
        }
    })
    .await;
    assert_eq!((answer.status, answer.code()), (502, Some("connect-failed")));
    // The failure is a reason to check at once, long before the next check is due; then nobody is sent there.
    super::world::until_ready(&gateway, &key("shop"), &version("2"), 0).await;
    let answer = Visitor::get(gateway.local_addr(), "/", "").await;
    assert_eq!((answer.status, answer.text().as_str()), (200, "1"));
}

#[tokio::test]
async fn another_ready_endpoint_takes_over_from_one_that_takes_no_connection() {
    let (up, down) = tokio::join!(Endpoint::named("up"), Endpoint::named("down"));
    let gateway = start();
    let mut shop = service("shop", &[("1", &[&up, &down])]);
    shop.health.every = Span::from_secs(3600);
    serve(&gateway, vec![shop]).await;
    let address = down.address;
    drop(down);
    soon("the end of the endpoint", async { while tokio::net::TcpStream::connect(address).await.is_ok() {} })
        .await;
    for _ in 0..20 {
        assert_eq!(Visitor::get(gateway.local_addr(), "/", "").await.text(), "up");
    }
    until_counted(&gateway, "1", |counts| counts.responses == [0, 20, 0, 0, 0]).await;
}

#[tokio::test]
async fn a_response_that_breaks_off_is_never_ended_as_if_it_were_whole() {
    let fine = Endpoint::named("1").await;
    let breaks = |response: &'static str, hangs: bool| {
        Endpoint::acting(move |_, mut conversation| async move {
            conversation.say(response).await;
            if hangs {
                std::future::pending::<()>().await;
            }
            None
        })
    };
    let sized = "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc";
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n";
    for (what, endpoint, request) in [
        ("sized", breaks(sized, false).await, "GET / HTTP/1.1\r\nHost: h\r\n\r\n"),
        ("chunked", breaks(chunked, false).await, "GET / HTTP/1.1\r\nHost: h\r\n\r\n"),
        ("sized and quiet", breaks(sized, true).await, "GET / HTTP/1.1\r\nHost: h\r\n\r\n"),
        ("chunked and quiet", breaks(chunked, true).await, "GET / HTTP/1.1\r\nHost: h\r\n\r\n"),
        ("to HTTP/1.0", breaks(chunked, false).await, "GET / HTTP/1.0\r\n\r\n"),
    ] {
        let gateway = with_candidate(&endpoint, &fine).await;
        let mut activity = gateway.activity();
        let answer = Visitor::once(gateway.local_addr(), request).await;
        assert_eq!((answer.status, answer.is_whole), (200, false), "{what}");
        assert_eq!(answer.text(), "abc", "{what}");
        let counts = counted_once(&gateway).await;
        assert_eq!((counts.resets, counts.responses), (1, [0; 5]), "{what}");
        soon("the failure to be told", activity.changed()).await.unwrap();
    }
}

#[tokio::test]
async fn a_visitor_who_leaves_is_cancelled_and_nobodys_failure() {
    let fine = Endpoint::named("1").await;
    let hangs = Endpoint::acting(|heard, mut conversation| async move {
        if heard.path() == "/body" {
            conversation.say("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc").await;
        }
        std::future::pending::<()>().await;
        Some(conversation)
    })
    .await;
    let gateway = start();
    let mut shop = service("shop", &[("1", &[&fine]), ("2", &[&hangs])]);
    shop.split = share("2", 100.0);
    serve(&gateway, vec![shop]).await;
    for (number, path) in (1..).zip(["/head", "/body"]) {
        let mut visitor = Visitor::connect(gateway.local_addr()).await;
        visitor.say(format!("GET {path} HTTP/1.1\r\nHost: h\r\n\r\n")).await;
        if path == "/body" {
            assert_eq!(soon("the head", visitor.head()).await.unwrap().status, 200);
        }
        until_in_flight(&gateway, 1).await;
        drop(visitor);
        let counts = until_counted(&gateway, "2", |counts| counts.requests == number).await;
        assert_eq!((counts.cancelled, counts.failed()), (number, 0), "{path}");
        until_in_flight(&gateway, 0).await;
    }
}

#[tokio::test]
async fn an_endpoint_that_takes_no_connection_in_time_gives_504() {
    // A listener whose queue is full takes no more: the system leaves the rest unanswered.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let gateway = start();
    let endpoint = format!("http://{address}").parse().unwrap();
    let mut shop = super::world::service_at("shop", [(version("1"), vec![endpoint])].into());
    shop.health.path = String::new();
    shop.health.every = Span::from_secs(3600);
    shop.timeouts.connect = Span::from_millis(100);
    serve(&gateway, vec![shop]).await;
    let mut waiting = Vec::new();
    while let Ok(Ok(stream)) =
        tokio::time::timeout(std::time::Duration::from_millis(200), tokio::net::TcpStream::connect(address))
            .await
    {
        waiting.push(stream);
    }
    let answer = Visitor::get(gateway.local_addr(), "/", "").await;
    assert_eq!((answer.status, answer.code()), (504, Some("connect-timeout")));
    until_counted(&gateway, "1", |counts| counts.responses[4] == 1).await;
}
