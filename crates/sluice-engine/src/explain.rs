//! Why a release is where it is, now or at any moment before.

use std::collections::VecDeque;

use sluice_core::release::{Account, Release};
use sluice_core::{Name, Span, Timestamp};
use tracing::warn;

use crate::engine::Engine;
use crate::error::Error;
use crate::inner::{Inner, to_json};
use crate::port::history::Note;
use crate::port::store;

/// How a release stands is noted at least this often while it is under way, and whenever something happens to it.
pub(crate) const NOTE_EVERY: Span = Span::from_secs(60);
/// How often what was noted is kept.
const KEEP_EVERY: Span = Span::from_secs(5);
/// How many notes may wait while they cannot be kept; then the oldest are lost.
const WAITING_MAX: usize = 20_000;

impl Engine {
    /// Why a release is where it is, or was at some moment: as it was noted last at or before that.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::NotNoted`] for a moment from which nothing is known.
    pub async fn explain(&self, release: &Name, at: Option<Timestamp>) -> Result<Account, Error> {
        let now = self.inner.now();
        let live = self.inner.world().release(release).map(|live| live.release.clone());
        let current = match live {
            Some(live) => live,
            None => std::sync::Arc::new(self.finished(release).await?.1),
        };
        let Some(at) = at.filter(|at| *at < now) else { return Ok(current.account(now)) };
        let waiting = crate::lock(&self.inner.notes)
            .iter()
            .rev()
            .find(|note| note.release == *release && note.at <= at)
            .map(|note| note.account.clone());
        let noted = match waiting {
            Some(account) => Some(account),
            None => self.inner.parts.history.noted(release, at).await?.map(|note| note.account),
        };
        let account = noted.ok_or_else(|| Error::NotNoted { release: release.clone(), at })?;
        serde_json::from_value(account).map_err(|error| {
            let why = format!("what was noted of {release} cannot be read: {error}");
            Error::from(store::Error::Corrupt { why })
        })
    }
}

impl Inner {
    /// Notes how a release stands now.
    pub(crate) fn note(&self, release: &Release) {
        let at = self.now();
        let note = Note { release: release.name.clone(), at, account: to_json(&release.account(at)) };
        let mut notes = crate::lock(&self.notes);
        if notes.len() >= WAITING_MAX {
            notes.pop_front();
        }
        notes.push_back(note);
    }
}

/// Keeps what was noted.
pub(crate) async fn run(inner: &Inner) {
    let mut is_well = true;
    loop {
        inner.parts.clock.sleep_until(inner.now().after(KEEP_EVERY)).await;
        let mut notes: VecDeque<Note> = std::mem::take(&mut *crate::lock(&inner.notes));
        while let Some(note) = notes.pop_front() {
            if let Err(error) = inner.parts.history.note(note.clone()).await {
                if is_well {
                    warn!(%error, "How releases stand cannot be kept for later; it is tried again");
                }
                is_well = false;
                notes.push_front(note);
                break;
            }
            is_well = true;
        }
        let mut waiting = crate::lock(&inner.notes);
        notes.extend(waiting.drain(..));
        *waiting = notes;
    }
}
