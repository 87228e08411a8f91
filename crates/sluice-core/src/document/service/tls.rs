//! How a service's endpoints are trusted, and how the gateway shows them who it is.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{InvalidText, invalid};

/// TLS to the endpoints of a service that are written `https://`. Files are named here and read where the gateway runs, so
/// that no secret is ever in a document; changed files are read again by themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EndpointTls {
    /// A PEM file with the authorities that endpoints' certificates may be issued by. Default: those that the gateway's
    /// machine trusts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca: Option<FilePath>,
    /// What the gateway shows to endpoints that ask for a certificate (mutual TLS).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<ClientCertificate>,
    /// The name that certificates must be for. Default: the endpoint's host.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_name: Option<TlsName>,
}

/// A certificate of the gateway's own, by its files.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ClientCertificate {
    /// A PEM file with the certificate first, then what it was issued by.
    pub certificate: FilePath,
    /// A PEM file with its private key. Default: the same file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<FilePath>,
}

/// An absolute path on the gateway's machine.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FilePath(String);

/// A name that a certificate can be for: a host name or an address.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TlsName(String);

impl FilePath {
    /// The path.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for FilePath {
    type Err = InvalidText;

    fn from_str(text: &str) -> Result<Self, InvalidText> {
        const WHAT: &str = "a file";
        if text.contains("-----BEGIN") {
            // What was given may be a key, and must not be repeated by whoever shows the problem.
            return Err(invalid("-----BEGIN…", WHAT, "give the path of a file, not what is in it"));
        }
        if !text.starts_with('/') || text.ends_with('/') || text.bytes().any(|byte| byte.is_ascii_control()) {
            return Err(invalid(text, WHAT, "write its absolute path, as /etc/sluice/endpoints/ca.pem"));
        }
        Ok(FilePath(text.to_owned()))
    }
}

impl fmt::Display for FilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TlsName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TlsName {
    type Err = InvalidText;

    fn from_str(text: &str) -> Result<Self, InvalidText> {
        let label = |label: &str| {
            !label.is_empty()
                && label.len() <= 63
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        };
        let is_name = text.len() <= 253 && text.split('.').all(label);
        if is_name || text.parse::<std::net::IpAddr>().is_ok() {
            return Ok(TlsName(text.to_ascii_lowercase()));
        }
        Err(invalid(text, "the name of a server", "write a host name or an address, as api.internal"))
    }
}

impl fmt::Display for TlsName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

through_text!(FilePath, TlsName);

text_schema!(FilePath, r"^/.*[^/]$", "/etc/sluice/endpoints/ca.pem");
text_schema!(TlsName, r"^[A-Za-z0-9_.:-]+$", "api.internal");
