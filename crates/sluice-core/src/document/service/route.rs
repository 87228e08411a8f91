//! Which requests belong to a service.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::handling::{HeaderChanges, Redirect, RetrySpec, Rewrite, RouteTimeouts};
use super::wanted::{HeaderField, MethodName, Scheme, Wanted};
use super::{InvalidText, invalid};
use crate::condition::Condition;

/// Requests by host and path, and by what else they show; and what is done with them on the way.
///
/// Of the routes that a request fits, the exact host wins over `*.`, that over `*`; then the longest path; then the
/// one that asks for most: see [`RouteSpec::demands`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RouteSpec {
    /// `shop.example.com`, `*.example.com` for any host below it, or `*` for every host.
    #[serde(default)]
    pub host: HostPattern,
    /// A path prefix, matched on segment borders: `/checkout` takes `/checkout/1`, not `/checkouts`.
    #[serde(default)]
    pub path: PathPrefix,
    /// How visitors came: `http` in plain text, `https` with TLS. Either when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheme: Option<Scheme>,
    /// Only requests with one of these methods. All when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub methods: Vec<MethodName>,
    /// Only requests with these headers: by name, the value, or `*` for any.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<HeaderField, Wanted>,
    /// Only requests with these query parameters: by name, the value, or `*` for any.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub query: BTreeMap<String, Wanted>,
    /// Only requests that this rule (CEL) holds for, as in a segment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub when: Option<Condition>,
    /// Sends visitors elsewhere instead of asking the service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redirect: Option<Redirect>,
    /// What the service is asked for instead.
    #[serde(default, skip_serializing_if = "Rewrite::is_nothing")]
    pub rewrite: Rewrite,
    /// What is changed in the headers that the service sees.
    #[serde(default, skip_serializing_if = "HeaderChanges::is_nothing")]
    pub request_headers: HeaderChanges,
    /// What is changed in the headers that visitors see.
    #[serde(default, skip_serializing_if = "HeaderChanges::is_nothing")]
    pub response_headers: HeaderChanges,
    /// How long the gateway waits on this route, where that is not as the service says.
    #[serde(default, skip_serializing_if = "RouteTimeouts::is_nothing")]
    pub timeouts: RouteTimeouts,
    /// When a request is tried once more at another endpoint. Never when absent; a connection that was not taken, or
    /// died before a request was sent, is replaced in any case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retries: Option<RetrySpec>,
}

impl RouteSpec {
    /// A route by host and path alone.
    pub fn at(host: HostPattern, path: PathPrefix) -> RouteSpec {
        RouteSpec { host, path, ..RouteSpec::default() }
    }

    /// How much the route asks of a request besides its host and path: one for the scheme, one for methods, one for
    /// each header and query parameter, one for the rule. Of two routes at one place, the one that asks for more is
    /// tried first.
    pub fn demands(&self) -> usize {
        usize::from(self.scheme.is_some())
            + usize::from(!self.methods.is_empty())
            + self.headers.len()
            + self.query.len()
            + usize::from(self.when.is_some())
    }
}

/// Which requests it takes: `shop.example.com/checkout`, `*/ [GET, x-beta: 1]`.
impl fmt::Display for RouteSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.host, self.path)?;
        let scheme = self.scheme.iter().map(ToString::to_string);
        let methods = self.methods.iter().map(ToString::to_string).reduce(|all, one| format!("{all}|{one}"));
        let headers = self.headers.iter().map(|(name, wanted)| format!("{name}: {wanted}"));
        let query = self.query.iter().map(|(name, wanted)| format!("?{name}={wanted}"));
        let rule = self.when.iter().map(|rule| rule.source().to_owned());
        let demands: Vec<String> = scheme.chain(methods).chain(headers).chain(query).chain(rule).collect();
        if demands.is_empty() { Ok(()) } else { write!(f, " [{}]", demands.join(", ")) }
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

    /// A path that begins with this one, with `other` in its place: `/a/b` under `/a` with `/v2` is `/v2/b`.
    pub fn replaced(&self, path: &str, other: &PathPrefix) -> String {
        let rest = match self.0.as_str() {
            // What follows the root is all of it.
            "/" if path == "/" => "",
            "/" => path,
            prefix => path.strip_prefix(prefix).unwrap_or(path),
        };
        let replaced = format!("{}{rest}", other.0.trim_end_matches('/'));
        if replaced.starts_with('/') { replaced } else { format!("/{replaced}") }
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

through_text!(HostPattern, PathPrefix);

text_schema!(HostPattern, r"^(\*|(\*\.)?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*)$", "shop.example.com");
