//! From text to documents.

use super::decode::{self, Reader};
use super::node::Node;
use super::problem::{Fault, Problem, Problems};
use super::{Document, DocumentKey, yaml};

/// Reads every document of a YAML text.
///
/// # Errors
/// Everything that is wrong with any of them, with line and column. A text without a document is an error too.
pub fn parse_yaml(text: &str) -> Result<Vec<Document>, Problems> {
    read_yaml(text, false)
}

/// Reads a document that came as JSON, as a request's body or from the store. A `status` is passed over.
///
/// # Errors
/// Everything that is wrong with it.
pub fn parse_json(value: &serde_json::Value) -> Result<Document, Problems> {
    let (document, problems) = match Node::from_json(value) {
        Ok(node) => decode::document(&node, Reader::new()),
        Err(fault) => (None, vec![fault.at(None, String::new(), None)]),
    };
    document.ok_or_else(|| Problems::new(problems).expect("what is not read has a problem"))
}

/// Reads the documents that come with Sluice, which alone may have the names of built-in documents.
pub(crate) fn parse_builtin(text: &str) -> Result<Vec<Document>, Problems> {
    read_yaml(text, true)
}

fn read_yaml(text: &str, is_builtin: bool) -> Result<Vec<Document>, Problems> {
    let loaded = yaml::load(text);
    let has_many = loaded.len() > 1;
    let mut problems: Vec<Problem> = Vec::new();
    let mut documents: Vec<Document> = Vec::new();
    if loaded.is_empty() {
        let fault = Fault::new("no-document", "there is no document in this text");
        problems.push(fault.accepted("kind, metadata and spec").at(None, String::new(), None));
    }
    for (index, loaded) in loaded.into_iter().enumerate() {
        let called = has_many.then(|| format!("document {}", index + 1));
        for (at, fault) in loaded.faults {
            problems.push(fault.at(called.clone(), String::new(), at));
        }
        let Some(node) = loaded.node else { continue };
        let mut reader = Reader::new();
        reader.document = called;
        reader.is_builtin = is_builtin;
        let (document, found) = decode::document(&node, reader);
        problems.extend(found);
        if let Some(document) = document {
            if let Some(earlier) = documents.iter().find(|earlier| earlier.key() == document.key()) {
                problems.push(twice(&earlier.key(), &node));
            }
            documents.push(document);
        }
    }
    match Problems::new(problems) {
        None => Ok(documents),
        Some(problems) => Err(problems),
    }
}

fn twice(key: &DocumentKey, node: &Node) -> Problem {
    let at = node.field("metadata").and_then(|metadata| metadata.field("name")).and_then(|name| name.at);
    Fault::duplicate(format!("there are two documents {key}")).at(
        Some(key.to_string()),
        "metadata.name".to_owned(),
        at,
    )
}
