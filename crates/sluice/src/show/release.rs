//! A release as people read it: where it is, who meets it, what the checks say, and what happened last.

use sluice_core::release::status::{
    PhaseName, ReleaseStatus, StepState, StepStatus, TimelineEntry, TimelineKind, Verdict, VerdictStatus,
};
use sluice_core::{Timestamp, Weight};
use sluice_engine::Resource;

use crate::outcome::{Exit, Failure};
use crate::terminal::Paint;

/// How many characters a bar has.
const BAR: usize = 24;

/// A release with its status read.
#[derive(Clone, Debug)]
pub(crate) struct Release {
    pub(crate) resource: Resource,
    pub(crate) status: ReleaseStatus,
}

impl TryFrom<Resource> for Release {
    type Error = Failure;

    fn try_from(resource: Resource) -> Result<Self, Failure> {
        let name = &resource.metadata.name;
        let status = resource.status.clone().unwrap_or_default();
        let status = serde_json::from_value(status).map_err(|error| {
            Failure::new(
                Exit::Unreachable,
                format!("the status of {name} is not one that this program knows"),
            )
            .because(&error)
            .hint("the server may be of another version; see `sluice --version`")
        })?;
        Ok(Release { resource, status })
    }
}

impl Release {
    /// Its name.
    pub(crate) fn name(&self) -> &str {
        self.resource.metadata.name.as_str()
    }

    /// Everything there is to see, as lines; of the timeline the last `entries`.
    pub(crate) fn lines(&self, paint: Paint, entries: usize) -> Vec<String> {
        let status = &self.status;
        let mut lines = vec![self.title(paint), self.standing(paint)];
        lines.push(labelled(paint, "steps", &steps(&status.steps, paint)));
        if let Some(hold) = status.steps.iter().find(|step| step.state == StepState::Current).and_then(hold) {
            lines.push(labelled(paint, "hold", &hold));
        }
        lines.push(labelled(paint, "split", &self.split()));
        for (index, verdict) in status.verdicts.iter().enumerate() {
            let label = if index == 0 { "checks" } else { "" };
            lines.push(labelled(paint, label, &verdict_line(verdict, paint)));
        }
        let exposed = status.exposed;
        lines.push(labelled(
            paint,
            "so far",
            &format!("{} requests reached {}, {} failed", exposed.requests, status.to, exposed.failed),
        ));
        let skipped = status.timeline.len().saturating_sub(entries);
        for (index, entry) in status.timeline.iter().skip(skipped).enumerate() {
            let label = if index == 0 { "log" } else { "" };
            lines.push(labelled(paint, label, &timeline_line(entry, paint)));
        }
        lines
    }

    fn title(&self, paint: Paint) -> String {
        let status = &self.status;
        let environment =
            self.resource.metadata.environment.as_ref().map(|name| format!(" in {name}")).unwrap_or_default();
        let attempt =
            if status.attempt > 1 { format!(", attempt {}", status.attempt) } else { String::new() };
        format!(
            "{}  {} → {}{environment}, policy {}{attempt}",
            paint.bold(self.name()),
            status.from,
            status.to,
            status.policy
        )
    }

    fn standing(&self, paint: Paint) -> String {
        let phase = phase_in_color(self.status.phase, paint);
        if self.status.reason.text.is_empty() {
            phase
        } else {
            format!("{phase}: {}", self.status.reason.text)
        }
    }

    fn split(&self) -> String {
        let (desired, observed) = (&self.status.split.desired, &self.status.split.observed);
        let pending = if desired == observed {
            String::new()
        } else {
            format!(", {} on the way", audience_or_nobody(&desired.audience, desired.candidate))
        };
        format!(
            "{} {} on {}{pending}",
            bar(observed.candidate.fraction()),
            audience_or_nobody(&observed.audience, observed.candidate),
            self.status.to
        )
    }
}

fn audience_or_nobody(audience: &str, weight: Weight) -> String {
    match (audience.is_empty(), weight) {
        (false, _) => audience.to_owned(),
        (true, Weight::ZERO) => "nobody".to_owned(),
        (true, weight) => weight.to_string(),
    }
}

fn labelled(paint: Paint, label: &str, text: &str) -> String {
    format!("  {} {text}", paint.dim(&format!("{label:<7}")))
}

/// A phase, coloured by whether it is good, bad, or under way.
pub(crate) fn phase_in_color(phase: PhaseName, paint: Paint) -> String {
    let name = format!("{phase:?}");
    match phase {
        PhaseName::Succeeded => paint.green(&name),
        PhaseName::RolledBack | PhaseName::RollingBack | PhaseName::Aborted | PhaseName::Failed => {
            paint.red(&name)
        }
        PhaseName::Paused | PhaseName::Waiting | PhaseName::Superseded => paint.yellow(&name),
        PhaseName::Pending | PhaseName::Progressing | PhaseName::Promoting => paint.cyan(&name),
    }
}

fn steps(steps: &[StepStatus], paint: Paint) -> String {
    let shown = steps.iter().map(|step| match step.state {
        StepState::Done => paint.green(&format!("✓ {}", step.name)),
        StepState::Current => paint.bold(&format!("▶ {}", step.name)),
        StepState::Ahead => format!("· {}", step.name),
        StepState::Skipped => paint.dim(&format!("× {}", step.name)),
    });
    shown.collect::<Vec<_>>().join("  ")
}

/// How far the hold of a step is; nothing when it has none.
fn hold(step: &StepStatus) -> Option<String> {
    let ratio = |done: u64, asked: u64| if asked == 0 { 1.0 } else { (done as f64 / asked as f64).min(1.0) };
    let by_time = ratio(step.held_time.as_millis(), step.hold_time.as_millis());
    let by_requests = ratio(step.held_requests, step.hold_requests);
    let mut parts = Vec::new();
    if step.hold_time.as_millis() > 0 {
        parts.push(format!("{} of {}", step.held_time.min(step.hold_time).rounded(), step.hold_time));
    }
    if step.hold_requests > 0 {
        parts.push(format!(
            "{} of {} requests",
            step.held_requests.min(step.hold_requests),
            step.hold_requests
        ));
    }
    if step.until_promoted {
        parts.push("until somebody promotes".to_owned());
    }
    (!parts.is_empty()).then(|| format!("{} {}", bar(by_time.min(by_requests)), parts.join(", ")))
}

/// A bar that is full at 1.
pub(crate) fn bar(fraction: f64) -> String {
    let exact = fraction.clamp(0.0, 1.0) * BAR as f64;
    // A little is not nothing: the first character stands for anything above zero.
    let full = if exact > 0.0 { (exact.round() as usize).max(1) } else { 0 };
    format!("{}{}", "█".repeat(full), "░".repeat(BAR - full))
}

fn verdict_line(verdict: &VerdictStatus, paint: Paint) -> String {
    let mark = match verdict.verdict {
        Verdict::Pass => paint.green("✓"),
        Verdict::Fail => paint.red("✗"),
        Verdict::Inconclusive => paint.yellow("?"),
    };
    // Most sentences name their metric themselves.
    if verdict.text.contains(verdict.metric.as_str()) {
        format!("{mark} {}", verdict.text)
    } else {
        format!("{mark} {}: {}", verdict.metric, verdict.text)
    }
}

/// The time of day, in UTC: `09:30:00Z`.
pub(crate) fn time_of_day(at: Timestamp) -> String {
    format!("{}Z", at.to_string().get(11..19).unwrap_or_default())
}

/// One thing that happened.
pub(crate) fn timeline_line(entry: &TimelineEntry, paint: Paint) -> String {
    let text = match entry.kind {
        TimelineKind::RollingBack | TimelineKind::Refused => paint.red(&entry.text),
        TimelineKind::Paused | TimelineKind::Waiting => paint.yellow(&entry.text),
        _ => entry.text.clone(),
    };
    let actor = entry.actor.as_ref().map(|actor| paint.dim(&format!(" ({actor})"))).unwrap_or_default();
    format!("{} {text}{actor}", paint.dim(&time_of_day(entry.at)))
}

/// What was added to a timeline since it was last looked at.
#[derive(Debug, Default)]
pub(crate) struct Unread {
    last: Option<TimelineEntry>,
}

impl Unread {
    /// The entries after the last one seen. The oldest entries of a long timeline go away; all that is left is new
    /// then.
    pub(crate) fn of<'t>(&mut self, timeline: &'t [TimelineEntry]) -> &'t [TimelineEntry] {
        let seen = self.last.as_ref().and_then(|last| timeline.iter().rposition(|entry| entry == last));
        self.last = timeline.last().cloned().or(self.last.take());
        &timeline[seen.map_or(0, |index| index + 1)..]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(second: i64, text: &str) -> TimelineEntry {
        let at = Timestamp::from_millis(second * 1000);
        TimelineEntry { at, kind: TimelineKind::Step, text: text.to_owned(), actor: None }
    }

    #[test]
    fn every_entry_is_read_once_even_when_old_ones_go_away() {
        let timeline = [entry(1, "a"), entry(2, "b"), entry(3, "c"), entry(4, "d")];
        let mut unread = Unread::default();
        assert_eq!(unread.of(&timeline[..2]), &timeline[..2]);
        assert!(unread.of(&timeline[..2]).is_empty());
        assert_eq!(unread.of(&timeline[1..3]), &timeline[2..3]);
        assert_eq!(unread.of(&timeline[3..]), &timeline[3..]);
    }

    #[test]
    fn a_bar_shows_that_a_little_is_not_nothing() {
        assert_eq!(bar(0.0).matches('█').count(), 0);
        assert_eq!(bar(0.0001).matches('█').count(), 1);
        assert_eq!(bar(0.5).matches('█').count(), BAR / 2);
        assert_eq!(bar(1.0).matches('█').count(), BAR);
    }

    #[test]
    fn a_release_is_told_in_words_and_not_by_colour() {
        let resource: Resource = serde_json::from_str(include_str!("release/sample.json")).unwrap();
        let release = Release::try_from(resource).unwrap();
        insta::assert_snapshot!(release.lines(Paint::plain(), 2).join("\n"), @r"
        shop-2.1.0-1  2.0.3 → 2.1.0 in production, policy careful, attempt 2
        Progressing: Step small holds for another 8m48s
          steps   ✓ staff  ▶ small  · all
          hold    ████████░░░░░░░░░░░░░░░░ 6m12s of 15m, 340 of 1000 requests
          split   ░░░░░░░░░░░░░░░░░░░░░░░░ all of employees on 2.1.0, 5 % of everyone on the way
          checks  ✓ http.errors is 0.3 % for the candidate and 0.2 % for stable
                  ? http.latency: 340 requests are too few to tell
          so far  352 requests reached 2.1.0, 1 failed
          log     09:20:01Z Step staff
                  09:30:01Z Step small
        ");
    }
}
