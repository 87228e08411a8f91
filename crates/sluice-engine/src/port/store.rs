//! What is kept: documents with their state, an event log, and effects that are still to be carried out.
//!
//! There is one way to change anything: [`Store::commit`], which does all of it or nothing. What it has answered is on
//! disk.

pub mod chain;
pub mod rules;

use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sluice_core::document::{DocumentKey, Kind};
use sluice_core::{Name, Timestamp};

/// Keeps everything. Implementations pass the conformance suite in `sluice-sim`.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Does all of a commit, or nothing. When it returns, everything in it survives a crash of the machine; a commit
    /// that holds nothing but [`Change::Checkpoint`]s may be lost.
    ///
    /// # Errors
    /// [`Error::Conflict`] when an expectation does not hold; nothing was changed.
    ///
    /// # Cancel safety
    /// When dropped, the commit happens whole or not at all; which one is not known.
    async fn commit(&self, commit: Commit) -> Result<Committed, Error>;

    /// One document.
    async fn get(&self, key: &DocumentKey) -> Result<Option<Row>, Error>;

    /// Documents of one kind, by environment and name.
    ///
    /// # Errors
    /// [`Error::Cursor`] when the cursor is not one of this list.
    async fn list(&self, query: ListQuery) -> Result<Page, Error>;

    /// Events, oldest first.
    async fn events(&self, query: EventQuery) -> Result<Vec<EventRecord>, Error>;

    /// Effects that were committed and not yet marked as done, oldest first.
    async fn pending(&self) -> Result<Vec<PendingEffect>, Error>;

    /// The answer that was remembered under an idempotency key, if any.
    async fn remembered(&self, key: &str) -> Result<Option<Remembered>, Error>;

    /// Reads the whole event log and checks its chain of hashes.
    async fn verify(&self) -> Result<Chain, Error>;

    /// Forgets what is beyond the bounds: the oldest events, the oldest finished releases of each service, and
    /// answers remembered for longer than a day. The chain of hashes still verifies afterwards. A finished release
    /// that still has pending effects is kept.
    async fn prune(&self, bounds: Retention, now: Timestamp) -> Result<Pruned, Error>;
}

/// Changes that belong together.
///
/// Writes are done in order, and each sees what those before it did. A number in `done` that is no pending effect
/// is passed over, so that saying it twice does no harm.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Commit {
    /// When; stamped on documents and events.
    pub now: Timestamp,
    /// Changes of documents.
    pub writes: Vec<Write>,
    /// What happened, for the log; in order.
    pub events: Vec<NewEvent>,
    /// What is to be carried out.
    pub effects: Vec<NewEffect>,
    /// Effects that have been carried out.
    pub done: Vec<u64>,
    /// An answer to give again when the same request comes again. The first one under a key stays.
    pub remember: Option<Remembered>,
}

/// One change of one document.
#[derive(Clone, Debug, PartialEq)]
pub struct Write {
    /// Which document.
    pub key: DocumentKey,
    /// What must be true of it before. Not looked at for a checkpoint.
    pub expect: Expect,
    /// The change.
    pub change: Change,
}

/// What must be true of a document for a write to happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// It does not exist.
    Absent,
    /// It exists at this resource version.
    Version(u64),
    /// Whatever.
    Any,
}

/// A change of a document.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// Creates it or replaces all of it; the resource version grows.
    Put {
        /// `metadata` (name, environment, labels, annotations) and `spec`, as JSON.
        document: Value,
        /// What the engine keeps beside it.
        state: Value,
        /// Whether nothing more will happen to it by itself: a finished release. Only such may be pruned.
        is_finished: bool,
    },
    /// Replaces what the engine keeps beside it; the resource version grows. The document must exist.
    State {
        /// The new state.
        state: Value,
        /// As in `Put`.
        is_finished: bool,
    },
    /// Replaces what the engine keeps beside it, silently: the resource version stays, and the change may be lost in
    /// a crash. Nothing happens when the document does not exist or, whatever `expect` says, is at another version.
    Checkpoint {
        /// The new state.
        state: JsonText,
        /// The resource version that it was made from.
        of_version: u64,
    },
    /// Removes it. The document must exist.
    Delete,
}

/// A value as JSON text: what is written every few seconds is not built as a tree first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonText(Arc<str>);

impl JsonText {
    /// A value of ours as JSON. Our types have text keys and no failing parts, so this cannot fail; were it ever to,
    /// the result is null, as what cannot be read back.
    pub fn of<T: Serialize>(value: &T) -> JsonText {
        JsonText(serde_json::to_string(value).map_or_else(|_| "null".into(), Arc::from))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The value.
    pub fn to_value(&self) -> Value {
        serde_json::from_str(&self.0).unwrap_or_default()
    }
}

/// A document as it is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Which one.
    pub key: DocumentKey,
    /// Grows by at least one with every change; never used twice for one key, also across deletion.
    pub resource_version: u64,
    /// `metadata` and `spec`.
    pub document: Value,
    /// What the engine keeps beside it.
    pub state: Value,
    /// Whether nothing more will happen to it by itself.
    pub is_finished: bool,
    /// When it was first put.
    pub created_at: Timestamp,
    /// When it last changed, checkpoints not counted.
    pub updated_at: Timestamp,
}

/// Which documents to list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListQuery {
    /// The kind.
    pub kind: Kind,
    /// Only in this environment.
    pub environment: Option<Name>,
    /// For releases: only of this service (`spec.service`). No other kind has one, so that none of them match.
    pub service: Option<Name>,
    /// Only those that are finished, or only those that are not.
    pub is_finished: Option<bool>,
    /// Newest first (by creation) instead of by environment and name.
    pub newest_first: bool,
    /// Where the last page ended.
    pub cursor: Option<String>,
    /// How many at most, 1 to 1000; what lies outside is taken as the nearest of these.
    pub limit: usize,
}

/// Some documents, and where to go on.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// The documents.
    pub rows: Vec<Row>,
    /// Hand this back to get the next ones; none when these were the last.
    pub next: Option<String>,
}

/// Something that happened, before it is in the log.
#[derive(Clone, Debug, PartialEq)]
pub struct NewEvent {
    /// A stable word for what happened: `service.applied`, `release.step`, `release.verb`.
    pub kind: String,
    /// To which document.
    pub subject: DocumentKey,
    /// Who did it: a person, a program, or `sluice` itself.
    pub actor: String,
    /// What happened, in one plain sentence.
    pub text: String,
    /// The numbers behind it.
    pub data: Value,
}

/// Something that happened, as the log has it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EventRecord {
    /// Its place in the log: 1, 2, 3 … without holes.
    pub seq: u64,
    /// When it was committed.
    pub at: Timestamp,
    /// A stable word for what happened.
    pub kind: String,
    /// To which document.
    pub subject: DocumentKey,
    /// Who did it.
    pub actor: String,
    /// What happened, in one plain sentence.
    pub text: String,
    /// The numbers behind it.
    pub data: Value,
    /// The hash of the event before: 64 hexadecimal digits.
    pub previous_hash: String,
    /// The hash of all of this: SHA-256 over `previous_hash` and the canonical JSON of the rest; see [`chain`].
    pub hash: String,
}

/// Which events to read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventQuery {
    /// Only those after this place.
    pub after: u64,
    /// Only those about this document.
    pub subject: Option<DocumentKey>,
    /// The last ones instead of the first ones (still oldest first).
    pub newest: bool,
    /// How many at most, 1 to 1000; what lies outside is taken as the nearest of these.
    pub limit: usize,
}

/// Something that is to be carried out after the commit.
#[derive(Clone, Debug, PartialEq)]
pub struct NewEffect {
    /// The release that wants it.
    pub release: Name,
    /// What it is, as JSON.
    pub body: Value,
}

/// Something that is still to be carried out.
#[derive(Clone, Debug, PartialEq)]
pub struct PendingEffect {
    /// Its number, in the order of commits.
    pub id: u64,
    /// The release that wants it.
    pub release: Name,
    /// What it is, as JSON.
    pub body: Value,
}

/// An answer that was given under an idempotency key.
#[derive(Clone, Debug, PartialEq)]
pub struct Remembered {
    /// The key, chosen by the client.
    pub key: String,
    /// What was asked, as a hash: the same key with another request is refused.
    pub request: String,
    /// What was answered.
    pub answer: Value,
}

/// What a commit did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Committed {
    /// The resource version of each written document after each write, in the order of the writes; for deleted ones
    /// the last; zero for a checkpoint of a document that does not exist.
    pub versions: Vec<u64>,
    /// The events as they are in the log, in order.
    pub events: Vec<EventRecord>,
    /// The numbers of the effects, in order.
    pub effects: Vec<u64>,
}

/// How the chain of hashes stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Chain {
    /// Every event follows from the one before.
    Holds {
        /// How many events were read.
        events: u64,
        /// The last hash.
        head: String,
    },
    /// An event was changed, removed or added.
    Broken {
        /// The first one that does not follow.
        seq: u64,
        /// What is wrong with it.
        why: String,
    },
}

/// How much history is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Events.
    pub events_max: u64,
    /// Finished releases of each service.
    pub releases_max: u64,
}

/// What was forgotten.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Events.
    pub events: u64,
    /// Releases.
    pub releases: u64,
}

/// Why something could not be kept or read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// An expectation did not hold.
    #[error("{key} {}", conflict(*found))]
    Conflict {
        /// The document.
        key: DocumentKey,
        /// The resource version that it has; none when it does not exist.
        found: Option<u64>,
    },
    /// The disk is full.
    #[error("the disk that holds {folder} is full: free some space there; nothing was changed")]
    Full {
        /// The data folder.
        folder: String,
    },
    /// It cannot be reached or is too busy; trying again may help.
    #[error("the store is not available: {why}")]
    Unavailable {
        /// What went wrong, in words.
        why: String,
    },
    /// What was read makes no sense.
    #[error("the store is damaged: {why}")]
    Corrupt {
        /// What was found where, and what to do.
        why: String,
    },
    /// A cursor that no page of such a list has given.
    #[error(
        "`{given}` is not a cursor of this list: hand back `next` of the page before, with the same order"
    )]
    Cursor {
        /// The cursor.
        given: String,
    },
}

fn conflict(found: Option<u64>) -> String {
    match found {
        Some(version) => format!("has changed meanwhile (it is at resource version {version})"),
        None => "does not exist".to_owned(),
    }
}
