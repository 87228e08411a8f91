//! Endpoints that speak something else than HTTP/1.1 in clear text.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::Ordering::SeqCst;

use bytes::Bytes;
use futures_util::future::join_all;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Frame;
use sluice_core::document::service::{ClientCertificate, EndpointTls};
use sluice_core::routing::ServiceRouting;
use sluice_gateway::Gateway;

use super::world::doors::{ask, certificate, get, plain_http2};
use super::world::hyper_endpoint::{on_port, on_socket, telling, tls, whole};
use super::world::{
    Visitor, key, publish, serve, service_at, soon, start, until_counted, until_ready, version,
};

fn shop(endpoint: &str) -> ServiceRouting {
    service_at("shop", BTreeMap::from([(version("1"), vec![endpoint.parse().unwrap()])]))
}

fn trusting(endpoint: &str, tls: EndpointTls) -> ServiceRouting {
    ServiceRouting { endpoint_tls: Some(tls), ..shop(endpoint) }
}

fn ca(folder: &Path, name: &str) -> EndpointTls {
    let path = folder.join(format!("{name}.pem"));
    EndpointTls { ca: Some(path.to_str().unwrap().parse().unwrap()), ..EndpointTls::default() }
}

async fn text(gateway: &Gateway) -> String {
    Visitor::once(gateway.local_addr(), "POST /a HTTP/1.1\r\nHost: h:1\r\nContent-Length: 3\r\n\r\nabc")
        .await
        .text()
}

#[tokio::test]
async fn many_requests_share_one_connection_of_http2() {
    let (port, taken, _running) = on_port("127.0.0.1:0", None, telling).await;
    let gateway = start();
    serve(&gateway, vec![shop(&format!("h2c://127.0.0.1:{port}"))]).await;
    assert_eq!(text(&gateway).await, "HTTP/2.0 POST h:1 /a 3");
    let http2 = plain_http2(gateway.local_addr()).await;
    let answers = join_all((0..80).map(|number| {
        let mut http2 = http2.clone();
        async move { ask(&mut http2, get(&format!("http://h/{number}"))).await }
    }));
    for (number, (head, body)) in answers.await.into_iter().enumerate() {
        assert_eq!(head.status(), 200);
        assert_eq!(String::from_utf8(body).unwrap(), format!("HTTP/2.0 GET h /{number} 0"));
    }
    until_counted(&gateway, "1", |counts| counts.responses[1] == 81).await;
    // One for health, and one for each worker.
    assert!(taken.load(SeqCst) <= 3, "{}", taken.load(SeqCst));
}

#[tokio::test]
async fn an_endpoint_may_listen_on_ipv6_or_on_a_socket() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.sock");
    let _on_socket = on_socket(&path);
    let (port, _, _on_port) = on_port("[::1]:0", None, telling).await;
    let path = path.to_str().unwrap();
    for (endpoint, protocol) in [
        (format!("http://[::1]:{port}"), "HTTP/1.1"),
        (format!("h2c://[::1]:{port}"), "HTTP/2.0"),
        (format!("unix:{path}"), "HTTP/1.1"),
        (format!("h2c+unix:{path}"), "HTTP/2.0"),
    ] {
        let gateway = start();
        serve(&gateway, vec![shop(&endpoint)]).await;
        assert_eq!(text(&gateway).await, format!("{protocol} POST h:1 /a 3"), "{endpoint}");
        let (_, body) = ask(&mut plain_http2(gateway.local_addr()).await, get("http://h/b")).await;
        assert_eq!(String::from_utf8(body).unwrap(), format!("{protocol} GET h /b 0"), "{endpoint}");
    }
}

#[tokio::test]
async fn an_endpoint_with_tls_is_spoken_to_in_what_it_prefers() {
    let folder = tempfile::tempdir().unwrap();
    certificate(folder.path(), "api", &["localhost"]);
    for (offered, spoken) in
        [(&["h2", "http/1.1"][..], "HTTP/2.0"), (&["http/1.1"], "HTTP/1.1"), (&[], "HTTP/1.1")]
    {
        let config = tls(folder.path(), "api", offered, None);
        let (port, _, _running) = on_port("127.0.0.1:0", Some(config), telling).await;
        let gateway = start();
        let endpoint = format!("https://localhost:{port}");
        serve(&gateway, vec![trusting(&endpoint, ca(folder.path(), "api"))]).await;
        for _ in 0..2 {
            assert_eq!(text(&gateway).await, format!("{spoken} POST h:1 /a 3"));
        }
    }
}

#[tokio::test]
async fn an_endpoint_that_is_not_trusted_is_not_ready_and_the_reason_is_told() {
    let folder = tempfile::tempdir().unwrap();
    certificate(folder.path(), "api", &["localhost"]);
    certificate(folder.path(), "other", &["localhost"]);
    let config = tls(folder.path(), "api", &["h2"], None);
    let (port, _, _running) = on_port("127.0.0.1:0", Some(config), telling).await;
    let (plain, _, _plain) = on_port("127.0.0.1:0", None, telling).await;
    let by_name = format!("https://localhost:{port}");
    let nowhere = EndpointTls { ca: Some("/nowhere/ca.pem".parse().unwrap()), ..EndpointTls::default() };
    let wrong_name =
        EndpointTls { server_name: Some("api.internal".parse().unwrap()), ..ca(folder.path(), "api") };
    for (endpoint, trust, why) in [
        (by_name.clone(), ca(folder.path(), "other"), "invalid peer certificate"),
        (format!("https://127.0.0.1:{port}"), ca(folder.path(), "api"), "not valid for name"),
        (by_name.clone(), wrong_name, "api.internal"),
        (by_name.clone(), nowhere, "/nowhere/ca.pem cannot be read"),
        (format!("https://localhost:{plain}"), ca(folder.path(), "api"), "TLS with it failed"),
    ] {
        let gateway = start();
        publish(&gateway, vec![trusting(&endpoint, trust)]);
        let told = soon("a reason", async {
            loop {
                let sick = gateway.sick_endpoints(&key("shop")).remove(&version("1")).unwrap_or_default();
                if let Some((_, why)) = sick.into_iter().next() {
                    break why;
                }
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
        });
        let told = told.await;
        assert!(told.contains(why), "{told}");
        assert_eq!(Visitor::get(gateway.local_addr(), "/", "").await.status, 503);
    }
}

#[tokio::test]
async fn an_endpoint_that_asks_who_the_gateway_is_is_shown_its_certificate() {
    let folder = tempfile::tempdir().unwrap();
    certificate(folder.path(), "api", &["localhost"]);
    certificate(folder.path(), "gateway", &["gateway"]);
    let config = tls(folder.path(), "api", &["h2"], Some("gateway"));
    let (port, _, _running) = on_port("127.0.0.1:0", Some(config), telling).await;
    let file = |name: &str| folder.path().join(name).to_str().unwrap().parse().unwrap();
    let client = ClientCertificate { certificate: file("gateway.pem"), key: Some(file("gateway.key")) };
    let gateway = start();
    let endpoint = format!("https://localhost:{port}");
    serve(
        &gateway,
        vec![trusting(&endpoint, EndpointTls { client: Some(client), ..ca(folder.path(), "api") })],
    )
    .await;
    assert_eq!(text(&gateway).await, "HTTP/2.0 POST h:1 /a 3");
}

#[tokio::test]
async fn renewed_files_are_read_without_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    certificate(folder.path(), "api", &["localhost"]);
    let config = tls(folder.path(), "api", &["h2"], None);
    let (port, _, _running) = on_port("127.0.0.1:0", Some(config), telling).await;
    std::fs::write(folder.path().join("ca.pem"), "nothing yet").unwrap();
    let gateway = start();
    publish(&gateway, vec![trusting(&format!("https://localhost:{port}"), ca(folder.path(), "ca"))]);
    std::fs::copy(folder.path().join("api.pem"), folder.path().join("ca.pem")).unwrap();
    until_ready(&gateway, &key("shop"), &version("1"), 1).await;
    assert_eq!(text(&gateway).await, "HTTP/2.0 POST h:1 /a 3");
}

#[tokio::test]
async fn trailers_and_answers_without_a_body_pass_between_the_protocols() {
    let answer = |request: Request<hyper::body::Incoming>| async move {
        let response = Response::builder();
        match request.uri().path() {
            "/trailers" => {
                let trailers = HeaderMap::from_iter([(
                    http::HeaderName::from_static("x-sum"),
                    HeaderValue::from_static("7"),
                )]);
                let frames = [Ok(Frame::data(Bytes::from_static(b"abc"))), Ok(Frame::trailers(trailers))];
                let body = StreamBody::new(futures_util::stream::iter(frames)).boxed();
                response.header("trailer", "x-sum").body(body).unwrap()
            }
            "/204" => response.status(204).body(whole("")).unwrap(),
            "/304" => response.status(304).header("etag", "\"a\"").body(whole("")).unwrap(),
            // hyper sends what it is given, whatever the method.
            "/head" => response.header("content-length", "3").body(whole("")).unwrap(),
            _ => Response::new(whole("abc")),
        }
    };
    let (port, _, _running) = on_port("127.0.0.1:0", None, answer).await;
    for endpoint in [format!("h2c://127.0.0.1:{port}"), format!("http://127.0.0.1:{port}")] {
        let gateway = start();
        serve(&gateway, vec![shop(&endpoint)]).await;
        let mut visitor = Visitor::connect(gateway.local_addr()).await;
        // All on one connection: an answer that ended in the wrong place would spoil the next.
        for (asked, status) in [("GET /204", 204), ("GET /304", 304), ("GET /x", 200)] {
            let answer = visitor.ask(format!("{asked} HTTP/1.1\r\nHost: h\r\n\r\n")).await;
            assert_eq!((answer.status, answer.is_whole), (status, true), "{asked} {endpoint}");
        }
        let mut http2 = plain_http2(gateway.local_addr()).await;
        let head = Request::head("http://h/head").body(Full::default()).unwrap();
        let (head, body) = ask(&mut http2, head).await;
        assert_eq!((head.status().as_u16(), body.len()), (200, 0));
        assert_eq!(head.headers()["content-length"], "3", "{endpoint}");
        let asked = Request::get("http://h/trailers").header("te", "trailers").body(Full::default()).unwrap();
        let answer = soon("an answer", http2.send_request(asked)).await.unwrap();
        let collected = soon("a body", answer.into_body().collect()).await.unwrap();
        assert_eq!(collected.trailers().unwrap()["x-sum"], "7", "{endpoint}");
        assert_eq!(collected.to_bytes(), "abc");
    }
}

#[tokio::test]
async fn a_request_that_meets_a_restart_of_an_endpoint_of_http2_is_answered() {
    let (port, _, running) = on_port("127.0.0.1:0", None, telling).await;
    let gateway = start();
    serve(&gateway, vec![shop(&format!("h2c://127.0.0.1:{port}"))]).await;
    let mut visitor = Visitor::connect(gateway.local_addr()).await;
    assert_eq!(visitor.ask("GET /a HTTP/1.1\r\nHost: h\r\n\r\n").await.status, 200);
    drop(running);
    let restarted = soon("the port", async {
        loop {
            if let Ok(listener) = tokio::net::TcpListener::bind(("127.0.0.1", port)).await {
                break listener;
            }
            tokio::task::yield_now().await;
        }
    });
    drop(restarted.await);
    let (_, _, _running) = on_port(&format!("127.0.0.1:{port}"), None, telling).await;
    assert_eq!(visitor.ask("GET /a HTTP/1.1\r\nHost: h\r\n\r\n").await.text(), "HTTP/2.0 GET h /a 0");
}
