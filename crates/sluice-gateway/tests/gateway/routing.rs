//! Hosts, paths, shares, stickiness, previews.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use sluice_core::document::service::{Reveal, RouteSpec, UnitSource};
use sluice_core::{Timestamp, Weight};

use super::world::{
    Endpoint, PREVIEW_KEY, Visitor, key, publish, serve, service, share, start, until_counted, version,
};

fn route(host: &str, path: &str) -> RouteSpec {
    RouteSpec::at(host.parse().unwrap(), path.parse().unwrap())
}

#[tokio::test]
async fn requests_reach_the_service_with_the_most_exact_host_and_the_longest_path() {
    let (shop, checkout, blog, rest) = tokio::join!(
        Endpoint::named("shop"),
        Endpoint::named("checkout"),
        Endpoint::named("blog"),
        Endpoint::named("rest")
    );
    let at = |name: &str, endpoint: &Endpoint, routes: Vec<RouteSpec>| {
        let mut service = service(name, &[("1", &[endpoint])]);
        service.routes = routes;
        service
    };
    let gateway = start();
    let services = vec![
        at("shop", &shop, vec![route("shop.example.com", "/")]),
        at(
            "checkout",
            &checkout,
            vec![route("shop.example.com", "/checkout"), route("pay.example.com", "/")],
        ),
        at("blog", &blog, vec![route("*.example.com", "/blog")]),
        at("rest", &rest, vec![route("*", "/")]),
    ];
    serve(&gateway, services).await;
    for (host, path, expected) in [
        ("shop.example.com", "/", "shop"),
        ("SHOP.Example.com:8080", "/cart?x=/checkout", "shop"),
        ("shop.example.com", "/checkout", "checkout"),
        ("shop.example.com", "/checkout/1?a=b", "checkout"),
        ("shop.example.com", "/checkouts", "shop"),
        ("shop.example.com", "/blog", "shop"),
        ("pay.example.com", "/blog", "checkout"),
        ("www.example.com", "/blog/1", "blog"),
        ("a.b.example.com", "/blog", "blog"),
        ("example.com", "/blog", "rest"),
        ("www.example.com", "/other", "rest"),
        ("unknown", "/", "rest"),
    ] {
        let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n");
        let answer = Visitor::once(gateway.local_addr(), request).await;
        assert_eq!((answer.status, answer.text().as_str()), (200, expected), "{host}{path}");
    }
    // The path and query arrive as they were asked.
    assert_eq!(shop.heard()[1].path(), "/cart?x=/checkout");
}

#[tokio::test]
async fn a_request_without_a_route_is_answered_404_with_a_code() {
    let gateway = start();
    let answer = Visitor::get(gateway.local_addr(), "/", "Accept: application/json\r\n").await;
    assert_eq!((answer.status, answer.code()), (404, Some("no-route")));
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    assert!(answer.text().contains("\"code\":\"no-route\""), "{}", answer.text());
}

async fn version_of(visitor: &mut Visitor, person: usize) -> String {
    let request = format!("GET / HTTP/1.1\r\nHost: h\r\nX-User: user-{person}\r\n\r\n");
    let answer = visitor.ask(request).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("x-sluice-version"), Some(answer.text().as_str()));
    answer.text()
}

#[tokio::test]
async fn shares_are_what_the_weight_says_and_everybody_keeps_their_version() {
    let (one, two) = tokio::join!(Endpoint::named("1"), Endpoint::named("2"));
    let gateway = start();
    let mut shop = service("shop", &[("1", &[&one]), ("2", &[&two])]);
    shop.split = share("2", 20.0);
    serve(&gateway, vec![shop]).await;
    let people = 3_000;
    let mut rounds = Vec::new();
    for _ in 0..2 {
        // On a connection of its own, so that nothing but the unit can be remembered.
        let mut visitor = Visitor::connect(gateway.local_addr()).await;
        let mut met = Vec::new();
        for person in 0..people {
            met.push(version_of(&mut visitor, person).await);
        }
        rounds.push(met);
    }
    assert_eq!(rounds[0], rounds[1]);
    let met_candidate = rounds[0].iter().filter(|version| *version == "2").count() as f64;
    let (expected, standard_error) = (people as f64 * 0.2, (people as f64 * 0.2 * 0.8).sqrt());
    assert!((met_candidate - expected).abs() < 3.0 * standard_error, "{met_candidate} met the candidate");
    let wanted = 2 * met_candidate as u64;
    until_counted(&gateway, "2", |counts| counts.requests == wanted && counts.responses[1] == wanted).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_flips_while_the_weight_grows_under_load() {
    let (one, two) = tokio::join!(Endpoint::named("1"), Endpoint::named("2"));
    let gateway = start();
    let shop = service("shop", &[("1", &[&one]), ("2", &[&two])]);
    serve(&gateway, vec![shop.clone()]).await;
    let is_over = Arc::new(AtomicBool::new(false));
    let load = |worker: usize| {
        let (address, is_over) = (gateway.local_addr(), Arc::clone(&is_over));
        tokio::spawn(async move {
            let mut visitor = Visitor::connect(address).await;
            let mut latest = BTreeMap::new();
            let mut flips = 0;
            let mut last_round = false;
            while !last_round {
                // One round more after the end, so that everybody is asked at full weight.
                last_round = is_over.load(SeqCst);
                for person in (0..50).map(|number| worker * 50 + number) {
                    let version = version_of(&mut visitor, person).await;
                    let before = latest.insert(person, version.clone());
                    flips += usize::from(before.as_deref() == Some("2") && version == "1");
                }
            }
            (flips, latest)
        })
    };
    let loads: Vec<_> = (0..4).map(load).collect();
    for percent in 1..=100 {
        let mut shop = shop.clone();
        shop.split = share("2", f64::from(percent));
        publish(&gateway, vec![shop]);
        // A request between two steps, so that the steps are spread over the load.
        version_of(&mut Visitor::connect(gateway.local_addr()).await, 1_000).await;
    }
    is_over.store(true, SeqCst);
    for load in loads {
        let (flips, latest) = load.await.unwrap();
        assert_eq!(flips, 0);
        assert!(latest.values().all(|version| version == "2"), "{latest:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_request_fails_during_hundreds_of_publishes() {
    let (one, two) = tokio::join!(Endpoint::named("1"), Endpoint::named("2"));
    let gateway = start();
    let with_two = service("shop", &[("1", &[&one]), ("2", &[&two])]);
    let without_two = service("shop", &[("1", &[&one])]);
    serve(&gateway, vec![with_two.clone()]).await;
    let is_over = Arc::new(AtomicBool::new(false));
    let load = |worker: usize| {
        let (address, is_over) = (gateway.local_addr(), Arc::clone(&is_over));
        tokio::spawn(async move {
            let mut visitor = Visitor::connect(address).await;
            while !is_over.load(SeqCst) {
                for person in 0..20 {
                    version_of(&mut visitor, worker * 20 + person).await;
                }
            }
        })
    };
    let loads: Vec<_> = (0..4).map(load).collect();
    for round in 0..300_u32 {
        // Weights change, the candidate disappears and comes back, and with it its endpoint.
        let mut next = if round % 3 == 2 { without_two.clone() } else { with_two.clone() };
        next.split = share("2", f64::from(round % 101));
        publish(&gateway, vec![next]);
        version_of(&mut Visitor::connect(gateway.local_addr()).await, 1_000).await;
    }
    is_over.store(true, SeqCst);
    for load in loads {
        load.await.unwrap();
    }
    assert_eq!(gateway.generation(), 301);
}

#[tokio::test]
async fn a_preview_shows_a_dark_version_and_nothing_else_does() {
    let (one, two) = tokio::join!(Endpoint::named("1"), Endpoint::named("2"));
    let gateway = start();
    let mut shop = service("shop", &[("1", &[&one]), ("2", &[&two])]);
    shop.reveal = Reveal::Preview;
    serve(&gateway, vec![shop]).await;
    let ask = async |header: String| {
        Visitor::get(gateway.local_addr(), "/", &format!("X-Sluice-Preview: {header}\r\n")).await
    };
    let never = Timestamp::from_millis(i64::MAX);
    let shown = ask(PREVIEW_KEY.sign(&key("shop"), &version("2"), never)).await;
    assert_eq!((shown.text().as_str(), shown.header("x-sluice-version")), ("2", Some("2")));
    // Endpoints do not see the key to a dark version.
    assert_eq!(two.heard()[0].header("x-sluice-preview"), None);

    let plain = Visitor::get(gateway.local_addr(), "/", "").await;
    assert_eq!((plain.text().as_str(), plain.header("x-sluice-version")), ("1", None));
    for (header, code) in [
        (PREVIEW_KEY.sign(&key("shop"), &version("2"), Timestamp::from_millis(1)), "preview-expired"),
        (PREVIEW_KEY.sign(&key("other"), &version("2"), never), "preview-invalid"),
        (PREVIEW_KEY.sign(&key("shop"), &version("3"), never), "preview-unknown-version"),
        ("2".to_owned(), "preview-invalid"),
        (String::new(), "preview-invalid"),
    ] {
        let refused = ask(header).await;
        assert_eq!((refused.status, refused.code()), (403, Some(code)));
    }
    assert_eq!((one.heard().len(), two.heard().len()), (1, 1));
}

#[tokio::test]
async fn who_brings_no_unit_gets_one_that_decides_at_once() {
    let (one, two) = tokio::join!(Endpoint::named("1"), Endpoint::named("2"));
    let gateway = start();
    let mut shop = service("shop", &[("1", &[&one]), ("2", &[&two])]);
    shop.split = share("2", 50.0);
    serve(&gateway, vec![shop]).await;
    let mut units = BTreeMap::new();
    for _ in 0..40 {
        let first = Visitor::get(gateway.local_addr(), "/", "").await;
        let cookie = first.header("set-cookie").expect("a cookie").to_owned();
        let (pair, attributes) = cookie.split_once(';').unwrap();
        assert_eq!(attributes, " Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax");
        let unit = pair.strip_prefix("sluice_unit=").unwrap();
        assert!(unit.len() == 32 && unit.bytes().all(|byte| byte.is_ascii_hexdigit()), "{unit}");
        let second = Visitor::get(gateway.local_addr(), "/", &format!("Cookie: a=b; {pair}\r\n")).await;
        assert_eq!(second.text(), first.text());
        assert_eq!(second.header("set-cookie"), None);
        units.insert(unit.to_owned(), first.text());
    }
    assert_eq!(units.len(), 40);
    for version in ["1", "2"] {
        assert!(units.values().any(|met| met == version), "nobody of 40 met {version}");
    }
    let with_header = Visitor::get(gateway.local_addr(), "/", "X-User: ada\r\n").await;
    assert_eq!(with_header.header("set-cookie"), None);
}

#[tokio::test]
async fn without_a_cookie_among_the_units_none_is_set_and_only_whole_shares_are_met() {
    let (one, two) = tokio::join!(Endpoint::named("1"), Endpoint::named("2"));
    let gateway = start();
    let mut shop = service("shop", &[("1", &[&one]), ("2", &[&two])]);
    shop.unit = vec![UnitSource::Header("x-user".to_owned())];
    shop.split = share("2", 99.0);
    serve(&gateway, vec![shop.clone()]).await;
    let answer = Visitor::get(gateway.local_addr(), "/", "").await;
    assert_eq!((answer.text().as_str(), answer.header("set-cookie")), ("1", None));
    shop.split.as_mut().unwrap().include[0].weight = Weight::FULL;
    publish(&gateway, vec![shop]);
    assert_eq!(Visitor::get(gateway.local_addr(), "/", "").await.text(), "2");
}

#[tokio::test]
async fn an_older_generation_changes_nothing() {
    let one = Endpoint::named("1").await;
    let gateway = start();
    serve(&gateway, vec![service("shop", &[("1", &[&one])])]).await;
    publish(&gateway, vec![service("shop", &[("1", &[&one])])]);
    assert!(!gateway.publish(super::world::snapshot(1, Vec::new())));
    assert_eq!(gateway.generation(), 2);
    assert_eq!(Visitor::get(gateway.local_addr(), "/", "").await.text(), "1");
}

#[tokio::test]
async fn a_snapshot_that_names_versions_it_does_not_have_is_served_as_far_as_it_goes() {
    let one = Endpoint::named("1").await;
    let gateway = start();
    let mut shop = service("shop", &[("1", &[&one])]);
    shop.split = share("gone", 100.0);
    serve(&gateway, vec![shop.clone()]).await;
    assert_eq!(Visitor::get(gateway.local_addr(), "/", "").await.text(), "1");
    shop.stable = version("gone");
    publish(&gateway, vec![shop]);
    let answer = Visitor::get(gateway.local_addr(), "/", "").await;
    assert_eq!((answer.status, answer.code()), (503, Some("no-ready-endpoint")));
}
