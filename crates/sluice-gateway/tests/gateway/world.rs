//! A gateway with endpoints behind it and visitors before it.

pub(crate) mod doors;
mod endpoint;
pub(crate) mod frames;
pub(crate) mod hyper_endpoint;
mod visitor;

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use sluice_core::document::service::{
    Endpoint as EndpointSpec, HealthSpec, Reveal, RouteSpec, TimeoutSpec, UnitSource,
};
use sluice_core::routing::{ServiceRouting, ShareRule, Snapshot, Split};
use sluice_core::{Counts, ServiceKey, Span, VersionName, Weight};
use sluice_gateway::{Gateway, Limits, Options, PreviewKey, TraceOptions};

pub(crate) use endpoint::{Conversation, Endpoint, Heard};
pub(crate) use visitor::{Answer, Visitor};

/// Nothing in these tests takes this long unless it is broken.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

/// These tests are compiled twice: as `gateway`, and as `gateway_long`.
pub(crate) const HAS_FAST_PATH: bool = !matches!(env!("CARGO_CRATE_NAME").as_bytes(), b"gateway_long");

pub(crate) const PREVIEW_KEY: PreviewKey = PreviewKey::new([7; 32]);

/// Waits for something that must happen.
pub(crate) async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(DEADLINE, future).await {
        Ok(value) => value,
        Err(_) => panic!("waited in vain: {what}"),
    }
}

pub(crate) fn key(service: &str) -> ServiceKey {
    ServiceKey { environment: "test".parse().unwrap(), name: service.parse().unwrap() }
}

pub(crate) fn version(name: &str) -> VersionName {
    name.parse().unwrap()
}

pub(crate) fn start() -> Gateway {
    start_with(Limits::default())
}

pub(crate) fn options(listen: std::net::SocketAddr, workers: usize) -> Options {
    Options {
        listen,
        tls: None,
        takes_proxy_header: false,
        workers: Some(workers),
        preview_key: PREVIEW_KEY,
        limits: Limits::default(),
        fast_path: HAS_FAST_PATH,
        attributes: Default::default(),
        ready_path: None,
        trace: TraceOptions::Carry,
        access_log: None,
    }
}

pub(crate) fn start_with(limits: Limits) -> Gateway {
    let listen = "127.0.0.1:0".parse().unwrap();
    Gateway::start(Options { limits, ..options(listen, 2) }).unwrap()
}

/// A service with one route, checked often, that shows which version answered.
pub(crate) fn service(name: &str, versions: &[(&str, &[&Endpoint])]) -> ServiceRouting {
    let specs = |endpoints: &[&Endpoint]| endpoints.iter().map(|endpoint| endpoint.spec()).collect();
    service_at(name, versions.iter().map(|(name, endpoints)| (version(name), specs(endpoints))).collect())
}

pub(crate) fn service_at(name: &str, versions: BTreeMap<VersionName, Vec<EndpointSpec>>) -> ServiceRouting {
    ServiceRouting {
        key: key(name),
        routes: vec![RouteSpec::default()],
        unit: vec![UnitSource::Header("x-user".to_owned()), UnitSource::Cookie("sluice_unit".to_owned())],
        visitor: BTreeMap::new(),
        health: HealthSpec {
            every: Span::from_millis(50),
            timeout: Span::from_secs(5),
            unhealthy_after: 2,
            ..HealthSpec::default()
        },
        timeouts: TimeoutSpec::default(),
        balance: Default::default(),
        limits: None,
        outliers: None,
        endpoint_tls: None,
        count: Vec::new(),
        reveal: Reveal::Always,
        stable: versions.keys().next().unwrap().clone(),
        versions,
        split: None,
    }
}

/// Gives a share of everyone to a version.
pub(crate) fn share(candidate: &str, percent: f64) -> Option<Split> {
    let weight = Weight::from_percent(percent).unwrap();
    Some(Split {
        release: "test".parse().unwrap(),
        is_shared: false,
        shadow: None,
        candidate: version(candidate),
        salt: "test".to_owned(),
        exclude: Vec::new(),
        include: vec![ShareRule { segment: None, weight }],
    })
}

pub(crate) fn snapshot(generation: u64, services: Vec<ServiceRouting>) -> Arc<Snapshot> {
    let services = services.into_iter().map(|service| (service.key.clone(), Arc::new(service))).collect();
    Arc::new(Snapshot { generation, services })
}

/// Publishes the next generation.
pub(crate) fn publish(gateway: &Gateway, services: Vec<ServiceRouting>) {
    assert!(gateway.publish(snapshot(gateway.generation() + 1, services)));
}

/// Publishes, and waits until every endpoint is ready.
pub(crate) async fn serve(gateway: &Gateway, services: Vec<ServiceRouting>) {
    let wanted: Vec<_> = services
        .iter()
        .flat_map(|service| {
            let total = |endpoints: &Vec<_>| u32::try_from(endpoints.len()).unwrap();
            service.versions.iter().map(move |(name, e)| (service.key.clone(), name.clone(), total(e)))
        })
        .collect();
    publish(gateway, services);
    for (service, name, total) in wanted {
        until_ready(gateway, &service, &name, total).await;
    }
}

/// Waits until a version has this many ready endpoints.
pub(crate) async fn until_ready(gateway: &Gateway, service: &ServiceKey, name: &VersionName, ready: u32) {
    let mut readiness = gateway.readiness();
    let is_so = |all: &Arc<sluice_gateway::Readiness>| {
        all.get(service).and_then(|versions| versions.get(name)).is_some_and(|version| version.ready == ready)
    };
    let waited = soon(&format!("{ready} ready endpoints of {name}"), readiness.wait_for(is_so)).await;
    drop(waited.unwrap());
}

/// Waits until what was counted of a version is as wanted: an answer is there a moment before it is counted.
pub(crate) async fn until_counted(
    gateway: &Gateway,
    name: &str,
    mut is_so: impl FnMut(&Counts) -> bool,
) -> Counts {
    let mut latest = Counts::default();
    for _ in 0..2_000 {
        latest = gateway.counts(&key("shop")).remove(&version(name)).unwrap_or_default();
        if is_so(&latest) {
            return latest;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("counted otherwise: {latest:?}");
}

/// Waits until this many requests are in flight.
pub(crate) async fn until_in_flight(gateway: &Gateway, wanted: u64) {
    soon(&format!("{wanted} requests in flight"), async {
        while gateway.in_flight(&key("shop")).values().sum::<u64>() != wanted {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
}
