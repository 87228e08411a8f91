//! What is done with the requests of a route on their way.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::route::{HostPattern, PathPrefix};
use super::wanted::{HeaderField, Scheme};
use super::{InvalidText, TimeoutSpec, invalid};
use crate::Span;
use crate::document::policy::Percent;

/// Where visitors are sent instead. What is absent stays as the visitor asked for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Redirect {
    /// `http` or `https`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheme: Option<Scheme>,
    /// The host, without port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<PlainHost>,
    /// The port. That of the scheme when another scheme or host is given; the visitor's own otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// Takes the place of the route's path; what follows it stays, as does the query.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<PathPrefix>,
    /// Default 308: for good, with the same method and body.
    #[serde(default)]
    pub status: RedirectStatus,
}

/// The status of a redirect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
pub enum RedirectStatus {
    /// For good; some clients change the method to GET.
    MovedPermanently,
    /// For now; some clients change the method to GET.
    Found,
    /// The answer is elsewhere, to be fetched by GET.
    SeeOther,
    /// For now, with the same method.
    Temporary,
    /// For good, with the same method.
    #[default]
    Permanent,
}

/// What the service is asked for instead.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rewrite {
    /// Takes the place of the route's path; what follows it stays, as does the query.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<PathPrefix>,
    /// The `Host` that the service sees. `X-Forwarded-Host` still says which one the visitor asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<PlainHost>,
}

/// Changes to headers: first `remove`, then `set`, then `add`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HeaderChanges {
    /// Takes the place of whatever is there.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub set: BTreeMap<ChangedField, HeaderText>,
    /// Comes besides what is there.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub add: BTreeMap<ChangedField, HeaderText>,
    /// Taken off.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remove: Vec<ChangedField>,
}

/// A header that a route may change: none that says where a message ends, who is asked, or what only the gateway may
/// say.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ChangedField(HeaderField);

/// The value of a header: visible ASCII and spaces between.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HeaderText(String);

/// One host, without port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PlainHost(String);

/// How long the gateway waits, where a route says so.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RouteTimeouts {
    /// For a connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connect: Option<Span>,
    /// From the end of the request to the head of the response.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response: Option<Span>,
    /// Between two pieces of a body, either way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle: Option<Span>,
}

/// When a request that is safe to repeat (RFC 9110 section 9.2.2) is sent to another endpoint of the same version.
/// Requests that may change something are never sent again once an endpoint may have seen them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RetrySpec {
    /// How often a request is sent again, at most: 1 to 5. Default 1.
    #[serde(default = "one_attempt")]
    #[schema(minimum = 1, maximum = 5)]
    pub attempts: u32,
    /// On what. Default `reset`, `502`, `503`, `504`.
    #[serde(default = "RetryOn::usual")]
    #[schema(min_items = 1)]
    pub on: Vec<RetryOn>,
    /// How many requests in a hundred may be sent again, over the whole service, so that one that is down is not
    /// asked twice as much. A few (10) may be at any rate. Default 20.
    #[serde(default = "usual_budget")]
    pub budget_percent: Percent,
}

/// What a request is sent again on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
pub enum RetryOn {
    /// The connection died, or was not taken, before anything was answered.
    #[serde(rename = "reset")]
    Reset,
    /// No answer came in time.
    #[serde(rename = "timeout")]
    Timeout,
    /// The status 500.
    #[serde(rename = "500")]
    InternalError,
    /// The status 502.
    #[serde(rename = "502")]
    BadGateway,
    /// The status 503.
    #[serde(rename = "503")]
    Unavailable,
    /// The status 504.
    #[serde(rename = "504")]
    GatewayTimeout,
}

/// The most attempts that a document may ask for: with more, one slow endpoint would keep a visitor for minutes.
pub(in crate::document) const ATTEMPTS_MAX: u32 = 5;

fn one_attempt() -> u32 {
    1
}

fn usual_budget() -> Percent {
    Percent::try_from(20.0).expect("20 is a percentage")
}

impl Default for RetrySpec {
    fn default() -> Self {
        RetrySpec { attempts: one_attempt(), on: RetryOn::usual(), budget_percent: usual_budget() }
    }
}

impl RetryOn {
    fn usual() -> Vec<RetryOn> {
        vec![RetryOn::Reset, RetryOn::BadGateway, RetryOn::Unavailable, RetryOn::GatewayTimeout]
    }
}

impl RetrySpec {
    /// Whether a response with this status is a reason to ask another endpoint.
    pub fn is_on_status(&self, status: u16) -> bool {
        let reason = match status {
            500 => RetryOn::InternalError,
            502 => RetryOn::BadGateway,
            503 => RetryOn::Unavailable,
            504 => RetryOn::GatewayTimeout,
            _ => return false,
        };
        self.on.contains(&reason)
    }
}

impl RouteTimeouts {
    /// Whether everything is as the service says.
    pub fn is_nothing(&self) -> bool {
        *self == RouteTimeouts::default()
    }

    /// What holds on the route, with the service's own where it says nothing.
    pub fn over(&self, service: &TimeoutSpec) -> TimeoutSpec {
        TimeoutSpec {
            connect: self.connect.unwrap_or(service.connect),
            response: self.response.unwrap_or(service.response),
            idle: self.idle.unwrap_or(service.idle),
        }
    }
}

impl Rewrite {
    /// Whether nothing is asked for otherwise.
    pub fn is_nothing(&self) -> bool {
        *self == Rewrite::default()
    }
}

impl HeaderChanges {
    /// Whether nothing is changed.
    pub fn is_nothing(&self) -> bool {
        *self == HeaderChanges::default()
    }
}

impl RedirectStatus {
    /// The number.
    pub fn code(self) -> u16 {
        self.into()
    }
}

impl From<RedirectStatus> for u16 {
    fn from(status: RedirectStatus) -> u16 {
        match status {
            RedirectStatus::MovedPermanently => 301,
            RedirectStatus::Found => 302,
            RedirectStatus::SeeOther => 303,
            RedirectStatus::Temporary => 307,
            RedirectStatus::Permanent => 308,
        }
    }
}

impl TryFrom<u16> for RedirectStatus {
    type Error = InvalidText;

    fn try_from(code: u16) -> Result<Self, InvalidText> {
        Ok(match code {
            301 => RedirectStatus::MovedPermanently,
            302 => RedirectStatus::Found,
            303 => RedirectStatus::SeeOther,
            307 => RedirectStatus::Temporary,
            308 => RedirectStatus::Permanent,
            _ => {
                let why = "it is 301, 302, 303, 307 or 308";
                return Err(invalid(&code.to_string(), "the status of a redirect", why));
            }
        })
    }
}

impl ChangedField {
    /// The name, in lower case.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl FromStr for ChangedField {
    type Err = InvalidText;

    fn from_str(text: &str) -> Result<Self, InvalidText> {
        const WHAT: &str = "a header that a route may change";
        let field: HeaderField = text.parse()?;
        let why = match field.as_str() {
            "host" => "write rewrite: { host: … }",
            "content-length" | "transfer-encoding" | "trailer" | "te" | "expect" => {
                "it says where a message ends, which the gateway alone must know"
            }
            "connection" | "keep-alive" | "proxy-connection" | "upgrade" => {
                "it concerns one connection, which the gateway keeps by itself"
            }
            name if name.starts_with("x-sluice-") => "what begins with x-sluice- is the gateway's own word",
            _ => return Ok(ChangedField(field)),
        };
        Err(invalid(text, WHAT, why))
    }
}

impl fmt::Display for ChangedField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl HeaderText {
    /// The value.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for HeaderText {
    type Err = InvalidText;

    fn from_str(text: &str) -> Result<Self, InvalidText> {
        const WHAT: &str = "the value of a header";
        if !text.bytes().all(|b| b.is_ascii_graphic() || b == b' ') {
            return Err(invalid(
                text,
                WHAT,
                "letters, digits, signs and spaces can be part of it, no line breaks",
            ));
        }
        if text.trim() != text {
            return Err(invalid(text, WHAT, "it cannot begin or end with a space"));
        }
        Ok(HeaderText(text.to_owned()))
    }
}

impl fmt::Display for HeaderText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl PlainHost {
    /// The host, in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for PlainHost {
    type Err = InvalidText;

    fn from_str(text: &str) -> Result<Self, InvalidText> {
        match text.parse::<HostPattern>()? {
            HostPattern::Exact(host) => Ok(PlainHost(host)),
            _ => Err(invalid(text, "a host", "one host is meant here, without `*`")),
        }
    }
}

impl fmt::Display for PlainHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

through_text!(ChangedField, HeaderText, PlainHost);

text_schema!(ChangedField, "^[A-Za-z0-9!#$%&'*+.^_`|~-]+$", "x-env");
text_schema!(HeaderText, "^[ -~]*$", "production");
text_schema!(PlainHost, r"^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$", "shop.example.com");

impl utoipa::PartialSchema for RedirectStatus {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::Integer)
            .enum_values(Some([301, 302, 303, 307, 308]))
            .into()
    }
}

impl ToSchema for RedirectStatus {}
