//! `Service`.

mod health;
mod route;
mod tls;
mod upstream;
mod version;
mod visitor;

use super::{Decode, Fields, Reader, report_duplicates, report_same_names};
use crate::document::ServiceSpec;
use crate::document::node::{Node, Value};
use crate::document::problem::Fault;
use crate::document::service::{PathPrefix, VersionSpec};

impl Decode for ServiceSpec {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let mut fields = Fields::open(node, reader)?;
        let routes = route::routes(&mut fields);
        let unit = visitor::unit(&mut fields);
        let visitor = visitor::visitor(&mut fields);
        let health = fields.or_default("health");
        let count = count(&mut fields);
        let timeouts = fields.or_default("timeouts");
        let balance = fields.or_default("balance");
        let limits = fields.optional("limits");
        let outliers = fields.optional("outliers");
        let endpoint_tls = fields.optional("endpointTls");
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
            balance: balance?,
            limits: limits?,
            outliers: outliers?,
            endpoint_tls: endpoint_tls?,
            reveal: reveal?,
            versions: versions?,
        })
    }
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
