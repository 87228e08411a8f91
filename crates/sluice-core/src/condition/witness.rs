//! Whether a rule can hold for anybody: a search for somebody for whom it does.
//!
//! A rule is a few tests of a few values against constants, so it is enough to try, for each value, the constants, what
//! lies between and beside them, and nothing at all. Where more than that is asked, as by a regular expression, not
//! finding anybody proves nothing, and the rule is taken to be able to hold.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::Condition;
use super::eval::{World, holds};
use super::program::{Expr, Fact, Function, Source, Value};
use crate::document::service::AttributeSource;
use crate::routing::Request;

/// How many visitors are tried at most. A rule over four values with eight constants takes ten thousand.
const TRIES_MAX: usize = 20_000;

/// Sorts before and after whatever people write.
const LOW: char = '\u{1}';
const HIGH: char = '\u{10ffff}';

impl Condition {
    /// Whether the rule may hold for some visitor, when visitors have only the attributes that `is_declared` tells.
    /// `false` is certain; `true` may also mean that it cannot be told.
    pub fn may_hold(&self, is_declared: impl Fn(&str) -> bool) -> bool {
        let mut asked = Asked::default();
        asked.look(&self.compiled.rule);
        let choices: Vec<(&Subject, Vec<Option<String>>)> =
            asked.subjects.iter().map(|subject| (subject, asked.values(subject, &is_declared))).collect();
        let tries = choices.iter().try_fold(1_usize, |tries, (_, values)| tries.checked_mul(values.len()));
        let Some(tries) = tries.filter(|tries| *tries <= TRIES_MAX) else { return true };
        let attributes = attributes(&asked.subjects);
        (0..tries).any(|number| self.holds_for_somebody(&choices, &attributes, number)) || !asked.is_plain
    }

    /// Whether it holds for the visitor of this number, counted through all choices.
    fn holds_for_somebody(
        &self,
        choices: &[(&Subject, Vec<Option<String>>)],
        attributes: &BTreeMap<String, AttributeSource>,
        mut number: usize,
    ) -> bool {
        let mut somebody = Somebody::default();
        for (subject, values) in choices {
            if let Some(value) = values.get(number % values.len()).and_then(Option::as_deref) {
                somebody.has.insert(*subject, value);
            }
            number /= values.len();
        }
        let unit = somebody.of(&Subject::Named(Source::Attributes, "id".to_owned()));
        holds(&self.compiled.rule, &World::Visitor { request: &somebody, visitor: attributes, unit })
    }
}

/// A value of a visitor that a rule asks for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Subject {
    Method,
    Host,
    Path,
    Named(Source, String),
}

/// What a rule asks, and against what.
#[derive(Debug)]
struct Asked {
    subjects: BTreeSet<Subject>,
    texts: BTreeSet<String>,
    numbers: Vec<f64>,
    /// Whether trying constants and their neighbours is enough.
    is_plain: bool,
}

impl Default for Asked {
    fn default() -> Asked {
        Asked { subjects: BTreeSet::new(), texts: BTreeSet::new(), numbers: Vec::new(), is_plain: true }
    }
}

impl Asked {
    fn look(&mut self, expr: &Expr) {
        match expr {
            Expr::Constant(value) => self.constant(value),
            Expr::Fact(Fact::Method) => drop(self.subjects.insert(Subject::Method)),
            Expr::Fact(Fact::Host) => drop(self.subjects.insert(Subject::Host)),
            Expr::Fact(Fact::Path) => drop(self.subjects.insert(Subject::Path)),
            Expr::Named(source, name) => drop(self.subjects.insert(named(*source, name))),
            Expr::Holds(source, name) => match &**name {
                Expr::Constant(Value::Text(name)) => drop(self.subjects.insert(named(*source, name))),
                _ => self.is_plain = false,
            },
            Expr::List(items) => items.iter().for_each(|item| self.look(item)),
            Expr::Not(of) => self.look(of),
            Expr::Call(function, of) => {
                self.is_plain &= !matches!(function, Function::Size | Function::ToText);
                self.look(of);
            }
            Expr::And(one, other)
            | Expr::Or(one, other)
            | Expr::Equal(one, other)
            | Expr::Compare(_, one, other)
            | Expr::In(one, other)
            | Expr::TextTest(_, one, other) => {
                self.look(one);
                self.look(other);
            }
            Expr::If(parts) => parts.iter().for_each(|part| self.look(part)),
            Expr::Matches(of, _) => {
                self.is_plain = false;
                self.look(of);
            }
            // Computed names, arithmetic, maps and the like.
            _ => self.is_plain = false,
        }
    }

    fn constant(&mut self, value: &Value<'_>) {
        match value {
            Value::Text(text) => drop(self.texts.insert(text.to_string())),
            Value::Int(whole) => self.numbers.push(*whole as f64),
            Value::Double(real) => self.numbers.push(*real),
            Value::List(items) => items.iter().for_each(|item| self.constant(item)),
            Value::Map(_) => self.is_plain = false,
            Value::Null | Value::Bool(_) => {}
        }
    }

    /// The values of a subject that are worth trying; `None` for none at all.
    fn values(&self, subject: &Subject, is_declared: impl Fn(&str) -> bool) -> Vec<Option<String>> {
        if let Subject::Named(Source::Attributes, name) = subject
            && name != "id"
            && !is_declared(name)
        {
            return vec![None];
        }
        let mut values: BTreeSet<String> = BTreeSet::from([LOW.to_string(), HIGH.to_string()]);
        for text in &self.texts {
            values.extend([text.to_lowercase(), text.to_uppercase(), text.clone()]);
            values.extend([format!("{LOW}{text}"), format!("{text}{LOW}"), format!("{LOW}{text}{LOW}")]);
        }
        // Text that begins with one constant, ends with another and holds all of them.
        let all: String = self.texts.iter().map(String::as_str).collect();
        for first in &self.texts {
            for last in self.texts.iter().filter(|last| *last != first) {
                values.extend([format!("{first}{last}"), format!("{first}{all}{last}")]);
            }
        }
        let mut numbers = self.numbers.clone();
        numbers.sort_by(f64::total_cmp);
        let between = numbers.windows(2).map(|pair| (pair[0] + pair[1]) / 2.0);
        let beside = numbers.iter().flat_map(|number| [number - 1.0, *number, number + 1.0]);
        values.extend(between.chain(beside).map(|number| number.to_string()));
        match subject {
            Subject::Path => values
                .into_iter()
                .map(|path| format!("/{}", path.trim_start_matches('/')))
                .map(Some)
                .collect(),
            Subject::Host => {
                values.into_iter().filter(|host| *host == host.to_lowercase()).map(Some).collect()
            }
            Subject::Method => values.into_iter().map(Some).collect(),
            Subject::Named(..) => values.into_iter().map(Some).chain([None]).collect(),
        }
    }
}

/// Names of headers are in lower case.
fn named(source: Source, name: &str) -> Subject {
    match source {
        Source::Headers => Subject::Named(source, name.to_ascii_lowercase()),
        _ => Subject::Named(source, name.to_owned()),
    }
}

/// Every attribute is read from a header of its own, which no rule can name.
fn attributes(subjects: &BTreeSet<Subject>) -> BTreeMap<String, AttributeSource> {
    let names = subjects.iter().filter_map(|subject| match subject {
        Subject::Named(Source::Attributes, name) => Some(name),
        _ => None,
    });
    names.map(|name| (name.clone(), AttributeSource::Header(format!("{LOW}{name}")))).collect()
}

/// A visitor who is made up.
#[derive(Debug, Default)]
struct Somebody<'a> {
    has: BTreeMap<&'a Subject, &'a str>,
}

impl Somebody<'_> {
    fn of(&self, subject: &Subject) -> Option<&str> {
        self.has.get(subject).copied()
    }
}

impl Request for Somebody<'_> {
    fn method(&self) -> &str {
        self.of(&Subject::Method).unwrap_or_default()
    }

    fn host(&self) -> &str {
        self.of(&Subject::Host).unwrap_or_default()
    }

    fn path(&self) -> &str {
        self.of(&Subject::Path).unwrap_or_default()
    }

    fn header(&self, name: &str) -> Option<&str> {
        match name.strip_prefix(LOW) {
            Some(attribute) => self.of(&Subject::Named(Source::Attributes, attribute.to_owned())),
            None => self.of(&Subject::Named(Source::Headers, name.to_owned())),
        }
    }

    fn cookie(&self, name: &str) -> Option<&str> {
        self.of(&Subject::Named(Source::Cookies, name.to_owned()))
    }

    fn query(&self, name: &str) -> Option<Cow<'_, str>> {
        self.of(&Subject::Named(Source::Query, name.to_owned())).map(Cow::Borrowed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn may_hold(rule: &str) -> bool {
        Condition::for_visitors(rule).unwrap_or_else(|error| panic!("{rule}: {error}")).may_hold(|_| true)
    }

    #[test]
    fn what_can_hold_for_somebody_is_not_doubted() {
        for rule in [
            "true",
            "visitor.plan == 'pro'",
            "visitor.plan != 'pro' && visitor.plan != null",
            "!(has(visitor.plan)) && request.headers['X-Country'] in ['NL', 'BE']",
            "visitor.email.startsWith('a') && visitor.email.endsWith('@example.com')",
            "visitor.email.contains('@') && !visitor.email.startsWith('@')",
            "visitor.plan.lowerAscii() == 'pro' && visitor.plan != 'pro'",
            "int(visitor.age) > 17 && int(visitor.age) < 19",
            "double(visitor.age) > 17.0 && double(visitor.age) < 18.0",
            "request.path.startsWith('/checkout') && request.host == 'shop.example.com'",
            "visitor.id in ['ada', 'grace']",
            "visitor.email.matches('^[a-z]+@example[.]com$')",
            "['pro', 'team'].exists(p, visitor.plan == p)",
            "visitor.plan > 'm' && visitor.plan < 'n'",
            "size(visitor.plan) == 7",
            "visitor.plan == 'a' ? visitor.team == 'b' : visitor.team == 'c'",
            "visitor.plan == visitor.team && visitor.plan != null",
        ] {
            assert!(may_hold(rule), "{rule}");
        }
    }

    #[test]
    fn what_holds_for_nobody_is_found() {
        for rule in [
            "false",
            "1 == 2",
            "visitor.plan == 'pro' && visitor.plan == 'team'",
            "visitor.plan in ['pro', 'team'] && !(visitor.plan in ['pro', 'team', 'free'])",
            "visitor.plan == 'pro' && !has(visitor.plan)",
            "visitor.plan.startsWith('a') && visitor.plan == 'bc'",
            "visitor.plan.lowerAscii() == 'Pro'",
            "int(visitor.age) > 18 && int(visitor.age) < 18",
            "request.path.startsWith('checkout')",
            "request.host == 'Shop.example.com'",
            "visitor.plan < null || visitor.plan == null && visitor.plan == 'x'",
        ] {
            match Condition::for_visitors(rule) {
                Ok(condition) => assert!(!condition.may_hold(|_| true), "{rule}"),
                // The compiler sees some of them by the types alone.
                Err(_) => assert!(rule.contains("null") || rule.contains("1 == 2"), "{rule}"),
            }
        }
    }

    #[test]
    fn an_attribute_that_nobody_declares_is_null_for_everybody() {
        let rule = |text: &str| Condition::for_visitors(text).unwrap();
        let declared = |name: &str| name == "plan";
        assert!(!rule("visitor.group == 'employees'").may_hold(declared));
        assert!(rule("visitor.group == 'employees' || visitor.plan == 'pro'").may_hold(declared));
        assert!(rule("visitor.group != 'employees'").may_hold(declared));
        assert!(!rule("visitor.group.startsWith('e')").may_hold(declared));
    }
}
