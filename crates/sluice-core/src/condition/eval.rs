//! Evaluating a compiled rule. No panics, no allocation for what most rules do, and a bound on the work.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::Change;
use super::program::{Arithmetic, Expr, Fact, Function, Order, Quantifier, Source, TextTest, Value};
use crate::Name;
use crate::agent::Agent;
use crate::document::service::AttributeSource;
use crate::network::Network;
use crate::routing::{NoTable, Request};

/// What a rule is asked over.
pub(super) enum World<'a> {
    Visitor {
        request: &'a dyn Request,
        visitor: &'a BTreeMap<String, AttributeSource>,
        unit: Option<&'a str>,
    },
    Change(&'a Change<'a>),
}

/// The rule cannot be evaluated: an operation on null, a number too large, a list too short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Failed;

/// How many parts of a rule may be evaluated. Only `exists` and `all` within each other come near; a rule of two
/// thousand characters without them has a few hundred parts.
const STEPS_MAX: u32 = 10_000;

/// Whether the rule holds.
pub(super) fn holds(rule: &Expr, world: &World<'_>) -> bool {
    let mut evaluation = Evaluation { world, variables: Vec::new(), steps_left: STEPS_MAX };
    evaluation.truth(rule) == Ok(true)
}

struct Evaluation<'a> {
    world: &'a World<'a>,
    variables: Vec<Value<'a>>,
    steps_left: u32,
}

impl<'a> Evaluation<'a> {
    fn truth(&mut self, expr: &'a Expr) -> Result<bool, Failed> {
        match self.value(expr)? {
            Value::Bool(truth) => Ok(truth),
            _ => Err(Failed),
        }
    }

    fn text(&mut self, expr: &'a Expr) -> Result<Cow<'a, str>, Failed> {
        match self.value(expr)? {
            Value::Text(text) => Ok(text),
            _ => Err(Failed),
        }
    }

    fn value(&mut self, expr: &'a Expr) -> Result<Value<'a>, Failed> {
        self.steps_left = self.steps_left.checked_sub(1).ok_or(Failed)?;
        Ok(match expr {
            Expr::Constant(value) => value.clone(),
            Expr::Fact(fact) => self.fact(*fact)?,
            Expr::Named(source, name) => or_null(self.find(*source, name)),
            Expr::Lookup(source, name) => {
                let name = self.name(*source, name)?;
                or_null(self.find(*source, &name))
            }
            Expr::Holds(source, name) => {
                let name = self.name(*source, name)?;
                Value::Bool(self.find(*source, &name).is_some())
            }
            Expr::Variable(index) => self.variables.get(*index).cloned().ok_or(Failed)?,
            Expr::List(items) => {
                Value::List(items.iter().map(|item| self.value(item)).collect::<Result<_, _>>()?)
            }
            Expr::Map(entries) => {
                let entries = entries.iter().map(|(key, value)| Ok((key.clone(), self.value(value)?)));
                Value::Map(entries.collect::<Result<BTreeMap<_, _>, Failed>>()?.into())
            }
            Expr::Not(of) => Value::Bool(!self.truth(of)?),
            Expr::Negate(of) => match self.value(of)? {
                Value::Int(whole) => Value::Int(whole.checked_neg().ok_or(Failed)?),
                Value::Double(real) => Value::Double(-real),
                _ => return Err(Failed),
            },
            Expr::And(one, other) => Value::Bool(self.either(one, other, false)?),
            Expr::Or(one, other) => Value::Bool(self.either(one, other, true)?),
            Expr::If(parts) => {
                let [condition, yes, no] = &**parts;
                let chosen = if self.truth(condition)? { yes } else { no };
                self.value(chosen)?
            }
            Expr::Equal(one, other) => Value::Bool(self.value(one)? == self.value(other)?),
            Expr::Compare(order, one, other) => {
                Value::Bool(compare(*order, &self.value(one)?, &self.value(other)?)?)
            }
            Expr::Arithmetic(operation, one, other) => {
                arithmetic(*operation, self.value(one)?, self.value(other)?)?
            }
            Expr::In(needle, within) => {
                let needle = self.value(needle)?;
                Value::Bool(self.is_in(&needle, within)?)
            }
            Expr::Index(of, at) => index(self.value(of)?, &self.value(at)?)?,
            Expr::HasKey(of, key) => match self.value(of)? {
                Value::Map(map) => Value::Bool(map.contains_key(key)),
                _ => return Err(Failed),
            },
            Expr::TextTest(test, text, part) => {
                let text = self.text(text)?;
                let part = self.text(part)?;
                Value::Bool(match test {
                    TextTest::StartsWith => text.starts_with(&*part),
                    TextTest::EndsWith => text.ends_with(&*part),
                    TextTest::Contains => text.contains(&*part),
                })
            }
            Expr::Matches(text, pattern) => Value::Bool(pattern.is_match(&self.text(text)?)),
            Expr::Inside(address, networks) => Value::Bool(self.is_inside(address, networks)?),
            Expr::Among(word, text) => Value::Bool(self.is_among(word, text)?),
            Expr::Listed(id, list) => Value::Bool(self.is_listed(id, list)?),
            Expr::Call(function, of) => call(*function, self.value(of)?)?,
            Expr::Quantified(quantifier, list, rule) => {
                Value::Bool(self.quantified(*quantifier, list, rule)?)
            }
        })
    }

    fn is_inside(&mut self, address: &'a Expr, networks: &[Network]) -> Result<bool, Failed> {
        let address = self.text(address)?.parse().map_err(|_| Failed)?;
        Ok(networks.iter().any(|network| network.contains(address)))
    }

    fn is_among(&mut self, word: &'a Expr, text: &'a Expr) -> Result<bool, Failed> {
        let (word, text) = (self.text(word)?, self.text(text)?);
        Ok(!word.is_empty() && text.split([',', ' ']).any(|other| other == word))
    }

    /// Nobody can tell who is in a list that is not there.
    fn is_listed(&mut self, id: &'a Expr, list: &Name) -> Result<bool, Failed> {
        let id = self.text(id)?;
        let World::Visitor { request, .. } = self.world else { return Err(Failed) };
        request.is_listed(list, &id).ok_or(Failed)
    }

    /// `&&` and `||` as CEL has them: what settles the answer on one side outweighs a failure on the other.
    fn either(&mut self, one: &'a Expr, other: &'a Expr, settles: bool) -> Result<bool, Failed> {
        let one = self.truth(one);
        if one == Ok(settles) {
            return Ok(settles);
        }
        let other = self.truth(other)?;
        if other == settles { Ok(settles) } else { one }
    }

    fn quantified(&mut self, quantifier: Quantifier, list: &'a Expr, rule: &'a Expr) -> Result<bool, Failed> {
        let Value::List(items) = self.value(list)? else { return Err(Failed) };
        let settles = quantifier == Quantifier::Exists;
        let mut answer = Ok(!settles);
        for item in items.iter() {
            self.variables.push(item.clone());
            let truth = self.truth(rule);
            self.variables.pop();
            match truth {
                Ok(truth) if truth == settles => return Ok(settles),
                Ok(_) => {}
                Err(Failed) => answer = Err(Failed),
            }
        }
        answer
    }

    fn is_in(&mut self, needle: &Value<'a>, within: &'a Expr) -> Result<bool, Failed> {
        // The usual case, a list of constants, without counting up its references.
        if let Expr::Constant(Value::List(items)) = within {
            return Ok(items.iter().any(|item| item == needle));
        }
        match (self.value(within)?, needle) {
            (Value::List(items), _) => Ok(items.contains(needle)),
            (Value::Map(map), Value::Text(key)) => Ok(map.contains_key(&**key)),
            _ => Err(Failed),
        }
    }

    /// The name that is looked up; of headers, in lower case.
    fn name(&mut self, source: Source, name: &'a Expr) -> Result<Cow<'a, str>, Failed> {
        let name = self.text(name)?;
        Ok(match source {
            Source::Headers if name.bytes().any(|b| b.is_ascii_uppercase()) => {
                Cow::Owned(name.to_ascii_lowercase())
            }
            _ => name,
        })
    }

    fn fact(&self, fact: Fact) -> Result<Value<'a>, Failed> {
        let world = self.world;
        let text = match (world, fact) {
            (World::Visitor { request, .. }, Fact::Method) => request.method(),
            (World::Visitor { request, .. }, Fact::Host) => request.host(),
            (World::Visitor { request, .. }, Fact::Path) => request.path(),
            (World::Visitor { request, .. }, Fact::Scheme) => request.scheme().as_str(),
            (World::Visitor { request, .. }, Fact::Address) => {
                return Ok(or_null(request.address().map(|address| Cow::Owned(address.to_string()))));
            }
            (World::Visitor { request, .. }, Fact::Country) => {
                return request.country().map(or_null).map_err(|NoTable| Failed);
            }
            (World::Visitor { request, .. }, Fact::Browser | Fact::System | Fact::Device) => {
                let agent = request.header("user-agent").map(Agent::of);
                return Ok(or_null(agent.map(|agent| {
                    Cow::Borrowed(match fact {
                        Fact::Browser => agent.browser,
                        Fact::System => agent.system,
                        _ => agent.device,
                    })
                })));
            }
            (World::Change(change), Fact::ChangeLevel) => change.level,
            (World::Change(change), Fact::ChangeFrom) => change.from,
            (World::Change(change), Fact::ChangeTo) => change.to,
            (World::Change(change), Fact::ChangeCommit) => {
                return Ok(or_null(change.commit.map(Cow::Borrowed)));
            }
            (World::Change(change), Fact::ChangeImage) => {
                return Ok(or_null(change.image.map(Cow::Borrowed)));
            }
            (World::Change(change), Fact::ChangeConfigOnly) => return Ok(Value::Bool(change.config_only)),
            (World::Change(change), Fact::ServiceName) => change.service,
            (World::Change(change), Fact::EnvironmentName) => change.environment,
            _ => return Err(Failed),
        };
        Ok(Value::Text(Cow::Borrowed(text)))
    }

    fn find(&self, source: Source, name: &str) -> Option<Cow<'a, str>> {
        let world = self.world;
        match (world, source) {
            (World::Visitor { request, .. }, Source::Headers) => request.header(name).map(Cow::Borrowed),
            (World::Visitor { request, .. }, Source::Cookies) => request.cookie(name).map(Cow::Borrowed),
            (World::Visitor { request, .. }, Source::Query) => request.query(name),
            (World::Visitor { unit, .. }, Source::Attributes) if name == "id" => unit.map(Cow::Borrowed),
            (World::Visitor { request, visitor, .. }, Source::Attributes) => match visitor.get(name)? {
                AttributeSource::Header(header) => request.header(header).map(Cow::Borrowed),
                AttributeSource::Cookie(cookie) => request.cookie(cookie).map(Cow::Borrowed),
                AttributeSource::Query(parameter) => request.query(parameter),
                AttributeSource::Claim(path) => request.claim(path),
            },
            (World::Change(change), Source::ServiceLabels) => borrowed(change.labels, name),
            (World::Change(change), Source::ChangeLabels) => borrowed(change.change_labels, name),
            _ => None,
        }
    }
}

fn borrowed<'a>(labels: &'a BTreeMap<String, String>, name: &str) -> Option<Cow<'a, str>> {
    labels.get(name).map(|label| Cow::Borrowed(label.as_str()))
}

fn or_null(text: Option<Cow<'_, str>>) -> Value<'_> {
    text.map_or(Value::Null, Value::Text)
}

fn compare(order: Order, one: &Value<'_>, other: &Value<'_>) -> Result<bool, Failed> {
    let ordering = match (one, other) {
        (Value::Int(one), Value::Int(other)) => Some(one.cmp(other)),
        (Value::Double(one), Value::Double(other)) => one.partial_cmp(other),
        (Value::Int(one), Value::Double(other)) => (*one as f64).partial_cmp(other),
        (Value::Double(one), Value::Int(other)) => one.partial_cmp(&(*other as f64)),
        (Value::Text(one), Value::Text(other)) => Some(one.cmp(other)),
        _ => return Err(Failed),
    };
    // What is not a number is neither less nor more.
    Ok(ordering.is_some_and(|ordering| match order {
        Order::Less => ordering.is_lt(),
        Order::LessOrEqual => ordering.is_le(),
        Order::Greater => ordering.is_gt(),
        Order::GreaterOrEqual => ordering.is_ge(),
    }))
}

fn arithmetic<'a>(operation: Arithmetic, one: Value<'a>, other: Value<'a>) -> Result<Value<'a>, Failed> {
    match (one, other) {
        (Value::Int(one), Value::Int(other)) => match operation {
            Arithmetic::Add => one.checked_add(other),
            Arithmetic::Subtract => one.checked_sub(other),
            Arithmetic::Multiply => one.checked_mul(other),
            Arithmetic::Divide => one.checked_div(other),
            Arithmetic::Remainder => one.checked_rem(other),
        }
        .map(Value::Int)
        .ok_or(Failed),
        (Value::Double(one), Value::Double(other)) => match operation {
            Arithmetic::Add => Ok(Value::Double(one + other)),
            Arithmetic::Subtract => Ok(Value::Double(one - other)),
            Arithmetic::Multiply => Ok(Value::Double(one * other)),
            Arithmetic::Divide => Ok(Value::Double(one / other)),
            Arithmetic::Remainder => Err(Failed),
        },
        (Value::Text(one), Value::Text(other)) if operation == Arithmetic::Add => {
            Ok(Value::Text(one + other))
        }
        _ => Err(Failed),
    }
}

fn index<'a>(of: Value<'a>, at: &Value<'a>) -> Result<Value<'a>, Failed> {
    match (of, at) {
        (Value::List(items), Value::Int(at)) => {
            usize::try_from(*at).ok().and_then(|at| items.get(at)).cloned().ok_or(Failed)
        }
        (Value::Map(map), Value::Text(key)) => map.get(&**key).cloned().ok_or(Failed),
        _ => Err(Failed),
    }
}

fn call<'a>(function: Function, of: Value<'a>) -> Result<Value<'a>, Failed> {
    let length = |length: usize| i64::try_from(length).map(Value::Int).map_err(|_| Failed);
    match (function, of) {
        (Function::Size, Value::Text(text)) => length(text.chars().count()),
        (Function::Size, Value::List(items)) => length(items.len()),
        (Function::Size, Value::Map(map)) => length(map.len()),
        (Function::Lower, Value::Text(text)) => Ok(Value::Text(text.to_ascii_lowercase().into())),
        (Function::Upper, Value::Text(text)) => Ok(Value::Text(text.to_ascii_uppercase().into())),
        (Function::ToInt, Value::Text(text)) => text.parse().map(Value::Int).map_err(|_| Failed),
        (Function::ToInt, Value::Int(whole)) => Ok(Value::Int(whole)),
        (Function::ToInt, Value::Double(real)) => {
            // The bounds are powers of two, so they are exact as floats; the upper one is already too large.
            let fits = (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&real);
            if fits { Ok(Value::Int(real as i64)) } else { Err(Failed) }
        }
        (Function::ToDouble, Value::Text(text)) => text.parse().map(Value::Double).map_err(|_| Failed),
        (Function::ToDouble, Value::Int(whole)) => Ok(Value::Double(whole as f64)),
        (Function::ToDouble, Value::Double(real)) => Ok(Value::Double(real)),
        (Function::ToText, Value::Text(text)) => Ok(Value::Text(text)),
        (Function::ToText, Value::Int(whole)) => Ok(Value::Text(whole.to_string().into())),
        (Function::ToText, Value::Double(real)) => Ok(Value::Text(real.to_string().into())),
        (Function::ToText, Value::Bool(truth)) => Ok(Value::Text(truth.to_string().into())),
        _ => Err(Failed),
    }
}
