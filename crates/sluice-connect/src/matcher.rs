//! Which series, points or alerts are meant, by their labels.

use std::collections::BTreeMap;

use regex::Regex;
use sluice_engine::port::source::Trouble;

use crate::template::{Blanks, names};
use crate::web::trouble;

/// What the labels of a document ask for: an exact value, or, behind `~`, a regular expression that must match the whole
/// value. A label that is not there has the empty value, as in Prometheus.
#[derive(Clone, Debug)]
pub(crate) struct Matchers(BTreeMap<String, Wanted>);

#[derive(Clone, Debug)]
enum Wanted {
    Exactly(String),
    Matching { pattern: String, regex: Regex },
}

/// One condition as texts, for languages that have both kinds.
pub(crate) enum Condition<'a> {
    Equal(&'a str),
    Matching(&'a str),
}

impl Matchers {
    /// Fills in what the labels name. Where all versions are meant, labels that name the version ask for nothing.
    ///
    /// # Errors
    /// When a regular expression is none.
    pub(crate) fn new(labels: &BTreeMap<String, String>, blanks: &Blanks<'_>) -> Result<Matchers, Trouble> {
        let mut wanted = BTreeMap::new();
        for (label, value) in labels {
            if blanks.version.is_none() && names(value, "version") {
                continue;
            }
            wanted.insert(label.clone(), Wanted::read(label, value, blanks)?);
        }
        Ok(Matchers(wanted))
    }

    /// Whether labels are as asked for; `value_of` gives a label's value.
    pub(crate) fn is_met<'a>(&self, value_of: impl Fn(&str) -> Option<&'a str>) -> bool {
        self.0.iter().all(|(label, wanted)| {
            let value = value_of(label).unwrap_or_default();
            match wanted {
                Wanted::Exactly(exact) => value == exact,
                Wanted::Matching { regex, .. } => regex.is_match(value),
            }
        })
    }

    /// What is asked of each label.
    pub(crate) fn conditions(&self) -> impl Iterator<Item = (&str, Condition<'_>)> {
        self.0.iter().map(|(label, wanted)| {
            let condition = match wanted {
                Wanted::Exactly(value) => Condition::Equal(value),
                Wanted::Matching { pattern, .. } => Condition::Matching(pattern),
            };
            (label.as_str(), condition)
        })
    }
}

impl Wanted {
    fn read(label: &str, value: &str, blanks: &Blanks<'_>) -> Result<Wanted, Trouble> {
        let Some(pattern) = value.strip_prefix('~') else {
            return Ok(Wanted::Exactly(blanks.fill(value, str::to_owned)));
        };
        let pattern = blanks.fill(pattern, regex::escape);
        let regex = Regex::new(&format!("^(?s:{pattern})$")).map_err(|_| {
            trouble(format!("the label `{label}` asks for `~{pattern}`, which is no regular expression"))
        })?;
        Ok(Wanted::Matching { pattern, regex })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sluice_core::ServiceKey;

    fn is_met(asked: (&str, &str), labels: &[(&str, &str)]) -> bool {
        let service = ServiceKey { environment: "prod".parse().unwrap(), name: "shop".parse().unwrap() };
        let version = "1.0".parse().unwrap();
        let blanks = Blanks { service: &service, version: Some(&version), stretch: None };
        let asked = BTreeMap::from([(asked.0.to_owned(), asked.1.to_owned())]);
        let matchers = Matchers::new(&asked, &blanks).unwrap();
        matchers.is_met(|label| labels.iter().find(|(name, _)| *name == label).map(|(_, value)| *value))
    }

    #[test]
    fn values_are_exact_or_matched_whole() {
        assert!(is_met(("code", "500"), &[("code", "500")]));
        assert!(!is_met(("code", "5.."), &[("code", "500")]));
        assert!(is_met(("code", "~5.."), &[("code", "500")]));
        assert!(!is_met(("code", "~5.|0"), &[("code", "500")]));
        assert!(is_met(("code", ""), &[]) && is_met(("code", "~.*"), &[]) && !is_met(("code", "~.+"), &[]));
    }

    #[test]
    fn a_version_within_a_pattern_means_itself() {
        assert!(is_met(("v", "~{{version}}-.*"), &[("v", "1.0-a")]));
        assert!(!is_met(("v", "~{{version}}-.*"), &[("v", "1x0-a")]));
    }
}
