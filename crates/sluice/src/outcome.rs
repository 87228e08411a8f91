//! How a command ends: one exit code, and for failures one message in a fixed form.
//!
//! A failure names the thing, says why, and how to mend it. Only [`Failure::report`] prints it, so that all commands
//! fail alike.

use std::error::Error;
use std::fmt;
use std::io::Write;
use std::process::ExitCode;

use crate::terminal::Paint;

/// The exit codes, which scripts rely on. The parser of the command line ends with 2 by itself when it makes no sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// What was asked is done; with `--wait` and `--watch`, the release succeeded.
    Done = 0,
    /// The release did not succeed, or the server refused.
    Failed = 1,
    /// A document or a setting is wrong, or the machine does not let it be so.
    Configuration = 3,
    /// The server cannot be reached.
    Unreachable = 4,
    /// A bug in Sluice.
    Bug = 70,
    /// Ctrl-C ended the watching before there was an outcome: 128 + SIGINT, as shells have it.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}

/// Why a command did not do what was asked.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    /// Nothing is printed when this is empty: the reader of our output went away.
    message: String,
    causes: Vec<String>,
    hints: Vec<String>,
    /// Whole lines to show before the message, such as the problems of a document.
    details: Vec<String>,
}

impl Failure {
    /// A failure with a message: a short sentence in lower case, without a final period.
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Failure {
        Failure { exit, message: message.into(), causes: Vec::new(), hints: Vec::new(), details: Vec::new() }
    }

    /// The reader of our output went away, which is no failure.
    pub(crate) fn broken_pipe() -> Failure {
        Failure::new(Exit::Done, "")
    }

    /// Adds what lies behind it, and what lies behind that.
    #[must_use]
    pub(crate) fn because(mut self, cause: &(dyn Error + 'static)) -> Failure {
        let mut next = Some(cause);
        while let Some(error) = next {
            let text = error.to_string();
            // Errors often repeat their source in their own text.
            if !self.causes.last().unwrap_or(&self.message).contains(&text) {
                self.causes.push(text);
            }
            next = error.source();
        }
        self
    }

    /// Adds how to mend it.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Failure {
        self.hints.push(hint.into());
        self
    }

    /// Adds lines to show before the message.
    #[must_use]
    pub(crate) fn details(mut self, lines: impl IntoIterator<Item = String>) -> Failure {
        self.details.extend(lines);
        self
    }

    /// The exit code.
    pub(crate) fn exit(&self) -> Exit {
        self.exit
    }

    /// Writes the failure in its fixed form.
    pub(crate) fn report(&self, to: &mut dyn Write, paint: Paint) -> std::io::Result<()> {
        if self.message.is_empty() {
            return Ok(());
        }
        for line in &self.details {
            writeln!(to, "{line}")?;
        }
        writeln!(to, "{} {}", paint.red("error:"), self.message)?;
        for cause in &self.causes {
            writeln!(to, "{} {cause}", paint.dim("cause:"))?;
        }
        for hint in &self.hints {
            writeln!(to, "{} {hint}", paint.green("hint:"))?;
        }
        to.flush()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{what}")]
    struct Layer {
        what: &'static str,
        source: Option<Box<Layer>>,
    }

    #[test]
    fn a_failure_tells_what_why_and_the_mend_and_repeats_nothing() {
        let socket = Layer { what: "address in use", source: None };
        let bind = Layer { what: "cannot listen: address in use", source: Some(Box::new(socket)) };
        let failure = Failure::new(Exit::Configuration, "the gateway cannot start")
            .because(&bind)
            .hint("choose another port with `--gateway`");
        let mut text = Vec::new();
        failure.report(&mut text, Paint::plain()).unwrap();
        assert_eq!(
            String::from_utf8(text).unwrap(),
            "error: the gateway cannot start\n\
             cause: cannot listen: address in use\n\
             hint: choose another port with `--gateway`\n"
        );
    }

    #[test]
    fn a_broken_pipe_is_silent_success() {
        let mut text = Vec::new();
        Failure::broken_pipe().report(&mut text, Paint::plain()).unwrap();
        assert!(text.is_empty());
        assert_eq!(Failure::broken_pipe().exit(), Exit::Done);
    }
}
