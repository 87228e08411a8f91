//! Which version of which service is live where.

use std::collections::{BTreeMap, BTreeSet};

use sluice_core::calendar::{Closed, Openness};
use sluice_core::document::DEFAULT_ENVIRONMENT;
use sluice_core::{Name, ServiceKey, Timestamp, VersionName};

use crate::engine::Engine;
use crate::resource::{ClosedBy, EnvironmentStanding, ReleaseThere, ServiceStanding, ServiceThere, Standing};
use crate::world::World;

impl Engine {
    /// Which version of which service is live where, and what is on its way.
    pub fn standing(&self) -> Standing {
        let now = self.inner.now();
        let mut world = self.inner.world();
        let environments =
            in_order(&world).into_iter().map(|name| environment(&mut world, name, now)).collect();
        let mut services: BTreeMap<Name, BTreeMap<Name, ServiceThere>> = BTreeMap::new();
        for service in world.services() {
            let there = there(&world, service);
            services.entry(service.name.clone()).or_default().insert(service.environment.clone(), there);
        }
        let standing = |(name, environments)| ServiceStanding { name, environments };
        Standing { environments, services: services.into_iter().map(standing).collect() }
    }
}

/// The environments that exist or have services, each after those that it comes after.
fn in_order(world: &World) -> Vec<Name> {
    let mut left: BTreeSet<Name> = world.services().map(|service| service.environment.clone()).collect();
    left.extend(world.names(sluice_core::document::Kind::Environment).cloned());
    left.extend(DEFAULT_ENVIRONMENT.parse::<Name>().ok());
    let mut order: Vec<Name> = Vec::new();
    while !left.is_empty() {
        let after = |name: &Name| world.environment(name).and_then(|spec| spec.after.as_ref());
        let next = left.iter().find(|name| after(name).is_none_or(|before| !left.contains(before)));
        // A circle is refused when it is applied; were there one, its first is as good as any.
        let Some(next) = next.or(left.first()).cloned() else { break };
        left.remove(&next);
        order.push(next);
    }
    order
}

fn environment(world: &mut World, name: Name, now: Timestamp) -> EnvironmentStanding {
    let calendar = world.openness(&name, now);
    let after = world.environment(&name).and_then(|spec| spec.after.clone());
    let (why, changes_at) = match calendar {
        Openness::Open { until } => (None, until),
        Openness::Closed { why, opens_at } => (Some(why), opens_at),
    };
    let text = why.as_ref().map(|why| format!("{name}: {why}")).unwrap_or_default();
    let (closed_by, reason) = match why {
        None => (None, None),
        Some(Closed::Window { .. }) => (Some(ClosedBy::Window), None),
        Some(Closed::Freeze { reason, .. }) => (Some(ClosedBy::Freeze), reason),
    };
    EnvironmentStanding { name, after, closed_by, reason, changes_at, text }
}

fn there(world: &World, service: &ServiceKey) -> ServiceThere {
    let state = world.state(service);
    let releases = world.releases_of(service);
    let steering = world.steering(service).or_else(|| releases.first().copied());
    let release = steering.and_then(|live| {
        let member = live.release.members().find(|member| member.service == service)?;
        Some(ReleaseThere {
            name: live.release.name.clone(),
            version: member.to.clone(),
            phase: live.release.phase.name(),
            share: live.release.traffic.observed.share(),
        })
    });
    let is_waiting = |version: &&VersionName| {
        let is_released = state.is_some_and(|state| state.has_released(version));
        let is_under_way = release.as_ref().is_some_and(|release| release.version == **version);
        !is_released && !is_under_way
    };
    let announced = state.into_iter().flat_map(|state| &state.announced);
    ServiceThere {
        live: state.and_then(|state| state.live.clone()),
        waiting: announced.map(|known| &known.spec.name).filter(is_waiting).cloned().collect(),
        release,
    }
}
