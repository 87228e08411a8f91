//! How a release begins.

use std::sync::Arc;

use crate::calendar::Openness;
use crate::release::check::CheckRun;
use crate::release::effect::Transition;
use crate::release::phase::{Approved, Phase};
use crate::release::plan::Plan;
use crate::release::reason::Reason;
use crate::release::status::{Exposed, TimelineKind};
use crate::release::step::Draft;
use crate::release::{Companion, Exposure, LastEndpoints, Release, Risk, SplitWatch, TrafficState};
use crate::{Name, ServiceKey, Span, Timestamp, VersionName};

/// What a new release is made of.
#[derive(Clone, Debug, PartialEq)]
pub struct Creation {
    /// Its name.
    pub name: Name,
    /// The service.
    pub service: ServiceKey,
    /// The version that people have.
    pub from: VersionName,
    /// The version that is released.
    pub to: VersionName,
    /// The services that are released with it, each after those that it needs.
    pub companions: Vec<CompanionSpec>,
    /// How.
    pub plan: Plan,
    /// Whether other people meet the candidate first than in earlier releases of the same version.
    pub reshuffle: bool,
    /// Another release of the service that is not over.
    pub behind: Option<Name>,
    /// Who started it.
    pub actor: String,
    /// Why, in their words.
    pub reason: Option<String>,
    /// Why it goes ahead whatever the calendar says, if it does.
    pub override_reason: Option<String>,
}

/// A service that is to be released together with another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompanionSpec {
    /// The service.
    pub service: ServiceKey,
    /// The version that people have.
    pub from: VersionName,
    /// The version that is released.
    pub to: VersionName,
}

/// A new release.
pub fn create(creation: Creation, now: Timestamp) -> Transition {
    let mut draft = Draft::of(&release(creation.clone(), now), now);
    let Creation { actor, reason, override_reason, .. } = creation;
    let why = reason.map(|why| format!(": {why}")).unwrap_or_default();
    let Release { service, from, to, plan, companions, .. } = &draft.next;
    let with: Vec<String> = companions
        .iter()
        .map(|companion| {
            let Companion { service, from, to, .. } = companion;
            format!(", with {} from {from} to {to}", service.name)
        })
        .collect();
    let with = with.concat();
    let text =
        format!("Release of {} from {from} to {to}{with} under policy {}{why}", service.name, plan.policy);
    draft.note_by(TimelineKind::Created, text, Some(actor.clone()));
    if let Some(why) = override_reason {
        let text = format!("Goes ahead whatever the calendar says: {why}");
        draft.note_by(TimelineKind::Resumed, text, Some(actor));
    }
    draft.finish()
}

fn release(creation: Creation, now: Timestamp) -> Release {
    let Creation {
        name, service, from, to, companions, plan, reshuffle, behind, actor, override_reason, ..
    } = creation;
    let salt = if reshuffle { format!("{service}/{to}/{name}") } else { format!("{service}/{to}") };
    let phase = match &behind {
        Some(behind) => Phase::Waiting { behind: behind.clone() },
        None => Phase::Pending { since: now, waited: Span::ZERO },
    };
    let reason = match behind {
        Some(behind) => Reason::Queued { behind },
        None => Reason::WaitingForReady { version: to.clone(), endpoints: 0, left: plan.ready_within },
    };
    let checks: Vec<CheckRun> = plan.checks.iter().map(CheckRun::new).collect();
    let nobody = Exposure::nobody();
    let companions: Vec<Companion> = companions
        .into_iter()
        .map(|CompanionSpec { service, from, to }| Companion {
            service,
            from,
            to,
            checks: checks.clone(),
            endpoints: LastEndpoints::default(),
        })
        .collect();
    Release {
        name,
        service,
        salt,
        checks,
        attempt: 1,
        phase,
        traffic: TrafficState {
            desired: nobody.clone(),
            desired_change: 0,
            observed: nobody.clone(),
            observed_change: 0,
            given: vec![nobody; companions.len() + 1],
        },
        companions,
        started_by: actor.clone(),
        calendar: Openness::default(),
        override_by: override_reason.map(|reason| Approved { actor, at: now, reason: Some(reason) }),
        no_return: None,
        rebalanced: 0,
        calling: None,
        calls: 0,
        risk: Risk::default(),
        split: SplitWatch::default(),
        exposed: Exposed::default(),
        endpoints: LastEndpoints::default(),
        looked_at: None,
        newer: None,
        reason,
        reason_at: now,
        timeline: Arc::default(),
        started_at: None,
        created_at: now,
        from,
        to,
        plan: Arc::new(plan),
    }
}
