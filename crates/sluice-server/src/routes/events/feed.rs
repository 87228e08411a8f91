//! What one watcher is sent, in order.
//!
//! The log has two sources: the store, for what was missed, and the engine's live channel. The channel is joined first
//! and the store is read after, so that nothing falls between them; places in the log drop what comes twice. Whenever
//! the next live event does not follow the last one sent (the channel was overrun, or two commits were told in the
//! wrong order), the store is read again. A watcher therefore sees every event once and in order, however slow it is.
//!
//! Messages about releases, services and traffic replace each other. When some were missed, the watcher is told to read
//! again what it shows.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use axum::response::sse::Event;
use serde::Serialize;
use sluice_core::document::{DocumentKey, Kind};
use sluice_engine::live::TrafficNow;
use sluice_engine::port::store::{EventQuery, EventRecord};
use sluice_engine::{Engine, Live, Resource};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;

use crate::error::ApiError;
use crate::schema::{Hello, Resync};
use crate::state::State;

/// How many events are read from the store at a time.
const PAGE: usize = 500;

/// How long a browser waits before it connects again. Its own default is three to five seconds, which is a long time
/// while a release is being watched.
const RETRY: Duration = Duration::from_secs(1);

/// What one watcher is sent.
pub(super) struct Feed {
    engine: Engine,
    live: Receiver<Live>,
    stopping: watch::Receiver<bool>,
    /// Only what is about this document.
    subject: Option<DocumentKey>,
    /// The place in the log up to which everything was sent, or passed over as being about something else.
    sent: u64,
    /// The store holds events that are still to be sent.
    is_behind: bool,
    ready: VecDeque<Event>,
}

impl Feed {
    /// Begins after a place in the log; with what happens from now on when there is none.
    pub(super) async fn open(
        state: &State,
        after: Option<u64>,
        subject: Option<DocumentKey>,
    ) -> Result<Feed, ApiError> {
        let engine = state.engine.clone();
        let live = engine.watch();
        let newest = newest(&engine).await?;
        let beyond = after.filter(|after| *after > newest).map(|after| {
            format!("the log ends at {newest}, before {after}; it may belong to another data folder")
        });
        let after = after.filter(|after| *after <= newest).unwrap_or(newest);
        let mut feed = Feed {
            live,
            stopping: state.stopping.clone(),
            subject,
            sent: after,
            is_behind: after < newest,
            ready: VecDeque::new(),
            engine,
        };
        let hello = Hello { version: state.build.version.clone(), at: feed.engine.now(), after };
        feed.ready.push_back(message("hello", &hello).retry(RETRY));
        if let Some(text) = beyond {
            feed.resync(text);
        }
        Ok(feed)
    }

    /// The next message; none once the server stops or the store does not answer. The client connects again then.
    pub(super) async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            if self.is_behind {
                self.catch_up().await?;
                continue;
            }
            let received = tokio::select! {
                biased;
                _ = self.stopping.wait_for(|stopping| *stopping) => return None,
                received = self.live.recv() => received,
            };
            match received {
                Ok(live) => self.take(live),
                Err(RecvError::Lagged(missed)) => {
                    self.is_behind = true;
                    self.resync(format!("{missed} messages were missed"));
                }
                Err(RecvError::Closed) => return None,
            }
        }
    }

    fn take(&mut self, live: Live) {
        match live {
            Live::Log(event) if event.seq <= self.sent => {}
            Live::Log(event) if event.seq == self.sent + 1 => {
                self.sent = event.seq;
                if self.is_about(&event.subject) {
                    self.ready.push_back(log(&event));
                }
            }
            Live::Log(_) => self.is_behind = true,
            Live::Release(release) => self.push_resource("release", &release),
            Live::Service(service) => self.push_resource("service", &service),
            Live::Traffic(traffic) => {
                if self.is_about(&service_of(&traffic)) {
                    self.ready.push_back(message("traffic", traffic.as_ref()));
                }
            }
        }
    }

    fn push_resource(&mut self, name: &'static str, resource: &Arc<Resource>) {
        if self.is_about(&resource.key()) {
            self.ready.push_back(message(name, resource.as_ref()));
        }
    }

    /// Reads a page of what the store holds beyond what was sent.
    async fn catch_up(&mut self) -> Option<()> {
        // Read before the page: whatever the page does not hold up to here is about something else.
        let newest = self.read(newest(&self.engine).await)?;
        let query =
            EventQuery { after: self.sent, subject: self.subject.clone(), newest: false, limit: PAGE };
        let page = self.read(self.engine.events(query).await.map_err(ApiError::from))?;
        if let Some(first) = page.first()
            && self.subject.is_none()
            && first.seq > self.sent + 1
        {
            self.resync(format!("events up to {} are no longer kept", first.seq - 1));
        }
        self.is_behind = page.len() == PAGE;
        if let Some(last) = page.last() {
            self.sent = last.seq;
        }
        if !self.is_behind {
            self.sent = self.sent.max(newest);
        }
        self.ready.extend(page.iter().map(log));
        Some(())
    }

    /// What was read; none when it could not be, which ends the stream.
    fn read<T>(&self, outcome: Result<T, ApiError>) -> Option<T> {
        outcome
            .inspect_err(|error| tracing::warn!(?error, "a stream of events ends: the log could not be read"))
            .ok()
    }

    fn resync(&mut self, text: String) {
        self.ready.push_back(message("resync", &Resync { text }));
    }

    fn is_about(&self, key: &DocumentKey) -> bool {
        self.subject.as_ref().is_none_or(|subject| subject == key)
    }
}

/// The last place in the log; zero when it is empty.
async fn newest(engine: &Engine) -> Result<u64, ApiError> {
    let query = EventQuery { after: 0, subject: None, newest: true, limit: 1 };
    Ok(engine.events(query).await?.first().map_or(0, |event| event.seq))
}

fn service_of(traffic: &TrafficNow) -> DocumentKey {
    DocumentKey {
        kind: Kind::Service,
        environment: Some(traffic.environment.clone()),
        name: traffic.service.clone(),
    }
}

fn log(event: &EventRecord) -> Event {
    message("log", event).id(event.seq.to_string())
}

fn message(name: &'static str, data: &impl Serialize) -> Event {
    Event::default().event(name).json_data(data).expect("what is sent has only keys that are text")
}
