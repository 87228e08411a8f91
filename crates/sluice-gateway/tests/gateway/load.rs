//! How endpoints share requests, how many one may have, and those that fail.

use std::sync::Arc;

use sluice_core::Span;
use sluice_core::document::service::{Balance, LimitSpec, OutlierSpec};
use sluice_gateway::Gateway;
use tokio::sync::Semaphore;

use super::world::{Answer, Endpoint, Visitor, serve, service, soon, start, start_with, until_counted};

const GET: &str = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

/// Answers as often as it is let.
async fn held() -> (Endpoint, Arc<Semaphore>) {
    let open = Arc::new(Semaphore::new(0));
    let gate = Arc::clone(&open);
    let endpoint = Endpoint::acting(move |_, mut conversation| {
        let gate = Arc::clone(&gate);
        async move {
            gate.acquire().await.unwrap().forget();
            conversation.say("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
            Some(conversation)
        }
    })
    .await;
    (endpoint, open)
}

async fn limited(endpoints: &[&Endpoint], in_flight: u32, queue: u32, wait: Span) -> Gateway {
    let gateway = start();
    let mut shop = service("shop", &[("1", endpoints)]);
    shop.limits = Some(LimitSpec { in_flight, queue, wait });
    serve(&gateway, vec![shop]).await;
    gateway
}

fn ask(gateway: &Gateway) -> tokio::task::JoinHandle<Answer> {
    let address = gateway.local_addr();
    tokio::spawn(async move { Visitor::once(address, GET).await })
}

async fn until_heard(endpoint: &Endpoint, count: usize) {
    soon(&format!("{count} requests at the endpoint"), async {
        while endpoint.heard().len() < count {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn an_endpoint_has_no_more_requests_than_it_may_and_the_others_wait_their_turn() {
    let (endpoint, open) = held().await;
    let gateway = limited(&[&endpoint], 2, 100, Span::from_secs(60)).await;
    let visitors: Vec<_> = (0..20).map(|_| ask(&gateway)).collect();
    super::world::until_in_flight(&gateway, 20).await;
    until_heard(&endpoint, 2).await;
    for done in 1..=20 {
        open.add_permits(1);
        until_heard(&endpoint, (done + 2).min(20)).await;
        assert!(endpoint.heard().len() <= done + 2, "never more than two at a time");
    }
    for visitor in visitors {
        assert_eq!(visitor.await.unwrap().status, 200);
    }
}

#[tokio::test]
async fn who_finds_the_line_full_and_who_waits_too_long_is_told_so() {
    let (endpoint, open) = held().await;
    let gateway = limited(&[&endpoint], 1, 1, Span::from_millis(200)).await;
    let first = ask(&gateway);
    until_heard(&endpoint, 1).await;
    // One waits in vain, and who comes while they wait is sent away at once. Which of the two comes first is open.
    let (second, third) = (ask(&gateway), ask(&gateway));
    for refused in [second, third] {
        let refused = refused.await.unwrap();
        assert_eq!((refused.status, refused.code()), (503, Some("overloaded")));
    }
    open.add_permits(2);
    assert_eq!(first.await.unwrap().status, 200);
    assert_eq!(Visitor::once(gateway.local_addr(), GET).await.status, 200);
    let counts = until_counted(&gateway, "1", |counts| counts.requests == 4).await;
    assert_eq!(counts.failed(), 2, "a version that cannot keep up fails its visitors");
}

#[tokio::test]
async fn who_leaves_the_line_leaves_their_place_to_the_next() {
    let (endpoint, open) = held().await;
    let gateway = limited(&[&endpoint], 1, 1, Span::from_secs(60)).await;
    let first = ask(&gateway);
    until_heard(&endpoint, 1).await;
    let mut leaving = Visitor::connect(gateway.local_addr()).await;
    leaving.say(GET).await;
    super::world::until_in_flight(&gateway, 2).await;
    drop(leaving);
    until_counted(&gateway, "1", |counts| counts.cancelled == 1).await;
    let third = ask(&gateway);
    super::world::until_in_flight(&gateway, 2).await;
    open.add_permits(2);
    assert_eq!((first.await.unwrap().status, third.await.unwrap().status), (200, 200));
}

#[tokio::test]
async fn endpoints_take_turns_whatever_they_have_in_flight() {
    let (busy, open) = held().await;
    let idle = Endpoint::named("idle").await;
    let gateway = start();
    let mut shop = service("shop", &[("1", &[&busy, &idle])]);
    shop.balance = Balance::RoundRobin;
    serve(&gateway, vec![shop]).await;
    let visitors: Vec<_> = (0..10).map(|_| ask(&gateway)).collect();
    until_heard(&busy, 5).await;
    until_heard(&idle, 5).await;
    open.add_permits(5);
    for visitor in visitors {
        assert_eq!(visitor.await.unwrap().status, 200);
    }
    assert_eq!((busy.heard().len(), idle.heard().len()), (5, 5));
}

#[tokio::test]
async fn the_one_with_fewer_requests_in_flight_gets_the_next() {
    let (busy, open) = held().await;
    let idle = Endpoint::named("idle").await;
    let gateway = start_with(sluice_gateway::Limits::default());
    serve(&gateway, vec![service("shop", &[("1", &[&busy])])]).await;
    let address = gateway.local_addr();
    // One connection is one worker, whose requests in flight it is that count.
    let mut visitor = Visitor::connect(address).await;
    visitor.say(GET).await;
    until_heard(&busy, 1).await;
    serve(&gateway, vec![service("shop", &[("1", &[&busy, &idle])])]).await;
    open.add_permits(1);
    assert_eq!(visitor.answer().await.unwrap().status, 200);
    for _ in 0..4 {
        open.add_permits(1);
        assert_eq!(visitor.ask(GET).await.status, 200);
    }
    assert!(!idle.heard().is_empty() && busy.heard().len() < 5, "they share when neither is busy");
}

async fn judged(endpoints: &[&Endpoint], outliers: OutlierSpec) -> Gateway {
    let gateway = start();
    let mut shop = service("shop", &[("1", endpoints)]);
    shop.outliers = Some(outliers);
    serve(&gateway, vec![shop]).await;
    gateway
}

#[tokio::test]
async fn an_endpoint_that_fails_is_left_out_though_its_health_checks_succeed() {
    let broken = Endpoint::answering("HTTP/1.1 500 Broken\r\ncontent-length: 0\r\n\r\n").await;
    let (one, two) = tokio::join!(Endpoint::named("one"), Endpoint::named("two"));
    let outliers = OutlierSpec { failures: 3, eject: Span::from_secs(600), most_percent: 50 };
    let gateway = judged(&[&broken, &one, &two], outliers).await;
    let mut failed = 0;
    for _ in 0..60 {
        failed += usize::from(Visitor::get(gateway.local_addr(), "/", "").await.status == 500);
    }
    assert_eq!((failed, broken.heard().len()), (3, 3));
}

#[tokio::test]
async fn one_that_was_left_out_comes_back_and_goes_for_longer_when_it_fails_again() {
    let broken = Endpoint::answering("HTTP/1.1 500 Broken\r\ncontent-length: 0\r\n\r\n").await;
    let fine = Endpoint::named("fine").await;
    let outliers = OutlierSpec { failures: 1, eject: Span::from_millis(50), most_percent: 50 };
    let gateway = judged(&[&broken, &fine], outliers).await;
    soon("another chance", async {
        while broken.heard().len() < 3 {
            Visitor::get(gateway.local_addr(), "/", "").await;
        }
    })
    .await;
}

#[tokio::test]
async fn the_last_endpoint_and_more_than_may_be_are_not_left_out() {
    let broken = "HTTP/1.1 500 Broken\r\ncontent-length: 0\r\n\r\n";
    let (one, two) = tokio::join!(Endpoint::answering(broken), Endpoint::answering(broken));
    let outliers = OutlierSpec { failures: 1, eject: Span::from_secs(600), most_percent: 100 };
    let alone = judged(&[&one], outliers.clone()).await;
    for _ in 0..5 {
        assert_eq!(Visitor::get(alone.local_addr(), "/", "").await.status, 500);
    }
    let both = judged(&[&one, &two], outliers).await;
    for _ in 0..10 {
        assert_eq!(Visitor::get(both.local_addr(), "/", "").await.status, 500);
    }
    let heard = (one.heard().len() - 5, two.heard().len());
    assert!(heard == (1, 9) || heard == (9, 1), "the one is out, the other has the rest: {heard:?}");
}
