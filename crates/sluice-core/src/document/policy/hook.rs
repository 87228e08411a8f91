//! Webhooks: what other programs are asked and told.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Span;

/// Ten seconds: whoever needs longer answers `wait` and is asked again.
pub const DEFAULT_HOOK_TIMEOUT: Span = Span::from_secs(10);

/// Where a webhook is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Hook {
    /// The address, `http` or `https`.
    pub url: HookUrl,
    /// What requests are signed with (HMAC-SHA256), kept outside of documents. Unsigned when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<SecretSource>,
    /// How long an answer may take. Default 10s.
    #[serde(default = "default_timeout")]
    pub timeout: Span,
}

fn default_timeout() -> Span {
    DEFAULT_HOOK_TIMEOUT
}

/// Where a secret is kept: the server's environment, or a file that the server can read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum SecretSource {
    /// A variable of the server's environment.
    Env(String),
    /// A file; white space at its end does not count.
    File(String),
}

/// An absolute `http` or `https` address without user name or fragment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, pattern = "^https?://", example = "https://ci.example.com/verdict")]
pub struct HookUrl(String);

/// Why text is no address of a webhook.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is no address of a webhook: {why}")]
pub struct InvalidHookUrl {
    /// The text that was given.
    pub given: String,
    /// The rule that it breaks.
    pub why: &'static str,
}

impl HookUrl {
    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for HookUrl {
    type Err = InvalidHookUrl;

    fn from_str(text: &str) -> Result<Self, InvalidHookUrl> {
        let invalid = |why| Err(InvalidHookUrl { given: text.to_owned(), why });
        let Some(rest) = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://")) else {
            return invalid("it begins with http:// or https://");
        };
        let authority = rest.split(['/', '?']).next().unwrap_or_default();
        if authority.is_empty() || authority.starts_with(':') {
            return invalid("it names no host");
        }
        if authority.contains('@') {
            return invalid("a user name or password does not belong in a document; sign with `secret`");
        }
        if !text.bytes().all(|b| b.is_ascii_graphic()) || text.contains('#') {
            return invalid("spaces, `#` and other than ASCII letters cannot be part of it");
        }
        Ok(HookUrl(text.to_owned()))
    }
}

impl fmt::Display for HookUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl TryFrom<String> for HookUrl {
    type Error = InvalidHookUrl;
    fn try_from(text: String) -> Result<Self, InvalidHookUrl> {
        text.parse()
    }
}

impl From<HookUrl> for String {
    fn from(url: HookUrl) -> String {
        url.0
    }
}
