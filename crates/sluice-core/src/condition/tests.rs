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
    fn address(&self) -> Option<std::net::IpAddr> {
        Some([192, 0, 2, 7].into())
    }
    fn country(&self) -> Result<Option<Cow<'_, str>>, crate::routing::NoTable> {
        Ok(Some(Cow::Borrowed("NL")))
    }
    fn claim(&self, path: &str) -> Option<Cow<'_, str>> {
        (path == "realm.groups").then_some(Cow::Borrowed("staff, beta"))
    }
    fn is_listed(&self, list: &crate::Name, id: &str) -> Option<bool> {
        (list.as_str() == "testers").then(|| id == "ada")
    }
}

fn holds(rule: &str) -> bool {
    let request = Asked {
        headers: vec![
            ("x-country", "NL"),
            ("x-plan", "pro"),
            ("x-age", "42"),
            ("user-agent", "Firefox/144 (Linux; Android; Mobile)"),
        ],
        cookies: vec![("beta", "true")],
        query: vec![("debug", "1")],
    };
    let visitor = BTreeMap::from([
        ("plan".to_owned(), AttributeSource::Header("x-plan".to_owned())),
        ("age".to_owned(), AttributeSource::Header("x-age".to_owned())),
        ("beta".to_owned(), AttributeSource::Cookie("beta".to_owned())),
        ("debug".to_owned(), AttributeSource::Query("debug".to_owned())),
        ("vip".to_owned(), AttributeSource::Header("x-vip".to_owned())),
        ("groups".to_owned(), AttributeSource::Claim("realm.groups".to_owned())),
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

#[test]
fn rules_mean_what_the_crate_that_reads_them_would_make_of_them() {
    use cel::{Context, Program, Value};
    // Over constants alone, so that both can be asked; what is null or missing is ours to define.
    for rule in [
        "1 + 2 * 3 == 7",
        "7 / 2 == 3 && 7 % 3 == 1 && -7 / 2 == -3",
        "1 == 1.0 && 1.5 > 1 && 2 >= 1.5",
        "'a' + 'b' == 'ab' && 'b' > 'a'",
        "size('héé') == 3",
        "[1, 2, 3].exists(x, x > 2) && ![1, 2].exists(x, x > 2)",
        "[1, 2].all(x, x > 0) && ![0, 1].all(x, x > 0) && [].all(x, false)",
        "[[1], [2, 3]].exists(l, l.exists(x, x == 3))",
        "1 in [1, 2] && !('c' in ['a', 'b'])",
        "{'a': 1}['a'] == 1 && 'a' in {'a': 1} && {'a': {'b': 2}}.a.b == 2",
        "true ? 1 == 1 : false",
        "'abc'.startsWith('ab') && 'abc'.endsWith('bc') && 'abc'.contains('b')",
        "'a1'.matches('[a-z][0-9]') && !'aa'.matches('^[0-9]$')",
        "int('42') == 42 && double('1.5') == 1.5 && string(7) == '7'",
        "int(2.9) == 2 && int(-2.9) == -2",
        "(1 / 0 == 1) || true",
        "!((1 / int('0') == 1) && false)",
        "[0, 1].exists(x, 1 / x == 1)",
        "[1, 2] == [1, 2] && [1] != [2] && {'a': 1} == {'a': 1}",
        "null == null",
    ] {
        let theirs = Program::compile(rule).unwrap().execute(&Context::default());
        match Condition::for_visitors(rule) {
            Ok(_) => {
                assert_eq!(theirs, Ok(Value::Bool(true)), "{rule}");
                assert!(holds(rule), "{rule}");
            }
            // What can be seen to fail is refused before any visitor comes.
            Err(error) => assert!(error.to_string().contains("divides by zero"), "{rule}: {error}"),
        }
    }
}

#[test]
fn the_work_of_a_rule_is_bounded() {
    let ten = "['0', '1', '2', '3', '4', '5', '6', '7', '8', '9']";
    let mut rule = "visitor.plan == 'none'".to_owned();
    for name in ["a", "b", "c", "d", "e", "f", "g", "h"] {
        rule = format!("{ten}.exists({name}, {rule})");
    }
    assert!(!holds(&rule));
}

#[test]
fn a_rule_knows_which_attributes_it_reads() {
    let rule = "visitor.plan == 'a' || has(visitor.vip) || visitor['age'] == '1' || visitor.id == 'x'";
    let condition = Condition::for_visitors(rule).unwrap();
    assert_eq!(condition.attributes().iter().collect::<Vec<_>>(), ["age", "plan", "vip"]);
}

#[test]
fn a_rule_about_a_change_sees_the_change_and_the_service() {
    let labels = BTreeMap::from([("tier".to_owned(), "critical".to_owned())]);
    let change_labels = BTreeMap::from([("risk".to_owned(), "low".to_owned())]);
    let change = super::Change {
        level: "patch",
        from: "2.0.3",
        to: "2.0.4",
        commit: Some("a1b2c3d"),
        image: None,
        config_only: false,
        change_labels: &change_labels,
        service: "checkout",
        labels: &labels,
        environment: "staging",
    };
    for (rule, expected) in [
        ("change.level == 'patch' && service.labels.tier == 'critical'", true),
        ("change.level in ['major', 'minor']", false),
        ("change.from.startsWith('2.0.') && change.to == '2.0.4'", true),
        ("service.name == 'checkout' && !has(service.labels.team)", true),
        ("service.labels['team'] == null && 'tier' in service.labels", true),
        ("environment.name == 'staging' && environment.name != 'production'", true),
        ("change.labels.risk == 'low' && !('owner' in change.labels)", true),
        ("change.labels['risk'] in ['high']", false),
        ("change.commit.startsWith('a1b') && has(change.commit)", true),
        ("change.image == null && !has(change.image)", true),
        ("change.image.startsWith('registry/') || change.configOnly", false),
        ("!change.configOnly", true),
    ] {
        assert_eq!(Condition::for_changes(rule).unwrap().holds_for_change(&change), expected, "{rule}");
    }
    for (rule, said) in [
        (
            "visitor.id == 'a'",
            "`visitor` does not exist; this rule knows `change`, `service` and `environment`",
        ),
        (
            "change.configOnly == 'true'",
            "`change.configOnly` is true or false and `'true'` is text; they are never equal",
        ),
        ("change.commit", "`change.commit` is text, where true or false is needed"),
        ("change.labels == 'x'", "`change.labels` can only be asked for one name, not as a whole"),
        ("environment.labels.a == 'x'", "`environment.labels` does not exist; `environment` has name"),
        ("environment == 'x'", "`environment` is nothing by itself; a rule asks for one thing of it"),
    ] {
        assert_eq!(Condition::for_changes(rule).unwrap_err().to_string(), said, "{rule}");
    }
    assert!(Condition::for_visitors("environment.name == 'production'").is_err());
    assert_ne!(Condition::for_changes("true").unwrap(), Condition::for_visitors("true").unwrap());
}

#[test]
fn rules_may_be_shared_between_threads() {
    fn shared<T: Send + Sync + 'static>() {}
    shared::<Condition>();
}

#[test]
fn where_a_visitor_comes_from_and_with_what() {
    for rule in [
        "request.address == '192.0.2.7'",
        "request.address.inside('10.0.0.0/8', '192.0.2.0/24')",
        "!request.address.inside('2001:db8::/32')",
        "request.country in ['NL', 'BE'] && request.scheme == 'http'",
        "request.browser == 'firefox' && request.system == 'android' && request.device == 'phone'",
        "'beta' in visitor.groups && 'staff' in visitor.groups",
        "!('bet' in visitor.groups)",
        "visitor.id in list('testers') && !(visitor.plan in list('testers'))",
    ] {
        assert!(holds(rule), "{rule}");
    }
    // Nobody knows who is in a list that is not there.
    assert!(!holds("visitor.id in list('absent')") && !holds("!(visitor.id in list('absent'))"));
    // Who is not known to be there is not there.
    assert!(!holds("'x' in visitor.vip") && !holds("!('x' in visitor.vip)"));
    let lists = Condition::for_visitors("visitor.id in list('a') || visitor.id in list('b')").unwrap();
    assert_eq!(lists.lists().iter().map(|name| name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
}

#[test]
fn what_could_never_be_is_told_before_any_visitor_comes() {
    for (rule, why) in [
        ("request.browser == 'Chrome'", "`request.browser` is never 'Chrome'"),
        ("request.device in ['phone', 'mobile']", "`request.device` is never 'mobile'"),
        ("request.scheme != 'h2'", "`request.scheme` is never 'h2'"),
        ("request.address.inside('10.0.0.1/8')", "did you mean 10.0.0.0/8?"),
        ("request.address.inside(visitor.net)", "a network must be written in the rule"),
        ("request.address.inside()", "is not how `inside` is written"),
        ("visitor.id in list(visitor.plan)", "the name of a list must be written in the rule"),
        ("visitor.id in list('Not A Name')", "the list cannot be called so"),
        ("list('a')", "is not how `list` is written"),
        ("1 in list('a')", "lists hold text"),
    ] {
        let error = Condition::for_visitors(rule).unwrap_err().to_string();
        assert!(error.contains(why), "{rule}: {error}");
    }
}
