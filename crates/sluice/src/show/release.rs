//! A release as people read it: where it is, who meets it, what the checks say, and what happened last.

mod gate;
mod steps;

use sluice_core::release::status::{
    PhaseName, ReleaseStatus, StepState, TimelineEntry, TimelineKind, Verdict, VerdictStatus,
};
use sluice_core::{Timestamp, Weight};
use sluice_engine::Resource;

use crate::outcome::{Exit, Failure};
use crate::terminal::Paint;
pub(crate) use gate::moment;

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
        block(&mut lines, paint, "steps", steps::lines(&status.steps, paint));
        if let Some(current) = status.steps.iter().find(|step| step.state == StepState::Current) {
            block(&mut lines, paint, "ramp", steps::ramp(current, status.split.desired.candidate));
            block(&mut lines, paint, "hold", steps::hold(current));
        }
        if let Some(waiting) = &status.gate {
            block(&mut lines, paint, "gate", gate::lines(waiting, status, self.name()));
        }
        block(&mut lines, paint, "split", [self.split()]);
        block(&mut lines, paint, "order", self.order());
        block(
            &mut lines,
            paint,
            "checks",
            status.verdicts.iter().map(|verdict| self.verdict(verdict, paint)),
        );
        if let Some(why) = &status.no_return {
            let text = format!("nobody can be taken back any more: {why}");
            block(&mut lines, paint, "return", [paint.yellow(&text)]);
        }
        let exposed = status.exposed;
        let so_far =
            format!("{} requests reached {}, {} failed", exposed.requests, status.to, exposed.failed);
        block(&mut lines, paint, "so far", [so_far]);
        let skipped = status.timeline.len().saturating_sub(entries);
        let log = status.timeline.iter().skip(skipped).map(|entry| timeline_line(entry, paint));
        block(&mut lines, paint, "log", log);
        lines
    }

    fn title(&self, paint: Paint) -> String {
        let status = &self.status;
        let environment =
            self.resource.metadata.environment.as_ref().map(|name| format!(" in {name}")).unwrap_or_default();
        let attempt =
            if status.attempt > 1 { format!(", attempt {}", status.attempt) } else { String::new() };
        let by = match status.started_by.as_str() {
            "" => String::new(),
            actor => format!(", started by {actor}"),
        };
        format!(
            "{}  {} → {}{environment}, policy {}{attempt}{by}",
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

    /// The services that are released together, in the order in which they go up; nothing when there is one only.
    fn order(&self) -> Vec<String> {
        let members = self.status.services.iter().enumerate();
        members
            .map(|(index, member)| {
                let audience = audience_or_nobody(&member.share.audience, member.share.candidate);
                format!("{}. {} {} → {}: {audience}", index + 1, member.service, member.from, member.to)
            })
            .collect()
    }

    /// A verdict, with the service that it is about where that could be another one.
    fn verdict(&self, verdict: &VerdictStatus, paint: Paint) -> String {
        let is_own = self.resource.spec["service"] == verdict.service.as_str();
        let service = if is_own && self.status.services.len() < 2 {
            String::new()
        } else {
            format!("{}: ", verdict.service)
        };
        verdict_line(verdict, &service, paint)
    }

    /// The command that the release waits for somebody to type; none when it goes on by itself.
    pub(crate) fn next_command(&self) -> Option<String> {
        gate::next_command(&self.status, self.name())
    }
}

fn audience_or_nobody(audience: &str, weight: Weight) -> String {
    match (audience.is_empty(), weight) {
        (false, _) => audience.to_owned(),
        (true, Weight::ZERO) => "nobody".to_owned(),
        (true, weight) => weight.to_string(),
    }
}

/// Adds lines with a label before the first; nothing when there are none.
fn block(lines: &mut Vec<String>, paint: Paint, label: &str, texts: impl IntoIterator<Item = String>) {
    for (index, text) in texts.into_iter().enumerate() {
        let label = if index == 0 { label } else { "" };
        lines.push(format!("  {} {text}", paint.dim(&format!("{label:<7}"))));
    }
}

/// A phase, coloured by whether it is good, bad, or under way.
pub(crate) fn phase_in_color(phase: PhaseName, paint: Paint) -> String {
    let name = format!("{phase:?}");
    match phase {
        PhaseName::Succeeded => paint.green(&name),
        PhaseName::RolledBack | PhaseName::RollingBack | PhaseName::Aborted | PhaseName::Failed => {
            paint.red(&name)
        }
        PhaseName::Paused | PhaseName::Waiting | PhaseName::AwaitingApproval | PhaseName::Superseded => {
            paint.yellow(&name)
        }
        PhaseName::Pending | PhaseName::Progressing | PhaseName::Promoting => paint.cyan(&name),
    }
}

/// A bar that is full at 1.
pub(crate) fn bar(fraction: f64) -> String {
    let exact = fraction.clamp(0.0, 1.0) * BAR as f64;
    // A little is not nothing: the first character stands for anything above zero.
    let full = if exact > 0.0 { (exact.round() as usize).max(1) } else { 0 };
    format!("{}{}", "█".repeat(full), "░".repeat(BAR - full))
}

fn verdict_line(verdict: &VerdictStatus, service: &str, paint: Paint) -> String {
    let mark = match verdict.verdict {
        Verdict::Pass => paint.green("✓"),
        Verdict::Fail => paint.red("✗"),
        Verdict::Inconclusive => paint.yellow("?"),
    };
    // Most sentences name their metric themselves.
    if verdict.text.contains(verdict.metric.as_str()) {
        format!("{mark} {service}{}", verdict.text)
    } else {
        format!("{mark} {service}{}: {}", verdict.metric, verdict.text)
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

    fn shown(sample: &str, entries: usize) -> String {
        let release = Release::try_from(serde_json::from_str::<Resource>(sample).unwrap()).unwrap();
        release.lines(Paint::plain(), entries).join("\n")
    }

    #[test]
    fn a_release_is_told_in_words_and_not_by_colour() {
        insta::assert_snapshot!(shown(include_str!("release/sample.json"), 2), @r"
        shop-2.1.0-1  2.0.3 → 2.1.0 in production, policy careful, attempt 2, started by ada
        Progressing: Step small holds for another 8m48s
          steps   ✓ staff  all of employees
                  ▶ small  5 % of everyone
                  · all    everyone
          hold    ████████░░░░░░░░░░░░░░░░ 6m12s of 15m, 340 of 1000 requests
          split   ░░░░░░░░░░░░░░░░░░░░░░░░ all of employees on 2.1.0, 5 % of everyone on the way
          checks  ✓ http.errors is 0.3 % for the candidate and 0.2 % for stable
                  ? http.latency: 340 requests are too few to tell
          so far  352 requests reached 2.1.0, 1 failed
          log     09:20:01Z Step staff
                  09:30:01Z Step small
        ");
    }

    #[test]
    fn a_gate_is_told_with_who_may_open_it_and_what_to_type() {
        insta::assert_snapshot!(shown(include_str!("release/several.json"), 2), @r"
        shop-2.1.0-1  2.0.3 → 2.1.0 in production, policy careful, started by ada
        AwaitingApproval: Waits for 1 more approval by product or support
          steps   ✓ ramp     1 % of everyone, growing to 25 % over 1h
                  ▶ ask      approval by product or support
                  · migrate  nobody can be taken back from here on: orders are migrated
                  · all      everyone
          gate    2 people with the role product or support must approve, 1 so far
                  ada started it and cannot approve it
                  ben approved at 2026-11-23 09:36 UTC: looks fine
                  until 2026-11-24 09:30 UTC
                  type: sluice release approve shop-2.1.0-1
                  type: sluice release reject shop-2.1.0-1
                  type: sluice release override shop-2.1.0-1 --reason TEXT
          split   ██████░░░░░░░░░░░░░░░░░░ 25 % of everyone on 2.1.0
          order   1. payments 1.3.0 → 1.4.0: 25 % of everyone
                  2. shop 2.0.3 → 2.1.0: nobody
          checks  ✓ payments: http.errors: 0.1 % of requests failed on the candidate and 0.1 % on stable
                  ? shop: http.errors: 40 requests are too few to tell
          return  nobody can be taken back any more: orders were migrated
          so far  1352 requests reached 2.1.0, 1 failed
        ");
    }
}
