//! Which version a request would get, and every step on the way there.
//!
//! The answer is that of [`decide`](super::decide). The rules are told beside it one by one, with what each says about the
//! visitor, also where an earlier one has decided already.

mod near;
#[cfg(test)]
mod tests;
mod words;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Carried, Request, SegmentRule, ServiceRouting, Split, Why, decide};
use crate::bucket::Bucket;
use crate::document::service::{AttributeSource, RouteSpec, UnitSource};
use crate::{Name, ServiceKey, VersionName, Weight};

pub use near::nearest_routes;

/// A request that somebody asks about. It is never sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// `GET` when absent.
    #[serde(default = "get")]
    #[schema(default = "GET")]
    pub method: String,
    /// Where it goes, with host: `https://shop.example.com/checkout?x=1`.
    #[schema(example = "https://shop.example.com/checkout?x=1")]
    pub url: String,
    /// Its headers, cookies among them.
    #[serde(default)]
    pub headers: Vec<HeaderLine>,
}

fn get() -> String {
    "GET".to_owned()
}

/// One header of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HeaderLine {
    /// Its name.
    #[schema(example = "x-user-id")]
    pub name: String,
    /// Its value.
    #[schema(example = "7")]
    pub value: String,
}

/// Something that cannot be asked about.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct InvalidQuestion {
    /// What is wrong.
    pub detail: String,
    /// How to mend it.
    pub hint: String,
}

/// Which version a request would get, and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// The answer in plain words.
    pub text: String,
    /// The generation of the snapshot that the gateway serves.
    pub generation: u64,
    /// What was asked about, as the gateway reads it.
    pub request: AskedRequest,
    /// What the gateway answers by itself, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<OwnAnswer>,
    /// The route that takes it, if one does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<FoundRoute>,
    /// When no route takes it: those that come nearest, best first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub near: Vec<FoundRoute>,
    /// Who the visitor is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<FoundUnit>,
    /// What the service knows of the visitor.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub attributes: Vec<FoundAttribute>,
    /// The release that decides, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<TestedRelease>,
    /// The version that the request gets; two, each with its chance, when a lot would be drawn. Empty when the gateway
    /// answers by itself.
    pub outcomes: Vec<VersionOutcome>,
}

/// A request, as the gateway reads it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AskedRequest {
    /// `GET`, `POST` ….
    pub method: String,
    /// In lower case, without port.
    pub host: String,
    /// Without query.
    pub path: String,
}

/// What the gateway answers by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OwnAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The value of the header `x-sluice-error`.
    pub code: String,
    /// What visitors are told.
    pub detail: String,
}

/// A route with its service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FoundRoute {
    /// The route, as the service's document has it.
    #[serde(flatten)]
    pub route: RouteSpec,
    /// The service that it belongs to.
    pub service: Name,
    /// The service's environment.
    pub environment: Name,
}

/// Where the unit came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", tag = "from")]
pub enum FoundUnit {
    /// The request brings it.
    Request {
        /// Where in the request: ``header `x-user-id` ``.
        place: String,
        /// What is there.
        value: String,
    },
    /// The gateway gives the visitor a new one.
    Minted {
        /// The cookie that it is kept in.
        cookie: String,
    },
    /// There is none: the visitor falls into no bucket, and only whole shares take them in.
    None,
}

/// What `visitor.NAME` is for a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FoundAttribute {
    /// The attribute's name.
    pub name: String,
    /// Where it is looked for: ``header `x-plan` ``.
    pub place: String,
    /// What is there; absent when nothing is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

/// A release, with what each of its rules says about a visitor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TestedRelease {
    /// The release.
    pub name: Name,
    /// The version that most people have.
    pub stable: VersionName,
    /// The version that is being released.
    pub candidate: VersionName,
    /// Where the visitor falls: 0 to 99 999. Absent without a unit, and while it is not drawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bucket: Option<u32>,
    /// The rules in the order in which they are tested.
    pub rules: Vec<TestedRule>,
}

/// What a rule says about a visitor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TestedRule {
    /// Whether it keeps people out or takes them in.
    pub role: RuleRole,
    /// Of which segment; of everyone when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segment: Option<Name>,
    /// The segment's rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// How much of them it takes in, in percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent: Option<f64>,
    /// What it says.
    pub result: RuleResult,
}

/// What a rule is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RuleRole {
    /// It keeps people out.
    Exclude,
    /// It takes people in.
    Include,
}

/// What a rule says about a visitor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RuleResult {
    /// The visitor is kept out by it.
    KeepsOut,
    /// The visitor is taken in by it.
    TakesIn,
    /// The visitor is not in the segment.
    NotInSegment,
    /// The visitor's bucket is not within the share.
    OutsideShare,
    /// The share takes in a part of those who are given a new unit.
    ByLot,
    /// It is not asked: something else has decided.
    NotAsked,
}

/// A version that the request gets, or may get.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VersionOutcome {
    /// The version.
    pub version: VersionName,
    /// How likely it is: 100 unless a lot would be drawn.
    pub percent: f64,
    /// Why, as a stable word: `no-release`, `preview`, `excluded`, `segment`, `share`, `carried`, `not-chosen` or
    /// `candidate-not-ready`.
    #[schema(example = "share")]
    pub why: String,
    /// The segment that decides, if one does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segment: Option<Name>,
    /// Why, in plain words.
    pub text: String,
    /// How many of its endpoints are ready.
    pub ready: u32,
    /// How many it has.
    pub endpoints: u32,
}

/// What was verified and looked up for a request before it is decided.
#[derive(Clone, Copy, Debug)]
pub struct Verified<'a> {
    /// The version that a verified preview header asks for.
    pub preview: Option<&'a VersionName>,
    /// What an earlier hop has decided under the release of the service.
    pub carried: Option<&'a Carried>,
}

impl FoundRoute {
    /// A route of a service.
    pub fn new(route: &RouteSpec, service: &ServiceKey) -> FoundRoute {
        let ServiceKey { environment, name } = service.clone();
        FoundRoute { route: route.clone(), service: name, environment }
    }
}

impl Explanation {
    /// Of a request that no route takes; `near` are those that come nearest.
    pub fn without_route(
        generation: u64,
        request: AskedRequest,
        answer: OwnAnswer,
        near: Vec<FoundRoute>,
    ) -> Explanation {
        let text = words::refused(&request, &answer);
        Explanation { refusal: Some(answer), near, ..Explanation::empty(generation, request, text) }
    }

    /// Of a request that a route takes, and that is refused.
    pub fn refused(
        generation: u64,
        request: AskedRequest,
        answer: OwnAnswer,
        route: FoundRoute,
    ) -> Explanation {
        let text = words::refused(&request, &answer);
        Explanation {
            refusal: Some(answer),
            route: Some(route),
            ..Explanation::empty(generation, request, text)
        }
    }

    /// Of a request that belongs to a service by `route`. `endpoints` gives how many endpoints of a version are ready, and
    /// how many there are.
    pub fn of(
        generation: u64,
        route: FoundRoute,
        service: &ServiceRouting,
        request: &dyn Request,
        verified: Verified<'_>,
        endpoints: impl Fn(&VersionName) -> (u32, u32),
    ) -> Explanation {
        let asked = AskedRequest {
            method: request.method().to_owned(),
            host: request.host().to_owned(),
            path: request.path().to_owned(),
        };
        let unit = find_unit(service, request, verified.carried.is_some());
        let answer = Answer { service, request, verified, unit: &unit, endpoints: &endpoints };
        let release = service.split.as_ref().map(|split| answer.tested(split));
        let outcomes = answer.outcomes(release.as_ref());
        let text = words::sentence(&asked, &route, &outcomes);
        Explanation {
            route: Some(route),
            attributes: attributes(service, request),
            release,
            outcomes,
            unit: Some(unit),
            ..Explanation::empty(generation, asked, text)
        }
    }

    fn empty(generation: u64, request: AskedRequest, text: String) -> Explanation {
        Explanation {
            text,
            generation,
            request,
            refusal: None,
            route: None,
            near: Vec::new(),
            unit: None,
            attributes: Vec::new(),
            release: None,
            outcomes: Vec::new(),
        }
    }
}

/// As the gateway does: where an earlier hop has decided, no unit is given.
fn find_unit(service: &ServiceRouting, request: &dyn Request, is_carried: bool) -> FoundUnit {
    let holds = |source: &&UnitSource| match source {
        UnitSource::Header(name) => request.header(name).is_some(),
        UnitSource::Cookie(name) => request.cookie(name).is_some(),
        UnitSource::Claim(path) => request.claim(path).is_some(),
    };
    let place = |source: &UnitSource| match source {
        UnitSource::Header(name) => format!("header `{name}`"),
        UnitSource::Cookie(name) => format!("cookie `{name}`"),
        UnitSource::Claim(path) => format!("claim `{path}` of the token"),
    };
    let found = service.unit_of(request).zip(service.unit.iter().find(holds));
    match (found, service.unit_cookie()) {
        (Some((value, source)), _) => FoundUnit::Request { place: place(source), value: value.into_owned() },
        (None, Some(cookie)) if !is_carried => FoundUnit::Minted { cookie: cookie.to_owned() },
        (None, _) => FoundUnit::None,
    }
}

fn attributes(service: &ServiceRouting, request: &dyn Request) -> Vec<FoundAttribute> {
    let found = |(name, source): (&String, &AttributeSource)| {
        let (kind, key, value) = match source {
            AttributeSource::Header(key) => ("header", key, request.header(key).map(str::to_owned)),
            AttributeSource::Cookie(key) => ("cookie", key, request.cookie(key).map(str::to_owned)),
            AttributeSource::Query(key) => {
                ("query parameter", key, request.query(key).map(|value| value.into_owned()))
            }
            AttributeSource::Claim(path) => {
                ("claim", path, request.claim(path).map(|value| value.into_owned()))
            }
        };
        FoundAttribute { name: name.clone(), place: format!("{kind} `{key}`"), value }
    };
    service.visitor.iter().map(found).collect()
}

/// What an answer is made of.
struct Answer<'a> {
    service: &'a ServiceRouting,
    request: &'a dyn Request,
    verified: Verified<'a>,
    unit: &'a FoundUnit,
    endpoints: &'a dyn Fn(&VersionName) -> (u32, u32),
}

impl Answer<'_> {
    fn unit_text(&self) -> Option<&str> {
        match self.unit {
            FoundUnit::Request { value, .. } => Some(value),
            FoundUnit::Minted { .. } | FoundUnit::None => None,
        }
    }

    fn is_drawn(&self) -> bool {
        matches!(self.unit, FoundUnit::Minted { .. })
    }

    fn tested(&self, split: &Split) -> TestedRelease {
        let bucket = self.unit_text().map(|unit| Bucket::of(&split.salt, unit));
        let mut is_decided = self.verified.preview.is_some() || self.verified.carried.is_some();
        let mut rules = Vec::new();
        for rule in &split.exclude {
            let result = match (is_decided, self.holds(rule)) {
                (true, _) => RuleResult::NotAsked,
                (false, true) => RuleResult::KeepsOut,
                (false, false) => RuleResult::NotInSegment,
            };
            is_decided |= result == RuleResult::KeepsOut;
            rules.push(tested_rule(RuleRole::Exclude, Some(rule), None, result));
        }
        for share in &split.include {
            let rule = share.segment.as_ref();
            let is_within = share.weight == Weight::FULL
                || bucket.is_some_and(|bucket: Bucket| bucket.is_within(share.weight));
            let result = if is_decided {
                RuleResult::NotAsked
            } else if rule.is_some_and(|rule| !self.holds(rule)) {
                RuleResult::NotInSegment
            } else if is_within {
                RuleResult::TakesIn
            } else if self.is_drawn() && share.weight != Weight::ZERO {
                RuleResult::ByLot
            } else {
                RuleResult::OutsideShare
            };
            is_decided |= result == RuleResult::TakesIn;
            rules.push(tested_rule(RuleRole::Include, rule, Some(share.weight), result));
        }
        TestedRelease {
            name: split.release.clone(),
            stable: self.service.stable.clone(),
            candidate: split.candidate.clone(),
            bucket: bucket.map(Bucket::number),
            rules,
        }
    }

    /// A unit that is yet to be drawn is in no list, so it is as good as none.
    fn holds(&self, rule: &SegmentRule) -> bool {
        rule.condition.holds_for(self.request, &self.service.visitor, self.unit_text())
    }

    fn outcomes(&self, release: Option<&TestedRelease>) -> Vec<VersionOutcome> {
        let is_ready = |version: &VersionName| (self.endpoints)(version).0 > 0;
        let Verified { preview, carried } = self.verified;
        let choice = decide(self.service, self.request, self.unit_text(), preview, carried, is_ready);
        let certain = |why| vec![self.outcome(choice.version, why, Weight::FULL)];
        let Some(release) = release.filter(|_| choice.why == Why::NotChosen && self.is_drawn()) else {
            return certain(choice.why);
        };
        // The shares lie within each other, so the largest is that of all of them together.
        let by_lot = release.rules.iter().filter(|rule| rule.result == RuleResult::ByLot);
        let weight = |rule: &TestedRule| rule.percent.and_then(Weight::from_percent).unwrap_or(Weight::ZERO);
        let Some(rule) = by_lot.max_by_key(|rule| weight(rule)) else { return certain(choice.why) };
        if !is_ready(&release.candidate) {
            return certain(Why::CandidateNotReady);
        }
        let why = rule.segment.as_ref().map_or(Why::Share, Why::Segment);
        let weight = weight(rule);
        vec![
            self.outcome(&release.candidate, why, weight),
            self.outcome(&release.stable, Why::NotChosen, weight.rest()),
        ]
    }

    fn outcome(&self, version: &VersionName, why: Why<'_>, weight: Weight) -> VersionOutcome {
        let (ready, endpoints) = (self.endpoints)(version);
        VersionOutcome {
            version: version.clone(),
            percent: weight.percent(),
            why: why.code().to_owned(),
            segment: why.segment().cloned(),
            text: words::why(why, self.verified.carried.is_some()),
            ready,
            endpoints,
        }
    }
}

fn tested_rule(
    role: RuleRole,
    rule: Option<&SegmentRule>,
    weight: Option<Weight>,
    result: RuleResult,
) -> TestedRule {
    TestedRule {
        role,
        segment: rule.map(|rule| rule.segment.clone()),
        rule: rule.map(|rule| rule.condition.source().to_owned()),
        percent: weight.map(Weight::percent),
        result,
    }
}
