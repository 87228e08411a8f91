//! The border: from a [`Node`] to a type that cannot be wrong, reporting every problem on the way.
//!
//! A `decode` answers `None` when it has reported a problem, and goes on looking for more before it does. Which
//! fields an object may have is learnt from which were asked for, so that the list in a message is never out of step
//! with the decoder.

mod calendar;
mod environment;
mod metadata;
mod metric;
mod policy;
mod release;
mod scalar;
mod service;

use std::collections::BTreeMap;

pub(super) use metadata::document;

use super::node::{Entry, Node, Value};
use super::problem::{Fault, Position, Problem};
use crate::{Name, Span};

/// A type that can be read from a document.
pub(crate) trait Decode: Sized {
    /// Reads it; `None` when it has reported why not.
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self>;
}

/// One step from a value to one inside of it.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Field(String),
    Index(usize),
}

impl From<&str> for Step {
    fn from(name: &str) -> Step {
        Step::Field(name.to_owned())
    }
}

impl From<usize> for Step {
    fn from(index: usize) -> Step {
        Step::Index(index)
    }
}

/// Where in a document reading stands, and what was found wrong so far.
pub(crate) struct Reader {
    path: Vec<Step>,
    /// Which document is read, for problems.
    pub(crate) document: Option<String>,
    pub(crate) problems: Vec<Problem>,
    /// Which fields the object that was read last may have.
    pub(crate) last_known: Vec<&'static str>,
    /// Whether names of built-in documents may be taken: only by the built-in documents.
    pub(crate) is_builtin: bool,
}

impl Reader {
    pub(crate) fn new() -> Reader {
        Reader {
            path: Vec::new(),
            document: None,
            problems: Vec::new(),
            last_known: Vec::new(),
            is_builtin: false,
        }
    }

    /// Reports what is wrong with the value that is being read.
    pub(crate) fn report(&mut self, node: &Node, fault: Fault) {
        let fault = if fault.given.is_none() { Fault { given: node.given(), ..fault } } else { fault };
        self.report_at(node.at, fault);
    }

    /// Reports what is wrong with a value inside of the one that is being read; where there is none, at the last one
    /// on the way to it.
    pub(crate) fn report_in(&mut self, node: &Node, way: &[Step], fault: Fault) {
        let Some((step, rest)) = way.split_first() else {
            return self.report(node, fault);
        };
        let inner = match step {
            Step::Field(name) => node.field(name),
            Step::Index(index) => node.item(*index),
        };
        match inner {
            Some(inner) => self.within(step.clone(), |reader| reader.report_in(inner, rest, fault)),
            None => self.within(step.clone(), |reader| reader.report_at(node.at, fault)),
        }
    }

    pub(crate) fn report_at(&mut self, at: Option<Position>, fault: Fault) {
        let problem = fault.at(self.document.clone(), self.path(), at);
        self.problems.push(problem);
    }

    /// Reports that another type was expected.
    pub(crate) fn wrong_type(&mut self, node: &Node, expected: &str) {
        let fault = match &node.value {
            Value::Null => Fault::new("wrong-type", format!("expected {expected}, but nothing is given"))
                .hint("give a value, or leave the field out"),
            _ => Fault::new("wrong-type", format!("expected {expected}, not {}", described(node))),
        };
        self.report(node, fault);
    }

    /// Goes one step in.
    pub(crate) fn within<T>(&mut self, step: impl Into<Step>, read: impl FnOnce(&mut Reader) -> T) -> T {
        self.path.push(step.into());
        let value = read(self);
        self.path.pop();
        value
    }

    /// As in `spec.steps[2].audience`; field names that are not plain words are quoted: `metadata.labels["a b"]`.
    fn path(&self) -> String {
        let mut path = String::new();
        for step in &self.path {
            match step {
                Step::Index(index) => path.push_str(&format!("[{index}]")),
                Step::Field(name) if name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') => {
                    if !path.is_empty() {
                        path.push('.');
                    }
                    path.push_str(name);
                }
                Step::Field(name) => path.push_str(&format!("[{name:?}]")),
            }
        }
        path
    }
}

/// What was given, in words.
fn described(node: &Node) -> String {
    match (&node.value, node.given()) {
        (Value::Bool(truth), _) => truth.to_string(),
        (Value::Number(..), Some(given)) => format!("the number {given}"),
        (Value::Text(_), Some(given)) => format!("the text {given:?}"),
        _ => node.kind().to_owned(),
    }
}

/// The fields of an object, asked for one by one. [`Fields::finish`] reports those that nobody asked for.
pub(crate) struct Fields<'n, 'r> {
    pub(crate) node: &'n Node,
    pub(crate) reader: &'r mut Reader,
    known: Vec<&'static str>,
}

impl<'n, 'r> Fields<'n, 'r> {
    /// Begins to read an object.
    pub(crate) fn open(node: &'n Node, reader: &'r mut Reader) -> Option<Fields<'n, 'r>> {
        Fields::open_as(node, reader, "an object with fields")
    }

    /// Begins to read an object that looks like `form`.
    pub(crate) fn open_as(node: &'n Node, reader: &'r mut Reader, form: &str) -> Option<Fields<'n, 'r>> {
        let Value::Object(entries) = &node.value else {
            reader.wrong_type(node, form);
            return None;
        };
        for (index, entry) in entries.iter().enumerate() {
            if let Some(first) = entries[..index].iter().find(|earlier| earlier.key == entry.key) {
                let message = match first.key_at {
                    Some(at) => format!("`{}` is given twice; first in line {}", entry.key, at.line),
                    None => format!("`{}` is given twice", entry.key),
                };
                let fault = Fault::duplicate(message);
                reader.within(entry.key.as_str(), |reader| reader.report_at(entry.key_at, fault));
            }
        }
        Some(Fields { node, reader, known: Vec::new() })
    }

    /// The value of a field, when it is there.
    pub(crate) fn find(&mut self, name: &'static str) -> Option<&'n Node> {
        self.known.push(name);
        self.node.field(name)
    }

    /// Whether a field is there.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.node.field(name).is_some()
    }

    /// A field that must be there.
    pub(crate) fn required<T: Decode>(&mut self, name: &'static str) -> Option<T> {
        match self.find(name) {
            Some(node) => self.reader.within(name, |reader| T::decode(node, reader)),
            None => {
                self.missing(name);
                None
            }
        }
    }

    /// A field that may be absent.
    pub(crate) fn optional<T: Decode>(&mut self, name: &'static str) -> Option<Option<T>> {
        match self.find(name) {
            Some(node) => self.reader.within(name, |reader| T::decode(node, reader)).map(Some),
            None => Some(None),
        }
    }

    /// A field that has a value even when it is absent.
    pub(crate) fn or<T: Decode>(&mut self, name: &'static str, default: T) -> Option<T> {
        Some(self.optional(name)?.unwrap_or(default))
    }

    /// A field that has the type's own default when it is absent.
    pub(crate) fn or_default<T: Decode + Default>(&mut self, name: &'static str) -> Option<T> {
        self.or(name, T::default())
    }

    /// A list whose good items can be looked at even when others are bad. `None` when it is absent or no list.
    pub(crate) fn list<T: Decode>(&mut self, name: &'static str) -> Option<Vec<Option<T>>> {
        let node = self.find(name)?;
        self.reader.within(name, |reader| items(node, reader))
    }

    /// A length of time that must be longer than nothing.
    pub(crate) fn longer_than_nothing(&mut self, name: &'static str, span: Option<Span>) -> Option<Span> {
        if span == Some(Span::ZERO) {
            let fault = Fault::invalid(format!("`{name}` must be longer than nothing"));
            self.report_in(&[name.into()], fault);
            return None;
        }
        span
    }

    /// A number that must be at least 1.
    pub(crate) fn at_least_one<N: PartialEq + Default>(
        &mut self,
        name: &'static str,
        count: Option<N>,
    ) -> Option<N> {
        if count.as_ref().is_some_and(|count| *count == N::default()) {
            self.report_in(&[name.into()], Fault::invalid(format!("`{name}` must be at least 1")));
            return None;
        }
        count
    }

    /// Whether the object has fields that nobody has asked for so far. They are reported in the end; until then, what
    /// seems to be missing may only be misspelt.
    pub(crate) fn has_strangers(&self) -> bool {
        self.node.names().iter().any(|name| !self.known.contains(name))
    }

    /// Reports something about a value inside of this object.
    pub(crate) fn report_in(&mut self, way: &[Step], fault: Fault) {
        self.reader.report_in(self.node, way, fault);
    }

    /// Reports that a field is not there.
    pub(crate) fn missing(&mut self, name: &'static str) {
        let fault = Fault::new("missing-field", format!("`{name}` is missing"));
        let at = self.node.at;
        self.reader.within(name, |reader| reader.report_at(at, fault));
    }

    /// Reports every field that nobody asked for.
    pub(crate) fn finish(self) {
        let Value::Object(entries) = &self.node.value else { return };
        self.reader.last_known.clone_from(&self.known);
        let mut seen: Vec<&str> = Vec::new();
        for entry in entries {
            let is_new = !seen.contains(&entry.key.as_str());
            seen.push(&entry.key);
            if self.known.contains(&entry.key.as_str()) || !is_new {
                continue;
            }
            let fault = Fault::new("unknown-field", format!("there is no field `{}` here", entry.key))
                .given(entry.key.clone())
                .accepted(self.known.join(", "))
                .or_did_you_mean(&entry.key, &self.known);
            self.reader.within(entry.key.as_str(), |reader| reader.report_at(entry.key_at, fault));
        }
    }
}

/// Which fields an object of this type may have, and which it must have: as the decoder itself asks for them.
pub(crate) fn fields_of<T: Decode>() -> (Vec<&'static str>, Vec<String>) {
    let mut reader = Reader::new();
    // Whether it can be read does not matter: what is asked for, and what is missed, does.
    drop(T::decode(&Node { value: Value::Object(Vec::new()), at: None }, &mut reader));
    let is_missing = |problem: &&Problem| problem.code == "missing-field" && !problem.path.is_empty();
    let missing = reader.problems.iter().filter(is_missing).map(|problem| problem.path.clone()).collect();
    (reader.last_known, missing)
}

/// Every item of a list; `None` in place of the bad ones.
pub(crate) fn items<T: Decode>(node: &Node, reader: &mut Reader) -> Option<Vec<Option<T>>> {
    let Value::List(items) = &node.value else {
        reader.wrong_type(node, "a list");
        return None;
    };
    Some(
        items
            .iter()
            .enumerate()
            .map(|(index, item)| reader.within(index, |reader| T::decode(item, reader)))
            .collect(),
    )
}

/// Reports every item of a list whose name an earlier one has too. The names are taken as they were written, so that
/// an item is found even when something else in it is wrong.
pub(crate) fn report_same_names(fields: &mut Fields<'_, '_>, list: &'static str, what: &str) {
    let Some(Node { value: Value::List(items), .. }) = fields.node.field(list) else { return };
    let names: Vec<Option<&str>> =
        items.iter().map(|item| item.field("name").and_then(Node::as_text)).collect();
    report_duplicates(
        &names,
        |name| *name,
        |index, name| {
            let fault = Fault::duplicate(format!("there are two {what} `{name}`"));
            fields.report_in(&[list.into(), index.into(), "name".into()], fault);
        },
    );
}

/// Reports every item that an earlier one equals, by what `key` makes of them.
pub(crate) fn report_duplicates<'t, T, K: PartialEq>(
    items: &'t [Option<T>],
    key: impl Fn(&'t T) -> K,
    mut report: impl FnMut(usize, &'t T),
) {
    let mut seen: Vec<K> = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let Some(item) = item else { continue };
        let wanted = key(item);
        if seen.contains(&wanted) {
            report(index, item);
        } else {
            seen.push(wanted);
        }
    }
}

impl<T: Decode> Decode for Vec<T> {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        items(node, reader)?.into_iter().collect()
    }
}

impl<T: Decode> Decode for BTreeMap<String, T> {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        map(node, reader, |entry, _| Some(entry.key.clone()))
    }
}

impl<T: Decode> Decode for BTreeMap<Name, T> {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        map(node, reader, |entry, reader| {
            let faulty = |error| reader.report_at(entry.key_at, Fault::from(error).given(entry.key.as_str()));
            entry.key.parse::<Name>().map_err(faulty).ok()
        })
    }
}

/// An object whose fields have names of the author's own.
pub(crate) fn map<K: Ord, T: Decode>(
    node: &Node,
    reader: &mut Reader,
    key_of: impl Fn(&Entry, &mut Reader) -> Option<K>,
) -> Option<BTreeMap<K, T>> {
    let Fields { reader, .. } = Fields::open(node, reader)?;
    let Value::Object(entries) = &node.value else { return None };
    let values: Vec<Option<(K, T)>> = entries
        .iter()
        .map(|entry| {
            reader.within(entry.key.as_str(), |reader| {
                let key = key_of(entry, reader);
                let value = T::decode(&entry.value, reader);
                Some((key?, value?))
            })
        })
        .collect();
    values.into_iter().collect()
}
