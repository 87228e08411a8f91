//! The routing table: a snapshot, compiled for the request path.
//!
//! A table is immutable and swapped whole. What a snapshot leaves as it was is carried over from the table before:
//! an endpoint keeps its health and its pools, a version its counters, and a service that did not change costs one
//! comparison of pointers. Publishing 1 000 services of which one changed its weight therefore costs microseconds.

mod budget;
mod handling;
mod outlier;
pub(crate) mod places;
mod routes;

use std::collections::HashSet;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

use http::HeaderValue;
use sluice_core::document::service::{self, HealthSpec, PathPrefix, Place, RouteSpec, Scheme, Speaks};
use sluice_core::routing::{Request, ServiceRouting, Snapshot};
use sluice_core::{ServiceKey, VersionName};
use tokio::sync::Notify;

use crate::counters::{Counters, VersionCounters};
use crate::readiness::{Readiness, Ready};
use crate::trust::Trust;
pub(crate) use budget::RetryBudget;
pub(crate) use handling::Handling;
use outlier::Conduct;
use places::Line;
pub(crate) use routes::Route;
use routes::RouteTable;

/// A snapshot, compiled.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) generation: u64,
    /// Grows when endpoints or their health checks change.
    pub(crate) topology: u64,
    /// All endpoints, by their ids. Made where the table is made: a worker would stand still for it.
    pub(crate) endpoint_ids: Arc<HashSet<u64>>,
    routes: Arc<RouteTable>,
    /// In the order of their keys; routes know them by their place.
    services: Vec<Arc<Service>>,
}

/// A service, compiled.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) routing: Arc<ServiceRouting>,
    /// In the order of their names.
    pub(crate) versions: Vec<Arc<Version>>,
    /// How many requests may be sent again.
    pub(crate) retries: Arc<RetryBudget>,
    /// What its endpoints with TLS are trusted by, if it has any.
    trust: Option<Arc<Trust>>,
}

/// A version with the state that outlives snapshots.
#[derive(Debug)]
pub(crate) struct Version {
    pub(crate) name: VersionName,
    /// The value of `x-sluice-version`.
    pub(crate) header: HeaderValue,
    pub(crate) endpoints: Vec<Arc<Endpoint>>,
    /// Whose turn it is, where they take turns.
    pub(crate) turn: AtomicUsize,
    /// Who waits for a place at one of them.
    pub(crate) line: Arc<Line>,
    pub(crate) counters: Arc<VersionCounters>,
    /// In the order of [`ServiceRouting::count`].
    paths: Vec<(PathPrefix, Arc<VersionCounters>)>,
}

/// An endpoint with its health.
#[derive(Debug)]
pub(crate) struct Endpoint {
    /// No two endpoints ever have the same.
    pub(crate) id: u64,
    pub(crate) spec: service::Endpoint,
    /// Where it is, unless a name has to be looked up.
    pub(crate) address: Option<SocketAddr>,
    /// What it is trusted by, when TLS is spoken with it.
    pub(crate) trust: Option<Arc<Trust>>,
    is_ready: AtomicBool,
    pub(crate) conduct: Conduct,
    /// Requests in flight from all workers; counted only where there is a limit.
    pub(crate) taken: AtomicU32,
    /// Why its last check failed.
    sick: Mutex<Option<Arc<str>>>,
    /// Asks for a health check at once.
    pub(crate) suspected: Notify,
}

impl Table {
    /// A table without services.
    pub(crate) fn empty() -> Table {
        Table {
            generation: 0,
            topology: 0,
            endpoint_ids: Arc::default(),
            routes: Arc::default(),
            services: Vec::new(),
        }
    }

    /// Compiles a snapshot; what it leaves as it was is carried over.
    pub(crate) fn of(snapshot: &Snapshot, before: &Table, workers: usize) -> Table {
        let mut services = Vec::with_capacity(snapshot.services.len());
        let mut same_routes = before.services.len() == snapshot.services.len();
        let mut same_topology = same_routes;
        // Both are in the order of keys, so that one walk over both finds every pair.
        let mut olds = before.services.iter().peekable();
        for (key, routing) in &snapshot.services {
            let is_same = |old: &&Arc<Service>| Arc::ptr_eq(&old.routing, routing);
            if let Some(old) = olds.next_if(is_same) {
                services.push(Arc::clone(old));
                continue;
            }
            while olds.next_if(|old| old.routing.key < *key).is_some() {}
            let old = olds.next_if(|old| old.routing.key == *key);
            same_routes &= old.is_some_and(|old| old.routing.routes == routing.routes);
            same_topology &= old.is_some_and(|old| {
                old.routing.versions == routing.versions
                    && old.routing.health == routing.health
                    && old.routing.endpoint_tls == routing.endpoint_tls
            });
            services.push(Arc::new(Service::of(routing, old.map(Arc::as_ref), workers)));
        }
        let routes = if same_routes {
            Arc::clone(&before.routes)
        } else {
            let claimed = services.iter().enumerate();
            let routes = claimed.flat_map(|(number, service)| {
                service.routing.routes.iter().map(move |route| (number, route))
            });
            Arc::new(RouteTable::of(routes))
        };
        let topology = before.topology + u64::from(!same_topology);
        let endpoint_ids =
            if same_topology { Arc::clone(&before.endpoint_ids) } else { Arc::new(ids_of(&services)) };
        Table { generation: snapshot.generation, topology, endpoint_ids, routes, services }
    }

    /// The service that a request belongs to, and by which route.
    pub(crate) fn route(&self, request: &dyn Request, scheme: Scheme) -> Option<(&Arc<Service>, &Route)> {
        let service = |route: &Route| self.services.get(route.service);
        let takes = |route: &Route| service(route).is_some_and(|s| route.takes(&s.routing, request, scheme));
        let route = self.routes.find(request.host(), request.path(), takes)?;
        Some((service(route)?, route))
    }

    pub(crate) fn service(&self, key: &ServiceKey) -> Option<&Arc<Service>> {
        let place = self.services.binary_search_by(|service| service.routing.key.cmp(key)).ok()?;
        self.services.get(place)
    }

    /// Every service, in the order of their keys.
    pub(crate) fn services(&self) -> &[Arc<Service>] {
        &self.services
    }

    /// Every route with its service.
    pub(crate) fn claimed(&self) -> impl Iterator<Item = (&RouteSpec, &ServiceKey)> {
        let routing = self.services.iter().map(|service| &service.routing);
        routing.flat_map(|routing| routing.routes.iter().map(|route| (route, &routing.key)))
    }

    /// Every endpoint with how it is checked.
    pub(crate) fn endpoints(&self) -> impl Iterator<Item = (&Arc<Endpoint>, &HealthSpec)> {
        self.services.iter().flat_map(|service| {
            let endpoints = service.versions.iter().flat_map(|version| &version.endpoints);
            endpoints.map(|endpoint| (endpoint, &service.routing.health))
        })
    }

    pub(crate) fn readiness(&self) -> Readiness {
        let of_version = |version: &Arc<Version>| (version.name.clone(), version.ready());
        let of_service = |service: &Arc<Service>| {
            (service.routing.key.clone(), service.versions.iter().map(of_version).collect())
        };
        self.services.iter().map(of_service).collect()
    }
}

fn ids_of(services: &[Arc<Service>]) -> HashSet<u64> {
    let versions = services.iter().flat_map(|service| &service.versions);
    versions.flat_map(|version| &version.endpoints).map(|endpoint| endpoint.id).collect()
}

impl Service {
    fn of(routing: &Arc<ServiceRouting>, before: Option<&Service>, workers: usize) -> Service {
        let trust = trust_of(routing, before);
        let version = |(name, endpoints): (&VersionName, &Vec<service::Endpoint>)| {
            let old = before.and_then(|service| service.version(name));
            match old {
                Some(old)
                    if old.has_endpoints(endpoints, trust.as_ref()) && old.has_paths(&routing.count) =>
                {
                    Arc::clone(old)
                }
                old => {
                    let specs = (&endpoints[..], trust.as_ref());
                    Arc::new(Version::of(name, specs, &routing.count, old.map(Arc::as_ref), workers))
                }
            }
        };
        let retries = before.map_or_else(Arc::default, |before| Arc::clone(&before.retries));
        let versions = routing.versions.iter().map(version).collect();
        Service { routing: Arc::clone(routing), versions, retries, trust }
    }

    pub(crate) fn version(&self, name: &VersionName) -> Option<&Arc<Version>> {
        self.versions.iter().find(|version| version.name == *name)
    }
}

/// What the endpoints of a service are trusted by; what was read for the same files is carried over.
fn trust_of(routing: &ServiceRouting, before: Option<&Service>) -> Option<Arc<Trust>> {
    let mut endpoints = routing.versions.values().flatten();
    if !endpoints.any(|endpoint| endpoint.speaks() == Speaks::Tls) {
        return None;
    }
    let spec = routing.endpoint_tls.clone().unwrap_or_default();
    let old = before.and_then(|service| service.trust.as_ref()).filter(|old| *old.spec() == spec);
    Some(old.map_or_else(|| Arc::new(Trust::new(&spec)), Arc::clone))
}

impl Version {
    fn of(
        name: &VersionName,
        (specs, trust): (&[service::Endpoint], Option<&Arc<Trust>>),
        count: &[PathPrefix],
        before: Option<&Version>,
        workers: usize,
    ) -> Version {
        let mut endpoints: Vec<Arc<Endpoint>> = Vec::with_capacity(specs.len());
        for spec in specs {
            // Named twice, an endpoint would get twice its share.
            if endpoints.iter().any(|endpoint| endpoint.spec == *spec) {
                continue;
            }
            let old = before.and_then(|version| version.endpoints.iter().find(|old| old.spec == *spec));
            endpoints.push(match old {
                Some(old) if old.is_trusted_by(trust) => Arc::clone(old),
                old => Arc::new(Endpoint::new(spec, trust, old.map(Arc::as_ref))),
            });
        }
        let counters = before
            .map_or_else(|| Arc::new(VersionCounters::new(workers)), |version| Arc::clone(&version.counters));
        let path = |path: &PathPrefix| {
            let old = before.and_then(|version| version.of_path(path));
            let new = || Arc::new(VersionCounters::new(workers));
            (path.clone(), old.map_or_else(new, Arc::clone))
        };
        let paths = count.iter().map(path).collect();
        let header = HeaderValue::from_str(name.as_str()).expect("names of versions are plain ASCII");
        let line = before.map_or_else(Arc::default, |version| Arc::clone(&version.line));
        let turn = AtomicUsize::new(0);
        Version { name: name.clone(), header, endpoints, turn, line, counters, paths }
    }

    fn has_endpoints(&self, specs: &[service::Endpoint], trust: Option<&Arc<Trust>>) -> bool {
        self.endpoints.iter().map(|endpoint| &endpoint.spec).eq(specs)
            && self.endpoints.iter().all(|endpoint| endpoint.is_trusted_by(trust))
    }

    /// Whether an endpoint may speak HTTP/2, and so say that it did nothing with a request.
    pub(crate) fn may_refuse(&self) -> bool {
        self.endpoints.iter().any(|endpoint| matches!(endpoint.spec.speaks(), Speaks::Http2 | Speaks::Tls))
    }

    /// Whether every endpoint speaks HTTP/1.1 over TCP, in plain text.
    pub(crate) fn is_plain(&self) -> bool {
        self.endpoints.iter().all(|endpoint| endpoint.is_plain())
    }

    fn has_paths(&self, count: &[PathPrefix]) -> bool {
        self.paths.iter().map(|(path, _)| path).eq(count)
    }

    /// What is counted of one path on its own.
    pub(crate) fn of_path(&self, path: &PathPrefix) -> Option<&Arc<VersionCounters>> {
        self.paths.iter().find(|(known, _)| known == path).map(|(_, counters)| counters)
    }

    /// What a worker counts of the path with this number.
    pub(crate) fn path_counters(&self, number: Option<usize>, worker: usize) -> Option<&Arc<Counters>> {
        let (_, counters) = self.paths.get(number?)?;
        Some(counters.of_worker(worker))
    }

    /// Whether any endpoint can take a request.
    pub(crate) fn is_ready(&self) -> bool {
        self.endpoints.iter().any(|endpoint| endpoint.is_ready())
    }

    pub(crate) fn ready(&self) -> Ready {
        let count = |endpoints: usize| u32::try_from(endpoints).unwrap_or(u32::MAX);
        let ready = self.endpoints.iter().filter(|endpoint| endpoint.is_ready()).count();
        Ready { ready: count(ready), total: count(self.endpoints.len()) }
    }
}

impl Endpoint {
    /// One that was there, yet trusted otherwise, stays ready until its checks say what they make of the new trust: a change
    /// that is right must cost nobody a request.
    fn new(spec: &service::Endpoint, trust: Option<&Arc<Trust>>, before: Option<&Endpoint>) -> Endpoint {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let address = match spec.place() {
            Place::Port { host, port } => host.parse::<IpAddr>().ok().map(|ip| SocketAddr::new(ip, *port)),
            Place::Socket(_) => None,
        };
        Endpoint {
            id: NEXT.fetch_add(1, Relaxed),
            spec: spec.clone(),
            address,
            trust: trust.filter(|_| spec.speaks() == Speaks::Tls).map(Arc::clone),
            sick: Mutex::default(),
            is_ready: AtomicBool::new(before.is_some_and(Endpoint::is_ready)),
            conduct: Conduct::default(),
            taken: AtomicU32::new(0),
            suspected: Notify::new(),
        }
    }

    fn is_trusted_by(&self, trust: Option<&Arc<Trust>>) -> bool {
        self.spec.speaks() != Speaks::Tls
            || self.trust.as_ref().zip(trust).is_some_and(|(mine, theirs)| Arc::ptr_eq(mine, theirs))
    }

    /// Whether it speaks HTTP/1.1 over TCP, in plain text.
    pub(crate) fn is_plain(&self) -> bool {
        self.spec.speaks() == Speaks::Http1 && matches!(self.spec.place(), Place::Port { .. })
    }

    /// Whether its health checks succeed. False until the first has.
    pub(crate) fn is_ready(&self) -> bool {
        self.is_ready.load(Relaxed)
    }

    /// Remembers why the last check failed, if it did.
    pub(crate) fn set_sick(&self, why: Option<&str>) {
        *self.sick.lock().unwrap_or_else(PoisonError::into_inner) = why.map(Arc::from);
    }

    /// Why the last check failed.
    pub(crate) fn sick(&self) -> Option<Arc<str>> {
        self.sick.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Gives whether that is a change.
    pub(crate) fn set_ready(&self, is_ready: bool) -> bool {
        self.is_ready.swap(is_ready, Relaxed) != is_ready
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use sluice_core::Span;
    use sluice_core::document::service::{Reveal, TimeoutSpec};

    use super::*;

    fn routing(name: &str, path: &str, versions: &[(&str, &[&str])]) -> Arc<ServiceRouting> {
        let endpoints = |urls: &[&str]| urls.iter().map(|url| url.parse().unwrap()).collect();
        Arc::new(ServiceRouting {
            key: key(name),
            routes: vec![service::RouteSpec::at(Default::default(), path.parse().unwrap())],
            unit: Vec::new(),
            visitor: BTreeMap::new(),
            health: HealthSpec::default(),
            timeouts: TimeoutSpec::default(),
            balance: Default::default(),
            limits: None,
            outliers: None,
            endpoint_tls: None,
            count: Vec::new(),
            reveal: Reveal::default(),
            versions: versions.iter().map(|(name, urls)| (name.parse().unwrap(), endpoints(urls))).collect(),
            stable: versions[0].0.parse().unwrap(),
            split: None,
        })
    }

    fn key(name: &str) -> ServiceKey {
        ServiceKey { environment: "e".parse().unwrap(), name: name.parse().unwrap() }
    }

    fn at(table: &Table, path: &str) -> Option<ServiceKey> {
        let parts = http::Request::get(path).header("host", "h").body(()).unwrap().into_parts().0;
        let visitor = crate::proxy::Visitor::of(&parts).ok()?;
        table.route(&visitor, Scheme::Http).map(|(service, _)| service.routing.key.clone())
    }

    fn snapshot(generation: u64, services: &[Arc<ServiceRouting>]) -> Snapshot {
        let services = services.iter().map(|routing| (routing.key.clone(), Arc::clone(routing))).collect();
        Snapshot { generation, services }
    }

    #[test]
    fn what_stays_the_same_keeps_its_state() {
        let one = "http://127.0.0.1:1";
        let (shop, blog) =
            (routing("shop", "/shop", &[("1", &[one])]), routing("blog", "/blog", &[("1", &[one])]));
        let first = Table::of(&snapshot(1, &[shop, Arc::clone(&blog)]), &Table::empty(), 1);
        let version = |table: &Table, name: &str| {
            Arc::clone(table.service(&key("shop")).unwrap().version(&name.parse().unwrap()).unwrap())
        };
        version(&first, "1").endpoints[0].set_ready(true);
        version(&first, "1").counters.of_worker(0).cancel();

        let grown = routing("shop", "/shop", &[("1", &[one, "http://127.0.0.1:2"]), ("2", &[one])]);
        let second = Table::of(&snapshot(2, &[grown, blog]), &first, 1);
        let ready: Vec<_> = version(&second, "1").endpoints.iter().map(|e| e.is_ready()).collect();
        assert_eq!(ready, [true, false]);
        assert_eq!(version(&second, "1").counters.sum().cancelled, 1);
        // The same address under another version is another endpoint: it has to prove itself again.
        assert!(!version(&second, "2").is_ready());
        assert_eq!(second.topology, first.topology + 1);
        assert!(Arc::ptr_eq(&second.routes, &first.routes));
        assert!(Arc::ptr_eq(second.service(&key("blog")).unwrap(), first.service(&key("blog")).unwrap()));
    }

    #[test]
    fn a_service_that_comes_or_goes_changes_the_routes() {
        let (a, b) = (routing("a", "/a", &[("1", &[])]), routing("b", "/b", &[("1", &[])]));
        let both = Table::of(&snapshot(1, &[Arc::clone(&a), Arc::clone(&b)]), &Table::empty(), 1);
        assert_eq!(at(&both, "/b/x").unwrap(), key("b"));
        let without_a = Table::of(&snapshot(2, &[b]), &both, 1);
        assert_eq!(at(&without_a, "/b/x").unwrap(), key("b"));
        assert!(at(&without_a, "/a").is_none());
        // One goes, another comes: the number stays, the routes do not.
        let only_a = Table::of(&snapshot(3, &[a]), &without_a, 1);
        assert_eq!(at(&only_a, "/a").unwrap(), key("a"));
        assert!(at(&only_a, "/b").is_none());
    }

    #[test]
    fn a_changed_health_check_is_noticed_and_changed_timeouts_are_none_of_its_business() {
        let before = routing("a", "/", &[("1", &["http://127.0.0.1:1"])]);
        let first = Table::of(&snapshot(1, &[Arc::clone(&before)]), &Table::empty(), 1);
        let mut patient = (*before).clone();
        patient.timeouts.response = Span::from_secs(5);
        let second = Table::of(&snapshot(2, &[Arc::new(patient.clone())]), &first, 1);
        assert_eq!(second.topology, first.topology);
        patient.health.every = Span::from_secs(5);
        let third = Table::of(&snapshot(3, &[Arc::new(patient)]), &second, 1);
        assert_eq!(third.topology, first.topology + 1);
    }
}
