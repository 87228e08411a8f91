//! The way back: everyone returns to the version that they had.

use crate::release::effect::Effect;
use crate::release::phase::{Phase, Return};
use crate::release::reason::Reason;
use crate::release::status::TimelineKind;
use crate::release::step::Draft;
use crate::release::{Exposure, LastEndpoints};

impl Draft {
    /// Takes everyone back to the version that they had.
    pub(in crate::release) fn go_back(&mut self, why: Return) {
        let step = self.next.phase.step();
        let because = why.reason();
        let back = format!("Everyone goes back to {}", self.next.from);
        match &because {
            // What was found has just been noted.
            Reason::CheckFailed { .. } | Reason::NotReady { .. } | Reason::Inconclusive { .. } => {
                self.note(TimelineKind::RollingBack, back);
            }
            Reason::Person { actor, .. } => {
                let text = format!("{back}, because {}", because.clause());
                self.note_by(TimelineKind::RollingBack, text, Some(actor.clone()));
            }
            _ => self.note(TimelineKind::RollingBack, format!("{back}, because {}", because.clause())),
        }
        self.next.phase = Phase::RollingBack { why, step, since: self.now };
        self.return_if_possible();
    }

    /// Traffic only ever goes to versions with ready endpoints: while stable has none but the candidate has, people
    /// stay where they are served.
    pub(super) fn return_if_possible(&mut self) {
        let Phase::RollingBack { why, .. } = &self.next.phase else { return };
        let because = Box::new(why.reason());
        let version = self.next.from.clone();
        let LastEndpoints { stable, candidate, .. } = self.next.endpoints;
        let is_on_its_way = self.next.traffic.desired.is_nobody();
        if is_on_its_way || stable.any_ready() || !candidate.any_ready() {
            self.expose(Exposure::nobody());
            self.because(Reason::GoingBack { version, because });
            return self.end_return_if_in_force();
        }
        let reason = Reason::StableNotReady { version, because };
        if !reason.is_like(&self.next.reason) {
            let text = format!("Nobody can go back to {} yet, which has no ready endpoint", self.next.from);
            self.note(TimelineKind::Waiting, text);
        }
        self.because(reason);
    }

    pub(super) fn end_return_if_in_force(&mut self) {
        let traffic = &self.next.traffic;
        if !(traffic.agrees() && traffic.desired.is_nobody()) {
            return;
        }
        let Phase::RollingBack { why, step, .. } = self.next.phase.clone() else { return };
        let (at, version) = (self.now, self.next.from.clone());
        self.note(TimelineKind::Ended, format!("Everyone is back on {version}"));
        self.effects.push(Effect::MakeLive { version: version.clone() });
        let because = Box::new(why.reason());
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
