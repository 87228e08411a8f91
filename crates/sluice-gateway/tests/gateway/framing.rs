//! Requests that two servers could read in two ways, byte by byte.

use super::world::{Endpoint, Visitor, key, serve, service, start};

#[tokio::test]
async fn ambiguous_requests_are_refused_and_reach_no_endpoint() {
    let endpoint = Endpoint::named("1").await;
    let gateway = start();
    serve(&gateway, vec![service("shop", &[("1", &[&endpoint])])]).await;
    let smuggled = "GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n";
    for (what, request) in [
        (
            "CL.TE",
            "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        ),
        (
            "TE.CL",
            "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
        ),
        ("two lengths", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nContent-Length: 0\r\n\r\nhello"),
        (
            "the same length twice",
            "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
        ),
        ("a list of lengths", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5, 5\r\n\r\nhello"),
        ("a signed length", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: +5\r\n\r\nhello"),
        (
            "another coding",
            "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        ),
        (
            "a coding with a tab",
            "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n",
        ),
        (
            "a space before the colon",
            "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        ),
        ("a coding in HTTP/1.0", "POST / HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        ("two hosts", "GET / HTTP/1.1\r\nHost: h\r\nHost: other\r\n\r\n"),
        ("no host", "GET / HTTP/1.1\r\n\r\n"),
        ("two hosts in target and header", "GET http://other/ HTTP/1.1\r\nHost: h\r\n\r\n"),
        ("a host with a path", "GET / HTTP/1.1\r\nHost: h/x\r\n\r\n"),
        ("a folded header", "GET / HTTP/1.1\r\nHost: h\r\nX: a\r\n b\r\n\r\n"),
        ("a bare line feed", "GET / HTTP/1.1\r\nHost: h\nX: a\r\n\r\n"),
        ("only line feeds", "GET / HTTP/1.1\nHost: h\n\n"),
        ("a bare carriage return", "GET / HTTP/1.1\r\nHost: h\r\nX: a\rContent-Length: 5\r\n\r\n"),
        ("a zero byte in a value", "GET / HTTP/1.1\r\nHost: h\r\nX: a\0b\r\n\r\n"),
        ("a zero byte in a name", "GET / HTTP/1.1\r\nHost: h\r\nX\0: a\r\n\r\n"),
        ("a header without a colon", "GET / HTTP/1.1\r\nHost: h\r\nX\r\n\r\n"),
        ("two spaces", "GET  / HTTP/1.1\r\nHost: h\r\n\r\n"),
        ("a space in the target", "GET /a b HTTP/1.1\r\nHost: h\r\n\r\n"),
        ("CONNECT", "CONNECT h:80 HTTP/1.1\r\nHost: h:80\r\n\r\n"),
    ] {
        let mut visitor = Visitor::connect(gateway.local_addr()).await;
        let answer = visitor.ask(format!("{request}{smuggled}")).await;
        assert_eq!((answer.status, answer.code()), (400, Some("bad-request")), "{what}");
        assert_eq!(visitor.until_closed().await, b"", "{what}");
    }
    assert_eq!(endpoint.heard().len(), 0);
    assert_eq!(gateway.counts(&key("shop")).values().map(|counts| counts.requests).sum::<u64>(), 0);
}

#[tokio::test]
async fn a_malformed_chunked_body_never_ends_at_the_endpoint() {
    let endpoint = Endpoint::named("1").await;
    let gateway = start();
    serve(&gateway, vec![service("shop", &[("1", &[&endpoint])])]).await;
    let head = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
    for body in [
        "5\nhello\r\n0\r\n\r\n",
        "5;a\nb\r\nhello\r\n0\r\n\r\n",
        "5;a\rb\r\nhello\r\n0\r\n\r\n",
        "0x5\r\nhello\r\n0\r\n\r\n",
        "5\r\nhelloXX0\r\n\r\n",
        "5\r\nhello\r\n0\n\r\n",
        "-1\r\n\r\n0\r\n\r\n",
        "FFFFFFFFFFFFFFFFF\r\n",
        "5\r\nhello\r\n0\r\nA\0: b\r\n\r\n",
    ] {
        // Together and apart: the flaw comes with the head, or after it was sent on.
        for is_apart in [false, true] {
            let mut visitor = Visitor::connect(gateway.local_addr()).await;
            if is_apart {
                visitor.say(head).await;
                super::world::until_in_flight(&gateway, 1).await;
                visitor.say(body).await;
            } else {
                visitor.say(format!("{head}{body}")).await;
            }
            let answer = visitor.answer().await.expect("an answer");
            assert_eq!((answer.status, answer.code()), (400, Some("bad-request")), "{body:?}");
            assert_eq!(visitor.until_closed().await, b"", "{body:?}");
            super::world::until_in_flight(&gateway, 0).await;
        }
    }
    assert_eq!(endpoint.heard().len(), 0);
    // The visitor's doing is nobody's failure.
    let counts = gateway.counts(&key("shop"))[&super::world::version("1")].clone();
    assert_eq!((counts.cancelled, counts.failed()), (counts.requests, 0));
}

#[tokio::test]
async fn what_was_asked_before_a_malformed_request_is_answered() {
    let endpoint = Endpoint::named("1").await;
    let gateway = start();
    serve(&gateway, vec![service("shop", &[("1", &[&endpoint])])]).await;
    let mut visitor = Visitor::connect(gateway.local_addr()).await;
    let fine = "GET /fine HTTP/1.1\r\nHost: h\r\n\r\n";
    visitor.say(format!("{fine}{fine}GET / HTTP/1.1\r\nHost : h\r\n\r\n{fine}")).await;
    let mut answers = Vec::new();
    while let Some(answer) = visitor.answer().await {
        answers.push(answer.status);
    }
    // A refusal closes the connection; of what was pipelined before it, at least the first is answered.
    assert_eq!((answers.first(), answers.last()), (Some(&200), Some(&400)), "{answers:?}");
    assert!(endpoint.heard().len() <= 2);
}

#[tokio::test]
async fn pipelined_requests_are_told_apart_by_their_lengths() {
    let endpoint = Endpoint::acting(|heard, mut conversation| async move {
        let body = format!("{} {}", heard.path(), heard.body.len());
        conversation.say(format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len())).await;
        Some(conversation)
    })
    .await;
    let gateway = start();
    serve(&gateway, vec![service("shop", &[("1", &[&endpoint])])]).await;
    let inner = "GET /inner HTTP/1.1\r\nHost: h\r\n\r\n";
    let requests = format!(
        "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: {}\r\n\r\n{inner}\
         POST /b HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n{:x};x=y\r\n{inner}\r\n0\r\nT: x\r\n\r\n\
         \r\nGET http://h/c?d HTTP/1.1\r\nHost: H\r\n\r\n",
        inner.len(),
        inner.len(),
    );
    // In one piece, and byte by byte.
    for piece in [requests.len(), 1] {
        let mut visitor = Visitor::connect(gateway.local_addr()).await;
        let mut answers = Vec::new();
        for bytes in requests.as_bytes().chunks(piece) {
            visitor.say(bytes).await;
        }
        for _ in 0..3 {
            answers.push(visitor.answer().await.unwrap().text());
        }
        assert_eq!(
            answers,
            [format!("/a {}", inner.len()), format!("/b {}", inner.len()), "/c?d 0".to_owned()]
        );
    }
}
