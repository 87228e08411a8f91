//! The house rules that a program can check. What stands in a list of exceptions has a reason, and must need it.

#![expect(clippy::unwrap_used, reason = "in tests, a panic is how a failure is told")]

use std::fs;
use std::path::{Path, PathBuf};

const FILE_LINES_MAX: usize = 500;
const FUNCTION_LINES_MAX: usize = 70;

/// Files that are longer, and why.
const LONG_FILES: [(&str, &str); 0] = [];

/// Functions that are longer, and why: `file: function`.
const LONG_FUNCTIONS: [(&str, &str); 1] = [(
    "crates/sluice-core/src/release/reason/words.rs: fmt",
    "a table: one sentence for each reason, which is read as a whole",
)];

/// Names that say nothing about what is inside.
const DRAWERS: [&str; 6] = ["mod.rs", "utils.rs", "util.rs", "common.rs", "helpers.rs", "misc.rs"];

struct File {
    /// From the root of the workspace, with `/`.
    path: String,
    text: String,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// Every Rust file below `crates/*/FOLDER`.
fn files(folders: &[&str]) -> Vec<File> {
    let root = root();
    let mut found = Vec::new();
    for krate in fs::read_dir(root.join("crates")).unwrap() {
        for folder in folders {
            collect(&root, &krate.as_ref().unwrap().path().join(folder), &mut found);
        }
    }
    assert!(!found.is_empty());
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

fn collect(root: &Path, folder: &Path, found: &mut Vec<File>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(root, &path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().replace('\\', "/");
            found.push(File { path: name, text: fs::read_to_string(&path).unwrap() });
        }
    }
}

/// Fails with what is too much, and with exceptions that nothing needs any more.
fn judge(what: &str, found: &[String], exceptions: &[(&str, &str)]) {
    let is_excepted = |name: &&String| !exceptions.iter().any(|(exception, _)| exception == name);
    let wrong: Vec<&String> = found.iter().filter(is_excepted).collect();
    assert!(wrong.is_empty(), "{what}: {wrong:#?}");
    for (exception, reason) in exceptions {
        assert!(!reason.is_empty(), "{exception} needs a reason");
        assert!(found.iter().any(|name| name == exception), "{exception} is listed and need not be: {what}");
    }
}

#[test]
fn files_hold_one_thing_and_are_short() {
    let long = files(&["src"]).into_iter().filter(|file| file.text.lines().count() > FILE_LINES_MAX);
    judge("longer than 500 lines", &long.map(|file| file.path).collect::<Vec<_>>(), &LONG_FILES);
}

#[test]
fn modules_are_named_by_what_they_are_about() {
    let files = files(&["src", "tests", "benches"]);
    let drawers = files.into_iter().map(|file| file.path);
    let drawers = drawers.filter(|path| DRAWERS.iter().any(|name| path.rsplit('/').next() == Some(name)));
    judge("a drawer, not a module", &drawers.collect::<Vec<_>>(), &[]);
}

#[test]
fn functions_fit_on_a_screen() {
    let files = files(&["src"]);
    let long = files.iter().flat_map(|file| {
        let long = functions(&file.text).into_iter().filter(|(_, lines)| *lines > FUNCTION_LINES_MAX);
        long.map(|(name, _)| format!("{}: {name}", file.path))
    });
    judge("longer than 70 lines", &long.collect::<Vec<_>>(), &LONG_FUNCTIONS);
}

#[test]
fn every_file_says_what_it_is_about() {
    let silent = files(&["src"]).into_iter().filter(|file| !file.text.starts_with("//!"));
    judge("without `//!` at the top", &silent.map(|file| file.path).collect::<Vec<_>>(), &[]);
}

/// Every function with its number of lines. The formatter puts the closing brace below the first letter of the
/// function's own line, so no parser is needed.
fn functions(text: &str) -> Vec<(String, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let code = line.trim_start();
        let indent = &line[..line.len() - code.len()];
        let Some(name) = function_name(code) else { continue };
        let end = format!("{indent}}}");
        // A function on one line, or one without a body, ends before anything else begins at its level.
        let rest = lines[start..]
            .iter()
            .take_while(|line| !line.trim_end().ends_with(';') || line.starts_with(&format!("{indent} ")));
        if let Some(length) = rest.enumerate().find(|(_, line)| **line == end).map(|(length, _)| length + 1) {
            found.push((name.to_owned(), length));
        }
    }
    found
}

/// The name of the function that a line begins, if it does.
fn function_name(code: &str) -> Option<&str> {
    let mut words = code
        .split(' ')
        .skip_while(|word| matches!(*word, "pub" | "const" | "async") || word.starts_with("pub("));
    let name = (words.next() == Some("fn")).then(|| words.next()).flatten()?;
    let end = name.find(['(', '<']).unwrap_or(name.len());
    (!code.trim_end().ends_with('}') && !code.trim_end().ends_with(';')).then_some(&name[..end])
}

#[test]
fn functions_are_measured_as_a_reader_counts() {
    let text = "impl A {\n    pub(crate) fn a(\n        &self,\n    ) {\n        b();\n    }\n\n    fn c() {}\n}\nasync fn d<T>() {\n    e();\n}\n";
    let expected = [("a".to_owned(), 5), ("d".to_owned(), 3)];
    assert_eq!(functions(text), expected);
}
