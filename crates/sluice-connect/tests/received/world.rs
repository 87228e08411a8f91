//! A server that takes metrics and alerts, and somebody who reads them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use serde_json::{Value, json};
use sluice_connect::{
    Alerts, Inbox, InboxOptions, OutsideSources, SourceOptions, receivers, serve_otlp_grpc,
};
use sluice_core::document::metric::{MetricKind, MetricSource, ReadSpec, Worse};
use sluice_core::release::Taken;
use sluice_core::{ServiceKey, Timestamp};
use sluice_engine::port::source::{Ask, Source, Trouble, Versions};
use sluice_engine::port::{Clock, Sources as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Far more than anything here takes.
const DEADLINE: Duration = Duration::from_secs(120);

pub(crate) async fn in_time<T>(what: &str, waited_for: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, waited_for).await.unwrap_or_else(|_| panic!("{what} did not come"))
}

struct WallClock;

#[async_trait]
impl Clock for WallClock {
    fn now(&self) -> Timestamp {
        let millis = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
        Timestamp::from_millis(i64::try_from(millis).unwrap())
    }

    async fn sleep_until(&self, at: Timestamp) {
        tokio::time::sleep(at.since(self.now()).as_duration()).await;
    }
}

pub(crate) fn clock() -> Arc<dyn Clock> {
    Arc::new(WallClock)
}

pub(crate) struct World {
    pub(crate) http: SocketAddr,
    pub(crate) grpc: SocketAddr,
    pub(crate) inbox: Arc<Inbox>,
    pub(crate) stop: watch::Sender<bool>,
    pub(crate) grpc_ended: tokio::task::JoinHandle<()>,
    sources: OutsideSources,
}

impl World {
    pub(crate) async fn new() -> World {
        World::keeping(Alerts::in_memory(clock())).await
    }

    pub(crate) async fn keeping(alerts: Alerts) -> World {
        let inbox = Arc::new(Inbox::new(InboxOptions::default(), clock()));
        let alerts = Arc::new(alerts);
        let http = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let grpc = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (http_at, grpc_at) = (http.local_addr().unwrap(), grpc.local_addr().unwrap());
        let router = receivers(Arc::clone(&inbox), Arc::clone(&alerts));
        tokio::spawn(async move { axum::serve(http, router).await.unwrap() });
        let (stop, mut stopped) = watch::channel(false);
        let grpc_ended = tokio::spawn({
            let inbox = Arc::clone(&inbox);
            async move {
                let stop = async move { drop(stopped.wait_for(|stopped| *stopped).await) };
                serve_otlp_grpc(grpc, inbox, stop).await.unwrap();
            }
        });
        let options = SourceOptions {
            read_variable: Box::new(|_| None),
            extra_roots: Vec::new(),
            prometheus_url: None,
        };
        let sources = OutsideSources::new(options).unwrap().receiving(Arc::clone(&inbox), alerts);
        World { http: http_at, grpc: grpc_at, inbox, stop, grpc_ended, sources }
    }

    /// Opens a source for `production/shop`, of versions 1 and 2.
    pub(crate) fn open(&self, kind: MetricKind, unit: Option<&str>, source: Value) -> Reader {
        self.try_open(kind, unit, source).unwrap()
    }

    pub(crate) fn try_open(
        &self,
        kind: MetricKind,
        unit: Option<&str>,
        source: Value,
    ) -> Result<Reader, Trouble> {
        let source: MetricSource = serde_json::from_value(source).unwrap();
        let ask = Ask {
            metric: "metric".parse().unwrap(),
            kind,
            unit: unit.map(str::to_owned),
            worse: Worse::Higher,
            source,
            read: ReadSpec::default(),
            service: ServiceKey { environment: "production".parse().unwrap(), name: "shop".parse().unwrap() },
            versions: Versions::Two { stable: "1.0.0".parse().unwrap(), candidate: "2.0.0".parse().unwrap() },
        };
        Ok(Reader(self.sources.open(ask)?))
    }

    /// Sends a request by HTTP/1.1 and gives status and body.
    pub(crate) async fn post(&self, path: &str, headers: &[(&str, &str)], body: &[u8]) -> (u16, Vec<u8>) {
        let mut stream = TcpStream::connect(self.http).await.unwrap();
        let mut head = format!(
            "POST {path} HTTP/1.1\r\nhost: sluice\r\nconnection: close\r\ncontent-length: {}\r\n",
            body.len()
        );
        headers.iter().for_each(|(name, value)| head.push_str(&format!("{name}: {value}\r\n")));
        stream.write_all(format!("{head}\r\n").as_bytes()).await.unwrap();
        // A server that has refused may have closed already.
        drop(stream.write_all(body).await);
        let mut answer = Vec::new();
        in_time("the answer", stream.read_to_end(&mut answer)).await.unwrap();
        let at = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
        let status = std::str::from_utf8(&answer[9..12]).unwrap().parse().unwrap();
        (status, answer.split_off(at + 4))
    }

    pub(crate) async fn post_json(&self, path: &str, body: &Value) -> (u16, Value) {
        let (status, body) =
            self.post(path, &[("content-type", "application/json")], body.to_string().as_bytes()).await;
        (status, if body.is_empty() { json!(null) } else { serde_json::from_slice(&body).unwrap() })
    }
}

/// Reads one stretch after the other.
pub(crate) struct Reader(Box<dyn Source>);

impl Reader {
    pub(crate) async fn read(&mut self) -> Result<Taken, Trouble> {
        let now = clock().now();
        self.0.read(now, now).await
    }
}
