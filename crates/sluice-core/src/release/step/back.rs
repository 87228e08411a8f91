//! The way back: everyone returns to the version that they had, at once or little by little.

use crate::Span;
use crate::release::effect::Effect;
use crate::release::phase::{Pace, Phase, Return, longer};
use crate::release::reason::Reason;
use crate::release::status::TimelineKind;
use crate::release::step::Draft;
use crate::release::{Exposure, Purpose};

/// In how many stages people go back, when that is to take some time.
const STAGES: u32 = 10;

impl Draft {
    /// Takes everyone back to the version that they had.
    pub(in crate::release) fn go_back(&mut self, why: Return) {
        self.set_out(why, Pace::AtOnce);
    }

    /// Takes people back little by little.
    pub(super) fn go_back_over(&mut self, why: Return, over: Span) {
        let from = self.next.traffic.desired.clone();
        self.set_out(why, Pace::Gradually { from, over, gone: Span::ZERO });
    }

    fn set_out(&mut self, why: Return, pace: Pace) {
        let step = self.next.phase.step();
        let because = why.reason();
        let back = match &pace {
            Pace::AtOnce => format!("Everyone goes back to {}", self.next.from),
            Pace::Gradually { over, .. } => {
                format!("People go back to {} little by little, over {over}", self.next.from)
            }
        };
        match &because {
            // What was found has just been noted.
            Reason::CheckFailed { .. }
            | Reason::NotReady { .. }
            | Reason::Inconclusive { .. }
            | Reason::Expired { .. }
            | Reason::WebhookFailed { .. }
            | Reason::RiskSpent { .. } => self.note(TimelineKind::RollingBack, back),
            Reason::Person { actor, .. } => {
                let text = format!("{back}, because {}", because.clause());
                self.note_by(TimelineKind::RollingBack, text, Some(actor.clone()));
            }
            _ => self.note(TimelineKind::RollingBack, format!("{back}, because {}", because.clause())),
        }
        self.next.phase = Phase::RollingBack { why, step, pace, since: self.now };
        self.go_on_back(Span::ZERO);
    }

    /// Takes everyone back at once who was on the way back little by little, and goes on with it.
    pub(in crate::release) fn hurry(&mut self) {
        if let Phase::RollingBack { pace, .. } = &mut self.next.phase {
            *pace = Pace::AtOnce;
        }
        self.go_on_back(Span::ZERO);
    }

    /// Goes on taking people back, so long after the look before. Traffic only ever goes to versions with ready
    /// endpoints: while stable has none but the candidate has, people stay where they are served.
    pub(super) fn go_on_back(&mut self, elapsed: Span) {
        self.call_again_if_due();
        let Phase::RollingBack { why, .. } = &self.next.phase else { return };
        let because = Box::new(why.reason());
        if let Some(member) = self.stuck() {
            let version = member.from.clone();
            let reason = Reason::StableNotReady { version: version.clone(), because };
            if !reason.is_like(&self.next.reason) {
                let text = format!("Nobody can go back to {version} yet, which has no ready endpoint");
                self.note(TimelineKind::Waiting, text);
            }
            return self.because(reason);
        }
        let (exposure, left) = self.next_on_the_way(elapsed);
        self.expose(exposure);
        if self.next.traffic.agrees() && self.next.traffic.desired.is_idle() {
            return self.end_return_if_in_force();
        }
        let version = self.next.from.clone();
        self.because(match left {
            None => Reason::GoingBack { version, because },
            Some(time_left) => Reason::GoingBackGradually { version, time_left, because },
        });
    }

    /// Who should still meet the candidate, and for how long that is to go on. Where a candidate has no ready endpoint
    /// nobody is left to be taken back slowly.
    fn next_on_the_way(&mut self, elapsed: Span) -> (Exposure, Option<Span>) {
        let is_unready = self.next.unready().is_some();
        let Draft { next, .. } = self;
        let Phase::RollingBack { pace, .. } = &mut next.phase else { return (Exposure::nobody(), None) };
        let Pace::Gradually { from, over, gone } = pace else { return (Exposure::nobody(), None) };
        *gone = longer(*gone, elapsed);
        if is_unready || *gone >= *over {
            *pace = Pace::AtOnce;
            return (Exposure::nobody(), None);
        }
        let left = over.left_after(*gone);
        // The first leave at once, and the last when the time is over: one stage more than there are waits.
        let waits = u128::from(STAGES - 1);
        let waited = u128::from(gone.as_millis()) * waits / u128::from(over.as_millis().max(1));
        let stage = u32::try_from(waited).unwrap_or(STAGES).saturating_add(1).min(STAGES);
        if !next.traffic.agrees() {
            return (next.traffic.desired.clone(), Some(left));
        }
        (from.scaled(STAGES - stage, STAGES), Some(left))
    }

    pub(super) fn end_return_if_in_force(&mut self) {
        let traffic = &self.next.traffic;
        if !(traffic.agrees() && traffic.desired.is_idle()) {
            return;
        }
        let Phase::RollingBack { why, step, .. } = self.next.phase.clone() else { return };
        let (at, version) = (self.now, self.next.from.clone());
        let because = Box::new(why.reason());
        if let Some(calling) =
            self.next.calling.as_ref().filter(|calling| calling.purpose == Purpose::Redeploy)
        {
            let url = calling.hook.url.to_string();
            return self.because(Reason::Redeploying { version, url, because });
        }
        self.note(TimelineKind::Ended, format!("Everyone is back on {version}"));
        let mut live: Vec<Effect> = self
            .next
            .members()
            .map(|member| Effect::MakeLive { service: member.service.clone(), version: member.from.clone() })
            .collect();
        // What went up last comes down first.
        live.reverse();
        self.effects.extend(live);
        self.end_quietly(
            match why {
                Return::RolledBack(_) => Phase::RolledBack { step, at },
                Return::Aborted(_) => Phase::Aborted { step, at },
                Return::Superseded { by } => Phase::Superseded { by, step, at },
                Return::Trouble(_) => Phase::Failed { step, at },
            },
            Reason::Back { version, because },
        );
    }
}

impl Return {
    /// Why, in the words of a reason.
    fn reason(&self) -> Reason {
        match self {
            Return::RolledBack(reason) | Return::Aborted(reason) => reason.clone(),
            Return::Superseded { by } => Reason::Superseded { by: by.clone() },
            Return::Trouble(trouble) => Reason::Trouble(trouble.clone()),
        }
    }
}
