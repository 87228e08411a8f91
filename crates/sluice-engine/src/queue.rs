//! Whose turn it is: one release of a service at a time.

use std::sync::Arc;

use sluice_core::release::{Event, Member, Phase, Release};
use sluice_core::{ServiceKey, VersionName};

use crate::actor::Message;
use crate::inner::Inner;
use crate::world::World;

/// Tells the oldest release of a service that waits that it is its turn, unless another one is not over. Telling it
/// twice does no harm.
pub(crate) async fn start_next(inner: &Arc<Inner>, service: &ServiceKey) {
    let next = {
        let world = inner.world();
        let releases = world.releases_of(service);
        releases.first().filter(|first| is_free(&world, &first.release)).and_then(|first| {
            let live = |member: Member<'_>| world.live(member.service).cloned();
            let mut members: Vec<VersionName> = first.release.members().map(live).collect::<Option<_>>()?;
            let live = members.pop()?;
            Some((first.mailbox.clone(), Event::Turn { live, companions: members }))
        })
    };
    if let Some((mailbox, turn)) = next {
        // A full mailbox empties; a closed one belongs to a release that has ended meanwhile, and whose end starts
        // the next one.
        mailbox.send(Message::Event(Box::new(turn))).await.ok();
    }
}

/// Begins whatever waited for a release to end.
pub(crate) async fn start_after(inner: &Arc<Inner>, ended: &Release) {
    for member in ended.members() {
        start_next(inner, member.service).await;
    }
    crate::starter::wake(inner);
}

/// Whether a release is the first that waits for each of its services, and nothing is under way there.
fn is_free(world: &World, release: &Release) -> bool {
    release.members().all(|member| {
        let releases = world.releases_of(member.service);
        releases.iter().all(|live| matches!(live.release.phase, Phase::Waiting { .. }))
            && releases.first().is_some_and(|first| first.release.name == release.name)
    })
}
