//! `Service`.

mod version;

use std::collections::BTreeMap;

use super::{Decode, Fields, Reader, Step, report_duplicates, report_same_names};
use crate::Span;
use crate::document::ServiceSpec;
use crate::document::node::{Node, Value};
use crate::document::problem::Fault;
use crate::document::service::{
    AttributeSource, HealthSpec, PathPrefix, RouteSpec, TimeoutSpec, UnitSource, VersionSpec,
};

impl Decode for ServiceSpec {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let mut fields = Fields::open(node, reader)?;
        let routes = routes(&mut fields);
        let unit = unit(&mut fields);
        let visitor = visitor(&mut fields);
        let health = fields.or_default("health");
        let count = count(&mut fields);
        let timeouts = fields.or_default("timeouts");
        let reveal = fields.or_default("reveal");
        let versions = versions(&mut fields);
        fields.finish();
        Some(ServiceSpec {
            routes: routes?,
            unit: unit?,
            visitor: visitor?,
            health: health?,
            count: count?,
            timeouts: timeouts?,
            reveal: reveal?,
            versions: versions?,
        })
    }
}

fn routes(fields: &mut Fields<'_, '_>) -> Option<Vec<RouteSpec>> {
    let routes = possible_list::<RouteSpec>(fields, "routes")?;
    report_duplicates(
        &routes,
        |route| route,
        |index, route| {
            let fault = Fault::duplicate(format!("the route {route} is given twice"));
            fields.report_in(&["routes".into(), index.into()], fault);
        },
    );
    routes.into_iter().collect()
}

fn count(fields: &mut Fields<'_, '_>) -> Option<Vec<PathPrefix>> {
    /// Each path has counters of its own in every gateway.
    const PATHS_MAX: usize = 50;
    let paths = possible_list::<PathPrefix>(fields, "count")?;
    report_duplicates(
        &paths,
        |path| path,
        |index, path| {
            let fault = Fault::duplicate(format!("the path {path} is given twice"));
            fields.report_in(&["count".into(), index.into()], fault);
        },
    );
    if paths.len() > PATHS_MAX {
        let fault =
            Fault::invalid(format!("{} paths are more than can be counted on their own", paths.len()));
        fields.report_in(&["count".into()], fault.accepted(format!("at most {PATHS_MAX}")));
    }
    paths.into_iter().collect()
}

fn unit(fields: &mut Fields<'_, '_>) -> Option<Vec<UnitSource>> {
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

fn visitor(fields: &mut Fields<'_, '_>) -> Option<BTreeMap<String, AttributeSource>> {
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

fn versions(fields: &mut Fields<'_, '_>) -> Option<Vec<VersionSpec>> {
    let versions = possible_list::<VersionSpec>(fields, "versions")?;
    report_same_names(fields, "versions", "versions");
    answer_requests(fields, &versions);
    let endpoints: Vec<_> = versions
        .iter()
        .enumerate()
        .filter_map(|(index, version)| Some((index, version.as_ref()?)))
        .flat_map(|(index, version)| {
            version.endpoints.iter().enumerate().map(move |(at, endpoint)| Some((index, at, endpoint)))
        })
        .collect();
    report_duplicates(
        &endpoints,
        |(_, _, endpoint)| endpoint,
        |_, (index, at, endpoint)| {
            let way = ["versions".into(), (*index).into(), "endpoints".into(), (*at).into()];
            let message = format!("{endpoint} is given twice; requests to it could be of either version");
            fields.report_in(&way, Fault::duplicate(message));
        },
    );
    versions.into_iter().collect()
}

/// A service with routes is asked for answers, so that each of its versions must have somewhere to answer from.
fn answer_requests(fields: &mut Fields<'_, '_>, versions: &[Option<VersionSpec>]) {
    let has_routes = matches!(fields.node.field("routes"), Some(Node { value: Value::List(routes), .. }) if !routes.is_empty());
    if !has_routes {
        return;
    }
    for (index, version) in versions.iter().enumerate() {
        let Some(version) = version.as_ref().filter(|version| version.endpoints.is_empty()) else { continue };
        let fault = Fault::new(
            "missing-field",
            format!("no request could be answered: version `{}` has no endpoints", version.name),
        )
        .hint("say where it listens, as endpoints: [ http://127.0.0.1:9001 ]; or leave the service's `routes` out");
        fields.report_in(&["versions".into(), index.into(), "endpoints".into()], fault);
    }
}

/// A list that may be absent.
fn possible_list<T: Decode>(fields: &mut Fields<'_, '_>, name: &'static str) -> Option<Vec<Option<T>>> {
    if fields.has(name) {
        return fields.list(name);
    }
    fields.find(name);
    Some(Vec::new())
}

/// A list that must be there and hold something.
pub(super) fn present_list<T: Decode>(
    fields: &mut Fields<'_, '_>,
    name: &'static str,
    why: &str,
) -> Option<Vec<Option<T>>> {
    if !fields.has(name) {
        fields.find(name);
        fields.missing(name);
        return None;
    }
    let items = fields.list::<T>(name)?;
    if items.is_empty() {
        let fault = Fault::invalid(format!("the list is empty: {why}")).given("[]");
        fields.report_in(&[name.into()], fault);
        return None;
    }
    Some(items)
}

impl Decode for RouteSpec {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let mut fields =
            Fields::open_as(node, reader, "an object, as { host: shop.example.com, path: /checkout }")?;
        let host = fields.or_default("host");
        let path = fields.or_default("path");
        fields.finish();
        Some(RouteSpec { host: host?, path: path? })
    }
}

/// The one place in a request that an object names.
enum Place {
    Header(String),
    Cookie(String),
    Query(String),
}

fn place(node: &Node, reader: &mut Reader, has_query: bool) -> Option<Place> {
    let mut fields = Fields::open_as(node, reader, "an object, as { header: x-user-id }")?;
    let header = fields.optional::<String>("header");
    let cookie = fields.optional::<String>("cookie");
    let query = if has_query { fields.optional::<String>("query") } else { Some(None) };
    let forms =
        if has_query { "header: NAME, cookie: NAME or query: NAME" } else { "header: NAME or cookie: NAME" };
    let place = match (header?, cookie?, query?) {
        (Some(header), None, None) => {
            token(&mut fields, "header", header).map(|name| Place::Header(name.to_ascii_lowercase()))
        }
        (None, Some(cookie), None) => token(&mut fields, "cookie", cookie).map(Place::Cookie),
        (None, None, Some(query)) if !query.is_empty() => Some(Place::Query(query)),
        (None, None, None) => {
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
        })
    }
}

impl Decode for HealthSpec {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let default = HealthSpec::default();
        let mut fields = Fields::open(node, reader)?;
        let path = health_path(&mut fields, default.path);
        let every = positive_span(&mut fields, "every", default.every);
        let timeout = positive_span(&mut fields, "timeout", default.timeout);
        let unhealthy_after = positive_count(&mut fields, "unhealthyAfter", default.unhealthy_after);
        let healthy_after = positive_count(&mut fields, "healthyAfter", default.healthy_after);
        fields.finish();
        Some(HealthSpec {
            path: path?,
            every: every?,
            timeout: timeout?,
            unhealthy_after: unhealthy_after?,
            healthy_after: healthy_after?,
        })
    }
}

fn health_path(fields: &mut Fields<'_, '_>, default: String) -> Option<String> {
    let path = fields.or("path", default)?;
    let is_plain = path.bytes().all(|b| b.is_ascii_graphic() && b != b'#');
    if path.is_empty() || (path.starts_with('/') && is_plain) {
        return Some(path);
    }
    let fault = Fault::invalid(format!("`{path}` is not a path"))
        .accepted("text that begins with `/`, as /healthz; or \"\" to ask nothing but a connection");
    fields.report_in(&["path".into()], fault);
    None
}

fn positive_span(fields: &mut Fields<'_, '_>, name: &'static str, default: Span) -> Option<Span> {
    let span = fields.or(name, default);
    fields.longer_than_nothing(name, span)
}

fn positive_count(fields: &mut Fields<'_, '_>, name: &'static str, default: u32) -> Option<u32> {
    let count = fields.or(name, default);
    fields.at_least_one(name, count)
}

impl Decode for TimeoutSpec {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let default = TimeoutSpec::default();
        let mut fields = Fields::open(node, reader)?;
        let connect = positive_span(&mut fields, "connect", default.connect);
        let response = positive_span(&mut fields, "response", default.response);
        let idle = positive_span(&mut fields, "idle", default.idle);
        fields.finish();
        Some(TimeoutSpec { connect: connect?, response: response?, idle: idle? })
    }
}
