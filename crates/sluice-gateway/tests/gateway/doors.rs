//! How visitors come in: with TLS, and through a load balancer that says who they are.

use std::time::Duration;

use sluice_gateway::{CertificateError, Certificates, Gateway, Options, TlsOptions};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::world::doors::{ask, certificate, get, http2, tls};
use super::world::{Endpoint, Visitor, options, serve, service, soon};

fn started(folder: &std::path::Path, takes_proxy_header: bool) -> Gateway {
    let listen = "127.0.0.1:0".parse().unwrap();
    let tls = TlsOptions { listen, certificates: Certificates::open(folder).unwrap() };
    Gateway::start(Options { tls: Some(tls), takes_proxy_header, ..options(listen, 2) }).unwrap()
}

async fn connect(gateway: &Gateway) -> TcpStream {
    TcpStream::connect(gateway.tls_addr().unwrap()).await.unwrap()
}

#[tokio::test]
async fn each_name_is_shown_its_certificate_and_both_protocols_are_offered() {
    let folder = tempfile::tempdir().unwrap();
    let shop = certificate(folder.path(), "shop", &["shop.example", "www.shop.example"]);
    let all = certificate(folder.path(), "all", &["*.example.org"]);
    let endpoint = Endpoint::named("1").await;
    let gateway = started(folder.path(), false);
    serve(&gateway, vec![service("shop", &[("1", &[&endpoint])])]).await;
    for (host, trusted) in [("shop.example", &shop), ("www.shop.example", &shop), ("a.example.org", &all)] {
        let secure = tls(connect(&gateway).await, host, trusted, &["h2", "http/1.1"]).await.unwrap();
        assert_eq!(secure.get_ref().1.alpn_protocol(), Some(&b"h2"[..]), "{host}");
        let (head, _) = ask(&mut http2(secure).await, get(&format!("https://{host}/two"))).await;
        assert_eq!(head.status(), 200);
        let mut secure = tls(connect(&gateway).await, host, trusted, &["http/1.1"]).await.unwrap();
        let request = format!("GET /one HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        secure.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        soon("the answer", secure.read_to_end(&mut answer)).await.unwrap();
        assert!(answer.starts_with(b"HTTP/1.1 200 OK\r\n"), "{}", String::from_utf8_lossy(&answer));
    }
    for heard in endpoint.heard() {
        assert_eq!(heard.all("x-forwarded-proto"), ["https"]);
        assert!(heard.all("forwarded")[0].ends_with(";proto=https"));
    }
    // Of two certificates, none is for this name.
    assert!(tls(connect(&gateway).await, "other.example", &shop, &[]).await.is_err());
    // And whoever does not speak TLS breaks nothing.
    let mut plain = connect(&gateway).await;
    plain.write_all(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n").await.unwrap();
    let mut told = Vec::new();
    let _is_reset = soon("the end", plain.read_to_end(&mut told)).await.is_err();
    assert!(!told.starts_with(b"HTTP"));
}

#[tokio::test]
async fn a_renewed_certificate_is_shown_without_a_restart_and_a_broken_one_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let first = certificate(folder.path(), "shop", &["shop.example"]);
    let gateway = started(folder.path(), false);
    assert!(tls(connect(&gateway).await, "shop.example", &first, &[]).await.is_ok());
    let second = certificate(folder.path(), "shop", &["shop.example"]);
    soon("the new certificate", async {
        while tls(connect(&gateway).await, "shop.example", &second, &[]).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    std::fs::write(folder.path().join("shop.pem"), "no certificate").unwrap();
    let third = certificate(folder.path(), "other", &["other.example"]);
    // Mended, both are there; until then the one that worked stayed.
    assert!(tls(connect(&gateway).await, "shop.example", &second, &[]).await.is_ok());
    std::fs::remove_file(folder.path().join("shop.pem")).unwrap();
    soon("the other certificate", async {
        while tls(connect(&gateway).await, "other.example", &third, &[]).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}

#[test]
fn certificates_that_cannot_be_used_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    assert!(matches!(Certificates::open(&path.join("none")), Err(CertificateError::Unreadable { .. })));
    assert!(matches!(Certificates::open(path), Err(CertificateError::Empty { .. })));
    std::fs::write(path.join("ca.crt"), "of whoever issued it").unwrap();
    assert!(matches!(Certificates::open(path), Err(CertificateError::Empty { .. })));
    certificate(path, "shop", &["shop.example"]);
    assert!(Certificates::open(path).is_ok());
    let other = rcgen::KeyPair::generate().unwrap();
    std::fs::write(path.join("shop.key"), other.serialize_pem()).unwrap();
    let told = Certificates::open(path).unwrap_err().to_string();
    assert!(told.contains("shop.pem") && told.contains("not the one of its first certificate"), "{told}");
    std::fs::remove_file(path.join("shop.key")).unwrap();
    let told = Certificates::open(path).unwrap_err().to_string();
    assert!(told.ends_with("shop.key cannot be read"), "{told}");
    std::fs::write(path.join("shop.pem"), "-----BEGIN NOTHING-----\n").unwrap();
    let told = Certificates::open(path).unwrap_err().to_string();
    assert!(told.contains("shop.pem cannot be used"), "{told}");
}

#[tokio::test]
async fn a_balancer_in_front_says_who_the_visitor_is() {
    let folder = tempfile::tempdir().unwrap();
    let shop = certificate(folder.path(), "shop", &["shop.example"]);
    let endpoint = Endpoint::named("1").await;
    let gateway = started(folder.path(), true);
    serve(&gateway, vec![service("shop", &[("1", &[&endpoint])])]).await;
    let mut visitor = Visitor::connect(gateway.local_addr()).await;
    let asking = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
    let answer = visitor.ask(format!("PROXY TCP4 192.0.2.7 10.0.0.1 4711 80\r\n{asking}")).await;
    assert_eq!(answer.status, 200);
    assert_eq!(visitor.ask(asking).await.status, 200);
    let mut secure = connect(&gateway).await;
    let header = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x08\x0a\0\0\x01\0\x01\0\x02";
    secure.write_all(header).await.unwrap();
    let secure = tls(secure, "shop.example", &shop, &["h2"]).await.unwrap();
    assert_eq!(ask(&mut http2(secure).await, get("https://shop.example/")).await.0.status(), 200);
    let heard = endpoint.heard();
    let from: Vec<_> = heard.iter().map(|heard| heard.header("x-forwarded-for").unwrap()).collect();
    assert_eq!(from, ["192.0.2.7", "192.0.2.7", "192.0.2.8"]);
    // One that does not say it is not let in.
    let mut stranger = TcpStream::connect(gateway.local_addr()).await.unwrap();
    stranger.write_all(asking.as_bytes()).await.unwrap();
    let mut told = Vec::new();
    let _is_reset = soon("the end", stranger.read_to_end(&mut told)).await.is_err();
    assert_eq!(told, b"");
    assert_eq!(endpoint.heard().len(), 3);
}
