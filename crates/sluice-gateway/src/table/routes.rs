//! Which service a host and a path belong to.
//!
//! Hosts are found by hash, paths by walking a tree of segments, so that a lookup costs as much with 100 000 routes as
//! with ten: one hash per label of the host and per segment of the path, and no more segments than the deepest route
//! has.

use std::collections::HashMap;

use sluice_core::document::service::{HostPattern, RouteSpec};

/// All routes, compiled. Services are known by their number.
#[derive(Debug, Default)]
pub(crate) struct RouteTable {
    exact: HashMap<Box<str>, PathTree>,
    /// By the host without its leading `*.`.
    suffix: HashMap<Box<str>, PathTree>,
    any: PathTree,
}

/// Path prefixes on segment borders; the root is `/`.
#[derive(Debug, Default)]
struct PathTree {
    service: Option<usize>,
    children: HashMap<Box<str>, PathTree>,
}

impl RouteTable {
    /// From routes with the number of their service. When two services claim the same route, the one named first
    /// keeps it: documents refuse that, so this only has to be the same on every gateway.
    pub(crate) fn of<'a>(routes: impl IntoIterator<Item = (usize, &'a RouteSpec)>) -> RouteTable {
        let mut table = RouteTable::default();
        for (service, route) in routes {
            let tree = match &route.host {
                HostPattern::Exact(host) => table.exact.entry(host.as_str().into()).or_default(),
                HostPattern::Suffix(host) => table.suffix.entry(host.as_str().into()).or_default(),
                HostPattern::Any => &mut table.any,
            };
            tree.insert(route.path.as_str(), service);
        }
        table
    }

    /// The service of a request. An exact host wins over a suffix, a longer suffix over a shorter one, a suffix over
    /// any host; within a host the longest path wins. A host whose paths do not match leaves the request to the next.
    ///
    /// `host` is in lower case and without port.
    pub(crate) fn find(&self, host: &str, path: &str) -> Option<usize> {
        self.exact
            .get(host)
            .and_then(|tree| tree.find(path))
            .or_else(|| self.find_by_suffix(host, path))
            .or_else(|| self.any.find(path))
    }

    fn find_by_suffix(&self, host: &str, path: &str) -> Option<usize> {
        if self.suffix.is_empty() {
            return None;
        }
        let mut rest = host;
        while let Some((_, parent)) = rest.split_once('.') {
            if let Some(service) = self.suffix.get(parent).and_then(|tree| tree.find(path)) {
                return Some(service);
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
    fn insert(&mut self, prefix: &str, service: usize) {
        let leaf =
            segments(prefix).fold(self, |tree, segment| tree.children.entry(segment.into()).or_default());
        leaf.service.get_or_insert(service);
    }

    fn find(&self, path: &str) -> Option<usize> {
        let mut tree = self;
        let mut found = tree.service;
        for segment in segments(path) {
            let Some(child) = tree.children.get(segment) else { break };
            tree = child;
            found = tree.service.or(found);
        }
        found
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
                prop_assert_eq!(table.find(&host, &path), find_naively(&routes, &host, &path), "{} {}", host, path);
            }
        }
    }

    #[test]
    fn a_prefix_ends_on_a_segment_border() {
        let table = RouteTable::of([(0, &route("*", "/checkout"))]);
        for path in ["/checkout", "/checkout/", "/checkout/1", "/checkout//1"] {
            assert_eq!(table.find("h", path), Some(0), "{path}");
        }
        for path in ["/checkouts", "/", "//checkout", "*", ""] {
            assert_eq!(table.find("h", path), None, "{path}");
        }
    }

    #[test]
    fn a_path_with_very_many_segments_is_not_walked_to_its_end() {
        let table = RouteTable::of([(0, &route("*", "/a")), (1, &route("*", "/a/a"))]);
        assert_eq!(table.find("h", &"/a".repeat(1_000_000)), Some(1));
    }
}
