//! What rules mean, and what is said about bad ones.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::Condition;
use crate::document::service::AttributeSource;
use crate::routing::Request;

/// A request made of parts.
#[derive(Default)]
struct Asked {
    headers: Vec<(&'static str, &'static str)>,
    cookies: Vec<(&'static str, &'static str)>,
    query: Vec<(&'static str, &'static str)>,
}

fn find<'a>(of: &[(&'static str, &'static str)], name: &str) -> Option<&'a str> {
    of.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
}

impl Request for Asked {
    fn method(&self) -> &str {
        "GET"
    }
    fn host(&self) -> &str {
        "shop.example.com"
    }
    fn path(&self) -> &str {
        "/checkout/1"
    }
    fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, name)
    }
    fn cookie(&self, name: &str) -> Option<&str> {
        find(&self.cookies, name)
    }
    fn query(&self, name: &str) -> Option<Cow<'_, str>> {
        find(&self.query, name).map(Cow::Borrowed)
    }
}

fn holds(rule: &str) -> bool {
    let request = Asked {
        headers: vec![("x-country", "NL"), ("x-plan", "pro"), ("x-age", "42")],
        cookies: vec![("beta", "true")],
        query: vec![("debug", "1")],
    };
    let visitor = BTreeMap::from([
        ("plan".to_owned(), AttributeSource::Header("x-plan".to_owned())),
        ("age".to_owned(), AttributeSource::Header("x-age".to_owned())),
        ("beta".to_owned(), AttributeSource::Cookie("beta".to_owned())),
        ("debug".to_owned(), AttributeSource::Query("debug".to_owned())),
        ("vip".to_owned(), AttributeSource::Header("x-vip".to_owned())),
    ]);
    let condition = Condition::for_visitors(rule).unwrap_or_else(|error| panic!("{rule}: {error}"));
    condition.holds_for(&request, &visitor, Some("ada"))
}

#[test]
fn a_rule_sees_the_request_and_the_visitor() {
    for rule in [
        "true",
        "request.method == 'GET' && request.host.endsWith('.example.com') && request.path.startsWith('/checkout')",
        "request.headers['x-country'] in ['NL', 'BE']",
        "request.headers['X-Country'] == 'NL'",
        "'X-Country' in request.headers",
        "request.cookies.beta == 'true'",
        "request.query.debug == '1'",
        "visitor.id == 'ada'",
        "visitor.plan != 'enterprise'",
        "visitor['plan'] == 'pro'",
        "has(visitor.plan) && !has(visitor.vip)",
        "int(visitor.age) > 40 && double(visitor.age) < 42.5",
        "visitor.plan.matches('^p.o$')",
        "size(visitor.plan) == 3 && visitor.plan.size() == 3",
        "visitor.plan.upperAscii() == 'PRO'",
        "['x-country', 'x-none'].exists(h, request.headers[h] == 'NL')",
        "['pro', 'team'].all(p, p != 'free')",
        "(visitor.plan == 'pro' ? 1 + 2 * 3 : 0) == 7",
        "{'pro': 3, 'team': 5}[visitor.plan] == 3",
        "visitor.plan + '/' + visitor.age == 'pro/42'",
    ] {
        assert!(holds(rule), "{rule}");
    }
}

#[test]
fn what_the_request_does_not_carry_is_null() {
    assert!(holds("visitor.vip == null"));
    assert!(holds("visitor.vip != 'true'"));
    assert!(holds("!(visitor.vip in ['a'])"));
    assert!(holds("request.headers['x-none'] == null"));
    assert!(holds("visitor.unheard == null"));
}

#[test]
fn a_rule_that_cannot_be_evaluated_does_not_hold() {
    for rule in [
        "visitor.vip.startsWith('a')",
        "!visitor.vip.startsWith('a')",
        "int(visitor.plan) < 5",
        "int(visitor.age) * 9223372036854775807 > 0",
        "[1, 2][int(visitor.age)] == 1",
        "{'a': 1}[visitor.plan] == 1",
    ] {
        assert!(!holds(rule), "{rule}");
    }
}

#[test]
fn what_settles_the_answer_outweighs_a_failure_beside_it() {
    assert!(holds("visitor.vip.startsWith('a') || true"));
    assert!(holds("true || visitor.vip.startsWith('a')"));
    assert!(holds("!(visitor.vip.startsWith('a') && false)"));
    assert!(!holds("visitor.vip.startsWith('a') || false"));
    assert!(holds("[1, 2].exists(x, x == 1 ? visitor.vip.startsWith('a') : true)"));
}
