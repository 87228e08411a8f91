//! What the parts of a rule are, before any visitor comes.

use std::fmt;

/// What a rule speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// `request` and `visitor`.
    Visitors,
    /// `change`, `service` and `environment`.
    Changes,
}

impl Scope {
    /// The names that a rule begins with.
    pub(super) const fn roots(self) -> &'static [&'static str] {
        match self {
            Scope::Visitors => &["request", "visitor"],
            Scope::Changes => &["change", "service", "environment"],
        }
    }
}

/// What a name that a rule begins with has.
pub(super) fn fields_of(root: &str) -> &'static [&'static str] {
    match root {
        "request" => &[
            "method", "path", "host", "headers", "cookies", "query", "scheme", "address", "country",
            "browser", "system", "device",
        ],
        "change" => &["level", "from", "to", "commit", "image", "configOnly", "labels"],
        "service" => &["name", "labels"],
        "environment" => &["name"],
        _ => &[],
    }
}

/// The levels of a change.
pub(super) const LEVELS: [&str; 4] = ["major", "minor", "patch", "other"];

/// What a part of a rule is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Type {
    Null,
    Bool,
    Int,
    Double,
    Text,
    /// Text, or null where there is none.
    MaybeText,
    List(Box<Type>),
    Map(Box<Type>),
    /// One of several; only a visitor tells.
    Any,
}

impl Type {
    pub(super) fn is_text(&self) -> bool {
        matches!(self, Type::Text | Type::MaybeText | Type::Any)
    }

    pub(super) fn is_bool(&self) -> bool {
        matches!(self, Type::Bool | Type::Any)
    }

    pub(super) fn is_number(&self) -> bool {
        matches!(self, Type::Int | Type::Double | Type::Any)
    }

    /// What is either of two.
    pub(super) fn or(self, other: Type) -> Type {
        match (self, other) {
            (one, other) if one == other => one,
            (Type::Null | Type::MaybeText | Type::Text, Type::Null | Type::MaybeText | Type::Text) => {
                Type::MaybeText
            }
            (Type::List(one), Type::List(other)) => Type::List(Box::new(one.or(*other))),
            _ => Type::Any,
        }
    }

    /// Whether two can ever be equal.
    pub(super) fn may_equal(&self, other: &Type) -> bool {
        match (self, other) {
            (Type::Any, _) | (_, Type::Any) => true,
            (Type::Int | Type::Double, Type::Int | Type::Double) => true,
            (Type::Text | Type::MaybeText, Type::Text | Type::MaybeText) => true,
            (Type::MaybeText, Type::Null) | (Type::Null, Type::MaybeText) => true,
            (Type::List(one), Type::List(other)) | (Type::Map(one), Type::Map(other)) => one.may_equal(other),
            (one, other) => one == other,
        }
    }
}

/// As in "`visitor.age` is text".
impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Type::Null => "null",
            Type::Bool => "true or false",
            Type::Int => "a whole number",
            Type::Double => "a number",
            Type::Text | Type::MaybeText => "text",
            Type::List(_) => "a list",
            Type::Map(_) => "a map",
            Type::Any => "one of several things",
        })
    }
}
