//! An explanation as people read it.

use std::fmt;

use super::{
    AskedRequest, Explanation, FoundRoute, FoundUnit, OwnAnswer, RuleResult, RuleRole, TestedRelease,
    TestedRule, VersionOutcome,
};
use crate::routing::Why;
use crate::{ServiceKey, Weight};

/// Why a version, as the end of a sentence.
pub(super) fn why(why: Why<'_>, is_carried: bool) -> String {
    match why {
        Why::NoRelease => "nothing is being released".to_owned(),
        Why::Preview => "a signed preview header asks for it".to_owned(),
        Why::Excluded(segment) => format!("the visitor is in segment {segment}, which is kept out"),
        Why::Segment(segment) => format!("the visitor is in segment {segment}, within its share"),
        Why::Share => "the visitor is within the share of everyone".to_owned(),
        Why::Carried => "an earlier service has chosen the candidate under the same release".to_owned(),
        Why::NotChosen if is_carried => {
            "an earlier service has chosen stable under the same release".to_owned()
        }
        Why::NotChosen => "no rule of the release takes the visitor in".to_owned(),
        Why::CandidateNotReady => {
            "the visitor is taken in, but the candidate has no ready endpoint".to_owned()
        }
    }
}

pub(super) fn refused(request: &AskedRequest, answer: &OwnAnswer) -> String {
    format!("The gateway answers {request} by itself, with {}: {}", answer.status, answer.detail)
}

pub(super) fn sentence(request: &AskedRequest, route: &FoundRoute, outcomes: &[VersionOutcome]) -> String {
    let service = ServiceKey { environment: route.environment.clone(), name: route.service.clone() };
    let mut text = match outcomes {
        [one, other, ..] => format!(
            "{request} comes from a new visitor, for whom a lot is drawn: {}% of them get version {} of {service}, the \
             others {}.",
            one.percent, one.version, other.version
        ),
        [one] => format!("{request} gets version {} of {service}: {}.", one.version, one.text),
        [] => format!("{request} gets no version of {service}."),
    };
    for outcome in outcomes.iter().filter(|outcome| outcome.ready == 0) {
        text.push_str(&format!(
            " No endpoint of {} is ready now, so the answer is 503 until one is.",
            outcome.version
        ));
    }
    text
}

/// `GET shop.example.com/checkout`.
impl fmt::Display for AskedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}{}", self.method, self.host, self.path)
    }
}

/// The answer first, then how it came about.
impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n", self.text)?;
        if let Some(found) = &self.route {
            let FoundRoute { route, service, environment } = found;
            line(f, "route", format_args!("{route} of {service} in {environment}"))?;
        }
        match &self.unit {
            Some(FoundUnit::Request { place, value }) => {
                line(f, "unit", format_args!("{value}, from {place}"))?
            }
            Some(FoundUnit::Minted { cookie }) => {
                line(f, "unit", format_args!("none: the visitor is given a new one, in cookie `{cookie}`"))?;
            }
            Some(FoundUnit::None) => line(f, "unit", format_args!("none: only whole shares take them in"))?,
            None => {}
        }
        for (number, attribute) in self.attributes.iter().enumerate() {
            let label = if number == 0 { "visitor" } else { "" };
            let value = attribute.value.as_deref().unwrap_or("-");
            line(f, label, format_args!("{} = {value}, from {}", attribute.name, attribute.place))?;
        }
        if let Some(release) = &self.release {
            release.show(f)?;
        }
        for (number, outcome) in self.outcomes.iter().enumerate() {
            let label = if number == 0 { "version" } else { "" };
            let VersionOutcome { version, percent, ready, endpoints, text, .. } = outcome;
            let chance =
                if *percent < 100.0 { format!(" with a chance of {percent}%") } else { String::new() };
            line(
                f,
                label,
                format_args!("{version}{chance}: {text}; {ready} of {endpoints} endpoints ready"),
            )?;
        }
        if let Some(answer) = &self.refusal {
            match answer.status {
                // A redirect is no fault.
                status @ 300..400 => line(f, "answer", format_args!("{status}"))?,
                status => line(f, "answer", format_args!("{status} with x-sluice-error: {}", answer.code))?,
            }
        }
        for (number, found) in self.near.iter().enumerate() {
            let FoundRoute { route, service, environment } = found;
            let label = if number == 0 { "near" } else { "" };
            line(f, label, format_args!("{route} of {service} in {environment}"))?;
        }
        if self.refusal.is_some() && self.route.is_none() && self.near.is_empty() {
            line(f, "near", format_args!("nothing: the gateway has no routes yet"))?;
        }
        line(f, "snapshot", format_args!("generation {}", self.generation))
    }
}

fn line(f: &mut fmt::Formatter<'_>, label: &str, text: fmt::Arguments<'_>) -> fmt::Result {
    writeln!(f, "{label:<9} {text}")
}

impl TestedRelease {
    fn show(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        line(f, "release", format_args!("{} from {} to {}", self.name, self.stable, self.candidate))?;
        if let Some(bucket) = self.bucket {
            line(f, "bucket", format_args!("{bucket} of {}", Weight::FULL.parts()))?;
        }
        for (number, rule) in self.rules.iter().enumerate() {
            let label = if number == 0 { "rules" } else { "" };
            line(f, label, format_args!("{}. {}", number + 1, rule.told(self.bucket)))?;
        }
        Ok(())
    }
}

impl TestedRule {
    fn told(&self, bucket: Option<u32>) -> String {
        let whom =
            self.segment.as_ref().map_or("everyone".to_owned(), |segment| format!("segment {segment}"));
        let weight = self.percent.and_then(Weight::from_percent);
        let what = match (self.role, weight) {
            (RuleRole::Exclude, _) => format!("keep out {whom}"),
            (RuleRole::Include, Some(Weight::FULL) | None) => format!("take in {whom}"),
            (RuleRole::Include, Some(weight)) => format!("take in {}% of {whom}", weight.percent()),
        };
        let share = weight.unwrap_or(Weight::FULL).parts();
        let result = match (self.result, bucket) {
            (RuleResult::KeepsOut, _) => "keeps them out".to_owned(),
            (RuleResult::TakesIn, Some(bucket)) if share < Weight::FULL.parts() => {
                format!("takes them in, as {bucket} is below {share}")
            }
            (RuleResult::TakesIn, _) => "takes them in".to_owned(),
            (RuleResult::NotInSegment, _) => "they are not in it".to_owned(),
            (RuleResult::OutsideShare, Some(bucket)) => format!("not them, as {bucket} is not below {share}"),
            (RuleResult::OutsideShare, None) => "not them, as they have no unit".to_owned(),
            (RuleResult::ByLot, _) => "by lot".to_owned(),
            (RuleResult::NotAsked, _) => "not asked".to_owned(),
        };
        let rule = self.rule.as_ref().map(|rule| format!(" ({rule})")).unwrap_or_default();
        format!("{what}{rule}: {result}")
    }
}
