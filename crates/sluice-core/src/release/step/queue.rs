//! Other releases of the same service: newer ones come, and older ones end.

use crate::document::policy::OnNewer;
use crate::release::phase::{Phase, Return};
use crate::release::reason::Reason;
use crate::release::status::TimelineKind;
use crate::release::step::Draft;
use crate::{Name, VersionName};

impl Draft {
    /// A newer release was created. Whoever may not be taken back is not superseded, and under `refuse` the newer one
    /// should not have been created: it waits.
    pub(super) fn newer(&mut self, by: &Name) {
        let by = by.clone();
        let is_superseded = self.next.plan.on_newer == OnNewer::Supersede && self.next.no_return.is_none();
        match &self.next.phase {
            phase if phase.is_over() => {}
            Phase::Succeeded { at, .. } => self.let_go(*at),
            Phase::Waiting { .. } | Phase::Pending { .. } | Phase::Closed { stand: None, .. }
                if is_superseded =>
            {
                let phase = Phase::Superseded { by: by.clone(), step: None, at: self.now };
                self.end(phase, Reason::Superseded { by });
            }
            Phase::Progressing(_) | Phase::AtGate { .. } | Phase::Closed { .. } | Phase::Paused { .. }
                if is_superseded =>
            {
                self.go_back(Return::Superseded { by });
            }
            // It waits for this one to end, which is not to take longer than it must.
            _ => self.next.newer = Some(by),
        }
    }

    pub(super) fn turn(&mut self, live: &VersionName, companions: &[VersionName]) {
        if !matches!(self.next.phase, Phase::Waiting { .. }) {
            return;
        }
        if *live == self.next.to {
            let version = live.clone();
            return self.end(Phase::Failed { step: None, at: self.now }, Reason::AlreadyLive { version });
        }
        self.set_out_from(live, companions);
        self.note(TimelineKind::Resumed, format!("Its turn has come: people have {live} now"));
        self.begin();
    }

    /// Takes note of the versions that people have, to which they would be taken back.
    pub(in crate::release) fn set_out_from(&mut self, live: &VersionName, companions: &[VersionName]) {
        self.next.from = live.clone();
        for (companion, live) in self.next.companions.iter_mut().zip(companions) {
            companion.from = live.clone();
        }
    }
}
