//! What a check has found, and how it is said in one plain sentence.

use serde::{Deserialize, Serialize};

use crate::document::policy::Tolerance;
use crate::release::plan::{Bounds, Check, Question};
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
        let samples = grouped(self.candidate_samples);
        match self.ground {
            Ground::NoTraffic => {
                format!("{subject} cannot be judged, because no request has reached the candidate")
            }
            Ground::NoStableTraffic => {
                format!("{subject} cannot be compared, because no request has reached stable")
            }
            Ground::TooFew { needed } if question.compares() => format!(
                "{subject} cannot be compared yet, because it takes {needed} requests of each version and there are \
                 {samples} of the candidate and {} of stable",
                grouped(self.stable_samples)
            ),
            Ground::TooFew { needed } => format!(
                "{subject} cannot be judged yet, because it takes {} and the candidate has answered {samples}",
                requests(needed)
            ),
            Ground::WindowNotFull => format!(
                "{} so far; it cannot be judged until it was watched for {}",
                self.value_words(check),
                question.bounds().map(|bounds| bounds.window).unwrap_or_default()
            ),
            Ground::NoEndpoints => {
                format!("{subject} cannot be judged, because the candidate has no endpoints")
            }
            Ground::NotWorse => {
                format!("{}; nothing shows that it is {}", self.value_words(check), question.worse())
            }
            Ground::Worse => format!(
                "{}, which is {} ({})",
                self.value_words(check),
                question.worse(),
                question.certainty()
            ),
            Ground::Within => format!("{}, within {}", self.value_words(check), question.limits()),
            Ground::Above { max } => {
                format!("{}, above the limit of {}", self.value_words(check), question.value(max))
            }
            Ground::Below { min } => {
                format!("{}, below the limit of {}", self.value_words(check), question.value(min))
            }
        }
    }

    /// `http.errors is 8.1 % for the candidate (412 requests) and 0.2 % for stable (8,030 requests)`; stable's part
    /// only where there is one.
    fn value_words(&self, check: &Check) -> String {
        let arm = |name: &str, value: Option<f64>, samples: u64| {
            let value = value.map_or_else(|| "unknown".to_owned(), |value| check.question.value(value));
            let behind = if samples > 0 { format!(" ({})", requests(samples)) } else { String::new() };
            format!("{value} for {name}{behind}")
        };
        let mut words = format!(
            "{} is {}",
            check.subject(),
            arm("the candidate", self.candidate, self.candidate_samples)
        );
        if self.stable.is_some() {
            words.push_str(" and ");
            words.push_str(&arm("stable", self.stable, self.stable_samples));
        }
        words
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

    /// The check in words: `http.errors no more than 0.5 percentage points worse than stable's (99 % sure)`.
    pub fn words(&self) -> String {
        let (subject, question) = (self.subject(), &self.question);
        match question.bounds() {
            None => format!("{subject} not {} ({})", question.worse(), question.certainty()),
            Some(bounds) => {
                let limit = |word: &str, bound: Option<f64>| {
                    bound.map(|bound| format!("at {word} {}", question.value(bound)))
                };
                let limits: Vec<String> =
                    [limit("least", bounds.min), limit("most", bounds.max)].into_iter().flatten().collect();
                match question {
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
        self.bounds().is_none()
    }

    /// Its fixed bounds; none where it compares.
    fn bounds(&self) -> Option<&Bounds> {
        match self {
            Question::ShareAgainstStable { .. } | Question::LatencyAgainstStable { .. } => None,
            Question::Share { bounds, .. }
            | Question::Latency { bounds, .. }
            | Question::Rate { bounds }
            | Question::Ready { bounds } => Some(bounds),
        }
    }

    /// What would be too much, in words: `more than 0.5 percentage points worse than stable`.
    fn worse(&self) -> String {
        let tolerated = match self {
            Question::ShareAgainstStable { tolerate: Tolerance::Points(points), .. } => {
                (*points, percentage_points(points * 100.0))
            }
            Question::ShareAgainstStable { tolerate: Tolerance::Relative(relative), .. }
            | Question::LatencyAgainstStable { tolerate: relative, .. } => {
                (*relative, format!("{} %", trimmed(relative * 100.0, 3)))
            }
            _ => return "worse".to_owned(),
        };
        match tolerated {
            (0.0, _) => "worse than stable".to_owned(),
            (_, words) => format!("more than {words} worse than stable"),
        }
    }

    /// How sure one must be: `99 % sure`.
    fn certainty(&self) -> String {
        match self {
            Question::ShareAgainstStable { confidence, .. }
            | Question::LatencyAgainstStable { confidence, .. } => {
                format!("{} % sure", trimmed((1.0 - confidence.alpha()) * 100.0, 6))
            }
            _ => String::new(),
        }
    }

    /// Its bounds in words: `the limit of 5 %`, `the limits of 1 % and 5 %`.
    fn limits(&self) -> String {
        match self.bounds().map(|bounds| (bounds.min, bounds.max)) {
            Some((Some(min), Some(max))) => {
                format!("the limits of {} and {}", self.value(min), self.value(max))
            }
            Some((Some(one), None) | (None, Some(one))) => format!("the limit of {}", self.value(one)),
            Some((None, None)) | None => "its limits".to_owned(),
        }
    }

    /// A value with its unit.
    fn value(&self, value: f64) -> String {
        match self {
            Question::ShareAgainstStable { .. } | Question::Share { .. } | Question::Ready { .. } => {
                // Rare failures are still not none.
                let decimals = if value < 0.0001 { 5 } else { 2 };
                format!("{} %", trimmed(value * 100.0, decimals))
            }
            Question::LatencyAgainstStable { .. } | Question::Latency { .. } => match value {
                ..10.0 => format!("{} ms", trimmed(value, 1)),
                10.0..10_000.0 => format!("{} ms", grouped(value.round() as u64)),
                _ => format!("{} s", trimmed(value / 1000.0, 1)),
            },
            Question::Rate { .. } => format!("{} per second", trimmed(value, 1)),
        }
    }
}

/// `1 percentage point`, `0.5 percentage points`.
fn percentage_points(points: f64) -> String {
    let number = trimmed(points, 3);
    let noun = if number == "1" { "percentage point" } else { "percentage points" };
    format!("{number} {noun}")
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
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
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
