//! Who meets a candidate.

use serde::{Deserialize, Serialize};

use crate::document::policy::{AudienceRule, Percent, ShadowSpec};
use crate::{Name, Weight};

/// Where the words for what is copied begin; no other part of an audience has a `with` in it.
pub(super) const COPIED_BEGINS: &str = ", with ";

/// Who meets a candidate: those whom any line takes in, but for the excluded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exposure {
    /// Who is taken in, tested in order.
    pub include: Vec<AudienceRule>,
    /// Segments that are never taken in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclude: Vec<Name>,
    /// Which requests of everybody else are copied to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shadow: Option<ShadowSpec>,
}

impl Exposure {
    /// Nobody meets the candidate.
    pub fn nobody() -> Exposure {
        Exposure::default()
    }

    /// Everyone meets it, no exceptions.
    pub fn everyone() -> Exposure {
        let everyone = AudienceRule { segment: None, percent: Percent(Weight::FULL) };
        Exposure { include: vec![everyone], exclude: Vec::new(), shadow: None }
    }

    /// Whether nobody can meet the candidate and nothing is copied to it.
    pub fn is_idle(&self) -> bool {
        self.is_nobody() && self.copied() == Weight::ZERO
    }

    /// Whether whoever `other` takes in is taken in by this one too, as far as can be told without knowing who is in
    /// which segment, and whatever is copied by it as well.
    pub fn covers(&self, other: &Exposure) -> bool {
        let is_covered = |rule: &AudienceRule| {
            rule.percent.0 == Weight::ZERO
                || self.include.iter().any(|wider| {
                    (wider.segment.is_none() || wider.segment == rule.segment)
                        && wider.percent.0 >= rule.percent.0
                })
        };
        other.include.iter().all(is_covered)
            && (other.is_nobody() || self.exclude.iter().all(|segment| other.exclude.contains(segment)))
            && (self.copied() >= other.copied() || self.is_everyone())
            && (self.copies_unsafe() || !other.copies_unsafe())
    }

    /// As [`Exposure::covers`], whatever is copied.
    pub fn covers_people(&self, other: &Exposure) -> bool {
        self.covers(&other.scaled(1, 1))
    }

    fn copied(&self) -> Weight {
        self.shadow.map_or(Weight::ZERO, |shadow| shadow.percent.0)
    }

    fn copies_unsafe(&self) -> bool {
        self.shadow.is_some_and(|shadow| shadow.unsafe_methods && shadow.percent.0 > Weight::ZERO)
    }

    /// So many parts of `of` of everybody who is taken in, segment by segment; nothing is copied any more.
    pub fn scaled(&self, parts: u32, of: u32) -> Exposure {
        let scale = |weight: Weight| {
            let scaled = u64::from(weight.parts()) * u64::from(parts.min(of)) / u64::from(of.max(1));
            // No more than it was, so it fits.
            u32::try_from(scaled).ok().and_then(|parts| Weight::try_from(parts).ok()).unwrap_or(weight)
        };
        let include = self.include.iter().map(|rule| AudienceRule {
            segment: rule.segment.clone(),
            percent: Percent(scale(rule.percent.0)),
        });
        let include: Vec<AudienceRule> = include.filter(|rule| rule.percent.0 > Weight::ZERO).collect();
        match include.is_empty() {
            true => Exposure::nobody(),
            false => Exposure { include, exclude: self.exclude.clone(), shadow: None },
        }
    }

    /// The same with another share of everyone.
    pub fn with_share(&self, share: Weight) -> Exposure {
        let of_segments = self.include.iter().filter(|rule| rule.segment.is_some()).cloned();
        let of_everyone = AudienceRule { segment: None, percent: Percent(share) };
        let of_everyone = (share > Weight::ZERO).then_some(of_everyone);
        Exposure { include: of_segments.chain(of_everyone).collect(), ..self.clone() }
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

    /// In words: `nobody`, `5 % of everyone`, `all of employees and 5 % of low-risk, without vip`,
    /// `nobody, with 10 % of requests copied`.
    pub fn words(&self) -> String {
        match self.shadow {
            Some(ShadowSpec { percent, .. }) if percent.0 > Weight::ZERO => {
                format!("{}{COPIED_BEGINS}{} of requests copied", self.people(), percent.0)
            }
            _ => self.people(),
        }
    }

    fn people(&self) -> String {
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
            shadow: None,
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
