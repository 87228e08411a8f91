//! `Service`: what users reach.

mod order;

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::name::VersionNeed;
use crate::{Name, Span, VersionName};
pub use order::{Circle, order};

/// What users reach: its routes, its versions, and how visitors are told apart.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServiceSpec {
    /// The requests that belong to this service. The longest matching path wins. None for what takes no requests, as
    /// a worker or a batch job.
    pub routes: Vec<RouteSpec>,
    /// Where the unit is found, that is, what is hashed so that a visitor keeps a version. The first one present
    /// wins; when none is, the gateway sets the last cookie named here. Default: the header `x-user-id`, then the
    /// cookie `sluice_unit`.
    #[schema(min_items = 1)]
    pub unit: Vec<UnitSource>,
    /// What `visitor.NAME` means in a segment's rule.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub visitor: BTreeMap<String, AttributeSource>,
    /// How the gateway asks endpoints whether they are ready.
    pub health: HealthSpec,
    /// Paths whose requests are counted on their own too, so that checks may watch them (`path`): the longest that a
    /// request's path begins with takes it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub count: Vec<PathPrefix>,
    /// How long the gateway waits for endpoints.
    pub timeouts: TimeoutSpec,
    /// Who sees the response header `x-sluice-version`. Default `preview`.
    pub reveal: Reveal,
    /// The deployed builds. When the service is new, the first one is live and all others are dark. Versions that were
    /// announced are there besides; without any, the service waits for its first announcement.
    pub versions: Vec<VersionSpec>,
}

/// Requests by host and path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RouteSpec {
    /// `shop.example.com`, `*.example.com` for any host below it, or `*` for every host.
    #[serde(default)]
    pub host: HostPattern,
    /// A path prefix, matched on segment borders: `/checkout` takes `/checkout/1`, not `/checkouts`.
    #[serde(default)]
    pub path: PathPrefix,
}

/// `shop.example.com/checkout`, `*/`.
impl fmt::Display for RouteSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.host, self.path)
    }
}

/// A host, a suffix of hosts, or every host. Lower case, without port.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum HostPattern {
    /// `*`: every host.
    #[default]
    Any,
    /// `*.example.com`: any host below `example.com`, not `example.com` itself.
    Suffix(String),
    /// This very host.
    Exact(String),
}

/// A path prefix: begins with `/`, has no trailing `/` (but for `/` itself), no query and no dot segments.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, pattern = "^/", example = "/checkout")]
pub struct PathPrefix(String);

/// Why text is no host pattern, path prefix, endpoint or header name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is not {what}: {why}")]
pub struct InvalidText {
    /// The text that was given.
    pub given: String,
    /// What it should have been.
    pub what: &'static str,
    /// The rule that it breaks.
    pub why: &'static str,
}

fn invalid(given: &str, what: &'static str, why: &'static str) -> InvalidText {
    InvalidText { given: given.to_owned(), what, why }
}

impl FromStr for HostPattern {
    type Err = InvalidText;

    fn from_str(text: &str) -> Result<Self, InvalidText> {
        const WHAT: &str = "a host";
        if text == "*" {
            return Ok(HostPattern::Any);
        }
        let (host, suffix) = match text.strip_prefix("*.") {
            Some(rest) => (rest, true),
            None => (text, false),
        };
        if host.is_empty() || host.len() > 253 {
            return Err(invalid(text, WHAT, "a host has 1 to 253 characters"));
        }
        if host.contains(':') {
            return Err(invalid(
                text,
                WHAT,
                "leave the port out; the gateway listens on one port for all hosts",
            ));
        }
        let label = |l: &str| {
            !l.is_empty()
                && !l.starts_with('-')
                && !l.ends_with('-')
                && l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        };
        if !host.split('.').all(label) {
            return Err(invalid(
                text,
                WHAT,
                "write it as shop.example.com, or *.example.com for every host below, or * for all",
            ));
        }
        let host = host.to_ascii_lowercase();
        Ok(if suffix { HostPattern::Suffix(host) } else { HostPattern::Exact(host) })
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HostPattern::Any => f.write_str("*"),
            HostPattern::Suffix(host) => write!(f, "*.{host}"),
            HostPattern::Exact(host) => f.write_str(host),
        }
    }
}

impl PathPrefix {
    /// Whether a request's path begins with this one, on a segment border: `/a` takes `/a` and `/a/b`, not `/ab`.
    pub fn takes(&self, path: &str) -> bool {
        let rest = path.strip_prefix(self.0.as_str());
        rest.is_some_and(|rest| self.0 == "/" || rest.is_empty() || rest.starts_with('/'))
    }

    /// The prefix, without a trailing `/` unless it is `/`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for PathPrefix {
    fn default() -> Self {
        PathPrefix("/".to_owned())
    }
}

impl FromStr for PathPrefix {
    type Err = InvalidText;

    fn from_str(text: &str) -> Result<Self, InvalidText> {
        const WHAT: &str = "a path prefix";
        if !text.starts_with('/') {
            return Err(invalid(text, WHAT, "it must begin with `/`"));
        }
        if !text.bytes().all(|b| b.is_ascii_graphic() && !b"?#\\%".contains(&b)) {
            return Err(invalid(text, WHAT, "spaces, `?`, `#`, `%` and `\\` cannot be part of it"));
        }
        if text.split('/').any(|part| part == "." || part == "..") || text.contains("//") {
            return Err(invalid(text, WHAT, "`.`, `..` and `//` cannot be part of it"));
        }
        let trimmed = text.trim_end_matches('/');
        Ok(PathPrefix(if trimmed.is_empty() { "/".to_owned() } else { trimmed.to_owned() }))
    }
}

impl fmt::Display for PathPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One place in a request. Written `header: NAME` or `cookie: NAME`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum UnitSource {
    /// The value of a request header, name in lower case.
    Header(String),
    /// The value of a cookie.
    Cookie(String),
}

impl UnitSource {
    /// Where the unit is found when a service does not say: the header `x-user-id`, which what stands before the
    /// gateway may set for people who have signed in, and else a cookie of Sluice's own.
    pub fn default_order() -> Vec<UnitSource> {
        vec![UnitSource::Header("x-user-id".to_owned()), UnitSource::Cookie("sluice_unit".to_owned())]
    }
}

/// Where a visitor's attribute is read. Written `header: NAME`, `cookie: NAME` or `query: NAME`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum AttributeSource {
    /// The value of a request header, name in lower case.
    Header(String),
    /// The value of a cookie.
    Cookie(String),
    /// The value of a query parameter.
    Query(String),
}

/// Active health checks: a GET that an endpoint answers with 200–399 in time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HealthSpec {
    /// The path that is asked for. Default `/healthz`. With `path: ""` nothing is asked: an endpoint is ready when
    /// it takes a connection.
    pub path: String,
    /// Time between two checks of one endpoint. Default 2s.
    pub every: Span,
    /// How long an answer may take. Default 1s.
    pub timeout: Span,
    /// How many checks must fail in a row before an endpoint gets no more requests. Default 3.
    pub unhealthy_after: u32,
    /// How many must succeed in a row before it gets requests again. Default 1.
    pub healthy_after: u32,
}

impl Default for HealthSpec {
    fn default() -> Self {
        HealthSpec {
            path: "/healthz".to_owned(),
            every: Span::from_secs(2),
            timeout: Span::from_secs(1),
            unhealthy_after: 3,
            healthy_after: 1,
        }
    }
}

/// How long the gateway waits for an endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TimeoutSpec {
    /// For a connection. Default 1s.
    pub connect: Span,
    /// From the end of the request to the head of the response. Default 30s.
    pub response: Span,
    /// Between two pieces of a body, either way. Default 60s.
    pub idle: Span,
}

impl Default for TimeoutSpec {
    fn default() -> Self {
        TimeoutSpec { connect: Span::from_secs(1), response: Span::from_secs(30), idle: Span::from_secs(60) }
    }
}

/// Who sees the response header `x-sluice-version`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Reveal {
    /// Every visitor.
    Always,
    /// Only who came with a preview header.
    #[default]
    Preview,
    /// Nobody.
    Never,
}

/// One deployed build.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VersionSpec {
    /// Its name, as the build names it.
    pub name: VersionName,
    /// Where it listens. None for what takes no requests, as a worker or a batch job.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub endpoints: Vec<Endpoint>,
    /// What it needs other services to have in the same environment: `payments: ">=1.4.0"`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub needs: BTreeMap<Name, VersionNeed>,
    /// Where it comes from.
    #[serde(default, skip_serializing_if = "Build::is_unknown")]
    pub build: Build,
}

/// Where a version comes from, as its pipeline says. Rules that choose a policy may look at it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Build {
    /// The commit that it was built from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// The image that it runs from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// Where its build can be looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// A digest of its configuration. Another one with the same commit and image is a change of configuration only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_digest: Option<String>,
    /// Short facts about the change: `risk: low`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}

impl Build {
    /// Whether nothing is known.
    pub fn is_unknown(&self) -> bool {
        *self == Build::default()
    }

    /// Whether a version of this build differs from one of another in its configuration only: commit or image are
    /// known and the same, and the digests of the configurations are known and differ.
    pub fn differs_in_config_only(&self, other: &Build) -> bool {
        let is_known = self.commit.is_some() || self.image.is_some();
        let is_same = self.commit == other.commit && self.image == other.image;
        let is_other_config = match (&self.config_digest, &other.config_digest) {
            (Some(mine), Some(theirs)) => mine != theirs,
            _ => false,
        };
        is_known && is_same && is_other_config
    }
}

/// Where one copy of a version listens: `http://127.0.0.1:9001`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Endpoint {
    host: String,
    port: u16,
}

impl Endpoint {
    /// A host name or address; an IPv6 address is without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// `host:port`, with brackets where IPv6 needs them.
    pub fn authority(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

impl FromStr for Endpoint {
    type Err = InvalidText;

    fn from_str(text: &str) -> Result<Self, InvalidText> {
        const WHAT: &str = "an endpoint";
        let Some(rest) = text.strip_prefix("http://") else {
            return Err(invalid(
                text,
                WHAT,
                "write it as http://127.0.0.1:9001; only http:// is spoken so far",
            ));
        };
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        if authority.contains(['/', '?', '#', '@']) {
            return Err(invalid(text, WHAT, "it is a host and a port, without a path, query or user"));
        }
        let (host, port) = match authority.strip_prefix('[').and_then(|v6| v6.split_once(']')) {
            Some((host, port)) => {
                let is_v6 = host.parse::<std::net::Ipv6Addr>().is_ok();
                let host = if is_v6 { host } else { "" };
                (host, if port.is_empty() { Some("80") } else { port.strip_prefix(':') })
            }
            None => match authority.rsplit_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (authority, Some("80")),
            },
        };
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._".contains(&b);
        let is_host =
            !host.is_empty() && (host.bytes().all(plain) || host.parse::<std::net::Ipv6Addr>().is_ok());
        if !is_host {
            return Err(invalid(text, WHAT, "the host is missing or malformed"));
        }
        match port.and_then(|p| p.parse::<u16>().ok()) {
            Some(port) if port > 0 => Ok(Endpoint { host: host.to_ascii_lowercase(), port }),
            _ => Err(invalid(text, WHAT, "the port is not a number from 1 to 65535")),
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}", self.authority())
    }
}

macro_rules! through_text {
    ($($type:ty),*) => {$(
        impl TryFrom<String> for $type {
            type Error = InvalidText;
            fn try_from(text: String) -> Result<Self, InvalidText> {
                text.parse()
            }
        }
        impl From<$type> for String {
            fn from(value: $type) -> String {
                value.to_string()
            }
        }
    )*};
}

through_text!(HostPattern, PathPrefix, Endpoint);

text_schema!(HostPattern, r"^(\*|(\*\.)?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*)$", "shop.example.com");
text_schema!(Endpoint, r"^http://[^/?#@]+/?$", "http://127.0.0.1:9001");
