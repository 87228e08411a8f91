//! Limits on what a client may send, and how the server stops.

use http::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::client::in_time;
use crate::world::World;

/// Sends bytes as they are, and reads until the server closes or the text holds what is waited for.
async fn exchange(world: &World, sent: &[u8]) -> String {
    in_time(async {
        let mut stream = TcpStream::connect(world.client.address).await.unwrap();
        // The server may close before it has read everything.
        stream.write_all(sent).await.ok();
        let mut text = Vec::new();
        stream.read_to_end(&mut text).await.ok();
        String::from_utf8_lossy(&text).into_owned()
    })
    .await
}

#[tokio::test]
async fn a_body_of_one_mebibyte_is_read_and_a_larger_one_is_not() {
    let world = World::empty().await;
    let apply = |size: usize| {
        let yaml = format!(
            "# {}\nkind: Segment\nmetadata: {{ name: a }}\nspec: {{ match: \"true\" }}\n",
            "x".repeat(size)
        );
        world.client.call(Method::POST, "/api/v1/apply").body("application/yaml", &yaml)
    };
    assert_eq!(apply(1_000_000).send().await.status, 200);
    assert_eq!(apply(1024 * 1024).send().await.problem(), "payload-too-large");
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused() {
    let world = World::empty().await;
    let host = world.client.address;
    let large =
        format!("GET /healthz HTTP/1.1\r\nhost: {host}\r\nx-large: {}\r\n\r\n", "x".repeat(64 * 1024));
    assert!(exchange(&world, large.as_bytes()).await.starts_with("HTTP/1.1 431"));
    let many = format!("GET /healthz HTTP/1.1\r\nhost: {host}\r\n{}\r\n", "x-many: 1\r\n".repeat(100));
    assert!(exchange(&world, many.as_bytes()).await.starts_with("HTTP/1.1 431"));
    assert!(exchange(&world, b"nonsense\r\n\r\n").await.starts_with("HTTP/1.1 400"));
}

#[tokio::test]
async fn a_request_without_a_host_is_refused() {
    let world = World::empty().await;
    let answer = exchange(&world, b"GET /healthz HTTP/1.0\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.0 403") && answer.contains("foreign-origin"), "{answer}");
    let two = "GET /healthz HTTP/1.1\r\nhost: localhost\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    assert!(exchange(&world, two.as_bytes()).await.starts_with("HTTP/1.1 403"));
}

#[tokio::test]
async fn stopping_lets_a_request_end_and_closes_idle_connections() {
    let world = World::empty().await;
    let host = world.client.address;
    let body =
        json!({ "kind": "Segment", "metadata": { "name": "a" }, "spec": { "match": "true" } }).to_string();
    let mut idle = TcpStream::connect(host).await.unwrap();
    idle.write_all(format!("GET /healthz HTTP/1.1\r\nhost: {host}\r\n\r\n").as_bytes()).await.unwrap();
    let mut begun = TcpStream::connect(host).await.unwrap();
    let head = format!(
        "POST /api/v1/apply HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\nexpect: 100-continue\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    begun.write_all(head.as_bytes()).await.unwrap();
    // Once the server asks for the body, the request is under way.
    let mut asked = [0; 25];
    in_time(begun.read_exact(&mut asked)).await.unwrap();
    assert_eq!(&asked, b"HTTP/1.1 100 Continue\r\n\r\n");
    let engine = world.engine.clone();
    let stopped = tokio::spawn(world.stop());
    let mut rest = String::new();
    in_time(idle.read_to_string(&mut rest)).await.unwrap();
    assert!(rest.starts_with("HTTP/1.1 200") && rest.ends_with("ok\n"), "{rest}");
    begun.write_all(body.as_bytes()).await.unwrap();
    let mut answer = String::new();
    in_time(begun.read_to_string(&mut answer)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    in_time(stopped).await.unwrap();
    assert!(TcpStream::connect(host).await.is_err(), "the server still takes connections");
    assert_eq!(engine.telemetry().commits, 1);
}
