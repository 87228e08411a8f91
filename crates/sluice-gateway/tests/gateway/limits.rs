//! What one visitor may take.

use std::time::Duration;

use sluice_gateway::Limits;

use super::world::{Endpoint, Visitor, serve, service, start, start_with};

#[tokio::test]
async fn a_head_that_is_too_long_is_answered_431() {
    let endpoint = Endpoint::named("1").await;
    let gateway = start_with(Limits { head_bytes_max: 2_000, headers_max: 20, ..Limits::default() });
    serve(&gateway, vec![service("shop", &[("1", &[&endpoint])])]).await;
    let long = format!("X: {}\r\n", "x".repeat(1_900));
    assert_eq!(Visitor::get(gateway.local_addr(), "/", &long).await.status, 200);
    let too_long = format!("X: {}\r\n", "x".repeat(2_000));
    // Whole, and without an end: nobody has to wait for the end of what is refused.
    for request in [
        format!("GET / HTTP/1.1\r\nHost: h\r\n{too_long}\r\n"),
        format!("GET / HTTP/1.1\r\nHost: h\r\n{too_long}"),
        format!("GET /{} HTTP/1.1\r\nHost: h\r\n\r\n", "x".repeat(2_000)),
        format!("GET / HTTP/1.1\r\nHost: h\r\n{}\r\n", "X: y\r\n".repeat(20)),
    ] {
        let answer = Visitor::once(gateway.local_addr(), &request).await;
        assert_eq!((answer.status, answer.code()), (431, Some("head-too-large")), "{} bytes", request.len());
    }
    assert_eq!(endpoint.heard().len(), 1);
}

#[tokio::test]
async fn heads_up_to_the_limit_pass_whatever_the_parser_would_do() {
    let endpoint = Endpoint::named("1").await;
    let gateway = start_with(Limits { headers_max: 300, ..Limits::default() });
    serve(&gateway, vec![service("shop", &[("1", &[&endpoint])])]).await;
    let many = "X: y\r\n".repeat(250);
    assert_eq!(Visitor::get(gateway.local_addr(), "/", &many).await.status, 200);
    let long = format!("X: {}\r\n", "x".repeat(30_000));
    assert_eq!(Visitor::get(gateway.local_addr(), "/", &long).await.status, 200);
}

#[tokio::test]
async fn a_slow_head_is_cut_off_and_a_slow_start_too() {
    let limits = Limits { head_time_max: Duration::from_millis(100), ..Limits::default() };
    let gateway = start_with(limits);
    let mut slow = Visitor::connect(gateway.local_addr()).await;
    slow.say("GET / HTTP/1.1\r\nHost:").await;
    let answer = slow.answer().await.unwrap();
    assert_eq!((answer.status, answer.code()), (408, Some("request-timeout")));
    assert_eq!(slow.until_closed().await, b"");
    let mut silent = Visitor::connect(gateway.local_addr()).await;
    assert_eq!(silent.until_closed().await, b"");
}

#[tokio::test]
async fn an_idle_connection_is_closed_without_a_word() {
    let gateway = start_with(Limits { idle_time_max: Duration::from_millis(100), ..Limits::default() });
    let mut visitor = Visitor::connect(gateway.local_addr()).await;
    assert_eq!(visitor.ask("GET / HTTP/1.1\r\nHost: h\r\n\r\n").await.status, 404);
    assert_eq!(visitor.until_closed().await, b"");
}

#[tokio::test]
async fn a_visitor_who_takes_nothing_is_cut_off() {
    let endpoint = Endpoint::acting(|_, mut conversation| async move {
        conversation.say("HTTP/1.1 200 OK\r\ncontent-length: 100000000\r\n\r\n").await;
        conversation.say(vec![b'x'; 100_000_000]).await;
        None
    })
    .await;
    let gateway = start_with(Limits { stall_time_max: Duration::from_millis(200), ..Limits::default() });
    serve(&gateway, vec![service("shop", &[("1", &[&endpoint])])]).await;
    let mut visitor = Visitor::connect(gateway.local_addr()).await;
    visitor.say("GET / HTTP/1.1\r\nHost: h\r\n\r\n").await;
    super::world::until_counted(&gateway, "1", |counts| counts.cancelled == 1).await;
    super::world::until_in_flight(&gateway, 0).await;
}

#[tokio::test]
async fn one_visitor_too_many_is_told_so_and_let_in_when_another_has_left() {
    let gateway = start_with(Limits { connections_max: 2, ..Limits::default() });
    let request = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
    let mut first = Visitor::connect(gateway.local_addr()).await;
    let mut second = Visitor::connect(gateway.local_addr()).await;
    assert_eq!((first.ask(request).await.status, second.ask(request).await.status), (404, 404));
    let third = Visitor::connect(gateway.local_addr()).await.answer().await.unwrap();
    assert_eq!((third.status, third.code()), (503, Some("too-many-connections")));
    drop(first);
    super::world::soon("a free place", async {
        loop {
            let mut next = Visitor::connect(gateway.local_addr()).await;
            next.stream.try_write(request.as_bytes()).ok();
            if next.answer().await.is_some_and(|answer| answer.status == 404) {
                return;
            }
        }
    })
    .await;
    assert_eq!(second.ask(request).await.status, 404);
}

#[tokio::test]
async fn an_upload_that_stops_coming_is_the_visitors_fault() {
    let endpoint = Endpoint::named("1").await;
    let gateway = start();
    let mut shop = service("shop", &[("1", &[&endpoint])]);
    shop.timeouts.idle = sluice_core::Span::from_millis(100);
    serve(&gateway, vec![shop]).await;
    let mut visitor = Visitor::connect(gateway.local_addr()).await;
    let answer = visitor.ask("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nhello").await;
    assert_eq!((answer.status, answer.code()), (408, Some("request-timeout")));
    let counts = super::world::until_counted(&gateway, "1", |counts| counts.requests == 1).await;
    assert_eq!((counts.cancelled, counts.failed()), (1, 0));
}
