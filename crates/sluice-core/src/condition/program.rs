//! A compiled rule: a tree in which every name is already resolved.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use regex::Regex;

use crate::Name;
use crate::network::Network;

/// A value while a rule is evaluated; text is borrowed from the request where it can be.
#[derive(Clone, Debug)]
pub(super) enum Value<'a> {
    Null,
    Bool(bool),
    Int(i64),
    Double(f64),
    Text(Cow<'a, str>),
    List(Arc<[Value<'a>]>),
    Map(Arc<BTreeMap<String, Value<'a>>>),
}

/// As CEL has it: numbers by value whatever their type, all else only within its type.
impl PartialEq for Value<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Value::Null, Value::Null) => true,
            (Value::Bool(one), Value::Bool(other)) => one == other,
            (Value::Int(one), Value::Int(other)) => one == other,
            (Value::Double(one), Value::Double(other)) => one == other,
            (Value::Int(whole), Value::Double(real)) | (Value::Double(real), Value::Int(whole)) => {
                *whole as f64 == *real
            }
            (Value::Text(one), Value::Text(other)) => one == other,
            (Value::List(one), Value::List(other)) => one == other,
            (Value::Map(one), Value::Map(other)) => one == other,
            _ => false,
        }
    }
}

/// What is looked up by name, and never built as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Source {
    Headers,
    Cookies,
    Query,
    Attributes,
    ServiceLabels,
    ChangeLabels,
}

/// A single thing that a rule can ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fact {
    Method,
    Host,
    Path,
    Scheme,
    Address,
    Country,
    Browser,
    System,
    Device,
    ChangeLevel,
    ChangeFrom,
    ChangeTo,
    ChangeCommit,
    ChangeImage,
    ChangeConfigOnly,
    ServiceName,
    EnvironmentName,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TextTest {
    StartsWith,
    EndsWith,
    Contains,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Function {
    Size,
    Lower,
    Upper,
    ToInt,
    ToDouble,
    ToText,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quantifier {
    Exists,
    All,
}

/// A compiled expression.
#[derive(Debug)]
pub(super) enum Expr {
    Constant(Value<'static>),
    Fact(Fact),
    /// A value by a name that is known.
    Named(Source, String),
    /// A value by a name that is worked out.
    Lookup(Source, Box<Expr>),
    /// Whether there is one: `has(visitor.plan)`, `'x-beta' in request.headers`.
    Holds(Source, Box<Expr>),
    /// A variable of `exists` or `all`, counted from the outermost.
    Variable(usize),
    List(Vec<Expr>),
    Map(Vec<(String, Expr)>),
    Not(Box<Expr>),
    Negate(Box<Expr>),
    And(Box<Expr>, Box<Expr>),
    Or(Box<Expr>, Box<Expr>),
    If(Box<[Expr; 3]>),
    Equal(Box<Expr>, Box<Expr>),
    Compare(Order, Box<Expr>, Box<Expr>),
    Arithmetic(Arithmetic, Box<Expr>, Box<Expr>),
    In(Box<Expr>, Box<Expr>),
    Index(Box<Expr>, Box<Expr>),
    HasKey(Box<Expr>, String),
    TextTest(TextTest, Box<Expr>, Box<Expr>),
    Matches(Box<Expr>, Regex),
    /// Whether an address is in one of these networks.
    Inside(Box<Expr>, Vec<Network>),
    /// Whether a word is among those of a text, which commas or spaces keep apart.
    Among(Box<Expr>, Box<Expr>),
    /// Whether a list that the gateway keeps holds it.
    Listed(Box<Expr>, Name),
    Call(Function, Box<Expr>),
    Quantified(Quantifier, Box<Expr>, Box<Expr>),
}
