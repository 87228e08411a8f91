//! Which requests belong to a service.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{InvalidText, invalid};

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

through_text!(HostPattern, PathPrefix);

text_schema!(HostPattern, r"^(\*|(\*\.)?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*)$", "shop.example.com");
