//! Why a release is where it is: every check with its numbers, its method, and what would change what it says.

mod method;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use self::method::Method;
use crate::release::check::CheckRun;
use crate::release::finding::{Ground, grouped, requests, trimmed};
use crate::release::plan::{Check, Question};
use crate::release::status::{PhaseName, Verdict};
use crate::release::{Member, Release};
use crate::{Name, Timestamp, VersionName};

/// A fault of this size is what "about so many more requests" is reckoned for: twice what is tolerated.
const EFFECT: f64 = 2.0;

/// Why a release is where it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Account {
    /// The release.
    pub release: Name,
    /// The service.
    pub service: Name,
    /// The version that people had.
    pub from: VersionName,
    /// The version that is released.
    pub to: VersionName,
    /// When this was so.
    pub at: Timestamp,
    /// Where it is in its life.
    pub phase: PhaseName,
    /// The step that it is in.
    pub step: Option<Name>,
    /// Who meets the candidate, in words.
    pub audience: String,
    /// Why it is where it is, in one sentence.
    pub reason: String,
    /// What every check says, and why.
    pub checks: Vec<CheckAccount>,
    /// How likely a false alarm is over the whole release, at most; none where no test decides.
    pub false_alarm: Option<f64>,
}

/// What a check says, and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CheckAccount {
    /// The check in words.
    pub check: String,
    /// The service that it is asked of.
    pub service: Name,
    /// What it says.
    pub verdict: Verdict,
    /// Whether a pass is proved, or only no sign of harm was seen.
    pub is_proved: bool,
    /// Why, in one sentence with the numbers in it.
    pub text: String,
    /// Stable's value, as in the status.
    pub stable: Option<f64>,
    /// The candidate's value.
    pub candidate: Option<f64>,
    /// Requests behind stable's value.
    pub stable_samples: u64,
    /// Requests behind the candidate's value.
    pub candidate_samples: u64,
    /// Between which bounds the difference is, where one is measured.
    pub interval: Option<EffectInterval>,
    /// What speaks against the candidate, where a test decides.
    pub evidence: Option<EvidenceAccount>,
    /// How it is decided.
    pub method: Method,
    /// What would change what it says, in one sentence.
    pub change: String,
}

/// Between which bounds the candidate's difference from stable is in this step, at every moment, with the confidence of
/// the check.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EffectInterval {
    /// What is bounded.
    pub of: Effect,
    /// The lower bound; none where the data set none.
    pub low: Option<f64>,
    /// The most likely value.
    pub estimate: Option<f64>,
    /// The upper bound; none where the data set none.
    pub high: Option<f64>,
}

/// What an interval bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Effect {
    /// The candidate's value less stable's, as a fraction.
    Difference,
    /// How many times stable's value the candidate's is.
    Ratio,
}

/// What speaks against a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EvidenceAccount {
    /// The evidence so far: 1 at first; a candidate within what is tolerated ever reaches X with a probability of 1/X
    /// at most. Held below 1e300.
    pub now: f64,
    /// How much it takes to fail.
    pub needed: f64,
    /// How likely a false alarm of this check is, at most: its part of what the whole release may have.
    pub alpha: f64,
    /// About how many more of the candidate's requests it takes until one that fails twice as often as tolerated would
    /// have been found; none where that cannot be reckoned.
    pub more_requests: Option<u64>,
}

impl Release {
    /// Why it is where it is, now.
    pub fn account(&self, now: Timestamp) -> Account {
        let alphas = self.plan.alphas(self.companions.len() + 1);
        let of_member = |(member, runs): (Member<'_>, &[CheckRun])| -> Vec<CheckAccount> {
            let checks = self.plan.checks.iter().zip(&alphas).zip(runs);
            checks.map(|((check, alpha), run)| run.account(check, &member.service.name, *alpha)).collect()
        };
        let status = self.status();
        let asked = self.plan.checks.iter().filter_map(|check| check.question.confidence());
        Account {
            release: self.name.clone(),
            service: self.service.name.clone(),
            from: self.from.clone(),
            to: self.to.clone(),
            at: now,
            phase: status.phase,
            step: status.step,
            audience: self.traffic.desired.words(),
            reason: self.reason.to_string(),
            checks: self.members().zip(self.all_runs()).flat_map(of_member).collect(),
            false_alarm: asked.map(|sure| sure.alpha()).reduce(f64::max),
        }
    }
}

impl CheckRun {
    fn account(&self, check: &Check, service: &Name, alpha: f64) -> CheckAccount {
        let finding = &self.finding;
        let evidence = self.log_e().map(|log_e| EvidenceAccount {
            now: log_e.min(690.0).exp(),
            needed: 1.0 / alpha,
            alpha,
            more_requests: self.needed(alpha, EFFECT),
        });
        CheckAccount {
            check: check.words(),
            service: service.clone(),
            verdict: finding.verdict(),
            is_proved: finding.ground == Ground::ProvedNotWorse,
            text: finding.text(check),
            stable: finding.stable,
            candidate: finding.candidate,
            stable_samples: finding.stable_samples,
            candidate_samples: finding.candidate_samples,
            interval: self.interval(check, alpha),
            evidence,
            method: Method::of(check),
            change: self.what_would_change(check, evidence),
        }
    }

    fn what_would_change(&self, check: &Check, evidence: Option<EvidenceAccount>) -> String {
        let finding = &self.finding;
        let limits = || check.question.bounds().map(|bounds| (bounds.min, bounds.max));
        match finding.ground {
            Ground::NoTraffic => "Requests to the candidate.".to_owned(),
            Ground::NoStableTraffic => "Requests to stable, to compare with.".to_owned(),
            Ground::TooFew { needed } => {
                let least = match check.question.compares() {
                    true => finding.candidate_samples.min(finding.stable_samples),
                    false => finding.candidate_samples,
                };
                format!("{} more.", requests(needed.saturating_sub(least)))
            }
            Ground::WindowNotFull => "Time: the whole window has to be watched.".to_owned(),
            Ground::NoEndpoints => "An endpoint of the candidate.".to_owned(),
            Ground::NotMeasured => "A first reading from its source.".to_owned(),
            Ground::SourceAway => "A source that answers again.".to_owned(),
            Ground::SplitBroken => {
                "A split as asked for: look at what visitors are told apart by, and at what is in front of the gateway."
                    .to_owned()
            }
            Ground::PastTooShort { .. } => "A longer record of the time before a release.".to_owned(),
            Ground::NotWorse | Ground::ProvedNotWorse => evidence.map_or_else(String::new, doubt_words),
            Ground::Worse => {
                "Nothing that comes now: what was proved stays said, until the step or the policy changes.".to_owned()
            }
            Ground::Within => match limits() {
                Some((Some(min), Some(max))) => {
                    format!("It fails below {} or above {}.", check.value(min), check.value(max))
                }
                Some((Some(min), None)) => format!("It fails below {}.", check.value(min)),
                Some((None, Some(max))) => format!("It fails above {}.", check.value(max)),
                _ => String::new(),
            },
            Ground::Above { max } => format!("It passes again at {} or less.", check.value(max)),
            Ground::Below { min } => format!("It passes again at {} or more.", check.value(min)),
        }
    }
}

/// What would make a comparison fail, and what would make its silence worth more.
fn doubt_words(evidence: EvidenceAccount) -> String {
    let fails = format!(
        "It fails when the evidence against the candidate reaches {}; it is at {} now.",
        number(evidence.needed),
        number(evidence.now)
    );
    match evidence.more_requests {
        Some(0) => {
            format!("{fails} A candidate twice as bad as tolerated would probably have been found by now.")
        }
        Some(more) => {
            format!("{fails} One twice as bad as tolerated takes about {} more to be found.", requests(more))
        }
        None => fails,
    }
}

/// A positive number for people: `0.02`, `3.4`, `12,345`.
fn number(value: f64) -> String {
    match value {
        ..0.01 => "less than 0.01".to_owned(),
        0.01..10.0 => format!("{value:.2}"),
        10.0..1e15 => grouped(value.round() as u64),
        _ => "more than a million billion".to_owned(),
    }
}

/// The account as text for a terminal: one fact a line.
impl std::fmt::Display for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{}: {} {} → {}, as of {}", self.release, self.service, self.from, self.to, self.at)?;
        writeln!(f, "  {:?}: {}", self.phase, self.reason)?;
        writeln!(f, "  Who meets {}: {}", self.to, self.audience)?;
        if let Some(alpha) = self.false_alarm {
            let percent = trimmed(alpha * 100.0, 6);
            writeln!(
                f,
                "  False alarms: at most {percent} % over the whole release, with all its checks and however often it is looked at"
            )?;
        }
        for check in &self.checks {
            writeln!(f)?;
            write!(f, "{check}")?;
        }
        Ok(())
    }
}

impl std::fmt::Display for CheckAccount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let verdict = match (self.verdict, self.is_proved) {
            (Verdict::Pass, true) => "pass, proved",
            (Verdict::Pass, false) => "pass, no sign of harm",
            (Verdict::Fail, _) => "FAIL",
            (Verdict::Inconclusive, _) => "inconclusive",
        };
        writeln!(f, "{} [{verdict}]", self.check)?;
        writeln!(f, "  Why: {}.", self.text.trim_end_matches('.'))?;
        if let Some(interval) = &self.interval {
            writeln!(f, "  {}", interval.words())?;
        }
        if let Some(evidence) = self.evidence {
            writeln!(
                f,
                "  Evidence against the candidate: {} of {}",
                number(evidence.now),
                number(evidence.needed)
            )?;
        }
        writeln!(f, "  How: {}", self.method.words)?;
        if let Some(source) = &self.method.source {
            writeln!(f, "  Source: {source}")?;
        }
        if !self.change.is_empty() {
            writeln!(f, "  What would change it: {}", self.change)?;
        }
        Ok(())
    }
}

impl EffectInterval {
    /// In one line.
    pub fn words(&self) -> String {
        let show = |value: Option<f64>, open: &str| match (self.of, value) {
            (_, None) => open.to_owned(),
            (Effect::Difference, Some(value)) => format!("{:+.3} points", value * 100.0),
            (Effect::Ratio, Some(value)) => format!("{value:.2} times"),
        };
        let what = match self.of {
            Effect::Difference => "Difference from stable",
            Effect::Ratio => "Of stable's value",
        };
        format!(
            "{what}: {}, between {} and {}",
            show(self.estimate, "unknown"),
            show(self.low, "anything"),
            show(self.high, "anything")
        )
    }
}

impl Question {
    /// Whether an interval of it is a difference in points.
    pub(crate) fn is_in_points(&self) -> bool {
        use crate::document::policy::Tolerance;
        matches!(self, Question::ShareAgainstStable { tolerate: Tolerance::Points(_), .. })
    }
}
