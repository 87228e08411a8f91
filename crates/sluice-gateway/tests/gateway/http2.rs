//! Visitors who speak HTTP/2, without TLS.

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use http::Request;
use http_body_util::{BodyExt, Full};
use sluice_gateway::Limits;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::lifecycle::waiting_endpoint;
use super::world::doors::{ask, get, plain_http2};
use super::world::{
    Endpoint, Visitor, key, serve, service, soon, start, start_with, until_counted, until_in_flight,
};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// GET / of the host `h`, on the first stream.
const ASKING: &[u8] = &[0, 0, 6, 1, 5, 0, 0, 0, 1, 0x82, 0x86, 0x84, 0x41, 1, b'h'];
/// Settings that change nothing.
const SETTINGS: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0];

#[tokio::test]
async fn requests_on_one_connection_are_decided_forwarded_and_counted_each_by_itself() {
    let endpoint = Endpoint::named("1").await;
    let gateway = start();
    serve(&gateway, vec![service("shop", &[("1", &[&endpoint])])]).await;
    let http2 = plain_http2(gateway.local_addr()).await;
    let answers = join_all((0..50).map(|number| {
        let mut http2 = http2.clone();
        let mut request = get(&format!("http://shop.example:81/item/{number}?q"));
        request.headers_mut().append("cookie", "a=1".parse().unwrap());
        request.headers_mut().append("cookie", "b=2".parse().unwrap());
        async move { ask(&mut http2, request).await }
    }))
    .await;
    for (head, body) in &answers {
        assert_eq!((head.status().as_u16(), &body[..]), (200, &b"1"[..]));
        assert_eq!(head.headers()["x-sluice-version"], "1");
        assert!(!head.headers().contains_key("connection"));
    }
    until_counted(&gateway, "1", |counts| counts.responses[1] == 50).await;
    let heard = endpoint.heard();
    let mut paths: Vec<&str> = heard.iter().map(|heard| heard.path()).collect();
    paths.sort_unstable();
    paths.dedup();
    assert_eq!(paths.len(), 50);
    for heard in &heard {
        assert_eq!(heard.all("host"), ["shop.example:81"]);
        assert_eq!(heard.all("cookie"), ["a=1; b=2"]);
        assert_eq!(heard.all("via"), ["2.0 sluice"]);
        assert_eq!(heard.all("x-forwarded-proto"), ["http"]);
        assert!(heard.all("transfer-encoding").is_empty(), "{}", heard.head);
    }
}

#[tokio::test]
async fn bodies_go_both_ways_whole_with_trailers() {
    let endpoint = Endpoint::acting(|heard, mut conversation| async move {
        let length = heard.body.len();
        let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-sum\r\n\r\n";
        conversation.say(format!("{head}{length:x}\r\n")).await;
        conversation.say(&heard.body).await;
        conversation.say("\r\n0\r\nx-sum: 7\r\n\r\n").await;
        Some(conversation)
    })
    .await;
    let gateway = start();
    serve(&gateway, vec![service("shop", &[("1", &[&endpoint])])]).await;
    let mut http2 = plain_http2(gateway.local_addr()).await;
    let sent: Vec<u8> = (0..1_000_000_u32).map(|i| (i % 251) as u8).collect();
    let request =
        Request::post("http://h/").header("te", "trailers").body(Full::from(Bytes::from(sent.clone())));
    let answer = soon("an answer", http2.send_request(request.unwrap())).await.unwrap();
    let collected = soon("a body", answer.into_body().collect()).await.unwrap();
    assert_eq!(collected.trailers().unwrap()["x-sum"], "7");
    assert!(collected.to_bytes() == sent, "the body came back otherwise");
    assert_eq!(endpoint.heard()[0].all("te"), ["trailers"]);
}

#[tokio::test]
async fn what_could_be_read_in_two_ways_is_refused_and_not_forwarded() {
    let endpoint = Endpoint::named("1").await;
    let gateway = start();
    serve(&gateway, vec![service("shop", &[("1", &[&endpoint])])]).await;
    let mut http2 = plain_http2(gateway.local_addr()).await;
    for (name, values) in [("host", &["other"][..]), ("content-length", &["0", "0"])] {
        let mut request = get("http://h/");
        for value in values {
            request.headers_mut().append(name, value.parse().unwrap());
        }
        // The client's own library may end the stream first, on seeing what it sends.
        if let Ok(answer) = soon("an answer", http2.send_request(request)).await {
            assert_eq!(answer.status(), 400, "{name}");
            assert_eq!(answer.headers()["x-sluice-error"], "bad-request");
        }
    }
    let mut connect = get("h:80");
    *connect.method_mut() = http::Method::CONNECT;
    if let Ok(answer) = soon("an answer", http2.send_request(connect)).await {
        assert_eq!(answer.status(), 400);
    }
    assert_eq!(endpoint.heard().len(), 0);
    assert_eq!(Visitor::get(gateway.local_addr(), "/", "").await.status, 200);
}

#[tokio::test]
async fn an_answer_of_the_gateway_itself_has_its_code() {
    let gateway = start();
    let mut http2 = plain_http2(gateway.local_addr()).await;
    let (head, _) = ask(&mut http2, get("http://nobody/")).await;
    assert_eq!(
        (head.status().as_u16(), &head.headers()["x-sluice-error"]),
        (404, &"no-route".parse().unwrap())
    );
}

#[tokio::test]
async fn requests_that_are_taken_back_at_once_leave_nothing_behind() {
    let endpoint = Endpoint::acting(|_, conversation| async move {
        let _kept_open = conversation;
        std::future::pending().await
    })
    .await;
    let gateway = start();
    serve(&gateway, vec![service("shop", &[("1", &[&endpoint])])]).await;
    for _ in 0..20 {
        let http2 = plain_http2(gateway.local_addr()).await;
        for _ in 0..100 {
            let mut asking = http2.clone();
            // Polled once, so that it is sent, and then taken back.
            let asked = tokio::time::timeout(Duration::ZERO, asking.send_request(get("http://h/"))).await;
            if let Ok(Ok(answer)) = asked {
                panic!("{answer:?}");
            }
        }
    }
    until_in_flight(&gateway, 0).await;
    assert_eq!(gateway.in_flight(&key("shop")).values().sum::<u64>(), 0);
    assert_eq!(Visitor::get(gateway.local_addr(), "/", "Content-Length: x\r\n").await.status, 400);
}

#[tokio::test]
async fn who_takes_nothing_of_a_response_is_cut_off() {
    let body = "x".repeat(300_000);
    let endpoint =
        Endpoint::answering(format!("HTTP/1.1 200 OK\r\ncontent-length: 300000\r\n\r\n{body}")).await;
    let limits = Limits { stall_time_max: Duration::from_millis(200), ..Limits::default() };
    let gateway = start_with(limits);
    serve(&gateway, vec![service("shop", &[("1", &[&endpoint])])]).await;
    let mut socket = TcpStream::connect(gateway.local_addr()).await.unwrap();
    // A window of nothing for every stream.
    let no_window: &[u8] = &[0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0];
    socket.write_all(&[PREFACE, no_window, ASKING].concat()).await.unwrap();
    let mut told = Vec::new();
    let ended = soon("the end", socket.read_to_end(&mut told)).await;
    assert!(ended.is_ok() || told.len() < 10_000);
    until_in_flight(&gateway, 0).await;
}

#[tokio::test]
async fn a_preface_in_pieces_is_understood() {
    let endpoint = Endpoint::named("1").await;
    let gateway = start();
    serve(&gateway, vec![service("shop", &[("1", &[&endpoint])])]).await;
    let mut socket = TcpStream::connect(gateway.local_addr()).await.unwrap();
    socket.set_nodelay(true).unwrap();
    for byte in PREFACE {
        socket.write_all(&[*byte]).await.unwrap();
    }
    socket.write_all(&[SETTINGS, ASKING].concat()).await.unwrap();
    let mut told = vec![0; 9];
    soon("settings", socket.read_exact(&mut told)).await.unwrap();
    assert_eq!(told[3], 4, "its first frame is no settings: {told:?}");
    until_counted(&gateway, "1", |counts| counts.responses[1] == 1).await;
    // What only begins like one is HTTP/1.1.
    let answer = Visitor::once(gateway.local_addr(), "PRI / HTTP/1.1\r\nHost: h\r\n\r\n").await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn half_a_preface_is_cut_off() {
    let gateway = start_with(Limits { head_time_max: Duration::from_millis(100), ..Limits::default() });
    let mut half = TcpStream::connect(gateway.local_addr()).await.unwrap();
    half.write_all(&PREFACE[..10]).await.unwrap();
    assert_eq!(soon("the end", half.read(&mut [0; 9])).await.unwrap_or(0), 0);
}

#[tokio::test]
async fn a_drain_lets_requests_end_and_closes_the_connection() {
    let (endpoint, go_on) = waiting_endpoint().await;
    let gateway = start();
    serve(&gateway, vec![service("shop", &[("1", &[&endpoint])])]).await;
    let mut http2 = plain_http2(gateway.local_addr()).await;
    let asking = tokio::spawn({
        let mut http2 = http2.clone();
        async move { ask(&mut http2, get("http://h/")).await }
    });
    until_in_flight(&gateway, 1).await;
    let draining = tokio::spawn({
        let gateway = gateway.clone();
        async move { gateway.drain(Duration::from_secs(20)).await }
    });
    go_on.send_replace(true);
    let (head, body) = soon("the answer", asking).await.unwrap();
    assert_eq!((head.status().as_u16(), &body[..]), (200, &b"done"[..]));
    assert_eq!(soon("the drain", draining).await.unwrap().cut_off, 0);
    assert!(http2.send_request(get("http://h/")).await.is_err());
}
