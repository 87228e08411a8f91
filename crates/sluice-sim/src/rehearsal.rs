//! A whole release on recorded measurements, by the real engine and core, in virtual time.
//!
//! Visitors come as they came while the recording was made, and are split by the release that is rehearsed; the candidate
//! does as well as what was recorded, or as badly as a [`Fault`] makes it. Hours pass in a fraction of a second, and the
//! same seed gives the same rehearsal.
//!
//! What a rehearsal cannot know: how the candidate really behaves, and what other services do. Approvals, webhooks and
//! waits for other services are passed at once, and a rehearsal says so.

pub(crate) mod crowd;
mod draw;
mod fault;
mod recording;
mod report;
mod shape;
mod witness;
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::json;
use sluice_core::builtin;
use sluice_core::document::policy::{PolicySpec, StepWork};
use sluice_core::document::{self, DEFAULT_ENVIRONMENT, Document, DocumentKey, Kind, Problems, Spec};
use sluice_core::release::Plan;
use sluice_core::release::status::{PhaseName, ReleaseStatus, Verb};
use sluice_core::{Name, ServiceKey, Span, Timestamp, VersionName};
use sluice_engine::port::Clock;
use sluice_engine::port::history::NoHistory;
use sluice_engine::resource::{ApplyMode, ReleaseRequest};
use sluice_engine::{Caller, Engine, Parts, Settings};

use crate::clock::VirtualClock;
use crate::hooks::Mailroom;
use crate::memory::MemoryStore;
use crowd::Crowd;
pub use fault::{Among, Effect, Fault, Onset};
pub use recording::{CsvError, CsvProblem, Point, Recording, RecordingError, Stretch, Tenant};
pub use report::{CheckTrace, FaultTrace, Rehearsal, StepTrace};
pub use shape::Shape;
use world::{World, header_of};

/// What is rehearsed.
#[derive(Clone, Debug)]
pub struct RehearsalSpec {
    /// The policy: a built-in one, or one among the documents.
    pub policy: Name,
    /// Policies and metrics. Others are passed over: a rehearsal has a service, segments and an environment of its own.
    pub documents: Vec<Document>,
    /// What was measured.
    pub recording: Arc<Recording>,
    /// How long after the recording's start the release begins.
    pub offset: Span,
    /// What goes wrong with the candidate.
    pub fault: Option<Fault>,
    /// What share of visitors is in each segment that the policy names, 0 to 1. Those that are not named here hold
    /// [`SEGMENT_SHARE`].
    pub segments: BTreeMap<Name, f64>,
    /// Chance comes from here.
    pub seed: u64,
    /// After what time the rehearsal ends, whatever the release does.
    pub horizon: Span,
}

/// What share of visitors is in a segment of which that is not said.
pub const SEGMENT_SHARE: f64 = 0.05;
/// After what time a rehearsal ends: longer than any release that does not wait for people.
pub const HORIZON: Span = Span::from_secs(24 * 3600);
/// Who passes gates.
const ACTOR: &str = "rehearsal";

/// Why nothing could be rehearsed.
#[derive(Debug, thiserror::Error)]
pub enum RehearsalError {
    /// There is no such policy.
    #[error("there is no policy `{policy}`{}", hint.as_ref().map_or_else(String::new, |hint| format!("; did you mean `{hint}`?")))]
    NoPolicy {
        /// The name that was given.
        policy: Name,
        /// One that looks like it.
        hint: Option<String>,
    },
    /// The policy cannot be followed.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Plan(Vec<sluice_core::release::plan::PlanError>),
    /// A share is not a share.
    #[error("{what} is {given}; it must be a number from 0 to 1")]
    Share {
        /// Of what.
        what: String,
        /// What was given.
        given: f64,
    },
    /// Documents do not fit together.
    #[error("{0}")]
    Documents(Problems),
    /// The engine refused something.
    #[error("{0}")]
    Engine(#[from] sluice_engine::Error),
    /// The thread of the rehearsal could not be started or did not end well.
    #[error("the rehearsal could not run: {0}")]
    Thread(String),
}

impl RehearsalSpec {
    /// A release from the start of a recording, under a policy, without any fault.
    pub fn new(policy: Name, recording: Arc<Recording>) -> RehearsalSpec {
        RehearsalSpec {
            policy,
            documents: Vec::new(),
            recording,
            offset: Span::ZERO,
            fault: None,
            segments: BTreeMap::new(),
            seed: 1,
            horizon: HORIZON,
        }
    }

    fn policy_spec(&self) -> Result<PolicySpec, RehearsalError> {
        let given = self.documents.iter().filter(|document| document.metadata.name == self.policy);
        let mut given = given.filter_map(|document| match &document.spec {
            Spec::Policy(policy) => Some(policy.clone()),
            _ => None,
        });
        let found = given.next().or_else(|| builtin::policies().get(&self.policy).cloned());
        found.ok_or_else(|| {
            let written = self.documents.iter().filter(|document| document.spec.kind() == Kind::Policy);
            let names = builtin::policies().keys().chain(written.map(|document| &document.metadata.name));
            let similar = names
                .map(|name| (strsim::damerau_levenshtein(name.as_str(), self.policy.as_str()), name))
                .min()
                .filter(|(distance, _)| *distance <= 3);
            let hint = similar.map(|(_, name)| name.to_string());
            RehearsalError::NoPolicy { policy: self.policy.clone(), hint }
        })
    }

    fn check_shares(&self) -> Result<(), RehearsalError> {
        let among = match self.fault.as_ref().map(|fault| &fault.among) {
            Some(Among::Visitors(share)) => {
                Some(("the share of visitors that a fault hits".to_owned(), *share))
            }
            _ => None,
        };
        let effect = match self.fault.as_ref().map(|fault| &fault.effect) {
            Some(Effect::Errors { share, .. } | Effect::Better { share }) => {
                Some(("the share of requests that fail".to_owned(), *share))
            }
            Some(Effect::Slower { of, .. }) => {
                Some(("the share of requests that are slower".to_owned(), *of))
            }
            _ => None,
        };
        let paths = self.recording.paths.iter().map(|(path, share)| (format!("the share of {path}"), *share));
        let segments = self.segments.iter().map(|(name, share)| (format!("the share of {name}"), *share));
        for (what, given) in among.into_iter().chain(effect).chain(paths).chain(segments) {
            if !(0.0..=1.0).contains(&given) {
                return Err(RehearsalError::Share { what, given });
            }
        }
        Ok(())
    }
}

/// Rehearses a release. Blocks until it is over, for a fraction of a second for each hour of it: from asynchronous code, call
/// it where blocking is allowed.
///
/// # Errors
/// [`RehearsalError`] when there is no such policy, or it cannot be followed.
pub fn run(spec: RehearsalSpec) -> Result<Rehearsal, RehearsalError> {
    spec.check_shares()?;
    let policy = spec.policy_spec()?;
    let thread = std::thread::Builder::new().name("rehearsal".to_owned());
    let thread = thread.spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        let runtime = runtime.map_err(|error| RehearsalError::Thread(error.to_string()))?;
        runtime.block_on(play(&spec, &policy))
    });
    let thread = thread.map_err(|error| RehearsalError::Thread(error.to_string()))?;
    thread.join().unwrap_or_else(|_| Err(RehearsalError::Thread("it panicked".to_owned())))
}

fn known<T: std::str::FromStr>(text: &str) -> T {
    text.parse().ok().expect("the names that a rehearsal gives are well-formed")
}

/// A release under way.
struct Play {
    engine: Engine,
    world: World,
    clock: VirtualClock,
    release: Name,
    began: Timestamp,
    passed: BTreeSet<Name>,
}

async fn play(spec: &RehearsalSpec, policy: &PolicySpec) -> Result<Rehearsal, RehearsalError> {
    let service = ServiceKey { environment: known(DEFAULT_ENVIRONMENT), name: known("rehearsed") };
    let documents = documents(spec, policy, &service)?;
    let seconds = spec.offset.as_millis() / 1000;
    let crowd = Crowd::new(Arc::clone(&spec.recording), spec.fault.clone(), seconds, spec.seed);
    let versions: [VersionName; 2] = [known("1.0.0"), known("2.0.0")];
    let segments = segments(spec, policy).into_iter();
    let share = |name: Name| {
        let share = spec.segments.get(&name).copied().unwrap_or(SEGMENT_SHARE);
        (name, share)
    };
    let world = World::new(crowd, service.clone(), versions, segments.map(share).collect());
    let began = spec.recording.start().after(spec.offset);
    let clock = VirtualClock::starting_at(began);
    let parts = Parts {
        store: Arc::new(MemoryStore::new()),
        traffic: Arc::new(world.clone()),
        metrics: Arc::new(world.clone()),
        sources: Arc::new(world.clone()),
        history: Arc::new(NoHistory),
        hooks: Arc::new(Mailroom::default()),
        clock: Arc::new(clock),
        decide: witness::decide,
    };
    let engine = Engine::start(parts, Settings::default()).await?;
    engine.apply(documents, ApplyMode::Commit, &caller(None)).await?;
    let request = ReleaseRequest {
        service: service.name.clone(),
        version: known("2.0.0"),
        environment: Some(service.environment.clone()),
        policy: Some(spec.policy.clone()),
        with: Vec::new(),
        reshuffle: false,
        override_reason: None,
    };
    let release = engine.start_release(request, &caller(None)).await?.metadata.name;
    let mut play = Play { engine, world, clock, release, began, passed: BTreeSet::new() };
    play.through(spec.horizon).await;
    play.report(spec, policy).await
}

fn caller(reason: Option<&str>) -> Caller {
    Caller { actor: ACTOR.to_owned(), reason: reason.map(str::to_owned), idempotency_key: None }
}

/// The segments that a policy names.
fn segments(spec: &RehearsalSpec, policy: &PolicySpec) -> BTreeSet<Name> {
    let plan =
        Plan::new(&spec.policy, &PolicySpec { checks: Vec::new(), ..policy.clone() }, &BTreeMap::new());
    let mut segments: BTreeSet<Name> = plan.iter().flat_map(Plan::segments).cloned().collect();
    segments.extend(policy.exclude_until_end.iter().cloned());
    segments
}

/// The service that is released, the segments that its visitors belong to, and what the policy needs.
fn documents(
    spec: &RehearsalSpec,
    policy: &PolicySpec,
    service: &ServiceKey,
) -> Result<Vec<Document>, RehearsalError> {
    let attribute = |segment: &Name| format!("in_{}", segment.as_str().replace(['-', '.'], "_"));
    let segments = segments(spec, policy);
    let visitor: BTreeMap<String, _> = segments
        .iter()
        .map(|segment| (attribute(segment), json!({ "header": header_of(segment) })))
        .collect();
    let mut paths: BTreeSet<String> = spec.recording.paths.keys().map(ToString::to_string).collect();
    let own = policy.checks.iter().filter(|check| check.service.is_none());
    paths.extend(own.filter_map(|check| check.path.as_ref()).map(ToString::to_string));
    let version =
        |name: &str, port: u16| json!({ "name": name, "endpoints": [format!("http://127.0.0.1:{port}")] });
    let mut written = vec![json!({
        "kind": "Service",
        "metadata": { "name": service.name },
        "spec": {
            "routes": [{ "host": "rehearsal.example.com" }],
            "versions": [version("1.0.0", 9001), version("2.0.0", 9002)],
            "visitor": visitor,
            "count": paths,
        },
    })];
    for segment in &segments {
        let rule = format!("visitor.{} == 'yes'", attribute(segment));
        written
            .push(json!({ "kind": "Segment", "metadata": { "name": segment }, "spec": { "match": rule } }));
    }
    let approvals = policy.steps.iter().filter_map(|step| match &step.work {
        StepWork::Approval(approval) => Some(&approval.roles),
        _ => None,
    });
    let roles: BTreeMap<&Name, [&str; 1]> = approvals.flatten().map(|role| (role, [ACTOR])).collect();
    if !roles.is_empty() {
        written.push(json!({
            "kind": "Environment",
            "metadata": { "name": DEFAULT_ENVIRONMENT },
            "spec": { "roles": roles },
        }));
    }
    let others: BTreeSet<&Name> = policy.checks.iter().filter_map(|check| check.service.as_ref()).collect();
    for (index, other) in others.into_iter().enumerate() {
        let paths: BTreeSet<String> = policy
            .checks
            .iter()
            .filter(|check| check.service.as_ref() == Some(other))
            .filter_map(|check| check.path.as_ref())
            .map(ToString::to_string)
            .collect();
        written.push(json!({
            "kind": "Service",
            "metadata": { "name": other },
            "spec": {
                "routes": [{ "host": format!("other-{index}.example.com") }],
                "versions": [version("1.0.0", 9003)],
                "count": paths,
            },
        }));
    }
    let given =
        spec.documents.iter().filter(|document| matches!(document.spec, Spec::Policy(_) | Spec::Metric(_)));
    let mut documents: Vec<Document> = given.cloned().collect();
    for value in &written {
        documents.push(document::parse_json(value).map_err(RehearsalError::Documents)?);
    }
    Ok(documents)
}

impl Play {
    /// Lets seconds pass until the release is over, or nobody is there to move it.
    async fn through(&mut self, horizon: Span) {
        let end = self.began.after(horizon);
        let mut steps = 0;
        while self.clock.now() < end {
            self.world.play();
            self.clock.sleep_until(self.clock.now().after(Span::from_secs(1))).await;
            let (stand, entered) = witness::read(|witness| {
                let entered: Vec<Name> =
                    witness.steps[steps..].iter().map(|step| step.name.clone()).collect();
                steps = witness.steps.len();
                (witness.stand.clone(), entered)
            });
            self.world.crowd(|crowd| entered.iter().for_each(|step| crowd.enter(step)));
            let Some(stand) = stand else { continue };
            if stand.is_over || stand.phase == PhaseName::Paused {
                // One more second shows that everyone is back.
                self.world.play();
                return;
            }
            if stand.gate.is_some() || stand.wants_promotion {
                self.pass(stand.gate).await;
            }
        }
    }

    /// Says what people and programs would have to say.
    async fn pass(&mut self, gate: Option<Name>) {
        let verb = if gate.is_some() { Verb::Override } else { Verb::Promote };
        let caller = caller(Some("a rehearsal passes every gate"));
        // A webhook may have passed it in the meantime.
        let outcome = self.engine.act(&self.release, verb, None, &caller).await;
        if outcome.is_ok() {
            let step = witness::read(|witness| {
                witness.steps.iter().rev().nth(usize::from(gate.is_none())).map(|step| step.name.clone())
            });
            self.passed.extend(gate.or(step));
        }
    }

    async fn report(self, spec: &RehearsalSpec, policy: &PolicySpec) -> Result<Rehearsal, RehearsalError> {
        let environment = Some(known(DEFAULT_ENVIRONMENT));
        let key = DocumentKey { kind: Kind::Release, environment, name: self.release.clone() };
        let status = self.engine.get(&key).await?.status.unwrap_or_default();
        let status: ReleaseStatus =
            serde_json::from_value(status).map_err(|error| RehearsalError::Thread(error.to_string()))?;
        let ended = self.clock.now();
        let witness = witness::read(std::mem::take);
        let at = |second: u64| self.began.after(Span::from_secs(second));
        let (harm, met) = self.world.crowd(|crowd| (crowd.harm, crowd.met()));
        let fault = spec.fault.as_ref().map(|_| FaultTrace {
            failed: harm.failed,
            slowed: harm.slowed,
            onset: harm.onset.map(at),
            return_took: harm.onset.zip(harm.back).map(|(onset, back)| at(back).since(at(onset))),
        });
        let checks = status.verdicts.iter().zip(&witness.checks).map(|(verdict, tally)| CheckTrace {
            check: verdict.check.clone(),
            passed: tally.passed,
            failed: tally.failed,
            inconclusive: tally.inconclusive,
            last: verdict.text.clone(),
        });
        let is_promoted = status.phase == PhaseName::Succeeded;
        let rehearsal = Rehearsal {
            policy: spec.policy.clone(),
            seed: spec.seed,
            phase: status.phase,
            reason: status.reason.text,
            began: self.began,
            ended,
            promoted_after: status.finished_at.filter(|_| is_promoted).map(|at| at.since(self.began)),
            timeline: status.timeline,
            steps: witness.steps,
            checks: checks.collect(),
            visitors_met: met,
            requests: status.exposed.requests,
            failed: status.exposed.failed,
            fault,
            notes: self.notes(spec, policy, ended),
        };
        self.engine.stop().await;
        Ok(rehearsal)
    }

    fn notes(&self, spec: &RehearsalSpec, policy: &PolicySpec, ended: Timestamp) -> Vec<String> {
        let mut notes = Vec::new();
        if !self.passed.is_empty() {
            let names: Vec<&str> = self.passed.iter().map(Name::as_str).collect();
            notes.push(format!("Nobody was asked: {} passed at once.", names.join(", ")));
        }
        for segment in segments(spec, policy) {
            let share = spec.segments.get(&segment).copied().unwrap_or(SEGMENT_SHARE);
            notes.push(format!("{} % of visitors were taken to be in {segment}.", share * 100.0));
        }
        let length = Span::from_secs(spec.recording.seconds());
        if ended.since(spec.recording.start()) > length {
            notes.push(format!("The recording is {length} long and was played again from its start."));
        }
        if policy.checks.iter().any(|check| check.service.is_some()) {
            notes.push("Other services were not recorded: checks of them cannot tell.".to_owned());
        }
        notes
    }
}
