//! What is wrong with a line: which field, why, and how to mend it.

use std::fmt;

use serde_json::{Map, Value};

use super::line::Count;

/// Something that is wrong with a line.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) struct Fault {
    /// The path of the field, as `batch.stable.k`; empty for the line as a whole.
    field: String,
    why: String,
    mend: String,
}

impl Fault {
    /// A fault of a field: `why` goes on from the field's name, `mend` is a sentence without a final period.
    pub(super) fn new(field: impl Into<String>, why: impl Into<String>, mend: impl Into<String>) -> Fault {
        Fault { field: field.into(), why: why.into(), mend: mend.into() }
    }

    /// How to mend it.
    pub(super) fn mend(&self) -> &str {
        &self.mend
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.field.is_empty() {
            return f.write_str(&self.why);
        }
        write!(f, "`{}` {}", self.field, self.why)
    }
}

/// The fields of objects, with what each must be.
type Fields = [(&'static str, Must, Needed)];

/// What a value must be.
#[derive(Clone, Copy)]
enum Must {
    Count,
    Number,
    Numbers,
    Text,
    OneOf(&'static [&'static str]),
    Object(&'static Fields),
    /// An object with exactly one of these fields.
    Either(&'static Fields),
}

#[derive(Clone, Copy, PartialEq)]
enum Needed {
    Always,
    /// May be left out, or be null.
    No,
}

use Needed::{Always, No};

const LINE: &Fields = &[("config", Must::Object(CONFIG), No), ("batch", Must::Object(BATCH), No)];

const CONFIG: &Fields = &[
    ("id", Must::Text, Always),
    ("kind", Must::OneOf(&["proportion", "count", "latency", "allocation"]), Always),
    ("alpha", Must::Number, Always),
    ("direction", Must::OneOf(&["increase", "decrease", "both"]), No),
    ("margin", Must::Either(&[("relative", Must::Number, No), ("absolute", Must::Number, No)]), No),
    ("unit", Must::OneOf(&["request", "user"]), No),
];

const BATCH: &Fields = &[
    ("seq", Must::Count, Always),
    ("weight", Must::Number, Always),
    ("stable", Must::Object(ARM), Always),
    ("candidate", Must::Object(ARM), Always),
];

const ARM: &Fields = &[
    ("n", Must::Count, No),
    ("k", Must::Count, No),
    ("units", Must::Count, No),
    ("unit_k", Must::Count, No),
    ("events", Must::Count, No),
    ("exposure", Must::Number, No),
    ("values", Must::Numbers, No),
];

/// What is wrong with a line that could not be read.
pub(super) fn of_line(line: &[u8], error: &serde_json::Error) -> Fault {
    match serde_json::from_slice::<Value>(line) {
        Ok(value) => judge(&value, "", Must::Either(LINE)).unwrap_or_else(|| {
            let why = format!("this line makes no sense: {}", within_the_line(error));
            Fault::new("", why, "name each field once, with one value")
        }),
        Err(error) => {
            Fault::new("", format!("this is not JSON: {}", within_the_line(&error)), mend_json(line))
        }
    }
}

/// What the reader says, which knows one line alone and calls it the first.
fn within_the_line(error: &serde_json::Error) -> String {
    error.to_string().replace(&format!("line {} column", error.line()), "column")
}

fn mend_json(line: &[u8]) -> &'static str {
    let has = |word: &str| line.windows(word.len()).any(|part| part.eq_ignore_ascii_case(word.as_bytes()));
    if has("nan") || has("infinity") {
        return "JSON has no NaN and no infinity: leave out the batch, or the value that is not known";
    }
    "each line is one whole JSON object, in UTF-8, without line breaks inside"
}

fn judge(value: &Value, path: &str, must: Must) -> Option<Fault> {
    match must {
        Must::Count => not_a_count(value, path),
        Must::Number if value.is_number() => None,
        Must::Number => Some(wrong_type(value, path, "a number")),
        Must::Numbers => not_numbers(value, path),
        Must::Text if value.is_string() => None,
        Must::Text => Some(wrong_type(value, path, "text in quotes")),
        Must::OneOf(words) => not_one_of(value, path, words),
        Must::Object(fields) => match value.as_object() {
            Some(object) => judge_fields(object, path, fields),
            None => Some(wrong_type(value, path, "an object")),
        },
        Must::Either(fields) => judge_either(value, path, fields),
    }
}

fn judge_fields(object: &Map<String, Value>, path: &str, fields: &Fields) -> Option<Fault> {
    if let Some(unknown) = object.keys().find(|key| fields.iter().all(|(name, ..)| name != key)) {
        return Some(unknown_field(unknown, path, fields));
    }
    fields.iter().find_map(|(name, must, needed)| {
        let path = join(path, name);
        match (object.get(*name), needed) {
            (None, Always) => Some(Fault::new(path, "is missing", format!("add it: it must be {must}"))),
            (None | Some(Value::Null), No) => None,
            (Some(value), _) => judge(value, &path, *must),
        }
    })
}

fn judge_either(value: &Value, path: &str, fields: &Fields) -> Option<Fault> {
    let names = || {
        let names: Vec<_> = fields.iter().map(|(name, ..)| format!("{{\"{name}\":…}}")).collect();
        names.join(" or ")
    };
    let Some(object) = value.as_object() else { return Some(wrong_type(value, path, &names())) };
    if object.len() == 1
        && let Some((name, inner)) = object.iter().next()
        && let Some((_, must, _)) = fields.iter().find(|(known, ..)| known == name)
    {
        return judge(inner, &join(path, name), *must);
    }
    if let Some(unknown) = object.keys().find(|key| fields.iter().all(|(name, ..)| name != key)) {
        return Some(unknown_field(unknown, path, fields));
    }
    let why = if object.is_empty() { "is empty" } else { "has two fields" };
    let why = if path.is_empty() { format!("this line {why}") } else { why.to_owned() };
    Some(Fault::new(path, why, format!("write either {}", names())))
}

fn not_a_count(value: &Value, path: &str) -> Option<Fault> {
    let Some(number) = value.as_f64().filter(|_| value.is_number()) else {
        return Some(wrong_type(value, path, "a whole number"));
    };
    let why = if number < 0.0 {
        "which is negative"
    } else if number.fract() != 0.0 {
        "which is not a whole number"
    } else if number > Count::MAX as f64 {
        "which is too large"
    } else {
        return None;
    };
    let mend = match why {
        "which is too large" => "counts go up to 2^53".to_owned(),
        _ => "counts are whole numbers from 0, and are those of this batch alone, not running totals"
            .to_owned(),
    };
    Some(Fault::new(path, format!("is {value}, {why}"), mend))
}

fn not_numbers(value: &Value, path: &str) -> Option<Fault> {
    let Some(values) = value.as_array() else { return Some(wrong_type(value, path, "a list of numbers")) };
    let (at, wrong) = values.iter().enumerate().find(|(_, value)| !value.is_number())?;
    Some(wrong_type(wrong, &format!("{path}[{at}]"), "a number"))
}

fn not_one_of(value: &Value, path: &str, words: &[&str]) -> Option<Fault> {
    let Some(given) = value.as_str() else { return Some(wrong_type(value, path, &listed(words))) };
    (!words.contains(&given))
        .then(|| Fault::new(path, format!("is `{given}`, which is not known"), meant(given, words)))
}

fn unknown_field(name: &str, path: &str, fields: &Fields) -> Fault {
    let names: Vec<&str> = fields.iter().map(|(name, ..)| *name).collect();
    Fault::new(join(path, name), "is not a field here", meant(name, &names))
}

fn wrong_type(value: &Value, path: &str, expected: &str) -> Fault {
    let given = match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    };
    let why = if path.is_empty() { format!("this line is {given}") } else { format!("is {given}") };
    Fault::new(path, why, format!("it must be {expected}"))
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// The word that was probably meant, or all there are.
fn meant(given: &str, words: &[&str]) -> String {
    let plain = |text: &str| text.to_ascii_lowercase().replace(['-', '_'], "");
    let distances =
        words.iter().map(|word| (strsim::damerau_levenshtein(&plain(given), &plain(word)), *word));
    let near = distances.filter(|(distance, word)| distance * 3 <= word.len().max(3)).min();
    match near {
        Some((_, word)) => format!("did you mean `{word}`?"),
        None => format!("it must be {}", listed(words)),
    }
}

fn listed(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [word] => format!("`{word}`"),
        [first @ .., last] => {
            let first: Vec<_> = first.iter().map(|word| format!("`{word}`")).collect();
            format!("{} or `{last}`", first.join(", "))
        }
    }
}

impl fmt::Display for Must {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Must::Count => f.write_str("a whole number"),
            Must::Number => f.write_str("a number"),
            Must::Numbers => f.write_str("a list of numbers"),
            Must::Text => f.write_str("text in quotes"),
            Must::OneOf(words) => f.write_str(&listed(words)),
            Must::Object(_) | Must::Either(_) => f.write_str("an object"),
        }
    }
}
