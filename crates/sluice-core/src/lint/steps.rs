//! Steps that do nothing, or too much at once.

use super::{Look, Severity};
use crate::Weight;
use crate::document::policy::Hold;
use crate::release::plan::{Gate, Step, Work};
use crate::schedule::evidence::last_exposure;

/// Half of everyone.
const HALF: u32 = Weight::PARTS / 2;

impl Look<'_> {
    pub(super) fn steps(&mut self) {
        self.steps_that_change_nothing();
        self.first_people();
        self.point_of_no_return();
        self.last_people();
    }

    /// A step that shows the candidate to the same people as the one before, or that is over when it begins.
    fn steps_that_change_nothing(&mut self) {
        let watched = !self.policy.checks.is_empty();
        let mut found = Vec::new();
        for (index, step) in self.steps.iter().enumerate() {
            let Work::Hold(hold) = &step.work else { continue };
            let is_idle = *hold == Hold::default();
            let path = format!("spec.steps[{index}]");
            let before = index.checked_sub(1).and_then(|before| self.steps.get(before));
            let same = before
                .is_some_and(|before| before.gate().is_none() && last_exposure(before) == step.exposure);
            match (same, is_idle) {
                (true, true) => found.push((
                    Severity::Warning,
                    path,
                    format!("step `{}` changes nothing: the same people as before, and no `hold`", step.name),
                    "leave it out",
                )),
                (true, false) if before.is_some_and(|before| matches!(before.work, Work::Hold(_))) => found
                    .push((
                        Severity::Hint,
                        path,
                        format!(
                            "step `{}` shows the candidate to the same people as the one before",
                            step.name
                        ),
                        "one step with a longer `hold` does the same",
                    )),
                (false, true) if !watched && index + 1 < self.steps.len() => found.push((
                    Severity::Warning,
                    path,
                    format!(
                        "step `{}` is over when it begins: it has no `hold`, and nothing is watched",
                        step.name
                    ),
                    "say how long it lasts, as hold: { time: 10m }",
                )),
                _ => {}
            }
        }
        for (severity, path, text, hint) in found {
            self.find_and(severity, "step-changes-nothing", path, text, hint);
        }
    }

    /// More than half of everyone at once, with nobody before them.
    fn first_people(&mut self) {
        let first = self.steps.iter().position(|step| {
            step.gate().is_none() && (!last_exposure(step).is_nobody() || step.exposure.shadow.is_some())
        });
        let Some((index, step)) = first.and_then(|index| Some((index, self.steps.get(index)?))) else {
            return;
        };
        // Where somebody looks first, they need not be among the visitors.
        let was_looked_at =
            self.steps[..index].iter().any(|step| step.gate().is_some() || step.hold().until_promoted);
        let watches = self
            .policy
            .steps
            .get(index)
            .is_some_and(|step| matches!(step.work, crate::document::policy::StepWork::Watch { .. }));
        if was_looked_at || watches || step.exposure.share().parts() <= HALF {
            return;
        }
        let text = format!(
            "step `{}` is the first to show the candidate to anybody, and shows it to {} of everyone",
            step.name,
            step.exposure.share()
        );
        let hint = "begin with fewer people, or with a step in which somebody previews it";
        self.find_and(Severity::Warning, "first-step-large", format!("spec.steps[{index}]"), text, hint);
    }

    fn point_of_no_return(&mut self) {
        let is_point = |step: &Step| matches!(step.gate(), Some(Gate::PointOfNoReturn(_)));
        let Some(index) = self.steps.iter().position(is_point) else { return };
        if self.steps[..index].iter().all(|step| step.exposure.is_nobody()) {
            let text = format!(
                "nobody has met the candidate before step `{}`, after which nobody can be taken back",
                self.steps[index].name
            );
            let hint = "show it to a few people first, while they can be taken back";
            let path = format!("spec.steps[{index}].pointOfNoReturn");
            self.find_and(Severity::Hint, "no-return-unseen", path, text, hint);
        }
    }

    /// After the last step everyone gets the candidate, whoever had it in it.
    fn last_people(&mut self) {
        let Some((index, step)) = self.steps.iter().enumerate().rev().find(|(_, step)| step.gate().is_none())
        else {
            return;
        };
        let share = last_exposure(step).share();
        if share.parts() > HALF {
            return;
        }
        let text = format!(
            "after step `{}` the candidate goes from {share} of everyone to all of them, without a step between",
            step.name
        );
        let hint = "end with { percent: 100 } and a `hold`, to watch it while everyone has it";
        self.find_and(Severity::Hint, "last-step-small", format!("spec.steps[{index}]"), text, hint);
    }
}
