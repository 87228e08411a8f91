//! Which service a host and a path belong to.
//!
//! Hosts are found by hash, paths by walking a tree of segments, so that a lookup costs as much with 100 000 routes as
//! with ten: one hash per label of the host and per segment of the path, and no more segments than the deepest route
//! has.

use std::collections::HashMap;
use std::sync::Arc;

use sluice_core::document::service::{HostPattern, RouteSpec, Scheme};
use sluice_core::routing::{Request, ServiceRouting};

use super::handling::Handling;

/// All routes, compiled.
#[derive(Debug, Default)]
pub(crate) struct RouteTable {
    exact: HashMap<Box<str>, PathTree>,
    /// By the host without its leading `*.`.
    suffix: HashMap<Box<str>, PathTree>,
    any: PathTree,
    routes: Vec<Route>,
}

/// A route, compiled.
#[derive(Debug)]
pub(crate) struct Route {
    /// The service's number.
    pub(crate) service: usize,
    /// Which of the service's routes it is, in the order of its document.
    pub(crate) number: usize,
    /// What is done with its requests; nothing special when absent.
    pub(crate) handling: Option<Arc<Handling>>,
    /// What it asks for besides host and path; nothing when absent.
    demands: Option<Box<RouteSpec>>,
}

/// Path prefixes on segment borders; the root is `/`.
#[derive(Debug, Default)]
struct PathTree {
    /// Routes by their number, those that ask for most first.
    routes: Vec<usize>,
    children: HashMap<Box<str>, PathTree>,
}

impl Route {
    fn of(service: usize, number: usize, spec: &RouteSpec) -> Route {
        let demands = (spec.demands() > 0).then(|| Box::new(spec.clone()));
        Route { service, number, handling: Handling::of(spec).map(Arc::new), demands }
    }

    /// Whether a request whose host and path fit has all else that the route asks for. A rule reads visitors as the
    /// route's own service does.
    pub(crate) fn takes(&self, routing: &ServiceRouting, request: &dyn Request, scheme: Scheme) -> bool {
        let Some(spec) = &self.demands else { return true };
        spec.scheme.is_none_or(|wanted| wanted == scheme)
            && (spec.methods.is_empty()
                || spec.methods.iter().any(|method| method.as_str() == request.method()))
            && spec.headers.iter().all(|(name, wanted)| wanted.takes(request.header(name.as_str())))
            && spec.query.iter().all(|(name, wanted)| wanted.takes(request.query(name).as_deref()))
            && spec.when.as_ref().is_none_or(|rule| {
                rule.holds_for(request, &routing.visitor, routing.unit_of(request).as_deref())
            })
    }

    fn demands(&self) -> usize {
        self.demands.as_ref().map_or(0, |spec| spec.demands())
    }
}

impl RouteTable {
    /// From routes with the number of their service. When two services claim the same route, the one named first
    /// keeps it: documents refuse that, so this only has to be the same on every gateway.
    pub(crate) fn of<'a>(specs: impl IntoIterator<Item = (usize, &'a RouteSpec)>) -> RouteTable {
        let mut table = RouteTable::default();
        let (mut before, mut number) = (None, 0);
        for (service, spec) in specs {
            let tree = match &spec.host {
                HostPattern::Exact(host) => table.exact.entry(host.as_str().into()).or_default(),
                HostPattern::Suffix(host) => table.suffix.entry(host.as_str().into()).or_default(),
                HostPattern::Any => &mut table.any,
            };
            let leaf = tree.at(spec.path.as_str());
            // Those of one service come one after the other.
            number = if before == Some(service) { number + 1 } else { 0 };
            before = Some(service);
            let route = Route::of(service, number, spec);
            let place =
                leaf.routes.partition_point(|other| table.routes[*other].demands() >= route.demands());
            leaf.routes.insert(place, table.routes.len());
            table.routes.push(route);
        }
        table
    }

    /// The route of a request. An exact host wins over a suffix, a longer suffix over a shorter one, a suffix over
    /// any host; within a host the longest path wins, and at one path the route that asks for most. Where no route
    /// `takes` the request, it is left to the next shorter path, and then to the next host.
    ///
    /// `host` is in lower case and without port.
    pub(crate) fn find(&self, host: &str, path: &str, takes: impl Fn(&Route) -> bool) -> Option<&Route> {
        let takes = |number: usize| takes(&self.routes[number]);
        let number = self
            .exact
            .get(host)
            .and_then(|tree| tree.find(path, &takes))
            .or_else(|| self.find_by_suffix(host, path, &takes))
            .or_else(|| self.any.find(path, &takes))?;
        self.routes.get(number)
    }

    fn find_by_suffix(&self, host: &str, path: &str, takes: &impl Fn(usize) -> bool) -> Option<usize> {
        if self.suffix.is_empty() {
            return None;
        }
        let mut rest = host;
        while let Some((_, parent)) = rest.split_once('.') {
            if let Some(number) = self.suffix.get(parent).and_then(|tree| tree.find(path, takes)) {
                return Some(number);
            }
            rest = parent;
        }
        None
    }
}

fn segments(path: &str) -> impl Iterator<Item = &str> {
    let rest = path.strip_prefix('/').unwrap_or_default();
    rest.split('/').take_while(|segment| !segment.is_empty())
}

impl PathTree {
    /// The place of a path, made when it is not there.
    fn at(&mut self, prefix: &str) -> &mut PathTree {
        segments(prefix).fold(self, |tree, segment| tree.children.entry(segment.into()).or_default())
    }

    fn find(&self, path: &str, takes: &impl Fn(usize) -> bool) -> Option<usize> {
        let mut tree = self;
        let mut found = tree.first(takes);
        for segment in segments(path) {
            let Some(child) = tree.children.get(segment) else { break };
            tree = child;
            found = tree.first(takes).or(found);
        }
        found
    }

    fn first(&self, takes: &impl Fn(usize) -> bool) -> Option<usize> {
        self.routes.iter().copied().find(|number| takes(*number))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn route(host: &str, path: &str) -> RouteSpec {
        RouteSpec::at(host.parse().unwrap(), path.parse().unwrap())
    }

    /// The rule as it is written down, over all routes.
    fn find_naively(routes: &[RouteSpec], host: &str, path: &str) -> Option<usize> {
        let rank = |route: &RouteSpec| {
            let host_rank = match &route.host {
                HostPattern::Exact(exact) => (exact == host).then_some((2, exact.len())),
                HostPattern::Suffix(suffix) => {
                    host.ends_with(&format!(".{suffix}")).then_some((1, suffix.len()))
                }
                HostPattern::Any => Some((0, 0)),
            }?;
            let prefix = route.path.as_str();
            let taken = prefix == "/" || path == prefix || path.starts_with(&format!("{prefix}/"));
            taken.then_some((host_rank, prefix.len()))
        };
        let ranked = routes.iter().enumerate().filter_map(|(number, route)| Some((rank(route)?, number)));
        // Of two equal ones the first wins.
        ranked.max_by_key(|(rank, number)| (*rank, std::cmp::Reverse(*number))).map(|(_, number)| number)
    }

    fn hosts() -> impl Strategy<Value = String> {
        prop::collection::vec(prop::sample::select(vec!["a", "b", "c"]), 1..4)
            .prop_map(|labels| labels.join("."))
    }

    fn paths() -> impl Strategy<Value = String> {
        prop::collection::vec(prop::sample::select(vec!["x", "y", "xy"]), 0..4)
            .prop_map(|parts| format!("/{}", parts.join("/")))
    }

    fn patterns() -> impl Strategy<Value = String> {
        prop_oneof![Just("*".to_owned()), hosts(), hosts().prop_map(|host| format!("*.{host}"))]
    }

    proptest! {
        #[test]
        fn finds_what_the_naive_rule_finds(
            specs in prop::collection::vec((patterns(), paths()), 0..24),
            asked in prop::collection::vec((hosts(), paths(), any::<bool>()), 1..24),
        ) {
            let routes: Vec<_> = specs.iter().map(|(host, path)| route(host, path)).collect();
            let table = RouteTable::of(routes.iter().enumerate());
            for (host, path, slash) in asked {
                let path = if slash && path != "/" { format!("{path}/") } else { path };
                let found = table.find(&host, &path, |_| true).map(|route| route.service);
                prop_assert_eq!(found, find_naively(&routes, &host, &path), "{} {}", host, path);
            }
        }
    }

    #[test]
    fn a_prefix_ends_on_a_segment_border() {
        let table = RouteTable::of([(0, &route("*", "/checkout"))]);
        for path in ["/checkout", "/checkout/", "/checkout/1", "/checkout//1"] {
            assert!(table.find("h", path, |_| true).is_some(), "{path}");
        }
        for path in ["/checkouts", "/", "//checkout", "*", ""] {
            assert!(table.find("h", path, |_| true).is_none(), "{path}");
        }
    }

    #[test]
    fn a_path_with_very_many_segments_is_not_walked_to_its_end() {
        let table = RouteTable::of([(0, &route("*", "/a")), (1, &route("*", "/a/a"))]);
        let found = table.find("h", &"/a".repeat(1_000_000), |_| true);
        assert_eq!(found.map(|route| route.service), Some(1));
    }
}
