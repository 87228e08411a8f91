//! Bodies, headers and the ends of responses.

use tokio::sync::{mpsc, watch};

use super::world::{Endpoint, Heard, Visitor, serve, service, soon, start, until_counted};

#[tokio::test]
async fn a_piece_of_a_response_arrives_before_the_response_ends() {
    let (go_on, may_end) = watch::channel(false);
    let endpoint = Endpoint::acting(move |_, mut conversation| {
        let mut may_end = may_end.clone();
        async move {
            let head =
                "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
            conversation.say(format!("{head}9\r\ndata: 1\n\n\r\n")).await;
            may_end.wait_for(|is_so| *is_so).await.ok()?;
            conversation.say("9\r\ndata: 2\n\n\r\n0\r\n\r\n").await;
            Some(conversation)
        }
    })
    .await;
    let gateway = start();
    serve(&gateway, vec![service("shop", &[("1", &[&endpoint])])]).await;
    let mut visitor = Visitor::connect(gateway.local_addr()).await;
    visitor.say("GET /events HTTP/1.1\r\nHost: h\r\n\r\n").await;
    let head = soon("the head", visitor.head()).await.unwrap();
    assert_eq!(head.header("content-type"), Some("text/event-stream"));
    assert_eq!(soon("the first event", visitor.chunk()).await.unwrap(), b"data: 1\n\n");
    assert_eq!(gateway.in_flight(&super::world::key("shop")).values().sum::<u64>(), 1);
    go_on.send_replace(true);
    assert_eq!(soon("the second event", visitor.chunk()).await.unwrap(), b"data: 2\n\n");
    assert_eq!(soon("the end", visitor.chunk()).await.unwrap(), b"");
    until_counted(&gateway, "1", |counts| counts.responses[1] == 1).await;
}

#[tokio::test]
async fn a_piece_of_an_upload_arrives_before_the_upload_ends() {
    let (arrived, mut arrivals) = mpsc::unbounded_channel();
    let endpoint = Endpoint::acting_on_heads(move |_, mut conversation| {
        let arrived = arrived.clone();
        async move {
            for _ in ["first", "second", "the end"] {
                arrived.send(conversation.chunk().await?).unwrap();
            }
            conversation.say("HTTP/1.1 201 Created\r\ncontent-length: 0\r\n\r\n").await;
            Some(conversation)
        }
    })
    .await;
    let gateway = start();
    serve(&gateway, vec![service("shop", &[("1", &[&endpoint])])]).await;
    let mut visitor = Visitor::connect(gateway.local_addr()).await;
    visitor.say("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5;ext=1\r\nfirst\r\n").await;
    assert_eq!(soon("the first piece", arrivals.recv()).await.unwrap(), b"first");
    visitor.say("6\r\nsecond\r\n0\r\n\r\n").await;
    assert_eq!(soon("the second piece", arrivals.recv()).await.unwrap(), b"second");
    assert_eq!(visitor.answer().await.unwrap().status, 201);
    let heard: Heard = endpoint.heard().remove(0);
    assert_eq!((heard.all("transfer-encoding"), heard.all("content-length")), (vec!["chunked"], vec![]));
}

#[tokio::test]
async fn large_bodies_pass_whole_both_ways_and_the_connection_goes_on() {
    let endpoint = Endpoint::acting(|heard, mut conversation| async move {
        conversation.say(format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", heard.body.len())).await;
        conversation.say(&heard.body).await;
        Some(conversation)
    })
    .await;
    let gateway = start();
    serve(&gateway, vec![service("shop", &[("1", &[&endpoint])])]).await;
    let body: Vec<u8> = (0..2_000_000_u32).map(|number| (number % 251) as u8).collect();
    let mut visitor = Visitor::connect(gateway.local_addr()).await;
    for _ in 0..2 {
        let head = format!("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: {}\r\n\r\n", body.len());
        // Written and read at the same time: the echo fills every buffer on the way otherwise.
        let (mut read, mut write) = visitor.stream.split();
        let answer = soon("the echo", async {
            let writing = async {
                tokio::io::AsyncWriteExt::write_all(&mut write, head.as_bytes()).await.unwrap();
                tokio::io::AsyncWriteExt::write_all(&mut write, &body).await.unwrap();
            };
            let reading = async {
                let mut bytes = Vec::new();
                while bytes.len() < body.len() || !bytes.ends_with(&body[body.len() - 100..]) {
                    tokio::io::AsyncReadExt::read_buf(&mut read, &mut bytes).await.unwrap();
                }
                bytes
            };
            tokio::join!(writing, reading).1
        })
        .await;
        assert!(answer.starts_with(b"HTTP/1.1 200 OK\r\n"));
        assert!(answer.ends_with(&body));
    }
    assert_eq!(endpoint.heard().len(), 2);
}

#[tokio::test]
async fn headers_of_one_connection_stop_here_and_the_origin_is_told() {
    let endpoint = Endpoint::answering(
        "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nkeep-alive: timeout=5\r\nconnection: keep-alive, x-hop\r\n\
         x-hop: 1\r\nx-sluice-version: forged\r\nx-sluice-error: forged\r\nx-kept: 1\r\nset-cookie: a=1\r\n\
         set-cookie: b=2\r\n\r\n",
    )
    .await;
    let gateway = start();
    serve(&gateway, vec![service("shop", &[("1", &[&endpoint])])]).await;
    let answer = Visitor::get(
        gateway.local_addr(),
        "/a%20b?c=d",
        "Connection: close, X-Private\r\nX-Private: 1\r\nKeep-Alive: 5\r\nTE: trailers, gzip\r\nProxy-Connection: x\r\n\
         X-Sluice-Version: 9\r\nX-Forwarded-For: 10.1.1.1\r\nX-Forwarded-For: 10.1.1.2\r\nX-Kept: 1\r\n\
         X-User: ada\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n",
    )
    .await;
    assert_eq!(answer.all("x-sluice-version"), ["1"]);
    assert_eq!(answer.all("set-cookie"), ["a=1", "b=2"]);
    for gone in ["keep-alive", "x-hop", "x-sluice-error"] {
        assert_eq!(answer.header(gone), None, "{gone}");
    }
    assert_eq!(answer.header("x-kept"), Some("1"));

    let heard = endpoint.heard().remove(0);
    assert_eq!(heard.path(), "/a%20b?c=d");
    for gone in
        ["x-private", "keep-alive", "proxy-connection", "upgrade", "http2-settings", "x-sluice-version"]
    {
        assert_eq!(heard.header(gone), None, "{gone}");
    }
    assert_eq!((heard.all("te"), heard.all("connection")), (vec!["trailers"], vec!["te"]));
    assert_eq!(heard.all("host"), ["h"]);
    assert_eq!(heard.all("x-forwarded-for"), ["10.1.1.1, 10.1.1.2, 127.0.0.1"]);
    assert_eq!(heard.all("x-forwarded-proto"), ["http"]);
    assert_eq!(heard.all("x-forwarded-host"), ["h"]);
    assert_eq!(heard.all("forwarded"), ["for=127.0.0.1;host=\"h\";proto=http"]);
    assert_eq!(heard.all("via"), ["1.1 sluice"]);
    assert_eq!((heard.header("x-kept"), heard.header("x-user")), (Some("1"), Some("ada")));
}

#[tokio::test]
async fn responses_without_a_body_keep_their_headers_and_the_connection() {
    let endpoint = Endpoint::acting(|heard, mut conversation| async move {
        let answer = match heard.path() {
            "/204" => "HTTP/1.1 204 No Content\r\n\r\n",
            "/304" => "HTTP/1.1 304 Not Modified\r\netag: \"x\"\r\n\r\n",
            "/zero" => "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
            _ => "HTTP/1.1 200 OK\r\ncontent-length: 1234\r\n\r\n",
        };
        conversation.say(answer).await;
        Some(conversation)
    })
    .await;
    let gateway = start();
    serve(&gateway, vec![service("shop", &[("1", &[&endpoint])])]).await;
    let mut visitor = Visitor::connect(gateway.local_addr()).await;
    visitor.say("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n").await;
    let head = soon("the head", visitor.head()).await.unwrap();
    assert_eq!((head.status, head.header("content-length")), (200, Some("1234")));
    for (path, status) in [("/204", 204), ("/304", 304), ("/zero", 200), ("/204", 204)] {
        let answer = visitor.ask(format!("GET {path} HTTP/1.1\r\nHost: h\r\n\r\n")).await;
        assert_eq!((answer.status, answer.text().as_str()), (status, ""), "{path}");
    }
    let counts = until_counted(&gateway, "1", |counts| counts.requests == 5).await;
    assert_eq!((counts.responses, counts.latency.count()), ([0, 4, 1, 0, 0], 5));
    assert_eq!(endpoint.connections.load(std::sync::atomic::Ordering::SeqCst), 1);
}

#[tokio::test]
async fn http_1_0_visitors_are_served_without_chunks() {
    let endpoint =
        Endpoint::answering("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")
            .await;
    let gateway = start();
    serve(&gateway, vec![service("shop", &[("1", &[&endpoint])])]).await;
    let answer = Visitor::once(gateway.local_addr(), "GET / HTTP/1.0\r\n\r\n").await;
    assert_eq!((answer.status, answer.text().as_str(), answer.is_whole), (200, "hello", true));
    assert_eq!(answer.header("transfer-encoding"), None);
    let heard = endpoint.heard().remove(0);
    // The endpoint is spoken to in HTTP/1.1, which needs a host.
    assert_eq!(heard.all("host"), [endpoint.address.to_string()]);
    assert_eq!(heard.header("via"), Some("1.0 sluice"));
}

#[tokio::test]
async fn trailers_reach_who_takes_them() {
    let endpoint = Endpoint::answering(
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: grpc-status\r\n\r\n2\r\nhi\r\n0\r\n\
         grpc-status: 0\r\n\r\n",
    )
    .await;
    let gateway = start();
    serve(&gateway, vec![service("shop", &[("1", &[&endpoint])])]).await;
    let mut visitor = Visitor::connect(gateway.local_addr()).await;
    visitor.say("GET / HTTP/1.1\r\nHost: h\r\nTE: trailers\r\nConnection: close, te\r\n\r\n").await;
    let bytes = visitor.until_closed().await;
    let text = String::from_utf8(bytes).unwrap();
    assert!(text.ends_with("2\r\nhi\r\n0\r\ngrpc-status: 0\r\n\r\n"), "{text}");
}

#[tokio::test]
async fn who_waits_for_100_continue_gets_it_from_the_endpoint() {
    let endpoint = Endpoint::acting_on_heads(|heard, mut conversation| async move {
        if heard.path() == "/refused" {
            conversation.say("HTTP/1.1 417 Expectation Failed\r\ncontent-length: 0\r\n\r\n").await;
            return None;
        }
        // Nothing of the body may come before it was asked for.
        if !conversation.read.is_empty() {
            conversation.say("HTTP/1.1 500 Too Early\r\ncontent-length: 0\r\n\r\n").await;
            return None;
        }
        conversation.say("HTTP/1.1 100 Continue\r\n\r\n").await;
        let body = conversation.bytes(5).await?;
        conversation.say(format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len())).await;
        conversation.say(body).await;
        Some(conversation)
    })
    .await;
    let gateway = start();
    serve(&gateway, vec![service("shop", &[("1", &[&endpoint])])]).await;
    let upload = |path| {
        format!("POST {path} HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
    };
    let mut visitor = Visitor::connect(gateway.local_addr()).await;
    assert_eq!(visitor.ask(upload("/")).await.status, 100);
    let answer = visitor.ask("hello").await;
    assert_eq!((answer.status, answer.text().as_str()), (200, "hello"));
    let refused = Visitor::once(gateway.local_addr(), upload("/refused")).await;
    assert_eq!(refused.status, 417);
}

#[tokio::test]
async fn an_endpoint_that_never_asks_for_the_body_gets_it_after_a_while() {
    let endpoint = Endpoint::named("1").await;
    let gateway = start();
    serve(&gateway, vec![service("shop", &[("1", &[&endpoint])])]).await;
    let mut visitor = Visitor::connect(gateway.local_addr()).await;
    let upload = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n";
    assert_eq!(visitor.ask(upload).await.status, 100);
    assert_eq!(visitor.ask("hello").await.text(), "1");
    assert_eq!(endpoint.heard()[0].body, b"hello");
}

#[tokio::test]
async fn a_body_whose_length_is_unknown_arrives_with_every_method() {
    let endpoint = Endpoint::named("1").await;
    let gateway = start();
    serve(&gateway, vec![service("shop", &[("1", &[&endpoint])])]).await;
    let mut visitor = Visitor::connect(gateway.local_addr()).await;
    for method in ["GET", "POST", "DELETE", "OPTIONS"] {
        let head = format!("{method} / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
        assert_eq!(visitor.ask(format!("{head}5\r\nhello\r\n0\r\n\r\n")).await.status, 200);
    }
    let bodies: Vec<_> = endpoint.heard().into_iter().map(|heard| heard.body).collect();
    assert_eq!(bodies, [b"hello"; 4]);
}
