//! CEL rules about visitors and about changes.

use std::borrow::Cow;
use std::collections::BTreeMap;

use sluice_core::condition::{Change, Condition};
use sluice_core::document::service::AttributeSource;
use sluice_core::routing::Request;

/// A rule keeps its text, means the same within brackets, and answers the same when asked twice. What is no rule is
/// refused with a reason.
pub fn hold(bytes: &[u8]) {
    let Ok(rule) = std::str::from_utf8(bytes) else { return };
    let labels = BTreeMap::from([("team".to_owned(), rule.to_owned())]);
    let change = Change {
        level: "minor",
        from: "1.0.0",
        to: "1.1.0",
        commit: Some("4f2a9c"),
        image: None,
        config_only: false,
        change_labels: &labels,
        service: "shop",
        labels: &labels,
        environment: "production",
    };
    let sources = [("plan", "plan"), ("text", "text"), ("none", "none")];
    let source = |(name, header): (&str, &str)| (name.to_owned(), AttributeSource::Header(header.to_owned()));
    let attributes = BTreeMap::from(sources.map(source));
    let visit = Visit { text: rule };
    check(rule, Condition::for_changes, |condition| condition.holds_for_change(&change));
    check(rule, Condition::for_visitors, |condition| condition.holds_for(&visit, &attributes, Some("u-17")));
}

fn check<E: std::fmt::Display>(
    rule: &str,
    compile: impl Fn(&str) -> Result<Condition, E>,
    ask: impl Fn(&Condition) -> bool,
) {
    match compile(rule) {
        Ok(condition) => {
            assert_eq!(condition.source(), rule);
            let holds = ask(&condition);
            assert_eq!(ask(&condition), holds, "it answers twice in two ways");
            // In brackets it may be too long or too deep, or end within a comment.
            if let Ok(bracketed) = compile(&format!("({rule})")) {
                assert_eq!(ask(&bracketed), holds, "brackets change it");
                assert_eq!(bracketed.attributes(), condition.attributes());
            }
        }
        Err(why) => assert!(!why.to_string().is_empty()),
    }
}

/// A request whose header, cookie and parameter `text` are the rule itself.
struct Visit<'a> {
    text: &'a str,
}

impl Visit<'_> {
    fn value(&self, name: &str) -> Option<&str> {
        match name {
            "plan" => Some("gold"),
            "number" => Some("17"),
            "text" => Some(self.text),
            _ => None,
        }
    }
}

impl Request for Visit<'_> {
    fn method(&self) -> &str {
        "GET"
    }

    fn host(&self) -> &str {
        "shop.example.com"
    }

    fn path(&self) -> &str {
        "/cart/17"
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.value(name)
    }

    fn cookie(&self, name: &str) -> Option<&str> {
        self.value(name)
    }

    fn query(&self, name: &str) -> Option<Cow<'_, str>> {
        self.value(name).map(Cow::Borrowed)
    }
}
