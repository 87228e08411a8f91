//! One step of a pipeline, made from a file of `integrations/`, and how it is run.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use saphyr::{LoadableYamlNode, Scalar, Yaml};
use serde_json::{Map, Value};

use crate::world::{Ended, run};

/// Where the files are.
pub(crate) const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../integrations");
/// What every system says of the pipeline that it runs.
pub(crate) const COMMIT: &str = "4f1c2a9b77e0d3c5a1e2f3a4b5c6d7e8f9a0b1c2";
pub(crate) const ACTOR: &str = "grace";
pub(crate) const BUILD_URL: &str = "https://ci.example.com/shop/checkout/actions/runs/42";

/// What somebody writes into their pipeline.
pub(crate) struct Given<'a> {
    pub(crate) server: &'a str,
    pub(crate) version: &'a str,
    pub(crate) endpoints: &'a str,
    /// Instead of `sluice` on the PATH.
    pub(crate) program: Option<&'a str>,
}

impl Default for Given<'_> {
    fn default() -> Self {
        Given { server: "", version: "2.1.0", endpoints: "http://127.0.0.1:9", program: None }
    }
}

impl Given<'_> {
    /// By the names of the inputs that GitHub and CircleCI know, with what is the same everywhere.
    pub(crate) fn inputs(&self) -> BTreeMap<String, String> {
        let inputs = [
            ("server", self.server),
            ("service", "checkout"),
            ("version", self.version),
            ("endpoints", self.endpoints),
            ("labels", "risk=low\nteam=payments"),
        ];
        let program = self.program.map(|program| ("sluice-path", program));
        let inputs = inputs.into_iter().chain(program);
        inputs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }
}

/// A script with its shell and its environment.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Step {
    /// The program and its options; the script comes last.
    pub(crate) shell: Vec<String>,
    pub(crate) script: String,
    pub(crate) variables: BTreeMap<String, String>,
}

impl Step {
    /// Runs it to its end in a folder, with `sluice` on the PATH and nothing else in the environment.
    pub(crate) fn run(&self, folder: &Path) -> Ended {
        let program = Path::new(env!("CARGO_BIN_EXE_sluice")).parent().unwrap();
        let path = format!("{}:/usr/local/bin:/usr/bin:/bin", program.display());
        let (shell, options) = self.shell.split_first().unwrap();
        let mut command = Command::new(shell);
        command.args(options).arg(&self.script).current_dir(folder);
        run(command.env_clear().env("PATH", path).envs(&self.variables))
    }
}

/// A file of `integrations/` as a value.
pub(crate) fn read(file: &str) -> Value {
    let text = std::fs::read_to_string(Path::new(FOLDER).join(file)).unwrap();
    let documents = Yaml::load_from_str(&text).unwrap();
    assert_eq!(documents.len(), 1, "{file} holds one document");
    value_of(&documents[0])
}

/// The value of a node; what a merge key names comes first, what stands beside it wins.
fn value_of(node: &Yaml<'_>) -> Value {
    match node {
        Yaml::Value(Scalar::Null) => Value::Null,
        Yaml::Value(Scalar::Boolean(truth)) => (*truth).into(),
        Yaml::Value(Scalar::Integer(whole)) => (*whole).into(),
        Yaml::Value(Scalar::FloatingPoint(float)) => float.into_inner().into(),
        Yaml::Value(Scalar::String(text)) => text.as_ref().into(),
        Yaml::Sequence(items) => items.iter().map(value_of).collect(),
        Yaml::Mapping(mapping) => {
            let mut fields = Map::new();
            let named = |node: &Yaml<'_>| node.as_str().unwrap_or_else(|| panic!("{node:?}")).to_owned();
            let (merged, own): (Vec<_>, Vec<_>) = mapping.iter().partition(|(name, _)| named(name) == "<<");
            for (_, value) in merged {
                let Value::Object(inner) = value_of(value) else { panic!("{value:?} cannot be merged") };
                fields.extend(inner);
            }
            fields.extend(own.into_iter().map(|(name, value)| (named(name), value_of(value))));
            fields.into()
        }
        other => panic!("{other:?} has no value"),
    }
}

/// Replaces `OPEN name CLOSE` by what `look` says.
pub(crate) fn filled(text: &str, open: &str, close: &str, look: impl Fn(&str) -> String) -> String {
    let mut done = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(open) {
        let (name, after) = after.split_once(close).unwrap_or_else(|| panic!("{text} is not closed"));
        done.push_str(before);
        done.push_str(&look(name.trim()));
        rest = after;
    }
    done + rest
}

/// The fields of an object.
pub(crate) fn fields<'v>(value: &'v Value, what: &str) -> &'v Map<String, Value> {
    value.as_object().unwrap_or_else(|| panic!("{what} is no mapping: {value}"))
}

/// A text.
pub(crate) fn text<'v>(value: &'v Value, what: &str) -> &'v str {
    value.as_str().unwrap_or_else(|| panic!("{what} is no text: {value}"))
}
