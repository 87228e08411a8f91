//! Who is answered at all, and what browsers are told.

use std::sync::Arc;

use insta::assert_snapshot;
use serde_json::json;
use sluice_server::{BindError, Server};

use crate::world::{Gateway, World, options};

#[tokio::test]
async fn a_rebound_name_is_refused_whatever_it_asks() {
    let world = World::with_checkout().await;
    let port = world.client.address.port();
    for host in ["evil.example", "localhost.evil.example", "10.0.0.1", "127.0.0.1.nip.io"] {
        for path in ["/", "/api/v1/services", "/healthz", "/metrics"] {
            let answer = world.client.get(path).header("host", &format!("{host}:{port}")).send().await;
            assert!(answer.text.contains("\"foreign-origin\""), "{host} {path}: {answer}");
            assert_eq!(answer.status, 403);
        }
    }
    let other_port = world.client.get("/api/v1/services").header("host", "localhost:1").send().await;
    assert_eq!(other_port.problem(), "foreign-origin");
    for host in ["localhost", "127.0.0.1", "[::1]"] {
        let answer =
            world.client.get("/api/v1/services").header("host", &format!("{host}:{port}")).send().await;
        assert_eq!(answer.status, 200, "{host}: {answer}");
    }
}

#[tokio::test]
async fn another_site_cannot_change_anything() {
    let world = World::with_checkout().await;
    let body = json!({ "service": "checkout", "version": "2.1.0" });
    for origin in ["https://evil.example", "null", "http://localhost:3000", "https://localhost"] {
        let answer = world.client.post("/api/v1/releases", &body).header("origin", origin).send().await;
        assert_eq!(answer.problem(), "foreign-origin", "{origin}");
    }
    let releases = world.client.get("/api/v1/releases").send().await.json();
    assert_eq!(releases["items"], json!([]));
    let own = format!("http://{}", world.client.address);
    let answer = world.client.post("/api/v1/releases", &body).header("origin", &own).send().await;
    assert_eq!(answer.status, 201, "{answer}");
}

#[tokio::test]
async fn what_a_form_could_send_is_not_read() {
    let world = World::with_checkout().await;
    let path = "/api/v1/releases";
    let text = json!({ "service": "checkout", "version": "2.1.0" }).to_string();
    for media_type in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"] {
        let call = world.client.call(http::Method::POST, path).body(media_type, &text);
        assert_eq!(call.send().await.problem(), "unsupported-media-type", "{media_type}");
    }
    assert_snapshot!(world.client.call(http::Method::POST, path).send().await);
    let yaml = world.client.call(http::Method::POST, path).body("application/yaml", "a: b");
    assert_eq!(yaml.send().await.problem(), "unsupported-media-type");
}

#[tokio::test]
async fn no_answer_can_be_read_by_another_site_or_taken_for_something_else() {
    let world = World::with_checkout().await;
    for path in ["/", "/api/v1/services", "/api/v1/nothing", "/healthz", "/assets/none.js"] {
        let answer = world.client.get(path).send().await;
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("x-frame-options"), "DENY", "{path}");
        assert!(answer.header("content-security-policy").contains("frame-ancestors 'none'"), "{path}");
        assert_eq!(answer.header("cross-origin-resource-policy"), "same-origin", "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), "", "{path}");
    }
    let services = world.client.get("/api/v1/services").send().await;
    assert_eq!(services.header("cache-control"), "no-store");
    let preflight = world.client.call(http::Method::OPTIONS, "/api/v1/releases");
    assert_eq!(preflight.send().await.problem(), "method-not-allowed");
}

#[tokio::test]
async fn an_address_that_others_can_reach_is_refused_with_the_way_around() {
    let world = World::empty().await;
    for address in ["0.0.0.0:7070", "192.0.2.7:7070", "[::]:7070"] {
        let mut options = options(&Arc::new(Gateway::default()));
        options.listen = address.parse().unwrap();
        let refused = Server::bind(options, world.engine.clone()).await.err().unwrap();
        assert!(matches!(refused, BindError::NotLoopback { .. }));
    }
    let address = "0.0.0.0:7070".parse().unwrap();
    assert_snapshot!(BindError::NotLoopback { address }, @"0.0.0.0:7070 is not a loopback address, and sign-in does not exist yet: whoever reached it could release anything. Listen on 127.0.0.1:7070 and reach it from elsewhere through a tunnel: ssh -L 7070:127.0.0.1:7070 THIS-MACHINE");
}

#[tokio::test]
async fn a_port_that_is_taken_is_named_with_the_mend() {
    let world = World::empty().await;
    let mut options = options(&Arc::new(Gateway::default()));
    options.listen = world.client.address;
    let refused = Server::bind(options, world.engine.clone()).await.err().unwrap();
    let text = refused.to_string();
    assert!(matches!(refused, BindError::AddressInUse { .. }), "{text}");
    assert!(text.contains(&world.client.address.port().to_string()) && text.contains("--listen"), "{text}");
}
