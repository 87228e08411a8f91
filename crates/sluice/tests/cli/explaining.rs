//! Which version a request would get, told and then met.

use crate::errors::check;
use crate::world::{Build, Server, documents, until};

const SEGMENT: &str = "---
kind: Segment
metadata: { name: staff }
spec: { match: \"visitor.team == 'staff'\" }
---
kind: Policy
metadata: { name: patient }
spec:
  steps: [ { name: some, audience: [ { segment: staff }, { percent: 30 } ], hold: { time: 1h } }, { name: all, audience: [ { percent: 100 } ] } ]
  checks: []
";

#[test]
fn a_request_gets_the_version_that_was_told() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(&data);
    let builds = [Build::start("2.0.3", "0"), Build::start("2.1.0", "0")];
    let service = documents(&builds[0], &builds[1])
        .replace("{ path: / }", "{ host: shop.example.com, path: /checkout }")
        .replace("  reveal: always", "  reveal: always\n  visitor: { team: { header: x-team } }");
    let applied = server.apply(&format!("{service}{SEGMENT}"));
    assert_eq!(applied.code, 0, "{}", applied.shown());
    let explain = |options: &[&str]| {
        let url = ["gateway", "explain", "--url", "https://Shop.example.com:8443/checkout/pay?x=1#top"];
        server.run(&[&url[..], options].concat())
    };
    let ready = || (explain(&["-o", "json"]).json()["outcomes"][0]["ready"] == 1).then_some(());
    until("stable is ready", ready);
    check("request_without_release", &explain(&["--header", "x-user-id: 7"]), &[]);
    let started = server.run(&["release", "start", "checkout", "2.1.0", "--policy", "patient"]);
    assert_eq!(started.code, 0, "{}", started.shown());
    let split = || (explain(&["-o", "json"]).json()["outcomes"].as_array().unwrap().len() == 2).then_some(());
    until("the first step is served", split);
    let generation = explain(&["-o", "json"]).json()["generation"].to_string();
    let generation = format!("generation {generation}");
    let masked = [(generation.as_str(), "generation [N]")];
    check("request_new_visitor", &explain(&[]), &masked);
    check("request_within_share", &explain(&["--header", "x-user-id: 4"]), &masked);
    check(
        "request_in_segment",
        &explain(&["--header", "x-user-id: 7", "--header", "x-team: staff"]),
        &masked,
    );
    check("request_by_cookie", &explain(&["--cookie", "a=b", "--cookie", "sluice_unit=u1"]), &masked);
    for user in 0..20 {
        let user = user.to_string();
        let told = explain(&["--header", &format!("x-user-id: {user}"), "-o", "json"]).json();
        let url = format!("{}/checkout/pay", server.gateway);
        let met =
            ureq::get(&url).header("host", "shop.example.com").header("x-user-id", &user).call().unwrap();
        let met = met.headers()["x-sluice-version"].to_str().unwrap();
        assert_eq!(told["outcomes"][0]["version"], met, "{told}");
    }
    let unknown = ["gateway", "explain", "--url", "http://shop.example.com/chekout"];
    check("request_without_route", &server.run(&unknown), &masked);
    let no_host = server.run(&["gateway", "explain", "--url", "/checkout"]);
    check("request_without_host", &no_host, &[]);
    check("request_bad_header", &explain(&["--header", "x-user-id"]), &[]);
    check("request_bad_method", &explain(&["--method", "G T"]), &[]);
    check("request_bad_preview", &explain(&["--header", "x-sluice-preview: 2.1.0~1~x"]), &masked);
}
