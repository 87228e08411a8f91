//! Files with documents: read together, so that they are applied all or none, and told apart again when something is
//! wrong in one of them.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use sluice_core::document::{Document, parse_yaml};

use crate::client::problem::Problem;
use crate::outcome::{Exit, Failure};
use crate::terminal::Paint;

/// The name of standard input, on the command line and in messages.
const STDIN: &str = "-";
/// Which files of a folder hold documents.
const EXTENSIONS: [&str; 3] = ["yaml", "yml", "json"];

/// One file.
#[derive(Debug)]
struct Source {
    /// As it was given, for messages.
    name: String,
    text: String,
    /// Where it begins in the joined text, counted from 0.
    first_line: usize,
}

/// Some files, as one text.
#[derive(Debug)]
pub(crate) struct Input {
    sources: Vec<Source>,
    joined: String,
}

impl Input {
    /// Reads files, folders and `-`, in the order given.
    ///
    /// # Errors
    /// When one cannot be read or none holds a document; nothing has happened then.
    pub(crate) fn read(paths: &[PathBuf]) -> Result<Input, Failure> {
        let mut input = Input { sources: Vec::new(), joined: String::new() };
        for path in paths {
            if path.as_os_str() == STDIN {
                let mut text = String::new();
                std::io::stdin()
                    .read_to_string(&mut text)
                    .map_err(|error| unreadable("standard input", &error))?;
                input.add("stdin".to_owned(), text);
            } else if path.is_dir() {
                for file in files_of(path)? {
                    input.add_file(&file)?;
                }
            } else {
                input.add_file(path)?;
            }
        }
        Ok(input)
    }

    fn add_file(&mut self, path: &Path) -> Result<(), Failure> {
        let name = path.strip_prefix("./").unwrap_or(path).display().to_string();
        let text = fs::read_to_string(path).map_err(|error| unreadable(&name, &error))?;
        self.add(name, text);
        Ok(())
    }

    fn add(&mut self, name: String, text: String) {
        if !self.joined.is_empty() {
            self.joined.push_str("---\n");
        }
        let first_line = self.joined.matches('\n').count();
        // A byte order mark is allowed at the beginning of a text only.
        self.joined.push_str(text.trim_start_matches('\u{feff}'));
        if !self.joined.is_empty() && !self.joined.ends_with('\n') {
            self.joined.push('\n');
        }
        self.sources.push(Source { name, text, first_line });
    }

    /// All of them, as one text of several documents.
    pub(crate) fn joined(&self) -> &str {
        &self.joined
    }

    /// What they are called, for messages.
    pub(crate) fn names(&self) -> String {
        match &self.sources[..] {
            [one] => one.name.clone(),
            several => format!("{} files", several.len()),
        }
    }

    /// The file that holds a document; the last one when several do.
    pub(crate) fn file_of(&self, document: &Document) -> Option<&str> {
        let holds = |source: &&Source| {
            let keys = parse_yaml(&source.text).unwrap_or_default();
            keys.iter().any(|other| other.key() == document.key())
        };
        Some(self.sources.iter().rev().find(holds)?.name.as_str())
    }

    /// The failure that shows each problem at its place.
    pub(crate) fn failure(&self, problems: &[Problem], paint: Paint) -> Failure {
        let count = match problems.len() {
            1 => "1 problem".to_owned(),
            several => format!("{several} problems"),
        };
        Failure::new(Exit::Configuration, format!("{count} in {}; nothing was changed", self.names()))
            .details(problems.iter().map(|problem| self.shown(problem, paint)))
    }

    /// A problem with the line that it is about.
    fn shown(&self, problem: &Problem, paint: Paint) -> String {
        let path = if problem.path.is_empty() { String::new() } else { format!("{}: ", problem.path) };
        let place =
            problem.at.and_then(|at| self.source_at(at.line).map(|(source, line)| (source, line, at.column)));
        let mut text = match (place, &problem.document) {
            (Some((source, line, column)), _) => {
                let place = paint.bold(&format!("{}:{line}:{column}:", source.name));
                format!("{place} {path}{}", problem.message)
            }
            (None, Some(document)) => {
                format!("{} {document}: {path}{}", paint.bold(&format!("{}:", self.names())), problem.message)
            }
            (None, None) => {
                format!("{} {path}{}", paint.bold(&format!("{}:", self.names())), problem.message)
            }
        };
        let mut margin = 2;
        if let Some((source, line, column)) = place
            && let Some(excerpt) = source.text.lines().nth(line - 1)
        {
            let number = line.to_string();
            margin = number.len() + 1;
            let caret = format!("{}^", " ".repeat(column.saturating_sub(1)));
            let bar = paint.dim("|");
            text.push_str(&format!("\n{} {bar} {}", paint.dim(&number), excerpt.replace('\t', " ")));
            text.push_str(&format!("\n{:margin$}{bar} {}", "", paint.red(&caret)));
        }
        for (label, note) in [("hint", &problem.hint), ("accepted", &problem.accepted)] {
            if let Some(note) = note {
                text.push_str(&format!("\n{:margin$}{} {note}", "", paint.dim(&format!("= {label}:"))));
            }
        }
        text
    }

    /// The file that holds a line of the joined text, and the number of that line in it. Both count from 1.
    fn source_at(&self, line: usize) -> Option<(&Source, usize)> {
        let source = self.sources.iter().rev().find(|source| line > source.first_line)?;
        Some((source, line - source.first_line))
    }
}

/// The files of a folder that hold documents, by name.
fn files_of(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let name = folder.display().to_string();
    let entries = fs::read_dir(folder).map_err(|error| unreadable(&name, &error))?;
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| unreadable(&name, &error))?.path();
        let extension = path.extension().and_then(|extension| extension.to_str());
        if path.is_file() && extension.is_some_and(|extension| EXTENSIONS.contains(&extension)) {
            files.push(path);
        }
    }
    files.sort();
    if files.is_empty() {
        return Err(Failure::new(Exit::Configuration, format!("the folder {name} holds no documents")).hint(
            "documents are in files that end in .yaml, .yml or .json; folders in it are not searched",
        ));
    }
    Ok(files)
}

fn unreadable(name: &str, error: &std::io::Error) -> Failure {
    let failure = Failure::new(Exit::Configuration, format!("{name} cannot be read")).because(error);
    match error.kind() {
        std::io::ErrorKind::NotFound => failure.hint("check the path; `-` reads standard input"),
        std::io::ErrorKind::InvalidData => failure.hint("documents are UTF-8 text"),
        _ => failure,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::problem::Position;

    fn problem(line: usize, column: usize) -> Problem {
        Problem {
            document: None,
            path: "spec.x".to_owned(),
            at: Some(Position { line, column }),
            message: "no such field".to_owned(),
            accepted: None,
            hint: Some("did you mean `y`?".to_owned()),
        }
    }

    #[test]
    fn a_problem_is_shown_in_the_file_and_line_that_it_came_from() {
        let folder = tempfile::tempdir().unwrap();
        let (first, second) = (folder.path().join("a.yaml"), folder.path().join("b.yml"));
        fs::write(&first, "kind: Service\nspec: {}").unwrap();
        fs::write(&second, "kind: Policy\nspec:\n  x: 1\n").unwrap();
        fs::write(folder.path().join("notes.txt"), "not a document").unwrap();
        let input = Input::read(&[folder.path().to_path_buf()]).unwrap();
        assert_eq!(input.joined(), "kind: Service\nspec: {}\n---\nkind: Policy\nspec:\n  x: 1\n");
        assert_eq!(
            input.shown(&problem(6, 3), Paint::plain()),
            format!(
                "{}:3:3: spec.x: no such field\n3 |   x: 1\n  |   ^\n  = hint: did you mean `y`?",
                second.display()
            )
        );
        assert!(
            input.shown(&problem(2, 1), Paint::plain()).starts_with(&format!("{}:2:1:", first.display()))
        );
    }

    #[test]
    fn a_folder_without_documents_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let failure = Input::read(&[folder.path().to_path_buf()]).unwrap_err();
        assert_eq!(failure.exit(), Exit::Configuration);
    }
}
