//! Auditors: they see every commit and every snapshot, and note what must never happen.
//!
//! What is *kept* is what is on disk; what is *known* is what the engine has heard to be on disk. Between the two it may
//! be killed.

mod commit;
mod log;
mod traffic;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sluice_core::calendar::Calendar;
use sluice_core::document::{self, Kind, Spec};
use sluice_core::release::Release;
use sluice_core::release::status::ReleaseStatus;
use sluice_core::routing::Snapshot;
use sluice_core::{Name, ServiceKey, VersionName};
use sluice_engine::port::Clock;
use sluice_engine::port::store::{Change, Commit, Committed, Row};
use sluice_engine::port::traffic::Readiness;

use super::plane::Visitor;
use super::time::Time;

/// How long the engine may take to act on what it could have seen, in milliseconds: it looks each second, and may be
/// waiting for a slow disk.
const SLACK: i64 = 20_000;

/// The auditors of a simulation. Cheap to clone; clones share everything.
#[derive(Clone)]
pub(super) struct Audit {
    book: Arc<Mutex<Book>>,
    time: Time,
}

#[derive(Default)]
struct Book {
    story: Vec<String>,
    breaches: Vec<String>,
    kept: BTreeMap<Name, Release>,
    known: BTreeMap<Name, Release>,
    /// What the log says of each release, oldest first.
    told: BTreeMap<Name, Vec<String>>,
    /// The calendar of each environment, and since when it is that.
    calendars: BTreeMap<Name, (Calendar, i64)>,
    /// Which versions were reported ready, and since when it is that.
    reported: BTreeMap<(ServiceKey, VersionName), (bool, i64)>,
    /// Requests that each version has been sent, copies included.
    requests: BTreeMap<(ServiceKey, VersionName), u64>,
    /// The snapshot that the engine sent last in this life.
    sent: Option<Arc<Snapshot>>,
    in_force: Arc<Snapshot>,
    /// The attempts of which an abort was acknowledged.
    aborted: BTreeMap<Name, u32>,
    /// When a commit failed last, or the clock was set.
    troubled_at: i64,
}

impl Audit {
    pub(super) fn new(time: Time) -> Audit {
        let book = Book { troubled_at: -SLACK, ..Book::default() };
        Audit { book: Arc::new(Mutex::new(book)), time }
    }

    fn lock(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a line to the story.
    pub(super) fn tell(&self, line: impl std::fmt::Display) {
        let passed = self.time.passed();
        self.lock().story.push(format!("{:>8.3} {line}", passed as f64 / 1000.0));
    }

    /// Notes what must never happen and did.
    pub(super) fn breach(&self, what: String) {
        self.tell(format!("BREACH: {what}"));
        self.lock().breaches.push(what);
    }

    /// The first thing that must never happen and did.
    pub(super) fn first_breach(&self) -> Option<String> {
        self.lock().breaches.first().cloned()
    }

    /// What happened, line by line.
    pub(super) fn story(&self) -> Vec<String> {
        self.lock().story.clone()
    }

    /// Every release as it is kept.
    pub(super) fn releases(&self) -> Vec<Release> {
        self.lock().kept.values().cloned().collect()
    }

    /// A new life begins with what is kept.
    pub(super) fn new_life(&self, releases: &[Row]) {
        let read: Vec<Release> = releases.iter().filter_map(|row| read(&row.state)).collect();
        let mut book = self.lock();
        book.sent = None;
        book.kept = read.iter().map(|release| (release.name.clone(), release.clone())).collect();
        book.known = book.kept.clone();
    }

    /// The data plane has forgotten what was in force.
    pub(super) fn restarted_plane(&self) {
        self.lock().in_force = Arc::default();
    }

    /// A version was sent requests.
    pub(super) fn requested(&self, service: &ServiceKey, version: &VersionName, count: u64) {
        *self.lock().requests.entry((service.clone(), version.clone())).or_insert(0) += count;
    }

    /// A commit was refused.
    pub(super) fn commit_failed(&self) {
        self.trouble();
    }

    /// What the engine sees may be late for a while.
    pub(super) fn trouble(&self) {
        let passed = self.time.passed();
        self.lock().troubled_at = passed;
    }

    /// The data plane tells which endpoints are ready.
    pub(super) fn reported(&self, readiness: &Readiness) {
        let passed = self.time.passed();
        let mut book = self.lock();
        for (service, versions) in readiness {
            for (version, endpoints) in versions {
                let is_ready = endpoints.any_ready();
                let known =
                    book.reported.entry((service.clone(), version.clone())).or_insert((is_ready, passed));
                if known.0 != is_ready {
                    *known = (is_ready, passed);
                }
            }
        }
    }

    /// An abort was acknowledged.
    pub(super) fn acknowledged_abort(&self, name: &Name, status: &ReleaseStatus) {
        let no_return = status.no_return.is_some();
        if no_return {
            self.breach(format!("{name} was aborted past its point of no return"));
        }
        self.lock().aborted.insert(name.clone(), status.attempt);
    }

    /// The store has kept a commit.
    pub(super) fn committed(&self, commit: &Commit, committed: &Committed) {
        let passed = self.time.passed();
        let now = self.time.now();
        for event in &committed.events {
            self.tell(format!("log {}: {} [{}]", event.subject.name, event.text, event.actor));
        }
        let mut found = Vec::new();
        let mut book = self.lock();
        book.read_environments(commit, passed);
        for write in commit.writes.iter().filter(|write| write.key.kind == Kind::Release) {
            let Some(next) = state_of(&write.change).and_then(read) else { continue };
            let before = book.kept.get(&next.name).cloned();
            let told = commit.events.iter().filter(|event| event.subject == write.key);
            let told: Vec<&str> = told.map(|event| event.text.as_str()).collect();
            found.extend(book.judge_log(&next, before.as_ref(), &told));
            if let Some(before) = &before {
                found.extend(book.judge(before, &next, passed, now));
            }
            book.kept.insert(next.name.clone(), next);
        }
        drop(book);
        found.into_iter().for_each(|what| self.breach(what));
    }

    /// The engine hears that a commit is kept.
    pub(super) fn answered(&self, commit: &Commit) {
        let mut book = self.lock();
        for write in &commit.writes {
            if let Some(next) =
                state_of(&write.change).filter(|_| write.key.kind == Kind::Release).and_then(read)
            {
                book.known.insert(next.name.clone(), next);
            }
        }
    }

    /// The engine sends a snapshot.
    pub(super) fn called(&self, snapshot: &Arc<Snapshot>) {
        let found = self.lock().judge_sent(snapshot);
        found.into_iter().for_each(|what| self.breach(what));
    }

    /// A snapshot takes the place of another.
    pub(super) fn put_in_force(&self, before: &Snapshot, after: &Arc<Snapshot>, visitors: &[Visitor]) {
        for (key, service) in &after.services {
            if before.services.get(key) != Some(service) {
                self.tell(format!("traffic {key}: {}", traffic::words(service)));
            }
        }
        let found = traffic::flips(before, after, visitors);
        self.lock().in_force = Arc::clone(after);
        found.into_iter().for_each(|what| self.breach(what));
    }
}

impl Book {
    fn read_environments(&mut self, commit: &Commit, passed: i64) {
        for write in commit.writes.iter().filter(|write| write.key.kind == Kind::Environment) {
            let Change::Put { document, .. } = &write.change else { continue };
            if let Ok(document) = document::parse_json(document)
                && let Spec::Environment(spec) = document.spec
            {
                self.calendars.insert(write.key.name.clone(), (spec.calendar(), passed));
            }
        }
    }
}

/// What is kept beside a document. A checkpoint may still be lost, and says nothing that is not said again.
fn state_of(change: &Change) -> Option<&serde_json::Value> {
    match change {
        Change::Put { state, .. } | Change::State { state, .. } => Some(state),
        Change::Checkpoint { .. } | Change::Delete => None,
    }
}

fn read(state: &serde_json::Value) -> Option<Release> {
    serde_json::from_value(state.clone()).ok()
}
