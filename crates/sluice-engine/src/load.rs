//! Reads what is kept and lets it go on.

use std::sync::Arc;

use sluice_core::document::{self, Document, DocumentKey, Kind};
use sluice_core::release::{Event, Member, Phase, Release};
use tokio::sync::mpsc;

use crate::actor::{self, Message};
use crate::error::Error;
use crate::inner::{DOCUMENT_KINDS, Inner};
use crate::port::store::{self, ListQuery, Row};
use crate::state::ServiceState;
use crate::world::{LiveRelease, Stored, service_key};

const PAGE: usize = 1000;

/// Reads documents and live releases into the world. Nothing moves yet.
pub(crate) async fn load(inner: &Arc<Inner>) -> Result<(), Error> {
    for kind in DOCUMENT_KINDS {
        for row in rows(inner, kind, None).await? {
            let stored = stored(&row)?;
            let mut world = inner.world();
            world.put_document(row.key.clone(), stored);
            if let Some(service) = service_key(&row.key) {
                world.set_state(&service, state_of(&row)?);
            }
        }
    }
    for row in rows(inner, Kind::Release, Some(false)).await? {
        let release = Arc::new(release_of(&row)?);
        // Replaced by the task's own mailbox when it starts.
        let (mailbox, _) = mpsc::channel(1);
        inner.world().put_release(LiveRelease { release, stored: stored(&row)?, mailbox });
    }
    inner.world().reroute_all();
    Ok(())
}

/// Starts the tasks of live releases, and does again whatever a crash may have left undone between two of them.
pub(crate) async fn resume(inner: &Arc<Inner>) {
    let releases: Vec<LiveRelease> = inner.world().releases().cloned().collect();
    for live in &releases {
        start(inner, Arc::clone(&live.release), live.stored.clone());
    }
    for live in &releases {
        if matches!(live.release.phase, Phase::Waiting { .. }) {
            tell_of_newer(inner, &live.release).await;
        }
        for member in live.release.members() {
            crate::queue::start_next(inner, member.service).await;
        }
    }
    // All of them set traffic or start what waits, and both have just been done for everything.
    match inner.parts.store.pending().await {
        Ok(pending) => crate::lock(&inner.done).extend(pending.iter().map(|effect| effect.id)),
        Err(error) => tracing::warn!(%error, "Effects that were carried out could not be read"),
    }
}

/// Puts a release into the world and starts its task.
pub(crate) fn start(inner: &Arc<Inner>, release: Arc<Release>, stored: Stored) {
    let (mailbox, messages) = actor::mailbox();
    {
        let mut world = inner.world();
        let live =
            LiveRelease { release: Arc::clone(&release), stored: stored.clone(), mailbox: mailbox.clone() };
        world.put_release(live);
        world.reroute_release(&release);
    }
    actor::spawn(inner, Arc::clone(&release), stored, messages);
    mailbox.try_send(Message::Look).ok();
    inner.tell_services(&release);
}

/// Tells the older releases of the same service that a newer one was created.
pub(crate) async fn tell_of_newer(inner: &Inner, newer: &Release) {
    let older: Vec<mpsc::Sender<Message>> = {
        let world = inner.world();
        let older = |member: Member<'_>| -> Vec<mpsc::Sender<Message>> {
            let all = world.releases_of(member.service);
            let older = all.iter().take_while(|live| live.release.name != newer.name);
            older.map(|live| live.mailbox.clone()).collect()
        };
        newer.members().flat_map(older).collect()
    };
    for mailbox in older {
        // A closed mailbox belongs to a release that is over.
        mailbox.send(Message::Event(Box::new(Event::Newer { by: newer.name.clone() }))).await.ok();
    }
}

async fn rows(inner: &Inner, kind: Kind, is_finished: Option<bool>) -> Result<Vec<Row>, Error> {
    let mut all = Vec::new();
    let mut cursor = None;
    loop {
        let query = ListQuery {
            kind,
            environment: None,
            service: None,
            is_finished,
            newest_first: false,
            cursor,
            limit: PAGE,
        };
        let page = inner.parts.store.list(query).await?;
        all.extend(page.rows);
        cursor = page.next;
        if cursor.is_none() {
            return Ok(all);
        }
    }
}

/// A row as a document.
pub(crate) fn stored(row: &Row) -> Result<Stored, Error> {
    let document: Document =
        document::parse_json(&row.document).map_err(|problems| corrupt(&row.key, &problems))?;
    Ok(Stored {
        document,
        version: row.resource_version,
        created_at: row.created_at,
        updated_at: row.updated_at,
    })
}

/// The release that a row holds.
pub(crate) fn release_of(row: &Row) -> Result<Release, Error> {
    // A state without one is what a release that another version of Sluice wrote may look like.
    serde_json::from_value(row.state.clone()).map_err(|error| corrupt(&row.key, &error))
}

fn state_of(row: &Row) -> Result<ServiceState, Error> {
    serde_json::from_value(row.state.clone()).map_err(|error| corrupt(&row.key, &error))
}

fn corrupt(key: &DocumentKey, why: &dyn std::fmt::Display) -> Error {
    Error::Store(store::Error::Corrupt {
        why: format!("{key} was written by another version of Sluice or damaged: {why}"),
    })
}
