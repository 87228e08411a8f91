//! What one hop has decided, honoured by the next.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use sluice_core::routing::{Carried, ServiceRouting, Shadow, Split};
use sluice_core::{Timestamp, Weight};
use sluice_gateway::{CARRIED_BYTES_MAX, CARRIED_MAX, PreviewKey, RELEASE_HEADER};

use super::world::{
    Endpoint, PREVIEW_KEY, Visitor, key, serve, service, share, soon, start, until_ready, version,
};

const LATER: Timestamp = Timestamp::from_millis(i64::MAX);

fn token(release: &str, is_candidate: bool) -> String {
    let carried = Carried { release: release.parse().unwrap(), is_candidate };
    PREVIEW_KEY.sign_carried(&carried, LATER)
}

fn line(value: &str) -> String {
    format!("{RELEASE_HEADER}: {value}\r\n")
}

/// A share of everyone, under the release `test`, which other services share.
fn shared(percent: f64, salt: &str) -> Option<Split> {
    Some(Split { is_shared: true, salt: salt.to_owned(), ..share("2", percent).unwrap() })
}

fn at(path: &str, name: &str, one: &Endpoint, two: &Endpoint) -> ServiceRouting {
    let mut service = service(name, &[("1", &[one]), ("2", &[two])]);
    service.routes[0].path = path.parse().unwrap();
    service
}

/// What a token says, whatever its expiry.
fn said(endpoint: &Endpoint) -> Vec<Carried> {
    let heard = endpoint.heard().last().cloned().expect("a request");
    let lines = heard.all(RELEASE_HEADER);
    assert!(lines.len() <= 1, "{lines:?}");
    let tokens = lines.first().map(|line| line.split(", ").collect::<Vec<_>>()).unwrap_or_default();
    let verified = tokens.iter().map(|token| PREVIEW_KEY.verify_carried(token, Timestamp::default()));
    verified.map(|carried| carried.expect("a valid token")).collect()
}

fn choice(release: &str, is_candidate: bool) -> Carried {
    Carried { release: release.parse().unwrap(), is_candidate }
}

/// An application that asks another service on behalf of its visitor, without telling who the visitor is. It answers
/// with its own name and the other's answer.
async fn asking(name: &'static str, gateway: SocketAddr, carries: bool) -> Endpoint {
    Endpoint::acting(move |heard, mut conversation| async move {
        let carried = heard.header(RELEASE_HEADER).filter(|_| carries).map(line).unwrap_or_default();
        let inner = Visitor::get(gateway, "/back", &carried).await;
        assert_eq!((inner.status, inner.header("set-cookie").is_none()), (200, carries));
        let body = format!("{name}+{}", inner.text());
        conversation.say(format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len())).await;
        Some(conversation)
    })
    .await
}

/// How many of so many visitors met which versions, of two services that share a release at 30 %.
async fn pairs(visitors: usize, carries: bool) -> BTreeMap<String, usize> {
    let gateway = start();
    let address = gateway.local_addr();
    let (front_one, front_two) = tokio::join!(asking("1", address, carries), asking("2", address, carries));
    let (back_one, back_two) = tokio::join!(Endpoint::named("1"), Endpoint::named("2"));
    let mut front = at("/front", "front", &front_one, &front_two);
    let mut back = at("/back", "back", &back_one, &back_two);
    // By their own salts the two would take in different people.
    (front.split, back.split) = (shared(30.0, "front"), shared(30.0, "back"));
    serve(&gateway, vec![front, back]).await;
    let mut visitor = Visitor::connect(address).await;
    let mut met = BTreeMap::new();
    for person in 0..visitors {
        let request = format!("GET /front HTTP/1.1\r\nHost: h\r\nX-User: user-{person}\r\n\r\n");
        *met.entry(visitor.ask(request).await.text()).or_default() += 1;
    }
    met
}

#[tokio::test]
async fn a_thousand_visitors_meet_versions_that_belong_together() {
    let met = pairs(1_000, true).await;
    assert_eq!(met.keys().collect::<Vec<_>>(), ["1+1", "2+2"], "{met:?}");
    let standard_error = (1_000.0_f64 * 0.3 * 0.7).sqrt();
    assert!((met["2+2"] as f64 - 300.0).abs() < 5.0 * standard_error, "{met:?}");
    // An application that does not pass the header on is what the header is for.
    let mixed = pairs(100, false).await;
    assert!(mixed.contains_key("1+2") && mixed.contains_key("2+1"), "{mixed:?}");
}

#[tokio::test]
async fn nobody_chooses_by_forging() {
    let (one, two) = tokio::join!(Endpoint::named("1"), Endpoint::named("2"));
    let gateway = start();
    let mut shop = at("/", "shop", &one, &two);
    shop.split = shared(0.0, "test");
    serve(&gateway, vec![shop]).await;
    let carried = choice("test", true);
    let valid = token("test", true);
    let preview = PREVIEW_KEY.sign(&key("shop"), &version("2"), LATER);
    let signature = preview.rsplit('~').next().unwrap();
    let expired = PREVIEW_KEY.sign_carried(&carried, Timestamp::from_millis(1));
    for forged in [
        PreviewKey::new([8; 32]).sign_carried(&carried, LATER),
        token("test", false).replace("stable", "candidate"),
        token("other", true).replace("other", "test"),
        expired.clone(),
        expired.replace("~1~", "~9223372036854775807~"),
        format!("test~candidate~{}~{signature}", i64::MAX),
        preview.clone(),
        format!("{valid}x"),
        format!("{valid}{}", " ".repeat(CARRIED_BYTES_MAX)).replace(' ', ","),
        "test~candidate".to_owned(),
        "candidate".to_owned(),
        "~~~".to_owned(),
        ",".to_owned(),
        String::new(),
    ] {
        let answer = Visitor::get(gateway.local_addr(), "/", &line(&forged)).await;
        assert_eq!((answer.status, answer.text().as_str()), (200, "1"), "{forged}");
        // Whom nobody has decided for gets a unit, and what was forged goes no further.
        assert!(answer.header("set-cookie").is_some(), "{forged}");
        assert_eq!(said(&one), [choice("test", false)], "{forged}");
    }
    let carried = Visitor::get(gateway.local_addr(), "/", &line(&valid)).await;
    assert_eq!((carried.text().as_str(), carried.header("set-cookie")), ("2", None));
    assert_eq!(said(&two), [choice("test", true)]);
    // What is carried is none of the visitor's business.
    assert_eq!(carried.header(RELEASE_HEADER), None);
}

#[tokio::test]
async fn stable_is_carried_as_well_as_the_candidate() {
    let (one, two) = tokio::join!(Endpoint::named("1"), Endpoint::named("2"));
    let gateway = start();
    let mut shop = at("/", "shop", &one, &two);
    shop.split = shared(100.0, "test");
    serve(&gateway, vec![shop]).await;
    assert_eq!(Visitor::get(gateway.local_addr(), "/", "X-User: ada\r\n").await.text(), "2");
    assert_eq!(said(&two), [choice("test", true)]);
    let headers = format!("X-User: ada\r\n{}", line(&token("test", false)));
    assert_eq!(Visitor::get(gateway.local_addr(), "/", &headers).await.text(), "1");
    assert_eq!(said(&one), [choice("test", false)]);
}

#[tokio::test]
async fn a_candidate_that_is_not_ready_is_answered_by_stable_and_the_next_hop_is_told_so() {
    let (one, two) = tokio::join!(Endpoint::named("1"), Endpoint::named("2"));
    two.health.store(500, std::sync::atomic::Ordering::SeqCst);
    let gateway = start();
    let mut shop = at("/", "shop", &one, &two);
    shop.split = shared(100.0, "test");
    super::world::publish(&gateway, vec![shop]);
    until_ready(&gateway, &key("shop"), &version("1"), 1).await;
    let answer = Visitor::get(gateway.local_addr(), "/", &line(&token("test", true))).await;
    assert_eq!(answer.text(), "1");
    assert_eq!(said(&one), [choice("test", false)]);
}

#[tokio::test]
async fn choices_under_other_releases_are_passed_on_as_they_came_and_choose_nothing_here() {
    let (one, two) = tokio::join!(Endpoint::named("1"), Endpoint::named("2"));
    let gateway = start();
    let (mut plain, mut alone, mut together) =
        (at("/plain", "a", &one, &two), at("/alone", "b", &one, &two), at("/shared", "c", &one, &two));
    plain.split = None;
    // This release is nobody else's business, whatever its name.
    alone.split = share("2", 0.0);
    together.split = shared(0.0, "test");
    serve(&gateway, vec![plain, alone, together]).await;
    let (other, own) = (token("other", true), token("test", true));
    let value = format!("{other}, {own}");
    for path in ["/plain", "/alone"] {
        let answer = Visitor::get(gateway.local_addr(), path, &line(&value)).await;
        assert_eq!((answer.text().as_str(), answer.header("set-cookie")), ("1", None));
        assert_eq!(one.heard().last().unwrap().all(RELEASE_HEADER), [value.as_str()]);
    }
    let answer = Visitor::get(gateway.local_addr(), "/shared", &line(&value)).await;
    assert_eq!(answer.text(), "2");
    assert_eq!(said(&two), [choice("test", true), choice("other", true)]);
    // Nothing is added where nothing is shared.
    Visitor::get(gateway.local_addr(), "/alone", "").await;
    assert_eq!(one.heard().last().unwrap().header(RELEASE_HEADER), None);
}

#[tokio::test]
async fn the_header_never_grows_beyond_eight_choices() {
    let (one, two) = tokio::join!(Endpoint::named("1"), Endpoint::named("2"));
    let gateway = start();
    let mut shop = at("/", "shop", &one, &two);
    shop.split = shared(0.0, "test");
    serve(&gateway, vec![shop]).await;
    let many: Vec<String> = (0..20).map(|number| token(&format!("release-{number}"), true)).collect();
    let headers = many.iter().map(|token| line(token)).collect::<String>();
    assert_eq!(Visitor::get(gateway.local_addr(), "/", &headers).await.text(), "1");
    let passed_on = said(&one);
    assert_eq!((passed_on.len(), &passed_on[0]), (CARRIED_MAX, &choice("test", false)));
    // Valid, but more than is read.
    let many: Vec<String> = (0..60).map(|number| token(&format!("release-{number}"), true)).collect();
    assert!(many.iter().map(String::len).sum::<usize>() > CARRIED_BYTES_MAX);
    let headers = many.iter().map(|token| line(token)).collect::<String>();
    assert_eq!(Visitor::get(gateway.local_addr(), "/", &headers).await.text(), "1");
    assert_eq!(said(&one), [choice("test", false)]);
}

#[tokio::test]
async fn a_copy_carries_the_candidate_that_it_is_sent_to() {
    let (one, two) = tokio::join!(Endpoint::named("1"), Endpoint::named("2"));
    let gateway = start();
    let mut shop = at("/", "shop", &one, &two);
    shop.split = shared(0.0, "test");
    shop.split.as_mut().unwrap().shadow = Some(Shadow { weight: Weight::FULL, copies_unsafe: false });
    serve(&gateway, vec![shop]).await;
    assert_eq!(Visitor::get(gateway.local_addr(), "/", "").await.text(), "1");
    assert_eq!(said(&one), [choice("test", false)]);
    soon("the copy", async {
        while two.heard().is_empty() {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
    })
    .await;
    assert_eq!(said(&two), [choice("test", true)]);
}
