//! What a check has found, and how it is said in one plain sentence.

use serde::{Deserialize, Serialize};

use crate::Span;
use crate::document::policy::{Confidence, Tolerance};
use crate::release::plan::{Bounds, Check, Compared, Measure, Question, Watched};
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
    /// What whoever measures says about it: why it cannot be measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
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
    /// Whoever measures it has not given anything yet.
    NotMeasured,
    /// Whoever measures it cannot be asked now.
    SourceAway,
    /// Visitors are not split as was asked for, so that a comparison compares different people.
    SplitBroken,
    /// Too little is known of the time before anybody met the candidate.
    PastTooShort {
        /// How many blocks of ten seconds it takes.
        needed: u64,
        /// How many there are.
        known: u64,
    },
    /// Compared, and no sign that the candidate is worse than tolerated.
    NotWorse,
    /// Compared, and proved to be no worse than tolerated, at the confidence asked for.
    ProvedNotWorse,
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
    pub(crate) fn nothing(check: &Check) -> Finding {
        Finding::of_candidate(if check.is_read() { Ground::NotMeasured } else { Ground::NoTraffic }, None, 0)
    }

    /// What was found of the candidate alone.
    pub(crate) fn of_candidate(ground: Ground, value: Option<f64>, samples: u64) -> Finding {
        Finding {
            ground,
            stable: None,
            candidate: value,
            stable_samples: 0,
            candidate_samples: samples,
            note: None,
        }
    }

    /// Whether to go on, to stop, or to wait.
    pub fn verdict(&self) -> Verdict {
        match self.ground {
            Ground::NoTraffic
            | Ground::NoStableTraffic
            | Ground::TooFew { .. }
            | Ground::WindowNotFull
            | Ground::NoEndpoints
            | Ground::NotMeasured
            | Ground::SourceAway
            | Ground::SplitBroken
            | Ground::PastTooShort { .. } => Verdict::Inconclusive,
            Ground::NotWorse | Ground::ProvedNotWorse | Ground::Within => Verdict::Pass,
            Ground::Worse | Ground::Above { .. } | Ground::Below { .. } => Verdict::Fail,
        }
    }

    /// Why, in one plain sentence with the numbers in it.
    pub fn text(&self, check: &Check) -> String {
        let question = &check.question;
        match self.ground {
            Ground::NotWorse => {
                format!("{}; nothing shows that it is {}", self.value_words(check), question.worse())
            }
            Ground::ProvedNotWorse => format!(
                "{}; it is proved not to be {} ({})",
                self.value_words(check),
                question.worse(),
                question.certainty()
            ),
            Ground::Worse => format!(
                "{}, which is {} ({})",
                self.value_words(check),
                question.worse(),
                question.certainty()
            ),
            Ground::Within => format!("{}, within {}", self.value_words(check), check.limits()),
            Ground::Above { max } => {
                format!("{}, above the limit of {}", self.value_words(check), check.value(max))
            }
            Ground::Below { min } => {
                format!("{}, below the limit of {}", self.value_words(check), check.value(min))
            }
            _ => self.waiting_text(check),
        }
    }

    /// Why it cannot be judged.
    fn waiting_text(&self, check: &Check) -> String {
        let subject = check.subject();
        let question = &check.question;
        let samples = grouped(self.candidate_samples);
        match self.ground {
            Ground::NoTraffic if check.is_read() => {
                format!("{subject} cannot be judged, because nothing was measured of it yet")
            }
            Ground::NoStableTraffic if check.is_read() => {
                format!("{subject} cannot be compared, because nothing was measured of stable yet")
            }
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
            Ground::NotMeasured => format!("{subject} has not been measured yet"),
            Ground::SourceAway => format!(
                "{subject} cannot be judged, because it cannot be measured now: {}",
                self.note.as_deref().unwrap_or("no reason was given")
            ),
            Ground::SplitBroken => format!(
                "{subject} cannot be compared, because new visitors are not split as asked for: the versions meet \
                 different people"
            ),
            Ground::PastTooShort { needed, known } => format!(
                "{subject} cannot be compared with the time before, of which {} are known and {} are needed",
                Span::from_secs(known * 10),
                Span::from_secs(needed * 10)
            ),
            _ => subject,
        }
    }

    /// `http.errors is 8.1 % for the candidate (412 requests) and 0.2 % for stable (8,030 requests)`; stable's part
    /// only where there is one.
    fn value_words(&self, check: &Check) -> String {
        let arm = |name: &str, value: Option<f64>, samples: u64| {
            let value = value.map_or_else(|| "unknown".to_owned(), |value| check.value(value));
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
        let what = match &self.question {
            Question::LatencyAgainstStable { quantile, .. }
            | Question::Latency { quantile, .. }
            | Question::AgainstBefore { what: Compared::Quantile(quantile), .. } => {
                format!("{} p{}", self.metric, trimmed(quantile.fraction() * 100.0, 3))
            }
            Question::MeanAgainstStable { .. }
            | Question::Mean { .. }
            | Question::AgainstBefore { what: Compared::Mean(_), .. } => format!("mean {}", self.metric),
            _ => self.metric.to_string(),
        };
        match &self.watched {
            Watched::Released => what,
            Watched::Path(path) => format!("{what} of {path}"),
            Watched::Other { service, path: None } => format!("{what} of {service}"),
            Watched::Other { service, path: Some(path) } => format!("{what} of {service}{path}"),
        }
    }

    /// The check in words: `http.errors no more than 0.5 percentage points worse than stable's (99 % sure)`.
    pub fn words(&self) -> String {
        let (subject, question) = (self.subject(), &self.question);
        match question.bounds() {
            None => format!("{subject} not {} ({})", question.worse(), question.certainty()),
            Some(bounds) => {
                let limit = |word: &str, bound: Option<f64>| {
                    bound.map(|bound| format!("at {word} {}", self.value(bound)))
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

impl Check {
    /// Whether others than the data plane's counts of the two versions give what it judges.
    pub fn is_read(&self) -> bool {
        let is_counted = !matches!(self.measure, Measure::Outside(_))
            && self.watched == Watched::Released
            && !matches!(self.question, Question::AgainstBefore { .. });
        !is_counted && !matches!(self.measure, Measure::Ready)
    }

    /// Its bounds in words: `the limit of 5 %`, `the limits of 1 % and 5 %`.
    fn limits(&self) -> String {
        match self.question.bounds().map(|bounds| (bounds.min, bounds.max)) {
            Some((Some(min), Some(max))) => {
                format!("the limits of {} and {}", self.value(min), self.value(max))
            }
            Some((Some(one), None) | (None, Some(one))) => format!("the limit of {}", self.value(one)),
            Some((None, None)) | None => "its limits".to_owned(),
        }
    }

    /// A value with its unit.
    pub fn value(&self, value: f64) -> String {
        match &self.question {
            Question::ShareAgainstStable { .. }
            | Question::Share { .. }
            | Question::Ready { .. }
            | Question::AgainstBefore { what: Compared::Share, .. } => {
                // Rare failures are still not none.
                let decimals = if value < 0.0001 { 5 } else { 2 };
                format!("{} %", trimmed(value * 100.0, decimals))
            }
            Question::Rate { .. } | Question::AgainstBefore { what: Compared::Rate(_), .. } => {
                format!("{} per second", trimmed(value, 1))
            }
            Question::RateAgainstStable { .. } => {
                format!("{} per 1,000 requests", trimmed(value * 1000.0, 2))
            }
            _ => self.in_unit(value),
        }
    }

    fn in_unit(&self, value: f64) -> String {
        let unit = match &self.measure {
            Measure::Outside(metric) if !metric.is_time() => metric.unit.as_deref(),
            _ => Some("ms"),
        };
        match (unit, value) {
            (Some("ms"), ..10.0) => format!("{} ms", trimmed(value, 1)),
            (Some("ms"), 10.0..10_000.0) => format!("{} ms", grouped(value.round() as u64)),
            (Some("ms"), _) => format!("{} s", trimmed(value / 1000.0, 1)),
            (Some(unit), _) => format!("{} {unit}", trimmed(value, 2)),
            (None, _) => trimmed(value, 2),
        }
    }
}

impl Question {
    /// Whether it compares with stable.
    pub fn compares(&self) -> bool {
        matches!(
            self,
            Question::ShareAgainstStable { .. }
                | Question::LatencyAgainstStable { .. }
                | Question::RateAgainstStable { .. }
                | Question::MeanAgainstStable { .. }
        )
    }

    /// How sure one must be, where a test decides.
    pub fn confidence(&self) -> Option<Confidence> {
        match self {
            Question::ShareAgainstStable { confidence, .. }
            | Question::LatencyAgainstStable { confidence, .. }
            | Question::RateAgainstStable { confidence, .. }
            | Question::MeanAgainstStable { confidence, .. }
            | Question::AgainstBefore { confidence, .. } => Some(*confidence),
            _ => None,
        }
    }

    /// Its fixed bounds; none where it compares.
    pub(crate) fn bounds(&self) -> Option<&Bounds> {
        match self {
            Question::Share { bounds }
            | Question::Latency { bounds, .. }
            | Question::Rate { bounds }
            | Question::Mean { bounds }
            | Question::Gauge { bounds }
            | Question::Ready { bounds } => Some(bounds),
            _ => None,
        }
    }

    /// What would be too much, in words: `more than 0.5 percentage points worse than stable`.
    pub(crate) fn worse(&self) -> String {
        let relative = |part: f64| (part, format!("{} %", trimmed(part * 100.0, 3)));
        let (tolerated, than) = match self {
            Question::ShareAgainstStable { tolerate, .. } => (Some(*tolerate), "stable"),
            Question::AgainstBefore { tolerate, .. } => (Some(*tolerate), "before"),
            _ => (None, "stable"),
        };
        let tolerated = match (tolerated, self) {
            (Some(Tolerance::Points(points)), _) => (points, percentage_points(points * 100.0)),
            (Some(Tolerance::Relative(part)), _) => relative(part),
            (
                None,
                Question::LatencyAgainstStable { tolerate, .. }
                | Question::RateAgainstStable { tolerate, .. }
                | Question::MeanAgainstStable { tolerate, .. },
            ) => relative(*tolerate),
            _ => return "worse".to_owned(),
        };
        match tolerated {
            (0.0, _) => format!("worse than {than}"),
            (_, words) => format!("more than {words} worse than {than}"),
        }
    }

    /// How sure one must be: `99 % sure`.
    pub(crate) fn certainty(&self) -> String {
        self.confidence().map_or_else(String::new, |confidence| {
            format!("{} % sure", trimmed((1.0 - confidence.alpha()) * 100.0, 6))
        })
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
pub(crate) fn trimmed(value: f64, decimals: usize) -> String {
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
