//! Routes that ask for more than a host and a path, and what they do with their requests.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use sluice_core::Span;
use sluice_core::document::service::RouteSpec;
use sluice_core::routing::ServiceRouting;
use sluice_gateway::Gateway;

use super::world::{Endpoint, Visitor, serve, service, start, until_counted};

/// A route as documents write it.
fn route(json: &str) -> RouteSpec {
    serde_json::from_str(json).unwrap()
}

fn at(name: &str, endpoint: &Endpoint, routes: &[&str]) -> ServiceRouting {
    ServiceRouting {
        routes: routes.iter().map(|json| route(json)).collect(),
        ..service(name, &[("1", &[endpoint])])
    }
}

async fn with(endpoints: &[&Endpoint], json: &str) -> Gateway {
    let gateway = start();
    let mut shop = service("shop", &[("1", endpoints)]);
    shop.routes = vec![route(json)];
    serve(&gateway, vec![shop]).await;
    gateway
}

#[tokio::test]
async fn of_the_routes_at_one_path_the_one_that_asks_for_most_is_tried_first() {
    let (plain, posts, beta, both, rule, deep) = tokio::join!(
        Endpoint::named("plain"),
        Endpoint::named("posts"),
        Endpoint::named("beta"),
        Endpoint::named("both"),
        Endpoint::named("rule"),
        Endpoint::named("deep"),
    );
    let gateway = start();
    let services = vec![
        at("plain", &plain, &[r#"{}"#]),
        at("posts", &posts, &[r#"{ "methods": ["POST", "PUT"] }"#]),
        at("beta", &beta, &[r#"{ "headers": { "X-Beta": "1" } }"#]),
        at("both", &both, &[r#"{ "headers": { "x-beta": "1" }, "methods": ["POST"] }"#]),
        at(
            "rule",
            &rule,
            &[r#"{ "query": { "debug": "*" }, "when": "request.headers['x-user'] == 'ann'" }"#],
        ),
        at("deep", &deep, &[r#"{ "path": "/deep", "methods": ["DELETE"] }"#]),
    ];
    serve(&gateway, services).await;
    let ask = async |method: &str, target: &str, headers: &str| {
        let request = format!("{method} {target} HTTP/1.1\r\nHost: h\r\n{headers}Content-Length: 0\r\n\r\n");
        Visitor::once(gateway.local_addr(), request).await.text()
    };
    assert_eq!(ask("GET", "/", "").await, "plain");
    assert_eq!(ask("POST", "/", "").await, "posts");
    assert_eq!(ask("GET", "/", "X-BETA: 1\r\n").await, "beta");
    assert_eq!(ask("GET", "/", "x-beta: 2\r\n").await, "plain");
    assert_eq!(ask("POST", "/", "x-beta: 1\r\n").await, "both");
    assert_eq!(ask("GET", "/?debug=", "x-user: ann\r\n").await, "rule");
    assert_eq!(ask("GET", "/?debug", "x-user: bob\r\n").await, "plain");
    assert_eq!(ask("GET", "/?x=1", "x-user: ann\r\n").await, "plain");
    assert_eq!(ask("DELETE", "/deep/1", "").await, "deep");
    // The longer path does not want it, so the shorter one has it.
    assert_eq!(ask("POST", "/deep/1", "").await, "posts");
}

#[tokio::test]
async fn a_request_that_no_route_wants_has_no_service() {
    let endpoint = Endpoint::named("1").await;
    let gateway = with(&[&endpoint], r#"{ "scheme": "https" }"#).await;
    let answer = Visitor::get(gateway.local_addr(), "/", "").await;
    assert_eq!((answer.status, answer.code()), (404, Some("no-route")));
}

#[tokio::test]
async fn a_redirect_is_answered_without_asking_anybody_and_counts_against_no_version() {
    let endpoint = Endpoint::named("1").await;
    let gateway = start();
    let routes = [
        r#"{ "path": "/", "redirect": { "scheme": "https", "port": 8443 } }"#,
        r#"{ "path": "/old", "redirect": { "path": "/new", "status": 302 } }"#,
        r#"{ "path": "/stays" }"#,
    ];
    serve(&gateway, vec![at("shop", &endpoint, &routes)]).await;
    let answer = Visitor::get(gateway.local_addr(), "/a?b=c", "").await;
    assert_eq!((answer.status, answer.header("location")), (308, Some("https://h:8443/a?b=c")));
    assert_eq!(answer.header("content-length"), Some("0"));
    let answer = Visitor::get(gateway.local_addr(), "/old/1?q=%20", "").await;
    assert_eq!((answer.status, answer.header("location")), (302, Some("http://h/new/1?q=%20")));
    assert_eq!(Visitor::get(gateway.local_addr(), "/stays", "").await.text(), "1");
    let counts = until_counted(&gateway, "1", |counts| counts.requests > 0).await;
    assert_eq!((counts.requests, endpoint.heard().len()), (1, 1));
}

#[tokio::test]
async fn a_rewrite_and_header_changes_reach_the_service_and_the_visitor() {
    let bytes = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nserver: secret\r\nx-a: 1\r\nx-a: 2\r\n\r\n";
    let endpoint = Endpoint::answering(bytes).await;
    let gateway = with(
        &[&endpoint],
        r#"{
            "path": "/api", "rewrite": { "path": "/v2", "host": "Internal.example.com" },
            "requestHeaders": { "set": { "x-env": "prod" }, "add": { "x-tag": "b" }, "remove": ["cookie"] },
            "responseHeaders": { "remove": ["server"], "set": { "x-a": "3" }, "add": { "vary": "x-env" } }
        }"#,
    )
    .await;
    let headers = "X-Env: test\r\nX-Env: dev\r\nX-Tag: a\r\nCookie: a=b\r\n";
    let answer = Visitor::get(gateway.local_addr(), "/api/items?id=1", headers).await;
    assert_eq!((answer.all("x-a"), answer.all("vary")), (vec!["3"], vec!["x-env"]));
    assert_eq!(answer.header("server"), None);
    let heard = &endpoint.heard()[0];
    assert_eq!((heard.path(), heard.all("host")), ("/v2/items?id=1", vec!["internal.example.com"]));
    assert_eq!((heard.all("x-env"), heard.all("x-tag")), (vec!["prod"], vec!["a", "b"]));
    assert_eq!((heard.header("cookie"), heard.header("x-forwarded-host")), (None, Some("h")));
}

#[tokio::test]
async fn a_route_has_its_own_patience() {
    let endpoint = Endpoint::acting(|_, conversation| async move {
        std::future::pending::<()>().await;
        Some(conversation)
    })
    .await;
    let gateway = with(&[&endpoint], r#"{ "timeouts": { "response": "50ms" } }"#).await;
    let answer = Visitor::get(gateway.local_addr(), "/", "").await;
    assert_eq!((answer.status, answer.code()), (504, Some("response-timeout")));
}

/// Answers 503, until it was asked this often.
async fn recovering_after(failures: usize) -> (Endpoint, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let endpoint = Endpoint::acting(move |heard, mut conversation| {
        let status = if count.fetch_add(1, SeqCst) < failures { "503 Away" } else { "200 OK" };
        async move {
            let length = heard.body.len();
            conversation.say(format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n\r\n")).await;
            conversation.say(&heard.body).await;
            Some(conversation)
        }
    })
    .await;
    (endpoint, asked)
}

#[tokio::test]
async fn a_failed_request_that_may_be_repeated_is_tried_again_with_its_body() {
    let (endpoint, asked) = recovering_after(2).await;
    let gateway = with(&[&endpoint], r#"{ "retries": { "attempts": 2 } }"#).await;
    let request = "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello";
    let answer = Visitor::once(gateway.local_addr(), request).await;
    assert_eq!((answer.status, answer.text().as_str(), asked.load(SeqCst)), (200, "hello", 3));
    let counts = until_counted(&gateway, "1", |counts| counts.requests > 0).await;
    assert_eq!((counts.requests, counts.failed()), (1, 0));
}

#[tokio::test]
async fn what_may_change_something_or_is_no_reason_is_not_tried_again() {
    for (method, retries) in [("POST", r#"{}"#), ("GET", r#"{ "on": ["reset", "502"] }"#)] {
        let (endpoint, asked) = recovering_after(1).await;
        let gateway = with(&[&endpoint], &format!(r#"{{ "retries": {retries} }}"#)).await;
        let request = format!("{method} / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n");
        let answer = Visitor::once(gateway.local_addr(), request).await;
        assert_eq!((answer.status, asked.load(SeqCst)), (503, 1), "{method} {retries}");
    }
}

#[tokio::test]
async fn the_second_try_is_at_another_endpoint() {
    let down = Endpoint::answering("HTTP/1.1 502 Down\r\ncontent-length: 0\r\n\r\n").await;
    let up = Endpoint::named("up").await;
    let gateway = with(&[&down, &up], r#"{ "retries": {} }"#).await;
    for _ in 0..10 {
        assert_eq!(Visitor::get(gateway.local_addr(), "/", "").await.text(), "up");
    }
    assert!(!down.heard().is_empty(), "half of the first tries go there");
}

#[tokio::test]
async fn a_service_that_is_down_is_not_asked_twice_as_much() {
    let down = Endpoint::answering("HTTP/1.1 503 Down\r\ncontent-length: 0\r\n\r\n").await;
    let gateway = with(&[&down], r#"{ "retries": { "attempts": 5, "budgetPercent": 10 } }"#).await;
    let mut visitor = Visitor::connect(gateway.local_addr()).await;
    for _ in 0..100 {
        assert_eq!(visitor.ask("GET / HTTP/1.1\r\nHost: h\r\n\r\n").await.status, 503);
    }
    // A tenth of them, and the ten that are allowed at any rate.
    assert_eq!(down.heard().len(), 100 + 10 + 10);
}

#[tokio::test]
async fn a_late_answer_is_a_reason_only_where_that_is_said() {
    for (on, asked) in [("reset", 1), ("timeout", 2)] {
        let endpoint = Endpoint::acting(|_, conversation| async move {
            std::future::pending::<()>().await;
            Some(conversation)
        })
        .await;
        let gateway = start();
        let mut shop = service("shop", &[("1", &[&endpoint])]);
        shop.timeouts.response = Span::from_millis(50);
        shop.routes = vec![route(&format!(r#"{{ "retries": {{ "on": ["{on}"] }} }}"#))];
        serve(&gateway, vec![shop]).await;
        assert_eq!(Visitor::get(gateway.local_addr(), "/", "").await.status, 504);
        assert_eq!(endpoint.heard().len(), asked, "{on}");
    }
}
