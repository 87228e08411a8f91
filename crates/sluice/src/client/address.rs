//! Where the server is: `http://127.0.0.1:7070`.

use std::fmt;
use std::str::FromStr;

/// The address of a server: `http://`, a host, and a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ServerAddress(String);

/// Text that is no address of a server.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{why}; write it as http://127.0.0.1:7070")]
pub(crate) struct InvalidAddress {
    why: &'static str,
}

impl FromStr for ServerAddress {
    type Err = InvalidAddress;

    fn from_str(text: &str) -> Result<Self, InvalidAddress> {
        let invalid = |why| InvalidAddress { why };
        if text.starts_with("https://") {
            return Err(invalid(
                "only http:// is spoken so far, to a server on this machine or through a tunnel",
            ));
        }
        let rest = text.strip_prefix("http://").ok_or_else(|| invalid("it must begin with http://"))?;
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        if authority.is_empty() || authority.starts_with(':') {
            return Err(invalid("the host is missing"));
        }
        if authority.contains(['/', '?', '#', '@', ' ']) {
            return Err(invalid("it is a host and a port, without a path or a user"));
        }
        Ok(ServerAddress(format!("http://{authority}")))
    }
}

/// Without a trailing `/`.
impl fmt::Display for ServerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_host_and_a_port_and_nothing_else() {
        for text in ["http://127.0.0.1:7070", "http://localhost", "http://[::1]:7070/"] {
            assert_eq!(text.parse::<ServerAddress>().unwrap().to_string(), text.trim_end_matches('/'));
        }
        for text in
            ["", "127.0.0.1:7070", "https://x:1", "http://", "http://:7070", "http://a/b", "http://u@a"]
        {
            assert!(text.parse::<ServerAddress>().is_err(), "{text:?} was taken");
        }
    }
}
