//! Checkpoints that are noted and not written yet.
//!
//! A thousand releases make a thousand checkpoints each second. Written one by one they would cost most of the
//! disk's time and save nothing that matters; noted here, only the last one of each document is written, all
//! together. Only the writer adds and removes; readers lay what is here over what they read.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sluice_core::document::DocumentKey;
use sluice_engine::port::store::JsonText;

/// A state that is newer than the one in the database.
#[derive(Debug)]
pub(crate) struct Checkpoint {
    pub(crate) state: JsonText,
    /// It belongs to the document only while that is at this resource version.
    pub(crate) of_version: u64,
}

/// What is noted at one moment.
pub(crate) type Noted = Arc<BTreeMap<DocumentKey, Arc<Checkpoint>>>;

/// The checkpoints that are not written yet.
#[derive(Debug, Default)]
pub(crate) struct Checkpoints {
    noted: Mutex<Noted>,
}

impl Checkpoints {
    /// What is noted now. A reader takes it before it reads the database: what leaves in between has been written.
    pub(crate) fn noted(&self) -> Noted {
        Arc::clone(&self.lock())
    }

    /// Notes one, in place of an older one of the same document.
    pub(crate) fn note(&self, key: DocumentKey, checkpoint: Checkpoint) {
        // Copied only while a reader holds it.
        Arc::make_mut(&mut self.lock()).insert(key, Arc::new(checkpoint));
    }

    /// Drops all: they have been written.
    pub(crate) fn clear(&self) {
        *self.lock() = Noted::default();
    }

    /// Drops those that have been overtaken by a write.
    pub(crate) fn forget<'a>(&self, keys: impl IntoIterator<Item = &'a DocumentKey>) {
        let mut noted = self.lock();
        let mut keys = keys.into_iter().peekable();
        if noted.is_empty() || keys.peek().is_none() {
            return;
        }
        let noted = Arc::make_mut(&mut noted);
        for key in keys {
            noted.remove(key);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Noted> {
        // Every change under the lock is a single insert or remove.
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
