//! Who gets which version: the snapshot that a gateway serves, and the one function that decides by it.
//!
//! A snapshot is immutable and swapped whole. [`decide`] looks at a request and a snapshot and nothing else, so the
//! gateway, `explain` and the tests cannot disagree.

pub mod explain;
#[cfg(test)]
mod tests;
mod why;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use crate::bucket::Bucket;
use crate::condition::Condition;
use crate::document::service::{
    AttributeSource, Balance, Endpoint, EndpointTls, HealthSpec, LimitSpec, OutlierSpec, PathPrefix, Reveal,
    RouteSpec, Scheme, TimeoutSpec, UnitSource,
};
use crate::{Name, ServiceKey, VersionName, Weight};

/// Everything a gateway needs to serve, at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Snapshot {
    /// Grows with every change.
    pub generation: u64,
    /// The services, each with its routes.
    pub services: BTreeMap<ServiceKey, Arc<ServiceRouting>>,
}

/// What a gateway needs to know of one service.
#[derive(Clone, Debug, PartialEq)]
pub struct ServiceRouting {
    /// Which service this is.
    pub key: ServiceKey,
    /// The requests that belong to it.
    pub routes: Vec<RouteSpec>,
    /// Where the unit is found, in order of preference.
    pub unit: Vec<UnitSource>,
    /// What `visitor.NAME` means.
    pub visitor: BTreeMap<String, AttributeSource>,
    /// How endpoints are checked.
    pub health: HealthSpec,
    /// How long to wait for them.
    pub timeouts: TimeoutSpec,
    /// How they share requests.
    pub balance: Balance,
    /// What one of them may be given at a time.
    pub limits: Option<LimitSpec>,
    /// When one that fails is left out for a while.
    pub outliers: Option<OutlierSpec>,
    /// How those with TLS are trusted.
    pub endpoint_tls: Option<EndpointTls>,
    /// The paths whose requests are counted on their own too, longest first.
    pub count: Vec<PathPrefix>,
    /// Who sees which version answered.
    pub reveal: Reveal,
    /// Every version that has endpoints, dark ones too.
    pub versions: BTreeMap<VersionName, Vec<Endpoint>>,
    /// The version that most people have.
    pub stable: VersionName,
    /// The version that is being released, and to whom.
    pub split: Option<Split>,
}

/// Who meets a candidate.
#[derive(Clone, Debug, PartialEq)]
pub struct Split {
    /// The release that decides it.
    pub release: Name,
    /// Whether other services are released together with this one: then a request carries what was decided for it to
    /// the hops behind, and what an earlier hop has decided is honoured.
    pub is_shared: bool,
    /// The version that they meet.
    pub candidate: VersionName,
    /// Hashed with the unit.
    pub salt: String,
    /// Who is never taken in: tested first.
    pub exclude: Vec<SegmentRule>,
    /// Who is taken in, tested in order.
    pub include: Vec<ShareRule>,
    /// Which requests to stable are copied to the candidate.
    pub shadow: Option<Shadow>,
}

/// Which requests to stable are copied to the candidate. The answers are counted and thrown away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shadow {
    /// The share of requests.
    pub weight: Weight,
    /// Whether requests that may change something are copied too.
    pub copies_unsafe: bool,
}

impl Shadow {
    /// Whether a request is copied. `draw` is evenly spread over 0 to 99 999, and drawn for each request.
    pub fn takes(self, method: &str, draw: u32) -> bool {
        let is_safe = matches!(method, "GET" | "HEAD" | "OPTIONS" | "TRACE");
        (is_safe || self.copies_unsafe) && draw < self.weight.parts()
    }
}

/// What an earlier hop has decided for a request, as a verified header says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Carried {
    /// The release that it was decided under.
    pub release: Name,
    /// Whether the candidate was chosen; stable otherwise.
    pub is_candidate: bool,
}

/// A segment with its rule.
#[derive(Clone, Debug, PartialEq)]
pub struct SegmentRule {
    /// The segment's name.
    pub segment: Name,
    /// Its rule.
    pub condition: Condition,
}

/// A share of a segment, or of everyone.
#[derive(Clone, Debug, PartialEq)]
pub struct ShareRule {
    /// The segment; everyone when absent.
    pub segment: Option<SegmentRule>,
    /// How much of it.
    pub weight: Weight,
}

/// A request, as far as decisions look at it. Names of headers are asked in lower case.
pub trait Request {
    /// `GET`, `POST` ….
    fn method(&self) -> &str;
    /// The host, in lower case, without port.
    fn host(&self) -> &str;
    /// The path, without query.
    fn path(&self) -> &str;
    /// The first value of a header, when it is text.
    fn header(&self, name: &str) -> Option<&str>;
    /// The value of a cookie.
    fn cookie(&self, name: &str) -> Option<&str>;
    /// The first value of a query parameter, decoded.
    fn query(&self, name: &str) -> Option<Cow<'_, str>>;
    /// How the visitor came.
    fn scheme(&self) -> Scheme {
        Scheme::Http
    }
    /// Where the visitor is, as far as proxies that are trusted tell.
    fn address(&self) -> Option<IpAddr> {
        None
    }
    /// The country of that address, as two letters (ISO 3166-1).
    ///
    /// # Errors
    /// When there is no table that could tell.
    fn country(&self) -> Result<Option<Cow<'_, str>>, NoTable> {
        Err(NoTable)
    }
    /// A claim of the visitor's *verified* token, by its path (`sub`, `realm.role`); of a list, its items with commas
    /// between them.
    fn claim(&self, _path: &str) -> Option<Cow<'_, str>> {
        None
    }
    /// Whether a list holds this; `None` when there is no such list.
    fn is_listed(&self, _list: &Name, _id: &str) -> Option<bool> {
        None
    }
}

/// There is no table of countries. A rule that asks for one then holds for nobody, however it is turned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoTable;

/// Which version a request gets, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice<'a> {
    /// The version.
    pub version: &'a VersionName,
    /// Why this one.
    pub why: Why<'a>,
    /// Where the visitor fell, when that was asked.
    pub bucket: Option<Bucket>,
}

/// Why a request got its version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why<'a> {
    /// Nothing is being released.
    NoRelease,
    /// A signed preview header asked for it.
    Preview,
    /// The visitor is in a segment that the step excludes.
    Excluded(&'a Name),
    /// The visitor is in a segment, within its share.
    Segment(&'a Name),
    /// The visitor is within the share of everyone.
    Share,
    /// An earlier hop has chosen the candidate of the same release.
    Carried,
    /// Nothing took the visitor in.
    NotChosen,
    /// The candidate was chosen, but has no ready endpoint.
    CandidateNotReady,
}

impl ServiceRouting {
    /// The unit of a request: the first source that holds a non-empty value.
    pub fn unit_of<'r>(&self, request: &'r dyn Request) -> Option<Cow<'r, str>> {
        self.unit
            .iter()
            .find_map(|source| match source {
                UnitSource::Header(name) => request.header(name).map(Cow::Borrowed),
                UnitSource::Cookie(name) => request.cookie(name).map(Cow::Borrowed),
                UnitSource::Claim(path) => request.claim(path),
            })
            .filter(|unit| !unit.is_empty())
    }

    /// Which of the counted paths a request's path belongs to: the longest that it begins with, on segment borders.
    pub fn counted_path(&self, path: &str) -> Option<usize> {
        self.count.iter().position(|prefix| prefix.takes(path))
    }

    /// The cookie to set for a visitor who brings no unit: the last one named, if any is.
    pub fn unit_cookie(&self) -> Option<&str> {
        self.unit.iter().rev().find_map(|source| match source {
            UnitSource::Cookie(name) => Some(name.as_str()),
            UnitSource::Header(_) | UnitSource::Claim(_) => None,
        })
    }
}

/// Which version a request gets.
///
/// `preview` is a version that a *verified* preview header asks for; one that the service does not have is ignored.
/// `carried` is what an earlier hop has decided, as its *verified* header says; it counts when it is about the release
/// that this service shares with others, and so a visitor meets versions that belong together.
/// `is_ready` says whether a version has an endpoint that can take requests: a candidate that has none is given to
/// nobody, while stable is given even then, because there is nobody to take its place.
pub fn decide<'a>(
    service: &'a ServiceRouting,
    request: &dyn Request,
    unit: Option<&str>,
    preview: Option<&VersionName>,
    carried: Option<&Carried>,
    is_ready: impl Fn(&VersionName) -> bool,
) -> Choice<'a> {
    if let Some((version, _)) = preview.and_then(|wanted| service.versions.get_key_value(wanted)) {
        return Choice { version, why: Why::Preview, bucket: None };
    }
    let Some(split) = &service.split else {
        return Choice { version: &service.stable, why: Why::NoRelease, bucket: None };
    };
    let bucket = unit.map(|unit| Bucket::of(&split.salt, unit));
    let why = match carried.filter(|carried| split.is_shared && carried.release == split.release) {
        Some(Carried { is_candidate: true, .. }) => Why::Carried,
        Some(_) => Why::NotChosen,
        None => split.judge(service, request, unit, bucket),
    };
    let is_taken_in = matches!(why, Why::Segment(_) | Why::Share | Why::Carried);
    match (is_taken_in, is_taken_in && is_ready(&split.candidate)) {
        (true, true) => Choice { version: &split.candidate, why, bucket },
        (true, false) => Choice { version: &service.stable, why: Why::CandidateNotReady, bucket },
        (false, _) => Choice { version: &service.stable, why, bucket },
    }
}

impl Split {
    /// Whether the lot over everyone alone decides about a visitor: no segment takes them in or keeps them out. Over
    /// visitors whose unit was drawn anew, the share that met the candidate is then the share of everyone.
    pub fn is_drawn(&self, service: &ServiceRouting, request: &dyn Request, unit: &str) -> bool {
        let shares = self.include.iter().filter_map(|share| share.segment.as_ref());
        let mut rules = self.exclude.iter().chain(shares);
        !rules.any(|rule| rule.condition.holds_for(request, &service.visitor, Some(unit)))
    }

    /// Whether a visitor is taken in, and by what. A visitor without a unit falls into no bucket, and is taken in by
    /// whole shares only.
    fn judge<'a>(
        &'a self,
        service: &ServiceRouting,
        request: &dyn Request,
        unit: Option<&str>,
        bucket: Option<Bucket>,
    ) -> Why<'a> {
        let holds = |rule: &SegmentRule| rule.condition.holds_for(request, &service.visitor, unit);
        if let Some(rule) = self.exclude.iter().find(|rule| holds(rule)) {
            return Why::Excluded(&rule.segment);
        }
        let is_within =
            |weight: Weight| weight == Weight::FULL || bucket.is_some_and(|bucket| bucket.is_within(weight));
        self.include
            .iter()
            .filter(|share| is_within(share.weight))
            .find_map(|share| match &share.segment {
                None => Some(Why::Share),
                Some(rule) => holds(rule).then_some(Why::Segment(&rule.segment)),
            })
            .unwrap_or(Why::NotChosen)
    }
}
