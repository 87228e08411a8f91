//! What would exist when a release is created, and whether it can be.

use std::collections::BTreeMap;
use std::sync::Arc;

use sluice_core::condition::Change as ChangeFacts;
use sluice_core::document::policy::{OnNewer, StepWork};
use sluice_core::document::service::{self, VersionSpec};
use sluice_core::document::{
    Document, DocumentKey, EnvironmentSpec, Kind, MetricSpec, PolicySpec, ReleaseSpec, ServiceSpec, Spec,
};
use sluice_core::name::VersionNeed;
use sluice_core::release::{self, CompanionSpec, Creation, Plan, Transition};
use sluice_core::{Name, ServiceKey, Timestamp, VersionName, builtin};

use crate::error::Error;
use crate::inner::{Inner, document_json, release_resource, to_json};
use crate::load;
use crate::port::store::{Change, Committed, Expect, NewEvent, Write};
use crate::releases::environment_or_default;
use crate::resource::{Caller, Resource};
use crate::state::{ServiceState, States};
use crate::world::{Stored, World, document_key};

/// What would exist when a release is created: what exists, and what is applied together with it.
pub(crate) struct Prospect<'w> {
    pub(crate) world: &'w World,
    /// Documents that are applied, services with what was announced.
    pub(crate) applied: BTreeMap<DocumentKey, Document>,
    /// What will be kept beside applied services.
    pub(crate) states: States,
}

impl<'w> Prospect<'w> {
    pub(crate) fn of(world: &'w World) -> Prospect<'w> {
        Prospect { world, applied: BTreeMap::new(), states: States::new() }
    }

    /// Everything as it would be.
    pub(crate) fn documents(&self) -> BTreeMap<DocumentKey, Document> {
        let mut documents = self.world.documents();
        documents.extend(self.applied.iter().map(|(key, document)| (key.clone(), document.clone())));
        documents
    }

    fn spec(&self, kind: Kind, name: &Name) -> Option<&Spec> {
        let key = DocumentKey { kind, environment: None, name: name.clone() };
        let document = self.applied.get(&key).or_else(|| Some(&self.world.document(&key)?.document));
        document.map(|document| &document.spec)
    }

    pub(crate) fn service(&self, service: &ServiceKey) -> Option<&ServiceSpec> {
        match self.applied.get(&document_key(service)).map(|document| &document.spec) {
            Some(Spec::Service(spec)) => Some(spec),
            _ => self.world.service(service),
        }
    }

    fn labels(&self, service: &ServiceKey) -> Option<&BTreeMap<String, String>> {
        let key = document_key(service);
        let document = self.applied.get(&key).or_else(|| Some(&self.world.document(&key)?.document));
        document.map(|document| &document.metadata.labels)
    }

    pub(crate) fn state(&self, service: &ServiceKey) -> Option<&ServiceState> {
        self.states.get(service).or_else(|| self.world.state(service))
    }

    pub(crate) fn live(&self, service: &ServiceKey) -> Option<&VersionName> {
        self.state(service)?.live.as_ref()
    }

    pub(crate) fn environment(&self, name: &Name) -> Option<&EnvironmentSpec> {
        match self.spec(Kind::Environment, name) {
            Some(Spec::Environment(spec)) => Some(spec),
            _ => None,
        }
    }

    pub(crate) fn policy(&self, name: &Name) -> Option<&PolicySpec> {
        match self.spec(Kind::Policy, name) {
            Some(Spec::Policy(policy)) => Some(policy),
            _ => builtin::policies().get(name),
        }
    }

    /// The metrics that exist, built-in ones included.
    pub(crate) fn metrics(&self) -> BTreeMap<Name, MetricSpec> {
        let mut metrics = builtin::metrics().clone();
        let written = self.world.stored().map(|stored| &stored.document).chain(self.applied.values());
        metrics.extend(written.filter_map(|document| match &document.spec {
            Spec::Metric(metric) => Some((document.metadata.name.clone(), metric.clone())),
            _ => None,
        }));
        metrics
    }

    fn names(&self, kind: Kind) -> impl Iterator<Item = &Name> {
        let applied = self.applied.keys().filter(move |key| key.kind == kind).map(|key| &key.name);
        self.world.names(kind).chain(applied)
    }

    fn version(&self, service: &ServiceKey, version: &VersionName) -> Option<&VersionSpec> {
        self.service(service)?.versions.iter().find(|known| known.name == *version)
    }

    /// The policy that an environment binds to a change.
    pub(crate) fn bound_policy(&self, service: &ServiceKey, from: &VersionName, to: &VersionName) -> Name {
        let none = BTreeMap::new();
        let (before, after) = (self.version(service, from), self.version(service, to));
        let build = after.map(|version| &version.build);
        let change = ChangeFacts {
            level: from.level_of(to),
            from: from.as_str(),
            to: to.as_str(),
            commit: build.and_then(|build| build.commit.as_deref()),
            image: build.and_then(|build| build.image.as_deref()),
            config_only: before
                .zip(build)
                .is_some_and(|(before, build)| build.differs_in_config_only(&before.build)),
            change_labels: build.map_or(&none, |build| &build.labels),
            service: service.name.as_str(),
            labels: self.labels(service).unwrap_or(&none),
            environment: service.environment.as_str(),
        };
        let bindings = self.environment(&service.environment).map_or(&[][..], |spec| &spec.policies);
        let bound =
            bindings.iter().find(|line| line.when.as_ref().is_none_or(|rule| rule.holds_for_change(&change)));
        bound.map_or_else(
            || builtin::DEFAULT_POLICY.parse().expect("the default policy's name is a name"),
            |line| line.r#use.clone(),
        )
    }
}

/// A release that can be created.
pub(crate) struct Prepared {
    pub(crate) document: Document,
    pub(crate) transition: Transition,
}

/// Checks that a release can be created, and makes it. Nothing is changed yet.
pub(crate) fn prepare(
    prospect: &Prospect<'_>,
    document: &Document,
    caller: &Caller,
    now: Timestamp,
) -> Result<Prepared, Error> {
    let Spec::Release(spec) = &document.spec else {
        return Err(refused(format!("{} is no release", document.key()), None));
    };
    let environment = environment_or_default(document.metadata.environment.clone());
    let members = members(prospect, &environment, spec)?;
    let is_overridden = may_override(prospect, &environment, spec, caller)?;
    let mut behind = None;
    for member in &members {
        behind = surroundings(prospect, member)?.or(behind);
        if !is_overridden {
            in_order(prospect, &environment, member)?;
        }
    }
    let own = ServiceKey { environment: environment.clone(), name: spec.service.clone() };
    let Some(lead) = members.last().cloned() else {
        return Err(refused("it releases nothing".to_owned(), None));
    };
    let chosen_by = members.iter().find(|member| member.service == own).unwrap_or(&lead);
    let policy = match &spec.policy {
        Some(policy) => policy.clone(),
        None => prospect.bound_policy(&chosen_by.service, &chosen_by.from, &chosen_by.to),
    };
    let plan = plan(prospect, &environment, &policy)?;
    let companions = members.iter().take(members.len() - 1).map(|member| CompanionSpec {
        service: member.service.clone(),
        from: member.from.clone(),
        to: member.to.clone(),
    });
    let creation = Creation {
        name: document.metadata.name.clone(),
        service: lead.service.clone(),
        from: lead.from.clone(),
        to: lead.to.clone(),
        companions: companions.collect(),
        plan,
        reshuffle: spec.reshuffle,
        behind,
        override_reason: spec.override_reason.clone(),
        actor: caller.actor.clone(),
        reason: caller.reason.clone(),
    };
    Ok(Prepared { document: document.clone(), transition: release::create(creation, now) })
}

/// A policy as a release in this environment would follow it.
pub(crate) fn plan(prospect: &Prospect<'_>, environment: &Name, policy: &Name) -> Result<Plan, Error> {
    let Some(spec) = prospect.policy(policy) else {
        let key = DocumentKey { kind: Kind::Policy, environment: None, name: policy.clone() };
        let names = prospect.names(Kind::Policy).chain(builtin::policies().keys());
        return Err(Error::NotFound { key, did_you_mean: crate::query::similar(policy.as_str(), names) });
    };
    roles_exist(prospect, environment, policy, spec)?;
    Plan::new(policy, spec, &prospect.metrics()).map_err(|errors| {
        let all: Vec<String> = errors.iter().map(ToString::to_string).collect();
        refused(all.join("; "), None)
    })
}

/// An approval that nobody could ever give would hold a release up for nothing.
fn roles_exist(
    prospect: &Prospect<'_>,
    environment: &Name,
    policy: &Name,
    spec: &PolicySpec,
) -> Result<(), Error> {
    let none = BTreeMap::new();
    let roles = prospect.environment(environment).map_or(&none, |spec| &spec.roles);
    let asked = spec.steps.iter().filter_map(|step| match &step.work {
        StepWork::Approval(approval) => Some((&step.name, &approval.roles)),
        _ => None,
    });
    for (step, wanted) in asked {
        if let Some(unknown) = wanted.iter().find(|role| !roles.contains_key(*role)) {
            let known: Vec<&str> = roles.keys().map(Name::as_str).collect();
            let has = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            return Err(refused(
                format!(
                    "step {step} of policy {policy} asks for an approval by `{unknown}`, but environment \
                     {environment} has no such role; it has {has}"
                ),
                Some(format!(
                    "say who has it in Environment {environment}, as: roles: {{ {unknown}: [anna] }}"
                )),
            ));
        }
    }
    Ok(())
}

/// A service of a release.
#[derive(Clone)]
pub(crate) struct MemberPlan {
    pub(crate) service: ServiceKey,
    pub(crate) from: VersionName,
    pub(crate) to: VersionName,
}

/// Every service of a release, each after those that it needs.
fn members(
    prospect: &Prospect<'_>,
    environment: &Name,
    spec: &ReleaseSpec,
) -> Result<Vec<MemberPlan>, Error> {
    let own = (&spec.service, &spec.version);
    let all = || std::iter::once(own).chain(spec.with.iter().map(|with| (&with.service, &with.version)));
    let mut found = BTreeMap::new();
    for (name, wanted) in all() {
        let service = ServiceKey { environment: environment.clone(), name: name.clone() };
        let version = known_version(prospect, &service, wanted)?;
        let Some(from) = prospect.live(&service).cloned() else {
            return Err(refused(
                format!("{name} has no live version in {environment} yet, so its first one needs no release"),
                Some(format!(
                    "announce its first version: sluice version announce {name} VERSION --endpoint URL"
                )),
            ));
        };
        if found.insert(name.clone(), (service, from, version)).is_some() {
            return Err(refused(format!("{name} is in this release twice"), None));
        }
    }
    for (name, (_, _, version)) in &found {
        for (needed, need) in &version.needs {
            is_met(prospect, environment, (name, version), (needed, need), &found)?;
        }
    }
    let specs: Vec<(Name, &VersionSpec)> =
        all().filter_map(|(name, _)| Some((name.clone(), found.get(name)?.2))).collect();
    let order = service::order(&specs).map_err(|circle| refused(circle.to_string(), None))?;
    Ok(order
        .iter()
        .filter_map(|name| found.remove(name))
        .map(|(service, from, version)| MemberPlan { service, from, to: version.name.clone() })
        .collect())
}

type Found<'a> = BTreeMap<Name, (ServiceKey, VersionName, &'a VersionSpec)>;

/// Whether a version will find what it needs: among what is released with it, or live.
fn is_met(
    prospect: &Prospect<'_>,
    environment: &Name,
    (name, version): (&Name, &VersionSpec),
    (needed, need): (&Name, &VersionNeed),
    found: &Found<'_>,
) -> Result<(), Error> {
    let there = ServiceKey { environment: environment.clone(), name: needed.clone() };
    let has = match found.get(needed) {
        Some((_, _, with)) => Some(&with.name),
        None => prospect.live(&there),
    };
    if has.is_some_and(|has| need.is_met_by(has)) {
        return Ok(());
    }
    let has = has.map_or_else(|| "has none".to_owned(), |has| format!("has {has}"));
    Err(refused(
        format!("{name} {} needs {needed} {need}, and {environment} {has}", version.name),
        Some(format!("release both together: add --with {needed}=VERSION")),
    ))
}

fn known_version<'a>(
    prospect: &'a Prospect<'_>,
    service: &ServiceKey,
    wanted: &VersionName,
) -> Result<&'a VersionSpec, Error> {
    let Some(spec) = prospect.service(service) else {
        let did_you_mean = crate::query::similar(service.name.as_str(), prospect.names(Kind::Service));
        return Err(Error::NotFound { key: document_key(service), did_you_mean });
    };
    prospect.version(service, wanted).ok_or_else(|| {
        let known: Vec<&str> = spec.versions.iter().map(|version| version.name.as_str()).collect();
        let has = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        refused(
            format!("{} has no version {wanted}; it has {has}", service.name),
            Some(format!(
                "announce it with its endpoints: sluice version announce {} {wanted} --endpoint URL",
                service.name
            )),
        )
    })
}

/// The release to wait for, if any; refused when there is nothing to release.
fn surroundings(prospect: &Prospect<'_>, member: &MemberPlan) -> Result<Option<Name>, Error> {
    let MemberPlan { service, from: live, to: wanted } = member;
    let others = prospect.world.releases_of(service);
    if wanted == live {
        let under_way = others.iter().find(|other| !other.release.members().any(|m| m.to == live));
        return Err(refused(
            format!("{wanted} is live already in {}, so there is nothing to release", service.environment),
            under_way.map(|other| format!("to end {}: sluice release abort {0}", other.release.name)),
        ));
    }
    let is_same = |other: &&&crate::world::LiveRelease| {
        other.release.members().any(|m| m.service == service && m.to == wanted)
    };
    if let Some(same) = others.iter().find(is_same) {
        return Err(refused(
            format!("{} is releasing {wanted} already", same.release.name),
            Some(format!("watch it with: sluice release status {} --watch", same.release.name)),
        ));
    }
    let refusing = others.iter().find(|other| {
        let is_kept = other.release.phase.finished_at().is_some();
        other.release.plan.on_newer == OnNewer::Refuse && !is_kept
    });
    if let Some(other) = refusing {
        return Err(refused(
            format!(
                "{} is under way, and its policy {} takes no newer version until it has ended",
                other.release.name, other.release.plan.policy
            ),
            Some(format!("to end it: sluice release abort {}", other.release.name)),
        ));
    }
    Ok(others.last().map(|other| other.release.name.clone()))
}

/// Whether the release goes ahead whatever speaks against it; refused when whoever asks may not say so.
fn may_override(
    prospect: &Prospect<'_>,
    environment: &Name,
    spec: &ReleaseSpec,
    caller: &Caller,
) -> Result<bool, Error> {
    if spec.override_reason.is_none() {
        return Ok(false);
    }
    match prospect.environment(environment) {
        Some(found) if !found.may_override(&caller.actor) => {
            let roles: Vec<&str> = found.override_roles.iter().flatten().map(Name::as_str).collect();
            Err(refused(
                format!("{} may not override in {environment}", caller.actor),
                Some(format!("ask somebody with the role {}", roles.join(" or "))),
            ))
        }
        _ => Ok(true),
    }
}

/// A version goes through the environments in their order.
fn in_order(prospect: &Prospect<'_>, environment: &Name, member: &MemberPlan) -> Result<(), Error> {
    let Some(before) = prospect.environment(environment).and_then(|spec| spec.after.as_ref()) else {
        return Ok(());
    };
    let (name, wanted) = (&member.service.name, &member.to);
    let there = ServiceKey { environment: before.clone(), name: name.clone() };
    let why = match prospect.state(&there) {
        Some(state) if state.has_released(wanted) => return Ok(()),
        Some(_) if prospect.version(&there, wanted).is_some() => {
            format!("{name} {wanted} has not been released in {before} successfully")
        }
        Some(_) => format!("{name} {wanted} does not exist in {before}"),
        None => format!("{name} does not exist in {before}"),
    };
    Err(Error::ReleaseRefused {
        why: format!("{environment} comes after {before}, and {why}"),
        hint: Some(format!(
            "release it there first: sluice release start {name} {wanted} --environment {before}; or, with the \
             right to: --override REASON"
        )),
    })
}

pub(crate) fn refused(why: String, hint: Option<String>) -> Error {
    Error::ReleaseRefused { why, hint }
}

impl Prepared {
    pub(crate) fn write(&self) -> Write {
        Write {
            key: self.document.key(),
            expect: Expect::Absent,
            change: Change::Put {
                document: document_json(&self.document),
                state: to_json(&self.transition.next),
                is_finished: false,
            },
        }
    }

    pub(crate) fn events(&self) -> Vec<NewEvent> {
        crate::actor::log_entries(&self.document.key(), &self.transition.next, &self.transition.entries)
    }

    pub(crate) fn stored(&self, version: u64, now: Timestamp) -> Stored {
        Stored { document: self.document.clone(), version, created_at: now, updated_at: now }
    }

    /// Lets it live, once its write, the `index`-th of a commit, is committed.
    pub(crate) async fn begin(
        self,
        inner: &Arc<Inner>,
        committed: &Committed,
        index: usize,
        now: Timestamp,
    ) -> Resource {
        let version = committed.versions.get(index).copied().unwrap_or_default();
        let stored = self.stored(version, now);
        let release = Arc::new(self.transition.next);
        let resource = release_resource(&stored, &release);
        load::start(inner, Arc::clone(&release), stored);
        load::tell_of_newer(inner, &release).await;
        // What it was to wait for may have ended while it was being recorded, and nobody else would tell it.
        for member in release.members() {
            crate::queue::start_next(inner, member.service).await;
        }
        resource
    }
}
