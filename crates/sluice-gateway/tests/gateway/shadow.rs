//! Copies of requests to the candidate, and visitors who notice nothing of them.

use std::time::Duration;

use sluice_core::document::service::TimeoutSpec;
use sluice_core::routing::{ServiceRouting, Shadow, Split};
use sluice_core::{Span, Timestamp, Weight};
use sluice_gateway::{Copies, Gateway};

use super::world::{
    Endpoint, Heard, PREVIEW_KEY, Visitor, key, publish, serve, service, share, soon, start, until_counted,
    until_in_flight, until_ready, version,
};

const GET: &str = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
/// The longest body that is copied.
const BODY_BYTES_MAX: usize = 64 * 1024;

/// Nobody meets version 2, which gets copies of this share of the requests to version 1.
fn shadowed(one: &Endpoint, two: &Endpoint, percent: f64, copies_unsafe: bool) -> ServiceRouting {
    let mut shop = service("shop", &[("1", &[one]), ("2", &[two])]);
    let shadow = Shadow { weight: Weight::from_percent(percent).unwrap(), copies_unsafe };
    shop.split = Some(Split { include: Vec::new(), shadow: Some(shadow), ..share("2", 0.0).unwrap() });
    shop
}

fn copies(gateway: &Gateway) -> Copies {
    gateway.copies(&key("shop"))[&version("2")]
}

/// Never answers.
async fn hanging() -> Endpoint {
    Endpoint::acting(|_, conversation| async move {
        std::future::pending::<()>().await;
        Some(conversation)
    })
    .await
}

async fn until_heard(endpoint: &Endpoint, count: usize) -> Vec<Heard> {
    soon(&format!("{count} requests to arrive"), async {
        while endpoint.heard().len() < count {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
    endpoint.heard()
}

fn post(body: &[u8]) -> Vec<u8> {
    let head = format!("POST /buy?a=b HTTP/1.1\r\nHost: h\r\nContent-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

fn chunked(method: &str, body: &[u8]) -> Vec<u8> {
    let mut request =
        format!("{method} / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n").into_bytes();
    for chunk in body.chunks(10_000) {
        request.extend(format!("{:x}\r\n", chunk.len()).into_bytes());
        request.extend(chunk);
        request.extend(b"\r\n");
    }
    request.extend(b"0\r\n\r\n");
    request
}

fn some_bytes(count: usize) -> Vec<u8> {
    (0..count).map(|at| u8::try_from(at % 251).unwrap()).collect()
}

#[tokio::test]
async fn a_visitor_is_answered_while_the_candidate_hangs_and_a_drain_does_not_wait_for_it() {
    let (one, two) = tokio::join!(Endpoint::named("1"), hanging());
    let gateway = start();
    serve(&gateway, vec![shadowed(&one, &two, 100.0, false)]).await;
    let mut visitor = Visitor::connect(gateway.local_addr()).await;
    for _ in 0..3 {
        let answer = visitor.ask(GET).await;
        assert_eq!((answer.status, answer.text().as_str()), (200, "1"));
    }
    until_heard(&two, 3).await;
    assert_eq!(gateway.in_flight(&key("shop"))[&version("2")], 3);
    // A grace that no test waits for: were a copy waited for, this would never end.
    let report = soon("the drain", gateway.drain(Duration::from_secs(600))).await;
    assert_eq!(report.cut_off, 0);
    // Copies that were cut off say nothing about the candidate.
    let counts = until_counted(&gateway, "2", |counts| counts.requests == 3).await;
    assert_eq!((counts.cancelled, counts.judged()), (3, 0));
    assert_eq!(gateway.in_flight(&key("shop"))[&version("2")], 0);
}

#[tokio::test]
async fn a_copy_is_the_visitors_request_with_a_mark() {
    let (one, two) = tokio::join!(Endpoint::named("1"), Endpoint::named("2"));
    let gateway = start();
    serve(&gateway, vec![shadowed(&one, &two, 100.0, false)]).await;
    let request = "GET /a/b?c=d%20e HTTP/1.1\r\nHost: h\r\nX-User: ada\r\nCookie: a=b\r\nConnection: x-hop\r\n\
                   X-Hop: 1\r\nX-Sluice-Shadow: 1\r\nX-Forwarded-For: 10.0.0.1\r\n\r\n";
    assert_eq!(Visitor::once(gateway.local_addr(), request).await.text(), "1");
    let (real, copy) = (one.heard()[0].clone(), until_heard(&two, 1).await[0].clone());
    // The mark is the gateway's word alone.
    assert_eq!(real.header("x-sluice-shadow"), None);
    assert_eq!(copy.all("x-sluice-shadow"), ["1"]);
    let unmarked: Vec<&str> = copy.head.lines().filter(|line| !line.starts_with("x-sluice-shadow")).collect();
    assert_eq!(unmarked, real.head.lines().collect::<Vec<_>>());
    assert_eq!(copy.header("x-forwarded-for"), Some("10.0.0.1, 127.0.0.1"));
    assert_eq!((copy.header("x-hop"), copy.path()), (None, "/a/b?c=d%20e"));
}

#[tokio::test]
async fn requests_that_may_change_something_are_copied_only_when_that_is_asked_for() {
    let (one, two) = tokio::join!(Endpoint::named("1"), Endpoint::named("2"));
    let gateway = start();
    serve(&gateway, vec![shadowed(&one, &two, 100.0, false)]).await;
    let mut visitor = Visitor::connect(gateway.local_addr()).await;
    for request in [post(b"buy"), chunked("PUT", b"x"), b"DELETE / HTTP/1.1\r\nHost: h\r\n\r\n".to_vec()] {
        assert_eq!(visitor.ask(request).await.status, 200);
    }
    assert_eq!(copies(&gateway), Copies::default());
    publish(&gateway, vec![shadowed(&one, &two, 100.0, true)]);
    assert_eq!(visitor.ask(post(b"buy")).await.status, 200);
    let copy = until_heard(&two, 1).await[0].clone();
    assert_eq!((copy.path(), copy.body.as_slice()), ("/buy?a=b", b"buy".as_slice()));
    assert_eq!(copy.head.lines().next(), Some("POST /buy?a=b HTTP/1.1"));
    assert_eq!(copies(&gateway), Copies { sent: 1, ..Copies::default() });
}

#[tokio::test]
async fn bodies_are_copied_byte_by_byte_up_to_the_bound_and_not_beyond() {
    let (one, two) = tokio::join!(Endpoint::named("1"), Endpoint::named("2"));
    let gateway = start();
    serve(&gateway, vec![shadowed(&one, &two, 100.0, true)]).await;
    let mut visitor = Visitor::connect(gateway.local_addr()).await;
    let fitting = some_bytes(BODY_BYTES_MAX);
    let too_long = some_bytes(BODY_BYTES_MAX + 1);
    for request in [post(&fitting), chunked("PATCH", &fitting), chunked("GET", &fitting)] {
        assert_eq!(visitor.ask(request).await.status, 200);
    }
    let arrived = until_heard(&two, 3).await;
    assert!(arrived.iter().all(|copy| copy.body == fitting));
    for request in [post(&too_long), chunked("PATCH", &too_long)] {
        assert_eq!(visitor.ask(request).await.status, 200);
    }
    assert_eq!(copies(&gateway), Copies { sent: 3, too_large: 2, too_many: 0 });
    assert_eq!(one.heard()[4].body, too_long);
}

#[tokio::test]
async fn conversations_are_never_copied() {
    let (one, two) = tokio::join!(Endpoint::named("1"), Endpoint::named("2"));
    let gateway = start();
    serve(&gateway, vec![shadowed(&one, &two, 100.0, true)]).await;
    let get = |headers: &str| format!("GET / HTTP/1.1\r\nHost: h\r\n{headers}\r\n");
    for request in [
        get("Connection: upgrade\r\nUpgrade: websocket\r\n"),
        get("Expect: 100-continue\r\n"),
        "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\na: b\r\n\r\n"
            .to_owned(),
    ] {
        let answer = Visitor::once(gateway.local_addr(), &request).await;
        assert_eq!(answer.status, 200, "{request}");
    }
    assert_eq!(copies(&gateway), Copies::default());
    // What the gateway answers itself, and what a preview shows, is no request to stable.
    assert_eq!(Visitor::once(gateway.local_addr(), "GET / HTTP/1.1\r\n\r\n").await.status, 400);
    for name in ["1", "2"] {
        let preview = PREVIEW_KEY.sign(&key("shop"), &version(name), Timestamp::from_millis(i64::MAX));
        let headers = format!("X-Sluice-Preview: {preview}\r\n");
        assert_eq!(Visitor::get(gateway.local_addr(), "/", &headers).await.text(), name);
    }
    assert_eq!(copies(&gateway), Copies::default());
}

#[tokio::test]
async fn requests_to_the_candidate_are_not_copied_and_a_candidate_that_is_not_ready_gets_none() {
    let (one, two) = tokio::join!(Endpoint::named("1"), Endpoint::named("2"));
    let gateway = start();
    let mut shop = shadowed(&one, &two, 100.0, true);
    shop.split.as_mut().unwrap().include = share("2", 100.0).unwrap().include;
    serve(&gateway, vec![shop.clone()]).await;
    assert_eq!(Visitor::get(gateway.local_addr(), "/", "").await.text(), "2");
    two.health.store(500, std::sync::atomic::Ordering::SeqCst);
    until_ready(&gateway, &key("shop"), &version("2"), 0).await;
    assert_eq!(Visitor::get(gateway.local_addr(), "/", "").await.text(), "1");
    assert_eq!(copies(&gateway), Copies::default());
    let counts = until_counted(&gateway, "2", |counts| counts.requests == 1).await;
    assert_eq!(counts.failed(), 0);
}

#[tokio::test]
async fn a_share_of_the_requests_is_copied_and_counted_under_the_candidate_alone() {
    let (one, two) = tokio::join!(Endpoint::named("1"), Endpoint::named("2"));
    let gateway = start();
    serve(&gateway, vec![shadowed(&one, &two, 10.0, false)]).await;
    let mut visitor = Visitor::connect(gateway.local_addr()).await;
    let requests = 2_000_u32;
    for _ in 0..requests {
        assert_eq!(visitor.ask(GET).await.text(), "1");
    }
    let Copies { sent, too_large, too_many } = copies(&gateway);
    assert_eq!((too_large, too_many), (0, 0));
    let standard_error = (f64::from(requests) * 0.1 * 0.9).sqrt();
    let deviation = sent as f64 - f64::from(requests) * 0.1;
    assert!(deviation.abs() < 5.0 * standard_error, "{sent} of {requests} were copied");
    let wanted = u64::from(requests);
    let stable = until_counted(&gateway, "1", |counts| counts.requests == wanted).await;
    assert_eq!(stable.responses[1], wanted);
    let candidate = until_counted(&gateway, "2", |counts| counts.requests == sent).await;
    assert_eq!((candidate.responses[1], candidate.latency.count()), (sent, sent));
    assert_eq!((one.heard().len() as u64, two.heard().len() as u64), (wanted, sent));
}

#[tokio::test]
async fn a_candidate_that_breaks_off_is_counted_and_touches_no_visitor() {
    let one = Endpoint::named("1").await;
    let two = Endpoint::acting(|heard, mut conversation| async move {
        match heard.path() {
            "/garbage" => conversation.say("garbage\r\n\r\n").await,
            "/head" => conversation.say("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nbroken").await,
            "/switch" => conversation.say("HTTP/1.1 101 Switching Protocols\r\n\r\n").await,
            _ => {}
        }
        None
    })
    .await;
    let gateway = start();
    serve(&gateway, vec![shadowed(&one, &two, 100.0, false)]).await;
    let mut activity = gateway.activity();
    let mut visitor = Visitor::connect(gateway.local_addr()).await;
    for path in ["/", "/garbage", "/head", "/switch", "/"] {
        let answer = visitor.ask(format!("GET {path} HTTP/1.1\r\nHost: h\r\n\r\n")).await;
        assert_eq!((answer.status, answer.text().as_str()), (200, "1"));
    }
    let counts = until_counted(&gateway, "2", |counts| counts.requests == 5).await;
    assert_eq!((counts.responses[4], counts.resets), (4, 1));
    soon("the failure to be told", activity.changed()).await.unwrap();
    let stable = until_counted(&gateway, "1", |counts| counts.requests == 5).await;
    assert_eq!(stable.failed(), 0);
}

#[tokio::test]
async fn copies_end_at_the_time_limit_for_responses() {
    let one = Endpoint::named("1").await;
    let two = Endpoint::acting(|heard, mut conversation| async move {
        if heard.path() == "/stream" {
            conversation.say("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nbegin").await;
        }
        std::future::pending::<()>().await;
        Some(conversation)
    })
    .await;
    let gateway = start();
    let mut shop = shadowed(&one, &two, 100.0, false);
    shop.timeouts = TimeoutSpec { response: Span::from_millis(300), ..shop.timeouts };
    serve(&gateway, vec![shop]).await;
    for path in ["/", "/stream"] {
        assert_eq!(Visitor::get(gateway.local_addr(), path, "").await.text(), "1");
    }
    // One never answered; the other answered in time, and went on for longer than copies are listened to.
    let counts = until_counted(&gateway, "2", |counts| counts.requests == 2).await;
    assert_eq!((counts.responses[4], counts.cancelled, counts.resets), (1, 1, 0));
}

#[tokio::test]
async fn copies_in_flight_are_bounded_and_the_rest_is_counted_as_left_out() {
    let (one, two) = tokio::join!(Endpoint::named("1"), hanging());
    let gateway = start();
    serve(&gateway, vec![shadowed(&one, &two, 100.0, true)]).await;
    // One connection is served by one worker.
    let mut visitor = Visitor::connect(gateway.local_addr()).await;
    for _ in 0..125 {
        assert_eq!(visitor.ask(GET).await.text(), "1");
    }
    for _ in 0..5 {
        assert_eq!(visitor.ask(post(b"x")).await.text(), "1");
    }
    assert_eq!(copies(&gateway), Copies { sent: 128, too_large: 0, too_many: 2 });
    until_heard(&two, 128).await;
}

#[tokio::test]
async fn a_visitor_who_breaks_off_leaves_no_copy_and_no_place_taken() {
    let (one, two) = tokio::join!(Endpoint::named("1"), Endpoint::named("2"));
    let gateway = start();
    serve(&gateway, vec![shadowed(&one, &two, 100.0, true)]).await;
    // More on each of the two workers than it may have in flight.
    for _ in 0..400 {
        let mut visitor = Visitor::connect(gateway.local_addr()).await;
        visitor.say("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nab").await;
        until_in_flight(&gateway, 1).await;
        drop(visitor);
        until_in_flight(&gateway, 0).await;
    }
    assert_eq!(copies(&gateway), Copies::default());
    assert_eq!(Visitor::once(gateway.local_addr(), post(b"x")).await.text(), "1");
    assert_eq!(copies(&gateway), Copies { sent: 1, ..Copies::default() });
}
