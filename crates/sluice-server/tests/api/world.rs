//! A server with an engine and a small world behind it, all under the test's control.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use serde_json::Value;
use sluice_core::document::policy::Hook;
use sluice_core::document::service::PathPrefix;
use sluice_core::document::{DocumentKey, Kind};
use sluice_core::release::HookAnswer;
use sluice_core::routing::Snapshot;
use sluice_core::routing::explain::{AskedRequest, Explanation, InvalidQuestion, OwnAnswer, Question};
use sluice_core::{Counts, ServiceKey, Span, Timestamp, VersionName};
use sluice_engine::port::history::NoHistory;
use sluice_engine::port::source::NoSources;
use sluice_engine::port::traffic::{Endpoints, Error, Readiness};
use sluice_engine::port::{Clock, Hooks, Metrics, Traffic};
use sluice_engine::{Engine, Parts, Settings};
use sluice_server::{BuildInfo, GatewayFigures, GatewayView, Options, PreviewSigner, Server};
use sluice_sim::MemoryStore;
use tokio::sync::{broadcast, oneshot, watch};
use tokio::task::JoinHandle;

use crate::client::{Client, in_time};

/// A service with two versions, and a policy whose only step waits for somebody.
pub(crate) const CHECKOUT: &str = r#"
kind: Service
metadata: { name: checkout, labels: { team: payments } }
spec:
  routes: [ { host: shop.example.com, path: /checkout } ]
  versions:
    - { name: 2.0.3, endpoints: [ "http://127.0.0.1:9001" ] }
    - { name: 2.1.0, endpoints: [ "http://127.0.0.1:9002" ] }
---
kind: Policy
metadata: { name: by-hand }
spec:
  steps:
    - { name: half, audience: [ { percent: 50 } ], hold: { untilPromoted: true } }
"#;

/// A running server.
pub(crate) struct World {
    pub(crate) client: Client,
    pub(crate) engine: Engine,
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) clock: Arc<TestClock>,
    pub(crate) street: Arc<Street>,
    pub(crate) hooks: Arc<Recorder>,
    /// What the server is told of the gateway.
    pub(crate) gateway: Arc<Gateway>,
    stop: oneshot::Sender<()>,
    running: JoinHandle<()>,
}

impl World {
    /// Empty but for what is built in.
    pub(crate) async fn empty() -> World {
        let store = Arc::new(MemoryStore::new());
        let clock = Arc::new(TestClock::default());
        let street = Arc::new(Street::default());
        let hooks = Arc::new(Recorder::default());
        let gateway = Arc::new(Gateway::default());
        let parts = Parts {
            store: Arc::clone(&store) as _,
            traffic: Arc::clone(&street) as _,
            metrics: Arc::clone(&street) as _,
            sources: Arc::new(NoSources),
            history: Arc::new(NoHistory),
            clock: Arc::clone(&clock) as _,
            hooks: Arc::clone(&hooks) as _,
            decide: sluice_core::release::step,
        };
        let engine = Engine::start(parts, Settings::default()).await.expect("an empty store can be loaded");
        let options = options(&gateway);
        let server = Server::bind(options, engine.clone()).await.expect("a free port can be listened on");
        let client = Client { address: server.local_addr() };
        let (stop, stopped) = oneshot::channel();
        let running = tokio::spawn(server.run(async {
            // A test that ends without stopping takes its runtime along.
            stopped.await.ok();
        }));
        World { client, engine, store, clock, street, hooks, gateway, stop, running }
    }

    /// With [`CHECKOUT`] applied, and both versions ready.
    pub(crate) async fn with_checkout() -> World {
        let world = World::empty().await;
        world.street.make_ready("checkout", &["2.0.3", "2.1.0"]);
        world.client.apply(CHECKOUT).await;
        world
    }

    /// With a release of 2.1.0 under way, whose step has its traffic in place. Gives the release's name.
    pub(crate) async fn with_release() -> (World, String) {
        let world = World::with_checkout().await;
        let body = serde_json::json!({ "service": "checkout", "version": "2.1.0", "policy": "by-hand" });
        let name = world.start(&body).await;
        world.until(&name, |status| status["split"]["observed"]["candidate"] == 50_000).await;
        (world, name)
    }

    /// Starts a release that must start, and gives its name.
    pub(crate) async fn start(&self, body: &Value) -> String {
        let answer = self.client.post("/api/v1/releases", body).send().await;
        assert_eq!(answer.status, 201, "{answer}");
        answer.json()["metadata"]["name"].as_str().expect("a release has a name").to_owned()
    }

    /// A release's status as it is now.
    pub(crate) async fn status(&self, release: &str) -> Value {
        let all = self.client.get("/api/v1/releases").send().await.json();
        let items = all["items"].as_array().expect("a list has items");
        let found = items.iter().find(|item| item["metadata"]["name"] == release);
        found.expect("the release exists")["status"].clone()
    }

    /// What the log says about a release, with who did it.
    pub(crate) async fn log_of(&self, release: &str) -> Vec<(String, String)> {
        let log = self.client.get("/api/v1/events?limit=1000").send().await.json();
        let text = |value: &Value| value.as_str().expect("this is text").to_owned();
        let items = log["items"].as_array().expect("a list has items").iter();
        let about = items.filter(|event| event["subject"]["name"] == release);
        about.map(|event| (text(&event["actor"]), text(&event["text"]))).collect()
    }

    /// Lets time pass until a release's status is as wanted. A second passes whenever the engine has nothing left
    /// to do.
    pub(crate) async fn until(&self, release: &str, is_wanted: impl Fn(&Value) -> bool) {
        let environment = Some("production".parse().expect("a name"));
        let name = release.parse().expect("a name");
        let key = DocumentKey { kind: Kind::Release, environment, name };
        in_time(async {
            loop {
                let resource = self.engine.get(&key).await.expect("the release exists");
                if is_wanted(&resource.status.expect("a release has a status")) {
                    break;
                }
                // Every task that can go on gets its turn before the clock does.
                for _ in 0..32 {
                    tokio::task::yield_now().await;
                }
                self.clock.advance(Span::from_secs(1));
            }
        })
        .await;
    }

    /// Lets a second pass, and waits until the engine has looked at what was counted in it. Only without releases,
    /// which look as well.
    pub(crate) async fn next_second(&self) {
        let mut looks = self.street.looks.subscribe();
        looks.mark_unchanged();
        self.clock.advance(Span::from_secs(1));
        in_time(looks.changed()).await.expect("the street is there");
    }

    /// Stops the server and waits until it has ended.
    pub(crate) async fn stop(self) {
        self.stop.send(()).expect("the server runs");
        in_time(self.running).await.expect("the server does not panic");
    }
}

/// What a server in a test is told, but for the engine.
pub(crate) fn options(gateway: &Arc<Gateway>) -> Options {
    let asked = Arc::clone(gateway);
    Options {
        listen: "127.0.0.1:0".parse().expect("this is an address"),
        preview: Arc::new(Signer),
        gateway_address: "127.0.0.1:8080".parse().expect("this is an address"),
        gateway_ready: Arc::new(move || asked.is_ready()),
        gateway: Arc::clone(gateway) as _,
        build: BuildInfo { version: "0.0.0-test".to_owned(), commit: Some("c0ffee".to_owned()) },
        receivers: axum::Router::new(),
    }
}

/// A gateway, as far as the server asks.
#[derive(Default)]
pub(crate) struct Gateway {
    pub(crate) is_down: AtomicBool,
    pub(crate) panics: AtomicBool,
    pub(crate) figures: Mutex<GatewayFigures>,
}

impl Gateway {
    fn is_ready(&self) -> bool {
        assert!(!self.panics.load(Ordering::SeqCst), "the gateway was asked at a bad time");
        !self.is_down.load(Ordering::SeqCst)
    }
}

impl GatewayView for Gateway {
    fn explain(&self, question: &Question) -> Result<Explanation, InvalidQuestion> {
        let Question { method, url, headers } = question;
        if url.is_empty() {
            return Err(InvalidQuestion {
                detail: "`` names no host".to_owned(),
                hint: "write one".to_owned(),
            });
        }
        let request =
            AskedRequest { method: method.clone(), host: url.clone(), path: format!("/{}", headers.len()) };
        let answer = OwnAnswer { status: 404, code: "no-route".to_owned(), detail: "Nothing.".to_owned() };
        Ok(Explanation::without_route(7, request, answer, Vec::new()))
    }

    fn figures(&self) -> GatewayFigures {
        self.figures.lock().unwrap().clone()
    }
}

/// Signs in a way that tests can read.
struct Signer;

impl PreviewSigner for Signer {
    fn header(&self) -> &'static str {
        "x-sluice-preview"
    }

    fn sign(&self, service: &ServiceKey, version: &VersionName, expires: Timestamp) -> String {
        format!("{service}~{version}~{expires}")
    }
}

/// A clock that moves when a test says so.
pub(crate) struct TestClock {
    now: watch::Sender<Timestamp>,
}

impl Default for TestClock {
    fn default() -> Self {
        TestClock { now: watch::Sender::new("2026-11-23T09:30:00Z".parse().expect("this is a time")) }
    }
}

impl TestClock {
    pub(crate) fn advance(&self, span: Span) {
        self.now.send_modify(|now| *now = now.after(span));
    }
}

#[async_trait]
impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        *self.now.borrow()
    }

    async fn sleep_until(&self, at: Timestamp) {
        self.now.subscribe().wait_for(|now| *now >= at).await.expect("the clock lives");
    }
}

/// A data plane that takes everything at once, and counts what it is told to have counted.
pub(crate) struct Street {
    readiness: watch::Sender<Arc<Readiness>>,
    activity: broadcast::Sender<ServiceKey>,
    counts: Mutex<BTreeMap<ServiceKey, BTreeMap<VersionName, Counts>>>,
    /// How often somebody has asked for counts.
    looks: watch::Sender<u64>,
}

impl Default for Street {
    fn default() -> Self {
        Street {
            readiness: watch::Sender::new(Arc::default()),
            activity: broadcast::Sender::new(16),
            counts: Mutex::default(),
            looks: watch::Sender::new(0),
        }
    }
}

impl Street {
    pub(crate) fn make_ready(&self, service: &str, versions: &[&str]) {
        self.make_ready_in("production", service, versions);
    }

    pub(crate) fn make_ready_in(&self, environment: &str, service: &str, versions: &[&str]) {
        let key = ServiceKey { environment: environment.parse().expect("a name"), ..production(service) };
        self.readiness.send_modify(|readiness| {
            let known = Arc::make_mut(readiness).entry(key).or_default();
            for version in versions {
                known.insert(version.parse().expect("a version"), Endpoints { ready: 1, total: 1 });
            }
        });
    }

    /// So many requests more were answered by a version, each in 40 ms.
    pub(crate) fn count(&self, service: &str, version: &str, requests: u64, failed: u64) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let counts = counts.entry(production(service)).or_default();
        let counts = counts.entry(version.parse().expect("a version")).or_default();
        counts.requests += requests;
        counts.responses[1] += requests - failed;
        counts.responses[4] += failed;
        for _ in 0..requests {
            counts.latency.record(40_000);
        }
    }
}

fn production(service: &str) -> ServiceKey {
    ServiceKey { environment: "production".parse().expect("a name"), name: service.parse().expect("a name") }
}

#[async_trait]
impl Traffic for Street {
    async fn apply(&self, _: Arc<Snapshot>) -> Result<(), Error> {
        Ok(())
    }

    fn readiness(&self) -> watch::Receiver<Arc<Readiness>> {
        self.readiness.subscribe()
    }

    fn activity(&self) -> broadcast::Receiver<ServiceKey> {
        self.activity.subscribe()
    }
}

impl Metrics for Street {
    fn counts(&self, service: &ServiceKey) -> BTreeMap<VersionName, Counts> {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let counts = counts.get(service).cloned().unwrap_or_default();
        self.looks.send_modify(|looks| *looks += 1);
        counts
    }

    fn path_counts(&self, _: &ServiceKey, _: &PathPrefix) -> BTreeMap<VersionName, Counts> {
        BTreeMap::new()
    }
}

/// Other programs: notes every call, and answers with what a test has prepared, then with a pass.
#[derive(Default)]
pub(crate) struct Recorder {
    calls: Mutex<Vec<Called>>,
    answers: Mutex<VecDeque<HookAnswer>>,
}

/// A call of a webhook.
#[derive(Clone, Debug)]
pub(crate) struct Called {
    pub(crate) url: String,
    pub(crate) delivery: String,
    pub(crate) body: Value,
}

impl Recorder {
    pub(crate) fn will_answer(&self, answers: impl IntoIterator<Item = HookAnswer>) {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner).extend(answers);
    }

    pub(crate) fn calls(&self) -> Vec<Called> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl Hooks for Recorder {
    async fn call(&self, hook: &Hook, delivery: &str, body: &Value) -> HookAnswer {
        let called = Called { url: hook.url.to_string(), delivery: delivery.to_owned(), body: body.clone() };
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).push(called);
        let prepared = self.answers.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        prepared.unwrap_or(HookAnswer::Pass(None))
    }
}
