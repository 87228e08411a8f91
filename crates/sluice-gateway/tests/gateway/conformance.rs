//! What h2spec, an independent suite for RFC 9113 and RFC 7541, says of the gateway. `make conformance` fetches it and runs
//! this.

use std::net::SocketAddr;
use std::process::Command;

use sluice_gateway::{Certificates, Gateway, Options, TlsOptions};

use super::world::doors::certificate;
use super::world::{Endpoint, options, serve, service};

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs h2spec, which `make conformance` fetches"]
async fn http_2_is_spoken_as_its_specification_says() {
    let Some(h2spec) = std::env::var_os("H2SPEC") else {
        panic!("H2SPEC does not say where h2spec is: run `make conformance`");
    };
    let folder = tempfile::tempdir().unwrap();
    certificate(folder.path(), "default", &["localhost"]);
    let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
    let tls = TlsOptions { listen: any, certificates: Certificates::open(folder.path()).unwrap() };
    let gateway = Gateway::start(Options { tls: Some(tls), ..options(any, 2) }).unwrap();
    // Longer than the windows that the suite opens.
    let body = "x".repeat(12_000);
    let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    let endpoint = Endpoint::answering(answer).await;
    serve(&gateway, vec![service("shop", &[("1", &[&endpoint])])]).await;
    let port = gateway.tls_addr().unwrap().port().to_string();
    let run = move || {
        let mut suite = Command::new(h2spec);
        suite
            .args(["--tls", "--insecure", "--timeout", "10", "--host", "127.0.0.1", "--port", &port])
            .output()
    };
    let output = tokio::task::spawn_blocking(run).await.unwrap().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}");
    assert!(said.contains(" passed, 0 skipped, 0 failed"), "{said}");
}
