//! What the gateway costs: the same load at an endpoint directly and through the gateway, in one process.
//!
//! `cargo bench -p sluice-gateway --bench proxy -- [seconds per round] [rounds] [connections]`
//!
//! Everything shares the machine, so the ratio of two neighbouring rounds says more than the absolute figures, and
//! the processor time of the gateway's threads says more than either. Figures of different machines do not compare.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use sluice_core::document::service::{HealthSpec, Reveal, RouteSpec, TimeoutSpec, UnitSource};
use sluice_core::routing::{ServiceRouting, ShareRule, Snapshot, Split};
use sluice_core::stats::Histogram;
use sluice_core::{ServiceKey, Weight};
use sluice_gateway::{Gateway, Limits, Options, PreviewKey, TraceOptions};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// The body of every response.
const BODY_BYTES: usize = 1024;
/// Distinct visitors.
const PEOPLE: u64 = 4_000;
/// Of the kernel's clock, in which threads' times are given: fixed on Linux.
const TICKS_PER_SEC: f64 = 100.0;

struct Round {
    requests: u64,
    rps: f64,
    latency: Histogram,
}

#[expect(clippy::print_stdout, reason = "a benchmark prints its figures")]
fn main() {
    let mut given = std::env::args().skip(1).filter_map(|arg| arg.parse::<u64>().ok());
    let seconds = Duration::from_secs(given.next().unwrap_or(2));
    let rounds = given.next().unwrap_or(5);
    let connections = given.next().unwrap_or(64);

    let (stable, candidate) = (serve_endpoint("v1"), serve_endpoint("v2"));
    let gateway = start(stable, candidate);
    println!(
        "{connections} connections, {BODY_BYTES} B responses, 90/10 by a hash of x-user, {PEOPLE} visitors"
    );
    println!("round     direct rps    gateway rps  ratio   p50 us   p99 us  cpu s/100k");
    let (mut ratios, mut costs) = (Vec::new(), Vec::new());
    for round in 1..=rounds {
        let direct = load(stable, connections, seconds);
        let cpu_before = gateway_cpu_secs();
        let through = load(gateway.local_addr(), connections, seconds);
        let cost = (gateway_cpu_secs() - cpu_before) * 100_000.0 / through.requests as f64;
        let ratio = through.rps / direct.rps;
        let quantile = |q: f64| through.latency.quantile(q).unwrap_or_default();
        println!(
            "{round:>5} {:>14.0} {:>14.0} {ratio:>6.2} {:>8} {:>8} {cost:>11.2}",
            direct.rps,
            through.rps,
            quantile(0.5),
            quantile(0.99)
        );
        ratios.push(ratio);
        costs.push(cost);
    }
    println!(
        "median ratio {:.2}, median cpu of the gateway {:.2} s/100k requests",
        median(ratios),
        median(costs)
    );
    for (version, counts) in gateway.counts(&key()) {
        println!("{version}: {} requests, {} failed", counts.requests, counts.failed());
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

fn key() -> ServiceKey {
    ServiceKey { environment: name("bench"), name: name("shop") }
}

fn name<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().expect("a valid name")
}

fn start(stable: SocketAddr, candidate: SocketAddr) -> Gateway {
    let weight = Weight::from_percent(10.0).expect("a percentage");
    let endpoint = |address: SocketAddr| vec![name(&format!("http://{address}"))];
    let routing = ServiceRouting {
        key: key(),
        routes: vec![RouteSpec::default()],
        unit: vec![UnitSource::Header("x-user".to_owned())],
        visitor: BTreeMap::new(),
        health: HealthSpec::default(),
        timeouts: TimeoutSpec::default(),
        balance: Default::default(),
        limits: None,
        outliers: None,
        endpoint_tls: None,
        count: Vec::new(),
        reveal: Reveal::Never,
        versions: [(name("v1"), endpoint(stable)), (name("v2"), endpoint(candidate))].into(),
        stable: name("v1"),
        split: Some(Split {
            release: "bench".parse().expect("a name"),
            is_shared: false,
            shadow: None,
            candidate: name("v2"),
            salt: "bench".to_owned(),
            exclude: Vec::new(),
            include: vec![ShareRule { segment: None, weight }],
        }),
    };
    let gateway = Gateway::start(Options {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        tls: None,
        takes_proxy_header: false,
        workers: None,
        preview_key: PreviewKey::new([0; 32]),
        limits: Limits::default(),
        fast_path: true,
        attributes: Default::default(),
        ready_path: None,
        trace: TraceOptions::Carry,
        access_log: None,
    })
    .expect("a free port");
    let services = [(routing.key.clone(), Arc::new(routing))].into();
    gateway.publish(Arc::new(Snapshot { generation: 1, services }));
    let runtime = runtime();
    runtime.block_on(async {
        let mut readiness = gateway.readiness();
        let is_ready = |all: &Arc<sluice_gateway::Readiness>| {
            all.get(&key()).is_some_and(|versions| versions.values().all(|version| version.ready == 1))
        };
        drop(readiness.wait_for(is_ready).await.expect("the gateway runs"));
    });
    gateway
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("an event loop")
}

/// An endpoint on a thread of its own, as simple as one can be.
fn serve_endpoint(version: &'static str) -> SocketAddr {
    let (bound, address) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        runtime().block_on(async move {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
            bound.send(listener.local_addr().expect("a bound port")).expect("somebody waits");
            let head =
                format!("HTTP/1.1 200 OK\r\nx-version: {version}\r\ncontent-length: {BODY_BYTES}\r\n\r\n");
            let response: Arc<[u8]> = [head.as_bytes(), &[b'x'; BODY_BYTES]].concat().into();
            while let Ok((stream, _)) = listener.accept().await {
                stream.set_nodelay(true).expect("an open socket");
                tokio::spawn(answer_all(stream, Arc::clone(&response)));
            }
        });
    });
    address.recv().expect("the endpoint listens")
}

async fn answer_all(mut stream: TcpStream, response: Arc<[u8]>) {
    let mut read = Vec::with_capacity(4096);
    while stream.read_buf(&mut read).await.is_ok_and(|count| count > 0) {
        if read.ends_with(b"\r\n\r\n") {
            read.clear();
            if stream.write_all(&response).await.is_err() {
                return;
            }
        }
    }
}

/// Asks as fast as answers come, on so many connections.
fn load(target: SocketAddr, connections: u64, time: Duration) -> Round {
    let (is_over, requests) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let runtime = runtime();
    let (latency, elapsed) = runtime.block_on(async {
        let asks = (0..connections)
            .map(|number| tokio::spawn(ask_on(target, number, Arc::clone(&is_over), Arc::clone(&requests))));
        let asks: Vec<_> = asks.collect();
        let began = Instant::now();
        tokio::time::sleep(time).await;
        is_over.store(true, Relaxed);
        let elapsed = began.elapsed();
        let mut latency = Histogram::default();
        for ask in asks {
            latency.merge(&ask.await.expect("a load without faults"));
        }
        (latency, elapsed)
    });
    let requests = requests.load(Relaxed);
    Round { requests, rps: requests as f64 / elapsed.as_secs_f64(), latency }
}

async fn ask_on(
    target: SocketAddr,
    number: u64,
    is_over: Arc<AtomicBool>,
    requests: Arc<AtomicU64>,
) -> Histogram {
    let mut stream = TcpStream::connect(target).await.expect("a listening target");
    stream.set_nodelay(true).expect("an open socket");
    let mut latency = Histogram::default();
    let mut read = Vec::with_capacity(4096);
    for turn in 0_u64.. {
        if is_over.load(Relaxed) {
            break;
        }
        let user = (number * 7_919 + turn) % PEOPLE;
        let request = format!(
            "GET /index.html HTTP/1.1\r\nhost: shop.example.com\r\nx-user: user-{user}\r\naccept: */*\r\n\r\n"
        );
        let began = Instant::now();
        stream.write_all(request.as_bytes()).await.expect("an open connection");
        read.clear();
        let body_at = loop {
            assert!(stream.read_buf(&mut read).await.expect("an open connection") > 0, "an answer broke off");
            if let Some(at) = read.windows(4).position(|window| window == b"\r\n\r\n") {
                break at + 4;
            }
        };
        assert!(read.starts_with(b"HTTP/1.1 200"), "a request failed");
        while read.len() < body_at + BODY_BYTES {
            assert!(stream.read_buf(&mut read).await.expect("an open connection") > 0, "an answer broke off");
        }
        latency.record(u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX));
        requests.fetch_add(1, Relaxed);
    }
    latency
}

/// What the gateway's threads have used of the processors, by the system's own account. Zero where there is none.
fn gateway_cpu_secs() -> f64 {
    let Ok(threads) = std::fs::read_dir("/proc/self/task") else { return 0.0 };
    let stats =
        threads.flatten().filter_map(|thread| std::fs::read_to_string(thread.path().join("stat")).ok());
    let ticks = stats.filter(|stat| stat.contains("(gateway-")).filter_map(|stat| {
        // After the name: state is the first field, user and system time the 12th and 13th.
        let fields: Vec<u64> =
            stat.rsplit_once(')')?.1.split_whitespace().map(|field| field.parse().unwrap_or(0)).collect();
        Some(fields.get(11)? + fields.get(12)?)
    });
    ticks.sum::<u64>() as f64 / TICKS_PER_SEC
}
