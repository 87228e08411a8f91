//! What the server says when it refuses: problem bodies (RFC 9457) with a stable code.

use serde::Deserialize;
use sluice_core::document::problem::Problem as CoreProblem;

use crate::outcome::{Exit, Failure};

/// Where in a text: both count from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Position {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

/// One thing that is wrong with a document.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Problem {
    #[serde(default)]
    pub(crate) document: Option<String>,
    #[serde(default)]
    pub(crate) path: String,
    #[serde(default)]
    pub(crate) at: Option<Position>,
    pub(crate) message: String,
    #[serde(default)]
    pub(crate) accepted: Option<String>,
    #[serde(default)]
    pub(crate) hint: Option<String>,
}

impl From<&CoreProblem> for Problem {
    fn from(problem: &CoreProblem) -> Problem {
        Problem {
            document: problem.document.clone(),
            path: problem.path.clone(),
            at: problem.at.map(|at| Position { line: at.line, column: at.column }),
            message: problem.message.clone(),
            accepted: problem.accepted.clone(),
            hint: problem.hint.clone(),
        }
    }
}

/// A refusal of the server.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Refusal {
    /// The stable code.
    pub(crate) code: String,
    /// What and why, in a sentence.
    pub(crate) detail: String,
    /// How to mend it.
    #[serde(default)]
    pub(crate) hint: Option<String>,
    /// What is wrong with the documents, each thing.
    #[serde(default)]
    pub(crate) problems: Vec<Problem>,
}

impl Refusal {
    /// Reads a problem body; `None` when it is none.
    pub(crate) fn parse(_status: u16, text: &str) -> Option<Refusal> {
        serde_json::from_str(text).ok()
    }

    /// The exit code that tells what kind of trouble it is.
    fn exit(&self) -> Exit {
        match self.code.as_str() {
            "invalid-document" | "disk-full" => Exit::Configuration,
            "internal" => Exit::Bug,
            "unavailable" => Exit::Unreachable,
            _ => Exit::Failed,
        }
    }

    /// The failure to report.
    pub(crate) fn into_failure(self) -> Failure {
        let exit = self.exit();
        let details = self.problems.iter().map(|problem| {
            let document = problem.document.as_ref().map(|name| format!("{name}: ")).unwrap_or_default();
            let path = if problem.path.is_empty() { String::new() } else { format!("{}: ", problem.path) };
            format!("{document}{path}{}", problem.message)
        });
        let failure =
            Failure::new(exit, self.detail.trim_end_matches('.')).details(details.collect::<Vec<_>>());
        match self.hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}
