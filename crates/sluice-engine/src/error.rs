//! Why the engine refused or could not do something.

use sluice_core::Name;
use sluice_core::document::DocumentKey;

use crate::port::store;

/// Why the engine refused or could not do something. Nothing was changed, but for
/// [`Error::NotRecorded`].
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such document.
    #[error("there is no {key}")]
    NotFound {
        /// The document that was asked for.
        key: DocumentKey,
        /// A name that exists and looks like it.
        did_you_mean: Option<String>,
    },
    /// Documents do not fit what exists.
    #[error("{0}")]
    Invalid(sluice_core::document::Problems),
    /// The document has changed since it was read.
    #[error("{key} has changed meanwhile")]
    Conflict {
        /// The document.
        key: DocumentKey,
        /// The resource version that it has now; none when it does not exist.
        found: Option<u64>,
    },
    /// Others need the document.
    #[error("{key} is in use by {}", list(users))]
    InUse {
        /// The document.
        key: DocumentKey,
        /// Who needs it.
        users: Vec<DocumentKey>,
    },
    /// A built-in document cannot be changed.
    #[error("{key} is built in and cannot be changed; give yours another name")]
    BuiltIn {
        /// The document.
        key: DocumentKey,
    },
    /// A release cannot start.
    #[error("{why}")]
    ReleaseRefused {
        /// Why, in one plain sentence.
        why: String,
        /// How to mend it.
        hint: Option<String>,
    },
    /// A version cannot be announced, withdrawn or handed on.
    #[error("{why}")]
    AnnouncementRefused {
        /// Why, in one plain sentence.
        why: String,
        /// How to mend it.
        hint: Option<String>,
    },
    /// A release does not take this verb now.
    #[error("{why}")]
    VerbRefused {
        /// The release.
        release: Name,
        /// Why, in one plain sentence.
        why: String,
    },
    /// The same idempotency key came with another request.
    #[error("the idempotency key `{key}` was used for another request; use a new key")]
    IdempotencyMismatch {
        /// The key.
        key: String,
    },
    /// Nothing is known of a release at a moment.
    #[error("nothing is known of how {release} stood at {at}: it had not begun, or that is too long ago")]
    NotNoted {
        /// The release.
        release: Name,
        /// The moment.
        at: sluice_core::Timestamp,
    },
    /// Everyone is being taken back, but that could not be recorded yet; it is tried again until it can be. The one
    /// error after which something did change.
    #[error("{release}: everyone is being taken back, but this could not be recorded yet")]
    NotRecorded {
        /// The release.
        release: Name,
        /// Why it could not be recorded.
        source: store::Error,
    },
    /// The store did not do it.
    #[error(transparent)]
    Store(store::Error),
    /// The engine is stopping.
    #[error("the server is stopping; try again when it is back")]
    Stopping,
}

fn list(keys: &[DocumentKey]) -> String {
    keys.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::Conflict { key, found } => Error::Conflict { key, found },
            other => Error::Store(other),
        }
    }
}
