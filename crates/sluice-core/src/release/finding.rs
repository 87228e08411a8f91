//! What a check has found, and how it is said in one plain sentence.

use serde::{Deserialize, Serialize};

use crate::document::policy::Tolerance;
use crate::release::plan::{Check, Question};
use crate::release::status::Verdict;

/// What a check has found: numbers, from which verdict and words follow.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// What it amounts to.
    pub ground: Ground,
    /// Stable's value: a fraction, milliseconds, or per second.
    pub stable: Option<f64>,
    /// The candidate's value.
    pub candidate: Option<f64>,
    /// Requests behind stable's value.
    pub stable_samples: u64,
    /// Requests behind the candidate's value.
    pub candidate_samples: u64,
}

/// What a finding amounts to.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Ground {
    /// Nothing was seen of the candidate.
    NoTraffic,
    /// Nothing was seen of stable, so there is nothing to compare with.
    NoStableTraffic,
    /// Too little was seen to judge.
    TooFew {
        /// How many requests it takes, of each version that is judged.
        needed: u64,
    },
    /// Not the whole window has been watched yet.
    WindowNotFull,
    /// No endpoint of the candidate is known.
    NoEndpoints,
    /// Compared, and no sign that the candidate is worse than tolerated.
    NotWorse,
    /// Compared, and worse than tolerated, at the confidence asked for.
    Worse,
    /// Within the bounds.
    Within,
    /// Above the upper bound.
    Above {
        /// The bound.
        max: f64,
    },
    /// Below the lower bound.
    Below {
        /// The bound.
        min: f64,
    },
}

impl Finding {
    /// Nothing seen yet.
    pub(crate) fn nothing() -> Finding {
        Finding {
            ground: Ground::NoTraffic,
            stable: None,
            candidate: None,
            stable_samples: 0,
            candidate_samples: 0,
        }
    }

    /// Whether to go on, to stop, or to wait.
    pub fn verdict(&self) -> Verdict {
        match self.ground {
            Ground::NoTraffic
            | Ground::NoStableTraffic
            | Ground::TooFew { .. }
            | Ground::WindowNotFull
            | Ground::NoEndpoints => Verdict::Inconclusive,
            Ground::NotWorse | Ground::Within => Verdict::Pass,
            Ground::Worse | Ground::Above { .. } | Ground::Below { .. } => Verdict::Fail,
        }
    }

    /// Why, in one plain sentence with the numbers in it.
    pub fn text(&self, check: &Check) -> String {
        let subject = check.subject();
        let question = &check.question;
        let candidate = self.candidate.map_or_else(|| "?".to_owned(), |value| question.value(value));
        let stable = self.stable.map_or_else(|| "?".to_owned(), |value| question.value(value));
        let both = format!(
            "{candidate} of the candidate ({}) against {stable} of stable ({})",
            requests(self.candidate_samples),
            requests(self.stable_samples)
        );
        match self.ground {
            Ground::NoTraffic => {
                format!("{subject}: no request has reached the candidate, so it cannot be judged")
            }
            Ground::NoStableTraffic => {
                format!("{subject}: no request has reached stable, so there is nothing to compare with")
            }
            Ground::TooFew { needed } => format!(
                "{subject}: too little to judge: {} of the candidate{}; it takes {needed}",
                requests(self.candidate_samples),
                if question.compares() {
                    format!(" and {} of stable", self.stable_samples)
                } else {
                    String::new()
                },
            ),
            Ground::WindowNotFull => {
                format!("{subject}: {candidate} so far; not yet watched for long enough to judge")
            }
            Ground::NoEndpoints => format!("{subject}: the candidate has no endpoints"),
            Ground::NotWorse => format!("{subject}: {both}; no sign that it is worse than tolerated"),
            Ground::Worse => format!("{subject}: {both}; worse than {}", question.tolerated()),
            Ground::Within => format!("{subject}: {candidate} of the candidate{}; fine", self.sample_words()),
            Ground::Above { max } => format!(
                "{subject}: {candidate} of the candidate{}; above the limit of {}",
                self.sample_words(),
                question.value(max)
            ),
            Ground::Below { min } => format!(
                "{subject}: {candidate} of the candidate{}; below the limit of {}",
                self.sample_words(),
                question.value(min)
            ),
        }
    }

    fn sample_words(&self) -> String {
        if self.candidate_samples > 0 {
            format!(" ({})", requests(self.candidate_samples))
        } else {
            String::new()
        }
    }
}

impl Check {
    /// What is measured, in words: `http.latency p95`.
    pub fn subject(&self) -> String {
        match &self.question {
            Question::LatencyAgainstStable { quantile, .. } | Question::Latency { quantile, .. } => {
                format!("{} p{}", self.metric, trimmed(quantile.fraction() * 100.0, 3))
            }
            _ => self.metric.to_string(),
        }
    }

    /// The check in words: `http.errors against stable, at most 0.5 percentage points worse (99 % sure)`.
    pub fn words(&self) -> String {
        let subject = self.subject();
        match &self.question {
            Question::ShareAgainstStable { .. } | Question::LatencyAgainstStable { .. } => {
                format!("{subject} against stable, not worse than {}", self.question.tolerated())
            }
            Question::Share { bounds, .. }
            | Question::Latency { bounds, .. }
            | Question::Rate { bounds }
            | Question::Ready { bounds } => {
                let limit = |word: &str, bound: Option<f64>| {
                    bound.map(|bound| format!("at {word} {}", self.question.value(bound)))
                };
                let limits: Vec<String> =
                    [limit("least", bounds.min), limit("most", bounds.max)].into_iter().flatten().collect();
                match self.question {
                    Question::Ready { .. } => format!("{subject} {}", limits.join(" and ")),
                    _ => format!("{subject} {} over {}", limits.join(" and "), bounds.window),
                }
            }
        }
    }
}

impl Question {
    /// Whether it compares with stable.
    pub fn compares(&self) -> bool {
        matches!(self, Question::ShareAgainstStable { .. } | Question::LatencyAgainstStable { .. })
    }

    /// What is tolerated, in words, with the confidence.
    fn tolerated(&self) -> String {
        let (tolerated, confidence) = match self {
            Question::ShareAgainstStable { tolerate: Tolerance::Points(points), confidence, .. } => {
                (format!("{} percentage points tolerated", trimmed(points * 100.0, 3)), confidence)
            }
            Question::ShareAgainstStable { tolerate: Tolerance::Relative(relative), confidence, .. }
            | Question::LatencyAgainstStable { tolerate: relative, confidence, .. } => {
                (format!("{} % tolerated", trimmed(relative * 100.0, 3)), confidence)
            }
            _ => return String::new(),
        };
        format!("the {tolerated} ({} % sure)", trimmed((1.0 - confidence.alpha()) * 100.0, 6))
    }

    /// A value with its unit.
    fn value(&self, value: f64) -> String {
        match self {
            Question::ShareAgainstStable { .. } | Question::Share { .. } | Question::Ready { .. } => {
                format!("{} %", trimmed(value * 100.0, 2))
            }
            Question::LatencyAgainstStable { .. } | Question::Latency { .. } => {
                if value < 10.0 {
                    format!("{} ms", trimmed(value, 1))
                } else {
                    format!("{value:.0} ms")
                }
            }
            Question::Rate { .. } => format!("{} per second", trimmed(value, 1)),
        }
    }
}

/// `1 request`, `12,345 requests`.
pub(crate) fn requests(count: u64) -> String {
    let noun = if count == 1 { "request" } else { "requests" };
    format!("{} {noun}", grouped(count))
}

/// Digits in groups of three: `12,345`.
pub(crate) fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut grouped = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// A number with at most so many decimals and no trailing zeros.
fn trimmed(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_easily() {
        assert_eq!(requests(1), "1 request");
        assert_eq!(requests(1_234_567), "1,234,567 requests");
        assert_eq!(trimmed(0.5, 3), "0.5");
        assert_eq!(trimmed(100.0, 2), "100");
        assert_eq!(trimmed(8.100, 2), "8.1");
    }
}
