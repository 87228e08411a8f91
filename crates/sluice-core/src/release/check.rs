//! What a check has seen, and what it says about it.

mod bounded;
mod evidence;
mod measured;
mod past;

use serde::{Deserialize, Serialize};

use self::evidence::Evidence;
use crate::Timestamp;
use crate::release::Look;
use crate::release::account::EffectInterval;
pub use crate::release::finding::{Finding, Ground};
use crate::release::plan::Check;
use crate::release::reading::Reading;

/// How many requests of each version a comparison takes before it may say that all is well. With 30 and no failure
/// among them, a version that fails one request in ten has been ruled out at 95 %; a proven harm is said at once.
pub const COMPARED_MIN: u64 = 30;

/// What a check has seen. Grows with the variety of what is seen, not with its amount.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CheckRun {
    evidence: Evidence,
    /// What a comparison found while there were people on stable; none for other checks.
    compared: Option<Finding>,
    /// What it says now.
    pub finding: Finding,
}

/// What a look is judged by, besides what was seen.
#[derive(Clone, Copy)]
pub(super) struct Standard {
    /// How likely a false alarm of this check may be: its part of what the release may have.
    pub(super) alpha: f64,
    /// Whether nobody is left on stable: then a comparison stays with what it found while there were people to compare.
    pub(super) is_everyone: bool,
    /// Whether visitors are not split as was asked for, so that a comparison compares different people.
    pub(super) is_split_broken: bool,
    /// When.
    pub(super) now: Timestamp,
}

impl CheckRun {
    /// Nothing seen yet.
    pub fn new(check: &Check) -> CheckRun {
        CheckRun { evidence: Evidence::new(check), compared: None, finding: Finding::nothing(check) }
    }

    /// To be called when other people begin to meet the candidate: what speaks for it must be seen anew among them,
    /// and what speaks against it counts in full besides what was gathered before, since more load or other people may
    /// bring out what was not there.
    pub fn restart(&mut self) {
        self.evidence.restart();
    }

    /// The natural logarithm of the evidence that the candidate is worse; none where no test decides.
    pub(super) fn log_e(&self) -> Option<f64> {
        self.evidence.log_e()
    }

    /// About how many more of the candidate's requests it takes until a fault of a size would have been found.
    pub(super) fn needed(&self, alpha: f64, effect: f64) -> Option<u64> {
        self.evidence.needed(alpha, effect)
    }

    /// Between which bounds the candidate differs from stable in this step.
    pub(super) fn interval(&self, check: &Check, alpha: f64) -> Option<EffectInterval> {
        self.evidence.interval(&check.question, alpha)
    }

    /// Takes in what was seen and says what follows.
    pub(super) fn observe(
        &mut self,
        check: &Check,
        seen: Look<'_>,
        reading: Option<&Reading>,
        standard: Standard,
    ) {
        if !self.evidence.take(check, seen, reading, standard.now) {
            // A plan never changes, so its checks and what they have seen always fit; should they not, as after a
            // damaged file, the check begins again.
            *self = CheckRun::new(check);
            return;
        }
        let found = self.evidence.finding(check, standard.alpha, standard.now);
        let found = match reading.and_then(|reading| reading.trouble.as_ref()) {
            Some(why) => found.while_away(why),
            None => found,
        };
        let found = match standard.is_split_broken && check.question.compares() {
            true => found.of_broken_split(),
            false => found,
        };
        self.finding = match &self.compared {
            Some(before) if standard.is_everyone => found.after(before),
            _ => found,
        };
        if check.question.compares()
            && !standard.is_everyone
            && matches!(self.finding.ground, Ground::NotWorse | Ground::ProvedNotWorse)
        {
            self.compared = Some(self.finding.clone());
        }
    }
}

impl Finding {
    /// What it amounts to while the source cannot be read: what was proved stays proved.
    fn while_away(self, why: &str) -> Finding {
        match self.verdict() {
            crate::release::status::Verdict::Fail => self,
            _ => Finding { ground: Ground::SourceAway, note: Some(why.to_owned()), ..self },
        }
    }

    /// What a comparison amounts to when the two versions met different people.
    fn of_broken_split(self) -> Finding {
        Finding { ground: Ground::SplitBroken, ..self }
    }

    /// What a comparison amounts to now that everyone meets the candidate: what it found before, once there were
    /// enough requests again.
    fn after(self, before: &Finding) -> Finding {
        match self.ground {
            Ground::Worse | Ground::NoTraffic | Ground::SourceAway => self,
            _ if self.candidate_samples < COMPARED_MIN => Finding {
                ground: Ground::TooFew { needed: COMPARED_MIN },
                stable: before.stable,
                stable_samples: before.stable_samples,
                ..self
            },
            _ => before.clone(),
        }
    }
}
