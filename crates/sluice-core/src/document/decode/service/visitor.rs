//! How visitors are told apart, and what is known of them.

use std::collections::BTreeMap;

use super::present_list;
use crate::document::decode::{Decode, Fields, Reader, Step, report_duplicates};
use crate::document::node::Node;
use crate::document::problem::Fault;
use crate::document::service::{AttributeSource, UnitSource};

pub(super) fn unit(fields: &mut Fields<'_, '_>) -> Option<Vec<UnitSource>> {
    if !fields.has("unit") {
        fields.find("unit");
        return Some(UnitSource::default_order());
    }
    let units = present_list::<UnitSource>(fields, "unit", "no visitor would keep a version")?;
    report_duplicates(
        &units,
        |unit| unit,
        |index, _| {
            fields.report_in(&["unit".into(), index.into()], Fault::duplicate("this is given twice"));
        },
    );
    units.into_iter().collect()
}

pub(super) fn visitor(fields: &mut Fields<'_, '_>) -> Option<BTreeMap<String, AttributeSource>> {
    let visitor = fields.or_default::<BTreeMap<String, AttributeSource>>("visitor");
    let mut are_good = true;
    for name in fields.node.field("visitor").map(Node::names).unwrap_or_default() {
        let fault = if name == "id" {
            Fault::invalid("`visitor.id` is the unit; give this attribute another name")
        } else if !is_attribute(name) {
            Fault::invalid(format!("`{name}` cannot be written in a rule as `visitor.{name}`")).accepted(
                "letters, digits and `_`, beginning with a letter, and no word that CEL keeps for itself",
            )
        } else {
            continue;
        };
        are_good = false;
        fields.report_in(&["visitor".into(), Step::from(name)], fault.given(name));
    }
    visitor.filter(|_| are_good)
}

/// Whether `visitor.NAME` can be written in CEL.
fn is_attribute(name: &str) -> bool {
    const RESERVED: [&str; 21] = [
        "as",
        "break",
        "const",
        "continue",
        "else",
        "false",
        "for",
        "function",
        "if",
        "import",
        "in",
        "let",
        "loop",
        "namespace",
        "null",
        "package",
        "return",
        "true",
        "var",
        "void",
        "while",
    ];
    name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && !RESERVED.contains(&name)
}

/// The one place in a request that an object names.
enum Place {
    Header(String),
    Cookie(String),
    Query(String),
    Claim(String),
}

fn place(node: &Node, reader: &mut Reader, has_query: bool) -> Option<Place> {
    let mut fields = Fields::open_as(node, reader, "an object, as { header: x-user-id }")?;
    let header = fields.optional::<String>("header");
    let cookie = fields.optional::<String>("cookie");
    let query = if has_query { fields.optional::<String>("query") } else { Some(None) };
    let claim = fields.optional::<String>("claim");
    let forms = if has_query {
        "header: NAME, cookie: NAME, query: NAME or claim: PATH"
    } else {
        "header: NAME, cookie: NAME or claim: PATH"
    };
    let place = match (header?, cookie?, query?, claim?) {
        (Some(header), None, None, None) => {
            token(&mut fields, "header", header).map(|name| Place::Header(name.to_ascii_lowercase()))
        }
        (None, Some(cookie), None, None) => token(&mut fields, "cookie", cookie).map(Place::Cookie),
        (None, None, Some(query), None) if !query.is_empty() => Some(Place::Query(query)),
        (None, None, None, Some(claim)) if !claim.is_empty() => Some(Place::Claim(claim)),
        (None, None, None, None) => {
            // What is unknown here is reported in a moment; one message is enough for `headr: x`.
            if node.is_empty_object() {
                fields.report_in(&[], Fault::new("missing-field", "it says nothing").accepted(forms));
            }
            None
        }
        _ => {
            fields.report_in(&[], Fault::conflict("only one place can be given here").accepted(forms));
            None
        }
    };
    fields.finish();
    place
}

/// The name of a header or cookie: a token of HTTP (RFC 9110, section 5.6.2).
fn token(fields: &mut Fields<'_, '_>, field: &'static str, name: String) -> Option<String> {
    let is_token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    if !name.is_empty() && name.bytes().all(is_token) {
        return Some(name);
    }
    let fault = Fault::invalid(format!("{name:?} cannot be the name of a {field}"));
    fields.report_in(&[field.into()], fault.accepted("letters, digits, `-` and `_`"));
    None
}

impl Decode for UnitSource {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        match place(node, reader, false)? {
            Place::Header(name) => Some(UnitSource::Header(name)),
            Place::Cookie(name) => Some(UnitSource::Cookie(name)),
            Place::Claim(path) => Some(UnitSource::Claim(path)),
            Place::Query(_) => None,
        }
    }
}

impl Decode for AttributeSource {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        Some(match place(node, reader, true)? {
            Place::Header(name) => AttributeSource::Header(name),
            Place::Cookie(name) => AttributeSource::Cookie(name),
            Place::Query(name) => AttributeSource::Query(name),
            Place::Claim(path) => AttributeSource::Claim(path),
        })
    }
}
