//! Where visitors come from, and who is believed about it; what their tokens claim; lists of ids.

use sluice_core::Weight;
use sluice_core::condition::Condition;
use sluice_core::document::service::{AttributeSource, UnitSource};
use sluice_core::routing::{SegmentRule, ServiceRouting, ShareRule};
use sluice_gateway::{Attributes, Gateway, Lists, Options, TokenOptions, Tokens};

use super::world::{Endpoint, Visitor, options, serve, service, share};

async fn with(attributes: Attributes, services: Vec<ServiceRouting>) -> Gateway {
    let listen = "127.0.0.1:0".parse().unwrap();
    let gateway = Gateway::start(Options { attributes, ..options(listen, 2) }).unwrap();
    serve(&gateway, services).await;
    gateway
}

/// All for whom the rule holds get version 2.
fn to_two(rule: &str, one: &Endpoint, two: &Endpoint) -> ServiceRouting {
    let mut shop = service("shop", &[("1", &[one]), ("2", &[two])]);
    let condition = Condition::for_visitors(rule).unwrap();
    let segment = Some(SegmentRule { segment: "some".parse().unwrap(), condition });
    let mut split = share("2", 0.0).unwrap();
    split.include = vec![ShareRule { segment, weight: Weight::FULL }];
    shop.split = Some(split);
    shop
}

async fn version(gateway: &Gateway, headers: &str) -> String {
    let answer = Visitor::get(gateway.local_addr(), "/", headers).await;
    answer.header("x-sluice-version").unwrap_or_default().to_owned()
}

#[tokio::test]
async fn only_trusted_proxies_say_where_a_visitor_is() {
    let (one, two) = tokio::join!(Endpoint::named("1"), Endpoint::named("2"));
    let rule = "request.address.inside('198.51.100.0/24') && request.scheme == 'https'";
    let forwarded = "X-Forwarded-For: 198.51.100.7\r\nX-Forwarded-Proto: https\r\n";
    let shop = || to_two(rule, &one, &two);
    let trusting = |network: &str| Attributes {
        trusted_proxies: vec![network.parse().unwrap()],
        ..Attributes::default()
    };
    // We are 127.0.0.1.
    let trusted = with(trusting("127.0.0.0/8"), vec![shop()]).await;
    assert_eq!((version(&trusted, forwarded).await, version(&trusted, "").await), ("2".into(), "1".into()));
    assert_eq!(two.heard()[0].all("x-forwarded-for"), ["198.51.100.7, 127.0.0.1"]);
    let strict = with(trusting("10.0.0.0/8"), vec![shop()]).await;
    assert_eq!(version(&strict, &format!("{forwarded}X-Real-IP: 198.51.100.7\r\n")).await, "1");
    let heard = one.heard().pop().unwrap();
    assert_eq!(
        (heard.all("x-forwarded-for"), heard.all("x-forwarded-proto")),
        (vec!["127.0.0.1"], vec!["http"])
    );
    assert_eq!(heard.header("x-real-ip"), None);
    // Where nobody was named, it is passed on as it came, and believed by nobody.
    let unsaid = with(Attributes::default(), vec![shop()]).await;
    assert_eq!(version(&unsaid, forwarded).await, "1");
    let heard = one.heard().pop().unwrap();
    assert_eq!(heard.all("x-forwarded-for"), ["198.51.100.7, 127.0.0.1"]);
}

#[tokio::test]
async fn lists_hold_whom_they_name_and_are_replaced_while_visitors_come() {
    let (one, two) = tokio::join!(Endpoint::named("1"), Endpoint::named("2"));
    let lists = Lists::default();
    let attributes = Attributes { lists: lists.clone(), ..Attributes::default() };
    let gateway = with(attributes, vec![to_two("visitor.id in list('testers')", &one, &two)]).await;
    let ada = "x-user: ada\r\n";
    assert_eq!(version(&gateway, ada).await, "1", "a list that is not there holds nobody");
    lists.replace([("testers".parse().unwrap(), ["ada", "grace"].into_iter().collect())].into());
    assert_eq!(
        (version(&gateway, ada).await, version(&gateway, "x-user: eve\r\n").await),
        ("2".into(), "1".into())
    );
    lists.replace([].into());
    assert_eq!(version(&gateway, ada).await, "1");
}

/// A key of Ed25519 from RFC 8037 appendix A, and a token that it signed.
mod signed {
    pub(super) const KEYS: &str = r#"{"keys":[{"kty":"OKP","crv":"Ed25519",
        "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
}

#[tokio::test]
async fn a_token_that_is_believed_gives_attributes_and_the_unit() {
    use base64::Engine as _;
    let seed = base64::engine::general_purpose::URL_SAFE_NO_PAD
        .decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A")
        .unwrap();
    let key = ring::signature::Ed25519KeyPair::from_seed_unchecked(&seed).unwrap();
    let encode = |text: &str| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text);
    let token = |claims: &str| {
        let text = format!("{}.{}", encode(r#"{"alg":"EdDSA"}"#), encode(claims));
        let signature = key.sign(text.as_bytes());
        format!("{text}.{}", base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(signature))
    };
    let (one, two) = tokio::join!(Endpoint::named("1"), Endpoint::named("2"));
    let rule = "visitor.plan == 'pro' && 'beta' in visitor.groups && visitor.id == 'ada'";
    let mut shop = to_two(rule, &one, &two);
    shop.unit = vec![UnitSource::Claim("sub".to_owned())];
    shop.visitor =
        ["plan", "groups"].map(|name| (name.to_owned(), AttributeSource::Claim(name.to_owned()))).into();
    for cookie in [None, Some("session".to_owned())] {
        let options =
            TokenOptions { issuer: "https://id".to_owned(), audience: None, cookie: cookie.clone() };
        let tokens = Tokens::new(options);
        let attributes = Attributes { tokens: Some(tokens.clone()), ..Attributes::default() };
        let gateway = with(attributes, vec![shop.clone()]).await;
        let bring = |token: &str| match &cookie {
            None => format!("Authorization: bearer {token}\r\n"),
            Some(cookie) => format!("Cookie: a=b; {cookie}={token}\r\n"),
        };
        let good = token(r#"{"iss":"https://id","sub":"ada","plan":"pro","groups":["staff","beta"]}"#);
        assert_eq!(version(&gateway, &bring(&good)).await, "1", "before there are keys, nobody is believed");
        tokens.replace_keys(signed::KEYS.as_bytes()).unwrap();
        assert_eq!(version(&gateway, &bring(&good)).await, "2");
        assert_eq!(version(&gateway, &bring(&good)).await, "2", "and again, from memory");
        let other = token(r#"{"iss":"https://other","sub":"ada","plan":"pro","groups":["beta"]}"#);
        for token in [other.as_str(), &good[..good.len() - 4], "", "a.b.c"] {
            assert_eq!(version(&gateway, &bring(token)).await, "1", "{token}");
        }
    }
}
