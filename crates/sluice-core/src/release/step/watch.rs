//! What follows from what was seen: holds run, checks are asked, and trouble is acted on.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::Span;
use crate::document::policy::{Hold, Mitigation, OnInconclusive};
use crate::release::check::{CheckRun, Standard};
use crate::release::event::{Endpoints, Observation, Seen};
use crate::release::finding::requests;
use crate::release::phase::{Pause, Phase, Stand, longer, watched};
use crate::release::plan::{Plan, Step, Work};
use crate::release::reading::Reading;
use crate::release::reason::{Reason, missing_requests};
use crate::release::status::{TimelineEntry, TimelineKind, Verdict};
use crate::release::step::Draft;
use crate::release::step::mitigation::Found;
use crate::release::{Member, Release};
use crate::{Name, Timestamp};

/// For how long a candidate may be without a ready endpoint before that counts as a failure. Visitors are on stable
/// meanwhile, so nobody is hurt; a restart of its only endpoint takes less.
const UNREADY_GRACE: Span = Span::from_secs(10);

/// For how long data may be missing before that is worth an entry in the timeline: most waits are shorter.
const WAIT_NOTED: Span = Span::from_secs(10);

/// Data that a step still lacks: what, and what happens when it does not come.
pub(super) struct Lack {
    pub(super) missing: String,
    pub(super) rule: OnInconclusive,
}

impl Draft {
    pub(super) fn observed(&mut self, seen: &Observation) {
        if self.next.phase.is_over() {
            return;
        }
        let elapsed = self.look(seen);
        match self.next.phase {
            Phase::Pending { since, waited } => self.start_when_ready(since, longer(waited, elapsed)),
            Phase::Closed { stand: None, .. } => self.open_or_wait(),
            Phase::Closed { .. }
            | Phase::Progressing(_)
            | Phase::AtGate { .. }
            | Phase::Paused { .. }
            | Phase::Promoting { .. } => self.look_under_way(seen, elapsed),
            Phase::Succeeded { at, kept_until: Some(until) } => {
                let trouble = self.watch(seen);
                self.keep(trouble, at, until);
            }
            Phase::RollingBack { .. } => {
                self.count(seen);
                self.go_on_back(elapsed);
            }
            Phase::Waiting { .. }
            | Phase::Succeeded { kept_until: None, .. }
            | Phase::RolledBack { .. }
            | Phase::Aborted { .. }
            | Phase::Superseded { .. }
            | Phase::Failed { .. } => {}
        }
        self.move_if_waiting();
    }

    /// Notes what was seen of the world around. Gives how much of the time since the last look counts as watched.
    fn look(&mut self, seen: &Observation) -> Span {
        let elapsed = watched(self.next.looked_at.replace(self.now), self.now);
        self.next.endpoints.look(seen.own(), elapsed);
        let nothing = Seen::default();
        for (index, companion) in self.next.companions.iter_mut().enumerate() {
            let seen = seen.companions.get(index).unwrap_or(&nothing);
            companion.endpoints.look(seen.look(), elapsed);
        }
        if self.next.calendar != seen.calendar {
            self.next.calendar = seen.calendar.clone();
        }
        elapsed
    }

    /// Looks at a release that people may meet the candidate of.
    fn look_under_way(&mut self, seen: &Observation, elapsed: Span) {
        if self.next.is_stable_broken() {
            self.count(seen);
            return self.wait_for_stable();
        }
        if let Phase::Paused { stand, .. } = &mut self.next.phase
            && self.next.traffic.agrees()
        {
            stand.requests = stand.requests.saturating_add(seen.candidate.judged());
        }
        if let Some(trouble) = self.watch(seen) {
            // Whatever a failed check paused waits for a person, and finds it failing again.
            if !matches!(self.next.phase, Phase::Paused { why: Pause::CheckFailed, .. }) {
                return self.on_trouble(trouble);
            }
        }
        match &mut self.next.phase {
            Phase::Progressing(stand) => {
                let stand = *stand;
                self.hold(stand, seen, elapsed);
            }
            Phase::AtGate { .. } => self.look_at_gate(seen),
            Phase::Closed { .. } => self.open_or_wait(),
            _ => {}
        }
    }

    /// While stable is broken and the candidate is not, comparing them tells nothing, and taking people back would
    /// hurt them: the release waits. What paused it stays said.
    fn wait_for_stable(&mut self) {
        match &mut self.next.phase {
            Phase::Progressing(stand) | Phase::AtGate { stand, .. } => stand.watched_at = None,
            Phase::Closed { .. } => {}
            _ => return,
        }
        let (stable, version) = (self.next.from.clone(), self.next.to.clone());
        self.wait_because(Reason::StableBroken { stable, version });
    }

    fn start_when_ready(&mut self, since: Timestamp, waited: Span) {
        let Some((member, endpoints)) = self.next.unready() else { return self.start_if_open() };
        let (version, endpoints) = (member.to.clone(), endpoints.candidate.total);
        self.next.phase = Phase::Pending { since, waited };
        if waited >= self.next.plan.ready_within {
            self.end(Phase::Failed { step: None, at: self.now }, Reason::NeverReady { version, waited });
        } else {
            let left = self.next.plan.ready_within.left_after(waited);
            self.because(Reason::WaitingForReady { version, endpoints, left });
        }
    }

    fn start_if_open(&mut self) {
        let first = self.next.plan.steps.first().map(|step| step.name.clone());
        match self.next.closed(first.as_ref()) {
            Some(reason) => self.close(None, reason),
            None => self.start(),
        }
    }

    /// The candidate is ready, and the first step begins.
    pub(in crate::release) fn start(&mut self) {
        self.next.started_at = Some(self.now);
        for (member, endpoints) in self.next.members().zip(self.next.all_endpoints()) {
            let name = self.next.named(&member).map(|name| format!("{name} ")).unwrap_or_default();
            let Endpoints { ready, total } = endpoints.candidate;
            let text = format!("{name}{} is ready: {ready} of {total} endpoints", member.to);
            self.entries.push(TimelineEntry { at: self.now, kind: TimelineKind::Started, text, actor: None });
        }
        self.enter(0);
    }

    pub(super) fn count(&mut self, seen: &Observation) {
        let exposed = &mut self.next.exposed;
        exposed.requests = exposed.requests.saturating_add(seen.candidate.requests);
        exposed.failed = exposed.failed.saturating_add(seen.candidate.failed());
    }

    /// Counts what was seen, asks every check of every service, and says what is wrong, if anything is.
    fn watch(&mut self, seen: &Observation) -> Option<Found> {
        self.count(seen);
        let plan = Arc::clone(&self.next.plan);
        let now = self.now;
        let Release { checks, companions, traffic, split, .. } = &mut self.next;
        split.look(traffic.agrees().then_some(&traffic.desired), seen.own());
        let is_split_broken = split.is_broken();
        let is_everyone = |index: usize| traffic.given.get(index).unwrap_or(&traffic.desired).is_everyone();
        let alphas = plan.alphas(companions.len() + 1);
        let ask = |runs: &mut [CheckRun], seen, readings: &BTreeMap<usize, Reading>, is_everyone| {
            for (index, ((run, check), alpha)) in runs.iter_mut().zip(&plan.checks).zip(&alphas).enumerate() {
                let standard = Standard { alpha: *alpha, is_everyone, is_split_broken, now };
                run.observe(check, seen, readings.get(&index), standard);
            }
        };
        let nothing = Seen::default();
        for (index, companion) in companions.iter_mut().enumerate() {
            let seen = seen.companions.get(index).unwrap_or(&nothing);
            ask(&mut companion.checks, seen.look(), &seen.readings, is_everyone(index));
        }
        ask(checks, seen.own(), &seen.readings, is_everyone(companions.len()));
        self.failed(&plan).or_else(|| self.unready_for_long())
    }

    /// The first check of the plan that fails for any of the services.
    fn failed(&self, plan: &Plan) -> Option<Found> {
        let (index, finding) = self.next.first_with(Verdict::Fail, plan)?;
        let then = plan.checks.get(index).and_then(|check| check.on_fail.clone());
        Some(Found {
            reason: Reason::CheckFailed { finding },
            then: then.unwrap_or_else(|| plan.on_fail.clone()),
            why: Pause::CheckFailed,
        })
    }

    fn unready_for_long(&self) -> Option<Found> {
        let reason = self.not_ready()?;
        let for_long = |unready_for: &Span| *unready_for >= UNREADY_GRACE;
        let Reason::NotReady { unready_for, .. } = &reason else { return None };
        for_long(unready_for).then(|| Found {
            reason,
            then: self.next.plan.on_fail.clone(),
            why: Pause::CheckFailed,
        })
    }

    /// That a candidate has no ready endpoint; of several, the one that has had none for longest.
    pub(super) fn not_ready(&self) -> Option<Reason> {
        let members = self.next.members().zip(self.next.all_endpoints());
        let unready = members.filter(|(_, endpoints)| !self.next.is_ready(endpoints.candidate));
        let (member, endpoints) = unready.max_by_key(|(_, endpoints)| endpoints.unready_for)?;
        Some(Reason::NotReady {
            service: self.next.named(&member),
            version: member.to.clone(),
            unready_for: endpoints.unready_for?,
        })
    }

    /// Watches the new version while the one before is kept. Under a policy that pauses on trouble, nobody is taken
    /// back unasked; the first trouble is noted and stays said, so that one that comes and goes fills no timeline.
    fn keep(&mut self, trouble: Option<Found>, at: Timestamp, until: Timestamp) {
        let is_noted = matches!(self.next.reason, Reason::KeptInTrouble { .. });
        match trouble {
            Some(found) if found.then != Mitigation::Pause => self.take_back_from_success(found),
            _ if self.now >= until => self.let_go(at),
            Some(found) if !is_noted => {
                self.note(TimelineKind::Verdict, found.reason.to_string());
                self.because(Reason::KeptInTrouble {
                    version: self.next.to.clone(),
                    previous: self.next.from.clone(),
                    until,
                    trouble: Box::new(found.reason),
                });
            }
            _ => {}
        }
    }

    fn hold(&mut self, mut stand: Stand, seen: &Observation, elapsed: Span) {
        let plan = Arc::clone(&self.next.plan);
        let Some(step) = plan.steps.get(stand.step) else { return self.advance(stand) };
        if !self.next.traffic.agrees() {
            return self.because(self.moving(step));
        }
        stand.since.get_or_insert(self.now);
        stand.requests = stand.requests.saturating_add(seen.candidate.judged());
        if let Some(not_ready) = self.not_ready() {
            // Nobody meets it now, so this is no time in which it was watched, and no time to let more people meet it.
            stand.watched_at = None;
            self.next.phase = Phase::Progressing(stand);
            return self.because(not_ready);
        }
        let before = stand.held;
        stand.watch(self.now);
        if let Work::Ramp { ramp, .. } = &step.work {
            let gained = stand.held.left_after(before);
            return self.climb(stand, step, ramp, seen, gained, elapsed);
        }
        self.hold_or_advance(stand, step, elapsed);
    }

    /// Goes on when the step's hold is over and nothing is missing, and says what is waited for otherwise.
    pub(super) fn hold_or_advance(&mut self, mut stand: Stand, step: &Step, elapsed: Span) {
        let hold = step.hold();
        if hold.until_promoted || hold.time > stand.held {
            stand.waited = None;
            self.next.phase = Phase::Progressing(stand);
            return self.because(self.holding(step, &stand));
        }
        self.next.phase = Phase::Progressing(stand);
        match self.missing(&hold, &stand) {
            None => {
                self.note(TimelineKind::Step, self.done_text(step, &stand));
                self.advance(stand);
            }
            Some(lack) => self.wait_for_data(stand, step.name.clone(), lack, elapsed),
        }
    }

    /// What data the step still lacks. A step that nobody meets lacks none.
    pub(super) fn missing(&self, hold: &Hold, stand: &Stand) -> Option<Lack> {
        let plan = &self.next.plan;
        if stand.requests < hold.requests {
            let missing = missing_requests(stand.requests, hold.requests);
            return Some(Lack { missing, rule: plan.on_inconclusive.clone() });
        }
        if self.next.traffic.desired.is_idle() {
            return None;
        }
        let (index, missing) = self.next.first_with(Verdict::Inconclusive, plan)?;
        let rule = plan.checks.get(index).and_then(|check| check.on_inconclusive.clone());
        Some(Lack { missing, rule: rule.unwrap_or_else(|| plan.on_inconclusive.clone()) })
    }

    fn done_text(&self, step: &Step, stand: &Stand) -> String {
        let held = stand.held.rounded();
        if self.next.traffic.desired.is_idle() {
            return format!("Step {} is done after {held}: nobody met the candidate", step.name);
        }
        let checks = match self.next.checks.len() {
            0 => "nothing is checked",
            1 => "its check passes",
            2 => "both checks pass",
            _ => "all checks pass",
        };
        format!("Step {} is done after {held} and {}: {checks}", step.name, requests(stand.requests))
    }

    pub(super) fn wait_for_data(&mut self, mut stand: Stand, step: Name, lack: Lack, elapsed: Span) {
        let Lack { missing, rule } = lack;
        let waited = stand.waited.map_or(Span::ZERO, |before| longer(before, elapsed));
        let is_noted = stand.waited.is_some_and(|before| before >= WAIT_NOTED);
        stand.waited = Some(waited);
        self.next.phase = Phase::Progressing(stand);
        if waited >= rule.wait {
            let reason = Reason::Inconclusive { missing, waited };
            return self.on_trouble(Found { reason, then: rule.then, why: Pause::Inconclusive });
        }
        let reason = Reason::TooLittle { step, missing, left: rule.wait.left_after(waited) };
        if waited >= WAIT_NOTED && !is_noted {
            self.note(TimelineKind::Waiting, reason.to_string());
        }
        self.because(reason);
    }
}

impl Release {
    /// Whether people who should be on stable are not served by it, while a candidate could: of any of the services.
    /// Where everyone should meet the candidate, stable is not asked.
    fn is_stable_broken(&self) -> bool {
        let is_broken = |(member, endpoints): (Member<'_>, &crate::release::LastEndpoints)| {
            let has_none = !endpoints.stable.any_ready();
            let is_meant = !(self.plan.watch_only && endpoints.stable.total == 0);
            has_none && is_meant && endpoints.candidate.any_ready() && !member.given.is_everyone()
        };
        self.members().zip(self.all_endpoints()).any(is_broken)
    }

    /// The first check of the plan with this verdict for any of the services, and what it found, in words. Asked of
    /// the companions first: what needs them suffers from their trouble.
    fn first_with(&self, verdict: Verdict, plan: &Plan) -> Option<(usize, String)> {
        for (index, check) in plan.checks.iter().enumerate() {
            for (member, runs) in self.members().zip(self.all_runs()) {
                let Some(run) = runs.get(index).filter(|run| run.finding.verdict() == verdict) else {
                    continue;
                };
                let text = run.finding.text(check);
                let text = match self.named(&member) {
                    Some(name) => format!("{name}: {text}"),
                    None => text,
                };
                return Some((index, text));
            }
        }
        None
    }

    /// What the checks of each service have seen, companions first.
    pub(in crate::release) fn all_runs(&self) -> impl Iterator<Item = &[CheckRun]> {
        let companions = self.companions.iter().map(|companion| companion.checks.as_slice());
        companions.chain(std::iter::once(self.checks.as_slice()))
    }
}
