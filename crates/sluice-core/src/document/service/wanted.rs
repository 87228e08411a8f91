//! What a route asks of a request besides its host and path.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{InvalidText, invalid};

/// A method of HTTP, as it is sent: `GET`, `POST`, `PURGE`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MethodName(String);

/// The name of a header, in lower case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HeaderField(String);

/// What a header or query parameter must be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Wanted {
    /// `*`: anything, as long as it is there.
    Any,
    /// This very value.
    Exact(String),
}

/// How visitors speak to the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Scheme {
    /// In plain text.
    Http,
    /// Within TLS.
    Https,
}

/// A token of HTTP (RFC 9110 section 5.6.2).
fn is_token(text: &str) -> bool {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    !text.is_empty() && text.bytes().all(is_plain)
}

impl MethodName {
    /// The method.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for MethodName {
    type Err = InvalidText;

    fn from_str(text: &str) -> Result<Self, InvalidText> {
        const WHAT: &str = "a method";
        if !is_token(text) {
            return Err(invalid(text, WHAT, "write it as GET or POST"));
        }
        if text == "CONNECT" {
            return Err(invalid(text, WHAT, "the gateway opens no tunnels for visitors"));
        }
        if text.bytes().any(|b| b.is_ascii_lowercase()) {
            return Err(invalid(text, WHAT, "methods tell upper from lower case; write it as GET or POST"));
        }
        Ok(MethodName(text.to_owned()))
    }
}

impl fmt::Display for MethodName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl HeaderField {
    /// The name, in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for HeaderField {
    type Err = InvalidText;

    fn from_str(text: &str) -> Result<Self, InvalidText> {
        const WHAT: &str = "the name of a header";
        if text.starts_with(':') {
            return Err(invalid(
                text,
                WHAT,
                "what begins with `:` is no header; a route has `host` and `path`",
            ));
        }
        if !is_token(text) {
            return Err(invalid(text, WHAT, "letters, digits, `-` and `_` can be part of it"));
        }
        Ok(HeaderField(text.to_ascii_lowercase()))
    }
}

impl fmt::Display for HeaderField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Wanted {
    /// Whether a value is what is wanted; `None` is one that is not there.
    pub fn takes(&self, value: Option<&str>) -> bool {
        match (self, value) {
            (_, None) => false,
            (Wanted::Any, Some(_)) => true,
            (Wanted::Exact(wanted), Some(value)) => wanted == value,
        }
    }
}

impl FromStr for Wanted {
    type Err = InvalidText;

    fn from_str(text: &str) -> Result<Self, InvalidText> {
        Ok(if text == "*" { Wanted::Any } else { Wanted::Exact(text.to_owned()) })
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Wanted::Any => f.write_str("*"),
            Wanted::Exact(value) => f.write_str(value),
        }
    }
}

impl Scheme {
    /// `http` or `https`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Scheme::Http => "http",
            Scheme::Https => "https",
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

through_text!(MethodName, HeaderField, Wanted);

text_schema!(MethodName, "^[A-Z0-9!#$%&'*+.^_`|~-]+$", "GET");
text_schema!(HeaderField, "^[A-Za-z0-9!#$%&'*+.^_`|~-]+$", "x-beta");
text_schema!(Wanted, "", "1");
