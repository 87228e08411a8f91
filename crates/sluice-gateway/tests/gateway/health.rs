//! Health checks and readiness.

use std::sync::atomic::Ordering::SeqCst;

use sluice_core::Span;
use sluice_gateway::Ready;

use super::world::{
    Endpoint, Visitor, key, publish, serve, service, share, soon, start, until_counted, until_ready, version,
};

#[tokio::test]
async fn an_endpoint_that_falls_sick_gets_nothing_until_it_is_well() {
    let endpoint = Endpoint::named("1").await;
    let gateway = start();
    serve(&gateway, vec![service("shop", &[("1", &[&endpoint])])]).await;
    for _ in 0..2 {
        assert_eq!(Visitor::get(gateway.local_addr(), "/", "").await.status, 200);
        endpoint.health.store(500, SeqCst);
        until_ready(&gateway, &key("shop"), &version("1"), 0).await;
        let answer = Visitor::get(gateway.local_addr(), "/", "").await;
        assert_eq!((answer.status, answer.code()), (503, Some("no-ready-endpoint")));
        endpoint.health.store(302, SeqCst);
        until_ready(&gateway, &key("shop"), &version("1"), 1).await;
    }
    assert_eq!(endpoint.heard().len(), 2);
}

#[tokio::test]
async fn a_new_endpoint_gets_nothing_before_its_first_check_succeeded() {
    let (one, two) = tokio::join!(Endpoint::named("1"), Endpoint::named("2"));
    two.health.store(503, SeqCst);
    let gateway = start();
    serve(&gateway, vec![service("shop", &[("1", &[&one])])]).await;
    let mut shop = service("shop", &[("1", &[&one]), ("2", &[&two])]);
    shop.split = share("2", 100.0);
    publish(&gateway, vec![shop]);
    let mut readiness = gateway.readiness();
    let known = |all: &std::sync::Arc<sluice_gateway::Readiness>| {
        all[&key("shop")].get(&version("2")) == Some(&Ready { ready: 0, total: 1 })
    };
    drop(soon("the version to be known", readiness.wait_for(known)).await.unwrap());
    // Who would meet it meets stable.
    for _ in 0..10 {
        assert_eq!(Visitor::get(gateway.local_addr(), "/", "").await.text(), "1");
    }
    two.health.store(200, SeqCst);
    until_ready(&gateway, &key("shop"), &version("2"), 1).await;
    assert_eq!(Visitor::get(gateway.local_addr(), "/", "").await.text(), "2");
}

#[tokio::test]
async fn one_bad_check_is_not_enough_and_health_outlives_a_new_snapshot() {
    let endpoint = Endpoint::named("1").await;
    let gateway = start();
    let mut shop = service("shop", &[("1", &[&endpoint])]);
    shop.health.unhealthy_after = 1_000_000;
    serve(&gateway, vec![shop.clone()]).await;
    endpoint.health.store(500, SeqCst);
    // A new snapshot with another weight, other checks even: the endpoint is as ready as it was.
    for every in [50, 60, 70] {
        shop.health.every = Span::from_millis(every);
        publish(&gateway, vec![shop.clone()]);
        assert_eq!(Visitor::get(gateway.local_addr(), "/", "").await.status, 200);
    }
    shop.health.unhealthy_after = 2;
    publish(&gateway, vec![shop]);
    until_ready(&gateway, &key("shop"), &version("1"), 0).await;
}

#[tokio::test]
async fn a_service_that_is_taken_away_is_no_longer_announced() {
    let endpoint = Endpoint::named("1").await;
    let gateway = start();
    serve(&gateway, vec![service("shop", &[("1", &[&endpoint])])]).await;
    publish(&gateway, Vec::new());
    let mut readiness = gateway.readiness();
    let gone = readiness.wait_for(|all| all.is_empty());
    drop(soon("the service to be gone", gone).await.unwrap());
    assert!(gateway.counts(&key("shop")).is_empty());
}

#[tokio::test]
async fn requests_spread_over_all_ready_endpoints() {
    let (a, b, c) = tokio::join!(Endpoint::named("a"), Endpoint::named("b"), Endpoint::named("c"));
    let gateway = start();
    serve(&gateway, vec![service("shop", &[("1", &[&a, &b, &c])])]).await;
    let mut visitor = Visitor::connect(gateway.local_addr()).await;
    for _ in 0..30 {
        assert_eq!(visitor.ask("GET / HTTP/1.1\r\nHost: h\r\n\r\n").await.status, 200);
    }
    assert_eq!([&a, &b, &c].map(|endpoint| endpoint.heard().len()), [10, 10, 10]);
}

#[tokio::test]
async fn services_without_routes_and_versions_without_endpoints_are_known_and_harm_nobody() {
    let one = Endpoint::named("1").await;
    let gateway = start();
    let shop = service("shop", &[("1", &[&one]), ("2", &[])]);
    // Checked and counted, and reached by nobody: a worker that a release only watches.
    let mut worker = service("worker", &[("1", &[&one]), ("2", &[])]);
    worker.routes = Vec::new();
    let nothing = service("nothing", &[("1", &[])]);
    let (mut dark, mut shown) = (nothing.clone(), shop.clone());
    dark.routes = Vec::new();
    shown.split = share("2", 100.0);
    publish(&gateway, vec![shown.clone(), worker.clone(), dark]);
    let mut readiness = gateway.readiness();
    let (all_ready, none) = (Ready { ready: 1, total: 1 }, Ready { ready: 0, total: 0 });
    let known = readiness.wait_for(|all| {
        ["shop", "worker"].iter().all(|name| {
            all.get(&key(name)).is_some_and(|versions| {
                versions.get(&version("1")) == Some(&all_ready) && versions.get(&version("2")) == Some(&none)
            })
        }) && all.get(&key("nothing")).is_some_and(|versions| versions.get(&version("1")) == Some(&none))
    });
    drop(soon("all versions to be known", known).await.unwrap());
    // A candidate without endpoints is given to nobody.
    assert_eq!(Visitor::get(gateway.local_addr(), "/", "").await.text(), "1");
    // Endpoints come, and a route goes, without a request being lost.
    let two = Endpoint::named("2").await;
    let mut grown = service("shop", &[("1", &[&one]), ("2", &[&two])]);
    grown.split = share("2", 100.0);
    publish(&gateway, vec![grown.clone(), worker.clone()]);
    until_ready(&gateway, &key("shop"), &version("2"), 1).await;
    assert_eq!(Visitor::get(gateway.local_addr(), "/", "").await.text(), "2");
    grown.routes = Vec::new();
    publish(&gateway, vec![grown, worker]);
    assert_eq!(Visitor::get(gateway.local_addr(), "/", "").await.code(), Some("no-route"));
    // A stable version without endpoints is answered for by the gateway, and that counts as its failure.
    let mut nothing = nothing;
    nothing.key = key("shop");
    publish(&gateway, vec![nothing]);
    assert_eq!(Visitor::get(gateway.local_addr(), "/", "").await.code(), Some("no-ready-endpoint"));
    until_counted(&gateway, "1", |counts| counts.responses == [0, 1, 0, 0, 1]).await;
}
