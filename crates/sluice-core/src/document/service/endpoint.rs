//! Where a copy of a version listens.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{InvalidText, invalid};

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

through_text!(Endpoint);

text_schema!(Endpoint, r"^http://[^/?#@]+/?$", "http://127.0.0.1:9001");
