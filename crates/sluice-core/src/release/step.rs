//! [`step()`]: what follows from an event. Pure and total; every phase answers every event.

mod back;
mod watch;

use crate::document::policy::OnNewer;
use crate::release::check::CheckRun;
use crate::release::effect::{Answer, Effect, Transition};
use crate::release::event::Event;
use crate::release::phase::{Phase, Return, Stand, Trouble};
use crate::release::plan::{Plan, Step};
use crate::release::reason::{Reason, capitalized, who_meet};
use crate::release::status::{Exposed, TimelineEntry, TimelineKind};
use crate::release::{Exposure, LastEndpoints, Release, TIMELINE_MAX, TrafficState, verb};
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
        None => Phase::Pending { since: now, waited: Span::ZERO },
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
        looked_at: None,
        newer: None,
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
            draft.end(Phase::Failed { step: None, at: now }, Reason::Trouble(trouble));
        }
        // Everyone is on the way already; whoever looks every second may fail every second.
        Phase::RollingBack { .. } => draft.return_if_possible(),
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

    /// Says why the release is where it is. Since when it is so only changes with what is said, not with its numbers.
    pub(super) fn because(&mut self, reason: Reason) {
        if !reason.is_like(&self.next.reason) {
            self.next.reason_at = self.now;
        }
        self.next.reason = reason;
    }

    fn expose(&mut self, exposure: Exposure) {
        let traffic = &mut self.next.traffic;
        // Nobody can be written in several ways.
        let is_still_nobody = traffic.desired.is_nobody() && exposure.is_nobody();
        if traffic.desired != exposure && !is_still_nobody {
            traffic.desired = exposure;
            traffic.desired_change += 1;
            self.effects.push(Effect::ApplyTraffic { change: traffic.desired_change });
        }
    }

    fn plan_step(&self, index: usize) -> Option<&Step> {
        self.next.plan.steps.get(index)
    }

    /// Waits for the candidate to be ready.
    pub(super) fn begin(&mut self) {
        self.next.phase = Phase::Pending { since: self.now, waited: Span::ZERO };
        self.next.looked_at = None;
        let (version, left) = (self.next.to.clone(), self.next.plan.ready_within);
        let endpoints = self.next.endpoints.candidate.total;
        self.because(Reason::WaitingForReady { version, endpoints, left });
    }

    /// Enters a step; past the last one, the candidate is promoted.
    pub(super) fn enter(&mut self, index: usize) {
        let Some(step) = self.plan_step(index).cloned() else { return self.promote() };
        let audience = step.exposure.words();
        let count = self.next.plan.steps.len();
        self.note(TimelineKind::Step, format!("Step {} ({} of {count}): {audience}", step.name, index + 1));
        if step.exposure != self.next.traffic.desired {
            self.next.checks.iter_mut().for_each(CheckRun::restart);
        }
        self.next.phase = Phase::Progressing(Stand::at(index));
        self.expose(step.exposure);
        self.begin_hold_if_in_force();
    }

    fn begin_hold_if_in_force(&mut self) {
        let Phase::Progressing(mut stand) = self.next.phase else { return };
        let Some(step) = self.plan_step(stand.step).cloned() else { return };
        if self.next.traffic.agrees() {
            stand.since.get_or_insert(self.now);
            stand.watched_at = Some(self.now);
            self.next.phase = Phase::Progressing(stand);
            self.because(holding(step, &stand));
        } else {
            self.because(self.moving(step));
        }
    }

    fn moving(&self, step: Step) -> Reason {
        Reason::Moving { step: step.name, audience: step.exposure.words(), version: self.next.to.clone() }
    }

    fn promote(&mut self) {
        self.next.phase = Phase::Promoting { since: self.now };
        self.expose(Exposure::everyone());
        if self.next.traffic.agrees() {
            return self.succeed();
        }
        let version = self.next.to.clone();
        self.note(TimelineKind::Step, format!("The last step is over: everyone gets {version}"));
        self.because(Reason::Promoting { version });
    }

    fn succeed(&mut self) {
        let keep = if self.next.newer.is_some() { Span::ZERO } else { self.next.plan.keep_previous };
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
    fn end(&mut self, phase: Phase, reason: Reason) {
        self.note(TimelineKind::Ended, reason.to_string());
        self.end_quietly(phase, reason);
    }

    /// Ends; the caller notes it.
    pub(super) fn end_quietly(&mut self, phase: Phase, reason: Reason) {
        self.next.phase = phase;
        self.because(reason);
        self.effects.push(Effect::StartNext);
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
            "nobody" => format!("Nobody meets {} any more", self.next.to),
            audience => format!("{} {} now", capitalized(&who_meet(audience)), self.next.to),
        };
        self.note(TimelineKind::Traffic, text);
        match self.next.phase {
            Phase::Progressing(_) => self.begin_hold_if_in_force(),
            Phase::Promoting { .. } => self.succeed(),
            Phase::RollingBack { .. } => self.end_return_if_in_force(),
            _ => {}
        }
    }

    fn newer(&mut self, by: &Name) {
        let by = by.clone();
        match (&self.next.phase, self.next.plan.on_newer) {
            (phase, _) if phase.is_over() => {}
            (Phase::Succeeded { at, .. }, _) => self.let_go(*at),
            (Phase::Waiting { .. } | Phase::Pending { .. }, OnNewer::Supersede) => {
                let phase = Phase::Superseded { by: by.clone(), step: None, at: self.now };
                self.end(phase, Reason::Superseded { by });
            }
            (Phase::Progressing(_) | Phase::Paused { .. }, OnNewer::Supersede) => {
                self.go_back(Return::Superseded { by });
            }
            // It waits for this one to end, which is not to take longer than it must.
            _ => self.next.newer = Some(by),
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
        self.note(TimelineKind::Resumed, format!("Its turn has come: people have {live} now"));
        self.begin();
    }
}

/// What a step still waits for.
fn holding(step: Step, stand: &Stand) -> Reason {
    let audience = step.exposure.words();
    if step.hold.until_promoted {
        return Reason::UntilPromoted { step: step.name, audience };
    }
    Reason::Holding {
        step: step.name,
        audience,
        time_left: step.hold.time.left_after(stand.held),
        requests_left: step.hold.requests.saturating_sub(stand.requests),
    }
}
