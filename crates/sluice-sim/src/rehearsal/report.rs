//! What came of a rehearsal.

use std::fmt;

use serde::Serialize;
use sluice_core::release::status::{PhaseName, TimelineEntry};
use sluice_core::{Name, Span, Timestamp};

/// What came of a rehearsal.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Rehearsal {
    /// The policy that it followed.
    pub policy: Name,
    /// The seed: the same one gives the same rehearsal.
    pub seed: u64,
    /// Where the release ended.
    pub phase: PhaseName,
    /// Why, in one plain sentence.
    pub reason: String,
    /// When it began, in the time of the recording.
    pub began: Timestamp,
    /// When it ended; for one that succeeded, when nothing was watched any more.
    pub ended: Timestamp,
    /// How long until everyone had the new version for good; none when that did not happen.
    pub promoted_after: Option<Span>,
    /// Every decision, oldest first, with its time and words.
    pub timeline: Vec<TimelineEntry>,
    /// The steps that it went through, and when.
    pub steps: Vec<StepTrace>,
    /// What each check said, and how often.
    pub checks: Vec<CheckTrace>,
    /// How many visitors met the candidate.
    pub visitors_met: u64,
    /// How many requests the candidate answered.
    pub requests: u64,
    /// How many of them failed.
    pub failed: u64,
    /// What the fault did; none when there was none.
    pub fault: Option<FaultTrace>,
    /// What was otherwise than it would be in a real release.
    pub notes: Vec<String>,
}

/// A step that a release went through.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StepTrace {
    /// Its name.
    pub name: Name,
    /// When it was entered.
    pub entered: Timestamp,
    /// When it was left; none when the release ended in it.
    pub left: Option<Timestamp>,
}

/// What a check said, and how often. It is asked once a second while anybody meets the candidate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CheckTrace {
    /// The check in words.
    pub check: String,
    /// How often it passed.
    pub passed: u64,
    /// How often it failed.
    pub failed: u64,
    /// How often it could not tell.
    pub inconclusive: u64,
    /// What it said last.
    pub last: String,
}

/// What an injected fault did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FaultTrace {
    /// Requests of visitors that failed because of it.
    pub failed: u64,
    /// Requests of visitors that took longer because of it.
    pub slowed: u64,
    /// When it could first have hurt anybody; none when it never could.
    pub onset: Option<Timestamp>,
    /// How long it took from there until everyone was back; none when they were not taken back.
    pub return_took: Option<Span>,
}

impl fmt::Display for Rehearsal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:?} after {}: {}", self.phase, self.ended.since(self.began).rounded(), self.reason)?;
        writeln!(
            f,
            "{} visitors met the candidate, which answered {} requests, of which {} failed.",
            self.visitors_met, self.requests, self.failed
        )?;
        if let Some(fault) = &self.fault {
            match (fault.onset, fault.return_took) {
                (None, _) => writeln!(f, "The fault never hurt anybody.")?,
                (Some(_), Some(took)) => writeln!(
                    f,
                    "The fault made {} requests fail and {} slower; everyone was back {took} after it began.",
                    fault.failed, fault.slowed
                )?,
                (Some(_), None) => writeln!(
                    f,
                    "The fault made {} requests fail and {} slower, and nobody was taken back.",
                    fault.failed, fault.slowed
                )?,
            }
        }
        writeln!(f)?;
        for step in &self.steps {
            let since = step.entered.since(self.began).rounded();
            match step.left {
                Some(left) => {
                    writeln!(f, "  +{since:<9} {} for {}", step.name, left.since(step.entered).rounded())?;
                }
                None => writeln!(f, "  +{since:<9} {}", step.name)?,
            }
        }
        writeln!(f)?;
        for entry in &self.timeline {
            writeln!(f, "  +{:<9} {}", entry.at.since(self.began).rounded().to_string(), entry.text)?;
        }
        writeln!(f)?;
        for check in &self.checks {
            writeln!(
                f,
                "  {}: passed {} times, failed {}, could not tell {}",
                check.check, check.passed, check.failed, check.inconclusive
            )?;
        }
        for note in &self.notes {
            writeln!(f, "Note: {note}")?;
        }
        Ok(())
    }
}
