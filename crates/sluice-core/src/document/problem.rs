//! What is wrong with a document: all of it at once, each with its place, what was given and what would be accepted.

use std::fmt;

use serde::Serialize;
use utoipa::ToSchema;

/// Where in a text: both count from 1, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

/// One thing that is wrong with a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// A stable code: `unknown-field`, `missing-field`, `wrong-type`, `invalid-value` ….
    #[schema(value_type = String, example = "unknown-field")]
    pub code: &'static str,
    /// Which document, as far as it could be told: `Policy careful`, or `document 2`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub document: Option<String>,
    /// Where in the document: `spec.steps[2].audience[0].percent`. Empty for the document as a whole.
    pub path: String,
    /// Where in the text, when it came as text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Position>,
    /// What was given there, shortened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub given: Option<String>,
    /// What is wrong, in one plain sentence without a full stop.
    pub message: String,
    /// What would be accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accepted: Option<String>,
    /// How to mend it, when that can be guessed: ``did you mean `percent`?``.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// `line 12, column 9: spec.steps[0].hold.time: `10` is not a length of time`, with what is accepted below.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(at) = self.at {
            write!(f, "line {}, column {}: ", at.line, at.column)?;
        }
        if let Some(document) = &self.document {
            write!(f, "{document}: ")?;
        }
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        write!(f, "{}", self.message)?;
        if let Some(hint) = &self.hint {
            write!(f, "\n  {hint}")?;
        }
        if let Some(accepted) = &self.accepted {
            write!(f, "\n  accepted: {accepted}")?;
        }
        Ok(())
    }
}

/// Everything that is wrong with one or more documents, in the order of the text. Never empty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(transparent)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// `None` when there are none.
    pub fn new(mut problems: Vec<Problem>) -> Option<Problems> {
        // A stable sort: what has no position stays in the order in which it was found.
        problems.sort_by_key(|problem| problem.at);
        (!problems.is_empty()).then_some(Problems(problems))
    }

    /// Each of them.
    pub fn iter(&self) -> std::slice::Iter<'_, Problem> {
        self.0.iter()
    }

    /// All of them.
    pub fn into_vec(self) -> Vec<Problem> {
        self.0
    }
}

impl<'a> IntoIterator for &'a Problems {
    type Item = &'a Problem;
    type IntoIter = std::slice::Iter<'a, Problem>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

/// What is wrong, before its place is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) code: &'static str,
    pub(crate) message: String,
    pub(crate) given: Option<String>,
    pub(crate) accepted: Option<String>,
    pub(crate) hint: Option<String>,
}

impl Fault {
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Fault {
        Fault { code, message: message.into(), given: None, accepted: None, hint: None }
    }

    /// A value of the right type that cannot be.
    pub(crate) fn invalid(message: impl Into<String>) -> Fault {
        Fault::new("invalid-value", message)
    }

    /// The same thing twice.
    pub(crate) fn duplicate(message: impl Into<String>) -> Fault {
        Fault::new("duplicate", message)
    }

    /// Fields that cannot stand beside each other, or not without each other.
    pub(crate) fn conflict(message: impl Into<String>) -> Fault {
        Fault::new("conflict", message)
    }

    pub(crate) fn given(mut self, given: impl Into<String>) -> Fault {
        self.given = Some(given.into());
        self
    }

    pub(crate) fn accepted(mut self, accepted: impl Into<String>) -> Fault {
        self.accepted = Some(accepted.into());
        self
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Fault {
        self.hint = Some(hint.into());
        self
    }

    /// Adds ``did you mean `x`?`` when one of `known` is near enough.
    pub(crate) fn or_did_you_mean(mut self, given: &str, known: &[&str]) -> Fault {
        if let Some(near) = nearest(given, known) {
            self.hint = Some(format!("did you mean `{near}`?"));
        }
        self
    }

    pub(crate) fn at(self, document: Option<String>, path: String, at: Option<Position>) -> Problem {
        let Fault { code, message, given, accepted, hint } = self;
        Problem { code, document, path, at, given, message, accepted, hint }
    }
}

/// The known word that was probably meant: at most a third of its letters are wrong, capitals not counted.
pub(crate) fn nearest<'a>(given: &str, known: &[&'a str]) -> Option<&'a str> {
    let plain = |text: &str| text.to_ascii_lowercase().replace(['-', '_'], "");
    let wanted = plain(given);
    known
        .iter()
        .map(|word| (strsim::damerau_levenshtein(&wanted, &plain(word)), *word))
        .filter(|(distance, word)| distance * 3 <= word.len().max(3))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| word)
}
