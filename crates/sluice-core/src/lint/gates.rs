//! Gates that cannot be passed, and calendars that do not open.

use std::collections::BTreeSet;

use super::{Look, Severity};
use crate::calendar::{Calendar, Openness};
use crate::document::policy::{Approval, Hook, Mitigation, StepWork};
use crate::document::{EnvironmentSpec, PolicySpec};
use crate::{Name, Span, Timestamp};

/// Two weeks: the longest freeze that most companies have, over the holidays.
const OPENS_LATE: Span = Span::from_secs(14 * 24 * 3600);

impl Look<'_> {
    pub(super) fn gates(&mut self) {
        let environments = self.environments();
        for (name, environment) in &environments {
            self.calendar(name, environment);
        }
        for (index, step) in self.policy.steps.iter().enumerate() {
            match &step.work {
                StepWork::Approval(approval) => {
                    for (name, environment) in &environments {
                        self.approval(index, approval, name, environment);
                        self.patience(index, "approval", approval.expires, name, environment);
                    }
                }
                StepWork::WaitFor(gate) => {
                    for (name, environment) in &environments {
                        self.patience(index, "waitFor", gate.expires, name, environment);
                    }
                }
                _ => {}
            }
        }
        self.unsigned();
    }

    /// Nobody else can be given a version while the calendar is closed.
    fn calendar(&mut self, name: &Name, environment: &EnvironmentSpec) {
        let Openness::Closed { why, opens_at } = environment.calendar().at(self.around.now) else { return };
        match opens_at {
            None => {
                let text = format!("no release can ever begin in {name}: {why}");
                let hint = "look at the `windows` and `freezes` of the Environment";
                self.find_and(Severity::Error, "never-opens", "", text, hint);
            }
            Some(at) if at.since(self.around.now) > OPENS_LATE => {
                let text = format!("no release can begin in {name} before {at}: {why}");
                self.find(Severity::Warning, "opens-late", "", text);
            }
            Some(_) => {}
        }
    }

    /// An approval takes as many people as it asks for, and with four eyes one more than whoever started.
    fn approval(&mut self, index: usize, approval: &Approval, name: &Name, environment: &EnvironmentSpec) {
        let people: BTreeSet<&str> = approval
            .roles
            .iter()
            .filter_map(|role| environment.roles.get(role))
            .flatten()
            .map(String::as_str)
            .collect();
        let path = format!("spec.steps[{index}].approval");
        let wanted = usize::try_from(approval.count).unwrap_or(usize::MAX);
        let roles: Vec<&str> = approval.roles.iter().map(Name::as_str).collect();
        let roles = roles.join(" or ");
        if people.len() < wanted {
            let text = format!(
                "nobody can get past this in {name}: it takes {wanted} of {roles}, and there {}",
                match people.len() {
                    0 => "is nobody".to_owned(),
                    1 => "is one".to_owned(),
                    count => format!("are {count}"),
                }
            );
            let hint = format!("add people to the roles of the Environment {name}, or lower `count`");
            self.find_and(Severity::Error, "approval-impossible", path, text, hint);
        } else if approval.four_eyes && people.len() == wanted {
            let names: Vec<&str> = people.into_iter().collect();
            let text = format!(
                "when {} starts a release in {name}, nobody else is left to approve it",
                names.join(" or ")
            );
            let hint = "add somebody to the role, or write fourEyes: false";
            self.find_and(Severity::Warning, "approval-four-eyes", path, text, hint);
        }
    }

    /// Whoever is asked when the windows have closed may not be there before they open.
    fn patience(
        &mut self,
        index: usize,
        field: &str,
        expires: Span,
        name: &Name,
        environment: &EnvironmentSpec,
    ) {
        if environment.windows.is_empty() {
            return;
        }
        let weekly = Calendar::new(&environment.windows, &[]);
        let Some(closed) = longest_closed(&weekly, self.around.now).filter(|closed| *closed > expires) else {
            return;
        };
        let text =
            format!("it expires after {expires}, and the windows of {name} are closed for up to {}", closed);
        let hint = format!("make `expires` longer than {}", closed);
        let path = format!("spec.steps[{index}].{field}.expires");
        self.find_and(Severity::Warning, "expires-while-closed", path, text, hint);
    }

    fn unsigned(&mut self) {
        let unsigned: Vec<String> = hooks(self.policy)
            .into_iter()
            .filter(|(_, hook)| hook.secret.is_none())
            .map(|(path, _)| path)
            .collect();
        for path in unsigned {
            let text = "the webhook is not signed: whoever is called cannot tell who calls".to_owned();
            let hint = "add secret: { env: NAME } or { file: PATH }";
            self.find_and(Severity::Hint, "webhook-unsigned", path, text, hint);
        }
    }
}

/// The longest time within two weeks from now in which no window is open: windows are the same each week, but for what
/// changing the clocks does.
fn longest_closed(weekly: &Calendar, now: Timestamp) -> Option<Span> {
    let end = now.after(Span::from_secs(15 * 24 * 3600));
    let mut at = now;
    let mut longest = None;
    while at < end {
        match weekly.at(at) {
            Openness::Open { until: Some(until) } => at = until,
            Openness::Open { until: None } | Openness::Closed { opens_at: None, .. } => break,
            Openness::Closed { opens_at: Some(opens), .. } => {
                // The first one was under way already.
                if at > now {
                    longest = longest.max(Some(opens.since(at)));
                }
                at = opens;
            }
        }
    }
    longest
}

/// Every webhook of a policy, with its place.
fn hooks(policy: &PolicySpec) -> Vec<(String, &Hook)> {
    let mut hooks: Vec<(String, &Hook)> = Vec::new();
    for (index, step) in policy.steps.iter().enumerate() {
        if let StepWork::Webhook(gate) = &step.work {
            hooks.push((format!("spec.steps[{index}].webhook"), &gate.hook));
        }
    }
    let mut answers: Vec<(String, &Mitigation)> = vec![
        ("spec.onFail".to_owned(), &policy.on_fail),
        ("spec.onInconclusive.then".to_owned(), &policy.on_inconclusive.then),
    ];
    for (index, check) in policy.checks.iter().enumerate() {
        let path = format!("spec.checks[{index}]");
        answers.extend(check.on_fail.as_ref().map(|answer| (format!("{path}.onFail"), answer)));
        let inconclusive = check.on_inconclusive.as_ref();
        answers.extend(inconclusive.map(|answer| (format!("{path}.onInconclusive.then"), &answer.then)));
    }
    hooks.extend(answers.into_iter().filter_map(|(path, answer)| match answer {
        Mitigation::Redeploy(hook) => Some((format!("{path}.redeploy"), hook)),
        _ => None,
    }));
    hooks
}
