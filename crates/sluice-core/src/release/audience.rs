//! Who meets a candidate.

use serde::{Deserialize, Serialize};

use crate::document::policy::{AudienceRule, Percent, StepSpec};
use crate::{Name, Weight};

/// Who meets a candidate: those whom any line takes in, but for the excluded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exposure {
    /// Who is taken in, tested in order.
    pub include: Vec<AudienceRule>,
    /// Segments that are never taken in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclude: Vec<Name>,
}

impl Exposure {
    /// Nobody meets the candidate.
    pub fn nobody() -> Exposure {
        Exposure::default()
    }

    /// Everyone meets it, no exceptions.
    pub fn everyone() -> Exposure {
        let everyone = AudienceRule { segment: None, percent: Percent(Weight::FULL) };
        Exposure { include: vec![everyone], exclude: Vec::new() }
    }

    /// What a step of a policy says.
    pub fn of_step(step: &StepSpec) -> Exposure {
        Exposure { include: step.audience.clone(), exclude: step.exclude.clone() }
    }

    /// Whether nobody can meet the candidate.
    pub fn is_nobody(&self) -> bool {
        self.include.iter().all(|rule| rule.percent.0 == Weight::ZERO)
    }

    /// Whether everyone meets it, so that nobody is left to compare with.
    pub fn is_everyone(&self) -> bool {
        self.share() == Weight::FULL && self.exclude.is_empty()
    }

    /// The share of everyone, segments not counted.
    pub fn share(&self) -> Weight {
        let of_everyone = self.include.iter().filter(|rule| rule.segment.is_none());
        of_everyone.map(|rule| rule.percent.0).max().unwrap_or(Weight::ZERO)
    }

    /// Every segment that is named.
    pub fn segments(&self) -> impl Iterator<Item = &Name> {
        self.include.iter().filter_map(|rule| rule.segment.as_ref()).chain(&self.exclude)
    }

    /// In words: `nobody`, `5 % of everyone`, `all of employees and 5 % of low-risk, without vip`.
    pub fn words(&self) -> String {
        if self.is_nobody() {
            return "nobody".to_owned();
        }
        let lines: Vec<String> =
            self.include.iter().filter(|rule| rule.percent.0 > Weight::ZERO).map(rule_in_words).collect();
        let all = join_with_and(&lines);
        if self.exclude.is_empty() {
            return all;
        }
        let names: Vec<String> = self.exclude.iter().map(Name::to_string).collect();
        format!("{all}, without {}", join_with_and(&names))
    }
}

fn rule_in_words(rule: &AudienceRule) -> String {
    match (&rule.segment, rule.percent.0) {
        (None, Weight::FULL) => "everyone".to_owned(),
        (None, weight) => format!("{weight} of everyone"),
        (Some(segment), Weight::FULL) => format!("all of {segment}"),
        (Some(segment), weight) => format!("{weight} of {segment}"),
    }
}

/// `a`, `a and b`, `a, b and c`.
fn join_with_and(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [one] => one.clone(),
        [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(segment: Option<&str>, percent: f64) -> AudienceRule {
        AudienceRule {
            segment: segment.map(|name| name.parse().unwrap()),
            percent: Percent::try_from(percent).unwrap(),
        }
    }

    #[test]
    fn audiences_read_as_a_person_would_say_them() {
        let exposure = Exposure {
            include: vec![rule(Some("employees"), 100.0), rule(Some("low-risk"), 5.0), rule(None, 0.5)],
            exclude: vec!["vip".parse().unwrap()],
        };
        assert_eq!(exposure.words(), "all of employees, 5 % of low-risk and 0.5 % of everyone, without vip");
        assert_eq!(Exposure::everyone().words(), "everyone");
        assert_eq!(Exposure::nobody().words(), "nobody");
    }

    #[test]
    fn everyone_without_some_is_not_everyone() {
        let mut exposure = Exposure::everyone();
        assert!(exposure.is_everyone());
        exposure.exclude.push("vip".parse().unwrap());
        assert!(!exposure.is_everyone());
    }
}
