//! Operators and functions.

use cel::common::ast::{CallExpr, Expr as Tree, IdedExpr, operators};
use regex::RegexBuilder;

use super::{Compiler, Typed, is_literal, wrong};
use crate::condition::error::ConditionError;
use crate::condition::program::{Arithmetic, Expr, Fact, Function, Order, Source, TextTest, Value};
use crate::condition::syntax::written;
use crate::condition::types::{LEVELS, Type};
use crate::document::problem::nearest;
use crate::network::Network;
use crate::{Name, agent};

/// A pattern's compiled form may take this much; `\w{1000}` would take more.
const PATTERN_BYTES_MAX: usize = 256 * 1024;

/// The functions that a rule may call, as they are written.
const FUNCTIONS: [&str; 13] = [
    "startsWith",
    "endsWith",
    "contains",
    "matches",
    "size",
    "lowerAscii",
    "upperAscii",
    "int",
    "double",
    "string",
    "has",
    "inside",
    "list",
];

impl Compiler {
    pub(super) fn call(&mut self, call: &CallExpr, tree: &IdedExpr) -> Result<Typed, ConditionError> {
        let name = call.func_name.as_str();
        let typed = match (name, call.target.as_deref(), call.args.as_slice()) {
            (operators::LOGICAL_AND, None, [one, other]) => {
                (Expr::And(Box::new(self.truth(one)?), Box::new(self.truth(other)?)), Type::Bool)
            }
            (operators::LOGICAL_OR, None, [one, other]) => {
                (Expr::Or(Box::new(self.truth(one)?), Box::new(self.truth(other)?)), Type::Bool)
            }
            (operators::LOGICAL_NOT, None, [of]) => (Expr::Not(Box::new(self.truth(of)?)), Type::Bool),
            (operators::CONDITIONAL, None, [condition, yes, no]) => {
                let condition = self.truth(condition)?;
                let (yes, yes_is) = self.part(yes)?;
                let (no, no_is) = self.part(no)?;
                (Expr::If(Box::new([condition, yes, no])), yes_is.or(no_is))
            }
            (operators::EQUALS, None, [one, other]) => (self.equal(one, other)?, Type::Bool),
            (operators::NOT_EQUALS, None, [one, other]) => {
                (Expr::Not(Box::new(self.equal(one, other)?)), Type::Bool)
            }
            (operators::LESS, None, [one, other]) => self.compare(Order::Less, one, other)?,
            (operators::LESS_EQUALS, None, [one, other]) => self.compare(Order::LessOrEqual, one, other)?,
            (operators::GREATER, None, [one, other]) => self.compare(Order::Greater, one, other)?,
            (operators::GREATER_EQUALS, None, [one, other]) => {
                self.compare(Order::GreaterOrEqual, one, other)?
            }
            (operators::ADD, None, [one, other]) => self.arithmetic(Arithmetic::Add, one, other, tree)?,
            (operators::SUBSTRACT, None, [one, other]) => {
                self.arithmetic(Arithmetic::Subtract, one, other, tree)?
            }
            (operators::MULTIPLY, None, [one, other]) => {
                self.arithmetic(Arithmetic::Multiply, one, other, tree)?
            }
            (operators::DIVIDE, None, [one, other]) => {
                self.arithmetic(Arithmetic::Divide, one, other, tree)?
            }
            (operators::MODULO, None, [one, other]) => {
                self.arithmetic(Arithmetic::Remainder, one, other, tree)?
            }
            (operators::NEGATE, None, [of]) => {
                let (expr, is) = self.part(of)?;
                if !is.is_number() {
                    return Err(wrong(format!("`-{}` makes no sense: `{0}` is {is}", written(of))));
                }
                (Expr::Negate(Box::new(expr)), is)
            }
            (operators::IN, None, [needle, within]) => self.is_in(needle, within)?,
            (operators::INDEX, None, [of, at]) => self.index(of, at)?,
            ("startsWith", Some(text), [part]) => self.text_test(TextTest::StartsWith, text, part, name)?,
            ("endsWith", Some(text), [part]) => self.text_test(TextTest::EndsWith, text, part, name)?,
            ("contains", Some(text), [part]) => self.text_test(TextTest::Contains, text, part, name)?,
            ("matches", Some(text), [pattern]) | ("matches", None, [text, pattern]) => {
                self.matches(text, pattern)?
            }
            ("inside", Some(address), networks) if !networks.is_empty() => self.inside(address, networks)?,
            ("size", Some(of), []) | ("size", None, [of]) => self.size(of)?,
            ("lowerAscii", Some(of), []) => {
                (Expr::Call(Function::Lower, Box::new(self.text(of, name)?)), Type::Text)
            }
            ("upperAscii", Some(of), []) => {
                (Expr::Call(Function::Upper, Box::new(self.text(of, name)?)), Type::Text)
            }
            ("int", None, [of]) => self.convert(Function::ToInt, of, Type::Int)?,
            ("double", None, [of]) => self.convert(Function::ToDouble, of, Type::Double)?,
            ("string", None, [of]) => self.convert(Function::ToText, of, Type::Text)?,
            (name, ..) => return Err(unknown(name, tree)),
        };
        Ok(typed)
    }

    fn text(&mut self, tree: &IdedExpr, function: &str) -> Result<Expr, ConditionError> {
        let (expr, is) = self.part(tree)?;
        if !is.is_text() {
            return Err(wrong(format!("`{}` is {is}; `{function}` is for text", written(tree))));
        }
        Ok(expr)
    }

    fn equal(&mut self, one: &IdedExpr, other: &IdedExpr) -> Result<Expr, ConditionError> {
        let (left, left_is) = self.part(one)?;
        let (right, right_is) = self.part(other)?;
        if !left_is.may_equal(&right_is) {
            return Err(never_equal(one, &left_is, other, &right_is));
        }
        self.value_exists(&left, &right)?;
        self.value_exists(&right, &left)?;
        Ok(Expr::Equal(Box::new(left), Box::new(right)))
    }

    /// Some things have a few values; a rule that waits for another would never hold, and nobody would notice.
    fn value_exists(&self, asked: &Expr, wanted: &Expr) -> Result<(), ConditionError> {
        let (what, values): (&str, &[&str]) = match asked {
            Expr::Fact(Fact::ChangeLevel) => ("change.level", &LEVELS),
            Expr::Fact(Fact::Scheme) => ("request.scheme", &["http", "https"]),
            Expr::Fact(Fact::Browser) => ("request.browser", &agent::BROWSERS),
            Expr::Fact(Fact::System) => ("request.system", &agent::SYSTEMS),
            Expr::Fact(Fact::Device) => ("request.device", &agent::DEVICES),
            _ => return Ok(()),
        };
        let wanted = match wanted {
            Expr::Constant(Value::List(items)) => items.to_vec(),
            Expr::Constant(value) => vec![value.clone()],
            _ => return Ok(()),
        };
        for value in wanted {
            let Value::Text(text) = &value else { continue };
            if !values.contains(&&**text) {
                let error = wrong(format!("`{what}` is never '{text}'; it is one of {}", values.join(", ")));
                return Err(match nearest(text, values) {
                    Some(near) => error.mend_by(format!("did you mean '{near}'?")),
                    None => error,
                });
            }
        }
        Ok(())
    }

    fn compare(&mut self, order: Order, one: &IdedExpr, other: &IdedExpr) -> Result<Typed, ConditionError> {
        let (left, left_is) = self.part(one)?;
        let (right, right_is) = self.part(other)?;
        let fits = (left_is.is_number() && right_is.is_number()) || (left_is.is_text() && right_is.is_text());
        if !fits {
            let error = wrong(format!(
                "`{}` is {left_is} and `{}` is {right_is}; less and more are for two numbers or two texts",
                written(one),
                written(other)
            ));
            return Err(with_number(error, (one, &left_is), (other, &right_is)));
        }
        Ok((Expr::Compare(order, Box::new(left), Box::new(right)), Type::Bool))
    }

    fn arithmetic(
        &mut self,
        operation: Arithmetic,
        one: &IdedExpr,
        other: &IdedExpr,
        tree: &IdedExpr,
    ) -> Result<Typed, ConditionError> {
        let (left, left_is) = self.part(one)?;
        let (right, right_is) = self.part(other)?;
        let is = match (&left_is, &right_is) {
            (Type::Int, Type::Int) => Type::Int,
            (Type::Double, Type::Double) if operation != Arithmetic::Remainder => Type::Double,
            (Type::Text | Type::MaybeText, Type::Text | Type::MaybeText) if operation == Arithmetic::Add => {
                Type::Text
            }
            (Type::Any, _) | (_, Type::Any) => Type::Any,
            _ => {
                let error = wrong(format!(
                    "`{}` makes no sense: `{}` is {left_is}, `{}` is {right_is}",
                    written(tree),
                    written(one),
                    written(other)
                ));
                let error = match (&left_is, &right_is) {
                    (Type::Int, Type::Double) => error.mend_by(format!("write `double({})`", written(one))),
                    (Type::Double, Type::Int) => error.mend_by(format!("write `double({})`", written(other))),
                    (Type::Text | Type::MaybeText, Type::Int | Type::Double)
                        if operation == Arithmetic::Add =>
                    {
                        error.mend_by(format!("to put texts together, write `string({})`", written(other)))
                    }
                    _ => with_number(error, (one, &left_is), (other, &right_is)),
                };
                return Err(error);
            }
        };
        if matches!(operation, Arithmetic::Divide | Arithmetic::Remainder)
            && let Expr::Constant(Value::Int(0)) = right
        {
            return Err(wrong(format!("`{}` divides by zero", written(tree))));
        }
        Ok((Expr::Arithmetic(operation, Box::new(left), Box::new(right)), is))
    }

    fn is_in(&mut self, needle: &IdedExpr, within: &IdedExpr) -> Result<Typed, ConditionError> {
        let (left, left_is) = self.part(needle)?;
        if let Some(source) = self.source(within) {
            if !left_is.is_text() {
                let (within, needle) = (written(within), written(needle));
                return Err(wrong(format!("`{within}` is asked by name, and `{needle}` is {left_is}")));
            }
            let name = match left {
                Expr::Constant(Value::Text(text)) => {
                    Expr::Constant(Value::Text(self.known_name(source, &text).into()))
                }
                other => other,
            };
            return Ok((Expr::Holds(source, Box::new(name)), Type::Bool));
        }
        if let Tree::Call(call) = &within.expr
            && let ("list", None, [name]) =
                (call.func_name.as_str(), call.target.as_deref(), call.args.as_slice())
        {
            return self.listed((left, &left_is), needle, name);
        }
        let (right, right_is) = self.part(within)?;
        if matches!(right, Expr::Named(Source::Attributes, _)) && left_is.is_text() {
            return Ok((Expr::Among(Box::new(left), Box::new(right)), Type::Bool));
        }
        match &right_is {
            Type::List(item) if !left_is.may_equal(item) => {
                let error = wrong(format!(
                    "`{}` is {left_is}, and never in `{}`, which holds {item}",
                    written(needle),
                    written(within)
                ));
                return Err(error);
            }
            Type::Map(_) if left_is.is_text() => {}
            Type::List(_) | Type::Any => {}
            _ => {
                let error =
                    wrong(format!("`{}` is {right_is}; `in` looks into a list or a map", written(within)));
                return Err(if right_is.is_text() {
                    let (within, needle) = (written(within), written(needle));
                    error.mend_by(format!("for a part of a text, write `{within}.contains({needle})`"))
                } else {
                    error
                });
            }
        }
        self.value_exists(&left, &right)?;
        Ok((Expr::In(Box::new(left), Box::new(right)), Type::Bool))
    }

    fn listed(
        &mut self,
        (left, is): (Expr, &Type),
        needle: &IdedExpr,
        name: &IdedExpr,
    ) -> Result<Typed, ConditionError> {
        if !is.is_text() {
            return Err(wrong(format!("lists hold text, and `{}` is {is}", written(needle))));
        }
        let (named, _) = self.part(name)?;
        let Expr::Constant(Value::Text(text)) = named else {
            return Err(wrong(format!(
                "`{}`: the name of a list must be written in the rule",
                written(name)
            )));
        };
        let name: Name =
            text.parse().map_err(|error| wrong(format!("the list cannot be called so: {error}")))?;
        self.named.lists.insert(name.clone());
        Ok((Expr::Listed(Box::new(left), name), Type::Bool))
    }

    fn inside(&mut self, address: &IdedExpr, networks: &[IdedExpr]) -> Result<Typed, ConditionError> {
        let address = self.text(address, "inside")?;
        let mut known = Vec::with_capacity(networks.len());
        for network in networks {
            let (expr, _) = self.part(network)?;
            let Expr::Constant(Value::Text(text)) = expr else {
                let error = wrong(format!("`{}`: a network must be written in the rule", written(network)));
                return Err(error.mend_by("as in `request.address.inside('10.0.0.0/8', '192.0.2.1')`"));
            };
            known.push(text.parse::<Network>().map_err(|error| wrong(error.to_string()))?);
        }
        Ok((Expr::Inside(Box::new(address), known), Type::Bool))
    }

    fn index(&mut self, of: &IdedExpr, at: &IdedExpr) -> Result<Typed, ConditionError> {
        if let Some(source) = self.source(of) {
            let (name, is) = self.part(at)?;
            if !is.is_text() {
                let error =
                    wrong(format!("`{}` is asked by name, and `{}` is {is}", written(of), written(at)));
                return Err(error.mend_by(format!("as in `{}['name']`", written(of))));
            }
            let expr = match name {
                Expr::Constant(Value::Text(name)) => Expr::Named(source, self.known_name(source, &name)),
                name if source == Source::Attributes => {
                    drop(name);
                    return Err(wrong("the name of a visitor's attribute must be written in the rule"));
                }
                name => Expr::Lookup(source, Box::new(name)),
            };
            return Ok((expr, Type::MaybeText));
        }
        let (list, list_is) = self.part(of)?;
        let (key, key_is) = self.part(at)?;
        let is = match (list_is, &key_is) {
            (Type::List(item), Type::Int | Type::Any) => *item,
            (Type::Map(item), key) if key.is_text() => *item,
            (Type::Any, _) => Type::Any,
            (is, _) => {
                return Err(wrong(format!(
                    "`{}` is {is}; `{}` finds nothing in it",
                    written(of),
                    written(at)
                )));
            }
        };
        Ok((Expr::Index(Box::new(list), Box::new(key)), is))
    }

    fn text_test(
        &mut self,
        test: TextTest,
        text: &IdedExpr,
        part: &IdedExpr,
        name: &str,
    ) -> Result<Typed, ConditionError> {
        let text = self.text(text, name)?;
        let part = self.text(part, name)?;
        Ok((Expr::TextTest(test, Box::new(text), Box::new(part)), Type::Bool))
    }

    fn matches(&mut self, text: &IdedExpr, pattern: &IdedExpr) -> Result<Typed, ConditionError> {
        let text = self.text(text, "matches")?;
        let (pattern_expr, _) = self.part(pattern)?;
        let Expr::Constant(Value::Text(source)) = pattern_expr else {
            return Err(wrong(format!(
                "`{}` is not known before a visitor comes; a pattern must be written in the rule, in quotes",
                written(pattern)
            )));
        };
        let regex = RegexBuilder::new(&source)
            .size_limit(PATTERN_BYTES_MAX)
            .dfa_size_limit(PATTERN_BYTES_MAX)
            .build()
            .map_err(|error| match error {
                regex::Error::CompiledTooBig(_) => wrong(format!("the pattern '{source}' is too large"))
                    .mend_by("use smaller repetitions, or `startsWith`, `endsWith`, `contains`"),
                error => {
                    // The library draws the pattern over several lines; its last line is the reason.
                    let message = error.to_string();
                    let reason = message.lines().last().unwrap_or_default().trim_start_matches("error: ");
                    wrong(format!("the pattern '{source}' is not valid: {reason}"))
                }
            })?;
        Ok((Expr::Matches(Box::new(text), regex), Type::Bool))
    }

    fn size(&mut self, of: &IdedExpr) -> Result<Typed, ConditionError> {
        let (expr, is) = self.part(of)?;
        match is {
            Type::Text | Type::MaybeText | Type::List(_) | Type::Map(_) | Type::Any => {
                Ok((Expr::Call(Function::Size, Box::new(expr)), Type::Int))
            }
            is => Err(wrong(format!("`{}` is {is}, which has no size", written(of)))),
        }
    }

    fn convert(&mut self, function: Function, of: &IdedExpr, to: Type) -> Result<Typed, ConditionError> {
        let (expr, is) = self.part(of)?;
        let fits = is.is_text() || is.is_number() || (is.is_bool() && function == Function::ToText);
        if !fits {
            return Err(wrong(format!("`{}` is {is}, which cannot become {to}", written(of))));
        }
        Ok((Expr::Call(function, Box::new(expr)), to))
    }
}

fn never_equal(one: &IdedExpr, left: &Type, other: &IdedExpr, right: &Type) -> ConditionError {
    let error = wrong(format!(
        "`{}` is {left} and `{}` is {right}; they are never equal",
        written(one),
        written(other)
    ));
    let (text, value) = match (left, right) {
        (Type::Text | Type::MaybeText, Type::Bool | Type::Int | Type::Double) => (one, other),
        (Type::Bool | Type::Int | Type::Double, Type::Text | Type::MaybeText) => (other, one),
        _ => return error,
    };
    if is_literal(text) || !is_literal(value) {
        return error;
    }
    error.mend_by(format!(
        "what comes with a request is text: write `{} == '{}'`",
        written(text),
        written(value)
    ))
}

/// A mend for a text where a number is needed.
fn with_number(error: ConditionError, one: (&IdedExpr, &Type), other: (&IdedExpr, &Type)) -> ConditionError {
    let text = match (one, other) {
        ((text, Type::Text | Type::MaybeText), (_, Type::Int | Type::Double)) => text,
        ((_, Type::Int | Type::Double), (text, Type::Text | Type::MaybeText)) => text,
        _ => return error,
    };
    if is_literal(text) {
        return error.mend_by("write the number without quotes");
    }
    error.mend_by(format!("write `int({})`", written(text)))
}

fn unknown(name: &str, tree: &IdedExpr) -> ConditionError {
    if FUNCTIONS.contains(&name) {
        let form = match name {
            "startsWith" | "endsWith" | "contains" | "matches" => format!("`text.{name}('…')`"),
            "lowerAscii" | "upperAscii" => format!("`text.{name}()`"),
            "has" => "`has(visitor.name)`".to_owned(),
            "inside" => "`request.address.inside('10.0.0.0/8')`".to_owned(),
            "list" => "`visitor.id in list('name')`".to_owned(),
            _ => format!("`{name}(…)`"),
        };
        return wrong(format!("`{}` is not how `{name}` is written", written(tree)))
            .mend_by(format!("write {form}"));
    }
    let error = wrong(format!("the function `{name}` does not exist; rules know {}", FUNCTIONS.join(", ")));
    match nearest(name, &FUNCTIONS) {
        Some(near) => error.mend_by(format!("did you mean `{near}`?")),
        None => match name {
            "toLowerCase" | "lower" | "toLower" => error.mend_by("did you mean `lowerAscii`?"),
            "toUpperCase" | "upper" | "toUpper" => error.mend_by("did you mean `upperAscii`?"),
            "length" | "len" => error.mend_by("did you mean `size`?"),
            "includes" => error.mend_by("did you mean `contains`?"),
            _ => error,
        },
    }
}
