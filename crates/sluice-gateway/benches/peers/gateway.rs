//! The gateway in a process of its own, so that what it uses is its own. It is told what to serve on its standard input.

use std::collections::BTreeMap;
use std::io::{BufRead, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use sluice_core::condition::Condition;
use sluice_core::document::service::{
    AttributeSource, HealthSpec, Reveal, RouteSpec, TimeoutSpec, UnitSource,
};
use sluice_core::routing::{SegmentRule, ServiceRouting, ShareRule, Snapshot, Split};
use sluice_core::{ServiceKey, Span, Weight};
use sluice_gateway::{Certificates, Gateway, Limits, Options, PreviewKey, TlsOptions, TraceOptions};

use super::name;

/// As everybody else in the comparison has.
const WORKERS: usize = 2;
/// Routes of one service, where there are many.
const ROUTES_EACH: usize = 100;

/// What the process is started with.
pub(crate) struct Start {
    pub(crate) plain: SocketAddr,
    pub(crate) tls: SocketAddr,
    pub(crate) endpoints: [SocketAddr; 2],
    pub(crate) certificates: PathBuf,
}

impl Start {
    pub(crate) fn args(&self) -> Vec<String> {
        let [stable, candidate] = self.endpoints;
        let folder = self.certificates.display();
        [self.plain.to_string(), self.tls.to_string(), stable.to_string(), candidate.to_string()]
            .into_iter()
            .chain([folder.to_string()])
            .collect()
    }

    pub(crate) fn of_args(args: &[String]) -> Start {
        let address = |place: usize| args[place].parse().expect("an address");
        let endpoints = [address(2), address(3)];
        let certificates = PathBuf::from(&args[4]);
        Start { plain: address(0), tls: address(1), endpoints, certificates }
    }
}

/// Serves until the standard input ends. Every line is an order, and is answered with the microseconds that it took:
///
/// - `weight PERCENT` publishes another share for the candidate,
/// - `routes COUNT` publishes so many routes, all compiled anew,
/// - `share PERCENT` changes the share of one service among those.
#[expect(clippy::print_stdout, reason = "it answers the process that started it")]
pub(crate) fn run(start: &Start, has_fast_path: bool) {
    let certificates = Certificates::open(&start.certificates).expect("certificates");
    let gateway = Gateway::start(Options {
        listen: start.plain,
        tls: Some(TlsOptions { listen: start.tls, certificates }),
        takes_proxy_header: false,
        workers: Some(WORKERS),
        preview_key: PreviewKey::new([0; 32]),
        limits: Limits::default(),
        fast_path: has_fast_path,
        attributes: Default::default(),
        ready_path: None,
        trace: TraceOptions::Carry,
        access_log: None,
    })
    .expect("free ports");
    let mut services: BTreeMap<ServiceKey, Arc<ServiceRouting>> = BTreeMap::new();
    let mut generation = 0;
    publish_shop(start, 10.0, &mut services);
    gateway.publish(snapshot(&mut generation, &services));
    println!("ready");
    for line in std::io::stdin().lock().lines() {
        let line = line.expect("an order");
        let (verb, number) = line.split_once(' ').expect("an order with a number");
        let number: f64 = number.parse().expect("a number");
        match verb {
            "weight" => publish_shop(start, number, &mut services),
            "routes" => services = many(start, number as usize),
            "share" => {
                let (key, first) = services.first_key_value().expect("services");
                let mut changed = (**first).clone();
                changed.split = split(number);
                services.insert(key.clone(), Arc::new(changed));
            }
            _ => panic!("not an order: {line}"),
        }
        let next = snapshot(&mut generation, &services);
        let began = Instant::now();
        gateway.publish(next);
        println!("{}", began.elapsed().as_micros());
        std::io::stdout().flush().expect("somebody reads");
    }
}

fn snapshot(generation: &mut u64, services: &BTreeMap<ServiceKey, Arc<ServiceRouting>>) -> Arc<Snapshot> {
    *generation += 1;
    Arc::new(Snapshot { generation: *generation, services: services.clone() })
}

fn publish_shop(start: &Start, percent: f64, services: &mut BTreeMap<ServiceKey, Arc<ServiceRouting>>) {
    let any = RouteSpec::default();
    let shop = service("shop", vec![any], start, percent);
    services.insert(shop.key.clone(), Arc::new(shop));
}

/// So many routes: a hundred to a service where they are many, on a host to each service.
fn many(start: &Start, count: usize) -> BTreeMap<ServiceKey, Arc<ServiceRouting>> {
    let services = (count / ROUTES_EACH).max(10);
    let of_service = |number: usize| {
        let route = |route: usize| {
            RouteSpec::at(name(&format!("s{number}.example.com")), name(&format!("/shop/area/r{route}")))
        };
        let routes = (0..count / services).map(route).collect();
        let service = service(&format!("s{number}"), routes, start, 10.0);
        (service.key.clone(), Arc::new(service))
    };
    (0..services).map(of_service).collect()
}

fn service(title: &str, routes: Vec<RouteSpec>, start: &Start, percent: f64) -> ServiceRouting {
    let [stable, candidate] = start.endpoints.map(|address| vec![name(&format!("http://{address}"))]);
    ServiceRouting {
        key: ServiceKey { environment: name("bench"), name: name(title) },
        routes,
        unit: vec![UnitSource::Header("x-user".to_owned())],
        visitor: [("segment".to_owned(), AttributeSource::Header("x-segment".to_owned()))].into(),
        // Checked once: a thousand services' checks are not what is measured here.
        health: HealthSpec { every: Span::from_secs(3600), ..HealthSpec::default() },
        timeouts: TimeoutSpec::default(),
        balance: Default::default(),
        limits: None,
        outliers: None,
        endpoint_tls: None,
        count: Vec::new(),
        reveal: Reveal::Never,
        versions: [(name("v1"), stable), (name("v2"), candidate)].into(),
        stable: name("v1"),
        split: split(percent),
    }
}

/// `x-segment: beta` meets the candidate, and of everybody else so many.
fn split(percent: f64) -> Option<Split> {
    let condition = Condition::for_visitors("visitor.segment == 'beta'").expect("a rule");
    let beta = ShareRule {
        segment: Some(SegmentRule { segment: name("beta"), condition }),
        weight: Weight::from_percent(100.0).expect("a percentage"),
    };
    let everyone = ShareRule { segment: None, weight: Weight::from_percent(percent).expect("a percentage") };
    Some(Split {
        release: name("bench"),
        is_shared: false,
        shadow: None,
        candidate: name("v2"),
        salt: "bench".to_owned(),
        exclude: Vec::new(),
        include: vec![beta, everyone],
    })
}
