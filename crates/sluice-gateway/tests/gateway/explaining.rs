//! What is told of a request beside what becomes of it.

use sluice_core::routing::explain::{Explanation, HeaderLine, Question};
use sluice_core::{Timestamp, Weight};
use sluice_gateway::PREVIEW_HEADER;

use super::world::{Endpoint, PREVIEW_KEY, Visitor, key, serve, service, share, start, version};

fn ask(url: &str, headers: &[(&str, &str)]) -> Question {
    let line =
        |(name, value): &(&str, &str)| HeaderLine { name: (*name).to_owned(), value: (*value).to_owned() };
    Question { method: "GET".to_owned(), url: url.to_owned(), headers: headers.iter().map(line).collect() }
}

fn only(told: &Explanation) -> (&str, &str) {
    assert_eq!(told.outcomes.len(), 1, "{told}");
    (told.outcomes[0].version.as_str(), told.outcomes[0].why.as_str())
}

#[tokio::test]
async fn a_request_gets_the_version_that_was_told() {
    let (one, two) = (Endpoint::named("1").await, Endpoint::named("2").await);
    let gateway = start();
    let mut shop = service("shop", &[("1", &[&one]), ("2", &[&two])]);
    shop.split = share("2", 40.0);
    serve(&gateway, vec![shop]).await;
    for user in 0..50 {
        let user = user.to_string();
        let told = gateway.explain(&ask("http://h/", &[("x-user", &user)])).unwrap();
        let met = Visitor::get(gateway.local_addr(), "/", &format!("x-user: {user}\r\n")).await;
        assert_eq!(only(&told).0, met.text(), "{told}");
    }
    let new = gateway.explain(&ask("https://h:8443/x?y#z", &[])).unwrap();
    let chances: Vec<_> = new.outcomes.iter().map(|o| (o.version.as_str(), o.percent)).collect();
    assert_eq!(chances, [("2", 40.0), ("1", 60.0)], "{new}");
    let preview = PREVIEW_KEY.sign(&key("shop"), &version("2"), Timestamp::from_millis(i64::MAX));
    let told = gateway.explain(&ask("http://h/", &[(PREVIEW_HEADER, &preview)])).unwrap();
    assert_eq!(only(&told), ("2", "preview"));
    let forged = gateway.explain(&ask("http://h/", &[(PREVIEW_HEADER, "2~1~x")])).unwrap();
    let (answer, met) = (
        forged.refusal.unwrap(),
        Visitor::get(gateway.local_addr(), "/", &format!("{PREVIEW_HEADER}: 2~1~x\r\n")).await,
    );
    assert_eq!((answer.status, Some(answer.code.as_str())), (met.status, met.code()));
    assert!(gateway.counts(&key("shop"))[&version("1")].requests > 0);
    assert_eq!(Weight::FULL.percent(), new.outcomes.iter().map(|outcome| outcome.percent).sum::<f64>());
}

#[tokio::test]
async fn what_is_no_request_is_told_with_how_to_mend_it() {
    let gateway = start();
    for (url, headers, part) in [
        ("/checkout", &[][..], "names no host"),
        ("shop.example.com", &[], "names no host"),
        ("ftp://h/", &[], "names no host"),
        ("http://a b/", &[], "is no address"),
        ("http://ada@h/", &[], "holds a user"),
        ("http://h/", &[("x y", "1")], "is no name of a header"),
        ("http://h/", &[("x", "a\nb")], "holds what a header cannot"),
        ("", &[], "is no address"),
    ] {
        let error = gateway.explain(&ask(url, headers)).unwrap_err();
        assert!(error.detail.contains(part) && !error.hint.is_empty(), "{url}: {error:?}");
    }
    let mut question = ask("http://h/", &[]);
    question.method = "G T".to_owned();
    assert!(gateway.explain(&question).unwrap_err().detail.contains("no method"));
    let nowhere = gateway.explain(&ask("http://h/", &[])).unwrap();
    assert_eq!((nowhere.refusal.unwrap().code.as_str(), nowhere.near.len()), ("no-route", 0));
}
