//! What follows from what was seen: holds run, checks are asked, and trouble is acted on.

use crate::document::policy::OnFail;
use crate::release::check::CheckRun;
use crate::release::event::Observation;
use crate::release::finding::requests;
use crate::release::phase::{Pause, Phase, Return, Stand, longer, watched};
use crate::release::plan::Step;
use crate::release::reason::{Reason, missing_requests};
use crate::release::status::{TimelineKind, Verdict};
use crate::release::step::{Draft, holding};
use crate::release::{LastEndpoints, Release};
use crate::{Name, Span, Timestamp};

/// For how long a candidate may be without a ready endpoint before that counts as a failure. Visitors are on stable
/// meanwhile, so nobody is hurt; a restart of its only endpoint takes less.
const UNREADY_GRACE: Span = Span::from_secs(10);

/// For how long data may be missing before that is worth an entry in the timeline: most waits are shorter.
const WAIT_NOTED: Span = Span::from_secs(10);

impl Draft {
    pub(super) fn observed(&mut self, seen: &Observation) {
        if self.next.phase.is_over() {
            return;
        }
        let elapsed = self.look(seen);
        match self.next.phase.clone() {
            Phase::Pending { since, waited } => self.start_when_ready(since, longer(waited, elapsed)),
            Phase::Progressing(stand) => match self.watch(seen) {
                Some(trouble) => self.on_trouble(trouble, self.next.plan.on_fail, Pause::CheckFailed),
                None => self.hold(stand, seen, elapsed),
            },
            Phase::Paused { mut stand, why, since } => {
                if self.next.traffic.agrees() {
                    stand.requests = stand.requests.saturating_add(seen.candidate.judged());
                    self.next.phase = Phase::Paused { stand, why, since };
                }
                if let Some(trouble) = self.watch(seen)
                    && why != Pause::CheckFailed
                {
                    self.on_trouble(trouble, self.next.plan.on_fail, Pause::CheckFailed);
                }
            }
            Phase::Promoting { .. } => {
                if let Some(trouble) = self.watch(seen) {
                    self.on_trouble(trouble, self.next.plan.on_fail, Pause::CheckFailed);
                }
            }
            Phase::Succeeded { at, kept_until: Some(until) } => {
                let trouble = self.watch(seen);
                self.keep(trouble, at, until);
            }
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

    /// Notes which endpoints are ready. Gives how much of the time since the last look counts as watched.
    fn look(&mut self, seen: &Observation) -> Span {
        let elapsed = watched(self.next.looked_at.replace(self.now), self.now);
        let unready_for = match (seen.candidate_endpoints.any_ready(), self.next.endpoints.unready_for) {
            (true, _) => None,
            (false, None) => Some(Span::ZERO),
            (false, Some(before)) => Some(longer(before, elapsed)),
        };
        self.next.endpoints =
            LastEndpoints { stable: seen.stable_endpoints, candidate: seen.candidate_endpoints, unready_for };
        elapsed
    }

    fn start_when_ready(&mut self, since: Timestamp, waited: Span) {
        let version = self.next.to.clone();
        let endpoints = self.next.endpoints.candidate;
        if endpoints.any_ready() {
            self.next.started_at = Some(self.now);
            let text = format!("{version} is ready: {} of {} endpoints", endpoints.ready, endpoints.total);
            self.note(TimelineKind::Started, text);
            return self.enter(0);
        }
        self.next.phase = Phase::Pending { since, waited };
        if waited >= self.next.plan.ready_within {
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
        self.not_ready().filter(|_| self.next.endpoints.unready_for >= Some(UNREADY_GRACE))
    }

    fn not_ready(&self) -> Option<Reason> {
        let unready_for = self.next.endpoints.unready_for?;
        Some(Reason::NotReady { version: self.next.to.clone(), unready_for })
    }

    fn on_trouble(&mut self, trouble: Reason, then: OnFail, why: Pause) {
        self.note(TimelineKind::Verdict, trouble.to_string());
        match then {
            OnFail::Rollback => self.go_back(Return::RolledBack(trouble)),
            OnFail::Pause => {
                self.note(TimelineKind::Paused, "Paused until somebody decides".to_owned());
                self.pause(why, trouble);
            }
        }
    }

    /// Watches the new version while the one before is kept. Under a policy that pauses on trouble, nobody is taken
    /// back unasked; the first trouble is noted and stays said, so that one that comes and goes fills no timeline.
    fn keep(&mut self, trouble: Option<Reason>, at: Timestamp, until: Timestamp) {
        let is_noted = matches!(self.next.reason, Reason::KeptInTrouble { .. });
        match (trouble, self.next.plan.on_fail) {
            (Some(trouble), OnFail::Rollback) => {
                self.on_trouble(trouble, OnFail::Rollback, Pause::CheckFailed)
            }
            _ if self.now >= until => self.let_go(at),
            (Some(trouble), OnFail::Pause) if !is_noted => {
                self.note(TimelineKind::Verdict, trouble.to_string());
                self.because(Reason::KeptInTrouble {
                    version: self.next.to.clone(),
                    previous: self.next.from.clone(),
                    until,
                    trouble: Box::new(trouble),
                });
            }
            _ => {}
        }
    }

    /// Stays where it is until somebody decides; the caller notes it.
    pub(in crate::release) fn pause(&mut self, why: Pause, reason: Reason) {
        let mut stand = match self.next.phase {
            Phase::Progressing(stand) | Phase::Paused { stand, .. } => stand,
            // Its last step is held once more when it is resumed.
            Phase::Promoting { .. } => Stand::at(self.next.plan.steps.len().saturating_sub(1)),
            _ => return,
        };
        stand.watched_at = None;
        stand.waited = None;
        self.next.phase = Phase::Paused { stand, why, since: self.now };
        self.because(reason);
    }

    /// Goes on where a pause began.
    pub(in crate::release) fn resume(&mut self) {
        self.judge_anew_after_failure();
        let Phase::Paused { mut stand, .. } = self.next.phase else { return };
        stand.watched_at = None;
        self.next.phase = Phase::Progressing(stand);
        self.begin_hold_if_in_force();
    }

    /// After a failed check everything is judged anew: whoever lets the release go on has decided that what was found
    /// is bearable.
    pub(in crate::release) fn judge_anew_after_failure(&mut self) {
        if let Phase::Paused { why: Pause::CheckFailed, .. } = self.next.phase {
            self.next.checks = self.next.plan.checks.iter().map(CheckRun::new).collect();
            self.next.endpoints.unready_for = None;
        }
    }

    fn hold(&mut self, mut stand: Stand, seen: &Observation, elapsed: Span) {
        let Some(step) = self.plan_step(stand.step).cloned() else { return self.promote() };
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
        stand.watch(self.now);
        if step.hold.until_promoted || step.hold.time > stand.held {
            stand.waited = None;
            self.next.phase = Phase::Progressing(stand);
            return self.because(holding(step, &stand));
        }
        self.next.phase = Phase::Progressing(stand);
        match self.missing(&step, &stand) {
            None => {
                self.note(TimelineKind::Step, self.done_text(&step, &stand));
                self.enter(stand.step + 1);
            }
            Some(missing) => self.wait_for_data(stand, step.name, missing, elapsed),
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
        let held = stand.held.rounded();
        if step.exposure.is_nobody() {
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

    fn wait_for_data(&mut self, mut stand: Stand, step: Name, missing: String, elapsed: Span) {
        let rule = self.next.plan.on_inconclusive;
        let waited = stand.waited.map_or(Span::ZERO, |before| longer(before, elapsed));
        let is_noted = stand.waited.is_some_and(|before| before >= WAIT_NOTED);
        stand.waited = Some(waited);
        self.next.phase = Phase::Progressing(stand);
        if waited >= rule.wait {
            let reason = Reason::Inconclusive { missing, waited };
            return self.on_trouble(reason, rule.then, Pause::Inconclusive);
        }
        let reason = Reason::TooLittle { step, missing, left: rule.wait.left_after(waited) };
        if waited >= WAIT_NOTED && !is_noted {
            self.note(TimelineKind::Waiting, reason.to_string());
        }
        self.because(reason);
    }
}
