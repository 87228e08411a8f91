//! Routes that come near a request that none takes.

use super::FoundRoute;
use crate::ServiceKey;
use crate::document::service::{HostPattern, RouteSpec};

/// How many are told.
const TOLD: usize = 5;

/// The routes whose host, and then whose path, differ least from what was asked for; best first, at most five. `host` is in
/// lower case and without port.
pub fn nearest_routes<'a>(
    host: &str,
    path: &str,
    routes: impl IntoIterator<Item = (&'a RouteSpec, &'a ServiceKey)>,
) -> Vec<FoundRoute> {
    let rank = |route: &RouteSpec| (far_by_host(&route.host, host), far_by_path(route, path));
    let mut ranked: Vec<_> = routes.into_iter().map(|(route, key)| (rank(route), route, key)).collect();
    ranked.sort_by_cached_key(|(rank, route, key)| (*rank, route.to_string(), (*key).clone()));
    ranked.into_iter().take(TOLD).map(|(_, route, key)| FoundRoute::new(route, key)).collect()
}

fn far_by_host(pattern: &HostPattern, host: &str) -> usize {
    match pattern {
        HostPattern::Any => 0,
        HostPattern::Exact(exact) => strsim::levenshtein(exact, host),
        HostPattern::Suffix(suffix) => {
            let is_below = host.strip_suffix(suffix.as_str()).is_some_and(|rest| rest.ends_with('.'));
            if is_below { 0 } else { 1 + strsim::levenshtein(suffix, host) }
        }
    }
}

/// Over as many segments as the route has, as what follows them is not the route's.
fn far_by_path(route: &RouteSpec, path: &str) -> usize {
    let segments = route.path.as_str().split('/').count();
    let begin: Vec<&str> = path.split('/').take(segments).collect();
    strsim::levenshtein(route.path.as_str(), &begin.join("/"))
}
