//! Reused connections that turn out dead.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use sluice_gateway::{Gateway, Limits};

use super::world::{Endpoint, Visitor, serve, service, start_with};

/// Answers `/first`, and whatever comes on the same connection after it is not answered: the connection is closed.
/// On other connections everything is answered with its body.
async fn closing_after_first() -> Endpoint {
    let answered = Arc::new(AtomicUsize::new(0));
    Endpoint::acting(move |heard, mut conversation| {
        let answered = Arc::clone(&answered);
        async move {
            if answered.fetch_add(1, SeqCst) == 1 {
                return None;
            }
            conversation
                .say(format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", heard.body.len()))
                .await;
            conversation.say(&heard.body).await;
            Some(conversation)
        }
    })
    .await
}

async fn gateway_before(endpoint: &Endpoint) -> Gateway {
    let gateway = start_with(Limits { replay_bytes_max: 1_000, ..Limits::default() });
    serve(&gateway, vec![service("shop", &[("1", &[endpoint])])]).await;
    gateway
}

fn request(method: &str, body: &str) -> String {
    format!("{method} /second HTTP/1.1\r\nHost: h\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

#[tokio::test]
async fn a_request_that_may_be_repeated_is_sent_once_more_with_its_whole_body() {
    let small = "x".repeat(1_000);
    for (method, body) in [("GET", ""), ("HEAD", ""), ("DELETE", ""), ("PUT", small.as_str())] {
        let endpoint = closing_after_first().await;
        let gateway = gateway_before(&endpoint).await;
        let mut visitor = Visitor::connect(gateway.local_addr()).await;
        assert_eq!(visitor.ask("GET /first HTTP/1.1\r\nHost: h\r\n\r\n").await.status, 200);
        let answer = visitor.ask(request(method, body)).await;
        assert_eq!((answer.status, answer.text().len()), (200, body.len()), "{method}");
        let heard: Vec<_> =
            endpoint.heard().iter().map(|heard| (heard.path().to_owned(), heard.body.len())).collect();
        let second = ("/second".to_owned(), body.len());
        assert_eq!(heard, [("/first".to_owned(), 0), second.clone(), second], "{method}");
    }
}

#[tokio::test]
async fn a_request_that_may_not_be_repeated_is_not() {
    let large = "x".repeat(1_001);
    for (method, body) in [("POST", ""), ("PATCH", "x"), ("PUT", large.as_str())] {
        let endpoint = closing_after_first().await;
        let gateway = gateway_before(&endpoint).await;
        let mut visitor = Visitor::connect(gateway.local_addr()).await;
        assert_eq!(visitor.ask("GET /first HTTP/1.1\r\nHost: h\r\n\r\n").await.status, 200);
        let answer = visitor.ask(request(method, body)).await;
        assert_eq!((answer.status, answer.code()), (502, Some("reset")), "{method}");
        assert_eq!(endpoint.heard().len(), 2, "{method}");
    }
}

#[tokio::test]
async fn a_new_connection_that_dies_is_no_reason_to_repeat() {
    let endpoint = Endpoint::acting(|_, _| async { None }).await;
    let gateway = gateway_before(&endpoint).await;
    let answer = Visitor::get(gateway.local_addr(), "/", "").await;
    assert_eq!((answer.status, answer.code()), (502, Some("reset")));
    assert_eq!(endpoint.heard().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_request_fails_while_an_endpoint_keeps_closing_its_connections() {
    let endpoint = Endpoint::named("1").await;
    let gateway = gateway_before(&endpoint).await;
    let address = gateway.local_addr();
    let load = tokio::spawn(async move {
        let mut visitor = Visitor::connect(address).await;
        for _ in 0..2_000 {
            let answer = visitor.ask("GET / HTTP/1.1\r\nHost: h\r\n\r\n").await;
            assert_eq!(answer.status, 200, "{}", answer.text());
        }
    });
    // A connection is hung up between two requests or before an answer; either way it is silent when it dies.
    while !load.is_finished() {
        endpoint.hang_up_idle();
        tokio::task::yield_now().await;
    }
    load.await.unwrap();
    assert!(endpoint.connections.load(SeqCst) > 1);
}
