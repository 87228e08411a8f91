//! What a [`super::MemoryStore`] holds, and how a commit changes it.

use std::collections::{BTreeMap, VecDeque};

use serde_json::Value;
use sluice_core::Timestamp;
use sluice_core::document::{DocumentKey, Kind};
use sluice_engine::port::store::chain::{Link, Walk};
use sluice_engine::port::store::rules::{REMEMBERED_FOR, service_of};
use sluice_engine::port::store::{
    Chain, Change, Commit, Committed, Error, EventRecord, Expect, PendingEffect, Pruned, Remembered,
    Retention, Row, Write,
};

/// Everything that is kept.
#[derive(Clone, Debug, Default)]
pub(super) struct Tables {
    pub(super) documents: BTreeMap<DocumentKey, Kept>,
    /// The resource version that was used last, of any document.
    version: u64,
    pub(super) events: VecDeque<EventRecord>,
    /// The last event that was committed.
    head: Link,
    /// The last event that was pruned.
    anchor: Link,
    pub(super) effects: BTreeMap<u64, PendingEffect>,
    effect: u64,
    pub(super) remembered: BTreeMap<String, (Timestamp, Remembered)>,
}

/// A document, and where it stands among all that were created.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    pub(super) row: Row,
    pub(super) created_version: u64,
}

impl Tables {
    /// All of it, or nothing.
    pub(super) fn commit(&mut self, commit: Commit) -> Result<Committed, Error> {
        let mut staged = Staged { kept: &self.documents, changed: BTreeMap::new(), version: self.version };
        let mut committed = Committed::default();
        for write in commit.writes {
            committed.versions.push(staged.write(write, commit.now)?);
        }

        // Nothing can fail from here on.
        let Staged { changed, version, .. } = staged;
        self.version = version;
        for (key, kept) in changed {
            match kept {
                Some(kept) => drop(self.documents.insert(key, kept)),
                None => drop(self.documents.remove(&key)),
            }
        }
        for event in commit.events {
            let record = self.head.append(event, commit.now);
            self.head = Link::of(&record);
            self.events.push_back(record.clone());
            committed.events.push(record);
        }
        for id in commit.done {
            self.effects.remove(&id);
        }
        for effect in commit.effects {
            self.effect += 1;
            let id = self.effect;
            self.effects.insert(id, PendingEffect { id, release: effect.release, body: effect.body });
            committed.effects.push(id);
        }
        if let Some(remembered) = commit.remember {
            self.remembered.entry(remembered.key.clone()).or_insert((commit.now, remembered));
        }
        Ok(committed)
    }

    /// Puts a state back, if the document is still the one it belongs to.
    pub(super) fn restore(&mut self, key: &DocumentKey, version: u64, state: Value) {
        if let Some(kept) = self.documents.get_mut(key).filter(|kept| kept.row.resource_version == version) {
            kept.row.state = state;
        }
    }

    pub(super) fn verify(&self) -> Chain {
        let mut walk = Walk::from(self.anchor.clone());
        for event in &self.events {
            if let Err(broken) = walk.check(event) {
                return broken;
            }
        }
        walk.end(&self.head)
    }

    pub(super) fn prune(&mut self, bounds: Retention, now: Timestamp) -> Pruned {
        let mut pruned = Pruned::default();
        while u64::try_from(self.events.len()).unwrap_or(u64::MAX) > bounds.events_max {
            if let Some(event) = self.events.pop_front() {
                self.anchor = Link::of(&event);
                pruned.events += 1;
            }
        }
        for key in self.releases_beyond(bounds.releases_max) {
            self.documents.remove(&key);
            pruned.releases += 1;
        }
        self.remembered.retain(|_, (at, _)| now.since(*at) <= REMEMBERED_FOR);
        pruned
    }

    fn releases_beyond(&self, max: u64) -> Vec<DocumentKey> {
        let mut of_service: BTreeMap<_, Vec<&Kept>> = BTreeMap::new();
        for kept in self.documents.values() {
            let row = &kept.row;
            if row.key.kind == Kind::Release && row.is_finished {
                let service = service_of(row.key.kind, &row.document);
                of_service.entry((&row.key.environment, service)).or_default().push(kept);
            }
        }
        let mut beyond = Vec::new();
        for releases in of_service.values_mut() {
            releases.sort_by_key(|kept| std::cmp::Reverse(kept.created_version));
            let old = releases.iter().skip(usize::try_from(max).unwrap_or(usize::MAX));
            let settled =
                old.filter(|kept| self.effects.values().all(|effect| effect.release != kept.row.key.name));
            beyond.extend(settled.map(|kept| kept.row.key.clone()));
        }
        beyond
    }
}

/// Changes that are not made yet.
struct Staged<'a> {
    kept: &'a BTreeMap<DocumentKey, Kept>,
    /// Changed documents; none for those that are to be removed.
    changed: BTreeMap<DocumentKey, Option<Kept>>,
    version: u64,
}

impl Staged<'_> {
    fn write(&mut self, write: Write, now: Timestamp) -> Result<u64, Error> {
        let Write { key, expect, change } = write;
        let kept = match self.changed.get(&key) {
            Some(changed) => changed.clone(),
            None => self.kept.get(&key).cloned(),
        };
        let found = kept.as_ref().map(|kept| kept.row.resource_version);
        let conflict = Error::Conflict { key: key.clone(), found };

        if let Change::Checkpoint { state, of_version } = change {
            if let Some(mut kept) = kept.filter(|kept| kept.row.resource_version == of_version) {
                kept.row.state = state.to_value();
                self.changed.insert(key, Some(kept));
            }
            return Ok(found.unwrap_or(0));
        }
        let holds = match expect {
            Expect::Absent => found.is_none(),
            Expect::Version(version) => found == Some(version),
            Expect::Any => true,
        };
        if !holds {
            return Err(conflict);
        }
        match (change, kept) {
            (Change::Put { document, state, is_finished }, kept) => {
                Ok(self.put(key, kept, (document, state, is_finished), now))
            }
            (Change::State { state, is_finished }, Some(kept)) => {
                let document = kept.row.document.clone();
                Ok(self.put(key, Some(kept), (document, state, is_finished), now))
            }
            (Change::Delete, Some(kept)) => {
                self.changed.insert(key, None);
                Ok(kept.row.resource_version)
            }
            (Change::State { .. } | Change::Delete, None) => Err(conflict),
            (Change::Checkpoint { .. }, _) => unreachable!("checkpoints were answered above"),
        }
    }

    fn put(
        &mut self,
        key: DocumentKey,
        kept: Option<Kept>,
        (document, state, is_finished): (Value, Value, bool),
        now: Timestamp,
    ) -> u64 {
        self.version += 1;
        let version = self.version;
        let (created_at, created_version) = match &kept {
            Some(kept) => (kept.row.created_at, kept.created_version),
            None => (now, version),
        };
        let row = Row {
            key: key.clone(),
            resource_version: version,
            document,
            state,
            is_finished,
            created_at,
            updated_at: now,
        };
        self.changed.insert(key, Some(Kept { row, created_version }));
        version
    }
}
