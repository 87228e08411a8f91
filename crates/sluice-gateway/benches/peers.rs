//! The gateway beside HAProxy, nginx and Envoy, which do the same work on the same machine at the same time.
//!
//! `make bench-gateway`, or `make bench-gateway ARGS="--rounds 3 --seconds 1 --only c64,tls --peers sluice,haproxy"`
//!
//! All split visitors 90/10 by `x-user`, send `x-segment: beta` to the candidate, count by version where they can, say where
//! requests came from, and keep connections to endpoints. Each has two workers. Rounds are interleaved, in an order that
//! is drawn anew each time; what is compared is the ratio to HAProxy *within* a round, and of those the median: others
//! use the machine as well, and absolute figures move with that. Processor time is the processes' own account.

#[path = "peers/contender.rs"]
mod contender;
#[path = "peers/envoy.rs"]
mod envoy;
#[path = "peers/gateway.rs"]
mod gateway;
#[path = "peers/load.rs"]
mod load;
#[path = "peers/table.rs"]
mod table;
#[path = "peers/trouble.rs"]
mod trouble;

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::{self, ClientConfig, RootCertStore};

use contender::{Contender, Endpoints};
use load::{Load, Shape};
use table::{Run, Table};

/// What the binary runs with; see `crates/sluice/src/main.rs`.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Ours with its own path for plain requests, and with hyper for all of them.
const OURS: [&str; 2] = ["sluice", "sluice-hyper"];
const EVERYBODY: [&str; 5] = ["sluice", "sluice-hyper", "haproxy", "nginx", "envoy"];
const EVERYTHING: [&str; 10] =
    ["c64", "rate", "64k", "post", "c512", "tls", "h2", "weight", "restart", "routes"];

/// What was asked for.
pub(crate) struct Ask {
    pub(crate) rounds: usize,
    pub(crate) time: Duration,
    only: Vec<String>,
    peers: Vec<String>,
    envoy: PathBuf,
}

impl Ask {
    fn of(args: &[String]) -> Ask {
        let value = |name: &str| {
            let place = args.iter().position(|arg| arg == name)?;
            Some(args.get(place + 1).unwrap_or_else(|| panic!("{name} wants a value")).clone())
        };
        let number = |name: &str, default: f64| -> f64 {
            value(name)
                .map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name} wants a number")))
        };
        let list = |name: &str, all: &[&str]| -> Vec<String> {
            let Some(text) = value(name) else { return all.iter().map(|one| (*one).to_owned()).collect() };
            let given: Vec<String> = text.split(',').map(str::to_owned).collect();
            let unknown = given.iter().find(|one| !all.contains(&one.as_str()));
            assert!(unknown.is_none(), "{name} knows {}, not {unknown:?}", all.join(", "));
            given
        };
        Ask {
            rounds: number("--rounds", 7.0) as usize,
            time: Duration::from_secs_f64(number("--seconds", 2.0)),
            only: list("--only", &EVERYTHING),
            peers: list("--peers", &EVERYBODY),
            envoy: value("--envoy").unwrap_or_else(|| "envoy".to_owned()).into(),
        }
    }
}

fn name<T: FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().expect("a valid name")
}

#[expect(clippy::print_stdout, reason = "a benchmark prints its figures")]
fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    if let Some(which) = args.first().and_then(|arg| arg.strip_prefix("--run=")) {
        return gateway::run(&gateway::Start::of_args(&args[1..]), which == OURS[0]);
    }
    let ask = Ask::of(&args);
    let folder = tempfile::tempdir().expect("a folder");
    let tls = certify(folder.path());
    let endpoints = Endpoints::start(folder.path());
    let mut contenders: Vec<Contender> =
        ask.peers.iter().map(|peer| start(peer, &ask, &endpoints, folder.path())).collect();
    println!("{} rounds of {:?} each, after {:?} to warm up\n", ask.rounds, ask.time, load::WARM_UP);
    let is_wanted = |what: &str| ask.only.iter().any(|one| one == what);
    for (what, title, shape) in shapes(&tls) {
        if is_wanted(what) {
            println!("### {title}\n\n{}", compare(&mut contenders, shape, &ask, folder.path()));
        }
    }
    if is_wanted("weight") {
        println!("{}", trouble::weight(&mut contenders, &endpoints, &ask));
    }
    if is_wanted("restart") {
        println!("{}", trouble::restarts(&mut contenders, &endpoints, &ask));
    }
    if is_wanted("routes")
        && let Some(ours) = contenders.iter_mut().find(|contender| contender.name == OURS[0])
    {
        println!("{}", trouble::routes(ours, &ask));
    }
}

fn start(peer: &str, ask: &Ask, endpoints: &Endpoints, folder: &Path) -> Contender {
    match peer {
        "haproxy" => Contender::haproxy(endpoints, folder),
        "nginx" => Contender::nginx(endpoints, folder),
        "envoy" => Contender::envoy(&ask.envoy, endpoints, folder),
        ours => {
            let ours = OURS.into_iter().find(|name| *name == ours).expect("one of ours");
            Contender::sluice(ours, endpoints, folder)
        }
    }
}

/// What is asked of everybody. No shape stands for HTTP/2.
fn shapes(tls: &TlsConnector) -> Vec<(&'static str, &'static str, Option<Shape>)> {
    let to_shop = |path: &str, body: usize| {
        let path = path.to_owned();
        load::requests(move |_| ("shop.localhost".to_owned(), path.clone(), body))
    };
    let (small, large, upload) =
        (to_shop("/index.html", 0), to_shop(contender::LARGE, 0), to_shop("/form", 8192));
    let shape = |connections: usize, requests: &Arc<_>| Shape {
        connections,
        rate: None,
        requests: Arc::clone(requests),
        tls: None,
    };
    vec![
        ("c64", "64 connections, 1 KiB", Some(shape(64, &small))),
        (
            "rate",
            "5,000 requests a second on 128 connections, 1 KiB",
            Some(Shape { rate: Some(5_000.0), ..shape(128, &small) }),
        ),
        ("64k", "32 connections, 64 KiB", Some(shape(32, &large))),
        ("post", "64 connections, posts of 8 KiB", Some(shape(64, &upload))),
        ("c512", "512 connections, 1 KiB", Some(shape(512, &small))),
        (
            "tls",
            "64 connections with TLS 1.3, 1 KiB",
            Some(Shape { tls: Some(tls.clone()), ..shape(64, &small) }),
        ),
        ("h2", "64 connections with HTTP/2 and TLS 1.3, one request at a time on each, 1 KiB", None),
    ]
}

fn compare(contenders: &mut [Contender], shape: Option<Shape>, ask: &Ask, folder: &Path) -> String {
    let mut table = Table::default();
    let mut order: Vec<usize> = (0..contenders.len()).collect();
    for _ in 0..ask.rounds {
        shuffle(&mut order);
        let mut round = Vec::new();
        for &place in &order {
            let contender = &contenders[place];
            let run = match &shape {
                Some(shape) => measure(contender, shape.clone(), ask.time),
                None => measure_http2(contender, ask.time, &folder.join("h2load")),
            };
            round.push((contender.name, run));
        }
        table.add(round);
    }
    let names: Vec<&str> = contenders.iter().map(|contender| contender.name).collect();
    table.print(&names)
}

fn measure(contender: &Contender, shape: Shape, time: Duration) -> Run {
    let target = if shape.tls.is_some() { contender.tls } else { contender.plain };
    let mut load = Load::start(target, shape);
    load.warm_up();
    let before = contender.cpu_secs();
    std::thread::sleep(time);
    let cpu = contender.cpu_secs() - before;
    let memory = contender.memory_mb();
    Run::of(load.stop(), cpu, memory)
}

fn measure_http2(contender: &Contender, time: Duration, log: &Path) -> Run {
    let url = format!("https://{}/index.html", contender.tls);
    let (mut cpu, mut memory) = (0.0, 0.0);
    let outcome = load::h2load(&url, 64, time, log, || {
        cpu = contender.cpu_secs() - cpu;
        memory = contender.memory_mb();
    });
    Run::of(outcome, cpu, memory)
}

fn shuffle(order: &mut [usize]) {
    for place in (1..order.len()).rev() {
        let mut bytes = [0; 4];
        getrandom::fill(&mut bytes).expect("the system has randomness");
        order.swap(place, u32::from_ne_bytes(bytes) as usize % (place + 1));
    }
}

/// One certificate for everybody, as files; gives who trusts it.
fn certify(folder: &Path) -> TlsConnector {
    let made = rcgen::generate_simple_self_signed(vec!["shop.localhost".to_owned()]).expect("a certificate");
    let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    let certificates = folder.join("certificates");
    std::fs::create_dir(&certificates).expect("a folder");
    std::fs::write(certificates.join("shop.pem"), &certificate).expect("a file");
    std::fs::write(certificates.join("shop.key"), &key).expect("a file");
    std::fs::write(folder.join("shop.both"), format!("{certificate}{key}")).expect("a file");
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).expect("a certificate");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.expect("versions").with_root_certificates(roots).with_no_client_auth();
    TlsConnector::from(Arc::new(config))
}
