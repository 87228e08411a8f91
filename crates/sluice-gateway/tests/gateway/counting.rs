//! Whose requests failed, who is new, and what is counted of single paths.

use std::collections::BTreeMap;

use sluice_core::Weight;
use sluice_core::condition::Condition;
use sluice_core::document::service::PathPrefix;
use sluice_core::routing::{SegmentRule, ServiceRouting, ShareRule};
use sluice_gateway::Gateway;

use super::world::{Endpoint, Visitor, key, publish, serve, service, share, start, until_counted, version};

fn failing_as(head: &str, user: &str) -> String {
    format!("GET {head} HTTP/1.1\r\nHost: h\r\n{user}\r\n")
}

async fn broken() -> Endpoint {
    Endpoint::answering("HTTP/1.1 500 Broken\r\nContent-Length: 0\r\n\r\n").await
}

/// Waits until this many requests to both versions were counted; gives those of the path.
async fn of_path(gateway: &Gateway, path: &str, requests: u64) -> BTreeMap<String, u64> {
    until_counted(gateway, "1", |counts| counts.requests == requests).await;
    let path: PathPrefix = path.parse().unwrap();
    let counted = gateway.path_counts(&key("shop"), &path);
    counted.into_iter().map(|(version, counts)| (version.to_string(), counts.requests)).collect()
}

#[tokio::test]
async fn a_visitor_whose_requests_fail_on_many_connections_is_one_failed_visitor() {
    let (endpoint, gateway) = (broken().await, start());
    serve(&gateway, vec![service("shop", &[("1", &[&endpoint])])]).await;
    for number in 0..20 {
        // Each on a connection of its own, so that both workers meet both visitors.
        let user = if number % 2 == 0 { "X-User: mia\r\n" } else { "Cookie: sluice_unit=tom\r\n" };
        assert_eq!(Visitor::once(gateway.local_addr(), failing_as("/", user)).await.status, 500);
    }
    let counts = until_counted(&gateway, "1", |counts| counts.requests == 20).await;
    assert_eq!((counts.failed(), counts.failed_visitors, counts.new_visitors), (20, 2, 0));
}

#[tokio::test]
async fn a_visitor_whose_response_breaks_off_is_a_failed_visitor_and_one_who_is_served_is_none() {
    let half = Endpoint::acting(|_, mut conversation| async move {
        conversation.say("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf").await;
        None
    })
    .await;
    let gateway = start();
    serve(&gateway, vec![service("shop", &[("1", &[&half])])]).await;
    let answer = Visitor::once(gateway.local_addr(), failing_as("/", "X-User: mia\r\n")).await;
    assert!(!answer.is_whole);
    let counts = until_counted(&gateway, "1", |counts| counts.resets == 1).await;
    assert_eq!(counts.failed_visitors, 1);

    let whole = Endpoint::named("whole").await;
    serve(&gateway, vec![service("shop", &[("2", &[&whole])])]).await;
    Visitor::once(gateway.local_addr(), failing_as("/", "X-User: mia\r\n")).await;
    let counts = until_counted(&gateway, "2", |counts| counts.requests == 1).await;
    assert_eq!(counts.failed_visitors, 0);
}

#[tokio::test]
async fn visitors_without_any_unit_are_counted_with_each_failure() {
    let (endpoint, gateway) = (broken().await, start());
    let mut shop = service("shop", &[("1", &[&endpoint])]);
    shop.unit.clear();
    serve(&gateway, vec![shop]).await;
    let mut visitor = Visitor::connect(gateway.local_addr()).await;
    for _ in 0..3 {
        visitor.ask(failing_as("/", "")).await;
    }
    let counts = until_counted(&gateway, "1", |counts| counts.requests == 3).await;
    assert_eq!((counts.failed_visitors, counts.new_visitors), (3, 0));
}

#[tokio::test]
async fn who_is_given_a_unit_is_new_and_who_brings_it_back_is_not() {
    let (one, two) = tokio::join!(Endpoint::named("1"), Endpoint::named("2"));
    let gateway = start();
    let mut shop = service("shop", &[("1", &[&one]), ("2", &[&two])]);
    shop.split = share("2", 100.0);
    serve(&gateway, vec![shop]).await;
    let first = Visitor::get(gateway.local_addr(), "/", "").await;
    let cookie = first.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    for _ in 0..3 {
        Visitor::get(gateway.local_addr(), "/", &format!("Cookie: {cookie}\r\n")).await;
    }
    Visitor::get(gateway.local_addr(), "/", "").await;
    Visitor::get(gateway.local_addr(), "/", "X-User: mia\r\n").await;
    let counts = until_counted(&gateway, "2", |counts| counts.requests == 6).await;
    assert_eq!(counts.new_visitors, 2);
}

#[tokio::test]
async fn who_is_taken_in_by_a_segment_or_kept_out_by_one_is_no_lot() {
    let (one, two) = tokio::join!(Endpoint::named("1"), Endpoint::named("2"));
    let gateway = start();
    let rule = |condition: &str| SegmentRule {
        segment: "some".parse().unwrap(),
        condition: Condition::for_visitors(condition).unwrap(),
    };
    let mut shop = service("shop", &[("1", &[&one]), ("2", &[&two])]);
    let split = shop.split.insert(share("2", 100.0).unwrap());
    split.exclude = vec![rule("request.headers['x-who'] == 'out'")];
    let half = ShareRule {
        segment: Some(rule("request.headers['x-who'] == 'in'")),
        weight: Weight::from_percent(50.0).unwrap(),
    };
    split.include.insert(0, half);
    serve(&gateway, vec![shop]).await;
    for who in ["in", "in", "in", "out", "other"] {
        Visitor::get(gateway.local_addr(), "/", &format!("X-Who: {who}\r\n")).await;
    }
    until_counted(&gateway, "1", |counts| counts.requests == 1).await;
    let counts = until_counted(&gateway, "2", |counts| counts.requests == 4).await;
    assert_eq!(counts.new_visitors, 1, "only `other` was left to the lot over everyone");
    assert_eq!(gateway.counts(&key("shop"))[&version("1")].new_visitors, 0);
}

#[tokio::test]
async fn requests_to_a_counted_path_are_counted_on_their_own_too() {
    let (endpoint, gateway) = (Endpoint::named("1").await, start());
    let counting = |paths: &[&str]| -> ServiceRouting {
        let mut shop = service("shop", &[("1", &[&endpoint])]);
        shop.count = paths.iter().map(|path| path.parse().unwrap()).collect();
        shop
    };
    serve(&gateway, vec![counting(&["/cart/items", "/cart"])]).await;
    for path in ["/cart", "/cart/1", "/cart/items/2?x=/cart", "/carts", "/"] {
        Visitor::get(gateway.local_addr(), path, "X-User: mia\r\n").await;
    }
    let one = |requests| BTreeMap::from([("1".to_owned(), requests)]);
    assert_eq!(of_path(&gateway, "/cart", 5).await, one(2));
    assert_eq!(of_path(&gateway, "/cart/items", 5).await, one(1));
    assert_eq!(of_path(&gateway, "/", 5).await, BTreeMap::new(), "nobody asked to count it");
    let cart: PathPrefix = "/cart".parse().unwrap();
    let latency = gateway.path_counts(&key("shop"), &cart)[&version("1")].latency.count();
    assert_eq!(latency, 2);

    // What is still counted goes on; what is no longer counted begins anew when it comes back.
    publish(&gateway, vec![counting(&["/cart"])]);
    Visitor::get(gateway.local_addr(), "/cart/items", "X-User: mia\r\n").await;
    assert_eq!(of_path(&gateway, "/cart", 6).await, one(3));
    publish(&gateway, vec![counting(&["/cart/items", "/cart"])]);
    assert_eq!(of_path(&gateway, "/cart/items", 6).await, one(0));
}

#[tokio::test]
async fn failures_of_a_path_are_counted_with_their_visitors_by_all_workers() {
    let (endpoint, gateway) = (broken().await, start());
    let mut shop = service("shop", &[("1", &[&endpoint])]);
    shop.count = vec!["/pay".parse().unwrap()];
    serve(&gateway, vec![shop]).await;
    for number in 0..12 {
        let path = if number < 8 { "/pay" } else { "/" };
        Visitor::get(gateway.local_addr(), path, &format!("X-User: user-{}\r\n", number % 4)).await;
    }
    let all = until_counted(&gateway, "1", |counts| counts.requests == 12).await;
    let pay = gateway.path_counts(&key("shop"), &"/pay".parse().unwrap()).remove(&version("1")).unwrap();
    assert_eq!((all.failed(), all.failed_visitors), (12, 4));
    assert_eq!((pay.requests, pay.failed(), pay.failed_visitors), (8, 8, 4));
}
