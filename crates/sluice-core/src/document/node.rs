//! A document as it was written: one small tree for YAML and JSON, with positions where there are some.

use super::problem::{Fault, Position};

/// How deep lists and objects may lie in each other. The deepest document that means something is eight deep.
pub(crate) const DEPTH_MAX: usize = 64;

/// How many values a text may hold, those behind aliases counted each time. A document of a large company's policy
/// holds a few hundred.
pub(crate) const VALUES_MAX: usize = 100_000;

/// A value, and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) value: Value,
    pub(crate) at: Option<Position>,
}

/// What can be written.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    /// A number, and how it was written: `2.10` as a number is 2.1, which no version is called.
    Number(Number, String),
    Text(String),
    List(Vec<Node>),
    Object(Vec<Entry>),
}

/// A number: whole ones keep all their digits.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Number {
    Whole(i128),
    Real(f64),
}

impl Number {
    pub(crate) fn as_f64(self) -> f64 {
        match self {
            Number::Whole(whole) => whole as f64,
            Number::Real(real) => real,
        }
    }
}

/// A field of an object. The same key may occur twice here; the decoder reports that.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) key_at: Option<Position>,
    pub(crate) value: Node,
}

impl Node {
    /// Converts a JSON value, which has no positions.
    pub(crate) fn from_json(value: &serde_json::Value) -> Result<Node, Fault> {
        Node::from_json_at(value, 0)
    }

    fn from_json_at(value: &serde_json::Value, depth: usize) -> Result<Node, Fault> {
        if depth > DEPTH_MAX {
            return Err(too_deep());
        }
        let value = match value {
            serde_json::Value::Null => Value::Null,
            serde_json::Value::Bool(truth) => Value::Bool(*truth),
            serde_json::Value::Number(number) => Value::Number(json_number(number), number.to_string()),
            serde_json::Value::String(text) => Value::Text(text.clone()),
            serde_json::Value::Array(items) => Value::List(
                items.iter().map(|item| Node::from_json_at(item, depth + 1)).collect::<Result<_, _>>()?,
            ),
            serde_json::Value::Object(fields) => Value::Object(
                fields
                    .iter()
                    .map(|(key, value)| {
                        let value = Node::from_json_at(value, depth + 1)?;
                        Ok(Entry { key: key.clone(), key_at: None, value })
                    })
                    .collect::<Result<_, Fault>>()?,
            ),
        };
        Ok(Node { value, at: None })
    }

    /// The field of an object; the first, where there are two.
    pub(crate) fn field(&self, name: &str) -> Option<&Node> {
        match &self.value {
            Value::Object(entries) => {
                entries.iter().find(|entry| entry.key == name).map(|entry| &entry.value)
            }
            _ => None,
        }
    }

    /// The names of an object's fields.
    pub(crate) fn names(&self) -> Vec<&str> {
        match &self.value {
            Value::Object(entries) => entries.iter().map(|entry| entry.key.as_str()).collect(),
            _ => Vec::new(),
        }
    }

    /// The item of a list.
    pub(crate) fn item(&self, index: usize) -> Option<&Node> {
        match &self.value {
            Value::List(items) => items.get(index),
            _ => None,
        }
    }

    pub(crate) fn as_text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn is_empty_object(&self) -> bool {
        matches!(&self.value, Value::Object(entries) if entries.is_empty())
    }

    /// How many values it holds, itself included.
    pub(crate) fn count(&self) -> usize {
        match &self.value {
            Value::List(items) => 1 + items.iter().map(Node::count).sum::<usize>(),
            Value::Object(entries) => 1 + entries.iter().map(|entry| entry.value.count()).sum::<usize>(),
            _ => 1,
        }
    }

    /// What it is, as in "expected text, not a list".
    pub(crate) fn kind(&self) -> &'static str {
        match &self.value {
            Value::Null => "nothing",
            Value::Bool(_) => "true or false",
            Value::Number(..) => "a number",
            Value::Text(_) => "text",
            Value::List(_) => "a list",
            Value::Object(_) => "an object",
        }
    }

    /// What was written, as the name of a field; nothing for lists and objects.
    pub(crate) fn given_in_full(&self) -> Option<String> {
        match &self.value {
            Value::Text(text) => Some(text.clone()),
            Value::Number(_, written) => Some(written.clone()),
            _ => self.given(),
        }
    }

    /// What was written, short enough for a message; nothing for lists and objects.
    pub(crate) fn given(&self) -> Option<String> {
        match &self.value {
            Value::Null => Some("null".to_owned()),
            Value::Bool(truth) => Some(truth.to_string()),
            Value::Number(_, written) => Some(shortened(written)),
            Value::Text(text) => Some(shortened(text)),
            Value::List(_) | Value::Object(_) => None,
        }
    }
}

fn json_number(number: &serde_json::Number) -> Number {
    number
        .as_i64()
        .map(i128::from)
        .or_else(|| number.as_u64().map(i128::from))
        .map(Number::Whole)
        // Without arbitrary precision, which nobody asks serde_json for here, every number is a float at least.
        .unwrap_or_else(|| Number::Real(number.as_f64().unwrap_or(f64::NAN)))
}

pub(crate) fn too_deep() -> Fault {
    Fault::new("too-deep", format!("lists and objects lie more than {DEPTH_MAX} deep in each other"))
}

/// At most sixty characters: enough to know it again.
pub(crate) fn shortened(text: &str) -> String {
    const CHARACTERS_MAX: usize = 60;
    match text.char_indices().nth(CHARACTERS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
