//! [`step()`]: what follows from an event. Pure and total; every phase answers every event.

use crate::document::policy::{OnFail, OnNewer};
use crate::release::check::CheckRun;
use crate::release::effect::{Answer, Effect, Transition};
use crate::release::event::{Event, Observation};
use crate::release::phase::{Pause, Phase, Return, Stand, Trouble};
use crate::release::plan::{Plan, Step};
use crate::release::reason::{Reason, missing_requests};
use crate::release::status::{Exposed, TimelineEntry, TimelineKind, Verdict};
use crate::release::{Exposure, LastEndpoints, Release, TIMELINE_MAX, TrafficState, verb};
use crate::{Name, ServiceKey, Span, Timestamp, VersionName};

/// For how long a candidate may be without a ready endpoint before that counts as a failure. Visitors are on stable
/// meanwhile, so nobody is hurt; a restart of its only endpoint takes less.
pub const UNREADY_GRACE: Span = Span::from_secs(10);

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
}

/// A new release.
pub fn create(creation: Creation, now: Timestamp) -> Transition {
    let Creation { name, service, from, to, plan, reshuffle, behind, actor, reason } = creation;
    let salt = if reshuffle { format!("{service}/{to}/{name}") } else { format!("{service}/{to}") };
    let phase = match &behind {
        Some(behind) => Phase::Waiting { behind: behind.clone() },
        None => Phase::Pending { since: now },
    };
    let first_reason = match behind {
        Some(behind) => Reason::Queued { behind },
        None => Reason::WaitingForReady { version: to.clone(), endpoints: 0, left: plan.ready_within },
    };
    let nobody = Exposure::nobody();
    let release = Release {
        name,
        service,
        salt,
        checks: plan.checks.iter().map(CheckRun::new).collect(),
        attempt: 1,
        phase,
        traffic: TrafficState {
            desired: nobody.clone(),
            desired_change: 0,
            observed: nobody,
            observed_change: 0,
        },
        exposed: Exposed::default(),
        endpoints: LastEndpoints::default(),
        reason: first_reason,
        reason_at: now,
        timeline: Vec::new(),
        started_at: None,
        created_at: now,
        from,
        to,
        plan,
    };
    let mut draft = Draft::of(&release, now);
    let why = reason.map(|why| format!(": {why}")).unwrap_or_default();
    let text = format!(
        "Release of {} from {} to {} under policy {}{why}",
        release.service.name, release.from, release.to, release.plan.policy
    );
    draft.note_by(TimelineKind::Created, text, Some(actor));
    draft.finish()
}

/// What follows from an event.
pub fn step(release: &Release, event: &Event, now: Timestamp) -> Transition {
    let mut draft = Draft::of(release, now);
    match event {
        Event::Observed(seen) => draft.observed(seen),
        Event::Command(command) => verb::answer(&mut draft, command),
        Event::TrafficInForce { change } => draft.in_force(*change),
        Event::Newer { by } => draft.newer(by),
        Event::Turn { live } => draft.turn(live),
    }
    draft.finish()
}

/// What follows when deciding about a release panicked: everyone goes back to the version that they had. Looks at as
/// little of the release as it can.
pub fn crashed(release: &Release, message: &str, now: Timestamp) -> Transition {
    let mut draft = Draft::of(release, now);
    let trouble = Trouble::Crashed { message: message.to_owned() };
    match &release.phase {
        phase if phase.is_over() => {}
        Phase::Waiting { .. } | Phase::Pending { .. } => {
            draft.end(Phase::Failed { step: None, at: now }, Reason::Trouble(trouble))
        }
        _ => draft.go_back(Return::Trouble(trouble)),
    }
    draft.finish()
}

/// A transition in the making.
pub(super) struct Draft {
    pub(super) next: Release,
    pub(super) now: Timestamp,
    pub(super) answer: Answer,
    effects: Vec<Effect>,
    entries: Vec<TimelineEntry>,
}

impl Draft {
    fn of(release: &Release, now: Timestamp) -> Draft {
        Draft { next: release.clone(), now, answer: Answer::None, effects: Vec::new(), entries: Vec::new() }
    }

    fn finish(mut self) -> Transition {
        self.next.timeline.extend(self.entries.iter().cloned());
        let excess = self.next.timeline.len().saturating_sub(TIMELINE_MAX);
        self.next.timeline.drain(..excess);
        Transition { next: self.next, effects: self.effects, entries: self.entries, answer: self.answer }
    }

    fn note(&mut self, kind: TimelineKind, text: String) {
        self.note_by(kind, text, None);
    }

    pub(super) fn note_by(&mut self, kind: TimelineKind, text: String, actor: Option<String>) {
        self.entries.push(TimelineEntry { at: self.now, kind, text, actor });
    }

    /// Says why the release is where it is. Since when it is so only changes with the kind of reason, not with its
    /// numbers.
    pub(super) fn because(&mut self, reason: Reason) {
        if std::mem::discriminant(&reason) != std::mem::discriminant(&self.next.reason) {
            self.next.reason_at = self.now;
        }
        self.next.reason = reason;
    }

    fn expose(&mut self, exposure: Exposure) {
        let traffic = &mut self.next.traffic;
        if traffic.desired != exposure {
            traffic.desired = exposure;
            traffic.desired_change += 1;
            self.effects.push(Effect::ApplyTraffic { change: traffic.desired_change });
        }
    }

    fn plan_step(&self, index: usize) -> Option<&Step> {
        self.next.plan.steps.get(index)
    }

    /// Enters a step; past the last one, the candidate is promoted.
    pub(super) fn enter(&mut self, index: usize) {
        let Some(step) = self.plan_step(index).cloned() else { return self.promote() };
        self.next.checks.iter_mut().for_each(CheckRun::restart);
        let audience = step.exposure.words();
        let text =
            format!("Step {} ({} of {}): {audience}", step.name, index + 1, self.next.plan.steps.len());
        self.note(TimelineKind::Step, text);
        self.next.phase = Phase::Progressing(Stand::at(index));
        self.expose(step.exposure);
        let version = self.next.to.clone();
        self.because(Reason::Moving { audience, version });
        self.begin_hold_if_in_force();
    }

    fn begin_hold_if_in_force(&mut self) {
        let now = self.now;
        let agrees = self.next.traffic.agrees();
        if let Phase::Progressing(stand) = &mut self.next.phase
            && agrees
        {
            stand.since.get_or_insert(now);
            stand.watched_at = Some(now);
        }
    }

    fn promote(&mut self) {
        self.next.phase = Phase::Promoting { since: self.now };
        let version = self.next.to.clone();
        self.because(Reason::Promoting { version });
        self.expose(Exposure::everyone());
        if self.next.traffic.agrees() {
            self.succeed();
        }
    }

    fn succeed(&mut self) {
        let keep = self.next.plan.keep_previous;
        let kept_until = (keep > Span::ZERO).then(|| self.now.after(keep));
        self.next.phase = Phase::Succeeded { at: self.now, kept_until };
        let (version, previous) = (self.next.to.clone(), self.next.from.clone());
        self.effects.push(Effect::MakeLive { version: version.clone() });
        let reason = match kept_until {
            Some(until) => Reason::Kept { version, previous, until },
            None => Reason::Released { version },
        };
        self.note(TimelineKind::Ended, reason.to_string());
        self.because(reason);
        if kept_until.is_none() {
            self.effects.push(Effect::StartNext);
        }
    }

    /// The previous version is no longer kept.
    fn let_go(&mut self, at: Timestamp) {
        self.next.phase = Phase::Succeeded { at, kept_until: None };
        self.note(TimelineKind::Released, format!("{} is no longer kept", self.next.from));
        let version = self.next.to.clone();
        self.because(Reason::Released { version });
        self.effects.push(Effect::StartNext);
    }

    /// Ends without traffic having to move.
    pub(super) fn end(&mut self, phase: Phase, reason: Reason) {
        self.next.phase = phase;
        self.note(TimelineKind::Ended, reason.to_string());
        self.because(reason);
        self.effects.push(Effect::StartNext);
    }

    /// Takes everyone back to the version that they had.
    pub(super) fn go_back(&mut self, why: Return) {
        let step = self.next.phase.step();
        let because = why.reason();
        let text = format!("Everyone goes back to {}. {because}", self.next.from);
        self.note(TimelineKind::RollingBack, text);
        self.next.phase = Phase::RollingBack { why, step, since: self.now };
        self.return_if_possible();
    }

    /// Traffic only ever goes to versions with ready endpoints: while stable has none but the candidate has, people
    /// stay where they are served.
    fn return_if_possible(&mut self) {
        let Phase::RollingBack { why, .. } = &self.next.phase else { return };
        let because = Box::new(why.reason());
        let version = self.next.from.clone();
        let LastEndpoints { stable, candidate, .. } = self.next.endpoints;
        if stable.any_ready() || !candidate.any_ready() {
            self.expose(Exposure::nobody());
            self.because(Reason::GoingBack { version, because });
            self.end_return_if_in_force();
        } else {
            self.because(Reason::StableNotReady { version, because });
        }
    }

    fn end_return_if_in_force(&mut self) {
        let traffic = &self.next.traffic;
        if !(traffic.agrees() && traffic.desired.is_nobody()) {
            return;
        }
        let Phase::RollingBack { why, step, .. } = self.next.phase.clone() else { return };
        let at = self.now;
        let reason = Reason::Back { version: self.next.from.clone(), because: Box::new(why.reason()) };
        self.effects.push(Effect::MakeLive { version: self.next.from.clone() });
        self.end(
            match why {
                Return::RolledBack(_) => Phase::RolledBack { step, at },
                Return::Aborted(_) => Phase::Aborted { step, at },
                Return::Superseded { by } => Phase::Superseded { by, step, at },
                Return::Trouble(_) => Phase::Failed { step, at },
            },
            reason,
        );
    }

    fn in_force(&mut self, change: u64) {
        let traffic = &mut self.next.traffic;
        // What was superseded on its way tells nothing about what is wanted now.
        if traffic.agrees() || change < traffic.desired_change {
            return;
        }
        traffic.observed = traffic.desired.clone();
        traffic.observed_change = traffic.desired_change;
        let text = match traffic.observed.words().as_str() {
            "everyone" => format!("Everyone meets {} now", self.next.to),
            "nobody" => format!("Nobody meets {} any more", self.next.to),
            audience => format!("{audience} meets {} now", self.next.to),
        };
        self.note(TimelineKind::Traffic, text);
        match self.next.phase {
            Phase::Progressing(_) => self.begin_hold_if_in_force(),
            Phase::Promoting { .. } => self.succeed(),
            Phase::RollingBack { .. } => self.end_return_if_in_force(),
            _ => {}
        }
    }

    fn observed(&mut self, seen: &Observation) {
        self.see_endpoints(seen);
        match self.next.phase.clone() {
            Phase::Pending { since } => self.start_when_ready(since),
            Phase::Progressing(stand) => match self.watch(seen) {
                Some(trouble) => self.on_trouble(trouble),
                None => self.hold(stand, seen),
            },
            Phase::Paused { why, .. } => {
                if let Some(trouble) = self.watch(seen)
                    && why != Pause::CheckFailed
                {
                    self.on_trouble(trouble);
                }
            }
            Phase::Promoting { .. } => {
                if let Some(trouble) = self.watch(seen) {
                    self.go_back(Return::RolledBack(trouble));
                }
            }
            Phase::Succeeded { at, kept_until: Some(until) } => match self.watch(seen) {
                Some(trouble) => self.go_back(Return::RolledBack(trouble)),
                None if self.now >= until => self.let_go(at),
                None => {}
            },
            Phase::RollingBack { .. } => {
                self.count(seen);
                self.return_if_possible();
            }
            Phase::Waiting { .. }
            | Phase::Succeeded { kept_until: None, .. }
            | Phase::RolledBack { .. }
            | Phase::Aborted { .. }
            | Phase::Superseded { .. }
            | Phase::Failed { .. } => {}
        }
    }

    fn see_endpoints(&mut self, seen: &Observation) {
        let unready_since = match seen.candidate_endpoints.any_ready() {
            true => None,
            false => self.next.endpoints.unready_since.or(Some(self.now)),
        };
        self.next.endpoints = LastEndpoints {
            stable: seen.stable_endpoints,
            candidate: seen.candidate_endpoints,
            unready_since,
        };
    }

    fn start_when_ready(&mut self, since: Timestamp) {
        let version = self.next.to.clone();
        let waited = self.now.since(since);
        let endpoints = self.next.endpoints.candidate;
        if endpoints.any_ready() {
            self.next.started_at = Some(self.now);
            let text = format!("{version} is ready: {} of {} endpoints", endpoints.ready, endpoints.total);
            self.note(TimelineKind::Started, text);
            self.enter(0);
        } else if waited >= self.next.plan.ready_within {
            self.end(Phase::Failed { step: None, at: self.now }, Reason::NeverReady { version, waited });
        } else {
            let left = self.next.plan.ready_within.left_after(waited);
            self.because(Reason::WaitingForReady { version, endpoints: endpoints.total, left });
        }
    }

    fn count(&mut self, seen: &Observation) {
        let exposed = &mut self.next.exposed;
        exposed.requests = exposed.requests.saturating_add(seen.candidate.requests);
        exposed.failed = exposed.failed.saturating_add(seen.candidate.failed());
    }

    /// Counts what was seen, asks every check, and says what is wrong, if anything is.
    fn watch(&mut self, seen: &Observation) -> Option<Reason> {
        self.count(seen);
        let Release { checks, plan, traffic, .. } = &mut self.next;
        let is_everyone = traffic.desired.is_everyone();
        for (run, check) in checks.iter_mut().zip(&plan.checks) {
            run.observe(check, seen, is_everyone, self.now);
        }
        let failed = checks.iter().zip(&plan.checks).find(|(run, _)| run.finding.verdict() == Verdict::Fail);
        if let Some((run, check)) = failed {
            return Some(Reason::CheckFailed { finding: run.finding.text(check) });
        }
        let unready_for = self.now.since(self.next.endpoints.unready_since?);
        (unready_for >= UNREADY_GRACE)
            .then(|| Reason::NotReady { version: self.next.to.clone(), unready_for })
    }

    fn on_trouble(&mut self, trouble: Reason) {
        self.note(TimelineKind::Verdict, trouble.to_string());
        match self.next.plan.on_fail {
            OnFail::Rollback => self.go_back(Return::RolledBack(trouble)),
            OnFail::Pause => self.pause(Pause::CheckFailed, trouble),
        }
    }

    pub(super) fn pause(&mut self, why: Pause, reason: Reason) {
        let (Phase::Progressing(mut stand) | Phase::Paused { mut stand, .. }) = self.next.phase else {
            return;
        };
        stand.watched_at = None;
        stand.waiting_since = None;
        self.next.phase = Phase::Paused { stand, why, since: self.now };
        self.note(TimelineKind::Paused, format!("Paused. {reason}"));
        self.because(reason);
    }

    /// Goes on where a pause began. After a failed check everything is judged anew: whoever resumes has decided that
    /// what was found is bearable.
    pub(super) fn resume(&mut self) {
        let Phase::Paused { mut stand, why, .. } = self.next.phase else { return };
        if why == Pause::CheckFailed {
            self.next.checks = self.next.plan.checks.iter().map(CheckRun::new).collect();
            self.next.endpoints.unready_since = None;
        }
        stand.watched_at = None;
        self.next.phase = Phase::Progressing(stand);
        self.begin_hold_if_in_force();
    }

    fn hold(&mut self, mut stand: Stand, seen: &Observation) {
        let Some(step) = self.plan_step(stand.step).cloned() else { return self.promote() };
        let audience = step.exposure.words();
        if !self.next.traffic.agrees() {
            let version = self.next.to.clone();
            return self.because(Reason::Moving { audience, version });
        }
        stand.since.get_or_insert(self.now);
        stand.watch(self.now);
        stand.requests = stand.requests.saturating_add(seen.candidate.judged());
        let time_left = step.hold.time.left_after(stand.held);
        let requests_left = step.hold.requests.saturating_sub(stand.requests);
        if step.hold.until_promoted {
            self.next.phase = Phase::Progressing(stand);
            return self.because(Reason::UntilPromoted { step: step.name, audience });
        }
        if time_left > Span::ZERO {
            stand.waiting_since = None;
            self.next.phase = Phase::Progressing(stand);
            return self.because(Reason::Holding { step: step.name, audience, time_left, requests_left });
        }
        self.next.phase = Phase::Progressing(stand);
        match self.missing(&step, &stand) {
            None => {
                self.note(TimelineKind::Step, self.done_text(&step, &stand));
                self.enter(stand.step + 1);
            }
            Some(missing) => self.wait_for_data(stand, step.name, missing),
        }
    }

    /// What data the step still lacks, in words. A step that nobody meets lacks none.
    fn missing(&self, step: &Step, stand: &Stand) -> Option<String> {
        if stand.requests < step.hold.requests {
            return Some(missing_requests(stand.requests, step.hold.requests));
        }
        if step.exposure.is_nobody() {
            return None;
        }
        let mut checks = self.next.checks.iter().zip(&self.next.plan.checks);
        checks
            .find(|(run, _)| run.finding.verdict() == Verdict::Inconclusive)
            .map(|(run, check)| run.finding.text(check))
    }

    fn done_text(&self, step: &Step, stand: &Stand) -> String {
        let checks = match self.next.checks.len() {
            0 => "no checks are asked for".to_owned(),
            1 => "its check passes".to_owned(),
            count => format!("all {count} checks pass"),
        };
        let held = stand.held.rounded();
        let requests = crate::release::finding::requests(stand.requests);
        format!("Step {} is done: watched for {held}, {requests} to the candidate, {checks}", step.name)
    }

    fn wait_for_data(&mut self, mut stand: Stand, step: Name, missing: String) {
        let rule = self.next.plan.on_inconclusive;
        let since = *stand.waiting_since.get_or_insert(self.now);
        self.next.phase = Phase::Progressing(stand);
        let waited = self.now.since(since);
        if waited < rule.wait {
            let left = rule.wait.left_after(waited);
            let reason = Reason::TooLittle { step, missing, left };
            if waited == Span::ZERO {
                self.note(TimelineKind::Waiting, reason.to_string());
            }
            return self.because(reason);
        }
        let reason = Reason::Inconclusive { missing, waited };
        match rule.then {
            OnFail::Pause => self.pause(Pause::Inconclusive, reason),
            OnFail::Rollback => self.go_back(Return::RolledBack(reason)),
        }
    }

    fn newer(&mut self, by: &Name) {
        let by = by.clone();
        let (at, step) = (self.now, self.next.phase.step());
        match (&self.next.phase, self.next.plan.on_newer) {
            (Phase::Succeeded { at, kept_until: Some(_) }, _) => self.let_go(*at),
            (Phase::Waiting { .. } | Phase::Pending { .. }, OnNewer::Supersede) => {
                self.end(Phase::Superseded { by: by.clone(), step, at }, Reason::Superseded { by });
            }
            (Phase::Progressing(_) | Phase::Paused { .. }, OnNewer::Supersede) => {
                self.go_back(Return::Superseded { by });
            }
            // Queued ones wait; what is about to end ends by itself; what is over stays over.
            _ => {}
        }
    }

    fn turn(&mut self, live: &VersionName) {
        if !matches!(self.next.phase, Phase::Waiting { .. }) {
            return;
        }
        if *live == self.next.to {
            let version = live.clone();
            return self.end(Phase::Failed { step: None, at: self.now }, Reason::AlreadyLive { version });
        }
        self.next.from = live.clone();
        self.begin();
    }

    /// Waits for the candidate to be ready.
    pub(super) fn begin(&mut self) {
        self.next.phase = Phase::Pending { since: self.now };
        let (version, left) = (self.next.to.clone(), self.next.plan.ready_within);
        self.because(Reason::WaitingForReady {
            version,
            endpoints: self.next.endpoints.candidate.total,
            left,
        });
    }
}

impl Return {
    /// Why, in the words of a reason.
    pub(super) fn reason(&self) -> Reason {
        match self {
            Return::RolledBack(reason) | Return::Aborted(reason) => reason.clone(),
            Return::Superseded { by } => Reason::Superseded { by: by.clone() },
            Return::Trouble(trouble) => Reason::Trouble(trouble.clone()),
        }
    }
}
