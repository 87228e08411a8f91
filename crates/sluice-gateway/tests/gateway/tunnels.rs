//! Switched protocols.

use futures_util::{SinkExt, StreamExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message;

use super::world::{Endpoint, Visitor, key, serve, service, service_at, soon, start, until_counted, version};

/// Echoes every message.
async fn echo(stream: TcpStream) {
    let Ok(mut socket) = tokio_tungstenite::accept_async(stream).await else { return };
    while let Some(Ok(message)) = socket.next().await {
        if !message.is_text() || socket.send(message).await.is_err() {
            return;
        }
    }
}

#[tokio::test]
async fn a_websocket_echoes_through_the_gateway_and_is_in_flight_until_it_ends() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(echo(stream));
        }
    });
    let gateway = start();
    let mut shop = service_at("shop", [(version("1"), vec![endpoint])].into());
    shop.health.path = String::new();
    serve(&gateway, vec![shop]).await;

    let stream = TcpStream::connect(gateway.local_addr()).await.unwrap();
    let (mut socket, response) = tokio_tungstenite::client_async("ws://h/chat", stream).await.unwrap();
    assert_eq!(response.headers()["x-sluice-version"], "1");
    for number in 0..100 {
        let text = format!("message {number} {}", "x".repeat(number * 100));
        socket.send(Message::text(text.clone())).await.unwrap();
        assert_eq!(soon("the echo", socket.next()).await.unwrap().unwrap(), Message::text(text));
    }
    assert_eq!(gateway.in_flight(&key("shop"))[&version("1")], 1);
    let counts = until_counted(&gateway, "1", |counts| counts.requests == 1).await;
    assert_eq!(counts.responses, [1, 0, 0, 0, 0]);
    socket.close(None).await.unwrap();
    drop(socket);
    soon("the end of the tunnel", async {
        while gateway.in_flight(&key("shop"))[&version("1")] > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(gateway.counts(&key("shop"))[&version("1")].requests, 1);
}

const UPGRADE: &str = "GET /chat HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n";

#[tokio::test]
async fn bytes_pass_both_ways_after_a_switch_even_when_they_come_early() {
    let endpoint = Endpoint::acting_on_heads(|_, mut conversation| async move {
        let head = "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n";
        conversation.say(format!("{head}hello ")).await;
        let said = conversation.bytes(11).await?;
        conversation.say(said).await;
        None
    })
    .await;
    let gateway = start();
    serve(&gateway, vec![service("shop", &[("1", &[&endpoint])])]).await;
    let mut visitor = Visitor::connect(gateway.local_addr()).await;
    // What follows looks like a head, and is none.
    visitor.say(format!("{UPGRADE}GET /\r\n\r\nab")).await;
    let head = soon("the switch", visitor.head()).await.unwrap();
    assert_eq!((head.status, head.header("upgrade")), (101, Some("echo")));
    assert_eq!(head.header("connection"), Some("upgrade"));
    assert_eq!(visitor.until_closed().await, b"hello GET /\r\n\r\nab");
    let heard = endpoint.heard().remove(0);
    assert_eq!((heard.all("upgrade"), heard.all("connection")), (vec!["echo"], vec!["upgrade"]));
}

#[tokio::test]
async fn a_refused_switch_leaves_http_on_the_connection() {
    let endpoint = Endpoint::named("1").await;
    let gateway = start();
    serve(&gateway, vec![service("shop", &[("1", &[&endpoint])])]).await;
    let mut visitor = Visitor::connect(gateway.local_addr()).await;
    // The next request is there before the first is answered.
    visitor.say(format!("{UPGRADE}GET /next HTTP/1.1\r\nHost: h\r\n\r\n")).await;
    for _ in 0..2 {
        assert_eq!(visitor.answer().await.unwrap().text(), "1");
    }
    assert_eq!(endpoint.heard()[1].path(), "/next");
}

#[tokio::test]
async fn a_switch_that_nobody_asked_for_is_a_bad_response() {
    let endpoint =
        Endpoint::answering("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n")
            .await;
    let gateway = start();
    serve(&gateway, vec![service("shop", &[("1", &[&endpoint])])]).await;
    let answer = Visitor::get(gateway.local_addr(), "/", "").await;
    assert_eq!((answer.status, answer.code()), (502, Some("bad-response")));
    until_counted(&gateway, "1", |counts| counts.responses == [0, 0, 0, 0, 1]).await;
}
