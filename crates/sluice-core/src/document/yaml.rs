//! YAML text as [`Node`] trees: one for each document, with the position of every value.
//!
//! The tree is built from the parser's events rather than by its loader, because a person is better served by every
//! mistake of a file than by the first: a duplicate key is kept for the decoder to report, and after a syntax error
//! reading goes on at the next `---`.

use std::borrow::Cow;
use std::collections::BTreeMap;

use saphyr::Scalar;
use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError, StrInput, Tag};

use super::node::{self, Entry, Node, Number, Value};
use super::problem::{Fault, Position};

/// The longest text that is read: some two thousand documents of ordinary length.
pub(crate) const TEXT_BYTES_MAX: usize = 1 << 20;

/// One document of a text, with what is wrong before anybody asks what it means.
pub(crate) struct Loaded {
    /// The document; nothing, when it could not be read to its end.
    pub(crate) node: Option<Node>,
    /// What is wrong, and where.
    pub(crate) faults: Vec<(Option<Position>, Fault)>,
}

/// Reads every document of a text. Empty ones, as between two `---`, are left out.
pub(crate) fn load(text: &str) -> Vec<Loaded> {
    if text.len() > TEXT_BYTES_MAX {
        let message = format!("the text is {} bytes long", text.len());
        let fault = Fault::new("too-large", message).accepted(format!(
            "at most {TEXT_BYTES_MAX} bytes (1 MiB) at a time; split it into several files"
        ));
        return vec![Loaded { node: None, faults: vec![(None, fault)] }];
    }
    let mut loader = Loader { values_left: node::VALUES_MAX, ..Loader::default() };
    let mut rest = text;
    while let Some(failed_at) = loader.run(rest) {
        let lines_done = failed_at.line.saturating_sub(loader.lines_before);
        let Some(next) = next_document(rest, lines_done) else { break };
        loader.lines_before += rest[..next].matches('\n').count();
        rest = &rest[next..];
    }
    loader.loaded
}

/// Where the next `---` line begins, after so many lines.
fn next_document(text: &str, lines_done: usize) -> Option<usize> {
    let mut start = 0;
    for (index, line) in text.split_inclusive('\n').enumerate() {
        let is_border = line.trim_end() == "---" || line.starts_with("--- ");
        if is_border && index >= lines_done.max(1) {
            return Some(start);
        }
        start += line.len();
    }
    None
}

/// A list or object that is being read.
struct Open {
    at: Position,
    anchor: usize,
    holds: Holds,
}

enum Holds {
    List(Vec<Node>),
    Object { entries: Vec<Entry>, key: Option<(String, Option<Position>)> },
}

#[derive(Default)]
struct Loader {
    loaded: Vec<Loaded>,
    faults: Vec<(Option<Position>, Fault)>,
    open: Vec<Open>,
    root: Option<Node>,
    anchors: BTreeMap<usize, Node>,
    lines_before: usize,
    values_left: usize,
}

impl Loader {
    /// Reads until the end, or to where the text cannot be read any further.
    fn run(&mut self, text: &str) -> Option<Position> {
        let mut parser: Parser<'_, StrInput<'_>> = Parser::new_from_str(text);
        while let Some(event) = parser.next_event() {
            let (at, fault) = match event {
                Ok((event, span)) => {
                    let at = self.position(&span.start);
                    match self.take(event, at) {
                        Ok(()) => continue,
                        Err(fault) => (at, fault),
                    }
                }
                Err(error) => (self.position(error.marker()), syntax_fault(&error, text)),
            };
            self.faults.push((Some(at), fault));
            self.root = None;
            self.end_document();
            return (self.values_left > 0).then_some(at);
        }
        None
    }

    /// The parser counts lines from 1 and columns from 0.
    fn position(&self, marker: &Marker) -> Position {
        Position { line: self.lines_before + marker.line(), column: marker.col() + 1 }
    }

    fn take(&mut self, event: Event<'_>, at: Position) -> Result<(), Fault> {
        match event {
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) => {}
            Event::DocumentEnd => self.end_document(),
            Event::Scalar(text, style, anchor, tag) => {
                let value = self.scalar(text, style, tag, at);
                self.spend(1)?;
                self.complete(Node { value, at: Some(at) }, anchor)?;
            }
            Event::SequenceStart(anchor, tag) => self.begin(Holds::List(Vec::new()), anchor, tag, at)?,
            Event::MappingStart(anchor, tag) => {
                self.begin(Holds::Object { entries: Vec::new(), key: None }, anchor, tag, at)?;
            }
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some(Open { at, anchor, holds }) = self.open.pop() {
                    let value = match holds {
                        Holds::List(items) => Value::List(items),
                        Holds::Object { entries, .. } => Value::Object(entries),
                    };
                    self.complete(Node { value, at: Some(at) }, anchor)?;
                }
            }
            Event::Alias(anchor) => {
                let Some(node) = self.anchors.get(&anchor) else {
                    return Err(Fault::new("syntax", "this alias stands inside of what it names"));
                };
                let count = node.count();
                self.spend(count)?;
                let node = self.anchors[&anchor].clone();
                self.complete(node, 0)?;
            }
        }
        Ok(())
    }

    fn begin(
        &mut self,
        holds: Holds,
        anchor: usize,
        tag: Option<Cow<'_, Tag>>,
        at: Position,
    ) -> Result<(), Fault> {
        if self.open.len() >= node::DEPTH_MAX {
            return Err(node::too_deep());
        }
        if let Some(tag) = tag.filter(|tag| !tag.is_yaml_core_schema()) {
            self.faults.push((Some(at), tag_fault(&tag)));
        }
        self.spend(1)?;
        self.open.push(Open { at, anchor, holds });
        Ok(())
    }

    /// Anchored values are kept twice, so they count twice; that bounds both memory and time.
    fn spend(&mut self, values: usize) -> Result<(), Fault> {
        match self.values_left.checked_sub(values) {
            Some(left) => {
                self.values_left = left;
                Ok(())
            }
            None => {
                self.values_left = 0;
                Err(Fault::new(
                    "too-large",
                    format!("there are more than {} values, counting those behind aliases", node::VALUES_MAX),
                )
                .hint("split the file into several, or use fewer aliases"))
            }
        }
    }

    /// Puts a value where it belongs: into the list or object around it, as a key or as a value.
    fn complete(&mut self, node: Node, anchor: usize) -> Result<(), Fault> {
        if anchor > 0 {
            self.spend(node.count())?;
            self.anchors.insert(anchor, node.clone());
        }
        let Some(Open { holds, .. }) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        match holds {
            Holds::List(items) => items.push(node),
            Holds::Object { entries, key } => match key.take() {
                Some((key, key_at)) => entries.push(Entry { key, key_at, value: node }),
                None => match node.given_in_full() {
                    Some(text) => *key = Some((text, node.at)),
                    None => return Err(Fault::new("syntax", format!("{} cannot name a field", node.kind()))),
                },
            },
        }
        Ok(())
    }

    fn scalar(
        &mut self,
        text: Cow<'_, str>,
        style: ScalarStyle,
        tag: Option<Cow<'_, Tag>>,
        at: Position,
    ) -> Value {
        let written = text.to_string();
        match Scalar::parse_from_cow_and_metadata(text, style, tag.as_ref()) {
            None => {
                if let Some(tag) = &tag {
                    self.faults.push((Some(at), tag_fault(tag).given(node::shortened(&written))));
                }
                Value::Text(written)
            }
            Some(scalar) => {
                if let Some(tag) = tag.filter(|tag| !tag.is_yaml_core_schema()) {
                    self.faults.push((Some(at), tag_fault(&tag)));
                }
                match scalar {
                    Scalar::Null => Value::Null,
                    Scalar::Boolean(truth) => Value::Bool(truth),
                    Scalar::Integer(whole) => Value::Number(Number::Whole(whole.into()), written),
                    Scalar::FloatingPoint(real) => Value::Number(Number::Real(real.into_inner()), written),
                    Scalar::String(text) => Value::Text(text.into_owned()),
                }
            }
        }
    }

    fn end_document(&mut self) {
        self.open.clear();
        self.anchors.clear();
        let node = self.root.take().filter(|node| !matches!(node.value, Value::Null));
        let faults = std::mem::take(&mut self.faults);
        if node.is_some() || !faults.is_empty() {
            self.loaded.push(Loaded { node, faults });
        }
    }
}

fn tag_fault(tag: &Tag) -> Fault {
    Fault::new("syntax", format!("the tag `{tag}` does not fit here"))
        .hint("leave the tag out; the fields say what their values are")
}

fn syntax_fault(error: &ScanError, text: &str) -> Fault {
    let fault = Fault::new("syntax", format!("this is not valid YAML: {}", error.info()));
    // A tab makes what follows a part of the line before, where the parser then stumbles.
    let near = text.lines().skip(error.marker().line().saturating_sub(1)).take(2);
    let is_tabbed = |line: &str| line[..line.len() - line.trim_start().len()].contains('\t');
    if near.into_iter().any(is_tabbed) {
        return fault.hint("indent with spaces: YAML takes no tabs there");
    }
    fault
}
