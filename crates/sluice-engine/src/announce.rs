//! Announcing versions: a pipeline says what it has deployed, and nobody meets it until it is released.

use std::collections::BTreeMap;

use serde_json::json;
use sluice_core::document::environment::Start;
use sluice_core::document::service::VersionSpec;
use sluice_core::document::{Document, Kind, Metadata, Problems, ServiceSpec, Spec, check};
use sluice_core::{Name, ServiceKey, VersionName};

use crate::engine::Engine;
use crate::error::Error;
use crate::inner::{document_json, release_resource, to_json};
use crate::port::store::{self, Change, Commit, Expect, NewEvent, Remembered, Write};
use crate::prospect::Prospect;
use crate::releases::{given_before, remember};
use crate::resource::{
    Announced, Announcement, ApplyAction, Caller, CreateService, HandOn, ReleaseRequest, Resource,
};
use crate::state::{AnnouncedVersion, ServiceState, StartByItself};
use crate::world::{Stored, World, document_key};

/// How often an announcement is worked out anew when a release changed the service's row meanwhile.
const RETRIES_MAX: u32 = 20;

/// What an announcement comes to.
struct Work {
    action: ApplyAction,
    document: Document,
    before: Option<u64>,
    state: ServiceState,
    text: String,
}

impl Engine {
    /// Takes note of a version that was deployed. Saying the same again changes nothing.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a service that does not exist and is not to be created,
    /// [`Error::AnnouncementRefused`] for a version that is known with other endpoints or needs,
    /// [`Error::Invalid`] when what it needs leads nowhere or in a circle.
    pub async fn announce(
        &self,
        service: &ServiceKey,
        announcement: Announcement,
        caller: &Caller,
    ) -> Result<Announced, Error> {
        let inner = &self.inner;
        let guard = inner.configuring.lock().await;
        let remember = remember(caller, &json!({ "service": service, "announcement": announcement }));
        if let Some((key, hash)) = &remember
            && let Some(given) = given_before(inner, key, hash).await?
        {
            return Ok(given);
        }
        let mut attempt = 0;
        let work = loop {
            attempt += 1;
            let now = inner.now();
            let work = work(&inner.world(), service, &announcement, caller, now)?;
            if work.action == ApplyAction::Unchanged {
                break work;
            }
            match inner.commit(work.commit(service, &announcement, caller, now)).await {
                Ok(committed) => {
                    let version = committed.versions.first().copied().unwrap_or_default();
                    self.adopt(service, &work, version, now);
                    break work;
                }
                Err(store::Error::Conflict { .. }) if attempt < RETRIES_MAX => {}
                Err(error) => return Err(error.into()),
            }
        };
        inner.publisher.put_in_force(&inner.world).await;
        drop(guard);
        let tried = crate::starter::start_what_may(inner, service).await;
        let announced = self.announced(service, &announcement.version, work, tried);
        if let Some((key, request)) = remember {
            let answer = to_json(&announced);
            let remember = Some(Remembered { key, request, answer });
            inner.commit(Commit { now: inner.now(), remember, ..Commit::default() }).await?;
        }
        Ok(announced)
    }

    fn adopt(&self, service: &ServiceKey, work: &Work, version: u64, now: sluice_core::Timestamp) {
        let mut world = self.inner.world();
        let key = document_key(service);
        let created_at = world.document(&key).map_or(now, |before| before.created_at);
        let stored = Stored { document: work.document.clone(), version, created_at, updated_at: now };
        world.put_document(key, stored);
        world.set_state(service, work.state.clone());
        world.reroute(service);
        drop(world);
        self.inner.tell_service(service);
    }

    /// What an announcement has led to.
    fn announced(
        &self,
        service: &ServiceKey,
        version: &VersionName,
        work: Work,
        tried: BTreeMap<VersionName, Error>,
    ) -> Announced {
        let world = self.inner.world();
        let releases = world.releases_of(service);
        let of_version = |live: &&&crate::world::LiveRelease| {
            live.release.members().any(|member| member.service == service && member.to == version)
        };
        let release = releases.iter().find(of_version);
        let live = world.live(service);
        let name = &service.name;
        let text = match release {
            Some(live) => format!("{version} is being released by {}", live.release.name),
            None if live == Some(version) => format!("{version} is live"),
            None => match tried.get(version) {
                Some(why) => format!("{version} is dark; its release starts by itself when it may: {why}"),
                None if work.state.announced(version).is_some_and(|known| known.start.is_some()) => {
                    format!("{version} is dark; its release starts by itself when it may")
                }
                None => format!(
                    "{version} is dark until it is released: sluice release start {name} {version}{}",
                    environment_option(&service.environment)
                ),
            },
        };
        let stored = world.document(&document_key(service));
        Announced {
            action: work.action,
            text,
            service: stored.map_or_else(
                || crate::inner::resource(&unstored(&work.document), None),
                |stored| self.inner.resource_of(&world, stored),
            ),
            release: release.map(|live| release_resource(&live.stored, &live.release)),
        }
    }

    /// Forgets a version that was announced and that nobody needs.
    ///
    /// # Errors
    /// [`Error::NotFound`] for an unknown service, [`Error::AnnouncementRefused`] for a version that is live, being
    /// released, named by the document, or unknown.
    pub async fn withdraw(
        &self,
        service: &ServiceKey,
        version: &VersionName,
        caller: &Caller,
    ) -> Result<(), Error> {
        let inner = &self.inner;
        let _guard = inner.configuring.lock().await;
        let mut attempt = 0;
        loop {
            attempt += 1;
            let (document, row, state) = withdrawn(&inner.world(), service, version)?;
            let now = inner.now();
            let commit = Commit {
                now,
                writes: vec![Write {
                    key: document_key(service),
                    expect: Expect::Version(row),
                    change: Change::State { state: to_json(&state), is_finished: false },
                }],
                events: vec![event(service, caller, format!("Version {version} was withdrawn"), "withdrawn")],
                ..Commit::default()
            };
            match inner.commit(commit).await {
                Ok(committed) => {
                    let row = committed.versions.first().copied().unwrap_or(row);
                    let work = Work {
                        action: ApplyAction::Changed,
                        document,
                        before: Some(row),
                        state,
                        text: String::new(),
                    };
                    self.adopt(service, &work, row, now);
                    break;
                }
                Err(store::Error::Conflict { .. }) if attempt < RETRIES_MAX => {}
                Err(error) => return Err(error.into()),
            }
        }
        inner.publisher.put_in_force(&inner.world).await;
        Ok(())
    }

    /// Starts the release of a version in the next environment, where it is announced first when that was not done.
    ///
    /// # Errors
    /// As [`Engine::announce`] and [`Engine::start_release`].
    pub async fn hand_on(&self, service: &Name, request: HandOn, caller: &Caller) -> Result<Resource, Error> {
        let there = ServiceKey { environment: request.to.clone(), name: service.clone() };
        let (version, build, needs) = {
            let world = self.inner.world();
            let before = world.environment(&request.to).and_then(|spec| spec.after.clone());
            let before = before.map(|environment| ServiceKey { environment, name: service.clone() });
            let version = match (&request.version, &before) {
                (Some(version), _) => version.clone(),
                (None, Some(before)) => world.live(before).cloned().ok_or_else(|| {
                    refused(format!("{service} has no live version in {}", before.environment), None)
                })?,
                (None, None) => {
                    return Err(refused(
                        format!(
                            "{} comes after no environment, so it is not known which version to take",
                            request.to
                        ),
                        Some(format!("name it: sluice promote {service} VERSION --to {}", request.to)),
                    ));
                }
            };
            let known = before.and_then(|before| {
                world.service(&before)?.versions.iter().find(|known| known.name == version).cloned()
            });
            let (build, needs) = known.map(|known| (known.build, known.needs)).unwrap_or_default();
            (version, build, needs)
        };
        if !request.endpoints.is_empty() {
            let announcement = Announcement {
                version: version.clone(),
                endpoints: request.endpoints,
                needs,
                build,
                create: None,
                start: Some(false),
                policy: None,
            };
            // The key belongs to the release that follows.
            let caller = Caller { idempotency_key: None, ..caller.clone() };
            self.announce(&there, announcement, &caller).await?;
        }
        let request = ReleaseRequest {
            service: service.clone(),
            version,
            environment: Some(request.to),
            policy: request.policy,
            with: Vec::new(),
            reshuffle: false,
            override_reason: request.override_reason,
        };
        self.start_release(request, caller).await
    }
}

fn work(
    world: &World,
    service: &ServiceKey,
    announcement: &Announcement,
    caller: &Caller,
    now: sluice_core::Timestamp,
) -> Result<Work, Error> {
    let (document, before, mut state) = match (world.document(&document_key(service)), &announcement.create) {
        (Some(stored), _) => {
            (stored.document.clone(), Some(stored.version), world.state(service).cloned().unwrap_or_default())
        }
        (None, Some(create)) => (new_service(service, create), None, ServiceState::default()),
        (None, None) => {
            let did_you_mean = crate::query::similar(service.name.as_str(), world.names(Kind::Service));
            return Err(Error::NotFound { key: document_key(service), did_you_mean });
        }
    };
    let Spec::Service(spec) = &document.spec else { return Err(not_a_service(service)) };
    let wanted = VersionSpec {
        name: announcement.version.clone(),
        endpoints: announcement.endpoints.clone(),
        needs: announcement.needs.clone(),
        build: announcement.build.clone(),
    };
    let action = note(spec, &mut state, &wanted, service, caller, now)?;
    let is_first = state.live.is_none();
    if is_first {
        state.succeeded(&wanted.name);
    }
    let start = announcement.start.unwrap_or_else(|| {
        world.environment(&service.environment).is_some_and(|spec| spec.start == Start::Automatic)
    });
    let may_start = start && action == ApplyAction::Created && !is_first;
    if let Some(known) = state.announced_mut(&wanted.name).filter(|_| may_start) {
        known.start = Some(StartByItself { policy: announcement.policy.clone() });
    }
    let mut prospect = Prospect::of(world);
    let mut effective = document.clone();
    effective.spec = Spec::Service(state.effective(spec));
    prospect.applied.insert(document_key(service), effective);
    if action != ApplyAction::Unchanged {
        // What is shared, as a route or a circle of needs, may be reported at any of those who share it.
        let before = check::references(&world.documents());
        let after = check::references(&prospect.documents()).into_iter();
        let new = after.filter(|broken| !before.contains(broken));
        if let Some(problems) = Problems::new(new.map(|broken| broken.problem).collect()) {
            return Err(Error::Invalid(problems));
        }
    }
    let text = match (action, is_first) {
        (ApplyAction::Created, true) => {
            format!("Version {} was announced; it is the first and live", wanted.name)
        }
        (ApplyAction::Created, false) => format!("Version {} was announced", wanted.name),
        _ => format!("What is known of version {} has changed", wanted.name),
    };
    Ok(Work { action, document, before, state, text })
}

/// Notes a version; one that is known must be the same where requests go and in what it needs.
fn note(
    spec: &ServiceSpec,
    state: &mut ServiceState,
    wanted: &VersionSpec,
    service: &ServiceKey,
    caller: &Caller,
    now: sluice_core::Timestamp,
) -> Result<ApplyAction, Error> {
    let named = spec.versions.iter().find(|known| known.name == wanted.name);
    if let Some(known) = named.or(state.announced(&wanted.name).map(|known| &known.spec)) {
        if known.endpoints != wanted.endpoints {
            let list = |spec: &VersionSpec| {
                let all: Vec<String> = spec.endpoints.iter().map(ToString::to_string).collect();
                if all.is_empty() { "no endpoints".to_owned() } else { all.join(", ") }
            };
            return Err(refused(
                format!(
                    "{} {} is known with {}, not with {}",
                    service,
                    wanted.name,
                    list(known),
                    list(wanted)
                ),
                Some(format!(
                    "a version does not change once people may have met it: give the new build a version of its \
                     own, or withdraw the old one first: sluice version withdraw {} {}{}",
                    service.name,
                    wanted.name,
                    environment_option(&service.environment)
                )),
            ));
        }
        if known.needs != wanted.needs {
            return Err(refused(
                format!("{service} {} is known with other needs", wanted.name),
                Some("give the new build a version of its own".to_owned()),
            ));
        }
        if named.is_some() || known.build == wanted.build || wanted.build.is_unknown() {
            return Ok(ApplyAction::Unchanged);
        }
        if let Some(known) = state.announced_mut(&wanted.name) {
            known.spec.build = wanted.build.clone();
        }
        return Ok(ApplyAction::Changed);
    }
    if wanted.endpoints.is_empty() && !spec.routes.is_empty() {
        return Err(refused(
            format!("{service} answers requests, and {} has no endpoint to answer them", wanted.name),
            Some("say where it listens: --endpoint http://HOST:PORT".to_owned()),
        ));
    }
    state.announced.push(AnnouncedVersion {
        spec: wanted.clone(),
        by: caller.actor.clone(),
        at: now,
        start: None,
    });
    Ok(ApplyAction::Created)
}

fn withdrawn(
    world: &World,
    service: &ServiceKey,
    version: &VersionName,
) -> Result<(Document, u64, ServiceState), Error> {
    let (Some(stored), Some(state)) = (world.document(&document_key(service)), world.state(service)) else {
        let did_you_mean = crate::query::similar(service.name.as_str(), world.names(Kind::Service));
        return Err(Error::NotFound { key: document_key(service), did_you_mean });
    };
    let needing = world
        .releases_of(service)
        .into_iter()
        .find(|live| {
            let mut members = live.release.members();
            members.any(|m| m.service == service && (m.from == version || m.to == version))
        })
        .map(|live| live.release.name.clone());
    if state.live.as_ref() == Some(version) {
        return Err(refused(
            format!("{version} is live, so it cannot be withdrawn"),
            Some("release another version first".to_owned()),
        ));
    }
    if let Some(release) = needing {
        return Err(refused(
            format!("{release} needs {version}, so it cannot be withdrawn"),
            Some(format!("end that release first: sluice release abort {release}")),
        ));
    }
    if state.announced(version).is_none() {
        let is_named = world
            .service(service)
            .is_some_and(|spec| spec.versions.iter().any(|known| known.name == *version));
        return Err(match is_named {
            true => refused(
                format!("{version} is named by the document of {}, not announced", service.name),
                Some("take it out of the document and apply that".to_owned()),
            ),
            false => refused(format!("{} has no version {version}", service.name), None),
        });
    }
    let mut state = state.clone();
    state.announced.retain(|known| known.spec.name != *version);
    state.released.retain(|known| known != version);
    Ok((stored.document.clone(), stored.version, state))
}

impl Work {
    fn commit(
        &self,
        service: &ServiceKey,
        announcement: &Announcement,
        caller: &Caller,
        now: sluice_core::Timestamp,
    ) -> Commit {
        let expect = self.before.map_or(Expect::Absent, Expect::Version);
        let change = match self.before {
            Some(_) => Change::State { state: to_json(&self.state), is_finished: false },
            None => Change::Put {
                document: document_json(&self.document),
                state: to_json(&self.state),
                is_finished: false,
            },
        };
        let mut event = event(service, caller, self.text.clone(), "announced");
        event.data = to_json(announcement);
        Commit {
            now,
            writes: vec![Write { key: document_key(service), expect, change }],
            events: vec![event],
            ..Commit::default()
        }
    }
}

fn event(service: &ServiceKey, caller: &Caller, text: String, what: &str) -> NewEvent {
    let why = caller.reason.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
    NewEvent {
        kind: format!("service.{what}"),
        subject: document_key(service),
        actor: caller.actor.clone(),
        text: format!("{text}{why}"),
        data: json!({}),
    }
}

fn new_service(service: &ServiceKey, create: &CreateService) -> Document {
    let metadata = Metadata {
        name: service.name.clone(),
        environment: Some(service.environment.clone()),
        labels: create.labels.clone(),
        annotations: BTreeMap::new(),
        resource_version: None,
        created_at: None,
        updated_at: None,
    };
    let spec = ServiceSpec::at(create.routes.clone());
    Document { metadata, spec: Spec::Service(spec) }
}

fn unstored(document: &Document) -> Stored {
    let never = sluice_core::Timestamp::from_millis(0);
    Stored { document: document.clone(), version: 0, created_at: never, updated_at: never }
}

fn environment_option(environment: &Name) -> String {
    match environment.as_str() {
        sluice_core::document::DEFAULT_ENVIRONMENT => String::new(),
        other => format!(" --environment {other}"),
    }
}

fn not_a_service(service: &ServiceKey) -> Error {
    refused(format!("{service} is no service"), None)
}

fn refused(why: String, hint: Option<String>) -> Error {
    Error::AnnouncementRefused { why, hint }
}
