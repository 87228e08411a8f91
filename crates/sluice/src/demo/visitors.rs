//! Visitors: some hundred people who use the shop at a steady pace, each with an id of their own, and note what they
//! see.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::Request;
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;
use sluice_core::Timestamp;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

use crate::demo::tally::Visit;
use crate::outcome::{Exit, Failure};

/// How many people there are.
pub(crate) const PEOPLE: usize = 400;
/// How many connections they come by. Each carries ten people, one request after another.
const CONNECTIONS: usize = 40;
/// How often a connection carries a request: 200 requests a second in all.
const EVERY: Duration = Duration::from_millis(200);
/// How long a visitor waits for an answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// People who visit the shop until this is dropped.
pub(crate) struct Visitors {
    seen: Arc<Mutex<Vec<Visit>>>,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Visitors {
    /// Lets people visit the gateway at `shop` (`http://127.0.0.1:8080`).
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(crate) fn start(shop: &str) -> Result<Visitors, Failure> {
        let trouble = |error: std::io::Error| {
            Failure::new(Exit::Configuration, "the system gives no threads").because(&error)
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(trouble)?;
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let authority = shop.trim_start_matches("http://").to_owned();
        let notes = Arc::clone(&seen);
        let thread = std::thread::Builder::new()
            .name("visitors".to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    let mut connections = JoinSet::new();
                    for number in 0..CONNECTIONS {
                        connections.spawn(visit(number, authority.clone(), Arc::clone(&notes)));
                    }
                    // Whether it is sent or dropped: both mean stop.
                    drop(stopped.await);
                });
            })
            .map_err(trouble)?;
        Ok(Visitors { seen, stop: Some(stop), thread: Some(thread) })
    }

    /// Hands over what was seen so far; from here on, notes begin anew.
    pub(crate) fn take(&self) -> Vec<Visit> {
        std::mem::take(&mut *self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Looks at what was seen since the last [`Visitors::take`].
    pub(crate) fn look<T>(&self, at: impl FnOnce(&[Visit]) -> T) -> T {
        at(&self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Visitors {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // If it panicked, it has stopped too.
            drop(thread.join());
        }
    }
}

/// One connection, with its people taking turns.
async fn visit(number: usize, authority: String, seen: Arc<Mutex<Vec<Visit>>>) {
    // Spread over the period, so that requests do not come in bursts.
    let offset = EVERY.mul_f64(number as f64 / CONNECTIONS as f64);
    let mut pace = tokio::time::interval_at(tokio::time::Instant::now() + offset, EVERY);
    pace.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let people = PEOPLE / CONNECTIONS;
    let mut connection = None;
    for turn in 0.. {
        pace.tick().await;
        let visitor = number * people + turn % people;
        let answer = tokio::time::timeout(PATIENCE, ask(&mut connection, &authority, visitor)).await;
        let (version, is_failure) = match answer {
            Ok(Some((status, version))) => (version, status >= 500),
            Ok(None) | Err(_) => {
                connection = None;
                (None, true)
            }
        };
        let visit = Visit { visitor, answered: now(), version, is_failure };
        seen.lock().unwrap_or_else(PoisonError::into_inner).push(visit);
    }
}

/// One request: its status, and who answered. `None` when the connection failed.
async fn ask(
    connection: &mut Option<SendRequest<Empty<Bytes>>>,
    authority: &str,
    visitor: usize,
) -> Option<(u16, Option<String>)> {
    let is_open = connection.as_ref().is_some_and(|sender| !sender.is_closed());
    if !is_open {
        *connection = Some(connect(authority).await?);
    }
    let sender = connection.as_mut()?;
    sender.ready().await.ok()?;
    let request = Request::get("/")
        .header("host", authority)
        .header("x-user-id", format!("visitor-{visitor:03}"))
        .body(Empty::new())
        .ok()?;
    let response = sender.send_request(request).await.ok()?;
    let status = response.status().as_u16();
    let version =
        response.headers().get("x-sluice-version").and_then(|value| value.to_str().ok()).map(str::to_owned);
    response.into_body().collect().await.ok()?;
    Some((status, version))
}

async fn connect(authority: &str) -> Option<SendRequest<Empty<Bytes>>> {
    let stream = TcpStream::connect(authority).await.ok()?;
    stream.set_nodelay(true).ok()?;
    let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.ok()?;
    // How it ended shows in the requests on it.
    tokio::spawn(async move { drop(connection.await) });
    Some(sender)
}

fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
