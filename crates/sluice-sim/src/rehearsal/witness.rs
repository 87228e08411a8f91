//! What the core decided in a rehearsal, noted as it decides.
//!
//! The engine takes the decision function as a plain function, so what it notes is kept in the thread, and a rehearsal
//! has a thread of its own.

use std::cell::RefCell;

use sluice_core::release::status::{PhaseName, Verdict};
use sluice_core::release::{Event, Phase, Release, Transition, step};
use sluice_core::{Name, Timestamp};

use super::report::StepTrace;

thread_local! {
    static WITNESS: RefCell<Witness> = RefCell::default();
}

/// What was decided so far.
#[derive(Clone, Default)]
pub(super) struct Witness {
    pub(super) steps: Vec<StepTrace>,
    /// Of each check: how often it was looked at, and how often it passed, failed and could not tell.
    pub(super) checks: Vec<Tally>,
    pub(super) stand: Option<Standing>,
}

/// How often a check said what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) passed: u64,
    pub(super) failed: u64,
    pub(super) inconclusive: u64,
}

/// Where the release stands.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Standing {
    pub(super) phase: PhaseName,
    pub(super) is_over: bool,
    /// The gate that it waits at.
    pub(super) gate: Option<Name>,
    /// Whether all but somebody's word is there to end the step.
    pub(super) wants_promotion: bool,
}

/// [`step`], with a witness.
pub(super) fn decide(release: &Release, event: &Event, now: Timestamp) -> Transition {
    let transition = step(release, event, now);
    WITNESS.with_borrow_mut(|witness| witness.note(release, &transition.next, event, now));
    transition
}

/// What was decided so far in this thread.
pub(super) fn read<T>(read: impl FnOnce(&mut Witness) -> T) -> T {
    WITNESS.with_borrow_mut(read)
}

impl Witness {
    fn note(&mut self, before: &Release, release: &Release, event: &Event, now: Timestamp) {
        let current = match &release.phase {
            Phase::Progressing(stand) | Phase::AtGate { stand, .. } | Phase::Paused { stand, .. } => {
                release.plan.steps.get(stand.step)
            }
            _ => None,
        };
        self.enter(current.map(|step| &step.name), now);
        let is_watched = matches!(
            before.phase,
            Phase::Progressing(_) | Phase::AtGate { .. } | Phase::Succeeded { kept_until: Some(_), .. }
        );
        if is_watched && matches!(event, Event::Observed(_)) {
            self.checks.resize(release.checks.len(), Tally::default());
            for (tally, check) in self.checks.iter_mut().zip(&release.checks) {
                match check.finding.verdict() {
                    Verdict::Pass => tally.passed += 1,
                    Verdict::Fail => tally.failed += 1,
                    Verdict::Inconclusive => tally.inconclusive += 1,
                }
            }
        }
        let wants_promotion = match &release.phase {
            Phase::Progressing(stand) => release.plan.steps.get(stand.step).is_some_and(|step| {
                let hold = step.hold();
                hold.until_promoted && stand.held >= hold.time && stand.requests >= hold.requests
            }),
            _ => false,
        };
        self.stand = Some(Standing {
            phase: release.phase.name(),
            is_over: release.phase.is_over(),
            gate: match release.phase {
                Phase::AtGate { .. } => current.map(|step| step.name.clone()),
                _ => None,
            },
            wants_promotion,
        });
    }

    fn enter(&mut self, step: Option<&Name>, now: Timestamp) {
        let last = self.steps.last_mut().filter(|last| last.left.is_none());
        if last.as_ref().map(|last| &last.name) == step {
            return;
        }
        if let Some(last) = last {
            last.left = Some(now);
        }
        if let Some(name) = step {
            self.steps.push(StepTrace { name: name.clone(), entered: now, left: None });
        }
    }
}
