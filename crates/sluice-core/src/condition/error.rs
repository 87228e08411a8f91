//! What is wrong with a rule.

/// What is wrong with a rule: the part of it, why, and how to mend it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct ConditionError {
    /// Names the part, and says why: one plain sentence without a full stop.
    why: String,
    mend: Option<String>,
}

impl ConditionError {
    pub(super) fn new(why: impl Into<String>) -> ConditionError {
        ConditionError { why: why.into(), mend: None }
    }

    pub(super) fn mend_by(mut self, mend: impl Into<String>) -> ConditionError {
        self.mend = Some(mend.into());
        self
    }

    /// How to mend it, when that can be guessed.
    pub fn mend(&self) -> Option<&str> {
        self.mend.as_deref()
    }
}
