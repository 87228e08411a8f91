//! CEL rules: which visitors a segment holds, which policy a change follows.
//!
//! A rule is compiled and type-checked once, when its document is read. Evaluating it never fails: a rule that
//! cannot be evaluated for a visitor does not hold for them.
//!
//! The `cel` crate reads the text; checking and evaluating are done here. Its interpreter looks everything up by name,
//! compiles a regular expression each time it is used, and has no types before a value arrives, so that a misspelt
//! field would be found by the first visitor instead of by the author.

mod compile;
mod error;
mod eval;
mod program;
mod syntax;
#[cfg(test)]
mod tests;
mod types;
mod witness;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::Name;
use crate::document::service::AttributeSource;
use crate::routing::Request;
use compile::Named;
pub use error::ConditionError;
use eval::World;
use program::Expr;
use types::Scope;

/// A compiled CEL rule that yields true or false. Two rules are equal when their texts are and they speak of the
/// same things.
#[derive(Clone)]
pub struct Condition {
    source: Arc<str>,
    compiled: Arc<Compiled>,
}

struct Compiled {
    scope: Scope,
    rule: Expr,
    named: Named,
}

impl Condition {
    /// Compiles a rule about visitors: over `request` (`method`, `path`, `host`, `headers`,
    /// `cookies`, `query`, `scheme`, `address`, `country`, `browser`, `system`, `device`) and
    /// `visitor` (`id`, and the attributes that the service names).
    ///
    /// # Errors
    /// The first part of the rule that cannot be read, or that could never mean anything.
    pub fn for_visitors(source: &str) -> Result<Condition, ConditionError> {
        Condition::compile(source, Scope::Visitors)
    }

    /// Compiles a rule about a change: over `change` (`level`, `from`, `to`, `commit`, `image`, `configOnly`,
    /// `labels`), `service` (`name`, `labels`) and `environment` (`name`).
    ///
    /// # Errors
    /// As [`Condition::for_visitors`].
    pub fn for_changes(source: &str) -> Result<Condition, ConditionError> {
        Condition::compile(source, Scope::Changes)
    }

    fn compile(source: &str, scope: Scope) -> Result<Condition, ConditionError> {
        let tree = syntax::parse(source)?;
        let (rule, named) = compile::compile(&tree, scope)?;
        Ok(Condition { source: source.into(), compiled: Arc::new(Compiled { scope, rule, named }) })
    }

    /// The rule as it was written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The visitor's attributes that the rule names, without `id`.
    pub fn attributes(&self) -> &BTreeSet<String> {
        &self.compiled.named.attributes
    }

    /// The lists that the rule looks into.
    pub fn lists(&self) -> &BTreeSet<Name> {
        &self.compiled.named.lists
    }

    /// Whether the rule holds for a visitor. `visitor` says where their attributes are read; an attribute that the
    /// request does not carry is null. A rule that cannot be evaluated does not hold.
    ///
    /// Only what the rule names is read from the request, when evaluating comes to it. Time is bounded by the length
    /// of the rule and of what it reads.
    pub fn holds_for(
        &self,
        request: &dyn Request,
        visitor: &BTreeMap<String, AttributeSource>,
        unit: Option<&str>,
    ) -> bool {
        eval::holds(&self.compiled.rule, &World::Visitor { request, visitor, unit })
    }

    /// Whether the rule holds for a change.
    pub fn holds_for_change(&self, change: &Change<'_>) -> bool {
        eval::holds(&self.compiled.rule, &World::Change(change))
    }
}

impl fmt::Debug for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Condition").field(&self.source).finish()
    }
}

impl PartialEq for Condition {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source && self.compiled.scope == other.compiled.scope
    }
}

impl Eq for Condition {}

impl Serialize for Condition {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.source)
    }
}

/// A rule about visitors: those about changes are read where they stand.
impl<'de> Deserialize<'de> for Condition {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let source = String::deserialize(deserializer)?;
        Condition::for_visitors(&source).map_err(serde::de::Error::custom)
    }
}

/// What a rule about a change is asked over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change<'a> {
    /// `major`, `minor`, `patch` or `other`.
    pub level: &'a str,
    /// The version that is live.
    pub from: &'a str,
    /// The version that is released.
    pub to: &'a str,
    /// The commit that it was built from, when that is known.
    pub commit: Option<&'a str>,
    /// The image that it runs, when that is known.
    pub image: Option<&'a str>,
    /// Whether nothing differs but the configuration.
    pub config_only: bool,
    /// What was noted on the version when it was announced.
    pub change_labels: &'a BTreeMap<String, String>,
    /// The service's name.
    pub service: &'a str,
    /// The service's labels.
    pub labels: &'a BTreeMap<String, String>,
    /// The environment's name.
    pub environment: &'a str,
}
